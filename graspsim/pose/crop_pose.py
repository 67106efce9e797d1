"""From what the network told of a crop to the pose of its object, by the picture or by measured depth."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from graspsim.geometry import Array, Intrinsics
from graspsim.pose.dense_samples import camera_of
from graspsim.pose.estimator import KnownObject
from graspsim.pose.icp import brought_to_depth
from graspsim.pose.networks import SHOWN
from graspsim.pose.silhouette import brought_to_silhouette
from graspsim.pose.solve import Fit, fit_of, pixel_grid, pose_from_measured, pose_from_pixels
from graspsim.pose.told import Told, points_rendered
from graspsim.render.raster import render_mesh

LEAST_EXPLAINED = 0.05
"""By a fit in space, below which depth is taken to be of no use."""
UNSURE = 0.25
"""Share of an object's pixels that are left out."""
_STILL_EXPLAINED = 0.8
"""What a pose brought to depth has to explain of what it did before."""


@dataclass(frozen=True, eq=False)
class ToldCrop:
    """What a network told of a crop, in maps of h by w cells; see `coordinates_of` and `bins_of`.

    Attributes:
        square: of the picture, (x, y, side, side).
        shown: (h, w) probability that a cell shows the object.
        there: (h, w) probability that the object is there, seen or hidden.
        points: (3, h, w) that the cells show, in the terms of the model's box.
        sure: (h, w) how sure these are.
        bins: (3, b, h, w) probabilities of each coordinate.
    """

    square: Array
    shown: NDArray[np.float32]
    there: NDArray[np.float32]
    points: NDArray[np.float32]
    sure: NDArray[np.float32]
    bins: NDArray[np.float32]

    def told(self, known: KnownObject) -> tuple[NDArray[np.bool_], Told]:
        """Return the k cells (h, w) that show the object, without those that are least sure, and what is told there."""
        shown = self.shown > SHOWN
        if shown.any():
            # What is least sure only leads astray.
            shown &= self.sure >= np.quantile(self.sure[shown], UNSURE)
        return shown, Told(
            known.frame,
            pixel_grid(self.square, len(shown))[shown],
            self.bins.transpose(2, 3, 0, 1)[shown],
            np.asarray(self.points.transpose(1, 2, 0)[shown], float),
            np.asarray(self.sure[shown], float),
        )


def pose_of_crop(
    known: KnownObject,
    crop: ToldCrop,
    camera: Intrinsics,
    depth_m: NDArray[np.float32] | None,
    rng: np.random.Generator,
) -> Fit | None:
    """Return the pose that explains what was told of a crop."""
    shown, told = crop.told(known)
    if depth_m is not None:
        measured = depth_at(depth_m, told.pixels)
        has_depth = measured > 0
        # At the centre of the pixel, not of the cell.
        seen_m = unproject_pixels(np.floor(told.pixels[has_depth]) + 0.5, measured[has_depth], camera)
        measurable = told.only(has_depth)
        fit = pose_from_measured(measurable, seen_m, rng)
        if fit is not None and fit.explained > LEAST_EXPLAINED:
            brought = fit_of(measurable, brought_to_depth(fit.camera_from_model, known, seen_m), seen_m)
            return brought if brought.explained > _STILL_EXPLAINED * fit.explained else fit
    view = camera_of(crop.square, camera, len(shown))

    def shown_under(pose: Array) -> Array:
        return points_rendered(known.frame, pose, render_mesh(known.coarse, pose, view), view, shown)

    return pose_from_pixels(told, camera, shown_under, rng)


def pose_refined(known: KnownObject, crop: ToldCrop, camera: Intrinsics, pose: Array) -> Fit:
    """Return the pose (4, 4) near to another that suits best what was told of a crop around it."""
    shown, told = crop.told(known)
    view = camera_of(crop.square, camera, len(shown))
    refined = brought_to_silhouette(pose, known, crop.there, shown, told, view)
    points = points_rendered(known.frame, refined, render_mesh(known.coarse, refined, view), view, shown)
    return Fit(refined, float(told.explained(points).mean()) if shown.any() else 0.0)


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
