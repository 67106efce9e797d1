"""How far an estimated pose is from the truth, as the BOP challenge measures it.

MSSD and MSPD are the largest distances of model points in space and in the picture, VSD the share of the visible
surface that does not agree in depth (Hodaň et al., "BOP Challenge 2020 on 6D Object Localization", section 2.2); ADD
and ADD-S are the mean distance of corresponding and of nearest points (Hinterstoisser et al. 2012, Xiang et al. 2018).
MSSD and MSPD take the symmetry that suits the estimate best.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import ConvexHull, cKDTree

from graspsim.geometry import Array, Intrinsics, apply, invert, project, rotation_about, transform
from graspsim.meshes import Mesh
from graspsim.models import Symmetries
from graspsim.pose.frame import Frame
from graspsim.render.raster import render_mesh

SYMMETRY_STEP = 0.01
"""Of a continuous symmetry: what a point of the surface moves by at most, in diameters."""
VISIBLE_WITHIN_M = 0.015
"""By how much a surface may lie behind what was measured and still be the one that is seen (δ of VSD)."""


def symmetry_transforms(symmetries: Symmetries, step_rad: float = 2 * SYMMETRY_STEP) -> Array:
    """Return the motions (s, 4, 4) that leave a model as it is, the identity first; those about axes step by step."""
    discrete = np.stack([np.eye(4), *symmetries.discrete])
    steps = int(np.ceil(2 * np.pi / step_rad))
    turns = [np.eye(4)]
    for axis, point in symmetries.continuous:
        for angle in 2 * np.pi * np.arange(1, steps) / steps:
            rotation = rotation_about(axis, angle)
            turns.append(transform(rotation, point - rotation @ point))
    return np.concatenate([turn @ discrete for turn in turns])


@dataclass(frozen=True, eq=False)
class Reference:
    """What poses of one model are measured with.

    Attributes:
        mesh: the model.
        diameter_m: largest distance of two of its points.
        symmetries: of its shape.
    """

    mesh: Mesh
    diameter_m: float
    symmetries: Symmetries

    @property
    def is_symmetric(self) -> bool:
        """Whether ADD-S stands in for ADD."""
        return bool(self.symmetries.discrete or self.symmetries.continuous)

    @cached_property
    def motions(self) -> Array:
        """Its symmetries as transforms (s, 4, 4)."""
        return symmetry_transforms(self.symmetries)

    @cached_property
    def ball(self) -> tuple[Array, float]:
        """The mean (3,) of its vertices and the radius of the ball around it that holds them all."""
        center = self.mesh.vertices.mean(axis=0)
        return center, float(np.linalg.norm(self.mesh.vertices - center, axis=1).max())

    @cached_property
    def frame(self) -> Frame:
        """Its box."""
        return Frame.of(self.mesh.vertices)

    @cached_property
    def tree(self) -> cKDTree:
        """Finds the nearest of its vertices."""
        return cKDTree(self.mesh.vertices)

    @cached_property
    def hull(self) -> Array:
        """The vertices (k, 3) of its convex hull."""
        return np.asarray(self.mesh.vertices[ConvexHull(self.mesh.vertices).vertices])


def mssd(estimate: Array, truth: Array, reference: Reference) -> float:
    """Return the maximum symmetry-aware surface distance in metres, for poses (4, 4) `camera_from_model`.

    The distance of x under two rigid motions is convex in x, so that the hull's vertices decide.
    """
    differences = estimate - truth @ reference.motions  # (s, 4, 4)
    ways = differences[:, :3, :3] @ reference.hull.T + differences[:, :3, 3:]
    return float(np.sqrt((ways**2).sum(axis=1).max(axis=1).min()))


def mspd(estimate: Array, truth: Array, reference: Reference, intrinsics: Intrinsics) -> float:
    """Return the maximum symmetry-aware projection distance in pixels, for poses (4, 4) `camera_from_model`."""
    vertices, few = reference.mesh.vertices, reference.hull
    truths = truth @ reference.motions
    # No symmetry can be better than what a few of the points say of it.
    bounds = _projected(truths, few, intrinsics) - project(apply(estimate, few), intrinsics)
    bounds_px = np.sqrt((bounds**2).sum(axis=2).max(axis=1))
    seen = project(apply(estimate, vertices), intrinsics)
    best_px = np.inf
    for i in np.argsort(bounds_px, kind="stable"):
        if bounds_px[i] >= best_px:
            break
        ways = _projected(truths[i : i + 1], vertices, intrinsics)[0] - seen
        best_px = min(best_px, float(np.sqrt((ways**2).sum(axis=1).max())))
    return best_px


def _projected(poses: Array, points: Array, intrinsics: Intrinsics) -> Array:
    """Return where points (k, 3) are seen, (n, k, 2), under poses (n, 4, 4)."""
    return np.asarray(project(points @ poses[:, :3, :3].transpose(0, 2, 1) + poses[:, None, :3, 3], intrinsics))


def add(estimate: Array, truth: Array, reference: Reference) -> float:
    """Return the mean distance in metres of corresponding vertices, for poses (4, 4) `camera_from_model`."""
    difference = estimate - truth
    ways = reference.mesh.vertices @ difference[:3, :3].T + difference[:3, 3]
    return float(np.linalg.norm(ways, axis=1).mean())


def add_s(estimate: Array, truth: Array, reference: Reference, limit_m: float = np.inf) -> float:
    """Return the mean distance in metres of the true vertices from the nearest estimated one (ADD-S, or ADI).

    Where it is certain to be beyond `limit_m`, something between the two is returned, which takes no time.
    """
    center, radius_m = reference.ball
    apart_m = float(np.linalg.norm(apply(estimate, center) - apply(truth, center)))
    if apart_m - radius_m > limit_m:
        return apart_m - radius_m
    distances, _ = reference.tree.query(apply(invert(estimate) @ truth, reference.mesh.vertices), workers=-1)
    return float(np.mean(distances))


def vsd(
    estimate: Array,
    truth: Array,
    reference: Reference,
    intrinsics: Intrinsics,
    depth_m: NDArray[np.float32],
    tolerances: Sequence[float],
) -> Array:
    """Return the visible surface discrepancies (t,) for tolerances (t,) of the distance, in diameters.

    Args:
        estimate: (4, 4) `camera_from_model`.
        truth: the same.
        reference: the model.
        intrinsics: of the camera.
        depth_m: (height, width) what was measured, 0 where nothing was.
        tolerances: τ, in diameters.
    """
    rays = _ray_lengths(intrinsics)
    measured = depth_m * rays
    true, estimated = (render_mesh(reference.mesh, pose, intrinsics) * rays for pose in (truth, estimate))
    unhidden = measured == 0
    visible_true = (true > 0) & (unhidden | (true - measured <= VISIBLE_WITHIN_M))
    # What hides the truth no more than it hides the estimate counts as seen of both.
    visible = (estimated > 0) & (unhidden | (estimated - measured <= VISIBLE_WITHIN_M) | visible_true)
    both = visible_true & visible
    union = int((visible_true | visible).sum())
    if not union:
        return np.ones(len(tolerances))
    off = np.abs(true[both] - estimated[both]) / reference.diameter_m
    alone = union - int(both.sum())
    return np.array([(int((off >= tolerance).sum()) + alone) / union for tolerance in tolerances])


def _ray_lengths(k: Intrinsics) -> NDArray[np.float32]:
    """Return (height, width): how much longer the way to a pixel's point is than its depth."""
    x = (np.arange(k.width) + 0.5 - k.cx) / k.fx
    y = (np.arange(k.height) + 0.5 - k.cy) / k.fy
    return np.asarray(np.sqrt(x[None, :] ** 2 + y[:, None] ** 2 + 1), dtype=np.float32)
