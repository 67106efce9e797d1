"""What fasteners are made of: threaded rods and holes, heads with a recess for a driver, and prisms for a spanner."""

import dataclasses
from collections.abc import Sequence

import numpy as np

from graspsim.assembly import cut
from graspsim.contours import disc, rounded
from graspsim.geometry import Array, transform
from graspsim.meshes import Mesh, moved
from graspsim.models import ObjectModel
from graspsim.polygons import convex_pieces, divided, plate_mesh
from graspsim.round_parts import frusta
from graspsim.shapes import circle, rings, skin, stack
from graspsim.solids import RING, Solid, limited, turned

SIDES, ROD_SIDES = 36, 24
"""Of round pieces, and of threaded rods, which have many rows: multiples of two, four and six, so that what
turns a hexagon onto itself turns them too."""
CHAMFER_RAD = {4: 0.3, 6: 0.52}
"""Of what is turned off the corners of square and hexagonal heads and nuts."""
PITCH = 0.13
"""Of threads, over their diameter: a little coarser than real ones, of which a camera would see no more than a haze."""
OVER = np.diag([1.0, -1.0, -1.0, 1.0])
MOST_TURNS = 24
SLANT = 0.55
"""Of a thread's flanks against its axis, as far as normals show it."""
Rows = list[tuple[float, float]]


def thread(radius_m: float, low: float, high: float) -> Rows:
    """Return rows of (r, z), one to each turn of a thread."""
    turns = min(max(2, round((high - low) / (2 * PITCH * radius_m))), MOST_TURNS)
    return [(radius_m, z) for z in np.linspace(low, high, turns + 1).tolist()]


def rod(radius_m: float, low: float, high: float, threads: Sequence[tuple[float, float]]) -> Solid:
    """Return a rod along z, bevelled at its lower end, with rows for the threads between given heights."""
    bevel = 0.14 * radius_m
    rows: Rows = [(0, low), (radius_m - bevel, low), (radius_m, low + bevel)]
    for start, stop in threads:
        turns = thread(radius_m, start, stop)
        rows += turns[1:] if np.isclose(start, rows[-1][1]) else turns
    if rows[-1][1] < high - 1e-9:
        rows.append((radius_m, high))
    return turned([*rows, (0, high)], ROD_SIDES)


def grooved(model: ObjectModel, radius_m: float, heights: Sequence[tuple[float, float]], lowest: float) -> ObjectModel:
    """Return a model whose normals show threads on the cylinder about z, between heights as it was modelled.

    Each turn's normals lean down below and up above, so that light falls on it as on a ridge.

    Args:
        model: with faces one turn high there.
        radius_m: of the cylinder.
        heights: between which there are threads.
        lowest: the height of the model's lowest point as it was modelled.
    """
    mesh = model.mesh
    corners = mesh.vertices[mesh.faces]
    z = corners[..., 2] + (lowest - mesh.vertices[:, 2].min())
    is_thread = (np.abs(np.hypot(corners[..., 0], corners[..., 1]) - radius_m) < 1e-6).all(axis=1)
    is_thread &= np.any([((z > low - 1e-9) & (z < high + 1e-9)).all(axis=1) for low, high in heights], axis=0)
    normals = mesh.corner_normals.astype(np.float64)
    middle = (z.min(axis=1) + z.max(axis=1))[:, None] / 2
    normals[..., 2] += np.where(is_thread[:, None], SLANT * np.sign(z - middle), 0)
    normals /= np.linalg.norm(normals, axis=2, keepdims=True)
    return dataclasses.replace(model, mesh=dataclasses.replace(mesh, corner_normals=normals.astype(np.float32)))


def spanner_head(sides: int, across_m: float, height_m: float) -> Solid:
    """Return a prism for a spanner along z, from the plane z = 0, whose corners are turned off above."""
    half, (start, corner, fall) = height_m / 2, _chamfer(sides, across_m)
    prism = plate_mesh(rounded(circle(sides) * corner), [], height_m)
    points = [*_shoulder(sides, across_m, half), rings(circle(sides) * corner, [(1, -half)])[0]]
    solid = Solid(cut(prism, [_collar(start, corner, half, fall)], 0.3), (limited(np.concatenate(points)),))
    return solid.moved(transform(translation=(0, 0, half)))


def nut(sides: int, across_m: float, radius_m: float, height_m: float) -> tuple[Solid, tuple[float, float]]:
    """Return a prism for a spanner with a threaded hole through it, about z = 0, and the heights of its thread."""
    half, (start, corner, fall) = height_m / 2, _chamfer(sides, across_m)
    flare = 0.08 * radius_m
    inside = (flare - half, half - flare)
    end = (radius_m + 2 * flare, half + flare)
    rows: Rows = [(0, -end[1]), (end[0], -end[1]), *thread(radius_m, *inside), end, (0, end[1])]
    collar = _collar(start, corner, half, fall)
    prism = plate_mesh(rounded(circle(sides) * corner), [], height_m)
    mesh = cut(prism, [collar, moved(collar, OVER), stack(circle(SIDES), rows)], 0.3)
    above = np.concatenate(_shoulder(sides, across_m, half))
    around = convex_pieces(circle(sides) * across_m, [disc((0, 0), radius_m).fair(0.02 * radius_m)])
    return Solid(mesh, tuple(divided(np.concatenate([above, above * (1, 1, -1)]), around))), inside


def _chamfer(sides: int, across_m: float) -> tuple[float, float, float]:
    """Return the radius where a prism's chamfer starts, that of its corners, and how far it falls between them."""
    start, corner = 0.97 * across_m / 2, across_m / 2 / np.cos(np.pi / sides)
    return start, corner, (corner - start) * np.tan(CHAMFER_RAD[sides])


def _shoulder(sides: int, across_m: float, top: float) -> list[Array]:
    """Return points of a prism's chamfered upper end: a circle, and where the cone meets the sides and their edges."""
    start, corner, _ = _chamfer(sides, across_m)
    at = circle(sides) * corner
    points = [rings(circle(12) * start, [(1, top)])[0]]
    for share in (0.0, 0.25, 0.5, 0.75):
        along = (1 - share) * at + share * np.roll(at, -1, axis=0)
        fall = (np.hypot(*along[0]) - start) * np.tan(CHAMFER_RAD[sides])
        points.append(np.column_stack([along, np.full(sides, top - fall)]))
    return points


def _collar(start: float, corner: float, top: float, fall: float) -> Mesh:
    """Return a ring that turns off what lies outside a cone through radius `start` at the top."""
    slope = fall / (corner - start)
    far, near = 1.2 * corner, 0.8 * start
    rows = [
        (far, top - (far - start) * slope),
        (far, top + (start - near) * slope),
        (near, top + (start - near) * slope),
    ]
    return skin(rings(circle(SIDES), rows), is_closed=True)


def turned_head(profile: Rows, recess: Array, depth_m: float) -> Solid:
    """Return a head turned about z, with a recess for a driver in its top.

    Args:
        profile: rows of (r, z) that climb, without those on the axis.
        recess: (n, 2) its corners, counter-clockwise.
        depth_m: of the recess.
    """
    rows = np.array(profile)
    top = rows[-1, 1]
    floor = top - depth_m
    mesh = turned([(0, rows[0, 1]), *rows, (0, top)], SIDES).mesh
    prism = plate_mesh(rounded(recess), [], 2 * depth_m)
    prism = Solid(prism, ()).moved(transform(translation=(0, 0, top))).mesh
    cut_at = (float(np.interp(floor, rows[:, 1], rows[:, 0])), floor)
    lower = [*rows[rows[:, 1] < floor - 1e-9], cut_at]
    upper = [cut_at, *rows[rows[:, 1] > floor + 1e-9]]
    parts = frusta(np.array(lower), SIDES, RING, 3)
    far = 1.5 * rows[:, 0].max()
    reach = np.abs(recess).max(axis=0)
    if reach.max() > rows[:, 0].max():  # A slot, which leaves two halves.
        y = reach[1]
        pieces = [np.array([(-far, s * y), (far, s * y), (far, s * far), (-far, s * far)]) for s in (1, -1)]
    else:
        pieces = convex_pieces(circle(4) * 1.5 * far, [recess])
    for part in frusta(np.array(upper), SIDES, RING, 2):
        parts += divided(part, pieces)
    return Solid(cut(mesh, [prism], 0.3), tuple(parts))
