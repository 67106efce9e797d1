import numpy as np
import pytest
from solids_for_tests import count_surfaces, is_closed, solid_of, union_of

from graspsim.contours import Contour, disc, rounded, stadium
from graspsim.errors import MeshError
from graspsim.geometry import Array
from graspsim.polygons import convex_pieces, divided, plate

SQUARE = np.array([(-0.05, -0.05), (0.05, -0.05), (0.05, 0.05), (-0.05, 0.05)])
L_SHAPE = np.array([(0.0, 0.0), (0.1, 0.0), (0.1, 0.03), (0.03, 0.03), (0.03, 0.08), (0.0, 0.08)])
CONTOURS = {
    "disc": (disc((0.01, 0.02), 0.02), np.pi * 0.02**2),
    "stadium": (stadium((0, 0), (0.03, 0.01), 0.01), np.pi * 0.01**2 + 0.02 * np.hypot(0.03, 0.01)),
    "rounded square": (rounded(SQUARE, 0.01), 0.1**2 - (4 - np.pi) * 0.01**2),
    # One corner of six bends to the right, and its rounding adds what the others take.
    "rounded L": (rounded(L_SHAPE, 0.005), 0.1 * 0.03 + 0.03 * 0.05 - 4 * (1 - np.pi / 4) * 0.005**2),
}
EVERY = pytest.mark.parametrize(("contour", "area"), CONTOURS.values(), ids=CONTOURS)


def area_of(loop: Array) -> float:
    x, y = loop.T
    return float(x @ np.roll(y, -1) - y @ np.roll(x, -1)) / 2


def bends(loop: Array) -> Array:
    step = np.roll(loop, -1, axis=0) - loop
    before = np.roll(step, 1, axis=0)
    return np.asarray(before[:, 0] * step[:, 1] - before[:, 1] * step[:, 0])


def holes_in(random: np.random.Generator, columns: int) -> list[Array]:
    """Return polygons in the cells of a grid within the square, each turned at random."""
    pitch = 0.1 / columns
    at = (np.arange(columns) - (columns - 1) / 2) * pitch
    return [
        disc((x, y), random.uniform(0.15, 0.36) * pitch, random.uniform(0, 7)).fair(random.uniform(1e-4, 2e-3))
        for x in at
        for y in at
    ]


@EVERY
def test_the_area_of_a_contour_is_that_of_its_formula(contour: Contour, area: float) -> None:
    assert area_of(contour.fine()) == pytest.approx(area, rel=0.005)


@EVERY
@pytest.mark.parametrize("tolerance_m", [5e-5, 2e-4, 8e-4])
def test_a_fair_contour_encloses_the_same_area_with_fewer_corners(
    contour: Contour, area: float, tolerance_m: float
) -> None:
    fair = contour.fair(tolerance_m)
    # A rounding that became a sharp corner errs by less than the tolerance along its arc.
    arcs = float(np.abs(contour.radii_m * contour.turns_rad).sum())
    assert area_of(fair) == pytest.approx(area, abs=0.5 * tolerance_m * arcs)
    assert area_of(disc((0, 0), 0.02).fair(tolerance_m)) == pytest.approx(np.pi * 0.02**2, rel=1e-9)
    assert len(fair) < len(contour.fine())


@EVERY
def test_moving_a_contour_moves_its_corners(contour: Contour, area: float) -> None:
    c, s = np.cos(0.7), np.sin(0.7)
    expected = contour.fine() @ np.array([[c, s], [-s, c]]) + (0.3, -0.2)
    assert np.allclose(contour.moved((0.3, -0.2), 0.7).fine(), expected, atol=1e-12)


def test_roundings_that_do_not_fit_are_named() -> None:
    with pytest.raises(MeshError, match=r"Edge 0 is 0.1 m long; its roundings take 0.02 m more"):
        rounded(SQUARE, 0.06)


@pytest.mark.parametrize("columns", [1, 2, 3])
@pytest.mark.parametrize("seed", range(4))
def test_pieces_are_convex_and_partition_the_polygon(columns: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    holes = holes_in(rng, columns)
    pieces = convex_pieces(SQUARE, holes)
    for piece in pieces:
        assert bends(piece).min() > 0
        assert len(piece) <= 16
    assert sum(map(area_of, pieces)) == pytest.approx(area_of(SQUARE) - sum(map(area_of, holes)), rel=1e-9)
    # Areas that sum up, and no point that is in two pieces or in none: a partition.
    points = rng.uniform(-0.05, 0.05, (2000, 2))
    inside = sum(holds(piece, points).astype(int) for piece in pieces)
    in_hole = np.any([holds(hole, points) for hole in holes], axis=0)
    assert np.array_equal(inside, np.where(in_hole, 0, 1))


def holds(polygon: Array, points: Array) -> np.ndarray:
    edge = np.roll(polygon, -1, axis=0) - polygon
    out = points[:, None] - polygon
    return np.asarray((edge[:, 0] * out[..., 1] - edge[:, 1] * out[..., 0] > 0).all(axis=1))


def test_a_convex_polygon_is_one_piece_unless_it_has_too_many_corners() -> None:
    angle = 2 * np.pi * np.arange(24) / 24
    ring = np.stack([np.cos(angle), np.sin(angle)], axis=1)
    assert len(convex_pieces(ring, most_corners=24)) == 1
    assert len(convex_pieces(ring)) == 2
    assert len(convex_pieces(L_SHAPE)) == 2


def test_pieces_are_at_most_four_times_as_many_as_there_must_be() -> None:
    for columns in (1, 2, 3):
        holes = holes_in(np.random.default_rng(columns), columns)
        fewest = 1 + sum(len(hole) / 2 - 1 for hole in holes)
        assert fewest <= len(convex_pieces(SQUARE, holes)) <= 4 * fewest


@pytest.mark.parametrize("bevel_m", [0.0, 0.0004])
def test_a_plate_is_one_closed_body_that_its_parts_stand_for(bevel_m: float) -> None:
    holes = [disc((x, y), 0.008) for x in (-0.03, 0.03) for y in (-0.03, 0.03)]
    holes.append(stadium((-0.01, 0), (0.01, 0), 0.006))
    solid = plate(rounded(SQUARE, 0.01), holes, 0.006, bevel_m)
    assert is_closed(solid.mesh)
    assert count_surfaces(solid.mesh) == 1
    seen, felt = solid_of(solid.mesh), union_of(solid.parts)
    assert len(solid.parts) <= 32
    assert max(map(len, solid.parts)) <= 32
    assert seen.genus() == len(holes)
    assert (seen - felt).volume() + (felt - seen).volume() < 0.02 * seen.volume()
    if not bevel_m:
        area = 0.1**2 - (4 - np.pi) * 0.01**2 - 4 * np.pi * 0.008**2 - np.pi * 0.006**2 - 0.02 * 0.012
        assert seen.volume() == pytest.approx(0.006 * area, rel=0.005)


def test_fewer_parts_are_coarser_until_there_are_too_few() -> None:
    holes = [disc((x, y), 0.008) for x in (-0.03, 0.03) for y in (-0.03, 0.03)]
    counts = [len(plate(rounded(SQUARE), holes, 0.005, max_parts=most).parts) for most in (32, 20, 12)]
    assert counts[0] > counts[1] > counts[2]
    with pytest.raises(MeshError, match="4 holes takes more than 3 convex parts"):
        plate(rounded(SQUARE), holes, 0.005, max_parts=3)


def test_a_divided_part_keeps_its_volume_but_for_what_stands_on_no_piece() -> None:
    cube = np.array([(x, y, z) for x in (-1.0, 1) for y in (-1.0, 1) for z in (0.0, 1)])
    hole = 0.5 * np.array([(-1.0, -1), (1, -1), (1, 1), (-1, 1)])
    parts = divided(cube, convex_pieces(4 * hole, [hole]))
    assert union_of(tuple(parts)).volume() == pytest.approx(4 - 1)


def test_a_bevel_is_never_wider_than_a_rounding_is_round() -> None:
    for radius in (1e-4, 1e-3, 5e-3):
        mesh = plate(rounded(SQUARE, radius), [], 0.01, bevel_m=0.002).mesh
        inset = 0.05 - mesh.vertices[mesh.vertices[:, 2] > 0.004999][:, :2].max()
        assert inset == pytest.approx(min(0.002, radius / 2))
        assert solid_of(mesh).volume() < 0.01 * area_of(SQUARE)
