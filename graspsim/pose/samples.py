"""What networks learn from: the images of BOP datasets, with their objects."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from graspsim.dataset.bop import BopDataset, SceneFiles
from graspsim.dataset.encoding import read_rgb
from graspsim.dataset.records import box_from_bop, intrinsics_from_plain, rigid
from graspsim.errors import DatasetError
from graspsim.geometry import Array, Intrinsics, hull_box
from graspsim.labels import box_corners
from graspsim.pose.augment import Image
from graspsim.pose.metrics import Reference, symmetry_transforms
from graspsim.pose.score import load_references, malformed

SAME_SHARE = 0.02
"""Of the diameter, by which the boxes of two models of one object may differ."""
_COARSE_STEP_RAD = 2 * np.pi / 16


@dataclass(frozen=True, eq=False)
class Instance:
    """An object in an image.

    Attributes:
        obj_id: which.
        camera_from_model: (4, 4).
        box_px: (x, y, width, height) of its whole silhouette.
        visible_fraction: of that silhouette.
        mask: file of its visible pixels, None if the dataset has none.
    """

    obj_id: int
    camera_from_model: Array
    box_px: tuple[float, float, float, float]
    visible_fraction: float
    mask: Path | None


@dataclass(frozen=True, eq=False)
class PoseImage:
    """An image with its objects; its picture is read when it is asked for.

    Attributes:
        path: of the picture.
        cam_k: row-major K (9).
        instances: all of them.
    """

    path: Path
    cam_k: tuple[float, ...]
    instances: tuple[Instance, ...]

    def read(self) -> tuple[Image, Intrinsics]:
        """Return the picture (h, w, 3) and its camera.

        Raises:
            DatasetError: if it cannot be read.
        """
        rgb = read_rgb(self.path)
        return rgb, intrinsics_from_plain(self.cam_k, rgb.shape[1], rgb.shape[0])


def pose_images(dataset: BopDataset, split: str, references: dict[int, Reference]) -> list[PoseImage]:
    """Return the images of a split that hold ground truth.

    Raises:
        DatasetError: if there is none, an entry is malformed, or an object has no model.
    """
    images = []
    for scene_id in dataset.scene_ids(split):
        scene = dataset.scene_files(split, scene_id)
        for im_id in sorted(scene.gt or {}):
            with malformed(f"The entry of image {im_id} in {scene.folder}"):
                camera = tuple(scene.camera[im_id]["cam_K"])
                intrinsics_from_plain(camera, 1, 1)
                # Where it would be, if there is none.
                path = scene.image(("rgb", "gray"), im_id) or scene.folder / "rgb" / f"{im_id:06d}.png"
                images.append(PoseImage(path, camera, _instances(scene, im_id, references)))
    if not images:
        raise DatasetError(f"{dataset.root} holds no ground truth in the split {split!r}.")
    return images


def _instances(scene: SceneFiles, im_id: int, references: dict[int, Reference]) -> tuple[Instance, ...]:
    assert scene.gt is not None
    has_masks = (scene.folder / "mask_visib").is_dir()
    instances = []
    for gt_id, entry in enumerate(scene.gt[im_id]):
        obj_id = entry["obj_id"]
        if obj_id not in references:
            raise DatasetError(f"Object {obj_id} is in {scene.folder}, but there is no model of it.")
        pose = rigid(entry["cam_R_m2c"], entry["cam_t_m2c"])
        info = None if scene.info is None else scene.info[im_id][gt_id]
        x, y, width, height = (-1, -1, -1, -1) if info is None else box_from_bop(info["bbox_obj"])
        box = (float(x), float(y), float(width), float(height))
        if width <= 0:
            camera = intrinsics_from_plain(scene.camera[im_id]["cam_K"], 1, 1)
            box = hull_box(pose, references[obj_id].hull, camera)
        instances.append(
            Instance(
                obj_id,
                pose,
                box,
                1.0 if info is None else float(info["visib_fract"]),
                scene.mask("mask_visib", im_id, gt_id) if has_masks else None,
            )
        )
    return tuple(instances)


def same_symmetries(one: Reference, other: Reference) -> bool:
    """Return whether two models of one object look the same under the same motions, but for what digits cost."""
    corners_m = box_corners(one.mesh.vertices.min(axis=0), one.mesh.vertices.max(axis=0))
    moved = [
        (motions[:, None, :3, :3] @ corners_m[..., None])[..., 0] + motions[:, None, :3, 3]
        for motions in (symmetry_transforms(each.symmetries, _COARSE_STEP_RAD) for each in (one, other))
    ]  # (s, 8, 3) each
    off_m = np.linalg.norm(moved[0][:, None] - moved[1][None], axis=3).max(axis=2)
    return bool(max(off_m.min(axis=0).max(), off_m.min(axis=1).max()) <= SAME_SHARE * one.diameter_m)


def check_same_objects(roots: Sequence[Path]) -> dict[int, Reference]:
    """Return the models that several datasets share.

    Raises:
        DatasetError: if an id stands for different objects in two of them, or for one of other symmetries.
    """
    known: dict[int, Reference] = {}
    origin: dict[int, Path] = {}
    for root in roots:
        for obj_id, reference in load_references(BopDataset(root)).items():
            before = known.setdefault(obj_id, reference)
            boxes = [np.array([v.min(axis=0), v.max(axis=0)]) for v in (before.mesh.vertices, reference.mesh.vertices)]
            off_m = float(np.abs(boxes[0] - boxes[1]).max())
            if off_m > SAME_SHARE * before.diameter_m:
                raise DatasetError(
                    f"Object {obj_id} is another one in {origin[obj_id]} than in {root}, or its model has another "
                    f"origin: their boxes differ by {off_m * 1000:.1f} mm, and ids must mean the same to be mixed."
                )
            if not same_symmetries(before, reference):
                raise DatasetError(
                    f"Object {obj_id} has other symmetries in {origin[obj_id]} than in {root}; make their "
                    "models_info.json agree."
                )
            origin.setdefault(obj_id, root)
    return known


def without_empty(images: Sequence[PoseImage]) -> tuple[list[PoseImage], list[Path]]:
    """Return the images whose pictures are there and not empty, and where those of the others should be.

    What is broken inside shows when it is read.
    """
    empty = [image.path for image in images if not image.path.exists() or not image.path.stat().st_size]
    left_out = set(empty)
    return [image for image in images if image.path not in left_out], empty
