"""What a network told of pixels, and the points that explain it."""

import numpy as np

from graspsim.geometry import Array
from graspsim.pose.frame import Frame
from graspsim.pose.told import Told, points_measured

FRAME = Frame(np.array((0.01, 0.02, 0.03)), np.array((0.1, 0.2, 0.1)))
BINS = 32


def told(places: list[tuple[int, float]], count: int = 5) -> Told:
    """Pixels that all tell, of each coordinate, some bins with some probabilities."""
    bins = np.zeros((count, 3, BINS), np.float32)
    for place, share in places:
        bins[:, :, place] = share
    best = max(places, key=lambda pair: pair[1])[0]
    return Told(FRAME, np.zeros((count, 2)), bins, np.full((count, 3), at(best)), np.ones(count))


def at(place: float) -> float:
    return 2 * place / (BINS - 1) - 1


def points(place: float, count: int = 5) -> Array:
    return np.full((count, 3), at(place))


def test_a_point_is_explained_by_the_probability_of_the_bins_around_it() -> None:
    both = told([(5, 0.25), (20, 0.75)])
    np.testing.assert_allclose(both.explained(points(5)), 0.25**3)
    np.testing.assert_allclose(both.explained(points(20.6)), 0.75**3)
    assert (both.explained(points(12)) == 0).all()


def test_what_lies_outside_or_is_not_seen_explains_nothing() -> None:
    edge = told([(0, 1.0)])
    np.testing.assert_allclose(edge.explained(points(0)), 1)
    assert (edge.explained(points(-4)) == 0).all()
    assert (edge.explained(np.full((5, 3), np.nan)) == 0).all()
    near, trust = edge.near(np.full((5, 3), np.nan))
    np.testing.assert_allclose(near, points(0))
    assert (trust == 0).all()


def test_the_likeliest_place_nearby_is_not_the_likeliest_of_all() -> None:
    both = told([(5, 0.25), (20, 0.75)])
    near, trust = both.near(points(6))
    np.testing.assert_allclose(near, points(5))
    np.testing.assert_allclose(trust, 0.25**3)


def test_points_are_drawn_as_often_as_they_are_likely() -> None:
    both = told([(5, 0.25), (20, 0.75)], 4)
    drawn = both.drawn(np.zeros((2000, 3), dtype=np.int64), np.random.default_rng(0))
    assert drawn.shape == (2000, 3, 3)
    assert set(np.unique(drawn.round(6))) == {round(at(5), 6), round(at(20), 6)}
    assert abs((drawn > 0).mean() - 0.75) < 0.02


def test_measured_points_are_told_in_the_boxs_terms() -> None:
    poses = np.tile(np.eye(4), (2, 1, 1))
    poses[1, :3, 3] = (0, 0, 0.5)
    seen_m = np.array([[0.01, 0.02, 0.03], [0.11, 0.02, 0.03]])
    found = points_measured(FRAME, poses, seen_m + np.array((0, 0, 0.5)))
    np.testing.assert_allclose(found[1], [[0, 0, 0], [1, 0, 0]], atol=1e-12)
    np.testing.assert_allclose(found[0, :, 2], 5.0)
