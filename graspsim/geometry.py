"""Rigid transforms, rotations and pinhole projection.

A transform is named by its ends: `a_from_b` takes coordinates in frame b to frame a, so that
`a_from_c = a_from_b @ b_from_c` reads off its own correctness. Quaternions are (x, y, z, w). A pose array holds
(x, y, z, qx, qy, qz, qw) per row.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from graspsim.jit import compiled

Array = NDArray[np.float64]


_NO_ROTATION = np.eye(3)


def transform(rotation: ArrayLike = _NO_ROTATION, translation: ArrayLike = (0.0, 0.0, 0.0)) -> Array:
    """Return the (4, 4) transform of a (3, 3) rotation followed by a (3,) translation."""
    matrix = np.eye(4)
    matrix[:3, :3] = rotation
    matrix[:3, 3] = translation
    return matrix


def invert(a_from_b: Array) -> Array:
    """Return `b_from_a` of a rigid transform, (..., 4, 4), exactly orthogonal where the input is."""
    matrices = np.ascontiguousarray(a_from_b, dtype=np.float64)
    inverses = np.empty_like(matrices)
    _write_inverses(matrices.reshape(-1, 4, 4), inverses.reshape(-1, 4, 4))
    return inverses


@compiled
def _write_inverses(matrices: Array, inverses: Array) -> None:
    for n in range(len(matrices)):
        m, inverse = matrices[n], inverses[n]
        for i in range(3):
            for j in range(3):
                inverse[i, j] = m[j, i]
            inverse[i, 3] = -(m[0, i] * m[0, 3] + m[1, i] * m[1, 3] + m[2, i] * m[2, 3])
            inverse[3, i] = 0.0
        inverse[3, 3] = 1.0


def apply(a_from_b: Array, points_b: ArrayLike) -> Array:
    """Take points (n, 3) from frame b to frame a."""
    return np.asarray(points_b, dtype=np.float64) @ a_from_b[:3, :3].T + a_from_b[:3, 3]


def matrix_from_quat(quat_xyzw: ArrayLike) -> Array:
    """Return rotations (..., 3, 3) of quaternions (..., 4), which need not be normalized."""
    q = np.asarray(quat_xyzw, dtype=np.float64)
    return np.asarray(_matrices(np.ascontiguousarray(q.reshape(-1, 4))).reshape(*q.shape[:-1], 3, 3))


def quat_from_matrix(rotation: ArrayLike) -> Array:
    """Return the unit quaternion (4,), with w >= 0, of a rotation (3, 3).

    Takes the largest of the four squared components first, which keeps the division well conditioned (Shepperd 1978).
    """
    quat_xyzw = np.empty(4)
    _write_quat(np.asarray(rotation, dtype=np.float64), quat_xyzw)
    return quat_xyzw


@compiled
def _matrices(quats_xyzw: Array) -> Array:
    """Return rotations (n, 3, 3) of quaternions (n, 4)."""
    matrices = np.empty((len(quats_xyzw), 3, 3))
    for n in range(len(quats_xyzw)):
        x, y, z, w = quats_xyzw[n, 0], quats_xyzw[n, 1], quats_xyzw[n, 2], quats_xyzw[n, 3]
        length = np.sqrt(x * x + y * y + z * z + w * w)
        x, y, z, w = x / length, y / length, z / length, w / length
        m = matrices[n]
        m[0, 0], m[0, 1], m[0, 2] = 1 - 2 * (y * y + z * z), 2 * (x * y - z * w), 2 * (x * z + y * w)
        m[1, 0], m[1, 1], m[1, 2] = 2 * (x * y + z * w), 1 - 2 * (x * x + z * z), 2 * (y * z - x * w)
        m[2, 0], m[2, 1], m[2, 2] = 2 * (x * z - y * w), 2 * (y * z + x * w), 1 - 2 * (x * x + y * y)
    return matrices


@compiled
def _write_quat(m: Array, q: Array) -> None:
    trace = m[0, 0] + m[1, 1] + m[2, 2]
    i = 0
    for k in range(1, 3):
        if m[k, k] > m[i, i]:
            i = k
    if trace > m[i, i]:
        q[0], q[1], q[2], q[3] = m[2, 1] - m[1, 2], m[0, 2] - m[2, 0], m[1, 0] - m[0, 1], 1 + trace
    else:
        j, k = (i + 1) % 3, (i + 2) % 3
        q[i] = 1 + m[i, i] - m[j, j] - m[k, k]
        q[j] = m[j, i] + m[i, j]
        q[k] = m[k, i] + m[i, k]
        q[3] = m[k, j] - m[j, k]
    length = np.sqrt(q[0] * q[0] + q[1] * q[1] + q[2] * q[2] + q[3] * q[3])
    if q[3] < 0:
        length = -length
    for k in range(4):
        q[k] /= length


def rotation_about(axis: ArrayLike, angle_rad: float) -> Array:
    """Return the (3, 3) rotation by `angle_rad` about `axis` (3,) (Rodrigues' formula)."""
    return np.asarray(rotation_matrix(np.asarray(axis, dtype=np.float64), float(angle_rad)))


@compiled
def rotation_matrix(axis: Array, angle_rad: float) -> Array:
    """Return what `rotation_about` does, within compiled code."""
    length = np.sqrt(axis[0] * axis[0] + axis[1] * axis[1] + axis[2] * axis[2])
    x, y, z = axis[0] / length, axis[1] / length, axis[2] / length
    c, s = np.cos(angle_rad), np.sin(angle_rad)
    v = 1 - c
    rotation = np.empty((3, 3))
    rotation[0, 0], rotation[0, 1], rotation[0, 2] = c + x * x * v, x * y * v - z * s, x * z * v + y * s
    rotation[1, 0], rotation[1, 1], rotation[1, 2] = y * x * v + z * s, c + y * y * v, y * z * v - x * s
    rotation[2, 0], rotation[2, 1], rotation[2, 2] = z * x * v - y * s, z * y * v + x * s, c + z * z * v
    return rotation


def random_quat(rng: np.random.Generator) -> Array:
    """Return a quaternion (4,) drawn uniformly over all rotations."""
    q = rng.normal(size=4)
    return np.asarray(q / np.linalg.norm(q))


def poses_from_matrices(world_from_body: Array) -> Array:
    """Return the pose array (n, 7) of transforms (n, 4, 4)."""
    return np.asarray(_poses(np.ascontiguousarray(world_from_body)))


@compiled
def _poses(world_from_body: Array) -> Array:
    poses = np.empty((len(world_from_body), 7))
    for n in range(len(world_from_body)):
        for k in range(3):
            poses[n, k] = world_from_body[n, k, 3]
        _write_quat(world_from_body[n, :3, :3], poses[n, 3:])
    return poses


def matrices_from_poses(poses: ArrayLike) -> Array:
    """Return transforms (n, 4, 4) of a pose array (n, 7)."""
    p = np.asarray(poses, dtype=np.float64).reshape(-1, 7)
    matrices = np.zeros((len(p), 4, 4))
    matrices[:, :3, :3] = _matrices(np.ascontiguousarray(p[:, 3:]))
    matrices[:, :3, 3] = p[:, :3]
    matrices[:, 3, 3] = 1.0
    return matrices


def look_at(eye: ArrayLike, target: ArrayLike, roll_rad: float = 0.0) -> Array:
    """Return `world_from_camera` (4, 4) of an OpenCV camera (x right, y down, z forward) at `eye` that sees `target`.

    With no roll the image's up is world up; a camera that looks straight up or down takes world y as up instead.
    """
    eye = np.asarray(eye, dtype=np.float64)
    return np.asarray(_look_at(eye, np.asarray(target, dtype=np.float64), float(roll_rad)))


@compiled
def _look_at(eye: Array, target: Array, roll_rad: float) -> Array:
    forward = target - eye
    forward /= np.sqrt((forward * forward).sum())
    up = np.array([0.0, 0.0, 1.0]) if abs(forward[2]) < 0.9999 else np.array([0.0, 1.0, 0.0])
    right = np.cross(forward, up)
    right /= np.sqrt((right * right).sum())
    down = np.cross(forward, right)
    c, s = np.cos(roll_rad), np.sin(roll_rad)
    world_from_camera = np.eye(4)
    world_from_camera[:3, 0] = c * right + s * down
    world_from_camera[:3, 1] = c * down - s * right
    world_from_camera[:3, 2] = forward
    world_from_camera[:3, 3] = eye
    return world_from_camera


@dataclass(frozen=True)
class Intrinsics:
    """A pinhole camera without distortion. Pixel centres lie at +0.5, so a pixel (i, j) covers [j, j+1) x [i, i+1)."""

    width: int
    height: int
    fx: float
    fy: float
    cx: float
    cy: float

    @property
    def matrix(self) -> Array:
        """The camera matrix K (3, 3)."""
        return np.array([[self.fx, 0.0, self.cx], [0.0, self.fy, self.cy], [0.0, 0.0, 1.0]])


def project(points_camera: ArrayLike, intrinsics: Intrinsics) -> Array:
    """Project camera-frame points (..., 3) to continuous pixel coordinates (..., 2); a point at z = 0 gives inf."""
    p = np.asarray(points_camera, dtype=np.float64)
    with np.errstate(divide="ignore", invalid="ignore"):
        u = intrinsics.fx * p[..., 0] / p[..., 2] + intrinsics.cx
        v = intrinsics.fy * p[..., 1] / p[..., 2] + intrinsics.cy
    return np.stack([u, v], axis=-1)


def hull_box(camera_from_model: Array, hull_m: Array, camera: Intrinsics) -> tuple[float, float, float, float]:
    """Return the box (x, y, width, height) of where a model is seen whose convex hull has vertices (k, 3)."""
    pixels = project(apply(camera_from_model, hull_m), camera)
    (left, top), (right, bottom) = pixels.min(axis=0), pixels.max(axis=0)
    return float(left), float(top), float(right - left), float(bottom - top)


def unproject(depth_m: NDArray[np.float32], intrinsics: Intrinsics) -> Array:
    """Return the camera-frame point (height, width, 3) of every pixel centre of a z-depth image (height, width)."""
    v, u = np.mgrid[: depth_m.shape[0], : depth_m.shape[1]] + 0.5
    z = depth_m.astype(np.float64)
    return np.stack([(u - intrinsics.cx) / intrinsics.fx * z, (v - intrinsics.cy) / intrinsics.fy * z, z], axis=-1)
