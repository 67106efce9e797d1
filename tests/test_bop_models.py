"""A BOP dataset's models become the objects of new scenes, which a network can then be trained on for its images."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest

from graspsim.cli.datasets import Dump
from graspsim.dataset.bop import BopDataset
from graspsim.dataset.models_io import load_models, load_models_info
from graspsim.errors import MeshError, SpecError
from graspsim.mesh_import import import_mesh
from graspsim.object_set import ObjectSet
from graspsim.spec import SetSpec

SMALL = (
    "camera.width=96", "camera.height=72", "camera.views=2", "objects.count=3", "distractors.count=1",
    "distractors.models=2",
)  # fmt: skip


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The models of a dataset of drinkware and boards, numbered 5 and 12."""
    root = tmp_path_factory.mktemp("models") / "first"
    changes = (*SMALL, "objects.models=2", "objects.families=drinkware,boards", "appearance.per=object")
    assert Dump(scene="tabletop", out=root, frames=2, set_=changes).run() == 0
    folder = root.parent / "theirs"
    shutil.copytree(root / "models", folder)
    info = json.loads((folder / "models_info.json").read_text())
    for before, after in ((1, 5), (2, 12)):
        (folder / f"obj_{before:06d}.ply").rename(folder / f"obj_{after:06d}.ply")
        info[str(after)] = info.pop(str(before))
    (folder / "models_info.json").write_text(json.dumps(info))
    return folder


def test_ids_sizes_frames_and_symmetries_are_kept(models: Path, tmp_path: Path) -> None:
    paths = tuple(sorted(models.glob("*.ply")))
    assert Dump(scene="tabletop", out=tmp_path / "data", objects=paths, frames=4, set_=SMALL).run() == 0
    theirs, ours = load_models_info(models), load_models_info(tmp_path / "data" / "models")
    assert list(ours) == [5, 12]
    meshes = load_models(models), load_models(tmp_path / "data" / "models")
    for obj_id, info in theirs.items():
        assert ours[obj_id].diameter_m == pytest.approx(info.diameter_m, rel=1e-4)
        np.testing.assert_allclose(ours[obj_id].minimum_m, info.minimum_m, atol=1e-5)
        assert len(ours[obj_id].symmetries.discrete) == len(info.symmetries.discrete)
        assert len(ours[obj_id].symmetries.continuous) == len(info.symmetries.continuous)
        before, after = (m[obj_id].vertices for m in meshes)
        assert np.abs(before.max(axis=0) - after.max(axis=0)).max() < 1e-5
    dataset = BopDataset(tmp_path / "data")
    (split,) = dataset.splits
    ids = {label.obj_id for s in dataset.scene_ids(split) for f in dataset.read_scene(split, s) for label in f.labels}
    assert ids <= {5, 12}
    assert ids


def test_ids_are_counted_where_not_all_objects_are_a_benchmarks(models: Path) -> None:
    paths = tuple(str(path) for path in sorted(models.glob("*.ply")))
    assert ObjectSet(SetSpec((), paths), 0).obj_ids == (5, 12)
    assert ObjectSet(SetSpec(("tools",), paths, models=4), 0).obj_ids == (1, 2, 3, 4)


def test_one_id_twice_is_refused(models: Path, tmp_path: Path) -> None:
    other = shutil.copytree(models, tmp_path / "other")
    paths = (str(models / "obj_000005.ply"), str(other / "obj_000005.ply"))
    with pytest.raises(SpecError, match="names the same obj_id twice"):
        _ = ObjectSet(SetSpec((), paths), 0).obj_ids


def test_a_models_info_without_the_model_is_named(models: Path, tmp_path: Path) -> None:
    other = shutil.copytree(models, tmp_path / "other")
    (other / "models_info.json").write_text("{}")
    with pytest.raises(MeshError, match=r"models_info\.json does not tell of object 5"):
        import_mesh(other / "obj_000005.ply")


def test_colours_of_vertices_become_a_texture(tmp_path: Path) -> None:
    import trimesh

    box = trimesh.creation.box((0.1, 0.1, 0.1))
    box.visual.vertex_colors = np.tile(np.array((200, 30, 60, 255), np.uint8), (8, 1))
    box.export(tmp_path / "red.ply")
    model = import_mesh(tmp_path / "red.ply")
    assert model.texture is not None
    painted = model.texture[model.texture.any(axis=2)]
    assert (np.abs(painted.astype(int) - (200, 30, 60)) <= 1).all()
