"""Hand tools: hammers, screwdrivers, wrenches, pliers, brushes, a chisel and a trowel."""

from dataclasses import dataclass

import numpy as np

from graspsim.assembly import assembled
from graspsim.distributions import Choice, Uniform, one_of, ranged
from graspsim.geometry import rotation_about, transform
from graspsim.models import ObjectModel, Slot
from graspsim.shapes import circle, rings, symmetry_group
from graspsim.solids import Solid, hull, lofted, turned

from ._brushes import brush
from ._hammers import hammer
from ._sheets import bent, curve, plan, ribbon
from ._wrenches import pliers, wrench

HAMMERS = ("claw_hammer", "ball_hammer", "mallet")
WRENCHES = ("open_wrench", "ring_wrench", "combination_wrench")
BRUSHES = ("paint_brush", "scrub_brush", "toothbrush")
KINDS = (*HAMMERS, "screwdriver", *WRENCHES, "pliers", *BRUSHES, "chisel", "trowel")
STEEL, WOOD, PLASTIC = Slot("steel", 7.8), Slot("wooden handle", 0.65), Slot("plastic handle", 1.0)
X = np.array([1.0, 0, 0])
ALONG_X = np.array([[0.0, 0, 1], [0, -1, 0], [1, 0, 0]])


@dataclass(frozen=True)
class Tools:
    """A hand tool along x, its handle towards -x.

    Left to chance once the parameters are drawn: the proportions of handles, the curve and the slit of a claw, whether
    a mallet is of rubber or of wood, a screwdriver's tip and how many sides its grip has, whether rings have six or
    twelve corners, how long the jaws of pliers are, the number of tufts of a brush, and what handles are made of.

    Attributes:
        kind: which of the thirteen.
        length_m: from end to end; a scrub brush has five sixths of it.
        head_ratio: size of the head, the blade, the jaws or the bristles, relative to what is usual for the length.
        grip_ratio: thickness of the handle, relative to what is usual.
    """

    kind: str = one_of(Choice(KINDS), *KINDS)
    length_m: float = ranged(Uniform(0.16, 0.215), 0.14, 0.22)
    head_ratio: float = ranged(Uniform(0.88, 1.12), 0.8, 1.2)
    grip_ratio: float = ranged(Uniform(0.88, 1.12), 0.8, 1.2)

    def build(self, rng: np.random.Generator) -> ObjectModel:
        """Return the model; the finer points are drawn here."""
        sizes = (self.length_m, self.head_ratio, self.grip_ratio)
        if self.kind in HAMMERS:
            return hammer(self.kind, *sizes, rng)
        if self.kind in WRENCHES:
            return wrench(self.kind, *sizes, rng)
        if self.kind in BRUSHES:
            return brush(self.kind, *sizes, rng)
        if self.kind == "pliers":
            return pliers(*sizes, rng)
        build = {"screwdriver": self._screwdriver, "chisel": self._chisel, "trowel": self._trowel}[self.kind]
        return build(rng)

    def _screwdriver(self, rng: np.random.Generator) -> ObjectModel:
        length = self.length_m
        grip, shaft = rng.uniform(0.42, 0.5) * length, 0.0165 * length * self.head_ratio
        radius = 0.07 * length * self.grip_ratio
        sides = int(rng.choice([6, 8, 52]))
        waist, flare = rng.uniform(0.68, 0.8), rng.uniform(0.75, 0.9)
        t = np.array([0, 0.015, 0.05, 0.12, 0.45, 0.62, 0.75, 0.86, 0.94, 1])
        wide = np.array([0.55, 0.75, 0.93, 1, 1, 0.94, waist, waist, flare, 0.8 * flare])
        if sides == 52:
            handle = turned([(0, 0), *np.column_stack([radius * wide, grip * t]), (0, grip)], 52, 12)
        else:
            handle = lofted(rings(circle(sides), np.column_stack([radius * wide, grip * t])), 9)
        start, is_cross = 0.8 * grip, bool(rng.random() < 0.5)
        tip = length - 4.5 * shaft
        if is_cross:
            # Four wings that run out to a point, in a core that does too.
            rod = [(0, start), (shaft, start), (shaft, tip), (0.34 * shaft, length - 0.3 * shaft), (0, length)]
            wing = [(0.25 * shaft, shaft, tip - shaft), (0.22 * shaft, 0.98 * shaft, tip + shaft)]
            wing += [(0.16 * shaft, 0.36 * shaft, length - 0.2 * shaft)]
            box = np.array([(sx * w, sy * h, z) for w, h, z in wing for sx in (-1, 1) for sy in (-1, 1)])
            steel = [turned(rod, 24, 4), hull(box), hull(box[:, [1, 0, 2]])]
            turns = {6: 2, 8: 4, 52: 4}[sides]
        else:
            rod = [(0, start), (shaft, start), (shaft, tip + shaft), (0, tip + shaft)]
            half = shaft * np.array([(0.96, 0.96), (1.25, 0.6), (1.25, 0.3)])
            blade = (
                rings(circle(16), [(1, tip), (1, tip + 2 * shaft), (1, length)])
                * np.insert(half, 2, 1, axis=1)[:, None]
            )
            steel = [turned(rod, 24, 2), lofted(blade, 2)]
            turns = 2
        at = transform(ALONG_X)
        solids = [(handle.moved(at), 1), *((solid.moved(at), 0) for solid in steel)]
        slots = (STEEL, (PLASTIC, WOOD)[rng.integers(2)])
        return assembled(self.kind, solids, symmetry_group(rotation_about(X, 2 * np.pi / turns)), slots)

    def _turned_handle(self, end: float, rng: np.random.Generator) -> Solid:
        """Return a round handle along x from 0 to an end, with a swell in the middle."""
        r = 0.062 * self.length_m * self.grip_ratio
        butt, slim, neck = rng.uniform(0.85, 1.0), rng.uniform(0.78, 0.9), rng.uniform(0.6, 0.75)
        at = np.array([0, 0.04, 0.1, 0.3, 0.6, 0.85, 0.95, 1]) * end
        shape = curve(at, np.array([0.6 * butt, 0.9 * butt, butt, slim, 1, neck, neck, 0.9 * neck]) * r)
        x = np.array([0, 0.02, 0.05, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1]) * end
        return turned([(0, 0), *np.column_stack([shape(x), x]), (0, end)], 40, 12).moved(transform(ALONG_X))

    def _chisel(self, rng: np.random.Generator) -> ObjectModel:
        length = self.length_m
        end, thick = rng.uniform(0.44, 0.52) * length, rng.uniform(0.022, 0.028) * length
        half = rng.uniform(0.03, 0.055) * length * self.head_ratio
        slant = rng.uniform(1.8, 2.6) * thick
        low = -thick / 2
        heel, stop = end + 0.12 * length, length - slant
        shoulder = [(heel, y, z) for y in (-half, half) for z in (low, -low)]
        tip = [(stop, y, -low) for y in (-half, half)] + [
            (length, y, z) for y in (-half, half) for z in (low, low + 0.0008)
        ]
        blade = hull([*shoulder, *tip])
        neck = 0.024 * length
        square = [
            (end - 0.06 * length, neck, neck),
            (end + 0.03 * length, neck, neck),
            (heel + 0.01 * length, 0.9 * half, 0.98 * thick / 2),
        ]
        angle = np.roll(circle(16), 2, axis=0)
        tang = lofted(np.array([[(x, y * c, z * s) for c, s in angle] for x, y, z in square]), 3)
        collar = 0.034 * length
        rows = [
            (0, end - 0.03 * length),
            (collar, end - 0.03 * length),
            (collar, end + 0.008 * length),
            (0, end + 0.008 * length),
        ]
        ring = turned(rows, 32).moved(transform(ALONG_X))
        solids = [(blade, 0), (tang, 0), (ring, 0), (self._turned_handle(end, rng), 1)]
        return assembled(self.kind, solids, symmetry_group(), (STEEL, (WOOD, PLASTIC)[rng.integers(2)]))

    def _trowel(self, rng: np.random.Generator) -> ObjectModel:
        length = self.length_m
        thick = max(0.0025, 0.015 * length)
        end = rng.uniform(0.4, 0.45) * length
        rise = rng.uniform(0.1, 0.15) * length
        heel = end + 0.08 * length
        half = rng.uniform(0.15, 0.19) * length * self.head_ratio
        belly = rng.uniform(0.15, 0.35)
        x = heel + (length - heel) * np.array([0, 0.06, belly, 0.6, 0.9, 0.98])
        shape = curve(x, half * np.array([0.5, 0.75, 1, 0.68, 0.24, 0.1]))
        rows = heel + (length - heel) * np.concatenate([np.linspace(0, 0.3, 5), np.linspace(0.4, 0.98, 7)])
        at = plan(rows, shape, np.array([-1, -0.9, -0.5, 0, 0.5, 0.9, 1]), caps=((0, 0), (0.02 * (length - heel), 2)))
        sheet = bent(at, lambda u, v: 0 * u, thick)
        blade = Solid(sheet.mesh(), tuple(sheet.strip(slice(None), slice(None), 12)))
        # A goose neck from within the blade up to the handle.
        t = np.linspace(0, 1, 7)
        bow = np.column_stack([heel + 0.03 * length - 0.12 * length * t, rise * t**2 * (3 - 2 * t)])
        line = np.concatenate([[(heel + 0.14 * length, 0)], bow, [(end - 0.1 * length, rise)]])
        neck = ribbon(line, np.array([0.017, 0.022]) * length, 8)
        handle = self._turned_handle(end, rng).moved(transform(translation=(0, 0, rise)))
        solids = [(blade, 0), (neck, 0), (handle, 1)]
        return assembled(self.kind, solids, symmetry_group(), (STEEL, (WOOD, PLASTIC)[rng.integers(2)]))
