"""A robot in PyBullet: one multibody whose joints are driven by motors of limited force."""

import numpy as np

from graspsim.geometry import Array, quat_from_matrix, transform
from graspsim.physics.client import pybullet
from graspsim.physics.hulls import hull_vertices
from graspsim.robot import FIXED, PRISMATIC, Link, RobotModel
from graspsim.scene import Robot

_TYPES = {FIXED: pybullet.JOINT_FIXED, PRISMATIC: pybullet.JOINT_PRISMATIC}
MIMIC_FORCE_N = 200.0
"""Of the gear that keeps the fingers' distances from the middle equal; motors alone would let them drift together."""
PAD_STIFFNESS_N_M, PAD_DAMPING_N_S_M = 3e4, 100.0
"""Of the rubber: 40 N press it in by a millimetre. Rigid pads would let what is light creep through their grip."""
SOLVED = 1e-4
"""Squared change of speed below which it has converged."""
GAIN_PER_STEP = 0.6
"""Share of what a joint lacks to its target that its motor makes up in a step, as far as speed and force allow."""


class BulletRobot:
    """A robot spawned in a client, at given joint positions.

    Args:
        client: of PyBullet.
        robot: what it is made of.
        placed: where it stands, and the friction of its pads.
        positions: (n,) of its movable joints.
    """

    def __init__(self, client: int, robot: RobotModel, placed: Robot, positions: Array) -> None:
        self._client = client
        links = robot.links
        inertial = [_inertial_frame(link) for link in links]
        base, rest = links[0], links[1:]
        position, quat_xyzw = placed.world_from_base[:3], placed.world_from_base[3:]
        self.handle = pybullet.createMultiBody(
            0.0,
            self._shape(base),
            -1,
            position,
            quat_xyzw,
            linkMasses=[link.mass_kg for link in rest],
            linkCollisionShapeIndices=[self._shape(link) for link in rest],
            linkVisualShapeIndices=[-1] * len(rest),
            linkPositions=[link.joint.parent_from_joint[:3, 3].tolist() for link in rest],
            linkOrientations=[quat_from_matrix(link.joint.parent_from_joint[:3, :3]).tolist() for link in rest],
            linkInertialFramePositions=[frame[:3, 3].tolist() for frame, _ in inertial[1:]],
            linkInertialFrameOrientations=[quat_from_matrix(frame[:3, :3]).tolist() for frame, _ in inertial[1:]],
            # Bullet counts the base as 0.
            linkParentIndices=[link.parent for link in rest],
            linkJointTypes=[_TYPES.get(link.joint.kind, pybullet.JOINT_REVOLUTE) for link in rest],
            linkJointAxis=[link.joint.axis for link in rest],
            physicsClientId=client,
        )
        for i, (link, (_, moments)) in enumerate(zip(links, inertial, strict=True)):
            pybullet.changeDynamics(
                self.handle,
                i - 1,
                lateralFriction=placed.pad_friction if link.is_pad else placed.link_friction,
                spinningFriction=placed.pad_spinning_friction_m if link.is_pad else 0.0,
                rollingFriction=0.0,
                restitution=0.0,
                physicsClientId=client,
                **({} if i == 0 else {"localInertiaDiagonal": moments.tolist()}),
            )
        # PyBullet applies a call that names a damping or the margin to the base, and all else in it too.
        pybullet.changeDynamics(
            self.handle, -1, linearDamping=0.0, angularDamping=0.0, collisionMargin=0.0001, physicsClientId=client
        )
        for i in (i for i, link in enumerate(links) if link.is_pad):
            pybullet.changeDynamics(
                self.handle,
                i - 1,
                contactStiffness=PAD_STIFFNESS_N_M,
                contactDamping=PAD_DAMPING_N_S_M,
                # Friction that knows where it took hold: that of speeds alone lets all that is light creep.
                frictionAnchor=1,
                physicsClientId=client,
            )
        pybullet.setPhysicsEngineParameter(solverResidualThreshold=SOLVED, physicsClientId=client)
        self._joints = [i - 1 for i in robot.movable]
        first = robot.movable[0]
        self._solid = [i - 1 for i, link in enumerate(links) if i >= first and (link.boxes or link.hull is not None)]
        joints = [links[i].joint for i in robot.movable]
        self._max_speeds = [joint.max_speed for joint in joints]
        self._max_forces = [joint.max_force for joint in joints]
        for joint, i in zip(joints, self._joints, strict=True):
            pybullet.changeDynamics(
                self.handle, i, jointLowerLimit=joint.lower, jointUpperLimit=joint.upper, physicsClientId=client
            )
        self.set_positions(positions)
        self._pads = [self._joints[n] for n in robot.fingers]
        self._gear = self._coupled(self._pads)
        self._sought: tuple[Array, Array | None] = positions, None
        self.renew_motors()

    def _shape(self, link: Link) -> int:
        shape = -1
        if link.hull is not None:
            shape = pybullet.createCollisionShape(
                pybullet.GEOM_MESH, vertices=hull_vertices(link, link.hull), physicsClientId=self._client
            )
        elif link.boxes:
            shape = pybullet.createCollisionShapeArray(
                shapeTypes=[pybullet.GEOM_BOX] * len(link.boxes),
                halfExtents=[[s / 2 for s in box.size_m] for box in link.boxes],
                collisionFramePositions=[list(box.center_m) for box in link.boxes],
                physicsClientId=self._client,
            )
        return shape

    def _coupled(self, fingers: list[int]) -> int:
        left, right = fingers
        gear: int = pybullet.createConstraint(
            self.handle,
            left,
            self.handle,
            right,
            pybullet.JOINT_GEAR,
            (0, 1, 0),
            (0, 0, 0),
            (0, 0, 0),
            physicsClientId=self._client,
        )
        return gear

    def renew_motors(self) -> None:
        """Tell Bullet the forces again, which it keeps as impulses of a time step of the length it then has."""
        pybullet.changeConstraint(
            self._gear, gearRatio=-1, erp=0.2, maxForce=MIMIC_FORCE_N, physicsClientId=self._client
        )
        self.drive(*self._sought)

    def set_positions(self, positions: Array) -> None:
        """Put the joints at positions (n,), at rest."""
        for joint, position in zip(self._joints, positions.tolist(), strict=True):
            pybullet.resetJointState(self.handle, joint, position, 0.0, physicsClientId=self._client)

    def drive(self, targets: Array, max_speeds: Array | None) -> None:
        """Let the motors seek positions (n,), at most as fast as the joints can and as `max_speeds` (n,) says."""
        self._sought = targets, max_speeds
        speeds = self._max_speeds if max_speeds is None else np.minimum(max_speeds, self._max_speeds).tolist()
        control, mode = pybullet.setJointMotorControl2, pybullet.POSITION_CONTROL
        for joint, target, speed, force in zip(self._joints, targets.tolist(), speeds, self._max_forces, strict=True):
            control(
                self.handle,
                joint,
                mode,
                targetPosition=target,
                positionGain=GAIN_PER_STEP,
                velocityGain=1.0,
                maxVelocity=speed,
                force=force,
                physicsClientId=self._client,
            )

    def boxes(self) -> list[tuple[tuple[float, ...], tuple[float, ...]]]:
        """Return least and largest corner of the box around each link that moves and collides."""
        return [pybullet.getAABB(self.handle, link, self._client) for link in self._solid]

    def pad_forces(self, handle: int, along: Array) -> tuple[float, float]:
        """Return the force in newtons with which each finger presses on another body towards the other finger, given
        the direction (3,) from the second one to the first."""
        x, y, z = along.tolist()
        forces = [0.0, 0.0]
        for n, (link, side) in enumerate(zip(self._pads, (1.0, -1.0), strict=True)):
            points = pybullet.getContactPoints(self.handle, handle, link, physicsClientId=self._client) or ()
            for point in points:
                n_x, n_y, n_z = point[7]
                forces[n] += point[9] * side * (n_x * x + n_y * y + n_z * z)
        return max(forces[0], 0.0), max(forces[1], 0.0)

    def states(self) -> tuple[Array, Array]:
        """Return positions (n,) and speeds (n,) of the movable joints."""
        states = pybullet.getJointStates(self.handle, self._joints, physicsClientId=self._client)
        return np.array([s[0] for s in states]), np.array([s[1] for s in states])


def _inertial_frame(link: Link) -> tuple[Array, Array]:
    """Return `link_from_inertial` (4, 4) and the principal moments (3,)."""
    moments, axes = np.linalg.eigh(link.inertia)
    if np.linalg.det(axes) < 0:
        axes[:, 0] *= -1
    return transform(axes, link.center_of_mass), moments
