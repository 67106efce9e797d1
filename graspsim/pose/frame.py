"""The box around a model, and its points in the box's terms."""

from dataclasses import dataclass

import numpy as np

from graspsim.geometry import Array


@dataclass(frozen=True, eq=False)
class Frame:
    """The box of a model, whose points networks tell scaled to [-1, 1].

    Attributes:
        center_m: (3,) its middle.
        size_m: (3,) its sides.
    """

    center_m: Array
    size_m: Array

    @classmethod
    def of(cls, vertices_m: Array) -> "Frame":
        """Return that of a model's vertices (n, 3)."""
        low, high = vertices_m.min(axis=0), vertices_m.max(axis=0)
        return cls((low + high) / 2, high - low)

    @property
    def half_m(self) -> float:
        """Half its longest side."""
        return float(self.size_m.max() / 2)

    def scaled(self, points_m: Array) -> Array:
        """Return points (..., 3) of the model in the box's terms."""
        return np.asarray((points_m - self.center_m) / self.half_m)

    def metres(self, points: Array) -> Array:
        """Return points (..., 3) in the model frame: what `scaled` undoes."""
        return np.asarray(points * self.half_m + self.center_m)

    def motions(self, motions: Array) -> Array:
        """Return motions (s, 4, 4) of the model in the box's terms, (s, 3, 4)."""
        moved = motions[:, :3, :3] @ self.center_m + motions[:, :3, 3] - self.center_m
        return np.concatenate([motions[:, :3, :3], (moved / self.half_m)[..., None]], axis=2)
