"""Models as BOP has them: meshes in millimetres and what models_info.json says of them."""

from dataclasses import replace

import numpy as np
import pytest
from bop_sample import frame, models

from graspsim.dataset.files import read_json
from graspsim.dataset.models_io import encode_ply, load_models, load_models_info, load_ply, write_models
from graspsim.errors import DatasetError
from graspsim.models import Symmetries


def corner_rows(mesh):
    rows = np.concatenate([mesh.vertices[mesh.faces], mesh.corner_normals], axis=2)
    return rows.reshape(-1, 6)


@pytest.mark.parametrize("textured", [False, True])
def test_models_read_back_corner_by_corner(tmp_path, textured):
    texture = np.random.default_rng(0).integers(0, 255, (8, 8, 3)).astype(np.uint8)
    made = models(texture if textured else None)
    write_models(tmp_path, dict(enumerate(made, start=1)))
    for folder in ("models", "models_eval"):
        read = load_models(tmp_path / folder)
        assert sorted(read) == [1, 2]
        for mesh, model in zip(read.values(), made, strict=True):
            np.testing.assert_allclose(corner_rows(mesh), corner_rows(model.mesh), atol=1e-7)
    assert (tmp_path / "models" / "obj_000001.png").exists() == textured
    if textured:
        np.testing.assert_allclose(load_models(tmp_path / "models")[1].corner_uvs, made[0].mesh.corner_uvs, atol=1e-6)
        header = (tmp_path / "models" / "obj_000001.ply").read_bytes()[:200]
        assert b"comment TextureFile obj_000001.png" in header


def test_a_box_is_stored_with_one_vertex_per_corner_and_normal():
    assert b"element vertex 24\n" in encode_ply(models()[0].mesh)


def test_models_info_is_in_millimetres_and_reads_back(tmp_path):
    made = models()
    axis = Symmetries((), ((np.array([0.0, 0, 1]), np.array([0.01, 0, 0])),))
    made[1] = replace(made[1], symmetries=axis)
    write_models(tmp_path, dict(enumerate(made, start=1)))
    plain = read_json(tmp_path / "models" / "models_info.json")
    assert plain["1"]["size_x"] == pytest.approx(100)
    assert plain["1"]["min_z"] == pytest.approx(-70)
    assert plain["2"]["symmetries_continuous"] == [{"axis": [0, 0, 1], "offset": [10, 0, 0]}]
    info = load_models_info(tmp_path / "models")
    assert info[1].diameter_m == pytest.approx(made[0].diameter_m)
    np.testing.assert_allclose(info[1].symmetries.discrete, made[0].symmetries.discrete, atol=1e-15)
    np.testing.assert_allclose(info[1].box_corners_m, frame().labels[0].box_corners_m, atol=1e-15)


def test_symmetries_keep_their_translation_in_millimetres(tmp_path):
    made = models()
    moved = replace(made[0], symmetries=made[0].symmetries.shifted((0.02, 0, 0)))
    write_models(tmp_path, {1: moved})
    plain = read_json(tmp_path / "models" / "models_info.json")["1"]["symmetries_discrete"][0]
    assert plain[3] == pytest.approx(40)
    read = load_models_info(tmp_path / "models")[1].symmetries.discrete[0]
    np.testing.assert_allclose(read, moved.symmetries.discrete[0], atol=1e-15)


def test_models_that_cannot_be_read_are_named(tmp_path):
    with pytest.raises(DatasetError, match="holds no models"):
        load_models(tmp_path)
    path = tmp_path / "obj_000001.ply"
    path.write_bytes(encode_ply(models()[0].mesh)[:400])
    with pytest.raises(DatasetError, match=r"obj_000001.ply"):
        load_ply(path)
    (tmp_path / "models_info.json").write_text('{"1": {"diameter": 3}}')
    with pytest.raises(DatasetError, match=r"models_info.json lacks .*min_x"):
        load_models_info(tmp_path)


def test_lmo_models_read_in_metres_in_the_files_order(real):
    meshes, info = load_models(real / "lmo" / "models"), load_models_info(real / "lmo" / "models")
    assert sorted(meshes) == sorted(info) == [1, 5, 6, 8, 9, 10, 11, 12]
    np.testing.assert_allclose(meshes[1].vertices[0], np.array([-23.0565, 17.4191, -6.756]) / 1000)
    np.testing.assert_allclose(np.linalg.norm(meshes[1].corner_normals, axis=2), 1, atol=1e-4)
    for obj_id, mesh in meshes.items():
        np.testing.assert_allclose(np.ptp(mesh.vertices, axis=0), info[obj_id].size_m, atol=1e-6)
