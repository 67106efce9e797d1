"""Every robot in the registry holds to these claims; a new one is tested without a new test."""

import xml.etree.ElementTree as ElementTree
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
import pytest
from scipy.spatial import ConvexHull
from scipy.spatial.transform import Rotation

from graspsim import registry
from graspsim.errors import UnknownNameError
from graspsim.geometry import (
    Array,
    apply,
    invert,
    matrices_from_poses,
    matrix_from_quat,
    poses_from_matrices,
    random_quat,
    rotation_about,
    transform,
)
from graspsim.physics.bullet_robot import BulletRobot
from graspsim.physics.client import pybullet
from graspsim.robot import FIXED, PRISMATIC, Link, RobotModel, jacobian, turned_by
from graspsim.robots.panda_parts import panda_folder
from graspsim.scene import Robot

NAMES = registry.names("robot")
EVERY = pytest.mark.parametrize("name", NAMES)


def model_of(name: str) -> RobotModel:
    model: RobotModel = registry.load("robot", name)()
    return model


def random_positions(model: RobotModel, rng: np.random.Generator) -> Array:
    return rng.uniform(*model.limits)


def random_transform(rng: np.random.Generator) -> Array:
    return transform(matrix_from_quat(random_quat(rng)), rng.normal(size=3))


def at_home(model: RobotModel, width_m: float = 0.0) -> Array:
    return model.joint_positions(np.array(model.home), width_m)


def world_from_base(model: RobotModel) -> Array:
    return transform(translation=model.stands_at_m)


@contextmanager
def client() -> Iterator[int]:
    number = pybullet.connect(pybullet.DIRECT)
    try:
        yield number
    finally:
        pybullet.disconnect(number)


def bullet_links(handle: int, count: int, number: int) -> Array:
    """Return `world_from_link` (n, 4, 4) of the links after the base, as Bullet has them."""
    states = [pybullet.getLinkState(handle, i, 0, 1, physicsClientId=number) for i in range(count)]
    return matrices_from_poses([[*state[4], *state[5]] for state in states])


def corners_of(link: Link) -> Array:
    """Return the corners (k, 3) of a link's collision parts, in its frame."""
    if link.hull is not None:
        return link.hull
    unit = np.stack(np.meshgrid(*[(-0.5, 0.5)] * 3), axis=-1).reshape(-1, 3)
    return np.concatenate([unit * box.size_m + box.center_m for box in link.boxes])


def pad_points(model: RobotModel, width_m: float) -> list[Array]:
    """Return, for each of the two pads, the corners (8, 3) of its first box in the gripper frame."""
    links = model.link_transforms(world_from_base(model), at_home(model, width_m))
    gripper_from_world = invert(links[model.gripper_link] @ model.link_from_gripper)
    pads = [i for i, link in enumerate(model.links) if link.is_pad]
    return [apply(gripper_from_world @ links[i], corners_of(model.links[i])[:8]) for i in pads]


# Kinematics


@EVERY
def test_forward_kinematics_are_those_of_bullet(name: str) -> None:
    model, rng = model_of(name), np.random.default_rng(0)
    base = random_transform(rng)
    x, y, z, a, b, c, d = poses_from_matrices(base[None])[0].tolist()
    placed = Robot(name, 1, (x, y, z, a, b, c, d), 1.0, 0.0, 0.4)
    with client() as number:
        body = BulletRobot(number, model, placed, at_home(model))
        for _ in range(30):
            positions = random_positions(model, rng)
            body.set_positions(positions)
            ours = model.link_transforms(base, positions)
            theirs = bullet_links(body.handle, len(model.links) - 1, number)
            # Bullet keeps some of its frames in single precision.
            np.testing.assert_allclose(ours[1:], theirs, atol=1e-6)
            np.testing.assert_allclose(body.states()[0], positions, atol=1e-12)


def test_the_pandas_links_are_where_its_description_has_them() -> None:
    model, rng = model_of("panda"), np.random.default_rng(1)
    with client() as number:
        handle = pybullet.loadURDF(str(panda_folder() / "panda.urdf"), useFixedBase=True, physicsClientId=number)
        infos = [pybullet.getJointInfo(handle, i, number) for i in range(pybullet.getNumJoints(handle, number))]
        rows = {info[12].decode(): i for i, info in enumerate(infos)}
        driven = [i for i, info in enumerate(infos) if info[2] != pybullet.JOINT_FIXED]
        names = [f"panda_link{i}" for i in range(1, 8)] + ["panda_hand", "panda_leftfinger", "panda_rightfinger"]
        for _ in range(30):
            positions = random_positions(model, rng)
            for joint, position in zip(driven, positions, strict=True):
                pybullet.resetJointState(handle, joint, position, physicsClientId=number)
            theirs = bullet_links(handle, len(infos), number)
            ours = model.link_transforms(np.eye(4), positions)[1:]
            np.testing.assert_allclose(ours[:-2], theirs[[rows[n] for n in names[:-2]]], atol=1e-6)
            # Our fingers are turned to share one axis; their roots and ways are the same.
            np.testing.assert_allclose(ours[-2:, :3, 3], theirs[[rows[n] for n in names[-2:]]][:, :3, 3], atol=1e-6)


@EVERY
def test_the_jacobian_is_the_derivative_of_the_kinematics(name: str) -> None:
    model, rng = model_of(name), np.random.default_rng(2)
    step, base = 1e-6, random_transform(rng)
    for _ in range(10):
        positions = random_positions(model, rng)
        links = model.link_transforms(base, positions)
        for link in range(len(model.links)):
            link_from_point = rng.normal(size=3) * 0.1
            point = apply(links[link], [link_from_point])[0]
            matrix = jacobian(model.chain, links, link, point)
            assert matrix.shape == (6, len(positions))
            for joint in range(len(positions)):
                after, before = (
                    model.link_transforms(base, positions + sign * step * np.eye(len(positions))[joint])[link]
                    for sign in (1, -1)
                )
                moved = apply(after, [link_from_point])[0] - apply(before, [link_from_point])[0]
                turned = turned_by(after[:3, :3], before[:3, :3])
                np.testing.assert_allclose(matrix[:, joint] * 2 * step, [*moved, *turned], atol=1e-4 * 2 * step)


def test_a_turn_takes_one_rotation_to_the_other() -> None:
    rng = np.random.default_rng(3)
    for angle in (0.0, 1e-12, 1e-6, 0.5, 2.0, np.pi - 1e-6, np.pi):
        for _ in range(20):
            actual, axis = matrix_from_quat(random_quat(rng)), rng.normal(size=3)
            target = rotation_about(axis, angle) @ actual
            turn = turned_by(target, actual)
            assert np.linalg.norm(turn) == pytest.approx(angle, abs=1e-8)
            np.testing.assert_allclose(Rotation.from_rotvec(turn).as_matrix() @ actual, target, atol=1e-7)


@EVERY
def test_bullets_links_are_as_heavy_and_as_slippery_as_they_are_said_to_be(name: str) -> None:
    model = model_of(name)
    with client() as number:
        placed = Robot(name, 1, (0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 1.0), 0.7, 0.02, 0.3)
        body = BulletRobot(number, model, placed, at_home(model))
        for i, link in enumerate(model.links[1:]):
            mass_kg, friction, moments, *_, spinning_friction = pybullet.getDynamicsInfo(body.handle, i, number)[:8]
            assert mass_kg == link.mass_kg
            assert friction == (0.7 if link.is_pad else 0.3)
            assert spinning_friction == (0.02 if link.is_pad else 0.0)
            np.testing.assert_allclose(sorted(moments), np.linalg.eigvalsh(link.inertia), rtol=1e-6)


# Gripper frame and joints


@EVERY
def test_home_looks_down_on_the_middle_of_the_table(name: str) -> None:
    model = model_of(name)
    home = model.gripper_pose(world_from_base(model), at_home(model))
    np.testing.assert_allclose(home[:3, 2], (0, 0, -1), atol=0.15)
    np.testing.assert_allclose(home[:2, 3], 0, atol=0.05)
    assert 0.15 < home[2, 3] < 0.45


@EVERY
@pytest.mark.parametrize("width_m", [0.0, 0.03, 0.08])
def test_the_pads_stand_on_either_side_of_the_gripper_frame(name: str, width_m: float) -> None:
    model = model_of(name)
    left, right = sorted(pad_points(model, width_m), key=lambda points: float(points[:, 0].mean()))
    # What they face lies along x, and their distance is what the joints say.
    assert left[:, 0].max() == pytest.approx(-width_m / 2, abs=1e-9)
    assert right[:, 0].min() == pytest.approx(width_m / 2, abs=1e-9)
    for points in (left, right):
        assert points[:, 1].max() == pytest.approx(model.pad_width_m / 2, abs=1e-9)
        assert points[:, 1].min() == pytest.approx(-model.pad_width_m / 2, abs=1e-9)
        # z is the approach: the tips are ahead of the origin, the palm is behind.
        assert points[:, 2].max() == pytest.approx(model.tip_m, abs=1e-9)
        assert points[:, 2].min() < 0


@EVERY
def test_opening_moves_each_pad_along_x_by_half_and_nothing_else(name: str) -> None:
    model = model_of(name)
    shut, wide = pad_points(model, 0.0), pad_points(model, model.opening_m)
    moved = np.array([after - before for before, after in zip(shut, wide, strict=True)])
    np.testing.assert_allclose(np.abs(moved[..., 0]), model.opening_m / 2, atol=1e-9)
    np.testing.assert_allclose(moved[..., 1:], 0, atol=1e-9)
    np.testing.assert_allclose(moved[0], -moved[1], atol=1e-9)


@EVERY
def test_the_seen_fingers_touch_where_the_felt_ones_do(name: str) -> None:
    model = model_of(name)
    for i in (i for i, link in enumerate(model.links) if link.is_pad):
        mesh, pad = model.links[i].mesh, model.links[i].boxes[0]
        assert mesh is not None
        tip = mesh.vertices[mesh.vertices[:, 2] > mesh.vertices[:, 2].max() - 0.01]
        assert abs(tip[:, 1].min() - (pad.center_m[1] - pad.size_m[1] / 2)) < 0.001
        assert abs(mesh.vertices[:, 2].max() - (pad.center_m[2] + pad.size_m[2] / 2)) < 0.003


@EVERY
def test_the_palm_lies_a_fingers_depth_behind_the_tips(name: str) -> None:
    model = model_of(name)
    hull = model.links[model.gripper_link].hull
    assert hull is not None
    palm_m = apply(invert(model.link_from_gripper), hull)[:, 2].max()
    assert model.tip_m - palm_m == pytest.approx(model.finger_depth_m, abs=0.002)


@EVERY
def test_joints_are_the_arms_then_two_fingers(name: str) -> None:
    model = model_of(name)
    count = len(model.movable)
    assert (*model.arm, *model.fingers) == tuple(range(count))
    assert len(model.fingers) == 2
    assert len(model.home) == len(model.arm)
    positions = model.joint_positions(np.array(model.home), 0.05)
    assert positions[list(model.fingers)].tolist() == [0.025, 0.025]
    assert positions[list(model.arm)].tolist() == list(model.home)


@EVERY
def test_joints_can_reach_home_and_have_motors(name: str) -> None:
    model = model_of(name)
    low, high = model.limits
    assert (low < high).all()
    for width_m in (0.0, model.opening_m):
        positions = at_home(model, width_m)
        assert (low <= positions).all()
        assert (positions <= high).all()
    for i in model.movable:
        joint = model.links[i].joint
        assert joint.max_speed > 0
        assert joint.max_force > 0
        assert np.linalg.norm(joint.axis) == pytest.approx(1)


def test_the_pandas_limits_are_its_soft_ones() -> None:
    description = ElementTree.parse(panda_folder() / "panda.urdf").getroot()
    joints = {joint.attrib["name"]: joint for joint in description.iter("joint")}
    model = model_of("panda")
    for n in range(7):
        element = joints[f"panda_joint{n + 1}"]
        soft, hard = element.find("safety_controller"), element.find("limit")
        assert soft is not None
        assert hard is not None
        joint = model.links[n + 1].joint
        assert joint.lower == float(soft.attrib["soft_lower_limit"])
        assert joint.upper == float(soft.attrib["soft_upper_limit"])
        assert joint.max_speed == float(hard.attrib["velocity"])
        assert joint.max_force == float(hard.attrib["effort"])
    finger = joints["panda_finger_joint1"].find("limit")
    assert finger is not None
    assert model.opening_m == 2 * float(finger.attrib["upper"])


# Bodies


@EVERY
def test_each_link_hangs_on_one_before_it(name: str) -> None:
    model = model_of(name)
    assert model.links[0].parent == -1
    assert all(0 <= link.parent < i for i, link in enumerate(model.links) if i)
    assert model.links[0].joint.kind == FIXED
    assert len({link.name for link in model.links}) == len(model.links)
    for link in model.links:
        np.testing.assert_allclose(
            link.joint.parent_from_joint[:3, :3] @ link.joint.parent_from_joint[:3, :3].T, np.eye(3), atol=1e-9
        )


@EVERY
def test_every_link_that_moves_has_a_mass_and_an_inertia_that_can_be(name: str) -> None:
    for link in model_of(name).links[1:]:
        assert link.mass_kg > 0, link.name
        np.testing.assert_allclose(link.inertia, link.inertia.T, atol=1e-12)
        small, middle, large = np.linalg.eigvalsh(link.inertia)
        assert small > 0, link.name
        assert large <= (small + middle) * (1 + 1e-9), link.name


@EVERY
def test_what_is_felt_of_a_robot_is_seen(name: str) -> None:
    model = model_of(name)
    assert {i for i, link in enumerate(model.links) if link.hull is not None or link.boxes} == set(model.seen_links())
    for i in model.seen_links():
        link = model.links[i]
        assert link.mesh is not None
        assert 20 < len(link.mesh.faces) <= 1500
        for seen, solid in zip(bounds(link.mesh.vertices), bounds(corners_of(link)), strict=True):
            assert np.abs(seen - solid).max() < 0.015, link.name


def bounds(points: Array) -> tuple[Array, Array]:
    return points.min(axis=0), points.max(axis=0)


@EVERY
def test_the_centre_of_mass_of_a_solid_link_lies_in_it(name: str) -> None:
    for link in (link for link in model_of(name).links if link.hull is not None):
        equations = ConvexHull(link.hull).equations
        assert (equations[:, :3] @ link.center_of_mass + equations[:, 3]).max() < 0, link.name


@EVERY
def test_fingers_slide_and_are_alike(name: str) -> None:
    left, right = (link for link in model_of(name).links if link.is_pad)
    assert left.joint.kind == right.joint.kind == PRISMATIC
    assert left.mass_kg == right.mass_kg
    assert left.boxes == right.boxes
    assert (left.joint.lower, left.joint.upper) == (right.joint.lower, right.joint.upper)
    assert left.joint.lower == 0
    assert left.joint.upper == model_of(name).opening_m / 2


def test_an_unknown_robot_is_named_with_its_nearest_match() -> None:
    with pytest.raises(UnknownNameError, match=r"There is no robot 'pandas'\. Did you mean 'panda'"):
        registry.load("robot", "pandas")
