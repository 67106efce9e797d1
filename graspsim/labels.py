"""Labels of one frame, by BOP's definitions, from the same geometry as its pixels."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from graspsim.geometry import Array, Intrinsics, apply, project
from graspsim.render.frame import Frame, Silhouette

NOTHING_VISIBLE = (-1, -1, -1, -1)
Rectangle = tuple[int, int, int, int]


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
