"""Train a policy by reinforcement learning in any of the environments, and evaluate it on objects it has never met.

    python training/train_rl.py --env graspsim/Lift-v0 --steps 300000 --out runs/lift
    python training/train_rl.py --evaluate runs/lift --objects heldout --episodes 200

Needs the extra: pip install 'graspsim[rl]'.
"""

__package__ = "graspsim.training"  # so that it runs as a script, too

import contextlib
import dataclasses
import json
import pickle
import platform
import shutil
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

import gymnasium
import numpy as np
import tyro
from gymnasium import spaces

from graspsim.cli.progress import progress_bar
from graspsim.dataset.files import json_lines, read_json, replace_file
from graspsim.episode.plain_images import PlainImages
from graspsim.errors import GraspsimError, SpecError

from ._evaluation import Evaluation, Policy, draw_curve, evaluated, read_rows, report, write_rows
from ._shared import check_at_least, parsed, stopped_gracefully

try:
    import torch
    from stable_baselines3 import HerReplayBuffer
    from stable_baselines3.common.base_class import BaseAlgorithm
    from stable_baselines3.common.callbacks import BaseCallback
    from stable_baselines3.common.logger import configure
    from stable_baselines3.common.off_policy_algorithm import OffPolicyAlgorithm
    from stable_baselines3.common.utils import set_random_seed
    from stable_baselines3.common.vec_env import DummyVecEnv, VecEnv, VecMonitor, VecNormalize
except ModuleNotFoundError as error:
    message = f"Reinforcement learning needs {error.name}: pip install 'graspsim[rl]'."
    if __name__ == "__main__":
        sys.exit(f"train_rl: {message}")
    raise GraspsimError(message) from error

from ._learners import (
    MakeEnv,
    Meanwhile,
    algorithm_class,
    env_maker,
    for_evaluation,
    for_training,
    new_model,
    normalized,
    policy_of,
    vectorized,
)

DEMOS = 10_000
EVALUATED_WITH = ("evaluate", "objects", "episodes", "envs", "env_kwargs")
VERSIONS = ("graspsim", "gymnasium", "numpy", "pybullet", "stable_baselines3", "torch")


@dataclass(frozen=True, kw_only=True)
class Args:
    """Train a policy by reinforcement learning, or evaluate one that was trained."""

    env: str = "graspsim/Lift-v0"
    """Id of the environment."""
    env_kwargs: tuple[str, ...] = ()
    """Its other arguments, as KEY=VALUE, such as obs_mode=rgb, or as one JSON object."""
    objects: str | None = None
    """Set of objects to train on, by default the task's own; with --evaluate, to evaluate on, by default heldout. It is
    a name, see `graspsim list`, or a set's fields as a JSON object."""
    eval_objects: str = "heldout"
    """Set of objects that training is evaluated on."""
    out: Path = Path("runs/rl")
    """Folder of the run."""
    algorithm: str = "sac"
    """sac, ppo or tqc. On a dict of observation, achieved_goal and desired_goal, sac and tqc replay with hindsight."""
    steps: int = 300_000
    """Steps of the environments at which training ends."""
    minutes: float | None = None
    """Wall time after which training ends, if it comes first; what was trained before a --resume counts."""
    seed: int = 0
    """Names the run's random numbers and episodes."""
    envs: int = 2
    """Environments that are played at once, each in a process of its own."""
    demos: int | None = None
    """Steps at the beginning that the task's scripted policy takes, with noise; sac and tqc learn from them as
    from their own, and have 10,000 by default. They count among the steps. 0 for learning without a teacher."""
    warmup: int = 2_000
    """Random steps at the beginning, where there are no demonstrations."""
    learning_rate: float = 5e-4
    """Of all networks; it falls, linearly, to a tenth at the last of --steps."""
    gamma: float = 0.95
    """Discount of a step's time."""
    batch_size: int = 256
    """Transitions in a gradient step."""
    gradient_steps: int = 1
    """Gradient steps of sac and tqc for each step that all environments take together; they are taken meanwhile."""
    net: tuple[int, ...] = (128, 128)
    """Widths of the hidden layers of every network. Twice as wide learns no better from state, and half as fast."""
    eval_every: int = 20_000
    """Steps between evaluations during training."""
    eval_episodes: int = 50
    """Episodes of each of them."""
    save_every: int = 50_000
    """Steps between checkpoints."""
    resume: bool = False
    """Go on from the last checkpoint of the run in --out, with the same arguments but for --steps and --minutes."""
    evaluate: Path | None = None
    """Folder of a run to evaluate; nothing is trained. It goes with --objects, --episodes and --envs, and with
    --env-kwargs, which are added to the run's own."""
    episodes: int = 200
    """Episodes of that evaluation, and of the one at the end of training."""


class Run(BaseCallback):
    """What happens beside learning: evaluations, checkpoints, and an end when it is time, or when asked to stop."""

    def __init__(
        self, args: Args, normalize: VecNormalize, eval_venv: VecEnv, began_s: float, stop: threading.Event
    ) -> None:
        super().__init__()
        self._args = args
        self._normalize = normalize
        self._eval_venv = eval_venv
        self._began_s = began_s
        self._stop = stop
        self.advance: Callable[[int], None] = lambda n: None

    def _init_callback(self) -> None:
        steps = self.model.num_timesteps
        self._rows = [row for row in read_rows(self._args.out / "evaluations.csv") if row["steps"] <= steps]
        self._next_eval = (steps // self._args.eval_every + 1) * self._args.eval_every
        self._next_save = (steps // self._args.save_every + 1) * self._args.save_every

    def _on_step(self) -> bool:
        self.advance(self._args.envs)
        if self.num_timesteps >= self._next_eval:
            self._next_eval += self._args.eval_every
            self.evaluate(self._args.eval_episodes)
        if self.num_timesteps >= self._next_save:
            self._next_save += self._args.save_every
            self.save()
        out_of_time = self._args.minutes is not None and time.monotonic() - self._began_s > 60 * self._args.minutes
        return not (self._stop.is_set() or out_of_time)

    def evaluate(self, episodes: int, advance: Callable[[int], None] = lambda n: None) -> Evaluation:
        """Evaluate the policy as it is, and write down how it did."""
        steps, wall_s = self.model.num_timesteps, time.monotonic() - self._began_s
        result = evaluated(policy_of(self.model, self._normalize), self._eval_venv, episodes, advance)
        low, high = result.interval
        row = {"success_rate": result.rate, "low": low, "high": high, "mean_return": result.mean_return}
        for name, value in row.items():
            self.logger.record(f"eval/{name}", value)
        # The last one, of more episodes, stands for the same policy's before it.
        self._rows = [other for other in self._rows if other["steps"] < steps]
        self._rows.append({"steps": steps, "wall_s": round(wall_s, 1), **row})
        write_rows(self._args.out / "evaluations.csv", self._rows)
        title = f"{self._args.env}, {self._args.algorithm}, seed {self._args.seed}, on {self._args.eval_objects}"
        draw_curve(self._args.out / "curve.png", self._rows, title)
        print(f"{steps:>9} steps {wall_s / 60:6.1f} min  {result}", flush=True)
        return result

    def save(self) -> None:
        """Write a checkpoint: all that is needed to go on, but for the episodes being played, which begin anew."""
        steps, wall_s = self.model.num_timesteps, time.monotonic() - self._began_s
        part = self._args.out / "checkpoints" / ".part"
        shutil.rmtree(part, ignore_errors=True)
        save_policy(part, self.model, self._normalize)
        if isinstance(self.model, OffPolicyAlgorithm):
            self.model.save_replay_buffer(part / "replay.pkl")
        replace_file(part / "state.json", json_lines({"steps": steps, "wall_s": wall_s}))
        done = part.with_name(f"{steps:09d}")
        shutil.rmtree(done, ignore_errors=True)
        part.rename(done)
        for other in checkpoints(self._args.out):
            if other != done:
                shutil.rmtree(other)


def checkpoints(out: Path) -> list[Path]:
    """Return the folders of a run's checkpoints that are complete, the last one last."""
    return sorted(path for path in (out / "checkpoints").glob("*") if path.name.isdigit())


def save_policy(folder: Path, model: BaseAlgorithm, normalize: VecNormalize) -> None:
    """Write a model, and what its observations are normalized by."""
    folder.mkdir(parents=True, exist_ok=True)
    model.save(folder / "model.zip")
    normalize.save(str(folder / "normalize.pkl"))


def load_policy(folder: Path, env: gymnasium.Env[Any, Any]) -> Policy:
    """Return the policy of a run, from one observation of an environment to one action.

    Raises:
        SpecError: if the run was not trained on such observations and actions.
    """
    config = read_json(folder / "config.json")["arguments"]
    model = algorithm_class(config["algorithm"]).load(folder / "model.zip")
    plain = PlainImages(env)
    check_fits(folder, config, model, plain.observation_space, plain.action_space)
    normalize: VecNormalize = pickle.loads((folder / "normalize.pkl").read_bytes())
    policy = policy_of(model, normalize)
    return lambda observation: policy(plain.observation(observation))


def check_fits(
    folder: Path, config: dict[str, Any], model: BaseAlgorithm, observed: spaces.Space[Any], acted: spaces.Space[Any]
) -> None:
    """Raise a SpecError if a run's model was not trained on such observations and actions."""
    # Networks have the channels of images first.
    if spaces.flatdim(observed) != spaces.flatdim(model.observation_space) or acted != model.action_space:
        raise SpecError(
            f"The run {folder} was trained in {config['env']} with {config['env_kwargs']}, whose observations or "
            "actions are not those of this environment."
        )


def begin_run(args: Args) -> Path | None:
    """Write config.json, and return the folder of the checkpoint to go on from, if there is to be one.

    Raises:
        SpecError: if the folder holds another run, or none where one is to go on.
    """
    may_differ = {"steps", "minutes", "resume", "evaluate", "episodes", "out"}
    arguments = json.loads(json.dumps(dataclasses.asdict(args), default=str))
    path, last = args.out / "config.json", checkpoints(args.out)[-1:]
    if args.resume and not last:
        raise SpecError(f"{args.out} holds no checkpoint to go on from; begin anew, without --resume.")
    if args.resume:
        for name, before in read_json(path)["arguments"].items():
            if name not in may_differ and arguments[name] != before:
                raise SpecError(
                    f"The run in {args.out} has {name} {before!r}; it cannot go on with {arguments[name]!r}."
                )
    elif last or (args.out / "model.zip").exists():
        raise SpecError(f"{args.out} holds a run already; go on with --resume, or choose another folder with --out.")
    versions = {name: version(name) for name in VERSIONS} | {"python": platform.python_version()}
    replace_file(path, json.dumps({"arguments": arguments, "versions": versions}, indent=2).encode() + b"\n")
    return last[0] if last else None


def check_demonstrations(maker: MakeEnv) -> None:
    """Raise a SpecError where there is no scripted policy for the environment's arguments."""
    env: Any = maker()
    try:
        env.reset(seed=0)
        env.demonstrated()
    except SpecError as error:
        raise SpecError(f"{error} Or learn without demonstrations: --demos 0.") from error
    finally:
        env.close()


def train(args: Args) -> int:
    """Train as the arguments say; return the exit status."""
    check_at_least(args, steps=1, minutes=0, envs=1, demos=0, warmup=0, batch_size=1, gradient_steps=1, eval_every=1)
    check_at_least(args, eval_episodes=1, save_every=1, episodes=1, seed=0, learning_rate=0, gamma=0)
    if args.gamma > 1 or not args.net or min(args.net) < 1:
        raise SpecError(f"--gamma is at most 1, and --net has widths of at least 1; got {args.gamma} and {args.net}.")
    began_s = time.monotonic()
    kind, kwargs = algorithm_class(args.algorithm), parsed(args.env_kwargs)
    if args.demos is None:
        args = dataclasses.replace(args, demos=DEMOS if issubclass(kind, OffPolicyAlgorithm) else 0)
    if args.demos and not issubclass(kind, OffPolicyAlgorithm):
        raise SpecError(f"{args.algorithm} has no replay buffer to learn from demonstrations with; give --demos 0.")
    # Networks and batches are small: more threads would wait for each other, and keep the environments waiting.
    torch.set_num_threads(1)
    makers = [env_maker(args.env, kwargs, args.objects)] * args.envs
    if args.demos:
        check_demonstrations(makers[0])
    with contextlib.ExitStack() as ended:
        meanwhile = ended.enter_context(contextlib.closing(Meanwhile(VecMonitor(vectorized(makers)))))
        eval_venv = ended.enter_context(
            contextlib.closing(for_evaluation(args.env, kwargs, args.eval_objects, args.envs))
        )
        stop = ended.enter_context(stopped_gracefully())
        checkpoint = begin_run(args)
        if checkpoint is None:
            venv = normalized(meanwhile)
            model = new_model(args, kind, venv)
        else:
            venv = VecNormalize.load(str(checkpoint / "normalize.pkl"), meanwhile)
            model = for_training(args, kind).load(checkpoint / "model.zip", env=venv)
            began_s -= read_json(checkpoint / "state.json")["wall_s"]
        # What comes after a checkpoint is another part of the run: it plays other episodes.
        seed = int(np.random.SeedSequence([args.seed, model.num_timesteps]).generate_state(1)[0])
        set_random_seed(seed)
        model.action_space.seed(seed)
        venv.seed(seed)
        if isinstance(model, OffPolicyAlgorithm):
            if checkpoint is not None:
                model.load_replay_buffer(checkpoint / "replay.pkl")
            if isinstance(model.replay_buffer, HerReplayBuffer):
                # It asks for rewards while the processes are busy.
                model.replay_buffer.env = DummyVecEnv([makers[0]])
            meanwhile.work = lambda: learn(model, args)
        model.set_logger(configure(str(args.out / "tensorboard"), ["tensorboard"]))
        run = Run(args, venv, eval_venv, began_s, stop)
        run.init_callback(model)
        if model.num_timesteps < args.steps:
            with progress_bar("steps", args.steps) as run.advance:
                run.advance(model.num_timesteps)
                model.learn(args.steps - model.num_timesteps, run, log_interval=20, reset_num_timesteps=False)
        run.save()
        save_policy(args.out, model, venv)
        if stop.is_set():
            print(f"Stopped after {model.num_timesteps} steps; the same command with --resume goes on from there.")
            return 130
        with progress_bar("episodes", args.episodes) as advance:
            result = run.evaluate(args.episodes, advance)
    report(args.out, args.eval_objects, result, model.num_timesteps)
    return 0


def learn(model: OffPolicyAlgorithm, args: Args) -> None:
    """Take gradient steps, if there is enough to learn from."""
    buffer = model.replay_buffer
    # Hindsight needs an episode that has ended.
    is_ready = not isinstance(buffer, HerReplayBuffer) or bool((buffer.ep_length > 0).any())
    if model.num_timesteps > model.learning_starts and is_ready:
        model.train(args.gradient_steps, args.batch_size)


def evaluate(args: Args, folder: Path) -> int:
    """Evaluate the run in a folder; return the exit status."""
    check_at_least(args, envs=1, episodes=1)
    for field in dataclasses.fields(Args):
        if getattr(args, field.name) != field.default and field.name not in EVALUATED_WITH:
            raise SpecError(f"--{field.name.replace('_', '-')} says nothing with --evaluate: the run knows it.")
    config = read_json(folder / "config.json")["arguments"]
    if not (folder / "model.zip").exists():
        raise SpecError(f"{folder} holds no model.zip yet: its training has not come to an end.")
    torch.set_num_threads(1)
    objects = args.objects or "heldout"
    kwargs = parsed(tuple(config["env_kwargs"])) | parsed(args.env_kwargs)
    model = algorithm_class(config["algorithm"]).load(folder / "model.zip")
    normalize: VecNormalize = pickle.loads((folder / "normalize.pkl").read_bytes())
    with contextlib.closing(for_evaluation(config["env"], kwargs, objects, args.envs)) as venv:
        check_fits(folder, config, model, venv.observation_space, venv.action_space)
        with progress_bar("episodes", args.episodes) as advance:
            result = evaluated(policy_of(model, normalize), venv, args.episodes, advance)
    report(folder, objects, result, model.num_timesteps)
    return 0


def main() -> None:
    """Do what the command line says, and print what the input's fault is in one sentence."""
    args = tyro.cli(Args, config=(tyro.conf.FlagCreatePairsOff,))
    try:
        sys.exit(train(args) if args.evaluate is None else evaluate(args, args.evaluate))
    except GraspsimError as error:
        sys.exit(f"train_rl: {error}")
    except KeyboardInterrupt:
        sys.exit(130)


if __name__ == "__main__":
    main()
