"""What a task is: the worlds it happens in, what an agent is told, what it is rewarded for, and when it has succeeded.

The tasks that have names live in envs/, one file each.
"""

from typing import Any, ClassVar

import numpy as np
from gymnasium import spaces

from graspsim.distributions import Distribution
from graspsim.episode.marks import Ball
from graspsim.episode.simulation import Simulation
from graspsim.episode.spec import EpisodeSpec
from graspsim.errors import GraspsimError, SpecError
from graspsim.geometry import Array
from graspsim.scene_objects import SceneObjects

_REDRAWS = 50
_ANEW = 2**32
"""Between the indices of an episode's draws, where a task cannot be done in the first."""


class Task:
    """A task; one object of it serves one environment, and holds what it remembers of the current episode.

    Attributes:
        spec: the worlds.
        objects: name of the set that it draws from, unless told otherwise.
        horizon: steps after which an episode is cut off.
        most_objects: objects in a scene at most; `info` has room for so many.
        feature_count: numbers that `features` returns.
        terms: names of the reward's terms.
        without_meaning: keys of the specification that would change nothing in this task, and so cannot be changed.
        is_goal_conditioned: whether the goals that an observation holds decide the reward, by `compute_reward`.
    """

    spec: ClassVar[EpisodeSpec]
    objects: ClassVar[str] = "train"
    obs_mode: ClassVar[str] = "state"
    image_size: ClassVar[int] = 84
    control: ClassVar[str] = "yaw"
    horizon: ClassVar[int]
    most_objects: ClassVar[int] = 1
    feature_count: ClassVar[int]
    terms: ClassVar[tuple[str, ...]]
    without_meaning: ClassVar[tuple[str, ...]] = ()
    is_goal_conditioned: ClassVar[bool] = False

    def action_space(self, size: int) -> spaces.Box:
        """Return the space of actions, of which the robot's controller takes `size` numbers."""
        return spaces.Box(-1.0, 1.0, (size,), np.float32)

    def observation_space(self, space: spaces.Space[Any]) -> spaces.Space[Any]:
        """Return the space of observations, given that of what the observer makes."""
        return space

    def observation(self, sim: Simulation, observed: Any) -> Any:
        """Return the observation, given what the observer made."""
        return observed

    def accepts(self, sim: Simulation) -> bool:
        """Begin an episode; False has another one drawn in its place, since the task could not be done in it."""
        return True

    def act(self, sim: Simulation, action: Array) -> None:
        """Carry an action (k,) out."""
        sim.act(action)

    def features(self, sim: Simulation) -> Array:
        """Return what the state holds besides the robot's own, (feature_count,)."""
        raise NotImplementedError

    def reward_terms(self, sim: Simulation) -> dict[str, float]:
        """Return the terms, by name, whose sum is the reward of the step just taken. Called once a step."""
        raise NotImplementedError

    def scripted(self, sim: Simulation) -> Array:
        """Return the action (k,) of a policy that knows everything."""
        raise NotImplementedError

    def gave_up(self, sim: Simulation) -> bool:
        """Whether `scripted` knows of nothing more to do in this episode."""
        return False

    def marks(self, sim: Simulation) -> tuple[Ball, ...]:
        """Return what people are shown besides the world."""
        return ()

    def succeeded(self, sim: Simulation) -> bool:
        """Whether the task is done."""
        raise NotImplementedError

    def compute_reward(self, achieved_goal: Array, desired_goal: Array) -> Array:
        """Return the rewards (...) for goals (..., 3), where a task is goal-conditioned."""
        raise NotImplementedError

    def is_over(self, sim: Simulation) -> bool:
        """Whether the episode has come to its end, done or not; running out of steps is none of it."""
        return self.succeeded(sim)


def check_episodes(task: Task | type[Task], spec: EpisodeSpec) -> None:
    """Raise a SpecError if a task cannot happen in some worlds, or would take no notice of what they are to be like."""
    kind: object = spec.layout.kind
    if "floating" in (kind.support() if isinstance(kind, Distribution) else (kind,)):
        raise SpecError("layout.kind=floating has no table, and is for datasets of scenes alone.")
    counts = [_largest(section.count) for section in (spec.objects, spec.distractors)]
    if sum(counts) > task.most_objects:
        raise SpecError(
            f"There is room for {task.most_objects} objects, with distractors; objects.count and distractors.count may "
            f"give {sum(counts)}."
        )
    for path in task.without_meaning:
        section, name = path.split(".")
        usual, given = (getattr(getattr(each, section), name) for each in (task.spec, spec))
        if given != usual:
            raise SpecError(
                f"{path} cannot be changed from {usual} to {given} here: it has no meaning for whole grasps."
            )


def _largest(count: object) -> int:
    return int(max(count.support() if isinstance(count, Distribution) else (count,)))


def begin(
    task: Task, spec: EpisodeSpec, objects: SceneObjects, robot: str, mode: str, name: tuple[int, int]
) -> Simulation:
    """Return the world of the episode of a name, (root seed, index), with the task begun in it.

    Raises:
        GraspsimError: if the task cannot be done in any of many draws.
    """
    root_seed, index = name
    for attempt in range(_REDRAWS):
        sim = Simulation(spec, objects, robot, mode, root_seed, index + attempt * _ANEW)
        if task.accepts(sim):
            return sim
        sim.close()
    raise GraspsimError(
        f"Episode {index} of seed {root_seed}: in {_REDRAWS} draws the task could never be done; change the objects or "
        "what is randomized."
    )
