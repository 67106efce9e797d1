"""BinPick-v0: clear a bin of 5 to 15 objects, one by one. What is held still above the walls is taken away."""

import numpy as np

from graspsim.episode.execute import held_body
from graspsim.episode.planned import PlannedGrasp, first_plan
from graspsim.episode.scripted import towards
from graspsim.episode.simulation import Simulation
from graspsim.episode.task import Task
from graspsim.geometry import Array

from ._worlds import BODY_SIZE, bin_spec, bodies_state, camera

HEIGHT_M = 0.15
"""Of the lowest point above the bin's floor."""
HOLD_STEPS = 10
"""Half a second."""
PATIENCE = 45
"""Steps after which the scripted policy gives a grasp up for another."""
TRIES = 3
"""Of each object, after which it gives up."""


class BinPick(Task):
    """The reward is one for each object that is taken away, a little for holding one on its way there, and the episode
    is over when the bin is empty: a success, unless an object has fallen off the table."""

    spec = bin_spec(5, 15, camera(0.95, 55.0, -60.0, (0.0, 0.0, 0.08)))
    horizon = 600
    most_objects = 15
    feature_count = most_objects * BODY_SIZE
    terms = ("hold", "cleared")

    def accepts(self, sim: Simulation) -> bool:
        """Begin."""
        self._held: tuple[int, int] = (0, 0)  # which body, and for how many steps
        self._lost = 0
        self._progress = 0.0
        self._plan: PlannedGrasp | None = None
        self._tried: dict[int, int] = {}
        self._since = 0
        self._gave_up = False
        return True

    def features(self, sim: Simulation) -> Array:
        """Return the state of each body."""
        return bodies_state(sim, self.most_objects)

    def reward_terms(self, sim: Simulation) -> dict[str, float]:
        """Take away what was held still and high for long enough."""
        for index in reversed(range(len(sim.models))):
            if sim.has_fallen(index):
                self._take_away(sim, index)
                self._lost += 1
        held = held_body(sim)
        high_m = 0.0 if held is None else sim.lowest_m(held)
        before, self._progress = self._progress, 0.5 * min(max(high_m / HEIGHT_M, 0.0), 1.0)
        cleared = 0.0
        if held is not None and high_m >= HEIGHT_M and sim.is_still(held):
            self._held = (held, self._held[1] + 1 if self._held[0] == held else 1)
            if self._held[1] >= HOLD_STEPS:
                self._take_away(sim, held)
                self._progress, cleared = 0.0, 1.0
        else:
            self._held = (0, 0)
        return {"hold": self._progress - before + 0.5 * cleared, "cleared": cleared}

    def _take_away(self, sim: Simulation, index: int) -> None:
        sim.remove(index)
        # The others' numbers have changed.
        self._plan, self._held = None, (0, 0)
        self._tried.clear()

    def gave_up(self, sim: Simulation) -> bool:
        """When all lie still, and none of them can be grasped, or none after several tries."""
        return self._gave_up

    def succeeded(self, sim: Simulation) -> bool:
        """Whether the bin is empty and nothing was lost."""
        return not sim.models and not self._lost

    def is_over(self, sim: Simulation) -> bool:
        """When nothing is left."""
        return not sim.models

    def scripted(self, sim: Simulation) -> Array:
        """Return what takes the object that is easiest to grasp."""
        self._since += 1
        if self._plan is None or self._since > PATIENCE:
            if self._plan is not None:
                self._tried[self._plan.index] = self._tried.get(self._plan.index, 0) + 1
            self._plan, self._since = first_plan(sim, self._tried), 0
        if self._plan is None or self._tried.get(self._plan.index, 0) >= TRIES:
            self._gave_up = all(sim.is_still(index) for index in range(len(sim.models)))
        if self._plan is None:
            return towards(sim, sim.controls.world_from_target, sim.robot.opening_m)
        if self._plan.is_gripped(sim):
            lacking_m = HEIGHT_M + 0.03 - sim.lowest_m(self._plan.index)
            return self._plan.carry(sim, np.array((0, 0, max(lacking_m, 0.0))))
        return self._plan.reach(sim)
