"""Checks of which files a scene has, of its checksums and its COCO file, and of the files at the dataset's root."""

import hashlib
import math
import re
from collections import Counter
from collections.abc import Collection
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from graspsim.dataset.bop import BopDataset, SceneFiles, read_mask, visible_counts
from graspsim.dataset.coco import mask_box, mask_from_run_lengths
from graspsim.dataset.files import read_json
from graspsim.dataset.report import Report
from graspsim.errors import DatasetError

CAMERA_KEYS = ("cx", "cy", "fx", "fy", "height", "width")


def is_temporary(name: str) -> bool:
    """Whether a file or folder is no part of a dataset: a run that was killed leaves names that start with a dot."""
    return name.startswith(".")


def check_names(scene: SceneFiles, where: str, report: Report) -> None:
    """Check that no image or mask lies in a scene that no entry knows of."""
    for kind in ("rgb", "gray", "depth"):
        for path in sorted((scene.folder / kind).glob("*")):
            if path.stem.isdigit() and int(path.stem) not in scene.camera:
                report.fault(f"{where}/{kind}/{path.name}", "scene_camera.json has no such image.")
    for kind in ("mask", "mask_visib"):
        for path in sorted((scene.folder / kind).glob("*_*.png")):
            match = re.fullmatch(r"(\d+)_(\d+)", path.stem)
            if match is None or scene.gt is None:
                continue
            im_id, gt_id = int(match[1]), int(match[2])
            count = len(scene.gt.get(im_id, ()))
            if gt_id >= count:
                report.fault(
                    f"{where}/{kind}/{path.name}", f"scene_gt.json has only {count} instances in image {im_id}."
                )


def check_checksums(scene: SceneFiles, where: str, chosen: Collection[int], report: Report) -> None:
    """Check the files of the chosen images, and those of no image, against `checksums.json`, if there is one."""
    path = scene.folder / "checksums.json"
    if not path.exists():
        report.skip(f"{where}: no checksums.json")
        return
    try:
        expected = read_json(path)
    except DatasetError as error:
        report.fault(f"{where}/checksums.json", str(error))
        return
    files = (p.relative_to(scene.folder) for p in scene.folder.rglob("*") if p.is_file())
    present = {p.as_posix() for p in files if not any(is_temporary(part) for part in p.parts)}
    for name in sorted(present - set(expected) - {"checksums.json"}):
        report.fault(f"{where}/{name}", "is not listed in checksums.json.")
    for name, digest in expected.items():
        number = Path(name).stem.split("_")[0]
        if "/" in name and number.isdigit() and int(number) not in chosen:
            continue
        if name not in present:
            report.fault(f"{where}/{name}", "is missing, but listed in checksums.json.")
            continue
        report.checked["checksums"] += 1
        actual = hashlib.sha256((scene.folder / name).read_bytes()).hexdigest()
        if actual != digest:
            report.fault(
                f"{where}/{name}", f"is damaged: sha256 is {actual[:12]}…, checksums.json says {str(digest)[:12]}…."
            )


def check_coco(scene: SceneFiles, where: str, chosen: Collection[int], report: Report) -> None:
    """Check `scene_gt_coco.json`, if there is one, against the ground truth and the masks of the chosen images."""
    path = scene.folder / "scene_gt_coco.json"
    if not path.exists() or scene.gt is None or not (scene.folder / "mask_visib").is_dir():
        report.skip(f"{where}: no scene_gt_coco.json with ground truth and visible masks to compare")
        return
    where = f"{where}/scene_gt_coco.json"
    try:
        content = read_json(path)
        image_ids = [image["id"] for image in content["images"]]
        annotations: dict[int, list[dict[str, Any]]] = {im_id: [] for im_id in image_ids}
        categories = {category["id"] for category in content["categories"]}
        for annotation in content["annotations"]:
            if annotation["image_id"] not in annotations:
                report.fault(
                    f"{where}, annotation {annotation['id']}", f"there is no image {annotation['image_id']} in it."
                )
            elif annotation["category_id"] not in categories:
                report.fault(
                    f"{where}, annotation {annotation['id']}", f"there is no category {annotation['category_id']}."
                )
            else:
                annotations[annotation["image_id"]].append(annotation)
        for im_id in image_ids:
            if im_id not in scene.gt:
                report.fault(where, f"image {im_id} is not in scene_gt.json.")
            elif im_id in chosen:
                _check_coco_image(scene, im_id, annotations[im_id], where, report)
    except DatasetError as error:
        report.fault(where, str(error))
    except (KeyError, TypeError, ValueError) as error:
        report.fault(where, f"lacks or garbles a value: {error!r}.")


def _check_coco_image(
    scene: SceneFiles, im_id: int, annotations: list[dict[str, Any]], where: str, report: Report
) -> None:
    assert scene.gt is not None
    where = f"{where}, image {im_id}"
    visible: list[tuple[int, NDArray[np.bool_]]] = []
    for gt_id in range(len(scene.gt[im_id])):
        path = scene.mask("mask_visib", im_id, gt_id)
        if not path.exists():
            return  # reported where the masks are checked
        mask = read_mask(path)
        if mask.any():
            visible.append((gt_id, mask))
    if len(annotations) != len(visible):
        report.fault(where, f"has {len(annotations)} annotations for {len(visible)} visible instances.")
        return
    for annotation, (gt_id, mask) in zip(annotations, visible, strict=True):
        report.checked["COCO annotations"] += 1
        here = f"{where}, annotation {annotation['id']} (instance {gt_id})"
        obj_id, area = scene.gt[im_id][gt_id]["obj_id"], int(np.count_nonzero(mask))
        if annotation["category_id"] != obj_id:
            report.fault(here, f"category_id is {annotation['category_id']}, but scene_gt.json has obj_id {obj_id}.")
        if annotation["area"] != area:
            report.fault(here, f"area is {annotation['area']}, but the visible mask has {area} pixels.")
        counts = annotation["segmentation"]["counts"] if isinstance(annotation["segmentation"], dict) else None
        if isinstance(counts, list):
            if not np.array_equal(mask_from_run_lengths(counts, *mask.shape), mask):
                report.fault(here, "its run lengths are not the visible mask.")
        else:
            report.skip(f"{scene.folder.name}: COCO segmentations that are not plain run lengths")
        amodal = scene.mask("mask", im_id, gt_id)
        boxes = [mask_box(mask), mask_box(read_mask(amodal)) if amodal.exists() else None]
        if tuple(annotation["bbox"]) not in boxes:
            report.fault(here, f"bbox is {annotation['bbox']}, but the masks' boxes are {boxes}.")


def check_targets(dataset: BopDataset, splits: list[str], report: Report) -> None:
    """Check `test_targets_bop19.json`, if there is one, against the split that it is made for."""
    path = dataset.root / "test_targets_bop19.json"
    only_split = sum(not is_temporary(s) for s in dataset.splits) == 1
    tested = [s for s in splits if s.startswith("test")] or (splits if only_split else [])
    if not path.exists() or not tested:
        report.skip("no test_targets_bop19.json with a split that it is made for")
        return
    listed: dict[tuple[int, int], Counter[int]] = {}
    try:
        for target in read_json(path):
            image = listed.setdefault((target["scene_id"], target["im_id"]), Counter())
            image[target["obj_id"]] += target["inst_count"]
    except (DatasetError, KeyError, TypeError) as error:
        report.fault(path.name, f"lacks or garbles a value: {error!r}.")
        return
    known = set(dataset.scene_ids(tested[0]))
    for (scene_id, im_id), counts in sorted(listed.items()):
        where = f"{path.name}, scene {scene_id}, image {im_id}"
        report.checked["targets"] += len(counts)
        if scene_id not in known:
            report.fault(where, f"there is no such scene in {tested[0]}.")
            continue
        try:
            scene = dataset.scene_files(tested[0], scene_id)
        except DatasetError:
            continue  # reported where the scene is checked
        if scene.gt is None or im_id not in scene.gt:
            report.fault(where, "there is no such image in scene_gt.json.")
            continue
        try:
            present = Counter(entry["obj_id"] for entry in scene.gt[im_id])
            exact = None if scene.info is None else visible_counts(scene.gt[im_id], scene.info[im_id])
        except (KeyError, TypeError, ValueError):
            continue  # reported where the entries are checked
        if exact is not None and exact != counts:
            report.fault(where, f"lists {dict(counts)}, but {dict(exact)} are visible by a tenth or more.")
        elif exact is None and counts - present:
            report.fault(where, f"lists {dict(counts)}, but scene_gt.json has only {dict(present)}.")


def check_camera(root: Path, sizes: dict[tuple[int, int], str], report: Report) -> None:
    """Check `camera.json`, if there is one, against the sizes (height, width) of images and where each was met.

    Others' need not have their images' size: by BOP's definition the file serves simulation only.
    """
    path = root / "camera.json"
    if not path.exists():
        report.skip("no camera.json")
        return
    try:
        content = read_json(path)
        missing = [key for key in CAMERA_KEYS if key not in content]
        if missing:
            report.fault(path.name, f"lacks {', '.join(missing)}.")
            return
        cx, cy, fx, fy, height, width = (float(content[key]) for key in CAMERA_KEYS)
        scale = float(content.get("depth_scale", 1.0))
    except (DatasetError, TypeError, ValueError, AttributeError) as error:
        report.fault(path.name, f"lacks or garbles a value: {error}")
        return
    if not np.isfinite([cx, cy]).all():
        report.fault(path.name, f"has the principal point ({cx:g}, {cy:g}); both must be finite.")
    if not (0 < fx < np.inf and 0 < fy < np.inf):
        report.fault(path.name, f"has focal lengths {fx:g} and {fy:g}; both must be positive.")
    if not 0 < scale < np.inf:
        report.fault(path.name, f"depth_scale must be a positive number; got {scale:g}.")
    for size, where in sizes.items():
        if size != (height, width):
            report.fault(path.name, f"is of {width:g}x{height:g}, but the images in {where} are {size[1]}x{size[0]}.")


def check_manifest(root: Path, images: dict[str, dict[int, int | None]], only: str | None, report: Report) -> None:
    """Check that the split that `graspsim.json` names is complete.

    Args:
        root: of the dataset; only our own have such a file.
        images: by split and scene, how many there are, None where that cannot be read.
        only: the split that is checked, None for all of them.
        report: to note the fault in.
    """
    path = root / "graspsim.json"
    if not path.exists():
        report.skip("no graspsim.json, so it is not known how many images there should be")
        return
    try:
        content = read_json(path)
        split, frames, views = str(content["split"]), int(content["frames"]), int(content["spec"]["camera"]["views"])
        scene_count, first_scene = math.ceil(frames / views), int(content.get("first_scene", 0))
    except (DatasetError, KeyError, TypeError, ValueError, ZeroDivisionError) as error:
        report.fault(path.name, f"lacks or garbles a value: {error!r}.")
        return
    if only not in (None, split):
        report.skip(f"whether the split {split} that graspsim.json names is complete")
        return
    scenes = images.get(split, {})
    counts = [count for count in scenes.values() if count is not None]
    missing = [i for i in range(first_scene, first_scene + scene_count) if i not in scenes]
    broken = [f"{i:06d}" for i in missing if (root / split / f"{i:06d}").exists()]
    where = f"{path.name}, split {split}"
    if missing:
        # The dump takes a folder that exists for a complete scene.
        first = f"remove {', '.join(broken)}, which has no scene_camera.json, and " if broken else ""
        report.fault(where, f"{sum(counts)} of {frames} frames; {first}run the same dump command to finish.")
    elif len(counts) == len(scenes) and (sum(counts), len(scenes)) != (frames, scene_count):
        stated = f"states {frames} frames in {scene_count} scenes"
        report.fault(where, f"{stated}, but there are {sum(counts)} in {len(scenes)}.")
