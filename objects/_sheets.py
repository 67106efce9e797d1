"""Bodies like sheets: a grid of points in the plane, bent out of it and given thickness, some of its cells left out."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.interpolate import PchipInterpolator

from graspsim.geometry import Array
from graspsim.meshes import Mesh, finish
from graspsim.shapes import circle, skin
from graspsim.solids import Solid, loft_parts

Curve = Callable[[Array], Array]
STRAIGHTNESS = 0.005
"""Of strips: they are thinner than wide, so that little of a bend is much of their thickness. Where a strip has no more
rows than it may have parts, these are exact."""
MOST_ACROSS = 8
"""Columns of points that a strip's part keeps: with two sides and two ends that makes 32 vertices."""
AROUND = np.array([-1, -0.93, -0.75, -0.4, 0.4, 0.75, 0.93, 1])


def curve(x: ArrayLike, y: ArrayLike) -> Curve:
    """Return the smooth curve through points that overshoots none of them (Fritsch and Carlson 1980), level beyond."""
    at = np.asarray(x, dtype=np.float64)
    through = PchipInterpolator(at, np.asarray(y, dtype=np.float64))
    return lambda value: np.asarray(through(np.clip(value, at[0], at[-1])))


@dataclass(frozen=True, eq=False)
class Plan:
    """A grid in the plane, rows along x and columns across.

    Attributes:
        xy: (k, m, 2).
        rim: (k, m) from 0 along the middle to 1 along the rim.
    """

    xy: Array
    rim: Array


def plan(
    x: Array,
    half_width: Curve,
    across: Array,
    middle: Curve | None = None,
    caps: tuple[tuple[float, int], ...] = ((0.0, 0), (0.0, 0)),
) -> Plan:
    """Return the grid of an outline along x.

    Args:
        x: (k,) of its straight rows, climbing.
        half_width: of the outline at x.
        across: (m,) of the columns, from -1 at the right edge to 1 at the left; (k, m) where it varies along x, which
            goes with straight ends only.
        middle: y of its middle at x; 0 by default.
        caps: of the half ellipses that stand out from the first and from the last row: how far (m), and how many rows
            each has; 0 where the outline ends straight.
    """
    xy = np.stack(np.broadcast_arrays(x[:, None], half_width(x)[:, None] * across), axis=2)
    rim = np.broadcast_to(np.abs(across), xy.shape[:2])
    for at, sign, (reach, steps) in zip((0, -1), (-1, 1), caps, strict=True):
        if steps:
            u = np.arange(1, steps + 1)[:, None] / steps
            # The map of a square onto a disc that leaves each side of the square an arc.
            out = x[at] + sign * reach * u * np.sqrt(1 - across**2 / 2)
            side = half_width(x[[at]]) * across * np.sqrt(1 - u**2 / 2)
            cap, edge = np.stack([out, side], axis=2), np.maximum(u, np.abs(across))
            xy = np.concatenate([xy, cap] if sign > 0 else [cap[::-1], xy])
            rim = np.concatenate([rim, edge] if sign > 0 else [edge[::-1], rim])
    if middle is not None:
        xy[..., 1] += middle(xy[..., 0])
    return Plan(xy, rim)


def lens(rim: Array, edge: float) -> Array:
    """Return thickness over that of the middle where it falls to `edge` along the rim (1), as if that were rounded."""
    return np.asarray(edge + (1 - edge) * np.sqrt(1 - rim**4))


@dataclass(frozen=True, eq=False)
class Sheet:
    """Two grids of points (k, m, 3), rows along x and columns along y, one above the other."""

    top: Array
    bottom: Array

    def mesh(self, filled: NDArray[np.bool_] | None = None) -> Mesh:
        """Return the surface around the cells (k - 1, m - 1) that are filled, which is all of them by default."""
        k, m = self.top.shape[:2]
        if filled is None:
            filled = np.ones((k - 1, m - 1), dtype=bool)
        here = (m * np.arange(k - 1)[:, None] + np.arange(m - 1))[filled]
        under = k * m
        a, b, c, d = here, here + m, here + m + 1, here + 1
        faces = [np.stack(t, axis=1) for t in ((a, b, c), (a, c, d))]
        faces += [under + t[:, ::-1] for t in faces]
        padded = np.pad(filled, 1)
        neighbours = padded[1:-1, :-2], padded[2:, 1:-1], padded[1:-1, 2:], padded[:-2, 1:-1]
        for (start, stop), beside in zip(((a, b), (b, c), (c, d), (d, a)), neighbours, strict=True):
            start, stop = (end[~beside[filled]] for end in (start, stop))
            faces += [np.stack([under + start, under + stop, stop], axis=1), np.stack([under + start, stop, start], 1)]
        used, index = np.unique(np.concatenate(faces), return_inverse=True)
        vertices = np.concatenate([self.top.reshape(-1, 3), self.bottom.reshape(-1, 3)])[used]
        return finish(vertices, index.reshape(-1, 3).astype(np.int32))

    def strip(self, rows: slice, columns: slice, max_parts: int, straightness: float = STRAIGHTNESS) -> list[Array]:
        """Return the convex parts of a strip along x whose cross-sections are nearly convex."""
        top, bottom = self.top[rows, columns], self.bottom[rows, columns]
        m = top.shape[1]
        kept = np.arange(m)
        if m > MOST_ACROSS:
            # The rim is rounded, so the columns next to it count.
            kept = np.unique([0, 1, *np.linspace(1, m - 2, MOST_ACROSS - 2).round().astype(int), m - 2, m - 1])
        return loft_parts(np.concatenate([bottom[:, kept], top[:, kept[::-1]]], axis=1), max_parts, straightness)

    def shell(self, knots: Sequence[int], cuts: Sequence[Sequence[int]]) -> list[Array]:
        """Return the convex parts of what is bent both ways: one to each field of rows and columns.

        Where a side is hollow its part is flat there, set back as far as gives it the same volume.

        Args:
            knots: rows between which a part reaches.
            cuts: for each two knots, the columns between which a part reaches.
        """
        up = self.top - self.bottom
        up = up / np.linalg.norm(up, axis=2, keepdims=True)
        parts = []
        for (i, j), columns in zip(pairwise(knots), cuts, strict=True):
            for a, b in pairwise(columns):
                field = np.s_[i : j + 1, a : b + 1]
                sides = _side(self.top[field], up[field]), _side(self.bottom[field], -up[field])
                parts.append(np.concatenate(sides))
        return parts


def bent(at: Plan, height: Callable[[Array, Array], Array], thickness_m: ArrayLike) -> Sheet:
    """Return the sheet of a thickness (k, m) about a surface z = height(x, y)."""
    x, y = at.xy[..., 0], at.xy[..., 1]
    step = 1e-5
    slope_x = (height(x + step, y) - height(x - step, y)) / (2 * step)
    slope_y = (height(x, y + step) - height(x, y - step)) / (2 * step)
    normal = np.stack([-slope_x, -slope_y, np.ones_like(x)], axis=2)
    normal /= np.linalg.norm(normal, axis=2, keepdims=True)
    half = np.broadcast_to(thickness_m, x.shape)[..., None] * normal / 2
    middle = np.concatenate([at.xy, height(x, y)[..., None]], axis=2)
    return Sheet(middle + half, middle - half)


def bar(
    x: Array,
    half_width: Curve,
    depth: Curve,
    middle: Curve | None = None,
    height: Curve = np.zeros_like,
    caps: tuple[tuple[float, int], ...] = ((0.0, 0), (0.0, 0)),
) -> Solid:
    """Return a bar along x with rounded edges, as handles are.

    Args:
        x: (k,) of its straight rows.
        half_width: along y.
        depth: along z.
        middle: y of its middle; 0 by default.
        height: z of its middle; 0 by default.
        caps: as for `plan`.
    """
    at = plan(x, half_width, AROUND, middle, caps)
    sheet = bent(at, lambda u, v: height(u), depth(at.xy[..., 0]) * lens(at.rim, 0.35))
    return Solid(sheet.mesh(), tuple(sheet.strip(slice(None), slice(None), len(at.xy), 0.02)))


def ribbon(path: Array, half_m: Array, max_parts: int) -> Solid:
    """Return a flat bar with rounded edges along a path (k, 2) of (x, z).

    Args:
        path: of its middle.
        half_m: half its thickness and half its width along y, (2,).
        max_parts: most convex parts; exact where the path has no more stretches.
    """
    step = np.diff(path, axis=0)
    step /= np.hypot(*step.T)[:, None]
    along = np.concatenate([step[:1], step[:-1] + step[1:], step[-1:]])
    # At a bend the section is as much thicker as its slant takes away.
    along /= (along * np.concatenate([step[:1], step])).sum(axis=1, keepdims=True)
    across = np.stack([along[:, 1], -along[:, 0]], axis=1)
    section = circle(16) * ((np.abs(circle(16)) ** 4).sum(axis=1) ** -0.25)[:, None] * half_m
    flat = path[:, None] + section[:, :1] * across[:, None]
    sections = np.stack([flat[..., 0], np.broadcast_to(section[:, 1], flat.shape[:2]), flat[..., 1]], axis=2)
    return Solid(skin(sections), tuple(loft_parts(sections, max_parts, STRAIGHTNESS)))


def _side(points: Array, outward: Array) -> Array:
    """Return the vertices of one side of a part: points of the field (k, m, 3), set back or out by what they miss."""
    rows, columns = _kept(points, outward), _kept(points.swapaxes(0, 1), outward.swapaxes(0, 1))
    kept = points[np.ix_(rows, columns)]
    seen = np.einsum("ia,jb,abk->ijk", _between(rows), _between(columns), kept)
    weight = np.outer(_trapezoid(points.shape[0]), _trapezoid(points.shape[1]))
    missed = np.einsum("ijk,ijk,ij->", points - seen, outward, weight) / weight.sum()
    return np.asarray((kept + missed * outward[np.ix_(rows, columns)]).reshape(-1, 3))


def _kept(points: Array, outward: Array) -> NDArray[np.int64]:
    """Return the rows that a part keeps: the ends, and up to two between where the side bulges outward."""
    last = len(points) - 1
    t = np.linspace(0, 1, last + 1)[:, None, None]
    off = np.einsum("ijk,ijk->", points - (1 - t) * points[0] - t * points[-1], outward)
    return np.unique(np.linspace(0, last, 4 if off > 0 else 2).round().astype(np.int64))


def _between(kept: NDArray[np.int64]) -> Array:
    """Return weights (k, n) of n kept rows in each of the k rows from the first to the last of them."""
    rows = np.arange(kept[-1] + 1)
    return np.stack([np.interp(rows, kept, unit) for unit in np.eye(len(kept))], axis=1)


def _trapezoid(count: int) -> Array:
    weight = np.ones(count)
    weight[[0, -1]] = 0.5
    return weight
