"""Closed triangle surfaces with normals and texture coordinates.

Attributes that jump across an edge (normals at a crease, UVs at a seam) are stored per face corner, so that the faces
themselves stay one watertight, indexed surface.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.spatial import ConvexHull

from graspsim.geometry import Array, apply

UV_UNIT_M = 0.1
"""Length that one unit of UV spans on a procedural object. Textures have period one, so a closed loop whose UV grows
by a whole number shows no seam."""


@dataclass(frozen=True, eq=False)
class Mesh:
    """A closed triangle surface, counter-clockwise seen from outside, in metres.

    Attributes:
        vertices: (n, 3) float64.
        faces: (m, 3) int32.
        corner_normals: (m, 3, 3) float32, unit length, outward.
        corner_uvs: (m, 3, 2) float32.
        face_slots: (m,) uint8, which of the object's material slots each face shows.
    """

    vertices: Array
    faces: NDArray[np.int32]
    corner_normals: NDArray[np.float32]
    corner_uvs: NDArray[np.float32]
    face_slots: NDArray[np.uint8]


def face_normals(vertices: Array, faces: NDArray[np.int32]) -> Array:
    """Return normals (m, 3) whose length is twice the face's area."""
    a, b, c = np.moveaxis(vertices[faces], 1, 0)
    return np.cross(b - a, c - a)


def samples_on(corners: Array, count: int, rng: np.random.Generator) -> tuple[Array, Array]:
    """Return points and unit normals (count, 3) spread evenly over triangles (m, 3, 3)."""
    normals = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    area = np.linalg.norm(normals, axis=1)
    along = (rng.permutation(count) + 0.5) / count * area.sum()
    face = np.searchsorted(np.cumsum(area), along).clip(max=len(area) - 1)
    u, v = rng.uniform(size=(2, count))
    u, v = np.where(u + v > 1, (1 - u, 1 - v), (u, v))
    a, b, c = corners[face].swapaxes(0, 1)
    return a + u[:, None] * (b - a) + v[:, None] * (c - a), normals[face] / area[face][:, None]


def volume_of(mesh: Mesh) -> float:
    """Return the volume that a closed mesh encloses."""
    a, b, c = np.moveaxis(mesh.vertices[mesh.faces], 1, 0)
    return float(np.einsum("ij,ij->", a, np.cross(b, c))) / 6


def crease_normals(vertices: Array, faces: NDArray[np.int32], crease_rad: float = 0.7) -> NDArray[np.float32]:
    """Return corner normals (m, 3, 3), smooth across edges that bend by less than `crease_rad` and sharp elsewhere.

    Each corner averages, by area, the faces at its vertex that face within the crease angle of its own.
    """
    area_normals = face_normals(vertices, faces)
    unit = area_normals / np.maximum(np.linalg.norm(area_normals, axis=1, keepdims=True), 1e-30)
    corner_vertex = faces.ravel()
    order = np.argsort(corner_vertex, kind="stable")
    counts = np.bincount(corner_vertex, minlength=len(vertices))
    start = np.concatenate([[0], np.cumsum(counts)[:-1]])
    # Every ordered pair of corners that share a vertex.
    valence = counts[corner_vertex]
    first = np.repeat(np.arange(len(corner_vertex)), valence)
    step = np.arange(len(first)) - np.repeat(np.cumsum(valence) - valence, valence)
    second = order[start[corner_vertex[first]] + step]
    close = np.einsum("ij,ij->i", unit[first // 3], unit[second // 3]) >= np.cos(crease_rad)
    first, second = first[close], second[close]
    normals = np.stack(
        [np.bincount(first, area_normals[second // 3, axis], minlength=len(corner_vertex)) for axis in range(3)], axis=1
    )
    length = np.linalg.norm(normals, axis=1, keepdims=True)
    normals = np.where(length > 1e-30, normals / np.maximum(length, 1e-30), np.repeat(unit, 3, axis=0))
    return normals.reshape(-1, 3, 3).astype(np.float32)


def box_uvs(vertices: Array, faces: NDArray[np.int32], unit_m: float = UV_UNIT_M) -> NDArray[np.float32]:
    """Return corner UVs (m, 3, 2) projected along each face's dominant axis: stretch is at most √3 everywhere."""
    axis = np.argmax(np.abs(face_normals(vertices, faces)), axis=1)
    u_axis, v_axis = np.array([1, 0, 0])[axis], np.array([2, 2, 1])[axis]
    corners = vertices[faces] / unit_m
    uv = [np.take_along_axis(corners, np.repeat(a[:, None, None], 3, axis=1), axis=2)[..., 0] for a in (u_axis, v_axis)]
    return np.stack(uv, axis=-1).astype(np.float32)


def convex_mesh(points: ArrayLike) -> tuple[Array, NDArray[np.int32]]:
    """Return vertices (n, 3) and outward faces (m, 3) of the convex hull of points."""
    cloud = np.asarray(points, dtype=np.float64)
    hull = ConvexHull(cloud)
    used = np.unique(hull.simplices)
    index = np.full(len(cloud), -1, dtype=np.int32)
    index[used] = np.arange(len(used))
    vertices, faces = cloud[used], index[hull.simplices]
    inward = np.einsum("ij,ij->i", face_normals(vertices, faces), hull.equations[:, :3]) < 0
    faces[inward] = faces[inward][:, ::-1]
    return vertices, faces


def box_mesh(size_m: ArrayLike, uv_unit_m: float = UV_UNIT_M, inward: bool = False) -> Mesh:
    """Return a box of size (3,) about the origin; `inward` turns its faces to the inside, as the walls of a room."""
    corners = np.array([[x, y, z] for x in (-0.5, 0.5) for y in (-0.5, 0.5) for z in (-0.5, 0.5)])
    vertices = corners * np.asarray(size_m, dtype=np.float64)
    quads = [[0, 1, 3, 2], [4, 6, 7, 5], [0, 4, 5, 1], [2, 3, 7, 6], [0, 2, 6, 4], [1, 5, 7, 3]]
    faces = np.array([t for a, b, c, d in quads for t in ([a, b, c], [a, c, d])], dtype=np.int32)
    if inward:
        faces = np.ascontiguousarray(faces[:, ::-1])
    return finish(vertices, faces, uvs=box_uvs(vertices, faces, uv_unit_m))


def finish(
    vertices: Array,
    faces: NDArray[np.int32],
    uvs: NDArray[np.float32] | None = None,
    crease_rad: float = 0.7,
    slots: NDArray[np.uint8] | None = None,
) -> Mesh:
    """Return the `Mesh` of vertices and faces, with crease normals; by default UVs from a box and one slot."""
    faces = np.ascontiguousarray(faces, dtype=np.int32)
    return Mesh(
        vertices=np.ascontiguousarray(vertices, dtype=np.float64),
        faces=faces,
        corner_normals=crease_normals(vertices, faces, crease_rad),
        corner_uvs=box_uvs(vertices, faces) if uvs is None else np.ascontiguousarray(uvs, dtype=np.float32),
        face_slots=np.zeros(len(faces), dtype=np.uint8) if slots is None else slots,
    )


def moved(mesh: Mesh, b_from_a: Array) -> Mesh:
    """Return the mesh carried by a rigid transform (4, 4)."""
    normals = mesh.corner_normals @ b_from_a[:3, :3].T.astype(np.float32)
    return Mesh(apply(b_from_a, mesh.vertices), mesh.faces, normals, mesh.corner_uvs, mesh.face_slots)


def side_by_side(meshes: Sequence[Mesh]) -> Mesh:
    """Return several meshes as one, each as it is."""
    starts = np.cumsum([0, *(len(m.vertices) for m in meshes[:-1])])
    return Mesh(
        vertices=np.concatenate([m.vertices for m in meshes]),
        faces=np.concatenate([m.faces + start for m, start in zip(meshes, starts, strict=True)]).astype(np.int32),
        corner_normals=np.concatenate([m.corner_normals for m in meshes]),
        corner_uvs=np.concatenate([m.corner_uvs for m in meshes]),
        face_slots=np.concatenate([m.face_slots for m in meshes]),
    )
