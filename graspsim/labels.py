"""Labels of one frame, by BOP's definitions, from the same geometry as its pixels."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from graspsim.geometry import Array, Intrinsics, apply, project
from graspsim.render.frame import Frame, Silhouette

NOTHING_VISIBLE = (-1, -1, -1, -1)
Rectangle = tuple[int, int, int, int]


@dataclass(frozen=True, eq=False)
class Target:
    """A body to be labelled: its ids, its box (8, 3) in the model frame, and `camera_from_model` (4, 4)."""

    instance_id: int
    obj_id: int
    box_corners_m: Array
    camera_from_model: Array


@dataclass(frozen=True, eq=False)
class InstanceLabel:
    """All that is known of one target in one image.

    Attributes:
        instance_id: its value in the frame's instance image.
        obj_id: its model.
        camera_from_model: (4, 4), OpenCV camera frame, metres.
        mask: (height, width) bool, amodal: where it would be seen if it were alone.
        mask_visible: (height, width) bool, modal: where it is seen.
        box_px: (x, y, width, height) of the amodal silhouette, which may leave the image; -1s if there is none.
        box_visible_px: the same of the visible pixels.
        pixels_all: of the amodal silhouette on a canvas three times the image.
        pixels_valid: of `mask` where the depth image holds a value.
        pixels_visible: of `mask_visible`.
        visible_fraction: `pixels_visible` / `pixels_all`, 0 if there are none.
        box_corners_m: (8, 3) corners of the axis-aligned box in the model frame, x slowest and z fastest.
        keypoints_px: (9, 2) projections of those corners and of the box's centre.
        occluded_by: instance ids of the bodies seen in front of it, most occluding first.
    """

    instance_id: int
    obj_id: int
    camera_from_model: Array
    mask: NDArray[np.bool_]
    mask_visible: NDArray[np.bool_]
    box_px: Rectangle
    box_visible_px: Rectangle
    pixels_all: int
    pixels_valid: int
    pixels_visible: int
    visible_fraction: float
    box_corners_m: Array
    keypoints_px: Array
    occluded_by: tuple[int, ...]


def label_frame(
    frame: Frame,
    silhouettes: list[Silhouette],
    targets: list[Target],
    intrinsics: Intrinsics,
    sensed_depth_m: NDArray[np.float32],
) -> list[InstanceLabel]:
    """Label every target of a frame.

    Args:
        frame: must hold depth and ids.
        silhouettes: of each target, in the order of `targets`.
        targets: what is to be labelled, and where it is.
        intrinsics: of the frame.
        sensed_depth_m: (height, width) depth image that goes with the labels, after the sensor.
    """
    assert frame.instance_ids is not None
    ids = frame.instance_ids
    height, width = ids.shape
    labels = []
    for target, silhouette in zip(targets, silhouettes, strict=True):
        x, y, w, h = silhouette.box_px
        # The silhouette's part inside the image: all else happens within that window.
        left, top, right, bottom = max(x, 0), max(y, 0), min(x + w, width), min(y + h, height)
        inside = (
            silhouette.pixels[top - y : bottom - y, left - x : right - x] if left < right and top < bottom else None
        )
        mask = np.zeros((height, width), dtype=np.bool_)
        visible = np.zeros((height, width), dtype=np.bool_)
        box_visible: Rectangle = NOTHING_VISIBLE
        occluders: tuple[int, ...] = ()
        pixels_valid = pixels_visible = 0
        if inside is not None:
            window = np.s_[top:bottom, left:right]
            seen = (ids[window] == target.instance_id) & inside
            mask[window], visible[window] = inside, seen
            pixels_valid = int(np.count_nonzero(inside & (sensed_depth_m[window] > 0)))
            pixels_visible = int(np.count_nonzero(seen))
            box_visible = _box(seen, left, top)
            occluders = _occluders(ids[window][inside], target.instance_id)
        pixels_all = int(np.count_nonzero(silhouette.pixels))
        corners = target.box_corners_m
        points = apply(target.camera_from_model, np.vstack([corners, corners.mean(axis=0)]))
        labels.append(
            InstanceLabel(
                instance_id=target.instance_id,
                obj_id=target.obj_id,
                camera_from_model=target.camera_from_model,
                mask=mask,
                mask_visible=visible,
                box_px=silhouette.box_px if pixels_all else NOTHING_VISIBLE,
                box_visible_px=box_visible,
                pixels_all=pixels_all,
                pixels_valid=pixels_valid,
                pixels_visible=pixels_visible,
                visible_fraction=pixels_visible / pixels_all if pixels_all else 0.0,
                box_corners_m=corners,
                keypoints_px=project(points, intrinsics),
                occluded_by=occluders,
            )
        )
    return labels


def box_corners(low_m: Array, high_m: Array) -> Array:
    """Return the corners (8, 3) of an axis-aligned box, x slowest and z fastest."""
    ends = np.stack([low_m, high_m])
    return np.array([[ends[i, 0], ends[j, 1], ends[k, 2]] for i in (0, 1) for j in (0, 1) for k in (0, 1)])


def _box(pixels: NDArray[np.bool_], left: int, top: int) -> Rectangle:
    rows, columns = np.flatnonzero(pixels.any(axis=1)), np.flatnonzero(pixels.any(axis=0))
    if not len(rows):
        return NOTHING_VISIBLE
    y, x = int(rows[0]), int(columns[0])
    return left + x, top + y, int(columns[-1]) + 1 - x, int(rows[-1]) + 1 - y


def _occluders(ids: NDArray[np.uint16], own: int) -> tuple[int, ...]:
    """Return the other ids within a silhouette, most frequent first and the smaller id first among equals."""
    counts = np.bincount(ids)
    found = [int(i) for i in np.flatnonzero(counts) if i not in (0, own)]
    return tuple(sorted(found, key=lambda i: (-int(counts[i]), i)))
