"""`scene_gt_coco.json`: visible masks as run lengths, amodal boxes; the same numbers as bop_toolkit's calc_gt_coco.py.

It holds no dates, so that the same scene gives the same bytes.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from graspsim.labels import InstanceLabel

IGNORE_BELOW = 0.1
"""Visible fraction under which BOP ignores an instance in evaluation."""

_NO_DATE = "1970-01-01 00:00:00"


def run_lengths(mask: NDArray[np.bool_], columns: slice = slice(None)) -> list[int]:
    """Return COCO's uncompressed counts of a mask (height, width): runs down the columns, the first one of zeros.

    Args:
        mask: the pixels.
        columns: which columns hold all of the mask's pixels; leaving the others out saves most of the time.
    """
    height, width = mask.shape
    start, stop, _ = columns.indices(width)
    column_major = np.zeros(height * (stop - start) + 2, np.bool_)
    column_major[1:-1] = mask[:, start:stop].T.reshape(-1)
    changes = np.flatnonzero(column_major[1:] != column_major[:-1]) + height * start
    counts: list[int] = np.diff(changes, prepend=0, append=mask.size).tolist()
    if len(counts) > 1 and counts[-1] == 0:  # the mask holds the last pixel
        counts.pop()
    return counts


def mask_from_run_lengths(counts: Sequence[int], height: int, width: int) -> NDArray[np.bool_]:
    """Return the mask (height, width) of uncompressed counts.

    Raises:
        ValueError: if the counts do not add up to the image.
    """
    if sum(counts) != height * width:
        raise ValueError(f"run lengths add up to {sum(counts)}, not to {height}x{width} pixels")
    values = np.arange(len(counts)) % 2 == 1
    return np.repeat(values, counts).reshape(width, height).T


def mask_box(mask: NDArray[np.bool_]) -> tuple[int, int, int, int] | None:
    """Return the box (x, y, width, height) of a mask's pixels, None if it is empty."""
    columns = np.flatnonzero(mask.any(axis=0))
    if not len(columns):
        return None
    rows = np.flatnonzero(mask[:, columns[0] : columns[-1] + 1].any(axis=1))
    return int(columns[0]), int(rows[0]), int(np.ptp(columns)) + 1, int(np.ptp(rows)) + 1


def coco_image(im_id: int, file_name: str, width: int, height: int) -> dict[str, Any]:
    """Return the entry of one image; `file_name` is relative to the scene's folder."""
    return {
        "id": im_id,
        "file_name": file_name,
        "width": width,
        "height": height,
        "date_captured": _NO_DATE,
        "license": 1,
        "coco_url": "",
        "flickr_url": "",
    }


def coco_annotation(annotation_id: int, im_id: int, label: InstanceLabel) -> dict[str, Any]:
    """Return the entry of one instance, which must have a visible pixel."""
    height, width = label.mask.shape
    x, y, box_width, box_height = label.box_px
    inside = x >= 0 and y >= 0 and x + box_width <= width and y + box_height <= height
    visible_x, _, visible_width, _ = label.box_visible_px
    return {
        "id": annotation_id,
        "image_id": im_id,
        "category_id": label.obj_id,
        "iscrowd": 0,
        "area": int(label.pixels_visible),
        "bbox": list(label.box_px if inside else mask_box(label.mask) or label.box_visible_px),
        "segmentation": {
            "counts": run_lengths(label.mask_visible, slice(visible_x, visible_x + visible_width)),
            "size": [height, width],
        },
        "width": width,
        "height": height,
        "ignore": bool(label.visible_fraction < IGNORE_BELOW),
    }


def coco_scene(
    split: str, obj_ids: Sequence[int], images: list[dict[str, Any]], annotations: list[dict[str, Any]]
) -> dict[str, Any]:
    """Return the content of `scene_gt_coco.json`, which must not depend on the name of the dataset's folder."""
    return {
        "info": {
            "description": f"graspsim_{split}",
            "url": "https://github.com/thodan/bop_toolkit",
            "version": "0.1.0",
            "year": 1970,
            "contributor": "",
            "date_created": _NO_DATE,
        },
        "licenses": [],
        "categories": [{"id": i, "name": str(i), "supercategory": "graspsim"} for i in obj_ids],
        "images": images,
        "annotations": annotations,
    }
