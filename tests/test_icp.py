"""Poses are brought to measured depth, and those that are right stay so."""

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="torch is not installed; it is in the test extra")

from graspsim.geometry import (  # noqa: E402
    Array,
    Intrinsics,
    apply,
    matrix_from_quat,
    random_quat,
    rotation_about,
    transform,
    unproject,
)
from graspsim.meshes import box_mesh  # noqa: E402
from graspsim.pose.estimator import KnownObject  # noqa: E402
from graspsim.pose.icp import brought_to_depth  # noqa: E402
from graspsim.render.raster import render_mesh  # noqa: E402

K = Intrinsics(640, 480, 600.0, 590.0, 320.0, 240.0)
SEEDS = pytest.mark.parametrize("seed", range(8))


def case(seed: int, size_m: tuple[float, float, float]) -> tuple[Array, KnownObject, Array, np.random.Generator]:
    """A box's pose, the box, what is measured of it, and randomness."""
    rng = np.random.default_rng(seed)
    pose = transform(matrix_from_quat(random_quat(rng)), (*rng.uniform(-0.2, 0.2, 2), rng.uniform(0.5, 1.2)))
    known = KnownObject(1, float(np.linalg.norm(size_m)), box_mesh(size_m))
    depth_m = render_mesh(known.mesh, pose, K)
    return pose, known, unproject(depth_m, K)[depth_m > 0], rng


def off_m(found: Array, pose: Array, known: KnownObject) -> float:
    corners = known.mesh.vertices
    return float(np.abs(apply(found, corners) - apply(pose, corners)).max())


@SEEDS
def test_a_pose_a_little_off_is_brought_to_what_was_measured(seed: int) -> None:
    """Though a fifth of it is nonsense."""
    pose, known, seen_m, rng = case(seed, (0.06, 0.05, 0.09))
    wrong = rng.random(len(seen_m)) < 0.2
    seen_m[wrong] += rng.normal(size=(wrong.sum(), 3)) * known.diameter_m / 4
    off = transform(rotation_about(rng.normal(size=3), 0.08), rng.normal(size=3) * 0.003)
    assert off_m(brought_to_depth(pose @ off, known, seen_m), pose, known) < 0.0025 < off_m(pose @ off, pose, known)


@pytest.mark.parametrize("size_m", [(0.06, 0.05, 0.09), (0.2, 0.14, 0.003)], ids=["box", "plate"])
@SEEDS
def test_the_right_pose_stays(seed: int, size_m: tuple[float, float, float]) -> None:
    """Also that of a plate, whose back is as near as its front."""
    pose, known, seen_m, _ = case(seed, size_m)
    assert off_m(brought_to_depth(pose, known, seen_m), pose, known) < 0.006 * known.diameter_m


def test_what_is_seen_of_nothing_changes_nothing() -> None:
    pose, known, _, _ = case(0, (0.06, 0.05, 0.09))
    # From within, no face is turned to the camera.
    within = transform(pose[:3, :3], (0, 0, 0))
    assert (brought_to_depth(within, known, np.ones((10, 3))) == within).all()
