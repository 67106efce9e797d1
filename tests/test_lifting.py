"""What counts as lifted, and what does not."""

from typing import Any

import numpy as np
import pytest
from episodes_for_tests import EVERY, exported_box, of_meshes, opened

from graspsim.episode.env import GraspEnv


@pytest.fixture(scope="module")
def box_file(tmp_path_factory: pytest.TempPathFactory) -> str:
    return exported_box(tmp_path_factory.mktemp("meshes") / "box.stl", (0.035, 0.05, 0.06))


@EVERY
def test_the_script_succeeds(task: str) -> None:
    with opened(task) as env:
        for seed in range(4):
            env.reset(seed=seed)
            over = False
            while not over and env.sim.steps < 400:
                *_, terminated, truncated, info = env.step(env.task.scripted(env.sim))
                if info["success"]:
                    return
                over = terminated or truncated
    raise AssertionError("in none of four episodes")


@pytest.mark.parametrize(("robot", "control"), [("hand", "yaw"), ("hand", "pose"), ("panda", "yaw")])
def test_the_script_lifts_a_box(robot: str, control: str, box_file: str) -> None:
    with opened(objects=of_meshes(box_file), robot=robot, control=control) as env:
        for seed in range(5):
            env.reset(seed=seed)
            assert run(env)["success"], seed
            assert env.sim.lowest_m(0) > 0.09


def test_the_script_lifts_what_it_is_given() -> None:
    with opened() as env:
        for seed in range(5):
            env.reset(seed=seed)
            assert run(env)["success"], seed


def run(env: GraspEnv) -> dict[str, Any]:
    """Follow the script to the end of the episode, and return the last info."""
    while True:
        *_, terminated, truncated, info = env.step(env.task.scripted(env.sim))
        if terminated or truncated:
            return info


def test_chance_lifts_nothing() -> None:
    with opened() as env:
        env.action_space.seed(1)
        for seed in range(5):
            env.reset(seed=seed)
            for _ in range(99):
                *_, terminated, _, info = env.step(env.action_space.sample())
                assert not info["success"]
                assert not terminated


def test_an_object_in_the_air_that_nothing_holds_is_no_success(box_file: str) -> None:
    with opened(objects=of_meshes(box_file)) as env:
        env.reset(seed=0)
        total = 0.0
        for _ in range(40):
            env.sim.world.set_pose(0, np.array((0, 0.1, 0.3, 0, 0, 0, 1.0)))
            env.sim.refresh()
            _, _, terminated, _, info = env.step(np.array((0, 0, 0, 0, 1.0)))
            total += info["reward_terms"]["lift"] + info["reward_terms"]["grip"]
            assert not info["success"]
            assert not terminated
        assert total == 0


def grip(env: GraspEnv) -> None:
    """Follow the script until both fingers press on the object from its sides."""
    for _ in range(60):
        beside = env.sim.lowest_m(0) + 0.005 > env.sim.world_from_gripper[2, 3] - env.sim.robot.tip_m - 0.05
        if beside and min(env.sim.pad_forces(0)) > 20:
            return
        env.step(env.task.scripted(env.sim))
    raise AssertionError("nothing was gripped")


@pytest.mark.parametrize("pressing", [0.0, -1.0])
def test_an_object_held_down_on_the_table_is_no_success(pressing: float, box_file: str) -> None:
    with opened(objects=of_meshes(box_file)) as env:
        env.reset(seed=0)
        grip(env)
        for _ in range(30):
            *_, info = env.step(np.array((0, 0, pressing, 0, -1.0)))
            assert not info["success"]
        assert not env.sim.is_held(0)


def test_an_object_held_too_low_is_no_success(box_file: str) -> None:
    with opened(objects=of_meshes(box_file)) as env:
        env.reset(seed=0)
        grip(env)
        for step in range(30):
            *_, info = env.step(np.array((0, 0, 1.0 if step < 3 else 0.0, 0, -1.0)))
            assert not info["success"]
        assert env.sim.is_held(0)
        assert 0.05 < env.sim.lowest_m(0) < 0.1


def test_an_object_that_is_shaken_up_there_is_no_success(box_file: str) -> None:
    with opened(objects=of_meshes(box_file)) as env:
        env.reset(seed=0)
        grip(env)
        for step in range(40):
            up = 1.0 if step < 6 else 0.0
            *_, info = env.step(np.array(((-1.0) ** step, 0, up, 0, -1.0)))
            assert not info["success"]


def test_undoing_costs_what_doing_gave(box_file: str) -> None:
    with opened(objects=of_meshes(box_file)) as env:
        env.reset(seed=0)
        grip(env)
        up = [env.step(np.array((0, 0, 0.5, 0, -1.0)))[4]["reward_terms"]["lift"] for _ in range(5)]
        down = [env.step(np.array((0, 0, -0.5, 0, -1.0)))[4]["reward_terms"]["lift"] for _ in range(8)]
        assert sum(up) > 1
        assert sum(up) + sum(down) == pytest.approx(0, abs=0.1)


def test_to_push_the_object_off_the_table_ends_the_attempt_to_lift_it(box_file: str) -> None:
    with opened(objects=of_meshes(box_file)) as env:
        env.reset(seed=0)
        env.sim.world.set_pose(0, np.array((0.0, 2.0, 0.1, 0, 0, 0, 1)))
        for _ in range(12):
            _, _, terminated, _, info = env.step(np.zeros(5))
            assert not info["success"]
            assert terminated == bool(env.sim.poses[0, 2] < -0.05)
            if terminated:
                return
        pytest.fail("It fell for long.")


def test_an_episode_is_cut_off_after_its_horizon_and_that_is_not_its_end() -> None:
    with opened(horizon=7) as env:
        for seed in range(2):
            env.reset(seed=seed)
            ends = [env.step(np.zeros(5))[2:4] for _ in range(7)]
            assert ends == [(False, False)] * 6 + [(False, True)]
