"""Where bodies are spawned: one function per layout, all from bounding volumes, before physics has a say.

Each returns a pose per object, or None for one that found no room. An object draws from a generator of its own, so that
its candidates do not depend on how many came before it.
"""

from collections.abc import Callable, Sequence

import numpy as np

from graspsim.geometry import Array, matrix_from_quat, quat_from_matrix, random_quat, rotation_about
from graspsim.models import ObjectModel
from graspsim.scene import Pose
from graspsim.standing import standing_rotation

GAP_M = 0.004
_TRIES = 60

Placement = Callable[[Sequence[ObjectModel], float, Sequence[np.random.Generator]], list[Pose | None]]


def dropped(models: Sequence[ObjectModel], area_m: float, rngs: Sequence[np.random.Generator]) -> list[Pose | None]:
    """Scatter objects in any orientation just above the table, one over another where they would collide."""
    placed: list[tuple[Array, float]] = []
    poses: list[Pose | None] = []
    for model, rng in zip(models, rngs, strict=True):
        quat_xyzw = random_quat(rng)
        center, radius = drop_point(model, quat_xyzw, area_m, placed, rng)
        placed.append((center, radius))
        poses.append(_pose(center, quat_xyzw))
    return poses


def drop_point(
    model: ObjectModel,
    quat_xyzw: Array,
    area_m: float,
    placed: Sequence[tuple[Array, float]],
    rng: np.random.Generator,
) -> tuple[Array, float]:
    """Return the lowest of a few random points (3,) at which a model clears spheres (center, radius), and its radius.

    Lowest first spreads objects over the area before any is dropped on another.
    """
    radius = float(np.linalg.norm(model.mesh.vertices, axis=1).max())
    rotated_z = model.mesh.vertices @ matrix_from_quat(quat_xyzw)[2]
    reach = max(area_m / 2 - radius, 0.0)
    best = np.array([0.0, 0.0, np.inf])
    for _ in range(6):
        x, y = rng.uniform(-reach, reach, size=2)
        z = GAP_M - float(rotated_z.min())
        for center, other in placed:
            across = np.hypot(x - center[0], y - center[1])
            touch = radius + other + GAP_M
            if across < touch:
                z = max(z, float(center[2] + np.sqrt(touch**2 - across**2)))
        if z < best[2]:
            best = np.array([x, y, z])
    return best, radius


def packed(models: Sequence[ObjectModel], area_m: float, rngs: Sequence[np.random.Generator]) -> list[Pose | None]:
    """Stand objects up, turned at random, as close to the middle as their bounding rectangles allow."""
    rectangles: list[Array] = []
    poses: list[Pose | None] = []
    for model, rng in zip(models, rngs, strict=True):
        upright = standing_rotation(model)
        vertices = model.mesh.vertices @ upright.T
        low, high = vertices.min(axis=0), vertices.max(axis=0)
        best: tuple[float, Array, float, Array] | None = None
        for _ in range(_TRIES):
            yaw = rng.uniform(0, 2 * np.pi)
            center = rng.uniform(-area_m / 2, area_m / 2, size=2)
            corners = _rectangle(center, yaw, (high - low)[:2] + GAP_M)
            inside = np.abs(corners).max() <= area_m / 2
            distance = float(np.linalg.norm(center))
            closer = best is None or distance < best[0]
            if inside and closer and not any(_overlap(corners, other) for other in rectangles):
                best = (distance, center, yaw, corners)
        if best is None:
            poses.append(None)
            continue
        _, center, yaw, corners = best
        rectangles.append(corners)
        turn = rotation_about((0, 0, 1), yaw)
        # A tenth of a millimetre up, so that nothing starts inside the table.
        bottom = turn @ [*(low + high)[:2] / 2, low[2] - 1e-4]
        poses.append(_pose(np.array([*center, 0]) - bottom, quat_from_matrix(turn @ upright)))
    return poses


def floating(models: Sequence[ObjectModel], area_m: float, rngs: Sequence[np.random.Generator]) -> list[Pose | None]:
    """Put objects at random poses in a cube about the origin, so that none intersects another."""
    placed: list[tuple[Array, float]] = []
    poses: list[Pose | None] = []
    for model, rng in zip(models, rngs, strict=True):
        radius = float(np.linalg.norm(model.mesh.vertices, axis=1).max())
        quat_xyzw = random_quat(rng)
        pose = None
        for _ in range(_TRIES):
            center = rng.uniform(-area_m / 2, area_m / 2, size=3)
            if all(np.linalg.norm(center - other) > radius + r for other, r in placed):
                placed.append((center, radius))
                pose = _pose(center, quat_xyzw)
                break
        poses.append(pose)
    return poses


PLACEMENTS: dict[str, Placement] = {"tabletop": dropped, "bin": dropped, "packed": packed, "floating": floating}


def _pose(center: Array, quat_xyzw: Array) -> Pose:
    x, y, z, a, b, c, d = (float(v) for v in (*center, *quat_xyzw))
    return x, y, z, a, b, c, d


def _rectangle(center: Array, yaw: float, size: Array) -> Array:
    along = np.array([np.cos(yaw), np.sin(yaw)]) * size[0] / 2
    across = np.array([-np.sin(yaw), np.cos(yaw)]) * size[1] / 2
    return np.array(
        [center + along + across, center - along + across, center - along - across, center + along - across]
    )


def _overlap(a: Array, b: Array) -> bool:
    """Tell whether two rectangles (4, 2) intersect: no edge normal of either separates them."""
    for edges in (a[1] - a[0], a[2] - a[1], b[1] - b[0], b[2] - b[1]):
        normal = np.array([-edges[1], edges[0]])
        p, q = a @ normal, b @ normal
        if p.max() <= q.min() or q.max() <= p.min():
            return False
    return True
