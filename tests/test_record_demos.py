import dataclasses
import itertools
import os
import signal
import sys

import gymnasium
import numpy as np
import pytest

from graspsim.errors import GraspsimError, SpecError

minari = pytest.importorskip("minari", reason="recording is an extra: pip install 'graspsim[minari]'")

from graspsim.training import record_demos  # noqa: E402
from graspsim.training.record_demos import Args, main, record  # noqa: E402

OBJECTS = '{"families": ["primitives"], "models": 3}'
SMALL = Args(dataset="test/lift-v0", env_kwargs=("horizon=60",), objects=OBJECTS, episodes=3)


@pytest.fixture(scope="module", autouse=True)
def datasets(tmp_path_factory):
    """Keep Minari's datasets out of the home folder."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MINARI_DATASETS_PATH", str(tmp_path_factory.mktemp("minari")))
        yield


@pytest.fixture(scope="module")
def scripted(datasets):
    record(SMALL)
    return minari.load_dataset("test/lift-v0")


def test_episodes_read_back_as_they_were_played(scripted):
    """Their seeds and actions alone give the same observations, rewards and endings again."""
    episodes = list(scripted)
    assert len(episodes) == scripted.total_episodes == 3
    assert sum(len(episode.actions) for episode in episodes) == scripted.total_steps
    assert [data["seed"] for data in scripted.storage.get_episode_metadata(range(3))] == [0, 1, 2]
    env = scripted.recover_environment()
    for seed, episode in enumerate(episodes):
        assert len(episode.observations) == len(episode.actions) + 1 == len(episode.infos["success"])
        observation, _ = env.reset(seed=seed)
        for i, action in enumerate(episode.actions):
            np.testing.assert_array_equal(observation, episode.observations[i])
            observation, reward, terminated, truncated, _ = env.step(action)
            assert reward == episode.rewards[i]
            assert (terminated, truncated) == (episode.terminations[i], episode.truncations[i])
        assert terminated or truncated
    env.close()


def test_the_environment_can_be_recovered(scripted):
    env = scripted.recover_environment()
    made = gymnasium.make("graspsim/Lift-v0", horizon=60, objects={"families": ["primitives"], "models": 3})
    assert env.spec == made.spec
    assert env.observation_space == scripted.observation_space
    env.reset()
    env.close()
    made.close()


def test_infos_are_kept(scripted):
    episode = scripted[0]
    steps = len(episode.actions)
    assert episode.infos["state"]["object_poses"].shape == (steps + 1, 1, 7)
    assert set(episode.infos["reward_terms"]) == {"reach", "align", "grip", "lift", "success"}
    sums = sum(np.asarray(values) for values in episode.infos["reward_terms"].values())
    np.testing.assert_allclose(sums[1:], episode.rewards)


def test_only_success_leaves_failures_out(monkeypatch):
    """Of a policy that does nothing in every second episode."""
    begun = itertools.count()

    def every_second(name, env):
        scripted = policy_named("scripted", env)

        def policy(observation):
            if env.unwrapped.sim.steps == 0:
                policy.idle = next(begun) % 2
            return np.zeros(5, dtype=np.float32) if policy.idle else scripted(observation)

        return policy

    policy_named = record_demos.policy_named
    monkeypatch.setattr(record_demos, "policy_named", every_second)
    args = dataclasses.replace(SMALL, dataset="test/successes-v0", only_success=True, episodes=2)
    dataset, success_rate = record(args)
    assert dataset.total_episodes == 2
    assert all(episode.infos["success"][-1] and episode.terminations[-1] for episode in dataset)
    assert [data["seed"] for data in dataset.storage.get_episode_metadata(range(2))] == [0, 2]
    assert success_rate == pytest.approx(2 / 3)


@pytest.mark.parametrize("recorded", [0, 2])
def test_ctrl_c_keeps_the_episodes_that_were_recorded(recorded, monkeypatch):
    played = itertools.count(1)
    play = record_demos.play

    def stopped(env, policy, seed):
        outcome = play(env, policy, seed)
        if next(played) == max(recorded, 1):
            os.kill(os.getpid(), signal.SIGINT)
        return outcome

    monkeypatch.setattr(record_demos, "play", stopped)
    args = dataclasses.replace(SMALL, dataset=f"test/stopped{recorded}-v0", episodes=10_000)
    if not recorded:
        with pytest.raises(KeyboardInterrupt):
            record(dataclasses.replace(args, policy="random", only_success=True))
        return
    dataset, _ = record(args)
    assert dataset.total_episodes == recorded
    assert all(episode.terminations[-1] or episode.truncations[-1] for episode in dataset)


def test_rare_success_ends_the_recording(monkeypatch):
    monkeypatch.setattr(record_demos, "MOST_TRIES", 4)
    args = dataclasses.replace(SMALL, dataset="test/random-v0", policy="random", only_success=True, episodes=1)
    with pytest.raises(GraspsimError, match="random succeeded in 0 of 4 episodes"):
        record(dataclasses.replace(args, env_kwargs=("horizon=2",)))


def test_pictures_are_recorded():
    kwargs = ("horizon=2", "obs_mode=rgbd", "image_size=48")
    dataset, _ = record(dataclasses.replace(SMALL, dataset="test/pictures-v0", env_kwargs=kwargs, policy="random"))
    assert dataset[0].observations["rgb"].shape == (3, 48, 48, 3)
    assert dataset[0].observations["depth"].dtype == np.float32


def test_a_seed_drawn_by_minari_itself_is_taken():
    env = minari.DataCollector(gymnasium.make("graspsim/Lift-v0", objects={"families": ["primitives"], "models": 3}))
    env.reset()
    env.close()


def test_a_trained_policy_can_be_recorded(tmp_path):
    pytest.importorskip("stable_baselines3", reason="reinforcement learning is an extra: pip install 'graspsim[rl]'")
    from graspsim.training import train_rl

    args = train_rl.Args(objects=OBJECTS, eval_objects=OBJECTS, steps=10, envs=1, demos=0, net=(8,), episodes=1)
    train_rl.train(dataclasses.replace(args, env_kwargs=("horizon=5",), out=tmp_path / "run"))
    trained = dataclasses.replace(SMALL, dataset="test/trained-v0", policy=str(tmp_path / "run"), episodes=1)
    dataset, _ = record(trained)
    env = gymnasium.make("graspsim/Lift-v0", horizon=60, objects={"families": ["primitives"], "models": 3})
    observation, _ = env.reset(seed=0)
    np.testing.assert_allclose(
        dataset[0].actions[0], train_rl.load_policy(tmp_path / "run", env)(observation), atol=1e-6
    )
    env.close()
    with pytest.raises(SpecError, match="was trained in graspsim/Lift-v0"):
        record(dataclasses.replace(trained, dataset="test/other-v0", env_kwargs=("obs_mode=rgb",)))


def test_a_dataset_is_not_overwritten(scripted):
    with pytest.raises(SpecError, match="There is a dataset test/lift-v0 already"):
        record(SMALL)


def test_an_unknown_policy_is_one_sentence(monkeypatch):
    monkeypatch.setattr(sys, "argv", ["record_demos.py", "--dataset", "test/a-v0", "--policy", "scriptd"])
    with pytest.raises(SystemExit, match=r"^record_demos: A policy is scripted, random or the folder of a run"):
        main()
