import numpy as np
import pytest
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components
from solids_for_tests import solid_of
from vessels_for_tests import in_parts

from graspsim.meshes import face_normals
from graspsim.models import ObjectModel, make_object

SIXTEEN = 8 * np.sin(np.pi / 8)
"""Area of a regular polygon of sixteen corners over that of the square upon its circle's radius."""


def tube(kind: str, seed: int = 0, **fixed: object) -> ObjectModel:
    return make_object("tubes", np.random.default_rng(seed), kind=kind, **fixed)


@pytest.mark.parametrize(
    ("kind", "discrete", "continuous"),
    [("bent", 0, 0), ("ring", 1, 1), ("handle", 1, 0), ("spring", 1, 0), ("hook", 0, 0)],
)
def test_each_kind_states_its_symmetries(kind: str, discrete: int, continuous: int) -> None:
    symmetries = tube(kind).symmetries
    assert (len(symmetries.discrete), len(symmetries.continuous)) == (discrete, continuous)


@pytest.mark.parametrize("size_ratio", [2.2, 5.0])
def test_a_ring_is_as_large_as_pappus_says(size_ratio: float) -> None:
    for seed in range(3):
        ring = tube("ring", seed, radius_m=0.008, size_ratio=size_ratio)
        # The section is an ellipse, as high as the ring.
        area = SIXTEEN * 0.008 * ring.extents_m[2] / 2
        assert ring.volume_m3 == pytest.approx(2 * np.pi * size_ratio * 0.008 * area, rel=0.003)
        assert ring.extents_m[:2] == pytest.approx(2 * 0.008 * (size_ratio + 1))
        assert solid_of(ring.mesh).genus() == 1


@pytest.mark.parametrize("coils", [1.5, 2.5])
def test_a_spring_is_a_wire_as_long_as_its_coils(coils: float) -> None:
    wire, coil = 0.6 * 0.01, 1.3 * 3 * 0.6 * 0.01
    # The same rise for all coils, since the seed is the same.
    short, long, spring = (tube("spring", radius_m=0.01, size_ratio=3.0, coils=n) for n in (1.5, 2.0, coils))
    rise = (long.extents_m[2] - short.extents_m[2]) / np.pi
    assert 2.6 * wire <= 2 * np.pi * rise <= 3.4 * wire
    length = 2 * np.pi * coils * np.hypot(coil, rise)
    # Twenty-two steps to a turn cut its corners a little.
    assert spring.volume_m3 == pytest.approx(SIXTEEN * wire**2 * length, rel=0.02)
    # Along its axis one sees through it.
    assert not in_parts(np.linspace(-1, 1, 50)[:, None] * [0, 0, spring.extents_m[2]], spring).any()


@pytest.mark.parametrize("bend_deg", [20.0, 65.0, 110.0])
def test_a_rod_bent_once_turns_by_that_angle(bend_deg: float) -> None:
    rod = tube("bent", bends=1, collars=0, bend_deg=bend_deg)
    normals = face_normals(rod.mesh.vertices, rod.mesh.faces)
    normals /= np.linalg.norm(normals, axis=1, keepdims=True)
    # No side has as many triangles in one direction as the flat ends.
    ends = normals[(normals @ normals.T > 1 - 1e-9).sum(axis=1) >= 16]
    assert len(ends) == 32
    assert np.degrees(np.arccos(-(ends[0] @ ends.T).min())) == pytest.approx(bend_deg, abs=0.01)


def test_a_rod_with_one_bend_is_flat_and_one_with_three_is_not() -> None:
    def across(seed: int, bends: int) -> float:
        vertices = tube("bent", seed, bends=bends, collars=0, radius_m=0.01, bend_deg=60.0).mesh.vertices
        return float(np.linalg.eigvalsh(np.cov(vertices.T, ddof=0))[0] ** 0.5)

    # About a plane the corners of a round rod scatter by its radius over √2.
    assert [across(seed, 1) for seed in range(6)] == pytest.approx([0.01 / np.sqrt(2)] * 6, rel=0.01)
    assert max(across(seed, 3) for seed in range(6)) > 0.012


@pytest.mark.parametrize("collars", [0, 1, 2])
def test_a_rod_has_so_many_collars(collars: int) -> None:
    rod = tube("bent", bends=2, collars=collars)
    shown = rod.mesh.faces[rod.mesh.face_slots == 1]
    used, links = np.unique(shown, return_inverse=True)
    links = links.reshape(-1, 3)[:, [0, 1, 1, 2]].reshape(-1, 2)
    graph = coo_array((np.ones(len(links)), (links[:, 0], links[:, 1])), shape=(len(used), len(used)))
    assert connected_components(graph, directed=False)[0] == collars


def test_fingers_fit_under_a_handle_and_a_rope_into_a_hook() -> None:
    for seed in range(4):
        handle = tube("handle", seed)
        half, low = handle.extents_m[0] / 2, -handle.extents_m[2] / 2
        under = [(x, 0.0, low + 0.3 * handle.extents_m[2]) for x in np.linspace(-0.3, 0.3, 9) * half]
        assert not in_parts(np.array(under), handle).any()
        hook = tube("hook", seed, size_ratio=3.0, radius_m=0.01)
        # The arc's lowest point, its middle, and above that the eye's.
        reach = 3.0 * 0.008
        floor = -hook.extents_m[2] / 2
        across = hook.mesh.vertices[hook.mesh.vertices[:, 2] < floor + 0.002, 0].mean()
        assert in_parts(np.array([[across, 0, floor + 0.008]]), hook)[0]
        assert not in_parts(np.array([[across, 0, floor + 0.008 + reach * t] for t in (0.5, 1.0, 1.5)]), hook).any()
        assert solid_of(hook.mesh).genus() == 1


def test_a_handle_is_longer_by_what_the_size_ratio_adds() -> None:
    short, long = (tube("handle", radius_m=0.01, size_ratio=ratio).extents_m[0] for ratio in (2.5, 3.5))
    assert long - short == pytest.approx(2 * 1.4 * 0.01)
