"""Boxes, cylinders, ellipsoids, cones, capsules and prisms of random proportions."""

from dataclasses import dataclass

import numpy as np

from graspsim.distributions import Choice, LogUniform, Uniform, one_of, ranged
from graspsim.geometry import Array, rotation_about, transform
from graspsim.meshes import Mesh, moved
from graspsim.models import ObjectModel, Symmetries, object_model
from graspsim.shapes import (
    SEGMENTS,
    circle,
    equalised,
    extrude,
    extruded_parts,
    smooth_part,
    stack,
    symmetry_group,
)

SHAPES = ("box", "cylinder", "ellipsoid", "cone", "capsule", "prism")
X, Y, Z = np.eye(3)


@dataclass(frozen=True)
class Primitives:
    """One convex shape with a name. Lengths within 3 % of each other are made equal, so that symmetries are exact.

    Attributes:
        shape: which of the six.
        width_m: extent along x; diameter of a round shape, and of the circle around a prism.
        depth_ratio: extent along y over that along x, for a box and an ellipsoid.
        height_ratio: extent along z over that along x; of a capsule only its straight part.
        sides: number of sides of a prism.
    """

    shape: str = one_of(Choice(SHAPES), *SHAPES)
    width_m: float = ranged(Uniform(0.025, 0.055), 0.01, 0.2)
    depth_ratio: float = ranged(Uniform(1.0, 2.2), 0.2, 5)
    height_ratio: float = ranged(LogUniform(0.5, 2.5), 0.2, 5)
    sides: int = one_of(Choice((3, 5, 6, 8)), 3, 5, 6, 8)

    def build(self, rng: np.random.Generator) -> ObjectModel:
        """Return the model; nothing is left to chance once the parameters are drawn."""
        build = {
            "box": self._box,
            "cylinder": self._cylinder,
            "ellipsoid": self._ellipsoid,
            "cone": self._cone,
            "capsule": self._capsule,
            "prism": self._prism,
        }[self.shape]
        mesh, part, symmetries = build()
        return object_model(self.shape, mesh, [part], symmetries)

    @property
    def _size_m(self) -> tuple[float, float, float]:
        x, y, z = equalised((self.width_m, self.width_m * self.depth_ratio, self.width_m * self.height_ratio))
        return x, y, z

    def _box(self) -> tuple[Mesh, Array, Symmetries]:
        x, y, z = self._size_m
        outline = np.array([[-x, -y], [x, -y], [x, y], [-x, y]]) / 2
        turns = [rotation_about(axis, np.pi) for axis in (X, Z)]
        turns += [rotation_about(axis, np.pi / 2) for axis, a, b in ((X, y, z), (Y, z, x), (Z, x, y)) if a == b]
        return _extruded(outline, z, symmetry_group(*turns))

    def _prism(self) -> tuple[Mesh, Array, Symmetries]:
        turns = [rotation_about(Z, 2 * np.pi / self.sides), rotation_about(X, np.pi)]
        outline = circle(self.sides) * self.width_m / 2
        return _extruded(outline, self.width_m * self.height_ratio, symmetry_group(*turns))

    def _cylinder(self) -> tuple[Mesh, Array, Symmetries]:
        radius, half = self.width_m / 2, self.width_m * self.height_ratio / 2
        mesh = stack(circle(), [(0, -half), (radius, -half), (radius, half), (0, half)])
        return mesh, mesh.vertices[:-2], symmetry_group(rotation_about(X, np.pi), about_z=True)

    def _cone(self) -> tuple[Mesh, Array, Symmetries]:
        radius, height = self.width_m / 2, self.width_m * self.height_ratio
        # Rings on the way to the tip keep the texture, which wraps whole turns, from shearing.
        mesh = stack(circle(), [(0, 0), *((radius * s, height * (1 - s)) for s in (1, 0.7, 0.4, 0.15)), (0, height)])
        part = np.concatenate([mesh.vertices[:SEGMENTS], mesh.vertices[-1:]])
        return mesh, part, symmetry_group(about_z=True)

    def _capsule(self) -> tuple[Mesh, Array, Symmetries]:
        radius, half = self.width_m / 2, self.width_m * self.height_ratio / 2

        def profile(steps: int) -> Array:
            angle = np.linspace(0, np.pi / 2, steps + 1)
            cap = np.stack([radius * np.sin(angle), -half - radius * np.cos(angle)], axis=1)
            cap[0, 0] = 0
            return np.concatenate([cap, cap[::-1] * (1, -1)])

        mesh = stack(circle(), profile(5))
        symmetries = symmetry_group(rotation_about(X, np.pi), about_z=True)
        return mesh, smooth_part(mesh, circle(20), profile(4)), symmetries

    def _ellipsoid(self) -> tuple[Mesh, Array, Symmetries]:
        x, y, z = self._size_m
        # An ellipsoid of revolution is built about its own axis; for the others any will do.
        odd = 0 if y == z else 1 if x == z else 2
        order = [(odd + 1) % 3, (odd + 2) % 3, odd]
        upright = np.eye(3)[:, order]
        a, b, c = np.array([x, y, z])[order] / 2
        is_round, is_ball = a == b, x == y == z

        def profile(steps: int) -> Array:
            angle = np.pi * np.arange(steps + 1) / steps
            ring = np.stack([np.sin(angle), -c * np.cos(angle)], axis=1)
            ring[[0, -1], 0] = 0
            return ring

        mesh = stack(circle(SEGMENTS if is_round else 36) * (a, b), profile(24 if is_ball else 14))
        part = smooth_part(mesh, circle(20) * (a, b), profile(10))
        if is_ball:
            symmetries = Symmetries(continuous=tuple((axis, np.zeros(3)) for axis in (X, Y, Z)))
        elif is_round:
            round_z = symmetry_group(rotation_about(X, np.pi), about_z=True)
            symmetries = Symmetries(
                tuple(transform(upright @ s[:3, :3] @ upright.T) for s in round_z.discrete),
                tuple((upright @ axis, point) for axis, point in round_z.continuous),
            )
        else:
            symmetries = symmetry_group(rotation_about(X, np.pi), rotation_about(Z, np.pi))
        return moved(mesh, transform(upright)), part @ upright.T, symmetries


def _extruded(outline: Array, height_m: float, symmetries: Symmetries) -> tuple[Mesh, Array, Symmetries]:
    whole = [range(len(outline))]
    return extrude(outline, whole, height_m), extruded_parts(outline, whole, height_m)[0], symmetries
