"""Convex parts of the walls of hollow things: wedges side by side, whose inner faces leave the hollow free.

A wedge is flat where the hollow is round. Its inner face is set back so that the hollow keeps its volume, though never
so far that the wall there loses more than `MOST_SET_BACK` of its thickness.
"""

from collections.abc import Sequence
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from graspsim.geometry import Array
from graspsim.shapes import circle, rings

MOST_SET_BACK = 0.6
"""Of a wall's thickness: what is left of it must still stop a body that falls against it."""
MOST_BANDS = 5
FEWEST_SECTORS = 6


def turned_walls(
    outer: Array, inner: Array, knots: Sequence[int] | None, segments: int, count: int, corners: int
) -> list[Array]:
    """Return the parts of a wall turned about z.

    Args:
        outer: (k, 2) rows of (r, z) of the outside, from the floor to the rim.
        inner: (k, 2) the same of the inside.
        knots: the rows between which one part may reach; by default those that bring the parts closest to the wall.
        segments: sides of the surface that the parts stand for.
        count: most parts.
        corners: most vertices of a part; a wedge has at least ten.
    """
    knots = best_knots(outer, inner, count) if knots is None else knots
    parts = []
    for (low, high), sectors in zip(pairwise(knots), sectors_of(outer, knots, count), strict=True):
        at = _kept(inner, low, high)
        ends = inner[at]
        left = corners - 2 * len(at)
        steps = _steps(sectors) if 5 * (high - low + 1) <= left else 2
        rows = np.unique(np.linspace(low, high, left // (steps + 1)).round().astype(int))
        around = circle(steps * sectors)
        grown = _fair(segments, sectors) * np.sqrt(_volume(inner[low : high + 1]) / _volume(ends))
        # A bowl's wall, seen across its axis, is thick beside the floor, and a rounded rim is thin.
        thickness = np.interp(inner[:, 1], outer[:, 1], outer[:, 0]) - inner[:, 0]
        most = MOST_SET_BACK * np.minimum(np.median(thickness[low : high + 1]), thickness[at])
        set_back = np.minimum((grown - 1) * ends[:, 0], most)
        ends = np.stack([ends[:, 0] + set_back, ends[:, 1]], axis=1)
        outside = rings(_fair(segments, len(around)) * around, outer[_outside(outer, inner[[low, high]], rows)])
        parts += wedges(outside, rings(around, ends), range(0, len(around), steps), steps)
    return parts


def section_walls(
    outer: Array, inner: Array, knots: Sequence[int], cuts: Sequence[Sequence[int]], corners: int
) -> list[Array]:
    """Return the parts of a wall between sections (k, n, 3) of its outside and its inside, from the floor to the rim.

    Args:
        outer: points of the outside.
        inner: points of the inside, one to one.
        knots: the rows between which one part may reach.
        cuts: for each such band, the points of a section between which one part may reach.
        corners: most vertices of a part.
    """
    parts = []
    profiles = [np.stack([np.sqrt(_areas(s)), s[..., 2].mean(axis=1)], axis=1) for s in (outer, inner)]
    for (low, high), at in zip(pairwise(knots), cuts, strict=True):
        kept = _kept(profiles[1], low, high)
        ends, rim = inner[kept], outer[kept]
        center = ends.mean(axis=1, keepdims=True)
        grown = np.sqrt(_areas(ends) / _areas(ends[:, list(at)]))[:, None, None]
        grown = grown * np.sqrt(_volume(profiles[1][low : high + 1]) / _volume(profiles[1][kept]))
        thickness = np.linalg.norm(rim - ends, axis=2, keepdims=True)
        reach = np.linalg.norm(ends - center, axis=2, keepdims=True)
        ends = center + np.minimum(grown, 1 + MOST_SET_BACK * thickness / reach) * (ends - center)
        steps = _steps(len(at))
        left = corners - 2 * len(kept)
        rows = np.unique(np.linspace(low, high, left // (steps + 1)).round().astype(int))
        parts += wedges(outer[_outside(profiles[0], profiles[1][[low, high]], rows)], ends, at, steps)
    return parts


def wedges(outer: Array, inner: Array, cuts: Sequence[int], steps: int) -> list[Array]:
    """Return the vertices of each wedge between points (k, n, 3) of the outside and (j, n, 3) of the inside.

    The wedges meet at the points `cuts`; on the way between these the outside keeps `steps` of its points at most.
    """
    n = outer.shape[1]
    parts = []
    for start, stop in pairwise([*cuts, cuts[0] + n]):
        outside = outer[:, np.unique(np.linspace(start, stop, steps + 1).round().astype(int)) % n]
        parts.append(np.concatenate([outside.reshape(-1, 3), inner[:, [start, stop % n]].reshape(-1, 3)]))
    return parts


def _steps(sectors: int) -> int:
    """Return the number of flats of a wedge's outside: 20 to 36 in all, so that what lies on its side comes to rest."""
    return 2 if sectors >= 10 else 4


def _fair(segments: int, sides: int) -> float:
    """Return the circumradius of a regular polygon with the area of that of `segments` sides in the unit circle."""
    return float(np.sqrt(segments * np.sin(2 * np.pi / segments) / (sides * np.sin(2 * np.pi / sides))))


def _volume(profile: Array) -> float:
    """Return the volume, over π/3, turned about z of a profile (k, 2) of (r, z) that climbs."""
    r, z = profile.T
    return float(np.diff(z) @ (r[:-1] ** 2 + r[:-1] * r[1:] + r[1:] ** 2))


def _areas(sections: Array) -> Array:
    """Return the areas (k,), seen from above, of polygons (k, n, 3)."""
    x, y = sections[..., 0], sections[..., 1]
    return np.asarray((x * np.roll(y, -1, axis=1) - y * np.roll(x, -1, axis=1)).sum(axis=1) / 2)


def sectors_of(outer: Array, knots: Sequence[int], count: int) -> list[int]:
    """Return the number of wedges in each band: they cut off alike where it grows with the root of the radius."""
    radius = np.array([outer[low : high + 1, 0].max() for low, high in pairwise(knots)])
    share = np.sqrt(radius) / np.sqrt(radius).sum()
    return [int(n) for n in np.clip(count * share, FEWEST_SECTORS, 16)]


def best_knots(outer: Array, inner: Array, count: int) -> list[int]:
    """Return the rows to cut at so that the worst band's parts lie closest to the wall."""
    k = len(outer)
    worst = np.full((k, k), np.inf)
    for i in range(k - 1):
        for j in range(i + 1, k):
            worst[i, j] = max(_off(inner[i : j + 1]), _off(outer[i : j + 1] * (-1, 1)))
    best = np.full(k, np.inf)
    best[0] = 0.0
    ways: list[list[int]] = [[0]] * k
    found, least = [0, k - 1], np.inf
    for bands in range(1, min(MOST_BANDS, count // FEWEST_SECTORS, k - 1) + 1):
        through = np.maximum(best[:, None], worst)
        ways = [[*ways[through[:, j].argmin()], j] for j in range(k)]
        best = through.min(axis=0)
        if not np.isfinite(best[-1]) or len(ways[-1]) != bands + 1:
            continue
        cut_off = max(
            outer[low : high + 1, 0].max() * (1 - np.cos(np.pi / n))
            for (low, high), n in zip(pairwise(ways[-1]), sectors_of(outer, ways[-1], count), strict=True)
        )
        if best[-1] + cut_off < 0.98 * least:
            found, least = ways[-1], best[-1] + cut_off
    return found


def _kept(inner: Array, low: int, high: int) -> list[int]:
    """Return the first and last row of a band's inside (k, 2), and that between them which stands out most, if any."""
    rows = inner[low : high + 1]
    out = -_beyond(rows)
    return [low, low + int(out.argmax()), high] if out.max() > 1e-3 * rows[:, 0].max() else [low, high]


def _outside(outer: Array, line: Array, rows: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return those rows of the outside (k, 2) that lie beyond a line (2, 2), the inside's: the foot may lie within.

    A foot that is narrower than the hollow would draw the wedges into it; there the floor's part is enough.
    """
    along = line[1] - line[0]
    beyond = (outer[rows] - line[0]) @ np.array([along[1], -along[0]]) > 0
    return rows[beyond] if np.count_nonzero(beyond) > 1 else rows


def _off(profile: Array) -> float:
    """Return how far a profile (k, 2) of (r, z) lies beyond the straight line from its first to its last row."""
    return max(float(_beyond(profile).max()), 0.0)


def _beyond(profile: Array) -> Array:
    """Return how far (k,) each row of a profile lies to the outside of the line from its first to its last."""
    along = profile[-1] - profile[0]
    across = np.array([along[1], -along[0]]) / np.hypot(*along)
    return np.asarray((profile - profile[0]) @ across)
