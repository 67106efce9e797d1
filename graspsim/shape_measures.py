"""How varied shapes are, in numbers that depend on the shape and not on how finely it is meshed."""

import manifold3d
import numpy as np

from graspsim.geometry import Array
from graspsim.meshes import Mesh, face_normals

EVEN_VERTICES = 3600
"""Vertices of the even mesh that complexity is stated for: about those of EGAD's shapes, made on grids of 25³."""
_BINS = 512


def complexity(mesh: Mesh) -> float:
    """Return the shape's complexity in bits: 0 for a ball, below 0.1 for a box, more with every feature.

    The entropy of the vertices' angular deficits in 512 bins over ±2π (EGAD, Morrison et al. 2020, arXiv:2003.01314,
    after Page et al. 2003). EGAD's meshes are even. Here long edges are split, a deficit is taken for the area of an
    even mesh's vertex, and vertices weigh by their own, so that a fine mesh and a coarse one of a shape measure alike
    to within a bit.
    """
    total_m2 = float(np.linalg.norm(face_normals(mesh.vertices, mesh.faces), axis=1).sum()) / 2
    side = np.sqrt(total_m2 / EVEN_VERTICES)
    solid = manifold3d.Manifold(manifold3d.Mesh64(mesh.vertices, mesh.faces.astype(np.uint64)))
    even = solid.refine_to_length(side).to_mesh64()
    vertices, faces = np.asarray(even.vert_properties)[:, :3], np.asarray(even.tri_verts).astype(np.int64)
    corners = vertices[faces]
    one, other = np.roll(corners, -1, axis=1) - corners, np.roll(corners, 1, axis=1) - corners
    twice_area = np.linalg.norm(np.cross(one[:, 0], other[:, 0]), axis=1)
    angle = np.arctan2(twice_area[:, None], np.einsum("ijk,ijk->ij", one, other))
    deficit = 2 * np.pi - np.bincount(faces.ravel(), angle.ravel(), len(vertices))
    area = np.bincount(faces.ravel(), np.repeat(twice_area / 6, 3), len(vertices))
    even_deficit = deficit * side**2 / np.maximum(area, 1e-12 * side**2)
    # Half a bin aside, so that the flat's zero falls into the middle of a bin and not on a border.
    binned = np.clip(even_deficit + 2 * np.pi / _BINS, -2 * np.pi, 2 * np.pi)
    share, _ = np.histogram(binned, bins=_BINS, range=(-2 * np.pi, 2 * np.pi), weights=area)
    share = share[share > 0] / share.sum()
    return max(0.0, float(-(share * np.log2(share)).sum()))


def elongation(inertia: Array) -> float:
    """Return how much longer a body is than broad: 0 if not at all, towards 1 for a needle.

    1 - √(λ₂ / λ₁) of the second moments of its volume, which the inertia tensor (3, 3) about the centre of mass gives.
    """
    moments = np.linalg.eigvalsh(inertia)
    middle, largest = sorted(moments.sum() / 2 - moments)[1:]
    return float(1 - np.sqrt(max(middle, 0.0) / largest))
