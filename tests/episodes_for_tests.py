"""Environments of few objects, what a policy does in them, and checksums of all that they give."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from hashlib import sha256
from pathlib import Path
from typing import Any

import gymnasium
import numpy as np
import pytest
import trimesh

from graspsim import registry
from graspsim.episode.env import GraspEnv
from graspsim.geometry import Array

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


def exported_box(path: Path, size_m: tuple[float, float, float]) -> str:
    trimesh.creation.box(size_m).export(path)
    return str(path)


def of_meshes(*paths: str) -> dict[str, Any]:
    return {"families": [], "meshes": list(paths)}
