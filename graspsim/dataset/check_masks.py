"""Checks of the masks of one image, among themselves and against `scene_gt_info.json`."""

from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from graspsim.dataset.bop import SceneFiles
from graspsim.dataset.coco import mask_box
from graspsim.dataset.encoding import read_image
from graspsim.dataset.records import bop_box
from graspsim.dataset.report import Report
from graspsim.dataset.tolerance import Tolerance
from graspsim.errors import DatasetError
from graspsim.labels import NOTHING_VISIBLE

Mask = NDArray[np.bool_]


def load_masks(
    scene: SceneFiles, kind: str, im_id: int, shape: tuple[int, int], where: str, report: Report
) -> dict[int, Mask]:
    """Return the masks of an image by instance, without those that are missing or malformed."""
    masks: dict[int, Mask] = {}
    if scene.gt is None or not (scene.folder / kind).is_dir():
        report.skip(f"{where}: no {kind} images")
        return masks
    for gt_id in range(len(scene.gt[im_id])):
        path = scene.mask(kind, im_id, gt_id)
        here = f"{where}/{kind}/{path.name}"
        if not path.exists():
            report.fault(here, f"is missing; image {im_id} has {len(scene.gt[im_id])} instances in scene_gt.json.")
            continue
        mask = _load_mask(path, here, shape, report)
        if mask is not None:
            masks[gt_id] = mask
    return masks


def _load_mask(path: Path, where: str, shape: tuple[int, int], report: Report) -> Mask | None:
    try:
        image = read_image(path)
    except DatasetError as error:
        report.fault(where, str(error))
        return None
    report.checked["masks"] += 1
    if image.shape != shape:
        report.fault(where, f"has shape {image.shape}; the image has {shape}.")
        return None
    set_to = image.max()
    if not np.isin(image, (0, set_to)).all():
        report.fault(where, f"is not binary: it holds {len(np.unique(image))} values up to {set_to}.")
        return None
    return np.asarray(image > 0)


def check_visible_masks(
    visible: dict[int, Mask], full: dict[int, Mask], tolerance: Tolerance, where: str, im_id: int, report: Report
) -> None:
    """Check that no pixel belongs to two visible masks, and that each lies in its amodal mask."""
    ids = sorted(visible)
    claims = np.sum([visible[i] for i in ids], axis=0, dtype=np.int32) if ids else np.zeros(1)
    if (claims > 1).any():
        for k, first in enumerate(ids):
            for second in ids[k + 1 :]:
                shared = int(np.count_nonzero(visible[first] & visible[second]))
                smaller = min(np.count_nonzero(visible[first]), np.count_nonzero(visible[second]))
                if shared > tolerance.overlap * smaller:
                    report.fault(
                        f"{where}/mask_visib, image {im_id}, instances {first} and {second}",
                        f"both claim {shared} pixels as visible, of {smaller} in the smaller mask.",
                    )
    for gt_id in ids:
        if gt_id in full:
            outside = int(np.count_nonzero(visible[gt_id] & ~full[gt_id]))
            if outside > tolerance.count * np.count_nonzero(visible[gt_id]):
                report.fault(
                    f"{where}/mask_visib, image {im_id}, instance {gt_id}",
                    f"{outside} visible pixels lie outside of the amodal mask.",
                )


def check_info(
    info: dict[str, Any],
    full: Mask | None,
    visible: Mask | None,
    depth: NDArray[np.float32] | None,
    tolerance: Tolerance,
    where: str,
    report: Report,
) -> None:
    """Check one entry of `scene_gt_info.json` against the masks and the depth image of its instance."""
    report.checked["gt_info entries"] += 1
    px_all, px_visible, fraction = info["px_count_all"], info["px_count_visib"], info["visib_fract"]
    if abs(fraction - (px_visible / px_all if px_all else 0.0)) > 1e-4:
        report.fault(where, f"visib_fract is {fraction}, but px_count_visib / px_count_all = {px_visible} / {px_all}.")
    if visible is not None:
        _check_count("px_count_visib", px_visible, visible, "visible mask", tolerance, where, report)
        box = mask_box(visible)
        expected = list(NOTHING_VISIBLE) if box is None else bop_box(box)
        if np.abs(np.subtract(info["bbox_visib"], expected)).max() > tolerance.box_px:
            report.fault(where, f"bbox_visib is {info['bbox_visib']}, but the visible mask's is {expected}.")
    if full is not None:
        inside = np.count_nonzero(full)
        if inside > px_all * (1 + tolerance.count):
            report.fault(where, f"px_count_all is {px_all}, but the amodal mask alone has {inside} pixels.")
        if depth is not None and "px_count_valid" in info:
            valid = full & (depth > 0)
            _check_count(
                "px_count_valid", info["px_count_valid"], valid, "amodal mask with depth", tolerance, where, report
            )


def _check_count(key: str, stated: int, mask: Mask, of: str, tolerance: Tolerance, where: str, report: Report) -> None:
    count = int(np.count_nonzero(mask))
    if abs(stated - count) > tolerance.count * count:
        report.fault(where, f"{key} is {stated}, but the {of} has {count} pixels.")


def grown(mask: Mask) -> Mask:
    """Return the mask with every pixel that touches it, corners included."""
    return np.asarray(cv2.dilate(mask.astype(np.uint8), np.ones((3, 3), np.uint8)) > 0)


def shrunk(mask: Mask) -> Mask:
    """Return the mask without its pixels that touch the outside, corners included; the image's border cuts nothing."""
    return np.asarray(cv2.erode(mask.astype(np.uint8), np.ones((3, 3), np.uint8)) > 0)
