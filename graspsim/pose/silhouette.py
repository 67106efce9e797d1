"""Poses judged by where their object is told to be, seen or hidden, beside the points that it shows.

Points tell least of the distance, and are drawn to the middle where they are unsure; the silhouette is told better.
"""

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize

from graspsim.geometry import Array, Intrinsics, rotation_about, transform
from graspsim.meshes import Mesh
from graspsim.pose.estimator import KnownObject
from graspsim.pose.told import Told, points_rendered
from graspsim.render.raster import render_mesh

NEARER = np.exp(np.linspace(-0.14, 0.14, 29))
"""Distances tried, of that which the points tell."""
DOUBT = 0.02
"""In whether an object is in a cell, or a cell shows a point, at least."""
POINTS_WEIGHT = 0.3
"""Of a point, beside that of a cell of the silhouette: points err together."""
TURN_RAD, SHIFT_SHARE, LOG_DISTANCE = 0.12, 0.03, 0.05
"""By how much a pose is changed at first: a turn; a shift, in diameters; the logarithm of its distance."""
_WITHIN = 3.0
"""Times these, a pose is changed at most."""
_MOST_TRIED = 100


def at_distance_of_silhouette(pose: Array, mesh: Mesh, there: NDArray[np.float32], view: Intrinsics) -> Array:
    """Return a pose (4, 4) moved along its view, to where the model covers what it is told to cover (h, w)."""
    odds = log_odds(there)
    moved = np.repeat(pose[None], len(NEARER), axis=0)
    moved[:, :3, 3] *= NEARER[:, None]
    covered = [odds[render_mesh(mesh, each, view) > 0].sum() for each in moved]
    return np.asarray(moved[int(np.argmax(covered))])


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
    odds = log_odds(there)
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
    return changed(found.x)


def log_odds(probability: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return the logarithms of odds, never beyond those of the least doubt."""
    clipped = np.clip(probability, DOUBT, 1 - DOUBT)
    return np.asarray(np.log(clipped / (1 - clipped)))
