"""Reading any BOP dataset in the scenewise format, and writing the files at its root.

See docs/bop_datasets_format.md of thodan/bop_toolkit for the format; `SceneWriter` and `write_models` write the rest.
"""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from graspsim.dataset.encoding import read_image, read_rgb
from graspsim.dataset.files import json_lines, read_json, replace_file
from graspsim.dataset.models_io import MM_PER_M, ModelInfo, load_models_info
from graspsim.dataset.records import FrameRecord, intrinsics_from_plain, label_from_plain, rigid
from graspsim.errors import DatasetError
from graspsim.geometry import Intrinsics, invert

TARGET_VISIBLE_FRACTION = 0.1
"""Visible fraction from which on BOP makes an instance a target of the localization task."""


@dataclass(frozen=True, eq=False)
class SceneFiles:
    """The JSON files of one scene, by image id; None where the file is absent.

    Attributes:
        folder: of the scene.
        camera: `scene_camera.json`.
        gt: `scene_gt.json`.
        info: `scene_gt_info.json`.
        instances: `scene_instances.json`, which only our own datasets have.
    """

    folder: Path
    camera: dict[int, Any]
    gt: dict[int, Any] | None
    info: dict[int, Any] | None
    instances: dict[int, Any] | None

    def image(self, kinds: tuple[str, ...], im_id: int) -> Path | None:
        """Return the file of an image in the first folder of `kinds` that holds one."""
        for kind in kinds:
            for extension in ("png", "jpg", "jpeg", "tif"):
                path = self.folder / kind / f"{im_id:06d}.{extension}"
                if path.exists():
                    return path
        return None

    def mask(self, kind: str, im_id: int, gt_id: int) -> Path:
        """Return where the "mask" or "mask_visib" of an instance lies."""
        return self.folder / kind / f"{im_id:06d}_{gt_id:06d}.png"


def load_scene_files(folder: Path) -> SceneFiles:
    """Return the JSON files of a scene folder; only `scene_camera.json` has to be there.

    Raises:
        DatasetError: if a file cannot be read or its keys are not image ids.
    """

    def load(name: str) -> dict[int, Any] | None:
        path = folder / name
        if not path.exists():
            return None
        content = read_json(path)
        try:
            return {int(key): value for key, value in content.items()}
        except (AttributeError, ValueError) as error:
            raise DatasetError(f"{path} must map image ids to entries: {error}.") from error

    camera = load("scene_camera.json")
    if camera is None:
        raise DatasetError(f"{folder} has no scene_camera.json.")
    return SceneFiles(folder, camera, load("scene_gt.json"), load("scene_gt_info.json"), load("scene_instances.json"))


class BopDataset:
    """A BOP dataset on disk."""

    def __init__(self, root: Path) -> None:
        """Open the dataset at `root`.

        Raises:
            DatasetError: if the folder is missing or no split is in it.
        """
        self.root = Path(root)
        if not self.root.is_dir():
            raise DatasetError(f"There is no dataset folder {self.root}.")
        self.splits: list[str] = sorted(f.name for f in self.root.iterdir() if f.is_dir() and _scene_ids(f))
        if not self.splits:
            raise DatasetError(f"{self.root} holds no split: a folder such as test/ with scenes 000000/ in it.")
        self._scene: SceneFiles | None = None
        self._models_info: dict[int, ModelInfo] | None = None

    def only_split(self, chosen: str | None) -> str:
        """Return the chosen split, or the only one where none was chosen.

        Raises:
            DatasetError: if there are several.
        """
        if chosen is None and len(self.splits) > 1:
            raise DatasetError(f"{self.root} has the splits {', '.join(self.splits)}; choose one with --split.")
        return chosen or self.splits[0]

    def scene_ids(self, split: str) -> list[int]:
        """Return the numbers of the complete scenes of a split.

        Raises:
            DatasetError: if there is no such split.
        """
        if split not in self.splits:
            raise DatasetError(f"{self.root} has no split {split!r}; it has {', '.join(self.splits)}.")
        return _scene_ids(self.root / split)

    def scene_files(self, split: str, scene_id: int) -> SceneFiles:
        """Return the JSON files of one scene.

        Raises:
            DatasetError: if the scene is missing or a file of it cannot be read.
        """
        folder = self.root / split / f"{scene_id:06d}"
        if self._scene is None or self._scene.folder != folder:
            if scene_id not in self.scene_ids(split):
                raise DatasetError(f"{self.root / split} has no scene {scene_id}.")
            self._scene = load_scene_files(folder)
        return self._scene

    def stated_size_px(self) -> tuple[int, int]:
        """Return the width and height of the images that `camera.json` states.

        Raises:
            DatasetError: if it is missing or states none.
        """
        path = self.root / "camera.json"
        try:
            content = read_json(path)
            return int(content["width"]), int(content["height"])
        except (KeyError, TypeError, ValueError) as error:
            raise DatasetError(f"{path} has to state the images' width and height: {error!r}.") from error

    def models_info(self) -> dict[int, ModelInfo]:
        """Return the models' sizes and symmetries by obj_id; empty if the dataset comes without models.

        Raises:
            DatasetError: if `models_info.json` cannot be read.
        """
        if self._models_info is None:
            folder = self.root / "models"
            self._models_info = load_models_info(folder) if (folder / "models_info.json").exists() else {}
        return self._models_info

    def read_scene(self, split: str, scene_id: int) -> Iterator[FrameRecord]:
        """Yield the frames of a scene one by one, in the order of their ids.

        Raises:
            DatasetError: see `read_frame`.
        """
        for im_id in sorted(self.scene_files(split, scene_id).camera):
            yield self.read_frame(split, scene_id, im_id)

    def read_frame(self, split: str, scene_id: int, im_id: int) -> FrameRecord:
        """Return one frame. Grey images become rgb; see `FrameRecord.absent` for what a dataset may lack.

        Raises:
            DatasetError: naming the file that is missing or malformed.
        """
        scene = self.scene_files(split, scene_id)
        if im_id not in scene.camera:
            raise DatasetError(f"{scene.folder / 'scene_camera.json'} has no image {im_id}.")
        rgb_path = scene.image(("rgb", "gray"), im_id)
        if rgb_path is None:
            raise DatasetError(f"{scene.folder} has no rgb/{im_id:06d} (.png or .jpg), nor a gray one.")
        rgb = read_rgb(rgb_path)
        try:
            return self._record(scene, im_id, rgb)
        except (KeyError, ValueError, TypeError, IndexError) as error:
            raise DatasetError(f"The entry of image {im_id} in {scene.folder} is malformed: {error!r}.") from error

    def _record(self, scene: SceneFiles, im_id: int, rgb: NDArray[np.uint8]) -> FrameRecord:
        camera = scene.camera[im_id]
        intrinsics = intrinsics_from_plain(camera["cam_K"], rgb.shape[1], rgb.shape[0])
        models = self.models_info()
        depth_path = scene.image(("depth",), im_id)
        absent = {name for name in ("mask", "mask_visib") if not (scene.folder / name).is_dir()}
        absent |= {"depth"} if depth_path is None else set()
        absent |= {"scene_gt"} if scene.gt is None else set()
        absent |= {"scene_gt_info"} if scene.info is None else set()
        absent |= {"models_info"} if not models else set()

        def mask(kind: str, gt_id: int) -> NDArray[np.bool_]:
            return np.zeros(rgb.shape[:2], bool) if kind in absent else read_mask(scene.mask(kind, im_id, gt_id))

        labels = [
            label_from_plain(
                gt_id,
                gt,
                None if scene.info is None else scene.info[im_id][gt_id],
                None if scene.instances is None else scene.instances[im_id][gt_id],
                (mask("mask", gt_id), mask("mask_visib", gt_id)),
                models.get(gt["obj_id"]),
                intrinsics,
            )
            for gt_id, gt in enumerate([] if scene.gt is None else scene.gt[im_id])
        ]
        depth_m = None if depth_path is None else read_depth(depth_path, camera.get("depth_scale", 1.0))
        if depth_m is not None and depth_m.shape != rgb.shape[:2]:
            raise DatasetError(f"{depth_path} is of another size than its picture: {depth_m.shape}, {rgb.shape[:2]}.")
        return FrameRecord(
            im_id=im_id,
            rgb=rgb,
            depth_m=depth_m,
            intrinsics=intrinsics,
            world_from_camera=invert(rigid(camera["cam_R_w2c"], camera["cam_t_w2c"]))
            if "cam_R_w2c" in camera and "cam_t_w2c" in camera
            else None,
            labels=labels,
            absent=frozenset(absent),
        )


def _scene_ids(split_folder: Path) -> list[int]:
    """Return the scenes of a folder; a partial one starts with a dot and so is none."""
    folders = (f for f in split_folder.iterdir() if f.name.isdigit() and (f / "scene_camera.json").exists())
    return sorted(int(folder.name) for folder in folders)


def read_mask(path: Path) -> NDArray[np.bool_]:
    """Return a mask file (height, width) as bool.

    Raises:
        DatasetError: if it is missing or not an image.
    """
    image = read_image(path)
    return np.asarray((image if image.ndim == 2 else image[..., 0]) > 0)


def read_depth(path: Path, depth_scale_mm: float) -> NDArray[np.float32]:
    """Return a depth file (height, width) in metres.

    Raises:
        DatasetError: if it is missing or not an image of one channel.
    """
    image = read_image(path)
    if image.ndim != 2:
        raise DatasetError(f"The depth image {path} has {image.shape[2]} channels instead of one.")
    return image.astype(np.float32) * np.float32(depth_scale_mm / MM_PER_M)


def write_camera(root: Path, intrinsics: Intrinsics, depth_scale_mm: float = 0.1) -> None:
    """Write `camera.json`, the camera that the dataset was made for; each image has its own in `scene_camera.json`.

    Raises:
        DatasetError: if it cannot be written.
    """
    i = intrinsics
    content = {"cx": i.cx, "cy": i.cy, "depth_scale": depth_scale_mm, "fx": i.fx, "fy": i.fy}
    replace_file(Path(root) / "camera.json", json_lines(content | {"height": i.height, "width": i.width}))


def write_targets(root: Path, split: str) -> int:
    """Write `test_targets_bop19.json` for the complete scenes of a split and return the number of targets.

    Raises:
        DatasetError: if there is no such split, a scene lacks its ground truth, or the file cannot be written.
    """
    dataset = BopDataset(root)
    targets = []
    for scene_id in dataset.scene_ids(split):
        scene = dataset.scene_files(split, scene_id)
        if scene.gt is None or scene.info is None:
            raise DatasetError(f"{scene.folder} lacks scene_gt.json or scene_gt_info.json, which targets are made of.")
        for im_id in sorted(scene.gt):
            for obj_id, count in sorted(visible_counts(scene.gt[im_id], scene.info[im_id]).items()):
                targets.append({"scene_id": scene_id, "im_id": im_id, "obj_id": obj_id, "inst_count": count})
    replace_file(dataset.root / "test_targets_bop19.json", json_lines(targets))
    return len(targets)


def visible_counts(gt: list[dict[str, Any]], info: list[dict[str, Any]]) -> Counter[int]:
    """Return how many instances of each obj_id of one image are visible enough to be targets."""
    pairs = zip(gt, info, strict=True)
    return Counter(g["obj_id"] for g, i in pairs if i["visib_fract"] >= TARGET_VISIBLE_FRACTION)
