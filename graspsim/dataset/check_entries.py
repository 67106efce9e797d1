"""Checks of what the JSON files of a scene say, before any image is opened."""

from collections.abc import Collection, Sequence
from typing import Any

import numpy as np

from graspsim.dataset.bop import SceneFiles
from graspsim.dataset.files import read_json
from graspsim.dataset.records import bop_box
from graspsim.dataset.report import Report
from graspsim.dataset.tolerance import Tolerance, tolerance_of
from graspsim.errors import DatasetError, GraspsimError
from graspsim.plain import from_plain
from graspsim.scene import Sensor

INFO_KEYS = ("bbox_obj", "bbox_visib", "px_count_all", "px_count_visib", "visib_fract")


def check_entries(scene: SceneFiles, where: str, report: Report) -> list[int]:
    """Check the schema of all entries of a scene; return the images whose entries can be worked with."""
    gt, info, tolerance = scene.gt, scene.info, tolerance_of(scene.folder)
    if gt is None:
        report.skip(f"{where}: no scene_gt.json, so no label is checked")
    elif sorted(gt) != sorted(scene.camera):
        odd = sorted(set(gt) ^ set(scene.camera))
        report.fault(f"{where}/scene_gt.json", f"its images are not those of scene_camera.json; in one only: {odd}.")
    if info is None:
        report.skip(f"{where}: no scene_gt_info.json, so no pixel count, box or visible fraction is checked")
    sound = [im_id for im_id in sorted(scene.camera) if _camera(scene.camera[im_id], where, im_id, tolerance, report)]
    if gt is None:
        return sound
    sound = [im_id for im_id in sound if im_id in gt and _poses(gt[im_id], where, im_id, tolerance, report)]
    if info is None:
        return sound
    if sorted(info) != sorted(gt):
        odd = sorted(set(info) ^ set(gt))
        report.fault(f"{where}/scene_gt_info.json", f"its images are not those of scene_gt.json; in one only: {odd}.")
    return [i for i in sound if i in info and _infos(info[i], len(gt[i]), where, i, report)]


def check_instances(scene: SceneFiles, sound: Collection[int], where: str, report: Report) -> None:
    """Check `scene_instances.json`, which only our own datasets have, against the other entries of the sound images."""
    if scene.instances is None or scene.gt is None:
        report.skip(f"{where}: no scene_instances.json with ground truth")
        return
    where = f"{where}/scene_instances.json"
    if sorted(scene.instances) != sorted(scene.gt):
        odd = sorted(set(scene.instances) ^ set(scene.gt))
        report.fault(where, f"its images are not those of scene_gt.json; in one only: {odd}.")
    for im_id in (i for i in sound if i in scene.instances):
        here, entries, count = f"{where}, image {im_id}", scene.instances[im_id], len(scene.gt[im_id])
        if not isinstance(entries, list) or len(entries) != count:
            found = len(entries) if isinstance(entries, list) else "no list of"
            report.fault(here, f"has {found} instances, but scene_gt.json has {count}.")
            continue
        seen: dict[int, int] = {}
        for gt_id, entry in enumerate(entries):
            report.checked["instances"] += 1
            if not _instance(entry, f"{here}, instance {gt_id}", report):
                continue
            own = entry["instance_id"]
            if own in seen:
                report.fault(f"{here}, instance {gt_id}", f"instance_id {own} is that of instance {seen[own]}, too.")
            seen.setdefault(own, gt_id)
            info = None if scene.info is None else scene.info[im_id][gt_id]
            if info is not None and info["px_count_visib"] and bop_box(entry["box_px"]) != info["bbox_obj"]:
                report.fault(
                    f"{here}, instance {gt_id}",
                    f"box_px is {entry['box_px']}, but scene_gt_info.json has bbox_obj {info['bbox_obj']}.",
                )


def _instance(entry: Any, where: str, report: Report) -> bool:
    keys = ("instance_id", "occluded_by", "box_px")
    missing = [key for key in keys if key not in entry] if isinstance(entry, dict) else list(keys)
    if missing:
        report.fault(where, f"lacks {', '.join(missing)}.")
        return False
    own, occluders = entry["instance_id"], entry["occluded_by"]
    if not _is_id(own):
        report.fault(where, f"instance_id must be a whole number from 1 on; got {own!r}.")
        return False
    if not isinstance(occluders, list) or not all(_is_id(i) for i in occluders) or len(set(occluders)) < len(occluders):
        report.fault(where, f"occluded_by must list different whole numbers from 1 on; got {occluders!r}.")
    elif own in occluders:
        report.fault(where, f"is occluded_by itself: {own} is in {occluders}.")
    if not _numbers(entry["box_px"], 4):
        report.fault(where, f"box_px must hold 4 numbers; got {entry['box_px']!r}.")
        return False
    return True


def check_sensors(scene: SceneFiles, where: str, report: Report) -> dict[int, Sensor]:
    """Return the sensors that `scene_params.json` of our own datasets names, by image; none where it names none."""
    path = scene.folder / "scene_params.json"
    if not path.exists():
        return {}
    try:
        content = read_json(path)
    except DatasetError as error:
        report.fault(f"{where}/scene_params.json", str(error))
        return {}
    views = content.get("views") if isinstance(content, dict) else None
    sensors: dict[int, Sensor] = {}
    for im_id, view in enumerate(views if isinstance(views, list) else ()):
        if not isinstance(view, dict) or "sensor" not in view:
            continue
        try:
            sensor = from_plain(Sensor, view["sensor"])
        except GraspsimError as error:
            report.fault(f"{where}/scene_params.json, view {im_id}", f"lacks or garbles its sensor: {error}")
            continue
        errors = [sensor.depth_baseline_m, sensor.depth_disparity_step_px, sensor.depth_noise_px]
        if _numbers(errors, 3) and min(errors) >= 0:
            sensors[im_id] = sensor
        else:
            named = "depth_baseline_m, depth_disparity_step_px and depth_noise_px"
            report.fault(
                f"{where}/scene_params.json, view {im_id}",
                f"{named} of its sensor must be finite numbers from 0 on; got {', '.join(map(str, errors))}.",
            )
    return sensors


def _camera(entry: Any, where: str, im_id: int, tolerance: Tolerance, report: Report) -> bool:
    where = f"{where}/scene_camera.json, image {im_id}"
    report.checked["cameras"] += 1
    if not isinstance(entry, dict) or not _numbers(entry.get("cam_K"), 9):
        report.fault(where, "cam_K must hold 9 numbers, row by row.")
        return False
    k = np.reshape(entry["cam_K"], (3, 3))
    if k[0, 0] <= 0 or k[1, 1] <= 0:
        report.fault(where, f"cam_K has focal lengths {k[0, 0]:g} and {k[1, 1]:g}; both must be positive.")
        return False
    if not np.allclose(k[2], (0, 0, 1)) or k[1, 0] != 0:
        report.fault(where, f"cam_K must have rows (fx, s, cx), (0, fy, cy), (0, 0, 1); got {entry['cam_K']}.")
        return False
    scale = entry.get("depth_scale", 1.0)
    if not _numbers([scale], 1) or scale <= 0:
        report.fault(where, f"depth_scale must be a positive number; got {scale!r}.")
        return False
    if "cam_R_w2c" in entry or "cam_t_w2c" in entry:
        return _rigid(entry, "cam_R_w2c", "cam_t_w2c", where, tolerance, report)
    return True


def _poses(entries: Any, where: str, im_id: int, tolerance: Tolerance, report: Report) -> bool:
    where = f"{where}/scene_gt.json, image {im_id}"
    if not isinstance(entries, list):
        report.fault(where, f"must hold a list of instances; got {type(entries).__name__}.")
        return False
    sound = True
    for gt_id, entry in enumerate(entries):
        report.checked["poses"] += 1
        here = f"{where}, instance {gt_id}"
        if not isinstance(entry, dict) or not isinstance(entry.get("obj_id"), int):
            report.fault(here, "lacks an obj_id that is a whole number.")
            sound = False
        else:
            sound &= _rigid(entry, "cam_R_m2c", "cam_t_m2c", here, tolerance, report)
    return sound


def _rigid(
    entry: dict[str, Any], rotation_key: str, translation_key: str, where: str, tolerance: Tolerance, report: Report
) -> bool:
    """Check a rigid transform; one that is there but no exact rotation is a fault that can be worked with."""
    for key, length in ((rotation_key, 9), (translation_key, 3)):
        if not _numbers(entry.get(key), length):
            report.fault(where, f"{key} must hold {length} finite numbers; got {entry.get(key)!r}.")
            return False
    rotation = np.reshape(entry[rotation_key], (3, 3))
    off, determinant = float(np.abs(rotation @ rotation.T - np.eye(3)).max()), float(np.linalg.det(rotation))
    if off > tolerance.rotation or determinant < 0:
        report.fault(where, f"{rotation_key} is no rotation: R·Rᵀ is off by {off:.2g}, determinant {determinant:.4f}.")
    return True


def _infos(entries: Any, instances: int, where: str, im_id: int, report: Report) -> bool:
    where = f"{where}/scene_gt_info.json, image {im_id}"
    if not isinstance(entries, list) or len(entries) != instances:
        count = len(entries) if isinstance(entries, list) else "no list of"
        report.fault(where, f"has {count} instances, but scene_gt.json has {instances}.")
        return False
    sound = True
    for gt_id, entry in enumerate(entries):
        missing = [key for key in INFO_KEYS if key not in entry] if isinstance(entry, dict) else list(INFO_KEYS)
        if missing:
            report.fault(f"{where}, instance {gt_id}", f"lacks {', '.join(missing)}.")
            sound = False
        elif not (_numbers(entry["bbox_obj"], 4) and _numbers(entry["bbox_visib"], 4)):
            report.fault(f"{where}, instance {gt_id}", "bbox_obj and bbox_visib must hold 4 numbers each.")
            sound = False
    return sound


def _is_id(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 1


def _numbers(value: Any, length: int) -> bool:
    """Whether `value` is a list of `length` finite numbers."""
    if not isinstance(value, Sequence) or isinstance(value, str) or len(value) != length:
        return False
    return all(isinstance(v, int | float) and not isinstance(v, bool) and np.isfinite(v) for v in value)
