"""A pose brought to where its object is told to be, seen or hidden, beside the points that it shows.

Points tell least of the distance, and are drawn to the middle where they are unsure; the silhouette is told better.
"""

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize

from graspsim.geometry import Array, Intrinsics, rotation_about, transform
from graspsim.pose.estimator import KnownObject
from graspsim.pose.told import Told, points_rendered
from graspsim.render.raster import render_mesh

DOUBT = 0.02
"""In whether an object is in a cell, or a cell shows a point, at least."""
POINTS_WEIGHT = 0.3
"""Of a point, beside that of a cell of the silhouette: points err together."""
TURN_RAD, SHIFT_SHARE, LOG_DISTANCE = 0.12, 0.03, 0.05
"""By how much a pose is changed at first: a turn; a shift, in diameters; the logarithm of its distance."""
_WITHIN = 3.0
"""Times these, a pose is changed at most."""
_MOST_TRIED = 100


def brought_to_silhouette(
    pose: Array,
    known: KnownObject,
    there: NDArray[np.float32],
    shown: NDArray[np.bool_],
    told: Told,
    view: Intrinsics,
) -> Array:
    """Return the likeliest pose (4, 4) near to another, by silhouette and points, in all six ways (Powell 1964).

    Args:
        pose: to begin with.
        known: the object.
        there: (h, w) probability that it is in a cell, seen or hidden.
        shown: (h, w) the k cells of which points are told.
        told: these points.
        view: camera of the cells.
    """
    probability = np.clip(there, DOUBT, 1 - DOUBT)
    odds = np.log(probability / (1 - probability))
    middle_m = known.frame.center_m
    middle_in_camera = pose[:3, :3] @ middle_m + pose[:3, 3]

    def changed(change: Array) -> Array:
        angle = TURN_RAD * float(np.linalg.norm(change[:3]))
        turned = pose[:3, :3] if angle < 1e-12 else rotation_about(change[:3], angle) @ pose[:3, :3]
        middle = middle_in_camera * np.exp(LOG_DISTANCE * change[5])
        middle[:2] += SHIFT_SHARE * known.diameter_m * change[3:5]
        return transform(turned, middle - turned @ middle_m)

    def unlikely(change: Array) -> float:
        tried = changed(change)
        depth_m = render_mesh(known.coarse, tried, view)
        explained = told.explained(points_rendered(known.frame, tried, depth_m, view, shown))
        return -float(odds[depth_m > 0].sum() + POINTS_WEIGHT * np.log(explained + DOUBT).sum())

    found = minimize(
        unlikely,
        np.zeros(6),
        method="Powell",
        bounds=[(-_WITHIN, _WITHIN)] * 6,
        options={"maxfev": _MOST_TRIED, "xtol": 0.1, "ftol": 1e-3},
    )
    # Its searches along a line never ask whether to stay.
    return changed(found.x) if found.fun < unlikely(np.zeros(6)) else pose
