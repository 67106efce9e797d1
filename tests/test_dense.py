"""The dense estimator around its networks: with what these ought to tell, it finds all objects where they are."""

import numpy as np
import pytest
from numpy.typing import NDArray

torch = pytest.importorskip("torch", reason="torch is not installed; it is in the test extra")

from graspsim.geometry import (  # noqa: E402
    Array,
    Intrinsics,
    apply,
    hull_box,
    invert,
    rotation_about,
    transform,
    unproject,
)
from graspsim.meshes import box_mesh  # noqa: E402
from graspsim.pose.dense import DenseEstimator  # noqa: E402
from graspsim.pose.dense_samples import detector_targets  # noqa: E402
from graspsim.pose.detections import Detection  # noqa: E402
from graspsim.pose.estimator import DEVIATION, MEAN, KnownObject  # noqa: E402
from graspsim.pose.networks import BINS, CROP_PX, DETECTOR_STRIDE, MAP_PX, MASKS  # noqa: E402
from graspsim.pose.samples import Instance  # noqa: E402
from graspsim.pose.solve import pixel_grid  # noqa: E402
from graspsim.render.raster import render_mesh  # noqa: E402

K = Intrinsics(320, 240, 400.0, 395.0, 158.0, 122.0)
OBJECTS = [KnownObject(3, 0.12, box_mesh((0.06, 0.05, 0.09))), KnownObject(8, 0.13, box_mesh((0.1, 0.04, 0.07)))]
DARK = 60
"""Of a picture that tells points by its colours, those of the ends of a box."""


class Pictured(torch.nn.Module):
    """Tells of each cell the point that the crop's colours stand for."""

    def forward(self, crops: torch.Tensor, kinds: torch.Tensor) -> torch.Tensor:
        colors = crops * torch.tensor(DEVIATION)[:, None, None] + torch.tensor(MEAN)[:, None, None]
        seen = (colors.amin(dim=1, keepdim=True) > DARK / 2).float()
        # The mean of what is seen in a cell.
        share = torch.nn.functional.avg_pool2d(seen, CROP_PX // MAP_PX)
        mean = torch.nn.functional.avg_pool2d(colors * seen, CROP_PX // MAP_PX) / share.clamp(min=0.01)
        place = ((mean - DARK) / (255 - DARK)).clamp(0, 1) * (BINS - 1)
        odds = 10 * (share - 0.5)
        bins = torch.log((1 - (place[:, :, None] - torch.arange(BINS)[:, None, None]).abs()).clamp(min=1e-6))
        return torch.cat([odds, odds, bins.flatten(1, 2)], dim=1)


def scene(
    placed: list[tuple[KnownObject, Array]],
) -> tuple[NDArray[np.uint8], NDArray[np.float32], torch.Tensor]:
    """A picture whose colours tell points, its depth, and what a detector ought to tell of it."""
    rgb, depth_m = np.zeros((K.height, K.width, 3), np.uint8), np.full((K.height, K.width), np.inf, np.float32)
    for known, pose in placed:
        own_m = render_mesh(known.mesh, pose, K)
        nearest = (own_m > 0) & (own_m < depth_m)
        scaled = known.frame.scaled(apply(invert(pose), unproject(own_m, K).reshape(-1, 3)))
        colors = (DARK + (scaled + 1) / 2 * (255 - DARK)).round().clip(0, 255)
        rgb[nearest] = colors.reshape(*own_m.shape, 3)[nearest]
        depth_m[nearest] = own_m[nearest]
    instances = [Instance(known.obj_id, pose, hull_box(pose, known.hull_m, K), 1.0, None) for known, pose in placed]
    rows, columns = K.height // DETECTOR_STRIDE, K.width // DETECTOR_STRIDE
    heat, boxes = detector_targets(instances, [known.obj_id for known in OBJECTS], 1.0, rows, columns)
    logits = np.log((heat + 1e-4) / (1.0001 - heat))
    return rgb, np.where(np.isfinite(depth_m), depth_m, 0), torch.from_numpy(np.concatenate([logits, boxes]))[None]


@pytest.mark.parametrize("with_depth", [False, True])
def test_all_objects_of_a_picture_are_found_where_they_are(with_depth: bool) -> None:
    one, other = OBJECTS
    placed = [
        (one, transform(rotation_about((1, 2, 3), 0.7), (-0.1, -0.05, 0.5))),
        (one, transform(rotation_about((-1, 0.5, 1), 1.9), (0.09, -0.06, 0.6))),
        (other, transform(rotation_about((0, 1, -2), 2.5), (0.02, 0.07, 0.55))),
    ]
    rgb, depth_m, maps = scene(placed)
    estimator = DenseEstimator(OBJECTS, 4, K.width)
    estimator.detector = lambda images: maps  # type: ignore[assignment]
    estimator.coordinates = Pictured()  # type: ignore[assignment]
    found = estimator.estimate(rgb, K, np.random.default_rng(0), depth_m if with_depth else None)
    assert sorted(estimate.obj_id for estimate in found) == [3, 3, 8]
    for known, pose in placed:
        corners = known.mesh.vertices
        off_m = [
            np.linalg.norm(apply(e.camera_from_model, corners) - apply(pose, corners), axis=1).max()
            for e in found
            if e.obj_id == known.obj_id
        ]
        assert min(off_m) < (0.001 if with_depth else 0.006)
    assert min(estimate.score for estimate in found) > 0.5


def test_what_has_no_depth_is_found_as_without_a_depth_image() -> None:
    rgb, depth_m, maps = scene([(OBJECTS[0], transform(rotation_about((1, 2, 3), 0.7), (-0.1, -0.05, 0.5)))])
    estimator = DenseEstimator(OBJECTS, 4, K.width)
    estimator.detector = lambda images: maps  # type: ignore[assignment]
    estimator.coordinates = Pictured()  # type: ignore[assignment]
    (found,), (found_in_a_hole,) = (
        estimator.estimate(rgb, K, np.random.default_rng(0), each) for each in (None, np.zeros_like(depth_m))
    )
    np.testing.assert_array_equal(found_in_a_hole.camera_from_model, found.camera_from_model)


def test_a_picture_of_nothing_holds_no_object() -> None:
    rgb, depth_m, maps = scene([])
    estimator = DenseEstimator(OBJECTS, 4, K.width)
    estimator.detector = lambda images: maps  # type: ignore[assignment]
    assert estimator.estimate(rgb, K, np.random.default_rng(0), depth_m) == []


def test_a_detection_is_moved_to_what_the_crop_shows_and_dropped_where_it_shows_nothing() -> None:
    class Bright(torch.nn.Module):
        """Tells, and is sure, that objects are where it is bright."""

        def forward(self, crops: torch.Tensor, kinds: torch.Tensor) -> torch.Tensor:
            cells = torch.nn.functional.avg_pool2d(crops.mean(dim=1), CROP_PX // MAP_PX)
            maps = torch.zeros(len(crops), MASKS + 3 * BINS, MAP_PX, MAP_PX)
            maps[:, :MASKS] = 4 * cells[:, None]
            maps[:, MASKS::BINS] = 100
            return maps

    estimator = DenseEstimator(OBJECTS[:1], 4, 320)
    estimator.coordinates = Bright()  # type: ignore[assignment]
    rgb = np.zeros((240, 320, 3), np.uint8)
    rgb[100:148, 180:220] = 255
    off, nowhere = Detection(0, 0.5, (188.0, 94.0, 44.0, 46.0)), Detection(0, 0.9, (20.0, 20.0, 40.0, 40.0))
    (found,) = estimator.looked_at(rgb, [nowhere, off])
    np.testing.assert_allclose(found.box_px, (180, 100, 40, 48), atol=2)


def test_what_is_told_of_moved_crops_lies_where_the_grid_has_it() -> None:
    estimator = DenseEstimator(OBJECTS, 4, 320)

    def mean_of_cells(crops: torch.Tensor, kinds: torch.Tensor) -> torch.Tensor:
        assert kinds.tolist() == [0] * 9 + [1] * 9
        return torch.nn.functional.avg_pool2d(crops, 4)

    estimator.coordinates = mean_of_cells  # type: ignore[assignment]
    columns, rows = np.meshgrid(np.arange(200), np.arange(180))
    rgb = (np.stack([columns, rows, 0 * rows], axis=2) + 20).astype(np.uint8)
    squares = [np.array((12.3, 5.7, side, side)) for side in (64.0, 128.0)]
    for maps, square in zip(estimator.maps_of(rgb, [0, 1], squares, 3), squares, strict=True):
        seen = maps[:2].permute(1, 2, 0).numpy() * DEVIATION[:2] + MEAN[:2] - 20
        # Colours are whole numbers, and neighbours lie 1.3 and 2.7 pixels apart.
        assert np.abs(seen - (pixel_grid(square, len(seen)) - 0.5)).max() < 0.9
