"""What the dense estimator learns from: crops, points and heat agree with the labels that they are made from."""

import dataclasses
from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="torch is not installed; it is in the test extra")


from graspsim.dataset.bop import BopDataset  # noqa: E402
from graspsim.geometry import apply, transform  # noqa: E402
from graspsim.pose.dense_samples import (  # noqa: E402
    crop_of,
    crop_sample,
    detector_image,
    detector_targets,
    square_around,
)
from graspsim.pose.detections import box_overlap  # noqa: E402
from graspsim.pose.networks import DETECTOR_STRIDE, MAP_PX  # noqa: E402
from graspsim.pose.samples import PoseImage  # noqa: E402
from graspsim.pose.score import load_references  # noqa: E402
from graspsim.pose.solve import pixel_grid  # noqa: E402


def test_the_points_told_of_a_crop_are_those_that_the_labels_put_there(
    pose_root: Path, pose_pictures: list[PoseImage]
) -> None:
    references = load_references(BopDataset(pose_root))
    for picture in pose_pictures:
        rgb, camera = picture.read()
        for instance in picture.instances:
            square = square_around(instance.box_px)
            crop = crop_sample(rgb, camera, instance, picture.instances, references, square)
            frame = references[instance.obj_id].frame
            assert (crop.there >= crop.visible).all()
            points = frame.metres(crop.coordinates[crop.visible].astype(np.float64))
            assert (np.abs(crop.coordinates[crop.visible]) < 1.02).all()
            seen = apply(instance.camera_from_model, points)
            pixels = seen[:, :2] / seen[:, 2:] * (camera.fx, camera.fy) + (camera.cx, camera.cy)
            x, y, width, height = instance.box_px
            assert (pixels > (x - 1, y - 1)).all()
            assert (pixels < (x + width + 1, y + height + 1)).all()


def test_without_a_mask_an_object_is_hidden_by_the_others(pose_root: Path, pose_pictures: list[PoseImage]) -> None:
    references = load_references(BopDataset(pose_root))
    missed = seen = 0
    for picture in pose_pictures:
        rgb, camera = picture.read()
        for instance in picture.instances:
            square = square_around(instance.box_px)
            masked = crop_sample(rgb, camera, instance, (), references, square).visible
            bare = dataclasses.replace(instance, mask=None)
            others = tuple(bare if other is instance else other for other in picture.instances)
            alone, told = (crop_sample(rgb, camera, bare, o, references, square).visible for o in ((), others))
            assert not (told & ~alone).any()
            # A mask's pixels are coarser than a crop's.
            missed, seen = missed + (masked & ~told).sum(), seen + masked.sum()
            pose = instance.camera_from_model
            nearer, farther = (
                dataclasses.replace(bare, camera_from_model=transform(pose[:3, :3], s * pose[:3, 3]))
                for s in (0.5, 2.0)
            )
            left = crop_sample(rgb, camera, bare, (nearer,), references, square).visible
            assert left.sum() < 0.1 * alone.sum()
            assert (crop_sample(rgb, camera, bare, (farther,), references, square).visible >= alone).all()
    assert missed < 0.03 * seen


def test_what_lies_outside_of_the_picture_is_not_seen(pose_root: Path, pose_pictures: list[PoseImage]) -> None:
    references = load_references(BopDataset(pose_root))
    for picture in pose_pictures:
        rgb, camera = picture.read()
        for instance in picture.instances:
            x, y, side, _ = square_around(instance.box_px)
            # The picture ends in the middle of the object.
            cut, bare = rgb[:, : int(x + side / 2)], dataclasses.replace(instance, mask=None)
            crop = crop_sample(cut, camera, bare, (), references, np.array([x, y, side, side]))
            assert not crop.visible[:, MAP_PX // 2 :].any()
            assert crop.visible[:, : MAP_PX // 2].any()
            assert crop.there[:, MAP_PX // 2 :].any()


def test_a_crop_shows_what_lies_in_its_square() -> None:
    rgb = np.zeros((100, 200, 3), np.uint8)
    rgb[20:60, 50:90] = 200
    crop = crop_of(rgb, np.array((30.0, 0.0, 80.0, 80.0)), 64)
    assert crop.shape == (64, 64, 3)
    assert (crop[18:46, 18:46] == 200).all()
    assert (crop[:14] == 0).all()
    assert (crop_of(rgb, np.array((-500.0, -500.0, 80.0, 80.0))) == 0).all()


@pytest.mark.parametrize("side", [41.0, 67.0, 151.0])
def test_a_crop_shows_each_point_where_the_grid_of_its_square_has_it(side: float) -> None:
    # Colours rise along both axes, by 1 for each pixel; at its centre a pixel has its own. Noise evens out rounding.
    columns, rows = np.meshgrid(np.arange(200), np.arange(180))
    noise = np.random.default_rng(0).normal(0, 6, (180, 200, 3))
    rgb = (np.stack([columns, rows, 0 * rows], axis=2) + 20 + noise).round().astype(np.uint8)
    square = np.array((12.3, 5.7, side, side))
    crop = crop_of(rgb, square, 64)[..., :2].astype(float) - 20
    off = crop - (pixel_grid(square, 64) - 0.5)
    assert np.abs(off.mean(axis=(0, 1))).max() < 0.25


def test_heat_peaks_in_the_cell_of_each_object_and_the_box_tells_its_place(pose_pictures: list[PoseImage]) -> None:
    picture = pose_pictures[0]
    rgb, _ = picture.read()
    small, scale = detector_image(rgb, 320)
    assert small.shape[1] == 320
    assert small.shape[0] % 16 == 0
    kinds = sorted({i.obj_id for i in picture.instances})
    heat, boxes = detector_targets(picture.instances, kinds, scale, small.shape[0] // 8, small.shape[1] // 8)
    peaks = np.argwhere(heat == 1)
    assert 0 < len(peaks) <= len(picture.instances)
    for _, row, column in peaks:
        off_x, off_y, log_width, log_height = boxes[:, row, column]
        middle = np.array((column + off_x, row + off_y)) * DETECTOR_STRIDE / scale
        sides = np.exp((log_width, log_height)) * DETECTOR_STRIDE / scale
        box = (*(middle - sides / 2), *sides)
        assert max(box_overlap(box, i.box_px) for i in picture.instances) > 0.99
