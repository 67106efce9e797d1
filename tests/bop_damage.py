"""Ways to damage a dataset that `bop_sample` wrote."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from bop_sample import CAMERA

from graspsim.dataset.encoding import encode_depth, encode_mask
from graspsim.geometry import Array

SCENE = "train_pbr/000000"
Entry = dict[str, Any]
Change = Callable[[Any], object]
Damage = Callable[[Path], object]


def edit(path: Path, change: Change) -> None:
    content = json.loads(path.read_text())
    change(content)
    path.write_text(json.dumps(content))


def each_pose(change: Callable[[Entry], None]) -> Damage:
    """A fault in every pose of scene 0."""

    def damage(root: Path) -> None:
        def all_of(content: Any) -> None:
            for entries in content.values():
                for entry in entries:
                    change(entry)

        edit(root / SCENE / "scene_gt.json", all_of)

    return damage


def opengl(entry: Entry) -> None:
    flip = np.diag([1.0, -1, -1])
    entry["cam_R_m2c"] = (flip @ np.reshape(entry["cam_R_m2c"], (3, 3))).ravel().tolist()
    entry["cam_t_m2c"] = (flip @ entry["cam_t_m2c"]).tolist()


def metres(entry: Entry) -> None:
    entry["cam_t_m2c"] = [v / 1000 for v in entry["cam_t_m2c"]]


def skewed(entry: Entry) -> None:
    entry["cam_R_m2c"][0] *= 1.1


def mirrored(entry: Entry) -> None:
    entry["cam_R_m2c"][:3] = [-v for v in entry["cam_R_m2c"][:3]]


def aside(entry: Entry) -> None:
    entry["cam_t_m2c"][0] += 25


def short(entry: Entry) -> None:
    entry["cam_t_m2c"] = entry["cam_t_m2c"][:2]


def nameless(entry: Entry) -> None:
    del entry["obj_id"]


def unknown_model(entry: Entry) -> None:
    entry["obj_id"] = 9


def scene_file(name: str, change: Change) -> Damage:
    return lambda root: edit(root / SCENE / name, change)


def root_file(name: str, change: Change) -> Damage:
    return lambda root: edit(root / name, change)


def swap_masks(root: Path) -> None:
    one, two = (root / SCENE / "mask" / f"000000_00000{i}.png" for i in (0, 1))
    first = one.read_bytes()
    one.write_bytes(two.read_bytes())
    two.write_bytes(first)


def overlap(root: Path) -> None:
    folder = root / SCENE / "mask_visib"
    both = [cv2.imread(str(folder / f"000000_00000{i}.png"), 0) > 0 for i in (0, 1)]
    (folder / "000000_000001.png").write_bytes(encode_mask(both[0] | both[1]))


def grey_mask(root: Path) -> None:
    path = root / SCENE / "mask" / "000000_000000.png"
    cv2.imwrite(str(path), cv2.blur(cv2.imread(str(path), 0), (3, 3)))


def small_mask(root: Path) -> None:
    path = root / SCENE / "mask" / "000000_000000.png"
    cv2.imwrite(str(path), cv2.imread(str(path), 0)[:-1])


def over_depth(change: Callable[[Array], Array]) -> Damage:
    def damage(root: Path) -> None:
        for path in (root / SCENE / "depth").glob("*.png"):
            depth = cv2.imread(str(path), cv2.IMREAD_UNCHANGED)
            path.write_bytes(encode_depth(np.rint(change(depth.astype(float))).astype(np.uint16)))

    return damage


def euclid(depth: Array) -> Array:
    v, u = np.mgrid[: CAMERA.height, : CAMERA.width] + 0.5
    return depth * np.sqrt(1 + ((u - CAMERA.cx) / CAMERA.fx) ** 2 + ((v - CAMERA.cy) / CAMERA.fy) ** 2)


def drop_instance(content: Any) -> None:
    del content["0"][0]


def drop_last(content: Any) -> None:
    content["0"].pop()


def set_in(key: Any, value: Any, *path: Any) -> Change:
    def change(content: Any) -> None:
        for step in path:
            content = content[step]
        content[key] = value

    return change


def add_in(key: Any, value: Any, *path: Any) -> Change:
    def change(content: Any) -> None:
        for step in path:
            content = content[step]
        content[key] += value

    return change


def shift_box(content: Any) -> None:
    content["0"][0]["bbox_visib"][0] += 3


def true_width(content: Any) -> None:
    content["0"][0]["bbox_obj"][2] += 4


def truncate(root: Path) -> None:
    path = root / SCENE / "scene_gt.json"
    path.write_text(path.read_text()[:-40])


def flip_byte(root: Path) -> None:
    path = root / SCENE / "rgb" / "000001.jpg"
    data = bytearray(path.read_bytes())
    data[-10] ^= 1
    path.write_bytes(data)


def shrink_rgb(root: Path) -> None:
    path = root / SCENE / "rgb" / "000001.jpg"
    cv2.imwrite(str(path), cv2.imread(str(path))[:-2])


def models_in_metres(root: Path) -> None:
    def change(content: Any) -> None:
        for entry in content.values():
            entry.update({key: value / 1000 for key, value in entry.items() if isinstance(value, float)})

    edit(root / "models" / "models_info.json", change)


def ply_in_metres(root: Path) -> None:
    path = root / "models" / "obj_000001.ply"
    header, body = path.read_bytes().split(b"end_header\n")
    vertices = np.frombuffer(body[: 24 * 24], "<f4").reshape(24, 6).copy()
    vertices[:, :3] /= 1000
    path.write_bytes(header + b"end_header\n" + vertices.tobytes() + body[24 * 24 :])


def copy_extra(root: Path) -> None:
    shutil.copy(root / SCENE / "mask" / "000000_000000.png", root / SCENE / "mask" / "000000_000007.png")


def swap_eval_models(root: Path) -> None:
    one, two = (root / "models_eval" / f"obj_00000{i}.ply" for i in (1, 2))
    first = one.read_bytes()
    one.write_bytes(two.read_bytes())
    two.write_bytes(first)
    edit(root / "models_eval" / "models_info.json", lambda c: c.update({"1": c["2"], "2": c["1"]}))


def delete(name: str) -> Damage:
    return lambda root: (root / name).unlink()
