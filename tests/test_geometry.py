import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from graspsim.geometry import (
    Intrinsics,
    apply,
    invert,
    look_at,
    matrices_from_poses,
    matrix_from_quat,
    poses_from_matrices,
    project,
    quat_from_matrix,
    random_quat,
    rotation_about,
    transform,
    unproject,
)

CAMERA = Intrinsics(64, 48, 70.0, 75.0, 33.5, 22.0)


def rng(seed=0):
    return np.random.default_rng(seed)


def random_transforms(count=200):
    generator = rng(1)
    quats = [random_quat(generator) for _ in range(count)]
    return np.array([transform(matrix_from_quat(q), generator.normal(size=3)) for q in quats])


def half_turns():
    """Rotations by pi, or nearly: where w vanishes and a careless formula divides by zero."""
    axes = [*np.eye(3), (1, 1, 0), (0, 1, -1), (1, 1, 1), (1e-9, 1, 0)]
    return [rotation_about(axis, np.pi + off) for axis in axes for off in (0, 1e-9, -1e-9)]


def test_a_transform_turns_before_it_moves():
    a_from_b = transform(rotation_about((0, 0, 1), np.pi / 2), (10, 0, 0))
    np.testing.assert_allclose(apply(a_from_b, [(1, 0, 0)]), [(10, 1, 0)], atol=1e-15)


def test_transforms_compose_as_their_names_say():
    a_from_b, b_from_c = random_transforms(2)
    points = rng().normal(size=(5, 3))
    np.testing.assert_allclose(apply(a_from_b @ b_from_c, points), apply(a_from_b, apply(b_from_c, points)))


def test_invert_undoes_a_transform_alone_and_in_a_batch():
    many = random_transforms()
    np.testing.assert_allclose(many @ invert(many), np.broadcast_to(np.eye(4), many.shape), atol=1e-14)
    np.testing.assert_array_equal(invert(many)[7], invert(many[7]))
    np.testing.assert_allclose(invert(invert(many)), many, atol=1e-14)


def test_invert_keeps_an_empty_batch_empty():
    assert invert(np.zeros((0, 4, 4))).shape == (0, 4, 4)


def test_quaternions_follow_the_xyzw_convention_of_scipy():
    quats = rng().normal(size=(100, 4))
    np.testing.assert_allclose(matrix_from_quat(quats), Rotation.from_quat(quats).as_matrix(), atol=1e-14)


def test_quaternions_and_matrices_are_inverse_up_to_sign():
    generator = rng(2)
    for _ in range(500):
        quat_xyzw = random_quat(generator)
        back = quat_from_matrix(matrix_from_quat(quat_xyzw))
        np.testing.assert_allclose(back, quat_xyzw * np.sign(quat_xyzw[3]), atol=1e-14)


@pytest.mark.parametrize("rotation", half_turns())
def test_a_half_turn_survives_the_way_through_a_quaternion(rotation):
    quat_xyzw = quat_from_matrix(rotation)
    assert quat_xyzw[3] >= 0
    np.testing.assert_allclose(np.linalg.norm(quat_xyzw), 1, atol=1e-15)
    np.testing.assert_allclose(matrix_from_quat(quat_xyzw), rotation, atol=1e-12)


def test_rotation_about_agrees_with_scipy_and_needs_no_unit_axis():
    for axis, angle in [((1, 2, 3), 0.7), ((0, 0, 5), -3.0), ((-1, 0, 1), 6.0)]:
        unit = np.array(axis) / np.linalg.norm(axis)
        np.testing.assert_allclose(rotation_about(axis, angle), Rotation.from_rotvec(unit * angle).as_matrix())


def test_random_rotations_are_uniform():
    generator = rng(3)
    count = 20_000
    quats = np.array([random_quat(generator) for _ in range(count)])
    np.testing.assert_allclose(np.linalg.norm(quats, axis=1), 1)
    rotations = matrix_from_quat(quats)
    # Each entry of a uniform rotation has mean 0 and variance 1/3.
    assert np.abs(rotations.mean(axis=0)).max() < 5 / np.sqrt(3 * count)
    np.testing.assert_allclose(rotations.var(axis=0), 1 / 3, atol=0.01)
    # Of the angle the density is (1 - cos) / pi (Haar measure), so its mean is pi / 2 + 2 / pi.
    angle = 2 * np.arccos(np.minimum(np.abs(quats[:, 3]), 1))
    np.testing.assert_allclose(angle.mean(), np.pi / 2 + 2 / np.pi, atol=0.02)


def test_pose_arrays_and_matrices_are_inverse():
    many = random_transforms()
    poses = poses_from_matrices(many)
    assert poses.shape == (len(many), 7)
    np.testing.assert_allclose(matrices_from_poses(poses), many, atol=1e-14)


def test_a_single_pose_and_no_pose_are_pose_arrays_too():
    assert matrices_from_poses((1, 2, 3, 0, 0, 0, 1)).shape == (1, 4, 4)
    assert matrices_from_poses(np.zeros((0, 7))).shape == (0, 4, 4)
    assert poses_from_matrices(np.zeros((0, 4, 4))).shape == (0, 7)


def eyes_and_targets():
    generator = rng(4)
    pairs = [(generator.normal(size=3), generator.normal(size=3)) for _ in range(50)]
    straight = [((0, 0, 1), (0, 0, 0)), ((0, 0, -1), (0, 0, 0)), ((1e-5, 0, 1), (0, 0, 0))]
    return [*pairs, *straight]


@pytest.mark.parametrize("roll_rad", [0.0, 0.8, -2.5])
def test_look_at_puts_the_target_on_the_optical_axis(roll_rad):
    for eye, target in eyes_and_targets():
        world_from_camera = look_at(eye, target, roll_rad)
        np.testing.assert_allclose(world_from_camera[:3, :3] @ world_from_camera[:3, :3].T, np.eye(3), atol=1e-12)
        assert np.linalg.det(world_from_camera[:3, :3]) == pytest.approx(1)
        distance = np.linalg.norm(np.subtract(target, eye))
        np.testing.assert_allclose(apply(invert(world_from_camera), [target]), [(0, 0, distance)], atol=1e-12)
        np.testing.assert_allclose(world_from_camera[:3, 3], eye)


def test_look_at_keeps_up_up_and_the_horizon_level():
    for eye, target in eyes_and_targets()[:50]:
        world_from_camera = look_at(eye, target)
        # The camera's y runs down, its x along the horizon.
        assert world_from_camera[2, 1] < 0
        assert abs(world_from_camera[2, 0]) < 1e-12


def test_looking_straight_down_takes_world_y_as_up():
    np.testing.assert_allclose(look_at((0, 0, 1), (0, 0, 0))[:3, 1], (0, -1, 0), atol=1e-15)


def test_roll_turns_the_image_about_the_optical_axis():
    level, rolled = look_at((1, 0, 1), (0, 0, 0)), look_at((1, 0, 1), (0, 0, 0), 0.3)
    np.testing.assert_allclose(level[:3, :3].T @ rolled[:3, :3], rotation_about((0, 0, 1), 0.3), atol=1e-14)


def test_projection_is_multiplication_by_the_camera_matrix():
    points = rng().uniform((-1, -1, 0.5), (1, 1, 3), (50, 3))
    homogeneous = points @ CAMERA.matrix.T
    np.testing.assert_allclose(project(points, CAMERA), homogeneous[:, :2] / homogeneous[:, 2:])


def test_a_point_in_the_plane_of_the_camera_projects_to_infinity_without_a_warning(recwarn):
    assert not np.isfinite(project((1.0, 1.0, 0.0), CAMERA)).any()
    assert not recwarn.list


def test_unproject_and_project_are_inverse_at_pixel_centres():
    depth_m = rng().uniform(0.3, 2.0, (CAMERA.height, CAMERA.width)).astype(np.float32)
    points = unproject(depth_m, CAMERA)
    np.testing.assert_array_equal(points[..., 2], depth_m)
    v, u = np.mgrid[: CAMERA.height, : CAMERA.width] + 0.5
    np.testing.assert_allclose(project(points, CAMERA), np.stack([u, v], axis=-1), atol=1e-10)


def test_a_hole_in_the_depth_unprojects_to_the_origin():
    assert not unproject(np.zeros((3, 4), np.float32), CAMERA).any()
