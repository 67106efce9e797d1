"""From what the network told of a crop to the pose of its object, by the picture or by measured depth."""

import numpy as np
from numpy.typing import NDArray

from graspsim.geometry import Array, Intrinsics
from graspsim.meshes import Mesh
from graspsim.pose.dense_samples import camera_of
from graspsim.pose.estimator import KnownObject
from graspsim.pose.icp import brought_to_depth
from graspsim.pose.networks import SHOWN
from graspsim.pose.solve import Fit, fit_of, pixel_grid, pose_from_measured, pose_from_pixels
from graspsim.pose.told import Told, points_rendered
from graspsim.render.raster import render_mesh

LEAST_EXPLAINED = 0.05
"""By a fit in space, below which depth is taken to be of no use."""
UNSURE = 0.25
"""Share of an object's pixels that are left out."""
NEARER = np.exp(np.linspace(-0.14, 0.14, 29))
"""Distances tried, of that which the points tell."""
DOUBT = 0.02
"""In whether an object is in a pixel, at least."""
_STILL_EXPLAINED = 0.8
"""What a pose brought to depth has to explain of what it did before."""


def pose_of_crop(
    known: KnownObject,
    square: Array,
    probability: NDArray[np.float32],
    there: NDArray[np.float32],
    points: NDArray[np.float32],
    sure: NDArray[np.float32],
    bins: NDArray[np.float32],
    camera: Intrinsics,
    depth_m: NDArray[np.float32] | None,
    rng: np.random.Generator,
) -> Fit | None:
    """Return the pose that explains what was told of a crop, see `coordinates_of` and `bins_of`."""
    shown = probability > SHOWN
    if shown.any():
        # What is least sure only leads astray.
        shown &= sure >= np.quantile(sure[shown], UNSURE)
    pixels = pixel_grid(square, len(shown))[shown]
    chosen = bins.transpose(2, 3, 0, 1)[shown]
    told = Told(
        known.frame, pixels, chosen, np.asarray(points.transpose(1, 2, 0)[shown], float), np.asarray(sure[shown], float)
    )
    if depth_m is not None:
        measured = depth_at(depth_m, pixels)
        has_depth = measured > 0
        # At the centre of the pixel, not of the cell.
        seen_m = unproject_pixels(np.floor(pixels[has_depth]) + 0.5, measured[has_depth], camera)
        measurable = told.only(has_depth)
        fit = pose_from_measured(measurable, seen_m, rng)
        if fit is not None and fit.explained > LEAST_EXPLAINED:
            brought = fit_of(measurable, brought_to_depth(fit.camera_from_model, known, seen_m), seen_m)
            return brought if brought.explained > _STILL_EXPLAINED * fit.explained else fit
    view = camera_of(square, camera, len(shown))

    def shown_under(pose: Array) -> Array:
        return points_rendered(known.frame, pose, render_mesh(known.coarse, pose, view), view, shown)

    fit = pose_from_pixels(told, camera, shown_under, rng)
    if fit is None:
        return None
    pose = at_distance_of_silhouette(fit.camera_from_model, known.coarse, there, view)
    return Fit(pose, float(told.explained(shown_under(pose)).mean()))


def at_distance_of_silhouette(pose: Array, mesh: Mesh, there: NDArray[np.float32], view: Intrinsics) -> Array:
    """Return a pose (4, 4) moved along its view, to where the model covers what it is told to cover (h, w).

    Points tell least of the distance, and are all drawn to the middle where they are unsure.
    """
    probability = np.clip(there, DOUBT, 1 - DOUBT)
    odds = np.log(probability / (1 - probability))
    moved = np.repeat(pose[None], len(NEARER), axis=0)
    moved[:, :3, 3] *= NEARER[:, None]
    covered = [odds[render_mesh(mesh, each, view) > 0].sum() for each in moved]
    return np.asarray(moved[int(np.argmax(covered))])


def depth_at(depth_m: NDArray[np.float32], pixels: Array) -> Array:
    """Return the depth at pixels (n, 2), 0 outside of the picture."""
    column, row = np.floor(pixels).astype(int).T
    height, width = depth_m.shape
    inside = (row >= 0) & (row < height) & (column >= 0) & (column < width)
    return np.where(inside, depth_m[np.clip(row, 0, height - 1), np.clip(column, 0, width - 1)], 0.0)


def unproject_pixels(pixels: Array, depth_m: Array, camera: Intrinsics) -> Array:
    """Return the points (n, 3) in the camera frame that pixels (n, 2) show."""
    x = (pixels[:, 0] - camera.cx) / camera.fx
    y = (pixels[:, 1] - camera.cy) / camera.fy
    return np.column_stack([x * depth_m, y * depth_m, depth_m])
