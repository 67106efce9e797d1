import tempfile
from pathlib import Path

import numpy as np
import pytest
from worlds_for_tests import (
    at,
    body,
    box_model,
    boxes_model,
    cone_model,
    scene_of,
    sphere_model,
    table,
    world_vertices,
)

from graspsim.geometry import apply, matrices_from_poses, matrix_from_quat, poses_from_matrices, random_quat, transform
from graspsim.models import make_object
from graspsim.physics.bullet import RESTITUTION_SPEED_M_S, BulletWorld
from graspsim.physics.client import pybullet
from graspsim.physics.world import TIME_STEP_S
from graspsim.plain import overlaid
from graspsim.registry import load
from graspsim.sampling import sample_scene
from graspsim.scene_objects import SceneObjects
from graspsim.spec import SceneSpec

G = 9.81
BLOCK = box_model((0.06, 0.06, 0.04))
# An L of two boxes: no principal axis along x or z, the centre of mass off the origin.
ANGLE = boxes_model([((0.04, 0.03, 0.12), (0, 0, 0.06)), ((0.09, 0.03, 0.03), (0.065, 0, 0.015))])
SHAPES = {
    "box": BLOCK,
    "sphere": sphere_model(0.03),
    "cone": cone_model(),
    "L": ANGLE,
    "plate": box_model((0.1, 0.1, 0.004)),
}
EVERY = pytest.mark.parametrize("name", SHAPES)


def lowest(model, world_from_body):
    return world_vertices(model.mesh, world_from_body)[:, 2].min()


def world_of(model, pose=None, fixtures=(), gravity_m_s2=G, **changes):
    return BulletWorld(scene_of([body(pose or at(0, 0, 0), **changes)], fixtures, gravity_m_s2), {1: model})


def center_of_mass(model, world):
    return apply(matrices_from_poses(world.poses())[0], [model.center_of_mass])[0]


def momentum(model, world, mass_kg):
    """Return the angular momentum about the centre of mass, in the world frame, by our own inertia."""
    rotation = matrix_from_quat(world.poses()[0, 3:])
    inertia = rotation @ (model.inertia_per_density * mass_kg / model.volume_m3) @ rotation.T
    return inertia @ world.velocities()[0, 3:]


def energy(model, world, mass_kg):
    velocity = world.velocities()[0]
    spin = velocity[3:] @ momentum(model, world, mass_kg) / 2
    return mass_kg * (G * center_of_mass(model, world)[2] + velocity[:3] @ velocity[:3] / 2) + spin


# Free motion


def test_free_fall_follows_gravity():
    with world_of(BLOCK) as world:
        world.step(1.0)
        # Bullet changes the speed before the place, hence half a step more.
        assert world.poses()[0, 2] == pytest.approx(-G / 2 * (1 + TIME_STEP_S), rel=1e-6)
        assert world.velocities()[0, 2] == pytest.approx(-G, rel=1e-6)


def test_nothing_slows_down_in_empty_space():
    with world_of(sphere_model(0.03), gravity_m_s2=0) as world:
        world.set_velocity(0, np.array([2.0, 0, 0, 0, 0, 20.0]))
        world.step(2.0)
        np.testing.assert_allclose(world.velocities()[0], [2.0, 0, 0, 0, 0, 20.0], rtol=0.002, atol=0.02)
        assert world.poses()[0, 0] == pytest.approx(4.0, rel=1e-3)


@pytest.mark.parametrize("name", ["cone", "L", "plate"])
def test_tumbling_conserves_angular_momentum_by_our_own_inertia(name):
    model = SHAPES[name]
    with world_of(model, gravity_m_s2=0, mass_kg=0.3) as world:
        world.set_velocity(0, np.array([0, 0, 0, 3.0, 4.0, -2.0]))
        before = momentum(model, world, 0.3)
        for _ in range(8):
            world.step(0.25)
            np.testing.assert_allclose(momentum(model, world, 0.3), before, atol=0.03 * np.linalg.norm(before))
        # It does tumble: the axis of rotation has moved, though the momentum has not.
        assert np.linalg.norm(world.velocities()[0, 3:] - (3, 4, -2)) > 0.3


@pytest.mark.parametrize("name", ["cone", "L"])
def test_the_centre_of_mass_flies_straight_while_the_origin_circles_it(name):
    model = SHAPES[name]
    start = np.concatenate([(0.1, -0.2, 0.3), random_quat(np.random.default_rng(1))])
    arm = np.linalg.norm(model.center_of_mass)
    with world_of(model, tuple(start)) as world:
        com = center_of_mass(model, world)
        world.set_velocity(0, np.array([0.5, 0.2, 2.0, 6.0, -5.0, 3.0]))
        away = []
        for n in range(1, 41):
            world.step(2 * TIME_STEP_S)
            t = 2 * n * TIME_STEP_S
            expected = com + np.array([0.5, 0.2, 2.0]) * t - [0, 0, G / 2 * t * (t + TIME_STEP_S)]
            np.testing.assert_allclose(center_of_mass(model, world), expected, atol=1e-6)
            away.append(world.poses()[0, :3] - expected)
        np.testing.assert_allclose(np.linalg.norm(away, axis=1), arm, rtol=1e-6)
        assert np.linalg.norm(np.ptp(away, axis=0)) > arm


# Poses and velocities


@EVERY
def test_a_pose_comes_back_as_it_was_set(name):
    rng = np.random.default_rng(2)
    with world_of(SHAPES[name]) as world:
        for _ in range(20):
            pose = np.concatenate([rng.normal(size=3), random_quat(rng)])
            world.set_pose(0, pose)
            np.testing.assert_allclose(matrices_from_poses(world.poses()), matrices_from_poses(pose), atol=1e-9)


@pytest.mark.parametrize("family", ["lathe", "blocks", "primitives", "extrusions", "superquadrics"])
def test_bodies_of_every_family_are_spawned_at_their_pose(family):
    rng = np.random.default_rng(3)
    models = {i: make_object(family, rng) for i in range(1, 5)}
    poses = [at(*rng.normal(size=3), random_quat(rng)) for _ in models]
    bodies = [body(pose, obj_id=i, instance_id=i) for i, pose in enumerate(poses, 1)]
    with BulletWorld(scene_of(bodies), models) as world:
        np.testing.assert_allclose(matrices_from_poses(world.poses()), matrices_from_poses(poses), atol=1e-9)


def test_a_body_that_is_put_somewhere_is_at_rest_there():
    with world_of(BLOCK, gravity_m_s2=0) as world:
        world.set_velocity(0, np.ones(6))
        world.set_pose(0, np.array(at(0, 0, 1)))
        assert not world.velocities().any()


def test_velocities_come_back_as_they_were_set():
    with world_of(ANGLE, gravity_m_s2=0) as world:
        world.set_velocity(0, np.arange(1.0, 7.0))
        np.testing.assert_allclose(world.velocities(), [np.arange(1.0, 7.0)])


def test_an_empty_world_steps_and_settles():
    with BulletWorld(scene_of([], [table()]), {}) as world:
        assert world.settle(1.0).at_rest
        assert world.poses().shape == (0, 7)
        assert world.velocities().shape == (0, 6)
        assert world.contacts() == []


@pytest.mark.parametrize(
    ("seconds", "steps"), [(TIME_STEP_S, 1), (0.0, 0), (1.5 * TIME_STEP_S, 2), (0.1, 24), (1, 240)]
)
def test_a_step_takes_whole_time_steps(seconds, steps):
    with world_of(BLOCK, gravity_m_s2=1.0) as world:
        world.step(seconds)
        assert world.velocities()[0, 2] == pytest.approx(-steps * TIME_STEP_S)


# Contact


@EVERY
@pytest.mark.parametrize("mass_kg", [0.01, 5.0])
def test_what_rests_stays_where_it_is_and_touches_the_table(name, mass_kg):
    model = SHAPES[name]
    pose = at(0, 0, 0.005 - model.mesh.vertices[:, 2].min())
    with world_of(model, pose, [table()], mass_kg=mass_kg, spinning_friction=0.002, rolling_friction=0.001) as world:
        assert world.settle(4.0).at_rest
        before = matrices_from_poses(world.poses())[0]
        assert abs(lowest(model, before)) < 2e-4
        world.step(1.0)
        after = matrices_from_poses(world.poses())[0]
        moved = world_vertices(model.mesh, after) - world_vertices(model.mesh, before)
        assert np.linalg.norm(moved, axis=1).max() < 1e-4


@pytest.mark.parametrize(("mu_body", "mu_table"), [(0.5, 0.8), (1.0, 0.3), (0.4, 0.5), (2.0, 0.5)])
@pytest.mark.parametrize("speed_m_s", [1.0, 1.5])
def test_sliding_stops_where_the_product_of_both_frictions_says(mu_body, mu_table, speed_m_s):
    with world_of(BLOCK, at(-1, 0, 0.02), [table(friction=mu_table)], lateral_friction=mu_body) as world:
        world.step(0.2)
        start = world.poses()[0, 0]
        world.set_velocity(0, np.array([speed_m_s, 0, 0, 0, 0, 0]))
        world.step(1.2)
        stopped_after_m = world.poses()[0, 0] - start
        assert stopped_after_m == pytest.approx(speed_m_s**2 / (2 * mu_body * mu_table * G), rel=0.05)
        # Nor does it rock on from corner to corner, as it did while contacts were given up too early.
        world.step(0.5)
        assert np.abs(world.velocities()).max() < 0.05


def test_without_friction_nothing_stops():
    with world_of(BLOCK, at(-1, 0, 0.02), [table()], lateral_friction=0.0) as world:
        world.step(0.2)
        world.set_velocity(0, np.array([1.0, 0, 0, 0, 0, 0]))
        world.step(1.0)
        assert world.velocities()[0, 0] == pytest.approx(1.0, abs=0.01)


def rebound(model, height_m, restitution):
    """Return the height of the rebound over the height of the fall."""
    bottom = -model.mesh.vertices[:, 2].min()
    with world_of(model, at(0, 0, bottom + height_m), [table(restitution=1.0)], restitution=restitution) as world:
        world.step(np.sqrt(2 * height_m / G) + 2 * TIME_STEP_S)
        heights = []
        for _ in range(int(np.sqrt(2 * height_m / G) / TIME_STEP_S)):
            world.step(TIME_STEP_S)
            heights.append(world.poses()[0, 2] - bottom)
        return max(heights) / height_m


@pytest.mark.parametrize("restitution", [0.5, 0.7, 0.9])
def test_rebound_speeds_follow_the_restitution(restitution):
    """On average over impacts; a single one depends on how far it sank in within its last step, see below."""
    heights = np.linspace(0.1, 0.5, 9)
    assert heights.min() > 4 * RESTITUTION_SPEED_M_S**2 / (2 * G)
    speeds = np.sqrt([rebound(SHAPES["sphere"], height, restitution) for height in heights]) / restitution
    assert 0.98 < speeds.mean() < 1.12
    # What the contact correction can add to a rebound, relative to the speed of the impact, is twice its share.
    assert speeds.min() > 0.93
    assert ((speeds - 1) * restitution).max() < 0.2


def test_slow_impacts_do_not_bounce():
    height_m = 0.5 * RESTITUTION_SPEED_M_S**2 / (2 * G)
    with world_of(BLOCK, at(0, 0, 0.02 + height_m), [table(restitution=1.0)], restitution=1.0) as world:
        world.step(0.1)
        assert world.velocities()[0, 2] < 0.05


@pytest.mark.parametrize("name", ["box", "sphere", "cone", "L"])
@pytest.mark.parametrize("restitution", [0.0, 0.4])
def test_energy_does_not_grow_while_a_body_bounces_and_settles(name, restitution):
    model, mass_kg = SHAPES[name], 0.2
    rng = np.random.default_rng(5)
    for _ in range(4):
        pose = at(0, 0, 0.25, random_quat(rng))
        with world_of(model, pose, [table(restitution=1.0)], mass_kg=mass_kg, restitution=restitution) as world:
            start = highest = energy(model, world, mass_kg)
            for _ in range(300):
                world.step(TIME_STEP_S)
                highest = max(highest, energy(model, world, mass_kg))
            # 1 % for the half step by which Bullet's speed is ahead of its place.
            assert highest <= 1.01 * start
            assert energy(model, world, mass_kg) < 0.7 * start


def test_all_of_more_than_16_parts_collide():
    """Twenty boxes in a row: a ball comes down on each in turn."""
    model = boxes_model([((0.04, 0.06, 0.03), (0.04 * i, 0, 0)) for i in range(20)])
    ball = sphere_model(0.012, 100)
    middles = 0.04 * (np.arange(20) - 9.5)
    balls = [body(at(x, 0, 0.05), obj_id=2, instance_id=i, mass_kg=0.01) for i, x in enumerate(middles, 2)]
    scene = scene_of([body(at(0, 0, 0.0152), mass_kg=5), *balls], [table()])
    with BulletWorld(scene, {1: model, 2: ball}) as world:
        world.step(0.25)
        np.testing.assert_allclose(world.poses()[1:, 2], 0.03 + 0.012, atol=0.002)
        assert {c.instance_b for c in world.contacts() if c.instance_a == 1} >= set(range(2, 22))


@pytest.mark.parametrize("shape", ["cup", "bowl", "jar"])
def test_what_falls_into_a_hollow_object_ends_inside(shape):
    cup = make_object("lathe", np.random.default_rng(0), shape=shape, width_m=0.1, wall_m=0.004)
    assert len(cup.parts) > 16
    bottom = cup.mesh.vertices[:, 2].min()
    probe = box_model((0.015, 0.015, 0.015))
    poses = [at(0, 0, 1e-4 - bottom), at(0.004, 0, cup.extents_m[2] + 0.03, (0.1, 0.2, 0.1, 0.97))]
    bodies = [body(pose, obj_id=i, instance_id=i, mass_kg=1 / i**4) for i, pose in enumerate(poses, 1)]
    with BulletWorld(scene_of(bodies, [table()]), {1: cup, 2: probe}) as world:
        world.settle(3.0)
        cup_pose, probe_pose = world.poses()
        assert np.linalg.norm(probe_pose[:2] - cup_pose[:2]) < 0.05
        # On the floor inside: well below the rim, and not through the bottom.
        assert 0.004 < probe_pose[2] < 0.6 * cup.extents_m[2]
        low = lowest(probe, matrices_from_poses(probe_pose)[0])
        assert low > 0.0025


def test_friction_and_restitution_reach_the_engine():
    with world_of(
        BLOCK,
        fixtures=[table(friction=0.7, restitution=0.6)],
        lateral_friction=0.9,
        spinning_friction=0.003,
        rolling_friction=0.002,
        restitution=0.3,
        mass_kg=0.25,
    ) as world:
        info = [pybullet.getDynamicsInfo(i, -1, physicsClientId=world._client) for i in range(2)]
        mass, lateral, inertia, _, _, restitution, rolling, spinning = info[1][:8]
        assert (mass, lateral, restitution, rolling, spinning) == (0.25, 0.9, 0.3, 0.002, 0.003)
        # PyBullet does not tell the restitution of what does not move; how things rebound from it is tested above.
        assert info[0][1] == 0.7
        moments = np.linalg.eigvalsh(BLOCK.inertia_per_density) * 0.25 / BLOCK.volume_m3
        np.testing.assert_allclose(inertia, moments)


def test_contacts_name_their_bodies_and_carry_the_weight():
    bodies = [body(at(0, 0, 0.0201 + 0.0402 * i), instance_id=7 + i) for i in range(2)]
    with BulletWorld(scene_of(bodies, [table()]), {1: BLOCK}) as world:
        world.settle(2.0)
        contacts = world.contacts()
        pairs = {frozenset((c.instance_a, c.instance_b)) for c in contacts}
        assert pairs == {frozenset((7, 1000)), frozenset((7, 8))}
        force = sum(c.normal_force_n for c in contacts if 1000 in (c.instance_a, c.instance_b))
        assert force == pytest.approx(2 * 0.5 * G, rel=0.1)
        assert all(abs(c.distance_m) < 5e-4 for c in contacts)


def test_the_room_is_no_obstacle():
    scene = sample_scene(SceneSpec(), SceneObjects(SceneSpec(), 0), 0, 0)
    with BulletWorld(scene, SceneObjects(SceneSpec(), 0)) as world:
        world.set_pose(0, np.array(at(2.8, 0, 0)))
        world.step(1.0)
        assert world.poses()[0, 2] < -4


# Settling


def test_settling_ends_at_the_limit_and_says_so():
    with world_of(BLOCK, gravity_m_s2=0) as world:
        world.set_velocity(0, np.array([0.1, 0, 0, 0, 0, 0]))
        outcome = world.settle(0.5)
        assert not outcome.at_rest
        assert outcome.time_s == pytest.approx(0.5, abs=0.05)


def test_what_has_fallen_off_does_not_keep_the_rest_from_settling():
    bodies = [body(at(0, 0, 0.021)), body(at(9, 0, 0.02), instance_id=2)]
    with BulletWorld(scene_of(bodies, [table()]), {1: BLOCK}) as world:
        outcome = world.settle(4.0)
        assert outcome.at_rest
        assert outcome.time_s < 1.0


# Determinism and memory


def some_scene(name="bin"):
    plain = {"objects": {"families": "lathe, blocks", "models": 4, "count": 6}}
    spec = overlaid(load("scene", name), plain)
    objects = SceneObjects(spec, 3)
    return sample_scene(spec, objects, 3, 0), objects


def trajectory(scene, objects):
    with BulletWorld(scene, objects) as world:
        seen = []
        for _ in range(20):
            world.step(0.05)
            seen.append(np.hstack([world.poses(), world.velocities()]))
        return np.array(seen)


def test_a_scene_moves_alike_to_the_bit_whatever_ran_before_or_beside_it():
    scene, objects = some_scene()
    first = trajectory(scene, objects)
    assert np.ptp(first[:, :, 2], axis=0).max() > 0.02
    other, others = some_scene("tabletop")
    with BulletWorld(other, others) as beside:
        beside.step(0.3)
        np.testing.assert_array_equal(trajectory(scene, objects), first)
        beside.step(0.3)
    trajectory(other, others)
    np.testing.assert_array_equal(trajectory(scene, objects), first)


def test_closing_empties_the_client_for_the_next_world_and_may_be_done_twice():
    world = world_of(BLOCK)
    client = world._client
    assert pybullet.getNumBodies(client) == 1
    world.close()
    world.close()
    assert pybullet.getNumBodies(client) == 0
    with world_of(BLOCK) as after, world_of(BLOCK) as beside:
        assert client in (after._client, beside._client)
        assert after._client != beside._client


def test_an_exception_inside_a_world_closes_it():
    world = world_of(BLOCK)
    client = world._client
    with pytest.raises(ZeroDivisionError), world:
        world.step(1 / 0)
    assert pybullet.getNumBodies(client) == 0


def test_a_client_is_thrown_away_in_time(monkeypatch):
    monkeypatch.setattr("graspsim.physics.client._USES", 3)
    monkeypatch.setattr("graspsim.physics.client._idle", {})
    clients = []
    for _ in range(4):
        with world_of(BLOCK) as world:
            clients.append(world._client)
    assert clients[0] == clients[1] == clients[2]
    assert not any(pybullet.isConnected(client) for client in {clients[0]} - {clients[3]})


def test_many_worlds_leave_neither_clients_nor_files(tmp_path, monkeypatch):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    monkeypatch.setattr("graspsim.physics.client._idle", {})
    clients = set()
    for _ in range(50):
        with world_of(ANGLE, fixtures=[table()]) as world:
            clients.add(world._client)
            assert not list(Path(tmp_path).iterdir())
            world.step(TIME_STEP_S)
    assert len(clients) == 1


def test_two_bodies_of_one_model_move_on_their_own():
    bodies = [body(at(0.2 * i, 0, 0.1 + 0.1 * i), instance_id=i + 1) for i in range(2)]
    with BulletWorld(scene_of(bodies), {1: ANGLE}) as world:
        world.set_velocity(1, np.array([0, 0, 1.0, 0, 0, 0]))
        world.step(0.1)
        gap = world.poses()[1, :3] - world.poses()[0, :3]
        np.testing.assert_allclose(gap, (0.2, 0, 0.2), atol=1e-9)


def test_a_transform_and_its_pose_spawn_the_same_body():
    world_from_body = transform(matrix_from_quat((0.3, -0.2, 0.5, 0.7)), (0.1, 0.2, 0.3))
    pose = poses_from_matrices(world_from_body[None])[0]
    with world_of(ANGLE, tuple(pose)) as world:
        np.testing.assert_allclose(matrices_from_poses(world.poses())[0], world_from_body, atol=1e-9)
