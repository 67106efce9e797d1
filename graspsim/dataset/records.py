"""One labelled frame, and its entries in the JSON files of a BOP scene: metres here, millimetres there.

BOP's boxes in `scene_gt_info.json` hold (x, y, max x - min x, max y - min y), one less than the pixels they span; ours
and COCO's hold the number of pixels. Both conversions are made here and nowhere else.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from graspsim.dataset.models_io import MM_PER_M, ModelInfo
from graspsim.geometry import Array, Intrinsics, apply, invert, project, transform
from graspsim.labels import NOTHING_VISIBLE, InstanceLabel, Rectangle


@dataclass(frozen=True, eq=False)
class FrameRecord:
    """One labelled image, as it is written and read.

    Attributes:
        im_id: its number in the scene.
        rgb: (height, width, 3) uint8, sRGB.
        depth_m: (height, width) float32 z-depth as the sensor gave it; 0 where there is none.
        intrinsics: of the camera.
        world_from_camera: (4, 4), None if unknown.
        labels: one per target, in the order of the ground truth.
        absent: which of "depth", "mask", "mask_visib", "scene_gt", "scene_gt_info" and "models_info" a dataset that
            was read does not have. What labels take from there is then False, 0 or -1.
    """

    im_id: int
    rgb: NDArray[np.uint8]
    depth_m: NDArray[np.float32] | None
    intrinsics: Intrinsics
    world_from_camera: Array | None
    labels: Sequence[InstanceLabel]
    absent: frozenset[str] = frozenset()


def plain_camera(frame: FrameRecord, depth_scale_mm: float) -> dict[str, Any]:
    """Return the frame's entry in `scene_camera.json`."""
    entry: dict[str, Any] = {"cam_K": frame.intrinsics.matrix.ravel().tolist(), "depth_scale": depth_scale_mm}
    if frame.world_from_camera is not None:
        camera_from_world = invert(frame.world_from_camera)
        entry["cam_R_w2c"] = camera_from_world[:3, :3].ravel().tolist()
        entry["cam_t_w2c"] = (camera_from_world[:3, 3] * MM_PER_M).tolist()
    return entry


def plain_pose(label: InstanceLabel) -> dict[str, Any]:
    """Return the instance's entry in `scene_gt.json`."""
    return {
        "cam_R_m2c": label.camera_from_model[:3, :3].ravel().tolist(),
        "cam_t_m2c": (label.camera_from_model[:3, 3] * MM_PER_M).tolist(),
        "obj_id": int(label.obj_id),
    }


def plain_info(label: InstanceLabel) -> dict[str, Any]:
    """Return the instance's entry in `scene_gt_info.json`."""
    visible = label.pixels_visible > 0
    return {
        "bbox_obj": bop_box(label.box_px) if visible else list(NOTHING_VISIBLE),
        "bbox_visib": bop_box(label.box_visible_px) if visible else list(NOTHING_VISIBLE),
        "px_count_all": int(label.pixels_all),
        "px_count_valid": int(label.pixels_valid),
        "px_count_visib": int(label.pixels_visible),
        "visib_fract": float(label.visible_fraction),
    }


def plain_instance(label: InstanceLabel) -> dict[str, Any]:
    """Return the instance's entry in `scene_instances.json`, which holds what BOP's own files have no place for."""
    return {
        "instance_id": int(label.instance_id),
        "occluded_by": [int(i) for i in label.occluded_by],
        "box_px": [int(v) for v in label.box_px],
    }


def bop_box(box_px: Sequence[int]) -> list[int]:
    """Return BOP's form of a box (x, y, width, height) in pixels."""
    x, y, width, height = (int(v) for v in box_px)
    return [x, y, width - 1, height - 1]


def box_from_bop(box: Sequence[int]) -> Rectangle:
    """Return the box (x, y, width, height) in pixels of BOP's form of it."""
    x, y, width, height = box
    return NOTHING_VISIBLE if width < 0 else (x, y, width + 1, height + 1)


def rigid(rotation: Sequence[float], translation_mm: Sequence[float]) -> Array:
    """Return the transform (4, 4), in metres, of BOP's row-major rotation (9) and translation (3) in millimetres.

    Raises:
        ValueError: if their lengths are others.
    """
    translation = np.array(translation_mm, dtype=np.float64).reshape(3)
    return transform(np.array(rotation, dtype=np.float64).reshape(3, 3), translation / MM_PER_M)


def intrinsics_from_plain(cam_k: Sequence[float], width: int, height: int) -> Intrinsics:
    """Return the camera of a row-major K (9).

    Raises:
        ValueError: if it has another length.
    """
    k = np.array(cam_k, dtype=np.float64).reshape(3, 3)
    return Intrinsics(width, height, float(k[0, 0]), float(k[1, 1]), float(k[0, 2]), float(k[1, 2]))


def label_from_plain(
    index: int,
    gt: dict[str, Any],
    info: dict[str, Any] | None,
    instance: dict[str, Any] | None,
    masks: tuple[NDArray[np.bool_], NDArray[np.bool_]],
    model: ModelInfo | None,
    intrinsics: Intrinsics,
) -> InstanceLabel:
    """Return the label of the instance at `index` of an image; what is None leaves its fields empty.

    Raises:
        KeyError, ValueError: if an entry lacks a value or has a wrong length.
    """
    camera_from_model = rigid(gt["cam_R_m2c"], gt["cam_t_m2c"])
    corners = np.zeros((8, 3)) if model is None else model.box_corners_m
    keypoints_m = np.vstack([corners, corners.mean(axis=0)])
    box = NOTHING_VISIBLE if info is None else box_from_bop(info["bbox_obj"])
    if instance is not None:
        x, y, width, height = instance["box_px"]
        box = (x, y, width, height)
    return InstanceLabel(
        instance_id=index + 1 if instance is None else int(instance["instance_id"]),
        obj_id=int(gt["obj_id"]),
        camera_from_model=camera_from_model,
        mask=masks[0],
        mask_visible=masks[1],
        box_px=box,
        box_visible_px=NOTHING_VISIBLE if info is None else box_from_bop(info["bbox_visib"]),
        pixels_all=0 if info is None else int(info["px_count_all"]),
        pixels_valid=0 if info is None else int(info.get("px_count_valid", 0)),
        pixels_visible=0 if info is None else int(info["px_count_visib"]),
        visible_fraction=0.0 if info is None else float(info["visib_fract"]),
        box_corners_m=corners,
        keypoints_px=project(apply(camera_from_model, keypoints_m), intrinsics),
        occluded_by=() if instance is None else tuple(instance["occluded_by"]),
    )
