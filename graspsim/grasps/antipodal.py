"""Antipodal grasps on known meshes: pairs of points that two fingers can press on without slipping.

Two contacts with friction hold an object if the line between them lies in both friction cones (Nguyen 1988). Pairs are
sampled from the surface, with rays through the object, once for a model; a gripper's pose is then sought for where the
object lies.
"""

import weakref
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from graspsim.geometry import Array
from graspsim.jit import compiled
from graspsim.meshes import face_normals
from graspsim.models import ObjectModel

FRICTION = 0.5
"""Coefficient whose cone both contacts must keep."""
POINTS = 240
_RAYS_A_POINT = 2
SURFACE_POINTS = 900
"""For what gets in the way."""
_SEED = 0

_pairs: weakref.WeakKeyDictionary[ObjectModel, "Pairs"] = weakref.WeakKeyDictionary()


@dataclass(frozen=True, eq=False)
class Pairs:
    """Pairs of contacts on a model.

    Attributes:
        first: (n, 3) points in the model frame.
        second: (n, 3) those opposite.
        quality: (n,) cosine of the angle between the line through both and the normal that it is farther from.
        surface: (m, 3) points spread over the surface, for what gets in a gripper's way.
    """

    first: Array
    second: Array
    quality: Array
    surface: Array


def antipodal_pairs(model: ObjectModel) -> Pairs:
    """Return pairs of contacts on a model, the same each time; they are found once."""
    if model not in _pairs:
        _pairs[model] = _sampled(model, np.random.default_rng(_SEED))
    return _pairs[model]


def _sampled(model: ObjectModel, rng: np.random.Generator) -> Pairs:
    vertices, faces = model.mesh.vertices, model.mesh.faces
    normals = face_normals(vertices, faces)
    area = np.linalg.norm(normals, axis=1)
    normals = normals / np.maximum(area, 1e-30)[:, None]
    chosen = rng.choice(len(faces), size=SURFACE_POINTS, p=area / area.sum())
    u, v = rng.random((2, SURFACE_POINTS))
    u, v = np.where(u + v > 1, 1 - u, u), np.where(u + v > 1, 1 - v, v)
    a, b, c = np.moveaxis(vertices[faces[chosen]], 1, 0)
    surface = a + u[:, None] * (b - a) + v[:, None] * (c - a)
    points, chosen = surface[:POINTS], chosen[:POINTS]
    # One ray straight in, one within the cone of friction.
    origins, inward = np.repeat(points, _RAYS_A_POINT, axis=0), -np.repeat(normals[chosen], _RAYS_A_POINT, axis=0)
    spread = rng.normal(size=inward.shape) * (FRICTION / 2)
    spread[::_RAYS_A_POINT] = 0
    directions = inward + spread
    directions /= np.linalg.norm(directions, axis=1, keepdims=True)
    depths, hit = exits(vertices, faces.astype(np.int64), origins, directions)
    # The first way out, through a wall, and the last, through all there is.
    depths, hit, origins, inward, directions = (
        depths.T.ravel(),
        hit.T.ravel(),
        np.tile(origins, (2, 1)),
        np.tile(inward, (2, 1)),
        np.tile(directions, (2, 1)),
    )
    cosine = np.minimum(
        np.einsum("ij,ij->i", directions, inward), np.einsum("ij,ij->i", directions, normals[np.maximum(hit, 0)])
    )
    good = (hit >= 0) & (cosine > 1 / np.hypot(1, FRICTION)) & (depths > 5e-4)
    second = origins + directions * depths[:, None]
    return Pairs(origins[good], second[good], cosine[good], surface)


@compiled
def exits(
    vertices: Array, faces: NDArray[np.int64], origins: Array, directions: Array
) -> tuple[Array, NDArray[np.int64]]:
    """Return where rays (n, 3) leave a mesh first and last: depths (n, 2) and faces (n, 2), -1 if nowhere.

    By Möller and Trumbore 1997, of faces that are met from behind.
    """
    depths = np.zeros((len(origins), 2))
    hit = np.full((len(origins), 2), -1)
    for f in range(len(faces)):
        a, b, c = vertices[faces[f, 0]], vertices[faces[f, 1]], vertices[faces[f, 2]]
        ux, uy, uz = b[0] - a[0], b[1] - a[1], b[2] - a[2]
        vx, vy, vz = c[0] - a[0], c[1] - a[1], c[2] - a[2]
        nx, ny, nz = uy * vz - uz * vy, uz * vx - ux * vz, ux * vy - uy * vx
        per_square = 1 / (nx * nx + ny * ny + nz * nz)
        for r in range(len(origins)):
            dx, dy, dz = directions[r, 0], directions[r, 1], directions[r, 2]
            facing = nx * dx + ny * dy + nz * dz
            if facing <= 1e-18:
                continue
            ox, oy, oz = origins[r, 0] - a[0], origins[r, 1] - a[1], origins[r, 2] - a[2]
            depth = -(nx * ox + ny * oy + nz * oz) / facing
            if depth <= 1e-6:
                continue
            # Barycentric coordinates of the point of the plane.
            px, py, pz = ox + depth * dx, oy + depth * dy, oz + depth * dz
            qx, qy, qz = py * vz - pz * vy, pz * vx - px * vz, px * vy - py * vx
            s = (nx * qx + ny * qy + nz * qz) * per_square
            if s < 0 or s > 1:
                continue
            qx, qy, qz = uy * pz - uz * py, uz * px - ux * pz, ux * py - uy * px
            t = (nx * qx + ny * qy + nz * qz) * per_square
            if t < 0 or s + t > 1:
                continue
            if hit[r, 0] < 0 or depth < depths[r, 0]:
                depths[r, 0], hit[r, 0] = depth, f
            if hit[r, 1] < 0 or depth > depths[r, 1]:
                depths[r, 1], hit[r, 1] = depth, f
    return depths, hit
