"""Poses out of correspondences, against the poses that made them."""

import numpy as np
import pytest

from graspsim.geometry import Array, Intrinsics, apply, matrix_from_quat, project, random_quat, transform
from graspsim.pose.solve import pixel_grid, pose_from_pixels, pose_from_points

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


@SEEDS
def test_perfect_pixels_give_the_exact_pose(seed: int) -> None:
    points, pose, _ = case(seed)
    fit = pose_from_pixels(points, project(apply(pose, points), K), K)
    assert fit is not None
    np.testing.assert_allclose(fit.camera_from_model, pose, atol=1e-5)
    assert fit.agreeing == 1.0


@SEEDS
def test_perfect_measurements_give_the_exact_pose(seed: int) -> None:
    points, pose, rng = case(seed)
    fit = pose_from_points(points, apply(pose, points), DIAMETER_M, rng)
    assert fit is not None
    np.testing.assert_allclose(fit.camera_from_model, pose, atol=1e-9)
    assert fit.agreeing == 1.0


@SEEDS
def test_a_third_of_nonsense_does_not_matter(seed: int) -> None:
    points, pose, rng = case(seed)
    guessed = points.copy()
    guessed[::3] = rng.permutation(points)[: len(guessed[::3])]
    by_pixels = pose_from_pixels(guessed, project(apply(pose, points), K), K)
    by_points = pose_from_points(guessed, apply(pose, points), DIAMETER_M, rng)
    assert by_pixels is not None
    assert by_points is not None
    np.testing.assert_allclose(by_pixels.camera_from_model, pose, atol=0.01)
    np.testing.assert_allclose(by_points.camera_from_model, pose, atol=0.02)
    assert 0.6 < by_points.agreeing < 0.8


@SEEDS
def test_noise_of_a_hundredth_of_the_size_costs_as_little(seed: int) -> None:
    points, pose, rng = case(seed)
    noisy = points + rng.normal(size=points.shape) * DIAMETER_M / 100
    fit = pose_from_points(noisy, apply(pose, points), DIAMETER_M, rng)
    assert fit is not None
    np.testing.assert_allclose(fit.camera_from_model[:3, 3], pose[:3, 3], atol=DIAMETER_M / 200)


@pytest.mark.parametrize("points", [np.zeros((0, 3)), np.zeros((5, 3)), np.zeros((50, 3)), np.eye(3)[:1].repeat(50, 0)])
def test_points_that_tell_no_pose_give_none_or_one_in_front(points: Array) -> None:
    pixels = np.full((len(points), 2), 100.0)
    fit = pose_from_pixels(points, pixels, K)
    assert fit is None or fit.camera_from_model[2, 3] > 0


def test_nonsense_agrees_on_nothing_much() -> None:
    points, pose, rng = case(0)
    fit = pose_from_points(rng.permutation(points), apply(pose, points), DIAMETER_M, rng)
    assert fit is None or fit.agreeing < 0.3


def test_the_cells_of_a_crop_lie_evenly_in_its_box() -> None:
    grid = pixel_grid(np.array((10.0, 20.0, 8.0, 4.0)), 4)
    np.testing.assert_allclose(grid[0, 0], (11.0, 20.5))
    np.testing.assert_allclose(grid[-1, -1], (17.0, 23.5))
