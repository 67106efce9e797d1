"""From the points of a model that pixels show to its pose: PnP with RANSAC, or with depth a rigid fit, refined.

Predicted points are never all right: some pixels show another object, and some points are guesses. RANSAC (Fischler and
Bolles 1981) keeps to those that agree on one pose.
"""

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from graspsim.geometry import Array, Intrinsics, apply, project, transform

LEAST_POINTS = 6
REPROJECTION_SHARE = 0.02
"""Distance within which a pixel agrees, of the size that the object has in the picture."""
AGREES_SHARE = 0.06
"""Distance in space within which a measured point agrees, in diameters."""
_ROUNDS = 150
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

    EPnP within RANSAC, then Levenberg and Marquardt's least squares over the pixels that agree.
    """
    if len(points_m) < LEAST_POINTS:
        return None
    within_px = max(REPROJECTION_SHARE * float(np.ptp(pixels, axis=0).max()), 1.0)
    try:
        found, turn, shift, inliers = cv2.solvePnPRansac(
            points_m,
            pixels,
            intrinsics.matrix,
            None,
            iterationsCount=_ROUNDS,
            reprojectionError=within_px,
            confidence=0.999,
            flags=cv2.SOLVEPNP_EPNP,
        )
        if not found or inliers is None or len(inliers) < LEAST_POINTS:
            return None
        chosen = inliers[:, 0]
        turn, shift = cv2.solvePnPRefineLM(points_m[chosen], pixels[chosen], intrinsics.matrix, None, turn, shift)
    except cv2.error:
        # Points on one line, or all in one place.
        return None
    pose = transform(cv2.Rodrigues(turn)[0], shift[:, 0])
    if not np.isfinite(pose).all() or pose[2, 3] <= 0:
        return None
    off_px = np.linalg.norm(project(apply(pose, points_m), intrinsics) - pixels, axis=1)
    return Fit(pose, float(np.mean(off_px < within_px)))


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
