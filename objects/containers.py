"""What things are kept in: boxes, trays, tins, cans, cartons, tubs, jars, crates and bowls, open or with a lid."""

from dataclasses import dataclass

import numpy as np

from graspsim.assembly import assembled
from graspsim.distributions import Choice, Uniform, one_of, ranged
from graspsim.geometry import Array, rotation_about, transform
from graspsim.models import ObjectModel, Slot, Symmetries, object_model
from graspsim.shapes import circle, equalised, symmetry_group
from graspsim.solids import Solid, hollow, hull, swept, turned

from ._boxes import block, bow_loop, flanged, flap_of, open_box, prism, rectangle
from ._vessels import inside, rounded_rim, sides

HOLLOWS = ("box", "flap_box", "tray", "tin", "tub", "crate", "bowl")
SOLIDS = ("lidded_box", "gift_box", "can", "milk_carton", "juice_box", "lidded_tub", "jar", "lidded_bowl")
PROPORTIONS = {
    "box": (1.4, 0.65),
    "flap_box": (1.25, 0.75),
    "tray": (1.8, 0.22),
    "tin": (1.1, 1.3),
    "tub": (1.4, 0.66),
    "crate": (1.6, 0.55),
    "bowl": (1.9, 0.45),
    "lidded_box": (1.1, 0.6),
    "gift_box": (1.05, 0.8),
    "can": (1.05, 1.5),
    "milk_carton": (1.0, 2.2),
    "juice_box": (0.75, 1.9),
    "lidded_tub": (1.1, 0.75),
    "jar": (1.1, 1.3),
    "lidded_bowl": (1.1, 0.8),
}
"""Of each kind: its width over `width_m`, and its height over its width at a height ratio of 1."""
X, Y, Z = np.eye(3)


@dataclass(frozen=True)
class Containers:
    """A container. Open ones are hollow; ones with a lid are full and closed.

    Besides what the parameters set, chance draws whether tubs are round or rectangular, the flaps' angles, the number
    of a crate's slats, the beads of a can, the height of lids, how roofs slope, and where caps and straws are.

    Attributes:
        kind: which of the fifteen.
        width_m: width of a milk carton, along y; the other kinds are wider or narrower in their proportion.
        length_ratio: length, along x, over width, of what is rectangular.
        height_ratio: height, relative to what is usual for the kind.
        foot_ratio: width of the foot over that of the rim, of trays, tubs and bowls.
        corner_ratio: radius of the upright edges of boxes, trays and tubs over half their width; sharp if below 0.08.
        wall_m: thickness of the walls of what is open; a tin's is half of it.
    """

    kind: str = one_of(Choice(HOLLOWS + SOLIDS), *HOLLOWS, *SOLIDS)
    width_m: float = ranged(Uniform(0.042, 0.057), 0.036, 0.08)
    length_ratio: float = ranged(Uniform(1.0, 1.7), 1, 2)
    height_ratio: float = ranged(Uniform(0.8, 1.2), 0.7, 1.4)
    foot_ratio: float = ranged(Uniform(0.75, 0.97), 0.65, 1)
    corner_ratio: float = ranged(Uniform(0.0, 0.5), 0, 0.7)
    wall_m: float = ranged(Uniform(0.0022, 0.0035), 0.002, 0.005)

    def build(self, rng: np.random.Generator) -> ObjectModel:
        """Return the model; the finer points are drawn here."""
        wide, high = PROPORTIONS[self.kind]
        width = wide * self.width_m
        # Of nearly equal sides, 3 % apart, both are made equal.
        width, length = equalised((width, width * self.length_ratio))
        build = {
            "box": self._box,
            "flap_box": self._flap_box,
            "tray": self._tray,
            "tin": self._tin,
            "tub": self._tub,
            "crate": self._crate,
            "bowl": self._bowl,
            "lidded_box": self._lidded_box,
            "gift_box": self._lidded_box,
            "can": self._can,
            "milk_carton": self._milk_carton,
            "juice_box": self._juice_box,
            "lidded_tub": self._lidded_tub,
            "jar": self._jar,
            "lidded_bowl": self._lidded_bowl,
        }[self.kind]
        return build(np.array([length, width, width * high * self.height_ratio]), rng)

    def _one(self, solid: Solid, symmetries: Symmetries) -> ObjectModel:
        return object_model(self.kind, solid.mesh, solid.parts, symmetries)

    def _corner(self, width: float) -> float:
        return self.corner_ratio * width / 2 if self.corner_ratio >= 0.08 else 0.0

    # Open and hollow.

    def _box(self, size: Array, rng: np.random.Generator) -> ObjectModel:
        return self._one(open_box(size, self._corner(size[1]), self.wall_m, 1.0), _upright(size))

    def _flap_box(self, size: Array, rng: np.random.Generator) -> ObjectModel:
        # Flaps at an angle of their own on two sides: the box is not square either, or it would nearly be.
        size = np.array([max(size[0], 1.15 * size[1]), size[1], size[2]])
        pieces = [open_box(size, 0.0, self.wall_m, 1.0)]
        for side, angle in ((0, rng.uniform(-1.2, 0.5)), (1, rng.uniform(-1.2, 0.5))):
            flap = flap_of(size, side, angle, self.wall_m)
            pieces += [flap, flap.moved(transform(rotation_about(Z, np.pi)))]
        return assembled(self.kind, pieces, symmetry_group(rotation_about(Z, np.pi)))

    def _tray(self, size: Array, rng: np.random.Generator) -> ObjectModel:
        radius = max(self._corner(size[1]), 0.06 * size[1])
        return self._one(flanged(size, radius, self.wall_m, self.foot_ratio), _upright(size))

    def _tin(self, size: Array, rng: np.random.Generator) -> ObjectModel:
        radius, height, wall = size[1] / 2, size[2], max(0.5 * self.wall_m, 0.001)
        bead = 0.8 * wall
        # Straight but for a bead around the rim.
        r = [radius - bead, radius - bead, radius, radius]
        z = np.array([0, height - 5 * bead, height - 4 * bead, height])
        outer = np.stack([r, z], axis=1)
        inner = np.stack([np.full(4, r[0] - wall), wall + z * (1 - wall / height)], axis=1)
        return self._one(hollow(outer, inner, [0, 1, 3]), symmetry_group(about_z=True))

    def _tub(self, size: Array, rng: np.random.Generator) -> ObjectModel:
        if rng.random() < 0.5:
            radius = max(self._corner(size[1]), 0.2 * size[1])
            return self._one(flanged(size, radius, self.wall_m, self.foot_ratio), _upright(size))
        outer = sides(size[1] / 2, self.foot_ratio, size[2])
        outer, inner = rounded_rim(outer, inside(outer, self.wall_m, self.wall_m))
        return self._one(hollow(outer, inner), symmetry_group(about_z=True))

    def _bowl(self, size: Array, rng: np.random.Generator) -> ObjectModel:
        outer = sides(size[1] / 2, 0.5 * self.foot_ratio, size[2], 0.0, rng.uniform(0.42, 0.6))
        outer, inner = rounded_rim(outer, inside(outer, self.wall_m, 1.2 * self.wall_m))
        return self._one(hollow(outer, inner), symmetry_group(about_z=True))

    def _crate(self, size: Array, rng: np.random.Generator) -> ObjectModel:
        # Its floor's boards run along x, so a square one would be symmetric but for them.
        length, width, height = max(size[0], 1.15 * size[1]), size[1], size[2]
        slats, boards, board = int(rng.integers(2, 4)), int(rng.integers(2, 5)), 1.2 * self.wall_m
        post, gap = 0.12 * width, rng.uniform(0.18, 0.35)
        pieces = []
        pitch = height / (slats - gap)
        for level in range(slats):
            tall = pitch * (1 - gap)
            z = level * pitch + tall / 2
            for sign in (-1, 1):
                pieces.append(block((length, board, tall), (0, sign * (width - board) / 2, z)))
                pieces.append(block((board, width, tall), (sign * (length - board) / 2, 0, z)))
        for x in (-1, 1):
            for y in (-1, 1):
                middle = (x * ((length - post) / 2 - board / 2), y * ((width - post) / 2 - board / 2))
                # Shorter than the walls at both ends, so that no faces coincide.
                tall = 0.9 * height
                pieces.append(block((post, post, tall), (*middle, board / 2 + tall / 2)))
        pitch = (width - board) / (boards - 0.15)
        for n in range(boards):
            y = (n + 0.5) * pitch - boards * pitch / 2
            pieces.append(block((length - board, 0.85 * pitch, board), (0, y, board / 2 + 0.0006)))
        return assembled(self.kind, pieces, symmetry_group(rotation_about(Z, np.pi)))

    # Closed and full.

    def _lidded_box(self, size: Array, rng: np.random.Generator) -> ObjectModel:
        corner, over = self._corner(size[1]), rng.uniform(0.0012, 0.0025)
        height, lid = size[2], size[2] * rng.uniform(0.22, 0.4)
        rim = size[:2] + 2 * over
        body = prism([(rectangle(size[0], size[1], corner), z) for z in (0, height - lid / 2)])
        top = prism([(rectangle(rim[0], rim[1], corner + over * (corner > 0)), z) for z in (height - lid, height)])
        pieces, slots = [(body, 0), (top, 1)], [Slot("box"), Slot("lid")]
        if self.kind == "gift_box":
            band, thick = rng.uniform(0.14, 0.22) * size[1], 0.0006
            middle = height - lid / 2 + thick / 2
            tall = lid + thick
            for strip in ((rim[0] + 2 * thick, band, tall), (band, rim[1] + 2 * thick, tall)):
                pieces.append((block(strip, (0, 0, middle)), 2))
            slots.append(Slot("ribbon"))
            # Two loops of a bow, which stand along one diagonal.
            reach, swell = 0.24 * size[1], 0.11 * size[1]
            for turn in (0, np.pi):
                loop = bow_loop(reach, swell, 0.09 * size[1])
                pieces.append((loop.moved(transform(rotation_about(Z, turn + 0.6), (0, 0, height))), 2))
            return assembled(self.kind, pieces, symmetry_group(rotation_about(Z, np.pi)), tuple(slots))
        return assembled(self.kind, pieces, _upright(size), tuple(slots))

    def _can(self, size: Array, rng: np.random.Generator) -> ObjectModel:
        radius, height = size[1] / 2, size[2]
        bead, rim = 0.0012, 0.03 * height + 0.001
        label = turned([(0, 0.5 * rim), (radius, 0.5 * rim), (radius, height - 0.5 * rim), (0, height - 0.5 * rim)])
        if rng.random() < 0.5:
            # A drink's can: drawn in at the top, and at the foot.
            neck, low, high = rng.uniform(0.8, 0.88) * radius, 0.05 * height, 0.9 * height
            label = turned([(0, low), (radius, low), (radius, high), (0, high)])
            profile = [(0, 0), (0.78 * radius, 0), (radius - 0.0005, low + 0.001), (radius - 0.0005, high - 0.001)]
            profile += [(neck, height - 2 * bead), (neck + bead, height - bead), (neck + bead, height), (0, height)]
            ends, group = [turned(profile)], symmetry_group(about_z=True)
        else:
            wide = radius + bead
            ends = [turned([(0, z), (wide, z), (wide, z + rim), (0, z + rim)]) for z in (0, height - rim)]
            group = symmetry_group(rotation_about(X, np.pi), about_z=True)
            # Turned over about its middle.
            group = group.shifted((0, 0, height / 2))
        pieces = [(label, 0), *((end, 1) for end in ends)]
        return assembled(self.kind, pieces, group, (Slot("label", 1.0), Slot("metal", 1.0)))

    def _milk_carton(self, size: Array, rng: np.random.Generator) -> ObjectModel:
        side = size[1]
        eaves, ridge = 0.72 * size[2], (0.72 + rng.uniform(0.14, 0.2)) * size[2]
        half, thick = side / 2, 0.0035
        corners = [(x, y, z) for x in (-half, half) for y in (-half, half) for z in (0, eaves)]
        body = hull([*corners, (-half, 0, ridge), (half, 0, ridge)])
        low = ridge - 0.3 * (ridge - eaves)
        fin = block((side, thick, size[2] - low), (0, 0, (size[2] + low) / 2))
        pieces, slots = [(body, 0), (fin, 0)], (Slot("carton"), Slot("cap"))
        if rng.random() < 0.6:
            slope = np.arctan2(ridge - eaves, half)
            cap = rng.uniform(0.15, 0.2) * side
            lid = turned([(0, -0.006), (cap, -0.006), (cap, 0.007), (0.9 * cap, 0.009), (0, 0.009)])
            middle = (0, -half / 2, (eaves + ridge) / 2)
            pieces.append((lid.moved(transform(rotation_about(X, slope), middle)), 1))
            return assembled(self.kind, pieces, symmetry_group(), slots)
        return assembled(self.kind, pieces, symmetry_group(rotation_about(Z, np.pi)), slots[:1])

    def _juice_box(self, size: Array, rng: np.random.Generator) -> ObjectModel:
        length, width, height = size
        box = block((length, width, height), (0, 0, height / 2))
        straw, up, out, bend = 0.0025, rng.uniform(0.012, 0.02), rng.uniform(0.012, 0.022), rng.uniform(0.5, 1.2)
        # The straw leans towards the box's middle, from a hole in a corner.
        at = np.array([0.3 * length, rng.uniform(-0.25, 0.25) * width, height])
        steps = np.linspace(0, bend, 4)
        path = [at - 0.008 * Z, at + up * Z]
        for angle in steps[1:-1]:
            path.append(path[-1] + 0.004 * np.array([-np.sin(angle), 0, np.cos(angle)]))
        path.append(path[-1] + out * np.array([-np.sin(bend), 0, np.cos(bend)]))
        tube = swept(np.array(path), circle(12) * straw, max_parts=6)
        return assembled(self.kind, [(box, 0), (tube, 1)], symmetry_group(), (Slot("carton"), Slot("straw")))

    def _lidded_tub(self, size: Array, rng: np.random.Generator) -> ObjectModel:
        height, over, lid = size[2], rng.uniform(0.001, 0.002), rng.uniform(0.006, 0.009)
        slots = (Slot("tub"), Slot("lid"))
        if rng.random() < 0.5:
            r, foot, top = size[1] / 2, self.foot_ratio * size[1] / 2, height - lid / 2
            body = turned([(0, 0), (0.94 * foot, 0), (foot, 0.06 * foot), (r, top), (0, top)])
            r, low = r + over, height - lid
            cover = turned([(0, low), (r, low), (r, height - 0.001), (r - 0.001, height), (0, height)])
            group = symmetry_group(about_z=True)
        else:
            corner = max(self._corner(size[1]), 0.2 * size[1])
            inset = (1 - self.foot_ratio) * size[1] / 2
            rim = rectangle(size[0], size[1], corner)
            foot = rectangle(size[0] - 2 * inset, size[1] - 2 * inset, corner - 0.5 * inset)
            body = prism([(foot, 0), (rim, height - lid / 2)])
            edge = rectangle(size[0] + 2 * over, size[1] + 2 * over, corner + over)
            cover = prism([(edge, height - lid), (edge, height)])
            group = _upright(size)
        return assembled(self.kind, [(body, 0), (cover, 1)], group, slots)

    def _jar(self, size: Array, rng: np.random.Generator) -> ObjectModel:
        radius, height = size[1] / 2, size[2]
        neck, lid, over = radius * rng.uniform(0.78, 0.9), rng.uniform(0.12, 0.2) * height, 0.0012
        shoulder = height - lid - (radius - neck) * rng.uniform(0.8, 1.5)
        glass = [(0, 0), (0.9 * radius, 0), (radius, 0.1 * radius), (radius, shoulder)]
        glass += [(neck, height - lid - 0.001), (neck, height - lid / 2), (0, height - lid / 2)]
        wide = neck + over
        cap = [(0, height - lid), (wide, height - lid), (wide, height - 0.001), (wide - 0.001, height), (0, height)]
        slots = (Slot("jar", 1.3), Slot("lid", 1.3))
        return assembled(self.kind, [(turned(glass), 0), (turned(cap), 1)], symmetry_group(about_z=True), slots)

    def _lidded_bowl(self, size: Array, rng: np.random.Generator) -> ObjectModel:
        radius, height = size[1] / 2, size[2]
        rim, knob = height * rng.uniform(0.48, 0.58), radius * rng.uniform(0.15, 0.2)
        # No thinner than a texture can be wrapped around, nor as high as the lid.
        knob = max(min(knob, 0.16 * height), 0.0042)
        outer = sides(radius, 0.3 + 0.4 * self.foot_ratio, rim, 0.0, rng.uniform(0.42, 0.55))
        bowl = turned(np.concatenate([[(0, 0)], outer, [(0, rim)]]))
        low, top = rim - 0.002, height - 1.8 * knob
        angle = np.linspace(0, np.pi / 2, 5)[:-1]
        arc = np.stack([1.02 * radius * np.cos(angle), rim + 0.001 + (top - rim - 0.001) * np.sin(angle)], axis=1)
        dome = [(1.02 * radius, low), *arc]
        stem = [(0.65 * knob, top + 0.1 * knob), (0.65 * knob, top + 0.7 * knob), (knob, top + 1.1 * knob)]
        stem += [(knob, height - 0.4 * knob), (0.7 * knob, height), (0, height)]
        lid = turned([(0, low), *dome, *stem])
        group = symmetry_group(about_z=True)
        return assembled(self.kind, [(bowl, 0), (lid, 1)], group, (Slot("bowl", 2.4), Slot("lid", 2.4)))


def _upright(size: Array) -> Symmetries:
    """Return the symmetries of a container whose plan is a rectangle or, with equal sides, a square."""
    return symmetry_group(rotation_about(Z, np.pi / 2 if size[0] == size[1] else np.pi))
