"""Proof that a dataset in BOP's format is what it says, ours or another's: files, schema, masks, poses and depth."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from graspsim.dataset.bop import BopDataset, SceneFiles, read_depth
from graspsim.dataset.check_entries import check_entries, check_instances, check_sensors
from graspsim.dataset.check_files import (
    check_camera,
    check_checksums,
    check_coco,
    check_manifest,
    check_names,
    check_targets,
    is_temporary,
)
from graspsim.dataset.check_masks import check_info, check_visible_masks, load_masks
from graspsim.dataset.check_models import check_eval_models, check_models
from graspsim.dataset.check_poses import check_poses
from graspsim.dataset.encoding import read_image
from graspsim.dataset.records import intrinsics_from_plain
from graspsim.dataset.report import Report
from graspsim.dataset.tolerance import OURS, Tolerance, tolerance_of
from graspsim.errors import DatasetError, SpecError
from graspsim.meshes import Mesh
from graspsim.scene import Sensor


def validate(
    root: Path,
    split: str | None = None,
    models: Path | None = None,
    max_images: int | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> Report:
    """Check a BOP dataset and return every fault found.

    Args:
        root: of the dataset.
        split: which one to check; all of them by default.
        models: folder of the models where the dataset comes without; `root/models` by default.
        max_images: open only so many images, spread evenly; the JSON files are checked in full either way.
        progress: called with the images done and to be done.

    Raises:
        DatasetError: if there is no dataset at `root`, or no such split in it.
        SpecError: if `max_images` is less than 1.
    """
    if max_images is not None and max_images < 1:
        raise SpecError(f"max_images must be at least 1; got {max_images}.")
    report = Report()
    try:
        dataset = BopDataset(root)
        known = _splits(dataset)
    except DatasetError:
        if not (Path(root) / "graspsim.json").exists():
            raise
        check_manifest(Path(root), {}, None, report)  # one of ours, begun a moment ago
        return report
    splits = known if split is None else [split]
    models_folder = dataset.root / "models" if models is None else Path(models)
    meshes = check_models(models_folder, report)
    check_eval_models(dataset.root / "models_eval", models_folder, meshes, report)
    scenes = [(name, scene_id) for name in splits for scene_id in dataset.scene_ids(name)]
    images: dict[str, dict[int, int | None]] = {name: {} for name in splits}
    sizes: dict[tuple[int, int], str] = {}
    sound: list[tuple[str, int, int]] = []
    for name, scene_id in scenes:
        report.checked["scenes"] += 1
        images[name][scene_id] = None
        where = f"{name}/{scene_id:06d}"
        try:
            files = dataset.scene_files(name, scene_id)
        except DatasetError as error:
            report.fault(where, str(error))
            continue
        images[name][scene_id] = len(files.camera)
        check_names(files, where, report)
        im_ids = check_entries(files, where, report)
        check_instances(files, im_ids, where, report)
        sound += [(name, scene_id, im_id) for im_id in im_ids]
    chosen = _spread(sound, max_images)
    done = 0
    for name, scene_id in scenes:
        im_ids = [im_id for s, i, im_id in chosen if (s, i) == (name, scene_id)]
        try:
            files = dataset.scene_files(name, scene_id)
        except DatasetError:
            continue  # reported above
        where = f"{name}/{scene_id:06d}"
        check_checksums(files, where, im_ids, report)
        tolerance, sensors = tolerance_of(files.folder), check_sensors(files, where, report)
        size: tuple[int, int] | None = None
        for im_id in im_ids:
            held_to = replace(tolerance, sensor=sensors.get(im_id, Sensor()))
            size = _check_image(files, im_id, size, meshes, held_to, where, report)
            done += 1
            if progress is not None:
                progress(done, len(chosen))
        if size is not None and tolerance is OURS:
            sizes.setdefault(size, where)
        check_coco(files, where, im_ids, report)
    check_camera(dataset.root, sizes, report)
    check_targets(dataset, splits, report)
    check_manifest(dataset.root, images, split, report)
    return report


def _splits(dataset: BopDataset) -> list[str]:
    names = [name for name in dataset.splits if not is_temporary(name)]
    if not names:
        raise DatasetError(f"{dataset.root} holds no split, only what a killed run left: {', '.join(dataset.splits)}.")
    return names


def _spread(images: Sequence[tuple[str, int, int]], limit: int | None) -> list[tuple[str, int, int]]:
    if limit is None or limit >= len(images):
        return list(images)
    return [images[i] for i in np.linspace(0, len(images) - 1, limit).round().astype(int)]


def _check_image(
    scene: SceneFiles,
    im_id: int,
    size: tuple[int, int] | None,
    meshes: dict[int, Mesh],
    tolerance: Tolerance,
    where: str,
    report: Report,
) -> tuple[int, int] | None:
    """Check one image with its labels; `size` (height, width) is that of the scene's first, if known, and returned."""
    path = scene.image(("rgb", "gray"), im_id)
    if path is None:
        report.fault(f"{where}/rgb/{im_id:06d}", "is missing, but scene_camera.json has this image.")
        return size
    try:
        height, width = read_image(path).shape[:2]
    except DatasetError as error:
        report.fault(f"{where}/{path.parent.name}/{path.name}", str(error))
        return size
    report.checked["images"] += 1
    if size is not None and (height, width) != size:
        report.fault(f"{where}/{path.parent.name}/{path.name}", f"is {width}x{height}, others {size[1]}x{size[0]}.")
    shape = (height, width)
    depth = _load_depth(scene, im_id, shape, where, report)
    if scene.gt is not None:
        full = load_masks(scene, "mask", im_id, shape, where, report)
        visible = load_masks(scene, "mask_visib", im_id, shape, where, report)
        check_visible_masks(visible, full, tolerance, where, im_id, report)
        if scene.info is not None:
            for gt_id, info in enumerate(scene.info[im_id]):
                here = f"{where}/scene_gt_info.json, image {im_id}, instance {gt_id}"
                check_info(info, full.get(gt_id), visible.get(gt_id), depth, tolerance, here, report)
        intrinsics = intrinsics_from_plain(scene.camera[im_id]["cam_K"], width, height)
        check_poses(scene, im_id, intrinsics, meshes, (full, visible), depth, tolerance, where, report)
    return size or shape


def _load_depth(
    scene: SceneFiles, im_id: int, shape: tuple[int, int], where: str, report: Report
) -> NDArray[np.float32] | None:
    if not (scene.folder / "depth").is_dir():
        report.skip(f"{where}: no depth images")
        return None
    path = scene.image(("depth",), im_id)
    if path is None:
        report.fault(f"{where}/depth/{im_id:06d}.png", "is missing, but scene_camera.json has this image.")
        return None
    try:
        depth_m = read_depth(path, scene.camera[im_id].get("depth_scale", 1.0))
    except DatasetError as error:
        report.fault(f"{where}/depth/{path.name}", str(error))
        return None
    report.checked["depth images"] += 1
    if depth_m.shape != shape:
        report.fault(f"{where}/depth/{path.name}", f"has shape {depth_m.shape}; the image has {shape}.")
        return None
    return depth_m
