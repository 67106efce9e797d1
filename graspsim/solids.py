"""Solids that object families are put together from: a closed surface, and the convex parts that collide for it.

A part has at most `PART_VERTICES` vertices, so round surfaces become polygons in collision. Each is made fair: it has
the area of what it stands for, and so errs to both sides alike instead of lying inside.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import ArrayLike
from scipy.spatial import ConvexHull

from graspsim.geometry import Array, apply
from graspsim.meshes import Mesh, box_mesh, convex_mesh, finish, moved
from graspsim.round_parts import fair_parts, frusta, lunes
from graspsim.shapes import SEGMENTS, circle, extrude, rings, skin, stack
from graspsim.walls import section_walls, turned_walls

MAX_PARTS = 32
PART_VERTICES = 32
RING = PART_VERTICES // 2
"""Corners of a part's two ends."""


@dataclass(frozen=True, eq=False)
class Solid:
    """A body, or a piece of one.

    Attributes:
        mesh: its closed surface.
        parts: vertices (k, 3) of each convex part; their union stands for the solid in collision.
    """

    mesh: Mesh
    parts: tuple[Array, ...]

    def moved(self, b_from_a: Array) -> "Solid":
        """Return the solid carried by a rigid transform (4, 4)."""
        return Solid(moved(self.mesh, b_from_a), tuple(apply(b_from_a, part) for part in self.parts))


def hull(points: ArrayLike) -> Solid:
    """Return the convex hull of points (n, 3)."""
    vertices, faces = convex_mesh(points)
    return Solid(finish(vertices, faces, crease_rad=0.3), (limited(vertices),))


def cuboid(size_m: ArrayLike) -> Solid:
    """Return a box of size (3,) about the origin."""
    mesh = box_mesh(size_m)
    return Solid(mesh, (mesh.vertices,))


def rounded_box(size_m: ArrayLike, radius_m: float, steps: int = 3) -> Solid:
    """Return a box of size (3,) about the origin whose edges are rounded, each by an arc of `steps` segments."""
    size = np.asarray(size_m, dtype=np.float64)
    signs = np.array([[x, y, z] for x in (-1, 1) for y in (-1, 1) for z in (-1, 1)])
    corners = signs[:, None] * (size / 2 - radius_m + radius_m * _octant(steps))
    vertices, faces = convex_mesh(corners.reshape(-1, 3))
    # Chamfers that cut off what the arcs cut off: an edge loses (1 - π/4) r² of its cross-section.
    chamfer = np.sqrt(2 * (1 - np.pi / 4)) * radius_m
    part = np.concatenate([signs * (size / 2 - chamfer * (1 - axis)) for axis in np.eye(3)])
    return Solid(finish(vertices, faces), (part,))


def _octant(steps: int) -> Array:
    """Return points (n, 3) on an octant of the unit sphere, arcs of `steps` equal angles along its edges."""
    grid = np.array([(i, j, steps - i - j) for i in range(steps + 1) for j in range(steps + 1 - i)], dtype=np.float64)
    points = np.sin(grid / steps * np.pi / 2)
    return np.asarray(points / np.linalg.norm(points, axis=1, keepdims=True))


def ellipsoid(radii_m: ArrayLike, segments: int = 36, steps: int = 18) -> Solid:
    """Return an ellipsoid about the origin with half axes (3,)."""
    a, b, c = np.asarray(radii_m, dtype=np.float64)
    angle = np.pi * np.arange(steps + 1) / steps
    profile = np.stack([np.sin(angle), -c * np.cos(angle)], axis=1)
    profile[[0, -1], 0] = 0
    mesh = stack(circle(segments) * (a, b), profile)
    return Solid(mesh, tuple(fair_parts(mesh, lunes()[0] * (a, b, c))))


def extruded(outline: Array, pieces: Sequence[Sequence[int]], height_m: float) -> Solid:
    """Return a polygon (n, 2) extruded along z about the plane z = 0, with a part for each of its convex pieces.

    The pieces are given as to `shapes.extrude`; a part has two vertices for each corner of its piece.
    """
    ends = [(1, -height_m / 2), (1, height_m / 2)]
    parts = tuple(rings(outline[list(piece)], ends).reshape(-1, 3) for piece in pieces)
    return Solid(extrude(outline, pieces, height_m), parts)


def turned(profile: ArrayLike, segments: int = SEGMENTS, max_parts: int = MAX_PARTS) -> Solid:
    """Return the solid of revolution about z of a profile (k, 2) of (r, z) that climbs from the axis to the axis."""
    profile = np.asarray(profile, dtype=np.float64)
    mesh = stack(circle(segments), profile)
    # Caps across the axis add no height; a tip does.
    first = 0 if profile[1, 1] > profile[0, 1] else 1
    last = len(profile) - (0 if profile[-1, 1] > profile[-2, 1] else 1)
    return Solid(mesh, tuple(frusta(profile[first:last], segments, RING, max_parts)))


def hollow(
    outer: Array,
    inner: Array,
    knots: Sequence[int] | None = None,
    segments: int = SEGMENTS,
    max_parts: int = MAX_PARTS,
) -> Solid:
    """Return a cup turned about z: a floor, and walls in wedges that leave the hollow free.

    Args:
        outer: (k, 2) rows of (r, z) from the floor to the rim.
        inner: (k, 2) the same of the inside; its first row is the floor's upper side.
        knots: the rows between which one part of wall may reach: nearly straight inside, and outside not bulging
            inward. By default those that bring the parts closest to the wall.
        segments: sides of the surface.
        max_parts: most convex parts, the floor's included.
    """
    profile = np.concatenate([[(0, outer[0, 1])], outer, inner[::-1], [(0, inner[0, 1])]])
    area = segments * np.sin(2 * np.pi / segments) / (RING * np.sin(2 * np.pi / RING))
    floor = rings(np.sqrt(area) * circle(RING), np.array([outer[0], inner[0]])).reshape(-1, 3)
    walls = turned_walls(outer, inner, knots, segments, max_parts - 1, PART_VERTICES)
    return Solid(stack(circle(segments), profile), (floor, *walls))


def walled(outer: Array, inner: Array, knots: Sequence[int], cuts: Sequence[Sequence[int]]) -> Solid:
    """Return a vessel through cross-sections (k, n, 3) of its outside and its inside, from the floor to the rim.

    Args:
        outer: convex sections, or nearly so, counter-clockwise seen from above.
        inner: the same of the inside, corner by corner; the first is the floor's upper side.
        knots: the rows between which one part of wall may reach.
        cuts: for each band between two knots, the corners between which one part of wall may reach.
    """
    every = -(-outer.shape[1] // RING)
    floor = np.concatenate([outer[0, ::every], inner[0, ::every]])
    walls = section_walls(outer, inner, knots, cuts, PART_VERTICES)
    return Solid(skin(np.concatenate([outer, inner[::-1]])), (floor, *walls))


def lofted(sections: Array, max_parts: int = MAX_PARTS) -> Solid:
    """Return the body through convex cross-sections (k, n, 3) in order, counter-clockwise seen from the last.

    A first or last section whose points coincide is a tip; another is closed by a flat cap.
    """
    return Solid(skin(sections), tuple(loft_parts(sections, max_parts)))


def swept(
    path: Array,
    section: Array,
    scale: ArrayLike = 1.0,
    is_closed: bool = False,
    max_parts: int = MAX_PARTS,
    straightness: float = 0.03,
) -> Solid:
    """Return the body that a convex cross-section leaves along a path.

    Args:
        path: (k, 3); one that is closed lies in a plane and does not repeat its first point.
        section: (n, 2) counter-clockwise around the path, its x across the path's first bend and its y along the
            bend's axis (for a straight path: any two directions).
        scale: of the section at each point of the path, (k,) or (k, 2) for x and y apart.
        is_closed: whether the path's end is joined to its start.
        max_parts: number of convex parts.
        straightness: see `loft_parts`.
    """
    x_axis, y_axis = _frames(path, is_closed)
    scales = np.asarray(scale, dtype=np.float64)
    scales = np.broadcast_to(scales if scales.ndim == 2 else scales.reshape(-1, 1), (len(path), 2))
    sections = (
        path[:, None]
        + (scales[:, :1] * section[:, 0])[..., None] * x_axis[:, None]
        + (scales[:, 1:] * section[:, 1])[..., None] * y_axis[:, None]
    )
    closing = sections[:1] if is_closed else sections[:0]
    return Solid(
        skin(sections, is_closed), tuple(loft_parts(np.concatenate([sections, closing]), max_parts, straightness))
    )


def _frames(path: Array, is_closed: bool) -> tuple[Array, Array]:
    """Return two axes (k, 3) across a path, which turn no more about it than they must."""
    step = np.diff(path, axis=0, append=path[:1] if is_closed else 2 * path[-1:] - path[-2:-1])
    step /= np.linalg.norm(step, axis=1, keepdims=True)
    before = np.roll(step, 1, axis=0)
    if not is_closed:
        before[0] = step[0]
    along = before + step
    along /= np.linalg.norm(along, axis=1, keepdims=True)
    bend = np.cross(step[:-1], step[1:])
    strongest = bend[np.argmax(np.linalg.norm(bend, axis=1) > 1e-6)] if len(bend) else np.zeros(3)
    if np.linalg.norm(strongest) < 1e-9:
        strongest = np.eye(3)[np.argmin(np.abs(along[0]))]
    y_axis = np.empty_like(path)
    y = strongest
    for i, tangent in enumerate(along):
        # Carried along and made perpendicular again, which for fine steps is parallel transport.
        y = y - (y @ tangent) * tangent
        y = y / np.linalg.norm(y)
        y_axis[i] = y
    return np.cross(y_axis, along), y_axis


def loft_parts(sections: Array, max_parts: int = MAX_PARTS, straightness: float = 0.03) -> list[Array]:
    """Return the convex parts of a body through convex sections (k, n, 3): the fewest spans that are nearly straight.

    Of each section every ⌈n/16⌉-th corner is kept (so let n be at most 16, or 32 or 48), grown to the section's area.
    A bent span moves its part's ends outward by as much as the straight part would cut it short, and a bulging one
    makes them larger.

    Args:
        sections: in order along the body.
        max_parts: most parts; where it is not enough, they follow the body more coarsely.
        straightness: how far a section may lie off a straight span, over the sections' mean radius.
    """
    n = sections.shape[1]
    centers, areas = sections.mean(axis=1, keepdims=True), _areas(sections)
    ends = sections[:, :: -(-n // RING)]
    if ends.shape[1] < n:
        growth = np.sqrt(areas / np.maximum(_areas(ends), 1e-18))
        ends = centers + growth[:, None, None] * (ends - centers)
    radius = float(np.linalg.norm(sections - centers, axis=2).mean())
    tolerance = straightness * radius
    knots = _knots(sections, tolerance)
    while len(knots) - 1 > max_parts:
        tolerance *= 1.2
        knots = _knots(sections, tolerance)
    bulge = np.sqrt(_volume(areas, centers) / _volume(areas[knots], centers[knots]))
    ends = centers + bulge * (ends - centers)
    shift = np.zeros((len(knots), 3))
    weight = np.zeros(len(knots))
    for span, (i, j) in enumerate(pairwise(knots)):
        off = (_between(centers[:, 0], i, j) - centers[i + 1 : j, 0]) if j > i + 1 else np.zeros((1, 3))
        shift[span : span + 2] -= off.mean(axis=0) * (len(off) / (len(off) + 1))
        weight[span : span + 2] += 1
    shift /= weight[:, None]
    if np.allclose(centers[knots[0]], centers[knots[-1]]):
        shift[[0, -1]] = (shift[0] + shift[-1]) / 2
    else:
        # The ends stay in their planes: a part that stood out would hold the body off whatever it touches.
        for at, inner in ((0, 1), (-1, -2)):
            along = centers[knots[at], 0] - centers[knots[inner], 0]
            along /= np.linalg.norm(along)
            shift[at] -= (shift[at] @ along) * along
    return [
        limited(np.concatenate([ends[i] + shift[span], ends[j] + shift[span + 1]]))
        for span, (i, j) in enumerate(pairwise(knots))
    ]


def _areas(sections: Array) -> Array:
    """Return the areas (k,) of plane polygons (k, n, 3)."""
    return np.asarray(np.linalg.norm(np.cross(sections, np.roll(sections, -1, axis=1)).sum(axis=1), axis=1) / 2)


def _volume(areas: Array, centers: Array) -> float:
    """Return the volume of a row of frusta with end areas (k,) around centres (k, 1, 3)."""
    length = np.linalg.norm(np.diff(centers[:, 0], axis=0), axis=1)
    return float(length @ (areas[:-1] + areas[1:] + np.sqrt(areas[:-1] * areas[1:])) / 3)


def _between(values: Array, i: int, j: int) -> Array:
    """Return what lies on the straight way from values[i] to values[j], at the steps between them."""
    length = np.linalg.norm(np.diff(values.reshape(len(values), -1, 3).mean(axis=1)[i : j + 1], axis=0), axis=1)
    t = np.cumsum(length)[:-1] / length.sum()
    t = t.reshape(-1, *([1] * (values.ndim - 1)))
    return np.asarray(values[i] + t * (values[j] - values[i]))


def _knots(sections: Array, tolerance_m: float) -> list[int]:
    """Return the first and last section and those between which the body is straight to a tolerance."""
    knots = [0]
    last = len(sections) - 1
    while knots[-1] < last:
        i = knots[-1]
        j = i + 1
        while j < last:
            off = np.linalg.norm(_between(sections, i, j + 1) - sections[i + 1 : j + 1], axis=2).max()
            if off > tolerance_m:
                break
            j += 1
        knots.append(j)
    return knots


def limited(points: Array, count: int = PART_VERTICES) -> Array:
    """Return a convex part of at most `count` of the points (n, 3) of another, grown to the same volume.

    The points are chosen greedily: each next one is that which lies farthest outside the hull of those before.
    """
    points = np.unique(np.round(points, 12), axis=0)
    if len(points) <= count:
        return points
    whole = ConvexHull(points)
    points = points[whole.vertices]
    if len(points) <= count:
        return points
    chosen = list(dict.fromkeys([*points.argmin(axis=0).tolist(), *points.argmax(axis=0).tolist()]))
    while len(chosen) < 4 or np.linalg.matrix_rank(points[chosen[1:]] - points[chosen[0]], tol=1e-9) < 3:
        distance = np.linalg.norm(points[:, None] - points[chosen], axis=2).min(axis=1)
        chosen.append(int(distance.argmax()))
    while len(chosen) < count:
        equations = ConvexHull(points[chosen]).equations
        chosen.append(int((points @ equations[:, :3].T + equations[:, 3]).max(axis=1).argmax()))
    part = points[chosen]
    middle = (part.min(axis=0) + part.max(axis=0)) / 2
    return np.asarray(middle + (whole.volume / ConvexHull(part).volume) ** (1 / 3) * (part - middle))
