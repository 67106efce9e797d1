"""Poses out of correspondences, against the poses that made them."""

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="torch is not installed; it is in the test extra")

from graspsim.geometry import (  # noqa: E402
    Array,
    Intrinsics,
    apply,
    matrix_from_quat,
    project,
    random_quat,
    transform,
)
from graspsim.pose.frame import Frame  # noqa: E402
from graspsim.pose.networks import BINS  # noqa: E402
from graspsim.pose.solve import Fit, pixel_grid, pose_from_measured, pose_from_pixels  # noqa: E402
from graspsim.pose.told import Told  # noqa: E402

K = Intrinsics(640, 480, 600.0, 590.0, 320.0, 240.0)
DIAMETER_M = 0.12
SEEDS = pytest.mark.parametrize("seed", range(8))


def case(seed: int, count: int = 200) -> tuple[Array, Array, np.random.Generator]:
    """Points in a ball, a pose before the camera, and randomness."""
    rng = np.random.default_rng(seed)
    points = rng.normal(size=(count, 3))
    points *= DIAMETER_M / 2 * rng.random((count, 1)) ** (1 / 3) / np.linalg.norm(points, axis=1, keepdims=True)
    pose = transform(matrix_from_quat(random_quat(rng)), (*rng.uniform(-0.2, 0.2, 2), rng.uniform(0.5, 1.2)))
    return points, pose, rng


def told_of(points: Array, pixels: Array) -> Told:
    """What a network tells that is sure of points (n, 3): they lie between two bins."""
    frame = Frame(np.zeros(3), np.full(3, DIAMETER_M))
    scaled = frame.scaled(points)
    place = (scaled + 1) / 2 * (BINS - 1)
    bins = np.maximum(1 - np.abs(place[..., None] - np.arange(BINS)), 0).astype(np.float32)
    return Told(frame, pixels, bins, scaled, np.ones(len(points)))


def by_pixels(points: Array, pose: Array, shown: Array | None = None) -> Fit | None:
    """Solve for a pose under which points (n, 3), or others that are shown, are told to be where these are."""
    told = told_of(points if shown is None else shown, project(apply(pose, points), K))
    return pose_from_pixels(told, K, lambda _: told.frame.scaled(points), np.random.default_rng(0))


def by_depth(points: Array, pose: Array, shown: Array | None = None) -> Fit | None:
    seen_m = apply(pose, points)
    told = told_of(points if shown is None else shown, project(seen_m, K))
    return pose_from_measured(told, seen_m, np.random.default_rng(0))


@SEEDS
def test_perfect_pixels_give_the_exact_pose(seed: int) -> None:
    points, pose, _ = case(seed)
    fit = by_pixels(points, pose)
    assert fit is not None
    np.testing.assert_allclose(fit.camera_from_model, pose, atol=1e-5)
    assert fit.explained == pytest.approx(1.0, abs=1e-4)


@SEEDS
def test_perfect_measurements_give_the_exact_pose(seed: int) -> None:
    points, pose, _ = case(seed)
    fit = by_depth(points, pose)
    assert fit is not None
    np.testing.assert_allclose(fit.camera_from_model, pose, atol=1e-6)
    assert fit.explained == pytest.approx(1.0, abs=1e-4)


@SEEDS
def test_a_third_of_nonsense_does_not_matter(seed: int) -> None:
    points, pose, rng = case(seed)
    guessed = points.copy()
    guessed[::3] = rng.permutation(points)[: len(guessed[::3])]
    for fit in (by_pixels(points, pose, guessed), by_depth(points, pose, guessed)):
        assert fit is not None
        np.testing.assert_allclose(fit.camera_from_model, pose, atol=0.01)
        assert 0.6 < fit.explained < 0.75


@SEEDS
def test_noise_of_a_hundredth_of_the_size_costs_as_little(seed: int) -> None:
    points, pose, rng = case(seed)
    noisy = points + rng.normal(size=points.shape) * DIAMETER_M / 100
    fit = by_depth(points, pose, noisy)
    assert fit is not None
    np.testing.assert_allclose(fit.camera_from_model[:3, 3], pose[:3, 3], atol=DIAMETER_M / 200)


@SEEDS
def test_of_two_answers_the_one_that_fits_all_pixels_is_taken(seed: int) -> None:
    """Most pixels cannot tell an object from itself turned by half, and find the wrong answer likelier; a few can."""
    points, pose, rng = case(seed)
    turned = points * (-1, -1, 1)
    right, wrong = told_of(points, project(apply(pose, points), K)), told_of(turned, np.zeros((len(points), 2)))
    knows = np.arange(len(points)) % 4 == 0
    share = np.where(knows, 1.0, 0.45)[:, None, None].astype(np.float32)
    told = Told(
        right.frame,
        right.pixels,
        share * right.bins + (1 - share) * wrong.bins,
        np.where(knows[:, None], right.points, wrong.points),
        np.ones(len(points)),
    )
    fit = pose_from_measured(told, apply(pose, points), rng)
    assert fit is not None
    np.testing.assert_allclose(fit.camera_from_model, pose, atol=0.01)


@pytest.mark.parametrize("points", [np.zeros((0, 3)), np.zeros((5, 3)), np.zeros((50, 3)), np.eye(3)[:1].repeat(50, 0)])
def test_points_that_tell_no_pose_give_none_or_one_in_front(points: Array) -> None:
    told = told_of(points * DIAMETER_M / 2, np.full((len(points), 2), 100.0))
    fit = pose_from_pixels(told, K, lambda _: told.points, np.random.default_rng(0))
    assert fit is None or fit.camera_from_model[2, 3] > 0


def test_nonsense_agrees_on_nothing_much() -> None:
    points, pose, rng = case(0)
    fit = by_depth(points, pose, rng.permutation(points))
    assert fit is None or fit.explained < 0.3


def test_the_cells_of_a_crop_lie_evenly_in_its_box() -> None:
    grid = pixel_grid(np.array((10.0, 20.0, 8.0, 4.0)), 4)
    np.testing.assert_allclose(grid[0, 0], (11.0, 20.5))
    np.testing.assert_allclose(grid[-1, -1], (17.0, 23.5))
