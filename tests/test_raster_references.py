"""The rasteriser against programs that share none of its code: Embree's rays, Bullet's TinyRenderer, bop_toolkit."""

import json
from functools import cache
from pathlib import Path

import cv2
import numpy as np
import pybullet
import pytest
import trimesh
from scenes_for_tests import at, body, camera_from_bodies, pixel_rays, poses_of, renderer_of, scene, table

from graspsim import registry
from graspsim.geometry import Intrinsics, invert, look_at, random_quat, transform
from graspsim.meshes import Mesh, face_normals, finish, moved
from graspsim.models import ObjectModel, make_object
from graspsim.render.fixtures import fixture_mesh
from graspsim.render.frame import Frame
from graspsim.render.raster import render_mesh
from graspsim.scene import Scene

REAL = Path(__file__).parents[2] / "shared" / "real"
FAMILIES = registry.names("family")
# Off-centre and with unequal focal lengths, so that no convention can hide.
VIEW = Intrinsics(320, 240, 310.0, 290.0, 171.0, 108.0)
SEEDS = pytest.mark.parametrize("seed", range(4))


@cache
def clutter(seed: int) -> tuple[Scene, list[ObjectModel], np.ndarray]:
    """Two objects of every family in random poses over a table, and a camera that looks at them."""
    rng = np.random.default_rng(seed)
    models = [make_object(family, rng) for family in FAMILIES * 2]
    bodies = []
    for i, model in enumerate(models):
        low, high = (-0.18, -0.14, 0.0), (0.18, 0.14, 0.08)
        x, y, z = rng.uniform(low, high)
        bodies.append(body(20 + i, i + 1, at(x, y, z + 0.3 * model.diameter_m, random_quat(rng))))
    eye = rng.uniform((-0.3, -0.6, 0.35), (0.3, -0.4, 0.6))
    world_from_camera = look_at(eye, (0, 0, 0.04), rng.uniform(-0.5, 0.5))
    return scene(tuple(bodies), (table(1.0),)), models, world_from_camera


def frame_of(seed: int) -> Frame:
    world, models, world_from_camera = clutter(seed)
    return renderer_of(world, *models).render(poses_of(world), VIEW, world_from_camera, ("depth", "ids", "normals"))


def camera_meshes(seed: int) -> list[tuple[int, Mesh]]:
    """The id and the mesh, with vertices in the camera frame, of whatever is in the scene."""
    world, models, world_from_camera = clutter(seed)
    placed = [
        (b.instance_id, models[b.obj_id - 1].mesh, pose)
        for b, pose in zip(world.bodies, camera_from_bodies(world, world_from_camera), strict=True)
    ]
    placed += [(f.instance_id, fixture_mesh(f), invert(world_from_camera)) for f in world.fixtures]
    return [(i, moved(m, pose)) for i, m, pose in placed]


# Embree: a ray caster.


def cast_rays(meshes: list[tuple[int, Mesh]]) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Return ids, depth, the shading normal and the geometric one of what the ray through each pixel centre meets."""
    pytest.importorskip("embreex", reason="embreex has wheels for x86_64 only")
    from embreex.mesh_construction import TriangleMesh
    from embreex.rtcore_scene import EmbreeScene

    corners = np.concatenate([m.vertices[m.faces] for _, m in meshes])
    owner = np.repeat([i for i, _ in meshes], [len(m.faces) for _, m in meshes])
    corner_normals = np.concatenate([m.corner_normals for _, m in meshes])
    flat = np.concatenate([face_normals(m.vertices, m.faces) for _, m in meshes])
    embree = EmbreeScene()
    TriangleMesh(embree, corners.astype(np.float32))
    # With z = 1 the ray's parameter is depth.
    rays = pixel_rays(VIEW).reshape(-1, 3).astype(np.float32)
    hits = embree.run(np.zeros_like(rays), rays, output=True)
    face = hits["primID"]
    hit = face >= 0
    face = np.where(hit, face, 0)
    u, v = hits["u"][:, None], hits["v"][:, None]
    n = corner_normals[face]
    normal = (1 - u - v) * n[:, 0] + u * n[:, 1] + v * n[:, 2]
    normal /= np.linalg.norm(normal, axis=1, keepdims=True)
    flat = flat[face] / np.linalg.norm(flat[face], axis=1, keepdims=True)
    shape = (VIEW.height, VIEW.width)
    ids = np.where(hit, owner[face], 0).reshape(shape)
    depth = np.where(hit, hits["tfar"], 0.0).reshape(shape)
    return ids, depth, normal.reshape(*shape, 3), flat.reshape(*shape, 3)


@SEEDS
def test_rays_cast_by_embree_meet_the_same_surfaces(seed: int) -> None:
    frame = frame_of(seed)
    ids, depth, normals, flat = cast_rays(camera_meshes(seed))
    assert len(np.unique(ids)) > 8
    # Measured: all pixels agree, those at edges too, and depth to 0.4 µm. Embree works in float32.
    same = frame.instance_ids == ids
    assert same.mean() > 0.9999
    seen = same & (ids > 0)
    assert (np.abs(frame.depth_m - depth)[seen] < 2e-6).mean() > 0.9999
    assert (np.abs(frame.normals - normals).max(axis=-1)[seen] < 1e-4).mean() > 0.999
    # Where a face is flat its shading normal is the geometric one.
    is_flat = seen & (np.abs(normals - flat).max(axis=-1) < 1e-6)
    assert is_flat.sum() > 10000
    assert (np.abs(frame.normals - flat).max(axis=-1)[is_flat] < 1e-5).mean() > 0.999


# TinyRenderer: Bullet's rasteriser.


def tiny_render(meshes: list[tuple[int, Mesh]], folder: Path) -> tuple[np.ndarray, np.ndarray]:
    """Return ids and depth by TinyRenderer.

    It tests whole-numbered points of a viewport whose y points up, where we test pixel centres: its pixel (row i,
    column j) is sampled at u = j, v = h - (h - 1 - i) = i + 1. The principal point is therefore moved by half
    a pixel, which puts the ray that we cast through (j + 0.5, i + 0.5) there.
    """
    k, near, far = VIEW, 0.1, 3.0
    cx, cy = k.cx - 0.5, k.cy + 0.5
    client = pybullet.connect(pybullet.DIRECT)
    owner = {-1: 0}
    try:
        for i, mesh in meshes:
            path = folder / f"{i}.obj"
            trimesh.Trimesh(mesh.vertices, mesh.faces, process=False).export(path)
            shape = pybullet.createVisualShape(pybullet.GEOM_MESH, fileName=str(path), physicsClientId=client)
            owner[pybullet.createMultiBody(baseVisualShapeIndex=shape, physicsClientId=client)] = i
        projection = np.array(
            [
                [2 * k.fx / k.width, 0, 1 - 2 * cx / k.width, 0],
                [0, 2 * k.fy / k.height, 2 * cy / k.height - 1, 0],
                [0, 0, -(far + near) / (far - near), -2 * far * near / (far - near)],
                [0, 0, -1, 0],
            ]
        )
        # The vertices are in our camera's frame: OpenGL's differs from it by half a turn about x.
        _, _, _, buffer, mask = pybullet.getCameraImage(
            k.width,
            k.height,
            np.diag([1.0, -1, -1, 1]).T.ravel().tolist(),
            projection.T.ravel().tolist(),
            renderer=pybullet.ER_TINY_RENDERER,
            physicsClientId=client,
        )
    finally:
        pybullet.disconnect(client)
    shape = (k.height, k.width)
    body_of_pixel = np.reshape(mask, shape)
    ids = np.vectorize(owner.__getitem__)(np.where(body_of_pixel < 0, -1, body_of_pixel & 0xFFFFFF))
    depth = far * near / (far - (far - near) * np.reshape(buffer, shape).astype(np.float64))
    return ids, np.where(ids > 0, depth, 0.0)


@SEEDS
def test_bullets_renderer_sees_the_same_bodies_at_the_same_depth(seed: int, tmp_path: Path) -> None:
    frame = frame_of(seed)
    ids, depth = tiny_render(camera_meshes(seed), tmp_path)
    assert len(np.unique(ids)) > 8
    # Measured: all pixels agree, those at edges too, and depth to 0.8 µm.
    # Unshifted, 0.7 % differ, and by 1 mm on average.
    same = frame.instance_ids == ids
    assert same.mean() > 0.9999
    assert (np.abs(depth - frame.depth_m)[same] < 5e-6).mean() > 0.9999


# bop_toolkit: masks, boxes and counts of a real image of LM-O.


def test_masks_boxes_and_counts_of_the_bop_toolkit_are_reproduced_on_real_data() -> None:
    folder = REAL / "lmo_rgbd" / "test" / "000002"
    if not folder.is_dir():
        pytest.skip(f"{folder} is absent: there are no masks of bop_toolkit to compare with")
    image = "3"
    gt, info, camera = (
        json.loads((folder / name).read_text())[image]
        for name in ("scene_gt.json", "scene_gt_info.json", "scene_camera.json")
    )
    width, height = 640, 480
    fx, _, cx, _, fy, cy, *_ = camera["cam_K"]
    # BOP counts on a canvas three times the image.
    canvas = Intrinsics(3 * width, 3 * height, fx, fy, cx + width, cy + height)
    assert len(gt) == 8
    for i, (pose, expected) in enumerate(zip(gt, info, strict=True)):
        scan = trimesh.load(REAL / "lmo" / "models" / f"obj_{pose['obj_id']:06d}.ply", process=False)
        mesh = finish(np.asarray(scan.vertices) / 1000, np.asarray(scan.faces))
        camera_from_model = transform(np.reshape(pose["cam_R_m2c"], (3, 3)), np.array(pose["cam_t_m2c"]) / 1000)
        drawn = render_mesh(mesh, camera_from_model, canvas) > 0
        theirs = cv2.imread(str(folder / "mask" / f"{int(image):06d}_{i:06d}.png"), cv2.IMREAD_GRAYSCALE) > 0
        ours = drawn[height : 2 * height, width : 2 * width]
        # Measured: at most one pixel differs in any mask. Half a pixel of shift would leave an IoU of 0.95 to 0.98.
        assert (ours & theirs).sum() / (ours | theirs).sum() > 0.999, pose["obj_id"]
        assert abs(int(drawn.sum()) - expected["px_count_all"]) <= 2
        rows, columns = np.flatnonzero(drawn.any(axis=1)), np.flatnonzero(drawn.any(axis=0))
        # The toolkit's width and height are last - first, one less than the pixels spanned.
        box = [columns[0] - width, rows[0] - height, np.ptp(columns), np.ptp(rows)]
        assert np.abs(np.subtract(box, expected["bbox_obj"])).max() <= 1, pose["obj_id"]
