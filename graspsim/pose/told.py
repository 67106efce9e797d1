"""What a network told of the pixels that show an object, and how well a pose explains it.

The network tells probabilities of points, often of several places at once: a handle that is hidden may be on either
side. Poses are judged by these, and not by the likeliest points alone.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from graspsim.geometry import Array, Intrinsics, apply, invert, unproject
from graspsim.pose.frame import Frame

_SAME_BINS, _NEAR_BINS = 1, 2
"""Bins to either side of a point: that are taken to tell of that point, and in which a better one is sought."""


@dataclass(frozen=True, eq=False)
class Told:
    """What is told of k pixels, in the terms of a model's box.

    Attributes:
        frame: that box.
        pixels: (k, 2) in the picture.
        bins: (k, 3, b) probabilities of each coordinate of the point that a pixel shows.
        points: (k, 3) the likeliest.
        sure: (k,) how sure these are.
    """

    frame: Frame
    pixels: Array
    bins: NDArray[np.float32]
    points: Array
    sure: Array

    def only(self, chosen: NDArray[np.bool_]) -> "Told":
        """Return what is told of some of the pixels (k,)."""
        return Told(self.frame, self.pixels[chosen], self.bins[chosen], self.points[chosen], self.sure[chosen])

    def explained(self, points: Array) -> Array:
        """Return the probability (..., k) that the pixels show points (..., k, 3), or nearly; 0 for nan."""
        mass, _ = self._around(points, _SAME_BINS)
        return np.asarray(mass.prod(axis=-1))

    def near(self, points: Array) -> tuple[Array, Array]:
        """Return the likeliest places (..., k, 3) near to points (..., k, 3), and the probability (..., k) of these."""
        mass, mean = self._around(points, _NEAR_BINS)
        return np.where(np.isnan(points), self.points, mean), mass.prod(axis=-1)

    def _around(self, points: Array, reach: int) -> tuple[Array, Array]:
        """Return the probability (..., k, 3) of the bins around points, and their mean."""
        count = self.bins.shape[2]
        known = np.isfinite(points)
        place = (np.where(known, points, 0.0) + 1) / 2 * (count - 1)
        known &= (place > -1) & (place < count)
        middle = np.rint(place).astype(np.int64)
        row, axis = np.arange(len(self.bins))[:, None], np.arange(3)
        mass, moment = np.zeros(place.shape), np.zeros(place.shape)
        for step in range(-reach, reach + 1):
            index = middle + step
            share = np.where((index >= 0) & (index < count), self.bins[row, axis, index.clip(0, count - 1)], 0.0)
            mass += share
            moment += share * index
        mass = np.where(known, mass, 0.0)
        mean = np.where(mass > 0, moment / np.maximum(mass, 1e-9), place)
        return mass, 2 * mean / (count - 1) - 1

    def drawn(self, rows: NDArray[np.int64], rng: np.random.Generator) -> Array:
        """Return points (..., 3) drawn for pixels (...) by their probabilities."""
        count = self.bins.shape[2]
        up_to = np.cumsum(self.bins, axis=2)[rows]  # (..., 3, b)
        index = (up_to < rng.random((*rows.shape, 3, 1)) * up_to[..., -1:]).sum(axis=-1).clip(max=count - 1)
        return np.asarray(2 * index / (count - 1) - 1)


def points_measured(frame: Frame, camera_from_model: Array, seen_m: Array) -> Array:
    """Return the points (r, k, 3), in the box's terms, that poses (r, 4, 4) put where (k, 3) was measured."""
    model_from_camera = np.linalg.inv(camera_from_model)
    points = seen_m @ model_from_camera[:, :3, :3].transpose(0, 2, 1) + model_from_camera[:, None, :3, 3]
    return frame.scaled(points)


def points_rendered(
    frame: Frame, camera_from_model: Array, depth_m: NDArray[np.float32], view: Intrinsics, shown: NDArray[np.bool_]
) -> Array:
    """Return the points (k, 3), in the box's terms, of a rendering (h, w) at the k pixels shown; nan where none is."""
    points = apply(invert(camera_from_model), unproject(depth_m, view)[shown])
    return np.where(depth_m[shown][:, None] > 0, frame.scaled(points), np.nan)
