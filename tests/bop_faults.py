"""Every fault that validation must find in a dataset, as a way to damage it and what must then be said."""

import shutil

from bop_damage import (
    SCENE,
    Damage,
    add_in,
    aside,
    copy_extra,
    delete,
    drop_instance,
    drop_last,
    each_pose,
    edit,
    euclid,
    flip_byte,
    grey_mask,
    metres,
    mirrored,
    models_in_metres,
    nameless,
    opengl,
    over_depth,
    overlap,
    ply_in_metres,
    root_file,
    scene_file,
    set_in,
    shift_box,
    short,
    shrink_rgb,
    skewed,
    small_mask,
    swap_eval_models,
    swap_masks,
    true_width,
    truncate,
    unknown_model,
)
from bop_sample import BEHIND

G = r"scene_gt.json, image 0, instance 0"
I = r"scene_gt_info.json, image 0, instance 0"  # noqa: E741
S = r"scene_instances.json, image 0"
FAULTS: dict[str, tuple[Damage, str]] = {
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
