"""Toys: bricks with studs, letters, animals of a few parts, dumbbells, cars, spinning tops, arches and ring towers."""

from dataclasses import dataclass

import numpy as np

from graspsim.assembly import assembled
from graspsim.distributions import Choice, Integers, Uniform, one_of, ranged
from graspsim.geometry import Array, rotation_about, transform
from graspsim.models import ObjectModel, Slot, Symmetries
from graspsim.shapes import circle, symmetry_group
from graspsim.solids import Solid, cuboid, ellipsoid, extruded, hull, limited, rounded_box, swept, turned

KINDS = ("brick", "letter", "dumbbell", "dog", "giraffe", "duck", "fish", "car", "top", "arch", "ring tower")
X, Y, Z = np.eye(3)
UPRIGHT = rotation_about(X, np.pi / 2)
ROUND = 32

# Strokes of letters on a grid of width 1 and height 1: (x, y) of the two ends. Upright and slanting ones are cut level,
# level ones upright.
LETTERS: dict[str, tuple[tuple[float, float, float, float], ...]] = {
    "A": ((0.1, 0, 0.5, 1), (0.9, 0, 0.5, 1), (0.2, 0.3, 0.8, 0.3)),
    "E": ((0.1, 0, 0.1, 1), (0, 0.1, 1, 0.1), (0, 0.5, 0.8, 0.5), (0, 0.9, 1, 0.9)),
    "F": ((0.1, 0, 0.1, 1), (0, 0.5, 0.8, 0.5), (0, 0.9, 1, 0.9)),
    "H": ((0.1, 0, 0.1, 1), (0.9, 0, 0.9, 1), (0, 0.5, 1, 0.5)),
    "I": ((0.5, 0, 0.5, 1), (0.15, 0.1, 0.85, 0.1), (0.15, 0.9, 0.85, 0.9)),
    "K": ((0.1, 0, 0.1, 1), (0.15, 0.5, 0.88, 1), (0.15, 0.5, 0.88, 0)),
    "L": ((0.1, 0, 0.1, 1), (0, 0.1, 1, 0.1)),
    "M": ((0.1, 0, 0.1, 1), (0.9, 0, 0.9, 1), (0.1, 1, 0.5, 0.3), (0.9, 1, 0.5, 0.3)),
    "N": ((0.1, 0, 0.1, 1), (0.9, 0, 0.9, 1), (0.1, 1, 0.9, 0)),
    "T": ((0.5, 0, 0.5, 1), (0, 0.9, 1, 0.9)),
    "U": ((0.1, 0, 0.1, 1), (0.9, 0, 0.9, 1), (0, 0.1, 1, 0.1)),
    "V": ((0.1, 1, 0.5, 0), (0.9, 1, 0.5, 0)),
    "X": ((0.1, 0, 0.9, 1), (0.1, 1, 0.9, 0)),
    "Y": ((0.1, 1, 0.5, 0.45), (0.9, 1, 0.5, 0.45), (0.5, 0, 0.5, 0.5)),
    "Z": ((0, 0.1, 1, 0.1), (0.1, 0, 0.9, 1), (0, 0.9, 1, 0.9)),
}
# Half turns that map a flat letter onto itself.
TURNS = {
    "A": "y",
    "E": "x",
    "H": "xy",
    "I": "xy",
    "K": "x",
    "M": "y",
    "N": "z",
    "T": "y",
    "U": "y",
    "V": "y",
    "X": "xy",
    "Y": "y",
    "Z": "z",
}


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
        build = {
            "brick": self._brick,
            "letter": self._letter,
            "dumbbell": self._dumbbell,
            "dog": self._dog,
            "giraffe": self._giraffe,
            "duck": self._duck,
            "fish": self._fish,
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

    def _letter(self, rng: np.random.Generator) -> ObjectModel:
        wide, high = 0.05 * self.size_ratio, 0.072 * self.size_ratio
        half, thick = 0.1 * self.stoutness, 0.02 * self.size_ratio * rng.uniform(0.8, 1.2)
        strokes = []
        for x0, y0, x1, y1 in LETTERS[self.letter]:
            (x0, y0), (x1, y1) = sorted(((x0, y0), (x1, y1)), key=lambda end: end[1])
            if y0 == y1:
                up = half * wide / high
                level = _at_rim(y0, up)
                corners = [(x0, level - up), (x1, level - up), (x1, level + up), (x0, level + up)]
            else:
                out = half * (1.0 if x0 == x1 else 1.25)
                low, top = _at_rim(x0, out), _at_rim(x1, out)
                corners = [(low - out, y0), (low + out, y0), (top + out, y1), (top - out, y1)]
            outline = (np.array(corners) - 0.5) * (wide, high)
            strokes.append(extruded(outline, [range(4)], thick))
        axes = {"x": X, "y": Y, "z": Z}
        turns = [rotation_about(axes[name], np.pi) for name in TURNS.get(self.letter, "")]
        return assembled(f"letter {self.letter}", strokes, symmetry_group(*turns), crease_rad=0.1)

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

    def _dog(self, rng: np.random.Generator) -> ObjectModel:
        s, t = self.size_ratio, self.stoutness
        body = _ball((0.034 * s, 0.019 * s * t, 0.018 * s * t), (0, 0, 0.036 * s))
        legs = self._legs(0.021 * s, 0.0105 * s, 0.036 * s, 0.0062 * s * t)
        head = _ball((0.0155 * s, 0.0145 * s, 0.0145 * s), (0.036 * s, 0, 0.058 * s))
        neck = swept(_line((0.018 * s, 0, 0.04 * s), (0.036 * s, 0, 0.058 * s)), circle(16) * 0.0098 * s, max_parts=1)
        snout = _ball((0.013 * s, 0.0075 * s, 0.007 * s), (0.049 * s, 0, 0.055 * s), is_small=True)
        ears = [
            swept(
                _line((0.032 * s, y * 0.011 * s, 0.066 * s), (0.028 * s, y * 0.021 * s, 0.055 * s)),
                circle(8) * (0.0075 * s, 0.0035 * s),
            )
            for y in (-1, 1)
        ]
        curl = rng.uniform(0.01, 0.025) * s
        u = np.linspace(0, 1, 6)
        tail = swept(
            np.stack([-0.03 * s - curl * u, 0 * u, 0.042 * s + 0.026 * s * u * u], axis=1),
            circle(8) * 0.0042 * s * t,
            max_parts=3,
        )
        solids = [
            (body, 0),
            *((leg, 0) for leg in legs),
            (neck, 0),
            (head, 0),
            (snout, 1),
            *((ear, 1) for ear in ears),
            (tail, 0),
        ]
        return assembled("dog", solids, Symmetries(), (Slot("fur"), Slot("ears")))

    def _giraffe(self, rng: np.random.Generator) -> ObjectModel:
        s, t = self.size_ratio, self.stoutness
        body = _ball((0.026 * s, 0.0145 * s * t, 0.0155 * s * t), (0, 0, 0.058 * s))
        legs = self._legs(0.0165 * s, 0.0085 * s, 0.058 * s, 0.0048 * s * t)
        lean = rng.uniform(0.015, 0.03) * s
        neck = swept(
            _line((0.016 * s, 0, 0.06 * s), (0.016 * s + lean, 0, 0.125 * s)),
            circle(16) * 0.0068 * s * t,
            np.linspace(1.2, 0.8, 5),
        )
        head = _ball((0.0145 * s, 0.0078 * s, 0.008 * s), (0.022 * s + lean, 0, 0.127 * s))
        horns = [
            swept(
                _line((0.013 * s + lean, y * 0.004 * s, 0.13 * s), (0.012 * s + lean, y * 0.005 * s, 0.143 * s)),
                circle(8) * 0.0024 * s,
            )
            for y in (-1, 1)
        ]
        solids = [(body, 0), *((leg, 0) for leg in legs), (neck, 0), (head, 0), *((horn, 1) for horn in horns)]
        return assembled("giraffe", solids, Symmetries(), (Slot("coat"), Slot("horns")))

    def _legs(self, x: float, y: float, top: float, radius: float) -> list[Solid]:
        """Return four legs from the floor to a height, at ±x, ±y."""
        leg = turned([(0, 0), (1.15 * radius, 0), (radius, 0.3 * top), (radius, top), (0, top)], 16)
        return [leg.moved(transform(translation=(i * x, j * y, 0))) for i in (-1, 1) for j in (-1, 1)]

    def _duck(self, rng: np.random.Generator) -> ObjectModel:
        s, t = self.size_ratio, self.stoutness
        body = _ball((0.034 * s, 0.0245 * s * t, 0.021 * s), (0, 0, 0.021 * s))
        high = rng.uniform(0.048, 0.056) * s
        head = _ball((0.0165 * s, 0.016 * s, 0.016 * s), (0.016 * s, 0, high))
        beak = hull(
            [
                (x * s + 0.016 * s, y * s, z * s + high)
                for x, y, z in [
                    (0.01, -0.007, 0.002),
                    (0.01, 0.007, 0.002),
                    (0.01, -0.007, -0.005),
                    (0.01, 0.007, -0.005),
                    (0.027, -0.0055, -0.003),
                    (0.027, 0.0055, -0.003),
                    (0.027, -0.0055, -0.006),
                    (0.027, 0.0055, -0.006),
                ]
            ]
        )
        tail = hull(
            [
                (x * s, y * s, z * s)
                for x, y, z in [
                    (-0.02, -0.012, 0.016),
                    (-0.02, 0.012, 0.016),
                    (-0.02, -0.01, 0.03),
                    (-0.02, 0.01, 0.03),
                    (-0.045, 0.0035, 0.04),
                    (-0.045, -0.0035, 0.04),
                    (-0.043, 0.0035, 0.036),
                    (-0.043, -0.0035, 0.036),
                ]
            ]
        )
        return assembled(
            "duck", [(body, 0), (head, 0), (beak, 1), (tail, 0)], Symmetries(), (Slot("plumage"), Slot("beak"))
        )

    def _fish(self, rng: np.random.Generator) -> ObjectModel:
        s, t = self.size_ratio, self.stoutness
        tall = 0.026 * s * rng.uniform(0.85, 1.1)
        body = _ball((0.046 * s, 0.0145 * s * t, tall), (0, 0, 0))
        thin = 0.0028 * s
        fin = [(-0.035, 0.0), (-0.066, 0.026), (-0.06, 0.002), (-0.066, -0.024)]
        tail = [_fin([fin[0], fin[1], fin[2]], s, thin), _fin([fin[0], fin[2], fin[3]], s, thin)]
        top = tall / s
        dorsal = _fin([(0.016, 0.8 * top), (-0.018, 0.75 * top), (-0.022, top + 0.013), (-0.008, top + 0.012)], s, thin)
        return assembled(
            "fish", [(body, 0), *((f, 1) for f in tail), (dorsal, 1)], Symmetries(), (Slot("scales"), Slot("fins"))
        )

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


def _at_rim(place: float, half: float) -> float:
    """Return the place of a stroke; one beside the rim, at 0.1 or 0.9, ends with it whatever its width."""
    return half if place == 0.1 else 1 - half if place == 0.9 else place


def _ball(radii_m: tuple[float, float, float], center: tuple[float, float, float], is_small: bool = False) -> Solid:
    """Return an ellipsoid; a small one is a single part, which is coarse but does not matter much to the whole."""
    ball = ellipsoid(radii_m, segments=24, steps=12)
    if is_small:
        ball = Solid(ball.mesh, (limited(ball.mesh.vertices),))
    return ball.moved(transform(translation=center))


def _line(start: tuple[float, float, float], stop: tuple[float, float, float]) -> Array:
    """Return points (5, 3) on the way from one place to another."""
    return np.linspace(start, stop, 5)


def _fin(corners: list[tuple[float, float]], scale: float, half: float) -> Solid:
    """Return a flat fin in the plane y = 0 through corners (x, z)."""
    return hull([(x * scale, y, z * scale) for x, z in corners for y in (-half, half)])
