"""From actions in [-1, 1] to motor targets: steps of the gripper or of the joints, and how wide the fingers stand."""

import math
from collections import deque

import numpy as np

from graspsim.differential_ik import arm_targets
from graspsim.episode.spec import ControlSpec
from graspsim.errors import SpecError, UnknownNameError
from graspsim.geometry import Array, rotation_matrix
from graspsim.jit import compiled
from graspsim.physics.world import World
from graspsim.robot import RobotModel, turned_by

STEP_S = 0.05
"""Simulated time of an action."""
STEP_M, STEP_RAD = 0.025, 0.2
"""What the largest action moves and turns the gripper by; joints turn by as much."""
LEASH_M, LEASH_RAD = 0.04, 0.4
"""How far the pose that is sought may run ahead of the gripper, so that pushing against something soon stops, and so
does turning on beyond what a joint can."""
PRESSES_M = 0.0005
MODES = {"yaw": 5, "pose": 7, "joints": 8}


def action_size(robot: RobotModel, mode: str) -> int:
    """Return how many numbers an action has.

    Raises:
        UnknownNameError: for an unknown mode.
        SpecError: for one that the robot cannot be controlled in.
    """
    if mode not in MODES:
        raise UnknownNameError("control mode", mode, MODES)
    if mode == "joints" and robot.inverse is not None:
        raise SpecError(f"The robot {robot.name!r} has no arm to control by its joints; use control='yaw' or 'pose'.")
    return MODES[mode]


class Controls:
    """The controller of one episode.

    Args:
        robot: what is controlled.
        world_from_base: (4, 4) where it stands.
        drawn: gains and errors.
        mode: yaw (dx, dy, dz, dyaw), pose (dx, dy, dz and a rotation vector, all in the world frame) or joints; each is
            followed by how wide the fingers shall stand, from -1, shut, to 1.
        low: least corner (3,) of the space that the gripper is kept in.
        high: the largest.
        rng: for the noise of actions.

    Attributes:
        space: least and largest corner of the space.
        world_from_target: (4, 4) pose of the gripper that is sought.
        width_m: between the pads, that is sought.
    """

    def __init__(
        self,
        robot: RobotModel,
        world_from_base: Array,
        drawn: ControlSpec,
        mode: str,
        low: Array,
        high: Array,
        rng: np.random.Generator,
    ) -> None:
        self._robot = robot
        self._world_from_base = world_from_base
        self._drawn = drawn
        self._mode = mode
        self.space = low, high
        self._rng = rng
        self._waiting: deque[Array] = deque()
        self._arm = np.empty(0)
        self.width_m = robot.opening_m
        self.world_from_target = np.eye(4)

    def start(self, arm: Array, width_m: float) -> None:
        """Begin at positions (n,) of the arm's joints and a width between the pads."""
        self._arm, self.width_m = arm, width_m
        self.world_from_target = self._robot.gripper_pose(self._world_from_base, self._robot.joint_positions(arm, 0.0))
        self._waiting.clear()

    def apply(self, action: Array, world: World, joints: Array, world_from_gripper: Array) -> None:
        """Drive the motors as an action (k,) says, which takes effect after the delay.

        Args:
            action: what is asked for.
            world: where the robot is.
            joints: (n,) positions of its joints.
            world_from_gripper: (4, 4) pose of its gripper.
        """
        arrived = self.arrived(action)
        if arrived is None:
            return
        action = arrived
        motion, width_m = action[:-1] * self._drawn.gain, (action[-1] + 1) / 2 * self._robot.opening_m
        if self._mode == "joints":
            chosen = list(self._robot.arm)
            arm = joints[chosen] + np.clip(self._arm + motion * STEP_RAD - joints[chosen], -LEASH_RAD, LEASH_RAD)
            arm = np.clip(arm, *self._robot.limits[:, chosen])
            sought = self._robot.joint_positions(arm, width_m)
            self.world_from_target = self._robot.gripper_pose(self._world_from_base, sought)
            self._drive(arm, width_m, world, joints)
            return
        turn = np.array((0, 0, motion[3])) if self._mode == "yaw" else motion[3:]
        target = _moved(self.world_from_target, motion[:3], turn, *self.space, world_from_gripper)
        self.seek(target, width_m, world, joints)

    def arrived(self, action: Array) -> Array | None:
        """Return what reaches the controller when an action (k,) is given: noisy, after the delay; at first None."""
        self._waiting.append(action)
        if len(self._waiting) <= self._drawn.delay_steps:
            return None
        return self.noisy(self._waiting.popleft())

    def noisy(self, action: Array) -> Array:
        """Return an action (k,) with the noise of the episode."""
        if not self._drawn.action_noise:
            return action
        return np.clip(action + self._rng.normal(0, self._drawn.action_noise, len(action)), -1, 1)

    def seek(self, world_from_gripper: Array, width_m: float, world: World, joints: Array) -> None:
        """Drive the motors towards a pose (4, 4) of the gripper within one action's time, as far as they can."""
        self.world_from_target = world_from_gripper
        arm = arm_targets(self._robot, self._world_from_base, world_from_gripper, self._arm)
        self._drive(arm, width_m, world, joints)

    def closes(self, width_m: float) -> bool:
        """Whether the fingers, now at a width, close or press."""
        return self.width_m < width_m - PRESSES_M

    def _drive(self, arm: Array, width_m: float, world: World, joints: Array) -> None:
        targets = self._robot.joint_positions(arm, width_m)
        # As fast as it takes to arrive just before the next action.
        speeds = np.full(len(targets), np.inf)
        chosen = list(self._robot.arm)
        speeds[chosen] = 1.3 * np.abs(arm - joints[chosen]) / STEP_S + 0.01
        self._arm, self.width_m = arm, width_m
        world.robot.drive(targets, speeds)


@compiled
def _moved(
    world_from_target: Array, motion: Array, turn: Array, low: Array, high: Array, world_from_gripper: Array
) -> Array:
    """Return the pose (4, 4) to seek next: moved (3,) and turned (3,) as an action says, in a space and on a leash."""
    target = world_from_target.copy()
    here = np.ascontiguousarray(world_from_gripper[:3, :3])
    for i in range(3):
        place, middle = target[i, 3] + motion[i] * STEP_M, world_from_gripper[i, 3]
        place = min(max(place, low[i]), high[i])
        target[i, 3] = min(max(place, middle - LEASH_M), middle + LEASH_M)
    angle = math.sqrt((turn * turn).sum())
    if angle > 1e-9:
        target[:3, :3] = rotation_matrix(turn, angle * STEP_RAD) @ np.ascontiguousarray(target[:3, :3])
    ahead = turned_by(target[:3, :3], here)
    if (ahead * ahead).sum() > LEASH_RAD**2:
        target[:3, :3] = rotation_matrix(ahead, LEASH_RAD) @ here
    return target
