"""DOPE's files hold what its training reads, and read back as they were written."""

import shutil
from pathlib import Path

import numpy as np
import pytest

from graspsim.dataset.bop import BopDataset
from graspsim.dataset.dope import CORNERS, cuboid_points, read_dope, write_dope
from graspsim.dataset.dump import dump
from graspsim.dataset.encoding import read_rgb
from graspsim.dataset.files import read_json
from graspsim.dataset.generate import DumpJob
from graspsim.errors import DatasetError
from graspsim.geometry import apply, project
from graspsim.plain import overlaid
from graspsim.registry import load

SPLIT = "train"


@pytest.fixture(scope="module")
def dataset(tmp_path_factory: pytest.TempPathFactory) -> BopDataset:
    root = tmp_path_factory.mktemp("dope") / "data"
    small = {"camera": {"width": 96, "height": 64, "views": 2}, "objects": {"models": 2, "count": 2}}
    dump(DumpJob(overlaid(load("scene", "tabletop"), small), 0, 4, root, SPLIT), workers=1)
    return BopDataset(root)


@pytest.fixture(scope="module")
def folder(dataset: BopDataset, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("dope") / "out"
    assert write_dope(dataset, SPLIT, folder) == 4
    return folder


def test_corners_are_in_the_order_of_dopes_own_box() -> None:
    points = cuboid_points(np.array((-1.0, -2.0, -3.0)), np.array((2.0, 4.0, 6.0)))
    np.testing.assert_array_equal(points[0], (1, -2, 3))
    np.testing.assert_array_equal(points[8], (0, 0, 0))
    # Neighbours in either face share an edge, and the rear face lies behind the front one.
    for face in (points[:4], points[4:8]):
        assert (np.count_nonzero(face != np.roll(face, 1, axis=0), axis=1) == 1).all()
    np.testing.assert_array_equal(points[:4, :2], points[4:8, :2])
    assert len(np.unique(CORNERS, axis=0)) == 8


def test_files_read_back_as_the_dataset_has_it(dataset: BopDataset, folder: Path) -> None:
    models = dataset.models_info()
    for scene_id in dataset.scene_ids(SPLIT):
        for frame in dataset.read_scene(SPLIT, scene_id):
            name = f"{scene_id:06d}_{frame.im_id:06d}"
            np.testing.assert_array_equal(read_rgb(folder / f"{name}.png"), frame.rgb)
            intrinsics, objects = read_dope(folder / f"{name}.json")
            assert intrinsics == frame.intrinsics
            assert len(objects) == len(frame.labels)
            for told, label in zip(objects, frame.labels, strict=True):
                assert told.name == f"obj_{label.obj_id:06d}"
                assert told.visibility == label.visible_fraction
                np.testing.assert_allclose(told.camera_from_model, label.camera_from_model, atol=1e-9)
                info = models[label.obj_id]
                corners = apply(told.camera_from_model, cuboid_points(info.minimum_m, info.size_m))
                np.testing.assert_allclose(project(corners, intrinsics), told.cuboid_px, atol=1e-6)
                # The same nine points as our own keypoints, in another order.
                ours, theirs = (p[np.lexsort(p.T)] for p in (label.keypoints_px, told.cuboid_px))
                np.testing.assert_allclose(ours, theirs, atol=1e-3)


def test_each_picture_lies_beside_a_file_with_what_the_training_reads(folder: Path) -> None:
    pictures = sorted(folder.glob("*.png"))
    assert len(pictures) == 4
    for picture in pictures:
        content = read_json(picture.with_suffix(".json"))
        for entry in content["objects"]:
            assert {"class", "visibility", "projected_cuboid"} <= entry.keys()
            assert len(entry["projected_cuboid"]) == 9


def test_what_cannot_be_written_or_read_is_named(dataset: BopDataset, folder: Path, tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match="is not an empty folder"):
        write_dope(dataset, SPLIT, folder)
    (tmp_path / "rubbish.json").write_text('{"objects": []}')
    with pytest.raises(DatasetError, match=r"rubbish\.json is no DOPE file: KeyError\('camera_data'\)"):
        read_dope(tmp_path / "rubbish.json")
    shutil.copytree(dataset.root, tmp_path / "copy")
    shutil.rmtree(tmp_path / "copy" / "models")
    with pytest.raises(DatasetError, match=r"has no models/models_info\.json"):
        write_dope(BopDataset(tmp_path / "copy"), SPLIT, tmp_path / "out")
