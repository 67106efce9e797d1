"""A tiny dataset made by hand: boxes before a plane, drawn by intersecting rays, not by our renderer."""

from dataclasses import replace
from pathlib import Path

import numpy as np

from graspsim.dataset.bop import write_camera, write_targets
from graspsim.dataset.coco import mask_box
from graspsim.dataset.files import json_lines, replace_file
from graspsim.dataset.models_io import write_models
from graspsim.dataset.records import FrameRecord
from graspsim.dataset.scene_writer import SceneWriter
from graspsim.geometry import Intrinsics, apply, invert, look_at, project, rotation_about, transform
from graspsim.labels import NOTHING_VISIBLE, InstanceLabel
from graspsim.meshes import box_mesh
from graspsim.models import Symmetries, object_model

CAMERA = Intrinsics(96, 72, 70.0, 72.0, 47.0, 37.0)
SIZES_M = {1: np.array([0.1, 0.12, 0.14]), 2: np.array([0.06, 0.05, 0.2])}
WORLD_FROM_CAMERA = look_at((0.3, -0.5, 0.6), (0, 0, 0.1))
WALL_M = 0.9
BEHIND = 3
"""Instance that nothing is seen of."""


def models(texture=None):
    half_turn = transform(rotation_about((0, 0, 1), np.pi))
    made = []
    for obj_id, size in SIZES_M.items():
        mesh = box_mesh(size)
        made.append(
            replace(
                object_model(f"box {obj_id}", mesh, [mesh.vertices], Symmetries((half_turn,))),
                texture=texture if obj_id == 1 else None,
            )
        )
    return made


def poses(shift_m=0.0):
    """(obj_id, camera_from_model) of four instances: free, half hidden by the first, cut by the border, hidden."""
    turned = rotation_about((1, 2, 3), 0.8)
    return [
        (1, transform(turned, (-0.05 + shift_m, 0.01, 0.5))),
        (2, transform(rotation_about((0, 1, 0), 1.2), (0.04 + shift_m, 0.02, 0.6))),
        (1, transform(rotation_about((1, 0, 1), 0.5), (0.32, -0.15, 0.55))),
        (2, transform(rotation_about((1, 0, 0), 0.1), (-0.08 + shift_m, 0.016, 0.8))),
    ]


def box_depth(size_m, camera_from_model, k):
    """z-depth (h, w) of a box by the slab method; 0 where the ray of a pixel's centre misses it."""
    v, u = np.mgrid[: k.height, : k.width] + 0.5
    rays = np.stack([(u - k.cx) / k.fx, (v - k.cy) / k.fy, np.ones_like(u)], axis=-1)
    model_from_camera = invert(camera_from_model)
    origin, directions = model_from_camera[:3, 3], rays @ model_from_camera[:3, :3].T
    near, far = ((s * size_m / 2 - origin) / directions for s in (-1, 1))
    enter, leave = np.minimum(near, far).max(axis=-1), np.maximum(near, far).min(axis=-1)
    return np.where((enter < leave) & (enter > 0), enter, 0.0)


def frame(im_id=0, shift_m=0.0):
    k = CAMERA
    canvas = Intrinsics(3 * k.width, 3 * k.height, k.fx, k.fy, k.cx + k.width, k.cy + k.height)
    posed = poses(shift_m)
    drawn = [box_depth(SIZES_M[obj_id], pose, canvas) for obj_id, pose in posed]
    alone = [d[k.height : 2 * k.height, k.width : 2 * k.width] for d in drawn]
    layers = np.stack([np.full((k.height, k.width), WALL_M), *(np.where(d > 0, d, np.inf) for d in alone)])
    ids, depth = layers.argmin(axis=0), layers.min(axis=0).astype(np.float32)
    labels = []
    for i, (obj_id, pose) in enumerate(posed):
        mask, visible = alone[i] > 0, ids == i + 1
        x, y, width, height = mask_box(drawn[i] > 0)
        corners = np.array([[a, b, c] for a in (-1, 1) for b in (-1, 1) for c in (-1, 1)]) * SIZES_M[obj_id] / 2
        pixels_all = int((drawn[i] > 0).sum())
        labels.append(
            InstanceLabel(
                instance_id=10 + i,
                obj_id=obj_id,
                camera_from_model=pose,
                mask=mask,
                mask_visible=visible,
                box_px=(x - k.width, y - k.height, width, height),
                box_visible_px=mask_box(visible) or NOTHING_VISIBLE,
                pixels_all=pixels_all,
                pixels_valid=int((mask & (depth > 0)).sum()),
                pixels_visible=int(visible.sum()),
                visible_fraction=int(visible.sum()) / pixels_all,
                box_corners_m=corners,
                keypoints_px=project(apply(pose, np.vstack([corners, np.zeros(3)])), k),
                occluded_by=(10,) if i in (1, BEHIND) else (),
            )
        )
    shades = np.array([[90, 90, 96], [200, 120, 40], [60, 160, 190], [210, 190, 60], [120, 60, 160]], np.uint8)
    shaded = shades[ids] + np.mgrid[: k.height, : k.width][1][..., None].astype(np.uint8) // 4
    return FrameRecord(im_id, shaded.astype(np.uint8), depth, k, WORLD_FROM_CAMERA, labels)


def write_scene(split_folder, scene_id=0, frames=None, **options):
    writer = SceneWriter(Path(split_folder), scene_id, sorted(SIZES_M), **options)
    for record in frames or [frame(0), frame(1, 0.02)]:
        writer.add(record)
    return writer.close({"scene_params.json": {"seed": 7}})


def write_dataset(root, **options):
    """Two scenes of two images in the split train_pbr, with models, camera, targets and what it was made from."""
    write_models(root, dict(enumerate(models(), start=1)))
    write_camera(root, CAMERA)
    for scene_id in (0, 1):
        write_scene(root / "train_pbr", scene_id, **options)
    write_targets(root, "train_pbr")
    made_from = {"format": 1, "frames": 4, "split": "train_pbr", "spec": {"camera": {"views": 2}}}
    replace_file(Path(root) / "graspsim.json", json_lines(made_from))
    return root
