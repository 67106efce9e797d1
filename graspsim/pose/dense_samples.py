"""What the dense estimator learns from: heat maps for its detector, and crops with the points that are seen there."""

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from graspsim.dataset.bop import TARGET_VISIBLE_FRACTION, read_mask
from graspsim.geometry import Intrinsics, apply, invert, unproject
from graspsim.pose.augment import Image, augmented, patched
from graspsim.pose.metrics import Reference
from graspsim.pose.networks import CROP_PX, DETECTOR_STRIDE, MAP_PX
from graspsim.pose.samples import Instance, PoseImage
from graspsim.render.raster import render_mesh

CROP_SCALE = 1.25
"""Side of a crop, of the longer side of the object's box."""
MAX_CROPS = 6
"""Of an image in a batch, so that crowded images do not outweigh the others."""
DETECTED_EVERY = 3
"""Images of which the detector learns from one: where objects are is learnt long before which points are seen."""
PATCHED = 0.3
"""Of the crops that may be changed, the share behind a patch."""
_MOST_SAMPLES = 16
"""Along each side of a crop's pixel; a larger square shows nothing that could be recognized."""
_SPREAD = 6.0
"""Of a heat map's peak: the shorter side of the box over its standard deviation."""


def square_around(box_px: Sequence[float], scale: float = CROP_SCALE) -> NDArray[np.float64]:
    """Return the square (x, y, side, side) about a box, larger by a factor."""
    x, y, width, height = box_px
    side = scale * max(width, height)
    return np.array([x + (width - side) / 2, y + (height - side) / 2, side, side])


def crop_of(rgb: Image, square: NDArray[np.float64], size: int = CROP_PX) -> Image:
    """Return what lies in a square (x, y, side, side) of a picture, (size, size, 3); outside of it, black."""
    x, y, side, _ = square
    # Several samples for a pixel, where the square is large.
    fine = size * min(max(1, int(np.ceil(side / size / 1.5))), _MOST_SAMPLES)
    scale = side / fine
    # Of pixel centres, which lie half a pixel inside.
    source = np.array([[scale, 0, x + scale / 2 - 0.5], [0, scale, y + scale / 2 - 0.5]])
    crop = cv2.warpAffine(rgb, source, (fine, fine), flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP)
    return np.asarray(crop if fine == size else cv2.resize(crop, (size, size), interpolation=cv2.INTER_AREA))


def camera_of(square: NDArray[np.float64], camera: Intrinsics, size: int) -> Intrinsics:
    """Return the camera that sees a square (x, y, side, side) of another's image as one of `size` pixels."""
    x, y, side, _ = square
    s = size / side
    return Intrinsics(size, size, camera.fx * s, camera.fy * s, (camera.cx - x) * s, (camera.cy - y) * s)


@dataclass(frozen=True, eq=False)
class Crop:
    """A crop and what is to be told of it.

    Attributes:
        rgb: (64, 64, 3).
        obj_id: which object.
        visible: (16, 16) bool.
        there: (16, 16) bool, where the object is, hidden or not.
        coordinates: (16, 16, 3) points in the model's box scaled to [-1, 1].
    """

    rgb: Image
    obj_id: int
    visible: NDArray[np.bool_]
    there: NDArray[np.bool_]
    coordinates: NDArray[np.float32]


def crop_sample(
    rgb: Image,
    camera: Intrinsics,
    instance: Instance,
    others: Sequence[Instance],
    references: dict[int, Reference],
    square: NDArray[np.float64],
) -> Crop:
    """Return what a square (x, y, side, side) shows of an object; without a mask, it is hidden where `others` are
    nearer."""
    reference = references[instance.obj_id]
    view = camera_of(square, camera, MAP_PX)
    depth_m = render_mesh(reference.mesh, instance.camera_from_model, view)
    points = apply(invert(instance.camera_from_model), unproject(depth_m, view).reshape(-1, 3))
    coordinates = reference.frame.scaled(points.reshape(MAP_PX, MAP_PX, 3)).astype(np.float32)
    there = depth_m > 0
    if instance.mask is not None:
        visible = there & _sampled(read_mask(instance.mask), square)
    else:
        visible = there & _sampled(np.ones(rgb.shape[:2], bool), square)
        for other in others:
            if other is not instance:
                before_m = render_mesh(references[other.obj_id].mesh, other.camera_from_model, view)
                visible &= (before_m == 0) | (before_m > depth_m)
    return Crop(crop_of(rgb, square), instance.obj_id, visible, there, coordinates)


def moved_square(square: NDArray[np.float64], rng: np.random.Generator) -> NDArray[np.float64]:
    """Return a square (x, y, side, side) as one from a detector, which is never quite right."""
    side = square[2] * rng.uniform(0.92, 1.1)
    middle = square[:2] + square[2:] / 2 + rng.uniform(-0.05, 0.05, 2) * side
    return np.array([*(middle - side / 2), side, side])


def augmented_crop(crop: Crop, rng: np.random.Generator, share: float) -> Crop:
    """Return a crop that is partly hidden and otherwise changed, as a share of them are."""
    rgb, visible = crop.rgb, crop.visible
    if rng.random() < PATCHED * share:
        rgb, visible = rgb.copy(), visible.copy()
        patched(rgb, visible, rng)
    return dataclasses.replace(crop, rgb=augmented(rgb, rng, share), visible=visible)


def _sampled(mask: NDArray[np.bool_], square: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Return a mask (h, w) at the cells' centres of a square, (16, 16); False outside of the picture."""
    x, y, side, _ = square
    cells = (np.arange(MAP_PX) + 0.5) * side / MAP_PX
    columns, rows = np.floor(x + cells).astype(int), np.floor(y + cells).astype(int)
    height, width = mask.shape
    inside = ((rows >= 0) & (rows < height))[:, None] & ((columns >= 0) & (columns < width))[None, :]
    picked = mask[np.clip(rows, 0, height - 1)[:, None], np.clip(columns, 0, width - 1)[None, :]]
    return np.asarray(picked & inside)


def detector_targets(
    instances: Sequence[Instance], kinds: Sequence[int], scale: float, height: int, width: int
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Return heat (kinds, h, w) and boxes (4, h, w) as the detector's loss takes them.

    Args:
        instances: of the image.
        kinds: obj_ids in the order of the heat maps.
        scale: pixels of the detector's image per pixel of the dataset's.
        height: of the maps.
        width: of the maps.
    """
    heat = np.zeros((len(kinds), height, width), np.float32)
    boxes = np.full((4, height, width), np.nan, np.float32)
    open_to_doubt = np.zeros(heat.shape, bool)
    rows, columns = np.arange(height)[:, None], np.arange(width)[None, :]
    # Those that count come last, over those that do not matter.
    for instance in sorted(instances, key=lambda i: i.visible_fraction):
        if instance.obj_id not in kinds:
            continue
        cell = np.array(instance.box_px) * scale / DETECTOR_STRIDE
        u, v = cell[0] + cell[2] / 2, cell[1] + cell[3] / 2
        # What reaches into the image from a middle outside of it is told of at the rim.
        column, row = (int(np.clip(np.floor(at), 0, side - 1)) for at, side in ((u, width), (v, height)))
        spread = max(float(min(cell[2:])) / _SPREAD, 0.5)
        peak = np.exp(-((rows - row) ** 2 + (columns - column) ** 2) / (2 * spread**2)).astype(np.float32)
        layer = heat[list(kinds).index(instance.obj_id)]
        if instance.visible_fraction < TARGET_VISIBLE_FRACTION:
            open_to_doubt[kinds.index(instance.obj_id)] |= peak > 0.1
            continue
        np.maximum(layer, peak, out=layer)
        boxes[:, row, column] = u - column, v - row, *np.log(np.maximum(cell[2:], 0.1))
    heat[open_to_doubt & (heat < 1)] = -1
    return heat, boxes


def detector_image(rgb: Image, width: int) -> tuple[Image, float]:
    """Return a picture brought to a width, its height filled up to whole steps of 16, and the scale."""
    scale = width / rgb.shape[1]
    height = round(rgb.shape[0] * scale)
    small = cv2.resize(rgb, (width, height), interpolation=cv2.INTER_AREA)
    return np.asarray(cv2.copyMakeBorder(small, 0, -height % 16, 0, -width % 16, cv2.BORDER_CONSTANT)), scale


@dataclass(frozen=True, eq=False)
class DenseBatch:
    """What a step learns from.

    Attributes:
        images: (n, h, w, 3) uint8 for the detector, of some of the pictures.
        heat: (n, kinds, h / 8, w / 8), see `detection_loss`.
        boxes: (n, 4, h / 8, w / 8).
        crops: (m, 64, 64, 3) uint8.
        kinds: (m,) int64, of the objects in the crops.
        visible: (m, 16, 16) bool.
        there: (m, 16, 16) bool.
        coordinates: (m, 3, 16, 16).
    """

    images: NDArray[np.uint8]
    heat: NDArray[np.float32]
    boxes: NDArray[np.float32]
    crops: NDArray[np.uint8]
    kinds: NDArray[np.int64]
    visible: NDArray[np.bool_]
    there: NDArray[np.bool_]
    coordinates: NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class DenseSamples:
    """Makes batches for the dense estimator.

    Attributes:
        kinds: obj_ids in the order of the networks' maps.
        references: models of these objects.
        image_width: pixels to which images are brought for the detector.
    """

    kinds: Sequence[int]
    references: dict[int, Reference]
    image_width: int

    def batch(
        self,
        pictures: Sequence[tuple[PoseImage, Image, Intrinsics]],
        rng: np.random.Generator,
        share: float = 1.0,
    ) -> DenseBatch:
        """Return what is to be learnt from some pictures, a share of which is changed as `rng` has it."""
        images, heats, boxes, crops = [], [], [], []
        first = int(rng.integers(min(DETECTED_EVERY, len(pictures))))
        for n, (picture, rgb, camera) in enumerate(pictures):
            for instance in _chosen(picture, rng):
                square = moved_square(square_around(instance.box_px), rng)
                crop = crop_sample(rgb, camera, instance, picture.instances, self.references, square)
                crops.append(augmented_crop(crop, rng, share))
            if n % DETECTED_EVERY != first:
                continue
            small, scale = detector_image(rgb, self.image_width)
            rows, columns = (side // DETECTOR_STRIDE for side in small.shape[:2])
            heat, box = detector_targets(picture.instances, self.kinds, scale, rows, columns)
            images.append(augmented(small, rng, share))
            heats.append(heat)
            boxes.append(box)
        return DenseBatch(
            filled_up(images, 0),
            np.moveaxis(filled_up([np.moveaxis(h, 0, 2) for h in heats], 0), 3, 1),
            np.moveaxis(filled_up([np.moveaxis(b, 0, 2) for b in boxes], np.nan), 3, 1),
            np.array([crop.rgb for crop in crops], dtype=np.uint8),
            np.array([self.kinds.index(crop.obj_id) for crop in crops], dtype=np.int64),
            np.array([crop.visible for crop in crops], dtype=np.bool_),
            np.array([crop.there for crop in crops], dtype=np.bool_),
            np.array([crop.coordinates.transpose(2, 0, 1) for crop in crops], dtype=np.float32),
        )


def _chosen(image: PoseImage, rng: np.random.Generator) -> list[Instance]:
    """Return those objects of an image to learn from."""
    seen = [i for i in image.instances if i.visible_fraction >= TARGET_VISIBLE_FRACTION]
    if len(seen) <= MAX_CROPS:
        return seen
    return [seen[i] for i in rng.choice(len(seen), MAX_CROPS, replace=False)]


def filled_up(arrays: list[NDArray[Any]], value: float) -> NDArray[Any]:
    """Return arrays (h, w, c) of several heights as one, the shorter ones filled up below."""
    height = max(len(array) for array in arrays)
    result = np.full((len(arrays), height, *arrays[0].shape[1:]), value, dtype=arrays[0].dtype)
    for row, array in zip(result, arrays, strict=True):
        row[: len(array)] = array
    return result
