"""Mesh constructors that object families share: an outline stacked along z, sections skinned, a polygon extruded.

Every constructor closes its surface by the way it indexes vertices, and lays UVs whose unit is `UV_UNIT_M`; around a
closed loop u grows by a whole number, so that a periodic texture shows no seam.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

from graspsim.geometry import Array, transform
from graspsim.meshes import UV_UNIT_M, Mesh, box_uvs, finish
from graspsim.models import Symmetries

SEGMENTS = 52
"""Sides of a surface of revolution: the least multiple of four whose flats stay within 0.1 % of the diameter of the
true circle, so that a stated continuous symmetry is exact to that much."""

SAME = 0.03
"""Relative difference below which two lengths are made equal: a shape is either truly symmetric or visibly not."""


def circle(segments: int = SEGMENTS) -> Array:
    """Return the corners (segments, 2) of a regular polygon in the unit circle, counter-clockwise from +x."""
    angle = 2 * np.pi * np.arange(segments) / segments
    return np.stack([np.cos(angle), np.sin(angle)], axis=1)


def equalised(lengths: Sequence[float]) -> tuple[float, ...]:
    """Return the lengths, each made equal to the first of those before it that it nearly equals (within `SAME`)."""
    kept: list[float] = []
    for length in lengths:
        kept.append(next((k for k in kept if abs(length / k - 1) < SAME), length))
    return tuple(kept)


def rings(outline: Array, profile: ArrayLike) -> Array:
    """Return the points (k, n, 3) of an outline (n, 2) scaled by and lifted to each (scale, z) of a profile (k, 2)."""
    scale, z = np.asarray(profile, dtype=np.float64).T
    planar = scale[:, None, None] * outline
    return np.concatenate([planar, np.broadcast_to(z[:, None, None], (*planar.shape[:2], 1))], axis=2)


def stack(outline: Array, profile: ArrayLike) -> Mesh:
    """Return the closed surface swept by an outline (n, 2) along a profile (k, 2) of (scale, z).

    The outline runs counter-clockwise around the origin and every point of it is seen from there. The profile starts
    and ends on the axis, at scale 0; it climbs along the outside and may come back down along the inside of a hollow.
    """
    return skin(rings(outline, profile))


def skin(sections: Array, is_closed: bool = False) -> Mesh:
    """Return the closed surface through cross-sections (k, n, 3) in order, counter-clockwise seen from the last.

    A first or last section whose points coincide is a tip; another is closed by a fan about its centre, which it must
    be seen from. With `is_closed` the last section is joined to the first instead.
    """
    n = sections.shape[1]
    poles = np.zeros((0, 3))
    if not is_closed:
        poles = sections[[0, -1]].mean(axis=1)
        spread = np.abs(sections[[0, -1]] - poles[:, None]).max(axis=(1, 2))
        sections = sections[(1 if spread[0] < TIP_M else 0) : (-1 if spread[1] < TIP_M else None)]
    levels = len(sections)
    vertices = np.concatenate([sections.reshape(-1, 3), poles])
    here = np.arange(n)
    after = (here + 1) % n
    base = n * np.arange(levels if is_closed else levels - 1)[:, None]
    above = (base + n) % (levels * n)
    lower = np.stack([base + here, base + after, above + after], axis=2)
    upper = np.stack([base + here, above + after, above + here], axis=2)
    bands = np.stack([lower, upper], axis=2).reshape(-1, 3)
    if is_closed:
        faces = bands
        steps = np.concatenate([sections, sections[:1]])
    else:
        bottom, top, last = levels * n, levels * n + 1, (levels - 1) * n
        faces = np.concatenate(
            [
                np.stack([np.full(n, bottom), after, here], axis=1),
                bands,
                np.stack([last + here, last + after, np.full(n, top)], axis=1),
            ]
        )
        steps = np.concatenate(
            [np.broadcast_to(poles[0], (1, n, 3)), sections, np.broadcast_to(poles[1], (1, n, 3))], axis=0
        )
    faces = faces.astype(np.int32)
    return finish(vertices, faces, _skin_uvs(steps, box_uvs(vertices, faces), is_closed))


THIN_AROUND = 0.25
"""UV units around what is too thin for a pattern without a seam."""
TIP_M = 1e-9
"""Sections smaller than this are points."""


def _skin_uvs(sections: Array, uvs: NDArray[np.float32], is_closed: bool) -> NDArray[np.float32]:
    """Return UVs (m, 3, 2) of a skin: wrapped around its steep bands, and as they are, seen from the side, on others.

    Wrapping flat bands and thin tips too would squeeze the texture towards the axis without bound.
    """
    n = sections.shape[1]
    step = np.linalg.norm(np.roll(sections, -1, axis=1) - sections, axis=2)
    perimeter = step.sum(axis=1)
    share = step.sum(axis=0) / step.sum()
    turn = np.concatenate([[0.0], np.cumsum(share)])
    slant = np.linalg.norm(np.diff(sections, axis=0), axis=2).mean(axis=1)
    run = np.abs(np.diff(perimeter)) / (2 * np.pi)
    height = np.concatenate([[0.0], np.cumsum(slant)]) / UV_UNIT_M
    if is_closed:
        height *= max(1, round(height[-1])) / height[-1]
    i, j = turn[:-1], turn[1:]
    pole = (i + j) / 2
    turns, first = 0.0, 0
    for band in range(len(sections) - 1):
        low, high = height[band], height[band + 1]
        is_fan = not is_closed and band in (0, len(sections) - 2)
        faces = slice(first, first + (n if is_fan else 2 * n))
        first = faces.stop
        around = perimeter[band : band + 2].mean() / UV_UNIT_M
        # One count of turns is kept as long as it serves, since the pattern breaks where the count changes.
        if not 0.6 * turns <= around <= 1.6 * turns:
            # A whole number of them, but on thin things, where one alone would squeeze the pattern to nothing.
            turns = max(1.0, round(around)) if around > THIN_AROUND else around
        if run[band] > slant[band] / np.sqrt(2) or slant[band] / max(run[band], 1e-12) < turns / around:
            turns = 0.0
            continue
        if not is_fan:
            u, v = [i, j, j, i, j, i], [low, low, high, low, high, high]
        elif band == 0:
            u, v = [pole, j, i], [low, high, high]
        else:
            u, v = [i, j, pole], [low, low, high]
        uvs[faces, :, 0] = turns * np.stack(u, axis=1).reshape(-1, 3)
        uvs[faces, :, 1] = np.broadcast_to(v, (n, len(v))).reshape(-1, 3)
    return uvs


def extrude(outline: Array, pieces: Sequence[Sequence[int]], height_m: float) -> Mesh:
    """Return a polygon (n, 2), counter-clockwise, extruded along z about the plane z = 0.

    `pieces` are the convex polygons, as indices into the outline, that partition it and share whole edges. A corner at
    which a piece runs straight on must not come next to the piece's first, from which its triangles fan out.
    """
    n = len(outline)
    half = np.full((n, 1), height_m / 2)
    vertices = np.concatenate([np.hstack([outline, -half]), np.hstack([outline, half])])
    cap = np.array([(p[0], p[k], p[k + 1]) for p in pieces for k in range(1, len(p) - 1)])
    here = np.arange(n)
    after = (here + 1) % n
    sides = np.stack([here, after, n + after, here, n + after, n + here], axis=1).reshape(-1, 3)
    faces = np.concatenate([cap[:, ::-1], cap + n, sides])

    step = np.linalg.norm(np.roll(outline, -1, axis=0) - outline, axis=1)
    turns = max(1, round(step.sum() / UV_UNIT_M))
    turn = turns * np.concatenate([[0.0], np.cumsum(step)]) / step.sum()
    uvs = vertices[faces][..., :2] / UV_UNIT_M
    i, j, top = turn[:-1], turn[1:], np.full(n, height_m / UV_UNIT_M)
    uvs[2 * len(cap) :, :, 0] = np.stack([i, j, j, i, j, i], axis=1).reshape(-1, 3)
    uvs[2 * len(cap) :, :, 1] = np.stack([0 * top, 0 * top, top, 0 * top, top, top], axis=1).reshape(-1, 3)
    # Every corner of a polygon is a crease, however blunt.
    return finish(vertices, faces, uvs.astype(np.float32), crease_rad=0.1)


def symmetry_group(*generators: Array, about_z: bool = False) -> Symmetries:
    """Return every rotation about the origin that products of the generators (3, 3) give.

    With `about_z` any rotation about the z axis is a symmetry too, and the generators are only those that turn it over.
    """
    found = [np.eye(3)]
    for rotation in found:  # Grows while it is walked, which is the closure.
        for generator in generators:
            product = generator @ rotation
            if np.abs(product - np.array(found)).max(axis=(1, 2)).min() > 1e-6:
                found.append(product)
    continuous = ((np.array([0.0, 0.0, 1.0]), np.zeros(3)),) if about_z else ()
    return Symmetries(tuple(transform(rotation) for rotation in found[1:]), continuous)
