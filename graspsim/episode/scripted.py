"""Actions of policies that know everything: how a gripper gets from where it is to where a plan wants it."""

import numpy as np

from graspsim.episode.controls import STEP_M, STEP_RAD
from graspsim.episode.simulation import Simulation
from graspsim.errors import SpecError
from graspsim.geometry import Array, apply, rotation_about, transform
from graspsim.grasps.antipodal import antipodal_pairs
from graspsim.grasps.plan import Grasp, plan_grasp
from graspsim.robot import turned_by

ABOVE_M = 0.08
"""How far above a grasp the gripper waits until it is over it."""
THERE_M, ALIGNED_RAD = 0.004, 0.06
WALL_SPACING_M = 0.015

_HALF_TURN = transform(rotation_about((0, 0, 1), np.pi))


def towards(sim: Simulation, world_from_gripper: Array, width_m: float, speed: float = 1.0) -> Array:
    """Return the action (k,) that brings the gripper nearer to a pose (4, 4), its fingers to a width.

    Raises:
        SpecError: if the robot is controlled by its joints.
    """
    if sim.mode == "joints":
        raise SpecError("There is no scripted policy for control='joints'; use 'yaw' or 'pose'.")
    here = sim.controls.world_from_target
    motion = (world_from_gripper[:3, 3] - here[:3, 3]) / STEP_M
    # Straight, however far.
    motion /= max(1.0, float(np.abs(motion).max()) / speed)
    turn = turned_by(world_from_gripper[:3, :3], here[:3, :3]) / STEP_RAD
    turn = turn[2:] if sim.mode == "yaw" else turn
    turn /= max(1.0, float(np.linalg.norm(turn)))
    grip = 2 * width_m / sim.robot.opening_m - 1
    return np.asarray(np.clip(np.concatenate([motion, turn, [grip]]), -1.0, 1.0))


def upright(world_from_grasp: Array) -> Array:
    """Return a grasp's pose (4, 4) with its approach straight down: what a gripper that only turns can do of it."""
    along = np.array((world_from_grasp[0, 0], world_from_grasp[1, 0], 0.0))
    along /= np.linalg.norm(along)
    down = np.array((0.0, 0.0, -1.0))
    return transform(np.column_stack([along, np.cross(down, along), down]), world_from_grasp[:3, 3])


def nearer_way_round(sim: Simulation, world_from_grasp: Array) -> Array:
    """Return a grasp's pose (4, 4), or the same turned by half about its approach if the gripper is nearer to that."""
    turned = world_from_grasp @ _HALF_TURN
    along = sim.world_from_gripper[:3, 0]
    return turned if turned[:3, 0] @ along > world_from_grasp[:3, 0] @ along else world_from_grasp


def approach(sim: Simulation, world_from_grasp: Array, opening_m: float) -> Array:
    """Return the action (k,) that brings open fingers around an object: over it, down to it, and then shut."""
    target = nearer_way_round(sim, upright(world_from_grasp) if sim.mode == "yaw" else world_from_grasp)
    off = target[:3, 3] - sim.world_from_gripper[:3, 3]
    turn_rad = float(np.linalg.norm(turned_by(target[:3, :3], sim.world_from_gripper[:3, :3])))
    back = float(-off @ target[:3, 2])
    aside_m = float(np.linalg.norm(off + back * target[:3, 2]))
    if aside_m < THERE_M and turn_rad < ALIGNED_RAD:
        shut = abs(back) < THERE_M
        return towards(sim, target, 0.0 if shut else opening_m)
    # Once among the fingers, an object that has moved a little is followed; otherwise first up, and over it.
    height = 0.0 if abs(back) < ABOVE_M / 2 and aside_m < 2 * THERE_M and turn_rad < 2 * ALIGNED_RAD else ABOVE_M
    above = target.copy()
    above[:3, 3] -= target[:3, 2] * max(height, min(back, ABOVE_M) if aside_m < 2 * THERE_M else height)
    return towards(sim, above, opening_m)


def plan_for(sim: Simulation, index: int, pushes: bool = False) -> Grasp | None:
    """Return the best grasp from above of a body that keeps clear of walls and, unless it may push them aside, of the
    other bodies; None if there is none."""
    blockers = np.concatenate([walls(sim), *([] if pushes else others(sim, index))])
    return plan_grasp(sim.models[index], sim.world_from_bodies[index], sim.robot, blockers)


def others(sim: Simulation, index: int) -> list[Array]:
    """Return points (n, 3) on each of the other bodies."""
    return [
        apply(pose, antipodal_pairs(model).surface)
        for i, (model, pose) in enumerate(zip(sim.models, sim.world_from_bodies, strict=True))
        if i != index
    ]


def walls(sim: Simulation) -> Array:
    """Return points (n, 3) along the upper edges of a bin's walls."""
    points = [np.zeros((0, 3))]
    for fixture in sim.scene.fixtures:
        if fixture.name == "bin":
            for box in fixture.boxes[1:]:
                points.append(_top(np.asarray(box.center_m), np.asarray(box.size_m)))
    return np.concatenate(points)


def _top(center: Array, size: Array) -> Array:
    """Return points (n, 3) along the upper edges of a wall."""
    x, y = (
        np.linspace(c - s / 2, c + s / 2, max(int(s / WALL_SPACING_M) + 1, 2))
        for c, s in zip(center[:2], size[:2], strict=True)
    )
    grid = np.stack(np.meshgrid(x, y), axis=-1).reshape(-1, 2)
    return np.column_stack([grid, np.full(len(grid), center[2] + size[2] / 2)])
