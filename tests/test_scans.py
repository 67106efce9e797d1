"""Scanned household objects, where they lie beside the checkout, are objects like any other."""

from functools import cache
from pathlib import Path

import numpy as np
import pytest
from scenes_for_tests import CAMERA, WHITE, renderer_of, scene
from scenes_for_tests import body as shown
from scipy.spatial import cKDTree
from worlds_for_tests import at, body, scene_of, table, world_vertices

from graspsim.geometry import look_at, matrices_from_poses, random_quat
from graspsim.mesh_import import import_mesh
from graspsim.models import ObjectModel
from graspsim.physics.bullet import BulletWorld
from graspsim.scene import Material

MESHES = Path(__file__).parents[2] / "shared" / "meshes"
NAMES = ("003_cracker_box", "006_mustard_bottle", "011_banana", "024_bowl", "033_spatula", "037_scissors")

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not MESHES.exists(), reason=f"no scanned objects in {MESHES}"),
    pytest.mark.parametrize("name", NAMES),
]


@cache
def scan(name: str) -> ObjectModel:
    return import_mesh(MESHES / name / "textured.obj")


def test_a_scan_comes_to_rest_on_the_table_and_stays(name: str) -> None:
    model = scan(name)
    for seed in range(3):
        pose = at(0, 0, 0.6 * model.diameter_m, random_quat(np.random.default_rng(seed)))
        with BulletWorld(scene_of([body(pose, mass_kg=400 * model.volume_m3)], [table()]), {1: model}) as world:
            assert world.settle(4.0).at_rest
            before = world.poses()
            world.step(0.5)
            after = world.poses()
        here, there = (world_vertices(model.mesh, matrices_from_poses(poses)[0]) for poses in (before, after))
        assert abs(here[:, 2].min()) < 0.001
        assert np.linalg.norm(there - here, axis=1).max() < 0.0005


def test_a_scan_shows_its_own_texture(name: str) -> None:
    model = scan(name)
    assert model.texture is not None
    one = scene((shown(1, material=Material(None, 1.0, 0.0)),), sky=WHITE, ground=WHITE)
    eye = np.array((1.0, -1.0, 1.0)) * model.diameter_m
    frame = renderer_of(one, model).render(np.array([b.pose for b in one.bodies]), CAMERA, look_at(eye, (0, 0, 0)))
    assert frame.rgb is not None
    assert frame.instance_ids is not None
    assert frame.coordinates_m is not None
    seen = frame.instance_ids == 1
    faces = model.mesh.vertices[model.mesh.faces].mean(axis=1)
    _, nearest = cKDTree(faces).query(frame.coordinates_m[seen])
    uv = model.mesh.corner_uvs[nearest].mean(axis=1)
    height, width = model.texture.shape[:2]
    rows = np.clip((1 - uv[:, 1]) * height, 0, height - 1).astype(int)
    expected = model.texture[rows, np.clip(uv[:, 0] * width, 0, width - 1).astype(int)]
    # A little white light is reflected on top, which shifts all alike.
    assert np.corrcoef(frame.rgb[seen].ravel(), expected.ravel())[0, 1] > 0.8
