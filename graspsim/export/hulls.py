"""The convex parts of an object as files, by which simulators collide."""

import struct

import numpy as np

from graspsim.geometry import Array
from graspsim.meshes import convex_mesh, face_normals
from graspsim.models import ObjectModel

_RECORD = np.dtype([("normal", "<f4", 3), ("corners", "<f4", (3, 3)), ("unused", "<u2")])


def hull_files(model: ObjectModel) -> dict[str, bytes]:
    """Return `part_000.stl` and so on: the hulls whose union collides.

    As STL, since PyBullet wraps what it reads from OBJ in one compound too many for `changeDynamics` to reach the
    margins of the hulls.
    """
    return {f"part_{n:03d}.stl": encode_hull(part) for n, part in enumerate(model.parts)}


def encode_hull(points: Array) -> bytes:
    """Return the convex hull of points (n, 3) as binary STL."""
    vertices, faces = convex_mesh(points)
    normals = face_normals(vertices, faces)
    records = np.zeros(len(faces), dtype=_RECORD)
    records["normal"] = normals / np.maximum(np.linalg.norm(normals, axis=1, keepdims=True), 1e-30)
    records["corners"] = vertices[faces]
    return b"convex part".ljust(80) + struct.pack("<I", len(faces)) + records.tobytes()
