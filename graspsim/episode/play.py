"""Playing episodes without an agent: policies that have names, and what was to be seen on the way."""

from dataclasses import dataclass

import numpy as np

from graspsim.episode.simulation import Simulation
from graspsim.episode.task import Task
from graspsim.geometry import Array
from graspsim.models import ObjectModel
from graspsim.scene import Scene

POLICIES = ("scripted", "random")


@dataclass(frozen=True, eq=False)
class Moment:
    """What there is to be seen at one time: a scene, the models of its bodies, and the poses (n, 7) of all that moves,
    as a renderer takes them."""

    scene: Scene
    models: tuple[ObjectModel, ...]
    poses: Array


def moment_of(sim: Simulation) -> Moment:
    """Return what there is to be seen now."""
    return Moment(sim.scene, tuple(sim.models), sim.seen_poses())


def action_of(policy: str, task: Task, sim: Simulation, size: int, rng: np.random.Generator) -> Array:
    """Return the action (size,) of one of `POLICIES`."""
    return task.scripted(sim) if policy == "scripted" else rng.uniform(-1.0, 1.0, size)


def play(task: Task, sim: Simulation, policy: str, size: int, rng: np.random.Generator) -> list[Moment]:
    """Play an episode that has begun to its end, and return what was to be seen after each step of the robot's."""
    moments = [moment_of(sim)]
    sim.on_step = lambda: moments.append(moment_of(sim))
    for _ in range(task.horizon):
        task.act(sim, action_of(policy, task, sim, size, rng))
        task.reward_terms(sim)
        if task.is_over(sim) or task.gave_up(sim):
            break
    return moments
