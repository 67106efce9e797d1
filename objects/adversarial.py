"""Shapes that are hard to grasp on purpose: thin edges, tapered sides, few parallel faces.

In the spirit of the adversarial objects of Dex-Net 2.0 (Mahler et al. 2017, arXiv:1703.09312): two fingers that
close on sloping faces squeeze the object out.
"""

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from scipy.spatial import ConvexHull

from graspsim.distributions import Choice, Integers, Uniform, one_of, ranged
from graspsim.geometry import Array, rotation_about
from graspsim.meshes import volume_of
from graspsim.models import ObjectModel, Symmetries, object_model
from graspsim.shapes import circle, rings, skin, symmetry_group
from graspsim.solids import Solid, hull, turned

KINDS = ("tetrahedron", "wedge", "frustum", "cone", "bipyramid", "discus", "lens", "twisted prism", "skewed block")
X, Y, Z = np.eye(3)


@dataclass(frozen=True)
class Adversarial:
    """A solid whose faces slope away from a hand that comes from above, or from each other.

    Attributes:
        kind: which of the nine.
        width_m: about its largest breadth.
        taper_deg: how far its sides lean from the upright: the more, the harder to grasp.
        height_ratio: largest height over width; less where the taper brings the sides together.
        sides: corners of its cross-section.
        twist_deg: turn of a twisted prism's top against its foot.
    """

    kind: str = one_of(Choice(KINDS), *KINDS)
    width_m: float = ranged(Uniform(0.045, 0.085), 0.02, 0.15)
    taper_deg: float = ranged(Uniform(12.0, 38.0), 8.0, 45.0)
    height_ratio: float = ranged(Uniform(0.5, 1.1), 0.3, 2.0)
    sides: int = ranged(Integers(3, 6), 3, 8)
    twist_deg: float = ranged(Uniform(25.0, 60.0), 15.0, 75.0)

    def build(self, rng: np.random.Generator) -> ObjectModel:
        """Return the model; how skewed or irregular it is, is drawn here."""
        build = {
            "tetrahedron": self._tetrahedron,
            "wedge": self._wedge,
            "frustum": self._frustum,
            "cone": self._cone,
            "bipyramid": self._bipyramid,
            "discus": self._discus,
            "lens": self._lens,
            "twisted prism": self._twisted,
            "skewed block": self._skewed,
        }[self.kind]
        solid, symmetries = build(rng)
        return object_model(self.kind, solid.mesh, solid.parts, symmetries)

    def _top_ratio(self, height_m: float, least: float = 0.12) -> float:
        """Return the width of the top over that of the foot, for sides that lean by the taper."""
        return max(least, 1 - 2 * height_m * float(np.tan(np.radians(self.taper_deg))) / self.width_m)

    def _tetrahedron(self, rng: np.random.Generator) -> tuple[Solid, Symmetries]:
        corners = np.array([(1.0, 1, 1), (1, -1, -1), (-1, 1, -1), (-1, -1, 1)])
        # Lengths that differ by a fifth and more leave no symmetry.
        corners *= np.array([1.0, 0.78, 0.6]) * rng.uniform(0.95, 1.05, 3)
        corners[0] *= rng.uniform(1.15, 1.35)
        corners[1] *= rng.uniform(0.8, 0.9)
        return hull(corners * self.width_m / 2), Symmetries()

    def _wedge(self, rng: np.random.Generator) -> tuple[Solid, Symmetries]:
        depth, height = self.width_m * 1.25, self.width_m * self.height_ratio
        ridge = depth * rng.uniform(0.35, 0.85)
        foot = [(x * self.width_m / 2, y * depth / 2, 0.0) for x in (-1, 1) for y in (-1, 1)]
        return hull([*foot, (0, -ridge / 2, height), (0, ridge / 2, height)]), symmetry_group(rotation_about(Z, np.pi))

    def _frustum(self, rng: np.random.Generator) -> tuple[Solid, Symmetries]:
        height = self.width_m * self.height_ratio
        profile = [(self.width_m / 2, 0.0), (self.width_m / 2 * self._top_ratio(height), height)]
        if rng.uniform() < 0.3:  # On its small end it topples.
            profile = [(profile[1][0], 0.0), (profile[0][0], height)]
        points = rings(circle(self.sides), profile).reshape(-1, 3)
        return hull(points), symmetry_group(rotation_about(Z, 2 * np.pi / self.sides))

    def _cone(self, rng: np.random.Generator) -> tuple[Solid, Symmetries]:
        radius, height = self.width_m / 2, self.width_m * self.height_ratio
        top = radius * self._top_ratio(height)
        rows = np.linspace([radius, 0], [top, height], 5)
        return turned([(0, 0), *rows, (0, height)]), symmetry_group(about_z=True)

    def _bipyramid(self, rng: np.random.Generator) -> tuple[Solid, Symmetries]:
        height = self.width_m * self.height_ratio
        above = height * rng.uniform(0.58, 0.75)
        points = [*np.column_stack([circle(self.sides) * self.width_m / 2, np.zeros(self.sides)])]
        return hull([*points, (0, 0, above), (0, 0, above - height)]), symmetry_group(
            rotation_about(Z, 2 * np.pi / self.sides)
        )

    def _discus(self, rng: np.random.Generator) -> tuple[Solid, Symmetries]:
        radius = self.width_m / 2
        low, high = radius * rng.uniform(0.15, 0.25), radius * rng.uniform(0.35, 0.55)
        return turned([(0, -low), *_cap(radius, -low), *_cap(radius, high)[::-1][1:], (0, high)]), symmetry_group(
            about_z=True
        )

    def _lens(self, rng: np.random.Generator) -> tuple[Solid, Symmetries]:
        radius = self.width_m / 2
        half = radius * rng.uniform(0.25, 0.5)
        profile = [(0, -half), *_cap(radius, -half), *_cap(radius, half)[::-1][1:], (0, half)]
        return turned(profile), symmetry_group(rotation_about(X, np.pi), about_z=True)

    def _twisted(self, rng: np.random.Generator) -> tuple[Solid, Symmetries]:
        height = self.width_m * max(self.height_ratio, 0.6)
        # The sides lean by twisting already.
        top = max(0.55, self._top_ratio(height))
        knots = np.linspace(0, 1, 25)
        # The sides bend: they are seen as strips, and each corner of a part stands for a corner of the section.
        fine = self._twisted_sections(knots, height, top, strips=6)
        mesh = skin(fine)
        coarse = self._twisted_sections(knots, height, top, strips=1)
        pairs = [np.concatenate([low, high]) for low, high in pairwise(coarse)]
        # A hull spans over the hollow of a bent side, so each is made narrower.
        narrower = np.sqrt(volume_of(mesh) / sum(ConvexHull(pair).volume for pair in pairs))
        parts = tuple(pair * (narrower, narrower, 1.0) for pair in pairs)
        return Solid(mesh, parts), symmetry_group(rotation_about(Z, 2 * np.pi / self.sides))

    def _twisted_sections(self, t: Array, height: float, top: float, strips: int) -> Array:
        """Return sections (k, sides · strips, 3) at shares t of the height, each side in so many strips."""
        corners = circle(self.sides)
        blend = np.arange(strips)[:, None] / strips
        outline = np.concatenate(
            [(1 - blend) * a + blend * b for a, b in zip(corners, np.roll(corners, -1, 0), strict=True)]
        )
        turn, radius = np.radians(self.twist_deg) * t, self.width_m / 2 * (1 - (1 - top) * t)
        cosine, sine = radius * np.cos(turn), radius * np.sin(turn)
        x = cosine[:, None] * outline[:, 0] - sine[:, None] * outline[:, 1]
        y = sine[:, None] * outline[:, 0] + cosine[:, None] * outline[:, 1]
        return np.stack([x, y, np.broadcast_to(height * t[:, None], x.shape)], axis=2)

    def _skewed(self, rng: np.random.Generator) -> tuple[Solid, Symmetries]:
        depth, height = self.width_m * rng.uniform(0.55, 0.9), self.width_m * self.height_ratio
        # Aslant to both sides of the foot: half a turn about neither then maps it onto itself.
        towards = np.radians(rng.uniform(18.0, 35.0))
        shift = height * np.tan(np.radians(self.taper_deg)) * np.array([np.cos(towards), np.sin(towards)])
        foot = np.array([(x * self.width_m / 2, y * depth / 2) for x in (-1, 1) for y in (-1, 1)])
        top = foot * 0.85 + shift
        points = np.concatenate([np.column_stack([foot, np.zeros(4)]), np.column_stack([top, np.full(4, height)])])
        return hull(points), Symmetries()


def _cap(radius: float, height: float, steps: int = 7) -> Array:
    """Return rows (steps, 2) of (r, z) along an arc from beside the axis, at z = height, to a sharp rim at z = 0."""
    t = np.arange(1, steps + 1) / steps
    return np.stack([radius * t, height * (1 - t**2)], axis=1)
