"""What one drinks and pours from: mugs, cups, glasses, wine glasses, jugs, bottles and flasks."""

from dataclasses import dataclass

import numpy as np

from graspsim.assembly import assembled
from graspsim.distributions import Choice, Uniform, one_of, ranged
from graspsim.geometry import Array, rotation_about
from graspsim.models import ObjectModel, Slot, object_model
from graspsim.shapes import circle, rings, stack, symmetry_group
from graspsim.solids import Solid, hollow, turned, walled
from graspsim.walls import best_knots, sectors_of

from ._vessels import handle, inside, rounded_rim, sides

HOLLOWS = ("mug", "stein", "teacup", "beaker", "tumbler", "facetted_glass", "wine_glass", "jug", "pitcher")
SOLIDS = ("bottle", "flask")
PROPORTIONS = {
    "mug": (1.1, 1.1),
    "stein": (1.15, 1.45),
    "teacup": (1.25, 0.72),
    "beaker": (1.05, 1.3),
    "tumbler": (1.0, 1.45),
    "facetted_glass": (1.0, 1.35),
    "wine_glass": (1.0, 2.2),
    "jug": (1.3, 1.4),
    "pitcher": (1.2, 1.7),
    "bottle": (0.8, 2.7),
    "flask": (0.82, 2.6),
}
"""Of each kind: its width over `width_m`, and its height over its width at a height ratio of 1."""
HANDLED_SEGMENTS = 40
"""Sides of what a handle keeps from being truly round."""
SPOUTED_SEGMENTS = 48
"""The same of what has a spout besides, and three to each corner of its floor's part."""
WALL_PARTS = 26
"""What six parts of a handle leave for the rest."""
X, Y, Z = np.eye(3)


@dataclass(frozen=True)
class Drinkware:
    """A vessel for drinks. All are hollow but the bottle and the flask, which are full and closed.

    Besides what the parameters set, chance draws whether and how a body bulges, the thickness of a glass's floor, the
    size of handles, the shape of a wine glass's bowl, of a jug's neck and lip and of a bottle's shoulder, what closes a
    bottle, and whether it has a label.

    Attributes:
        kind: which of the eleven.
        width_m: diameter of a glass; the other kinds are wider or narrower in their proportion.
        height_ratio: height, relative to what is usual for the kind.
        foot_ratio: width of the foot over that of the rim, of mugs, beakers, glasses and pitchers.
        wall_m: thickness of the wall; a jug's and a pitcher's is a third thicker, a wine glass's at most 2.5 mm.
        reach_m: how far a handle stands out.
    """

    kind: str = one_of(Choice(HOLLOWS + SOLIDS), *HOLLOWS, *SOLIDS)
    width_m: float = ranged(Uniform(0.06, 0.078), 0.045, 0.1)
    height_ratio: float = ranged(Uniform(0.85, 1.15), 0.7, 1.4)
    foot_ratio: float = ranged(Uniform(0.7, 1.0), 0.6, 1)
    wall_m: float = ranged(Uniform(0.0024, 0.0042), 0.002, 0.005)
    reach_m: float = ranged(Uniform(0.022, 0.032), 0.015, 0.04)

    def build(self, rng: np.random.Generator) -> ObjectModel:
        """Return the model; the finer points are drawn here."""
        wide, high = PROPORTIONS[self.kind]
        radius = wide * self.width_m / 2
        height = 2 * radius * high * self.height_ratio
        build = {
            "mug": self._mug,
            "stein": self._mug,
            "teacup": self._teacup,
            "beaker": self._beaker,
            "tumbler": self._tumbler,
            "facetted_glass": self._facetted,
            "wine_glass": self._wine_glass,
            "jug": self._jug,
            "pitcher": self._jug,
            "bottle": self._bottle,
            "flask": self._flask,
        }[self.kind]
        return build(radius, height, rng)

    def _mug(self, radius: float, height: float, rng: np.random.Generator) -> ObjectModel:
        bulge = rng.uniform(0.04, 0.08) if rng.random() < 0.4 else 0.0
        foot = 0.5 + 0.5 * self.foot_ratio if self.kind == "mug" else 1.0
        outer = sides(radius, foot, height, bulge)
        outer, inner = rounded_rim(outer, inside(outer, self.wall_m, 1.3 * self.wall_m))
        low, high = rng.uniform(0.14, 0.26), rng.uniform(0.76, 0.88)
        body = hollow(outer, inner, None, HANDLED_SEGMENTS, WALL_PARTS)
        return self._with_handle(body, outer, low * height, high * height, rng)

    def _teacup(self, radius: float, height: float, rng: np.random.Generator) -> ObjectModel:
        outer = sides(radius, rng.uniform(0.45, 0.6), height, 0.0, rng.uniform(0.42, 0.6))
        outer, inner = rounded_rim(outer, inside(outer, self.wall_m, 1.3 * self.wall_m))
        body = hollow(outer, inner, None, HANDLED_SEGMENTS, WALL_PARTS)
        return self._with_handle(body, outer, 0.35 * height, 0.85 * height, rng)

    def _with_handle(self, body: Solid, outer: Array, low: float, high: float, rng: np.random.Generator) -> ObjectModel:
        thick, wide = rng.uniform(0.0028, 0.0042), rng.uniform(0.004, 0.0075)
        reach = min(self.reach_m, 0.9 * (high - low)) if self.kind == "teacup" else self.reach_m
        radii = np.array([thick, wide])
        grip = handle(outer, self.wall_m, low, high, reach, radii)
        return assembled(self.kind, [body, grip], symmetry_group())

    def _beaker(self, radius: float, height: float, rng: np.random.Generator) -> ObjectModel:
        bulge = rng.uniform(0.04, 0.12) if rng.random() < 0.3 else 0.0
        outer = sides(radius, self.foot_ratio, height, bulge)
        outer, inner = rounded_rim(outer, inside(outer, self.wall_m, 1.3 * self.wall_m))
        return self._round(hollow(outer, inner))

    def _tumbler(self, radius: float, height: float, rng: np.random.Generator) -> ObjectModel:
        outer = sides(radius, self.foot_ratio, height, 0.0, rng.choice([1.0, 0.5]))
        outer, inner = rounded_rim(outer, inside(outer, self.wall_m, rng.uniform(0.003, 0.012)))
        return self._round(hollow(outer, inner))

    def _round(self, solid: Solid) -> ObjectModel:
        return object_model(self.kind, solid.mesh, solid.parts, symmetry_group(about_z=True))

    def _facetted(self, radius: float, height: float, rng: np.random.Generator) -> ObjectModel:
        n = int(rng.choice([6, 8]))
        outer = sides(radius, self.foot_ratio, height)
        inner = inside(outer, self.wall_m, rng.uniform(0.004, 0.012))
        glass = walled(rings(circle(n), outer), rings(circle(n), inner), [0, len(outer) - 1], [range(n)])
        turns = symmetry_group(rotation_about(Z, 2 * np.pi / n))
        return object_model(self.kind, glass.mesh, glass.parts, turns)

    def _wine_glass(self, radius: float, height: float, rng: np.random.Generator) -> ObjectModel:
        slim = rng.uniform(0.7, 1.0)
        radius *= slim
        stem, bowl = rng.uniform(0.0032, 0.0045), height * rng.uniform(0.4, 0.5) * (1.45 - 0.45 * slim)
        angle = np.linspace(0.28, np.radians(rng.uniform(92, 122)), 7)
        arc = np.stack([np.sin(angle), np.cos(angle[0]) - np.cos(angle)], axis=1)
        outer = arc * (radius, bowl / arc[-1, 1]) + (0, height - bowl)
        wall = min(self.wall_m, 0.0025)
        inner = inside(outer, wall, height - bowl + 1.6 * wall)
        foot = rng.uniform(0.8, 0.95) * radius
        low = height - bowl
        base = np.array(
            [
                (foot - 0.0006, 0),
                (foot, 0.0015),
                (0.45 * foot, 0.005),
                (1.4 * stem, 0.011),
                (stem, 0.02),
                (stem, low - 0.012),
                (1.35 * stem, low - 0.005),
                (outer[0, 0], low),
            ]
        )
        profile = np.concatenate([[(0, 0)], base[:-1], outer, inner[::-1], [(0, inner[0, 1])]])
        parts = [*turned(np.concatenate([[(0, 0)], base, [(0, low)]])).parts]
        parts += hollow(outer, inner, max_parts=32 - len(parts)).parts
        return object_model(self.kind, stack(circle(), profile), parts, symmetry_group(about_z=True))

    def _jug(self, radius: float, height: float, rng: np.random.Generator) -> ObjectModel:
        if self.kind == "jug":
            foot, neck, bulge = rng.uniform(0.8, 0.95), rng.uniform(0.62, 0.78), rng.uniform(0.035, 0.065)
        else:
            foot, neck, bulge = 1.0, 0.8 * self.foot_ratio + rng.uniform(0.0, 0.15), 0.0
        start, mouth = rng.uniform(0.64, 0.74), neck + rng.uniform(0.04, 0.14)
        t, up = np.linspace(0, 1, 7), np.linspace(0, 1, 4)[1:]
        below = np.stack([foot + (neck - foot) * t + bulge * np.sin(np.pi * t), start * t], axis=1)
        above = np.stack([neck + (mouth - neck) * up, start + (1 - start) * up], axis=1)
        outer = np.concatenate([below, above])
        outer *= (radius / outer[:, 0].max(), height)
        inner = inside(outer, 1.35 * self.wall_m, 1.8 * self.wall_m)
        # From the neck up the rim is drawn out, ever more, into a lip on the side of +x.
        angle = np.linspace(-np.pi, np.pi, SPOUTED_SEGMENTS, endpoint=False)
        toward = np.cos(np.clip(angle / 0.75, -1, 1) * np.pi / 2) ** 1.5
        drawn = rng.uniform(0.2, 0.34) * np.concatenate([0 * t, up])
        around = np.stack([np.cos(angle), np.sin(angle)], axis=1)
        both = []
        for rows in (outer, inner):
            sections = rings(around, rows)
            sections[..., :2] *= 1 + drawn[:, None, None] * toward[:, None]
            both.append(sections)
        bands = [*best_knots(outer[: len(t)], inner[: len(t)], 14), len(outer) - 1]
        cuts = [
            np.linspace(0, SPOUTED_SEGMENTS, n + 1).round().astype(int)[:-1].tolist()
            for n in sectors_of(outer, bands, WALL_PARTS - 1)
        ]
        body = walled(both[0], both[1], bands, cuts)
        return self._with_handle(body, outer, rng.uniform(0.28, 0.34) * height, 0.88 * height, rng)

    def _bottle(self, radius: float, height: float, rng: np.random.Generator) -> ObjectModel:
        neck, start = radius * rng.uniform(0.3, 0.48), rng.uniform(0.42, 0.62)
        stop = start + rng.uniform(0.14, 0.24)
        t = np.linspace(0, 1, 7)
        shoulder = np.stack(
            [neck + (radius - neck) * (1 + np.cos(np.pi * t)) / 2, height * (start + (stop - start) * t)], axis=1
        )
        mouth = 0.94 * height
        body = [(0, 0), (0.92 * radius, 0), (radius, 0.05 * radius), *shoulder, (neck, mouth), (0, mouth)]
        has_cork = rng.random() < 0.35
        if has_cork:
            r, low = 0.75 * neck, 0.8 * height
            stopper = [(0, low), (0.95 * r, low), (r, height - 0.05 * neck), (0.93 * r, height), (0, height)]
            slots = [Slot("bottle", 1.3), Slot("cork", 0.2)]
        else:
            r, low = 1.16 * neck, 0.88 * height
            stopper = [(0, low), (r, low), (r, height - 0.15 * neck), (0.9 * r, height), (0, height)]
            slots = [Slot("bottle", 1.05), Slot("cap", 0.7)]
        # What stands first fills the place where two overlap; a cork fills the neck.
        pieces = [(turned(stopper), 1), (turned(body), 0)] if has_cork else [(turned(body), 0), (turned(stopper), 1)]
        if rng.random() < 0.6:
            low, high = height * 0.12, height * (start - 0.06)
            wide = radius + 0.0005
            pieces.append((turned([(0, low), (wide, low), (wide, high), (0, high)]), 2))
            slots.append(Slot("label", slots[0].relative_density))
        return assembled(self.kind, pieces, symmetry_group(about_z=True), tuple(slots))

    def _flask(self, radius: float, height: float, rng: np.random.Generator) -> ObjectModel:
        top, neck = height * rng.uniform(0.68, 0.78), radius * rng.uniform(0.86, 0.95)
        shoulder = top - 0.08 * height
        body = [(0, 0), (0.94 * radius, 0), (radius, 0.06 * radius), (radius, shoulder), (neck, top)]
        low = top + rng.uniform(0.025, 0.05) * height
        body += [(0.8 * neck, top), (0.8 * neck, low + 0.05 * height), (0, low + 0.05 * height)]
        cap = [(0, low), (neck, low), (0.97 * neck, height - 0.1 * radius), (0.87 * neck, height), (0, height)]
        slots = (Slot("flask", 1.2), Slot("cap", 0.5))
        return assembled(self.kind, [(turned(body), 0), (turned(cap), 1)], symmetry_group(about_z=True), slots)
