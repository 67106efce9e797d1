"""Brushes. A paint brush and a toothbrush lie along x, a scrub brush stands on its bristles."""

import numpy as np

from graspsim.assembly import assembled
from graspsim.geometry import Array, rotation_about, transform
from graspsim.models import ObjectModel, Slot
from graspsim.shapes import circle, rings, symmetry_group
from graspsim.solids import cuboid, hull, lofted, rounded_box

from ._sheets import bar, curve

WOOD, PLASTIC, BRISTLES = Slot("wooden body", 0.65), Slot("plastic body", 1.0), Slot("bristles", 0.3)
X, Y, Z = np.eye(3)
SQUARE = np.array([(-1.0, -1), (1, -1), (1, 1), (-1, 1)])


def brush(kind: str, length_m: float, head_ratio: float, grip_ratio: float, rng: np.random.Generator) -> ObjectModel:
    """Return a paint brush, a scrub brush or a toothbrush."""
    build = {"paint_brush": _paint_brush, "scrub_brush": _scrub_brush, "toothbrush": _toothbrush}[kind]
    return build(length_m, head_ratio, grip_ratio, rng)


def _paint_brush(length: float, head_ratio: float, grip_ratio: float, rng: np.random.Generator) -> ObjectModel:
    wide, deep = rng.uniform(0.08, 0.13) * length * head_ratio, rng.uniform(0.03, 0.038) * length
    ferrule, bristles = rng.uniform(0.52, 0.58) * length, rng.uniform(0.64, 0.7) * length
    butt, waist, cap = rng.uniform(0.04, 0.055) * grip_ratio, 0.03 * grip_ratio, 0.04 * length
    x = np.array([0, 0.08, 0.28, 0.42]) * length
    shape = curve([*x, ferrule], [*(np.array([butt, butt, waist, 1.3 * waist]) * length), 0.97 * wide])
    depth = curve([*x, ferrule], np.array([0.05, 0.055, 0.06, 0.07, 0]) * length + np.array([0, 0, 0, 0, 1.9 * deep]))
    handle = bar(np.linspace(cap, ferrule + 0.01, 11), shape, depth, caps=((cap, 3), (0, 0)))
    sleeve = rounded_box((bristles - ferrule, 2.04 * wide, 2.06 * deep), 0.35 * deep, 2)
    sleeve = sleeve.moved(transform(translation=((ferrule + bristles) / 2, 0, 0)))
    # They flare a little, and come together at the tip.
    flare, tip = rng.uniform(1.0, 1.1), rng.uniform(0.35, 0.8)
    t = np.array([0, 0.5, 0.85, 1])
    along = bristles - 0.01 + t * (length - bristles + 0.01)
    half = np.column_stack([np.interp(t, [0, 0.5, 1], [0.95, flare, 0.98 * flare]) * wide, [0.92 * deep] * 4])
    half[:, 1] *= [1, 1, 0.85 * tip + 0.15, tip]
    hair = lofted(_sections(along, half, 6), 4)
    slots = (Slot("ferrule", 2.5), (WOOD, PLASTIC)[rng.integers(2)], BRISTLES)
    symmetries = symmetry_group(rotation_about(X, np.pi))
    return assembled("paint_brush", [(sleeve, 0), (handle, 1), (hair, 2)], symmetries, slots)


def _sections(x: Array, half: Array, power: float) -> Array:
    """Return sections (k, 16, 3) across x: rectangles with half sides (k, 2) along y and z, rounded as `power` says."""
    around = np.roll(circle(16), 2, axis=0)
    around = around * ((np.abs(around) ** power).sum(axis=1) ** (-1 / power))[:, None]
    flat = around * half[:, None]
    return np.concatenate([np.broadcast_to(x[:, None, None], (*flat.shape[:2], 1)), flat], axis=2)


def _scrub_brush(length: float, head_ratio: float, grip_ratio: float, rng: np.random.Generator) -> ObjectModel:
    reach, half = 0.42 * length, 0.14 * length * head_ratio
    deep = 0.09 * length * grip_ratio
    waist = rng.uniform(0.75, 1.0)
    shape = curve(reach * np.array([-0.8, 0, 0.8]), half * np.array([1, waist, 1]))
    cap = 0.2 * reach
    body = bar(np.linspace(-0.8, 0.8, 7) * reach, shape, lambda x: deep + 0 * x, caps=((cap, 3), (cap, 3)))
    rows = int(rng.integers(8, 12))
    tall = rng.uniform(0.09, 0.13) * length
    pitch, wide, floor = 1.7 * reach / rows, 1.7 * waist * half, -deep / 2 - tall
    # Tufts stand close across, and spread towards the floor.
    tuft = hull(rings(SQUARE, [(1, 0), (1.2, floor)]).reshape(-1, 3) * (0.33 * pitch, 0.42 * wide, 1))
    tufts = [tuft.moved(transform(translation=((k - (rows - 1) / 2) * pitch, 0, 0))) for k in range(rows)]
    slots = ((WOOD, PLASTIC)[rng.integers(2)], BRISTLES)
    symmetries = symmetry_group(rotation_about(Z, np.pi))
    return assembled("scrub_brush", [(body, 0), *((tuft, 1) for tuft in tufts)], symmetries, slots)


def _toothbrush(length: float, head_ratio: float, grip_ratio: float, rng: np.random.Generator) -> ObjectModel:
    grip, neck, head = 0.034 * grip_ratio, 0.0125, 0.033 * head_ratio
    slim = rng.uniform(0.65, 0.9)
    x = length * np.array([0, 0.1, 0.28, 0.45, 0.62, 0.76, 0.83, 0.9, 1])
    half = length * np.array([0.8 * grip, grip, slim * grip, grip, 1.3 * neck, neck, head, head, 0.85 * head])
    thick = length * np.array([0.035, 0.045, 0.05, 0.055, 0.032, 0.026, 0.026, 0.026, 0.026])
    sway = rng.uniform(0.0, 0.035) * length
    rise = curve(length * np.array([0, 0.2, 0.45, 0.68, 0.8, 1]), sway * np.array([0.4, 0, 0.5, 1, 0.7, 0.7]))
    cap = 0.025 * length
    body = bar(
        np.concatenate([np.linspace(cap, 0.7 * length, 9), length * np.array([0.76, 0.8, 0.83, 0.9, 0.97])]),
        curve(x, half),
        curve(x, thick),
        height=rise,
        caps=((cap, 3), (0.03 * length, 3)),
    )
    rows = int(rng.integers(5, 8))
    start, stop = 0.83 * length, 0.985 * length
    pitch = (stop - start) / rows
    # Every second row is taller, or those at the ends are.
    tall = rng.uniform(0.05, 0.06) * length
    shorter = rng.uniform(0.75, 0.9)
    heights = [tall * (shorter if k % 2 else 1.0) for k in range(rows)]
    base = float(rise(np.array(0.9 * length)))
    solids = [(body, 0)]
    for k, height in enumerate(heights):
        tuft = cuboid((0.72 * pitch, 1.5 * head * length, height + 0.013 * length))
        up = base + (height + 0.013 * length) / 2
        solids.append((tuft.moved(transform(translation=(start + (k + 0.5) * pitch, 0, up))), 1))
    return assembled("toothbrush", solids, symmetry_group(), (PLASTIC, BRISTLES))
