"""Joint targets for a pose of the gripper: by a robot's own formula, or by damped least squares step by step."""

import numpy as np
from numpy.typing import NDArray

from graspsim.geometry import Array, invert
from graspsim.jit import compiled
from graspsim.robot import Chain, RobotModel, forward, jacobian, turned_by

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
    _approach(
        robot.chain,
        robot.gripper_link,
        robot.link_from_gripper,
        world_from_base,
        world_from_gripper,
        np.array(arm),
        np.stack([low, high, home]),
        positions,
    )
    return np.asarray(positions[arm])


@compiled
def _approach(
    chain: Chain,
    gripper_link: int,
    link_from_gripper: Array,
    world_from_base: Array,
    world_from_gripper: Array,
    arm: NDArray[np.int64],
    bounds: Array,
    positions: Array,
) -> None:
    """Bring all joint positions (n,) nearer to a pose; `bounds` (3, k) are least, largest and home position of those of
    the arm (k,)."""
    low, high, home = bounds[0], bounds[1], bounds[2]
    damping = DAMPING**2 * np.eye(6)
    error = np.empty(6)
    for _ in range(STEPS):
        links = forward(chain, world_from_base, positions)
        here = links[gripper_link] @ link_from_gripper
        error[:3] = world_from_gripper[:3, 3] - here[:3, 3]
        error[3:] = turned_by(world_from_gripper[:3, :3], here[:3, :3])
        matrix = np.ascontiguousarray(jacobian(chain, links, gripper_link, here[:3, 3])[:, arm])
        posture = POSTURE * (home - positions[arm])
        # Towards the pose, and towards home in the null space of that.
        lack = np.linalg.solve(matrix @ matrix.T + damping, error - matrix @ posture)
        positions[arm] = np.minimum(np.maximum(positions[arm] + posture + matrix.T @ lack, low), high)
