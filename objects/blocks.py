"""Random convex pieces grown together into one body (the random objects of Tobin et al. 2017, arXiv:1710.06425)."""

from dataclasses import dataclass

import numpy as np

from graspsim.assembly import assembled
from graspsim.distributions import Integers, Uniform, ranged
from graspsim.errors import MeshError
from graspsim.geometry import Array, matrix_from_quat, random_quat
from graspsim.models import ObjectModel, Symmetries
from graspsim.shapes import circle, rings
from graspsim.solids import hull

WIDEST_GRASP_M = 0.064
THINNEST_M = 0.012


@dataclass(frozen=True)
class Blocks:
    """A union of random hulls, boxes and prisms, each begun inside one that came before.

    Attributes:
        count: number of convex pieces.
        size_m: largest extent; less where the hand would otherwise not span the smallest.
    """

    count: int = ranged(Integers(2, 7), 2, 7)
    size_m: float = ranged(Uniform(0.05, 0.13), 0.03, 0.2)

    def build(self, rng: np.random.Generator) -> ObjectModel:
        """Return the model. The pieces' shapes, sizes, turns and places are drawn here."""
        while True:
            pieces = [_piece(rng)]
            for _ in range(self.count - 1):
                host = pieces[rng.integers(len(pieces))]
                # A blend of the host's corners lies inside it, so the new piece's middle does too: they overlap.
                pieces.append(_piece(rng) + rng.dirichlet(np.full(len(host), 0.3)) @ host)
            extents = np.ptp(np.concatenate(pieces), axis=0)
            scale = min(self.size_m / extents.max(), WIDEST_GRASP_M / extents.min())
            scale = max(scale, THINNEST_M / extents.min())
            try:
                return assembled("blocks", [hull(piece * scale) for piece in pieces], Symmetries(), crease_rad=0.1)
            except MeshError:
                continue  # They enclose a void, which nobody could see or touch.


def _piece(rng: np.random.Generator) -> Array:
    """Return the corners (k, 3) of one convex piece about the origin, turned at random, its half extents 0.35 to 1."""
    kind = rng.integers(3)
    if kind == 0:
        corners = np.array([[x, y, z] for x in (-1.0, 1.0) for y in (-1.0, 1.0) for z in (-1.0, 1.0)])
    elif kind == 1:
        corners = rings(circle(int(rng.integers(3, 9))), [(1, -1), (1, 1)]).reshape(-1, 3)
    else:
        # Points on a sphere are all corners of their hull.
        corners = rng.normal(size=(14, 3))
        corners *= 1.2 / np.linalg.norm(corners, axis=1, keepdims=True)
    return np.asarray(corners * rng.uniform(0.35, 1.0, 3) @ matrix_from_quat(random_quat(rng)).T)
