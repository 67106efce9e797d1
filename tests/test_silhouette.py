"""Poses brought to where their object is told to be."""

import numpy as np
import pytest

pytest.importorskip("torch", reason="torch is not installed; it is in the test extra")

from graspsim.geometry import Intrinsics, hull_box, matrix_from_quat, random_quat, rotation_about, transform
from graspsim.meshes import box_mesh
from graspsim.pose.dense_samples import camera_of, square_around
from graspsim.pose.estimator import KnownObject
from graspsim.pose.networks import BINS
from graspsim.pose.silhouette import brought_to_silhouette
from graspsim.pose.told import Told
from graspsim.render.raster import render_mesh

K = Intrinsics(640, 480, 600.0, 590.0, 320.0, 240.0)
KNOWN = KnownObject(1, 0.12, box_mesh((0.06, 0.05, 0.09)))
CELLS = 48
SEEDS = pytest.mark.parametrize("seed", range(8))


@SEEDS
def test_a_silhouette_alone_draws_a_pose_over_itself(seed: int) -> None:
    """As of an object of which no cell shows a point."""
    rng = np.random.default_rng(seed)
    pose = transform(matrix_from_quat(random_quat(rng)), (*rng.uniform(-0.2, 0.2, 2), rng.uniform(0.5, 1.2)))
    view = camera_of(square_around(hull_box(pose, KNOWN.hull_m, K)), K, CELLS)
    there = render_mesh(KNOWN.mesh, pose, view) > 0
    off = transform(rotation_about(rng.normal(size=3), 0.15) @ pose[:3, :3], 1.06 * pose[:3, 3] + 0.005)
    nothing = np.zeros((0, 3))
    told = Told(KNOWN.frame, np.zeros((0, 2)), np.zeros((0, 3, BINS), np.float32), nothing, np.zeros(0))
    back = brought_to_silhouette(off, KNOWN, there.astype(np.float32), np.zeros_like(there), told, view)

    def overlap(tried: np.ndarray) -> float:
        covered = render_mesh(KNOWN.mesh, tried, view) > 0
        return float((covered & there).sum() / (covered | there).sum())

    assert 1 - overlap(back) < 0.4 * (1 - overlap(off))
