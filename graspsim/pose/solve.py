"""From what a network told of pixels to a pose: many candidates, of which the one that explains it best is refined.

Predicted points are never all right: some pixels show another object, and some points are guesses. RANSAC (Fischler and
Bolles 1981) keeps to those that agree on one pose; what it finds is then judged by all that was told.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from graspsim.geometry import Array, Intrinsics, apply, rotation_matrix, transform
from graspsim.jit import compiled
from graspsim.pose.told import Told, points_measured

LEAST_POINTS = 6
RANSAC_SHARES = (0.02, 0.06)
"""Distances within which RANSAC takes a pixel to agree, of the size that the object has in the picture."""
AGREES_PX_SHARE = 0.04
"""The same, beyond which a pixel hardly counts."""
DRAWS = 3
"""Sets of points drawn by their probabilities, from each of which a pose is sought beside that of the likeliest."""
TRIPLES, FINALISTS = 240, 4
"""Poses from three measured points each, and how many of them are refined."""
_ROUNDS, _STEPS = 150, 6
_ROUNDS_OF_CHANGE = 3


@dataclass(frozen=True, eq=False)
class Fit:
    """A pose that explains what was told.

    Attributes:
        camera_from_model: (4, 4).
        explained: mean probability of what the pixels then show, from 0 to 1.
        in_space: whether it was fitted to measured points.
    """

    camera_from_model: Array
    explained: float
    in_space: bool = False


def pose_from_pixels(
    told: Told, intrinsics: Intrinsics, shown_under: Callable[[Array], Array], rng: np.random.Generator
) -> Fit | None:
    """Return the pose under which a model is seen as told, None if there is none.

    Poses from three points each (Ke and Roumeliotis 2017) within RANSAC, and from all points at once (SQPnP), each
    refined by least squares whose weights fall with the error (Geman and McClure 1985), first by the points that it
    came from, then by what was told near to what the pose shows.

    Args:
        told: what the network told of some pixels.
        intrinsics: of the camera.
        shown_under: from a pose (4, 4) to the points (k, 3), in the box's terms, that the pixels show under it; nan
            where the model is not seen.
        rng: for candidates.
    """
    if len(told.pixels) < LEAST_POINTS:
        return None
    size_px = float(np.ptp(told.pixels, axis=0).max())
    scale_px = max(AGREES_PX_SHARE * size_px, 1.0)
    rows = np.arange(len(told.pixels))
    sets = [told.frame.metres(told.points), *(told.frame.metres(told.drawn(rows, rng)) for _ in range(DRAWS))]
    best: Fit | None = None
    for points_m, shares in zip(sets, [RANSAC_SHARES, *[RANSAC_SHARES[-1:]] * DRAWS], strict=True):
        for start in _starts(points_m, told.pixels, intrinsics, [share * size_px for share in shares]):
            pose = _refined(start, points_m, told.pixels, told.sure, intrinsics, 2 * scale_px)
            for _ in range(_ROUNDS_OF_CHANGE):
                if not _is_before_camera(pose, points_m):
                    break
                near, trust = told.near(shown_under(pose))
                pose = _refined(pose, told.frame.metres(near), told.pixels, trust, intrinsics, scale_px)
            if _is_before_camera(pose, points_m):
                explained = float(told.explained(shown_under(pose)).mean())
                if best is None or explained > best.explained:
                    best = Fit(pose, explained)
    return best


def _is_before_camera(pose: Array, points_m: Array) -> bool:
    return bool(np.isfinite(pose).all() and (apply(pose, points_m)[:, 2] > 0).all())


def _starts(points_m: Array, pixels: Array, intrinsics: Intrinsics, within_px: Sequence[float]) -> list[Array]:
    """Return poses (4, 4) to begin with: of RANSAC with each of some distances, and of all points."""
    k = intrinsics.matrix
    found = []
    try:
        for within in within_px:
            found.append(
                cv2.solvePnPRansac(
                    points_m,
                    pixels,
                    k,
                    None,
                    iterationsCount=_ROUNDS,
                    reprojectionError=max(within, 1.0),
                    confidence=0.999,
                    flags=cv2.SOLVEPNP_AP3P,
                )[:3]
            )
        found.append(cv2.solvePnP(points_m, pixels, k, None, flags=cv2.SOLVEPNP_SQPNP))
    except cv2.error:
        # Points on one line, or all in one place.
        return []
    poses = [transform(cv2.Rodrigues(turn)[0], shift[:, 0]) for is_found, turn, shift in found if is_found]
    return [pose for pose in poses if np.isfinite(pose).all() and pose[2, 3] > 0]


def _refined(
    pose: Array, points_m: Array, pixels: Array, trust: Array, intrinsics: Intrinsics, scale_px: float
) -> Array:
    """Return a pose (4, 4) after a few steps of Gauss and Newton, errors well above the scale hardly counting."""
    k = intrinsics
    return _descended(
        np.ascontiguousarray(pose, dtype=np.float64),
        np.ascontiguousarray(points_m, dtype=np.float64),
        np.ascontiguousarray(pixels, dtype=np.float64),
        np.ascontiguousarray(trust, dtype=np.float64),
        np.array((k.fx, k.fy, k.cx, k.cy)),
        scale_px,
        _STEPS,
    )


@compiled
def _descended(
    pose: Array, points: Array, pixels: Array, trust: Array, camera: Array, scale_px: float, steps: int
) -> Array:
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
            weight *= weight * trust[i]
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


def pose_from_measured(told: Told, seen_m: Array, rng: np.random.Generator) -> Fit | None:
    """Return the pose that puts what was told where it was measured (k, 3), None if there is none.

    Rigid fits (Kabsch 1976) of three points each, drawn by their probabilities; those that explain most are fitted to
    what was told near to what they show.
    """
    if len(seen_m) < LEAST_POINTS:
        return None
    rows = rng.integers(len(seen_m), size=(TRIPLES, 3))
    points = told.drawn(rows, rng)
    points[::2] = told.points[rows[::2]]
    poses = rigid_fits(told.frame.metres(points), seen_m[rows], np.ones(rows.shape))
    finalists = poses[np.argsort(-_explained(told, poses, seen_m), kind="stable")[:FINALISTS]]
    for _ in range(_ROUNDS_OF_CHANGE):
        near, trust = told.near(points_measured(told.frame, finalists, seen_m))
        finalists = rigid_fits(told.frame.metres(near), np.broadcast_to(seen_m, near.shape), trust + 1e-6)
    explained = _explained(told, finalists, seen_m)
    best = int(explained.argmax())
    return Fit(finalists[best], float(explained[best]), in_space=True)


def fit_of(told: Told, camera_from_model: Array, seen_m: Array) -> Fit:
    """Return a pose (4, 4) with what it explains of what was told, and measured there (k, 3)."""
    return Fit(camera_from_model, float(_explained(told, camera_from_model[None], seen_m)[0]), in_space=True)


def _explained(told: Told, poses: Array, seen_m: Array) -> Array:
    return np.asarray(told.explained(points_measured(told.frame, poses, seen_m)).mean(axis=1))


def rigid_fits(points: Array, targets: Array, weights: Array) -> Array:
    """Return poses (r, 4, 4) that take points (r, n, 3) nearest to targets (r, n, 3), by weights (r, n)."""
    shares = (weights / weights.sum(axis=1, keepdims=True))[..., None]
    center, target = (points * shares).sum(axis=1), (targets * shares).sum(axis=1)
    covariance = ((points - center[:, None]) * shares).transpose(0, 2, 1) @ (targets - target[:, None])
    u, _, v = np.linalg.svd(covariance)
    sign = np.sign(np.linalg.det(u @ v))
    flip = np.ones((len(points), 3))
    flip[:, 2] = np.where(sign == 0, 1, sign)
    poses = np.tile(np.eye(4), (len(points), 1, 1))
    poses[:, :3, :3] = (v.transpose(0, 2, 1) * flip[:, None, :]) @ u.transpose(0, 2, 1)
    poses[:, :3, 3] = target - (poses[:, :3, :3] @ center[..., None])[..., 0]
    return poses


def pixel_grid(box: NDArray[np.float64], size: int) -> Array:
    """Return (size, size, 2): where in the image the cells' centres of a crop lie, whose box is (x, y, w, h)."""
    x, y, width, height = box
    cells = (np.arange(size) + 0.5) / size
    return np.stack(np.broadcast_arrays(x + width * cells[None, :], y + height * cells[:, None]), axis=-1)
