"""From the points of a model that pixels show to its pose: PnP with RANSAC, or with depth a rigid fit, refined.

Predicted points are never all right: some pixels show another object, and some points are guesses. RANSAC (Fischler and
Bolles 1981) keeps to those that agree on one pose.
"""

import math
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from graspsim.geometry import Array, Intrinsics, apply, project, rotation_matrix, transform
from graspsim.jit import compiled

LEAST_POINTS = 6
RANSAC_SHARES = (0.02, 0.06)
"""Distances within which RANSAC takes a pixel to agree, of the size that the object has in the picture."""
AGREES_PX_SHARE = 0.04
"""The same, beyond which a pixel hardly counts."""
AGREES_SHARE = 0.06
"""Distance in space within which a measured point agrees, in diameters."""
_ROUNDS, _STEPS = 150, 6
_SAMPLE = 3


@dataclass(frozen=True, eq=False)
class Fit:
    """A pose that many correspondences agree on.

    Attributes:
        camera_from_model: (4, 4).
        agreeing: share of the correspondences that do.
    """

    camera_from_model: Array
    agreeing: float


def pose_from_pixels(points_m: Array, pixels: Array, intrinsics: Intrinsics) -> Fit | None:
    """Return the pose under which points (n, 3) of a model are seen at pixels (n, 2), None if there is none.

    Poses from EPnP within RANSAC and from all points at once (SQPnP), each refined by least squares whose weights fall
    with the error (Geman and McClure 1985); the one that all points together agree with best. A narrow RANSAC alone
    keeps to a few that happen to agree, and loses what the others know.
    """
    if len(points_m) < LEAST_POINTS:
        return None
    size_px = float(np.ptp(pixels, axis=0).max())
    scale_px = max(AGREES_PX_SHARE * size_px, 1.0)
    best: tuple[float, Array, NDArray[np.bool_]] | None = None
    for start in _starts(points_m, pixels, intrinsics, size_px):
        pose = start
        for scale in (2 * scale_px, scale_px):
            pose = _refined(pose, points_m, pixels, intrinsics, scale)
        if not np.isfinite(pose).all() or (apply(pose, points_m)[:, 2] <= 0).any():
            continue
        off_2 = ((project(apply(pose, points_m), intrinsics) - pixels) ** 2).sum(axis=1)
        cost = float((off_2 / (off_2 + scale_px**2)).mean())
        if best is None or cost < best[0]:
            best = cost, pose, off_2 < scale_px**2
    if best is None or best[2].sum() < LEAST_POINTS:
        return None
    return Fit(best[1], float(best[2].mean()))


def _starts(points_m: Array, pixels: Array, intrinsics: Intrinsics, size_px: float) -> list[Array]:
    """Return poses (4, 4) to begin with."""
    k = intrinsics.matrix
    found = []
    try:
        for share in RANSAC_SHARES:
            within_px = max(share * size_px, 1.0)
            found.append(
                cv2.solvePnPRansac(
                    points_m,
                    pixels,
                    k,
                    None,
                    iterationsCount=_ROUNDS,
                    reprojectionError=within_px,
                    confidence=0.999,
                    flags=cv2.SOLVEPNP_EPNP,
                )[:3]
            )
        found.append(cv2.solvePnP(points_m, pixels, k, None, flags=cv2.SOLVEPNP_SQPNP))
    except cv2.error:
        # Points on one line, or all in one place.
        return []
    poses = [transform(cv2.Rodrigues(turn)[0], shift[:, 0]) for is_found, turn, shift in found if is_found]
    return [pose for pose in poses if np.isfinite(pose).all() and pose[2, 3] > 0]


def _refined(pose: Array, points_m: Array, pixels: Array, intrinsics: Intrinsics, scale_px: float) -> Array:
    """Return a pose (4, 4) after a few steps of Gauss and Newton, errors well above the scale hardly counting."""
    k = intrinsics
    return _descended(
        np.ascontiguousarray(pose, dtype=np.float64),
        np.ascontiguousarray(points_m, dtype=np.float64),
        np.ascontiguousarray(pixels, dtype=np.float64),
        np.array((k.fx, k.fy, k.cx, k.cy)),
        scale_px,
        _STEPS,
    )


@compiled
def _descended(pose: Array, points: Array, pixels: Array, camera: Array, scale_px: float, steps: int) -> Array:
    pose = pose.copy()
    fx, fy, cx, cy = camera[0], camera[1], camera[2], camera[3]
    jacobian = np.zeros((2, 6))
    for _ in range(steps):
        hessian, gradient = np.zeros((6, 6)), np.zeros(6)
        for i in range(len(points)):
            # As seen from the model's origin, along the camera's axes: what a turn moves.
            x = pose[0, 0] * points[i, 0] + pose[0, 1] * points[i, 1] + pose[0, 2] * points[i, 2]
            y = pose[1, 0] * points[i, 0] + pose[1, 1] * points[i, 1] + pose[1, 2] * points[i, 2]
            z = pose[2, 0] * points[i, 0] + pose[2, 1] * points[i, 1] + pose[2, 2] * points[i, 2]
            u, v, depth = x + pose[0, 3], y + pose[1, 3], z + pose[2, 3]
            if depth <= 1e-3:
                continue
            off_u, off_v = fx * u / depth + cx - pixels[i, 0], fy * v / depth + cy - pixels[i, 1]
            weight = 1 / (1 + (off_u * off_u + off_v * off_v) / (scale_px * scale_px))
            weight *= weight
            a, b = fx / depth, -fx * u / (depth * depth)
            c, d = fy / depth, -fy * v / (depth * depth)
            jacobian[0] = np.array((a, 0.0, b, b * y, a * z - b * x, -a * y))
            jacobian[1] = np.array((0.0, c, d, d * y - c * z, -d * x, c * x))
            for m in range(6):
                gradient[m] += weight * (jacobian[0, m] * off_u + jacobian[1, m] * off_v)
                for n in range(6):
                    hessian[m, n] += weight * (jacobian[0, m] * jacobian[0, n] + jacobian[1, m] * jacobian[1, n])
        for m in range(6):
            hessian[m, m] = hessian[m, m] * (1 + 1e-9) + 1e-12
        step = np.linalg.solve(hessian, -gradient)
        turn = np.array((step[3], step[4], step[5]))
        angle = math.sqrt((turn * turn).sum())
        if angle > 1e-15:
            pose[:3, :3] = rotation_matrix(turn, angle) @ np.ascontiguousarray(pose[:3, :3])
        pose[:3, 3] += step[:3]
    return pose


def pose_from_points(points_m: Array, seen_m: Array, diameter_m: float, rng: np.random.Generator) -> Fit | None:
    """Return the pose that takes points (n, 3) of a model to where they were measured (n, 3), None if there is none.

    Rigid fits of three points each (Kabsch 1976) within RANSAC, then fits of all that agree.
    """
    if len(points_m) < LEAST_POINTS:
        return None
    within_m = AGREES_SHARE * diameter_m
    picks = rng.integers(len(points_m), size=(_ROUNDS, _SAMPLE))
    rotations, shifts = _rigid_fits(points_m[picks], seen_m[picks])
    ways = points_m @ rotations.transpose(0, 2, 1) + shifts[:, None] - seen_m
    agree = (ways**2).sum(axis=2) < within_m**2  # (rounds, n)
    best = agree[int(agree.sum(axis=1).argmax())]
    pose = np.eye(4)
    for _ in range(4):
        if best.sum() < LEAST_POINTS:
            return None
        rotation, shift = _rigid_fits(points_m[best][None], seen_m[best][None])
        pose = transform(rotation[0], shift[0])
        best = ((apply(pose, points_m) - seen_m) ** 2).sum(axis=1) < within_m**2
    return Fit(pose, float(best.mean()))


def _rigid_fits(points: Array, targets: Array) -> tuple[Array, Array]:
    """Return rotations (k, 3, 3) and shifts (k, 3) that take points (k, n, 3) nearest to targets (k, n, 3)."""
    center, target = points.mean(axis=1), targets.mean(axis=1)
    covariance = (points - center[:, None]).transpose(0, 2, 1) @ (targets - target[:, None])
    u, _, v = np.linalg.svd(covariance)
    sign = np.sign(np.linalg.det(u @ v))
    flip = np.ones((len(points), 3))
    flip[:, 2] = np.where(sign == 0, 1, sign)
    rotations = (v.transpose(0, 2, 1) * flip[:, None, :]) @ u.transpose(0, 2, 1)
    return rotations, target - (rotations @ center[..., None])[..., 0]


def pixel_grid(box: NDArray[np.float64], size: int) -> Array:
    """Return (size, size, 2): where in the image the cells' centres of a crop lie, whose box is (x, y, w, h)."""
    x, y, width, height = box
    cells = (np.arange(size) + 0.5) / size
    return np.stack(np.broadcast_arrays(x + width * cells[None, :], y + height * cells[:, None]), axis=-1)
