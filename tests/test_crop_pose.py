"""The pose of a crop's object, when the crop is told perfectly."""

import numpy as np
import pytest

pytest.importorskip("torch", reason="torch is not installed; it is in the test extra")

from graspsim.geometry import (
    Array,
    Intrinsics,
    apply,
    hull_box,
    matrix_from_quat,
    random_quat,
    rotation_about,
    transform,
    unproject,
)
from graspsim.meshes import box_mesh
from graspsim.pose.crop_pose import ToldCrop, pose_of_crop, pose_refined
from graspsim.pose.dense import DENSER, REFINEMENTS
from graspsim.pose.dense_samples import camera_of, square_around
from graspsim.pose.estimator import KnownObject
from graspsim.pose.networks import BINS, MAP_PX
from graspsim.render.raster import render_mesh

K = Intrinsics(640, 480, 600.0, 590.0, 320.0, 240.0)
DIAMETER_M = 0.12
CELLS = MAP_PX * DENSER[-1]
SEEDS = pytest.mark.parametrize("seed", range(8))


def pose_at_random(seed: int) -> tuple[Array, np.random.Generator]:
    """A pose before the camera, and more randomness."""
    rng = np.random.default_rng(seed)
    return transform(matrix_from_quat(random_quat(rng)), (*rng.uniform(-0.2, 0.2, 2), rng.uniform(0.5, 1.2))), rng


def told_perfectly(known: KnownObject, pose: Array, square: Array) -> ToldCrop:
    """What a network without fault tells of a crop."""
    view = camera_of(square, K, CELLS)
    seen_m = render_mesh(known.mesh, pose, view)
    points = known.frame.scaled(apply(np.linalg.inv(pose), unproject(seen_m, view).reshape(-1, 3)))
    place = (points + 1) / 2 * (BINS - 1)
    bins = np.maximum(1 - np.abs(place[..., None] - np.arange(BINS)), 0).astype(np.float32)
    return ToldCrop(
        square,
        shown=(seen_m > 0).astype(np.float32),
        there=(seen_m > 0).astype(np.float32),
        points=points.T.reshape(3, CELLS, CELLS).astype(np.float32),
        sure=np.ones((CELLS, CELLS), np.float32),
        bins=bins.transpose(1, 2, 0).reshape(3, BINS, CELLS, CELLS),
    )


@pytest.mark.parametrize("with_depth", [False, True])
@SEEDS
def test_a_crop_told_perfectly_gives_the_exact_pose(seed: int, with_depth: bool) -> None:
    """Through all of a crop's geometry: its square, the centres of its cells, the box's terms and the bins."""
    pose, rng = pose_at_random(seed)
    known = KnownObject(1, DIAMETER_M, box_mesh((0.06, 0.05, 0.09)))
    depth_m = render_mesh(known.mesh, pose, K) if with_depth else None
    x, y, width, height = hull_box(pose, known.hull_m, K)
    square = square_around((x + rng.uniform(-5, 5), y + rng.uniform(-5, 5), width, height))
    fit = pose_of_crop(known, told_perfectly(known, pose, square), K, depth_m, rng)
    assert fit is not None
    assert farthest_m(known, fit.camera_from_model, pose) < (6e-4 if with_depth else 1e-6)
    assert fit.explained > 0.95


@SEEDS
def test_a_pose_that_is_off_is_refined_to_what_its_crop_tells(seed: int) -> None:
    pose, rng = pose_at_random(seed)
    known = KnownObject(1, DIAMETER_M, box_mesh((0.06, 0.05, 0.09)))
    axis, turn_rad = rng.normal(size=3), 0.15
    off = transform(rotation_about(axis, turn_rad) @ pose[:3, :3], 1.07 * pose[:3, 3] + 0.004)
    refined = off
    for _ in range(REFINEMENTS):
        crop = told_perfectly(known, pose, square_around(hull_box(refined, known.hull_m, K)))
        fit = pose_refined(known, crop, K, refined)
        refined = fit.camera_from_model
    assert farthest_m(known, refined, pose) < 0.1 * farthest_m(known, off, pose)
    assert fit.explained > 0.8


def farthest_m(known: KnownObject, one: Array, other: Array) -> float:
    """How far two poses put a vertex apart."""
    return float(np.abs(apply(one, known.mesh.vertices) - apply(other, known.mesh.vertices)).max())
