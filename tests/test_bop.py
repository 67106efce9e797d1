import copy
import errno
import json
from dataclasses import fields, replace
from pathlib import Path

import cv2
import numpy as np
import pytest
from bop_sample import BEHIND, CAMERA, WORLD_FROM_CAMERA, frame, models, write_dataset, write_scene
from PIL import Image

from graspsim.dataset.bop import BopDataset, write_camera, write_targets
from graspsim.dataset.encoding import encode_mask, read_image
from graspsim.dataset.files import read_json
from graspsim.dataset.models_io import write_models
from graspsim.dataset.scene_writer import SceneWriter
from graspsim.errors import DatasetError


def fields_of(label):
    return {f.name: getattr(label, f.name) for f in fields(label)}


def assert_same_label(read, written):
    for name, value in fields_of(written).items():
        np.testing.assert_allclose(getattr(read, name), value, rtol=1e-12, atol=1e-12, err_msg=name)


def test_a_frame_reads_back_as_it_was_written(tmp_path):
    write_models(tmp_path, dict(enumerate(models(), start=1)))
    written = [frame(0), frame(7, 0.02)]
    write_scene(tmp_path / "train", 3, written, rgb_format="png")
    read = list(BopDataset(tmp_path).read_scene("train", 3))
    for r, w in zip(read, written, strict=True):
        assert (r.im_id, r.intrinsics, r.absent) == (w.im_id, w.intrinsics, frozenset())
        np.testing.assert_array_equal(r.rgb, w.rgb)
        np.testing.assert_allclose(r.depth_m, w.depth_m, atol=0.5e-4 + 1e-7)
        np.testing.assert_allclose(r.world_from_camera, WORLD_FROM_CAMERA, atol=1e-15)
        for label, original in zip(r.labels, w.labels, strict=True):
            assert_same_label(label, original)


def test_poses_read_back_to_the_last_digit(tmp_path):
    write_scene(tmp_path / "train")
    for read, written in zip(BopDataset(tmp_path).read_frame("train", 0, 0).labels, frame().labels, strict=True):
        np.testing.assert_array_equal(read.camera_from_model[:3, :3], written.camera_from_model[:3, :3])
        error = np.abs(read.camera_from_model[:3, 3] - written.camera_from_model[:3, 3])
        assert (error <= np.spacing(np.abs(written.camera_from_model[:3, 3]))).all()


def test_rgb_is_jpeg_by_default_and_close_to_what_was_written(tmp_path):
    folder = write_scene(tmp_path / "train")
    assert (folder / "rgb" / "000000.jpg").exists()
    read = BopDataset(tmp_path).read_frame("train", 0, 0).rgb
    assert np.abs(read.astype(int) - frame().rgb).mean() < 3


def test_depth_beyond_the_range_becomes_zero_and_is_not_counted_valid(tmp_path):
    record = frame()
    depth = record.depth_m.copy()
    label = record.labels[0]
    ys, xs = np.nonzero(label.mask)
    depth[ys[:5], xs[:5]] = 6.6
    depth[ys[5], xs[5]] = np.nan
    write_scene(tmp_path / "train", 0, [replace(record, depth_m=depth)])
    read = BopDataset(tmp_path).read_frame("train", 0, 0)
    assert (read.depth_m[ys[:6], xs[:6]] == 0).all()
    assert read.labels[0].pixels_valid == label.pixels_valid - 6


def test_a_coarser_depth_scale_reaches_farther(tmp_path):
    record = replace(frame(), depth_m=np.full_like(frame().depth_m, 30.0))
    write_scene(tmp_path / "train", 0, [record], depth_scale_mm=1.0)
    np.testing.assert_allclose(BopDataset(tmp_path).read_frame("train", 0, 0).depth_m, 30.0, atol=1e-5)


def test_the_writer_leaves_the_frame_as_it_was(tmp_path):
    record = frame()
    before = copy.deepcopy(record)
    extra = {"scene_params.json": {"a": [1, 2]}}
    writer = SceneWriter(tmp_path / "train", 0, [1, 2])
    writer.add(record)
    writer.close(extra)
    assert extra == {"scene_params.json": {"a": [1, 2]}}
    np.testing.assert_array_equal(record.rgb, before.rgb)
    np.testing.assert_array_equal(record.depth_m, before.depth_m)
    for now, then in zip(record.labels, before.labels, strict=True):
        for name, value in fields_of(then).items():
            np.testing.assert_array_equal(getattr(now, name), value, err_msg=name)


def test_the_same_frames_give_the_same_bytes(tmp_path):
    one, two = (write_scene(tmp_path / name / "train") for name in ("one/set", "two/set"))
    assert (one / "checksums.json").read_bytes() == (two / "checksums.json").read_bytes()


def test_checksums_cover_every_other_file(tmp_path):
    folder = write_scene(tmp_path / "train")
    listed = read_json(folder / "checksums.json")
    present = {p.relative_to(folder).as_posix() for p in folder.rglob("*") if p.is_file()}
    assert set(listed) == present - {"checksums.json"}
    assert list(listed) == sorted(listed)
    assert "scene_params.json" in listed


def test_a_killed_writer_leaves_no_scene_and_the_next_one_starts_afresh(tmp_path):
    killed = SceneWriter(tmp_path / "train", 1, [1, 2])
    killed.add(frame(5))
    write_scene(tmp_path / "train", 0)
    assert BopDataset(tmp_path).scene_ids("train") == [0]
    folder = write_scene(tmp_path / "train", 1, [frame(0)])
    assert [p.name for p in (folder / "rgb").iterdir()] == ["000000.jpg"]
    assert sorted(p.name for p in (tmp_path / "train").iterdir()) == ["000000", "000001"]


def test_a_full_disk_names_file_and_reason_and_leaves_only_complete_scenes(tmp_path, monkeypatch):
    write_scene(tmp_path / "train", 0)
    writer = SceneWriter(tmp_path / "train", 1, [1, 2])
    writer.add(frame(0))

    def full(self, data):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(Path, "write_bytes", full)
    with pytest.raises(DatasetError, match=r"000001\.\d+\.part/rgb/000001.jpg: No space left on device"):
        writer.add(frame(1))
    monkeypatch.undo()
    assert [p.name for p in (tmp_path / "train").iterdir()] == ["000000"]
    assert len(list(BopDataset(tmp_path).read_scene("train", 0))) == 2


def test_an_unwritable_place_is_an_error_that_names_it(tmp_path):
    (tmp_path / "train").write_text("a file where the split's folder should be")
    with pytest.raises(DatasetError, match=r"Cannot write .*train/.000000"):
        SceneWriter(tmp_path / "train", 0, [1])
    with pytest.raises(DatasetError, match=r"Cannot write .*train/camera.json"):
        write_camera(tmp_path / "train", CAMERA)


def test_a_complete_scene_is_never_overwritten(tmp_path):
    write_scene(tmp_path / "train", 0)
    with pytest.raises(DatasetError, match="000000 exists already"):
        SceneWriter(tmp_path / "train", 0, [1])


def test_a_writer_refuses_what_it_cannot_store(tmp_path):
    with pytest.raises(DatasetError, match="'jpg' or 'png'; got 'bmp'"):
        SceneWriter(tmp_path, 0, [1], rgb_format="bmp")
    writer = SceneWriter(tmp_path, 0, [1, 2])
    with pytest.raises(DatasetError, match=r"Frame 0 .* has no depth"):
        writer.add(replace(frame(), depth_m=None))
    writer.add(frame())
    with pytest.raises(DatasetError, match=r"Frame 0 .* already added"):
        writer.add(frame())
    writer.abort()
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("width", [1, 7, 8, 13, 64, 641])
def test_masks_read_as_0_and_255_by_every_reader(tmp_path, width):
    mask = np.random.default_rng(width).random((9, width)) > 0.5
    path = tmp_path / "mask.png"
    path.write_bytes(encode_mask(mask))
    readers = {"opencv": cv2.imread(str(path), cv2.IMREAD_UNCHANGED), "pillow": np.array(Image.open(path))}
    for name, image in readers.items():
        assert image.dtype == np.uint8, name
        np.testing.assert_array_equal(image, mask * 255, err_msg=name)


def test_masks_read_as_0_and_255_by_imageio(tmp_path):
    imageio = pytest.importorskip("imageio.v2")
    mask = frame().labels[0].mask
    (tmp_path / "mask.png").write_bytes(encode_mask(mask))
    np.testing.assert_array_equal(imageio.imread(tmp_path / "mask.png"), mask * 255)


def test_boxes_in_gt_info_are_one_less_than_the_pixels_and_minus_ones_where_nothing_is_visible(tmp_path):
    folder = write_scene(tmp_path / "train")
    info = read_json(folder / "scene_gt_info.json")["0"]
    for entry, label in zip(info, frame().labels, strict=True):
        if label.pixels_visible:
            x, y, width, height = label.box_px
            assert entry["bbox_obj"] == [x, y, width - 1, height - 1]
    assert info[BEHIND]["bbox_obj"] == info[BEHIND]["bbox_visib"] == [-1, -1, -1, -1]
    assert info[BEHIND]["px_count_all"] > 0


def test_json_has_one_line_per_image_in_order(tmp_path):
    folder = write_scene(tmp_path / "train", 0, [frame(10), frame(9)])
    lines = (folder / "scene_gt.json").read_text().splitlines()
    assert [line.split(":")[0].strip() for line in lines] == ["{", '"9"', '"10"', "}"]


def test_targets_count_the_visible_instances_of_complete_scenes(tmp_path):
    write_dataset(tmp_path)
    SceneWriter(tmp_path / "train_pbr", 2, [1, 2]).add(frame())
    assert write_targets(tmp_path, "train_pbr") == 8
    targets = json.loads((tmp_path / "test_targets_bop19.json").read_text())
    assert targets[:2] == [
        {"scene_id": 0, "im_id": 0, "obj_id": 1, "inst_count": 2},
        {"scene_id": 0, "im_id": 0, "obj_id": 2, "inst_count": 1},
    ]


def test_camera_json_holds_the_intrinsics(tmp_path):
    write_camera(tmp_path, CAMERA)
    camera = read_json(tmp_path / "camera.json")
    assert camera == {"cx": 47.0, "cy": 37.0, "depth_scale": 0.1, "fx": 70.0, "fy": 72.0, "height": 72, "width": 96}


def test_reading_says_what_is_missing(tmp_path):
    with pytest.raises(DatasetError, match="There is no dataset folder"):
        BopDataset(tmp_path / "nowhere")
    with pytest.raises(DatasetError, match="holds no split"):
        BopDataset(tmp_path)
    folder = write_scene(tmp_path / "train")
    dataset = BopDataset(tmp_path)
    with pytest.raises(DatasetError, match="no split 'test'; it has train"):
        dataset.scene_ids("test")
    with pytest.raises(DatasetError, match="has no scene 4"):
        dataset.read_frame("train", 4, 0)
    with pytest.raises(DatasetError, match=r"scene_camera.json has no image 9"):
        dataset.read_frame("train", 0, 9)
    (folder / "mask" / "000000_000001.png").unlink()
    with pytest.raises(DatasetError, match=r"mask/000000_000001.png: No such file"):
        dataset.read_frame("train", 0, 0)
    (folder / "rgb" / "000001.jpg").write_bytes(b"")
    with pytest.raises(DatasetError, match=r"rgb/000001.jpg is not a readable image \(0 bytes\)"):
        dataset.read_frame("train", 0, 1)
    (folder / "rgb" / "000001.jpg").unlink()
    with pytest.raises(DatasetError, match=r"has no rgb/000001"):
        dataset.read_frame("train", 0, 1)


def test_pictures_of_16_bits_and_depth_of_another_size_are_refused(tmp_path):
    folder = write_scene(tmp_path / "train")
    depth = read_image(folder / "depth" / "000001.png")
    assert cv2.imwrite(str(folder / "depth" / "000001.png"), depth[::2, ::2])
    with pytest.raises(DatasetError, match=r"depth/000001\.png is of another size than its picture"):
        BopDataset(tmp_path).read_frame("train", 0, 1)
    (folder / "rgb" / "000001.jpg").unlink()
    assert cv2.imwrite(str(folder / "rgb" / "000001.png"), depth)
    with pytest.raises(
        DatasetError, match=r"rgb/000001\.png is an image of 16 bits, as depth is stored; a picture has 8"
    ):
        BopDataset(tmp_path).read_frame("train", 0, 1)


def test_a_truncated_json_file_is_named(tmp_path):
    folder = write_scene(tmp_path / "train")
    text = (folder / "scene_gt.json").read_text()
    (folder / "scene_gt.json").write_text(text[: len(text) // 2])
    with pytest.raises(DatasetError, match=r"scene_gt.json is not valid JSON .* cut short"):
        BopDataset(tmp_path).read_frame("train", 0, 0)


def test_a_malformed_entry_is_named(tmp_path):
    folder = write_scene(tmp_path / "train")
    gt = read_json(folder / "scene_gt.json")
    del gt["0"][0]["cam_R_m2c"]
    (folder / "scene_gt.json").write_text(json.dumps(gt))
    with pytest.raises(DatasetError, match=r"image 0 in .*000000 is malformed: KeyError\('cam_R_m2c'\)"):
        BopDataset(tmp_path).read_frame("train", 0, 0)


def test_lmo_without_depth_and_masks_reads(real):
    dataset = BopDataset(real / "lmo")
    record = dataset.read_frame("test", 2, 36)
    assert record.absent == {"depth", "mask", "mask_visib", "scene_gt_info"}
    assert record.depth_m is None
    assert record.rgb.shape == (480, 640, 3)
    assert [label.obj_id for label in record.labels] == [1, 5, 6, 8, 9, 10, 11, 12]
    assert record.labels[0].camera_from_model[2, 3] == pytest.approx(1.1, abs=0.3)
    assert not record.labels[0].mask.any()


def test_rewriting_an_official_frame_reproduces_the_official_labels(real, tmp_path):
    official = real / "lmo_rgbd" / "test" / "000002"
    record = BopDataset(real / "lmo_rgbd").read_frame("test", 2, 3)
    obj_ids = [c["id"] for c in read_json(official / "scene_gt_coco.json")["categories"]]
    writer = SceneWriter(tmp_path / "lmo" / "test", 2, obj_ids, depth_scale_mm=1.0, rgb_format="png")
    writer.add(record)
    folder = writer.close()
    assert read_json(folder / "scene_gt_info.json") == read_json(official / "scene_gt_info.json")
    ours, theirs = (read_json(f / "scene_gt_coco.json") for f in (folder, official))
    assert ours["annotations"] == theirs["annotations"]
    assert [(c["id"], c["name"]) for c in ours["categories"]] == [(c["id"], c["name"]) for c in theirs["categories"]]
    for ours_gt, theirs_gt in zip(*(read_json(f / "scene_gt.json")["3"] for f in (folder, official)), strict=True):
        np.testing.assert_allclose(ours_gt["cam_t_m2c"], theirs_gt["cam_t_m2c"], rtol=1e-15)
        assert ours_gt["cam_R_m2c"] == theirs_gt["cam_R_m2c"]
    for name in ("mask/000003_000004.png", "mask_visib/000003_000001.png", "depth/000003.png", "rgb/000003.png"):
        images = [cv2.imread(str(f / name), cv2.IMREAD_UNCHANGED) for f in (folder, official)]
        np.testing.assert_array_equal(*images, err_msg=name)
