"""Scan conversion, compiled: projection, near-plane clipping and the z-buffer that camera and shadow maps share.

A projection is four rows (U, V, W, Q) applied to homogeneous world points: the image coordinates are u = U/Q, v = V/Q,
and w = W/Q is larger the nearer a point is. A pinhole has Q = z and W = 1, so w is inverse depth; a directional light
has Q = 1 and W = -depth. In both cases w is linear in the image, which is what makes the z-buffer exact.
"""

import math

import numpy as np
from numpy.typing import NDArray

from graspsim.geometry import Array
from graspsim.jit import compiled

NOTHING = -1
_FEW_PIXELS = 6


@compiled
def project_vertices(
    vertices: Array,
    vertex_start: NDArray[np.int64],
    rows_from_body: Array,
    near: float,
    screen: Array,
) -> None:
    """Write (u, v, w, q) of every vertex to `screen` (n, 4), or the unprojected (U, V, W, q) where q is below `near`.

    `rows_from_body` (b, 4, 4) is each body's projection times its pose; body i owns the vertices from
    `vertex_start[i]` to `vertex_start[i + 1]`.
    """
    for b in range(len(vertex_start) - 1):
        m = rows_from_body[b]
        for i in range(vertex_start[b], vertex_start[b + 1]):
            x, y, z = vertices[i, 0], vertices[i, 1], vertices[i, 2]
            u = m[0, 0] * x + m[0, 1] * y + m[0, 2] * z + m[0, 3]
            v = m[1, 0] * x + m[1, 1] * y + m[1, 2] * z + m[1, 3]
            w = m[2, 0] * x + m[2, 1] * y + m[2, 2] * z + m[2, 3]
            q = m[3, 0] * x + m[3, 1] * y + m[3, 2] * z + m[3, 3]
            if q >= near:
                inverse = 1.0 / q
                u *= inverse
                v *= inverse
                w *= inverse
            screen[i, 0] = u
            screen[i, 1] = v
            screen[i, 2] = w
            screen[i, 3] = q


@compiled
def _edge(ua: float, va: float, ub: float, vb: float) -> tuple[float, float, float]:
    # The endpoints come sorted, so that both triangles at an edge compute the same bits and leave neither gap nor
    # overlap.
    return ua, va, (ub - ua) / (vb - va)


@compiled
def _fill(
    a: tuple[float, float, float],
    b: tuple[float, float, float],
    c: tuple[float, float, float],
    clip: tuple[int, int, int, int],
    face: int,
    nearest: NDArray[np.float32],
    winner: NDArray[np.int32],
    covered: NDArray[np.uint8],
) -> None:
    """Draw one triangle of (u, v, w) corners into whichever buffers are not empty; `clip` is their rectangle."""
    if a[1] > b[1] or (a[1] == b[1] and a[0] > b[0]):
        a, b = b, a
    if b[1] > c[1] or (b[1] == c[1] and b[0] > c[0]):
        b, c = c, b
    if a[1] > b[1] or (a[1] == b[1] and a[0] > b[0]):
        a, b = b, a
    left, top, right, bottom = clip
    first = max(math.ceil(a[1] - 0.5), top)
    last = min(math.ceil(c[1] - 0.5), bottom)
    if first >= last:
        return
    area = (b[0] - a[0]) * (c[1] - a[1]) - (c[0] - a[0]) * (b[1] - a[1])
    if area == 0.0:
        return
    w_u = ((b[2] - a[2]) * (c[1] - a[1]) - (c[2] - a[2]) * (b[1] - a[1])) / area
    w_v = ((b[0] - a[0]) * (c[2] - a[2]) - (c[0] - a[0]) * (b[2] - a[2])) / area
    lowest = np.float32(min(a[2], b[2], c[2]))
    highest = np.float32(max(a[2], b[2], c[2]))
    u_long, v_long, s_long = _edge(a[0], a[1], c[0], c[1])
    split = min(max(math.ceil(b[1] - 0.5), first), last)
    for half in range(2):
        if half == 0:
            row, end = first, split
            u_short, v_short, s_short = _edge(a[0], a[1], b[0], b[1])
        else:
            row, end = split, last
            u_short, v_short, s_short = _edge(b[0], b[1], c[0], c[1])
        while row < end:
            v = row + 0.5
            u_0 = u_long + (v - v_long) * s_long
            u_1 = u_short + (v - v_short) * s_short
            if u_0 > u_1:
                u_0, u_1 = u_1, u_0
            # Clamped before the conversion: clipped triangles may reach very far out.
            start = math.ceil(max(u_0 - 0.5, float(left)))
            stop = math.ceil(min(u_1 - 0.5, float(right)))
            if start < stop:
                if covered.size:
                    for x in range(start - left, stop - left):
                        covered[row - top, x] = 1
                else:
                    w = np.float32(a[2] + w_u * (start + 0.5 - a[0]) + w_v * (v - a[1]))
                    step = np.float32(w_u)
                    near_row = nearest[row]
                    if winner.size:
                        win_row = winner[row]
                        for x in range(start, stop):
                            # Kept within the corners' range: a sliver's gradient is huge.
                            value = min(max(w + step * np.float32(x - start), lowest), highest)
                            if value > near_row[x]:
                                near_row[x] = value
                                win_row[x] = face
                    else:
                        for x in range(start, stop):
                            value = min(max(w + step * np.float32(x - start), lowest), highest)
                            near_row[x] = max(near_row[x], value)
            row += 1


@compiled
def _fill_clipped(
    corners: Array,
    near: float,
    cull: bool,
    clip: tuple[int, int, int, int],
    face: int,
    nearest: NDArray[np.float32],
    winner: NDArray[np.int32],
    covered: NDArray[np.uint8],
) -> None:
    """Draw a triangle given by unprojected corners (3, 4), cut at q = `near` (Sutherland and Hodgman 1974)."""
    polygon = np.empty((4, 3))
    n = 0
    for i in range(3):
        j = (i + 1) % 3
        if corners[i, 3] >= near:
            for axis in range(3):
                polygon[n, axis] = corners[i, axis] / corners[i, 3]
            n += 1
        if (corners[i, 3] >= near) != (corners[j, 3] >= near):
            # Always from the inner to the outer end, so that both triangles at an edge cut it at the same bits.
            inner, outer = (i, j) if corners[i, 3] >= near else (j, i)
            t = (near - corners[inner, 3]) / (corners[outer, 3] - corners[inner, 3])
            for axis in range(3):
                cut = corners[inner, axis] + t * (corners[outer, axis] - corners[inner, axis])
                polygon[n, axis] = cut / near
            n += 1
    for i in range(1, n - 1):
        a = (polygon[0, 0], polygon[0, 1], polygon[0, 2])
        b = (polygon[i, 0], polygon[i, 1], polygon[i, 2])
        c = (polygon[i + 1, 0], polygon[i + 1, 1], polygon[i + 1, 2])
        if not cull or (b[0] - a[0]) * (c[1] - a[1]) - (c[0] - a[0]) * (b[1] - a[1]) < 0.0:
            _fill(a, b, c, clip, face, nearest, winner, covered)


@compiled
def rasterize(
    screen: Array,
    faces: NDArray[np.int32],
    first_face: int,
    last_face: int,
    cull: bool,
    near: float,
    clip: tuple[int, int, int, int],
    nearest: NDArray[np.float32],
    winner: NDArray[np.int32],
    covered: NDArray[np.uint8],
) -> None:
    """Draw faces [first, last): into the z-buffer `nearest`, with each pixel's face in `winner`, or as coverage.

    Args:
        screen: (n, 4) from `project_vertices`.
        faces: (m, 3) vertex indices.
        first_face: start of the range.
        last_face: end of the range.
        cull: leave out faces seen from behind.
        near: smallest q drawn.
        clip: (left, top, right, bottom) in pixels.
        nearest: (height, width) largest w so far; empty if `covered` is drawn.
        winner: (height, width) index of the nearest face; may be empty.
        covered: (bottom - top, right - left), set to 1 where drawn; empty if a z-buffer is drawn.
    """
    left, top, right, bottom = clip
    depth_only = winner.size == 0 and covered.size == 0 and cull
    for face in range(first_face, last_face):
        i, j, k = faces[face, 0], faces[face, 1], faces[face, 2]
        behind = (screen[i, 3] < near) + (screen[j, 3] < near) + (screen[k, 3] < near)
        if behind == 3:
            continue
        if behind:
            corners = np.empty((3, 4))
            for n, vertex in enumerate((i, j, k)):
                q = screen[vertex, 3]
                for c in range(3):
                    corners[n, c] = screen[vertex, c] * q if q >= near else screen[vertex, c]
                corners[n, 3] = q
            _fill_clipped(corners, near, cull, clip, face, nearest, winner, covered)
            continue
        u_0, v_0 = screen[i, 0], screen[i, 1]
        u_1, v_1 = screen[j, 0], screen[j, 1]
        u_2, v_2 = screen[k, 0], screen[k, 1]
        # Image y points down, so that an outward face turns the other way round.
        if cull and (u_1 - u_0) * (v_2 - v_0) - (u_2 - u_0) * (v_1 - v_0) >= 0.0:
            continue
        low_u, high_u = min(u_0, u_1, u_2), max(u_0, u_1, u_2)
        low_v, high_v = min(v_0, v_1, v_2), max(v_0, v_1, v_2)
        # Nothing to draw outside of the rectangle, or between two pixel centres.
        if high_u <= left or low_u >= right or high_v <= top or low_v >= bottom:
            continue
        first_x, last_x = math.ceil(low_u - 0.5), math.ceil(high_u - 0.5)
        first_y, last_y = math.ceil(low_v - 0.5), math.ceil(high_v - 0.5)
        if first_x == last_x or first_y == last_y:
            continue
        if depth_only and (last_x - first_x) * (last_y - first_y) <= _FEW_PIXELS:
            # Most faces of a shadow map: to ask each pixel costs less than to find the rows' ends.
            edge_u, edge_v, other_u, other_v = u_1 - u_0, v_1 - v_0, u_2 - u_0, v_2 - v_0
            per_area = 1.0 / (edge_u * other_v - other_u * edge_v)
            w_0, to_1, to_2 = screen[i, 2], screen[j, 2] - screen[i, 2], screen[k, 2] - screen[i, 2]
            for y in range(max(first_y, top), min(last_y, bottom)):
                for x in range(max(first_x, left), min(last_x, right)):
                    u, v = x + 0.5 - u_0, y + 0.5 - v_0
                    b_1, b_2 = (u * other_v - other_u * v) * per_area, (edge_u * v - u * edge_v) * per_area
                    if b_1 >= 0.0 and b_2 >= 0.0 and b_1 + b_2 <= 1.0:
                        nearest[y, x] = max(nearest[y, x], np.float32(w_0 + b_1 * to_1 + b_2 * to_2))
            continue
        _fill(
            (u_0, v_0, screen[i, 2]),
            (u_1, v_1, screen[j, 2]),
            (u_2, v_2, screen[k, 2]),
            clip,
            face,
            nearest,
            winner,
            covered,
        )


@compiled
def silhouette_box(
    screen: Array, first_vertex: int, last_vertex: int, near: float, canvas: tuple[int, int, int, int]
) -> tuple[int, int, int, int]:
    """Return the part (left, top, right, bottom) of the canvas that a body's vertices can cover."""
    low_u, low_v, high_u, high_v = np.inf, np.inf, -np.inf, -np.inf
    for i in range(first_vertex, last_vertex):
        if screen[i, 3] < near:
            return canvas
        low_u, high_u = min(low_u, screen[i, 0]), max(high_u, screen[i, 0])
        low_v, high_v = min(low_v, screen[i, 1]), max(high_v, screen[i, 1])
    left, top, right, bottom = canvas
    return (
        int(min(max(math.floor(low_u), left), right)),
        int(min(max(math.floor(low_v), top), bottom)),
        int(max(min(math.ceil(high_u), right), left)),
        int(max(min(math.ceil(high_v), bottom), top)),
    )


@compiled
def block_range(
    nearest: NDArray[np.float32], block: int, margin: int, low: NDArray[np.float32], high: NDArray[np.float32]
) -> None:
    """Write the smallest and largest value within `margin` of each block of a shadow map (size, size).

    A receiver nearer than all of them is lit and one farther than all of them is dark, without filtering.
    """
    size = nearest.shape[0]
    blocks = size // block
    for i in range(blocks):
        for j in range(blocks):
            lowest, highest = np.float32(np.inf), np.float32(-np.inf)
            for y in range(max(i * block - margin, 0), min((i + 1) * block + margin, size)):
                for x in range(max(j * block - margin, 0), min((j + 1) * block + margin, size)):
                    lowest = min(lowest, nearest[y, x])
                    highest = max(highest, nearest[y, x])
            low[i, j], high[i, j] = lowest, highest
