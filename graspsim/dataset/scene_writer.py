"""Writing one scene of a BOP dataset, all of it or nothing."""

import hashlib
import os
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from graspsim.dataset.coco import coco_annotation, coco_image, coco_scene
from graspsim.dataset.encoding import encode_depth, encode_mask, encode_rgb, quantize_depth
from graspsim.dataset.files import cannot_write, json_lines
from graspsim.dataset.records import FrameRecord, plain_camera, plain_info, plain_instance, plain_pose
from graspsim.errors import DatasetError


class SceneWriter:
    """Writes one scene folder beside its final place and renames it there at the end.

    An existing scene folder is therefore always complete, whatever killed the run. What a killed run left behind is
    removed by `remove_leftovers`.
    """

    def __init__(
        self,
        split_folder: Path,
        scene_id: int,
        obj_ids: Sequence[int],
        depth_scale_mm: float = 0.1,
        rgb_format: str = "jpg",
    ) -> None:
        """Open the scene `scene_id` of a split.

        Args:
            split_folder: of the dataset, say `my_set/train_pbr`; made if need be.
            scene_id: names the folder.
            obj_ids: every model of the dataset, the categories of the COCO file.
            depth_scale_mm: unit of the depth image; at 0.1 it reaches 6.55 m, and what is deeper is written as 0.
            rgb_format: "jpg" (quality 95) or "png" (lossless).

        Raises:
            DatasetError: if the scene exists or its folder cannot be made.
        """
        if rgb_format not in ("jpg", "png"):
            raise DatasetError(f"rgb_format must be 'jpg' or 'png'; got {rgb_format!r}.")
        self._folder = Path(split_folder) / f"{scene_id:06d}"
        # Named after the process: what a killed run left running must not touch our files, nor we its.
        self._part = Path(split_folder) / f".{scene_id:06d}.{os.getpid()}.part"
        self._obj_ids = list(obj_ids)
        self._depth_scale_mm = depth_scale_mm
        self._rgb_format = rgb_format
        self._camera: dict[int, dict[str, Any]] = {}
        self._gt: dict[int, list[dict[str, Any]]] = {}
        self._info: dict[int, list[dict[str, Any]]] = {}
        self._instances: dict[int, list[dict[str, Any]]] = {}
        self._images: list[dict[str, Any]] = []
        self._annotations: list[dict[str, Any]] = []
        self._checksums: dict[str, str] = {}
        if self._folder.exists():
            raise DatasetError(f"The scene {self._folder} exists already; remove it to write it anew.")
        try:
            if self._part.exists():
                shutil.rmtree(self._part)
            for name in ("rgb", "depth", "mask", "mask_visib"):
                (self._part / name).mkdir(parents=True)
        except OSError as error:
            raise cannot_write(self._part, error) from error

    def add(self, frame: FrameRecord) -> None:
        """Write the images of one frame and remember its labels; the frame is left as it is.

        Raises:
            DatasetError: if a file cannot be written (the scene is then given up and its partial folder removed), or
                if the frame lacks depth or repeats an image id.
        """
        im = frame.im_id
        if frame.depth_m is None:
            raise DatasetError(f"Frame {im} of {self._folder} has no depth image.")
        if im in self._camera:
            raise DatasetError(f"Frame {im} of {self._folder} was already added.")
        depth = quantize_depth(frame.depth_m, self._depth_scale_mm)
        depth_is_cut = np.count_nonzero(depth) != np.count_nonzero(frame.depth_m)
        rgb_name = f"rgb/{im:06d}.{self._rgb_format}"
        self._write(rgb_name, encode_rgb(frame.rgb, self._rgb_format))
        self._write(f"depth/{im:06d}.png", encode_depth(depth))
        for gt, label in enumerate(frame.labels):
            mask = encode_mask(label.mask)
            unoccluded = np.array_equal(label.mask, label.mask_visible)
            self._write(f"mask/{im:06d}_{gt:06d}.png", mask)
            self._write(f"mask_visib/{im:06d}_{gt:06d}.png", mask if unoccluded else encode_mask(label.mask_visible))
            if label.pixels_visible:
                self._annotations.append(coco_annotation(len(self._annotations) + 1, im, label))
        self._camera[im] = plain_camera(frame, self._depth_scale_mm)
        self._gt[im] = [plain_pose(label) for label in frame.labels]
        self._info[im] = [plain_info(label) for label in frame.labels]
        self._instances[im] = [plain_instance(label) for label in frame.labels]
        if depth_is_cut:
            for entry, label in zip(self._info[im], frame.labels, strict=True):
                entry["px_count_valid"] = int(np.count_nonzero(depth[label.mask]))
        height, width = depth.shape
        self._images.append(coco_image(im, rgb_name, width, height))

    def close(self, extra_files: Mapping[str, Any] | None = None) -> Path:
        """Write the scene's JSON files and `checksums.json`, put the folder in its place and return that.

        Args:
            extra_files: content that JSON can hold, by file name.

        Raises:
            DatasetError: if a file cannot be written; the partial folder is then removed.
        """
        split = self._folder.parent
        coco = coco_scene(split.name, self._obj_ids, self._images, self._annotations)
        contents = {
            "scene_camera.json": self._camera,
            "scene_gt.json": self._gt,
            "scene_gt_info.json": self._info,
            "scene_instances.json": self._instances,
            "scene_gt_coco.json": coco,
            **(extra_files or {}),
        }
        for name, content in contents.items():
            self._write(name, json_lines(content))
        self._write("checksums.json", json_lines(self._checksums))
        try:
            os.rename(self._part, self._folder)
        except OSError as error:
            self.abort()
            if self._folder.exists():
                # A process that outlived its run was faster, with the same bytes.
                return self._folder
            raise cannot_write(self._folder, error) from error
        return self._folder

    def abort(self) -> None:
        """Give the scene up: remove what was written of it."""
        shutil.rmtree(self._part, ignore_errors=True)

    def _write(self, name: str, data: bytes) -> None:
        path = self._part / name
        try:
            path.write_bytes(data)
        except OSError as error:
            self.abort()
            raise cannot_write(path, error) from error
        self._checksums[name] = hashlib.sha256(data).hexdigest()


def remove_leftovers(split_folder: Path) -> None:
    """Remove what killed runs left of unfinished scenes."""
    for part in Path(split_folder).glob(".*.part"):
        shutil.rmtree(part, ignore_errors=True)
