"""What the gripper's physics is good for: it holds what friction can hold, lets go of the rest, and stays itself."""

import dataclasses
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
import pytest
from worlds_for_tests import at, body, box_model, scene_of, sphere_model, table, world_vertices

from graspsim import registry
from graspsim.differential_ik import arm_targets
from graspsim.geometry import Array, invert, matrices_from_poses, rotation_about, transform
from graspsim.models import ObjectModel
from graspsim.physics.bullet import BulletWorld
from graspsim.physics.world import TIME_STEP_S
from graspsim.robot import RobotModel
from graspsim.robots.panda_parts import GRIP_FORCE_N, TIP_M
from graspsim.scene import Fixture, Robot

NAMES = registry.names("robot")
EVERY = pytest.mark.parametrize("name", NAMES)
G = 9.81
CUBE_M = 0.04
CUBE = box_model((CUBE_M,) * 3)
DOWN = np.diag((1.0, -1.0, -1.0))
GRIP_STEP_S = 1 / 480
HIGH_M = 0.12


class Gripper:
    """A robot in a world with one body, moved by where its gripper shall be."""

    def __init__(self, name: str, world: BulletWorld, place: Array, width_m: float) -> None:
        self.model: RobotModel = registry.load("robot", name)()
        self.world = world
        self._base = transform(translation=self.model.stands_at_m)
        self._arm = np.array(self.model.home)
        for _ in range(30):
            self._arm = self._targets(place)
        world.add_robot(self.model, self.model.joint_positions(self._arm, width_m))

    def _targets(self, place: Array, turn_rad: float = 0.0) -> Array:
        pose = transform(rotation_about((0, 0, 1), turn_rad) @ DOWN, place)
        return arm_targets(self.model, self._base, pose, self._arm)

    def seek(self, place: Array, width_m: float, speed: float | None = None) -> None:
        """Drive the motors towards a place (3,), which may be far."""
        for _ in range(10):
            self._arm = self._targets(place)
        speeds = None if speed is None else np.full(len(self.model.movable), speed)
        self.world.robot.drive(self.model.joint_positions(self._arm, width_m), speeds)

    def shut(self, seconds: float = 0.5, step_s: float = TIME_STEP_S) -> None:
        """Close the fingers where they are."""
        self.world.robot.drive(self.model.joint_positions(self._arm, 0.0), None)
        self.world.step(seconds, step_s)

    def raise_to(self, height_m: float, step_s: float = TIME_STEP_S, width_m: float = 0.0) -> None:
        """Move straight up, slowly."""
        place = self.pose()[:3, 3]
        for z in np.linspace(place[2], height_m, 25)[1:]:
            self.seek(np.array((0.0, 0.0, z)), width_m, speed=0.5)
            self.world.step(0.05, step_s)

    def joints(self) -> Array:
        return np.asarray(self.world.robot.states()[0])

    def pose(self) -> Array:
        return self.model.gripper_pose(self._base, self.joints())

    def fingers_m(self) -> Array:
        """Return how far each pad is from the middle, (2,)."""
        return self.joints()[list(self.model.fingers)]

    def pad_forces(self) -> tuple[float, float]:
        """Return what each finger presses with towards the other."""
        return self.world.pad_forces(0, self.pose()[:3, 0])

    def from_body(self) -> Array:
        """Return `gripper_from_body` (4, 4)."""
        return np.asarray(invert(self.pose()) @ matrices_from_poses(self.world.poses())[0])

    def lowest_m(self) -> float:
        """Return the height of the lower finger's tip."""
        links = self.model.link_transforms(self._base, self.joints())
        corners = np.stack(np.meshgrid(*[(-0.5, 0.5)] * 3), axis=-1).reshape(-1, 3)
        return min(
            float(((corners * box.size_m + box.center_m) @ pose[:3, :3].T + pose[:3, 3])[:, 2].min())
            for link, pose in zip(self.model.links, links, strict=True)
            if link.is_pad
            for box in link.boxes
        )


@contextmanager
def gripper(
    name: str,
    place: tuple[float, float, float] = (0.0, 0.0, CUBE_M / 2),
    width_m: float = CUBE_M + 0.005,
    model: ObjectModel = CUBE,
    height_m: float = CUBE_M / 2 + 1e-4,
    pad_friction: float = 0.8,
    fixtures: tuple[Fixture, ...] = (table(),),
    **changes: float,
) -> Iterator[Gripper]:
    """Give a gripper with a body at a height above the origin, in a world of its own."""
    base = registry.load("robot", name)().stands_at_m
    placed = Robot(name, 2000, (*base, 0.0, 0.0, 0.0, 1.0), pad_friction, 0.01, 0.4)
    scene = scene_of([body(at(0, 0, height_m), **({"mass_kg": 0.2} | changes))], fixtures)
    with BulletWorld(dataclasses.replace(scene, robot=placed), {1: model}) as world:
        yield Gripper(name, world, np.array(place), width_m)


def slipped_m(hand: Gripper, seconds: float, step_s: float = TIME_STEP_S) -> float:
    """Return how far the body strays in the grip over a time."""
    start, away = hand.from_body()[:3, 3], 0.0
    for _ in range(int(seconds / 0.1)):
        hand.world.step(0.1, step_s)
        away = max(away, float(np.linalg.norm(hand.from_body()[:3, 3] - start)))
    return away


# Holding


@EVERY
@pytest.mark.parametrize("step_s", [TIME_STEP_S, GRIP_STEP_S])
def test_a_cube_held_at_40_newtons_does_not_slip_in_ten_seconds(name: str, step_s: float) -> None:
    with gripper(name) as hand:
        hand.shut(step_s=step_s)
        hand.raise_to(HIGH_M, step_s)
        assert hand.world.poses()[0, 2] == pytest.approx(HIGH_M, abs=0.003)
        upright = hand.from_body()[:3, :3]
        assert slipped_m(hand, 10.0, step_s) < 0.001
        turn = np.arccos(np.clip((np.trace(upright.T @ hand.from_body()[:3, :3]) - 1) / 2, -1, 1))
        assert turn < np.radians(3)


@EVERY
def test_pads_press_with_the_force_of_their_motors_at_any_time_step(name: str) -> None:
    with gripper(name) as hand:
        hand.shut()
        hand.raise_to(HIGH_M)
        for step_s in (TIME_STEP_S, GRIP_STEP_S, 1 / 960, TIME_STEP_S):
            # As it was driven before the step changed.
            hand.world.step(0.1, step_s)
            forces = []
            for _ in range(40):
                hand.world.step(step_s, step_s)
                forces.append(hand.pad_forces())
            np.testing.assert_allclose(np.mean(forces, axis=0), GRIP_FORCE_N, rtol=0.05)
            np.testing.assert_allclose(forces, GRIP_FORCE_N, rtol=0.2)


@pytest.mark.parametrize("mass_kg", [0.03, 0.1, 1.0])
def test_what_friction_can_hold_is_lifted_and_does_not_creep(mass_kg: float) -> None:
    # Both pads together bear 2 mu N; here at least three times the weight.
    with gripper("hand", pad_friction=1.0, lateral_friction=0.4, mass_kg=mass_kg) as hand:
        assert 3 * mass_kg * G < 2 * 0.4 * GRIP_FORCE_N
        hand.shut(step_s=GRIP_STEP_S)
        hand.raise_to(HIGH_M, GRIP_STEP_S)
        assert hand.world.poses()[0, 2] == pytest.approx(HIGH_M, abs=0.003)
        assert slipped_m(hand, 3.0, GRIP_STEP_S) < 0.001


@pytest.mark.parametrize("mass_kg", [0.05, 0.2, 1.0])
@pytest.mark.parametrize("share", [0.3, 0.8])
def test_what_friction_cannot_hold_stays_on_the_table(mass_kg: float, share: float) -> None:
    needed = mass_kg * G / (2 * GRIP_FORCE_N)
    with gripper("hand", pad_friction=share * needed, lateral_friction=1.0, mass_kg=mass_kg) as hand:
        hand.shut()
        hand.raise_to(HIGH_M)
        assert hand.world.poses()[0, 2] == pytest.approx(CUBE_M / 2, abs=0.003)


def test_a_cube_that_hangs_between_slippery_pads_slides_out() -> None:
    with gripper("hand", place=(0, 0, HIGH_M), height_m=HIGH_M, pad_friction=0.02) as hand:
        hand.shut(1.0)
        assert hand.world.poses()[0, 2] == pytest.approx(CUBE_M / 2, abs=0.002)
        assert hand.fingers_m().max() < 0.001


def test_a_ball_is_held() -> None:
    with gripper("hand", model=sphere_model(0.02, 400), height_m=0.02, lateral_friction=0.6) as hand:
        hand.shut(step_s=GRIP_STEP_S)
        hand.raise_to(HIGH_M, GRIP_STEP_S)
        assert slipped_m(hand, 3.0, GRIP_STEP_S) < 0.002
        assert hand.world.poses()[0, 2] == pytest.approx(HIGH_M, abs=0.006)


@EVERY
def test_an_opened_hand_lets_go(name: str) -> None:
    with gripper(name) as hand:
        hand.shut()
        hand.raise_to(HIGH_M)
        hand.seek(np.array((0, 0, HIGH_M)), hand.model.opening_m)
        hand.world.step(0.8)
        assert hand.world.poses()[0, 2] == pytest.approx(CUBE_M / 2, abs=0.002)
        assert hand.pad_forces() == (0.0, 0.0)
        assert hand.world.touching(0) == {1000}


@EVERY
def test_shut_fingers_that_press_from_above_do_not_grip(name: str) -> None:
    with gripper(name, place=(0.0, 0.0, CUBE_M + TIP_M + 0.005), width_m=0.0) as hand:
        hand.seek(np.array((0.0, 0.0, CUBE_M + TIP_M - 0.002)), 0.0)
        hand.world.step(0.5)
        pressed_n = sum(c.normal_force_n for c in hand.world.contacts() if 2000 in (c.instance_a, c.instance_b))
        assert pressed_n > 5.0
        # Its pads bulge a little into an edge.
        assert min(hand.pad_forces()) < 0.05 * pressed_n


def test_a_body_in_hand_touches_the_robot_alone() -> None:
    with gripper("hand") as hand:
        hand.world.step(0.1)
        assert hand.world.touching(0) == {1000}
        hand.shut()
        assert hand.world.touching(0) == {1000, 2000}
        hand.raise_to(HIGH_M)
        assert hand.world.touching(0) == {2000}


@pytest.mark.parametrize("name", ["hand", "panda"])
def test_a_held_cube_turns_with_the_hand(name: str) -> None:
    with gripper(name) as hand:
        hand.shut()
        hand.raise_to(HIGH_M)
        before = hand.from_body()
        for turn_rad in np.linspace(0, 1.2, 40):
            arm = hand._targets(np.array((0.0, 0.0, HIGH_M)), turn_rad)
            hand._arm = arm
            hand.world.robot.drive(hand.model.joint_positions(arm, 0.0), None)
            hand.world.step(0.05)
        np.testing.assert_allclose(hand.from_body(), before, atol=0.05)
        assert np.arctan2(*matrices_from_poses(hand.world.poses())[0, (1, 0), 0]) == pytest.approx(1.2, abs=0.05)


# Staying itself


@EVERY
@pytest.mark.parametrize("around", ["nothing", "a cube"])
def test_shut_fingers_and_the_hand_stay_where_they_are_for_ten_seconds(name: str, around: str) -> None:
    place = (0.0, 0.0, CUBE_M / 2 if around == "a cube" else 0.2)
    with gripper(name, place=place) as hand:
        hand.shut(1.0)
        pose, fingers = hand.pose(), hand.fingers_m()
        assert fingers == pytest.approx(CUBE_M / 2 if around == "a cube" else 0.0, abs=0.002)
        for _ in range(100):
            hand.world.step(0.1)
            assert abs(np.diff(hand.fingers_m())[0]) < 0.001
            assert hand.fingers_m() == pytest.approx(fingers, abs=0.001)
            np.testing.assert_allclose(hand.pose()[:3, 3], pose[:3, 3], atol=0.001)
            np.testing.assert_allclose(hand.pose()[:3, :3], pose[:3, :3], atol=0.005)


@EVERY
def test_fingers_close_alike_on_what_is_off_their_middle(name: str) -> None:
    with gripper(name, place=(0.012, 0.0, CUBE_M / 2), width_m=0.08) as hand:
        hand.shut(2.0)
        # The cube is pushed to the middle, rather than the fingers out of it.
        assert abs(np.diff(hand.fingers_m())[0]) < 0.001
        assert abs(hand.from_body()[0, 3]) < 0.002
        assert min(hand.pad_forces()) > 0.8 * GRIP_FORCE_N


@EVERY
@pytest.mark.parametrize("width_m", [0.0, 0.03, 0.08])
def test_fingers_go_to_the_width_they_are_told(name: str, width_m: float) -> None:
    with gripper(name, place=(0, 0, 0.2)) as hand:
        hand.seek(np.array((0, 0, 0.2)), width_m)
        hand.world.step(1.0)
        assert hand.fingers_m().sum() == pytest.approx(width_m, abs=5e-4)


@EVERY
def test_fingers_are_no_faster_than_their_motors(name: str) -> None:
    with gripper(name, place=(0, 0, 0.2), width_m=0.08) as hand:
        hand.seek(np.array((0, 0, 0.2)), 0.0)
        before = hand.fingers_m()
        hand.world.step(0.2)
        speed = hand.model.links[hand.model.movable[hand.model.fingers[0]]].joint.max_speed
        assert (before - hand.fingers_m()) / 0.2 == pytest.approx(speed, rel=0.05)


@EVERY
def test_gravity_does_not_pull_the_arm_down(name: str) -> None:
    with gripper(name, place=(0.05, 0.08, 0.15)) as hand:
        hand.world.step(3.0)
        np.testing.assert_allclose(hand.pose()[:3, 3], (0.05, 0.08, 0.15), atol=0.001)


# Nothing goes through anything


@pytest.mark.parametrize("held", [True, False])
def test_nothing_goes_through_the_table_when_the_hand_pushes_down_at_full_speed(held: bool) -> None:
    cube = (0.0, 0.0) if held else (0.1, 0.1)
    with gripper("hand", place=(0, 0, 0.25), height_m=0.25 if held else CUBE_M / 2) as hand:
        if held:
            hand.shut()
            assert slipped_m(hand, 0.5) < 0.002
        else:
            hand.world.set_pose(0, np.array(at(*cube, CUBE_M / 2)))
        hand.seek(np.array((0.0, 0.0, -0.1)), 0.0)
        deepest, speed = 0.0, 0.0
        for _ in range(2 * 240):
            hand.world.step(TIME_STEP_S)
            speed = max(speed, float(np.abs(hand.world.robot.states()[1]).max()))
            vertices = world_vertices(CUBE.mesh, matrices_from_poses(hand.world.poses())[0])
            deepest = min(deepest, hand.lowest_m(), float(vertices[:, 2].min()))
        assert speed > 0.9
        # The table is 40 mm thick; soft pads give by some of it while they are stopped within a step or two.
        assert deepest > -0.008
        vertices = world_vertices(CUBE.mesh, matrices_from_poses(hand.world.poses())[0])
        assert vertices[:, 2].min() > -0.002
        assert hand.lowest_m() > -0.002


@pytest.mark.parametrize("width_m", [0.0, 0.02])
def test_fingers_that_come_down_on_a_cube_stop_on_it(width_m: float) -> None:
    with gripper("hand", place=(0, 0, 0.2), width_m=width_m) as hand:
        hand.seek(np.array((0.0, 0.0, -0.1)), width_m)
        for _ in range(2 * 240):
            hand.world.step(TIME_STEP_S)
            vertices = world_vertices(CUBE.mesh, matrices_from_poses(hand.world.poses())[0])
            assert vertices[:, 2].min() > -0.006
            assert hand.lowest_m() > CUBE_M - 0.012
        assert hand.lowest_m() == pytest.approx(CUBE_M, abs=0.003)


def test_a_thin_plate_is_not_squeezed_through_the_pads() -> None:
    plate = box_model((0.004, 0.06, 0.03))
    with gripper("hand", place=(0, 0, 0.015), width_m=0.03, model=plate, height_m=0.0151, mass_kg=0.02) as hand:
        hand.shut(1.0, GRIP_STEP_S)
        assert hand.fingers_m().sum() == pytest.approx(0.004, abs=0.003)
        hand.raise_to(HIGH_M, GRIP_STEP_S)
        assert hand.world.poses()[0, 2] == pytest.approx(HIGH_M, abs=0.01)


@EVERY
def test_the_same_motions_have_the_same_outcome_to_the_bit(name: str) -> None:
    ends = []
    for _ in range(2):
        with gripper(name) as hand:
            hand.shut()
            hand.raise_to(HIGH_M)
            ends.append(hand.world.poses().tobytes() + hand.joints().tobytes())
    assert ends[0] == ends[1]
