"""DOPE's training data: each picture beside a JSON file of its name, as NVIDIA's data generators write them.

Lengths are metres, and poses those of the camera frame of OpenCV. See `common/utils.py` of NVlabs/Deep_Object_Pose for
what its training reads: `class`, `visibility` and `projected_cuboid`.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from graspsim.dataset.bop import BopDataset
from graspsim.dataset.encoding import encode_rgb
from graspsim.dataset.files import json_lines, read_json, replace_file
from graspsim.dataset.models_io import ModelInfo
from graspsim.dataset.records import FrameRecord
from graspsim.errors import DatasetError
from graspsim.geometry import Array, Intrinsics, apply, invert, matrices_from_poses, poses_from_matrices, project

CORNERS = np.array(
    [(1, -1, 1), (-1, -1, 1), (-1, 1, 1), (1, 1, 1), (1, -1, -1), (-1, -1, -1), (-1, 1, -1), (1, 1, -1)], np.float64
)
"""Of the box, from its middle and in halves of its sides, in the order of DOPE's own `Cuboid3d`, whose y points down:
so the pose that its inference solves for is that of the model's frame."""


@dataclass(frozen=True, eq=False)
class DopeObject:
    """An object of a picture.

    Attributes:
        name: of its class; of a BOP dataset, the name of the model's file.
        visibility: visible fraction; the training leaves out what has none.
        camera_from_model: (4, 4).
        cuboid_px: (9, 2) the corners of its box, in the order of `CORNERS`, and its middle.
    """

    name: str
    visibility: float
    camera_from_model: Array
    cuboid_px: Array


def cuboid_points(minimum_m: Array, size_m: Array) -> Array:
    """Return the corners of a box and its middle, (9, 3), in DOPE's order."""
    middle = minimum_m + size_m / 2
    return np.vstack([middle + CORNERS * size_m / 2, middle])


def write_dope(
    dataset: BopDataset,
    split: str,
    folder: Path,
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> int:
    """Write the pictures of a split as SCENE_IMAGE.png with their JSON files, and return their number.

    Args:
        dataset: with ground truth and models_info.json.
        split: of it.
        folder: to be written to; it must not hold anything.
        progress: is told the pictures done and their number.

    Raises:
        DatasetError: if ground truth or models_info.json is missing, or the folder is not empty.
    """
    models = dataset.models_info()
    if not models:
        raise DatasetError(f"{dataset.root} has no models/models_info.json, which holds the objects' boxes.")
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise DatasetError(f"{folder} exists and is not an empty folder; choose another one.")
    every = [(s, i) for s in dataset.scene_ids(split) for i in sorted(dataset.scene_files(split, s).camera)]
    for done, (scene_id, im_id) in enumerate(every):
        frame = dataset.read_frame(split, scene_id, im_id)
        if "scene_gt" in frame.absent:
            raise DatasetError(f"{dataset.scene_files(split, scene_id).folder} has no scene_gt.json.")
        name = f"{scene_id:06d}_{im_id:06d}"
        # The picture comes last, so that each has its labels.
        replace_file(folder / f"{name}.json", json_lines(plain_frame(frame, models)))
        replace_file(folder / f"{name}.png", encode_rgb(frame.rgb, "png"))
        progress(done + 1, len(every))
    return len(every)


def plain_frame(frame: FrameRecord, models: dict[int, ModelInfo]) -> dict[str, Any]:
    """Return the content of a picture's JSON file."""
    k = frame.intrinsics
    camera: dict[str, Any] = {
        "width": k.width,
        "height": k.height,
        "intrinsics": {"fx": k.fx, "fy": k.fy, "cx": k.cx, "cy": k.cy},
    }
    if frame.world_from_camera is not None:
        camera["camera_view_matrix"] = invert(frame.world_from_camera).tolist()
    objects = []
    for label in frame.labels:
        info = models.get(label.obj_id)
        if info is None:
            raise DatasetError(f"Object {label.obj_id} is not in models_info.json.")
        cuboid = apply(label.camera_from_model, cuboid_points(info.minimum_m, info.size_m))
        pose = poses_from_matrices(label.camera_from_model[None])[0]
        objects.append(
            {
                "class": f"obj_{label.obj_id:06d}",
                "name": f"obj_{label.obj_id:06d}_{label.instance_id:03d}",
                # Without scene_gt_info.json nothing is known of it; the training leaves out what has none.
                "visibility": 1.0 if "scene_gt_info" in frame.absent else label.visible_fraction,
                "location": pose[:3].tolist(),
                "quaternion_xyzw": pose[3:].tolist(),
                "projected_cuboid": project(cuboid, k).tolist(),
            }
        )
    return {"camera_data": camera, "objects": objects}


def read_dope(path: Path) -> tuple[Intrinsics, Sequence[DopeObject]]:
    """Return the camera and the objects of a picture's JSON file.

    Raises:
        DatasetError: if it cannot be read or lacks a value.
    """
    content = read_json(path)
    try:
        camera, k = content["camera_data"], content["camera_data"]["intrinsics"]
        intrinsics = Intrinsics(
            camera["width"], camera["height"], *(float(k[name]) for name in ("fx", "fy", "cx", "cy"))
        )
        objects = [
            DopeObject(
                entry["class"],
                float(entry["visibility"]),
                matrices_from_poses(np.array([*entry["location"], *entry["quaternion_xyzw"]], np.float64))[0],
                np.array(entry["projected_cuboid"], np.float64).reshape(9, 2),
            )
            for entry in content["objects"]
        ]
    except (KeyError, TypeError, ValueError) as error:
        raise DatasetError(f"{path} is no DOPE file: {error!r}.") from error
    return intrinsics, objects
