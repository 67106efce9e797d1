import numpy as np
import pytest
from solids_for_tests import Surface, count_surfaces, is_closed, solid_of

from graspsim.assembly import assembled, cut
from graspsim.errors import MeshError
from graspsim.geometry import Array, transform
from graspsim.meshes import box_mesh
from graspsim.models import ObjectModel, Slot, Symmetries
from graspsim.solids import Solid, cuboid, hull, turned

STEEL_AND_WOOD = (Slot("head", 7.8), Slot("handle", 0.65))
HEAD, HANDLE = (0.06, 0.03, 0.03), (0.02, 0.02, 0.1)


def at(solid: Solid, *place: float) -> Solid:
    return solid.moved(transform(translation=place))


def hammer(overlap: float = 0.01, slots: tuple[Slot, ...] = STEEL_AND_WOOD) -> ObjectModel:
    """A box on a box, which overlap."""
    head = at(cuboid(HEAD), 0, 0, HANDLE[2] / 2 + HEAD[2] / 2 - overlap)
    return assembled("hammer", [(head, 0), (cuboid(HANDLE), 1)], Symmetries(), slots)


def boxes_properties(boxes: list[tuple[Array, Array, float]]) -> tuple[Array, Array]:
    """Centre of mass and inertia about it, over the mean density, of boxes (size, centre, density) side by side."""
    volumes = np.array([size.prod() for size, _, _ in boxes])
    masses = volumes * [density for _, _, density in boxes]
    masses *= volumes.sum() / masses.sum()
    center = masses @ np.array([c for _, c, _ in boxes]) / masses.sum()
    inertia = np.zeros((3, 3))
    for (size, place, _), mass in zip(boxes, masses, strict=True):
        squares = size**2
        inertia += np.diag(mass / 12 * (squares.sum() - squares))
        off = place - center
        inertia += mass * (off @ off * np.eye(3) - np.outer(off, off))  # Steiner
    return center, inertia


@pytest.mark.parametrize("overlap", [0.0, 0.01])
def test_two_slots_have_the_mass_properties_of_their_formula(overlap: float) -> None:
    model = hammer(overlap)
    # The head comes first, so that the handle ends where the head begins.
    length = HANDLE[2] - overlap
    total = length + HEAD[2]
    center, inertia = boxes_properties(
        [
            (np.array(HEAD), np.array([0, 0, total / 2 - HEAD[2] / 2]), 7.8),
            (np.array([*HANDLE[:2], length]), np.array([0, 0, -total / 2 + length / 2]), 0.65),
        ]
    )
    assert np.allclose(model.center_of_mass, center, atol=1e-9)
    assert np.allclose(model.inertia_per_density, inertia, rtol=1e-6, atol=1e-14)
    assert model.volume_m3 == pytest.approx(np.prod(HEAD) + np.prod(HANDLE[:2]) * length)


def test_slots_of_one_density_weigh_as_one_body() -> None:
    two, one = hammer(slots=(Slot("head"), Slot("handle"))), hammer(slots=(Slot("a", 3.0), Slot("b", 3.0)))
    assert np.allclose(two.center_of_mass, one.center_of_mass)
    assert two.center_of_mass[2] < hammer().center_of_mass[2]


def test_a_union_keeps_the_slots_of_its_pieces() -> None:
    model = hammer()
    surface = Surface(model.mesh)
    areas = [surface.areas[model.mesh.face_slots == slot].sum() for slot in (0, 1)]
    x, y, z = HEAD
    assert areas[0] == pytest.approx(2 * (x * y + y * z + z * x) - HANDLE[0] * HANDLE[1])
    assert areas[1] == pytest.approx(HANDLE[0] * HANDLE[1] + 4 * HANDLE[0] * (HANDLE[2] - 0.01))


def test_the_earlier_of_two_solids_in_one_place_wins() -> None:
    core, bar = (cuboid((0.02, 0.02, 0.02)), 0), (cuboid((0.02, 0.02, 0.04)), 1)
    first = assembled("bar", [core, bar], Symmetries(), STEEL_AND_WOOD)
    later = assembled("bar", [bar, core], Symmetries(), STEEL_AND_WOOD)
    # Half of steel and half of wood, or all of wood.
    assert first.inertia_per_density[0, 0] < 0.5 * later.inertia_per_density[0, 0]


def test_a_union_keeps_the_texture_of_its_pieces() -> None:
    shaft = turned([(0, -0.03), (0.01, -0.03), (0.01, 0.03), (0, 0.03)])
    model = assembled("peg", [shaft, at(cuboid((0.05, 0.05, 0.01)), 0, 0, -0.025)], Symmetries())
    union, piece = Surface(model.mesh), Surface(shaft.mesh)
    points = piece.sample(200, np.random.default_rng(0), np.arange(len(piece.areas)))
    points = points[np.abs(points[:, 2]) < 0.0199]
    distance, face = union.nearest(points)
    assert distance.max() < 1e-9
    apart = uv_at(union, points, face) - uv_at(piece, points, piece.nearest(points)[1])
    # Around the shaft the texture may have gone round once more.
    assert np.abs((apart + 0.5) % 1 - 0.5).max() < 1e-4


def uv_at(surface: Surface, points: Array, faces: np.ndarray) -> Array:
    """Return the UVs (n, 2) of points (n, 3) in faces (n,)."""
    a, b, c = np.moveaxis(surface.corners[faces], 1, 0)
    columns = np.stack([b - a, c - a], axis=2)
    shares = np.einsum("nij,nj->ni", np.linalg.pinv(columns), points - a)
    weights = np.column_stack([1 - shares.sum(axis=1), shares])
    return np.einsum("ni,nij->nj", weights, surface.mesh.corner_uvs[faces].astype(np.float64))


def test_a_solid_alone_is_left_as_it_is() -> None:
    solid = turned([(0, -0.03), (0.02, -0.03), (0.02, 0.03), (0, 0.03)])
    model = assembled("cylinder", [solid], Symmetries())
    assert np.array_equal(model.mesh.faces, solid.mesh.faces)
    assert np.allclose(model.mesh.vertices, solid.mesh.vertices)


def test_pieces_that_do_not_touch_are_refused() -> None:
    with pytest.raises(MeshError, match=r"pair has 2 surfaces, but an object is one body"):
        assembled("pair", [cuboid((0.01,) * 3), at(cuboid((0.01,) * 3), 0.05, 0, 0)], Symmetries())


def test_a_void_is_refused() -> None:
    plates = [at(cuboid((0.05, 0.05, 0.01)), 0, 0, z) for z in (-0.02, 0.02)]
    plates += [at(cuboid((0.05, 0.01, 0.05)), 0, y, 0) for y in (-0.02, 0.02)]
    plates += [at(cuboid((0.01, 0.05, 0.05)), x, 0, 0) for x in (-0.02, 0.02)]
    with pytest.raises(MeshError, match="crate has 2 surfaces"):
        assembled("crate", plates, Symmetries())


def test_what_is_cut_off_is_gone_and_the_rest_stays() -> None:
    drilled = cut(box_mesh((0.04, 0.04, 0.02)), [turned([(0, -1), (0.01, -1), (0.01, 1), (0, 1)]).mesh])
    assert is_closed(drilled)
    assert count_surfaces(drilled) == 1
    hole = 26 * np.sin(2 * np.pi / 52) * 0.01**2 * 0.02
    assert solid_of(drilled).volume() == pytest.approx(0.04 * 0.04 * 0.02 - hole)
    assert solid_of(drilled).genus() == 1


def test_a_cut_in_two_is_refused() -> None:
    with pytest.raises(MeshError, match="The cut leaves 2 surfaces"):
        cut(box_mesh((0.1, 0.02, 0.02)), [box_mesh((0.02, 0.1, 0.1))])


def test_parts_are_those_of_all_pieces() -> None:
    pieces = [hull(np.random.default_rng(k).normal(size=(12, 3)) * 0.02) for k in range(3)]
    model = assembled("hulls", pieces, Symmetries())
    assert [len(part) for part in model.parts] == [len(piece.parts[0]) for piece in pieces]
