"""The meshes of a scene's bodies laid end to end, as the compiled kernels read them."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from graspsim.geometry import Array
from graspsim.meshes import Mesh


@dataclass(frozen=True, eq=False)
class Geometry:
    """The meshes of several bodies in one set of arrays.

    Attributes:
        vertices: (n, 3) in body frames.
        faces: (m, 3) int32.
        vertex_start: (b + 1,) body i owns the vertices from entry i to entry i + 1.
        face_start: (b + 1,) the same for faces.
        face_body: (m,) int32.
        corner_normals: (m, 3, 3) float32.
        corner_uvs: (m, 3, 2) float32.
        uv_density: (m,) float32, UV units per metre.
    """

    vertices: Array
    faces: NDArray[np.int32]
    vertex_start: NDArray[np.int64]
    face_start: NDArray[np.int64]
    face_body: NDArray[np.int32]
    corner_normals: NDArray[np.float32]
    corner_uvs: NDArray[np.float32]
    uv_density: NDArray[np.float32]

    @staticmethod
    def of(meshes: Sequence[Mesh]) -> "Geometry":
        """Concatenate meshes."""
        vertex_start = np.concatenate([[0], np.cumsum([len(m.vertices) for m in meshes])]).astype(np.int64)
        face_start = np.concatenate([[0], np.cumsum([len(m.faces) for m in meshes])]).astype(np.int64)
        faces = np.concatenate([m.faces + start for m, start in zip(meshes, vertex_start, strict=False)])
        vertices = np.concatenate([m.vertices for m in meshes])
        uvs = np.concatenate([m.corner_uvs for m in meshes])
        edges, uv_edges = np.diff(vertices[faces], axis=1), np.diff(uvs.astype(np.float64), axis=1)
        area = np.linalg.norm(np.cross(edges[:, 0], edges[:, 1]), axis=1)
        uv_area = np.abs(uv_edges[:, 0, 0] * uv_edges[:, 1, 1] - uv_edges[:, 0, 1] * uv_edges[:, 1, 0])
        return Geometry(
            vertices=vertices,
            faces=faces.astype(np.int32),
            vertex_start=vertex_start,
            face_start=face_start,
            face_body=np.repeat(np.arange(len(meshes)), np.diff(face_start)).astype(np.int32),
            corner_normals=np.concatenate([m.corner_normals for m in meshes]),
            corner_uvs=uvs,
            uv_density=np.sqrt(uv_area / np.maximum(area, 1e-18)).astype(np.float32),
        )
