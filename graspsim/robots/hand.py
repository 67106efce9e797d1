"""A parallel-jaw hand that floats: Franka's, moved by motors along and about the axes of the world."""

import math
from functools import cache

import numpy as np

from graspsim.geometry import Array, invert, rotation_about, transform
from graspsim.robot import PRISMATIC, REVOLUTE, Joint, Link, RobotModel
from graspsim.robots.panda_parts import (
    FINGER_DEPTH_M,
    OPENING_M,
    PAD_WIDTH_M,
    TIP_M,
    finger_links,
    hand_from_gripper,
    hand_link,
)

REACH_M = 0.6
CARRIER_KG = 0.1
PUSH_N, TURN_N_M = 60.0, 6.0
SPEED_M_S, TURN_RAD_S = 1.0, 4.0
TILT_RAD = np.radians(85)


@cache
def hand() -> RobotModel:
    """Return the hand. At 0 its pads meet at the base's origin and it looks down, closing along x.

    The joints are x, y, z, then yaw about z, pitch about y and roll about x.
    """
    still = np.eye(4)
    gripper_from_hand = invert(hand_from_gripper)
    nothing = np.zeros(3)
    inertia = np.eye(3) * 1e-4
    links = [Link("base", -1, Joint(still), 0.0, nothing, inertia)]
    for name, axis in (("x", (1.0, 0.0, 0.0)), ("y", (0.0, 1.0, 0.0)), ("z", (0.0, 0.0, 1.0))):
        joint = Joint(still, PRISMATIC, axis, -REACH_M, REACH_M, SPEED_M_S, PUSH_N)
        links.append(Link(name, len(links) - 1, joint, CARRIER_KG, nothing, inertia))
    for name, axis, reach in (("yaw", (0.0, 0.0, 1.0), 4 * np.pi), ("pitch", (0.0, 1.0, 0.0), TILT_RAD)):
        joint = Joint(still, REVOLUTE, axis, -reach, reach, TURN_RAD_S, TURN_N_M)
        links.append(Link(name, len(links) - 1, joint, CARRIER_KG, nothing, inertia))
    roll = Joint(
        transform(rotation_about((1, 0, 0), np.pi)), REVOLUTE, (1.0, 0.0, 0.0), -np.pi, np.pi, TURN_RAD_S, TURN_N_M
    )
    links.append(hand_link(len(links) - 1, roll, gripper_from_hand))
    gripper_link = len(links) - 1
    links += finger_links(gripper_link, gripper_from_hand)
    return RobotModel(
        name="hand",
        links=tuple(links),
        gripper_link=gripper_link,
        link_from_gripper=still,
        home=(0.0, 0.0, 0.25, 0.0, 0.0, 0.0),
        opening_m=OPENING_M,
        finger_depth_m=FINGER_DEPTH_M,
        tip_m=TIP_M,
        pad_width_m=PAD_WIDTH_M,
        inverse=hand_joints,
    )


def hand_joints(base_from_gripper: Array, near: Array) -> Array:
    """Return the positions (6,) of the hand's joints for a pose of the gripper, with the yaw nearest to another's."""
    rotation = base_from_gripper[:3, :3]
    # R = Rz(yaw) Ry(pitch) Rx(π + roll)
    (r_00, r_10, r_20), (r_21, r_22) = rotation[:, 0].tolist(), rotation[2, 1:].tolist()
    pitch = math.asin(min(max(-r_20, -1.0), 1.0))
    yaw, roll = math.atan2(r_10, r_00), math.atan2(-r_21, -r_22)
    turns = round((float(near[3]) - yaw) / (2 * math.pi))
    return np.array([*base_from_gripper[:3, 3].tolist(), yaw + 2 * math.pi * turns, pitch, roll])
