"""Poses out of correspondences, against the poses that made them."""

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="torch is not installed; it is in the test extra")

from graspsim.geometry import (  # noqa: E402
    Array,
    Intrinsics,
    apply,
    hull_box,
    matrix_from_quat,
    project,
    random_quat,
    transform,
    unproject,
)
from graspsim.meshes import box_mesh  # noqa: E402
from graspsim.pose.dense import (  # noqa: E402
    DENSER,
    DenseEstimator,
    Detection,
    at_distance_of_silhouette,
    box_told,
    near_the_best,
    pose_of_crop,
    without_doubles,
)
from graspsim.pose.dense_samples import camera_of, square_around  # noqa: E402
from graspsim.pose.estimator import KnownObject  # noqa: E402
from graspsim.pose.frame import Frame  # noqa: E402
from graspsim.pose.networks import BINS, CROP_PX, MAP_PX, MASKS  # noqa: E402
from graspsim.pose.solve import Fit, pixel_grid, pose_from_measured, pose_from_pixels  # noqa: E402
from graspsim.pose.told import Told  # noqa: E402
from graspsim.render.raster import render_mesh  # noqa: E402

K = Intrinsics(640, 480, 600.0, 590.0, 320.0, 240.0)
DIAMETER_M = 0.12
CELLS = MAP_PX * DENSER[-1]
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


@pytest.mark.parametrize("with_depth", [False, True])
@SEEDS
def test_a_crop_told_perfectly_gives_the_exact_pose(seed: int, with_depth: bool) -> None:
    """Through all of a crop's geometry: its square, the centres of its cells, the box's terms and the bins."""
    _, pose, rng = case(seed)
    known = KnownObject(1, DIAMETER_M, box_mesh((0.06, 0.05, 0.09)))
    depth_m = render_mesh(known.mesh, pose, K)
    x, y, width, height = hull_box(pose, known.hull_m, K)
    square = square_around((x + rng.uniform(-5, 5), y + rng.uniform(-5, 5), width, height))
    view = camera_of(square, K, CELLS)
    seen_m = render_mesh(known.mesh, pose, view)
    points = known.frame.scaled(apply(np.linalg.inv(pose), unproject(seen_m, view).reshape(-1, 3)))
    place = (points + 1) / 2 * (BINS - 1)
    bins = np.maximum(1 - np.abs(place[..., None] - np.arange(BINS)), 0).astype(np.float32)
    fit = pose_of_crop(
        known,
        square,
        (seen_m > 0).astype(np.float32),
        (seen_m > 0).astype(np.float32),
        points.T.reshape(3, CELLS, CELLS).astype(np.float32),
        np.ones((CELLS, CELLS), np.float32),
        bins.transpose(1, 2, 0).reshape(3, BINS, CELLS, CELLS),
        K,
        depth_m if with_depth else None,
    )
    assert fit is not None
    off_m = np.abs(apply(fit.camera_from_model, known.mesh.vertices) - apply(pose, known.mesh.vertices)).max()
    assert off_m < (6e-4 if with_depth else 1e-4)
    assert fit.explained > 0.95


@SEEDS
def test_a_pose_too_near_or_too_far_is_brought_to_where_its_silhouette_is(seed: int) -> None:
    _, pose, rng = case(seed)
    known = KnownObject(1, DIAMETER_M, box_mesh((0.06, 0.05, 0.09)))
    view = camera_of(square_around(hull_box(pose, known.hull_m, K)), K, CELLS)
    there = (render_mesh(known.mesh, pose, view) > 0).astype(np.float32)
    off = pose.copy()
    off[:3, 3] *= rng.choice((0.92, 1.09))
    back = at_distance_of_silhouette(off, known.mesh, there, view)
    assert np.linalg.norm(back[:3, 3] - pose[:3, 3]) < 0.015 * np.linalg.norm(pose[:3, 3])


def spans(low: float, high: float) -> Array:
    """The share of each cell along a crop's side that lies between two places."""
    cells = np.arange(MAP_PX)
    return np.clip(np.minimum(cells + 1, high) - np.maximum(cells, low), 0, 1)


@SEEDS
def test_the_box_of_a_silhouette_is_known_to_a_fraction_of_a_cell(seed: int) -> None:
    rng = np.random.default_rng(seed)
    (left, top), (right, bottom) = rng.uniform(1, 6, 2), rng.uniform(9, MAP_PX - 1, 2)
    there = np.outer(spans(top, bottom), spans(left, right)).astype(np.float32)
    box = box_told(there, np.array([100.0, 50.0, 2 * MAP_PX, 2 * MAP_PX]))
    assert box is not None
    np.testing.assert_allclose(box, (100 + 2 * left, 50 + 2 * top, 2 * (right - left), 2 * (bottom - top)), atol=0.45)
    assert box_told(0.4 * there, np.array([0.0, 0.0, 1.0, 1.0])) is None


def test_a_detection_is_moved_to_what_the_crop_shows_and_dropped_where_it_shows_nothing() -> None:
    class Bright(torch.nn.Module):
        """Tells, and is sure, that objects are where it is bright."""

        def forward(self, crops: torch.Tensor, kinds: torch.Tensor) -> torch.Tensor:
            cells = torch.nn.functional.avg_pool2d(crops.mean(dim=1), CROP_PX // MAP_PX)
            maps = torch.zeros(len(crops), MASKS + 3 * BINS, MAP_PX, MAP_PX)
            maps[:, :MASKS] = 4 * cells[:, None]
            maps[:, MASKS::BINS] = 100
            return maps

    estimator = DenseEstimator([KnownObject(1, DIAMETER_M, box_mesh((0.06, 0.05, 0.09)))], 4, 320)
    estimator.coordinates = Bright()  # type: ignore[assignment]
    rgb = np.zeros((240, 320, 3), np.uint8)
    rgb[100:148, 180:220] = 255
    off, nowhere = Detection(0, 0.5, (188.0, 94.0, 44.0, 46.0)), Detection(0, 0.9, (20.0, 20.0, 40.0, 40.0))
    (found,) = estimator.looked_at(rgb, [nowhere, off])
    np.testing.assert_allclose(found.box_px, (180, 100, 40, 48), atol=2)


def test_of_boxes_in_one_place_the_surest_of_a_kind_is_kept() -> None:
    box, beside = (10.0, 10.0, 20.0, 20.0), (40.0, 10.0, 20.0, 20.0)
    sure, unsure = Detection(0, 0.9, box), Detection(0, 0.3, (11.0, 11.0, 20.0, 20.0))
    others = [Detection(1, 0.5, box), Detection(0, 0.2, beside)]
    assert without_doubles([unsure, *others, sure]) == [sure, *others]


def test_each_kind_keeps_what_is_near_its_own_best() -> None:
    assert near_the_best([0, 1, 0, 0, 1], [0.8, 0.1, 0.5, 0.3, 0.04], 0.5) == [0, 1, 2]
    # What explains nothing is not near a best that explains nothing, either.
    assert near_the_best([2], [0.0], 0.5) == []


def test_the_cells_of_a_crop_lie_evenly_in_its_box() -> None:
    grid = pixel_grid(np.array((10.0, 20.0, 8.0, 4.0)), 4)
    np.testing.assert_allclose(grid[0, 0], (11.0, 20.5))
    np.testing.assert_allclose(grid[-1, -1], (17.0, 23.5))
