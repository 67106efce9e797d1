"""Hand tools: hammers, a mallet, screwdrivers, wrenches, pliers that are shut, brushes and a trowel."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from graspsim.assembly import assembled
from graspsim.contours import disc, rounded
from graspsim.distributions import Choice, Integers, Uniform, one_of, ranged
from graspsim.geometry import Array, rotation_about, transform
from graspsim.models import ObjectModel, Slot, Symmetries
from graspsim.polygons import plate
from graspsim.shapes import circle, symmetry_group
from graspsim.solids import Solid, cuboid, ellipsoid, lofted, rounded_box, swept, turned

KINDS = (
    "claw hammer",
    "ball hammer",
    "mallet",
    "screwdriver",
    "wrench",
    "ring wrench",
    "pliers",
    "paint brush",
    "scrub brush",
    "trowel",
)
X, Y, Z = np.eye(3)
HALF_TURN = rotation_about(X, np.pi)
STEEL, WOOD, RUBBER, PLASTIC, BRISTLE = (
    Slot("steel", 7.8),
    Slot("wood", 0.65),
    Slot("rubber", 1.2),
    Slot("plastic", 1.0),
    Slot("bristles", 0.4),
)


@dataclass(frozen=True)
class Tools:
    """A tool lying flat, its handle along x.

    Attributes:
        kind: which of the ten.
        length_m: about its length; of a scrub brush somewhat less.
        head_ratio: breadth of its head or jaws over that of a common one.
        handle_ratio: thickness of its handle over that of a common one.
        grip_sides: corners of a screwdriver's grip.
    """

    kind: str = one_of(Choice(KINDS), *KINDS)
    length_m: float = ranged(Uniform(0.15, 0.205), 0.12, 0.21)
    head_ratio: float = ranged(Uniform(0.85, 1.15), 0.75, 1.25)
    handle_ratio: float = ranged(Uniform(0.85, 1.15), 0.75, 1.25)
    grip_sides: int = ranged(Integers(4, 8), 4, 8)

    def build(self, rng: np.random.Generator) -> ObjectModel:
        """Return the model; finer proportions are drawn here."""
        build = {
            "claw hammer": self._claw_hammer,
            "ball hammer": self._ball_hammer,
            "mallet": self._mallet,
            "screwdriver": self._screwdriver,
            "wrench": self._wrench,
            "ring wrench": self._ring_wrench,
            "pliers": self._pliers,
            "paint brush": self._paint_brush,
            "scrub brush": self._scrub_brush,
            "trowel": self._trowel,
        }[self.kind]
        return build(rng)

    def _handle(self, start: float, stop: float, radius: float, rows: ArrayLike, oval: float = 1.25) -> Solid:
        """Return a handle along x of an oval section, whose breadth goes through rows of (share, ratio)."""
        t = np.linspace(0, 1, 13)
        path = np.outer(start + (stop - start) * t, X)
        share, ratio = np.asarray(rows, dtype=np.float64).T
        # The section's x lies along z or y of the path; either way the handle is symmetric about the x axis.
        section = circle(16) * radius * self.handle_ratio * (1.0, oval)
        return swept(path, section, np.interp(t, share, ratio), max_parts=8)

    def _hammer(self, rng: np.random.Generator, head: list[Solid], name: str, symmetries: Symmetries) -> ObjectModel:
        grip = rng.uniform(1.1, 1.3)
        rows = [(0, 0.85), (0.25, 0.85), (0.6, 1.05), (0.85, grip), (0.95, grip), (1, 0.9)]
        handle = self._handle(0.014, 0.014 - self.length_m, 0.0105, rows)
        return assembled(name, [*((solid, 0) for solid in head), (handle, 1)], symmetries, (STEEL, WOOD))

    def _claw_hammer(self, rng: np.random.Generator) -> ObjectModel:
        s = self.head_ratio
        block = rounded_box((0.026 * s, 0.036 * s, 0.026 * s), 0.003 * s)
        face = _along_y([(0.0095, 0.0), (0.0095, 0.014), (0.013, 0.02), (0.013, 0.032)], s)
        t = np.linspace(0, 1, 7)
        drop = rng.uniform(0.012, 0.02) * s
        wide, thick = np.interp(t, [0, 1], [0.011, 0.014]) * s, np.interp(t, [0, 1], [0.011, 0.002]) * s
        center = np.stack([0 * t, -0.012 * s - 0.048 * s * t, -drop * t * t], axis=1)
        corners = np.array([(1, -1), (1, 1), (-1, 1), (-1, -1)])
        claw = np.stack(
            [
                center[:, 0, None] + wide[:, None] * corners[:, 0],
                np.broadcast_to(center[:, 1, None], (7, 4)),
                center[:, 2, None] + thick[:, None] * corners[:, 1],
            ],
            axis=2,
        )
        claw_solid = lofted(claw, max_parts=5)
        return self._hammer(rng, [block, face, claw_solid], "claw hammer", Symmetries())

    def _ball_hammer(self, rng: np.random.Generator) -> ObjectModel:
        s = self.head_ratio
        block = rounded_box((0.024 * s, 0.03 * s, 0.024 * s), 0.004 * s)
        face = _along_y([(0.009, 0.0), (0.009, 0.016), (0.0125, 0.022), (0.0125, 0.036)], s)
        neck = _along_y([(0.008, 0.0), (0.008, 0.03)], s).moved(transform(rotation_about(Z, np.pi)))
        ball = ellipsoid(np.full(3, 0.0125 * s), segments=24, steps=12).moved(transform(translation=(0, -0.033 * s, 0)))
        return self._hammer(rng, [block, face, neck, ball], "ball hammer", Symmetries())

    def _mallet(self, rng: np.random.Generator) -> ObjectModel:
        s = self.head_ratio
        radius, half = 0.024 * s, rng.uniform(0.036, 0.046) * s
        if rng.uniform() < 0.5:
            head = _along_y(
                [
                    (0.92 * radius, -half),
                    (radius, 0.1 * radius - half),
                    (radius, half - 0.1 * radius),
                    (0.92 * radius, half),
                ],
                1.0,
            )
            slots = (RUBBER, WOOD)
        else:
            head = rounded_box((0.042 * s, 2 * half, 0.046 * s), 0.004 * s)
            slots = (Slot("head", 0.8), WOOD)
        rows = [(0, 0.9), (0.6, 1.0), (0.9, 1.15), (1, 1.0)]
        handle = self._handle(0.018, 0.018 - self.length_m, 0.0105, rows)
        return assembled("mallet", [(head, 0), (handle, 1)], symmetry_group(HALF_TURN), slots)

    def _screwdriver(self, rng: np.random.Generator) -> ObjectModel:
        length, radius = self.length_m, 0.0135 * self.handle_ratio
        grip = 0.5 * length * rng.uniform(0.9, 1.05)
        rows = [(0, 0.6), (0.04, 0.9), (0.15, 1.0), (0.6, 0.92), (0.8, 0.7), (0.92, 0.85), (1, 0.75)]
        share, ratio = np.array(rows).T
        t = np.linspace(0, 1, 15)
        sides = 2 * (self.grip_sides // 2)
        grip_solid = swept(np.outer(grip * t, X), circle(sides) * radius, np.interp(t, share, ratio), max_parts=10)
        shaft = 0.0034 * self.head_ratio
        blade = length - grip
        x = grip - 0.01 + (blade + 0.01) * np.array([0.0, 0.78, 0.9, 0.97, 1.0])
        # From the round shaft to the flat blade.
        broad, thin = shaft * np.array([1, 1, 1.25, 1.35, 1.35]), shaft * np.array([1, 1, 0.75, 0.4, 0.36])
        path = np.outer(x, X)
        shaft_solid = swept(path, circle(16), np.stack([broad, thin], axis=1), max_parts=5)
        solids = [(grip_solid, 1), (shaft_solid, 0)]
        return assembled("screwdriver", solids, symmetry_group(HALF_TURN), (STEEL, PLASTIC))

    def _jaw(self, radius: float, gap: float, tilt_rad: float, thick: float) -> Solid:
        """Return the open head of a wrench about the origin, its mouth towards +x turned by a tilt."""
        r, g = radius, gap / 2
        corners = [
            (1.02 * r, g),
            (0.95 * r, 0.72 * r),
            (0.35 * r, r),
            (-0.55 * r, 0.85 * r),
            (-r, 0.4 * r),
            (-r, -0.4 * r),
            (-0.55 * r, -0.85 * r),
            (0.35 * r, -r),
            (0.95 * r, -0.72 * r),
            (1.02 * r, -g),
            (0.1 * r, -g),
            (-0.18 * r, 0.0),
            (0.1 * r, g),
        ]
        radii = [0, 0.2 * r, 0.4 * r, 0.4 * r, 0.3 * r, 0.3 * r, 0.4 * r, 0.4 * r, 0.2 * r, 0, 0, 0, 0]
        solid = plate(rounded(corners, radii), [], thick, max_parts=12)
        return solid.moved(transform(rotation_about(Z, tilt_rad)))

    def _wrench(self, rng: np.random.Generator) -> ObjectModel:
        radius, tilt = 0.0195 * self.head_ratio, np.radians(rng.uniform(12, 18))
        small = radius * rng.uniform(0.72, 0.85)
        length = self.length_m - radius - small
        jaw = self._jaw(radius, 0.95 * radius, tilt, 0.009).moved(transform(translation=(length, 0, 0)))
        other = self._jaw(small, 0.95 * small, tilt, 0.008).moved(transform(rotation_about(Z, np.pi)))
        return assembled("wrench", [jaw, other, self._shank(radius, 0.0, length)], Symmetries(), (STEEL,))

    def _ring_wrench(self, rng: np.random.Generator) -> ObjectModel:
        radius, tilt = 0.0185 * self.head_ratio, np.radians(rng.uniform(12, 18))
        ring = 0.9 * radius
        length = self.length_m - radius - ring
        jaw = self._jaw(radius, 0.95 * radius, tilt, 0.009).moved(transform(translation=(length, 0, 0)))
        hole = rounded(circle(6) * 0.62 * ring)
        end = plate(disc((0, 0), ring), [hole], 0.0105, max_parts=12)
        shank = self._shank(radius, 0.8 * ring, length)
        return assembled("ring wrench", [jaw, end, shank], Symmetries(), (STEEL,))

    def _shank(self, radius: float, start: float, stop: float) -> Solid:
        """Return the flat handle of a wrench, from the middle of one head, or its rim, into that of the other."""
        half = 0.4 * radius * self.handle_ratio
        stop -= 0.5 * radius
        start = start or 0.5 * radius
        t = np.linspace(0, 1, 5)
        path = np.outer(start + (stop - start) * t, X)
        section = circle(16) * (half, 0.0026)
        return swept(path, section, np.array([1.0, 0.9, 0.85, 0.9, 1.0]), max_parts=4)

    def _pliers(self, rng: np.random.Generator) -> ObjectModel:
        s = self.head_ratio
        jaws, handles = self.length_m * rng.uniform(0.28, 0.36), self.length_m * 0.64
        tip = rng.uniform(0.25, 0.75)
        joint = turned([(0, -0.0065), (0.0135 * s, -0.0065), (0.0135 * s, 0.0065), (0, 0.0065)], segments=32)
        t = np.linspace(0, 1, 4)
        nose = swept(
            np.outer(jaws * t, X),
            _square(),
            np.stack([0.0055 * (1 - 0.35 * t), 0.0125 * s * (1 - tip * t)], axis=1),
            max_parts=3,
        )
        u = np.linspace(0, 1, 17)
        bow = 0.0165 * s * np.interp(u, [0, 0.15, 0.5, 0.85, 1], [0.35, 0.75, 1.25, 1.3, 1.15])
        path = np.stack([0.004 - handles * u, bow, 0 * u], axis=1)
        grip = swept(
            path,
            circle(16) * 0.0058 * self.handle_ratio,
            np.interp(u, [0, 0.25, 0.3, 1], [0.75, 0.75, 1.05, 1.0]),
            max_parts=9,
        )
        solids = [(joint, 0), (nose, 0), (grip, 1), (grip.moved(transform(HALF_TURN)), 1)]
        return assembled("pliers", solids, symmetry_group(HALF_TURN), (STEEL, RUBBER))

    def _paint_brush(self, rng: np.random.Generator) -> ObjectModel:
        wide, thick = 0.042 * self.head_ratio * rng.uniform(0.7, 1.0), 0.012 * rng.uniform(0.9, 1.2)
        hair, ferrule = self.length_m * rng.uniform(0.24, 0.3), self.length_m * 0.16
        wood = self.length_m - hair - ferrule
        end = wood + ferrule
        band = cuboid((ferrule, wide, thick)).moved(transform(translation=(wood + ferrule / 2, 0, 0)))
        t = np.array([0.0, 0.7, 1.0])
        breadth = np.stack([thick * np.array([0.46, 0.42, 0.12]), wide * np.array([0.47, 0.5, 0.47])], axis=1)
        bristles = swept(np.outer(end - 0.004 + (hair + 0.004) * t, X), _square(), breadth, max_parts=3)
        u = np.linspace(0, 1, 11)
        slim = np.stack(
            [
                np.interp(u, [0, 1], [0.42, 0.45]) * thick,
                np.interp(u, [0, 0.12, 0.45, 0.75, 1], [0.2, 0.28, 0.2, 0.36, 0.47]) * wide,
            ],
            axis=1,
        )
        handle = swept(np.outer((wood + 0.004) * u, X), circle(16), slim * self.handle_ratio**0.25, max_parts=6)
        solids = [(band, 0), (handle, 1), (bristles, 2)]
        return assembled("paint brush", solids, symmetry_group(HALF_TURN), (STEEL, WOOD, BRISTLE))

    def _scrub_brush(self, rng: np.random.Generator) -> ObjectModel:
        long, wide = 0.72 * self.length_m, 0.052 * self.head_ratio
        high = 0.016 * self.handle_ratio
        block = rounded_box((long, wide, high), 0.45 * high).moved(transform(translation=(0, 0, high / 2 - 0.002)))
        deep = rng.uniform(0.014, 0.022)
        hair = cuboid((0.9 * long, 0.82 * wide, deep + 0.002)).moved(transform(translation=(0, 0, -deep / 2 + 0.001)))
        solids = [(block, 0), (hair, 1)]
        return assembled("scrub brush", solids, symmetry_group(rotation_about(Z, np.pi)), (WOOD, BRISTLE))

    def _trowel(self, rng: np.random.Generator) -> ObjectModel:
        blade, wide = 0.5 * self.length_m, 0.03 * self.head_ratio * rng.uniform(0.9, 1.15)
        corners = [(0, -0.55 * wide), (0.25 * blade, -wide), (blade, 0), (0.25 * blade, wide), (0, 0.55 * wide)]
        leaf = plate(rounded(corners, [0.004, 0.012, 0.004, 0.012, 0.004]), [], 0.004, max_parts=6)
        rise = rng.uniform(0.022, 0.03)
        t = np.linspace(0, 1, 9)
        bend = np.stack([0.012 - 0.045 * t, 0 * t, rise * np.interp(t, [0, 0.25, 0.75, 1], [0, 0.08, 0.92, 1])], axis=1)
        neck = swept(bend, circle(16) * 0.0042, max_parts=7)
        rows = [(0, 0.8), (0.15, 1.0), (0.5, 0.92), (0.85, 1.1), (1, 0.7)]
        handle = self._handle(-0.025, -0.025 - 0.5 * self.length_m, 0.0115, rows, oval=1.0)
        solids = [(leaf, 0), (neck, 0), (handle.moved(transform(translation=(0, 0, rise))), 1)]
        return assembled("trowel", solids, Symmetries(), (STEEL, WOOD))


def _along_y(rows: list[tuple[float, float]], scale: float) -> Solid:
    """Return the solid of revolution about y of rows of (r, y)."""
    profile = [(0.0, rows[0][1]), *rows, (0.0, rows[-1][1])]
    return turned(np.array(profile) * scale, segments=32, max_parts=4).moved(transform(rotation_about(X, -np.pi / 2)))


def _square() -> Array:
    """Return the corners (4, 2) of a square from -1 to 1, counter-clockwise."""
    return np.array([(1.0, -1), (1, 1), (-1, 1), (-1, -1)])
