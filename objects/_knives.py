"""Blades and what holds them. They lie on their side, the edge towards -y, and the blade starts at x = 0."""

import numpy as np

from graspsim.geometry import Array, transform
from graspsim.solids import Solid, rounded_box, turned

from ._sheets import Sheet, bar, bent, curve, lens, plan

ACROSS = np.array([-1, -0.9, -0.65, -0.25, 0.25, 0.65, 0.9, 1])
EDGE = 0.35
"""Thickness along a cutting edge over that of the spine."""

# Of each kind of blade, over its length: x, the spine's y and the edge's y.
BLADES = {
    "chef": [(0, 0, -0.34), (0.3, 0, -0.335), (0.6, -0.01, -0.31), (0.8, -0.04, -0.25), (0.93, -0.085, -0.17),
             (1, -0.115, -0.135)],
    "santoku": [(0, 0, -0.33), (0.4, 0, -0.335), (0.7, -0.005, -0.325), (0.85, -0.055, -0.31), (0.94, -0.13, -0.29),
                (1, -0.225, -0.26)],
    "paring": [(0, 0, -0.22), (0.4, 0, -0.22), (0.7, -0.015, -0.195), (0.9, -0.05, -0.135), (1, -0.08, -0.1)],
}  # fmt: skip


def _wedge(across: Array) -> Array:
    """Return the thickness at columns across a blade over that of its spine."""
    return np.asarray(EDGE + (1 - EDGE) * np.clip((1 + across) / 1.3, 0, 1))


def blade(shape: str, length_m: float, width_ratio: float, thickness_m: float) -> Solid:
    """Return a kitchen knife's blade; the handle belongs to the upper half of its heel."""
    x, spine, edge = (length_m * np.array(BLADES[shape])).T
    edge = edge * width_ratio
    half, middle = curve(x, (spine - edge) / 2), curve(x, (spine + edge) / 2)
    rows = length_m * np.concatenate([np.linspace(0, 0.6, 6), np.linspace(0.6, 0.985, 9)[1:]])
    at = plan(rows, half, ACROSS, middle, ((0, 0), (0.015 * length_m, 3)))
    sheet = bent(at, lambda u, v: 0 * u, thickness_m * _wedge(ACROSS) * np.ones(at.rim.shape))
    lift = transform(translation=(0, 0.055 * length_m, 0))
    return Solid(sheet.mesh(), tuple(sheet.strip(slice(None), slice(None), 10))).moved(lift)


def grip(length_m: float, half_m: float, depth_m: float, rng: np.random.Generator) -> Solid:
    """Return a kitchen knife's handle, which ends a little beyond the heel."""
    slim, butt = rng.uniform(0.75, 0.9), rng.uniform(0.95, 1.15)
    half = curve(length_m * np.array([-1, -0.85, -0.4, 0]), half_m * np.array([0.9 * butt, butt, slim, 1]))
    drop = half_m * rng.uniform(0.1, 0.4)
    middle = curve(length_m * np.array([-1, -0.8, -0.3]), [-drop, -0.3 * drop, 0])
    cap = 0.5 * half_m
    x = np.linspace(cap - length_m, 0.002, 10)
    return bar(x, half, lambda u: depth_m + 0 * u, middle, caps=((cap, 3), (0, 0)))


def bolster(half_m: float, depth_m: float) -> Solid:
    """Return the collar between a blade and its handle."""
    size = np.array([0.02, 1.9 * half_m, 0.72 * depth_m])
    return rounded_box(size, 0.3 * size[2], 2).moved(transform(translation=(0.004, 0, 0)))


def rivets(length_m: float, radius_m: float, depth_m: float) -> list[Solid]:
    """Return three rivets through a handle, just proud of it."""
    half = depth_m / 2 + 0.0003
    pin = turned([(0, -half), (radius_m, -half), (radius_m, half), (0, half)], 16)
    return [pin.moved(transform(translation=(-t * length_m, 0, 0))) for t in (0.25, 0.5, 0.75)]


def whole_knife(
    length_m: float, width_ratio: float, thickness_m: float, rng: np.random.Generator
) -> tuple[Sheet, list[Array]]:
    """Return a table knife, of one piece from the butt to the tip, and its convex parts."""
    start, wide = rng.uniform(0.44, 0.5), 0.05 * width_ratio
    butt, neck, drop = rng.uniform(0.038, 0.045), rng.uniform(0.026, 0.032), rng.uniform(0.2, 0.6)
    x = length_m * np.array([0.03, 0.12, start - 0.06, start, start + 0.05, 0.8, 0.93, 0.98])
    half = curve(x, length_m * np.array([butt, butt, neck, neck, 0.8 * wide, wide, 0.8 * wide, 0.5 * wide]))
    # The spine falls and the edge rises towards the tip, which lies above the middle.
    middle = curve(x, length_m * np.array([0, 0, 0, 0, 0.1 * wide - 0.002, 0, 0.2 * wide, (0.5 - 0.4 * drop) * wide]))
    is_blade = curve(length_m * np.array([start - 0.03, start + 0.04]), [0, 1])
    deep = rng.uniform(0.032, 0.038) * length_m
    cap = 0.02 * length_m
    rows = np.concatenate([np.linspace(cap, (start - 0.03) * length_m, 7), length_m * np.linspace(start, 0.98, 12)])
    at = plan(rows, half, ACROSS, middle, ((cap, 3), (cap, 3)))
    share = is_blade(at.xy[..., 0])
    round_handle = deep * lens(at.rim, 0.4)
    sheet = bent(at, lambda u, v: 0 * u, (1 - share) * round_handle + share * thickness_m * _wedge(ACROSS))
    return sheet, sheet.strip(slice(None), slice(None), 24)
