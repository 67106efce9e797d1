"""Convex decomposition of closed meshes by CoACD, kept in the cache, since it takes seconds."""

import heapq
import inspect
import logging
from importlib.metadata import version
from pathlib import Path
from typing import Any

import coacd
import manifold3d
import numpy as np
from numpy.typing import NDArray
from scipy.spatial import ConvexHull, QhullError

from graspsim.cache import cache_path, digest, keep
from graspsim.errors import MeshError, SpecError
from graspsim.geometry import Array
from graspsim.solids import MAX_PARTS, PART_VERTICES, limited

# Settings of CoACD (Wei et al. 2022, arXiv:2205.02961). It cuts finely and quickly, and `_merged` puts together what it
# cut too small: its own merging heeds a distance, and fills hollows. Its preprocessing thickens thin walls by a fifth.
DECOMPOSITION: dict[str, Any] = {
    "threshold": 0.03,
    "preprocess_mode": "off",
    "resolution": 300,
    "mcts_nodes": 8,
    "mcts_iterations": 15,
    "mcts_max_depth": 2,
    "merge": False,
    "seed": 0,
}
FEWEST_VERTICES, MOST_VERTICES = 8, 256
MANY_FACES = 4000
"""A mesh of more faces is simplified before it is decomposed."""
SIMPLIFICATION = 0.002
"""How far simplification may move the surface, over the mesh's extent."""
FREE_MERGE = 0.002
"""Parts are merged, even where more would be allowed, if that adds no more than this share of their volume."""

_log = logging.getLogger(__name__)


def check_limits(max_parts: int, max_vertices: int) -> None:
    """Raise a SpecError unless a decomposition can keep these limits."""
    if max_parts < 1:
        raise SpecError(f"max_parts must be 1 or more; got {max_parts}.")
    if not FEWEST_VERTICES <= max_vertices <= MOST_VERTICES:
        raise SpecError(f"max_part_vertices must be from {FEWEST_VERTICES} to {MOST_VERTICES}; got {max_vertices}.")


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

    Raises:
        SpecError: for limits that cannot be kept.
        MeshError: if no part has a volume.
    """
    check_limits(max_parts, max_vertices)
    recipe = Path(__file__).read_bytes() + inspect.getsource(limited).encode()
    text = repr((version("coacd"), version("manifold3d"), max_parts, max_vertices))
    cached = f"parts-{digest(vertices.tobytes(), faces.tobytes(), recipe, text.encode())}.npz"
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
    pieces = coacd.run_coacd(coacd.Mesh(vertices, faces), **DECOMPOSITION)
    parts = _merged([np.asarray(points, dtype=np.float64) for points, _ in pieces], max_parts)
    if not parts:
        raise MeshError(f"{name} has no convex part with a volume.")
    parts = [limited(points, max_vertices) for points in parts]
    keep(cached, lambda path: np.savez(path, *parts))
    return parts


def _merged(pieces: list[Array], count: int) -> list[Array]:
    """Return at most `count` convex parts made of pieces (k, 3), two and two replaced by their common hull.

    Those come first that add the least volume. Pieces without volume are left out.
    """
    hulls: dict[int, tuple[Array, float]] = {i: hull for i, piece in enumerate(pieces) if (hull := _hull(piece))}
    total = sum(volume for _, volume in hulls.values())
    gap = 0.005 * float(np.ptp(np.concatenate(pieces), axis=0).max())
    queue: list[tuple[float, int, int]] = []

    def offer(i: int, others: list[int], within: float) -> None:
        (points, volume), low, high = hulls[i], hulls[i][0].min(axis=0), hulls[i][0].max(axis=0)
        for j in others:
            other, other_volume = hulls[j]
            if (other.min(axis=0) <= high + within).all() and (other.max(axis=0) >= low - within).all():
                both = _hull(np.concatenate([points, other]))
                assert both is not None  # It holds a hull that has a volume.
                heapq.heappush(queue, (both[1] - volume - other_volume, i, j))

    for i in hulls:
        offer(i, [j for j in hulls if j < i], gap)
    while len(hulls) > 1:
        if not queue:
            if len(hulls) <= count:
                break
            # No two touch any more; whatever is nearest in volume has to do.
            for i in hulls:
                offer(i, [j for j in hulls if j < i], np.inf)
        added, i, j = heapq.heappop(queue)
        if i not in hulls or j not in hulls:
            continue
        if len(hulls) <= count and added > FREE_MERGE * total:
            break
        both = _hull(np.concatenate([hulls.pop(i)[0], hulls.pop(j)[0]]))
        assert both is not None
        new = len(pieces)
        pieces = [*pieces, both[0]]
        others = list(hulls)
        hulls[new] = both
        offer(new, others, gap)
    return [points for points, _ in hulls.values()]


def _hull(points: Array) -> tuple[Array, float] | None:
    """Return the vertices and the volume of the hull of points (n, 3), or None if they are flat."""
    try:
        hull = ConvexHull(points)
    except QhullError:
        return None
    return points[hull.vertices], float(hull.volume)


def _simplified(vertices: Array, faces: NDArray[np.int32]) -> tuple[Array, NDArray[np.int32]]:
    """Return the mesh with fewer faces: CoACD's time grows with them, and its parts are far coarser than this."""
    if len(faces) <= MANY_FACES:
        return vertices, faces
    solid = manifold3d.Manifold(manifold3d.Mesh64(vertices, faces.astype(np.uint64)))
    if solid.status() != manifold3d.Error.NoError:
        return vertices, faces
    mesh = solid.simplify(SIMPLIFICATION * float(np.ptp(vertices, axis=0).max())).to_mesh64()
    return np.asarray(mesh.vert_properties[:, :3]), np.asarray(mesh.tri_verts).astype(np.int32)
