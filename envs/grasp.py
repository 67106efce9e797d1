"""Grasp-v0: one step, one grasp. The action is a whole grasp, carried out without looking: for planners and bandits."""

import numpy as np
from gymnasium import spaces

from graspsim.episode.execute import (
    WITHOUT_MEANING,
    action_from_grasp,
    execute_grasp,
    grasp_from_action,
    grasp_mode,
    grasp_size,
    park,
)
from graspsim.episode.features import BODY_SIZE, body_state
from graspsim.episode.planned import GRASP_SIZE, PlannedGrasp, planned_grasp
from graspsim.episode.simulation import Simulation
from graspsim.episode.task import Task
from graspsim.geometry import Array

from ._worlds import TABLE, from_above


class Grasp(Task):
    """The observation is a depth image from above. With control="yaw" an action is x, y, z, a turn about the vertical
    and the width on the way there; with "pose" the turn is one about x, y and the vertical."""

    spec = from_above(TABLE)
    obs_mode = "depth"
    horizon = 1
    feature_count = BODY_SIZE + GRASP_SIZE
    terms = ("success",)
    without_meaning = WITHOUT_MEANING
    space_m = (np.array((-0.15, -0.15, 0.0086)), np.array((0.15, 0.15, 0.2)))
    """Least and largest position of the gripper."""

    def action_space(self, size: int) -> spaces.Box:
        """Return the space of whole grasps."""
        self._mode = grasp_mode(size)
        return spaces.Box(-1.0, 1.0, (grasp_size(self._mode),), np.float32)

    def accepts(self, sim: Simulation) -> bool:
        """Plan a grasp, and move out of the picture."""
        plan = planned_grasp(sim, 0)
        if plan is None:
            return False
        self._plan: PlannedGrasp = plan
        self._succeeded = False
        park(sim)
        return True

    def act(self, sim: Simulation, action: Array) -> None:
        """Carry the grasp out."""
        given = sim.controls.noisy(action)
        pose, opening_m = grasp_from_action(given, self._mode, *self.space_m, sim.robot.opening_m)
        self._succeeded = execute_grasp(sim, pose, opening_m)

    def features(self, sim: Simulation) -> Array:
        """Return the object's state, and a grasp that was planned for it."""
        return np.concatenate([body_state(sim, 0), self._plan.state(sim)])

    def reward_terms(self, sim: Simulation) -> dict[str, float]:
        """Return 1 for an object in hand."""
        return {"success": float(self._succeeded)}

    def succeeded(self, sim: Simulation) -> bool:
        """Whether the fingers hold the object clear of everything else."""
        return self._succeeded

    def is_over(self, sim: Simulation) -> bool:
        """After the one grasp."""
        return True

    def scripted(self, sim: Simulation) -> Array:
        """Return the planned grasp."""
        grasp = self._plan.grasp
        return action_from_grasp(
            grasp.world_from_gripper, grasp.opening_m, self._mode, *self.space_m, sim.robot.opening_m
        )
