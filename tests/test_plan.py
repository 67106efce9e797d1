from functools import cache

import numpy as np
import pytest
from scipy.spatial import ConvexHull
from solids_for_tests import Surface
from worlds_for_tests import box_model, sphere_model

from graspsim import registry
from graspsim.geometry import Array, apply, invert, rotation_about, transform
from graspsim.grasps.plan import NEAR_M, PLAY_M, Grasp, plan_grasp, planned
from graspsim.models import ObjectModel, make_object
from graspsim.robot import Link, RobotModel

FAMILIES = registry.names("family")
HAND: RobotModel = registry.load("robot", "hand")()
NOTHING = np.zeros((0, 3))
SIZE_M = (0.03, 0.055, 0.06)
BOX = box_model(SIZE_M)


def standing(model: ObjectModel, x_m: float = 0.0, y_m: float = 0.0, yaw_rad: float = 0.0) -> Array:
    """Return where a model stands on the table as it was modelled, (4, 4)."""
    return transform(rotation_about((0, 0, 1), yaw_rad), (x_m, y_m, model.extents_m[2] / 2))


@cache
def surface_points(model: ObjectModel, count: int = 3000) -> Array:
    surface = Surface(model.mesh)
    return surface.sample(count, np.random.default_rng(0), np.arange(len(surface.areas)))


def deepest_m(points: Array, pose: Array, width_m: float) -> float:
    """Return how deep points (n, 3) lie in the fingers and the palm of the hand at a pose; negative is outside."""
    assert HAND.inverse is not None
    arm = HAND.inverse(pose, np.array(HAND.home))
    links = HAND.link_transforms(np.eye(4), HAND.joint_positions(arm, width_m))
    np.testing.assert_allclose(links[HAND.gripper_link] @ HAND.link_from_gripper, pose, atol=1e-9)
    deepest = -np.inf
    for link, world_from_link in zip(HAND.links, links, strict=True):
        local = apply(invert(world_from_link), points)
        for box in link.boxes:
            outside = np.abs(local - box.center_m) - np.asarray(box.size_m) / 2
            deepest = max(deepest, -outside.max(axis=1).min())
        if link.hull is not None:
            planes = _planes(link)
            deepest = max(deepest, -(local @ planes[:, :3].T + planes[:, 3]).max(axis=1).min())
    return float(deepest)


@cache
def _planes(link: Link) -> Array:
    assert link.hull is not None
    return np.asarray(ConvexHull(link.hull).equations)


def way_down(grasp: Grasp) -> list[Array]:
    """Return poses from 15 cm above a grasp down to it."""
    return [
        transform(grasp.world_from_gripper[:3, :3], grasp.world_from_gripper[:3, 3] + (0, 0, height))
        for height in np.linspace(0.06, 0, 5)
    ]


def check_clear(grasp: Grasp, points: Array) -> None:
    for pose in way_down(grasp):
        assert deepest_m(points, pose, grasp.opening_m) < 0


def span_m(model: ObjectModel, world_from_model: Array, grasp: Grasp) -> tuple[float, float]:
    """Return how far along the closing direction the surface reaches to both sides, between the pads."""
    gripper_from_model = invert(grasp.world_from_gripper) @ world_from_model
    points = apply(gripper_from_model, surface_points(model))
    near = points[(np.abs(points[:, 1]) < HAND.pad_width_m / 2) & (np.abs(points[:, 2]) < HAND.tip_m)]
    return float(near[:, 0].min()), float(near[:, 0].max())


@pytest.mark.parametrize("yaw_rad", [0.0, 0.4, 1.2, 2.5, -0.9])
def test_a_box_is_grasped_square_and_over_its_middle(yaw_rad: float) -> None:
    world_from_box = standing(BOX, 0.05, -0.03, yaw_rad)
    grasp = plan_grasp(BOX, world_from_box, HAND, NOTHING)
    assert grasp is not None
    in_box = np.abs(world_from_box[:2, :2].T @ grasp.world_from_gripper[:2, 0])
    assert in_box.max() == pytest.approx(1, abs=1e-6)
    assert grasp.width_m == pytest.approx(SIZE_M[int(in_box.argmax())], abs=1e-6)
    assert grasp.opening_m == pytest.approx(grasp.width_m + 2 * PLAY_M)
    pose = grasp.world_from_gripper
    np.testing.assert_allclose(pose[:3, 2], (0, 0, -1), atol=1e-9)
    assert np.linalg.norm(pose[:2, 3] - world_from_box[:2, 3]) < 0.015
    check_clear(grasp, apply(world_from_box, surface_points(BOX)))


def test_every_grasp_of_a_box_has_one_of_its_widths() -> None:
    grasps = planned(BOX, standing(BOX), HAND, NOTHING, 0.0, at_most=1000)
    assert len(grasps) > 50
    for grasp in grasps:
        # The line between the contacts may be askew, within the cone of friction.
        along = np.abs(grasp.world_from_gripper[:2, 0])
        side = int(along.argmax())
        assert SIZE_M[side] - 1e-9 <= grasp.width_m < SIZE_M[side] * np.hypot(1, 0.5) + 1e-9
    straight = [grasp for grasp in grasps if grasp.world_from_gripper[:2, 0].max() > 1 - 1e-9]
    assert {round(grasp.width_m, 9) for grasp in straight} == {SIZE_M[0], SIZE_M[1]}


def test_grasps_come_best_first_and_no_more_than_asked_for() -> None:
    every = planned(BOX, standing(BOX), HAND, NOTHING, 0.0, at_most=1000)
    qualities = [grasp.quality for grasp in every]
    assert qualities == sorted(qualities, reverse=True)
    few = planned(BOX, standing(BOX), HAND, NOTHING, 0.0, at_most=5)
    assert len(few) == 5
    for some, one in zip(few, every, strict=False):
        assert np.array_equal(some.world_from_gripper, one.world_from_gripper)
    best = plan_grasp(BOX, standing(BOX), HAND, NOTHING)
    assert best is not None
    assert np.array_equal(best.world_from_gripper, every[0].world_from_gripper)


@pytest.mark.parametrize("family", FAMILIES)
def test_a_planned_grasp_is_clear_above_the_table_and_around_the_object(family: str) -> None:
    found = 0
    for seed in range(4):
        model = make_object(family, np.random.default_rng(seed))
        world_from_model = standing(model, 0.02, 0.01, 0.3 * seed)
        grasp = plan_grasp(model, world_from_model, HAND, NOTHING)
        if grasp is None:
            continue
        found += 1
        pose = grasp.world_from_gripper
        np.testing.assert_allclose(pose[:3, :3] @ pose[:3, :3].T, np.eye(3), atol=1e-9)
        assert np.linalg.det(pose[:3, :3]) == pytest.approx(1)
        assert pose[2, 3] - HAND.tip_m >= 0.001 - 1e-9
        assert grasp.width_m < grasp.opening_m <= HAND.opening_m
        low, high = span_m(model, world_from_model, grasp)
        assert low < 0.002
        assert high > -0.002
        check_clear(grasp, apply(world_from_model, surface_points(model)))
    assert found


@pytest.mark.parametrize("size_m", [(0.09, 0.09, 0.05), (0.1, 0.12, 0.2), (0.079, 0.3, 0.03)])
def test_there_is_no_grasp_for_what_is_wider_than_the_hand_opens(size_m: tuple[float, float, float]) -> None:
    wide = box_model(size_m)
    assert planned(wide, standing(wide), HAND, NOTHING, 0.0, at_most=10) == []
    assert plan_grasp(wide, standing(wide), HAND, NOTHING) is None


def test_what_is_wide_one_way_is_taken_the_other() -> None:
    plank = box_model((0.04, 0.2, 0.03))
    for grasp in planned(plank, standing(plank), HAND, NOTHING, 0.0, at_most=100):
        assert abs(grasp.world_from_gripper[0, 0]) > np.cos(np.arctan(0.5))


def test_a_box_that_lies_is_taken_where_it_is_narrow() -> None:
    tall = box_model((0.1, 0.1, 0.03))
    assert plan_grasp(tall, standing(tall), HAND, NOTHING) is None
    on_edge = transform(rotation_about((1, 0, 0), np.pi / 2), (0, 0, 0.05))
    grasp = plan_grasp(tall, on_edge, HAND, NOTHING)
    assert grasp is not None
    assert grasp.width_m == pytest.approx(0.03, abs=0.002)
    assert abs(grasp.world_from_gripper[1, 0]) > np.cos(0.3)


def wall(x_m: float, y_m: float, length_m: float, along_x: bool, height_m: float = 0.1) -> Array:
    """Return points (n, 3) of an upright wall in the middle of which is (x, y)."""
    along, up = np.meshgrid(np.arange(-length_m / 2, length_m / 2, 0.003), np.arange(0, height_m, 0.003))
    points = np.zeros((along.size, 3))
    points[:, 0 if along_x else 1], points[:, 2] = along.ravel(), up.ravel()
    return np.asarray(points + np.array((x_m, y_m, 0.0)))


def test_a_neighbour_beside_a_cube_has_it_taken_the_other_way() -> None:
    size = (0.05, 0.05, 0.06)
    cube = box_model(size)
    # Where a finger would go that closes along x; beyond the palm's reach along the other way.
    neighbour = wall(0.05 / 2 + 0.012, 0.0, 0.05, along_x=False, height_m=0.055)
    free = planned(cube, standing(cube), HAND, NOTHING, 0.0, at_most=1000)
    left = planned(cube, standing(cube), HAND, neighbour, 0.0, at_most=1000)
    assert {int(np.abs(grasp.world_from_gripper[:2, 0]).argmax()) for grasp in free} == {0, 1}
    assert left
    assert len(left) < len(free)
    for grasp in left[::8]:
        assert np.abs(grasp.world_from_gripper[:2, 0]).argmax() == 1
        check_clear(grasp, np.concatenate([apply(standing(cube), surface_points(cube)), neighbour]))


def test_an_object_that_is_walled_in_has_no_grasp() -> None:
    fence = np.concatenate(
        [wall(x, 0, 0.08, along_x=False) for x in (-0.04, 0.04)]
        + [wall(0, y, 0.08, along_x=True) for y in (-0.04, 0.04)]
    )
    assert plan_grasp(BOX, standing(BOX), HAND, NOTHING) is not None
    assert plan_grasp(BOX, standing(BOX), HAND, fence) is None


def test_what_hangs_above_keeps_the_hand_away() -> None:
    shelf = np.stack(np.meshgrid(*[np.linspace(-0.1, 0.1, 60)] * 2, [0.075]), axis=-1).reshape(-1, 3)
    assert plan_grasp(BOX, standing(BOX), HAND, shelf) is None


def test_obstacles_that_are_far_away_change_nothing() -> None:
    far = wall(0.3, 0, 0.4, along_x=False)
    free, same = (plan_grasp(BOX, standing(BOX), HAND, points) for points in (NOTHING, far))
    assert free is not None
    assert same is not None
    assert np.array_equal(free.world_from_gripper, same.world_from_gripper)


@pytest.mark.parametrize("thickness_m", [0.004, 0.008, 0.02])
def test_fingers_reach_down_to_what_is_low_but_not_through_the_table(thickness_m: float) -> None:
    rod = box_model((0.02, 0.1, thickness_m))
    grasp = plan_grasp(rod, standing(rod), HAND, NOTHING)
    assert grasp is not None
    tip_m = grasp.world_from_gripper[2, 3] - HAND.tip_m
    assert 0.001 - 1e-9 <= tip_m < thickness_m


def test_a_raised_table_raises_the_grasp() -> None:
    world_from_ball, ball = standing(sphere_model(0.02)), sphere_model(0.02)
    raised = world_from_ball.copy()
    raised[2, 3] += 0.3
    low, high = plan_grasp(ball, world_from_ball, HAND, NOTHING), plan_grasp(ball, raised, HAND, NOTHING, table_m=0.3)
    assert low is not None
    assert high is not None
    np.testing.assert_allclose(high.world_from_gripper[:3, 3] - low.world_from_gripper[:3, 3], (0, 0, 0.3), atol=1e-9)


def test_a_plan_moves_and_turns_with_the_object() -> None:
    # A quarter turn maps the table's axes to themselves, so that the same way round is chosen up to half a turn.
    turned = standing(BOX, 0.1, 0.05, np.pi / 2)
    first, second = plan_grasp(BOX, standing(BOX), HAND, NOTHING), plan_grasp(BOX, turned, HAND, NOTHING)
    assert first is not None
    assert second is not None
    expected = turned @ invert(standing(BOX)) @ first.world_from_gripper
    np.testing.assert_allclose(second.world_from_gripper[:3, 3], expected[:3, 3], atol=1e-9)
    assert abs(second.world_from_gripper[:3, 0] @ expected[:3, 0]) == pytest.approx(1)


def test_of_both_ways_round_the_smaller_turn_is_taken() -> None:
    for yaw_rad in np.linspace(-3, 3, 13):
        grasp = plan_grasp(BOX, standing(BOX, yaw_rad=yaw_rad), HAND, NOTHING)
        assert grasp is not None
        assert grasp.world_from_gripper[0, 0] >= 0


@pytest.mark.parametrize("family", FAMILIES)
def test_the_same_object_has_the_same_plan(family: str) -> None:
    plans = []
    for _ in range(2):
        model = make_object(family, np.random.default_rng(6))
        plans.append(planned(model, standing(model), HAND, wall(0.1, 0, 0.1, along_x=False), 0.0, at_most=5))
    assert len(plans[0]) == len(plans[1])
    for a, b in zip(*plans, strict=True):
        assert np.array_equal(a.world_from_gripper, b.world_from_gripper)
        assert (a.width_m, a.opening_m, a.quality) == (b.width_m, b.opening_m, b.quality)


def test_the_margin_is_less_than_the_play() -> None:
    # Or else fingers that stand as wide as planned would count as touching.
    assert NEAR_M < PLAY_M
