"""Profiles and pieces that containers and drinkware share."""

import numpy as np

from graspsim.geometry import Array
from graspsim.shapes import circle
from graspsim.solids import Solid, swept


def sides(radius_m: float, foot_ratio: float, height_m: float, bulge: float = 0.0, power: float = 1.0) -> Array:
    """Return the outside (k, 2), rows of (r, z) from the floor to the rim, of a cup with a slightly bevelled foot.

    Args:
        radius_m: largest radius.
        foot_ratio: radius of the foot over that of the rim.
        height_m: of the rim above the floor's underside.
        bulge: how far the middle stands out, over the radius of the rim.
        power: of the height, by which the radius grows; 1 is straight, below 1 the cup is round at the bottom.
    """
    is_straight = bulge == 0 and power == 1
    t = np.linspace(0, 1, 2 if is_straight else 7)
    r = foot_ratio + (1 - foot_ratio) * t**power + bulge * np.sin(np.pi * t)
    rows = np.stack([radius_m * r / r.max(), height_m * t], axis=1)
    bevel = 0.06 * rows[0, 0]
    raised = min(bevel, 0.5 * rows[1, 1])
    start = np.interp(raised, rows[:, 1], rows[:, 0])
    return np.concatenate([[(rows[0, 0] - bevel, 0), (start, raised)], rows[1:]])


def inside(outer: Array, wall_m: float, floor_m: float) -> Array:
    """Return the inside (k, 2) of a wall of even thickness, row by row of the outside (k, 2), from the floor up."""
    step = np.diff(outer, axis=0)
    normal = np.stack([step[:, 1], -step[:, 0]], axis=1) / np.linalg.norm(step, axis=1, keepdims=True)
    normal = np.concatenate([normal[:1], normal[:-1] + normal[1:], normal[-1:]])
    offset = outer - wall_m * normal / np.linalg.norm(normal, axis=1, keepdims=True)
    top = outer[-1, 1]
    z = floor_m + (outer[:, 1] - outer[0, 1]) * (top - floor_m) / (top - outer[0, 1])
    return np.stack([np.interp(z, np.maximum.accumulate(offset[:, 1]), offset[:, 0]), z], axis=1)


def rounded_rim(outer: Array, inner: Array) -> tuple[Array, Array]:
    """Return outside and inside (k + 1, 2) with the edges of the rim bevelled."""
    bevel = 0.28 * (outer[-1, 0] - inner[-1, 0])
    top = outer[-1, 1]
    rows = []
    for rim, sign in ((outer, -1), (inner, 1)):
        below = np.interp(top - bevel, rim[:, 1], rim[:, 0])
        rows.append(np.concatenate([rim[:-1], [(below, top - bevel), (rim[-1, 0] + sign * bevel, top)]]))
    return rows[0], rows[1]


def handle(outer: Array, wall_m: float, low_m: float, high_m: float, reach_m: float, radii_m: Array) -> Solid:
    """Return a handle on the side of -x, both ends of which lie within the wall, short of the hollow.

    Args:
        outer: (k, 2) rows of (r, z) of the outside.
        wall_m: its least thickness.
        low_m: height of the lower end.
        high_m: height of the upper end.
        reach_m: how far the handle stands out.
        radii_m: half its thickness and half its width; made smaller where the wall curves too much for it.
    """
    ends = []
    scales = []
    for z in (high_m, low_m):
        normal = _normal(outer, z)
        for scale in (1.0, 0.85, 0.7, 0.55, 0.42, 0.3):
            depth = _depth(outer, z, normal, scale * radii_m)
            if depth < 0.5 * wall_m:
                break
        scales.append(scale)
        surface = np.array([np.interp(z, outer[:, 1], outer[:, 0]), z])
        start = surface - (depth + 0.3 * wall_m) * normal
        ends.append((start, surface + 0.15 * reach_m * normal, normal))
    (first, a, up), (last, b, down) = ends
    t = np.linspace(0, 1, 11)[:, None]
    lead = 1.15 * reach_m
    bow = (1 - t) ** 3 * a + 3 * (1 - t) ** 2 * t * (a + lead * up) + 3 * (1 - t) * t**2 * (b + lead * down) + t**3 * b
    line = np.concatenate([first[None], bow, last[None]])
    path = np.stack([-line[:, 0], 0 * line[:, 0], line[:, 1]], axis=1)
    ease = np.minimum(np.arange(len(path)), 4) / 4
    scale_along = 1 + (scales[0] - 1) * (1 - ease) + (scales[1] - 1) * (1 - ease[::-1])
    return swept(path, circle(12) * radii_m, scale=np.maximum(scale_along, min(scales)), max_parts=6)


def _normal(outer: Array, z_m: float) -> Array:
    """Return the outward normal (2,) of a profile at a height."""
    (r0, z0), (r1, z1) = ((np.interp(z, outer[:, 1], outer[:, 0]), z) for z in (z_m - 0.003, z_m + 0.003))
    return np.asarray(np.array([z1 - z0, r0 - r1]) / np.hypot(z1 - z0, r1 - r0))


def _depth(outer: Array, z_m: float, normal: Array, radii_m: Array) -> float:
    """Return how deep a section's middle must sink below the surface for all its corners to lie on or below it."""
    corners = circle(12) * radii_m
    along = np.array([-normal[1], normal[0]])
    r = np.interp(z_m, outer[:, 1], outer[:, 0]) + corners[:, 0] * along[0]
    z = z_m + corners[:, 0] * along[1]
    out = np.hypot(r, corners[:, 1]) - np.interp(z, outer[:, 1], outer[:, 0])
    return max(float(out.max()) * float(normal[0]), 0.0)
