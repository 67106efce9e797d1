"""From spawned to settled: drop a scene's bodies, and drop anew whatever left it."""

import contextlib
import dataclasses
from collections.abc import Mapping

import numpy as np

from graspsim.geometry import Array, random_quat
from graspsim.layouts import drop_point
from graspsim.models import ObjectModel
from graspsim.physics.world import SettleOutcome, World
from graspsim.registry import load
from graspsim.scene import Scene
from graspsim.streams import Stream, generator

MAX_REDRAWS = 3
_SUNK_M = 0.01


def settle_scene(scene: Scene, models: Mapping[int, ObjectModel], limit_s: float) -> tuple[Scene, Array, SettleOutcome]:
    """Let a scene come to rest, in a world that is closed after that.

    Returns:
        The scene with the bodies that are left, their poses (n, 7), and how it went.
    """
    if scene.gravity_m_s2 == 0:
        poses = np.array([body.pose for body in scene.bodies]).reshape(-1, 7)
        return scene, poses, SettleOutcome(at_rest=True, time_s=0.0)
    with contextlib.closing(load("world", "bullet")(scene, models)) as world:
        scene, outcome = settle_world(world, scene, models, limit_s)
        return scene, world.poses(), outcome


def settle_world(
    world: World, scene: Scene, models: Mapping[int, ObjectModel], limit_s: float
) -> tuple[Scene, SettleOutcome]:
    """Let the bodies of a world come to rest.

    A body that fell off the table or out of the bin is dropped anew, up to `MAX_REDRAWS` times, and taken out of the
    scene after that: it is never labelled as if it were there.

    Returns:
        The scene with the bodies that are left, and how it went.
    """
    outcome = world.settle(limit_s)
    time_s, redrawn = outcome.time_s, 0
    for attempt in range(MAX_REDRAWS):
        lost = _left(scene, world.poses())
        if not len(lost):
            break
        _drop_anew(scene, models, world, lost, attempt)
        redrawn += len(lost)
        outcome = world.settle(limit_s)
        time_s += outcome.time_s
    lost = _left(scene, world.poses())
    removed = tuple(scene.bodies[i].instance_id for i in lost)
    for i in reversed(lost):
        world.remove(i)
    kept = tuple(body for i, body in enumerate(scene.bodies) if i not in lost)
    return dataclasses.replace(scene, bodies=kept), SettleOutcome(outcome.at_rest, time_s, redrawn, removed)


def _area(scene: Scene) -> tuple[float, bool]:
    """Return half the width of where bodies may be, and whether walls bound it."""
    by_name = {fixture.name: fixture for fixture in scene.fixtures}
    if "bin" in by_name:
        walls = by_name["bin"].boxes
        return walls[3].size_m[0] / 2, True
    return by_name["table"].boxes[0].size_m[0] / 2, False


def _left(scene: Scene, poses: Array) -> list[int]:
    """Return which bodies are no longer where they belong."""
    half, _ = _area(scene)
    outside = (np.abs(poses[:, :2]).max(axis=1, initial=0.0) > half) | (poses[:, 2] < -_SUNK_M)
    return [int(i) for i in np.flatnonzero(outside | ~np.isfinite(poses).all(axis=1))]


def _drop_anew(scene: Scene, models: Mapping[int, ObjectModel], world: World, lost: list[int], attempt: int) -> None:
    half, walled = _area(scene)
    poses = world.poses()
    placed = [
        (poses[i, :3], float(np.linalg.norm(models[body.obj_id].extents_m) / 2))
        for i, body in enumerate(scene.bodies)
        if i not in lost
    ]
    for i in lost:
        rng = generator(scene.root_seed, scene.index, Stream.LAYOUT, 2, attempt, i)
        quat_xyzw = random_quat(rng)
        # Towards the middle of a table, from which it is farther to the edge.
        area_m = 2 * half if walled else half
        center, radius = drop_point(models[scene.bodies[i].obj_id], quat_xyzw, area_m, placed, rng)
        placed.append((center, radius))
        world.set_pose(i, np.concatenate([center, quat_xyzw]))
        world.set_velocity(i, np.zeros(6))
