"""What one eats, cooks and serves with: spoons, forks, knives, a turner, a dough scraper, a ladle and a chopstick."""

from dataclasses import dataclass

import numpy as np

from graspsim.assembly import assembled
from graspsim.contours import rounded
from graspsim.distributions import Choice, Uniform, one_of, ranged
from graspsim.geometry import Array, rotation_about, transform
from graspsim.models import ObjectModel, Slot, object_model
from graspsim.polygons import plate
from graspsim.shapes import circle, symmetry_group
from graspsim.solids import Solid, hollow, lofted, turned

from ._knives import blade, bolster, grip, rivets, whole_knife
from ._sheets import Curve, Plan, bar, bent, curve, lens, plan, ribbon

KINDS = (
    "spoon", "wooden_spoon", "fork", "table_knife", "kitchen_knife", "turner", "dough_scraper", "ladle", "chopstick",
)  # fmt: skip
HOLLOWS = ("spoon", "wooden_spoon", "ladle")
STEEL = Slot("steel", 7.8)
HANDLES = (Slot("wooden handle", 0.65), Slot("plastic handle", 1.0))
ACROSS = np.array([-1, -0.9, -0.7, -0.5, -0.25, 0, 0.25, 0.5, 0.7, 0.9, 1])
X, Y, Z = np.eye(3)
STANDING = transform(np.array([[1.0, 0, 0], [0, 0, -1], [0, 1, 0]]))
ALONG_X = transform(np.array([[0.0, 0, 1], [0, -1, 0], [1, 0, 0]]))


@dataclass(frozen=True)
class Cutlery:
    """A piece of cutlery or a kitchen tool, its handle towards -x, as it lies on a table.

    A dough scraper stands on its blade and a ladle on its bowl. Left to chance once the parameters are drawn: the
    outline of handles, a fork's three or four tines, whether a kitchen knife is a chef's, a santoku or a paring knife,
    whether it has a bolster or rivets, the number of a turner's slots, a chopstick's taper, and whether a handle of its
    own is of wood or plastic.

    Attributes:
        kind: which of the nine.
        length_m: from end to end. A paring knife has four fifths of it, a dough scraper two thirds.
        width_ratio: width of the bowl, the blade or the tines, relative to what is usual for the kind and the length.
        thickness_m: of the metal; that of wood is twice as much. Thinner metal, though common, would trouble physics.
        bend_ratio: how far the neck rises, a bowl is deep and a ladle leans, relative to what is usual.
    """

    kind: str = one_of(Choice(KINDS), *KINDS)
    length_m: float = ranged(Uniform(0.15, 0.215), 0.14, 0.22)
    width_ratio: float = ranged(Uniform(0.88, 1.12), 0.8, 1.2)
    thickness_m: float = ranged(Uniform(0.0027, 0.004), 0.0025, 0.0045)
    bend_ratio: float = ranged(Uniform(0.7, 1.3), 0.5, 1.5)

    def build(self, rng: np.random.Generator) -> ObjectModel:
        """Return the model; the finer points are drawn here."""
        build = {
            "spoon": self._spoon,
            "wooden_spoon": self._wooden_spoon,
            "fork": self._fork,
            "table_knife": self._table_knife,
            "kitchen_knife": self._kitchen_knife,
            "turner": self._turner,
            "dough_scraper": self._dough_scraper,
            "ladle": self._ladle,
            "chopstick": self._chopstick,
        }[self.kind]
        return build(rng)

    def _curve(self, *points: tuple[float, float]) -> Curve:
        """Return the smooth curve through points given in lengths."""
        return curve(*(self.length_m * np.array(points)).T)

    def _handle(self, rng: np.random.Generator, neck: float) -> Curve:
        """Return half the width of a handle of metal, which is widest near its end."""
        end, slim = rng.uniform(0.04, 0.055), rng.uniform(0.5, 0.75)
        return self._curve((0, end), (0.1, end), (0.3, slim * end), (neck - 0.1, 0.019), (neck, 0.018))

    def _spoon(self, rng: np.random.Generator) -> ObjectModel:
        rise = 0.075 * self.bend_ratio
        arch = self._curve(
            (0, 0.12 * rise), (0.1, 0), (0.35, 0.45 * rise), (0.58, rise), (0.7, 0.6 * rise), (0.8, 0.3 * rise),
            (1, 0.35 * rise),
        )  # fmt: skip
        thick = curve(self.length_m * np.array([0, 0.5, 0.64, 0.75]), self.thickness_m * np.array([1, 1.1, 1.35, 1]))
        bowl = (0.64 * self.length_m, 0.105 * self.length_m, 0.3)
        return self._with_bowl(self._handle(rng, 0.62), arch, thick, 0.65, bowl, STEEL)

    def _wooden_spoon(self, rng: np.random.Generator) -> ObjectModel:
        slim = rng.uniform(0.021, 0.026)
        handle = self._curve((0, 1.15 * slim), (0.3, slim), (0.7, slim))
        rise = rng.uniform(0.0, 0.02) * self.bend_ratio
        arch = self._curve((0, 0), (0.5, rise), (0.68, rise), (0.8, 0.3 * rise), (1, 0.3 * rise))
        wall = 1.7 * self.thickness_m
        thick = curve(self.length_m * np.array([0, 0.62, 0.76]), [2 * slim * self.length_m] * 2 + [wall])
        bowl = (0.68 * self.length_m, 0.115 * self.length_m, 0.2)
        return self._with_bowl(handle, arch, thick, 0.45, bowl, Slot("wood", 0.65))

    def _with_bowl(
        self, handle: Curve, arch: Curve, thick: Curve, edge: float, bowl: tuple[float, float, float], slot: Slot
    ) -> ObjectModel:
        """Return a spoon.

        Args:
            handle: half its width up to the neck.
            arch: height of its middle, without the bowl.
            thick: its thickness.
            edge: thickness along the rim over that of the middle.
            bowl: where it starts, half its width and its depth over that.
            slot: what it is made of.
        """
        start, half, depth = bowl[0], bowl[1] * self.width_ratio, bowl[2]
        widest = start + 0.54 * (self.length_m - start)
        back, front = widest - start, self.length_m - widest
        neck = float(handle(np.array(start)))
        outline = curve(
            start + back * np.array([0, 0.1, 0.3, 0.55, 0.8, 1]),
            [neck, neck + 0.15 * half, 0.62 * half, 0.86 * half, 0.97 * half, half],
        )

        def width(x: Array) -> Array:
            return np.where(x < start, handle(x), outline(x))

        def height(x: Array, y: Array) -> Array:
            along = np.where(x > widest, (x - widest) / front, np.clip((widest - x) / back, 0, 1))
            side = (y / width(x)) ** 2
            full = np.where(x > widest, 1 - along**2 - side, np.clip(1 - along**2, 0, 1) ** 1.25 * (1 - side))
            return np.asarray(arch(x) - depth * (0.5 + 0.5 * self.bend_ratio) * half * full)

        cap = 0.035 * self.length_m
        x = np.concatenate([np.linspace(cap, start, 6), start + back * np.arange(1, 9) / 8])
        at = plan(x, width, ACROSS, caps=((cap, 3), (front, 5)))
        sheet = bent(at, height, thick(at.xy[..., 0]) * lens(at.rim, edge))
        first, last = len(at.xy) - 14, len(at.xy) - 1
        parts = sheet.strip(slice(0, first + 1), slice(None), 8)
        cuts = [0, 3, 5, 7, 10]
        parts += sheet.shell([first, *range(first + 2, last - 4, 2), last - 2, last], [cuts] * 6)
        return object_model(self.kind, sheet.mesh(), parts, symmetry_group(), slots=(slot,))

    def _fork(self, rng: np.random.Generator) -> ObjectModel:
        length, tines = self.length_m, int(rng.integers(3, 5))
        half = 0.062 * self.width_ratio
        handle = self._handle(rng, 0.6)
        shoulders = self._curve((0.6, 0.018), (0.65, 0.35 * half), (0.69, 0.8 * half), (0.74, half), (1, 0.97 * half))
        rise = 0.075 * self.bend_ratio
        arch = self._curve(
            (0, 0.12 * rise), (0.1, 0), (0.35, 0.45 * rise), (0.57, rise), (0.68, 0.6 * rise), (0.8, 0.05 * rise),
            (0.87, 0), (0.94, 0.2 * rise), (1, 0.6 * rise),
        )  # fmt: skip
        root = rng.uniform(0.74, 0.77)
        cap = 0.035
        at = np.concatenate([np.linspace(cap, 0.6, 8), np.linspace(0.6, root, 6)[1:], [root + 0.02, 0.88, 0.955, 1]])
        rows, x = 13, length * at
        # Between the tines is nearly as much room as they are wide; where they start, the gaps are narrow.
        gap = np.interp(x, length * np.array([root, root + 0.025]), [0.4, 0.95 if tines == 4 else 0.8])
        slim = np.interp(x, length * np.array([root, 0.955, 1]), [1, 0.75, 0.4])
        wide = 2 / (tines + (tines - 1) * gap)
        middle = -1 + wide[:, None] * (0.5 + (1 + gap[:, None]) * np.arange(tines))
        lines = np.array([-1, -0.7, 0.7, 1]) * (slim * wide / 2)[:, None]
        across = (middle[:, :, None] + lines[:, None]).reshape(len(x), -1)
        width = np.where(x < 0.6 * length, handle(x), shoulders(x))
        plane = Plan(np.stack([np.broadcast_to(x[:, None], across.shape), width[:, None] * across], 2), np.abs(across))
        rim = np.abs(across)
        rim[rows:] = np.tile([1, 0.7, 0.7, 1], tines)
        rim[-1] = 1
        end = plan(x[:2], handle, across[0], caps=((cap * length, 3), (0, 0)))
        plane = Plan(np.concatenate([end.xy[:-2], plane.xy]), np.concatenate([end.rim[:-2], rim]))
        thick = curve(length * np.array([0, 0.5, 0.62, 0.75, 1]), self.thickness_m * np.array([1, 1.1, 1.35, 1, 0.85]))
        sheet = bent(plane, lambda u, v: arch(u), thick(plane.xy[..., 0]) * lens(plane.rim, 0.65))
        first = len(plane.xy) - len(x) + rows - 1
        filled = np.ones(np.array(plane.xy.shape[:2]) - 1, dtype=bool)
        filled[first:, 3::4] = False
        parts = sheet.strip(slice(0, first + 1), slice(None), 16)
        for k in range(tines):
            parts += sheet.strip(slice(first, None), slice(4 * k, 4 * k + 4), 4)
        return object_model(self.kind, sheet.mesh(filled), parts, symmetry_group(), slots=(STEEL,))

    def _table_knife(self, rng: np.random.Generator) -> ObjectModel:
        sheet, parts = whole_knife(self.length_m, self.width_ratio, self.thickness_m, rng)
        return object_model(self.kind, sheet.mesh(), parts, symmetry_group(), slots=(STEEL,))

    def _kitchen_knife(self, rng: np.random.Generator) -> ObjectModel:
        shape = ("chef", "santoku", "paring")[rng.integers(3)]
        length = self.length_m * (0.8 if shape == "paring" else 1)
        back = float(rng.uniform(0.4, 0.46)) * length
        depth = 0.078 * self.length_m
        handle = grip(back, 0.052 * self.length_m, depth, rng)
        solids = [(blade(shape, length - back, self.width_ratio, self.thickness_m), 0)]
        solids += [(bolster(0.05 * self.length_m, depth), 0)]
        if rng.random() < 0.6:
            solids += [(rivet, 0) for rivet in rivets(back, 0.014 * self.length_m, depth)]
        return assembled(self.kind, [*solids, (handle, 1)], symmetry_group(), (STEEL, self._stuff(rng)))

    @staticmethod
    def _stuff(rng: np.random.Generator) -> Slot:
        return HANDLES[rng.integers(2)]

    def _turner(self, rng: np.random.Generator) -> ObjectModel:
        length, slots = self.length_m, int(rng.integers(3, 6))
        half = 0.155 * min(self.width_ratio, 1.1)
        rise = 0.16 * self.bend_ratio
        arch = self._curve((0, rise), (0.45, 0.6 * rise), (0.53, 0.5 * rise), (0.62, 0.1 * rise), (0.67, 0), (1, 0))
        outline = self._curve(
            (0.4, 0.022), (0.58, 0.02), (0.62, 0.03), (0.67, 0.75 * half), (0.7, 0.88 * half), (1, half)
        )
        wide = rng.uniform(0.9, 1.2)
        web = 2 / (slots + 1 + wide * slots)
        across = -1 + np.sort(np.concatenate([k * (1 + wide) * web + np.array([0, web]) for k in range(slots + 1)]))
        ends = 0.73, 0.93
        x = np.concatenate([np.linspace(0.4, 0.58, 6), np.linspace(0.6, 0.71, 8), [*ends, 0.965]])
        at = plan(x * length, outline, across, caps=((0, 0), (0.035 * length, 3)))
        sheet = bent(at, lambda u, v: arch(u), self.thickness_m)
        low, high = 14, 15
        filled = np.ones(np.array(at.xy.shape[:2]) - 1, dtype=bool)
        filled[low:high, 1::2] = False
        parts = sheet.strip(slice(0, low + 1), slice(None), 10)
        for k in range(slots + 1):
            parts += sheet.strip(slice(low, high + 1), slice(2 * k, 2 * k + 2), 1)
        parts += sheet.strip(slice(high, None), slice(None), 4)
        slim = rng.uniform(0.035, 0.045)
        shape = self._curve((0, 0.9 * slim), (0.08, slim), (0.3, 0.8 * slim), (0.42, slim), (0.5, 0.75 * slim))
        cap = 0.025 * length
        held = bar(np.linspace(cap, 0.48 * length, 9), shape, lambda x: 1.5 * shape(x), None, arch, ((cap, 3), (0, 0)))
        steel = Solid(sheet.mesh(filled), tuple(parts))
        return assembled(self.kind, [(steel, 0), (held, 1)], symmetry_group(), (STEEL, self._stuff(rng)))

    def _dough_scraper(self, rng: np.random.Generator) -> ObjectModel:
        x, z = self.length_m / 3 * self.width_ratio, self.length_m * rng.uniform(0.38, 0.46)
        corner = rng.uniform(0.05, 0.25) * z
        outline = rounded([(-x, 0), (x, 0), (x, z), (-x, z)], [corner, corner, 0, 0])
        sheet = plate(outline, [], self.thickness_m, 0.0003).moved(STANDING)
        radius, bulge = 0.05 * self.length_m, rng.uniform(0.0, 0.15)
        t = np.linspace(-1, 1, 9)
        sides = np.column_stack([radius * (1 - bulge * t**2), 1.02 * x * t])
        edge = 0.15 * radius
        rows = [(0, -1.02 * x - edge), *(sides[[0]] - (edge, edge)), *sides, *(sides[[-1]] + (-edge, edge))]
        handle = turned([*rows, (0, 1.02 * x + edge)], 40).moved(transform(translation=(0, 0, z)) @ ALONG_X)
        solids = [(sheet, 0), (handle, 1)]
        return assembled(self.kind, solids, symmetry_group(rotation_about(Z, np.pi)), (STEEL, self._stuff(rng)))

    def _ladle(self, rng: np.random.Generator) -> ObjectModel:
        length, wall = self.length_m, 0.85 * self.thickness_m
        radius = 0.135 * length * self.width_ratio
        depth = radius * rng.uniform(0.75, 1.0)
        angle = np.linspace(0.45, np.pi / 2, 8)
        arc = np.stack([np.sin(angle), np.cos(angle[0]) - np.cos(angle)], axis=1)
        outer = arc * (radius, depth / arc[-1, 1])
        inner = arc * (radius - wall, (depth - wall) / arc[-1, 1]) + (0, wall)
        cup = hollow(outer, inner, None, 40, 22)
        # Up along the wall, then leaning out, and round into a hook.
        lean = np.radians(6 + 8 * self.bend_ratio)
        along, out = np.array([np.sin(lean), np.cos(lean)]), np.array([np.cos(lean), -np.sin(lean)])
        rim = np.array([radius - wall / 2, depth])
        hook = 0.045 * length
        top = rim + along * (0.95 * length - depth - hook) / along[1]
        turn = np.linspace(0, np.radians(rng.uniform(140, 175)), 7)[1:, None]
        end = top + hook * (out * (1 - np.cos(turn)) + along * np.sin(turn))
        wall_at = outer[[-4, -3, -2]] - (0.4 * wall, 0)
        line = np.concatenate([wall_at, rim[None], top[None], end])
        half = np.array([0.55 * self.thickness_m, rng.uniform(0.026, 0.034) * length])
        return assembled(self.kind, [cup, ribbon(line * (-1, 1), half, 9)], symmetry_group(), (STEEL,))

    def _chopstick(self, rng: np.random.Generator) -> ObjectModel:
        length, side = self.length_m, rng.uniform(0.0035, 0.0042) * self.width_ratio
        t = np.linspace(0, 1, 9)
        half = side * (1 - (1 - rng.uniform(0.6, 0.7)) * t)
        # Square where it is held, round at the tip.
        power = np.interp(t, [0, 0.45, 0.75, 1], [9, 9, 2, 2])
        around = np.roll(circle(16), 2, axis=0)
        sections = [
            around * h * (np.abs(around) ** p).sum(axis=1)[:, None] ** (-1 / p)
            for h, p in zip(half, power, strict=True)
        ]
        flat = np.array([0.75 * sections[0], *sections, 0.6 * sections[-1]])
        along = np.concatenate([[-0.003], t, [1.004]]) * length
        body = np.concatenate([np.broadcast_to(along[:, None, None], (*flat.shape[:2], 1)), flat], axis=2)
        stick = lofted(body, 10)
        return object_model(
            self.kind,
            stick.mesh,
            stick.parts,
            symmetry_group(rotation_about(X, np.pi / 2)),
            slots=(Slot("wood", 0.65),),
        )
