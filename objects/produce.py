"""Fruit and vegetables."""

from dataclasses import dataclass

import numpy as np
from scipy.interpolate import PchipInterpolator

from graspsim.assembly import assembled
from graspsim.distributions import Choice, Uniform, one_of, ranged
from graspsim.geometry import Array
from graspsim.models import ObjectModel, Slot, Symmetries
from graspsim.shapes import circle, rings, skin
from graspsim.solids import Solid, loft_parts, swept

KINDS = (
    "banana", "apple", "pear", "carrot", "egg", "lemon", "potato", "cucumber", "aubergine", "bell pepper", "strawberry",
)  # fmt: skip
FLESH, STEM, LEAF = Slot("flesh", 0.9), Slot("stem", 0.7), Slot("leaves", 0.5)
SIDES = 32

# Half profiles: (r, z) from the lower end to the upper, r over half the breadth, z over the height.
PROFILES: dict[str, tuple[tuple[float, float], ...]] = {
    "apple": (
        (0.0, 0.035), (0.2, 0.015), (0.42, 0.0), (0.75, 0.12), (0.97, 0.42), (1.0, 0.6), (0.88, 0.86), (0.55, 1.0),
        (0.28, 0.98), (0.0, 0.935),
    ),
    "pear": (
        (0.0, 0.02), (0.3, 0.0), (0.75, 0.08), (1.0, 0.3), (0.88, 0.5), (0.56, 0.72), (0.42, 0.86), (0.3, 0.96),
        (0.0, 1.0),
    ),
    "carrot": (
        (0.0, 0.0), (0.08, 0.01), (0.2, 0.12), (0.5, 0.45), (0.78, 0.75), (0.97, 0.92), (0.95, 0.97), (0.6, 1.0),
        (0.0, 0.985),
    ),
    "egg": (
        (0.0, 0.0), (0.5, 0.04), (0.85, 0.18), (1.0, 0.4), (0.9, 0.66), (0.62, 0.87), (0.3, 0.97), (0.0, 1.0),
    ),
    "lemon": (
        (0.0, 0.0), (0.16, 0.015), (0.25, 0.07), (0.6, 0.16), (0.94, 0.36), (1.0, 0.5), (0.94, 0.64), (0.6, 0.84),
        (0.28, 0.93), (0.2, 0.98), (0.0, 1.0),
    ),
    "potato": (
        (0.0, 0.0), (0.5, 0.05), (0.85, 0.2), (1.0, 0.45), (0.96, 0.65), (0.78, 0.86), (0.4, 0.98), (0.0, 1.0),
    ),
    "cucumber": (
        (0.0, 0.0), (0.5, 0.015), (0.85, 0.07), (1.0, 0.25), (1.0, 0.7), (0.85, 0.92), (0.5, 0.985), (0.0, 1.0),
    ),
    "aubergine": (
        (0.0, 0.0), (0.5, 0.03), (0.9, 0.15), (1.0, 0.32), (0.85, 0.55), (0.6, 0.78), (0.48, 0.93), (0.36, 0.99),
        (0.0, 1.0),
    ),
    "bell pepper": (
        (0.0, 0.025), (0.3, 0.008), (0.55, 0.0), (0.82, 0.2), (0.97, 0.55), (1.0, 0.75), (0.88, 0.94), (0.55, 1.0),
        (0.25, 0.985), (0.0, 0.95),
    ),
    "strawberry": (
        (0.0, 0.0), (0.2, 0.02), (0.55, 0.22), (0.88, 0.55), (1.0, 0.78), (0.82, 0.95), (0.4, 1.0), (0.0, 0.985),
    ),
}  # fmt: skip
# Breadth and height in metres, lobes around, how deep they are, and how far the whole bends over its height.
SHAPES: dict[str, tuple[float, float, int, float, float]] = {
    "apple": (0.062, 0.058, 5, 0.025, 0.0),
    "pear": (0.058, 0.085, 0, 0.0, 0.08),
    "carrot": (0.032, 0.16, 0, 0.0, 0.05),
    "egg": (0.044, 0.058, 0, 0.0, 0.0),
    "lemon": (0.052, 0.074, 0, 0.0, 0.02),
    "potato": (0.054, 0.086, 3, 0.05, 0.06),
    "cucumber": (0.042, 0.18, 0, 0.0, 0.06),
    "aubergine": (0.058, 0.16, 0, 0.0, 0.1),
    "bell pepper": (0.062, 0.07, 4, 0.045, 0.0),
    "strawberry": (0.036, 0.042, 0, 0.0, 0.03),
}
TOPPED = {
    "apple": "stem",
    "pear": "stem",
    "bell pepper": "stem",
    "aubergine": "cap",
    "carrot": "leaves",
    "strawberry": "leaves",
}


@dataclass(frozen=True)
class Produce:
    """Something grown, never quite regular: lobes, dents and bends are drawn.

    Attributes:
        kind: which of the eleven.
        size_ratio: size over that of a common one.
        slenderness: height over that of a common one of the same breadth; of a banana its thinness.
        irregularity: how far it is from being round and straight.
    """

    kind: str = one_of(Choice(KINDS), *KINDS)
    size_ratio: float = ranged(Uniform(0.8, 1.0), 0.5, 1.0)
    slenderness: float = ranged(Uniform(0.9, 1.15), 0.8, 1.3)
    irregularity: float = ranged(Uniform(0.6, 1.2), 0.5, 1.5)

    def build(self, rng: np.random.Generator) -> ObjectModel:
        """Return the model; its irregularities are drawn here."""
        if self.kind == "banana":
            return self._banana(rng)
        breadth, height, lobes, depth, bend = SHAPES[self.kind]
        breadth, height = breadth * self.size_ratio, height * self.size_ratio * self.slenderness
        knots = np.array(PROFILES[self.kind])
        profile = _smooth(knots) * (breadth / 2, height)
        uneven, angles = self.irregularity * rng.uniform(0.5, 1.0, 3), rng.uniform(0, 2 * np.pi, 4)
        theta = 2 * np.pi * np.arange(SIDES) / SIDES
        # An oval, its lobes, and one flat side: together nothing turns it onto itself.
        outline = 1 + 0.03 * uneven[0] * np.cos(2 * theta + angles[0]) + 0.02 * uneven[1] * np.cos(theta + angles[1])
        outline = outline + 0.012 * uneven[1] * np.cos(3 * theta + angles[3])
        if lobes:
            outline = outline + depth * uneven[2] * np.cos(lobes * theta + angles[2])
        sections = rings(circle(SIDES) * outline[:, None], profile)
        share = profile[:, 1] / height
        way = np.array([np.cos(angles[3]), np.sin(angles[3]), 0.0])
        lean = (bend + 0.012) * self.irregularity * height * (share * share)
        sections = sections + lean[:, None, None] * way
        # The parts fill the shallow dents at both ends.
        low, high = int(profile[:, 1].argmin()), int(profile[:, 1].argmax())
        flesh = Solid(skin(sections), tuple(loft_parts(sections[low : high + 1], 18, straightness=0.02)))
        top = sections[-1].mean(axis=0)
        return self._topped(rng, flesh, top, breadth, height)

    def _topped(self, rng: np.random.Generator, flesh: Solid, top: Array, breadth: float, height: float) -> ObjectModel:
        """Return what has grown together with its stem or leaves, if it has any."""
        kind = TOPPED.get(self.kind)
        solids: list[tuple[Solid, int]] = [(flesh, 0)]
        slots: tuple[Slot, ...] = (FLESH,)
        if kind in ("stem", "cap"):
            wide = breadth * (0.055 if kind == "stem" else 0.11)
            long = height * rng.uniform(0.2, 0.28) if kind == "stem" else height * 0.16
            side = rng.uniform(-0.3, 0.3, 2) * long
            t = np.linspace(0, 1, 5)
            # It begins inside the flesh.
            path = top + np.outer(t, [0, 0, long]) + np.outer(t * t, [*side, 0]) - (0, 0, 0.12 * height)
            solids.append((swept(path, circle(8) * wide, np.linspace(0.9, 1.1, 5)), 1))
            slots = (FLESH, STEM)
        elif kind == "leaves":
            t = np.linspace(0, 1, 4)
            count = 5
            start = rng.uniform(0, 2 * np.pi)
            for n in range(count):
                angle = start + 2 * np.pi * n / count + rng.uniform(-0.2, 0.2)
                out = np.array([np.cos(angle), np.sin(angle), 0.0])
                reach = breadth * rng.uniform(0.3, 0.45)
                rise = height * rng.uniform(0.12, 0.2) if self.kind == "carrot" else breadth * 0.12
                path = top - (0, 0, 0.05 * breadth) + np.outer(t, reach * out) + np.outer(t, [0, 0, rise])
                leaf = swept(path, circle(8) * breadth * (0.1, 0.055), np.linspace(1.2, 0.5, 4), max_parts=2)
                solids.append((leaf, 1))
            slots = (FLESH, LEAF)
        return assembled(self.kind, solids, Symmetries(), slots)

    def _banana(self, rng: np.random.Generator) -> ObjectModel:
        length, breadth = 0.165 * self.size_ratio, 0.034 * self.size_ratio / self.slenderness
        bow = np.radians(rng.uniform(60, 95)) * min(self.irregularity, 1.2)
        angle = np.linspace(-bow / 2, bow / 2, 25)
        radius = length / bow
        path = np.stack([radius * np.sin(angle), 0 * angle, radius * (1 - np.cos(angle))], axis=1)
        t = np.linspace(0, 1, 25)
        # Blossom end, body, neck and stem.
        rows = [(0.0, 0.24), (0.04, 0.42), (0.15, 0.8), (0.4, 1.0), (0.65, 0.97), (0.82, 0.68), (0.9, 0.4), (1.0, 0.36)]
        scale = PchipInterpolator(*np.array(rows).T)(t)
        theta = 2 * np.pi * np.arange(16) / 16
        ribs = 1 + 0.035 * np.cos(5 * theta + rng.uniform(0, 2 * np.pi))
        flesh = swept(path, circle(16) * ribs[:, None] * breadth / 2, scale, max_parts=16)
        return assembled("banana", [flesh], Symmetries())


def _smooth(knots: Array) -> Array:
    """Return a profile (k, 2) through knots, rounded in between."""
    along = np.concatenate([[0.0], np.cumsum(np.linalg.norm(np.diff(knots, axis=0), axis=1))])
    fine = np.unique(np.round(np.concatenate([along, np.linspace(0, along[-1], 22)]), 6))
    fine = fine[np.concatenate([[True], np.diff(fine) > 0.02 * along[-1]])]
    fine[-1] = along[-1]
    curve = np.stack([PchipInterpolator(along, column)(fine) for column in knots.T], axis=1)
    curve[[0, -1], 0] = 0.0
    return np.asarray(curve)
