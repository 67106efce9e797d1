"""Train a policy by reinforcement learning in any of the environments, and evaluate it on objects it has never met.

    python training/train_rl.py --env graspsim/Lift-v0 --steps 300000 --out runs/lift
    python training/train_rl.py --evaluate runs/lift --objects heldout --episodes 200

Needs the extra: pip install 'graspsim[rl]'.
"""

import csv
import dataclasses
import io
import json
import math
import multiprocessing
import platform
import shutil
import signal
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

import gymnasium
import numpy as np
import tyro
from gymnasium import spaces
from numpy.typing import NDArray

import graspsim  # noqa: F401  registers the environments
from graspsim.dataset.files import json_lines, read_json, replace_file
from graspsim.errors import GraspsimError, SpecError, UnknownNameError

try:
    import torch
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure
    from matplotlib.ticker import PercentFormatter
    from stable_baselines3 import PPO, SAC, HerReplayBuffer
    from stable_baselines3.common.base_class import BaseAlgorithm
    from stable_baselines3.common.callbacks import BaseCallback
    from stable_baselines3.common.logger import configure
    from stable_baselines3.common.noise import ActionNoise
    from stable_baselines3.common.off_policy_algorithm import OffPolicyAlgorithm
    from stable_baselines3.common.utils import set_random_seed
    from stable_baselines3.common.vec_env import (
        DummyVecEnv,
        SubprocVecEnv,
        VecEnv,
        VecEnvWrapper,
        VecMonitor,
        VecNormalize,
    )
    from stable_baselines3.common.vec_env.base_vec_env import VecEnvObs, VecEnvStepReturn
except ModuleNotFoundError as error:
    message = f"Reinforcement learning needs {error.name}: pip install 'graspsim[rl]'."
    if __name__ == "__main__":
        sys.exit(f"train_rl: {message}")
    raise GraspsimError(message) from error

EVALUATION_SEED = 2**40
"""Episode i of every evaluation is named by this seed plus i; those of training have seeds of 32 bits."""
PICTURED_M = 1.5
"""Depth that is white in a picture; what lies beyond is white, too."""
REPLAY_BYTES = 2 * 2**30
"""The replay buffer holds as many transitions as fit into it: of states, all there will ever be."""
DEMONSTRATION_NOISE = 0.3
"""Largest standard deviation of what is added to the actions of a demonstration; each episode draws its own."""
VERSIONS = ("graspsim", "gymnasium", "numpy", "pybullet", "stable_baselines3", "torch")


@dataclass(frozen=True, kw_only=True)
class Args:
    """Train a policy by reinforcement learning, or evaluate one that was trained."""

    env: str = "graspsim/Lift-v0"
    """Id of the environment."""
    env_kwargs: tuple[str, ...] = ()
    """Its other arguments, as KEY=VALUE, such as obs_mode=rgb, or as one JSON object."""
    objects: str | None = None
    """Set of objects to train on, by default the task's own; with --evaluate, to evaluate on, by default heldout. A name,
    see `graspsim list`, or a set's fields as a JSON object."""
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
    """Names the run's random numbers and episodes. Since the processes race, two runs are alike, not the same."""
    envs: int = 2
    """Number of environments that are played at once, each in a process of its own."""
    demos: int = 10_000
    """Steps at the beginning that are the task's scripted policy's, with noise, and train the policy as if they were its
    own; they count among the steps. 0 for learning without a teacher."""
    warmup: int = 2_000
    """Random steps at the beginning, where there are no demonstrations."""
    learning_rate: float = 3e-4
    """Of all networks."""
    gamma: float = 0.97
    """Discount of a step's time."""
    batch_size: int = 256
    """Transitions in a gradient step."""
    gradient_steps: int = 1
    """Gradient steps of sac and tqc for each step that all environments take together; they are taken meanwhile."""
    net: tuple[int, ...] = (256, 256)
    """Widths of the hidden layers of every network."""
    eval_every: int = 20_000
    """Steps between evaluations during training."""
    eval_episodes: int = 50
    """Episodes of each of them."""
    save_every: int = 50_000
    """Steps between checkpoints."""
    resume: bool = False
    """Go on from the last checkpoint of the run in --out, with the same arguments but for --steps and --minutes."""
    evaluate: Path | None = None
    """Folder of a run to evaluate; nothing is trained. --env-kwargs are added to the run's own."""
    episodes: int = 200
    """Episodes of that evaluation, and of the one at the end of training."""


class Pictures(gymnasium.ObservationWrapper[Any, Any, Any]):
    """Images as the networks take them: channels first, of bytes, depth too."""

    def __init__(self, env: gymnasium.Env[Any, Any]) -> None:
        super().__init__(env)
        space = env.observation_space
        self.observation_space = (
            spaces.Dict({key: _pictured(box) for key, box in space.items()})
            if isinstance(space, spaces.Dict)
            else _pictured(space)
        )

    def observation(self, observation: Any) -> Any:
        """Return the observation with its images changed."""
        if isinstance(observation, dict):
            return {key: _picture(value) for key, value in observation.items()}
        return _picture(observation)


def _pictured(space: spaces.Space[Any]) -> spaces.Box:
    assert isinstance(space, spaces.Box)
    if len(space.shape) == 1:
        return space
    if space.dtype == np.uint8:
        return spaces.Box(0, 255, (3, *space.shape[:2]), np.uint8)
    if space.dtype == np.float32 and space.shape[-1] > 3:
        return spaces.Box(0, 255, (1, *space.shape), np.uint8)
    raise SpecError("This recipe learns from obs_mode state, rgb, depth or rgbd, or several of them; not from others.")


def _picture(value: NDArray[Any]) -> NDArray[Any]:
    if value.ndim == 1:
        return value
    if value.dtype == np.uint8:
        return np.moveaxis(value, -1, 0)
    return (np.clip(value / PICTURED_M, 0, 1) * 255).astype(np.uint8)[None]


class Demonstrator(gymnasium.Wrapper[Any, Any, Any, Any]):
    """Tells what the task's scripted policy would do, erring more in some episodes than in others."""

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> tuple[Any, dict[str, Any]]:
        """Begin an episode."""
        result = self.env.reset(seed=seed, options=options)
        self._noise = self.np_random.uniform(0.0, DEMONSTRATION_NOISE)
        return result

    def demonstrated(self) -> NDArray[np.float32]:
        """Return the action (k,)."""
        env: Any = self.unwrapped
        action = env.task.scripted(env.sim)
        noise = self.np_random.normal(0.0, self._noise, len(action))
        return np.clip(action + noise, -1.0, 1.0).astype(np.float32)


class Numbered(gymnasium.Wrapper[Any, Any, Any, Any]):
    """Names its episodes `first`, `first` + `stride`, … whoever resets it; a reset with a seed begins anew.

    So every evaluation plays the same episodes, on any number of processes.
    """

    def __init__(self, env: gymnasium.Env[Any, Any], first: int, stride: int) -> None:
        super().__init__(env)
        self._first, self._stride = first, stride

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> tuple[Any, dict[str, Any]]:
        """Begin the next episode."""
        self._next = self._first if seed is not None else self._next + self._stride
        return self.env.reset(seed=EVALUATION_SEED + self._next, options=options)


class Meanwhile(VecEnvWrapper):
    """Has something done while the environments step: to learn, since the learner would be idle for half of the time."""

    task: Callable[[], None] | None = None

    def reset(self) -> VecEnvObs:
        """Reset all environments."""
        return self.venv.reset()

    def step_wait(self) -> VecEnvStepReturn:
        """Do it, then wait for the environments."""
        if self.task is not None:
            self.task()
        return self.venv.step_wait()


class Demonstrated(OffPolicyAlgorithm):
    """Mixed into an algorithm, takes the scripted policy's actions where it would take random ones to begin with."""

    def _sample_action(
        self, learning_starts: int, action_noise: ActionNoise | None = None, n_envs: int = 1
    ) -> tuple[NDArray[Any], NDArray[Any]]:
        if self.num_timesteps >= learning_starts:
            return super()._sample_action(learning_starts, action_noise, n_envs)
        assert self.env is not None
        actions = np.stack(self.env.env_method("demonstrated"))
        return actions, actions


@dataclass(frozen=True)
class Evaluation:
    """How a policy did.

    Attributes:
        episodes: number of them.
        successes: how many succeeded.
        mean_return: mean sum of an episode's rewards.
        mean_length: mean number of its steps.
    """

    episodes: int
    successes: int
    mean_return: float
    mean_length: float

    @property
    def rate(self) -> float:
        """Share of the episodes that succeeded."""
        return self.successes / self.episodes

    @property
    def interval(self) -> tuple[float, float]:
        """Wilson's 95 % interval of the rate (Wilson 1927)."""
        n, z2 = self.episodes, 1.959964**2
        middle = (self.successes + z2 / 2) / (n + z2)
        half = math.sqrt(z2 * (self.rate * (1 - self.rate) * n + z2 / 4)) / (n + z2)
        return max(middle - half, 0.0), min(middle + half, 1.0)

    def __str__(self) -> str:
        low, high = self.interval
        return (
            f"success {self.rate:.1%} ({self.successes} of {self.episodes}; 95 % interval {low:.1%} to {high:.1%}), "
            f"return {self.mean_return:.2f}, {self.mean_length:.0f} steps"
        )


def algorithm_class(name: str) -> type[BaseAlgorithm]:
    """Return an algorithm by its name.

    Raises:
        UnknownNameError: if there is none.
        GraspsimError: if it is not installed.
    """
    known: dict[str, type[BaseAlgorithm]] = {"sac": SAC, "ppo": PPO}
    if name == "tqc":
        try:
            from sb3_contrib import TQC
        except ModuleNotFoundError as error:
            raise GraspsimError("The algorithm 'tqc' needs sb3-contrib: pip install sb3-contrib.") from error
        return TQC
    if name not in known:
        raise UnknownNameError("algorithm", name, [*known, "tqc"])
    return known[name]


def parsed(assignments: tuple[str, ...]) -> dict[str, Any]:
    """Return the arguments that KEY=VALUE and JSON objects tell.

    Raises:
        SpecError: for what is neither.
    """
    result: dict[str, Any] = {}
    for text in assignments:
        key, equals, value = text.partition("=")
        if text.lstrip().startswith("{"):
            result |= _json(text)
        elif equals:
            result[key.strip()] = _json(value)
        else:
            raise SpecError(f"--env-kwargs takes KEY=VALUE, such as obs_mode=rgb, or a JSON object; got {text!r}.")
    return result


def _json(text: str) -> Any:
    """Return what JSON says, or a word as it stands."""
    try:
        return json.loads(text)
    except ValueError:
        if text.lstrip().startswith(("{", "[")):
            raise SpecError(f"This is no JSON: {text!r}.") from None
        return text


def env_maker(
    env: str, kwargs: Mapping[str, Any], objects: str | None, numbers: tuple[int, int] | None = None
) -> Callable[[], gymnasium.Env[Any, Any]]:
    """Return what makes the environment: for training, or with `numbers` (first, stride) for evaluation."""
    if env not in gymnasium.registry:
        raise UnknownNameError("environment", env, [name for name in gymnasium.registry if name.startswith("graspsim/")])
    chosen = dict(kwargs) | ({} if objects is None else {"objects": _json(objects)})

    def make() -> gymnasium.Env[Any, Any]:
        if multiprocessing.parent_process() is not None:
            # The parent alone answers Ctrl-C, and ends its workers.
            signal.signal(signal.SIGINT, signal.SIG_IGN)
        made = Pictures(gymnasium.make(env, **chosen))
        return Demonstrator(made) if numbers is None else Numbered(made, *numbers)

    return make


def vectorized(makers: list[Callable[[], gymnasium.Env[Any, Any]]]) -> VecEnv:
    """Return the environments, each in its process."""
    # Made here first, so that a mistake is one clear error, and object sets are made once, not by each process.
    makers[0]().close()
    return DummyVecEnv(makers) if len(makers) == 1 else SubprocVecEnv(makers)  # type: ignore[arg-type]


def for_evaluation(env: str, kwargs: Mapping[str, Any], objects: str, count: int) -> VecEnv:
    """Return `count` environments that play numbered episodes."""
    return vectorized([env_maker(env, kwargs, objects, (i, count)) for i in range(count)])


def evaluated(model: BaseAlgorithm, normalize: VecNormalize, venv: VecEnv, episodes: int) -> Evaluation:
    """Play the first episodes by the policy without its noise."""
    left = [len(range(i, episodes, venv.num_envs)) for i in range(venv.num_envs)]
    totals, returns, lengths, successes = np.zeros(venv.num_envs), [], [], 0
    steps = np.zeros(venv.num_envs)
    venv.seed(0)
    observations: Any = venv.reset()
    while any(left):
        actions, _ = model.predict(normalize.normalize_obs(observations), deterministic=True)
        observations, rewards, dones, infos = venv.step(actions)
        totals, steps = totals + rewards, steps + 1
        for i in np.flatnonzero(dones):
            if left[i]:
                left[i] -= 1
                returns.append(totals[i])
                lengths.append(steps[i])
                successes += bool(infos[i]["is_success"])
            totals[i] = steps[i] = 0
    return Evaluation(episodes, successes, float(np.mean(returns)), float(np.mean(lengths)))


def new_model(args: Args, venv: VecEnv) -> BaseAlgorithm:
    """Return an untrained model for the environments."""
    space, kind = venv.observation_space, algorithm_class(args.algorithm)
    common: dict[str, Any] = {
        "policy": policy_name(space),
        "env": venv,
        "learning_rate": args.learning_rate,
        "gamma": args.gamma,
        "batch_size": args.batch_size,
        "policy_kwargs": {"net_arch": list(args.net)},
    }
    if not issubclass(kind, OffPolicyAlgorithm):
        return kind(**common, n_steps=max(2048 // args.envs, 1))  # type: ignore[call-arg]
    hindsight = isinstance(space, spaces.Dict) and {"observation", "achieved_goal", "desired_goal"} <= set(space.keys())
    boxes = list(space.values()) if isinstance(space, spaces.Dict) else [space]
    # A transition holds two observations.
    size = 2 * sum(int(np.prod(box.shape)) * box.dtype.itemsize for box in boxes)  # type: ignore[union-attr, arg-type]
    return demonstrated(kind, args)(
        **common,
        buffer_size=min(args.steps, REPLAY_BYTES // size),
        learning_starts=args.demos or args.warmup,
        train_freq=1,
        # Taken meanwhile.
        gradient_steps=0,
        ent_coef="auto_0.1",
        replay_buffer_class=HerReplayBuffer if hindsight else None,
    )


def demonstrated(kind: type[BaseAlgorithm], args: Args) -> Any:
    """Return the algorithm as it has to be made and loaded for training."""
    return type(kind.__name__, (Demonstrated, kind), {}) if args.demos else kind


def policy_name(space: spaces.Space[Any]) -> str:
    """Return the kind of network that observations ask for."""
    if isinstance(space, spaces.Dict):
        return "MultiInputPolicy"
    return "MlpPolicy" if len(space.shape or ()) == 1 else "CnnPolicy"


def normalized(venv: VecEnv) -> VecNormalize:
    """Return the environments with all observations but images brought to mean 0 and deviation 1."""
    space = venv.observation_space
    if isinstance(space, spaces.Dict):
        keys = [key for key, box in space.items() if len(box.shape or ()) == 1]
        return VecNormalize(venv, norm_obs=bool(keys), norm_reward=False, norm_obs_keys=keys or None)
    return VecNormalize(venv, norm_obs=len(space.shape or ()) == 1, norm_reward=False)


class Run(BaseCallback):
    """What happens beside learning: evaluations, checkpoints, and the end when the time is up or Ctrl-C was pressed."""

    def __init__(self, args: Args, normalize: VecNormalize, eval_venv: VecEnv, steps: int, wall_s: float) -> None:
        super().__init__()
        self._args = args
        self._normalize = normalize
        self._eval_venv = eval_venv
        self._began_s = time.monotonic() - wall_s
        self._rows = [row for row in read_rows(args.out) if row["steps"] <= steps]
        self._next_eval, self._next_save = (
            (steps // every + 1) * every for every in (args.eval_every, args.save_every)
        )
        self.interrupted = False
        for signal_number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(signal_number, self._interrupt)

    def _interrupt(self, signal_number: int, frame: object) -> None:
        self.interrupted = True
        # A second one ends at once.
        signal.signal(signal_number, signal.default_int_handler)
        print("Stopping; what was learnt is being saved.", file=sys.stderr)

    @property
    def wall_s(self) -> float:
        """Time that the run has taken so far."""
        return time.monotonic() - self._began_s

    def _on_step(self) -> bool:
        if self.num_timesteps >= self._next_eval:
            self._next_eval += self._args.eval_every
            self.evaluate(self._args.eval_episodes)
        if self.num_timesteps >= self._next_save:
            self._next_save += self._args.save_every
            self.save()
        out_of_time = self._args.minutes is not None and self.wall_s > 60 * self._args.minutes
        return not (self.interrupted or out_of_time)

    def evaluate(self, episodes: int) -> Evaluation:
        """Evaluate the policy as it is, and write down how it did."""
        wall_s = self.wall_s
        result = evaluated(self.model, self._normalize, self._eval_venv, episodes)
        low, high = result.interval
        row = {"success_rate": result.rate, "low": low, "high": high, "mean_return": result.mean_return}
        for name, value in row.items():
            self.logger.record(f"eval/{name}", value)
        self._rows.append({"steps": self.num_timesteps, "wall_s": round(wall_s, 1), **row})
        write_rows(self._args.out, self._rows)
        draw_curve(self._args, self._rows)
        print(f"{self.num_timesteps:>9} steps {wall_s / 60:6.1f} min  {result}", flush=True)
        return result

    def save(self) -> None:
        """Write a checkpoint: all that is needed to go on but for the episodes being played, which begin anew."""
        folder = self._args.out / "checkpoints"
        part, done = folder / ".part", folder / f"{self.num_timesteps:09d}"
        shutil.rmtree(part, ignore_errors=True)
        save_policy(part, self.model, self._normalize)
        if isinstance(self.model, OffPolicyAlgorithm):
            self.model.save_replay_buffer(part / "replay.pkl")
        replace_file(part / "state.json", json_lines({"steps": self.num_timesteps, "wall_s": self.wall_s}))
        shutil.rmtree(done, ignore_errors=True)
        part.rename(done)
        for other in checkpoints(self._args.out):
            if other != done:
                shutil.rmtree(other)


def checkpoints(out: Path) -> list[Path]:
    """Return the folders of a run's checkpoints that are complete, the last one last."""
    return sorted(path for path in (out / "checkpoints").glob("*") if path.name.isdigit())


def save_policy(folder: Path, model: BaseAlgorithm, normalize: VecNormalize) -> None:
    """Write model.zip and what its observations are normalized by."""
    folder.mkdir(parents=True, exist_ok=True)
    model.save(folder / "model.zip")
    normalize.save(str(folder / "normalize.pkl"))


def read_rows(out: Path) -> list[dict[str, float]]:
    """Return the evaluations of a run so far."""
    path = out / "evaluations.csv"
    if not path.exists():
        return []
    with path.open(newline="") as file:
        return [{name: float(value) for name, value in row.items()} for row in csv.DictReader(file)]


def write_rows(out: Path, rows: list[dict[str, float]]) -> None:
    """Write the evaluations of a run."""
    text = io.StringIO()
    writer = csv.DictWriter(text, rows[0], lineterminator="\n")
    writer.writeheader()
    writer.writerows({**row, "steps": int(row["steps"])} for row in rows)
    replace_file(out / "evaluations.csv", text.getvalue().encode())


def draw_curve(args: Args, rows: list[dict[str, float]]) -> None:
    """Draw success over steps with its interval."""
    figure = Figure(figsize=(8, 5), dpi=120, layout="constrained")
    axes = figure.add_subplot()
    columns = {name: np.array([row[name] for row in rows]) for name in rows[0]}
    steps = columns["steps"] / 1000
    axes.fill_between(steps, columns["low"], columns["high"], alpha=0.2, linewidth=0, label="95 % interval")
    axes.plot(steps, columns["success_rate"], marker="o", markersize=4, label=f"success, {args.eval_objects}")
    last = rows[-1]
    axes.annotate(
        f"{last['success_rate']:.0%} after {last['wall_s'] / 60:.0f} min",
        (steps[-1], last["success_rate"]),
        textcoords="offset points",
        xytext=(0, -18),
        ha="right",
    )
    axes.set(xlabel="thousands of steps", ylabel="success rate", xlim=(0, None), ylim=(0, 1.02))
    axes.set_title(f"{args.env}, {args.algorithm.upper()}, seed {args.seed}")
    axes.yaxis.set_major_formatter(PercentFormatter(1.0))
    axes.grid(alpha=0.3)
    axes.legend(loc="lower right")
    picture = io.BytesIO()
    FigureCanvasAgg(figure).print_png(picture)
    replace_file(args.out / "curve.png", picture.getvalue())


def train(args: Args) -> int:
    """Train as the arguments say; return the exit status."""
    began_s = time.monotonic()
    kind, kwargs = algorithm_class(args.algorithm), parsed(args.env_kwargs)
    if args.demos and not issubclass(kind, OffPolicyAlgorithm):
        raise SpecError(f"{args.algorithm} has no replay buffer to learn from demonstrations with; give --demos 0.")
    checkpoint = begin_run(args)
    state = read_json(checkpoint / "state.json") if checkpoint else {"steps": 0, "wall_s": 0.0}
    # With more, threads wait for each other longer than they compute: networks and batches are small.
    torch.set_num_threads(1)
    makers = [env_maker(args.env, kwargs, args.objects) for _ in range(args.envs)]
    if args.demos:
        check_demonstrations(makers[0])
    meanwhile = Meanwhile(VecMonitor(vectorized(makers)))
    eval_venv = for_evaluation(args.env, kwargs, args.eval_objects, args.envs)
    if checkpoint:
        venv = VecNormalize.load(str(checkpoint / "normalize.pkl"), meanwhile)
        model = demonstrated(kind, args).load(checkpoint / "model.zip", env=venv)
    else:
        venv = normalized(meanwhile)
        model = new_model(args, venv)
    # After a resume, too, no episode is played twice.
    seed = int(np.random.SeedSequence([args.seed, int(state["steps"])]).generate_state(1)[0])
    set_random_seed(seed)
    model.action_space.seed(seed)
    venv.seed(seed)
    if isinstance(model, OffPolicyAlgorithm):
        if checkpoint:
            model.load_replay_buffer(checkpoint / "replay.pkl")
        if isinstance(model.replay_buffer, HerReplayBuffer):
            # The workers are busy while it asks for rewards.
            model.replay_buffer.env = DummyVecEnv([makers[0]])  # type: ignore[list-item]

        def learn() -> None:
            assert isinstance(model, OffPolicyAlgorithm)
            if model.num_timesteps > model.learning_starts:
                model.train(args.gradient_steps, args.batch_size)

        meanwhile.task = learn
    model.set_logger(configure(str(args.out / "tensorboard"), ["tensorboard"]))
    run = Run(args, venv, eval_venv, int(state["steps"]), state["wall_s"] + time.monotonic() - began_s)
    left = args.steps - model.num_timesteps
    try:
        if left > 0:
            model.learn(left, run, log_interval=20, reset_num_timesteps=False)
        run.init_callback(model)
        run.num_timesteps = model.num_timesteps
        run.save()
        save_policy(args.out, model, venv)
        if run.interrupted:
            print(f"Stopped after {model.num_timesteps} steps; the same command with --resume goes on from there.")
            return 130
        result = run.evaluate(args.episodes)
    finally:
        venv.close()
        eval_venv.close()
    report(args.out, args.eval_objects, result, model.num_timesteps)
    return 0


def begin_run(args: Args) -> Path | None:
    """Write config.json, and return the folder of the checkpoint to go on from, if there is to be one.

    Raises:
        SpecError: if the folder holds another run, or none where one is to go on.
    """
    free = {"steps", "minutes", "resume", "evaluate", "episodes", "out"}
    arguments = {key: str(value) if isinstance(value, Path) else value for key, value in dataclasses.asdict(args).items()}
    path = args.out / "config.json"
    last = checkpoints(args.out)[-1:]
    if args.resume:
        if not last:
            raise SpecError(f"{args.out} holds no checkpoint to go on from.")
        before = read_json(path)["arguments"]
        for key, value in json.loads(json.dumps(arguments)).items():
            if key not in free and before[key] != value:
                raise SpecError(f"The run in {args.out} has {key} {before[key]!r}; it cannot go on with {value!r}.")
    elif path.exists():
        raise SpecError(f"{args.out} holds a run already; go on with --resume, or choose another folder with --out.")
    versions = {name: version(name) for name in VERSIONS} | {"python": platform.python_version()}
    replace_file(path, json.dumps({"arguments": arguments, "versions": versions}, indent=2).encode() + b"\n")
    return last[0] if last else None


def check_demonstrations(maker: Callable[[], gymnasium.Env[Any, Any]]) -> None:
    """Raise what the scripted policy raises where there is none for the environment's arguments."""
    env: Any = maker()
    try:
        env.reset(seed=0)
        env.demonstrated()
    except SpecError as error:
        raise SpecError(f"{error} Or learn without demonstrations: --demos 0.") from error
    finally:
        env.close()


def evaluate(args: Args) -> int:
    """Evaluate the run in a folder; return the exit status."""
    assert args.evaluate is not None
    config = read_json(args.evaluate / "config.json")["arguments"]
    objects = args.objects or "heldout"
    kwargs = parsed(tuple(config["env_kwargs"])) | parsed(args.env_kwargs)
    if not (args.evaluate / "model.zip").exists():
        raise SpecError(f"{args.evaluate} holds no model.zip yet; its training has not ended.")
    torch.set_num_threads(1)
    venv = for_evaluation(config["env"], kwargs, objects, args.envs)
    try:
        model = algorithm_class(config["algorithm"]).load(args.evaluate / "model.zip")
        normalize = VecNormalize.load(str(args.evaluate / "normalize.pkl"), venv)
        result = evaluated(model, normalize, venv, args.episodes)
    finally:
        venv.close()
    report(args.evaluate, objects, result, model.num_timesteps)
    return 0


def report(folder: Path, objects: str, result: Evaluation, steps: int) -> None:
    """Write evaluation-<objects>.json and print the result in one line."""
    low, high = result.interval
    name = objects if objects.isidentifier() else "custom"
    content = {"objects": objects, "steps": steps, **dataclasses.asdict(result)}
    content |= {"success_rate": result.rate, "low": low, "high": high}
    replace_file(folder / f"evaluation-{name}.json", json_lines(content))
    print(f"{folder} on {objects}: {result}.")


def main() -> None:
    """Do what the command line says, and print what the input's fault is in one sentence."""
    args = tyro.cli(Args)
    try:
        sys.exit(evaluate(args) if args.evaluate else train(args))
    except GraspsimError as error:
        sys.exit(f"train_rl: {error}")


if __name__ == "__main__":
    main()
