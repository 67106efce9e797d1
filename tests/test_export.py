from pathlib import Path

import cv2
import numpy as np
import pytest
import trimesh
from exports_for_tests import FAMILIES, drawn, hammer_model, textured_model

from graspsim.color import srgb_from_linear
from graspsim.errors import DatasetError, SpecError, UnknownNameError
from graspsim.export.glb import GLTF_FROM_MODEL
from graspsim.export.looks import slot_color
from graspsim.export.write import DENSITY_KG_M3, FORMATS, export_models
from graspsim.models import ObjectModel
from graspsim.spec import PhysicsSpec

MODELS = {"hammer": hammer_model(), "carton": textured_model(), **{f: drawn(f, 1) for f in FAMILIES}}
EVERY = pytest.mark.parametrize("name", MODELS)


def exported(name: str, folder: Path, format: str) -> Path:
    return export_models({name: MODELS[name]}, folder, format)[0]


def read_obj(path: Path) -> tuple[dict[str, np.ndarray], np.ndarray, list[str]]:
    """Return v, vt and vn, the corners (m, 3, 3) as indices into them from 0, and each face's material."""
    rows: dict[str, list[list[float]]] = {"v": [], "vt": [], "vn": []}
    corners, materials, material = [], [], ""
    for line in path.read_text().splitlines():
        key, *words = line.split()
        if key in rows:
            rows[key].append([float(word) for word in words])
        elif key == "usemtl":
            (material,) = words
        elif key == "f":
            corners.append([[int(i) - 1 for i in word.split("/")] for word in words])
            materials.append(material)
    return {key: np.array(values) for key, values in rows.items()}, np.array(corners), materials


def read_mtl(path: Path) -> dict[str, dict[str, str]]:
    found: dict[str, dict[str, str]] = {}
    for line in filter(None, path.read_text().splitlines()):
        key, value = line.split(" ", 1)
        if key == "newmtl":
            found[value] = entry = {}
        else:
            entry[key] = value
    return found


# OBJ


@EVERY
def test_obj_keeps_every_number_of_the_mesh(name: str, tmp_path: Path) -> None:
    mesh = MODELS[name].mesh
    rows, corners, _ = read_obj(exported(name, tmp_path, "obj"))
    np.testing.assert_array_equal(rows["v"], mesh.vertices)
    order = np.argsort(mesh.face_slots, kind="stable")
    np.testing.assert_array_equal(corners[..., 0], mesh.faces[order])
    np.testing.assert_array_equal(rows["vt"][corners[..., 1]].astype(np.float32), mesh.corner_uvs[order])
    np.testing.assert_array_equal(rows["vn"][corners[..., 2]].astype(np.float32), mesh.corner_normals[order])


@EVERY
def test_obj_loads_as_the_same_closed_surface(name: str, tmp_path: Path) -> None:
    model = MODELS[name]
    loaded = trimesh.load_scene(exported(name, tmp_path, "obj")).to_mesh()
    loaded.merge_vertices(merge_tex=True, merge_norm=True)
    assert loaded.is_watertight
    assert loaded.volume == pytest.approx(model.volume_m3, rel=1e-5)
    np.testing.assert_allclose(loaded.bounds, [-model.extents_m / 2, model.extents_m / 2], atol=1e-7)


def test_obj_has_a_material_of_its_own_colour_for_each_slot(tmp_path: Path) -> None:
    path = exported("hammer", tmp_path, "obj")
    _, _, materials = read_obj(path)
    assert materials == ["hammer_0_wooden_handle"] * 12 + ["hammer_1_steel_head"] * 12
    library = read_mtl(path.with_suffix(".mtl"))
    assert set(library) == set(materials)
    assert len({entry["Kd"] for entry in library.values()}) == 2
    assert not any("map_Kd" in entry for entry in library.values())


def test_obj_brings_the_texture_of_a_model_pixel_by_pixel(tmp_path: Path) -> None:
    path = exported("carton", tmp_path, "obj")
    (entry,) = read_mtl(path.with_suffix(".mtl")).values()
    image = cv2.imread(str(path.with_name(entry["map_Kd"])))
    np.testing.assert_array_equal(image[..., ::-1], MODELS["carton"].texture)
    assert entry["Kd"] == "1 1 1"


def test_a_slot_keeps_its_colour_whatever_is_exported_beside_it(tmp_path: Path) -> None:
    export_models({"hammer": MODELS["hammer"]}, tmp_path / "alone", "obj")
    export_models({"first": MODELS["carton"], "hammer": MODELS["hammer"]}, tmp_path / "beside", "obj")
    alone, beside = ((tmp_path / folder / "hammer/hammer.mtl").read_text() for folder in ("alone", "beside"))
    assert alone == beside


# GLB


@EVERY
def test_glb_loads_as_the_same_closed_surface_with_y_up(name: str, tmp_path: Path) -> None:
    model = MODELS[name]
    loaded = trimesh.load_scene(exported(name, tmp_path, "glb")).to_mesh()
    np.testing.assert_allclose(loaded.extents, model.extents_m[[0, 2, 1]], atol=1e-6)
    loaded.vertices = loaded.vertices @ GLTF_FROM_MODEL
    loaded.merge_vertices(merge_tex=True, merge_norm=True)
    assert loaded.is_watertight
    assert loaded.volume == pytest.approx(model.volume_m3, rel=1e-5)
    np.testing.assert_allclose(loaded.center_mass, trimesh_center(model), atol=1e-6)


def trimesh_center(model: ObjectModel) -> np.ndarray:
    """Return the centre of mass at uniform density."""
    return trimesh.Trimesh(model.mesh.vertices, model.mesh.faces, process=False).center_mass


@EVERY
def test_glb_keeps_the_normal_and_uv_of_every_corner(name: str, tmp_path: Path) -> None:
    mesh = MODELS[name].mesh
    scene = trimesh.load_scene(exported(name, tmp_path, "glb"), process=False)
    pieces = list(scene.geometry.values())
    for slot, piece in enumerate(pieces):
        shown = mesh.face_slots == slot
        np.testing.assert_allclose(piece.visual.uv[piece.faces], mesh.corner_uvs[shown], atol=1e-6)
        normals = piece.vertex_normals[piece.faces] @ GLTF_FROM_MODEL
        np.testing.assert_allclose(normals, mesh.corner_normals[shown], atol=1e-6)


def test_glb_has_a_material_per_slot_in_linear_light(tmp_path: Path) -> None:
    scene = trimesh.load_scene(exported("hammer", tmp_path, "glb"))
    materials = [piece.visual.material for piece in scene.geometry.values()]
    assert [material.name for material in materials] == ["hammer_0_wooden_handle", "hammer_1_steel_head"]
    for slot, material in enumerate(materials):
        srgb = srgb_from_linear(np.array(material.baseColorFactor[:3]) / 255)
        np.testing.assert_allclose(srgb, slot_color("hammer", slot), atol=0.02)
        assert material.metallicFactor == 0.0


def test_glb_brings_the_texture_of_a_model_pixel_by_pixel(tmp_path: Path) -> None:
    scene = trimesh.load_scene(exported("carton", tmp_path, "glb"))
    (piece,) = scene.geometry.values()
    image = np.asarray(piece.visual.material.baseColorTexture.convert("RGB"))
    np.testing.assert_array_equal(image, MODELS["carton"].texture)


# Folders


def contents(folder: Path) -> dict[str, bytes]:
    return {str(p.relative_to(folder)): p.read_bytes() for p in sorted(folder.rglob("*")) if p.is_file()}


@pytest.mark.parametrize("format", FORMATS)
def test_an_export_names_the_file_to_load_and_repeats_to_the_byte(format: str, tmp_path: Path) -> None:
    paths = export_models(MODELS, tmp_path / "a", format)
    assert [path.parent for path in paths] == [tmp_path / "a" / name for name in MODELS]
    assert [path.stem for path in paths] == list(MODELS)
    export_models(MODELS, tmp_path / "b", format)
    assert contents(tmp_path / "a") == contents(tmp_path / "b")


def test_formats_share_a_folder_and_leave_what_else_lies_there(tmp_path: Path) -> None:
    (tmp_path / "hammer").mkdir()
    (tmp_path / "hammer/notes.txt").write_text("mine")
    for format in FORMATS:
        before = contents(tmp_path)
        exported("hammer", tmp_path, format)
        assert before.items() < contents(tmp_path).items()
    before = contents(tmp_path)
    exported("hammer", tmp_path, "urdf")
    assert contents(tmp_path) == before


def test_an_unknown_format_names_the_nearest(tmp_path: Path) -> None:
    with pytest.raises(UnknownNameError, match=r"no export format 'urfd'\. Did you mean 'urdf'"):
        exported("hammer", tmp_path, "urfd")


@pytest.mark.parametrize("name", ["../up", "a b", "", ".hidden", "a/b", "tasse_ä"])
def test_a_name_that_is_no_file_name_is_refused_before_anything_is_written(name: str, tmp_path: Path) -> None:
    with pytest.raises(SpecError, match="cannot name the files"):
        export_models({"hammer": MODELS["hammer"], name: MODELS["hammer"]}, tmp_path, "obj")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("density_kg_m3", [0.0, -1.0, float("nan"), float("inf")])
def test_a_density_that_is_none_is_refused(density_kg_m3: float, tmp_path: Path) -> None:
    with pytest.raises(SpecError, match="density"):
        export_models({"hammer": MODELS["hammer"]}, tmp_path, "urdf", density_kg_m3)


def test_the_error_of_a_folder_that_cannot_be_written_names_the_file(tmp_path: Path) -> None:
    (tmp_path / "hammer").write_text("in the way")
    with pytest.raises(DatasetError, match=r"Cannot write .*hammer"):
        exported("hammer", tmp_path, "obj")


def test_the_default_density_is_one_that_scenes_draw() -> None:
    assert PhysicsSpec().density_kg_m3.low < DENSITY_KG_M3 < PhysicsSpec().density_kg_m3.high
