import dataclasses
import json
import re
import shutil
from pathlib import Path

import cv2
import numpy as np
import pytest
from bop_sample import BEHIND, CAMERA, write_dataset

from graspsim.dataset.bop import BopDataset
from graspsim.dataset.dump import dump
from graspsim.dataset.encoding import encode_depth, encode_mask
from graspsim.dataset.generate import DumpJob
from graspsim.dataset.tolerance import OURS
from graspsim.dataset.validate import validate
from graspsim.errors import DatasetError, SpecError
from graspsim.plain import overlaid
from graspsim.registry import load
from graspsim.scene import Sensor
from graspsim.sensors import apply_to_depth

REAL = Path(__file__).parents[2] / "shared" / "real"
SCENE = "train_pbr/000000"


@pytest.fixture(scope="module")
def pristine(tmp_path_factory):
    return write_dataset(tmp_path_factory.mktemp("data") / "set")


@pytest.fixture
def dataset(pristine, tmp_path):
    return Path(shutil.copytree(pristine, tmp_path / "set"))


def edit(path, change):
    content = json.loads(path.read_text())
    change(content)
    path.write_text(json.dumps(content))


def each_pose(change):
    """A fault in every pose of scene 0."""

    def damage(root):
        def all_of(content):
            for entries in content.values():
                for entry in entries:
                    change(entry)

        edit(root / SCENE / "scene_gt.json", all_of)

    return damage


def opengl(entry):
    flip = np.diag([1.0, -1, -1])
    entry["cam_R_m2c"] = (flip @ np.reshape(entry["cam_R_m2c"], (3, 3))).ravel().tolist()
    entry["cam_t_m2c"] = (flip @ entry["cam_t_m2c"]).tolist()


def metres(entry):
    entry["cam_t_m2c"] = [v / 1000 for v in entry["cam_t_m2c"]]


def skewed(entry):
    entry["cam_R_m2c"][0] *= 1.1


def mirrored(entry):
    entry["cam_R_m2c"][:3] = [-v for v in entry["cam_R_m2c"][:3]]


def aside(entry):
    entry["cam_t_m2c"][0] += 25


def short(entry):
    entry["cam_t_m2c"] = entry["cam_t_m2c"][:2]


def nameless(entry):
    del entry["obj_id"]


def unknown_model(entry):
    entry["obj_id"] = 9


def scene_file(name, change):
    return lambda root: edit(root / SCENE / name, change)


def root_file(name, change):
    return lambda root: edit(root / name, change)


def swap_masks(root):
    one, two = (root / SCENE / "mask" / f"000000_00000{i}.png" for i in (0, 1))
    first = one.read_bytes()
    one.write_bytes(two.read_bytes())
    two.write_bytes(first)


def overlap(root):
    folder = root / SCENE / "mask_visib"
    both = [cv2.imread(str(folder / f"000000_00000{i}.png"), 0) > 0 for i in (0, 1)]
    (folder / "000000_000001.png").write_bytes(encode_mask(both[0] | both[1]))


def grey_mask(root):
    path = root / SCENE / "mask" / "000000_000000.png"
    cv2.imwrite(str(path), cv2.blur(cv2.imread(str(path), 0), (3, 3)))


def small_mask(root):
    path = root / SCENE / "mask" / "000000_000000.png"
    cv2.imwrite(str(path), cv2.imread(str(path), 0)[:-1])


def over_depth(change):
    def damage(root):
        for path in (root / SCENE / "depth").glob("*.png"):
            depth = cv2.imread(str(path), cv2.IMREAD_UNCHANGED)
            path.write_bytes(encode_depth(np.rint(change(depth.astype(float))).astype(np.uint16)))

    return damage


def euclid(depth):
    v, u = np.mgrid[: CAMERA.height, : CAMERA.width] + 0.5
    return depth * np.sqrt(1 + ((u - CAMERA.cx) / CAMERA.fx) ** 2 + ((v - CAMERA.cy) / CAMERA.fy) ** 2)


def drop_instance(content):
    del content["0"][0]


def drop_last(content):
    content["0"].pop()


def set_in(key, value, *path):
    def change(content):
        for step in path:
            content = content[step]
        content[key] = value

    return change


def add_in(key, value, *path):
    def change(content):
        for step in path:
            content = content[step]
        content[key] += value

    return change


def shift_box(content):
    content["0"][0]["bbox_visib"][0] += 3


def true_width(content):
    content["0"][0]["bbox_obj"][2] += 4


def truncate(root):
    path = root / SCENE / "scene_gt.json"
    path.write_text(path.read_text()[:-40])


def flip_byte(root):
    path = root / SCENE / "rgb" / "000001.jpg"
    data = bytearray(path.read_bytes())
    data[-10] ^= 1
    path.write_bytes(data)


def shrink_rgb(root):
    path = root / SCENE / "rgb" / "000001.jpg"
    cv2.imwrite(str(path), cv2.imread(str(path))[:-2])


def models_in_metres(root):
    def change(content):
        for entry in content.values():
            entry.update({key: value / 1000 for key, value in entry.items() if isinstance(value, float)})

    edit(root / "models" / "models_info.json", change)


def ply_in_metres(root):
    path = root / "models" / "obj_000001.ply"
    header, body = path.read_bytes().split(b"end_header\n")
    vertices = np.frombuffer(body[: 24 * 24], "<f4").reshape(24, 6).copy()
    vertices[:, :3] /= 1000
    path.write_bytes(header + b"end_header\n" + vertices.tobytes() + body[24 * 24 :])


def copy_extra(root):
    shutil.copy(root / SCENE / "mask" / "000000_000000.png", root / SCENE / "mask" / "000000_000007.png")


def swap_eval_models(root):
    one, two = (root / "models_eval" / f"obj_00000{i}.ply" for i in (1, 2))
    first = one.read_bytes()
    one.write_bytes(two.read_bytes())
    two.write_bytes(first)
    edit(root / "models_eval" / "models_info.json", lambda c: c.update({"1": c["2"], "2": c["1"]}))


def delete(name):
    return lambda root: (root / name).unlink()


G = r"scene_gt.json, image 0, instance 0"
I = r"scene_gt_info.json, image 0, instance 0"  # noqa: E741
S = r"scene_instances.json, image 0"
FAULTS = {
    "metres for millimetres": (each_pose(metres), rf"{G} .*cam_t_m2c looks like metres: its length is 0\.50\d* mm"),
    "OpenGL axes": (each_pose(opengl), rf"{G} .*behind the camera .*OpenGL axes.*agrees with its mask \(IoU (1|0\.9)"),
    "no rotation": (each_pose(skewed), rf"{G}: cam_R_m2c is no rotation"),
    "left-handed": (each_pose(mirrored), rf"{G}: cam_R_m2c is no rotation.*determinant -1"),
    "moved aside": (each_pose(aside), r"mask, image 0, instance 0 .*does not project onto the mask: IoU 0\.\d+"),
    "short translation": (each_pose(short), rf"{G}: cam_t_m2c must hold 3 finite numbers"),
    "no obj_id": (each_pose(nameless), rf"{G}: lacks an obj_id"),
    "unknown model": (each_pose(unknown_model), rf"{G} .*no model 9; the models are \[1, 2\]"),
    "swapped masks": (
        swap_masks,
        r"mask, image 0, instance 1 .*not project onto .* mask of instance 0: are they swapped",
    ),
    "overlapping masks": (overlap, r"mask_visib, image 0, instances 0 and 1: both claim 452 pixels"),
    "grey mask": (grey_mask, r"mask/000000_000000.png: is not binary"),
    "small mask": (small_mask, r"mask/000000_000000.png: has shape \(71, 96\); the image has \(72, 96\)"),
    "missing mask": (delete(f"{SCENE}/mask_visib/000001_000002.png"), r"000001_000002.png: is missing; image 1 has 4"),
    "extra mask": (copy_extra, r"mask/000000_000007.png: scene_gt.json has only 4 instances in image 0"),
    "Euclidean depth": (over_depth(euclid), r"depth/000000, image 0: holds Euclidean distance, not z-depth"),
    "wrong depth scale": (
        scene_file("scene_camera.json", set_in("depth_scale", 1.0, "0")),
        r"depth/000000, image 0: is 10 times as deep .*depth_scale is wrong",
    ),
    "biased depth": (over_depth(lambda d: d + 300), r"depth/000000, image 0, instance 0 .*off the posed model by 30\."),
    "missing depth": (delete(f"{SCENE}/depth/000001.png"), r"depth/000001.png: is missing"),
    "missing image": (delete(f"{SCENE}/rgb/000001.jpg"), r"rgb/000001: is missing"),
    "missing model": (delete("models/obj_000002.ply"), r"obj_000002.ply: is missing"),
    "missing camera entry": (scene_file("scene_camera.json", lambda c: c.pop("1")), r"in one only: \[1\]"),
    "image without entry": (scene_file("scene_camera.json", lambda c: c.pop("1")), r"rgb/000001.jpg: .*no such image"),
    "other image size": (shrink_rgb, r"rgb/000001.jpg: is 96x70, others 96x72"),
    "instance dropped from gt": (
        scene_file("scene_gt.json", drop_instance),
        r"has 4 instances, but scene_gt.json has 3",
    ),
    "instance dropped from info": (scene_file("scene_gt_info.json", drop_last), r"has 3 instances, but .* has 4"),
    "wrong visible count": (
        scene_file("scene_gt_info.json", add_in("px_count_visib", 5, "0", 0)),
        rf"{I}: px_count_visib is 457, but the visible mask has 452",
    ),
    "wrong valid count": (
        scene_file("scene_gt_info.json", add_in("px_count_valid", -9, "0", 0)),
        rf"{I}: px_count_valid is 443, but the amodal mask with depth has 452",
    ),
    "wrong count on the canvas": (
        scene_file("scene_gt_info.json", set_in("px_count_all", 327, "0", 2)),
        r"image 0, instance 2 .*px_count_all is 327, but the posed model covers \d+ pixels of a canvas",
    ),
    "wrong visible fraction": (
        scene_file("scene_gt_info.json", set_in("visib_fract", 0.5, "0", 0)),
        rf"{I}: visib_fract is 0.5, but .* = 452 / 452",
    ),
    "wrong visible box": (scene_file("scene_gt_info.json", shift_box), rf"{I}: bbox_visib is .*the visible mask's is"),
    "wrong amodal box": (scene_file("scene_gt_info.json", true_width), rf"{I} .*bbox_obj is .*the posed model's is"),
    "box of the invisible": (
        scene_file("scene_gt_info.json", set_in("bbox_visib", [1, 2, 3, 4], "0", BEHIND)),
        r"instance 3: bbox_visib is \[1, 2, 3, 4\], but the visible mask's is \[-1, -1, -1, -1\]",
    ),
    "missing info key": (
        scene_file("scene_gt_info.json", lambda c: c["0"][0].pop("visib_fract")),
        r"lacks visib_fract",
    ),
    "COCO category": (
        scene_file("scene_gt_coco.json", set_in("category_id", 2, "annotations", 0)),
        r"annotation 1 \(instance 0\): category_id is 2, but scene_gt.json has obj_id 1",
    ),
    "COCO unknown category": (
        scene_file("scene_gt_coco.json", set_in("category_id", 0, "annotations", 0)),
        r"annotation 1: there is no category 0",
    ),
    "COCO image": (
        scene_file("scene_gt_coco.json", set_in("image_id", 77, "annotations", 0)),
        r"annotation 1: there is no image 77",
    ),
    "COCO area": (
        scene_file("scene_gt_coco.json", set_in("area", 3, "annotations", 0)),
        r"area is 3, but the visible mask has 452 pixels",
    ),
    "COCO box": (
        scene_file("scene_gt_coco.json", set_in("bbox", [0, 0, 2, 2], "annotations", 0)),
        r"bbox is \[0, 0, 2, 2\], but the masks' boxes are",
    ),
    "COCO segmentation": (
        scene_file("scene_gt_coco.json", set_in("counts", [96 * 72], "annotations", 0, "segmentation")),
        r"its run lengths are not the visible mask",
    ),
    "COCO count": (
        scene_file("scene_gt_coco.json", lambda c: c["annotations"].pop(0)),
        r"image 0: has 2 annotations for 3 visible instances",
    ),
    "bad intrinsics": (
        scene_file("scene_camera.json", set_in(0, -70.0, "0", "cam_K")),
        r"scene_camera.json, image 0: cam_K has focal lengths -70 and 72",
    ),
    "short intrinsics": (
        scene_file("scene_camera.json", set_in("cam_K", [70, 72, 47, 37], "0")),
        r"image 0: cam_K must hold 9 numbers",
    ),
    "damaged file": (flip_byte, r"rgb/000001.jpg: is damaged: sha256 is"),
    "file gone": (delete(f"{SCENE}/scene_params.json"), r"scene_params.json: is missing, but listed in checksums.json"),
    "truncated JSON": (truncate, r"scene_gt.json is not valid JSON"),
    "models_info in metres": (models_in_metres, r"models_info.json, obj_id 1: diameter 0\.\d+ mm looks like metres"),
    "PLY in metres": (ply_in_metres, r"obj_000001.ply: is 0\.\d+ mm across: it looks like metres"),
    "wrong bounds": (
        lambda root: edit(root / "models" / "models_info.json", set_in("size_x", 104.0, "1")),
        r"obj_000001.ply: spans \[100\. 120\. 140\.\] mm .*says \[104\. 120\. 140\.\]",
    ),
    "wrong diameter": (
        lambda root: edit(root / "models" / "models_info.json", add_in("diameter", 4.0, "1")),
        r"obj_000001.ply: has a diameter of 209\.76 mm; models_info.json says 213\.76",
    ),
    "evaluation model unlisted": (
        root_file("models_eval/models_info.json", lambda c: c.pop("2")),
        r"models_eval: its models are not those of .*/models; in one only: \[2\]\.",
    ),
    "missing evaluation model": (
        delete("models_eval/obj_000002.ply"),
        r"models_eval/obj_000002.ply: is missing, but models_info.json has obj_id 2",
    ),
    "wrong bounds of an evaluation model": (
        root_file("models_eval/models_info.json", set_in("min_x", -60.0, "1")),
        r"models_eval/obj_000001.ply: spans .* says \[100\. 120\. 140\.\] from \[-60\. -60\. -70\.\]",
    ),
    "swapped evaluation models": (
        swap_eval_models,
        r"models_eval/obj_000001.ply: spans \[ *60\. +50\. +200\.\] mm .*/models \[100\. 120\. 140\.\] from",
    ),
    "camera without focal length": (root_file("camera.json", lambda c: c.pop("fy")), r"camera.json: lacks fy\."),
    "camera with garbled focal length": (
        root_file("camera.json", set_in("fy", "wide")),
        r"camera.json: lacks or garbles a value: could not convert string to float: 'wide'",
    ),
    "negative focal length of the camera": (
        root_file("camera.json", set_in("fx", -70.0)),
        r"camera.json: has focal lengths -70 and 72; both must be positive\.",
    ),
    "camera without principal point": (
        root_file("camera.json", set_in("cx", float("nan"))),
        r"camera.json: has the principal point \(nan, 37\); both must be finite\.",
    ),
    "camera's depth scale": (
        root_file("camera.json", set_in("depth_scale", 0.0)),
        r"camera.json: depth_scale must be a positive number; got 0\.",
    ),
    "camera of another size": (
        root_file("camera.json", set_in("width", 98)),
        r"camera.json: is of 98x72, but the images in train_pbr/000000 are 96x72\.",
    ),
    "image without scene_instances": (
        scene_file("scene_instances.json", lambda c: c.pop("1")),
        r"scene_instances.json: its images are not those of scene_gt.json; in one only: \[1\]\.",
    ),
    "instance dropped from scene_instances": (
        scene_file("scene_instances.json", drop_instance),
        rf"{S}: has 3 instances, but scene_gt.json has 4\.",
    ),
    "instance id taken twice": (
        scene_file("scene_instances.json", set_in("instance_id", 10, "0", 2)),
        rf"{S}, instance 2: instance_id 10 is that of instance 0, too\.",
    ),
    "instance id 0": (
        scene_file("scene_instances.json", set_in("instance_id", 0, "0", 2)),
        rf"{S}, instance 2: instance_id must be a whole number from 1 on; got 0\.",
    ),
    "instance occluded by itself": (
        scene_file("scene_instances.json", set_in("occluded_by", [10, 11], "0", 1)),
        rf"{S}, instance 1: is occluded_by itself: 11 is in \[10, 11\]\.",
    ),
    "occluder that is none": (
        scene_file("scene_instances.json", set_in("occluded_by", [0], "0", 1)),
        rf"{S}, instance 1: occluded_by must list different whole numbers from 1 on; got \[0\]\.",
    ),
    "instance without box": (
        scene_file("scene_instances.json", lambda c: c["0"][1].pop("box_px")),
        rf"{S}, instance 1: lacks box_px\.",
    ),
    "instance with BOP's box": (
        scene_file("scene_instances.json", add_in(2, -1, "0", 0, "box_px")),
        rf"{S}, instance 0: box_px is .*, but scene_gt_info.json has bbox_obj ",
    ),
    "garbled sensor": (
        scene_file("scene_params.json", set_in("views", [{"sensor": {"depth_noise": 1.0}}])),
        r"scene_params.json, view 0: lacks or garbles its sensor: .*depth_noise",
    ),
    "negative sensor noise": (
        scene_file("scene_params.json", set_in("views", [{"sensor": {"depth_noise_px": -1.0}}])),
        r"scene_params.json, view 0: .*depth_noise_px of its sensor must be .* from 0 on; got 0\.075, 0\.0, -1\.0",
    ),
    "distribution for a sensor": (
        scene_file("scene_params.json", set_in("views", [{"sensor": {"depth_noise_px": "U(0, 1)"}}])),
        r"scene_params.json, view 0: .* must be finite numbers from 0 on; got 0\.075, 0\.0, U\(0, 1\)\.",
    ),
    "unfinished dataset": (
        lambda root: shutil.rmtree(root / "train_pbr/000001"),
        r"graspsim.json, split train_pbr: 2 of 4 frames; run the same dump command to finish\.",
    ),
    "unfinished scene": (
        delete("train_pbr/000001/scene_camera.json"),
        r"2 of 4 frames; remove 000001, which has no scene_camera.json, and run the same dump command to finish\.",
    ),
    "no scene yet": (
        lambda root: shutil.rmtree(root / "train_pbr"),
        r"graspsim.json, split train_pbr: 0 of 4 frames; run the same dump command to finish\.",
    ),
    "no scene yet of the split that was asked for": (
        lambda root: (root / "train_pbr").rename(root / "val"),
        r"graspsim.json, split train_pbr: 0 of 4 frames; run the same dump command to finish\.",
    ),
    "more images than were asked for": (
        root_file("graspsim.json", set_in("frames", 3)),
        r"graspsim.json, split train_pbr: states 3 frames in 2 scenes, but there are 4 in 2\.",
    ),
    "manifest without frames": (
        root_file("graspsim.json", lambda c: c.pop("frames")),
        r"graspsim.json: lacks or garbles a value: KeyError\('frames'\)",
    ),
    "target count": (
        lambda root: edit(root / "test_targets_bop19.json", set_in("inst_count", 3, 0)),
        r"test_targets_bop19.json, scene 0, image 0: lists \{1: 3, 2: 1\}, but \{1: 2, 2: 1\} are visible",
    ),
    "target image": (
        lambda root: edit(root / "test_targets_bop19.json", set_in("im_id", 88, 0)),
        r"scene 0, image 88: there is no such image",
    ),
}


@pytest.mark.parametrize("name", FAULTS)
def test_a_fault_is_found_and_named(name, dataset):
    damage, pattern = FAULTS[name]
    damage(dataset)
    faults = validate(dataset).faults
    assert any(re.search(pattern, fault) for fault in faults), faults


def test_a_clean_dataset_has_no_fault_and_everything_is_checked(pristine):
    report = validate(pristine)
    assert report.faults == []
    assert report.skipped == []
    assert report.checked["posed models"] == report.checked["gt_info entries"] == 16
    assert report.checked["masks"] == 32
    assert report.checked["COCO annotations"] == report.checked["depth comparisons"] == 12
    assert report.checked["instances"] == 16
    assert report.checked["evaluation models"] == report.checked["models"] == 2
    assert report.summary().endswith(" 8 targets.\nNo fault found.")


def test_a_fault_in_metres_is_named_once_per_instance_only(dataset):
    FAULTS["metres for millimetres"][0](dataset)
    faults = [f for f in validate(dataset).faults if "instance 0" in f and "image 0" in f]
    assert len(faults) == 1


def test_zero_mean_sensor_noise_is_no_fault(dataset):
    rng = np.random.default_rng(0)
    over_depth(lambda d: d + rng.normal(0, 40, d.shape))(dataset)
    assert [f for f in validate(dataset).faults if "checksums" not in f] == []


def test_what_a_dataset_lacks_is_skipped_by_name(dataset):
    shutil.rmtree(dataset / "models")
    shutil.rmtree(dataset / "models_eval")
    for name in ("camera.json", "graspsim.json"):
        (dataset / name).unlink()
    for name in ("depth", "mask", "mask_visib"):
        shutil.rmtree(dataset / SCENE / name)
    for name in ("scene_gt_info.json", "scene_gt_coco.json", "scene_instances.json", "checksums.json"):
        (dataset / SCENE / name).unlink()
    shutil.rmtree(dataset / "train_pbr" / "000001")
    (dataset / "test_targets_bop19.json").unlink()
    report = validate(dataset)
    assert report.faults == []
    words = "depth mask mask_visib scene_gt_info scene_gt_coco scene_instances checksums targets"
    for word in [*words.split(), "models,", "models_eval", "camera.json", "graspsim.json"]:
        assert any(word in line for line in report.skipped), word


def disparity_steps(step_px, noise_px=0.0):
    """Depth as a stereo pair of the baseline 0.1 m sees it, in the dataset's units of 0.1 mm."""
    focal_baseline, rng = CAMERA.fx * 0.1 * 1e4, np.random.default_rng(0)
    return over_depth(
        lambda d: (
            focal_baseline / (np.rint((focal_baseline / d + rng.normal(0, noise_px, d.shape)) / step_px) * step_px)
        )
    )


def sensor_named(**errors):
    views = [{"sensor": {"depth_baseline_m": 0.1, **errors}}] * 2
    return scene_file("scene_params.json", set_in("views", views))


def depth_faults(root):
    return [fault for fault in validate(root).faults if "checksums" not in fault]


@pytest.mark.parametrize(("step_px", "noise_px"), [(3.0, 0.0), (3.0, 0.2), (4.0, 0.5)])
def test_depth_as_coarse_as_its_sensor_is_no_fault_unless_the_sensor_is_unknown(step_px, noise_px, dataset):
    disparity_steps(step_px, noise_px)(dataset)
    assert any("off the posed model" in fault for fault in depth_faults(dataset))
    sensor_named(depth_disparity_step_px=step_px, depth_noise_px=noise_px)(dataset)
    assert depth_faults(dataset) == []


def test_a_bias_beyond_what_the_sensor_does_is_found(dataset):
    sensor_named(depth_disparity_step_px=0.5)(dataset)
    over_depth(lambda d: d - 500)(dataset)
    assert any(re.search(r"off the posed model by -50\.0 mm", fault) for fault in depth_faults(dataset))


@pytest.mark.parametrize("name", ["Euclidean depth", "wrong depth scale"])
def test_what_ails_a_whole_depth_image_is_found_with_a_sensor_too(name, dataset):
    damage, pattern = FAULTS[name]
    sensor_named(depth_disparity_step_px=0.05, depth_noise_px=0.01)(dataset)
    damage(dataset)
    assert any(re.search(pattern, fault) for fault in depth_faults(dataset))


def test_the_bound_on_a_sensors_error_holds_and_is_reached():
    rng = np.random.default_rng(0)
    depth_m = rng.uniform(0.3, 6, (200, 200))
    sensor = Sensor(depth_disparity_step_px=4.0)
    measured = apply_to_depth(depth_m.astype(np.float32), sensor, 300.0, rng)
    bound = dataclasses.replace(OURS, sensor=sensor).sensor_error_m(depth_m, 300.0)
    share = (np.abs(measured - depth_m) / bound)[measured > 0]
    assert 0.99 < share.max() < 1.0001
    assert np.all(OURS.sensor_error_m(depth_m, 300.0) == 0)
    small = dataclasses.replace(OURS, sensor=Sensor(depth_disparity_step_px=0.01, depth_noise_px=0.001))
    first_order = depth_m**2 * (0.01 / 2 + 3 * 0.001) / (300 * 0.075)
    np.testing.assert_allclose(small.sensor_error_m(depth_m, 300.0), first_order, rtol=0.01)


def test_noise_as_large_as_the_disparity_has_no_bound():
    noisy = dataclasses.replace(OURS, sensor=Sensor(depth_noise_px=1.0))
    assert np.isinf(noisy.sensor_error_m(np.array([10.0]), 300.0)).all()


def test_our_own_dataset_of_a_coarse_depth_camera_has_no_fault(tmp_path):
    spec = overlaid(
        load("scene", "tabletop"),
        {
            "camera": {"width": 320, "height": 240, "views": 4, "distance_m": 1.5},
            "objects": {"models": 4},
            "sensor": {"depth_disparity_step_px": 1.0, "depth_noise_px": 0.2, "depth_edge_loss_px": 2.0},
        },
    )
    dump(DumpJob(spec, 0, 4, tmp_path / "set", "test"), workers=1)
    report = validate(tmp_path / "set")
    assert report.faults == []
    assert report.checked["depth comparisons"] > 5
    (tmp_path / "set/test/000000/scene_params.json").unlink()
    assert any("off the posed model" in fault for fault in validate(tmp_path / "set").faults)


def test_names_that_a_killed_run_left_are_ignored(dataset):
    clean = validate(dataset)
    (dataset / ".lock").touch()
    (dataset / ".camera.json.part").write_text("{")
    shutil.copytree(dataset / "models", dataset / ".models.part")
    shutil.copytree(dataset / "train_pbr", dataset / ".train_pbr.part")
    (dataset / ".train_pbr.part/000000/scene_gt.json").write_text("{")
    shutil.copytree(dataset / SCENE, dataset / "train_pbr/.000002.part")
    (dataset / SCENE / ".scene_gt.json.part").touch()
    (dataset / SCENE / "mask/.000000_000009.png").touch()
    assert validate(dataset) == clean


def test_leftovers_alone_are_no_dataset(dataset):
    (dataset / "graspsim.json").unlink()
    (dataset / "train_pbr").rename(dataset / ".train_pbr.part")
    with pytest.raises(DatasetError, match=r"holds no split, only what a killed run left: \.train_pbr\.part\."):
        validate(dataset)


def test_another_split_than_the_manifests_is_not_held_to_it(dataset):
    shutil.copytree(dataset / SCENE, dataset / "val/000000")
    report = validate(dataset, split="val")
    assert report.faults == []
    assert "whether the split train_pbr that graspsim.json names is complete" in report.skipped
    assert validate(dataset).ok


def test_the_camera_of_others_need_not_have_their_images_size(dataset):
    FAULTS["camera of another size"][0](dataset)
    for path in dataset.rglob("checksums.json"):
        path.unlink()
    assert validate(dataset).faults == []


def test_the_summary_counts_the_faults_and_leaves_them_to_the_caller(dataset):
    (dataset / "train_pbr/000001/checksums.json").unlink()
    FAULTS["camera of another size"][0](dataset)
    report = validate(dataset)
    assert len(report.faults) == 1
    assert report.faults[0] not in report.summary()
    assert report.summary().splitlines()[-2:] == ["Not checked: train_pbr/000001: no checksums.json.", "1 fault found."]
    FAULTS["camera's depth scale"][0](dataset)
    assert validate(dataset).summary().endswith("\n2 faults found.")


def test_models_may_lie_elsewhere(dataset, tmp_path):
    (dataset / "models").rename(tmp_path / "elsewhere")
    assert validate(dataset).checked["posed models"] == 0
    assert validate(dataset, models=tmp_path / "elsewhere").checked["posed models"] == 16


def test_max_images_opens_so_many_and_progress_counts_them(pristine):
    seen = []
    report = validate(pristine, max_images=2, progress=lambda done, total: seen.append((done, total)))
    assert seen == [(1, 2), (2, 2)]
    assert report.checked["images"] == 2
    assert report.checked["poses"] == 16
    assert report.faults == []


@pytest.mark.parametrize("count", [0, -3])
def test_fewer_images_than_one_are_refused(count, pristine):
    with pytest.raises(SpecError, match=f"max_images must be at least 1; got {count}\\."):
        validate(pristine, max_images=count)


def test_validation_changes_nothing(dataset):
    before = {p: p.read_bytes() for p in dataset.rglob("*") if p.is_file()}
    validate(dataset)
    assert {p: p.read_bytes() for p in dataset.rglob("*") if p.is_file()} == before


def test_no_dataset_is_an_error(tmp_path, pristine):
    with pytest.raises(DatasetError, match="no dataset folder"):
        validate(tmp_path / "nowhere")
    with pytest.raises(DatasetError, match="no split 'test'; it has train_pbr"):
        validate(pristine, split="test")


@pytest.fixture
def real():
    if not REAL.is_dir():
        pytest.skip(f"{REAL} is absent")
    return REAL


def test_lmo_passes(real):
    report = validate(real / "lmo", max_images=10)
    assert report.faults == []
    assert report.checked["models"] == 8
    assert report.checked["poses"] == 383


def test_an_official_frame_with_depth_and_masks_passes(real):
    report = validate(real / "lmo_rgbd", models=real / "lmo" / "models")
    assert report.faults == []
    assert report.checked["posed models"] == report.checked["depth comparisons"] == 8


@pytest.mark.parametrize(("name", "pattern"), [("metres", "looks like metres"), ("opengl", "OpenGL axes.*agrees")])
def test_faults_in_an_official_frame_are_found(name, pattern, real, tmp_path):
    root = Path(shutil.copytree(real / "lmo_rgbd", tmp_path / "set"))
    edit(root / "test/000002/scene_gt.json", lambda c: [{"metres": metres, "opengl": opengl}[name](e) for e in c["3"]])
    faults = validate(root, models=real / "lmo" / "models").faults
    assert sum(bool(re.search(pattern, fault)) for fault in faults) == 8


def test_euclidean_depth_of_an_official_frame_is_found(real, tmp_path):
    root = Path(shutil.copytree(real / "lmo_rgbd", tmp_path / "set"))
    path = root / "test/000002/depth/000003.png"
    k = BopDataset(root).read_frame("test", 2, 3).intrinsics
    v, u = np.mgrid[: k.height, : k.width] + 0.5
    slant = np.sqrt(1 + ((u - k.cx) / k.fx) ** 2 + ((v - k.cy) / k.fy) ** 2)
    depth = cv2.imread(str(path), cv2.IMREAD_UNCHANGED)
    path.write_bytes(encode_depth(np.rint(depth * slant).astype(np.uint16)))
    faults = validate(root, models=real / "lmo" / "models").faults
    assert any("Euclidean distance" in fault or "off the posed model" in fault for fault in faults), faults
