"""Poses brought to where their object is told to be."""

import numpy as np
import pytest
from numpy.typing import NDArray

pytest.importorskip("torch", reason="torch is not installed; it is in the test extra")

from graspsim.geometry import Array, Intrinsics, hull_box, matrix_from_quat, random_quat, rotation_about, transform
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


NOTHING_TOLD = Told(KNOWN.frame, np.zeros((0, 2)), np.zeros((0, 3, BINS), np.float32), np.zeros((0, 3)), np.zeros(0))
"""As of an object of which no cell shows a point."""


def random_view(rng: np.random.Generator) -> tuple[Array, Intrinsics, NDArray[np.bool_]]:
    """Return a pose, the camera of a crop around it, and the pose's silhouette there."""
    pose = transform(matrix_from_quat(random_quat(rng)), (*rng.uniform(-0.2, 0.2, 2), rng.uniform(0.5, 1.2)))
    view = camera_of(square_around(hull_box(pose, KNOWN.hull_m, K)), K, CELLS)
    return pose, view, render_mesh(KNOWN.mesh, pose, view) > 0


def overlap(pose: Array, view: Intrinsics, there: NDArray[np.bool_]) -> float:
    """Return the intersection over union of a pose's silhouette and another."""
    covered = render_mesh(KNOWN.mesh, pose, view) > 0
    return float((covered & there).sum() / (covered | there).sum())


@SEEDS
def test_a_silhouette_alone_draws_a_pose_over_itself(seed: int) -> None:
    rng = np.random.default_rng(seed)
    pose, view, there = random_view(rng)
    off = transform(rotation_about(rng.normal(size=3), 0.15) @ pose[:3, :3], 1.06 * pose[:3, 3] + 0.005)
    back = brought_to_silhouette(off, KNOWN, there.astype(np.float32), np.zeros_like(there), NOTHING_TOLD, view)
    assert 1 - overlap(back, view, there) < 0.4 * (1 - overlap(off, view, there))


@SEEDS
def test_a_pose_is_not_left_for_a_less_likely_one(seed: int) -> None:
    pose, view, there = random_view(np.random.default_rng(seed))
    back = brought_to_silhouette(pose, KNOWN, there.astype(np.float32), np.zeros_like(there), NOTHING_TOLD, view)
    assert overlap(back, view, there) == 1
