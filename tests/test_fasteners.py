import numpy as np
import pytest
from graspsim.objects.fasteners import BOLTS, NUTS
from scipy.spatial import ConvexHull
from solids_for_tests import solid_of

from graspsim.meshes import face_normals
from graspsim.models import ObjectModel, make_object


def fastener(kind: str, seed: int = 0, **fixed: object) -> ObjectModel:
    return make_object("fasteners", np.random.default_rng(seed), kind=kind, **fixed)


@pytest.mark.parametrize(
    ("kind", "fixed", "discrete", "continuous"),
    [
        ("hex bolt", {}, 5, 0),
        ("socket screw", {}, 5, 0),
        ("round-head screw", {"drive": "slot"}, 1, 0),
        ("round-head screw", {"drive": "cross"}, 3, 0),
        ("countersunk screw", {"drive": "hexagon"}, 5, 0),
        ("carriage bolt", {}, 3, 0),
        ("stud", {}, 1, 1),
        ("eye bolt", {}, 1, 0),
        ("hex nut", {}, 11, 0),
        ("square nut", {}, 7, 0),
        ("wing nut", {}, 1, 0),
        ("washer", {}, 1, 1),
    ],
)
def test_each_kind_states_its_symmetries(kind: str, fixed: dict[str, object], discrete: int, continuous: int) -> None:
    symmetries = fastener(kind, **fixed).symmetries
    assert (len(symmetries.discrete), len(symmetries.continuous)) == (discrete, continuous)


@pytest.mark.parametrize("kind", NUTS)
def test_a_nut_and_a_washer_have_a_hole_that_a_smaller_bolt_passes(kind: str) -> None:
    for seed in range(3):
        model = fastener(kind, seed)
        assert solid_of(model.mesh).genus() == 1
        diameter = model.parameters["diameter_m"] * (2 / 3 if kind == "wing nut" else 1)
        for angle in np.linspace(0, 2 * np.pi, 24):
            radius = 0.94 * diameter / 2
            point = np.array([radius * np.cos(angle), radius * np.sin(angle), 0.0])
            assert all(outside(part, point) for part in model.parts)


def outside(part: np.ndarray, point: np.ndarray) -> bool:
    equations = ConvexHull(part).equations
    return bool((equations[:, :3] @ point + equations[:, 3]).max() > 0)


@pytest.mark.parametrize("kind", ["socket screw", "round-head screw", "countersunk screw"])
def test_a_driver_fits_into_the_recess(kind: str) -> None:
    for drive in ("slot", "cross", "hexagon"):
        model = fastener(kind, drive=drive)
        top = np.array([0.0, 0.0, model.extents_m[2] / 2 - 0.1 * model.parameters["diameter_m"]])
        assert all(outside(part, top) for part in model.parts)


@pytest.mark.parametrize("kind", BOLTS)
def test_a_longer_bolt_is_longer_by_that(kind: str) -> None:
    short, long = (fastener(kind, diameter_m=0.02, length_ratio=ratio, head_ratio=1.0) for ratio in (2.0, 3.0))
    share = 2 / 3 if kind == "eye bolt" else 1
    assert long.extents_m[2] - short.extents_m[2] == pytest.approx(0.02 * share)


def test_a_hexagon_is_as_wide_as_the_spanner() -> None:
    model = fastener("hex nut", diameter_m=0.02, head_ratio=1.0)
    assert model.extents_m[1] == pytest.approx(1.6 * 0.02)
    assert model.extents_m[0] == pytest.approx(1.6 * 0.02 / np.cos(np.pi / 6))


def test_threads_are_seen_but_not_felt() -> None:
    smooth = {"hex bolt": 0.3, "stud": 0.3, "hex nut": 0.0}
    for kind in smooth:
        mesh = fastener(kind, diameter_m=0.02, thread_ratio=0.5).mesh
        flat = face_normals(mesh.vertices, mesh.faces)
        flat /= np.maximum(np.linalg.norm(flat, axis=1, keepdims=True), 1e-30)
        corners = mesh.vertices[mesh.faces]
        on_shank = (np.abs(np.hypot(corners[..., 0], corners[..., 1]) - 0.01) < 1e-6).all(axis=1)
        leaning = np.abs(mesh.corner_normals[on_shank][..., 2]) > 0.4
        # Each thread face leans down at its lower corners and up at its upper ones; the smooth ones do not lean.
        ridged = leaning.all(axis=1)
        assert ridged.any()
        assert (leaning.any(axis=1) == ridged).all()
        up = corners[on_shank][..., 2] > corners[on_shank][..., 2].mean(axis=1, keepdims=True)
        lean = mesh.corner_normals[on_shank][..., 2] > 0
        assert (lean == up)[ridged].mean() > 0.6
        assert np.abs(flat[on_shank][:, 2]).max() < 1e-3


def test_all_of_a_rod_may_be_threaded_or_little_of_it() -> None:
    def threaded(share: float) -> float:
        mesh = fastener("stud", thread_ratio=share).mesh
        return float((np.abs(mesh.corner_normals[..., 2]) > 0.4).all(axis=1).mean())

    assert threaded(1.0) > threaded(0.5)
