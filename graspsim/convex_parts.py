"""Convex decomposition of closed meshes by CoACD, kept in a cache, since it takes seconds."""

import functools
import hashlib
import logging
import os
import tempfile
from importlib.metadata import version
from pathlib import Path
from typing import Any

import coacd
import manifold3d
import numpy as np
from numpy.typing import NDArray

from graspsim.geometry import Array

# Settings of CoACD (Wei et al. 2022, arXiv:2205.02961). Its preprocessing, off here, thickens thin walls by a fifth.
DECOMPOSITION: dict[str, Any] = {
    "threshold": 0.05,
    "max_convex_hull": 32,
    "preprocess_mode": "off",
    "resolution": 1000,
    "mcts_nodes": 15,
    "mcts_iterations": 60,
    "decimate": True,
    "max_ch_vertex": 64,
    "seed": 0,
}
MANY_FACES = 4000
"""A mesh of more faces is simplified before it is decomposed."""
SIMPLIFICATION = 0.002
"""How far simplification may move the surface, over the mesh's extent."""

_log = logging.getLogger(__name__)


def convex_parts(name: str, vertices: Array, faces: NDArray[np.int32]) -> list[Array]:
    """Return the convex parts, vertices (k, 3) each, of a closed mesh; `name` is told to whom has to wait."""
    settings = repr((version("coacd"), sorted(DECOMPOSITION.items())))
    key = hashlib.sha256(vertices.tobytes() + faces.tobytes() + settings.encode()).hexdigest()
    folder = Path(os.environ.get("GRASPSIM_CACHE") or Path.home() / ".cache" / "graspsim")
    cached = folder / f"parts-{key}.npz"
    try:
        with np.load(cached, allow_pickle=False) as stored:
            parts = [stored[name] for name in stored.files]
    except Exception:  # A file that is cut short or damaged fails in many ways, and is replaced like one not there.
        parts = []
    if parts:
        return parts
    vertices, faces = _simplified(vertices, faces)
    _log.info("Decomposing %s (%d faces) into convex parts; this is done once.", name, len(faces))
    coacd.set_log_level("error")
    pieces = coacd.run_coacd(coacd.Mesh(vertices, faces), **DECOMPOSITION)
    parts = [np.asarray(points, dtype=np.float64) for points, _ in pieces]
    try:
        folder.mkdir(parents=True, exist_ok=True)
        # Written aside and moved into place, so that no other process ever reads half a file.
        with tempfile.TemporaryDirectory(dir=folder) as aside:
            np.savez(Path(aside) / "parts.npz", *parts)
            os.replace(Path(aside) / "parts.npz", cached)
    except OSError as error:
        _warn_once(folder, error.strerror or str(error))
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


@functools.cache
def _warn_once(folder: Path, reason: str) -> None:
    _log.warning(
        "Convex parts are not kept in %s: %s. Set GRASPSIM_CACHE to a folder that can be written.", folder, reason
    )
