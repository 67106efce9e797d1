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
    transform,
    unproject,
)
from graspsim.meshes import box_mesh
from graspsim.pose.crop_pose import at_distance_of_silhouette, pose_of_crop
from graspsim.pose.dense import DENSER
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


@pytest.mark.parametrize("with_depth", [False, True])
@SEEDS
def test_a_crop_told_perfectly_gives_the_exact_pose(seed: int, with_depth: bool) -> None:
    """Through all of a crop's geometry: its square, the centres of its cells, the box's terms and the bins."""
    pose, rng = pose_at_random(seed)
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
        rng,
    )
    assert fit is not None
    off_m = np.abs(apply(fit.camera_from_model, known.mesh.vertices) - apply(pose, known.mesh.vertices)).max()
    assert off_m < (6e-4 if with_depth else 1e-6)
    assert fit.explained > 0.95


@SEEDS
def test_a_pose_too_near_or_too_far_is_brought_to_where_its_silhouette_is(seed: int) -> None:
    pose, rng = pose_at_random(seed)
    known = KnownObject(1, DIAMETER_M, box_mesh((0.06, 0.05, 0.09)))
    view = camera_of(square_around(hull_box(pose, known.hull_m, K)), K, CELLS)
    there = (render_mesh(known.mesh, pose, view) > 0).astype(np.float32)
    off = pose.copy()
    off[:3, 3] *= rng.choice((0.92, 1.09))
    back = at_distance_of_silhouette(off, known.mesh, there, view)
    assert np.linalg.norm(back[:3, 3] - pose[:3, 3]) < 0.015 * np.linalg.norm(pose[:3, 3])
