"""Joint targets for a pose of the gripper: by a robot's own formula, or by damped least squares step by step."""

import numpy as np

from graspsim.geometry import Array, invert
from graspsim.robot import RobotModel, jacobian, turned_by

DAMPING = 0.03
"""Of the least squares (Wampler 1986): keeps joints slow near singular poses."""
POSTURE = 0.05
"""Share of the way to the home posture that a step goes in what the gripper's pose leaves free."""
STEPS = 4


def arm_targets(robot: RobotModel, world_from_base: Array, world_from_gripper: Array, near: Array) -> Array:
    """Return joint positions (n,) of the arm, within its limits, that bring the gripper to a pose (4, 4), or near it.

    Args:
        robot: what is to reach.
        world_from_base: (4, 4) where it stands.
        world_from_gripper: (4, 4) the pose sought.
        near: joint positions (n,) to start from.
    """
    arm = list(robot.arm)
    low, high = robot.limits[:, arm]
    if robot.inverse is not None:
        return np.clip(robot.inverse(invert(world_from_base) @ world_from_gripper, near), low, high)
    positions = robot.joint_positions(near, 0.0)
    home = np.asarray(robot.home)
    for _ in range(STEPS):
        links = robot.link_transforms(world_from_base, positions)
        here = links[robot.gripper_link] @ robot.link_from_gripper
        error = np.concatenate(
            [world_from_gripper[:3, 3] - here[:3, 3], turned_by(world_from_gripper[:3, :3], here[:3, :3])]
        )
        matrix = jacobian(robot.chain, links, robot.gripper_link, here[:3, 3])[:, arm]
        damped = matrix @ matrix.T + DAMPING**2 * np.eye(6)
        posture = POSTURE * (home - positions[arm])
        # Towards the pose, and towards home in the null space of that.
        step = posture + matrix.T @ np.linalg.solve(damped, error - matrix @ posture)
        positions[arm] = np.clip(positions[arm] + step, low, high)
    return np.asarray(positions[arm])
