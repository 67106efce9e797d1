"""Boxes, trays and flaps with sharp or rounded corners: the rectangular pieces of containers."""

import numpy as np

from graspsim.geometry import Array, rotation_about, transform
from graspsim.shapes import circle
from graspsim.solids import Solid, cuboid, hull, lofted, swept, walled

CORNER_STEPS = 3
FLANGE_CUTS = [4 * corner + step for corner in range(4) for step in (0, 2, 3)]
"""Where the parts of a flange meet: two to each of a rounded rectangle's corners, and one to each side."""
Y, Z = np.eye(3)[1:]


def block(size: tuple[float, float, float], center: tuple[float, float, float]) -> Solid:
    """Return a box of size (3,) about a point (3,)."""
    return cuboid(size).moved(transform(translation=center))


def rectangle(length: float, width: float, radius: float) -> Array:
    """Return the outline (4 or 16, 2), counter-clockwise, of a rectangle with sharp or rounded corners."""
    if radius <= 0:
        return np.array([(1, 1), (-1, 1), (-1, -1), (1, -1)]) * (length / 2, width / 2)
    angle = np.linspace(0, np.pi / 2, CORNER_STEPS + 1)
    turns = np.concatenate([angle + quarter * np.pi / 2 for quarter in range(4)])
    middles = np.repeat([(1, 1), (-1, 1), (-1, -1), (1, -1)], CORNER_STEPS + 1, axis=0)
    arcs = radius * np.stack([np.cos(turns), np.sin(turns)], axis=1)
    return np.asarray(middles * (length / 2 - radius, width / 2 - radius) + arcs)


def _sections(rows: list[tuple[Array, float]]) -> Array:
    """Return cross-sections (k, n, 3) of outlines (n, 2) at their heights."""
    return np.array([np.column_stack([outline, np.full(len(outline), z)]) for outline, z in rows])


def prism(rows: list[tuple[Array, float]]) -> Solid:
    """Return the body through outlines (n, 2), each with its height."""
    return lofted(_sections(rows))


def open_box(size: Array, corner: float, wall: float, foot_ratio: float) -> Solid:
    """Return a box without a lid, with sharp corners or rounded ones."""
    length, width, height = size
    inset = (1 - foot_ratio) * width / 2
    outer = _sections([(rectangle(length - 2 * e, width - 2 * e, corner), z) for e, z in ((inset, 0), (0, height))])
    # As sharp inside as outside where a rounding would leave no radius.
    within = 0.0 if corner == 0 else max(corner - wall, 0.3 * corner)
    low = inset * (1 - wall / height) + wall
    inner = [(rectangle(length - 2 * e, width - 2 * e, within), z) for e, z in ((low, wall), (wall, height))]
    return walled(outer, _sections(inner), [0, 1], [range(outer.shape[1])])


def flanged(size: Array, corner: float, wall: float, foot_ratio: float) -> Solid:
    """Return a tapered tray or tub with rounded corners, and a flange around its rim."""
    length, width, height = size
    flange = min(1.5 * wall, 0.06 * width)
    length, width = length - 2 * flange, width - 2 * flange
    inset = min((1 - foot_ratio) * width / 2, 0.7 * height)
    lip = min(1.2 * wall, 0.2 * height)
    depths = [(inset, 0.0), (0.0, height - 1.6 * lip), (-flange, height - lip), (-flange, height)]

    def at(inside_m: float, z: float) -> tuple[Array, float]:
        radius = max(corner - 0.6 * inside_m, 0.3 * corner)
        return rectangle(length - 2 * inside_m, width - 2 * inside_m, radius), z

    outer = _sections([at(e, z) for e, z in depths])
    slope = inset / (height - 1.6 * lip)
    heights = [wall, depths[1][1], depths[2][1], height]
    inner = _sections([at(wall + max(inset - slope * z, 0), z) for z in heights])
    return walled(outer, inner, [0, 1, 3], [range(16), FLANGE_CUTS])


def flap_of(size: Array, side: int, angle: float, wall: float) -> Solid:
    """Return a flap on a box's rim that hangs by `angle` above the horizontal, on the side of +x (0) or +y (1)."""
    across, along, height = size[side], size[1 - side], size[2]
    reach, thick = 0.46 * size[1], 0.6 * wall
    # Inset at the corners, so that neighbours do not touch, and begun within the wall.
    plate = np.array([(x, y, z) for x in (0, reach) for y in (-1, 1) for z in (-thick / 2, thick / 2)])
    plate[:, 1] *= along / 2 - 0.8 * wall - 0.04 * plate[:, 0]
    hinge = transform(rotation_about(Y, -angle), (across / 2 - wall / 2, 0, height - wall / 2))
    turn = transform(rotation_about(Z, side * np.pi / 2))
    return hull(plate).moved(turn @ hinge)


def bow_loop(reach: float, swell: float, thick: float) -> Solid:
    """Return one loop of a bow: a drop that begins at the origin and reaches along x."""
    t = np.array([0.0, 0.25, 0.6, 0.88, 1.0])
    size = np.array([0.35, 0.7, 1.0, 0.8, 0.35])
    path = np.stack([reach * (t - 0.15), 0 * t, swell * (0.25 + 0.5 * t)], axis=1)
    return swept(path, circle(12) * (thick, thick), scale=np.stack([0.75 * size, size], axis=1), max_parts=4)
