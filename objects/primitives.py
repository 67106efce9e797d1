"""Boxes, cylinders, ellipsoids, cones, capsules, prisms, pyramids, wedges and domes of random proportions."""

from dataclasses import dataclass

import numpy as np

from graspsim.assembly import assembled
from graspsim.distributions import Choice, LogUniform, Uniform, one_of, ranged
from graspsim.geometry import Array, rotation_about, transform
from graspsim.models import ObjectModel, Symmetries
from graspsim.round_parts import fair_parts, lunes
from graspsim.shapes import SAME, SEGMENTS, circle, equalised, stack, symmetry_group
from graspsim.solids import Solid, ellipsoid, extruded, hull, turned

SHAPES = ("box", "cylinder", "ellipsoid", "cone", "capsule", "prism", "pyramid", "wedge", "dome")
X, Y, Z = np.eye(3)
Shape = tuple[Solid, Symmetries]


@dataclass(frozen=True)
class Primitives:
    """One convex shape with a name. Lengths within 3 % of each other are made equal, so that symmetries are exact.

    Attributes:
        shape: which of the nine.
        width_m: extent along x; diameter of a round shape, and of the circle around a prism's or pyramid's base.
        depth_ratio: extent along y over that along x, for a box, an ellipsoid and a wedge.
        height_ratio: extent along z over that along x; of a capsule only its straight part, of a dome half.
        sides: number of sides of a prism or pyramid.
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
            "pyramid": self._pyramid,
            "wedge": self._wedge,
            "dome": self._dome,
        }[self.shape]
        solid, symmetries = build()
        return assembled(self.shape, [solid], symmetries)

    @property
    def _size_m(self) -> tuple[float, float, float]:
        x, y, z = equalised((self.width_m, self.width_m * self.depth_ratio, self.width_m * self.height_ratio))
        return x, y, z

    def _box(self) -> Shape:
        x, y, z = self._size_m
        turns = [rotation_about(axis, np.pi) for axis in (X, Z)]
        turns += [rotation_about(axis, np.pi / 2) for axis, a, b in ((X, y, z), (Y, z, x), (Z, x, y)) if a == b]
        return _prism(np.array([(-x, -y), (x, -y), (x, y), (-x, y)]) / 2, z), symmetry_group(*turns)

    def _prism(self) -> Shape:
        turns = [rotation_about(Z, 2 * np.pi / self.sides), rotation_about(X, np.pi)]
        outline = circle(self.sides) * self.width_m / 2
        return _prism(outline, self.width_m * self.height_ratio), symmetry_group(*turns)

    def _pyramid(self) -> Shape:
        # At this height over its width, one of three sides would have four alike.
        regular = np.sqrt(0.5) if self.sides == 3 else 0.0
        height_ratio = regular * (1 + SAME) if abs(self.height_ratio - regular) < SAME * regular else self.height_ratio
        base = np.column_stack([circle(self.sides) / 2, np.zeros(self.sides)])
        turns = [rotation_about(Z, 2 * np.pi / self.sides)]
        return hull(self.width_m * np.vstack([base, (0, 0, height_ratio)])), symmetry_group(*turns)

    def _wedge(self) -> Shape:
        x, y, z = self._size_m
        turns = [rotation_about(X + Z, np.pi)] if x == z else []
        lying = _prism(np.array([(0, 0), (x, 0), (0, z)]), y)
        return lying.moved(transform(rotation_about(X, np.pi / 2))), symmetry_group(*turns)

    def _cylinder(self) -> Shape:
        radius, half = self.width_m / 2, self.width_m * self.height_ratio / 2
        symmetries = symmetry_group(rotation_about(X, np.pi), about_z=True)
        return turned([(0, -half), (radius, -half), (radius, half), (0, half)]), symmetries

    def _cone(self) -> Shape:
        radius, height = self.width_m / 2, self.width_m * self.height_ratio
        # Rings on the way to the tip keep the texture, which wraps whole turns, from shearing.
        rows = [(radius * s, height * (1 - s)) for s in (1, 0.7, 0.4, 0.15)]
        return turned([(0, 0), *rows, (0, height)]), symmetry_group(about_z=True)

    def _dome(self) -> Shape:
        radius, height = self.width_m / 2, self.width_m * self.height_ratio / 2
        return turned([(0, 0), *_arc(10) * (radius, height)]), symmetry_group(about_z=True)

    def _capsule(self) -> Shape:
        radius, half = self.width_m / 2, self.width_m * self.height_ratio / 2

        top = _arc(5) * radius + (0, half)
        mesh = stack(circle(), np.concatenate([top[::-1] * (1, -1), top]))
        ball, angles = lunes((3, 3, 2, 1), 6)
        z = angles[0, :, 1]
        points = [radius * ball[:, sign * z >= 0] + (0, 0, sign * half) for sign in (-1, 1)]
        parts = fair_parts(mesh, np.concatenate(points, axis=1))
        return Solid(mesh, tuple(parts)), symmetry_group(rotation_about(X, np.pi), about_z=True)

    def _ellipsoid(self) -> Shape:
        x, y, z = self._size_m
        # An ellipsoid of revolution is built about its own axis; for the others any will do.
        odd = 0 if y == z else 1 if x == z else 2
        order = [(odd + 1) % 3, (odd + 2) % 3, odd]
        upright = np.eye(3)[:, order]
        a, b, c = np.array([x, y, z])[order] / 2
        if x == y == z:
            symmetries = Symmetries(continuous=tuple((axis, np.zeros(3)) for axis in (X, Y, Z)))
        elif a == b:
            round_z = symmetry_group(rotation_about(X, np.pi), about_z=True)
            symmetries = Symmetries(
                tuple(transform(upright @ s[:3, :3] @ upright.T) for s in round_z.discrete),
                tuple((upright @ axis, point) for axis, point in round_z.continuous),
            )
        else:
            symmetries = symmetry_group(rotation_about(X, np.pi), rotation_about(Z, np.pi))
        # So fine that no flat lies further than 0.1 % of the diameter from what it is a symmetry of.
        segments, steps = (72, 36) if x == y == z else (SEGMENTS, 14) if a == b else (36, 14)
        return ellipsoid((a, b, c), segments, steps).moved(transform(upright)), symmetries


def _prism(outline: Array, height_m: float) -> Solid:
    return extruded(outline, [range(len(outline))], height_m)


def _arc(steps: int) -> Array:
    """Return the quarter of the unit circle (steps + 1, 2) from (1, 0) up to the axis."""
    angle = np.pi / 2 * np.arange(steps + 1) / steps
    return np.stack([np.append(np.cos(angle[:-1]), 0), np.sin(angle)], axis=1)
