"""Superquadrics: one formula that runs from rounded boxes over ellipsoids to octahedra (Barr 1981)."""

from dataclasses import dataclass

import numpy as np

from graspsim.distributions import LogUniform, Uniform, ranged
from graspsim.geometry import Array, rotation_about
from graspsim.models import ObjectModel, object_model
from graspsim.round_parts import fair_parts, lunes
from graspsim.shapes import SAME, SEGMENTS, equalised, stack, symmetry_group


@dataclass(frozen=True)
class Superquadrics:
    """A convex superquadric. Width and depth within 3 % of each other are made equal; a height is kept that far off.

    Attributes:
        width_m: extent along x.
        depth_ratio: extent along y over that along x.
        height_ratio: extent along z over that along x.
        vertical_exponent: 0.2 gives a flat top, 1 a round one, 2 a pyramid.
        horizontal_exponent: 0.2 gives a nearly rectangular cross-section, 1 an ellipse, 2 a rhombus.
    """

    width_m: float = ranged(Uniform(0.025, 0.055), 0.01, 0.2)
    depth_ratio: float = ranged(Uniform(1.0, 1.8), 0.2, 5)
    height_ratio: float = ranged(LogUniform(0.6, 2.5), 0.2, 5)
    vertical_exponent: float = ranged(Uniform(0.2, 2.0), 0.2, 2)
    horizontal_exponent: float = ranged(Uniform(0.2, 2.0), 0.2, 2)

    def build(self, rng: np.random.Generator) -> ObjectModel:
        """Return the model; nothing is left to chance once the parameters are drawn."""
        width, depth = equalised((self.width_m, self.width_m * self.depth_ratio))
        height = self.width_m * self.height_ratio
        # With equal exponents z is an axis like the others, and an equal length along it would be one more symmetry.
        for length in sorted((width, depth)):
            if abs(height / length - 1) < SAME:
                height = length * (1 + SAME)
        exponent = self.horizontal_exponent
        is_round = width == depth and abs(exponent - 1) < SAME
        if is_round:
            exponent = 1.0

        def outline(azimuth_rad: Array) -> Array:
            across = [_power(np.cos(azimuth_rad), exponent), _power(np.sin(azimuth_rad), exponent)]
            return np.stack(across, axis=-1) * (width / 2, depth / 2)

        def profile(latitude_rad: Array) -> Array:
            along = [_power(np.cos(latitude_rad), self.vertical_exponent)]
            along.append(height / 2 * _power(np.sin(latitude_rad), self.vertical_exponent))
            return np.stack(along, axis=-1)

        segments, steps = SEGMENTS if is_round else 36, 14
        mesh = stack(
            outline(2 * np.pi * np.arange(segments) / segments), profile(np.pi * (np.arange(steps + 1) / steps - 0.5))
        )
        turns = [rotation_about((1, 0, 0), np.pi)]
        if not is_round:
            turns.append(rotation_about((0, 0, 1), np.pi / 2 if width == depth else np.pi))
        azimuth_rad, latitude_rad = np.moveaxis(lunes()[1], -1, 0)
        scale, z = np.moveaxis(profile(latitude_rad), -1, 0)
        points = np.concatenate([scale[..., None] * outline(azimuth_rad), z[..., None]], axis=-1)
        parts = fair_parts(mesh, points)
        return object_model("superquadric", mesh, parts, symmetry_group(*turns, about_z=is_round))


def _power(base: Array, exponent: float) -> Array:
    """Return base**exponent with the sign of the base, and exactly zero where the base is zero but for rounding."""
    return np.where(np.abs(base) < 1e-12, 0.0, np.sign(base) * np.abs(base) ** exponent)
