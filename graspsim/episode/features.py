"""Numbers that states are made of."""

import numpy as np

from graspsim.episode.simulation import Simulation
from graspsim.geometry import Array
from graspsim.robot import turned_by

ROBOT_SIZE = 22
FORCE_SCALE_N = 40.0


def robot_state(sim: Simulation) -> Array:
    """Return (22,): position and two axes of the gripper, its velocity, how far the pose that is sought lies ahead and
    is turned, the width, the one that is sought, and what the pads press with on the body they press on most."""
    gripper, sought = sim.world_from_gripper, sim.controls.world_from_target
    pressed = max((sim.pad_forces(i) for i in range(len(sim.models))), key=min, default=(0.0, 0.0))
    forces = np.clip(pressed, 0, FORCE_SCALE_N)
    return np.concatenate(
        [
            gripper[:3, 3] + sim.errors_m[0],
            gripper[:3, 0],
            gripper[:3, 2],
            sim.gripper_velocity,
            sought[:3, 3] - gripper[:3, 3],
            turned_by(sought[:3, :3], gripper[:3, :3]),
            [sim.width_m / sim.robot.opening_m, sim.controls.width_m / sim.robot.opening_m],
            forces / FORCE_SCALE_N,
        ]
    )


BODY_SIZE = 18


def body_state(sim: Simulation, index: int) -> Array:
    """Return (18,): a body's position as seen from the gripper, two axes, its velocities, and its extents."""
    pose = sim.world_from_bodies[index]
    return np.concatenate(
        [
            seen_position(sim, index) - sim.world_from_gripper[:3, 3],
            pose[:3, 0],
            pose[:3, 2],
            sim.velocities[index],
            sim.models[index].extents_m,
        ]
    )


def seen_position(sim: Simulation, index: int) -> Array:
    """Return where a body is (3,), with the error of the step."""
    return np.asarray(sim.poses[index, :3] + sim.errors_m[1 + index])
