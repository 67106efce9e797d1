"""Bent rods and pipes with collars, rings, handles, springs and hooks."""

from dataclasses import dataclass

import numpy as np
from scipy.spatial import ConvexHull
from scipy.spatial.distance import cdist

from graspsim.assembly import assembled
from graspsim.distributions import Choice, Integers, Uniform, one_of, ranged
from graspsim.geometry import Array, rotation_about, transform
from graspsim.meshes import volume_of
from graspsim.models import ObjectModel, Slot, Symmetries
from graspsim.shapes import circle, skin, symmetry_group
from graspsim.solids import MAX_PARTS, Solid, swept, turned

KINDS = ("bent", "ring", "handle", "spring", "hook")
X, Y, Z = np.eye(3)
RING_STEPS = 64
"""Around a ring: its flats stay within 0.1 % of the diameter of the true circle."""


@dataclass(frozen=True)
class Tubes:
    """A round rod, bent.

    Attributes:
        kind: a rod bent once or several times, with collars; a ring; a handle with feet; a spring; a hook with an eye.
        radius_m: of the rod; of a spring's wire half as much.
        size_ratio: radius of rings, arcs and coils over that of the rod; for a bent rod also its straight lengths.
        bends: number of bends of a bent rod.
        bend_deg: angle of each of its bends, and how far a hook goes beyond half a turn.
        collars: thickenings of a bent rod.
        coils: turns of a spring.
    """

    kind: str = one_of(Choice(KINDS), *KINDS)
    radius_m: float = ranged(Uniform(0.006, 0.0105), 0.004, 0.02)
    size_ratio: float = ranged(Uniform(2.4, 3.6), 2.2, 5.0)
    bends: int = ranged(Integers(1, 3), 1, 3)
    bend_deg: float = ranged(Uniform(30.0, 95.0), 20.0, 110.0)
    collars: int = ranged(Integers(0, 2), 0, 2)
    coils: float = ranged(Uniform(1.6, 2.5), 1.5, 2.5)

    def build(self, rng: np.random.Generator) -> ObjectModel:
        """Return the model; the lengths between bends, their directions and where collars sit are drawn here."""
        build = {
            "bent": self._bent,
            "ring": self._ring,
            "handle": self._handle,
            "spring": self._spring,
            "hook": self._hook,
        }[self.kind]
        return build(rng)

    def _bent(self, rng: np.random.Generator) -> ObjectModel:
        r = self.radius_m
        while True:
            path, straights = self._bent_path(rng)
            # A rod that ran into itself would be closed into a ring, or worse.
            apart = cdist(path, path) < 3 * r
            steps = np.concatenate([[0.0], np.cumsum(np.linalg.norm(np.diff(path, axis=0), axis=1))])
            if not (apart & (np.abs(steps[:, None] - steps) > 6 * r)).any():
                break
        solids: list[tuple[Solid, int]] = [(swept(path, circle(16) * r, max_parts=26), 0)]
        for start, stop in rng.permutation(np.array(straights))[: self.collars]:
            along = (stop - start) / np.linalg.norm(stop - start)
            width, out = 0.9 * r, rng.uniform(1.3, 1.6) * r
            collar = turned([(0, -width / 2), (out, -width / 2), (out, width / 2), (0, width / 2)], segments=32)
            place = transform(_upright(along), start + rng.uniform(0.35, 0.65) * (stop - start))
            solids.append((collar.moved(place), 1))
        slots = (Slot("rod", 1.0), Slot("collar", 1.0))[: 1 + (len(solids) > 1)]
        return assembled("bent rod", solids, Symmetries(), slots)

    def _bent_path(self, rng: np.random.Generator) -> tuple[Array, list[Array]]:
        """Return the path (k, 3) of a bent rod, and the ends (2, 3) of its straight stretches."""
        r = self.radius_m
        bend_m = self.size_ratio * r
        # From end to end lengths differ, or turning the rod round could map it onto itself.
        lengths = bend_m * np.cumprod([rng.uniform(0.7, 1.0), *rng.uniform(1.15, 1.35, self.bends)])
        at, along, axis = np.zeros(3), X, Z
        points, straights = [at], []
        for i, length in enumerate(lengths):
            end = at + along * length
            straights.append(np.array([at, end]))
            points += [at + along * length * t for t in (1 / 3, 2 / 3, 1)]
            at = end
            if i == self.bends:
                break
            # Each further bend in another plane, as plumbers do.
            axis = rotation_about(along, rng.choice([0.0, np.pi / 2, np.pi, 2.1])) @ axis
            center = at + bend_m * np.cross(axis, along)
            for angle_rad in np.linspace(0, np.radians(self.bend_deg), 11)[1:]:
                points.append(center + rotation_about(axis, angle_rad) @ (at - center))
            turn = rotation_about(axis, np.radians(self.bend_deg))
            at, along = points[-1], turn @ along
        return np.array(points), straights

    def _ring(self, rng: np.random.Generator) -> ObjectModel:
        # A section stretched along the axis or across it: a tyre or a washer rather than a doughnut.
        squash = rng.uniform(0.8, 1.5)
        section = circle(16) * self.radius_m * (1.0, squash)
        solid = swept(_arc(self.size_ratio * self.radius_m, 2 * np.pi), section, is_closed=True, straightness=0.02)
        return assembled("ring", [solid], symmetry_group(rotation_about(X, np.pi), about_z=True))

    def _handle(self, rng: np.random.Generator) -> ObjectModel:
        r = self.radius_m * 0.85
        bend_m = 2.2 * r
        half, height = 1.4 * self.size_ratio * self.radius_m, bend_m + rng.uniform(1.0, 2.5) * r
        quarter = np.linspace(0, np.pi / 2, 9)
        bend = np.stack([bend_m * (np.sin(quarter) - 1), 0 * quarter, bend_m * (np.cos(quarter) - 1)], axis=1)
        right = np.concatenate([bend + np.array([half, 0, height]), [(half, 0, 0)]])
        path = np.concatenate([(right * (-1, 1, 1))[::-1], right])
        thick, wide = 0.9 * r, rng.uniform(1.7, 2.2) * r
        foot = turned([(0, -thick), (wide, -thick), (wide, thick), (0, thick)], segments=32)
        feet = [(foot.moved(transform(translation=(x, 0, 0))), 1) for x in (-half, half)]
        slots = (Slot("grip", rng.choice([1.0, 2.7, 7.8])), Slot("foot", 2.7))
        bow = swept(path, circle(16) * r, max_parts=24)
        return assembled("handle", [*feet, (bow, 0)], symmetry_group(rotation_about(Z, np.pi)), slots)

    def _spring(self, rng: np.random.Generator) -> ObjectModel:
        wire = 0.6 * self.radius_m
        coil_m, rise = 1.3 * self.size_ratio * wire, wire * rng.uniform(2.6, 3.4) / (2 * np.pi)
        end = np.pi * self.coils
        mesh = skin(
            _coil(np.linspace(-end, end, 2 * int(np.ceil(11 * self.coils)) + 1), coil_m, rise, circle(16) * wire)
        )
        # A part takes its middle too, or it would cut the bend short.
        sections = _coil(np.linspace(-end, end, 2 * MAX_PARTS + 1), coil_m, rise, circle(10) * wire)
        spans = [sections[2 * i : 2 * i + 3].reshape(-1, 3) for i in range(MAX_PARTS)]
        thinner = np.sqrt(volume_of(mesh) / sum(ConvexHull(span).volume for span in spans))
        centers = sections.mean(axis=1, keepdims=True)
        sections = centers + thinner * (sections - centers)
        parts = tuple(sections[2 * i : 2 * i + 3].reshape(-1, 3) for i in range(MAX_PARTS))
        return assembled("spring", [Solid(mesh, parts)], symmetry_group(rotation_about(X, np.pi)))

    def _hook(self, rng: np.random.Generator) -> ObjectModel:
        r = self.radius_m * 0.8
        arc_m = self.size_ratio * r
        shank = arc_m * rng.uniform(1.2, 2.0)
        angle = np.linspace(np.pi, 2 * np.pi + np.radians(0.6 * self.bend_deg), 22)
        arc = np.stack([arc_m * np.cos(angle) + arc_m, 0 * angle, arc_m * np.sin(angle)], axis=1)
        path = np.concatenate([np.outer(np.linspace(shank, 0, 5)[:-1], Z), arc])
        scale = np.interp(np.arange(len(path)), [0, len(path) - 6, len(path) - 1], [1.0, 1.0, 0.6])
        eye_m = 1.9 * r
        eye = swept(_arc(eye_m, 2 * np.pi, 40), circle(16) * 0.8 * r, is_closed=True, max_parts=20, straightness=0.005)
        upright = transform(rotation_about(X, np.pi / 2), (0, 0, shank + eye_m))
        return assembled(
            "hook",
            [swept(path, circle(16) * r, scale, max_parts=12, straightness=0.02), eye.moved(upright)],
            Symmetries(),
        )


def _coil(angles_rad: Array, radius_m: float, rise_m: float, section: Array) -> Array:
    """Return sections (k, n, 3) of a wire wound about z, rising by so much a radian."""
    out = np.stack([np.cos(angles_rad), np.sin(angles_rad), 0 * angles_rad], axis=1)
    along = np.stack([-radius_m * out[:, 1], radius_m * out[:, 0], np.full_like(angles_rad, rise_m)], axis=1)
    up = np.cross(out, along / np.linalg.norm(along, axis=1, keepdims=True))
    path = radius_m * out + np.outer(angles_rad * rise_m, Z)
    return np.asarray(path[:, None] - section[:, :1] * out[:, None] + section[:, 1:] * up[:, None])


def _arc(radius_m: float, turn_rad: float, steps: int = RING_STEPS) -> Array:
    """Return points (steps, 3) of a circle about z, from +x on, the end left out."""
    angle = turn_rad * np.arange(steps) / steps
    return np.stack([radius_m * np.cos(angle), radius_m * np.sin(angle), 0 * angle], axis=1)


def _upright(along: Array) -> Array:
    """Return a rotation (3, 3) that takes z to a direction."""
    x = np.cross(along, np.eye(3)[np.argmin(np.abs(along))])
    x /= np.linalg.norm(x)
    return np.stack([x, np.cross(along, x), along], axis=1)
