"""Profiles of metal, wood and plastic stock, cut to length: L, T, U, H, Z, plus, star, gear and arrow."""

from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from graspsim.assembly import assembled
from graspsim.distributions import Choice, Integers, Uniform, one_of, ranged
from graspsim.geometry import Array, rotation_about
from graspsim.models import ObjectModel
from graspsim.shapes import circle, equalised, symmetry_group
from graspsim.solids import RING, extruded

PROFILES = ("L", "T", "U", "H", "Z", "plus", "star", "gear", "arrow")
X, Y, Z = np.eye(3)
Profile = tuple[list[tuple[float, float]] | Array, list[list[int]], list[Array]]
"""Outline (n, 2), counter-clockwise; its convex pieces as indices into it; what generates its symmetries."""


@dataclass(frozen=True)
class Extrusions:
    """A flat outline with thickness.

    Attributes:
        profile: which of the nine.
        size_m: length of the profile, along y, or its outer diameter.
        aspect_ratio: width of the profile over its length, where the two may differ.
        arm_ratio: thickness of the profile's arms over the lesser of its width and length.
        teeth: number of a star's points or a gear's teeth.
        height_m: how far the profile is extruded, along z.
    """

    profile: str = one_of(Choice(PROFILES), *PROFILES)
    size_m: float = ranged(Uniform(0.045, 0.11), 0.02, 0.2)
    aspect_ratio: float = ranged(Uniform(0.55, 1.0), 0.5, 1)
    arm_ratio: float = ranged(Uniform(0.22, 0.4), 0.15, 0.45)
    teeth: int = ranged(Integers(5, 12), 5, 16)
    height_m: float = ranged(Uniform(0.014, 0.05), 0.005, 0.2)

    def build(self, rng: np.random.Generator) -> ObjectModel:
        """Return the model; nothing is left to chance once the parameters are drawn."""
        length, width = equalised((self.size_m, self.size_m * self.aspect_ratio))
        if self.profile in ("plus", "star", "gear"):
            width = length
        draw = {"L": _l, "T": _t, "U": _u, "H": _h, "Z": _z, "plus": _plus, "arrow": _arrow}
        if self.profile in draw:
            outline, pieces, turns = draw[self.profile](width / 2, length / 2, min(width, length) * self.arm_ratio)
        elif self.profile == "star":
            outline, pieces, turns = _star(length / 2, self.arm_ratio, self.teeth)
        else:
            outline, pieces, turns = _gear(length / 2, self.arm_ratio, self.teeth)
        return assembled(self.profile, [extruded(np.asarray(outline), pieces, self.height_m)], symmetry_group(*turns))


# Each takes half the width w, half the length h and the thickness t of the arms.


def _l(w: float, h: float, t: float) -> Profile:
    outline = [(0.0, 0.0), (2 * w, 0), (2 * w, t), (t, t), (t, 2 * h), (0, 2 * h)]
    return outline, [[0, 1, 2, 3], [0, 3, 4, 5]], [rotation_about((1, 1, 0), np.pi)] if w == h else []


def _t(w: float, h: float, t: float) -> Profile:
    y, s = h - t, t / 2
    outline = [(-s, -h), (s, -h), (s, y), (w, y), (w, h), (-w, h), (-w, y), (-s, y)]
    return outline, [[0, 1, 2, 7], [4, 5, 6, 7, 2, 3]], [rotation_about(Y, np.pi)]


def _u(w: float, h: float, t: float) -> Profile:
    x, y = w - 0.8 * t, t - h
    outline = [(-w, -h), (w, -h), (w, h), (x, h), (x, y), (-x, y), (-x, h), (-w, h)]
    return outline, [[1, 2, 3, 4], [0, 1, 4, 5], [0, 5, 6, 7]], [rotation_about(Y, np.pi)]


def _h(w: float, h: float, t: float) -> Profile:
    x, s = w - 0.7 * t, t / 2
    outline = [
        (w, -h),
        (w, h),
        (x, h),
        (x, s),
        (-x, s),
        (-x, h),
        (-w, h),
        (-w, -h),
        (-x, -h),
        (-x, -s),
        (x, -s),
        (x, -h),
    ]
    pieces = [[0, 1, 2, 3, 10, 11], [3, 4, 9, 10], [6, 7, 8, 9, 4, 5]]
    return outline, pieces, [rotation_about(Y, np.pi), rotation_about(Z, np.pi)]


def _z(w: float, h: float, t: float) -> Profile:
    s, y = t / 2, h - t
    outline = [(-s, -h), (w, -h), (w, -y), (s, -y), (s, h), (-w, h), (-w, y), (-s, y)]
    return outline, [[0, 1, 2, 3], [0, 3, 4, 7], [4, 5, 6, 7]], [rotation_about(Z, np.pi)]


def _plus(w: float, h: float, t: float) -> Profile:
    s = t / 2
    arm = np.array([(w, -s), (w, s), (s, s)])
    outline = np.concatenate([arm @ rotation_about(Z, k * np.pi / 2)[:2, :2].T for k in range(4)])
    pieces = [[2, 5, 8, 11], *([3 * k - 1 if k else 11, 3 * k, 3 * k + 1, 3 * k + 2] for k in range(4))]
    return outline, pieces, [rotation_about(Z, np.pi / 2), rotation_about(X, np.pi)]


def _arrow(w: float, h: float, t: float) -> Profile:
    y, s = 0.1 * h, t / 2
    outline = [(-s, -h), (s, -h), (s, y), (w, y), (0.0, h), (-w, y), (-s, y)]
    return outline, [[0, 1, 2, 6], [4, 5, 6, 2, 3]], [rotation_about(Y, np.pi)]


def _star(radius: float, arm_ratio: float, points: int) -> Profile:
    # At cos(π/n) of the radius the notches would lie on the sides of a plain polygon.
    notch = np.cos(np.pi / points) * (0.4 + arm_ratio)
    outline = circle(2 * points) * radius
    outline[1::2] *= notch
    tips = [[2 * k, 2 * k + 1, (2 * k - 1) % (2 * points)] for k in range(points)]
    core = list(range(1, 2 * points, 2))
    return outline, [*_divided(core), *tips], _dihedral(points)


def _gear(radius: float, arm_ratio: float, teeth: int) -> Profile:
    pitch = 2 * np.pi / teeth
    root = radius * (0.92 - 0.5 * arm_ratio)
    angle = (np.array([-0.30, -0.16, 0.16, 0.30]) * pitch + pitch * np.arange(teeth)[:, None]).ravel()
    outline = np.stack([np.cos(angle), np.sin(angle)], axis=1) * np.tile([root, radius, radius, root], teeth)[:, None]
    tips = [[4 * k, 4 * k + 1, 4 * k + 2, 4 * k + 3] for k in range(teeth)]
    core = [i for k in range(teeth) for i in (4 * k, 4 * k + 3)]
    return outline, [*_divided(core), *tips], _dihedral(teeth)


def _divided(core: list[int]) -> list[list[int]]:
    """Cut a convex polygon into the fewest that have no more corners than a part may have at an end."""
    last = len(core) - 1
    cuts = np.linspace(1, last, -(-(last - 1) // (RING - 2)) + 1).round().astype(int)
    return [[core[0], *core[low : high + 1]] for low, high in pairwise(cuts)]


def _dihedral(n: int) -> list[Array]:
    return [rotation_about(Z, 2 * np.pi / n), rotation_about(X, np.pi)]
