"""One episode's world: a settled scene with a robot in it, which acts, is looked at, and tells where everything is."""

import dataclasses
from collections.abc import Callable

import numpy as np

from graspsim.differential_ik import arm_targets
from graspsim.distributions import sample
from graspsim.episode.controls import STEP_S, Controls
from graspsim.episode.spec import ControlSpec, EpisodeSpec
from graspsim.errors import GraspsimError
from graspsim.geometry import Array, matrices_from_poses, poses_from_matrices
from graspsim.physics.settle import settle_world
from graspsim.physics.world import REST_SPEED_M_S, REST_SPIN_RAD_S, TIME_STEP_S, World
from graspsim.registry import load
from graspsim.render.frame import Frame, Renderer
from graspsim.robot import RobotModel
from graspsim.sampling import sample_scene
from graspsim.scene import Robot, Scene, View
from graspsim.scene_objects import SceneObjects
from graspsim.streams import Stream, generator

LINK_FRICTION = 0.4
ABOVE_M = 0.5
"""How high the gripper may go."""
MARGIN_M = 0.05
"""How far beyond the area of the objects it may go."""
CLEAR_M = 0.07
"""More than a robot comes nearer in a step, and than what Bullet wakes a body from."""
CALM_STEP_S = 1 / 60
"""Motors alone need no fine steps, nor does what is asleep."""
GRIP_STEP_S = 1 / 480
"""What is light would creep through a firm grip otherwise, or be flung away."""
FALLEN_M = -0.05
STILL_M_S, STILL_RAD_S = 0.05, 0.5
"""Speeds below which a body counts as still."""
STILL_STEPS = 2
"""Actions for which everything has to lie still before it is put to sleep again."""
_TRIES = 10
_ANEW = 2**41
"""Between the indices of an episode's tries; no episode comes so far."""


class Simulation:
    """The world of one episode, named by (root seed, index). Closed by `close`.

    Args:
        spec: what is drawn.
        objects: the models of each obj_id.
        robot: the name of the robot.
        mode: how it is controlled.
        root_seed: names the episode, with the index.
        index: see there.

    Attributes:
        scene: as it was drawn, less what left it while it settled.
        models: of each body.
        mode: how the robot is controlled.
        robot: what it is made of.
        drawn: gains and errors of this episode.
        poses: (n, 7) of the bodies.
        world_from_bodies: (n, 4, 4) the same as transforms.
        velocities: (n, 6) of the bodies.
        joints: (k,) positions of the robot's movable joints.
        world_from_gripper: (4, 4).
        gripper_velocity: (3,) of its origin, over the last step.
        errors_m: (1 + n, 3) of the positions that a state tells now: the gripper's, and each body's.
        steps: of the robot's so far, of which an action takes one or more.
        on_step: is called after each.

    Raises:
        GraspsimError: if nothing that is to be grasped stays in the scene.
    """

    world: World
    scene: Scene
    poses: Array
    velocities: Array
    world_from_bodies: Array
    joints: Array
    world_from_gripper: Array
    errors_m: Array

    def __init__(
        self, spec: EpisodeSpec, objects: SceneObjects, robot: str, mode: str, root_seed: int, index: int
    ) -> None:
        self.robot: RobotModel = load("robot", robot)()
        self.drawn: ControlSpec = sample(spec.control, generator(root_seed, index, Stream.CONTROL, 0))
        self._settle(spec, objects, robot, root_seed, index)
        self._objects = objects
        self.mode = mode
        self.models = [objects[body.obj_id] for body in self.scene.bodies]
        self._radii_m = [float(np.linalg.norm(model.mesh.vertices, axis=1).max()) for model in self.models]
        assert self.scene.robot is not None
        self._world_from_base = matrices_from_poses(self.scene.robot.world_from_base)[0]
        half = self.scene.area_m / 2 + MARGIN_M
        low, high = np.array((-half, -half, self.robot.tip_m)), np.array((half, half, ABOVE_M))
        noise = generator(root_seed, index, Stream.CONTROL, 1)
        self.controls = Controls(self.robot, self._world_from_base, self.drawn, mode, low, high, noise)
        self.noise = generator(root_seed, index, Stream.CONTROL, 2)
        home = np.asarray(self.robot.home)
        start = self.robot.gripper_pose(self._world_from_base, self.robot.joint_positions(home, 0.0))
        start[:3, 3] += self.drawn.start_offset_m
        positions = self.robot.joint_positions(
            arm_targets(self.robot, self._world_from_base, start, home), self.robot.opening_m
        )
        self.world.add_robot(self.robot, positions)
        self.controls.start(positions[list(self.robot.arm)], self.robot.opening_m)
        self.steps = 0
        self.on_step: Callable[[], None] = lambda: None
        self._still = 0
        self.gripper_velocity = np.zeros(3)
        self._renderer: Renderer | None = None
        self.refresh()

    def _settle(self, spec: EpisodeSpec, objects: SceneObjects, robot: str, root_seed: int, index: int) -> None:
        for attempt in range(_TRIES):
            scene = sample_scene(spec, objects, root_seed, index + attempt * _ANEW)
            placed = Robot(
                name=robot,
                instance_id=len(scene.bodies) + len(scene.fixtures) + 1,
                world_from_base=(*self.robot.stands_at_m, 0.0, 0.0, 0.0, 1.0),
                pad_friction=self.drawn.pad_friction,
                pad_spinning_friction_m=self.drawn.pad_spinning_friction_m,
                link_friction=LINK_FRICTION,
            )
            scene = dataclasses.replace(scene, index=index, robot=placed)
            self.world = load("world", "bullet")(scene, objects)
            self.scene, self.settled = settle_world(self.world, scene, objects, spec.layout.settle_limit_s)
            if any(body.is_target for body in self.scene.bodies):
                if self.settled.at_rest:
                    self.world.sleep()
                return
            self.world.close()
        raise GraspsimError(f"Episode {index}: in {_TRIES} tries no object stayed in the scene.")

    def close(self) -> None:
        """Free the simulation."""
        self.world.close()

    def act(self, action: Array) -> None:
        """Let an action (k,) run its time."""
        self.controls.apply(action, self.world, self.joints, self.world_from_gripper)
        self._step()

    def seek(self, world_from_gripper: Array, width_m: float) -> None:
        """Let the gripper move towards a pose (4, 4) for the time of one action."""
        self.controls.seek(world_from_gripper, width_m, self.world, self.joints)
        self._step()

    def _step(self) -> None:
        before = self.world_from_gripper[:3, 3]
        clear = self.world.robot_is_clear(CLEAR_M)
        if clear and self.velocities.any():
            speeds = np.linalg.norm(self.velocities.reshape(-1, 2, 3), axis=2)
            self._still = self._still + 1 if (speeds < (REST_SPEED_M_S, REST_SPIN_RAD_S)).all() else 0
            if self._still >= STILL_STEPS:
                self.world.sleep()
                self.velocities = np.zeros_like(self.velocities)
        if clear and not self.velocities.any():
            step_s = CALM_STEP_S
        else:
            step_s = GRIP_STEP_S if self.controls.closes(self.width_m) and self._is_near_a_body() else TIME_STEP_S
        self.world.step(STEP_S, step_s)
        self.steps += 1
        self.refresh()
        self.gripper_velocity = (self.world_from_gripper[:3, 3] - before) / STEP_S
        self.on_step()

    def _is_near_a_body(self) -> bool:
        """Whether a body may be between the fingers."""
        ways = self.poses[:, :3] - self.world_from_gripper[:3, 3]
        return any((ways**2).sum(axis=1) < [(radius_m + self.robot.opening_m) ** 2 for radius_m in self._radii_m])

    def settle(self, limit_s: float) -> None:
        """Let all come to rest while the robot stands still, as far as it does within a time."""
        self.world.step(0.0, TIME_STEP_S)
        self.world.settle(limit_s)
        self.refresh()

    def refresh(self) -> None:
        """Read where everything is, after the world was changed."""
        self.poses, self.velocities = self.world.poses(), self.world.velocities()
        self.world_from_bodies = matrices_from_poses(self.poses)
        self.joints, _ = self.world.robot.states()
        self._links = self.robot.link_transforms(self._world_from_base, self.joints)
        self.world_from_gripper = self._links[self.robot.gripper_link] @ self.robot.link_from_gripper
        self.errors_m = np.zeros((1 + len(self.poses), 3))
        if self.drawn.state_noise_m:
            # Whatever tells of a position errs alike, or else the differences would tell it exactly.
            self.errors_m = self.noise.normal(0.0, self.drawn.state_noise_m, self.errors_m.shape)

    @property
    def width_m(self) -> float:
        """Distance between the pads."""
        return float(self.joints[list(self.robot.fingers)].sum())

    def place_gripper(self, world_from_gripper: Array, width_m: float) -> None:
        """Put the robot, at rest, where its gripper is at a pose (4, 4), without moving there."""
        arm = arm_targets(self.robot, self._world_from_base, world_from_gripper, self.joints[list(self.robot.arm)])
        positions = self.robot.joint_positions(arm, width_m)
        self.world.robot.set_positions(positions)
        self.world.robot.drive(positions, None)
        self.controls.start(arm, width_m)
        self.refresh()

    def remove(self, index: int) -> None:
        """Take a body out of the world and of the scene."""
        self.world.remove(index)
        del self.models[index], self._radii_m[index]
        bodies = self.scene.bodies
        self.scene = dataclasses.replace(self.scene, bodies=bodies[:index] + bodies[index + 1 :])
        self._renderer = None
        self.refresh()

    def seen_poses(self) -> Array:
        """Return the poses of all that moves, as a renderer takes them: bodies, then the robot's seen links."""
        return np.concatenate([self.poses, poses_from_matrices(self._links[list(self.robot.seen_links())])])

    @property
    def renderer(self) -> Renderer:
        """The renderer of the scene, made when first asked for."""
        if self._renderer is None:
            self._renderer = load("renderer", "raster")(self.scene, self._objects)
        return self._renderer

    def look(self, view: View, channels: tuple[str, ...]) -> Frame:
        """Return the picture from a view."""
        return self.renderer.render(
            self.seen_poses(), view.intrinsics, matrices_from_poses(view.world_from_camera)[0], channels
        )

    def pad_forces(self, index: int) -> tuple[float, float]:
        """Return the force in newtons with which each finger presses on a body towards the other finger: to press on it
        from above is no grip."""
        return self.world.pad_forces(index, self.world_from_gripper[:3, 0])

    def is_held(self, index: int) -> bool:
        """Whether a body touches both pads, and nothing but the robot."""
        assert self.scene.robot is not None
        return min(self.pad_forces(index)) > 0 and self.world.touching(index) == {self.scene.robot.instance_id}

    def is_held_still(self, index: int) -> bool:
        """Whether a body is held, and neither moves nor turns."""
        return self.is_still(index) and self.is_held(index)

    def is_still(self, index: int) -> bool:
        """Whether a body neither moves nor turns."""
        speeds = np.linalg.norm(self.velocities[index].reshape(2, 3), axis=1)
        return bool((speeds < (STILL_M_S, STILL_RAD_S)).all())

    def has_fallen(self, index: int) -> bool:
        """Whether a body is below the table, where it falls for ever."""
        return bool(self.poses[index, 2] < FALLEN_M)

    def lowest_m(self, index: int) -> float:
        """Return the height of a body's lowest point."""
        pose = self.world_from_bodies[index]
        return float((self.models[index].mesh.vertices @ pose[2, :3]).min() + pose[2, 3])
