"""Convex parts of round solids: frusta of what is turned, lunes of what is smooth and convex.

All are fair: they err to both sides alike and hold the volume of the surface that they stand for.
"""

from collections.abc import Sequence
from itertools import pairwise

import numpy as np
from scipy.spatial import ConvexHull

from graspsim.geometry import Array
from graspsim.meshes import Mesh
from graspsim.shapes import circle, rings

PROFILE_ERROR = 0.014
"""Bound of the volume between a solid of revolution and its frusta, over its own; that these have sides adds to it."""
FARTHEST = 0.04
"""How far a frustum may lie off the surface, over the solid's largest radius."""


def frusta(profile: Array, segments: int, sides: int, max_parts: int) -> list[Array]:
    """Return the fewest frusta that lie close to a solid of revolution about z.

    Where to cut is found by dynamic programming, and each frustum fits its stretch of the profile by least squares.

    Args:
        profile: (k, 2) rows of (r, z), z never falling; where r changes at one height, the surface steps.
        segments: sides of the surface that the parts stand for.
        sides: of a part, which has twice as many vertices.
        max_parts: most parts; where it is not enough, they follow the surface more coarsely.
    """
    r, z = profile.T
    rises = np.flatnonzero(np.diff(z) > 1e-9)
    ends, heights = np.stack([r[rises], r[rises + 1]]), np.append(z[rises], z[rises[-1] + 1])
    fits, error, farthest = _line_fits(ends, heights)
    volume = float(np.diff(heights) @ (ends[0] ** 2 + ends[0] * ends[1] + ends[1] ** 2)) / 3
    moment = float(np.diff(heights) @ ends.sum(axis=0)) / 2
    # By Cauchy and Schwarz ∫ 2 r |Δr| dz is at most 2 √(∫ r Δr² dz · ∫ r dz).
    most, reach = (PROFILE_ERROR * volume / 2) ** 2 / moment, FARTHEST * r.max()
    spans = _fewest(np.where(farthest > reach, np.inf, error), most, max_parts)
    while not spans:
        most, reach = 2 * most, 1.4 * reach
        spans = _fewest(np.where(farthest > reach, np.inf, error), most, max_parts)
    rows = [np.array([(fits[i, j, 0], heights[i]), (fits[i, j, 1], heights[j])]) for i, j in spans]
    held = sum(np.diff(row[:, 1]) @ [row[0, 0] ** 2 + row[:, 0].prod() + row[1, 0] ** 2] for row in rows) / 3
    area = segments * np.sin(2 * np.pi / segments) / (sides * np.sin(2 * np.pi / sides))
    around = np.sqrt(area * volume / held) * circle(sides)
    # At a tip the corners of an end are one point.
    return [np.concatenate([ring if ring[0, :2].any() else ring[:1] for ring in rings(around, row)]) for row in rows]


def _line_fits(ends: Array, heights: Array) -> tuple[Array, Array, Array]:
    """Return the straight lines that fit a profile best, weighted with the radius, between any two of its heights.

    Args:
        ends: radii (2, n) at the lower and upper end of each stretch.
        heights: (n + 1,) between the stretches.

    Returns:
        Radii (n + 1, n + 1, 2) of the line at heights i and j, ∫ r Δr² dz (n + 1, n + 1), and the largest |Δr|.
    """
    n = ends.shape[1]
    # Simpson's rule is exact for what is integrated here.
    z = np.stack([heights[:-1], (heights[:-1] + heights[1:]) / 2, heights[1:]])
    r = np.stack([ends[0], ends.mean(axis=0), ends[1]])
    weight = r * np.diff(heights) * np.array([[1], [4], [1]]) / 6

    def between(values: Array) -> Array:
        total = np.concatenate([[0.0], np.cumsum((weight * values).sum(axis=0))])
        return np.asarray(total - total[:, None])

    is_span = np.triu(np.ones((n + 1, n + 1), dtype=bool), 1)
    w = np.where(is_span, between(np.ones_like(r)), 1.0)
    middle_z, middle_r = between(z) / w, between(r) / w
    spread = np.where(is_span, between(z * z) / w - middle_z**2, 1.0)
    slope = (between(z * r) / w - middle_z * middle_r) / spread
    offset = middle_r - slope * middle_z
    fits = np.stack([offset + slope * heights[:, None], offset + slope * heights], axis=2)
    # A stretch on its own is fitted exactly.
    fits[np.arange(n), np.arange(1, n + 1)] = ends.T
    fits = np.where(fits > 1e-9, fits, 0.0)
    rise = np.where(is_span, heights - heights[:, None], 1.0)
    lines = fits[..., :1, None] + (fits[..., 1:, None] - fits[..., :1, None]) * (
        (z - heights[:, None, None, None]) / rise[..., None, None]
    )
    number = np.arange(n)
    inside = (number >= np.arange(n + 1)[:, None, None]) & (number < np.arange(n + 1)[None, :, None])
    off = np.where(inside[:, :, None], np.abs(lines - r), 0.0)
    return fits, np.where(is_span, (weight * off**2).sum(axis=(2, 3)), np.inf), off.max(axis=(2, 3))


def _fewest(error: Array, most: float, max_parts: int) -> list[tuple[int, int]]:
    """Return the fewest spans from the first to the last knot whose errors (n, n) sum up to `most`, or none."""
    best = np.full(len(error), np.inf)
    best[0] = 0.0
    before = []
    for _ in range(min(max_parts, len(error) - 1)):
        through = best[:, None] + error
        before.append(through.argmin(axis=0))
        best = through.min(axis=0)
        if best[-1] <= most:
            knots = [len(error) - 1]
            for step in reversed(before):
                knots.append(int(step[knots[-1]]))
            return list(pairwise(reversed(knots)))
    return []


def lunes(counts: Sequence[int] = (4, 4, 3, 2), sectors: int = 4) -> tuple[Array, Array]:
    """Return points on each lune of the unit sphere, from pole to pole, and their azimuth and latitude (sectors, k, 2).

    Args:
        counts: segments of a lune at latitude 0 and at each even step towards the poles.
        sectors: number of lunes.
    """
    angles: list[tuple[float, float]] = [(0.0, 0.5 * np.pi), (0.0, -0.5 * np.pi)]
    for row, count in enumerate(counts):
        north = 0.5 * np.pi * row / len(counts)
        for east in np.linspace(0, 2 * np.pi / sectors, count + 1):
            angles += [(east, north), (east, -north)] if row else [(east, 0.0)]
    turns = np.column_stack([2 * np.pi * np.arange(sectors) / sectors, np.zeros(sectors)])
    both = np.array(angles) + turns[:, None]
    azimuth, latitude = both[..., 0], both[..., 1]
    points = [np.cos(azimuth) * np.cos(latitude), np.sin(azimuth) * np.cos(latitude), np.sin(latitude)]
    return np.stack(points, axis=2), both


def fair_parts(mesh: Mesh, points: Array) -> list[Array]:
    """Return points (n, k, 3) by part, grown about the origin until their hull has the volume of a convex mesh."""
    corners = mesh.vertices[mesh.faces]
    volume_m3 = np.einsum("ij,ij->", corners[:, 0], np.cross(corners[:, 1], corners[:, 2])) / 6
    growth = (volume_m3 / ConvexHull(points.reshape(-1, 3)).volume) ** (1 / 3)
    return list(growth * points)
