import numpy as np
import pytest
from scipy.spatial import ConvexHull
from solids_for_tests import count_surfaces, is_closed, solid_of, union_of

from graspsim.geometry import Array, rotation_about, transform
from graspsim.round_parts import lunes
from graspsim.shapes import circle
from graspsim.solids import (
    MAX_PARTS,
    PART_VERTICES,
    Solid,
    cuboid,
    ellipsoid,
    extruded,
    hollow,
    hull,
    limited,
    loft_parts,
    lofted,
    rounded_box,
    swept,
    turned,
)

R, H, TUBE = 0.03, 0.08, 0.008
CIRCLE = 0.5 * 52 * np.sin(2 * np.pi / 52)  # area of the 52-gon that stands for the unit circle


def ring(count: int, radius: float, z: float = 0.0) -> Array:
    return np.column_stack([circle(count) * radius, np.full(count, z)])


L_SHAPE = np.array([(0, 0), (0.06, 0), (0.06, 0.02), (0.02, 0.02), (0.02, 0.05), (0, 0.05)])
POINTS = np.random.default_rng(0).normal(size=(20, 3)) * 0.02

# Each with the volume that its formula gives.
EVERY = {
    "hull": (hull(POINTS), ConvexHull(POINTS).volume),
    "cuboid": (cuboid((0.02, 0.03, 0.05)), 3e-5),
    "cylinder": (turned([(0, 0), (R, 0), (R, H), (0, H)]), CIRCLE * R**2 * H),
    "cone": (turned([(0, 0), (R, 0), (0, H)]), CIRCLE * R**2 * H / 3),
    "stepped": (
        turned([(0, 0), (R, 0), (R, 0.02), (0.01, 0.02), (0.01, 0.06), (0, 0.06)]),
        CIRCLE * (R**2 * 0.02 + 0.01**2 * 0.04),
    ),
    "ball": (ellipsoid((R, R, R), 72, 36), 4 / 3 * np.pi * R**3),
    "ellipsoid": (ellipsoid((0.02, 0.03, 0.05), 72, 36), 4 / 3 * np.pi * 3e-5),
    "extruded": (extruded(L_SHAPE, [[0, 1, 2, 3], [0, 3, 4, 5]], 0.03), 0.0018 * 0.03),
    "lofted": (lofted(np.stack([ring(16, R), ring(16, R, H)])), 8 * np.sin(np.pi / 8) * R**2 * H),
    # Pappus: the section's area times the way of its centre; of chords the polygon that they are.
    "torus": (
        swept(ring(64, R), circle(16) * TUBE, is_closed=True),
        8 * np.sin(np.pi / 8) * TUBE**2 * 64 * 2 * R * np.sin(np.pi / 64),
    ),
    "rounded box": (rounded_box((0.04, 0.05, 0.06), 0.006, 12), None),
}
CUP = hollow(np.array([(R, 0), (R, H)]), np.array([(R - 0.003, 0.003), (R - 0.003, H)]))


@pytest.mark.parametrize("name", EVERY)
def test_a_solid_is_closed_and_has_the_volume_of_its_formula(name: str) -> None:
    solid, volume_m3 = EVERY[name]
    assert is_closed(solid.mesh)
    assert count_surfaces(solid.mesh) == 1
    if volume_m3 is not None:
        assert solid_of(solid.mesh).volume() == pytest.approx(volume_m3, rel=5e-3)


@pytest.mark.parametrize("name", EVERY)
def test_the_parts_of_a_solid_are_small_and_fill_it(name: str) -> None:
    solid, _ = EVERY[name]
    assert len(solid.parts) <= MAX_PARTS
    assert max(len(part) for part in solid.parts) <= PART_VERTICES
    seen, felt = solid_of(solid.mesh), union_of(solid.parts)
    assert (seen - felt).volume() + (felt - seen).volume() < 0.02 * seen.volume()


def test_a_rounded_box_loses_its_edges_and_corners() -> None:
    x, y, z, r = 0.04, 0.05, 0.06, 0.006
    # Steiner's formula for a box grown by a ball.
    a, b, c = x - 2 * r, y - 2 * r, z - 2 * r
    volume = a * b * c + 2 * r * (a * b + b * c + c * a) + np.pi * r**2 * (a + b + c) + 4 / 3 * np.pi * r**3
    assert solid_of(rounded_box((x, y, z), r, 12).mesh).volume() == pytest.approx(volume, rel=2e-3)


def test_a_cup_encloses_air_and_its_parts_leave_it_free() -> None:
    inner = R - 0.003
    assert solid_of(CUP.mesh).volume() == pytest.approx(CIRCLE * (R**2 * H - inner**2 * (H - 0.003)), rel=1e-9)
    air = solid_of(turned([(0, 0.0031), (0.97 * inner, 0.0031), (0.97 * inner, H), (0, H)]).mesh)
    assert (union_of(CUP.parts) ^ air).volume() < 1e-3 * air.volume()
    assert union_of(CUP.parts).volume() == pytest.approx(solid_of(CUP.mesh).volume(), rel=0.02)


def test_the_parts_of_a_turned_solid_are_as_few_as_its_shape_allows() -> None:
    assert len(EVERY["cylinder"][0].parts) == len(EVERY["cone"][0].parts) == 1
    assert len(EVERY["stepped"][0].parts) == 2
    # A cone has a tip, not a small circle.
    assert len(EVERY["cone"][0].parts[0]) == PART_VERTICES // 2 + 1


@pytest.mark.parametrize("sectors", [3, 4, 6])
def test_lunes_fill_the_sphere_side_by_side(sectors: int) -> None:
    points, angles = lunes(sectors=sectors)
    assert np.allclose(np.linalg.norm(points, axis=2), 1)
    assert np.allclose(points[..., 2], np.sin(angles[..., 1]))
    assert np.allclose(points[0] @ rotation_about((0, 0, 1), 2 * np.pi / sectors).T, points[1])
    whole = ConvexHull(points.reshape(-1, 3)).volume
    assert union_of(tuple(points)).volume() == pytest.approx(whole)
    assert sum(ConvexHull(part).volume for part in points) == pytest.approx(whole)


@pytest.mark.parametrize("count", [1, 3, 8])
def test_a_turned_solid_has_no_more_parts_than_asked_for(count: int) -> None:
    z = np.linspace(0, H, 30)
    wavy = np.column_stack([0.02 + 0.006 * np.sin(150 * z), z])
    solid = turned([(0, 0), *wavy, (0, H)], max_parts=count)
    assert len(solid.parts) <= count
    assert union_of(solid.parts).volume() == pytest.approx(solid_of(solid.mesh).volume(), rel=1e-6)


def test_the_parts_of_a_straight_loft_are_one() -> None:
    sections = np.stack([ring(16, R - 0.002 * k, 0.01 * k) for k in range(8)])
    assert len(loft_parts(sections)) == 1


@pytest.mark.parametrize("count", [8, 16, 32])
def test_a_limited_part_keeps_the_volume_and_the_count(count: int) -> None:
    points = np.random.default_rng(1).normal(size=(200, 3))
    points /= np.linalg.norm(points, axis=1, keepdims=True)
    part = limited(points, count)
    assert len(part) == count
    assert ConvexHull(part).volume == pytest.approx(ConvexHull(points).volume)


def test_a_part_that_is_small_enough_is_left_as_it_is() -> None:
    points = np.random.default_rng(2).normal(size=(PART_VERTICES, 3))
    assert {tuple(p) for p in np.round(points, 9)} == {tuple(p) for p in np.round(limited(points), 9)}


def test_a_solid_moves_with_its_parts() -> None:
    motion = transform(rotation_about((1, 2, 3), 0.7), (0.1, 0.2, 0.3))
    solid = EVERY["cone"][0]
    moved: Solid = solid.moved(motion)
    assert union_of(moved.parts).volume() == pytest.approx(union_of(solid.parts).volume())
    whole = solid_of(moved.mesh) ^ union_of(moved.parts)
    assert whole.volume() == pytest.approx((solid_of(solid.mesh) ^ union_of(solid.parts)).volume())
