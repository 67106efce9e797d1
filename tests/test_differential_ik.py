from itertools import pairwise

import numpy as np
import pytest
from scipy.spatial.transform import Rotation, Slerp

from graspsim import registry
from graspsim.differential_ik import arm_targets
from graspsim.episode.controls import STEP_M, STEP_RAD
from graspsim.geometry import Array, matrix_from_quat, random_quat, rotation_about, transform
from graspsim.robot import RobotModel, turned_by

NAMES = registry.names("robot")
EVERY = pytest.mark.parametrize("name", NAMES)
DOWN = np.diag((1.0, -1.0, -1.0))
HALF_M, LOW_M, HIGH_M = 0.15, 0.01, 0.45
"""The space above the table in which the gripper works."""


def model_of(name: str) -> RobotModel:
    model: RobotModel = registry.load("robot", name)()
    return model


def world_from_base(model: RobotModel) -> Array:
    return transform(translation=model.stands_at_m)


def reached(model: RobotModel, arm: Array) -> Array:
    return model.gripper_pose(world_from_base(model), model.joint_positions(arm, 0.0))


def errors(target: Array, here: Array) -> tuple[float, float]:
    """Return by how many metres and radians a pose misses another."""
    turn = Rotation.from_matrix(target[:3, :3] @ here[:3, :3].T).magnitude()
    return float(np.linalg.norm(target[:3, 3] - here[:3, 3])), float(turn)


def random_place(rng: np.random.Generator) -> Array:
    return rng.uniform((-HALF_M, -HALF_M, LOW_M), (HALF_M, HALF_M, HIGH_M))


def line(start: Array, end: Array) -> list[Array]:
    """Return poses on the straight way from one pose to another, no farther apart than actions can ask for."""
    way = end[:3, 3] - start[:3, 3]
    turn = float(np.linalg.norm(turned_by(end[:3, :3], start[:3, :3])))
    count = int(np.ceil(max(np.abs(way).max() / STEP_M, turn / STEP_RAD, 1)))
    turns = Slerp([0, 1], Rotation.from_matrix([start[:3, :3], end[:3, :3]]))
    return [transform(turns(t).as_matrix(), start[:3, 3] + t * way) for t in np.arange(1, count + 1) / count]


@pytest.mark.parametrize("name", [name for name in NAMES if model_of(name).inverse])
def test_a_formula_gives_the_joints_of_a_pose_exactly(name: str) -> None:
    model, rng = model_of(name), np.random.default_rng(0)
    tilt = np.radians(80)
    for _ in range(300):
        yaw, pitch, roll = rng.uniform((-np.pi, -tilt, -tilt), (np.pi, tilt, tilt))
        rotation = Rotation.from_euler("ZYX", (yaw, pitch, roll)).as_matrix() @ DOWN
        target = transform(rotation, random_place(rng))
        arm = arm_targets(model, world_from_base(model), target, np.array(model.home))
        np.testing.assert_allclose(reached(model, arm), target, atol=1e-9)


def test_the_hand_turns_the_nearer_way_round() -> None:
    model, rng = model_of("hand"), np.random.default_rng(1)
    for yaw in rng.uniform(-3 * np.pi, 3 * np.pi, size=50):
        near = np.array(model.home)
        near[3] = yaw + rng.uniform(-3, 3)
        target = transform(rotation_about((0, 0, 1), yaw) @ DOWN, (0, 0, 0.2))
        arm = arm_targets(model, np.eye(4), target, near)
        assert arm[3] == pytest.approx(yaw)


@EVERY
def test_the_gripper_follows_straight_lines_through_its_space(name: str) -> None:
    model, rng = model_of(name), np.random.default_rng(2)
    for _ in range(8):
        arm = np.array(model.home)
        places = [
            transform(rotation_about((0, 0, 1), rng.uniform(-1.5, 1.5)) @ DOWN, random_place(rng)) for _ in range(4)
        ]
        for start, end in pairwise([reached(model, arm), *places]):
            for target in line(start, end):
                arm = arm_targets(model, world_from_base(model), target, arm)
                off_m, off_rad = errors(target, reached(model, arm))
                assert off_m < 0.002
                assert off_rad < 0.02


@EVERY
def test_a_pose_that_is_held_is_reached_to_half_a_millimetre(name: str) -> None:
    model, rng = model_of(name), np.random.default_rng(3)
    for _ in range(10):
        arm = np.array(model.home)
        end = transform(rotation_about((0, 0, 1), rng.uniform(-1.5, 1.5)) @ DOWN, random_place(rng))
        for target in [*line(reached(model, arm), end), *[end] * 60]:
            arm = arm_targets(model, world_from_base(model), target, arm)
        off_m, off_rad = errors(end, reached(model, arm))
        assert off_m < 5e-4
        assert off_rad < 5e-4


@EVERY
def test_joints_keep_their_limits_whatever_is_asked_for(name: str) -> None:
    model, rng = model_of(name), np.random.default_rng(4)
    low, high = model.limits[:, list(model.arm)]
    for _ in range(100):
        arm = rng.uniform(low, high)
        target = transform(matrix_from_quat(random_quat(rng)), rng.normal(size=3) * 2)
        for _ in range(5):
            arm = arm_targets(model, world_from_base(model), target, arm)
            assert (low <= arm).all()
            assert (arm <= high).all()


@EVERY
def test_the_same_question_has_the_same_answer_and_changes_nothing(name: str) -> None:
    model = model_of(name)
    near, target = np.array(model.home), transform(DOWN, (0.1, 0.05, 0.1))
    kept = near.copy(), target.copy()
    first = arm_targets(model, world_from_base(model), target, near)
    assert np.array_equal(first, arm_targets(model, world_from_base(model), target, near))
    assert np.array_equal(near, kept[0])
    assert np.array_equal(target, kept[1])


@EVERY
def test_home_stays_where_it_is(name: str) -> None:
    model = model_of(name)
    home = np.array(model.home)
    np.testing.assert_allclose(arm_targets(model, world_from_base(model), reached(model, home), home), home, atol=1e-9)
