"""Clutter-v0: rounds of clutter removal, as VGN counts them (Breyer et al. 2020, arXiv:2101.01132)."""

import numpy as np
from gymnasium import spaces

from graspsim.episode.execute import (
    WITHOUT_MEANING,
    action_from_grasp,
    execute_grasp,
    grasp_from_action,
    grasp_mode,
    grasp_size,
    held_body,
    park,
)
from graspsim.episode.planned import planned_grasp
from graspsim.episode.simulation import Simulation
from graspsim.episode.task import Task
from graspsim.geometry import Array

from ._worlds import BODY_SIZE, bodies_state, from_above, pile_spec

SPACE_M = (np.array((-0.15, -0.15, 0.0086)), np.array((0.15, 0.15, 0.25)))
FAILURES = 2
"""In a row, after which a round ends."""
SETTLE_S = 2.0


class Clutter(Task):
    """Five objects in a pile; each action is a whole grasp, as in Grasp-v0. What is in hand after it is taken away. A
    round ends when all are gone, or after two failures in a row; its reward is the number of objects taken away.

    VGN's grasp success rate is the mean of the term `cleared` over all grasps, and its declutter rate the sum of it
    over all objects. Its packed scenes are those with randomize={"layout.kind": "packed"}.
    """

    spec = from_above(pile_spec(5))
    obs_mode = "depth"
    control = "pose"
    horizon = 15
    most_objects = 5
    feature_count = most_objects * BODY_SIZE
    terms = ("cleared",)
    without_meaning = WITHOUT_MEANING

    def action_space(self, size: int) -> spaces.Box:
        """Return the space of whole grasps."""
        self._mode = grasp_mode(size)
        return spaces.Box(-1.0, 1.0, (grasp_size(self._mode),), np.float32)

    def accepts(self, sim: Simulation) -> bool:
        """Begin a round."""
        self._failures = self._lost = 0
        self._gave_up = False
        self._cleared = 0.0
        self._chosen: int | None = None
        self._tried: dict[int, int] = {}
        park(sim)
        return True

    def act(self, sim: Simulation, action: Array) -> None:
        """Carry the grasp out, take away what it holds, and let the rest settle out of the hand's way."""
        given = sim.controls.noisy(action)
        pose, opening_m = grasp_from_action(given, self._mode, *SPACE_M, sim.robot.opening_m)
        held = held_body(sim) if execute_grasp(sim, pose, opening_m) else None
        self._cleared = float(held is not None)
        self._failures = 0 if held is not None else self._failures + 1
        if self._chosen is not None:
            self._tried[self._chosen] = self._tried.get(self._chosen, 0) + 1
        if held is not None:
            self._take_away(sim, held)
        park(sim)
        sim.settle(SETTLE_S)
        for index in reversed(range(len(sim.models))):
            if sim.has_fallen(index):
                self._take_away(sim, index)
                self._lost += 1

    def _take_away(self, sim: Simulation, index: int) -> None:
        sim.remove(index)
        # The others' numbers have changed.
        self._chosen = None
        self._tried.clear()

    def features(self, sim: Simulation) -> Array:
        """Return the state of each body."""
        return bodies_state(sim, self.most_objects)

    def reward_terms(self, sim: Simulation) -> dict[str, float]:
        """Return 1 for an object taken away."""
        return {"cleared": self._cleared}

    def succeeded(self, sim: Simulation) -> bool:
        """Whether all were taken away."""
        return not sim.models and not self._lost

    def is_over(self, sim: Simulation) -> bool:
        """When none is left, or after two failures in a row."""
        return not sim.models or self._failures >= FAILURES

    def gave_up(self, sim: Simulation) -> bool:
        """When there is no grasp of any object."""
        return self._gave_up

    def scripted(self, sim: Simulation) -> Array:
        """Return the grasp that was planned best, of an object that has been tried least."""
        plans = [plan for plan in (planned_grasp(sim, i) for i in range(len(sim.models))) if plan is not None]
        low, high = SPACE_M
        where = [plan.grasp.world_from_gripper[:3, 3] for plan in plans]
        within = [plan for plan, at in zip(plans, where, strict=True) if ((low <= at) & (at <= high)).all()]
        self._chosen = None
        self._gave_up = not within
        if not within:
            return np.zeros(grasp_size(self._mode))
        best = min(within, key=lambda plan: (self._tried.get(plan.index, 0), -plan.grasp.quality))
        self._chosen, grasp = best.index, best.grasp
        return action_from_grasp(grasp.world_from_gripper, grasp.opening_m, self._mode, *SPACE_M, sim.robot.opening_m)
