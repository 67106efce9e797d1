"""Outlines of arcs and straight lines, as fine as they are seen or as coarse as they collide.

In collision each arc becomes a few straight lines that enclose the same area.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from graspsim.errors import MeshError
from graspsim.geometry import Array

FINE_M = 4e-5
"""How far the sides of what is seen may lie inside the true arc."""
TYPICAL_RADIUS_M = 0.006


@dataclass(frozen=True, eq=False)
class Contour:
    """A closed line that runs counter-clockwise along arcs and, between them, straight on.

    Attributes:
        centers: (n, 2) of the arcs.
        radii_m: (n,) of the arcs; 0 for a sharp corner, negative where the line bends to the right.
        starts_rad: (n,) the direction of the outward normal where each arc starts.
        turns_rad: (n,) by how much it turns along the arc; of the radius's sign.
    """

    centers: Array
    radii_m: Array
    starts_rad: Array
    turns_rad: Array

    def fine(self) -> Array:
        """Return the corners (k, 2) of the line as it is seen."""
        points = []
        for center, radius, start, turn in self._arcs():
            sides = 4 * np.ceil(np.pi * np.sqrt(max(abs(radius), FINE_M) / (2 * FINE_M)) / 4)
            steps = int(np.ceil(sides * abs(turn) / (2 * np.pi) - 1e-9)) if radius else 0
            angle = start + turn * np.arange(steps + 1) / max(steps, 1)
            points.append(center + radius * _unit(angle[: steps if self._is_circle else steps + 1]))
        return _distinct(np.concatenate(points))

    def fair(self, tolerance_m: float) -> Array:
        """Return the corners (k, 2) of a coarser line that encloses the same area, off by about `tolerance_m`.

        Roundings that are smaller than that become sharp corners.
        """
        points = []
        # For a given number of sides the area between the two lines is least if arcs are as close as r^(-1/3).
        near = tolerance_m * np.cbrt(TYPICAL_RADIUS_M / np.maximum(np.abs(self.radii_m), FINE_M))
        for (center, radius, start, turn), tolerance_m in zip(self._arcs(), near.tolist(), strict=True):
            if self._is_circle:
                sides = 2 * max(2, int(np.ceil(np.pi * np.sqrt(radius / (3 * tolerance_m)) / 2)))
                grown = radius * np.sqrt(2 * np.pi / (sides * np.sin(2 * np.pi / sides)))
                points.append(center + grown * _unit(start + np.pi / sides + turn * np.arange(sides) / sides))
            elif abs(turn) < 3 and abs(radius) * (1 / np.cos(turn / 2) - 1) < tolerance_m / 2:
                points.append(center + radius / np.cos(turn / 2) * _unit(np.array([start + turn / 2])))
            else:
                steps = max(1, int(np.ceil(abs(turn) * np.sqrt(abs(radius) / (42 * tolerance_m)) - 0.05)))
                points.append(_chamfered(center, radius, start + turn * np.arange(steps + 1) / steps))
        return _distinct(np.concatenate(points))

    def moved(self, offset: ArrayLike, angle_rad: float = 0.0) -> "Contour":
        """Return the contour turned about the origin, and then carried by an offset (2,)."""
        c, s = np.cos(angle_rad), np.sin(angle_rad)
        centers = self.centers @ np.array([[c, s], [-s, c]]) + np.asarray(offset)
        return Contour(centers, self.radii_m, self.starts_rad + angle_rad, self.turns_rad)

    @property
    def _is_circle(self) -> bool:
        return len(self.centers) == 1

    def _arcs(self) -> list[tuple[Array, float, float, float]]:
        numbers = np.stack([self.radii_m, self.starts_rad, self.turns_rad], axis=1).tolist()
        return [(center, *arc) for center, arc in zip(self.centers, numbers, strict=True)]


def disc(center: ArrayLike, radius_m: float, start_rad: float = 0.0) -> Contour:
    """Return a circle; a side of what it becomes in collision faces `start_rad`."""
    return Contour(np.array([center], dtype=np.float64), *np.array([[radius_m], [start_rad], [2 * np.pi]]))


def stadium(first: ArrayLike, second: ArrayLike, radius_m: float) -> Contour:
    """Return the line around two circles, as of a slot."""
    centers = np.array([first, second], dtype=np.float64)
    along = centers[1] - centers[0]
    start = np.arctan2(along[1], along[0]) + np.pi / 2
    return Contour(centers, np.full(2, radius_m), np.array([start, start + np.pi]), np.full(2, np.pi))


def rounded(corners: ArrayLike, radii_m: ArrayLike = 0.0) -> Contour:
    """Return a polygon (n, 2), counter-clockwise, whose corners are rounded by radii, one or (n,).

    Raises:
        MeshError: if two roundings take more of an edge than there is.
    """
    at = np.asarray(corners, dtype=np.float64)
    radius = np.broadcast_to(np.asarray(radii_m, dtype=np.float64), len(at))
    leave = np.roll(at, -1, axis=0) - at
    length = np.hypot(*leave.T)
    leave = leave / length[:, None]
    arrive = np.roll(leave, 1, axis=0)
    turn = np.arctan2(arrive[:, 0] * leave[:, 1] - arrive[:, 1] * leave[:, 0], (arrive * leave).sum(axis=1))
    taken = radius * np.tan(np.abs(turn) / 2)
    over = taken + np.roll(taken, -1) - length
    if over.max() > 1e-9:
        edge = int(over.argmax())
        raise MeshError(f"Edge {edge} is {length[edge]:g} m long; its roundings take {over[edge]:g} m more than that.")
    signed = np.where(turn < 0, -radius, radius)
    normal = np.stack([arrive[:, 1], -arrive[:, 0]], axis=1)
    centers = at - taken[:, None] * arrive - signed[:, None] * normal
    return Contour(centers, signed, np.arctan2(normal[:, 1], normal[:, 0]), turn)


def _unit(angle_rad: Array) -> Array:
    return np.stack([np.cos(angle_rad), np.sin(angle_rad)], axis=1)


def _distinct(points: Array) -> Array:
    """Return the corners (k, 2) of a closed line without those that coincide with the one before."""
    return np.asarray(points[np.hypot(*(points - np.roll(points, 1, axis=0)).T) > 1e-9])


def _chamfered(center: Array, radius: float, angle: Array) -> Array:
    """Return two corners for each step of an arc: on its ends' tangents, so that the line encloses the same area."""
    if not radius:
        return center[None]
    step = abs(angle[1] - angle[0])
    # A trapezium stands on the chord; its slanted sides, along the tangents, are as long as gives it the segment's
    # area: d sin(s/2) (2 sin(s/2) - d cos(s/2)) = (s - sin s) / 2.
    sine, cosine, area = np.sin(step / 2), max(np.cos(step / 2), 0.0), (step - np.sin(step)) / 2
    d = area / (sine**2 + np.sqrt(sine**4 - sine * cosine * area))
    normal = _unit(angle)
    tangent = np.stack([-normal[:, 1], normal[:, 0]], axis=1)
    shift = d * np.sign(angle[1] - angle[0])
    pairs = np.stack([normal[:-1] + shift * tangent[:-1], normal[1:] - shift * tangent[1:]], axis=1)
    return np.asarray(center + radius * pairs.reshape(-1, 2))
