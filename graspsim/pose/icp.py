"""Iterated closest points: a pose is brought to where depth was measured (Chen and Medioni 1992, point to plane)."""

import numpy as np
from scipy.spatial import cKDTree

from graspsim.geometry import Array, apply, invert, rotation_about, transform
from graspsim.pose.estimator import KnownObject

FIRST_SHARE, LAST_SHARE = 0.05, 0.01
"""Distances, in diameters, beyond which a measured point hardly counts, in the first step and in the last one."""
ALONG = 0.3
"""What a distance along the surface counts, of one along its normal: without it, a lone face would slide away."""
_STEPS = 16
_MOST_POINTS = 400


def brought_to_depth(camera_from_model: Array, known: KnownObject, seen_m: Array) -> Array:
    """Return a pose (4, 4) near to another under which measured points (n, 3) lie on the model's surface.

    Weights fall with the distance (Geman and McClure 1985): some of the points show what is beside the object.
    """
    seen_m = seen_m[:: len(seen_m) // _MOST_POINTS + 1]
    pose = camera_from_model
    surface, normals = known.surface
    # The back of a thin wall is nearer to what is seen of its front than the front's next sample.
    faces_camera = ((invert(pose)[:3, 3] - surface) * normals).sum(axis=1) > 0
    surface, normals = surface[faces_camera], normals[faces_camera]
    if not len(surface):
        return pose
    tree = cKDTree(surface)
    for scale_m in known.diameter_m * np.geomspace(FIRST_SHARE, LAST_SHARE, _STEPS):
        points = apply(invert(pose), seen_m)
        nearest = tree.query(points)[1]
        off = points - surface[nearest]
        across = np.broadcast_to(ALONG * np.eye(3), (len(points), 3, 3))
        axes = np.concatenate([normals[nearest][:, None], across], axis=1)
        residual = np.einsum("nik,nk->ni", axes, off)
        weight = 1 / (1 + (residual**2).sum(axis=1) / scale_m**2) ** 2
        jacobian = np.concatenate([np.cross(points[:, None], axes), axes], axis=2)  # (n, 4, 6)
        hessian = np.einsum("nij,n,nik->jk", jacobian, weight, jacobian)
        # What no point holds, as a turn about the axis of a cylinder, stays as it is.
        hessian += np.diag([1e-4 * known.diameter_m**2] * 3 + [1e-4] * 3) * weight.sum()
        step = np.linalg.solve(hessian, -np.einsum("nij,n,ni->j", jacobian, weight, residual))
        angle = float(np.linalg.norm(step[:3]))
        turn = rotation_about(step[:3], angle) if angle > 1e-12 else np.eye(3)
        # The step moves the points; the model moves the other way.
        pose = pose @ invert(transform(turn, step[3:]))
    return pose
