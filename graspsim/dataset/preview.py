"""Pictures of a dataset with its labels drawn in, for people to judge at a glance."""

from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from graspsim.dataset.bop import BopDataset
from graspsim.dataset.pictures import FONT, PAPER, Color, Image, captioned, sheet
from graspsim.dataset.records import FrameRecord
from graspsim.errors import DatasetError
from graspsim.geometry import Array, Intrinsics, apply, project
from graspsim.labels import InstanceLabel

TILE_WIDTH = 480

PALETTE: tuple[Color, ...] = (
    (255, 159, 28), (46, 196, 182), (231, 90, 124), (92, 141, 255), (163, 217, 76), (199, 125, 255),
    (255, 214, 10), (76, 201, 240), (255, 112, 67), (120, 220, 160), (240, 128, 200), (170, 180, 255),
)  # fmt: skip
"""Colours of instances, apart from one another and from most photographs."""

AXES: tuple[Color, ...] = ((235, 64, 52), (88, 200, 70), (66, 120, 245))
"""x, y and z."""
AXIS_LENGTH = 0.28  # of the box's diagonal
_FEWEST_OUTLINED_PX = 12  # specks and pinholes would only blot

_BITS = 4  # fractional bits of OpenCV's coordinates
# Pairs of corners, numbered with x slowest and z fastest, that differ in one coordinate.
_EDGES = [(a, a | bit) for a in range(8) for bit in (1, 2, 4) if not a & bit]
_NEAR_M = 1e-3


def annotate(frame: FrameRecord, width_px: int | None = None) -> Image:
    """Return the frame's image (height, width, 3) with its labels drawn in.

    Per instance: its visible pixels tinted and outlined, its amodal box thin, its 3-D box, its model's axes (x red,
    y green, z blue) and its obj_id. What the dataset lacks is left out.

    Args:
        frame: as read from a dataset.
        width_px: the image is first scaled to this width, so that lines and letters stay crisp; its own by default.
    """
    height, width = frame.rgb.shape[:2]
    scale = 1.0 if width_px is None else width_px / width
    size = (round(width * scale), round(height * scale))
    interpolation = cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC
    image: Image = cv2.resize(frame.rgb, size, interpolation=interpolation).astype(np.uint8)
    # Farther ones first, so that the nearer ones' lines lie on top.
    order = sorted(enumerate(frame.labels), key=lambda item: -float(item[1].camera_from_model[2, 3]))
    for index, label in order:
        _tint(image, label, _color(index))
    for index, label in order:
        _draw_outline(image, label, _color(index), scale)
        _draw_pose(image, label, _color(index), frame.intrinsics, scale)
    for index, label in order:
        _draw_name(image, label, _color(index), frame.intrinsics, scale)
    return image


def _color(index: int) -> Color:
    return PALETTE[index % len(PALETTE)]


def _tint(image: Image, label: InstanceLabel, color: Color) -> None:
    size = (image.shape[1], image.shape[0])
    cover = cv2.resize(label.mask_visible.astype(np.float32), size, interpolation=cv2.INTER_AREA)[..., None] * 0.28
    image[:] = np.rint(image * (1 - cover) + np.array(color) * cover).astype(np.uint8)


def _draw_outline(image: Image, label: InstanceLabel, color: Color, scale: float) -> None:
    contours, _ = cv2.findContours(label.mask_visible.astype(np.uint8), cv2.RETR_CCOMP, cv2.CHAIN_APPROX_NONE)
    for contour in contours:
        if len(contour) >= _FEWEST_OUTLINED_PX:
            _polyline(image, contour[:, 0, :] + 0.5, True, color, scale, 2 if image.shape[1] >= 800 else 1)
    x, y, width, height = label.box_px
    if width > 0:
        _polyline(
            image, np.array([(x, y), (x + width, y), (x + width, y + height), (x, y + height)]), True, color, scale
        )


def _draw_pose(image: Image, label: InstanceLabel, color: Color, intrinsics: Intrinsics, scale: float) -> None:
    corners = label.box_corners_m
    size = float(np.linalg.norm(np.ptp(corners, axis=0)))
    if size == 0:  # the dataset has no models_info.json
        return
    faint = tuple(round(0.45 * c + 0.55 * 255) for c in color)
    ends = apply(label.camera_from_model, corners)
    center = corners.mean(axis=0)
    arms = apply(label.camera_from_model, np.vstack([center, center + AXIS_LENGTH * size * np.eye(3)]))
    for a, b in _EDGES:
        _segment(image, ends[[a, b]], intrinsics, (faint[0], faint[1], faint[2]), scale, 1)
    for axis, axis_color in enumerate(AXES):
        _segment(image, arms[[0, axis + 1]], intrinsics, axis_color, scale, 2)


def _segment(image: Image, ends_m: Array, intrinsics: Intrinsics, color: Color, scale: float, thickness: int) -> None:
    """Draw a segment (2, 3) given in the camera frame; one that reaches behind the camera is left out."""
    if ends_m[:, 2].min() > _NEAR_M:
        _polyline(image, project(ends_m, intrinsics), False, color, scale, thickness)


def _polyline(
    image: Image, points_px: NDArray[np.generic], closed: bool, color: Color, scale: float, thickness: int = 1
) -> None:
    """Draw a line through points (n, 2) in pixels of the unscaled image, where pixel centres lie at +0.5."""
    scaled = np.clip(np.asarray(points_px, dtype=np.float64) * scale - 0.5, -10_000, 10_000)
    fixed = np.rint(scaled * 2**_BITS).astype(np.int32)
    cv2.polylines(image, [fixed], closed, color, thickness, cv2.LINE_AA, _BITS)


def _draw_name(image: Image, label: InstanceLabel, color: Color, intrinsics: Intrinsics, scale: float) -> None:
    ys, xs = np.nonzero(label.mask_visible)
    if len(xs):
        # The name stands above the visible part, away from its axes.
        x, y = (xs.min() + xs.max()) / 2, float(ys.min())
    elif label.camera_from_model[2, 3] > _NEAR_M:
        x, y = project(label.camera_from_model[:3, 3], intrinsics).tolist()
    else:
        return
    text, size = str(label.obj_id), 0.42
    (width, height), _ = cv2.getTextSize(text, FONT, size, 1)
    left = int(np.clip(x * scale - width / 2, 3, image.shape[1] - width - 4))
    base = int(np.clip(y * scale - 5, height + 4, image.shape[0] - 5))
    cv2.rectangle(image, (left - 3, base - height - 3), (left + width + 2, base + 3), color, cv2.FILLED)
    cv2.putText(image, text, (left, base), FONT, size, PAPER, 1, cv2.LINE_AA)


def contact_sheet(roots: Sequence[Path], split: str | None = None, count: int = 12, columns: int = 4) -> Image:
    """Return annotated images, spread evenly over each dataset, as one picture (height, width, 3) in rows of `columns`.

    Args:
        roots: folders of the datasets.
        split: which one to show; the first by default.
        count: of images per dataset, at most as many as there are.
        columns: images in one row.

    Raises:
        DatasetError: if there is no such dataset or split, if it is empty, or if an image cannot be read.
    """
    if count < 1 or columns < 1:
        raise DatasetError(f"A contact sheet needs at least one image and one column; got {count} and {columns}.")
    tiles = [tile for root in roots for tile in _tiles(BopDataset(root), split, count)]
    return sheet(tiles, columns)


def _tiles(dataset: BopDataset, split: str | None, count: int) -> list[Image]:
    name = dataset.splits[0] if split is None else split
    images = [
        (scene, im) for scene in dataset.scene_ids(name) for im in sorted(dataset.scene_files(name, scene).camera)
    ]
    if not images:
        raise DatasetError(f"{dataset.root / name} holds no image.")
    shown = [images[i] for i in np.unique(np.linspace(0, len(images) - 1, min(count, len(images))).round().astype(int))]
    return [_tile(dataset, name, scene_id, im_id) for scene_id, im_id in shown]


def _tile(dataset: BopDataset, split: str, scene_id: int, im_id: int) -> Image:
    picture = annotate(dataset.read_frame(split, scene_id, im_id), TILE_WIDTH)
    return captioned(picture, f"{dataset.root.name}/{split}  scene {scene_id}  image {im_id}")
