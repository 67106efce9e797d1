"""Heads and shanks of wrenches, flat about z = 0, and pliers that are shut."""

import numpy as np

from graspsim.assembly import assembled
from graspsim.contours import disc, rounded
from graspsim.geometry import rotation_about, transform
from graspsim.models import ObjectModel, Slot
from graspsim.polygons import plate, plate_mesh
from graspsim.shapes import circle, rings, symmetry_group
from graspsim.solids import Solid, lofted, swept, turned

X = np.array([1.0, 0, 0])
STEEL = Slot("steel", 7.8)
BEVEL_M = 0.0004
JAW_TURN_RAD = np.radians(15)
OPEN_REACH, RING_REACH = 1.03, 0.9
"""How far a head reaches beyond its centre, over its radius; a jaw that is turned reaches out with one of its tips."""


def wrench(kind: str, length_m: float, head_ratio: float, grip_ratio: float, rng: np.random.Generator) -> ObjectModel:
    """Return an open-end, a ring or a combination wrench along x."""
    size = 0.1 * length_m * head_ratio
    thick = max(0.038 * length_m * grip_ratio, 0.005)
    second = size * rng.uniform(0.78, 0.9)
    low = second * (OPEN_REACH if kind == "open_wrench" else RING_REACH)
    high = length_m - size * (RING_REACH if kind == "ring_wrench" else OPEN_REACH)
    if kind == "open_wrench":
        heads = [_open(size, thick, (high, 0), JAW_TURN_RAD), _open(second, thick, (low, 0), np.pi + JAW_TURN_RAD)]
    elif kind == "ring_wrench":
        is_fine = bool(rng.random() < 0.5)
        heads = [_ring(RING_REACH * radius, thick, x, is_fine) for radius, x in ((size, high), (second, low))]
    else:
        is_fine = bool(rng.random() < 0.5)
        heads = [_open(size, thick, (high, 0), JAW_TURN_RAD), _ring(RING_REACH * second, thick, low, is_fine)]
    wide = rng.uniform(0.36, 0.44)
    # From within one head to within the other, short of jaw and hole.
    a, b = low + 0.68 * second, high - 0.68 * size
    corners = [(a, -wide * second), (b, -wide * size), (b, wide * size), (a, wide * second)]
    shank = plate(rounded(corners), [], rng.uniform(0.6, 0.75) * thick, BEVEL_M)
    symmetries = symmetry_group(rotation_about(X, np.pi)) if kind == "ring_wrench" else symmetry_group()
    return assembled(kind, [*heads, shank], symmetries, (STEEL,))


def _open(radius: float, thick: float, center: tuple[float, float], turn_rad: float) -> Solid:
    """Return a head with a jaw that opens in the direction `turn_rad`."""
    w, tip, floor = 0.47 * radius, 0.88 * radius, -0.2 * radius
    # Around the back goes a hexagon, whose corners are so round that they are the circle.
    back = (circle(6)[1:] * radius / np.cos(np.pi / 6)).tolist()
    outer = 0.8 * radius
    jaw = [(tip, -w), (floor, -w), (floor - 0.22 * radius, 0), (floor, w), (tip, w)]
    corners = [*jaw, (tip, outer), *back, (tip, -outer)]
    radii = np.array([0.1, 0.1, 0.05, 0.1, 0.1, 0.12, 0.75, 1, 1, 1, 0.75, 0.12]) * radius
    return plate(rounded(corners, radii).moved(center, turn_rad), [], thick, BEVEL_M, max_parts=14)


def _ring(radius: float, thick: float, x: float, is_fine: bool) -> Solid:
    """Return a ring whose hole has six corners, or twelve."""
    count = 12 if is_fine else 6
    hole = circle(24 if is_fine else 6) * 0.62 * radius
    if is_fine:
        # Two hexagons, one turned by 30°.
        hole[1::2] *= np.cos(np.pi / 6) / np.cos(np.pi / 12)
    mesh = plate_mesh(disc((0, 0), radius), [rounded(hole)], thick, BEVEL_M)
    # From corner to corner a part stands for the ring exactly, but for its round edge.
    sides, inner = 48 // count, len(hole) // count
    edge = circle(48) * radius * np.sqrt(np.pi / 24 / np.sin(np.pi / 24))
    ends = [(1, -thick / 2), (1, thick / 2)]
    parts = []
    for k in range(count):
        outside = edge[np.arange(sides * k, sides * (k + 1) + 1) % 48]
        inside = hole[np.arange(inner * k, inner * (k + 1) + 1) % len(hole)]
        parts.append(rings(np.concatenate([outside, inside[::-1]]), ends).reshape(-1, 3))
    return Solid(mesh, tuple(parts)).moved(transform(translation=(x, 0, 0)))


def pliers(length_m: float, head_ratio: float, grip_ratio: float, rng: np.random.Generator) -> ObjectModel:
    """Return pliers that are shut, along x: two jaws, a joint and two handles in sleeves of plastic."""
    size = length_m * head_ratio
    nose = rng.uniform(0.27, 0.4) * length_m
    joint = length_m - nose
    # Long jaws are slender.
    high = np.array([0.062, 0.055, *((0.03, 0.02) if nose < 0.33 * length_m else (0.024, 0.016))])
    deep = np.array([0.036, 0.034, 0.028, 0.02])
    x = joint + nose * np.array([-0.12, 0.2, 0.75, 1])
    around = np.roll(circle(16), 2, axis=0)
    around = around * ((np.abs(around) ** 8).sum(axis=1) ** (-1 / 8))[:, None]
    # The jaws overlap by a hair; between their rounded edges a line is seen.
    half = np.column_stack([high / 2, deep]) * size
    flat = around * half[:, None] + np.column_stack([half[:, 0] - 0.0003, 0 * half[:, 0]])[:, None]
    jaw = lofted(np.concatenate([np.broadcast_to(x[:, None, None], (4, 16, 1)), flat], axis=2), 4)
    radius, thick = 0.075 * size, 0.042 * size
    rows = [
        (radius - 0.1 * thick, -thick),
        (radius, -0.9 * thick),
        (radius, 0.9 * thick),
        (radius - 0.1 * thick, thick),
    ]
    boss = turned([(0, -thick), *rows, (0, thick)], 32).moved(transform(translation=(joint, 0, 0)))
    pin = thick + 0.0008
    rivet = turned([(0, -pin), (0.4 * radius, -pin), (0.4 * radius, pin), (0, pin)], 24)
    rivet = rivet.moved(transform(translation=(joint, 0, 0)))
    bow, end = rng.uniform(0.085, 0.105) * length_m, rng.uniform(0.06, 0.09) * length_m
    t = np.linspace(0, 1, 9)
    y = np.interp(t, [0, 1], [0.035 * length_m, end]) + (bow - end / 2) * 0.75 * np.sin(
        np.pi * np.minimum(1, 1.25 * t) ** 0.8
    )
    path = np.column_stack([joint * (1 - t) + 0.004 * t, y, 0 * t])
    grip = np.array([0.032, 0.036]) * length_m * grip_ratio
    section = circle(16) * grip
    sleeve = swept(path[2:], section, np.array([0.85, 1, 1, 1, 1, 1, 0.8]), max_parts=6)
    tang = swept(path[:4], 0.72 * section, max_parts=3)
    turn = transform(rotation_about(X, np.pi))
    solids = [(boss, 0), (rivet, 0)]
    for solid, slot in ((jaw, 0), (tang, 0), (sleeve, 1)):
        solids += [(solid, slot), (solid.moved(turn), slot)]
    slots = (STEEL, Slot("sleeves", 1.2))
    return assembled("pliers", solids, symmetry_group(rotation_about(X, np.pi)), slots)
