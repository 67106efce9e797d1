"""What actions do, for every robot in the registry and in every mode that it can be controlled in."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import gymnasium
import numpy as np
import pytest

from graspsim import registry
from graspsim.episode.controls import LEASH_M, LEASH_RAD, MODES, STEP_M, STEP_RAD, STEP_S, action_size
from graspsim.episode.env import GraspEnv
from graspsim.errors import SpecError, UnknownNameError
from graspsim.geometry import Array
from graspsim.robot import RobotModel, turned_by

NAMES = registry.names("robot")
EVERY = pytest.mark.parametrize("robot", NAMES)
OBJECTS = {"families": ["primitives", "produce"], "models": 4}
STILL = {"control.start_offset_m": (0.0, 0.0, 0.0)}
OPEN, SHUT = 1.0, -1.0
WITH_POSE = [(robot, mode) for robot in NAMES for mode in ("yaw", "pose")]
WITH_ARM = [name for name in NAMES if registry.load("robot", name)().inverse is None]


@contextmanager
def episode(robot: str = "hand", control: str = "yaw", **randomized: Any) -> Iterator[GraspEnv]:
    """Give an environment in which an episode has begun, with the gripper far above the one object."""
    env = gymnasium.make(
        "graspsim/Lift-v0", robot=robot, control=control, objects=OBJECTS, horizon=1000, randomize=STILL | randomized
    )
    inner = env.unwrapped
    assert isinstance(inner, GraspEnv)
    inner.reset(seed=0)
    try:
        yield inner
    finally:
        env.close()


def act(env: GraspEnv, steps: int = 1, grip: float = OPEN, **numbers: float) -> None:
    """Take the same action some times: `n0=1` makes its first number 1, and all that are not named are 0."""
    action = np.zeros(env.action_space.shape or ())
    action[-1] = grip
    for name, value in numbers.items():
        action[int(name[1:])] = value
    for _ in range(steps):
        env.step(action)


def moved_m(env: GraspEnv, start: Array) -> Array:
    return np.asarray(env.sim.world_from_gripper[:3, 3] - start[:3, 3])


def turned_rad(env: GraspEnv, start: Array) -> Array:
    return turned_by(env.sim.world_from_gripper[:3, :3], start[:3, :3])


# Motions


@pytest.mark.parametrize(("robot", "control"), WITH_POSE)
@pytest.mark.parametrize("share", [1.0, -0.4])
def test_an_action_moves_the_gripper_along_one_axis_of_the_world(robot: str, control: str, share: float) -> None:
    with episode(robot, control) as env:
        for axis in range(3):
            start = env.sim.world_from_gripper
            act(env, **{f"n{axis}": share})
            # Almost all of the way in the action's time, and the rest while nothing is asked for.
            np.testing.assert_allclose(moved_m(env, start), share * STEP_M * np.eye(3)[axis], atol=0.004)
            act(env, 4)
            np.testing.assert_allclose(moved_m(env, start), share * STEP_M * np.eye(3)[axis], atol=0.001)
            np.testing.assert_allclose(turned_rad(env, start), 0, atol=0.003)


@pytest.mark.parametrize(("robot", "control"), WITH_POSE)
def test_several_actions_add_up(robot: str, control: str) -> None:
    with episode(robot, control) as env:
        start = env.sim.world_from_gripper
        act(env, 3, n0=1.0)
        act(env, 3, n1=-0.5, n2=1.0)
        act(env, 4)
        np.testing.assert_allclose(moved_m(env, start), 3 * STEP_M * np.array((1, -0.5, 1)), atol=0.001)
        assert np.linalg.norm(env.sim.gripper_velocity) < 0.01


@pytest.mark.parametrize(("robot", "control"), WITH_POSE)
@pytest.mark.parametrize("share", [1.0, -1.0])
def test_an_action_turns_the_gripper_about_the_vertical_in_its_place(robot: str, control: str, share: float) -> None:
    with episode(robot, control) as env:
        start = env.sim.world_from_gripper
        act(env, **{f"n{MODES[control] - 2}": share})
        act(env, 4)
        np.testing.assert_allclose(turned_rad(env, start), (0, 0, share * STEP_RAD), atol=0.005)
        np.testing.assert_allclose(moved_m(env, start), 0, atol=0.001)


@EVERY
@pytest.mark.parametrize("axis", range(3))
def test_in_pose_mode_an_action_turns_the_gripper_about_each_axis_of_the_world(robot: str, axis: int) -> None:
    with episode(robot, "pose") as env:
        start = env.sim.world_from_gripper
        act(env, **{f"n{3 + axis}": 1.0})
        act(env, 6)
        np.testing.assert_allclose(turned_rad(env, start), STEP_RAD * np.eye(3)[axis], atol=0.005)
        np.testing.assert_allclose(moved_m(env, start), 0, atol=0.002)


def test_the_hand_is_there_at_the_end_of_each_action() -> None:
    with episode() as env:
        start = env.sim.world_from_gripper
        for n in range(1, 5):
            act(env, n1=0.5, n3=0.5)
            np.testing.assert_allclose(moved_m(env, start), (0, n * STEP_M / 2, 0), atol=0.003)
            np.testing.assert_allclose(turned_rad(env, start), (0, 0, n * STEP_RAD / 2), atol=0.03)


@EVERY
def test_the_gripper_stands_still_while_nothing_is_asked_for(robot: str) -> None:
    with episode(robot) as env:
        start = env.sim.world_from_gripper
        act(env, 60)
        np.testing.assert_allclose(moved_m(env, start), 0, atol=0.001)
        np.testing.assert_allclose(turned_rad(env, start), 0, atol=0.003)


@EVERY
@pytest.mark.parametrize("grip", [-1.0, -0.5, 0.0, 0.6, 1.0])
def test_the_last_number_is_how_wide_the_fingers_stand(robot: str, grip: float) -> None:
    with episode(robot) as env:
        act(env, 20, grip=grip)
        wanted = (grip + 1) / 2 * env.sim.robot.opening_m
        assert env.sim.width_m == pytest.approx(wanted, abs=0.0005)
        assert np.ptp(env.sim.joints[list(env.sim.robot.fingers)]) < 0.0005


# Joints


@pytest.mark.parametrize("robot", WITH_ARM)
def test_in_joints_mode_an_action_turns_the_joint_asked_for_and_no_other(robot: str) -> None:
    with episode(robot, "joints") as env:
        arm = list(env.sim.robot.arm)
        for joint in range(len(arm)):
            start = env.sim.joints[arm]
            # Upwards where that is away from the table.
            act(env, grip=SHUT, **{f"n{joint}": -0.5})
            act(env, 3, grip=SHUT)
            np.testing.assert_allclose(
                env.sim.joints[arm] - start, -0.5 * STEP_RAD * np.eye(len(arm))[joint], atol=0.003
            )
        assert env.sim.width_m < 0.001


@pytest.mark.parametrize("robot", WITH_ARM)
def test_in_joints_mode_joints_stop_at_their_limits(robot: str) -> None:
    with episode(robot, "joints") as env:
        arm = list(env.sim.robot.arm)
        low, high = env.sim.robot.limits[:, arm]
        for sign in (-1.0, 1.0):
            act(env, 60, **{f"n{len(arm) - 1}": sign})
            assert (env.sim.joints[arm] > low - 0.005).all()
            assert (env.sim.joints[arm] < high + 0.005).all()
            end = (low, high)[int(sign > 0)][-1]
            assert env.sim.joints[arm][-1] == pytest.approx(end, abs=0.005)


# Errors that are drawn


@pytest.mark.parametrize("gain", [0.5, 1.4])
def test_gain_scales_every_motion_but_not_the_width(gain: float) -> None:
    with episode(**{"control.gain": gain}) as env:
        start = env.sim.world_from_gripper
        act(env, 2, n0=1.0, n3=0.5, grip=0.0)
        act(env, 10, grip=0.0)
        assert moved_m(env, start)[0] == pytest.approx(2 * gain * STEP_M, abs=0.001)
        assert turned_rad(env, start)[2] == pytest.approx(gain * STEP_RAD, abs=0.005)
        assert env.sim.width_m == pytest.approx(env.sim.robot.opening_m / 2, abs=0.0005)


@pytest.mark.parametrize("delay", [1, 3])
def test_a_delayed_action_takes_effect_that_many_steps_later(delay: int) -> None:
    actions = np.random.default_rng(0).uniform(-1, 1, size=(10, 5))
    actions *= 0.5
    paths = []
    for steps in (0, delay):
        with episode(**{"control.delay_steps": steps}) as env:
            path = [env.sim.controls.world_from_target]
            for action in actions:
                env.step(action)
                path.append(env.sim.controls.world_from_target)
                if len(path) == delay + 1 and steps:
                    # The gripper has not begun to move.
                    np.testing.assert_allclose(env.sim.world_from_gripper[:3, 3], path[0][:3, 3], atol=1e-4)
            paths.append(np.array(path))
    prompt, late = paths
    assert np.array_equal(late[: delay + 1], np.tile(late[0], (delay + 1, 1, 1)))
    np.testing.assert_allclose(late[delay:], prompt[: len(prompt) - delay], atol=1e-12)


def test_action_noise_has_the_deviation_that_was_drawn() -> None:
    noise = 0.2
    with episode(**{"control.action_noise": noise}) as env:
        targets = [env.sim.controls.world_from_target[:3, 3]]
        for _ in range(300):
            act(env)
            targets.append(env.sim.controls.world_from_target[:3, 3].copy())
        steps = np.diff(targets, axis=0) / STEP_M
        assert steps.std() == pytest.approx(noise, rel=0.15)
        assert abs(steps.mean()) < 3 * noise / np.sqrt(steps.size)


def test_without_noise_the_target_moves_by_the_action_exactly() -> None:
    with episode() as env:
        target = env.sim.controls.world_from_target.copy()
        act(env, n0=0.3, n1=-0.6, n2=0.2)
        moved = env.sim.controls.world_from_target[:3, 3] - target[:3, 3]
        np.testing.assert_allclose(moved, STEP_M * np.array((0.3, -0.6, 0.2)), atol=1e-12)


def test_noise_is_the_same_in_the_same_episode_and_another_in_another() -> None:
    ends = []
    for seed in (0, 0, 1):
        with episode(**{"control.action_noise": 0.3}) as env:
            env.reset(seed=seed)
            start = env.sim.world_from_gripper
            act(env, 5)
            ends.append(moved_m(env, start).tobytes())
    assert ends[0] == ends[1]
    assert ends[0] != ends[2]


def test_a_start_offset_shifts_the_gripper_and_nothing_else() -> None:
    offset = np.array((0.03, -0.05, 0.02))
    for robot in NAMES:
        with episode(robot) as env:
            home = env.sim.world_from_gripper
        with episode(robot, **{"control.start_offset_m": tuple(offset)}) as env:
            np.testing.assert_allclose(moved_m(env, home), offset, atol=0.001)
            np.testing.assert_allclose(turned_rad(env, home), 0, atol=0.003)


# Bounds


@EVERY
def test_the_gripper_keeps_to_its_space(robot: str) -> None:
    with episode(robot) as env:
        low, high = env.sim.controls.space
        for axis in range(3):
            for sign in (-1.0, 1.0):
                # Sideways at a height where nothing is in the way.
                act(env, 30, grip=SHUT, **{f"n{axis}": sign})
                act(env, 5, grip=SHUT)
                here = env.sim.world_from_gripper[:3, 3]
                assert (here > low - 0.003).all()
                assert (here < high + 0.003).all()


@EVERY
def test_pushing_on_the_table_soon_stops_and_pulling_back_soon_works(robot: str) -> None:
    with episode(robot) as env:
        act(env, 10, n0=1.0, n1=1.0)
        act(env, 60, n2=-1.0)
        low_m = env.sim.world_from_gripper[2, 3]
        assert low_m - env.sim.robot.tip_m == pytest.approx(0.0, abs=0.003)
        act(env, 3, n2=1.0)
        assert env.sim.world_from_gripper[2, 3] > low_m + STEP_M


@EVERY
def test_the_target_never_runs_farther_ahead_than_the_leash(robot: str) -> None:
    rng = np.random.default_rng(0)
    with episode(robot, "pose", **{"control.gain": 3.0}) as env:
        for _ in range(40):
            action = rng.choice((-1.0, 1.0), size=7)
            before = env.sim.world_from_gripper
            env.step(action)
            target = env.sim.controls.world_from_target
            assert np.abs(target[:3, 3] - before[:3, 3]).max() <= LEASH_M + 1e-9
            assert np.linalg.norm(turned_by(target[:3, :3], before[:3, :3])) <= LEASH_RAD + 1e-9


@EVERY
@pytest.mark.parametrize("sign", [-1.0, 1.0])
def test_turning_on_and_on_leaves_the_gripper_in_its_place_and_upright(robot: str, sign: float) -> None:
    with episode(robot) as env:
        start = env.sim.world_from_gripper
        act(env, 60, n3=sign)
        np.testing.assert_allclose(moved_m(env, start), 0, atol=0.002)
        np.testing.assert_allclose(env.sim.world_from_gripper[:3, 2], start[:3, 2], atol=0.01)
        # Back is the same way as there, at once.
        yaw = env.sim.world_from_gripper
        act(env, 6, n3=-sign)
        assert -sign * turned_rad(env, yaw)[2] > 2 * STEP_RAD


@pytest.mark.parametrize("robot", WITH_ARM)
def test_in_joints_mode_pulling_back_from_the_table_soon_works(robot: str) -> None:
    with episode(robot, "joints") as env:
        # The shoulder leans forward until the hand lies on the table.
        act(env, 30, n1=1.0)
        low_m = env.sim.world_from_gripper[2, 3]
        act(env, 4, n1=-1.0)
        assert env.sim.world_from_gripper[2, 3] > low_m + STEP_M


# Names and sizes


def test_an_unknown_mode_is_named_with_its_nearest_match() -> None:
    hand: RobotModel = registry.load("robot", "hand")()
    with pytest.raises(UnknownNameError, match=r"There is no control mode 'yam'\. Did you mean 'yaw'"):
        action_size(hand, "yam")


def test_a_robot_without_an_arm_has_no_joints_mode() -> None:
    hand: RobotModel = registry.load("robot", "hand")()
    with pytest.raises(SpecError, match=r"The robot 'hand' has no arm .* use control='yaw' or 'pose'"):
        action_size(hand, "joints")


@EVERY
def test_an_action_has_one_number_for_each_motion_and_one_for_the_width(robot: str) -> None:
    model: RobotModel = registry.load("robot", robot)()
    assert action_size(model, "yaw") == 3 + 1 + 1
    assert action_size(model, "pose") == 3 + 3 + 1
    if model.inverse is None:
        assert action_size(model, "joints") == len(model.arm) + 1


def test_an_action_takes_as_long_as_it_says() -> None:
    with episode() as env:
        env.sim.world.set_pose(0, np.array((0, 0, 1.0, 0, 0, 0, 1)))
        env.sim.refresh()
        before = env.sim.velocities[0, 2]
        act(env, 2)
        fell = env.sim.velocities[0, 2] - before
        assert fell == pytest.approx(-9.81 * 2 * STEP_S, rel=0.1)
