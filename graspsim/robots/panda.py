"""Franka's Panda, seven joints and the hand, from the description that PyBullet ships."""

import xml.etree.ElementTree as ElementTree
from functools import cache

import numpy as np

from graspsim.geometry import Array, rotation_about, transform
from graspsim.robot import REVOLUTE, Joint, Link, RobotModel
from graspsim.robots.panda_parts import (
    FINGER_DEPTH_M,
    OPENING_M,
    PAD_WIDTH_M,
    TIP_M,
    WHITE,
    finger_links,
    hand_from_gripper,
    hand_link,
    hull,
    panda_folder,
    shown,
    solid_inertia,
)

ARM_JOINTS = 7
HOME_RAD = (0.0, 0.05, 0.0, -2.2, 0.0, 2.25, 0.785)
"""The gripper looks down on the table, half a metre before the base."""
FACES = 800
"""Of a link, as shown."""


@cache
def panda() -> RobotModel:
    """Return the Panda; its base stands on z = 0 and it reaches along x."""
    description = ElementTree.parse(panda_folder() / "panda.urdf").getroot()
    joints = {joint.find("child").attrib["link"]: joint for joint in description.iter("joint")}  # type: ignore[union-attr]
    links = []
    for i in range(ARM_JOINTS + 1):
        element = next(link for link in description.iter("link") if link.attrib["name"] == f"panda_link{i}")
        mass_kg = float(element.find("inertial/mass").attrib["value"])  # type: ignore[union-attr]
        points = hull(f"collision/link{i}.obj")
        center, inertia = solid_inertia(points, mass_kg)
        joint = _joint(joints[f"panda_link{i}"]) if i else Joint(np.eye(4))
        visual = element.find("visual/geometry/mesh").attrib["filename"].removeprefix("package://meshes/")  # type: ignore[union-attr]
        # Link 6 is shown as hundreds of loose pieces, which simplification tears; its other file is simple already.
        mesh = shown("collision/link6.obj", 2 * FACES) if i == 6 else shown(visual, FACES)
        links.append(Link(f"link{i}", i - 1, joint, mass_kg, center, inertia, points, mesh=mesh, color=WHITE))
    flange = _origin(joints["panda_link8"]) @ _origin(joints["panda_hand"])
    links.append(hand_link(ARM_JOINTS, Joint(flange), np.eye(4)))
    links += finger_links(len(links) - 1, np.eye(4))
    return RobotModel(
        name="panda",
        links=tuple(links),
        gripper_link=ARM_JOINTS + 1,
        link_from_gripper=hand_from_gripper,
        home=HOME_RAD,
        opening_m=OPENING_M,
        finger_depth_m=FINGER_DEPTH_M,
        tip_m=TIP_M,
        pad_width_m=PAD_WIDTH_M,
        stands_at_m=(-0.537, 0.0, 0.0),
    )


def _joint(element: ElementTree.Element) -> Joint:
    limit, axis = element.find("limit"), element.find("axis")
    assert limit is not None
    assert axis is not None
    # The soft limits are narrower, and what the robot's own controller keeps.
    soft = element.find("safety_controller")
    assert soft is not None
    x, y, z = (float(v) for v in axis.attrib["xyz"].split())
    return Joint(
        _origin(element),
        REVOLUTE,
        (x, y, z),
        float(soft.attrib["soft_lower_limit"]),
        float(soft.attrib["soft_upper_limit"]),
        float(limit.attrib["velocity"]),
        float(limit.attrib["effort"]),
    )


def _origin(element: ElementTree.Element) -> Array:
    origin = element.find("origin")
    assert origin is not None
    roll, pitch, yaw = (float(v) for v in origin.attrib["rpy"].split())
    rotation = rotation_about((0, 0, 1), yaw) @ rotation_about((0, 1, 0), pitch) @ rotation_about((1, 0, 0), roll)
    return transform(rotation, [float(v) for v in origin.attrib["xyz"].split()])
