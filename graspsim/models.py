"""What an object is: a watertight mesh, its convex parts, exact mass properties and symmetries."""

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
from graspsim.geometry import Array, transform
from graspsim.meshes import Mesh
from graspsim.plain import to_plain
from graspsim.registry import load


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


@dataclass(frozen=True)
class Slot:
    """A region of an object that has looks and a density of its own, as the head and the handle of a hammer have.

    Attributes:
        name: what it is, for people.
        relative_density: its density, relative to those of the object's other slots.
    """

    name: str
    relative_density: float = 1.0


@dataclass(frozen=True, eq=False)
class Region:
    """The closed surface of what one slot fills.

    Attributes:
        vertices: (n, 3) in the frame of the object's mesh.
        faces: (m, 3) outward.
        slot: index among the object's slots.
    """

    vertices: Array
    faces: NDArray[np.int32]
    slot: int


@dataclass(frozen=True, eq=False)
class ObjectModel:
    """One rigid object. The origin is the centre of the axis-aligned bounding box, z is up as modelled.

    Attributes:
        name: what it is, for people.
        mesh: the surface that is seen.
        parts: vertices (k, 3) of each convex part; collision is exactly the union of their hulls.
        volume_m3: volume enclosed by the mesh.
        center_of_mass: (3,) in the model frame, metres; each slot is as dense as it says relative to the others.
        inertia_per_density: (3, 3) inertia about the center of mass at a mean density of 1 kg/m³.
        diameter_m: largest distance between two points.
        symmetries: rigid motions that leave the shape unchanged.
        texture: (h, w, 3) uint8 sRGB image that the UVs refer to, if the object has looks of its own.
        parameters: what was drawn for it, by the names of its family's parameters.
        slots: what `mesh.face_slots` counts.
        mass_kg: of the real thing, where it is known; scenes then draw no density for it.
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
    slots: tuple[Slot, ...] = (Slot("body"),)
    mass_kg: float | None = None

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
    slots: tuple[Slot, ...] = (Slot("body"),),
    regions: Sequence[Region] = (),
) -> ObjectModel:
    """Return the model of a mesh given in any frame: centred, with mass properties and diameter computed.

    Args:
        name: what it is.
        mesh: its surface.
        parts: vertices (k, 3) of each convex part.
        symmetries: rigid motions that leave it unchanged, in the mesh's frame.
        texture: image that the UVs refer to.
        slots: what `mesh.face_slots` counts.
        regions: what the slots fill, without overlap, where they differ in density; else the mesh is all one.

    Raises:
        MeshError: if the mesh encloses no volume.
    """
    offset = -(mesh.vertices.min(axis=0) + mesh.vertices.max(axis=0)) / 2
    vertices = mesh.vertices + offset
    volume_m3, center, inertia = _mass_properties([(vertices[mesh.faces], 1.0)])
    if not volume_m3 > 0:
        raise MeshError(f"{name} encloses a volume of {volume_m3:g} m³; a closed, outward-facing mesh is needed.")
    if regions:
        _, center, inertia = _mass_properties(
            [((r.vertices + offset)[r.faces], slots[r.slot].relative_density) for r in regions]
        )
    return ObjectModel(
        name=name,
        mesh=dataclasses.replace(mesh, vertices=vertices),
        parts=tuple(np.asarray(part + offset) for part in parts),
        volume_m3=volume_m3,
        center_of_mass=center,
        inertia_per_density=inertia,
        diameter_m=diameter(vertices),
        symmetries=symmetries.shifted(offset),
        texture=texture,
        slots=slots,
    )


def _mass_properties(solids: Sequence[tuple[Array, float]]) -> tuple[float, Array, Array]:
    """Return volume, centre of mass (3,) and the inertia (3, 3) about it, at a mean density of 1, of solids that do
    not overlap, each as its triangles (m, 3, 3) and a relative density."""
    each: list[Any] = [
        trimesh.triangles.mass_properties(triangles, density=1.0, skip_inertia=False) for triangles, _ in solids
    ]
    volumes = np.array([m["volume"] for m in each])
    weights = np.array([density for _, density in solids])
    weights = weights * (volumes.sum() / (weights @ volumes))
    centers = np.array([m["center_mass"] for m in each])
    center = (weights * volumes) @ centers / volumes.sum()
    inertia = np.zeros((3, 3))
    for m, weight, offset in zip(each, weights, centers - center, strict=True):
        about_center = m["inertia"] + m["volume"] * (offset @ offset * np.eye(3) - np.outer(offset, offset))
        inertia += weight * about_center
    return float(volumes.sum()), np.asarray(center), inertia


def scaled(model: ObjectModel, factor: float) -> ObjectModel:
    """Return the model `factor` times as large, of the same density."""
    scaling = np.diag([factor, factor, factor, 1.0])
    unscaling = np.diag([1 / factor, 1 / factor, 1 / factor, 1.0])
    return dataclasses.replace(
        model,
        mesh=dataclasses.replace(model.mesh, vertices=model.mesh.vertices * factor),
        parts=tuple(part * factor for part in model.parts),
        volume_m3=model.volume_m3 * factor**3,
        center_of_mass=model.center_of_mass * factor,
        inertia_per_density=model.inertia_per_density * factor**5,
        diameter_m=model.diameter_m * factor,
        symmetries=Symmetries(
            tuple(scaling @ s @ unscaling for s in model.symmetries.discrete),
            tuple((axis, point * factor) for axis, point in model.symmetries.continuous),
        ),
        mass_kg=None if model.mass_kg is None else model.mass_kg * factor**3,
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
