"""Lift-v0: take one object from the table, lift it by ten centimetres, and hold it there."""

import numpy as np

from graspsim.distributions import Uniform
from graspsim.episode.controls import STEP_M
from graspsim.episode.features import BODY_SIZE, body_state, noise
from graspsim.episode.scripted import approach, towards
from graspsim.episode.simulation import Simulation
from graspsim.episode.spec import EpisodeSpec
from graspsim.episode.task import Task
from graspsim.geometry import Array, invert
from graspsim.grasps.plan import PLAY_M, Grasp, plan_grasp
from graspsim.spec import CameraSpec, DistractorsSpec, LayoutSpec, ObjectsSpec

HEIGHT_M = 0.1
HOLD_STEPS = 10
"""Half a second."""
STILL_M_S = 0.1


class Lift(Task):
    """The object is any of the set, dropped at random; if it lies so that no grasp from above exists, another is.

    The state tells a grasp that was planned for it: an agent that is given no picture need not guess the shape.
    """

    spec = EpisodeSpec(
        layout=LayoutSpec(area_m=0.2, table_m=1.6, settle_limit_s=2.0),
        objects=ObjectsSpec(count=1),
        distractors=DistractorsSpec(count=0),
        camera=CameraSpec(
            width=84,
            height=84,
            views=1,
            fov_y_deg=42.0,
            principal_offset_px=(0.0, 0.0),
            distance_m=0.75,
            azimuth_deg=Uniform(-65.0, -55.0),  # type: ignore[arg-type]
            elevation_deg=Uniform(32.0, 38.0),  # type: ignore[arg-type]
            roll_deg=0.0,
            look_at_m=(0.0, 0.0, 0.08),
        ),
    )
    horizon = 100
    feature_count = BODY_SIZE + 9
    terms = ("reach", "align", "grip", "lift", "success")

    def accepts(self, sim: Simulation) -> bool:
        """Plan a grasp, and remember how high the object lies."""
        world_from_model = sim.world_from_bodies[0]
        grasp = plan_grasp(sim.models[0], world_from_model, sim.robot, np.zeros((0, 3)))
        if grasp is None:
            return False
        self._grasp: Grasp = grasp
        self._model_from_grasp = invert(world_from_model) @ grasp.world_from_gripper
        self._rest_m = sim.lowest_m(0)
        self._held = 0
        self._potential = self._reached(sim)
        return True

    def world_from_grasp(self, sim: Simulation) -> Array:
        """Return where the planned grasp is now that the object has moved, (4, 4)."""
        return np.asarray(sim.world_from_bodies[0] @ self._model_from_grasp)

    def features(self, sim: Simulation) -> Array:
        """Return the object's state, the grasp as seen from the gripper, and how high the object is."""
        gripper_from_grasp = invert(sim.world_from_gripper) @ self.world_from_grasp(sim)
        # Half a turn of the gripper is the same grasp.
        turn = np.arctan2(gripper_from_grasp[1, 0], gripper_from_grasp[0, 0])
        return np.concatenate(
            [
                body_state(sim, 0),
                gripper_from_grasp[:3, 3] + noise(sim, 3),
                gripper_from_grasp[:3, 2],
                (np.sin(2 * turn), np.cos(2 * turn)),
                [self._raised_m],
            ]
        )

    def _reached(self, sim: Simulation) -> dict[str, float]:
        """Return how far each part of the task is done."""
        grasp = self.world_from_grasp(sim)
        distance_m = float(np.linalg.norm(grasp[:3, 3] - sim.world_from_gripper[:3, 3]))
        aligned = abs(float(grasp[:3, 0] @ sim.world_from_gripper[:3, 0]))
        gripped = min(sim.world.pad_forces(0)) > 1.0
        self._raised_m = sim.lowest_m(0) - self._rest_m
        raised = min(max(self._raised_m / HEIGHT_M, 0.0), 1.0) if gripped else 0.0
        return {
            "reach": 1.0 - float(np.tanh(8.0 * distance_m)),
            "align": 0.3 * aligned,
            "grip": 0.5 * gripped,
            "lift": 3.0 * raised,
        }

    def reward_terms(self, sim: Simulation) -> dict[str, float]:
        """Return the progress of each part, so that undoing costs what doing gave, and a bonus at the end."""
        reached = self._reached(sim)
        terms = {name: reached[name] - self._potential[name] for name in reached}
        self._potential = reached
        still = float(np.linalg.norm(sim.velocities[0, :3])) < STILL_M_S
        lifted = self._raised_m >= HEIGHT_M and still and sim.is_held(0)
        self._held = self._held + 1 if lifted else 0
        return terms | {"success": 5.0 * self.succeeded(sim)}

    def succeeded(self, sim: Simulation) -> bool:
        """Whether the object was held still, high enough and clear of everything but the hand, for half a second."""
        return self._held >= HOLD_STEPS

    def scripted(self, sim: Simulation) -> Array:
        """Return what takes hold of the object by the planned grasp, and raises it."""
        if self._potential["grip"] and sim.width_m < self._grasp.width_m + PLAY_M:
            up = sim.controls.world_from_target.copy()
            up[2, 3] += min(max(HEIGHT_M + 0.02 - self._raised_m, 0.0), STEP_M)
            return towards(sim, up, 0.0, speed=0.6)
        return approach(sim, self.world_from_grasp(sim), self._grasp.opening_m)
