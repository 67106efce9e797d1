"""Surfaces of revolution: solid vases, bottles, knobs and spindles, and hollow cups, bowls and jars."""

from dataclasses import dataclass

import numpy as np
from scipy.interpolate import PchipInterpolator

from graspsim.assembly import assembled
from graspsim.distributions import Choice, Uniform, one_of, ranged
from graspsim.geometry import Array, rotation_about
from graspsim.models import ObjectModel
from graspsim.shapes import symmetry_group
from graspsim.solids import hollow, turned

SOLIDS = ("vase", "bottle", "knob", "spindle")
HOLLOWS = ("cup", "bowl", "jar")


@dataclass(frozen=True)
class Lathe:
    """Something turned on a lathe or a potter's wheel.

    Attributes:
        shape: which of the seven.
        width_m: largest diameter. A bowl, which is taken by its rim, is twice as wide.
        height_ratio: height over width; of a bowl a third of it.
        waist_ratio: narrowest diameter over the largest: of the neck, the stem or the foot.
        wall_m: thickness of the wall and floor of what is hollow.
    """

    shape: str = one_of(Choice(SOLIDS + HOLLOWS), *SOLIDS, *HOLLOWS)
    width_m: float = ranged(Uniform(0.032, 0.06), 0.03, 0.2)
    height_ratio: float = ranged(Uniform(1.2, 2.6), 0.9, 5)
    waist_ratio: float = ranged(Uniform(0.35, 0.75), 0.25, 0.9)
    wall_m: float = ranged(Uniform(0.002, 0.004), 0.001, 0.004)

    def build(self, rng: np.random.Generator) -> ObjectModel:
        """Return the model; of a solid the finer points of its profile are drawn here."""
        radius, height = self.width_m / 2, self.width_m * self.height_ratio
        if self.shape in HOLLOWS:
            outer, inner = {"cup": self._cup, "bowl": self._bowl, "jar": self._jar}[self.shape](radius, height)
            return assembled(self.shape, [hollow(outer, inner)], symmetry_group(about_z=True))
        draw = {"vase": self._vase, "bottle": self._bottle, "knob": self._knob, "spindle": self._spindle}
        outer = (draw[self.shape](rng) - (0, 0.5)) * (radius, height)
        turns = [rotation_about((1, 0, 0), np.pi)] if self.shape == "spindle" else []
        profile = np.concatenate([[(0, outer[0, 1])], outer, [(0, outer[-1, 1])]])
        return assembled(self.shape, [turned(profile)], symmetry_group(*turns, about_z=True))

    # Profiles of solids: rows of (r, z) from the foot to the top, both in [0, 1].

    def _vase(self, rng: np.random.Generator) -> Array:
        knots = rng.uniform(self.waist_ratio, 1.0, 5)
        z = np.linspace(0, 1, 11)
        r = PchipInterpolator(np.linspace(0, 1, 5), knots / knots.max())(z)
        return np.stack([r, z], axis=1)

    def _bottle(self, rng: np.random.Generator) -> Array:
        neck = 0.2 + 0.5 * self.waist_ratio
        start, length = rng.uniform(0.35, 0.6), rng.uniform(0.15, 0.27)
        t = np.linspace(0, 1, 6)
        shoulder = np.stack([neck + (1 - neck) * (1 + np.cos(np.pi * t)) / 2, start + length * t], axis=1)
        lip = [(neck, 0.92), (1.2 * neck, 0.92), (1.2 * neck, 1.0)]
        return np.concatenate([[(0.93, 0.0), (1.0, 0.02)], shoulder, lip])

    def _knob(self, rng: np.random.Generator) -> Array:
        stem = 0.8 * self.waist_ratio
        # The ball is as high as it is wide, and meets the stem where it is as thin.
        ball, squash = 0.75, 0.75 / (2 * self.height_ratio)
        angle = np.linspace(np.arcsin(min(stem / ball, 0.9)), 0.85 * np.pi, 9)
        top = np.stack([ball * np.sin(angle), 1 - squash * (1 + np.cos(angle))], axis=1)
        top[:, 1] *= 1 / top[-1, 1]
        step = rng.uniform(0.05, 0.12)
        foot = [(0.95, 0.0), (1.0, 0.015), (1.0, step), (0.9, step + 0.02), (1.25 * top[0, 0], step + 0.05)]
        return np.concatenate([foot, top])

    def _spindle(self, rng: np.random.Generator) -> Array:
        z = np.linspace(0, 1, 11)
        # The greater the power, the more abrupt the belly.
        r = self.waist_ratio + (1 - self.waist_ratio) * np.sin(np.pi * z) ** rng.uniform(0.8, 3.0)
        r = (r + r[::-1]) / 2
        return np.stack([r, z], axis=1)

    # Profiles of hollows: outer and inner rows of (r, z) in metres from the floor to the rim, one to one.

    def _cup(self, radius: float, height: float) -> tuple[Array, Array]:
        foot = radius * (0.5 + 0.5 * self.waist_ratio)
        outer = np.array([(foot, 0), (radius, height)])
        inner = outer - (self.wall_m, 0)
        inner[0] = (foot + (radius - foot) * self.wall_m / height - self.wall_m, self.wall_m)
        return outer, inner

    def _bowl(self, radius: float, height: float) -> tuple[Array, Array]:
        radius, height = 2 * radius, height / 3
        start = np.arcsin(0.35 + 0.3 * self.waist_ratio)
        angle = np.linspace(start, np.pi / 2, 7)
        lift = 1 - np.cos(angle)
        arc = np.stack([np.sin(angle), (lift - lift[0]) / (1 - lift[0])], axis=1)
        outer = arc * (radius, height)
        inner = arc * (radius - self.wall_m, height - self.wall_m) + (0, self.wall_m)
        return outer, inner

    def _jar(self, radius: float, height: float) -> tuple[Array, Array]:
        neck = radius * (0.4 + 0.5 * self.waist_ratio)
        angle = np.linspace(0, np.pi / 2.4, 4)
        bend = np.stack([np.cos(angle), np.sin(angle)], axis=1)
        bend = (bend - bend[-1]) / (bend[0] - bend[-1])
        shoulder = np.stack([neck + (radius - neck) * bend[:, 0], height * (0.78 - 0.16 * bend[:, 1])], axis=1)
        outer = np.concatenate([[(radius, 0)], shoulder, [(neck, height)]])
        inner = outer - (self.wall_m, 0)
        inner[0, 1] = self.wall_m
        # Straight inside the shoulder, so that the parts, which are, lie close to it.
        inner[1:5] = np.linspace(inner[1], inner[4], 4)
        return outer, inner
