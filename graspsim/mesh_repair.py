"""From the triangles of a file to the closed surface of one body.

What can be mended without guessing at the shape is mended; what cannot is refused, with the reason.
"""

from pathlib import Path
from typing import Any

import manifold3d
import numpy as np
from numpy.typing import NDArray
from scipy.sparse import coo_array
from scipy.sparse.csgraph import breadth_first_order, connected_components

from graspsim.errors import MeshError
from graspsim.geometry import Array

NEGLIGIBLE = 1e-9
"""Share of the cube of its extent below which a mesh counts as enclosing nothing."""
MAX_HOLE = 0.2
"""Largest hole that is closed, by its circumference over the diagonal of the bounding box. The mouth of a cup that was
modelled as a bare surface is larger: closing that one would make another object of it."""

Faces = NDArray[np.int32]
Uvs = NDArray[np.float32]


def closed(path: Path, vertices: Array, faces: Faces, uvs: Uvs) -> tuple[Array, Faces, Uvs]:
    """Return the mesh of one body, welded, wound outward, small holes filled and each edge shared by just two faces."""
    # Welding is by position; files repeat a vertex wherever its UV or normal jumps.
    grid = np.round((vertices - vertices.min(axis=0)) / (np.ptp(vertices, axis=0).max() * 1e-7)).astype(np.int64)
    _, kept, index = np.unique(grid, axis=0, return_index=True, return_inverse=True)
    vertices, faces = vertices[kept], index.reshape(-1)[faces].astype(np.int32)
    whole = _distinct(faces)
    if len(whole) == 0:
        raise MeshError(f"{path} holds an empty mesh: none of its {len(faces)} faces has an area.")
    faces, uvs = faces[whole], uvs[whole]

    flipped = _miswound(vertices, faces)
    faces[flipped], uvs[flipped] = faces[flipped][:, ::-1], uvs[flipped][:, ::-1]
    faces, uvs = _fill_holes(path, vertices, faces, uvs)
    if _volume(vertices, faces) < 0:
        faces, uvs = faces[:, ::-1], uvs[:, ::-1]
    vertices, faces = _parted(path, vertices, faces)
    vertices, faces, uvs = _united(path, vertices, faces, uvs)
    if _volume(vertices, faces) < NEGLIGIBLE * np.ptp(vertices, axis=0).max() ** 3:
        raise MeshError(f"{path} has no volume: its {len(faces)} faces enclose nothing.")
    return vertices, np.ascontiguousarray(faces), np.ascontiguousarray(uvs)


def _distinct(faces: Faces) -> NDArray[np.intp]:
    """Return which faces to keep: no slivers of two corners, and none of those that lie on one another."""
    is_triangle = (faces != np.roll(faces, 1, axis=1)).all(axis=1)
    turned = np.take_along_axis(faces, (np.argmin(faces, axis=1)[:, None] + np.arange(3)) % 3, axis=1)
    _, first, group = np.unique(np.sort(faces, axis=1), axis=0, return_index=True, return_inverse=True)
    facing = np.bincount(group.reshape(-1), np.where(turned[:, 1] < turned[:, 2], 1, -1))
    single = first[is_triangle[first]]
    # Two faces back to back are where sheets of the surface touch, and enclose nothing: they go together.
    touching = facing[group.reshape(-1)[single]] == 0
    # Unless most are: then the file draws each face from both sides.
    return np.sort(single if touching.mean() > 0.5 else single[~touching]) if len(single) else single


def _volume(vertices: Array, faces: Faces) -> float:
    return float(_volumes(vertices, faces).sum())


def _volumes(vertices: Array, faces: Faces) -> Array:
    """Return the signed volume (m,) between each face and the middle of the vertices."""
    a, b, c = np.moveaxis(vertices[faces] - vertices.mean(axis=0), 1, 0)
    return np.asarray(np.einsum("ij,ij->i", a, np.cross(b, c)) / 6)


def _edges(faces: Faces) -> Faces:
    """Return the directed edges (3m, 2): rows 3i to 3i + 2 are those of face i, and leave its corners in turn."""
    return np.stack([faces, np.roll(faces, -1, axis=1)], axis=2).reshape(-1, 2)


def _grouped(edges: Faces) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Return the group (e,) of each edge, whichever way it runs, and the number of edges in each group."""
    _, group, counts = np.unique(np.sort(edges, axis=1), axis=0, return_inverse=True, return_counts=True)
    return group.reshape(-1), counts


def _miswound(vertices: Array, faces: Faces) -> NDArray[np.bool_]:
    """Return which faces (m,) must be turned over for neighbours to agree, and each so mended body to face outward."""
    edges = _edges(faces)
    group, counts = _grouped(edges)
    order = np.argsort(group, kind="stable")
    pairs = order[np.isin(group[order], np.flatnonzero(counts == 2))].reshape(-1, 2)
    one, other = (pairs // 3).T
    is_same_way = edges[pairs[:, 0], 0] == edges[pairs[:, 1], 0]
    flipped = np.zeros(len(faces), dtype=bool)
    if not is_same_way.any():
        return flipped
    links = coo_array((np.where(is_same_way, 2.0, 1.0), (one, other)), shape=(len(faces),) * 2).tocsr()
    links = (links + links.T).tocsr()
    _, body = connected_components(links, directed=False)
    for label in np.unique(body[one[is_same_way]]):
        members = np.flatnonzero(body == label)
        walk, before = breadth_first_order(links, members[0], directed=False)
        for face in walk[1:]:
            flipped[face] = flipped[before[face]] != (links[before[face], face] == 2)
        mended = np.where(flipped[members, None], faces[members][:, ::-1], faces[members])
        if _volume(vertices, mended) < 0:
            flipped[members] ^= True
    return flipped


def _fill_holes(path: Path, vertices: Array, faces: Faces, uvs: Uvs) -> tuple[Faces, Uvs]:
    """Close each small loop of open edges by a fan of triangles; a new corner takes a UV its vertex already has.

    Raises:
        MeshError: if open edges form no plain loop, or one too long to be a flaw of the file.
    """
    edges = _edges(faces)
    group, counts = _grouped(edges)
    is_open = counts[group] == 1
    # The missing face runs along each open edge in the other direction.
    after = {int(b): int(a) for a, b in edges[is_open]}
    refusal = MeshError(
        f"{path} is not watertight and cannot be repaired: it has {int(is_open.sum())} open edges, around holes too "
        "large or too tangled to fill."
    )
    if len(after) < is_open.sum() or set(after) != set(after.values()):
        raise refusal
    longest = MAX_HOLE * np.linalg.norm(np.ptp(vertices, axis=0))
    fans = []
    while after:
        start, corner = after.popitem()
        loop = [start]
        while corner != start:
            loop.append(corner)
            corner = after.pop(corner)
        length = np.linalg.norm(vertices[loop] - np.roll(vertices[loop], 1, axis=0), axis=1).sum()
        # A hole of three edges has only one filling, whatever its size.
        if len(loop) > 3 and length > longest:
            raise refusal
        fans += [(loop[0], loop[k], loop[k + 1]) for k in range(1, len(loop) - 1)]
    if not fans:
        return faces, uvs
    added = np.array(fans, dtype=np.int32)
    uv_of_vertex = np.zeros((len(vertices), 2), dtype=np.float32)
    uv_of_vertex[faces] = uvs
    return np.concatenate([faces, added]), np.concatenate([uvs, uv_of_vertex[added]])


def _parted(path: Path, vertices: Array, faces: Faces) -> tuple[Array, Faces]:
    """Return the mesh with vertices doubled where two sheets of surface touch along an edge or at a point.

    At an edge of four faces and more, each face is joined to the next one across the solid between them, so that every
    edge comes to have two faces and the solid is what it was.

    Raises:
        MeshError: if as many faces do not pass an edge one way as the other.
    """
    edges = _edges(faces)
    group, counts = _grouped(edges)
    forward = edges[:, 0] < edges[:, 1]
    balance = np.bincount(group, np.where(forward, 1, -1))
    if balance.any():
        raise MeshError(
            f"{path} is not watertight and cannot be repaired: {int(np.count_nonzero(balance))} edges are shared by "
            "faces that do not pair up."
        )
    order = np.argsort(group, kind="stable")
    pairs = order[counts[group[order]] == 2].reshape(-1, 2)
    joined = [pairs]
    for crowded in np.flatnonzero(counts > 2):
        joined.append(_paired(vertices, faces, edges, np.flatnonzero(group == crowded)))
    one, other = np.concatenate(joined).T
    # Corners are numbered like edges: by the edge that leaves them. Across an edge, its start meets the other's end.
    end_one, end_other = (edge - edge % 3 + (edge + 1) % 3 for edge in (one, other))
    a, b = np.concatenate([one, end_one]), np.concatenate([end_other, other])
    links = coo_array((np.ones(len(a)), (a, b)), shape=(len(edges),) * 2)
    _, fan = connected_components(links, directed=False)
    _, first = np.unique(fan, return_index=True)
    return vertices[faces.reshape(-1)[first]], fan.reshape(-1, 3).astype(np.int32)


def _paired(vertices: Array, faces: Faces, edges: Faces, crowd: NDArray[np.intp]) -> NDArray[np.intp]:
    """Return pairs (k, 2) of the edges `crowd` (2k,), which coincide, with solid between the faces of each pair."""
    low, high = np.sort(edges[crowd[0]])
    along = vertices[high] - vertices[low]
    along /= np.linalg.norm(along)
    tips = vertices[faces[crowd // 3, (crowd + 2) % 3]] - vertices[low]
    x = tips[0] - (tips[0] @ along) * along
    angle = np.arctan2(tips @ np.cross(along, x / np.linalg.norm(x)), tips @ (x / np.linalg.norm(x)))
    around = crowd[np.argsort(angle, kind="stable")]
    # Solid lies past a face that runs against the edge, in the sense of the angle, and before one that runs along it.
    runs_along = edges[around, 0] == low
    pairs: list[tuple[int, int]] = []
    begun: list[int] = []
    # Twice around, since the solid may begin before the angle's zero; what is met again is the same pair.
    for edge, ends in zip(np.tile(around, 2).tolist(), np.tile(runs_along, 2).tolist(), strict=True):
        if not ends:
            begun.append(edge)
        elif begun:
            pairs.append((begun.pop(), edge))
    return np.array(list(dict.fromkeys(pairs)))


def _united(path: Path, vertices: Array, faces: Faces, uvs: Uvs) -> tuple[Array, Faces, Uvs]:
    """Return the union of the closed shells; one that is wound inward, inside another, is a void in that one.

    Raises:
        MeshError: if the union is more than one body.
    """
    edges = _edges(faces)
    links = coo_array((np.ones(len(edges)), (edges[:, 0], edges[:, 1])), shape=(len(vertices),) * 2)
    count, shell = connected_components(links, directed=False)
    shell = shell[faces[:, 0]]
    volumes = np.bincount(shell, _volumes(vertices, faces))
    least = NEGLIGIBLE * np.ptp(vertices, axis=0).max() ** 3
    if count == 1 or (np.abs(volumes) <= least).all():
        return vertices, faces, uvs
    inward = (volumes < 0)[shell]
    faces[inward], uvs[inward] = faces[inward][:, ::-1], uvs[inward][:, ::-1]
    ascending = [k for k in np.argsort(np.abs(volumes)).tolist() if abs(volumes[k]) > least]
    solids = {k: _manifold(vertices, faces[shell == k], uvs[shell == k]) for k in ascending}
    bodies = dict(solids)
    for void in (k for k in solids if volumes[k] < 0):
        # One that is inside no other stays a solid: a part that was mirrored, say, and so turned inside out.
        for outer in (k for k in solids if volumes[k] > 0):
            if (solids[void] - solids[outer]).volume() < 1e-6 * solids[void].volume():
                bodies[outer] -= bodies.pop(void)
                break
    union = manifold3d.Manifold.batch_boolean(list(bodies.values()), manifold3d.OpType.Add)
    if union.status() != manifold3d.Error.NoError:
        raise MeshError(f"{path} has {count} closed shells that cannot be joined: {union.status().name}.")
    apart = sum(piece.volume() > least for piece in union.decompose())
    if apart > 1:
        raise MeshError(
            f"{path} holds {apart} separate bodies, but an object is one. Save each to a file of its own, or let them "
            "overlap where they belong together; delete those that are debris."
        )
    mesh = union.to_mesh64()
    index = np.arange(len(mesh.vert_properties))
    index[mesh.merge_from_vert] = mesh.merge_to_vert
    used, welded = np.unique(index[mesh.tri_verts], return_inverse=True)
    corner_uvs = mesh.vert_properties[mesh.tri_verts][..., 3:].astype(np.float32)
    return mesh.vert_properties[used, :3], welded.reshape(-1, 3).astype(np.int32), corner_uvs


def _manifold(vertices: Array, faces: Faces, uvs: Uvs) -> Any:
    """Return a closed shell as manifold3d's solid: a vertex for each corner, to carry its UV, merged by position."""
    corners = np.concatenate([vertices[faces], uvs], axis=2, dtype=np.float64).reshape(-1, 5)
    _, first, vertex = np.unique(faces, return_index=True, return_inverse=True)
    numbers = np.arange(len(corners), dtype=np.uint64)
    merged = first[vertex.reshape(-1)].astype(np.uint64)
    # Unless each triangle counts as a face of its own, those in one plane are joined whatever their UVs.
    own_face = numbers[: len(faces)]
    mesh = manifold3d.Mesh64(corners, numbers.reshape(-1, 3), numbers, merged, face_id=own_face)
    return manifold3d.Manifold(mesh)
