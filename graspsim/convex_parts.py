"""Convex decomposition of closed meshes by CoACD, kept in the cache, since it takes seconds."""

import logging
from importlib.metadata import version
from typing import Any

import coacd
import manifold3d
import numpy as np
from numpy.typing import NDArray

from graspsim.cache import cache_path, digest, keep
from graspsim.geometry import Array
from graspsim.solids import MAX_PARTS, PART_VERTICES, limited

# Settings of CoACD (Wei et al. 2022, arXiv:2205.02961). Its preprocessing, off here, thickens thin walls by a fifth.
DECOMPOSITION: dict[str, Any] = {
    "threshold": 0.05,
    "preprocess_mode": "off",
    "resolution": 1000,
    "mcts_nodes": 15,
    "mcts_iterations": 60,
    "decimate": True,
    "seed": 0,
}
MANY_FACES = 4000
"""A mesh of more faces is simplified before it is decomposed."""
SIMPLIFICATION = 0.002
"""How far simplification may move the surface, over the mesh's extent."""

_log = logging.getLogger(__name__)


def convex_parts(
    name: str,
    vertices: Array,
    faces: NDArray[np.int32],
    max_parts: int = MAX_PARTS,
    max_vertices: int = PART_VERTICES,
) -> list[Array]:
    """Return the convex parts, vertices (k, 3) each, of a closed mesh.

    Args:
        name: is told to whom has to wait.
        vertices: (n, 3).
        faces: (m, 3).
        max_parts: most parts.
        max_vertices: most vertices of a part.
    """
    settings = DECOMPOSITION | {"max_convex_hull": max_parts, "max_ch_vertex": max_vertices}
    text = repr((version("coacd"), sorted(settings.items())))
    cached = f"parts-{digest(vertices.tobytes(), faces.tobytes(), text.encode())}.npz"
    try:
        with np.load(cache_path(cached), allow_pickle=False) as stored:
            parts = [stored[name] for name in stored.files]
    except Exception:  # A file that is cut short or damaged fails in many ways, and is replaced like one not there.
        parts = []
    if parts:
        return parts
    vertices, faces = _simplified(vertices, faces)
    _log.info("Decomposing %s (%d faces) into convex parts; this is done once.", name, len(faces))
    coacd.set_log_level("error")
    pieces = coacd.run_coacd(coacd.Mesh(vertices, faces), **settings)
    # CoACD's own limit of vertices is not kept by parts that it has merged last.
    parts = [limited(np.asarray(points, dtype=np.float64), max_vertices) for points, _ in pieces]
    keep(cached, lambda path: np.savez(path, *parts))
    return parts


def _simplified(vertices: Array, faces: NDArray[np.int32]) -> tuple[Array, NDArray[np.int32]]:
    """Return the mesh with fewer faces: CoACD's time grows with them, and its parts are far coarser than this."""
    if len(faces) <= MANY_FACES:
        return vertices, faces
    solid = manifold3d.Manifold(manifold3d.Mesh64(vertices, faces.astype(np.uint64)))
    if solid.status() != manifold3d.Error.NoError:
        return vertices, faces
    mesh = solid.simplify(SIMPLIFICATION * float(np.ptp(vertices, axis=0).max())).to_mesh64()
    return np.asarray(mesh.vert_properties[:, :3]), np.asarray(mesh.tri_verts).astype(np.int32)
