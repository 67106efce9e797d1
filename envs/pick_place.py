"""PickPlace-v0: bring an object to a goal, on the table or above it. Goal-conditioned, as hindsight replay needs it."""

from typing import Any

import numpy as np
from gymnasium import spaces

from graspsim.episode.features import BODY_SIZE, body_state, seen_position
from graspsim.episode.marks import Ball
from graspsim.episode.observe import STATE_LIMIT
from graspsim.episode.planned import GRASP_SIZE, PlannedGrasp, planned_grasp
from graspsim.episode.scripted import towards
from graspsim.episode.simulation import Simulation
from graspsim.episode.task import Task
from graspsim.geometry import Array
from graspsim.streams import Stream, generator

from ._worlds import TABLE

NEAR_M = 0.03
"""Distance of the object's centre from the goal at which it is there."""
HOLD_STEPS = 10
"""Half a second."""
IN_THE_AIR = 0.5
"""Share of the goals that are above the table."""
HIGHEST_M = 0.2
LIFTED_M = 0.06
"""How high an object is carried to a goal on the table."""


class PickPlace(Task):
    """The observation is a dict of `observation` (or, of pictures, their own names), `achieved_goal`, the object's
    centre, and `desired_goal`. The reward is 0 at the goal and -1 elsewhere.

    Success is more than being there: for half a second the object lies still at the goal, or is held still at one in
    the air.
    """

    spec = TABLE
    horizon = 100
    feature_count = BODY_SIZE + GRASP_SIZE + 3
    terms = ("goal",)
    is_goal_conditioned = True

    def accepts(self, sim: Simulation) -> bool:
        """Plan a grasp, and draw a goal."""
        plan = planned_grasp(sim, 0)
        if plan is None:
            return False
        self._plan: PlannedGrasp = plan
        rng = generator(sim.scene.root_seed, sim.scene.index, Stream.TASK)
        half = sim.scene.area_m / 2
        height_m = rng.uniform(LIFTED_M, HIGHEST_M) if rng.random() < IN_THE_AIR else 0.0
        self._on_table = height_m == 0.0
        self._goal_m = sim.poses[0, :3].copy()
        while np.linalg.norm(self._goal_m - sim.poses[0, :3]) < 2 * NEAR_M:
            self._goal_m = np.array([*rng.uniform(-half, half, size=2), sim.poses[0, 2] + height_m])
        self._rest_m = sim.lowest_m(0)
        self._held = 0
        return True

    def observation_space(self, space: spaces.Space[Any]) -> spaces.Space[Any]:
        """Return the space of observations with goals."""
        goal = spaces.Box(-STATE_LIMIT, STATE_LIMIT, (3,), np.float64)
        named = dict(space.spaces) if isinstance(space, spaces.Dict) else {"observation": space}
        return spaces.Dict({**named, "achieved_goal": goal, "desired_goal": goal})

    def observation(self, sim: Simulation, observed: Any) -> Any:
        """Return the observation with the goals."""
        named = observed if isinstance(observed, dict) else {"observation": observed}
        achieved = np.clip(seen_position(sim, 0), -STATE_LIMIT, STATE_LIMIT)
        return {**named, "achieved_goal": achieved, "desired_goal": self._goal_m.copy()}

    def features(self, sim: Simulation) -> Array:
        """Return the object's state, the grasp as seen from the gripper, and the way to the goal."""
        return np.concatenate([body_state(sim, 0), self._plan.state(sim), self._goal_m - seen_position(sim, 0)])

    def compute_reward(self, achieved_goal: Array, desired_goal: Array) -> Array:
        """Return 0 near the goal and -1 elsewhere."""
        return np.asarray(-(np.linalg.norm(achieved_goal - desired_goal, axis=-1) >= NEAR_M).astype(np.float64))

    def reward_terms(self, sim: Simulation) -> dict[str, float]:
        """Return what `compute_reward` says of where the object is."""
        self._plan = self._plan.renewed(sim)
        reward = float(self.compute_reward(sim.poses[0, :3], self._goal_m))
        stays = sim.is_still(0) if self._on_table else sim.is_held_still(0)
        self._held = self._held + 1 if reward == 0 and stays else 0
        return {"goal": reward}

    def marks(self, sim: Simulation) -> tuple[Ball, ...]:
        """Return the goal."""
        return (Ball(self._goal_m, NEAR_M),)

    def succeeded(self, sim: Simulation) -> bool:
        """Whether the object has stayed at the goal for half a second."""
        return self._held >= HOLD_STEPS

    def is_over(self, sim: Simulation) -> bool:
        """Only when the object has fallen off the table, for good: it is to stay at the goal."""
        return sim.has_fallen(0)

    def scripted(self, sim: Simulation) -> Array:
        """Return what takes the object to the goal, and holds it or lays it down there."""
        way = self._goal_m - sim.poses[0, :3]
        aside_m = float(np.linalg.norm(way[:2]))
        if self._plan.is_gripped(sim):
            if self._on_table and aside_m > NEAR_M / 3:
                # Not along the table, where it might catch.
                way[2] = LIFTED_M - (sim.lowest_m(0) - self._rest_m)
            return self._plan.carry(sim, way)
        if self._on_table and aside_m < NEAR_M:
            return towards(sim, sim.controls.world_from_target, sim.robot.opening_m)
        return self._plan.reach(sim)
