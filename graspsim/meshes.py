"""What an object is: a watertight mesh, its convex parts, exact mass properties and symmetries.

Attributes that jump across an edge (normals at a crease, UVs at a seam) are stored per face corner, so that the faces
themselves stay one watertight, indexed surface.
"""

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import trimesh
from numpy.typing import ArrayLike, NDArray
from scipy.spatial import ConvexHull
from scipy.spatial.distance import cdist

from graspsim.distributions import check, sample
from graspsim.errors import MeshError, SpecError, UnknownNameError
from graspsim.geometry import Array, apply, transform
from graspsim.plain import to_plain
from graspsim.registry import load

UV_UNIT_M = 0.1
"""Length that one unit of UV spans on a procedural object. Textures have period one, so a closed loop whose UV grows
by a whole number shows no seam."""


@dataclass(frozen=True, eq=False)
class Mesh:
    """A closed triangle surface, counter-clockwise seen from outside, in metres.

    Attributes:
        vertices: (n, 3) float64.
        faces: (m, 3) int32.
        corner_normals: (m, 3, 3) float32, unit length, outward.
        corner_uvs: (m, 3, 2) float32.
    """

    vertices: Array
    faces: NDArray[np.int32]
    corner_normals: NDArray[np.float32]
    corner_uvs: NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class Symmetries:
    """Rigid motions that map an object onto itself, in BOP's convention, given in the model frame.

    Attributes:
        discrete: transforms (4, 4), the identity left out.
        continuous: (unit axis (3,), point on the axis (3,)) for each axis about which any rotation is a symmetry.
    """

    discrete: tuple[Array, ...] = ()
    continuous: tuple[tuple[Array, Array], ...] = ()

    def shifted(self, offset: ArrayLike) -> "Symmetries":
        """Return the same symmetries after every point of the model moved by `offset` (3,)."""
        there, back = transform(translation=offset), transform(translation=-np.asarray(offset, dtype=np.float64))
        return Symmetries(
            tuple(there @ s @ back for s in self.discrete),
            tuple((axis, point + np.asarray(offset)) for axis, point in self.continuous),
        )


@dataclass(frozen=True, eq=False)
class ObjectModel:
    """One rigid object. The origin is the centre of the axis-aligned bounding box, z is up as modelled.

    Attributes:
        name: what it is, for people.
        mesh: the surface that is seen.
        parts: vertices (k, 3) of each convex part; collision is exactly the union of their hulls.
        volume_m3: volume enclosed by the mesh.
        center_of_mass: (3,) in the model frame, metres, at uniform density.
        inertia_per_density: (3, 3) inertia about the center of mass at a density of 1 kg/m³.
        diameter_m: largest distance between two points.
        symmetries: rigid motions that leave the shape unchanged.
        texture: (h, w, 3) uint8 sRGB image that the UVs refer to, if the object has looks of its own.
        parameters: what was drawn for it, by the names of its family's parameters.
    """

    name: str
    mesh: Mesh
    parts: tuple[Array, ...]
    volume_m3: float
    center_of_mass: Array
    inertia_per_density: Array
    diameter_m: float
    symmetries: Symmetries
    texture: NDArray[np.uint8] | None = None
    parameters: Mapping[str, Any] = field(default_factory=dict)

    @property
    def extents_m(self) -> Array:
        """Size (3,) of the axis-aligned bounding box."""
        return np.asarray(np.ptp(self.mesh.vertices, axis=0))


def make_object(family: str, rng: np.random.Generator, **parameters: object) -> ObjectModel:
    """Draw one object of a family, with any of the family's parameters fixed or given as a distribution.

    Raises:
        UnknownNameError: for an unknown family or parameter.
        SpecError: for a parameter out of its range.
    """
    family_class = load("family", family)
    try:
        spec = family_class(**parameters)
    except TypeError as error:
        known = family_class.__dataclass_fields__
        for name in parameters:
            if name not in known:
                raise UnknownNameError(f"{family} parameter", name, known) from error
        raise
    try:
        check(spec)
    except (SpecError, UnknownNameError) as error:
        raise SpecError(f"Family {family}: {error}") from error
    drawn = sample(spec, rng)
    model: ObjectModel = drawn.build(rng)
    return dataclasses.replace(model, parameters=to_plain(drawn))


def object_model(
    name: str,
    mesh: Mesh,
    parts: Sequence[Array],
    symmetries: Symmetries,
    texture: NDArray[np.uint8] | None = None,
) -> ObjectModel:
    """Return the model of a mesh given in any frame: centred, with mass properties and diameter computed.

    Raises:
        MeshError: if the mesh encloses no volume.
    """
    offset = -(mesh.vertices.min(axis=0) + mesh.vertices.max(axis=0)) / 2
    vertices = mesh.vertices + offset
    mass: Any = trimesh.triangles.mass_properties(vertices[mesh.faces], density=1.0, skip_inertia=False)
    if not mass["volume"] > 0:
        raise MeshError(f"{name} encloses a volume of {mass['volume']:g} m³; a closed, outward-facing mesh is needed.")
    return ObjectModel(
        name=name,
        mesh=Mesh(vertices, mesh.faces, mesh.corner_normals, mesh.corner_uvs),
        parts=tuple(np.asarray(part + offset) for part in parts),
        volume_m3=float(mass["volume"]),
        center_of_mass=np.asarray(mass["center_mass"]),
        inertia_per_density=np.asarray(mass["inertia"]),
        diameter_m=diameter(vertices),
        symmetries=symmetries.shifted(offset),
        texture=texture,
    )


def scaled(model: ObjectModel, factor: float) -> ObjectModel:
    """Return the model `factor` times as large."""
    m = model.mesh
    scaling = np.diag([factor, factor, factor, 1.0])
    unscaling = np.diag([1 / factor, 1 / factor, 1 / factor, 1.0])
    return ObjectModel(
        name=model.name,
        mesh=Mesh(m.vertices * factor, m.faces, m.corner_normals, m.corner_uvs),
        parts=tuple(part * factor for part in model.parts),
        volume_m3=model.volume_m3 * factor**3,
        center_of_mass=model.center_of_mass * factor,
        inertia_per_density=model.inertia_per_density * factor**5,
        diameter_m=model.diameter_m * factor,
        symmetries=Symmetries(
            tuple(scaling @ s @ unscaling for s in model.symmetries.discrete),
            tuple((axis, point * factor) for axis, point in model.symmetries.continuous),
        ),
        texture=model.texture,
        parameters=model.parameters,
    )


def diameter(points: Array) -> float:
    """Return the largest distance between two of the points (n, 3)."""
    if len(points) > 1500:  # Below, comparing all pairs is faster than a hull.
        points = points[ConvexHull(points).vertices]
    middle = (points.min(axis=0) + points.max(axis=0)) / 2
    reach = np.linalg.norm(points - middle, axis=1)
    known = np.linalg.norm(points - points[reach.argmax()], axis=1).max()
    # Two points can be further apart than a known pair only if both reach far enough from the middle.
    points = points[reach >= (1 - 1e-9) * known - reach.max()]
    # A thousand rows at a time, since all pairs of a fine scan would not fit into memory.
    return max(float(cdist(points[i : i + 1000], points[i:]).max()) for i in range(0, len(points), 1000))


def face_normals(vertices: Array, faces: NDArray[np.int32]) -> Array:
    """Return normals (m, 3) whose length is twice the face's area."""
    a, b, c = np.moveaxis(vertices[faces], 1, 0)
    return np.cross(b - a, c - a)


def crease_normals(vertices: Array, faces: NDArray[np.int32], crease_rad: float = 0.7) -> NDArray[np.float32]:
    """Return corner normals (m, 3, 3), smooth across edges that bend by less than `crease_rad` and sharp elsewhere.

    Each corner averages, by area, the faces at its vertex that face within the crease angle of its own.
    """
    area_normals = face_normals(vertices, faces)
    unit = area_normals / np.maximum(np.linalg.norm(area_normals, axis=1, keepdims=True), 1e-30)
    corner_vertex = faces.ravel()
    order = np.argsort(corner_vertex, kind="stable")
    counts = np.bincount(corner_vertex, minlength=len(vertices))
    start = np.concatenate([[0], np.cumsum(counts)[:-1]])
    # Every ordered pair of corners that share a vertex.
    valence = counts[corner_vertex]
    first = np.repeat(np.arange(len(corner_vertex)), valence)
    step = np.arange(len(first)) - np.repeat(np.cumsum(valence) - valence, valence)
    second = order[start[corner_vertex[first]] + step]
    close = np.einsum("ij,ij->i", unit[first // 3], unit[second // 3]) >= np.cos(crease_rad)
    first, second = first[close], second[close]
    normals = np.stack(
        [np.bincount(first, area_normals[second // 3, axis], minlength=len(corner_vertex)) for axis in range(3)], axis=1
    )
    length = np.linalg.norm(normals, axis=1, keepdims=True)
    normals = np.where(length > 1e-30, normals / np.maximum(length, 1e-30), np.repeat(unit, 3, axis=0))
    return normals.reshape(-1, 3, 3).astype(np.float32)


def box_uvs(vertices: Array, faces: NDArray[np.int32], unit_m: float = UV_UNIT_M) -> NDArray[np.float32]:
    """Return corner UVs (m, 3, 2) projected along each face's dominant axis: stretch is at most √3 everywhere."""
    axis = np.argmax(np.abs(face_normals(vertices, faces)), axis=1)
    u_axis, v_axis = np.array([1, 0, 0])[axis], np.array([2, 2, 1])[axis]
    corners = vertices[faces] / unit_m
    uv = [np.take_along_axis(corners, np.repeat(a[:, None, None], 3, axis=1), axis=2)[..., 0] for a in (u_axis, v_axis)]
    return np.stack(uv, axis=-1).astype(np.float32)


def convex_mesh(points: ArrayLike) -> tuple[Array, NDArray[np.int32]]:
    """Return vertices (n, 3) and outward faces (m, 3) of the convex hull of points."""
    cloud = np.asarray(points, dtype=np.float64)
    hull = ConvexHull(cloud)
    used = np.unique(hull.simplices)
    index = np.full(len(cloud), -1, dtype=np.int32)
    index[used] = np.arange(len(used))
    vertices, faces = cloud[used], index[hull.simplices]
    inward = np.einsum("ij,ij->i", face_normals(vertices, faces), hull.equations[:, :3]) < 0
    faces[inward] = faces[inward][:, ::-1]
    return vertices, faces


def box_mesh(size_m: ArrayLike, uv_unit_m: float = UV_UNIT_M, inward: bool = False) -> Mesh:
    """Return a box of size (3,) about the origin; `inward` turns its faces to the inside, as the walls of a room."""
    corners = np.array([[x, y, z] for x in (-0.5, 0.5) for y in (-0.5, 0.5) for z in (-0.5, 0.5)])
    vertices = corners * np.asarray(size_m, dtype=np.float64)
    quads = [[0, 1, 3, 2], [4, 6, 7, 5], [0, 4, 5, 1], [2, 3, 7, 6], [0, 2, 6, 4], [1, 5, 7, 3]]
    faces = np.array([t for a, b, c, d in quads for t in ([a, b, c], [a, c, d])], dtype=np.int32)
    if inward:
        faces = np.ascontiguousarray(faces[:, ::-1])
    return finish(vertices, faces, uvs=box_uvs(vertices, faces, uv_unit_m))


def finish(
    vertices: Array,
    faces: NDArray[np.int32],
    uvs: NDArray[np.float32] | None = None,
    crease_rad: float = 0.7,
) -> Mesh:
    """Return the `Mesh` of vertices and faces, with crease normals and, unless given, box-projected UVs."""
    faces = np.ascontiguousarray(faces, dtype=np.int32)
    return Mesh(
        vertices=np.ascontiguousarray(vertices, dtype=np.float64),
        faces=faces,
        corner_normals=crease_normals(vertices, faces, crease_rad),
        corner_uvs=box_uvs(vertices, faces) if uvs is None else np.ascontiguousarray(uvs, dtype=np.float32),
    )


def moved(mesh: Mesh, b_from_a: Array) -> Mesh:
    """Return the mesh carried by a rigid transform (4, 4)."""
    normals = mesh.corner_normals @ b_from_a[:3, :3].T.astype(np.float32)
    return Mesh(apply(b_from_a, mesh.vertices), mesh.faces, normals, mesh.corner_uvs)
