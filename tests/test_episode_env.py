"""Every task in the registry holds to these claims as a Gymnasium environment; a new one needs no new test."""

import os
import re
import warnings
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from episodes_for_tests import EVERY, MIXED, TASKS, digest, flat, made, opened, policy
from gymnasium.utils.env_checker import check_env

from graspsim import registry
from graspsim.episode.env import GraspEnv
from graspsim.episode.observe import CHANNELS
from graspsim.episode.plain_images import PlainImages
from graspsim.geometry import Array, apply, invert, matrices_from_poses


@EVERY
def test_gymnasiums_checker_has_nothing_to_say(task: str) -> None:
    check_quietly(task)


@pytest.mark.parametrize("obs_mode", [*CHANNELS, tuple(CHANNELS)])
def test_gymnasiums_checker_has_nothing_to_say_of_any_mode(obs_mode: str | tuple[str, ...]) -> None:
    check_quietly("Lift-v0", obs_mode=obs_mode, image_size=(16, 24))


def test_gymnasiums_checker_has_nothing_to_say_of_two_cameras_and_an_arm() -> None:
    check_quietly("Lift-v0", obs_mode=tuple(CHANNELS), image_size=16, cameras=("front", "wrist"), robot="panda")


def check_quietly(task: str, **options: Any) -> None:
    with opened(task, **options) as env, warnings.catch_warnings():
        warnings.simplefilter("error")
        # What is shown to people is tested below: a window needs a display.
        check_env(env, skip_render_check=True)


@EVERY
def test_gymnasiums_checker_has_nothing_to_say_of_all_modes_together(task: str) -> None:
    options: dict[str, Any] = {"obs_mode": tuple(CHANNELS), "image_size": (16, 24), "render_mode": "rgb_array"}
    with opened(task, **options) as env, warnings.catch_warnings():
        warnings.simplefilter("error")
        # It would open a window, too.
        check_env(env, skip_render_check=True)


@EVERY
@pytest.mark.parametrize("obs_mode", ["state", "rgb"])
def test_stable_baselines3s_checker_has_nothing_to_say(task: str, obs_mode: str) -> None:
    checker = pytest.importorskip("stable_baselines3.common.env_checker")
    with opened(task, obs_mode=obs_mode, image_size=40) as env, warnings.catch_warnings():
        warnings.simplefilter("error")
        checker.check_env(env)


@EVERY
def test_stable_baselines3s_checker_has_nothing_to_say_of_any_mode_made_plain(task: str) -> None:
    checker = pytest.importorskip("stable_baselines3.common.env_checker")
    modes = [*CHANNELS, tuple(CHANNELS)] if task == TASKS[0] else [tuple(CHANNELS)]
    for obs_mode in modes:
        with opened(task, obs_mode=obs_mode, image_size=40) as env, warnings.catch_warnings():
            warnings.simplefilter("error")
            checker.check_env(PlainImages(env))


@EVERY
def test_only_goal_conditioned_tasks_compute_rewards_of_goals(task: str) -> None:
    with opened(task) as env:
        observation, _ = env.reset(seed=0)
        is_goal_env = isinstance(observation, dict) and "desired_goal" in observation
        assert hasattr(env, "compute_reward") == is_goal_env
        if is_goal_env:
            for _ in range(5):
                observation, reward, *_ = env.step(policy(env, np.random.default_rng(0)))
                goals = observation["achieved_goal"], observation["desired_goal"]
                assert env.compute_reward(*goals, {}) == reward
                many = env.compute_reward(*(np.stack([goal] * 3) for goal in goals), {})
                assert many.shape == (3,)


# Observations and info


@EVERY
def test_info_has_the_same_keys_and_shapes_at_reset_and_at_every_step(task: str) -> None:
    with opened(task) as env:
        rng, shapes = np.random.default_rng(0), set()
        for seed in range(2):
            _, info = env.reset(seed=seed)
            over = False
            shapes.add(described(info))
            while not over and env.sim.steps < 8:
                *_, terminated, truncated, info = env.step(policy(env, rng))
                over = terminated or truncated
                shapes.add(described(info))
        assert len(shapes) == 1
        assert {"success", "is_success", "reward_terms", "state", "drawn"} <= set(info)
        assert set(info["reward_terms"]) == set(env.task.terms)


def described(info: dict[str, Any]) -> tuple[tuple[str, type, str, tuple[int, ...]], ...]:
    leaves = flat(info).items()
    return tuple((path, type(leaf), str(np.asarray(leaf).dtype), np.shape(leaf)) for path, leaf in leaves)


@EVERY
@pytest.mark.parametrize("obs_mode", [None, ("state", "rgbd", "segmentation", "pointcloud")])
def test_every_observation_lies_in_its_space(task: str, obs_mode: tuple[str, ...] | None) -> None:
    with opened(task, obs_mode=obs_mode, image_size=(24, 40)) as env:
        rng = np.random.default_rng(1)
        observation, _ = env.reset(seed=2)
        assert env.observation_space.contains(observation)
        for _ in range(4):
            observation, reward, terminated, truncated, info = env.step(policy(env, rng))
            assert env.observation_space.contains(observation)
            assert type(reward) is float
            assert type(terminated) is bool
            assert type(truncated) is bool
            assert reward == pytest.approx(sum(info["reward_terms"].values()))
            if terminated or truncated:
                break


def test_what_has_fallen_for_long_still_lies_in_the_space() -> None:
    for task in ("Lift-v0", "PickPlace-v0"):
        with opened(task) as env:
            env.reset(seed=0)
            env.sim.world.set_pose(0, np.array((3.0, 0, -1e4, 0, 0, 0, 1)))
            env.sim.world.set_velocity(0, np.full(6, 400.0))
            assert env.observation_space.contains(env.step(np.zeros(5))[0])


@pytest.mark.parametrize(
    ("obs_mode", "cameras", "keys"),
    [
        (("state", "rgb"), ("front",), {"state", "rgb"}),
        ("rgbd", ("front",), {"rgb", "depth"}),
        ("rgb", ("front", "wrist"), {"rgb_front", "rgb_wrist"}),
        (
            ("rgbd", "pointcloud"),
            ("wrist", "front"),
            {f"{k}_{c}" for k in ("rgb", "depth", "pointcloud") for c in ("front", "wrist")},
        ),
    ],
)
def test_several_modes_and_cameras_give_a_dict_by_their_names(
    obs_mode: Any, cameras: tuple[str, ...], keys: set[str]
) -> None:
    with opened(obs_mode=obs_mode, cameras=cameras, image_size=(20, 28)) as env:
        observation, _ = env.reset(seed=0)
        assert set(observation) == keys
        for key, value in observation.items():
            if key.startswith(("rgb", "depth")):
                assert value.shape[:2] == (20, 28)


@EVERY
def test_poses_of_info_lie_on_the_masks_of_the_same_observation(task: str) -> None:
    with opened(task, obs_mode=("segmentation",), image_size=192) as env:
        rng, checked = np.random.default_rng(2), 0
        observation, info = env.reset(seed=1)
        for _ in range(25):
            checked += check_reprojection(env, observation["segmentation"], info["state"])
            observation, _, terminated, truncated, info = env.step(policy(env, rng))
            if terminated or truncated:
                break
        checked += check_reprojection(env, observation["segmentation"], info["state"])
        assert checked >= 1


def check_reprojection(env: GraspEnv, ids: Array, state: dict[str, Any]) -> int:
    """Assert for each object in the picture that its projected faces and its mask agree; return how many there were."""
    view = env.view_of("front")
    fixtures = {fixture.instance_id for fixture in env.sim.scene.fixtures if fixture.name != "bin"}
    checked = 0
    for number, (instance, pose) in enumerate(zip(state["instance_ids"], state["object_poses"], strict=True)):
        if instance == 0:
            continue
        mesh = env.sim.models[number].mesh
        in_camera = apply(invert(view["world_from_camera"]) @ matrices_from_poses(pose)[0], mesh.vertices)
        seen = in_camera @ view["matrix"].T
        # OpenCV's pixel centres are whole numbers, ours lie at a half.
        corners = np.round((seen[:, :2] / seen[:, 2:] - 0.5)[mesh.faces] * 16).astype(np.int32)
        covered = np.zeros(ids.shape, dtype=np.uint8)
        for triangle in corners:
            cv2.fillConvexPoly(covered, triangle, 1, shift=4)
        cross = np.ones((3, 3), dtype=np.uint8)
        mask = ids == instance
        assert not (mask & (cv2.dilate(covered, cross) == 0)).any()
        inside = cv2.erode(covered, cross) > 0
        # What is not the object itself there has to be something that can stand before it.
        hidden = inside & ~mask & ~np.isin(ids, list(fixtures))
        if (inside & ~hidden).sum() < 30:
            continue
        assert (mask & inside).sum() >= 0.98 * (inside & ~hidden).sum()
        checked += 1
    return checked


@EVERY
def test_the_states_of_info_are_those_of_the_world(task: str) -> None:
    with opened(task) as env:
        env.reset(seed=6)
        *_, info = env.step(policy(env, np.random.default_rng(0)))
        state, count = info["state"], len(env.sim.models)
        assert np.array_equal(state["object_poses"][:count], env.sim.world.poses())
        assert not state["object_poses"][count:].any()
        assert np.array_equal(state["joint_positions"], env.sim.world.robot.states()[0])
        assert np.linalg.det(state["world_from_gripper"]) == pytest.approx(1)
        for obj_id, model in zip(state["obj_ids"], env.sim.models, strict=False):
            assert env.sim._objects[int(obj_id)] is model


@EVERY
def test_the_documents_tell_each_tasks_defaults_and_sizes(task: str) -> None:
    text = (Path(__file__).parents[1] / "docs" / "environments.md").read_text()
    row = re.search(rf"^\| `graspsim/{task}` \|(.*)$", text, re.MULTILINE)
    assert row
    obs_mode, control, action, state, horizon, objects = (cell.strip() for cell in row[1].strip("|").split("|"))
    kind = registry.load("task", task)
    assert (kind.obs_mode, kind.control, kind.horizon) == (obs_mode, control, int(horizon))
    assert kind.most_objects == int(objects.split()[-1])
    with opened(task, obs_mode="state") as env:
        assert env.action_space.shape == (int(action),)
        space: Any = env.observation_space
        assert (space["observation"] if task == "PickPlace-v0" else space).shape == (int(state),)


# Looking and leaving


def test_a_window_shows_pictures_and_goes_away(monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("pygame")
    monkeypatch.setenv("SDL_VIDEODRIVER", "dummy")
    with opened(render_mode="human") as env:
        env.reset(seed=0)
        env.step(np.zeros(5))
        assert env.render() is None


def test_rendering_changes_no_episode() -> None:
    def ends(looks: bool) -> str:
        with opened(render_mode="rgb_array", obs_mode=("state", "rgb"), image_size=32) as env:
            given = [digest(*env.reset(seed=2))]
            for _ in range(10):
                if looks:
                    picture = env.render()
                    assert picture is not None
                    assert picture.shape == (480, 640, 3)
                given.append(digest(*env.step(policy(env, np.random.default_rng(0)))))
            return "".join(given)

    assert ends(looks=False) == ends(looks=True)


def test_no_files_are_left_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setattr("tempfile.tempdir", None)
    with opened("BinPick-v0", objects=MIXED) as env:
        for seed in range(3):
            env.reset(seed=seed)
            assert any(len(model.parts) > 1 for model in env.sim.models)
            assert not os.listdir(tmp_path)


@EVERY
def test_to_close_twice_is_fine(task: str) -> None:
    env = made(task)
    env.close()
    env.close()
    env = made(task)
    env.reset(seed=0)
    env.close()
    env.close()
