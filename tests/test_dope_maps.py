"""DOPE's maps say where objects are, whichever way round they are read, and perfect maps give the pose."""

from pathlib import Path

import cv2
import numpy as np
import pytest

from graspsim.dataset.dope import cuboid_points
from graspsim.geometry import Intrinsics, apply, project, rotation_about, transform
from graspsim.meshes import box_mesh
from graspsim.models import Symmetries
from graspsim.pose.dope_maps import STRIDE, DopeSamples, as_seen_by, canonical_pose, maps_of, moved_view, objects_in
from graspsim.pose.metrics import Reference, symmetry_transforms
from graspsim.pose.samples import Instance, PoseImage

torch = pytest.importorskip("torch", reason="torch is not installed; it is in the test extra")

from graspsim.pose import dope  # noqa: E402

K = Intrinsics(640, 480, 600.0, 600.0, 320.0, 240.0)
SIZE_M = np.array((0.2, 0.14, 0.1))
CUBOID = cuboid_points(-SIZE_M / 2, SIZE_M)


def pose_at(x: float, y: float, z: float, angle: float = 0.7) -> np.ndarray:
    return transform(rotation_about((1, 2, 3), angle), (x, y, z))


def test_perfect_maps_give_the_poses_of_several_objects() -> None:
    poses = [pose_at(-0.15, 0.02, 0.8), pose_at(0.17, -0.05, 0.9, 2.4)]
    beliefs, fields = maps_of([project(apply(p, CUBOID), K) / STRIDE for p in poses], 60, 80)
    found = objects_in(beliefs, fields)
    assert len(found) == 2
    solved = [dope.pose_from_corners(CUBOID[f.corners], f.points * STRIDE, K) for f in found]
    for pose in poses:
        assert any(s is not None and np.linalg.norm(s[:3, 3] - pose[:3, 3]) < 0.002 for s in solved)
    for f in found:
        assert f.score > 0.7
        errors = min(
            np.linalg.norm(project(apply(pose, CUBOID), K)[f.corners] - f.points * STRIDE, axis=1).max()
            for pose in poses
        )
        assert errors < 0.5


def test_fields_point_from_corners_to_the_middle_and_are_nothing_elsewhere() -> None:
    points = np.vstack([np.stack([10 + 4 * np.arange(8.0), np.full(8, 10.0)], axis=1), [[24.0, 20.0]]])
    beliefs, fields = maps_of([points], 30, 50)
    for i, point in enumerate(points[:-1]):
        column, row = point.astype(int)
        told = fields[2 * i : 2 * i + 2, row, column]
        way = points[-1] - point
        np.testing.assert_allclose(told, way / np.linalg.norm(way), atol=1e-6)
        assert (fields[2 * i : 2 * i + 2, 25:] == 0).all()
        assert beliefs[i].max() == pytest.approx(beliefs[i, row, column], abs=0.05)


def test_maps_of_nothing_show_nothing() -> None:
    beliefs, fields = maps_of([], 30, 40)
    assert not beliefs.any()
    assert objects_in(beliefs, fields) == []


def test_views_that_look_the_same_have_the_same_target() -> None:
    turn = transform(rotation_about((0, 0, 1), np.pi))
    motions = symmetry_transforms(Symmetries((turn,)))
    pose = pose_at(0, 0, 1)
    np.testing.assert_allclose(canonical_pose(pose, motions), canonical_pose(pose @ turn, motions), atol=1e-12)


@pytest.mark.parametrize("seed", [None, 0, 1, 2])
def test_a_moved_view_shows_each_point_where_its_camera_puts_it(seed: int | None) -> None:
    rng = None if seed is None else np.random.default_rng(seed)
    point = np.array([[0.03, -0.02, 0.7]])
    view = moved_view(K, 400, 304, rng)
    rgb = np.zeros((480, 640, 3), np.uint8)
    u, v = project(point, K)[0]
    rgb[int(v) - 4 : int(v) + 5, int(u) - 4 : int(u) + 5] = 255
    seen = as_seen_by(view, rgb, K)
    assert seen.shape == (304, 400, 3)
    rows, columns = np.nonzero(seen[..., 0] > 127)
    u, v = project(point, view)[0]
    assert abs(columns.mean() + 0.5 - u) < 1.0
    assert abs(rows.mean() + 0.5 - v) < 1.0


def test_a_moved_view_shows_each_pixel_where_its_camera_puts_it() -> None:
    columns, rows = np.meshgrid(np.arange(640) / 3, np.arange(480) / 3)
    rgb = np.stack([columns, rows, 0 * rows], axis=2).round().astype(np.uint8)
    view = Intrinsics(200, 152, 0.31 * K.fx, 0.31 * K.fy, 103.2, 74.9)
    seen = as_seen_by(view, rgb, K)[20:-20, 20:-20, :2].astype(float)
    u, v = np.meshgrid(np.arange(20, 180) + 0.5, np.arange(20, 132) + 0.5)
    there = np.stack([(u - view.cx) / 0.31 + K.cx, (v - view.cy) / 0.31 + K.cy], axis=2) - 0.5
    assert np.abs((3 * seen - there).mean(axis=(0, 1))).max() < 0.2


def test_batches_put_beliefs_where_the_picture_shows_the_object() -> None:
    pose = pose_at(0.02, 0.01, 0.8, 0.0)
    middle = project(pose[None, :3, 3], K)[0]
    rgb = np.zeros((480, 640, 3), np.uint8)
    cv2.circle(rgb, (int(middle[0]), int(middle[1])), 10, (255, 255, 255), -1)
    reference = Reference(box_mesh(tuple(SIZE_M)), 0.3, Symmetries())
    picture = PoseImage(Path("none.png"), (), (Instance(7, pose, (0, 0, 1, 1), 1.0, None),))
    samples = DopeSamples([3, 7], {3: reference, 7: reference}, 320)
    batch = samples.batch([(picture, rgb, K)] * 2, np.random.default_rng(0))
    assert batch.images.shape == (2, 240, 320, 3)
    assert batch.beliefs.shape == (2, 18, 30, 40)
    assert batch.fields.shape == (2, 32, 30, 40)
    assert not batch.beliefs[:, :9].any()
    for image, belief in zip(batch.images, batch.beliefs[:, 17], strict=True):
        row, column = np.unravel_index(belief.argmax(), belief.shape)
        rows, columns = np.nonzero(image.mean(axis=2) > image.mean() + 60)
        assert np.hypot(rows.mean() / STRIDE - row - 0.5, columns.mean() / STRIDE - column - 0.5) < 1.5
