import numpy as np
import pytest
from graspsim.objects.rocks import KINDS, WIDEST_GRASP_M
from scipy.spatial import ConvexHull

from graspsim.meshes import face_normals
from graspsim.models import ObjectModel, make_object


def rock(kind: str, seed: int = 0, **fixed: object) -> ObjectModel:
    return make_object("rocks", np.random.default_rng(seed), kind=kind, **fixed)


def depth_of_dents(model: ObjectModel) -> float:
    """Return how far inside its convex hull the surface lies at most, over the diameter."""
    equations = ConvexHull(model.mesh.vertices).equations
    inside = -(model.mesh.vertices @ equations[:, :3].T + equations[:, 3]).max(axis=1)
    return float(inside.max() / model.diameter_m)


def flats(model: ObjectModel) -> int:
    """Return the number of directions that faces point in."""
    normals = face_normals(model.mesh.vertices, model.mesh.faces)
    normals /= np.linalg.norm(normals, axis=1, keepdims=True)
    return len(np.unique((normals @ normals.T > 1 - 1e-9).argmax(axis=1)))


@pytest.mark.parametrize("kind", KINDS)
def test_no_two_stones_are_alike_and_none_is_symmetric(kind: str) -> None:
    one, other = rock(kind, 0, size_m=0.06), rock(kind, 1, size_m=0.06)
    assert one.volume_m3 != pytest.approx(other.volume_m3, rel=0.01)
    assert one.symmetries.discrete == one.symmetries.continuous == ()


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("size_m", [0.02, 0.06, 0.2])
def test_the_largest_extent_is_the_size_unless_the_hand_is_too_small(kind: str, size_m: float) -> None:
    for seed in range(6):
        extents = rock(kind, seed, size_m=size_m).extents_m
        if extents.min() < WIDEST_GRASP_M * (1 - 1e-9):
            assert extents.max() == pytest.approx(size_m)
        else:
            assert extents.min() == pytest.approx(WIDEST_GRASP_M)
            assert extents.max() <= size_m


@pytest.mark.parametrize("kind", ["pebble", "stone"])
def test_the_ratios_stretch_what_is_round(kind: str) -> None:
    square, long, flat = (
        rock(kind, length_ratio=length, flatness=flatness).extents_m
        for length, flatness in ((1.0, 1.0), (2.0, 1.0), (1.0, 0.5))
    )
    assert long[0] / long[1] == pytest.approx(2 * square[0] / square[1])
    assert flat[2] / flat[1] == pytest.approx(0.5 * square[2] / square[1])


@pytest.mark.parametrize("facets", [8, 13, 18])
def test_crushed_rock_is_convex_with_so_many_faces(facets: int) -> None:
    for seed in range(4):
        stone = rock("crushed", seed, facets=facets)
        assert stone.volume_m3 == pytest.approx(ConvexHull(stone.mesh.vertices).volume)
        # Few planes lie so far outside that the others cut them off.
        assert facets - 2 <= flats(stone) <= facets


def test_a_pebble_has_no_dents_and_a_rough_stone_has_shallow_ones() -> None:
    for seed in range(8):
        assert depth_of_dents(rock("pebble", seed)) < 1e-9
    rough = [depth_of_dents(rock("stone", seed, roughness=1.0)) for seed in range(16)]
    smooth = [depth_of_dents(rock("stone", seed, roughness=0.3)) for seed in range(16)]
    assert 0.004 < np.median(rough) < max(rough) < 0.05
    assert np.median(smooth) < 1e-9


def test_roughness_makes_a_stone_unlike_an_ellipsoid() -> None:
    def unlike(roughness: float) -> float:
        stone = rock("stone", 3, roughness=roughness, length_ratio=1.0, flatness=1.0)
        far = np.linalg.norm(stone.mesh.vertices - stone.center_of_mass, axis=1)
        return float(far.std() / far.mean())

    assert unlike(0.3) < unlike(0.6) < unlike(1.0)
