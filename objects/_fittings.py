"""Fittings put together from plates: bent brackets, hinges and picture frames."""

from collections.abc import Sequence

import numpy as np

from graspsim.assembly import assembled
from graspsim.contours import Contour, disc, rounded
from graspsim.geometry import Array, rotation_about, transform
from graspsim.models import ObjectModel, Slot
from graspsim.polygons import plate
from graspsim.shapes import SEGMENTS, circle, rings, skin, symmetry_group
from graspsim.solids import Solid, cuboid, turned

Y, Z = np.eye(3)[1:]
# Permutations, so that faces that shall meet meet exactly.
STANDING = np.array([[1.0, 0, 0], [0, 0, -1], [0, 1, 0]])
SWAPPED = np.array([[0.0, 0, 1], [0, -1, 0], [1, 0, 0]])


def rectangle(low_x: float, high_x: float, low_y: float, high_y: float) -> Array:
    """Return the corners (4, 2) of a rectangle, counter-clockwise from the lower left."""
    return np.array([(low_x, low_y), (high_x, low_y), (high_x, high_y), (low_x, high_y)])


def tube(outer: Sequence[tuple[float, float]], inner: Sequence[tuple[float, float]], parts: int = 16) -> Solid:
    """Return a ring or a tube about z between profiles (k, 2) of (r, z) from its lower to its upper end.

    Its parts are wedges between the ends of the profiles.
    """
    mesh = skin(rings(circle(), [*outer, *inner[::-1]]), is_closed=True)
    # A wedge is broken once outside, and straight inside.
    outside = rings(circle(2 * parts) * np.sqrt(_sector(SEGMENTS) / _sector(2 * parts)), [outer[0], outer[-1]])
    inside = rings(circle(parts) * np.sqrt(_sector(SEGMENTS) / _sector(parts)), [inner[0], inner[-1]])
    wedges = []
    for k in range(parts):
        around = outside[:, [2 * k, 2 * k + 1, 2 * k + 2 - 2 * parts]], inside[:, [k, k + 1 - parts]]
        wedges.append(np.concatenate(around, axis=1).reshape(-1, 3))
    return Solid(mesh, tuple(wedges))


def _sector(sides: int) -> float:
    """Return twice the area of a regular polygon in the unit circle."""
    return float(sides * np.sin(2 * np.pi / sides))


def bracket(
    legs_m: tuple[float, float],
    width_m: float,
    thickness_m: float,
    bend_m: float,
    corner_m: float,
    hole_m: float,
    holes: int,
    is_ribbed: bool,
) -> ObjectModel:
    """Return a strip bent by 90°.

    Args:
        legs_m: lengths of its legs, along x and z.
        width_m: along y.
        thickness_m: of the sheet.
        bend_m: inner radius of the bend.
        corner_m: radius of the legs' outer corners.
        hole_m: radius of its holes.
        holes: number along each leg; two rows of them where a rib stands between.
        is_ribbed: whether a rib stands in the corner.
    """
    t, half = thickness_m, width_m / 2
    start = t + 1.2 * bend_m
    elbow = rounded([(0, 0), (start, 0), (start, t), (t, t), (t, start), (0, start)], [t + bend_m, 0, 0, bend_m, 0, 0])
    solids = [plate(elbow, [], width_m, max_parts=7).moved(transform(STANDING))]
    for leg, turn in zip(legs_m, (np.eye(3), SWAPPED), strict=True):
        outline = rounded(rectangle(start, leg, -half, half), [0, corner_m, corner_m, 0])
        room = (leg - start) / holes
        rows = (-half / 2, half / 2) if is_ribbed else (0.0,)
        cuts = [disc((start + room * (i + 0.5), y), min(hole_m, 0.36 * room)) for i in range(holes) for y in rows]
        sheet = plate(outline, cuts, t, max_parts=12)
        solids.append(sheet.moved(transform(turn) @ transform(translation=(0, 0, t / 2))))
    if is_ribbed:
        a, b = 0.75 * np.array(legs_m)
        rib = rounded([(t / 2, t / 2), (a, t / 2), (t / 2, b)])
        solids.append(plate(rib, [], min(t, half / 4)).moved(transform(STANDING)))
    turns = [rotation_about((1, 0, 1), np.pi)] if legs_m[0] == legs_m[1] else []
    return assembled("bracket", solids, symmetry_group(*turns))


def hinge(
    leaf_m: float, length_m: float, thickness_m: float, corner_m: float, hole_m: float, holes: int, opening_rad: float
) -> ObjectModel:
    """Return a butt hinge whose pin lies along y.

    Args:
        leaf_m: width of a leaf from the pin's axis.
        length_m: of the leaves, along the pin.
        thickness_m: of the leaves.
        corner_m: radius of the leaves' outer corners.
        hole_m: radius of their holes.
        holes: number in each leaf.
        opening_rad: angle between the leaves; π is flat.
    """
    radius, half = 0.95 * thickness_m, length_m / 2
    outline = rounded(rectangle(0.0, leaf_m, -half, half), [0, corner_m, corner_m, 0])
    room = length_m / holes
    # Screws sit in zigzag where there are three or more, so that they do not split the wood along one grain.
    across = [(0.6 if i % 2 else 0.7) * leaf_m for i in range(holes)]
    cuts = [disc((x, (i + 0.5) * room - half), hole_m) for i, x in enumerate(across)]
    leaf = plate(outline, cuts, thickness_m, max_parts=15)
    lift = transform(translation=(0, 0, -0.3 * radius))
    tilt = (np.pi - opening_rad) / 2
    right = leaf.moved(transform(rotation_about(Y, tilt)) @ lift)
    left = right.moved(transform(rotation_about(Z, np.pi)))
    along = transform(STANDING)
    barrel = _barrel(radius, length_m).moved(along)
    head = 0.06 * length_m
    pin = turned([(0, -half - head), (0.7 * radius, -half - head), (0.7 * radius, half + head), (0, half + head)], 24)
    pin = pin.moved(along)
    slots = (Slot("leaves"), Slot("pin"))
    solids = [(barrel, 0), (right, 0), (left, 0), (pin, 1)]
    return assembled("hinge", solids, symmetry_group(rotation_about(Z, np.pi)), slots)


def _barrel(radius: float, length: float) -> Solid:
    """Return five knuckles along z, with narrow grooves between."""
    half, gap, depth = length / 2, 0.01 * length, 0.85
    rows = [(0.0, -half), (radius, -half)]
    for k in range(1, 5):
        z = -half + length * k / 5
        rows += [(radius, z - gap), (depth * radius, z - gap / 2), (depth * radius, z + gap / 2), (radius, z + gap)]
    grooved = turned([*rows, (radius, half), (0.0, half)], 32)
    smooth = turned([(0, -half), (radius, -half), (radius, half), (0, half)], 32)
    return Solid(grooved.mesh, smooth.parts)


def frame(
    size_m: tuple[float, float], depth_m: float, rail_m: float, corner_m: float, panel_m: float | None
) -> ObjectModel:
    """Return a picture frame that lies on its back.

    Args:
        size_m: outer length along x and width along y.
        depth_m: along z.
        rail_m: width of its rails.
        corner_m: radius of its outer corners.
        panel_m: thickness of the picture behind its glass; None where the frame is empty.
    """
    x, y = np.array(size_m) / 2
    opening: Contour = rounded(rectangle(rail_m - x, x - rail_m, rail_m - y, y - rail_m))
    rails = plate(rounded(rectangle(-x, x, -y, y), corner_m), [opening], depth_m, 0.08 * min(rail_m, depth_m))
    if panel_m is None:
        turns = [rotation_about(Y, np.pi), rotation_about(Z, np.pi)]
        return assembled("frame", [rails], symmetry_group(*turns), (Slot("rails", 0.65),))
    inside = 2 * np.array([x, y]) - 1.2 * rail_m
    panel = cuboid((*inside, panel_m)).moved(transform(translation=(0, 0, 0.2 * depth_m - depth_m / 2 + panel_m / 2)))
    slots = (Slot("rails", 0.65), Slot("picture", 1.2))
    return assembled("framed picture", [(rails, 0), (panel, 1)], symmetry_group(rotation_about(Z, np.pi)), slots)
