import dataclasses
import re
import shutil
from pathlib import Path

import cv2
import numpy as np
import pytest
from bop_damage import SCENE, edit, metres, opengl, over_depth, scene_file, set_in
from bop_faults import FAULTS
from bop_sample import CAMERA, write_dataset

from graspsim.dataset.bop import BopDataset
from graspsim.dataset.dump import dump
from graspsim.dataset.encoding import encode_depth
from graspsim.dataset.generate import DumpJob
from graspsim.dataset.tolerance import OURS
from graspsim.dataset.validate import validate
from graspsim.errors import DatasetError, SpecError
from graspsim.plain import overlaid
from graspsim.registry import load
from graspsim.scene import Sensor
from graspsim.sensors import apply_to_depth


@pytest.fixture(scope="module")
def pristine(tmp_path_factory):
    return write_dataset(tmp_path_factory.mktemp("data") / "set")


@pytest.fixture
def dataset(pristine, tmp_path):
    return Path(shutil.copytree(pristine, tmp_path / "set"))


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
