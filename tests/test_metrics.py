"""Pose errors against closed forms, and against one another where symmetries or units make them equal."""

import numpy as np
import pytest

from graspsim.geometry import Array, Intrinsics, matrix_from_quat, project, random_quat, rotation_about, transform
from graspsim.meshes import Mesh, box_mesh
from graspsim.models import Symmetries, make_object
from graspsim.pose.metrics import Reference, add, add_s, mspd, mssd, symmetry_transforms, vsd
from graspsim.render.raster import render_mesh

K = Intrinsics(160, 120, 200.0, 200.0, 80.0, 60.0)
HALF_TURN = transform(rotation_about((0, 0, 1), np.pi))
AXIS = (np.array((0.0, 0.0, 1.0)), np.zeros(3))
SIZE_M = (0.06, 0.04, 0.1)
DIAMETER_M = float(np.linalg.norm(SIZE_M))


def box(symmetries: Symmetries = Symmetries()) -> Reference:  # noqa: B008
    return Reference(box_mesh(SIZE_M), DIAMETER_M, symmetries)


def pose(seed: int = 0) -> Array:
    rng = np.random.default_rng(seed)
    return transform(matrix_from_quat(random_quat(rng)), (*rng.uniform(-0.05, 0.05, 2), 0.5))


def moved(truth: Array, way: tuple[float, float, float]) -> Array:
    return transform(truth[:3, :3], truth[:3, 3] + way)


def depth_of(truth: Array) -> np.ndarray:
    return render_mesh(box_mesh(SIZE_M), truth, K)


@pytest.mark.parametrize("seed", range(3))
def test_the_truth_has_no_error(seed: int) -> None:
    truth, reference = pose(seed), box(Symmetries((HALF_TURN,)))
    assert mssd(truth, truth, reference) == pytest.approx(0, abs=1e-12)
    assert mspd(truth, truth, reference, K) == pytest.approx(0, abs=1e-9)
    assert add(truth, truth, reference) == 0
    assert add_s(truth, truth, reference) == pytest.approx(0, abs=1e-12)
    assert (vsd(truth, truth, reference, K, depth_of(truth), [0.05, 0.5]) == 0).all()


def test_a_shift_is_the_distance_of_every_point() -> None:
    truth = pose()
    shifted = moved(truth, (0.003, -0.004, 0.0))
    assert mssd(shifted, truth, box()) == pytest.approx(0.005)
    assert add(shifted, truth, box()) == pytest.approx(0.005)
    assert add_s(shifted, truth, box()) <= 0.005 + 1e-12


def test_a_shift_along_the_image_is_as_many_pixels_as_the_nearest_point_moves() -> None:
    truth = transform(translation=(0, 0, 0.5))
    nearest_m = 0.5 - SIZE_M[2] / 2
    assert mspd(moved(truth, (0.01, 0, 0)), truth, box(), K) == pytest.approx(0.01 * K.fx / nearest_m)


def test_a_rotation_moves_the_farthest_corner_most() -> None:
    truth, angle = transform(translation=(0, 0, 0.5)), 0.3
    turned = truth @ transform(rotation_about((0, 0, 1), angle))
    radius_m = np.hypot(SIZE_M[0], SIZE_M[1]) / 2
    assert mssd(turned, truth, box()) == pytest.approx(2 * radius_m * np.sin(angle / 2))


@pytest.mark.parametrize("seed", range(3))
def test_a_symmetric_object_turned_by_its_symmetry_has_no_error(seed: int) -> None:
    truth, reference = pose(seed), box(Symmetries((HALF_TURN,)))
    turned = truth @ HALF_TURN
    assert mssd(turned, truth, reference) == pytest.approx(0, abs=1e-12)
    assert mspd(turned, truth, reference, K) == pytest.approx(0, abs=1e-9)
    assert add_s(turned, truth, reference) == pytest.approx(0, abs=1e-9)
    assert mssd(turned, truth, box()) > 0.07
    assert add(turned, truth, reference) > 0.05


def test_any_turn_about_a_continuous_axis_is_an_error_of_half_a_step_at_most() -> None:
    mesh = make_object("primitives", np.random.default_rng(0), shape="cylinder").mesh
    reference = Reference(mesh, float(np.linalg.norm(np.ptp(mesh.vertices, axis=0))), Symmetries((), (AXIS,)))
    for angle in np.linspace(0, 2 * np.pi, 23):
        turned = pose() @ transform(rotation_about((0, 0, 1), angle))
        assert mssd(turned, pose(), reference) < 0.011 * reference.diameter_m


def test_motions_of_a_continuous_axis_move_points_by_less_than_the_step() -> None:
    motions = symmetry_transforms(Symmetries((HALF_TURN,), (AXIS,)))
    np.testing.assert_array_equal(motions[0], np.eye(4))
    radius = motions[::2, :3, :3] @ np.array((0.5, 0, 0))
    steps = np.linalg.norm(np.diff(radius, axis=0), axis=1)
    assert steps.max() < 0.0101


def test_the_axis_of_a_symmetry_may_lie_off_the_origin() -> None:
    point = np.array((0.1, 0.2, 0.0))
    for motion in symmetry_transforms(Symmetries((), ((AXIS[0], point),)))[::50]:
        np.testing.assert_allclose(motion[:3, :3] @ point + motion[:3, 3], point, atol=1e-12)


@pytest.mark.parametrize("seed", range(3))
def test_errors_are_what_the_definitions_say_point_by_point(seed: int) -> None:
    rng = np.random.default_rng(seed)
    mesh = make_object("cutlery", rng).mesh
    reference = Reference(mesh, 1.0, Symmetries((HALF_TURN,)))
    truth, estimate = pose(seed), moved(pose(seed + 10), (0.01, 0.0, 0.02))

    def placed(at: Array) -> Array:
        return mesh.vertices @ at[:3, :3].T + at[:3, 3]

    truths = [placed(truth), placed(truth @ HALF_TURN)]
    spatial = min(np.linalg.norm(placed(estimate) - t, axis=1).max() for t in truths)
    pixels = min(np.linalg.norm(project(placed(estimate), K) - project(t, K), axis=1).max() for t in truths)
    nearest = np.linalg.norm(truths[0][:, None] - placed(estimate)[None], axis=2).min(axis=1).mean()
    assert mssd(estimate, truth, reference) == pytest.approx(spatial, rel=1e-12)
    assert mspd(estimate, truth, reference, K) == pytest.approx(pixels, rel=1e-12)
    assert add_s(estimate, truth, reference) == pytest.approx(nearest, rel=1e-9)


def test_what_is_certain_to_be_beyond_the_limit_is_reported_beyond_it() -> None:
    truth = pose()
    far = moved(truth, (0.5, 0, 0))
    exact = add_s(far, truth, box())
    assert 0.1 < add_s(far, truth, box(), 0.1) <= exact


def test_half_the_surface_out_of_place_is_two_thirds_of_a_discrepancy() -> None:
    # Seen along z, a slab that is moved sideways by half of its width covers the truth by half of it.
    mesh = box_mesh((0.1, 0.1, 0.001))
    reference = Reference(mesh, 0.14, Symmetries())
    truth = transform(translation=(0, 0, 0.5))
    errors = vsd(moved(truth, (0.05, 0, 0)), truth, reference, K, render_mesh(mesh, truth, K), [0.1])
    assert errors[0] == pytest.approx(2 / 3, abs=0.03)


def test_depth_off_by_more_than_the_tolerance_disagrees_everywhere() -> None:
    mesh = box_mesh((0.1, 0.1, 0.001))
    reference = Reference(mesh, 0.1, Symmetries())
    truth = transform(translation=(0, 0, 0.5))
    near, far = vsd(moved(truth, (0, 0, 0.008)), truth, reference, K, render_mesh(mesh, truth, K), [0.2, 0.05])
    assert far == 1.0
    assert near < 0.1


def test_what_hides_the_object_is_left_out() -> None:
    mesh = box_mesh((0.1, 0.1, 0.001))
    reference = Reference(mesh, 0.1, Symmetries())
    truth = transform(translation=(0, 0, 0.5))
    depth_m = render_mesh(mesh, truth, K)
    depth_m[:, :80] = 0.3
    errors = vsd(truth, truth, reference, K, depth_m, [0.05])
    assert errors[0] == 0.0
    everywhere = np.full_like(depth_m, 0.3)
    assert vsd(truth, truth, reference, K, everywhere, [0.05])[0] == 1.0


def test_a_mesh_without_faces_to_the_camera_still_measures() -> None:
    # Both sides are drawn: scans need not be closed.
    flat = Mesh(
        np.array([(0, 0, 0), (0.1, 0, 0), (0, 0.1, 0)], dtype=float),
        np.array([(0, 1, 2)], dtype=np.int32),
        np.tile(np.float32((0, 0, 1)), (1, 3, 1)),
        np.zeros((1, 3, 2), np.float32),
        np.zeros(1, np.uint8),
    )
    assert (render_mesh(flat, transform(translation=(0, 0, 0.5)), K) > 0).any()
