"""Flat bodies with holes: the exact convex pieces of a polygon, and plates that are cut out of outlines.

What is seen has finely rounded holes. In collision their arcs become a few straight lines, as few as it takes for the
convex pieces to be few.
"""

import math
from collections.abc import Sequence
from itertools import pairwise

import manifold3d
import numpy as np
from numpy.typing import NDArray

from graspsim.contours import Contour
from graspsim.errors import MeshError
from graspsim.geometry import Array
from graspsim.meshes import UV_UNIT_M, Mesh, finish
from graspsim.shapes import rings
from graspsim.solids import MAX_PARTS, RING, Solid, limited

FAIREST_M = (5e-5, 4e-4)
CLOSE = 0.022
"""The pieces' arcs are first within these bounds so close, over area per length of arc, that what differs is about 1 %
of the area."""
COARSER = 1.25
COARSEST_M = 0.05
"""Then they become coarser in such steps until the pieces are few enough."""
HARDLY_FEWER = 0.75
"""Of the pieces that there are, the share that there must be: more hardly ever serve two corners each."""


def convex_pieces(outline: Array, holes: Sequence[Array] = (), most_corners: int = RING) -> list[Array]:
    """Return convex polygons (k, 2), counter-clockwise, that partition a polygon with holes exactly.

    A triangulation whose inner edges are taken away as long as what joins is convex (Hertel and Mehlhorn 1983), which
    leaves at most four times as many pieces as there must be. The longest edges go first or last, whichever leaves
    fewer pieces.

    Args:
        outline: (n, 2), counter-clockwise.
        holes: (m, 2) each, counter-clockwise.
        most_corners: of a piece.
    """
    loops = [outline, *(hole[::-1] for hole in holes)]
    points = np.concatenate(loops)
    triangles = manifold3d.triangulate(loops).tolist()
    edges = {(t[k], t[k - 2]): n for n, t in enumerate(triangles) for k in range(3)}
    inner = np.array([(a, b) for a, b in edges if a < b and (b, a) in edges], dtype=np.int64).reshape(-1, 2)
    length = np.hypot(*(points[inner[:, 0]] - points[inner[:, 1]]).T)
    order = np.argsort(np.round(length / max(length.max(initial=0), 1e-300), 9), kind="stable")
    ways = [_merged(points, triangles, edges, inner[by].tolist(), most_corners) for by in (order[::-1], order)]
    return [points[piece] for piece in min(ways, key=len)]


def _merged(
    points: Array,
    triangles: list[list[int]],
    edges: dict[tuple[int, int], int],
    inner: list[list[int]],
    most_corners: int,
) -> list[list[int]]:
    """Return convex polygons, as indices, from triangles joined over inner edges, in the order of these.

    `edges` gives the triangle that has an edge in that direction.
    """
    x, y = points.T.tolist()
    least = -1e-9 * float(np.ptp(points, axis=0).max())

    def bend(a: int, b: int, c: int) -> float:
        """Return how far c lies to the left of the line from a to b, or a from that from b to c, where that is less."""
        ux, uy, vx, vy = x[b] - x[a], y[b] - y[a], x[c] - x[b], y[c] - y[b]
        return float((ux * vy - uy * vx) / max(math.hypot(ux, uy), math.hypot(vx, vy), 1e-300))

    def corners(piece: list[int]) -> list[int]:
        return [b for k, b in enumerate(piece) if bend(piece[k - 1], b, piece[k + 1 - len(piece)]) > -least]

    pieces = list(triangles)
    parent = list(range(len(pieces)))

    def find(n: int) -> int:
        while parent[n] != n:
            parent[n] = parent[parent[n]]
            n = parent[n]
        return n

    for a, b in inner:
        p, q = find(edges[a, b]), find(edges[b, a])
        i, j = pieces[p].index(b), pieces[q].index(a)
        # From b around p to a, and from there around q: the places of a and b are known.
        left, right = pieces[p][i:] + pieces[p][:i], pieces[q][j:] + pieces[q][:j]
        joined = left + right[1:-1]
        if (
            bend(left[-2], a, right[1]) >= least
            and bend(right[-2], b, left[1]) >= least
            and len(corners(joined)) <= most_corners
        ):
            pieces[p], parent[q] = joined, p
    return [corners(pieces[n]) for n in range(len(parent)) if parent[n] == n]


def divided(part: Array, pieces: Sequence[Array]) -> list[Array]:
    """Return what of a convex part (k, 3) stands on each of the convex polygons (n, 2), convex parts again."""
    whole = manifold3d.Manifold.hull_points(part)
    ends = [(1, part[:, 2].min() - 1), (1, part[:, 2].max() + 1)]
    kept = [whole ^ manifold3d.Manifold.hull_points(rings(piece, ends).reshape(-1, 3)) for piece in pieces]
    return [limited(np.asarray(solid.to_mesh64().vert_properties)[:, :3]) for solid in kept if not solid.is_empty()]


def plate_parts(
    outline: Contour, holes: Sequence[Contour], thickness_m: float, max_parts: int = MAX_PARTS
) -> tuple[Array, ...]:
    """Return the convex parts (k, 3) of a plate about the plane z = 0.

    Raises:
        MeshError: if it takes more than `max_parts`, however coarse its arcs.
    """
    contours = [outline, *holes]
    area = _area(outline.fine()) - sum(_area(hole.fine()) for hole in holes)
    arcs = sum(float(np.abs(c.radii_m * c.turns_rad).sum()) for c in contours)
    first = tolerance = float(np.clip(CLOSE * area / max(arcs, COARSEST_M * CLOSE), *FAIREST_M))
    while tolerance < COARSEST_M:
        # Corners of the outline need no cuts.
        edge, cuts = outline.fair(min(tolerance, 2 * first)), [hole.fair(tolerance) for hole in holes]
        # Every corner of a hole needs a cut, and a cut serves at most two.
        if 1 + sum(len(cut) / 2 - 1 for cut in cuts) <= HARDLY_FEWER * max_parts:
            pieces = convex_pieces(edge, cuts)
            if len(pieces) <= max_parts:
                ends = [(1, -thickness_m / 2), (1, thickness_m / 2)]
                return tuple(rings(piece, ends).reshape(-1, 3) for piece in pieces)
        tolerance *= COARSER
    raise MeshError(f"A plate with {len(holes)} holes takes more than {max_parts} convex parts.")


def plate(
    outline: Contour,
    holes: Sequence[Contour],
    thickness_m: float,
    bevel_m: float = 0.0,
    max_parts: int = MAX_PARTS,
) -> Solid:
    """Return a flat body about the plane z = 0, with holes through it.

    Args:
        outline: its edge.
        holes: lines inside it that touch neither it nor one another.
        thickness_m: along z.
        bevel_m: by how much all edges are broken, at 45°, or half the least radius of the roundings where that is
            less; the parts do not show it.
        max_parts: most convex parts.

    Raises:
        MeshError: if it takes more parts than that.
    """
    parts = plate_parts(outline, holes, thickness_m, max_parts)
    return Solid(plate_mesh(outline, holes, thickness_m, bevel_m), parts)


def plate_mesh(outline: Contour, holes: Sequence[Contour], thickness_m: float, bevel_m: float = 0.0) -> Mesh:
    """Return the surface of such a body."""
    rounding = np.concatenate([outline.radii_m, *(-hole.radii_m for hole in holes)])
    bevel_m = min([bevel_m, *(rounding[rounding > 0] / 2).tolist()])
    loops = [outline.fine(), *(hole.fine()[::-1] for hole in holes)]
    caps = [_inset(loop, bevel_m) for loop in loops]
    points, inset = np.concatenate(loops), np.concatenate(caps)
    half = thickness_m / 2
    rows = [(points, -half), (points, half)]
    if bevel_m:
        rows = [(inset, -half), (points, bevel_m - half), (points, half - bevel_m), (inset, half)]
    vertices = np.concatenate([np.column_stack([xy, np.full(len(xy), z)]) for xy, z in rows])
    cap = manifold3d.triangulate(caps)

    n = len(points)
    here = np.arange(n)
    ends = np.cumsum([len(loop) for loop in loops])
    after = here + 1
    after[ends - 1] = ends - [len(loop) for loop in loops]
    band = np.stack([here, after, n + after, here, n + after, n + here], axis=1)
    faces = np.concatenate(
        [cap[:, ::-1], cap + n * (len(rows) - 1), *((band + n * k).reshape(-1, 3) for k in range(len(rows) - 1))]
    )
    uvs = vertices[faces][..., :2] / UV_UNIT_M
    u = [_around(loop) for loop in loops]
    i, j = np.concatenate([along[:-1] for along in u]), np.concatenate([along[1:] for along in u])
    slant = [np.hypot(np.hypot(*(b - a)[0]), zb - za) for (a, za), (b, zb) in pairwise(rows)]
    height = np.concatenate([[0.0], np.cumsum(slant)]) / UV_UNIT_M
    first = 2 * len(cap)
    uvs[first:, :, 0] = np.tile(np.stack([i, j, j, i, j, i], axis=1).reshape(-1, 3), (len(rows) - 1, 1))
    uvs[first:, :, 1] = np.concatenate(
        [np.tile([[low, low, high], [low, high, high]], (n, 1)) for low, high in pairwise(height.tolist())]
    )
    return finish(vertices, faces.astype(np.int32), uvs.astype(np.float32), crease_rad=0.5)


def _area(loop: Array) -> float:
    """Return the area of a polygon (n, 2), counter-clockwise."""
    x, y = loop.T
    return float(x @ np.roll(y, -1) - y @ np.roll(x, -1)) / 2


def _inset(loop: Array, offset_m: float) -> Array:
    """Return the corners (n, 2) of a loop moved to its left, so that every edge moves by the offset."""
    along = np.roll(loop, -1, axis=0) - loop
    along /= np.hypot(*along.T)[:, None]
    left = np.stack([-along[:, 1], along[:, 0]], axis=1)
    both = left + np.roll(left, 1, axis=0)
    return np.asarray(loop + 2 * offset_m * both / (both**2).sum(axis=1, keepdims=True))


def _around(loop: Array) -> NDArray[np.float64]:
    """Return u (n + 1,) along a loop; it grows by a whole number unless the loop is so short as to squeeze it."""
    length = np.concatenate([[0.0], np.cumsum(np.hypot(*(np.roll(loop, -1, axis=0) - loop).T))]) / UV_UNIT_M
    whole = max(1.0, np.round(length[-1]))
    return np.asarray(length * (whole / length[-1] if whole < 2 * length[-1] else 1.0))
