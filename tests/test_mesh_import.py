from pathlib import Path

import numpy as np
import pytest
import trimesh
from PIL import Image

from graspsim import mesh_import
from graspsim.errors import MeshError
from graspsim.mesh_import import EXTENSIONS, MAX_FACES, import_mesh
from graspsim.meshes import ObjectModel, make_object


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "cache"
    monkeypatch.setenv("GRASPSIM_CACHE", str(folder))
    return folder


@pytest.fixture
def without_decomposition(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mesh_import, "_cached_parts", lambda content, vertices, faces: [vertices])


def box() -> trimesh.Trimesh:
    return trimesh.creation.box((0.03, 0.05, 0.08))


def saved(mesh: trimesh.Trimesh, path: Path) -> Path:
    mesh.export(path)
    return path


def assert_closed(model: ObjectModel) -> None:
    mesh = trimesh.Trimesh(model.mesh.vertices, model.mesh.faces, process=False)
    assert mesh.is_watertight
    assert mesh.is_winding_consistent
    assert mesh.volume > 0


@pytest.mark.parametrize("extension", EXTENSIONS)
def test_every_format_gives_the_object_back(tmp_path: Path, extension: str) -> None:
    made = make_object("extrusions", np.random.default_rng(0), profile="L")
    mesh = trimesh.Trimesh(made.mesh.vertices, made.mesh.faces, process=False)
    model = import_mesh(saved(mesh, tmp_path / f"bracket{extension}"))
    assert model.name == "bracket"
    assert_closed(model)
    assert model.volume_m3 == pytest.approx(made.volume_m3, rel=1e-4)
    assert np.allclose(model.extents_m, made.extents_m, rtol=1e-4)
    assert np.allclose(model.center_of_mass, made.center_of_mass, atol=1e-5)
    parts = sum(trimesh.convex.convex_hull(part).volume for part in model.parts)
    assert parts == pytest.approx(made.volume_m3, rel=0.1)
    assert model.symmetries.discrete == model.symmetries.continuous == ()


def test_the_second_load_takes_the_parts_from_the_cache_at_any_scale(
    tmp_path: Path, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = saved(box(), tmp_path / "box.stl")
    first = import_mesh(path)
    assert len(list(cache.iterdir())) == 1
    monkeypatch.delattr("coacd.run_coacd")
    second = import_mesh(path, scale=2)
    for one, two in zip(first.parts, second.parts, strict=True):
        assert np.allclose(2 * one, two)
    assert second.volume_m3 == pytest.approx(8 * first.volume_m3)


@pytest.mark.usefixtures("without_decomposition")
@pytest.mark.parametrize("extension", ["obj", "glb"])
def test_a_texture_is_kept_with_v_pointing_up(tmp_path: Path, extension: str) -> None:
    image = np.zeros((64, 32, 3), dtype=np.uint8)
    image[:32] = (255, 0, 0)
    mesh = box()
    # The upper half of the box shows the upper, red half of the image.
    uv = np.stack([np.full(8, 0.5), np.where(mesh.vertices[:, 2] > 0, 1.0, 0.0)], axis=1)
    material = trimesh.visual.material.SimpleMaterial(image=Image.fromarray(image))
    mesh.visual = trimesh.visual.TextureVisuals(uv=uv, material=material)
    model = import_mesh(saved(mesh, tmp_path / f"box.{extension}"))
    assert model.texture is not None
    assert model.texture.shape == (64, 32, 3)
    heights = model.mesh.vertices[model.mesh.faces][..., 2]
    assert np.array_equal(model.mesh.corner_uvs[..., 1], (heights > 0).astype(np.float32))
    assert model.texture[0, 0, 0] > 200 > 50 > model.texture[-1, 0, 0]


@pytest.mark.usefixtures("without_decomposition")
def test_without_a_texture_uvs_have_the_usual_unit_at_any_scale(tmp_path: Path) -> None:
    model = import_mesh(saved(trimesh.creation.box((30, 50, 80)), tmp_path / "box.ply"), scale=0.001)
    assert model.texture is None
    assert np.ptp(model.mesh.corner_uvs[..., 1]) == pytest.approx(0.8)


@pytest.mark.usefixtures("without_decomposition")
class TestRepair:
    def test_a_small_hole_is_filled(self, tmp_path: Path) -> None:
        ball = trimesh.creation.icosphere(subdivisions=4, radius=0.03)
        around = np.flatnonzero((ball.faces == 5).any(axis=1))
        ball.update_faces(~np.isin(np.arange(len(ball.faces)), around))
        model = import_mesh(saved(ball, tmp_path / "ball.ply"))
        assert_closed(model)
        assert model.volume_m3 == pytest.approx(4 / 3 * np.pi * 0.03**3, rel=0.01)

    def test_faces_wound_at_random_are_turned_outward(self, tmp_path: Path) -> None:
        ball = trimesh.creation.icosphere(subdivisions=2, radius=0.03)
        faces = ball.faces.copy()
        turned = np.random.default_rng(0).random(len(faces)) < 0.4
        faces[turned] = faces[turned][:, ::-1]
        model = import_mesh(saved(trimesh.Trimesh(ball.vertices, faces, process=False), tmp_path / "ball.obj"))
        assert_closed(model)
        assert model.volume_m3 == pytest.approx(ball.volume)

    def test_a_mesh_inside_out_is_inverted(self, tmp_path: Path) -> None:
        mesh = box()
        mesh.invert()
        assert_closed(import_mesh(saved(mesh, tmp_path / "box.off")))

    def test_bodies_that_touch_along_an_edge_are_parted(self, tmp_path: Path) -> None:
        one, other = trimesh.creation.box((1, 1, 1)), trimesh.creation.box((1, 1, 1))
        other.apply_translation((1, 1, 0))
        model = import_mesh(saved(one + other, tmp_path / "pair.stl"), scale=0.05)
        assert_closed(model)
        assert len(model.mesh.vertices) == 16
        assert model.volume_m3 == pytest.approx(2 * 0.05**3)

    def test_a_fin_of_two_faces_back_to_back_is_dropped(self, tmp_path: Path) -> None:
        mesh = box()
        vertices = np.concatenate([mesh.vertices, [[0, 0, 0.1]]])
        fin = [[0, 1, 8], [1, 0, 8]]
        finned = trimesh.Trimesh(vertices, np.concatenate([mesh.faces, fin]), process=False)
        model = import_mesh(saved(finned, tmp_path / "fin.ply"))
        assert_closed(model)
        assert np.allclose(model.extents_m, (0.03, 0.05, 0.08))


class TestErrors:
    def test_a_missing_file(self, tmp_path: Path) -> None:
        with pytest.raises(MeshError, match=r"gone\.obj cannot be read: No such file"):
            import_mesh(tmp_path / "gone.obj")

    def test_an_unknown_extension(self, tmp_path: Path) -> None:
        with pytest.raises(MeshError, match=r"a\.objj has extension '\.objj'\. Did you mean '\.obj'\? Known: \.obj, "):
            import_mesh(tmp_path / "a.objj")

    def test_a_file_that_is_no_mesh(self, tmp_path: Path) -> None:
        path = tmp_path / "junk.glb"
        path.write_bytes(b"junk")
        with pytest.raises(MeshError, match=r"junk\.glb cannot be read as a mesh"):
            import_mesh(path)

    def test_an_empty_mesh(self, tmp_path: Path) -> None:
        path = tmp_path / "none.obj"
        path.write_text("v 0 0 0\nv 1 0 0\nv 0 1 0\n")
        with pytest.raises(MeshError, match=r"none\.obj"):
            import_mesh(path)

    def test_a_sheet_without_volume(self, tmp_path: Path) -> None:
        path = tmp_path / "sheet.off"
        path.write_text("OFF\n4 4 0\n0 0 0\n1 0 0\n0 1 0\n.3 .3 0\n3 0 1 2\n3 0 3 1\n3 1 3 2\n3 2 3 0\n")
        with pytest.raises(MeshError, match=r"sheet\.off has no volume: its 4 faces enclose nothing"):
            import_mesh(path)

    def test_an_open_surface(self, tmp_path: Path) -> None:
        cup = box()
        cup.update_faces(cup.face_normals[:, 2] < 0.5)
        with pytest.raises(MeshError, match=r"cup\.stl is not watertight and cannot be repaired: it has 4 open edges"):
            import_mesh(saved(cup, tmp_path / "cup.stl"))

    def test_too_many_faces(self, tmp_path: Path) -> None:
        count = MAX_FACES + 1
        soup = trimesh.Trimesh(np.zeros((3, 3)), np.tile([0, 1, 2], (count, 1)), process=False)
        with pytest.raises(MeshError, match=r"soup\.ply has 500,001 faces, more than 500,000"):
            import_mesh(saved(soup, tmp_path / "soup.ply"))

    def test_millimetres_taken_for_metres(self, tmp_path: Path) -> None:
        path = saved(trimesh.creation.box((30, 50, 80)), tmp_path / "mm.stl")
        with pytest.raises(MeshError, match=r"mm\.stl is 80 m long.*scale=0\.001.*--set objects\.mesh_scale=0\.001"):
            import_mesh(path)
