"""Rotational symmetries of a mesh, found from its geometry alone.

A symmetry keeps the centre of mass and the inertia tensor. Its axis is therefore a principal axis, or lies in a plane,
or anywhere, where two or three principal moments are equal. Such candidates are tried on the surface.
"""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import trimesh
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from graspsim.cache import cache_path, code_fingerprint, digest, keep
from graspsim.errors import MeshError
from graspsim.geometry import Array, apply, rotation_about, transform
from graspsim.meshes import samples_on
from graspsim.models import Symmetries
from graspsim.shapes import symmetry_group

EXACT, ROUGH = 0.004, 0.02
STATED_TOLERANCE = 0.05
"""What a side file states may be meant of the thing rather than of a worn or badly scanned example."""
MOST_FOLDS = 16
EQUAL_MOMENTS = 0.1
_SAMPLES, _PROBES, _FEW = 12_000, 1500, 250
_MOST_STEPS = 60
_QUANTILE = 0.95
_X, _Y, _Z = np.eye(3)


def find_symmetries(vertices: Array, faces: NDArray[np.int32]) -> Symmetries:
    """Return the rotations that map a closed mesh onto itself, those of a group exact about one centre and its axes.

    Found are a ball's, any continuous axis, n-fold axes up to 16, with or without two-fold axes across, and the groups
    of tetrahedron and cube. What has an exact symmetry, as a design has, is held to it; else, as in a scan, 95 % of the
    surface must lie within 2 % of the diameter off the rotated one: a handle or a spout sticks out by far more.

    Args:
        vertices: (n, 3).
        faces: (m, 3).
    """
    for tolerance in (EXACT, ROUGH):
        surface = _Surface(vertices, faces, tolerance)
        found = _group(surface)
        if found.discrete or found.continuous:
            break
    return found.shifted(surface.center)


def _group(surface: "_Surface") -> Symmetries:
    """Return the symmetries about the centre of mass."""
    moments, axes = surface.principal_axes()
    if np.linalg.det(axes) < 0:
        axes = -axes
    equal = [abs(moments[(k + 1) % 3] - moments[(k + 2) % 3]) < EQUAL_MOMENTS * moments.max() for k in range(3)]
    if all(equal):
        found = _about_any_axis(surface)
        if found is not None:
            return found
    best = Symmetries()
    for k in range(3):
        frame = axes[:, [(k + 1) % 3, (k + 2) % 3, k]]
        found = _about_one_axis(surface, frame, equal[k])
        if (len(found.continuous), len(found.discrete)) > (len(best.continuous), len(best.discrete)):
            best = found
    return best


def cached_symmetries(vertices: Array, faces: NDArray[np.int32]) -> Symmetries:
    """Return `find_symmetries` of a mesh, kept in the cache, since it may take a second."""
    name = f"symmetries-{digest(vertices.tobytes(), faces.tobytes(), code_fingerprint().encode())}.npz"
    try:
        with np.load(cache_path(name), allow_pickle=False) as stored:
            return Symmetries(tuple(stored["discrete"]), tuple((axis, point) for axis, point in stored["continuous"]))
    except Exception:  # A file that is cut short or damaged fails in many ways, and is replaced like one not there.
        found = find_symmetries(vertices, faces)
    discrete, continuous = np.reshape(found.discrete, (-1, 4, 4)), np.reshape(found.continuous, (-1, 2, 3))
    keep(name, lambda path: np.savez(path, discrete=discrete, continuous=continuous))
    return found


def check_symmetries(path: str | Path, vertices: Array, faces: NDArray[np.int32], stated: Symmetries) -> None:
    """Prove that stated symmetries are ones.

    Raises:
        MeshError: naming the file that states them, the one that is wrong and by how much.
    """
    surface = _Surface(vertices, faces, STATED_TOLERANCE)
    claims = [(f"symmetries.discrete.{i}", motion) for i, motion in enumerate(stated.discrete)]
    for i, (axis, point) in enumerate(stated.continuous):
        for angle_rad in (0.3, 1.0, 2.0, np.pi):
            turn = rotation_about(axis, angle_rad)
            claims.append((f"symmetries.continuous.{i}", transform(turn, point - turn @ point)))
    for where, motion in claims:
        shift = apply(motion, surface.center) - surface.center
        off = (surface.mismatch(motion[:3, :3]) + float(np.linalg.norm(shift))) / surface.diameter
        if off > STATED_TOLERANCE:
            raise MeshError(
                f"{path}: {where} is no symmetry of the mesh: it moves the surface by {off:.1%} of its diameter, more "
                f"than {STATED_TOLERANCE:.0%}."
            )


class _Surface:
    """A mesh's surface about its centre of mass, and the test whether a rotation leaves it as it is."""

    def __init__(self, vertices: Array, faces: NDArray[np.int32], tolerance: float) -> None:
        mass = trimesh.triangles.mass_properties(vertices[faces], density=1.0, skip_inertia=False)
        self.center = np.asarray(mass["center_mass"])
        self._inertia = np.asarray(mass["inertia"])
        corners = vertices[faces] - self.center
        self._points, self._normals = samples_on(corners, _SAMPLES, np.random.default_rng(0))
        self._spacing = np.sqrt(np.linalg.norm(np.cross(*np.diff(corners, axis=1).swapaxes(0, 1)), axis=1).sum() / 2)
        self._spacing /= np.sqrt(_SAMPLES)
        self._tree = cKDTree(self._points)
        self._probes = self._points[:: _SAMPLES // _PROBES]
        self.diameter = 2 * float(np.linalg.norm(corners, axis=2).max())
        self.tolerance_m = tolerance * self.diameter

    def principal_axes(self) -> tuple[Array, Array]:
        """Return the moments (3,) and the axes (3, 3) in columns."""
        moments, axes = np.linalg.eigh(self._inertia)
        return moments, axes

    def mismatch(self, rotation: Array, count: int = _PROBES) -> float:
        """Return how far the rotated surface lies off the surface, in metres, at the 95th percentile."""
        points = self._probes[:: _PROBES // count] @ rotation.T
        _, nearest = self._tree.query(points, k=3)
        step = points[:, None] - self._points[nearest]
        off_plane = np.abs(np.einsum("ijk,ijk->ij", step, self._normals[nearest]))
        # In its plane, a sample stands for the surface around it and for no more.
        beyond = np.maximum(np.linalg.norm(step, axis=2) - 2 * self._spacing, 0.0)
        return float(np.quantile(np.maximum(off_plane, beyond).min(axis=1), _QUANTILE))

    def holds(self, rotation: Array) -> bool:
        """Tell whether the rotation is a symmetry."""
        return self.mismatch(rotation, _FEW) < 1.5 * self.tolerance_m and self.mismatch(rotation) < self.tolerance_m


def _about_one_axis(surface: _Surface, frame: Array, is_equal: bool) -> Symmetries:
    """Return the group whose main axis is z of a frame (3, 3); across it only two-fold axes are sought."""
    z = frame[:, 2]
    if not is_equal:
        # Only two-fold axes, and all three are principal.
        return symmetry_group(*(turn for axis in frame.T if surface.holds(turn := rotation_about(axis, np.pi))))
    if all(surface.holds(rotation_about(z, angle_rad)) for angle_rad in (0.1, 0.77, 1.9, 2.6)):
        flip = rotation_about(frame[:, 0], np.pi)
        discrete = symmetry_group(flip).discrete if surface.holds(flip) else ()
        return Symmetries(discrete, ((z, np.zeros(3)),))
    # All powers of a turn: a short turn alone moves a thin handle hardly off itself.
    off_m = {
        n: max(surface.mismatch(rotation_about(z, 2 * np.pi * k / n)) for k in range(1, n // 2 + 1))
        for n in range(2, MOST_FOLDS + 1)
    }
    # What is 6-fold is nearly 7-fold too: more folds count only where they fit about as well as the best.
    within_m = min(surface.tolerance_m, max(0.3 * surface.tolerance_m, 2 * min(off_m.values())))
    folds = max((n for n, off in off_m.items() if off < within_m), default=1)

    generators = [rotation_about(z, 2 * np.pi / folds)] if folds > 1 else []
    flip = _flip(frame[:, 0], frame[:, 1], _flip_angle(surface, frame[:, 0], frame[:, 1], np.pi / folds))
    if surface.holds(flip):
        generators.append(flip)
    return symmetry_group(*generators)


def _descended(cost: Callable[[Array], float], start: Array, step: float) -> Array:
    """Return where a function of a few numbers is least, near `start`, by a pattern search (Hooke, Jeeves 1961)."""
    best, least = start, cost(start)
    for _ in range(_MOST_STEPS):
        tries = [best + sign * step * axis for axis in np.eye(len(start)) for sign in (1, -1)]
        costs = [cost(t) for t in tries]
        if min(costs) < least:
            best, least = tries[int(np.argmin(costs))], min(costs)
        else:
            step /= 2
            if step < 1e-4:
                break
    return best


def _flip_angle(surface: _Surface, across: Array, other: Array, end_rad: float) -> float:
    """Return the angle up to `end_rad`, from one axis towards another, of the axis of the best half turn."""

    def cost(angle_rad: Array) -> float:
        return surface.mismatch(_flip(across, other, float(angle_rad[0])), _FEW)

    grid = np.linspace(0, end_rad, 90, endpoint=False)[:, None]
    start = min(grid, key=cost)
    return float(_descended(cost, start, end_rad / 180)[0])


def _flip(across: Array, other: Array, angle_rad: float) -> Array:
    """Return half a turn about the axis at an angle from `across` towards `other`."""
    return rotation_about(np.cos(angle_rad) * across + np.sin(angle_rad) * other, np.pi)


def _about_any_axis(surface: _Surface) -> Symmetries | None:
    """Return the group of a ball, a cube or a tetrahedron, or None."""
    rng = np.random.default_rng(1)
    axes = rng.normal(size=(6, 3))
    if all(surface.holds(rotation_about(axis / np.linalg.norm(axis), 1.0)) for axis in axes):
        return Symmetries(continuous=tuple((axis, np.zeros(3)) for axis in (_X, _Y, _Z)))
    frame = _two_fold_frame(surface)
    if frame is None:
        return None
    x, y, z = frame.T
    third = rotation_about((x + y + z) / np.sqrt(3), 2 * np.pi / 3)
    if not surface.holds(third):
        return None
    quarter = rotation_about(z, np.pi / 2)
    generators = [rotation_about(x, np.pi), rotation_about(z, np.pi), third]
    return symmetry_group(*generators, *([quarter] if surface.holds(quarter) else []))


def _two_fold_frame(surface: _Surface) -> Array | None:
    """Return three axes (3, 3), in columns, at right angles, about each of which half a turn is a symmetry."""
    count = 400
    z = (np.arange(count) + 0.5) / count
    angle = np.pi * (1 + 5**0.5) * np.arange(count)
    ring = np.sqrt(1 - z**2)
    candidates = np.stack([ring * np.cos(angle), ring * np.sin(angle), z], axis=1)

    def cost(axis: Array) -> float:
        return surface.mismatch(rotation_about(axis / np.linalg.norm(axis), np.pi), _FEW)

    costs = np.array([cost(axis) for axis in candidates])
    for start in candidates[np.argsort(costs, kind="stable")[:12]]:
        first = _descended(cost, start, 0.05)
        first /= np.linalg.norm(first)
        if not surface.holds(rotation_about(first, np.pi)):
            continue
        across, other = np.linalg.svd(first[None])[2][1:]
        angle_rad = _flip_angle(surface, across, other, np.pi / 2)
        if surface.holds(_flip(across, other, angle_rad)):
            second = np.cos(angle_rad) * across + np.sin(angle_rad) * other
            # A cube has two-fold axes through its edges too, half-way between those that are sought.
            for turn_rad in (0.0, np.pi / 4):
                x = rotation_about(first, turn_rad) @ second
                frame = np.stack([x, np.cross(first, x), first], axis=1)
                if surface.holds(rotation_about(frame.sum(axis=1) / np.sqrt(3), 2 * np.pi / 3)):
                    return frame
    return None
