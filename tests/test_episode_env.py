"""Every task in the registry holds to these claims as a Gymnasium environment; a new one needs no new test."""

import copy
import multiprocessing
import os
import re
import warnings
from collections.abc import Iterator, Mapping
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from hashlib import sha256
from pathlib import Path
from typing import Any

import cv2
import gymnasium
import numpy as np
import pytest
import trimesh
from gymnasium.utils.env_checker import check_env
from gymnasium.vector import AsyncVectorEnv, SyncVectorEnv

from graspsim import registry
from graspsim.episode.controls import MODES
from graspsim.episode.env import GraspEnv
from graspsim.episode.observe import CHANNELS
from graspsim.episode.plain_images import PlainImages
from graspsim.errors import GraspsimError, SpecError, UnknownNameError
from graspsim.geometry import Array, apply, invert, matrices_from_poses

TASKS = registry.names("task")
EVERY = pytest.mark.parametrize("task", TASKS)
SMALL = {"families": ["rocks"], "models": 4}
"""Of few convex parts, which cost little, and easy to grasp."""
MIXED = {"families": ["primitives", "produce", "drinkware"], "models": 6}
NO_DISPLAY = ("DISPLAY", "WAYLAND_DISPLAY", "SDL_VIDEODRIVER")


def made(task: str, **options: Any) -> gymnasium.Env[Any, Any]:
    """Make an environment of few objects, since what is claimed depends on no number of them."""
    few = {"objects.count": 2} if registry.load("task", task).most_objects > 1 else {}
    options["randomize"] = few | options.get("randomize", {})
    return gymnasium.make(f"graspsim/{task}", **({"objects": SMALL} | options))


@contextmanager
def opened(task: str = "Lift-v0", **options: Any) -> Iterator[GraspEnv]:
    """Give the environment itself, without Gymnasium's wrappers, and close it."""
    env = made(task, **options).unwrapped
    assert isinstance(env, GraspEnv)
    try:
        yield env
    finally:
        env.close()


def policy(env: GraspEnv, rng: np.random.Generator) -> Array:
    """Return an action that mostly does what the script does, so that things are touched and held."""
    noise = rng.uniform(-1, 1, size=env.action_space.shape)
    if rng.random() < 0.2:
        return noise
    return np.clip(env.task.scripted(env.sim) + 0.1 * noise, -1, 1)


def flat(value: Any, path: str = "") -> dict[str, Any]:
    """Return the leaves of nested dicts by their path."""
    if isinstance(value, Mapping):
        return {key: leaf for name, inner in value.items() for key, leaf in flat(inner, f"{path}/{name}").items()}
    return {path: value}


def digest(*values: Any) -> str:
    """Return a checksum of every bit of nested dicts of arrays and numbers."""
    found = sha256()
    for value in values:
        for path, leaf in flat(value).items():
            array = np.asarray(leaf)
            found.update(f"{path} {array.dtype} {array.shape}".encode())
            found.update(array.tobytes())
    return found.hexdigest()


def episodes(task: str, seed: int, count: int, steps: int, **options: Any) -> list[str]:
    """Return a checksum of all that each of some episodes in a row gives in so many of the robot's steps."""
    sums = []
    with opened(task, **options) as env:
        rng = np.random.default_rng(seed)
        for n in range(count):
            observation, info = env.reset(seed=seed if n == 0 else None)
            given = [digest(observation, info)]
            over = False
            # A whole grasp is one action, but many steps of the robot.
            while not over and env.sim.steps < steps:
                observation, reward, terminated, truncated, info = env.step(policy(env, rng))
                given.append(digest(observation, reward, terminated, truncated, info))
                over = terminated or truncated
            sums.append("".join(given))
    return sums


# Gymnasium's and stable-baselines3's own checks


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


# Reproducibility


def reference(task: str) -> list[str]:
    """Return what to compare: one task, with objects of many parts, stands for the many resets of all."""
    return episodes(task, 7, 6, 60, objects=MIXED) if task == TASKS[0] else episodes(task, 7, 2, 40)


@EVERY
def test_the_same_seed_gives_the_same_episodes_to_the_byte_over_many_resets(task: str) -> None:
    first, second = reference(task), reference(task)
    assert first == second
    assert len(set(first)) == len(first)


def test_episodes_are_the_same_in_another_process() -> None:
    # A new interpreter, whose memory, clients and caches are its own.
    with ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn")) as pool:
        there = {task: pool.submit(episodes, task, 3, 1, 25) for task in TASKS}
        for task, given in there.items():
            assert given.result() == episodes(task, 3, 1, 25), task


@pytest.mark.slow
@pytest.mark.parametrize("task", ["Lift-v0", "BinPick-v0"])
def test_twenty_long_episodes_in_a_row_are_the_same_in_this_and_in_another_process(task: str) -> None:
    count, steps = (20, 200) if task == "Lift-v0" else (20, 60)
    here = episodes(task, 13, count, steps)
    assert len(set(here)) == count
    assert here == episodes(task, 13, count, steps)
    with ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn")) as pool:
        assert here == pool.submit(episodes, task, 13, count, steps).result()


@pytest.mark.slow
def test_vector_environments_give_the_same_over_many_resets_of_their_own() -> None:
    makers = [lambda: made("Lift-v0", horizon=30)] * 2
    given = []
    for vector in (SyncVectorEnv(makers), AsyncVectorEnv(makers)):
        vector.action_space.seed(0)
        observation, info = vector.reset(seed=[1, 2])
        seen, ends = [digest(observation, info)], 0
        for _ in range(320):
            *step, info = vector.step(vector.action_space.sample())
            ends += int(np.sum(step[3]))
            seen.append(digest(*step, info))
        vector.close()
        assert ends >= 20
        given.append(seen)
    assert given[0] == given[1]


def test_another_seed_gives_other_episodes() -> None:
    assert not {*episodes("Lift-v0", 8, 2, 0)} & {*episodes("Lift-v0", 7, 2, 0)}


@pytest.mark.parametrize("obs_mode", ["rgb", "depth", "pointcloud"])
def test_images_with_their_noise_are_the_same_too(obs_mode: str) -> None:
    noise = {"sensor.depth_noise_px": 0.1, "control.camera_jitter_m": 0.01, "control.state_noise_m": 0.005}
    options = {"obs_mode": (obs_mode, "state"), "image_size": 48, "cameras": ("front", "wrist"), "randomize": noise}
    first, second = (episodes("Lift-v0", 5, 2, 15, **options) for _ in range(2))
    assert first == second


@EVERY
def test_a_seed_names_its_episode_whatever_ran_before(task: str) -> None:
    with opened(task) as env, opened(task) as other:
        wanted = [digest(*env.reset(seed=5)), digest(*env.reset())]
        other.reset(seed=1)
        env.reset(seed=11)
        env.step(policy(env, np.random.default_rng(0)))
        other.reset()
        assert digest(*env.reset(seed=5)) == wanted[0]
        # Episodes after it are numbered on, however long it lasted.
        env.step(policy(env, np.random.default_rng(0)))
        assert digest(*env.reset()) == wanted[1]
        assert digest(*other.reset(seed=5)) == wanted[0]
        assert wanted[0] != wanted[1]


@EVERY
def test_environments_in_processes_of_their_own_give_what_they_give_in_one(task: str) -> None:
    makers = [lambda: made(task)] * 2
    given = []
    for vector in (SyncVectorEnv(makers), AsyncVectorEnv(makers)):
        vector.action_space.seed(0)
        observation, info = vector.reset(seed=[1, 2])
        seen = [digest(observation, info)]
        for _ in range(2):
            seen.append(digest(*vector.step(vector.action_space.sample())))
        vector.close()
        given.append(seen)
    assert given[0] == given[1]


def test_two_environments_side_by_side_do_not_disturb_each_other() -> None:
    alone = episodes("Lift-v0", 4, 1, 30)
    with opened() as env, opened() as other:
        rng, idle = np.random.default_rng(4), np.random.default_rng(9)
        other.reset(seed=9)
        given = [digest(*env.reset(seed=4))]
        for _ in range(30):
            given.append(digest(*env.step(policy(env, rng))))
            if other.step(policy(other, idle))[2]:
                other.reset()
        assert "".join(given) == alone[0]


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


# Rewards and success


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


@pytest.fixture(scope="module")
def box_file(tmp_path_factory: pytest.TempPathFactory) -> str:
    return exported_box(tmp_path_factory.mktemp("meshes") / "box.stl", (0.035, 0.05, 0.06))


def exported_box(path: Path, size_m: tuple[float, float, float]) -> str:
    trimesh.creation.box(size_m).export(path)
    return str(path)


def of_meshes(*paths: str) -> dict[str, Any]:
    return {"families": [], "meshes": list(paths)}


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


# Randomization


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


# Errors


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"obs_mode": "rbg"}, UnknownNameError, r"no observation mode 'rbg'\. Did you mean 'rgb"),
        ({"obs_mode": ("state", "dept")}, UnknownNameError, r"no observation mode 'dept'\. Did you mean 'depth'"),
        ({"obs_mode": 5}, SpecError, r"obs_mode is a name, or several of them; got 5"),
        ({"obs_mode": ()}, SpecError, r"at least one observation mode.*got \[\]"),
        ({"obs_mode": ("rgb", "rgb")}, SpecError, r"each once; got \['rgb', 'rgb'\]"),
        ({"robot": "pandas"}, UnknownNameError, r"no robot 'pandas'\. Did you mean 'panda'"),
        ({"objects": "houshold"}, UnknownNameError, r"no set 'houshold'\. Did you mean 'household'"),
        (
            {"objects": "tools"},
            SpecError,
            r"'tools' is a family of objects and no set: .*\{\"families\": \[\"tools\"\]\}",
        ),
        ({"objects": {"famlies": ["produce"]}}, UnknownNameError, r"'famlies'\. Did you mean 'families'"),
        ({"objects": {"families": ["toolz"]}}, UnknownNameError, r"no object family 'toolz'\. Did you mean 'tools'"),
        ({"objects": {"models": 0}}, SpecError, r"models must lie in \[1, 10000\]; got 0"),
        ({"control": "jaw"}, UnknownNameError, r"no control mode 'jaw'\. Did you mean 'yaw'"),
        ({"control": "joints"}, SpecError, r"'hand' has no arm .*; use control='yaw' or 'pose'"),
        ({"cameras": ("fron",)}, UnknownNameError, r"no camera 'fron'\. Did you mean 'front'"),
        ({"cameras": ()}, SpecError, r"at least one camera.*got \[\]"),
        ({"render_mode": "rgb_aray"}, UnknownNameError, r"no render mode 'rgb_aray'\. Did you mean 'rgb_array'"),
        ({"image_size": 0}, SpecError, r"image_size must be from 16 to 8192.*; got 0"),
        ({"image_size": (64, -1)}, SpecError, r"image_size must be .*; got \(64, -1\)"),
        ({"image_size": (64, 64, 3)}, SpecError, r"image_size must be .* height and width; got \(64, 64, 3\)"),
        ({"image_size": ()}, SpecError, r"image_size must be .*; got \(\)"),
        ({"image_size": "64"}, SpecError, r"image_size must be .*; got 64"),
        ({"horizon": 0}, SpecError, r"horizon must be a whole number, at least 1; got 0"),
        ({"horizon": 2.5}, SpecError, r"horizon must be a whole number, at least 1; got 2\.5"),
        ({"objects": ["train"]}, SpecError, r"SetSpec must hold keys and values; got \['train'\]"),
        ({"randomize": "physics"}, SpecError, r"randomize holds keys and values, such as .*; got 'physics'"),
        ({"randomize": {"physics.frictoin": 1}}, UnknownNameError, r"'frictoin'\. Did you mean 'friction'"),
        ({"randomize": {"phisics.friction": 1}}, UnknownNameError, r"'phisics'\. Did you mean 'physics'"),
        ({"randomize": {"physics.friction": -1}}, SpecError, r"friction must lie in \[0(\.0)?, 10(\.0)?\]; got -1"),
        ({"randomize": {"control.gain": "U(0.5, 99)"}}, SpecError, r"gain must lie in .*got U\(0\.5, 99"),
        ({"randomize": {"camera.width": 64}}, SpecError, r"camera\.width cannot be changed from 84 to 64.*image_size"),
        ({"randomize": {"layout.kind": "floating"}}, SpecError, r"floating has no table"),
        ({"randomize": {"objects.count": "I(1, 3)"}}, SpecError, r"room for 1 objects.*may give 3"),
        ({"randomize": {"physics": 0.5, "physics.friction": 1}}, SpecError, r"both physics\.friction and .* physics"),
        ({"randomize": {"physics.friction": "U(0.5"}}, SpecError, r"U\(0\.5"),
    ],
    ids=lambda value: str(value)[:40] if isinstance(value, dict) else "",
)
@pytest.mark.filterwarnings("ignore:.*render_mode:UserWarning")
def test_a_bad_argument_is_named_with_what_is_allowed(
    options: dict[str, Any], error: type[Exception], message: str
) -> None:
    with pytest.raises(error, match=message):
        GraspEnv(task="Lift-v0", **({"objects": SMALL} | options))


def test_an_unknown_task_is_named_with_its_nearest_match() -> None:
    with pytest.raises(UnknownNameError, match=r"There is no task 'Lfit-v0'\. Did you mean 'Lift-v0'"):
        GraspEnv(task="Lfit-v0")


@pytest.mark.parametrize("robot", registry.names("robot"))
@EVERY
def test_every_control_mode_works_or_says_why_not(task: str, robot: str) -> None:
    for control in MODES:
        try:
            env = made(task, robot=robot, control=control)
        except SpecError:
            with pytest.raises(SpecError, match="use control='yaw'"):
                made(task, robot=robot, control=control)
            continue
        env.reset(seed=0)
        assert env.observation_space.contains(env.step(env.action_space.sample())[0])
        env.close()


def test_a_mesh_that_the_hand_cannot_span_is_refused(tmp_path: Path) -> None:
    path = exported_box(tmp_path / "crate.stl", (0.2, 0.2, 0.2))
    with pytest.raises(SpecError, match=r"object 1 \(crate\) is at least 200 mm wide, and .*'hand' spans 80 mm"):
        GraspEnv(task="Lift-v0", objects=of_meshes(path))


def test_a_task_that_can_never_be_done_says_so(tmp_path: Path) -> None:
    # It is thin, but lies on its broad side.
    path = exported_box(tmp_path / "plate.stl", (0.2, 0.2, 0.01))
    with (
        opened(objects=of_meshes(path)) as env,
        pytest.raises(GraspsimError, match=r"Episode 0 of seed 0: in 50 draws the task could never be done"),
    ):
        env.reset(seed=0)


@EVERY
@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (lambda a: a * np.nan, r"numbers from -1 to 1; got \[nan"),
        (lambda a: a + 1.01, r"numbers from -1 to 1; got \[1\.01"),
        (lambda a: a - np.inf, r"numbers from -1 to 1; got \[-inf"),
        (lambda a: a[:-1], r"An action has the shape \(\d,\); got \(\d,\)"),
        (lambda a: np.stack([a, a]), r"An action has the shape \(\d,\); got \(2, \d\)"),
        (lambda a: {"grip": 1.0}, r"An action is an array of numbers; got \{'grip': 1\.0\}"),
    ],
    ids=["nan", "large", "infinite", "short", "stacked", "dict"],
)
def test_a_bad_action_is_refused_and_changes_nothing(task: str, spoil: Any, message: str) -> None:
    with opened(task) as env:
        env.reset(seed=0)
        before = env.sim.poses.tobytes()
        with pytest.raises(SpecError, match=message):
            env.step(spoil(np.zeros(env.action_space.shape or ())))
        assert env.sim.world.poses().tobytes() == before
        assert env.sim.steps == 0


@pytest.mark.parametrize("seed", [-1, 2**64])
def test_a_bad_seed_is_refused(seed: int) -> None:
    with opened() as env, pytest.raises(Exception, match=rf"(?i)seed.*{seed}"):
        env.reset(seed=seed)


@EVERY
def test_a_step_needs_an_episode_that_is_under_way(task: str) -> None:
    with opened(task, horizon=1) as env:
        action = np.zeros(env.action_space.shape or ())
        with pytest.raises(GraspsimError, match=r"Call reset\(\) before anything else"):
            env.step(action)
        env.reset(seed=0)
        env.step(action)
        with pytest.raises(GraspsimError, match=r"The episode is over; call reset\(\)"):
            env.step(action)
        env.reset()
        env.close()
        for use in (lambda: env.step(action), env.reset, lambda: env.view_of("front")):
            with pytest.raises(GraspsimError, match="The environment is closed"):
                use()


@EVERY
def test_to_close_twice_is_fine(task: str) -> None:
    env = made(task)
    env.close()
    env.close()
    env = made(task)
    env.reset(seed=0)
    env.close()
    env.close()


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"randomise": {}}, UnknownNameError, r"no option 'randomise'\. Did you mean 'randomize'"),
        (3, SpecError, "options is a dict such as .*; got 3"),
        ({"randomize": {"control.gian": 1}}, UnknownNameError, r"'gian'\. Did you mean 'gain'"),
        ({"randomize": {"control.gain": 100}}, SpecError, r"gain must lie in .*; got 100"),
        ({"randomize": {"objects.models": 2}}, SpecError, r"objects\.models cannot be changed from 4 to 2"),
        ({"randomize": {"camera.height": 64}}, SpecError, r"camera\.height cannot be changed from 84 to 64"),
        ({"randomize": {"objects.count": 2}}, SpecError, r"room for 1 objects.*may give 2"),
    ],
    ids=["unknown", "no dict", "key", "range", "set", "picture", "room"],
)
def test_bad_options_are_refused_and_the_environment_lives_on(
    options: dict[str, Any], error: type[Exception], message: str
) -> None:
    with opened() as env:
        wanted = digest(*env.reset(seed=3))
        with pytest.raises(error, match=message):
            env.reset(seed=3, options=options)
        assert digest(*env.reset(seed=3)) == wanted


def test_a_reset_that_is_refused_is_no_episode() -> None:
    with opened() as env, opened() as other:
        for each in (env, other):
            each.reset(seed=3)
        with pytest.raises(UnknownNameError):
            env.reset(options={"randomise": {}})
        assert digest(*env.reset()) == digest(*other.reset())


def test_nothing_is_seen_before_an_episode_and_through_no_camera_that_there_is_not() -> None:
    with opened(render_mode="rgb_array") as env:
        for look in (env.render, env.picture, lambda: env.view_of("front")):
            with pytest.raises(GraspsimError, match=r"Call reset\(\) before anything else"):
                look()
        env.reset(seed=0)
        with pytest.raises(UnknownNameError, match=r"no camera 'frnt'\. Did you mean 'front'"):
            env.view_of("frnt")


def test_a_window_without_a_display_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in NO_DISPLAY:
        monkeypatch.delenv(name, raising=False)
    with opened(render_mode="human") as env, pytest.raises(GraspsimError, match=r"needs a display.*\"rgb_array\""):
        env.reset(seed=0)


def test_a_window_shows_pictures_and_goes_away(monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("pygame")
    monkeypatch.setenv("SDL_VIDEODRIVER", "dummy")
    with opened(render_mode="human") as env:
        env.reset(seed=0)
        env.step(np.zeros(5))
        assert env.render() is None


def test_an_environment_is_not_copied() -> None:
    with opened() as env, pytest.raises(GraspsimError, match="cannot be copied; make another"):
        copy.deepcopy(env)


def test_nothing_is_rendered_without_a_render_mode() -> None:
    with opened() as env:
        env.reset(seed=0)
        with pytest.raises(GraspsimError, match=r"without a render mode.*\"rgb_array\""):
            env.render()


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
