"""Toys: bricks with studs, letters, animals of a few parts, dumbbells, cars, spinning tops, arches and ring towers."""

from dataclasses import dataclass

import numpy as np

from graspsim.assembly import assembled
from graspsim.distributions import Choice, Integers, Uniform, one_of, ranged
from graspsim.geometry import rotation_about, transform
from graspsim.models import ObjectModel, Slot, Symmetries
from graspsim.shapes import symmetry_group
from graspsim.solids import Solid, cuboid, extruded, hull, rounded_box, turned

from ._animals import animal
from ._letters import LETTERS, flat_letter

ANIMALS = ("dog", "giraffe", "duck", "fish")
KINDS = ("brick", "letter", "dumbbell", *ANIMALS, "car", "top", "arch", "ring tower")
X, Y, Z = np.eye(3)
UPRIGHT = rotation_about(X, np.pi / 2)
ROUND = 32


@dataclass(frozen=True)
class Toys:
    """A toy as it stands on the floor; animals look towards +x, letters lie flat.

    Attributes:
        kind: which of the eleven.
        size_ratio: size over that of a common one.
        stoutness: thickness of its parts over that of a common one.
        studs_across: of a brick, along x.
        studs_along: of a brick, along y.
        letter: which of those that strokes make.
    """

    kind: str = one_of(Choice(KINDS), *KINDS)
    size_ratio: float = ranged(Uniform(0.8, 1.1), 0.7, 1.2)
    stoutness: float = ranged(Uniform(0.88, 1.15), 0.8, 1.25)
    studs_across: int = ranged(Integers(1, 2), 1, 2)
    studs_along: int = ranged(Integers(1, 4), 1, 4)
    letter: str = one_of(Choice(tuple(LETTERS)), *LETTERS)

    def build(self, rng: np.random.Generator) -> ObjectModel:
        """Return the model; an animal's pose and finer proportions are drawn here."""
        if self.kind in ANIMALS:
            return animal(self.kind, self.size_ratio, self.stoutness, rng)
        if self.kind == "letter":
            return flat_letter(self.letter, self.size_ratio, self.stoutness, rng)
        build = {
            "brick": self._brick,
            "dumbbell": self._dumbbell,
            "car": self._car,
            "top": self._top,
            "arch": self._arch,
            "ring tower": self._ring_tower,
        }[self.kind]
        return build(rng)

    def _brick(self, rng: np.random.Generator) -> ObjectModel:
        pitch = 0.022 * self.size_ratio
        n, m = self.studs_across, self.studs_along
        height = 0.9 * pitch * self.stoutness
        if n == m == 1 and abs(height / pitch - 1) < 0.03:
            height = 0.95 * pitch
        stud = turned([(0, -0.002), (0.31 * pitch, -0.002), (0.31 * pitch, 0.2 * pitch), (0, 0.2 * pitch)], ROUND)
        grid = [((i - (n - 1) / 2) * pitch, (j - (m - 1) / 2) * pitch, height / 2) for i in range(n) for j in range(m)]
        solids = [cuboid((n * pitch, m * pitch, height)), *(stud.moved(transform(translation=at)) for at in grid)]
        turn = rotation_about(Z, np.pi / 2 if n == m else np.pi)
        return assembled("brick", solids, symmetry_group(turn))

    def _dumbbell(self, rng: np.random.Generator) -> ObjectModel:
        s, r = self.size_ratio, 0.007 * self.size_ratio * self.stoutness
        half, weight, wide = 0.045 * s, 0.022 * s * rng.uniform(0.8, 1.1), 0.02 * s * rng.uniform(0.85, 1.15)
        bar = turned([(0, -half), (r, -half), (r, half), (0, half)], ROUND)
        rim = 0.15 * wide
        rows = [(0, 0), (wide - rim, 0), (wide, rim), (wide, weight - rim), (wide - rim, weight), (0, weight)]
        disc = turned(np.array(rows) + np.array([0, 0.45 * half]), ROUND)
        level = transform(rotation_about(Y, np.pi / 2))
        solids = [
            (disc.moved(level), 1),
            (disc.moved(transform(rotation_about(Z, np.pi)) @ level), 1),
            (bar.moved(level), 0),
        ]
        symmetries = Symmetries((transform(rotation_about(Z, np.pi)),), ((X, np.zeros(3)),))
        return assembled("dumbbell", solids, symmetries, (Slot("bar", 7.8), Slot("weight", 7.0)))

    def _car(self, rng: np.random.Generator) -> ObjectModel:
        s = self.size_ratio
        wide = 0.04 * s * self.stoutness
        wheel_m = 0.0105 * s
        chassis = rounded_box((0.086 * s, wide, 0.02 * s), 0.005 * s).moved(
            transform(translation=(0, 0, wheel_m + 0.008 * s))
        )
        back, front = rng.uniform(-0.034, -0.024) * s, rng.uniform(0.008, 0.02) * s
        roof = wheel_m + rng.uniform(0.032, 0.037) * s
        half = 0.42 * wide
        low = wheel_m + 0.012 * s
        cabin = hull(
            [
                *((x, y, low) for x in (back - 0.005 * s, front + 0.008 * s) for y in (-half, half)),
                *((x, 0.85 * y, roof) for x in (back + 0.003 * s, front - 0.004 * s) for y in (-half, half)),
            ]
        )
        tyre = 0.009 * s
        wheel = turned([(0, -tyre / 2), (wheel_m, -tyre / 2), (wheel_m, tyre / 2), (0, tyre / 2)], ROUND)
        places = [(x * s, y * (wide / 2 - 0.001), wheel_m) for x in (-0.026, 0.027) for y in (-1, 1)]
        wheels = [wheel.moved(transform(UPRIGHT, place)) for place in places]
        solids = [*((w, 1) for w in wheels), (chassis, 0), (cabin, 2)]
        return assembled("car", solids, Symmetries(), (Slot("body"), Slot("tyre", 1.2), Slot("cabin")))

    def _top(self, rng: np.random.Generator) -> ObjectModel:
        s, t = self.size_ratio, self.stoutness
        wide, belly = 0.027 * s * rng.uniform(0.8, 1.1), 0.022 * s
        rows = [
            (0, 0),
            (0.2 * wide, 0.003 * s),
            (0.92 * wide, belly),
            (wide, belly + 0.004 * s),
            (0.9 * wide, belly + 0.01 * s),
            (0.3 * wide, belly + 0.015 * s),
            (0, belly + 0.015 * s),
        ]
        stem_m, top = 0.0042 * s * t, belly + rng.uniform(0.032, 0.042) * s
        stem = turned([(0, belly), (stem_m, belly), (stem_m, top - 0.002 * s), (0.7 * stem_m, top), (0, top)])
        return assembled(
            "top", [(turned(rows), 0), (stem, 1)], symmetry_group(about_z=True), (Slot("body"), Slot("stem"))
        )

    def _arch(self, rng: np.random.Generator) -> ObjectModel:
        s = self.size_ratio
        wide, deep = 0.1 * s, 0.032 * s * self.stoutness
        r = wide / 2 * rng.uniform(0.5, 0.62)
        high = r + rng.uniform(0.014, 0.024) * s
        steps = 16
        angle = np.pi * (1 - np.arange(steps + 1) / steps)
        arc = np.stack([r * np.cos(angle), r * np.sin(angle)], axis=1)
        top = np.column_stack([arc[::-1, 0], np.full(steps + 1, high)])
        outline = np.concatenate([[(-wide / 2, 0)], arc, [(wide / 2, 0), (wide / 2, high)], top, [(-wide / 2, high)]])
        n = len(outline)
        first_top = steps + 4
        over = [[1 + i, 2 + i, first_top + steps - 1 - i, first_top + steps - i] for i in range(steps)]
        legs = [[0, 1, first_top + steps, n - 1], [steps + 1, steps + 2, steps + 3, first_top]]
        solid = extruded(outline, [*legs, *over], deep).moved(transform(UPRIGHT))
        return assembled("arch", [solid], symmetry_group(rotation_about(Z, np.pi)))

    def _ring_tower(self, rng: np.random.Generator) -> ObjectModel:
        s = self.size_ratio
        thick = 0.014 * s * self.stoutness
        widths = 0.034 * s * np.array([1.0, 0.84, 0.68, 0.52]) * rng.uniform(0.9, 1.0)
        solids: list[tuple[Solid, int]] = []
        z = 0.0
        for n, wide in enumerate(widths):
            round_m = 0.4 * thick
            rows = [
                (0, 0),
                (wide - round_m, 0),
                (wide, round_m),
                (wide, thick - round_m),
                (wide - round_m, thick),
                (0, thick),
            ]
            solids.append((turned(np.array(rows) + np.array([0, z])), n))
            z += 0.88 * thick
        knob = [(0, 0), (0.011 * s, 0), (0.013 * s, 0.008 * s), (0.009 * s, 0.016 * s), (0, 0.016 * s)]
        solids.append((turned(np.array(knob) + np.array([0, z + 0.04 * thick])), 0))
        slots = tuple(Slot(name) for name in ("base and knob", "large ring", "middle ring", "small ring"))
        return assembled("ring tower", solids, symmetry_group(about_z=True), slots)
