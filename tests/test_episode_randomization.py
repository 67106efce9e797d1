"""What is fixed is drawn so, and what is drawn is felt."""

import numpy as np
import pytest
from episodes_for_tests import EVERY, digest, exported_box, made, of_meshes, opened

from graspsim import registry
from graspsim.errors import SpecError


@pytest.fixture(scope="module")
def box_file(tmp_path_factory: pytest.TempPathFactory) -> str:
    return exported_box(tmp_path_factory.mktemp("meshes") / "box.stl", (0.035, 0.05, 0.06))


@EVERY
def test_what_is_fixed_is_drawn_so(task: str) -> None:
    fixed = {"physics.mass_kg": 0.3, "physics.friction": 0.7, "physics.gravity_m_s2": 5.0, "physics.restitution": 0.0}
    fixed |= {"physics.table_friction": 0.9, "lights.count": 2, "control.pad_friction": 0.5}
    gain = 1.0 if "control.gain" in registry.load("task", task).without_meaning else 1.2
    fixed |= {"control.gain": gain}
    with opened(task, randomize=fixed) as env:
        for seed in range(2):
            _, info = env.reset(seed=seed)
            drawn, count = info["drawn"], len(env.sim.models)
            assert drawn["mass_kg"][:count].tolist() == [0.3] * count
            assert drawn["lateral_friction"][:count].tolist() == [0.7] * count
            assert not drawn["restitution"].any()
            assert drawn["gravity_m_s2"] == 5.0
            assert drawn["table_friction"] == 0.9
            assert np.count_nonzero(drawn["lights"][:, 4:7].any(axis=1)) == 2
            assert drawn["gain"] == gain
            assert drawn["pad_friction"] == 0.5
            assert env.sim.scene.robot is not None
            assert env.sim.scene.robot.pad_friction == 0.5


@EVERY
@pytest.mark.parametrize(("key", "value"), [("gain", 0.3), ("delay_steps", 2), ("action_noise", 0.4)])
def test_errors_of_the_controller_are_felt_or_refused(task: str, key: str, value: float) -> None:
    fixed = {f"control.{key}": value}
    if f"control.{key}" in registry.load("task", task).without_meaning:
        with pytest.raises(SpecError, match=f"control.{key} cannot be changed .* no meaning for whole grasps"):
            made(task, randomize=fixed)
        return
    reached = []
    for randomize in ({}, fixed):
        with opened(task, randomize=randomize) as env:
            env.reset(seed=0)
            *_, info = env.step(env.task.scripted(env.sim))
            reached.append(digest(info["state"]))
    assert reached[0] != reached[1]


def test_a_delayed_action_is_the_one_that_was_given() -> None:
    sums = []
    for copied in (True, False):
        with opened(randomize={"control.delay_steps": 2}) as env:
            env.reset(seed=0)
            rng, buffer = np.random.default_rng(0), np.zeros(5)
            for _ in range(8):
                buffer[:] = rng.uniform(-1, 1, 5)
                *_, info = env.step(buffer.copy() if copied else buffer)
            sums.append(digest(info["state"]))
    assert sums[0] == sums[1]


def test_no_number_of_a_state_undoes_the_error_of_positions() -> None:
    noisy = {"control.state_noise_m": 0.05}
    with opened("PickPlace-v0", randomize=noisy) as env:
        observation, info = env.reset(seed=0)
        true_m = info["state"]["object_poses"][0, :3]
        told_m = (observation["achieved_goal"], observation["desired_goal"] - observation["observation"][-3:])
        for told in told_m:
            assert np.linalg.norm(told - true_m) > 0.01
        np.testing.assert_allclose(*told_m, atol=1e-5)


def test_options_change_one_episode_alone() -> None:
    with opened() as env:
        plain = env.reset(seed=3)[1]
        _, changed = env.reset(seed=3, options={"randomize": {"physics.mass_kg": 0.25}})
        assert changed["drawn"]["mass_kg"].tolist() == [0.25]
        # Nothing else was drawn otherwise.
        for name in set(plain["drawn"]) - {"mass_kg"}:
            assert np.array_equal(plain["drawn"][name], changed["drawn"][name]), name
        assert digest(env.reset(seed=3)[1]) == digest(plain)


def test_distributions_may_be_given_as_text() -> None:
    with opened(randomize={"physics.friction": "U(0.2, 0.3)", "control.delay_steps": "I(1, 3)"}) as env:
        drawn = [env.reset(seed=seed)[1]["drawn"] for seed in range(12)]
        frictions = [float(each["lateral_friction"][0]) for each in drawn]
        assert all(0.2 <= value <= 0.3 for value in frictions)
        assert len(set(frictions)) == len(frictions)
        assert {int(each["delay_steps"]) for each in drawn} == {1, 2, 3}


def test_mass_and_gravity_are_felt(box_file: str) -> None:
    with opened(objects=of_meshes(box_file), randomize={"physics.gravity_m_s2": 2.0}) as env:
        env.reset(seed=0)
        env.sim.world.set_pose(0, np.array((0, 0.1, 0.5, 0, 0, 0, 1.0)))
        env.sim.refresh()
        for _ in range(3):
            env.step(np.array((0, 0, 0, 0, 1.0)))
        assert env.sim.velocities[0, 2] == pytest.approx(-2.0 * 0.15, rel=0.15)
