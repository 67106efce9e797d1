"""KukaDiverse-v0: the protocol of Quillen et al. 2018 (arXiv:1802.10264), on our objects."""

import numpy as np
from gymnasium import spaces

from graspsim.episode.controls import MODES
from graspsim.episode.planned import PlannedGrasp, first_plan
from graspsim.episode.scripted import nearer_way_round
from graspsim.episode.simulation import Simulation
from graspsim.episode.task import Task
from graspsim.errors import SpecError
from graspsim.geometry import Array, rotation_about
from graspsim.robot import turned_by

from ._worlds import BODY_SIZE, bin_spec, bodies_state, camera

STEPS = 15
HIGH_M = 0.2
"""Height above which an object counts as lifted."""
SHUT_STEPS, RAISE_STEPS, RAISE_M = 12, 24, 0.015
REACH_M, REACH_RAD = 0.05, 0.4
"""What the largest action moves and turns by: 15 of them have to do."""
ACTION_STEPS = 2
"""The time of an action, in that of other tasks' actions."""
DOWN_M = 0.004
"""How near to the tray the fingertips are when the fingers shut by themselves."""
OVER_M, OVER_RAD, ABOVE_M = 0.006, 0.1, 0.12
"""When the scripted policy goes down, and how high it waits until then."""


class KukaDiverse(Task):
    """Five objects in a tray, 64 x 64 pictures, and 15 steps of dx, dy, dz and dyaw with open fingers. After the last,
    or when the fingers are down at the tray, they shut and are raised; an object above 0.2 m is a success."""

    spec = bin_spec(5, 5, camera(0.8, 45.0, -90.0, (0.0, 0.0, 0.05)))
    obs_mode = "rgb"
    image_size = 64
    horizon = STEPS
    most_objects = 5
    feature_count = most_objects * BODY_SIZE
    terms = ("success",)

    def action_space(self, size: int) -> spaces.Box:
        """Return the space of (dx, dy, dz, dyaw)."""
        if size != MODES["yaw"]:
            raise SpecError("The protocol of KukaDiverse-v0 moves the gripper; use control='yaw'.")
        return spaces.Box(-1.0, 1.0, (4,), np.float32)

    def accepts(self, sim: Simulation) -> bool:
        """Begin."""
        self._lifted = self._over = self._gave_up = False
        self._plan: PlannedGrasp | None = None
        self._steps = 0
        return True

    def act(self, sim: Simulation, action: Array) -> None:
        """Move, and after the last motion shut the fingers and raise them."""
        self._steps += 1
        arrived = sim.controls.arrived(action)
        motion = np.zeros(4) if arrived is None else arrived * sim.drawn.gain
        target = sim.controls.world_from_target.copy()
        target[:3, 3] = np.clip(target[:3, 3] + motion[:3] * REACH_M, *sim.controls.space)
        target[:3, :3] = rotation_about((0, 0, 1), motion[3] * REACH_RAD) @ target[:3, :3]
        for _ in range(ACTION_STEPS):
            sim.seek(target, sim.robot.opening_m)
        down = bool(sim.world_from_gripper[2, 3] < sim.robot.tip_m + DOWN_M)
        self._over = self._steps >= STEPS or down
        if self._over:
            self._grasp(sim)

    def _grasp(self, sim: Simulation) -> None:
        for _ in range(SHUT_STEPS):
            sim.seek(sim.controls.world_from_target, 0.0)
        for _ in range(RAISE_STEPS):
            raised = sim.controls.world_from_target.copy()
            raised[2, 3] += RAISE_M
            sim.seek(raised, 0.0)
        self._lifted = bool((sim.poses[:, 2] > HIGH_M).any())

    def features(self, sim: Simulation) -> Array:
        """Return the state of each body."""
        return bodies_state(sim, self.most_objects)

    def reward_terms(self, sim: Simulation) -> dict[str, float]:
        """Return 1 for an object lifted."""
        return {"success": float(self._lifted)}

    def succeeded(self, sim: Simulation) -> bool:
        """Whether an object was lifted."""
        return self._lifted

    def is_over(self, sim: Simulation) -> bool:
        """After the grasp."""
        return self._over

    def gave_up(self, sim: Simulation) -> bool:
        """When there is no grasp of any object."""
        return self._gave_up

    def scripted(self, sim: Simulation) -> Array:
        """Return what brings the open fingers over the object that is easiest to grasp, and down to it."""
        if self._steps == 0:
            self._plan = first_plan(sim)
            self._gave_up = self._plan is None
        if self._plan is None:
            return np.zeros(4)
        target = nearer_way_round(sim, self._plan.world_from_gripper(sim))
        off = target[:3, 3] - sim.world_from_gripper[:3, 3]
        turn_rad = turned_by(target[:3, :3], sim.world_from_gripper[:3, :3])[2]
        over = float(np.linalg.norm(off[:2])) < OVER_M and abs(turn_rad) < OVER_RAD
        motion = off if over else np.array((off[0], off[1], max(off[2], -REACH_M) if off[2] < -ABOVE_M else 0.0))
        return np.asarray(np.clip([*motion / REACH_M, turn_rad / REACH_RAD], -1.0, 1.0))
