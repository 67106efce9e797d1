import csv
import dataclasses
import json
import os
import shutil
import signal
import subprocess
import sys
import threading
from pathlib import Path

import numpy as np
import pytest

from graspsim.dataset.files import read_json
from graspsim.errors import GraspsimError, SpecError, UnknownNameError

pytest.importorskip("torch", reason="reinforcement learning is an extra: pip install 'graspsim[rl]'")
pytest.importorskip("stable_baselines3", reason="reinforcement learning is an extra: pip install 'graspsim[rl]'")

from graspsim.training._evaluation import Evaluation
from graspsim.training._learners import algorithm_class, env_maker, new_model, normalized, vectorized
from graspsim.training.train_rl import Args, checkpoints, evaluate, main, train
from stable_baselines3 import HerReplayBuffer

SCRIPT = Path(__file__).parents[1] / "training" / "train_rl.py"
OBJECTS = '{"families": ["primitives"], "models": 3}'
HELDOUT = '{"families": ["primitives"], "models": 3, "split": "heldout"}'
SMALL = Args(
    env_kwargs=("horizon=60",),
    objects=OBJECTS,
    eval_objects=HELDOUT,
    steps=300,
    envs=1,
    demos=200,
    batch_size=32,
    net=(32,),
    eval_every=150,
    eval_episodes=2,
    save_every=1000,
    episodes=3,
)


def rows_of(folder):
    with (folder / "evaluations.csv").open() as file:
        return list(csv.DictReader(file))


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    folder = tmp_path_factory.mktemp("rl") / "run"
    assert train(dataclasses.replace(SMALL, out=folder)) == 0
    return folder


def model_of(args, tmp_path, **kwargs):
    made = normalized(vectorized([env_maker(args.env, {"horizon": 8} | kwargs, OBJECTS)]))
    return new_model(args, algorithm_class(args.algorithm), made)


def test_a_run_writes_all_that_it_promises(run):
    assert {path.name for path in run.iterdir()} == {
        "checkpoints",
        "config.json",
        "curve.png",
        "evaluation-custom.json",
        "evaluations.csv",
        "model.zip",
        "normalize.pkl",
        "tensorboard",
    }
    config = read_json(run / "config.json")
    assert config["arguments"]["steps"] == 300
    assert {"graspsim", "torch", "python"} <= set(config["versions"])
    rows = rows_of(run)
    assert [row["steps"] for row in rows] == ["150", "300"]
    assert list(rows[0]) == ["steps", "wall_s", "success_rate", "low", "high", "mean_return"]
    assert all(float(row["low"]) <= float(row["success_rate"]) <= float(row["high"]) for row in rows)
    assert float(rows[0]["wall_s"]) < float(rows[1]["wall_s"])


def test_a_saved_run_does_as_well_as_at_the_end_of_training_in_any_number_of_processes(run, capsys):
    of_training = read_json(run / "evaluation-custom.json")
    assert evaluate(Args(objects=HELDOUT, envs=2, episodes=SMALL.episodes), run) == 0
    again = read_json(run / "evaluation-custom.json")
    # A network rounds otherwise when it is asked for two actions at once.
    assert again.pop("mean_return") == pytest.approx(of_training.pop("mean_return"), abs=1e-3)
    assert again == of_training
    assert f"{run} on {HELDOUT}: success" in capsys.readouterr().out


def test_demonstrations_are_what_the_replay_buffer_begins_with(run):
    # Policies that know nothing never succeed, which is worth 5.
    state = np.load(run / "checkpoints" / "000000300" / "replay.pkl", allow_pickle=True)
    assert state.rewards[: SMALL.demos].max() > 4
    assert state.pos == 0
    assert state.full


def test_resume_continues_the_same_run(run, tmp_path, capsys):
    folder = tmp_path / "run"
    shutil.copytree(run, folder)
    assert train(dataclasses.replace(SMALL, out=folder, steps=400, resume=True)) == 0
    assert [row["steps"] for row in rows_of(folder)] == ["150", "300", "400"]
    assert rows_of(folder)[:2] == rows_of(run)
    assert float(rows_of(folder)[2]["wall_s"]) > float(rows_of(run)[1]["wall_s"])
    assert [path.name for path in checkpoints(folder)] == ["000000400"]
    models = [algorithm_class("sac").load(path / "model.zip") for path in (run, folder)]
    assert models[1]._n_updates == models[0]._n_updates + 100


def test_resume_refuses_other_arguments_and_a_folder_without_a_checkpoint(run, tmp_path):
    with pytest.raises(SpecError, match=r"has gamma 0\.95; it cannot go on with 0\.9\."):
        train(dataclasses.replace(SMALL, out=run, gamma=0.9, resume=True))
    with pytest.raises(SpecError, match="no checkpoint"):
        train(dataclasses.replace(SMALL, out=tmp_path, resume=True))


def test_a_run_is_not_overwritten(run):
    with pytest.raises(SpecError, match="holds a run already; go on with --resume"):
        train(dataclasses.replace(SMALL, out=run))


def test_ctrl_c_saves_what_was_learnt(tmp_path, capsys):
    timer = threading.Timer(3.0, os.kill, (os.getpid(), signal.SIGINT))
    timer.start()
    assert train(dataclasses.replace(SMALL, out=tmp_path / "run", steps=100_000, eval_every=100_000)) == 130
    done = checkpoints(tmp_path / "run")[0]
    steps = read_json(done / "state.json")["steps"]
    assert 0 < steps < 100_000
    assert f"Stopped after {steps} steps" in capsys.readouterr().out
    assert (tmp_path / "run" / "model.zip").exists()


def test_an_unknown_algorithm_gives_the_nearest():
    with pytest.raises(UnknownNameError, match=r"There is no algorithm 'sacc'. Did you mean 'sac'"):
        algorithm_class("sacc")


def test_an_unknown_environment_gives_the_nearest():
    with pytest.raises(UnknownNameError, match="Did you mean 'graspsim/Lift-v0'"):
        train(Args(env="graspsim/Lift-v1"))


def test_another_packages_environment_is_refused():
    with pytest.raises(SpecError, match="CartPole-v1 is none of graspsim's"):
        train(Args(env="CartPole-v1"))


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"steps": 7}, "--steps says nothing with --evaluate"),
        ({"env": "graspsim/BinPick-v0"}, "--env says nothing with --evaluate"),
        ({"env_kwargs": ("obs_mode=depth",)}, r"was trained in graspsim/Lift-v0 .*not those of this environment"),
        ({"env_kwargs": ("control=pose",)}, r"was trained in graspsim/Lift-v0 .*not those of this environment"),
    ],
)
def test_what_does_not_fit_a_run_is_refused_when_it_is_evaluated(changes, message, run):
    args = Args(objects=HELDOUT, envs=1, evaluate=run)
    with pytest.raises(SpecError, match=message):
        evaluate(dataclasses.replace(args, **changes), run)


def test_ppo_cannot_learn_from_demonstrations():
    with pytest.raises(SpecError, match="--demos 0"):
        train(Args(algorithm="ppo", demos=100))


def test_joints_have_no_demonstrations():
    with pytest.raises(SpecError, match=r"There is no scripted policy for control='joints'.* --demos 0"):
        train(Args(env_kwargs=("control=joints", "robot=panda"), objects=OBJECTS))


def test_truncated_quantile_critics_learn_from_demonstrations_and_are_loaded_again(tmp_path):
    args = dataclasses.replace(SMALL, algorithm="tqc", steps=260, out=tmp_path / "run")
    assert train(args) == 0
    assert evaluate(Args(objects=HELDOUT, envs=1, episodes=2), tmp_path / "run") == 0


def test_goals_are_replayed_in_hindsight(tmp_path):
    args = dataclasses.replace(SMALL, env="graspsim/PickPlace-v0", demos=0, warmup=60, steps=120, out=tmp_path / "run")
    assert train(dataclasses.replace(args, env_kwargs=("horizon=20",))) == 0
    assert isinstance(model_of(args, tmp_path).replay_buffer, HerReplayBuffer)


@pytest.mark.parametrize(
    ("obs_mode", "algorithm", "extractors"),
    [
        ("rgb", "sac", "NatureCNN"),
        ("depth", "ppo", "NatureCNN"),
        ('["rgb", "depth", "state"]', "sac", "CombinedExtractor"),
    ],
)
def test_networks_follow_from_observations(obs_mode, algorithm, extractors, tmp_path):
    kwargs = {"obs_mode": json.loads(obs_mode) if obs_mode.startswith("[") else obs_mode, "image_size": 36}
    model = model_of(dataclasses.replace(SMALL, algorithm=algorithm), tmp_path, **kwargs)
    assert model.policy.features_extractor_class.__name__ == extractors
    observation = model.env.reset()
    action, _ = model.predict(observation)
    model.env.step(action)


def test_the_interval_stays_within_0_and_1():
    assert Evaluation(200, 180, 0.0, 0.0).interval == pytest.approx((0.8506, 0.9343), abs=1e-4)
    assert Evaluation(50, 0, 0.0, 0.0).interval[0] == 0.0
    assert Evaluation(50, 50, 0.0, 0.0).interval[1] == 1.0


def test_without_the_extra_it_says_what_to_install():
    code = (
        "import runpy, sys; sys.modules['stable_baselines3'] = None; sys.argv = ['train_rl.py']; "
        f"runpy.run_path({str(SCRIPT)!r}, run_name='__main__')"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=100, check=False)
    assert done.returncode == 1
    assert done.stderr == "train_rl: Reinforcement learning needs stable_baselines3: pip install 'graspsim[rl]'.\n"


def test_a_mistake_on_the_command_line_is_one_sentence(monkeypatch):
    monkeypatch.setattr(sys, "argv", ["train_rl.py", "--env-kwargs", "robot=hnad"])
    with pytest.raises(SystemExit, match=r"^train_rl: There is no robot 'hnad'. Did you mean 'hand'?"):
        main()


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"envs": 0}, r"--envs must be at least 1; got 0"),
        ({"episodes": 0}, r"--episodes must be at least 1; got 0"),
        ({"eval_every": 0}, r"--eval-every must be at least 1; got 0"),
        ({"save_every": -5}, r"--save-every must be at least 1; got -5"),
        ({"env_kwargs": ("robt=hand",)}, r"no argument of the environment 'robt'. Did you mean 'robot'"),
    ],
)
def test_bad_arguments_are_named_before_anything_is_begun(changes, message, tmp_path):
    with pytest.raises(GraspsimError, match=message):
        train(dataclasses.replace(SMALL, out=tmp_path / "run", **changes))
    assert not (tmp_path / "run").exists()


def test_ppo_needs_no_word_about_demonstrations(tmp_path):
    assert train(dataclasses.replace(SMALL, algorithm="ppo", demos=None, steps=64, out=tmp_path / "run")) == 0
