"""What a robot is: links, the joints between them, and the gripper at their end.

The gripper frame has its origin between the finger pads, z along the approach and x along the closing direction.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from graspsim.geometry import Array
from graspsim.jit import compiled
from graspsim.meshes import Mesh
from graspsim.scene import RGB, Box

FIXED, REVOLUTE, PRISMATIC = range(3)


@dataclass(frozen=True, eq=False)
class Joint:
    """How a link hangs on its parent, and the motor between the two.

    Attributes:
        parent_from_joint: (4, 4) where the link's frame is while the joint is at 0.
        kind: FIXED, REVOLUTE or PRISMATIC.
        axis: unit vector (3,) in the link's frame.
        lower: least position, radians or metres.
        upper: largest position.
        max_speed: rad/s or m/s.
        max_force: N m or N.
    """

    parent_from_joint: Array
    kind: int = FIXED
    axis: tuple[float, float, float] = (0.0, 0.0, 1.0)
    lower: float = 0.0
    upper: float = 0.0
    max_speed: float = 0.0
    max_force: float = 0.0


@dataclass(frozen=True, eq=False)
class Link:
    """One rigid part of a robot; all in its own frame.

    Attributes:
        name: what it is.
        parent: index of the link it hangs on, -1 for the base.
        joint: between the two; the base's is fixed.
        mass_kg: in all.
        center_of_mass: (3,).
        inertia: (3, 3) about the centre of mass, kg m².
        hull: vertices (k, 3) of its one convex collision part, or None.
        boxes: collision parts instead of that one.
        mesh: what is seen, if anything.
        color: sRGB of the mesh.
        is_pad: whether it is one of the two fingers, which have the friction of rubber.
    """

    name: str
    parent: int
    joint: Joint
    mass_kg: float
    center_of_mass: Array
    inertia: Array
    hull: Array | None = None
    boxes: tuple[Box, ...] = ()
    mesh: Mesh | None = None
    color: RGB = (0.85, 0.85, 0.85)
    is_pad: bool = False


class Chain(NamedTuple):
    """A robot's kinematics as arrays, one entry a link: what the compiled functions below read."""

    parent: NDArray[np.int64]
    parent_from_joint: Array
    axis: Array
    kind: NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class RobotModel:
    """A robot with two fingers.

    Attributes:
        name: what it is.
        links: the base first, each after its parent.
        gripper_link: index of the link that carries the fingers.
        link_from_gripper: (4, 4) the gripper frame in that link.
        home: positions (n,) of the arm's joints, in the order of the links, before a task begins.
        opening_m: largest distance between the pads.
        finger_depth_m: from the palm to the fingertips.
        tip_m: how far the fingertips reach beyond the gripper frame's origin.
        pad_width_m: of each pad, across approach and closing direction.
        stands_at_m: where its base goes, so that its home is above the world's origin.
        inverse: positions of the arm's joints for `base_from_gripper` (4, 4), near other positions (n,), where there
            is a formula; else they are sought step by step.
    """

    name: str
    links: tuple[Link, ...]
    gripper_link: int
    link_from_gripper: Array
    home: tuple[float, ...]
    opening_m: float
    finger_depth_m: float
    tip_m: float
    pad_width_m: float
    stands_at_m: tuple[float, float, float] = (0.0, 0.0, 0.0)
    inverse: Callable[[Array, Array], Array] | None = None

    @cached_property
    def movable(self) -> tuple[int, ...]:
        """Links whose joint moves; joint positions are given in this order."""
        return tuple(i for i, link in enumerate(self.links) if link.joint.kind != FIXED)

    @cached_property
    def arm(self) -> tuple[int, ...]:
        """Of the joint positions: those of the arm."""
        return tuple(n for n, i in enumerate(self.movable) if not self.links[i].is_pad)

    @cached_property
    def fingers(self) -> tuple[int, ...]:
        """Of the joint positions: those of the fingers, each half the width between the pads."""
        return tuple(n for n, i in enumerate(self.movable) if self.links[i].is_pad)

    @cached_property
    def limits(self) -> Array:
        """Least and largest position (2, n) of every movable joint."""
        joints = [self.links[i].joint for i in self.movable]
        return np.array([[joint.lower for joint in joints], [joint.upper for joint in joints]])

    @cached_property
    def chain(self) -> Chain:
        """The kinematics as arrays."""
        return Chain(
            np.array([link.parent for link in self.links]),
            np.array([link.joint.parent_from_joint for link in self.links]),
            np.array([link.joint.axis for link in self.links], dtype=np.float64),
            np.array([link.joint.kind for link in self.links]),
        )

    def link_transforms(self, world_from_base: Array, positions: Array) -> Array:
        """Return `world_from_link` (links, 4, 4) at joint positions (n,)."""
        return forward(self.chain, world_from_base, positions)

    def gripper_pose(self, world_from_base: Array, positions: Array) -> Array:
        """Return `world_from_gripper` (4, 4) at joint positions (n,)."""
        return np.asarray(self.link_transforms(world_from_base, positions)[self.gripper_link] @ self.link_from_gripper)

    def joint_positions(self, arm: Array, width_m: float) -> Array:
        """Return all joint positions (n,) of those of the arm and the distance between the pads."""
        positions = np.empty(len(self.movable))
        positions[list(self.arm)] = arm
        positions[list(self.fingers)] = width_m / 2
        return positions

    def seen_links(self) -> tuple[int, ...]:
        """Return the links that have a mesh."""
        return tuple(i for i, link in enumerate(self.links) if link.mesh is not None)


@compiled
def forward(chain: Chain, world_from_base: Array, positions: Array) -> Array:
    """Return `world_from_link` (links, 4, 4) at the movable joints' positions (n,)."""
    count = len(chain.parent)
    world_from_link = np.empty((count, 4, 4))
    motion = np.empty((4, 4))
    joint = 0
    for i in range(count):
        before = world_from_base if chain.parent[i] < 0 else world_from_link[chain.parent[i]]
        at_joint = before @ chain.parent_from_joint[i]
        if chain.kind[i] == FIXED:
            world_from_link[i] = at_joint
            continue
        q, (x, y, z) = positions[joint], (chain.axis[i, 0], chain.axis[i, 1], chain.axis[i, 2])
        joint += 1
        motion[:] = np.eye(4)
        if chain.kind[i] == PRISMATIC:
            motion[0, 3], motion[1, 3], motion[2, 3] = q * x, q * y, q * z
        else:
            c, s = np.cos(q), np.sin(q)
            v = 1 - c
            motion[0, 0], motion[0, 1], motion[0, 2] = c + x * x * v, x * y * v - z * s, x * z * v + y * s
            motion[1, 0], motion[1, 1], motion[1, 2] = y * x * v + z * s, c + y * y * v, y * z * v - x * s
            motion[2, 0], motion[2, 1], motion[2, 2] = z * x * v - y * s, z * y * v + x * s, c + z * z * v
        world_from_link[i] = at_joint @ motion
    return world_from_link


@compiled
def jacobian(chain: Chain, world_from_link: Array, link: int, point: Array) -> Array:
    """Return (6, n): how a world point (3,) that is fixed to a link moves, and turns, with each movable joint."""
    ancestors = np.zeros(len(chain.parent), dtype=np.bool_)
    i = link
    while i >= 0:
        ancestors[i] = True
        i = chain.parent[i]
    matrix = np.zeros((6, (chain.kind != FIXED).sum()))
    joint = 0
    for i in range(len(chain.parent)):
        if chain.kind[i] == FIXED:
            continue
        if ancestors[i]:
            axis = np.ascontiguousarray(world_from_link[i, :3, :3]) @ chain.axis[i]
            if chain.kind[i] == PRISMATIC:
                matrix[:3, joint] = axis
            else:
                matrix[:3, joint] = np.cross(axis, point - world_from_link[i, :3, 3])
                matrix[3:, joint] = axis
        joint += 1
    return matrix


@compiled
def turned_by(target: Array, actual: Array) -> Array:
    """Return the rotation vector (3,), in the world frame, that takes a rotation `actual` (3, 3) to `target`."""
    difference = np.empty((3, 3))
    for i in range(3):
        for j in range(3):
            difference[i, j] = target[i, 0] * actual[j, 0] + target[i, 1] * actual[j, 1] + target[i, 2] * actual[j, 2]
    vector = np.array(
        [
            difference[2, 1] - difference[1, 2],
            difference[0, 2] - difference[2, 0],
            difference[1, 0] - difference[0, 1],
        ]
    )
    length = math.sqrt(vector[0] ** 2 + vector[1] ** 2 + vector[2] ** 2)
    trace = difference[0, 0] + difference[1, 1] + difference[2, 2]
    angle = math.atan2(length, trace - 1)
    if length > 1e-9:
        return vector * (angle / length)
    # None at all, or half a turn, whose axis is the column of the largest diagonal entry.
    if angle < 1:
        return np.zeros(3)
    largest = 0
    for i in range(1, 3):
        if difference[i, i] > difference[largest, largest]:
            largest = i
    column = difference[:, largest].copy()
    column[largest] += 1
    return column * (math.pi / math.sqrt((column * column).sum()))
