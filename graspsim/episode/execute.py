"""A whole grasp as one action: where it is, and the movements that carry it out without looking."""

import numpy as np

from graspsim.episode.controls import MODES
from graspsim.episode.simulation import Simulation
from graspsim.errors import SpecError
from graspsim.geometry import Array, apply, invert, rotation_about, transform

BACK_M = 0.1
"""Along the approach: from where the gripper starts at least, and how far it is lifted after."""
ASIDE_M = 0.15
"""From the approach: what is nearer may be in the hand's way."""
CLEAR_M = 0.01
"""Between the fingertips and all that is in the way, at the start."""
WITHOUT_MEANING = ("control.gain", "control.delay_steps")
"""What whole grasps cannot be subject to."""
ADVANCE_M, RAISE_M = 0.02, 0.012
"""In the time of one action."""
CLOSE_STEPS, HOLD_STEPS = 12, 10
PARKED_M = (0.0, -0.3, 0.4)
REACH_RAD = {"yaw": (np.pi / 2,), "pose": (0.8, 0.8, np.pi / 2)}
"""What the largest action turns the gripper by: about the vertical, or for whole poses about x, y and the vertical."""

_DOWN = transform(rotation_about((1, 0, 0), np.pi))


def grasp_mode(size: int) -> str:
    """Return yaw or pose, whichever controls a robot by so many numbers.

    Raises:
        SpecError: if neither does.
    """
    for mode in REACH_RAD:
        if MODES[mode] == size:
            return mode
    raise SpecError("Whole grasps are given in the gripper's frame; use control='yaw' or 'pose'.")


def grasp_size(mode: str) -> int:
    """Return how many numbers a whole grasp is: position, turn and width."""
    return 4 + len(REACH_RAD[mode])


def grasp_from_action(action: Array, mode: str, low: Array, high: Array, opening_m: float) -> tuple[Array, float]:
    """Return the pose (4, 4) and the width of a grasp, from numbers in [-1, 1].

    Args:
        action: (k,) position within the space, turn, and how wide the fingers stand on the way, from -1, shut, to 1.
        mode: yaw or pose.
        low: least corner (3,) of the space.
        high: the largest.
        opening_m: of the robot.
    """
    position = low + (action[:3] + 1) / 2 * (high - low)
    angles = action[3:-1] * np.array(REACH_RAD[mode])
    turn = rotation_about((0, 0, 1), angles[-1])
    if mode == "pose":
        turn = rotation_about((1, 0, 0), angles[0]) @ rotation_about((0, 1, 0), angles[1]) @ turn
    return transform(turn @ _DOWN[:3, :3], position), float((action[-1] + 1) / 2 * opening_m)


def action_from_grasp(
    world_from_gripper: Array, width_m: float, mode: str, low: Array, high: Array, opening_m: float
) -> Array:
    """Return the numbers in [-1, 1] of a grasp: what `grasp_from_action` undoes, for what it can express."""
    turn = world_from_gripper[:3, :3] @ _DOWN[:3, :3].T
    pitch = np.arcsin(np.clip(turn[0, 2], -1, 1))
    roll, yaw = np.arctan2(-turn[1, 2], turn[2, 2]), np.arctan2(-turn[0, 1], turn[0, 0])
    # Half a turn about the approach is the same grasp.
    yaw = (yaw + np.pi / 2) % np.pi - np.pi / 2
    angles = np.array([yaw] if mode == "yaw" else [roll, pitch, yaw])
    position = 2 * (world_from_gripper[:3, 3] - low) / (high - low) - 1
    numbers = np.concatenate([position, angles / REACH_RAD[mode], [2 * width_m / opening_m - 1]])
    return np.asarray(np.clip(numbers, -1, 1))


def execute_grasp(sim: Simulation, world_from_gripper: Array, opening_m: float) -> bool:
    """Carry a grasp out, open loop: from clear of everything straight ahead, shut, up, and wait.

    Returns:
        Whether the fingers then hold a body clear of everything else.
    """
    start = world_from_gripper @ transform(translation=(0, 0, -_clear_way_m(sim, world_from_gripper)))
    sim.place_gripper(start, opening_m)
    _move(sim, world_from_gripper, opening_m, ADVANCE_M)
    for _ in range(CLOSE_STEPS):
        sim.seek(sim.controls.world_from_target, 0.0)
    raised = sim.controls.world_from_target.copy()
    raised[2, 3] += BACK_M
    _move(sim, raised, 0.0, RAISE_M)
    for _ in range(HOLD_STEPS):
        sim.seek(raised, 0.0)
    return held_body(sim) is not None


def _clear_way_m(sim: Simulation, world_from_gripper: Array) -> float:
    """Return how far back from a grasp, along its approach, no body is beside the hand yet."""
    bodies = zip(sim.models, sim.world_from_bodies, strict=True)
    points = np.concatenate([np.zeros((0, 3)), *(apply(pose, model.mesh.vertices) for model, pose in bodies)])
    seen = apply(invert(world_from_gripper), points)
    ahead = seen[np.linalg.norm(seen[:, :2], axis=1) < ASIDE_M, 2]
    return max(BACK_M, sim.robot.tip_m + CLEAR_M - float(ahead.min(initial=0.0)))


def _move(sim: Simulation, target: Array, width_m: float, step_m: float) -> None:
    start = sim.controls.world_from_target
    way = target[:3, 3] - start[:3, 3]
    steps = max(1, int(np.ceil(np.linalg.norm(way) / step_m)))
    for n in range(1, steps + 1):
        step = target.copy()
        step[:3, 3] = start[:3, 3] + way * n / steps
        sim.seek(step, width_m)


def held_body(sim: Simulation) -> int | None:
    """Return the index of the body that the fingers hold clear of everything else, if there is one."""
    for index in range(len(sim.models)):
        if sim.is_held(index):
            return index
    return None


def park(sim: Simulation) -> None:
    """Put the gripper, open, out of the way of a camera above."""
    aside = _DOWN.copy()
    aside[:3, 3] = PARKED_M
    sim.place_gripper(aside, sim.robot.opening_m)
