import numpy as np
import pytest
from scenes_for_tests import (
    CAMERA,
    at,
    body,
    box_model,
    camera_from_bodies,
    fixture,
    hull_model,
    poses_of,
    renderer_of,
    scene,
    table,
)

from graspsim.geometry import Intrinsics, apply, look_at, project, quat_from_matrix, random_quat, rotation_about
from graspsim.labels import NOTHING_VISIBLE, InstanceLabel, Target, box_corners, label_frame
from graspsim.models import ObjectModel
from graspsim.scene import Pose, Scene

HERE = np.eye(4)
SQUARE = Intrinsics(200, 200, 100.0, 100.0, 100.0, 100.0)
THIN = 2e-6  # so thin that only the front of a board is seen


def labels_of(
    world: Scene,
    *models: ObjectModel,
    camera: np.ndarray = HERE,
    intrinsics: Intrinsics = SQUARE,
    sensed_depth_m: np.ndarray | None = None,
) -> list[InstanceLabel]:
    """The labels of a scene's targets, as a dump makes them."""
    renderer = renderer_of(world, *models)
    frame = renderer.render(poses_of(world), intrinsics, camera, ("depth", "ids"))
    silhouettes = renderer.silhouettes(poses_of(world), intrinsics, camera)
    poses = camera_from_bodies(world, camera)
    kept = [i for i, b in enumerate(world.bodies) if b.is_target]
    targets = []
    for i in kept:
        b = world.bodies[i]
        vertices = models[b.obj_id - 1].mesh.vertices
        targets.append(Target(b.instance_id, b.obj_id, box_corners(vertices.min(0), vertices.max(0)), poses[i]))
    depth = frame.depth_m if sensed_depth_m is None else sensed_depth_m
    return label_frame(frame, [silhouettes[i] for i in kept], targets, intrinsics, depth)


def board(x_px: float, y_px: float, w_px: float, h_px: float, z_m: float) -> tuple[ObjectModel, Pose]:
    """A thin board that faces the camera and covers a rectangle of `SQUARE`'s pixels, and its pose."""
    x, y = (x_px + w_px / 2 - 100) / 100 * z_m, (y_px + h_px / 2 - 100) / 100 * z_m
    return box_model((w_px / 100 * z_m, h_px / 100 * z_m, THIN)), at(x, y, z_m + THIN / 2)


def boards(*rectangles: tuple[float, float, float, float, float]) -> tuple[Scene, list[ObjectModel]]:
    """Boards with ids from 10 on, each given by x, y, width and height in pixels and its depth in metres."""
    made = [board(*r) for r in rectangles]
    return scene(tuple(body(10 + i, i + 1, pose) for i, (_, pose) in enumerate(made))), [m for m, _ in made]


def label_boards(*rectangles: tuple[float, float, float, float, float]) -> list[InstanceLabel]:
    world, models = boards(*rectangles)
    return labels_of(world, *models)


def clutter(seed: int, camera: np.ndarray) -> list[InstanceLabel]:
    rng = np.random.default_rng(seed)
    models = [hull_model(rng, 0.04) for _ in range(9)]
    bodies = tuple(
        body(30 + i, i + 1, at(*rng.uniform((-0.2, -0.2, 0), (0.2, 0.2, 0.1)), random_quat(rng))) for i in range(9)
    )
    return labels_of(scene(bodies, (table(),)), *models, camera=camera, intrinsics=CAMERA)


def test_a_body_alone_is_labelled_with_all_its_pixels() -> None:
    (label,) = label_boards((60, 70, 50, 40, 2.0))
    expected = np.zeros((200, 200), dtype=bool)
    expected[70:110, 60:110] = True
    np.testing.assert_array_equal(label.mask, expected)
    np.testing.assert_array_equal(label.mask_visible, expected)
    assert label.box_px == label.box_visible_px == (60, 70, 50, 40)
    assert label.pixels_all == label.pixels_visible == label.pixels_valid == 2000
    assert label.visible_fraction == 1.0
    assert label.occluded_by == ()
    assert (label.instance_id, label.obj_id) == (10, 1)


def test_a_half_hidden_body_is_visible_by_half() -> None:
    # The nearer board covers the left half of the farther one.
    far, near = label_boards((60, 60, 40, 40, 2.0), (50, 50, 30, 60, 1.0))
    assert (far.pixels_all, far.pixels_visible, far.visible_fraction) == (1600, 800, 0.5)
    assert (far.box_px, far.box_visible_px) == ((60, 60, 40, 40), (80, 60, 20, 40))
    assert far.mask.sum() == 1600
    assert far.occluded_by == (near.instance_id,)
    assert (near.visible_fraction, near.occluded_by) == (1.0, ())


def test_a_body_cut_by_the_border_counts_what_lies_outside() -> None:
    (label,) = label_boards((-30, 80, 40, 20, 2.0))
    assert label.pixels_all == 800
    assert label.pixels_visible == label.mask.sum() == 200
    assert label.visible_fraction == 0.25
    assert label.box_px == (-30, 80, 40, 20)
    assert label.box_visible_px == (0, 80, 10, 20)


def test_what_lies_beyond_the_canvas_is_not_counted() -> None:
    (label,) = label_boards((-300, 80, 350, 10, 2.0))
    assert label.box_px == (-200, 80, 250, 10)
    assert label.pixels_all == 2500
    assert label.visible_fraction == 500 / 2500


def test_a_body_beside_the_image_has_a_box_but_no_visible_one() -> None:
    (label,) = label_boards((220, 50, 40, 30, 2.0))
    assert label.box_px == (220, 50, 40, 30)
    assert label.box_visible_px == NOTHING_VISIBLE
    assert (label.pixels_all, label.pixels_visible, label.pixels_valid, label.visible_fraction) == (1200, 0, 0, 0.0)
    assert not label.mask.any()
    assert label.occluded_by == ()


def test_a_body_behind_the_camera_has_no_pixels_anywhere() -> None:
    world = scene((body(1, pose=at(0, 0, -3)),))
    (label,) = labels_of(world, box_model())
    assert label.box_px == label.box_visible_px == NOTHING_VISIBLE
    assert (label.pixels_all, label.pixels_visible, label.visible_fraction) == (0, 0, 0.0)


def test_a_fully_hidden_body_keeps_its_amodal_mask() -> None:
    hidden, _ = label_boards((60, 60, 20, 20, 2.0), (50, 50, 60, 60, 1.0))
    assert hidden.mask.sum() == hidden.pixels_all == 400
    assert not hidden.mask_visible.any()
    assert hidden.box_visible_px == NOTHING_VISIBLE
    assert (hidden.visible_fraction, hidden.occluded_by) == (0.0, (11,))


def test_occluders_are_listed_by_how_much_they_hide() -> None:
    # 40 x 40 pixels, of which the others hide 4, 12, 8 and 4 columns; equals are listed by id.
    far, *_ = label_boards(
        (60, 60, 40, 40, 2.0), (60, 50, 4, 60, 1.0), (64, 50, 12, 60, 1.0), (76, 50, 8, 60, 1.0), (84, 50, 4, 60, 1.0)
    )
    assert far.occluded_by == (12, 13, 11, 14)
    assert far.visible_fraction == pytest.approx(12 / 40)


def test_the_environment_hides_bodies_as_well() -> None:
    world, models = boards((60, 60, 40, 40, 2.0))
    wall = fixture((2.0, 2.0, THIN), (-1.2, 0, 1.0), 700)  # reaches to -0.2 m at 1 m: to pixel column 80
    (label,) = labels_of(scene(world.bodies, (wall,)), *models)
    assert (label.visible_fraction, label.occluded_by) == (0.5, (700,))


def test_distractors_hide_but_are_not_labelled() -> None:
    world, models = boards((60, 60, 40, 40, 2.0), (50, 50, 30, 60, 1.0))
    target, distractor = world.bodies
    labels = labels_of(scene((target, body(11, 2, distractor.pose, is_target=False))), *models)
    assert [label.instance_id for label in labels] == [10]
    assert labels[0].occluded_by == (11,)
    assert labels[0].visible_fraction == 0.5


def test_pixels_are_valid_where_the_sensor_saw_something() -> None:
    world, models = boards((60, 60, 40, 40, 2.0), (50, 50, 30, 60, 1.0))
    sensed = np.ones((200, 200), dtype=np.float32)
    sensed[:, 90:] = 0.0
    sensed[60:65, :] = 0.0
    far, _ = labels_of(world, *models, sensed_depth_m=sensed)
    # Of the amodal mask, hidden or not, as bop_toolkit counts: columns 60 to 89 and rows 65 to 99.
    assert far.pixels_valid == 30 * 35
    assert far.pixels_visible == 800


@pytest.mark.parametrize("seed", range(3))
def test_in_clutter_masks_boxes_and_counts_agree_with_each_other(seed: int) -> None:
    labels = clutter(seed, look_at((0.1, -0.35, 0.3), (0.05, 0.05, 0), 0.2))
    assert sum(0 < label.visible_fraction < 1 for label in labels) >= 3
    total = np.sum([label.mask_visible for label in labels], axis=0)
    assert total.max() == 1
    for label in labels:
        assert not (label.mask_visible & ~label.mask).any()
        assert label.pixels_visible == label.mask_visible.sum() <= label.mask.sum() <= label.pixels_all
        assert label.visible_fraction == pytest.approx(label.pixels_visible / max(label.pixels_all, 1))
        assert label.pixels_valid == label.mask.sum()  # the table fills the rest of the image
        for mask, box in ((label.mask, label.box_px), (label.mask_visible, label.box_visible_px)):
            rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
            if not len(rows):
                continue
            # Where a body leaves the image, the part inside need not reach the sides of its amodal box.
            if mask is label.mask_visible or mask.sum() == label.pixels_all:
                assert box == (columns[0], rows[0], np.ptp(columns) + 1, np.ptp(rows) + 1)
        hidden = label.mask & ~label.mask_visible
        assert bool(label.occluded_by) == bool(hidden.any())


def test_keypoints_are_the_projected_corners_and_the_centre_of_the_box() -> None:
    labels = clutter(5, look_at((0.1, -0.35, 0.3), (0.05, 0.05, 0)))
    for label in labels:
        points = apply(label.camera_from_model, np.vstack([label.box_corners_m, [label.box_corners_m.mean(axis=0)]]))
        np.testing.assert_allclose(label.keypoints_px, project(points, CAMERA))
        # The box holds the body, so its corners' hull holds the silhouette.
        x, y, w, h = label.box_px
        low, high = label.keypoints_px.min(axis=0), label.keypoints_px.max(axis=0)
        assert (low <= (x + 0.5, y + 0.5)).all()
        assert (high >= (x + w - 0.5, y + h - 0.5)).all()


def test_corners_are_ordered_x_slowest_and_z_fastest() -> None:
    corners = box_corners(np.array([0.0, 1.0, 2.0]), np.array([3.0, 4.0, 5.0]))
    assert corners[:3].tolist() == [[0, 1, 2], [0, 1, 5], [0, 4, 2]]
    assert corners[4].tolist() == [3, 1, 2]


def test_the_corners_of_a_turned_cube_project_where_its_silhouette_ends() -> None:
    quat = quat_from_matrix(rotation_about((1, 2, 3), 0.8))
    world = scene((body(1, pose=at(0.1, -0.1, 3.0, quat)),))
    (label,) = labels_of(world, box_model())
    x, y, w, h = label.box_px
    low, high = label.keypoints_px.min(axis=0), label.keypoints_px.max(axis=0)
    # The cube is its box: its pixels reach to within one of the outermost corners.
    np.testing.assert_allclose((x, y), low, atol=1.5)
    np.testing.assert_allclose((x + w, y + h), high, atol=1.5)
    assert (np.array((x, y)) + 0.5 >= low).all()
    assert (np.array((x + w, y + h)) - 0.5 <= high).all()
