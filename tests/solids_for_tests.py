"""Exact volumes by booleans, and distances from surfaces, for tests of shapes."""

import manifold3d
import numpy as np
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components
from scipy.spatial import cKDTree
from scipy.spatial.distance import cdist

from graspsim.geometry import Array
from graspsim.meshes import Mesh, face_normals
from graspsim.models import ObjectModel


def solid_of(mesh: Mesh) -> manifold3d.Manifold:
    """Return a closed mesh as a solid."""
    solid = manifold3d.Manifold(manifold3d.Mesh64(mesh.vertices, mesh.faces.astype(np.uint64)))
    assert solid.status() == manifold3d.Error.NoError, solid.status()
    return solid


def union_of(parts: tuple[Array, ...]) -> manifold3d.Manifold:
    """Return the union of the hulls of convex parts."""
    return manifold3d.Manifold.batch_boolean(
        [manifold3d.Manifold.hull_points(part) for part in parts], manifold3d.OpType.Add
    )


def difference_m3(model: ObjectModel) -> float:
    """Return the volume that lies in the mesh or in the parts but not in both."""
    seen, felt = solid_of(model.mesh), union_of(model.parts)
    return float((seen - felt).volume() + (felt - seen).volume())


def is_closed(mesh: Mesh) -> bool:
    """Return whether every edge is used once in each direction, and every vertex by a face."""
    edges = mesh.faces[:, [0, 1, 1, 2, 2, 0]].reshape(-1, 2).astype(np.int64)
    n = len(mesh.vertices)
    there, back = (np.sort(edges[:, i] * n + edges[:, 1 - i]) for i in (0, 1))
    return bool((np.diff(there) > 0).all() and (there == back).all() and len(np.unique(mesh.faces)) == n)


def count_surfaces(mesh: Mesh) -> int:
    """Return the number of connected pieces of the surface: a void inside is one more."""
    links = mesh.faces[:, [0, 1, 1, 2]].reshape(-1, 2)
    graph = coo_array((np.ones(len(links)), (links[:, 0], links[:, 1])), shape=(len(mesh.vertices),) * 2)
    return int(connected_components(graph, directed=False)[0])


class Surface:
    """A mesh that answers how far away it is."""

    def __init__(self, mesh: Mesh) -> None:
        self.mesh = mesh
        self.tree = cKDTree(mesh.vertices)
        self.corners = mesh.vertices[mesh.faces]
        self.centers = self.corners.mean(axis=1)
        self.reach = np.linalg.norm(self.corners - self.centers[:, None], axis=2).max(axis=1)
        self.areas = np.linalg.norm(face_normals(mesh.vertices, mesh.faces), axis=1) / 2

    def nearest(self, points: Array) -> tuple[Array, np.ndarray]:
        """Return the distance (n,) of points (n, 3) and the face (n,) that is nearest."""
        # The nearest face is no further than the nearest vertex.
        bound = self.tree.query(points)[0]
        point, face = np.nonzero(cdist(points, self.centers) <= bound[:, None] + self.reach + 1e-12)
        distance = _distances(points[point], self.corners[face])
        order = np.lexsort((distance, point))
        first = order[np.searchsorted(point[order], np.arange(len(points)))]
        return distance[first], face[first]

    def sample(self, count: int, rng: np.random.Generator, faces: np.ndarray) -> Array:
        """Return points (count, 3) spread evenly over some of the faces."""
        picked = rng.choice(faces, count, p=self.areas[faces] / self.areas[faces].sum())
        a, b = np.sort(rng.uniform(size=(2, count)), axis=0)
        return np.einsum("ik,ikj->ij", np.stack([a, b - a, 1 - b], axis=1), self.corners[picked])


def _distances(points: Array, corners: Array) -> Array:
    """Return the distance (n,) of each point (n, 3) from its triangle (n, 3, 3)."""
    normal = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    normal /= np.maximum(np.linalg.norm(normal, axis=1, keepdims=True), 1e-30)
    inside = np.ones(len(points), dtype=bool)
    least = np.full(len(points), np.inf)
    for i in range(3):
        start, edge = corners[:, i], corners[:, (i + 1) % 3] - corners[:, i]
        out = points - start
        inside &= np.einsum("ij,ij->i", np.cross(normal, edge), out) >= 0
        along = np.einsum("ij,ij->i", out, edge) / np.maximum(np.einsum("ij,ij->i", edge, edge), 1e-30)
        least = np.minimum(least, np.linalg.norm(out - np.clip(along, 0, 1)[:, None] * edge, axis=1))
    height = np.abs(np.einsum("ij,ij->i", normal, points - corners[:, 0]))
    return np.minimum(least, np.where(inside, height, np.inf))
