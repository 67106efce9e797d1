"""Record a policy's episodes as a Minari dataset, for imitation or offline learning.

    python training/record_demos.py --env graspsim/Lift-v0 --policy scripted --episodes 500 \\
        --dataset graspsim/lift-scripted-v0

Needs the extra: pip install 'graspsim[minari]'. Minari keeps datasets in ~/.minari, or where MINARI_DATASETS_PATH says.
"""

__package__ = "graspsim.training"  # so that it runs as a script, too

import sys
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

import gymnasium
import numpy as np
import tyro
from numpy.typing import NDArray

from graspsim.cli.progress import progress_bar
from graspsim.errors import GraspsimError, SpecError

from ._shared import check_at_least, made, parsed, stopped_gracefully

try:
    import minari  # type: ignore[import-untyped]
    from minari import DataCollector, MinariDataset
except ModuleNotFoundError as error:
    message = f"Recording needs {error.name}: pip install 'graspsim[minari]'."
    if __name__ == "__main__":
        sys.exit(f"record_demos: {message}")
    raise GraspsimError(message) from error

MOST_TRIES = 50
"""Episodes that are played for one that succeeds, at most."""
Policy = Callable[[Any], NDArray[Any]]
"""From an observation to an action."""


@dataclass(frozen=True, kw_only=True)
class Args:
    """Record a policy's episodes as a Minari dataset."""

    env: str = "graspsim/Lift-v0"
    """Id of the environment."""
    env_kwargs: tuple[str, ...] = ()
    """Its other arguments, as KEY=VALUE, such as obs_mode=rgb, or as one JSON object."""
    objects: str | None = None
    """Set of objects, by default the task's own: a name, see `graspsim list`, or a set's fields as a JSON object."""
    policy: str = "scripted"
    """scripted, random, or the folder of a run of train_rl."""
    episodes: int = 500
    """Number of episodes in the dataset."""
    dataset: str
    """Name of the dataset, such as graspsim/lift-scripted-v0."""
    seed: int = 0
    """Episode i is named by this seed plus i, which is stored with it."""
    only_success: bool = False
    """Leave out the episodes that did not succeed; others are played in their place."""


def policy_named(name: str, env: gymnasium.Env[Any, Any]) -> Policy:
    """Return a policy for an environment.

    Raises:
        SpecError: if the name is none, or the run's policy does not fit the environment.
    """
    if name == "random":
        return lambda observation: np.asarray(env.action_space.sample())
    if name == "scripted":
        unwrapped: Any = env.unwrapped
        return lambda observation: np.asarray(unwrapped.task.scripted(unwrapped.sim), dtype=np.float32)
    if not (Path(name) / "config.json").exists():
        raise SpecError(f"A policy is scripted, random or the folder of a run of train_rl; got {name!r}.")
    # Not needed for the others, and slow to import.
    from .train_rl import load_policy

    return load_policy(Path(name), env)


def repeating(actions: list[NDArray[Any]]) -> Policy:
    """Return the policy that does the same once more."""
    left = iter(actions)
    return lambda observation: next(left)


def play(env: gymnasium.Env[Any, Any], policy: Policy, seed: int) -> tuple[list[NDArray[Any]], bool]:
    """Return the actions of an episode, and whether it succeeded."""
    env.action_space.seed(seed)
    observation, info = env.reset(seed=seed)
    unwrapped: Any = env.unwrapped
    actions, over = [], False
    while not over:
        actions.append(policy(observation))
        observation, _, terminated, truncated, info = env.step(actions[-1])
        # A policy that gave up would only stand still; Minari calls an episode that ends here truncated.
        over = terminated or truncated or unwrapped.task.gave_up(unwrapped.sim)
    return actions, bool(info["success"])


def record(args: Args) -> tuple[MinariDataset, float]:
    """Record as the arguments say; return the dataset and the share of the episodes played that succeeded.

    Raises:
        GraspsimError: if an argument is not legal, there is such a dataset already, or success is too rare.
        KeyboardInterrupt: if it was stopped before there was anything to keep.
    """
    if args.dataset in minari.list_local_datasets():
        raise SpecError(f"There is a dataset {args.dataset} already; `minari delete {args.dataset}` deletes it.")
    check_at_least(args, episodes=1)
    env = made(args.env, parsed(args.env_kwargs), args.objects)
    # As JPEG, pictures would be other ones than the environment gives.
    collector = DataCollector(env, record_infos=True, jpeg_encoding=False)
    try:
        policy = policy_named(args.policy, collector)
        played = successes = recorded = 0
        with stopped_gracefully() as stop, progress_bar("episodes", args.episodes) as advance:
            while recorded < args.episodes and not stop.is_set():
                if played == args.episodes * MOST_TRIES:
                    raise GraspsimError(
                        f"{args.policy} succeeded in {successes} of {played} episodes: too few to go on."
                    )
                seed = args.seed + played
                actions, succeeded = play(collector.env if args.only_success else collector, policy, seed)
                if args.only_success and succeeded:
                    # An episode is a function of its seed and its actions: it is played once more, to be kept.
                    play(collector, repeating(actions), seed)
                played += 1
                successes += succeeded
                if succeeded or not args.only_success:
                    recorded += 1
                    advance(1)
        if not recorded:
            raise KeyboardInterrupt
        with warnings.catch_warnings():
            # It wants an author's name and address.
            warnings.simplefilter("ignore", UserWarning)
            dataset = collector.create_dataset(
                args.dataset,
                algorithm_name=args.policy,
                description=f"{args.env}, policy {args.policy}, seeds from {args.seed} to {args.seed + played - 1}.",
                requirements=[f"graspsim=={version('graspsim')}"],
            )
    finally:
        collector.close()
    return dataset, successes / played


def main() -> None:
    """Do what the command line says, and print what the input's fault is in one sentence."""
    args = tyro.cli(Args, config=(tyro.conf.FlagCreatePairsOff,))
    try:
        dataset, success_rate = record(args)
    except GraspsimError as error:
        sys.exit(f"record_demos: {error}")
    except KeyboardInterrupt:
        sys.exit(130)
    print(
        f"{args.dataset}: {dataset.total_episodes} episodes, {dataset.total_steps} steps; "
        f"{success_rate:.1%} of the episodes played succeeded."
    )
    if dataset.total_episodes < args.episodes:
        sys.exit(130)


if __name__ == "__main__":
    main()
