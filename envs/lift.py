"""Lift-v0: take one object from the table, lift it by ten centimetres, and hold it there."""

import numpy as np

from graspsim.episode.features import BODY_SIZE, body_state
from graspsim.episode.planned import GRASP_SIZE, PlannedGrasp, planned_grasp
from graspsim.episode.simulation import Simulation
from graspsim.episode.task import Task
from graspsim.geometry import Array

from ._worlds import TABLE

HEIGHT_M = 0.1
HOLD_STEPS = 10
"""Half a second."""


class Lift(Task):
    """The object is any of the set, dropped at random; if it lies so that no grasp from above exists, another is.

    The state tells a grasp that was planned for it: an agent that is given no picture need not guess the shape.
    """

    spec = TABLE
    horizon = 100
    feature_count = BODY_SIZE + GRASP_SIZE + 1
    terms = ("reach", "align", "grip", "lift", "success")

    def accepts(self, sim: Simulation) -> bool:
        """Plan a grasp, and remember how high the object lies."""
        plan = planned_grasp(sim, 0)
        if plan is None:
            return False
        self._plan: PlannedGrasp = plan
        self._rest_m = sim.lowest_m(0)
        self._held = 0
        self._progress = self._measured(sim)
        return True

    def features(self, sim: Simulation) -> Array:
        """Return the object's state, the grasp as seen from the gripper, and how high the object is."""
        raised_m = self._raised_m + sim.errors_m[1, 2]
        return np.concatenate([body_state(sim, 0), self._plan.state(sim), [raised_m]])

    def _measured(self, sim: Simulation) -> dict[str, float]:
        """Return how far each part of the task is done."""
        grasp = self._plan.world_from_gripper(sim)
        distance_m = float(np.linalg.norm(grasp[:3, 3] - sim.world_from_gripper[:3, 3]))
        gripped = self._plan.is_gripped(sim)
        self._raised_m = sim.lowest_m(0) - self._rest_m
        raised = min(max(self._raised_m / HEIGHT_M, 0.0), 1.0) if gripped else 0.0
        return {
            "reach": 1.0 - float(np.tanh(8.0 * distance_m)),
            "align": 0.3 * abs(float(grasp[:3, 0] @ sim.world_from_gripper[:3, 0])),
            "grip": 0.5 * gripped,
            "lift": 3.0 * raised,
        }

    def reward_terms(self, sim: Simulation) -> dict[str, float]:
        """Return the progress of each part, so that undoing costs what doing gave, and a bonus at the end."""
        self._plan = self._plan.renewed(sim)
        before, self._progress = self._progress, self._measured(sim)
        lifted = self._raised_m >= HEIGHT_M and sim.is_held_still(0)
        self._held = self._held + 1 if lifted else 0
        terms = {name: value - before[name] for name, value in self._progress.items()}
        return terms | {"success": 5.0 * self.succeeded(sim)}

    def succeeded(self, sim: Simulation) -> bool:
        """Whether the object was held still, high enough and clear of everything but the hand, for half a second."""
        return self._held >= HOLD_STEPS

    def is_over(self, sim: Simulation) -> bool:
        """Also when the object has fallen off the table, for good."""
        return self.succeeded(sim) or sim.has_fallen(0)

    def scripted(self, sim: Simulation) -> Array:
        """Return what takes hold of the object by the planned grasp, and raises it."""
        if self._plan.is_gripped(sim):
            return self._plan.carry(sim, np.array((0, 0, max(HEIGHT_M + 0.02 - self._raised_m, 0.0))))
        return self._plan.reach(sim)
