import numpy as np
import pytest
from graspsim.objects.adversarial import KINDS
from solids_for_tests import Surface, solid_of
from vessels_for_tests import first_hits

from graspsim.geometry import Array
from graspsim.meshes import face_normals
from graspsim.models import ObjectModel, make_object


def shape(kind: str, seed: int = 0, **fixed: object) -> ObjectModel:
    return make_object("adversarial", np.random.default_rng(seed), kind=kind, **fixed)


def unit_normals(model: ObjectModel) -> Array:
    normals = face_normals(model.mesh.vertices, model.mesh.faces)
    return np.asarray(normals / np.linalg.norm(normals, axis=1, keepdims=True))


def share_for_fingers(model: ObjectModel, cone_deg: float = 10.0) -> float:
    """Return the share of a body's sides where two fingers, closing level, meet faces within their friction cones."""
    normals, surface = unit_normals(model), Surface(model.mesh)
    sides = np.flatnonzero(np.abs(normals[:, 2]) < 0.7)
    if not len(sides):
        return 0.0
    rng = np.random.default_rng(0)
    picked = rng.choice(sides, 100, p=surface.areas[sides] / surface.areas[sides].sum())
    points = np.einsum("ik,ikj->ij", rng.dirichlet([1, 1, 1], 100), surface.corners[picked])
    closing = -normals[picked] * (1, 1, 0)
    closing /= np.linalg.norm(closing, axis=1, keepdims=True)
    start = points + 1e-6 * closing
    opposite = surface.nearest(start + first_hits(start, closing, model.mesh)[:, None] * closing)[1]
    within = [np.einsum("ij,ij->i", n, closing) for n in (-normals[picked], normals[opposite])]
    return float((np.minimum(*within) > np.cos(np.radians(cone_deg))).mean())


@pytest.mark.parametrize(
    ("kind", "discrete", "continuous"),
    [
        ("tetrahedron", 0, 0),
        ("wedge", 1, 0),
        ("frustum", 4, 0),
        ("cone", 0, 1),
        ("bipyramid", 4, 0),
        ("discus", 0, 1),
        ("lens", 1, 1),
        ("twisted prism", 4, 0),
        ("skewed block", 0, 0),
    ],
)
def test_each_kind_states_its_symmetries(kind: str, discrete: int, continuous: int) -> None:
    symmetries = shape(kind, sides=5).symmetries
    assert (len(symmetries.discrete), len(symmetries.continuous)) == (discrete, continuous)


@pytest.mark.parametrize("kind", KINDS)
def test_level_fingers_find_few_places_that_face_each_other(kind: str) -> None:
    share = np.mean([share_for_fingers(shape(kind, seed)) for seed in range(4)])
    assert share <= (0.15 if kind in ("wedge", "twisted prism") else 0)


def test_level_fingers_find_such_places_all_over_a_box() -> None:
    box = make_object("primitives", np.random.default_rng(0), shape="box")
    assert share_for_fingers(box) == 1


@pytest.mark.parametrize("taper_deg", [8.0, 15.0])
def test_sides_lean_by_the_taper(taper_deg: float) -> None:
    cone = shape("cone", taper_deg=taper_deg, height_ratio=0.6)
    side = np.abs(unit_normals(cone)[:, 2]) < 0.9
    assert np.degrees(np.arcsin(unit_normals(cone)[side, 2])) == pytest.approx(taper_deg, abs=0.1)
    # Of a frustum the edges do, and the faces between them a little less.
    for seed in range(3):
        frustum = shape("frustum", seed, taper_deg=taper_deg, height_ratio=0.6, sides=4)
        lean = np.abs(unit_normals(frustum)[:, 2])
        between = np.degrees(np.arctan(np.tan(np.radians(taper_deg)) * np.cos(np.pi / 4)))
        assert np.degrees(np.arcsin(lean[lean < 0.9])) == pytest.approx(between)


def test_a_steep_taper_still_leaves_a_top() -> None:
    cone = shape("cone", taper_deg=45.0, height_ratio=2.0, width_m=0.05)
    top = cone.mesh.vertices[cone.mesh.vertices[:, 2] > cone.extents_m[2] / 2 - 1e-9]
    assert cone.extents_m[2] == pytest.approx(0.1)
    assert np.ptp(top[:, 0]) == pytest.approx(0.12 * 0.05)


@pytest.mark.parametrize("sides", [3, 8])
def test_the_top_of_a_twisted_prism_is_turned_against_its_foot(sides: int) -> None:
    model = shape("twisted prism", sides=sides, twist_deg=40.0)
    vertices = model.mesh.vertices
    corners = []
    for z in (vertices[:, 2].min(), vertices[:, 2].max()):
        x, y = vertices[np.abs(vertices[:, 2] - z) < 1e-9, :2].T
        x, y = x - model.center_of_mass[0], y - model.center_of_mass[1]
        outermost = np.hypot(x, y) > (1 - 1e-6) * np.hypot(x, y).max()
        assert outermost.sum() == sides
        corners.append(np.degrees(np.arctan2(y, x))[outermost])
    turned = (corners[1][:, None] - corners[0]) % 360
    assert (np.abs(turned - 40.0) < 1e-6).sum() == sides


@pytest.mark.parametrize("kind", KINDS)
def test_it_is_about_as_broad_as_its_width(kind: str) -> None:
    for seed in range(4):
        model = shape(kind, seed, width_m=0.06, sides=6, height_ratio=0.5, taper_deg=20.0)
        assert 0.9 * 0.06 < model.extents_m[:2].max() < 1.35 * 0.06


def test_a_disc_has_a_sharp_rim_as_wide_as_the_whole() -> None:
    for kind in ("lens", "discus"):
        model = shape(kind, width_m=0.08)
        rim = np.hypot(*model.mesh.vertices[:, :2].T) > 0.04 - 1e-9
        assert np.ptp(model.mesh.vertices[rim, 2]) < 1e-9
        level = model.mesh.vertices[rim, 2].mean()
        # Close to the rim hardly anything is left.
        thickness = [solid_of(model.mesh).slice(level + z).area() for z in (0.0, 0.002)]
        assert thickness[1] < 0.95 * thickness[0]
        assert (level == pytest.approx(0, abs=1e-9)) == (kind == "lens")
