"""PyBullet behind the `World` contract.

Every trap that this file steps around is one where PyBullet gives a wrong answer without a word: contact margins, the
inertia of hulls, the frame of the reported pose, and what happens to bodies that are thrown far away.
"""

import tempfile
import weakref
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from graspsim.geometry import Array, invert, matrices_from_poses, poses_from_matrices, quat_from_matrix, transform
from graspsim.models import ObjectModel
from graspsim.physics.bullet_robot import BulletRobot
from graspsim.physics.client import give_back, pybullet, take_client
from graspsim.physics.hulls import hull_vertices
from graspsim.physics.world import REST_SPEED_M_S, REST_SPIN_RAD_S, TIME_STEP_S, Contact, SettleOutcome
from graspsim.robot import RobotModel
from graspsim.scene import Body, Fixture, Scene

SOLVER_ITERATIONS = 120
"""At half as many, what weighs grams sinks in below what weighs kilograms."""
SOLVED = 1e-6
"""Squared change of speed below which the solver stops early. Ten times less takes twice as long, and bodies come to
lie no deeper or higher."""
# Distance, as a share of the smaller body's radius, at which a contact is given up; Bullet's 0.02 is more than small
# things need, but at 0.004 a box that slid to a halt can lose its corners in turn and rock on for ever.
CONTACT_BREAKING = 0.01
# Bullet's 1 mm suits furniture: objects of centimetres would float.
COLLISION_MARGIN_M = 0.0001
# Slower impacts do not bounce, or resting contacts would never come to rest: a step of gravity alone is 0.04 m/s.
RESTITUTION_SPEED_M_S = 0.3
# Share of a penetration that a step undoes. It adds to the speed of a rebound, twice as much at Bullet's 0.2.
CONTACT_CORRECTION_PER_STEP = 0.1
REST_STEPS = 48
_CHECK_EVERY = 6
TOUCH_M = 0.0005
"""Contact points with a wider gap are only near."""


class BulletWorld:
    """One scene in a PyBullet client that is its own until `close`, or the end of a `with`; headless.

    Args:
        scene: bodies and fixtures to spawn.
        models: the model of each obj_id.
    """

    def __init__(self, scene: Scene, models: Mapping[int, ObjectModel]) -> None:
        self._client, self._uses = take_client()
        self._shapes: dict[int, int] = {}
        self._models = models
        self._placed_robot = scene.robot
        self._robot: BulletRobot | None = None
        self._step_s = TIME_STEP_S
        pybullet.setPhysicsEngineParameter(
            fixedTimeStep=TIME_STEP_S,
            numSolverIterations=SOLVER_ITERATIONS,
            solverResidualThreshold=SOLVED,
            contactBreakingThreshold=CONTACT_BREAKING,
            contactERP=CONTACT_CORRECTION_PER_STEP,
            deterministicOverlappingPairs=1,
            # Bullet would remember files by name, without bound, across worlds.
            enableFileCaching=0,
            restitutionVelocityThreshold=RESTITUTION_SPEED_M_S,
            physicsClientId=self._client,
        )
        pybullet.setGravity(0, 0, -scene.gravity_m_s2, physicsClientId=self._client)
        self._instance_of: dict[int, int] = {}
        self._fixture_boxes: list[tuple[Array, Array]] = []
        for fixture in scene.fixtures:
            if not fixture.is_room:
                self._spawn_fixture(fixture)
        self._handles: list[int] = []
        self._model_from_inertial: list[Array] = []
        # Bullet reads the files as it makes a shape, and again as it makes a body of it.
        with tempfile.TemporaryDirectory(prefix="graspsim-") as folder:
            for body in scene.bodies:
                self._spawn_body(body, Path(folder))
        for i, body in enumerate(scene.bodies):
            self.set_pose(i, np.asarray(body.pose))

    def __enter__(self) -> "BulletWorld":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Free the simulation."""
        if self._client >= 0:
            give_back(self._client, self._uses)
            self._client = -1

    def _spawn_fixture(self, fixture: Fixture) -> None:
        for box in fixture.boxes:
            shape = pybullet.createCollisionShape(
                pybullet.GEOM_BOX, halfExtents=[s / 2 for s in box.size_m], physicsClientId=self._client
            )
            # A rigid body that does not move counts as asleep, and so costs nothing together with what sleeps on it; as
            # PyBullet's usual multibody it would always be awake.
            handle = pybullet.createMultiBody(
                0.0, shape, basePosition=box.center_m, useMaximalCoordinates=1, physicsClientId=self._client
            )
            pybullet.changeDynamics(
                handle,
                -1,
                lateralFriction=fixture.lateral_friction,
                restitution=fixture.restitution,
                physicsClientId=self._client,
            )
            self._instance_of[handle] = fixture.instance_id
            center, half = np.asarray(box.center_m), np.asarray(box.size_m) / 2
            self._fixture_boxes.append((center - half, center + half))

    def _spawn_body(self, body: Body, folder: Path) -> None:
        model = self._models[body.obj_id]
        # Bullet knows diagonal inertia only, in a principal frame at the centre of mass.
        moments, axes = np.linalg.eigh(model.inertia_per_density * (body.mass_kg / model.volume_m3))
        if np.linalg.det(axes) < 0:
            axes[:, 0] *= -1
        model_from_inertial = transform(axes, model.center_of_mass)
        handle = pybullet.createMultiBody(
            body.mass_kg,
            self._shape(body.obj_id, model, folder),
            baseInertialFramePosition=model.center_of_mass.tolist(),
            baseInertialFrameOrientation=quat_from_matrix(axes).tolist(),
            physicsClientId=self._client,
        )
        pybullet.changeDynamics(
            handle,
            -1,
            localInertiaDiagonal=moments.tolist(),
            lateralFriction=body.lateral_friction,
            spinningFriction=body.spinning_friction,
            rollingFriction=body.rolling_friction,
            restitution=body.restitution,
            # Bullet's damping of 0.04 grows with the square of the speed; nothing that settles needs it.
            linearDamping=0.0,
            angularDamping=0.0,
            collisionMargin=COLLISION_MARGIN_M,
            physicsClientId=self._client,
        )
        self._handles.append(handle)
        self._instance_of[handle] = body.instance_id
        self._model_from_inertial.append(model_from_inertial)

    def _shape(self, obj_id: int, model: ObjectModel, folder: Path) -> int:
        if obj_id not in self._shapes:
            arguments: dict[str, object]
            if len(model.parts) == 1:
                arguments = {"vertices": hull_vertices(model, model.parts[0])}
            else:
                arguments = {"fileName": str(_write_parts(model, folder / f"{obj_id}.obj"))}
            self._shapes[obj_id] = pybullet.createCollisionShape(
                pybullet.GEOM_MESH, physicsClientId=self._client, **arguments
            )
        return self._shapes[obj_id]

    def step(self, seconds: float, step_s: float = TIME_STEP_S) -> None:
        """Advance the simulation by whole time steps of a length, at least `seconds` in all."""
        if step_s != self._step_s:
            pybullet.setTimeStep(step_s, physicsClientId=self._client)
            self._step_s = step_s
            if self._robot is not None:
                self._robot.renew_motors()
        for _ in range(int(np.ceil(seconds / step_s - 1e-9))):
            pybullet.stepSimulation(physicsClientId=self._client)

    def settle(self, limit_s: float) -> SettleOutcome:
        """Step until every body has been below the rest speeds for `REST_STEPS` steps, or the limit is reached."""
        quiet, steps, limit = 0, 0, int(np.ceil(limit_s / TIME_STEP_S))
        while steps < limit and quiet < REST_STEPS:
            for _ in range(_CHECK_EVERY):
                pybullet.stepSimulation(physicsClientId=self._client)
            steps += _CHECK_EVERY
            quiet = quiet + _CHECK_EVERY if self._is_quiet() else 0
        return SettleOutcome(at_rest=quiet >= REST_STEPS, time_s=steps * TIME_STEP_S)

    def sleep(self) -> None:
        """Take all bodies to be at rest: they cost nothing until something touches them, now and whenever called."""
        state = pybullet.ACTIVATION_STATE_ENABLE_SLEEPING | pybullet.ACTIVATION_STATE_SLEEP
        for handle in self._handles:
            pybullet.changeDynamics(handle, -1, activationState=state, physicsClientId=self._client)

    def _is_quiet(self) -> bool:
        velocities = self.velocities().reshape(-1, 2, 3)
        quiet = (np.linalg.norm(velocities, axis=2) < (REST_SPEED_M_S, REST_SPIN_RAD_S)).all(axis=1)
        # What has fallen off the table falls for ever.
        return all(
            is_quiet or pybullet.getBasePositionAndOrientation(handle, physicsClientId=self._client)[0][2] < -1.0
            for handle, is_quiet in zip(self._handles, quiet, strict=True)
        )

    def poses(self) -> Array:
        """Return `world_from_model` of every body, as poses (n, 7)."""
        inertial = np.array(
            [
                [*position, *quat_xyzw]
                for position, quat_xyzw in (
                    pybullet.getBasePositionAndOrientation(h, physicsClientId=self._client) for h in self._handles
                )
            ]
        ).reshape(-1, 7)
        # Bullet reports the inertial frame.
        world_from_inertial = matrices_from_poses(inertial)
        inertial_from_model = invert(np.array(self._model_from_inertial).reshape(-1, 4, 4))
        return poses_from_matrices(world_from_inertial @ inertial_from_model)

    def set_pose(self, index: int, pose: Array) -> None:
        """Put a body at a pose (7,), at rest."""
        world_from_inertial = matrices_from_poses(pose)[0] @ self._model_from_inertial[index]
        pybullet.resetBasePositionAndOrientation(
            self._handles[index],
            world_from_inertial[:3, 3].tolist(),
            quat_from_matrix(world_from_inertial[:3, :3]).tolist(),
            physicsClientId=self._client,
        )
        # Or else what was asleep would hang in the air.
        pybullet.changeDynamics(
            self._handles[index],
            -1,
            activationState=pybullet.ACTIVATION_STATE_WAKE_UP,
            physicsClientId=self._client,
        )

    def velocities(self) -> Array:
        """Return (n, 6): linear velocity of the centre of mass and angular velocity, in the world frame."""
        return np.array(
            [np.concatenate(pybullet.getBaseVelocity(h, physicsClientId=self._client)) for h in self._handles]
        ).reshape(-1, 6)

    def set_velocity(self, index: int, velocity: Array) -> None:
        """Give a body a velocity (6,), in the sense of `velocities`."""
        pybullet.resetBaseVelocity(
            self._handles[index], velocity[:3].tolist(), velocity[3:].tolist(), physicsClientId=self._client
        )

    def contacts(self) -> list[Contact]:
        """Return the contact points of the last step."""
        return [
            Contact(self._instance_of[point[1]], self._instance_of[point[2]], point[8], point[9])
            for point in pybullet.getContactPoints(physicsClientId=self._client) or ()
        ]

    def remove(self, index: int) -> None:
        """Take a body out; the later ones move up by one."""
        handle = self._handles.pop(index)
        pybullet.removeBody(handle, physicsClientId=self._client)
        del self._instance_of[handle], self._model_from_inertial[index]

    def add_robot(self, robot: RobotModel, positions: Array) -> None:
        """Put the scene's robot into it, with its joints at positions (n,): after the bodies have settled, since what
        stands still beside them only costs time."""
        assert self._placed_robot is not None
        self._robot = BulletRobot(self._client, robot, self._placed_robot, positions)
        self._instance_of[self._robot.handle] = self._placed_robot.instance_id

    @property
    def robot(self) -> BulletRobot:
        """The robot that was added."""
        assert self._robot is not None
        return self._robot

    def robot_is_clear(self, distance_m: float) -> bool:
        """Whether the boxes around the robot's moving links keep a distance from those around all else."""
        links = np.array(self.robot.boxes())  # (k, 2, 3)
        others = np.array([*self._fixture_boxes, *(pybullet.getAABB(h, -1, self._client) for h in self._handles)])
        apart = np.maximum(others[None, :, 0] - links[:, None, 1], links[:, None, 0] - others[None, :, 1]).max(axis=2)
        return bool((apart > distance_m).all())

    def pad_forces(self, index: int, along: Array) -> tuple[float, float]:
        """Return the force in newtons with which each finger presses on a body towards the other finger, given the
        direction (3,) from the second one to the first."""
        return self.robot.pad_forces(self._handles[index], along)

    def touching(self, index: int) -> set[int]:
        """Return the instance ids of all that a body touches."""
        handle = self._handles[index]
        points = pybullet.getContactPoints(handle, physicsClientId=self._client) or ()
        return {self._instance_of[point[2]] for point in points if point[8] < TOUCH_M}


_obj_texts: weakref.WeakKeyDictionary[ObjectModel, str] = weakref.WeakKeyDictionary()


def _write_parts(model: ObjectModel, path: Path) -> Path:
    """Write the convex parts as objects of one OBJ file: the one way to pass Bullet more than 16 of them."""
    if model not in _obj_texts:
        _obj_texts[model] = _obj_text(model)
    path.write_text(_obj_texts[model])
    return path


def _obj_text(model: ObjectModel) -> str:
    lines: list[str] = []
    base = 1
    for n, part in enumerate(model.parts):
        lines.append(f"o part{n}")
        lines += [f"v {x!r} {y!r} {z!r}" for x, y, z in part.tolist()]
        # Any faces will do that hold each vertex: Bullet takes the hull of them.
        last = base + len(part) - 1
        lines += [f"f {i} {min(i + 1, last)} {min(i + 2, last)}" for i in range(base, last + 1, 3)]
        base = last + 1
    return "\n".join(lines)
