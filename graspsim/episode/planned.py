"""A grasp that was planned for a body, as it moves along with it: what states tell of it, and how to carry it out."""

from collections.abc import Mapping

import numpy as np

from graspsim.episode.controls import STEP_M
from graspsim.episode.scripted import approach, plan_for, towards
from graspsim.episode.simulation import Simulation
from graspsim.geometry import Array, invert
from graspsim.grasps.plan import Grasp

GRASP_SIZE = 8
GRIPPED_N = 1.0
"""What both fingers press with when they hold."""
UPRIGHT = 0.97
"""Cosine of the tilt up to which a grasp is still one from above."""
STILL = 0.1
"""Of the velocity, in m/s and rad/s, at which a plan is worth while."""
CARRY_SPEED = 0.6
"""Of the fastest, so that nothing slips."""


class PlannedGrasp:
    """A grasp of body `index`, planned where it lies now."""

    def __init__(self, sim: Simulation, index: int, grasp: Grasp) -> None:
        self.index = index
        self.grasp = grasp
        self._model_from_gripper = invert(sim.world_from_bodies[index]) @ grasp.world_from_gripper

    def world_from_gripper(self, sim: Simulation) -> Array:
        """Return where the gripper has to be now that the body has moved, (4, 4)."""
        return np.asarray(sim.world_from_bodies[self.index] @ self._model_from_gripper)

    def state(self, sim: Simulation) -> Array:
        """Return (8,): the grasp's position and approach as seen from the gripper, and its turn about the approach."""
        seen = invert(sim.world_from_gripper) @ self.world_from_gripper(sim)
        # Half a turn of the gripper is the same grasp.
        twice = 2 * np.arctan2(seen[1, 0], seen[0, 0])
        seen[:3, 3] += sim.world_from_gripper[:3, :3].T @ sim.errors_m[1 + self.index]
        return np.array([*seen[:3, 3], *seen[:3, 2], np.sin(twice), np.cos(twice)])

    def is_gripped(self, sim: Simulation) -> bool:
        """Whether both fingers press on the body."""
        return min(sim.pad_forces(self.index)) > GRIPPED_N

    def reach(self, sim: Simulation) -> Array:
        """Return the action (k,) that takes hold of the body."""
        return approach(sim, self.world_from_gripper(sim), self.grasp.opening_m)

    def carry(self, sim: Simulation, way_m: Array) -> Array:
        """Return the action (k,) that moves the body in hand along a way (3,)."""
        target = sim.controls.world_from_target.copy()
        target[:3, 3] += way_m * min(1.0, STEP_M / max(float(np.linalg.norm(way_m)), 1e-9))
        return towards(sim, target, 0.0, CARRY_SPEED)

    def renewed(self, sim: Simulation) -> "PlannedGrasp":
        """Return this plan, or another if the body has come to lie so that this one is none any more."""
        tilted = self.world_from_gripper(sim)[2, 2] > -UPRIGHT
        if tilted and not self.is_gripped(sim) and np.linalg.norm(sim.velocities[self.index]) < STILL:
            return planned_grasp(sim, self.index) or self
        return self


def planned_grasp(sim: Simulation, index: int, pushes: bool = False) -> PlannedGrasp | None:
    """Return the best grasp of a body, see `plan_for`, as it moves along with it; None if there is none."""
    grasp = plan_for(sim, index, pushes)
    return None if grasp is None else PlannedGrasp(sim, index, grasp)


def first_plan(sim: Simulation, tried: Mapping[int, int] | None = None) -> PlannedGrasp | None:
    """Return a grasp of the highest body that has one within reach; those tried before, so many times, come last.

    A grasp that pushes other bodies aside comes after those that keep clear of them.
    """
    tried = tried or {}
    both = ((tried.get(i, 0), pushes, -sim.poses[i, 2], i) for i in range(len(sim.models)) for pushes in (False, True))
    low, high = sim.controls.space
    for _, pushes, _, index in sorted(both):
        plan = planned_grasp(sim, index, pushes)
        if plan is not None and ((low <= (at := plan.grasp.world_from_gripper[:3, 3])) & (at <= high)).all():
            return plan
    return None
