"""Flat things with holes and slots: perforated plates, frames, brackets, flanges, bars, hinges, ladders and combs."""

from dataclasses import dataclass

import numpy as np

from graspsim.assembly import assembled
from graspsim.contours import Contour, disc, rounded, stadium
from graspsim.distributions import Choice, Integers, Uniform, one_of, ranged
from graspsim.geometry import Array, rotation_about, transform
from graspsim.models import ObjectModel
from graspsim.polygons import plate, plate_mesh, plate_parts
from graspsim.shapes import circle, equalised, symmetry_group
from graspsim.solids import Solid

from ._fittings import bracket, frame, hinge, rectangle, tube

KINDS = ("perforated", "cover", "frame", "bracket", "corner", "flange", "bar", "hinge", "ladder", "comb", "board")
X, Y, Z = np.eye(3)
HALF_TURNS = (rotation_about(Y, np.pi), rotation_about(Z, np.pi))
MOST_ROUND_HOLES = 9
MOST_SQUARE_HOLES = 16
"""With more of them there would be more than 32 parts, or so few to a round hole that they would not follow it."""


@dataclass(frozen=True)
class Boards:
    """Something cut from a sheet or a board, or put together from two.

    What is left to chance once the parameters are drawn: whether holes are round, square or long, a flange is round,
    square, triangular or oval and has a hub, a corner plate is an L, a T or a cross, a bracket has a rib and legs of
    one length, how far a hinge is open, and whether a frame holds a picture.

    Attributes:
        kind: which of the eleven.
        length_m: the longer side, along x; of a flange its diameter. Brackets, hinges and flanges are smaller by a
            third or so.
        aspect_ratio: the shorter side over the longer.
        thickness_m: of the sheet, along z. Of covers, brackets, hinges and combs it is half, though no less than 4 mm.
        holes: number of holes, windows or bolts; along the longer side where there are rows. A comb has four teeth
            for each.
        hole_ratio: width of a hole over the room there is for it.
        corner_ratio: radius of the corners over the greatest that serves.
    """

    kind: str = one_of(Choice(KINDS), *KINDS)
    length_m: float = ranged(Uniform(0.09, 0.16), 0.07, 0.19)
    aspect_ratio: float = ranged(Uniform(0.45, 0.75), 0.4, 0.85)
    thickness_m: float = ranged(Uniform(0.006, 0.012), 0.005, 0.016)
    holes: int = ranged(Integers(2, 4), 2, 5)
    hole_ratio: float = ranged(Uniform(0.35, 0.58), 0.3, 0.6)
    corner_ratio: float = ranged(Uniform(0.1, 0.9), 0, 1)

    def build(self, rng: np.random.Generator) -> ObjectModel:
        """Return the model."""
        build = {
            "perforated": self._perforated,
            "cover": self._cover,
            "frame": self._frame,
            "bracket": self._bracket,
            "corner": self._corner,
            "flange": self._flange,
            "bar": self._bar,
            "hinge": self._hinge,
            "ladder": self._ladder,
            "comb": self._comb,
            "board": self._board,
        }[self.kind]
        return build(rng)

    @property
    def _sheet_m(self) -> float:
        return max(0.004, self.thickness_m / 2)

    def _flat(
        self, outline: Contour, holes: list[Contour], turns: tuple[Array, ...], thickness_m: float | None = None
    ) -> ObjectModel:
        thickness_m = thickness_m or self.thickness_m
        solid = plate(outline, holes, thickness_m, min(0.06 * thickness_m, 0.0005))
        return assembled(self.kind, [solid], symmetry_group(*turns))

    def _perforated(self, rng: np.random.Generator) -> ObjectModel:
        x, y = self.length_m / 2, self.length_m * self.aspect_ratio / 2
        columns = self.holes + 1
        rows = min(max(1, round(columns * self.aspect_ratio)), MOST_SQUARE_HOLES // columns)
        edge = 0.12 * y
        pitch = 2 * np.array([x - edge, y - edge]) / (columns, rows)
        shape = ("round", "square", "long")[rng.integers(3)]
        half = self.hole_ratio * pitch.min() / 2
        if shape == "long":
            # Slots along the shorter side, one to a column.
            reach = y - edge - 0.2 * pitch[1] - half
            at = (np.arange(columns) - (columns - 1) / 2) * pitch[0]
            half = min(half, 0.6 * reach)
            holes = [stadium((u, half - reach), (u, reach - half), half) for u in at.tolist()]
        else:
            at = np.indices((columns, rows)).reshape(2, -1).T - (columns - 1) / 2 * X[:2] - (rows - 1) / 2 * Y[:2]
            if shape == "round" and len(at) <= MOST_ROUND_HOLES:
                holes = [disc(center, half) for center in at * pitch]
            else:
                square = rounded(rectangle(-half, half, -half, half), 0.15 * half)
                holes = [square.moved(center) for center in at * pitch]
        outline = rounded(rectangle(-x, x, -y, y), self.corner_ratio * 0.5 * y)
        return self._flat(outline, holes, HALF_TURNS)

    def _cover(self, rng: np.random.Generator) -> ObjectModel:
        """A cover of a switch or a socket: a window or two in the middle, and two screws."""
        x, y = self.length_m / 2, self.length_m * self.aspect_ratio / 2
        screws = [disc((side * 0.84 * x, 0), 0.05 * x + 0.001) for side in (-1, 1)]
        half_x, half_y = 0.62 * x, (0.45 + 0.4 * self.hole_ratio) * y
        if self.holes > 3:
            window = rounded(rectangle(-half_x / 2 + 0.06 * x, half_x / 2 - 0.06 * x, -half_y, half_y), 0.12 * y)
            windows = [window.moved((side * half_x / 2, 0)) for side in (-1, 1)]
        elif rng.random() < 0.5:
            windows = [rounded(rectangle(-half_x, half_x, -half_y, half_y), 0.12 * y)]
        else:
            windows = [disc((0, 0), min(half_x, half_y))]
        outline = rounded(rectangle(-x, x, -y, y), self.corner_ratio * 0.5 * y)
        return self._flat(outline, [*windows, *screws], HALF_TURNS, self._sheet_m)

    def _frame(self, rng: np.random.Generator) -> ObjectModel:
        x, y = self.length_m, self.length_m * self.aspect_ratio
        depth, rail = 1.4 * self.thickness_m, y * (0.32 - 0.3 * self.hole_ratio)
        panel = 0.25 * depth if rng.random() < 0.75 else None
        return frame((x, y), depth, rail, self.corner_ratio * 0.6 * rail, panel)

    def _bracket(self, rng: np.random.Generator) -> ObjectModel:
        leg = 0.6 * self.length_m
        legs = (leg, leg) if rng.random() < 0.5 else (leg, leg * float(rng.uniform(0.6, 0.9)))
        width, sheet = leg * self.aspect_ratio, self._sheet_m
        is_ribbed = bool(rng.random() < 0.4)
        holes = 1 if is_ribbed else min(self.holes - 1, 2)
        hole = self.hole_ratio * width * (0.18 if is_ribbed else 0.27)
        bend = float(rng.uniform(0.3, 1.2)) * sheet
        return bracket(legs, width, sheet, bend, self.corner_ratio * 0.45 * width, hole, holes, is_ribbed)

    def _corner(self, rng: np.random.Generator) -> ObjectModel:
        """A flat plate that joins two, three or four beams."""
        a, b = equalised((0.85 * self.length_m, 0.85 * self.length_m * float(rng.uniform(0.7, 1.0))))
        arm = (0.2 + 0.12 * self.aspect_ratio) * min(a, b)
        s, radius = arm / 2, self.corner_ratio * 0.45 * arm
        hole = 0.42 * self.hole_ratio * arm
        shape = ("L", "T", "cross")[rng.integers(3)]
        if shape == "L":
            corners = [(-s, -s), (a - s, -s), (a - s, s), (s, s), (s, b - s), (-s, b - s)]
            at = [(0.0, 0.0), *((k * (a - arm), 0.0) for k in (0.55, 1)), *((0.0, k * (b - arm)) for k in (0.55, 1))]
            turns = [rotation_about((1, 1, 0), np.pi)] if a == b else []
        elif shape == "T":
            x = a / 2
            corners = [(-s, -b + s), (s, -b + s), (s, -s), (x, -s), (x, s), (-x, s), (-x, -s), (-s, -s)]
            at = [(0.0, 0.0), (s - x, 0.0), (x - s, 0.0), (0.0, arm - b), (0.0, 0.5 * (arm - b))]
            turns = [HALF_TURNS[0]]
        else:
            x, y = a / 2, b / 2
            corners = [(-s, -y), (s, -y), (s, -s), (x, -s), (x, s), (s, s), (s, y)]
            corners += [(-s, y), (-s, s), (-x, s), (-x, -s), (-s, -s)]
            at = [(s - x, 0.0), (x - s, 0.0), (0.0, y - s), (0.0, s - y)]
            turns = [*HALF_TURNS, *([rotation_about(Z, np.pi / 2)] if a == b else [])]
        return self._flat(rounded(corners, radius), [disc(center, hole) for center in at], tuple(turns))

    def _flange(self, rng: np.random.Generator) -> ObjectModel:
        """A ring with bolts around it: round, or drawn out to each bolt."""
        radius = 0.4 * self.length_m
        bolts = min(self.holes + 1, 5)
        reach = 0.76 * radius
        bolt = self.hole_ratio * 0.22 * radius
        bore = radius * (0.25 + 0.28 * self.hole_ratio)
        if rng.random() < 0.5:
            outline = disc((0, 0), radius)
        elif bolts > 4:
            bolts, outline = 2, _oval(0.76 * radius, radius, 0.24 * radius)
        else:
            lobe = 0.24 * radius
            out = lobe / np.cos(np.pi / bolts)
            outline = rounded(circle(bolts) * (reach + out), lobe)
            bore = min(bore, (reach + out) * np.cos(np.pi / bolts) - 0.2 * radius)
        angle = 2 * np.pi * np.arange(bolts) / bolts
        holes = [disc((0, 0), bore), *(disc((reach * np.cos(a), reach * np.sin(a)), bolt, a) for a in angle.tolist())]
        spin = rotation_about(Z, 2 * np.pi / bolts)
        if bolts > 3 or rng.random() < 0.4:
            return self._flat(outline, holes, (rotation_about(X, np.pi), spin))
        bore *= 0.8
        holes[0] = disc((0, 0), bore)
        # The hub's parts reach through the flange; the flange's own may end anywhere within the hub's wall.
        t, tall = self.thickness_m, float(rng.uniform(1.8, 3.0)) * self.thickness_m
        outer = (bore + 0.94 * (reach - bolt)) / 2
        middle = rounded(circle(6) * (bore + outer) / 2)
        flat = Solid(plate_mesh(outline, holes, t), plate_parts(outline, [middle, *holes[1:]], t, max_parts=19))
        hub = tube([(outer, -tall / 2), (outer, tall / 2)], [(bore, -tall / 2), (bore, tall / 2)], 13)
        up = transform(translation=(0, 0, (tall - t) / 2))
        return assembled("hubbed flange", [flat, hub.moved(up)], symmetry_group(spin))

    def _bar(self, rng: np.random.Generator) -> ObjectModel:
        """A link or a slotted bar with round ends."""
        x = self.length_m / 2
        half = x * (0.1 + 0.2 * self.aspect_ratio)
        hole = (0.25 + 0.55 * self.hole_ratio) * half
        ends = stadium((half - x, 0), (x - half, 0), half)
        if rng.random() < 0.4:
            slots = [stadium((0.35 * x - 0.25 * half, 0), (x - half, 0), 0.8 * hole)]
            return self._flat(ends, [disc((half - x, 0), hole), *slots], (rotation_about(X, np.pi),))
        if rng.random() < 0.5:
            return self._flat(ends, [stadium((half - x, 0), (x - half, 0), 0.8 * hole)], HALF_TURNS)
        count = min(self.holes + 1, 4, int(2 * (x - half) / (2.4 * hole)) + 1)
        at = np.linspace(half - x, x - half, count).tolist()
        return self._flat(ends, [disc((u, 0), hole) for u in at], HALF_TURNS)

    def _hinge(self, rng: np.random.Generator) -> ObjectModel:
        length = 0.6 * self.length_m
        leaf, sheet = 0.7 * length * self.aspect_ratio, self._sheet_m
        count = min(self.holes, 3)
        hole = min(0.2 * self.hole_ratio * leaf, 0.3 * length / count)
        opening = np.pi if rng.random() < 0.4 else float(rng.uniform(1.5, 2.9))
        return hinge(leaf, length, sheet, self.corner_ratio * 0.3 * leaf, hole, count, opening)

    def _ladder(self, rng: np.random.Generator) -> ObjectModel:
        x, y = self.length_m / 2, self.length_m * self.aspect_ratio / 2
        rail, rungs = y * (0.42 - 0.35 * self.hole_ratio), self.holes + 1
        pitch = 2 * (x - 0.5 * rail) / rungs
        half = pitch * (0.25 + 0.3 * self.hole_ratio)
        half_x, half_y = min(half, pitch / 2 - 0.15 * rail), y - rail
        radius = min(0.25, 0.5 * self.corner_ratio) * min(half_x, half_y)
        window = rounded(rectangle(-half_x, half_x, -half_y, half_y), radius)
        at = [(i - (rungs - 1) / 2) * pitch for i in range(rungs)]
        outline = rounded(rectangle(-x, x, -y, y), self.corner_ratio * 0.8 * rail)
        return self._flat(outline, [window.moved((u, 0)) for u in at], HALF_TURNS)

    def _comb(self, rng: np.random.Generator) -> ObjectModel:
        x, y = self.length_m / 2, 0.36 * self.length_m * self.aspect_ratio / 2
        teeth = 4 * self.holes
        guard = 0.06 * self.length_m
        pitch = 2 * (x - guard) / (teeth + 1)
        gap = pitch * (0.3 + 0.4 * self.hole_ratio)
        root = y * (0.45 - 0.25 * self.corner_ratio)
        corners, radii = [(-x, y), (-x, -y)], [0.6 * y, 0.3 * guard]
        for i in range(teeth + 1):
            u = (i - teeth / 2) * pitch
            corners += [(u - gap / 2, -y), (u - gap / 2, root), (u + gap / 2, root), (u + gap / 2, -y)]
            radii += [0.0, 0.0, 0.0, 0.0]
        corners += [(x, -y), (x, y)]
        radii += [0.3 * guard, 0.6 * y]
        solid = plate(rounded(corners, radii), [], self._sheet_m, 0.0002)
        return assembled("comb", [solid], symmetry_group(HALF_TURNS[0]))

    def _board(self, rng: np.random.Generator) -> ObjectModel:
        """A cutting board with a grip, which may have a hole to hang it by."""
        x, y = self.length_m / 2, self.length_m * self.aspect_ratio / 2
        neck = x * float(rng.uniform(0.35, 0.55))
        half = min(0.4 * y, 0.02)
        shoulder = x - neck
        corners = [(-x, -y), (shoulder, -y), (shoulder, -half), (x, -half), (x, half), (shoulder, half), (shoulder, y)]
        radius = (0.15 + 0.6 * self.corner_ratio) * min(y - half, neck) / 2
        grip = min((0.2 + 0.75 * self.corner_ratio) * half, 0.6 * neck)
        radii = [radius, radius, radius, grip, grip, radius, radius, radius]
        hole = disc((x - 1.2 * half, 0), self.hole_ratio * half)
        outline = rounded([*corners, (-x, y)], radii)
        return self._flat(outline, [hole] if rng.random() < 0.8 else [], (rotation_about(X, np.pi),))


def _oval(reach: float, radius: float, lobe: float) -> Contour:
    """Return the line around a circle and two smaller ones, to its left and right."""
    broad = 0.72 * radius
    turn = float(np.arccos((broad - lobe) / reach))
    centers = np.array([(reach, 0.0), (0, 0), (-reach, 0), (0, 0)])
    starts = np.array([-turn, turn, np.pi - turn, np.pi + turn])
    turns = np.array([2 * turn, np.pi - 2 * turn] * 2)
    return Contour(centers, np.array([lobe, broad] * 2), starts, turns)
