"""An episode is a function of its name, to the byte: again, in other processes, and beside others."""

import multiprocessing
from concurrent.futures import ProcessPoolExecutor

import numpy as np
import pytest
from episodes_for_tests import EVERY, MIXED, TASKS, digest, episodes, made, opened, policy
from gymnasium.vector import AsyncVectorEnv, SyncVectorEnv


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
