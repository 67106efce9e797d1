"""How an object stands: turned as little as it takes from how it is modelled to a pose that a push does not upset."""

import numpy as np
from scipy.spatial import ConvexHull

from graspsim.geometry import Array, rotation_about
from graspsim.models import ObjectModel

PUSHES_RAD = (0.02, 0.05, 0.1)
"""What stands must not lower its centre of mass by being tilted so far."""
SAME_HEIGHT = 2e-4
"""Relative to the height of the centre of mass: what is lowered by less, as a polygonal wheel is, counts as still."""
_WAYS = np.pi / 12 * np.arange(24)


def standing_rotation(model: ObjectModel) -> Array:
    """Return the rotation (3, 3) that stands a model up.

    It stands as modelled or, where it would fall over, on the facet of its hull nearest to its underside on which it
    does not; else with its centre of mass as low as it can be.
    """
    hull = ConvexHull(model.mesh.vertices)
    corners = hull.points[hull.vertices] - model.center_of_mass
    by_tilt = hull.equations[np.argsort(hull.equations[:, 2], kind="stable"), :3]
    # Facets of several triangles come once.
    _, first = np.unique(np.round(by_tilt, 3), axis=0, return_index=True)
    downs = np.concatenate([[(0.0, 0.0, -1.0)], by_tilt[np.sort(first)]])
    for down in downs:
        height = (corners @ down).max()
        if (corners @ _tilted(down).T).max(axis=0).min() >= (1 - SAME_HEIGHT) * height:
            return _turned_down(down)
    return _turned_down(downs[(corners @ downs.T).max(axis=0).argmin()])


def _tilted(down: Array) -> Array:
    """Return directions (n, 3) all around one, at each of `PUSHES_RAD` from it."""
    u = np.linalg.svd(down[None])[2][1:]
    around = np.stack([np.cos(_WAYS), np.sin(_WAYS)], axis=1) @ u
    return np.concatenate([np.cos(push) * down + np.sin(push) * around for push in PUSHES_RAD])


def _turned_down(direction: Array) -> Array:
    """Return the least rotation that turns a unit vector to -z."""
    x, y, z = direction
    across = np.hypot(x, y)
    return rotation_about((-y, x, 0) if across > 1e-9 else (1, 0, 0), np.arctan2(across, -z))
