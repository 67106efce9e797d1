"""Pebbles, stones and crushed rock."""

from dataclasses import dataclass

import numpy as np
from scipy.spatial import ConvexHull, HalfspaceIntersection

from graspsim.distributions import Choice, Integers, Uniform, one_of, ranged
from graspsim.geometry import Array, matrix_from_quat, random_quat
from graspsim.meshes import convex_mesh, volume_of
from graspsim.models import ObjectModel, Symmetries, object_model
from graspsim.shapes import skin
from graspsim.solids import Solid, hull

KINDS = ("pebble", "stone", "crushed")
WIDEST_GRASP_M = 0.064
RINGS, SEGMENTS = 24, 34
# Of the noise: bumps across the stone, and their height over the radius.
WAVES = {"pebble": (1.3, 0.15), "stone": (2.0, 0.165)}


@dataclass(frozen=True)
class Rocks:
    """A stone, rounded by water or broken; the noise on it, or its faces, are drawn.

    Attributes:
        kind: a smooth pebble, a lumpy stone, with shallow dents where it is rough, or crushed rock with flat faces.
        size_m: largest extent; less where the hand would otherwise not span the smallest.
        length_ratio: length over breadth, before the noise.
        flatness: height over breadth, before the noise.
        roughness: height of the noise, or unevenness of the faces.
        facets: number of flat faces of crushed rock.
    """

    kind: str = one_of(Choice(KINDS), *KINDS)
    size_m: float = ranged(Uniform(0.035, 0.09), 0.02, 0.2)
    length_ratio: float = ranged(Uniform(1.0, 1.7), 1.0, 2.5)
    flatness: float = ranged(Uniform(0.5, 0.95), 0.3, 1.0)
    roughness: float = ranged(Uniform(0.4, 1.0), 0.3, 1.0)
    facets: int = ranged(Integers(9, 18), 8, 18)

    def build(self, rng: np.random.Generator) -> ObjectModel:
        """Return the model; the noise, or the faces, are drawn here."""
        axes = np.array([self.length_ratio, 1.0, self.flatness])
        solid = self._crushed(rng, axes) if self.kind == "crushed" else self._rounded(rng, axes)
        return object_model(self.kind, solid.mesh, solid.parts, Symmetries())

    def _scale(self, points: Array) -> float:
        """Return the factor that brings points (…, 3) to the size wanted."""
        extents = np.ptp(points.reshape(-1, 3), axis=0)
        return float(min(self.size_m / extents.max(), WIDEST_GRASP_M / extents.min()))

    def _crushed(self, rng: np.random.Generator, axes: Array) -> Solid:
        """Return what planes at about equal distances leave; a Fibonacci lattice of them, jittered, bounds it."""
        n = self.facets
        z = 1 - (2 * np.arange(n) + 1) / n
        turn = np.pi * (1 + 5**0.5) * np.arange(n)
        normals = np.stack([np.sqrt(1 - z**2) * np.cos(turn), np.sqrt(1 - z**2) * np.sin(turn), z], axis=1)
        normals += self.roughness * rng.uniform(-0.35, 0.35, normals.shape)
        normals /= np.linalg.norm(normals, axis=1, keepdims=True)
        distance = rng.uniform(1 - 0.25 * self.roughness, 1.0, n)
        corners = HalfspaceIntersection(np.column_stack([normals, -distance]), np.zeros(3)).intersections
        turned = corners @ matrix_from_quat(random_quat(rng)).T * axes
        return hull(turned * self._scale(turned))

    def _rounded(self, rng: np.random.Generator, axes: Array) -> Solid:
        frequency, height = WAVES[self.kind]
        waves = rng.normal(size=(9, 3)) * frequency
        phases = rng.uniform(0, 2 * np.pi, 9)
        # Long waves are high and short ones low, as in weathered stone.
        heights = 1 / np.linalg.norm(waves, axis=1).clip(min=0.5)
        heights *= height * self.roughness / np.sqrt((heights**2).sum())

        def surface(directions: Array) -> Array:
            bumps = (heights * np.cos(directions @ waves.T + phases)).sum(axis=-1, keepdims=True)
            return np.asarray(directions * (1 + bumps) * axes)

        sections = surface(_globe())
        scale = self._scale(sections)
        mesh = skin(sections * scale)
        spikes = [surface(patch) * scale for patch in _patches()]
        parts = [np.concatenate([spike, [[0.0, 0.0, 0.0]]]) for spike in spikes]
        growth = (volume_of(mesh) / sum(ConvexHull(part).volume for part in parts)) ** (1 / 3)
        return Solid(mesh, tuple(part * growth for part in parts))


def _globe() -> Array:
    """Return directions (RINGS + 1, SEGMENTS, 3) by rings from pole to pole."""
    polar = np.pi * np.arange(RINGS + 1) / RINGS
    around = 2 * np.pi * np.arange(SEGMENTS) / SEGMENTS
    ring = np.where(np.isin(np.arange(RINGS + 1), (0, RINGS)), 0.0, np.sin(polar))[:, None]
    x, y, z = (
        ring * np.cos(around),
        ring * np.sin(around),
        np.broadcast_to(-np.cos(polar)[:, None], (RINGS + 1, SEGMENTS)),
    )
    return np.stack([x, y, z], axis=2)


def _patches() -> Array:
    """Return directions (20, 21, 3): the faces of an icosahedron, each divided in five."""
    golden = (1 + 5**0.5) / 2
    corners = [(0, a, b * golden) for a in (-1, 1) for b in (-1, 1)]
    vertices, faces = convex_mesh([np.roll(corner, k) for corner in corners for k in range(3)])
    weights = np.array([(i, j, 5 - i - j) for i in range(6) for j in range(6 - i)]) / 5
    points = weights @ vertices[faces]
    return np.asarray(points / np.linalg.norm(points, axis=2, keepdims=True))
