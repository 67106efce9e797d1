"""Large fasteners: bolts and screws with every kind of head, nuts, washers, studs and eye bolts."""

from dataclasses import dataclass

import numpy as np

from graspsim.assembly import assembled
from graspsim.contours import rounded
from graspsim.distributions import Choice, Uniform, one_of, ranged
from graspsim.geometry import rotation_about, transform
from graspsim.models import ObjectModel
from graspsim.polygons import plate
from graspsim.shapes import circle, symmetry_group
from graspsim.solids import Solid, cuboid, swept, turned

from ._fittings import tube
from ._threads import SIDES, Rows, grooved, nut, rod, spanner_head, thread, turned_head

BOLTS = ("hex bolt", "socket screw", "round-head screw", "countersunk screw", "carriage bolt", "stud", "eye bolt")
NUTS = ("hex nut", "square nut", "wing nut", "washer")
DRIVES = ("slot", "cross", "hexagon")
X, Y, Z = np.eye(3)


@dataclass(frozen=True)
class Fasteners:
    """One fastener, M14 to M30 by default, its axis along z. Threads are only seen: what collides is smooth.

    Attributes:
        kind: which of the eleven.
        diameter_m: of the thread; of a wing nut's, which is wide, two thirds of it.
        length_ratio: length of what carries the thread over its diameter, for a bolt, a screw or a stud; an eye bolt's
            is two thirds of it.
        thread_ratio: share of that length that is threaded.
        head_ratio: size of the head, the nut or the washer over the usual one.
        drive: recess in the head of a round-head or a countersunk screw.
    """

    kind: str = one_of(Choice(BOLTS + NUTS), *BOLTS, *NUTS)
    diameter_m: float = ranged(Uniform(0.014, 0.03), 0.012, 0.032)
    length_ratio: float = ranged(Uniform(1.6, 4.5), 1.5, 5.0)
    thread_ratio: float = ranged(Uniform(0.4, 1.0), 0.3, 1.0)
    head_ratio: float = ranged(Uniform(0.92, 1.12), 0.9, 1.2)
    drive: str = one_of(Choice(DRIVES), *DRIVES)

    def build(self, rng: np.random.Generator) -> ObjectModel:
        """Return the model; nothing is left to chance once the parameters are drawn."""
        build = {
            "hex bolt": self._hex_bolt,
            "socket screw": self._socket_screw,
            "round-head screw": self._round_head,
            "countersunk screw": self._countersunk,
            "carriage bolt": self._carriage_bolt,
            "stud": self._stud,
            "eye bolt": self._eye_bolt,
            "hex nut": self._hex_nut,
            "square nut": self._square_nut,
            "wing nut": self._wing_nut,
            "washer": self._washer,
        }[self.kind]
        return build()

    def _bolt(
        self, pieces: list[Solid], up_to: float, turns: int, neck: float = 0.05, length: float = 1.0
    ) -> ObjectModel:
        """Return a bolt whose shank hangs below z = 0 and reaches into its head up to a height.

        `neck` over the diameter stays free of thread, and `length` scales the shank's.
        """
        r = self.diameter_m / 2
        low = -self.length_ratio * self.diameter_m * length
        start = low + 0.14 * r
        end = start + self.thread_ratio * (-neck * self.diameter_m - start)
        shank = rod(r, low, up_to, [(start, end)])
        symmetries = symmetry_group(rotation_about(Z, 2 * np.pi / turns))
        model = assembled(self.kind, [*pieces, shank], symmetries, crease_rad=0.3)
        return grooved(model, r, [(start, end)], low)

    def _hex_bolt(self) -> ObjectModel:
        d = self.diameter_m
        height = 0.65 * d
        return self._bolt([spanner_head(6, 1.55 * d * self.head_ratio, height)], 0.3 * height, 6)

    def _socket_screw(self) -> ObjectModel:
        d = self.diameter_m
        radius, edge = 0.76 * d * self.head_ratio, 0.06 * d
        head = turned_head([(radius, 0), (radius, d - edge), (radius - edge, d)], circle(6) * 0.47 * d, 0.5 * d)
        return self._bolt([head], 0.3 * d, 6)

    def _round_head(self) -> ObjectModel:
        d = self.diameter_m
        return self._driven(_dome(0.95 * d * self.head_ratio, 0.7 * d, 0.12 * d), 0.35 * d)

    def _countersunk(self) -> ObjectModel:
        d = self.diameter_m
        radius = 0.95 * d * self.head_ratio
        rim = 0.06 * d
        height = radius - d / 2
        return self._driven([(d / 2, 0), (radius, height), (radius, height + rim)], 0.3 * d)

    def _driven(self, head: Rows, depth: float) -> ObjectModel:
        d = self.diameter_m
        if self.drive == "slot":
            half, reach = 0.1 * d, 3 * d
            recess = np.array([(-reach, -half), (reach, -half), (reach, half), (-reach, half)])
        elif self.drive == "cross":
            w, a = 0.1 * d, 0.5 * d
            arm = np.array([(a, -w), (a, w), (w, w)])
            recess = np.concatenate([arm @ rotation_about(Z, k * np.pi / 2)[:2, :2].T for k in range(4)])
        else:
            recess = circle(6) * 0.4 * d
        turns = {"slot": 2, "cross": 4, "hexagon": 6}[self.drive]
        return self._bolt([turned_head(head, recess, depth)], 0.1 * d, turns)

    def _carriage_bolt(self) -> ObjectModel:
        d = self.diameter_m
        dome = turned([(0, 0), *_dome(1.05 * d * self.head_ratio, 0.55 * d, 0.1 * d), (0, 0.55 * d)], SIDES)
        # Wider than the shank, on whose surface its sides would lie else.
        side, height = 1.1 * d, 0.6 * d
        neck = cuboid((side, side, height)).moved(transform(translation=(0, 0, 0.1 * d - height / 2)))
        return self._bolt([dome, neck], 0.1 * d, 4, neck=0.6)

    def _stud(self) -> ObjectModel:
        """A rod that is threaded from both ends."""
        r = self.diameter_m / 2
        half = (1 + self.length_ratio) * r
        bevel = 0.14 * r
        reach = self.thread_ratio * (half - bevel) - 1e-6
        threads = [(bevel - half, bevel - half + reach), (half - bevel - reach, half - bevel)]
        rows = [row for low, high in threads for row in thread(r, low, high)]
        rows = [(0, -half), (r - bevel, -half), *rows, (r - bevel, half), (0, half)]
        model = assembled(self.kind, [turned(rows, SIDES)], symmetry_group(rotation_about(X, np.pi), about_z=True))
        return grooved(model, r, threads, -half)

    def _eye_bolt(self) -> ObjectModel:
        d = self.diameter_m
        wire, ring = 0.36 * d, 1.05 * d * self.head_ratio
        collar = turned([(0, 0), (0.85 * d, 0), (0.85 * d, 0.2 * d), (0.6 * d, 0.4 * d), (0, 0.4 * d)], SIDES)
        path = np.column_stack([ring * circle(SIDES)[:, 0], np.zeros(SIDES), ring * circle(SIDES)[:, 1]])
        eye = swept(path, circle(16) * wire, is_closed=True, max_parts=22)
        eye = eye.moved(transform(translation=(0, 0, 0.3 * d + ring + 0.5 * wire)))
        return self._bolt([collar, eye], 0.2 * d, 2, length=2 / 3)

    def _hex_nut(self) -> ObjectModel:
        return self._nut(6, 1.6)

    def _square_nut(self) -> ObjectModel:
        return self._nut(4, 1.6)

    def _nut(self, sides: int, across: float) -> ObjectModel:
        d = self.diameter_m
        body, inside = nut(sides, across * d * self.head_ratio, d / 2, 0.8 * d)
        symmetries = symmetry_group(rotation_about(Z, 2 * np.pi / sides), rotation_about(X, np.pi))
        return grooved(assembled(self.kind, [body], symmetries), d / 2, [inside], -0.4 * d)

    def _wing_nut(self) -> ObjectModel:
        d = self.diameter_m * 2 / 3
        height, wide = 1.1 * d, 0.95 * d * self.head_ratio
        rows = thread(d / 2, 0.06 * d, height - 0.06 * d)
        inner = [(0.54 * d, 0.0), *rows, (0.54 * d, height)]
        outer = [(wide, 0.0), (0.85 * wide, height)]
        hub = Solid(tube(outer, inner).mesh, tube(outer, [(d / 2, 0), (d / 2, height)], 14).parts)
        corners = np.array([(0.7, 0.15), (1.3, 0.1), (2.5, 1.2), (2.3, 2.1), (1.6, 2.0), (0.7, 0.95)]) * d
        wing = plate(rounded(corners, [0, 0.3 * d, 0.4 * d, 0.4 * d, 0.3 * d, 0]), [], 0.32 * d, 0.03 * d, max_parts=8)
        upright = np.array([[1.0, 0, 0], [0, 0, -1], [0, 1, 0]])
        right = wing.moved(transform(upright))
        left = right.moved(transform(np.diag([-1.0, -1.0, 1.0])))
        model = assembled(self.kind, [hub, right, left], symmetry_group(rotation_about(Z, np.pi)))
        return grooved(model, d / 2, [(0.06 * d, height - 0.06 * d)], 0.0)

    def _washer(self) -> ObjectModel:
        d = self.diameter_m
        half, edge = max(0.16 * d, 0.004) / 2, 0.02 * d
        outer = d * (0.95 + 2.5 * (self.head_ratio - 0.9))
        rim = [(outer - edge, -half), (outer, edge - half), (outer, half - edge), (outer - edge, half)]
        hole = [(0.54 * d, -half), (0.54 * d, half)]
        solid = Solid(tube(rim, hole).mesh, tube([(outer, -half), (outer, half)], hole).parts)
        return assembled(self.kind, [solid], symmetry_group(rotation_about(X, np.pi), about_z=True))


def _dome(radius: float, height: float, rim: float) -> Rows:
    """Return rows of a head that is round above its rim and a little flat on top."""
    angle = np.linspace(0, 0.42 * np.pi, 6)
    z = rim + (height - rim) * np.sin(angle) / np.sin(angle[-1])
    return [(radius, 0.0), *zip((radius * np.cos(angle)).tolist(), z.tolist(), strict=True)]
