"""Ten thousand objects with consecutive seeds, over all families: what each must be, whatever was drawn."""

import numpy as np
import pytest
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from graspsim import registry
from graspsim.meshes import UV_UNIT_M, Mesh
from graspsim.models import ObjectModel, make_object

FAMILIES = registry.names("family")
TOTAL = 10_000
THINNEST_M = 1e-5
"""Slivers thinner than this, which booleans leave, are too narrow to be seen: their UVs may stretch as they like."""


def is_closed(mesh: Mesh) -> bool:
    """Whether every edge is passed once each way, which also makes the faces' sense consistent."""
    edges = np.concatenate([mesh.faces[:, [0, 1]], mesh.faces[:, [1, 2]], mesh.faces[:, [2, 0]]]).astype(np.int64)
    forward = np.sort(edges[:, 0] * len(mesh.vertices) + edges[:, 1])
    backward = np.sort(edges[:, 1] * len(mesh.vertices) + edges[:, 0])
    return bool((np.diff(forward) > 0).all() and np.array_equal(forward, backward))


def surfaces(mesh: Mesh) -> int:
    """How many connected surfaces there are, and vertices that belong to none."""
    edges = mesh.faces[:, [0, 1, 1, 2]].reshape(-1, 2)
    links = coo_array((np.ones(len(edges)), (edges[:, 0], edges[:, 1])), shape=(len(mesh.vertices),) * 2)
    return int(connected_components(links, directed=False)[0])


def stretches(mesh: Mesh) -> np.ndarray:
    """By how much (m, 2) each face's texture is stretched, at least and at most, faces of no width left out."""
    corners, uvs = mesh.vertices[mesh.faces], mesh.corner_uvs.astype(np.float64) * UV_UNIT_M
    edge, other = corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0]
    length = np.linalg.norm(edge, axis=1)
    twice_area = np.linalg.norm(np.cross(edge, other), axis=1)
    longest = np.linalg.norm(corners - np.roll(corners, 1, axis=1), axis=2).max(axis=1)
    wide = twice_area > THINNEST_M * longest
    edge, other, length, twice_area, uvs = (a[wide] for a in (edge, other, length, twice_area, uvs))
    along = np.einsum("ij,ij->i", other, edge) / length
    # Both edges in the plane of the face, its first edge along x; the inverse of this 2 x 2 matrix is written out.
    flat = np.zeros((len(edge), 2, 2))
    flat[:, 0, 0], flat[:, 0, 1], flat[:, 1, 1] = 1 / length, -along / twice_area, length / twice_area
    in_texture = np.stack([uvs[:, 1] - uvs[:, 0], uvs[:, 2] - uvs[:, 0]], axis=2)
    return np.linalg.svd(in_texture @ flat, compute_uv=False)


def faults(model: ObjectModel) -> list[str]:
    """What is wrong with a model."""
    small, middle, large = np.linalg.eigvalsh(model.inertia_per_density)
    stretch = stretches(model.mesh)
    claims = {
        "closed": is_closed(model.mesh),
        "one body": surfaces(model.mesh) == 1,
        "positive volume": model.volume_m3 > 0,
        "centred": np.allclose(model.mesh.vertices.min(axis=0), -model.mesh.vertices.max(axis=0), atol=1e-12),
        "the stated extents": np.allclose(model.extents_m, np.ptp(model.mesh.vertices, axis=0)),
        "of a size to grasp": model.extents_m.max() <= 0.24 and model.extents_m.min() >= 0.003,
        "inertia of a body": small > 0 and large <= (small + middle) * (1 + 1e-9),
        "centre of mass inside its box": (np.abs(model.center_of_mass) < model.extents_m / 2).all(),
        "fewer than 6,000 faces": len(model.mesh.faces) < 6000,
        "finite UVs": np.isfinite(model.mesh.corner_uvs).all(),
        "bounded stretch": stretch.max() < 8 and stretch.min() > 0.12,
        "32 parts of 32 vertices": len(model.parts) <= 32 and max(map(len, model.parts)) <= 32,
        "slots that exist": model.mesh.face_slots.max() < len(model.slots),
        "unit normals": np.allclose(np.linalg.norm(model.mesh.corner_normals, axis=2), 1, atol=1e-4),
    }
    return [claim for claim, holds in claims.items() if not holds]


@pytest.mark.slow
@pytest.mark.parametrize("family", FAMILIES)
def test_every_one_of_ten_thousand_objects_is_sound(family: str) -> None:
    first = FAMILIES.index(family)
    wrong = {}
    for seed in range(first, TOTAL, len(FAMILIES)):
        model = make_object(family, np.random.default_rng(seed))
        if found := faults(model):
            wrong[seed, model.name] = found
    assert not wrong


def test_the_checks_find_faults() -> None:
    from dataclasses import replace

    model = make_object("primitives", np.random.default_rng(0), shape="box")
    assert faults(model) == []
    mesh = model.mesh
    for name in ("faces", "corner_uvs", "corner_normals", "face_slots"):
        mesh = replace(mesh, **{name: getattr(mesh, name)[1:]})
    assert faults(replace(model, mesh=mesh)) == ["closed"]
    mesh = model.mesh
    stretched = replace(mesh, corner_uvs=mesh.corner_uvs * np.float32((1, 20)))
    assert faults(replace(model, mesh=stretched)) == ["bounded stretch"]
    assert faults(replace(model, parts=model.parts * 33)) == ["32 parts of 32 vertices"]
    assert faults(replace(model, inertia_per_density=np.diag([1.0, 1.0, 3.0]))) == ["inertia of a body"]
