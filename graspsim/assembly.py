"""Solids joined into one object, or cut from one another, with their textures and material slots kept."""

from collections.abc import Sequence

import manifold3d
import numpy as np
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from graspsim.errors import MeshError
from graspsim.meshes import Mesh, finish
from graspsim.models import ObjectModel, Region, Slot, Symmetries, object_model
from graspsim.solids import Solid

SLIVER = 1e-5
"""Over the largest extent: edges that booleans leave and that are shorter than this are collapsed."""


def assembled(
    name: str,
    solids: Sequence[Solid] | Sequence[tuple[Solid, int]],
    symmetries: Symmetries,
    slots: tuple[Slot, ...] = (Slot("body"),),
    crease_rad: float = 0.7,
) -> ObjectModel:
    """Return the object that is the union of solids, each with the slot that it shows.

    Where two overlap, the earlier one's material fills the place. Faces that lie upon each other join.

    Args:
        name: what it is.
        solids: each solid and the index of its slot; the slot is 0 where it is left out.
        symmetries: rigid motions that leave the union unchanged, its slots included.
        slots: the object's material slots.
        crease_rad: bend of an edge from which on it is sharp.

    Raises:
        MeshError: if the union is not one body, or has a void inside.
    """
    pieces = [item if isinstance(item, tuple) else (item, 0) for item in solids]
    parts = [part for solid, _ in pieces for part in solid.parts]
    if len(pieces) == 1:
        mesh = pieces[0][0].mesh
        return object_model(name, mesh, parts, symmetries, slots=slots)
    raw = [_manifold(solid.mesh, slot) for solid, slot in pieces]
    mesh = _mesh(manifold3d.Manifold.batch_boolean(raw, manifold3d.OpType.Add), crease_rad)
    if (bodies := _surfaces(mesh)) != 1:
        raise MeshError(f"{name} has {bodies} surfaces, but an object is one body without voids.")
    regions = []
    if len({slot.relative_density for slot in slots}) > 1:
        filled = manifold3d.Manifold()
        for solid, (_, slot) in zip(raw, pieces, strict=True):
            rest = (solid - filled).to_mesh64()
            vertices, faces = np.asarray(rest.vert_properties)[:, :3], np.asarray(rest.tri_verts).astype(np.int32)
            if len(faces):
                regions.append(Region(vertices, faces, slot))
            filled += solid
    return object_model(name, mesh, parts, symmetries, slots=slots, regions=regions)


def cut(mesh: Mesh, cutters: Sequence[Mesh], crease_rad: float = 0.7) -> Mesh:
    """Return what is left of a mesh without the insides of others; the cut faces show the cutters' textures.

    Raises:
        MeshError: if nothing is left, or more than one surface.
    """
    rest = _manifold(mesh, 0) - manifold3d.Manifold.batch_boolean(
        [_manifold(cutter, 0) for cutter in cutters], manifold3d.OpType.Add
    )
    left = _mesh(rest, crease_rad)
    if (bodies := _surfaces(left)) != 1:
        raise MeshError(f"The cut leaves {bodies} surfaces, but a solid has one.")
    return left


def _manifold(mesh: Mesh, slot: int) -> manifold3d.Manifold:
    """Return a mesh as manifold3d's solid: a vertex for each corner, to carry UV and slot, merged by its index."""
    corners = np.empty((len(mesh.faces) * 3, 6))
    corners[:, :3] = mesh.vertices[mesh.faces].reshape(-1, 3)
    corners[:, 3:5] = mesh.corner_uvs.reshape(-1, 2)
    corners[:, 5] = slot
    _, first, vertex = np.unique(mesh.faces, return_index=True, return_inverse=True)
    numbers = np.arange(len(corners), dtype=np.uint64)
    merged = first[vertex.reshape(-1)].astype(np.uint64)
    # Unless each triangle counts as a face of its own, those in one plane are joined whatever their UVs.
    own_face = numbers[: len(mesh.faces)]
    return manifold3d.Manifold(manifold3d.Mesh64(corners, numbers.reshape(-1, 3), numbers, merged, face_id=own_face))


def _mesh(solid: manifold3d.Manifold, crease_rad: float) -> Mesh:
    """Return manifold3d's solid as a mesh again."""
    if solid.status() != manifold3d.Error.NoError:
        raise MeshError(f"The solids cannot be joined: {solid.status().name}.")
    raw = solid.simplify(SLIVER * float(np.ptp(np.reshape(solid.bounding_box(), (2, 3)), axis=0).max())).to_mesh64()
    corners, triangles = np.asarray(raw.vert_properties), np.asarray(raw.tri_verts).astype(np.int64)
    index = np.arange(len(corners))
    index[np.asarray(raw.merge_from_vert).astype(np.int64)] = np.asarray(raw.merge_to_vert).astype(np.int64)
    used, faces = np.unique(index[triangles], return_inverse=True)
    return finish(
        corners[used, :3],
        faces.reshape(-1, 3).astype(np.int32),
        corners[triangles][..., 3:5].astype(np.float32),
        crease_rad,
        np.round(corners[triangles[:, 0], 5]).astype(np.uint8),
    )


def _surfaces(mesh: Mesh) -> int:
    """Return the number of connected pieces of a surface: a void inside counts as one more."""
    edges = mesh.faces[:, [0, 1, 1, 2]].reshape(-1, 2)
    links = coo_array((np.ones(len(edges)), (edges[:, 0], edges[:, 1])), shape=(len(mesh.vertices),) * 2)
    return int(connected_components(links, directed=False)[0])
