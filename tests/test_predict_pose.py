"""Predictions for one picture: what is drawn, what is written, and which files are refused."""

import dataclasses
import json
import shutil
from pathlib import Path

import cv2
import numpy as np
import pytest

pytest.importorskip("torch", reason="torch is not installed; it is in the test extra")

from graspsim.training import predict_pose

from graspsim.dataset.bop import BopDataset
from graspsim.dataset.encoding import read_rgb
from graspsim.dataset.files import read_json
from graspsim.errors import DatasetError, SpecError
from graspsim.geometry import Array, Intrinsics, apply, hull_box, project
from graspsim.labels import box_corners
from graspsim.pose.dense import DenseEstimator
from graspsim.pose.estimator import Estimate, save_estimator, untrained
from graspsim.pose.frame import Frame
from graspsim.pose.samples import PoseImage
from graspsim.pose.score import load_references


def test_each_object_is_drawn_in_where_it_is(
    pose_root: Path, pose_pictures: list[PoseImage], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    references = load_references(BopDataset(pose_root))
    estimator = untrained("dense", references, 8, 160)
    monkeypatch.setattr(predict_pose, "load_estimator", lambda path: estimator)
    seen = 0
    for picture in pose_pictures:
        rgb, camera = picture.read()
        (tmp_path / "camera.json").write_text(json.dumps({"cam_K": picture.cam_k}))
        args = predict_pose.Args(
            run=tmp_path, image=picture.path, camera=tmp_path / "camera.json", draw=tmp_path / "out.png"
        )
        for instance in picture.instances:
            told = [Estimate(instance.obj_id, 0.9, instance.camera_from_model)]
            monkeypatch.setattr(estimator, "estimate", lambda *_, told=told: told)
            predict_pose.predict(args)
            changed = (read_rgb(tmp_path / "out.png") != rgb).any(axis=2)
            frame = references[instance.obj_id].frame
            u, v = project(apply(instance.camera_from_model, frame.center_m[None]), camera)[0]
            if 2 < u < 158 and 2 < v < 118:
                seen += 1
                assert changed[int(v) - 2 : int(v) + 3, int(u) - 2 : int(u) + 3].any()
            rows, columns = np.nonzero(changed)
            x, y, _, height = hull_box(instance.camera_from_model, box_of(frame), camera)
            # The label goes up and to the right.
            assert rows.max() < y + height + 4
            assert columns.min() > x - 4
    assert seen >= 8


def test_a_dataset_s_picture_is_seen_by_its_own_camera(
    pose_root: Path, pose_pictures: list[PoseImage], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    estimator = untrained("dense", load_references(BopDataset(pose_root)), 8, 160)
    monkeypatch.setattr(predict_pose, "load_estimator", lambda path: estimator)
    seen_by: list[Intrinsics] = []
    monkeypatch.setattr(estimator, "estimate", lambda rgb, camera, *_: seen_by.append(camera) or [])
    for picture in pose_pictures:
        cameras = picture.path.parents[1] / "scene_camera.json"
        predict_pose.predict(predict_pose.Args(run=tmp_path, image=picture.path, camera=cameras))
    assert seen_by == [picture.read()[1] for picture in pose_pictures]
    assert len({camera.fx for camera in seen_by}) > 1
    for name in ("photo.jpg", "000099.jpg"):
        elsewhere = tmp_path / name
        shutil.copy(pose_pictures[0].path, elsewhere)
        with pytest.raises(DatasetError, match=rf"pictures 0 to \d+, and {name} is named after none"):
            predict_pose.predict(predict_pose.Args(run=tmp_path, image=elsewhere, camera=cameras))


def box_of(frame: Frame) -> Array:
    return box_corners(frame.center_m - frame.half_m, frame.center_m + frame.half_m)


def test_files_that_do_not_suit_the_picture_are_named(
    pose_root: Path, pose_pictures: list[PoseImage], tmp_path: Path
) -> None:
    save_estimator(untrained("dense", load_references(BopDataset(pose_root)), 8, 160), tmp_path / "estimator.pt")
    (tmp_path / "camera.json").write_text('{"fx": 200, "fy": 200, "cx": 80, "cy": 60, "width": 640, "height": 480}')
    args = predict_pose.Args(run=tmp_path, image=pose_pictures[0].path, camera=tmp_path / "camera.json")
    with pytest.raises(DatasetError, match=r"is for pictures of 640x480, and .* is of 160x120"):
        predict_pose.predict(args)
    (tmp_path / "camera.json").write_text('{"fx": 200, "fy": 200, "cx": 80, "cy": 60}')
    assert cv2.imwrite(str(tmp_path / "depth.png"), np.full((60, 80), 700, np.uint16))
    with pytest.raises(DatasetError, match=r"depth\.png is of another size than .*: \(60, 80\) and \(120, 160\)"):
        predict_pose.predict(dataclasses.replace(args, depth=tmp_path / "depth.png"))
    for camera in (
        {"fx": 0, "fy": 1, "cx": 1, "cy": 1},
        {"fx": 1, "fy": float("nan"), "cx": 1, "cy": 1},
        {"cam_K": [0, 0, 320, 0, 0, 240, 0, 0, 1]},
    ):
        with pytest.raises(DatasetError, match="fx and fy must be above 0"):
            predict_pose.camera_from(camera, tmp_path, 4, 4)
    for content, fault in (
        ({"fx": 500, "fy": 500}, "lacks cx, cy"),
        ([500, 500], r"has to hold an object .*; got \[500, 500\]"),
        ({"cam_K": [1, 2]}, "has to hold numbers"),
        ({"fx": "much", "fy": 1, "cx": 1, "cy": 1}, "has to hold numbers"),
        ({"fx": 0.8, "fy": 0.8, "cx": 0.5, "cy": 0.5}, "0.8, a fisheye's for a picture of 640x480: .* in pixels"),
    ):
        with pytest.raises(DatasetError, match=fault):
            predict_pose.camera_from(content, tmp_path, 640, 480)


def test_a_camera_that_looks_past_the_picture_is_pointed_out(capsys: pytest.CaptureFixture[str]) -> None:
    predict_pose.camera_from({"fx": 600, "fy": 600, "cx": 3200, "cy": 240}, Path("camera.json"), 640, 480)
    assert "cx and cy are 3200 and 240, which is outside of the picture of 640x480" in capsys.readouterr().err
    predict_pose.camera_from({"fx": 600, "fy": 600, "cx": 320, "cy": 240}, Path("camera.json"), 640, 480)
    assert not capsys.readouterr().err


def test_what_is_not_sure_enough_is_said(
    pose_root: Path,
    pose_pictures: list[PoseImage],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    save_estimator(untrained("dense", load_references(BopDataset(pose_root)), 8, 160), tmp_path / "estimator.pt")
    (tmp_path / "camera.json").write_text('{"fx": 200, "fy": 200, "cx": 80, "cy": 60}')
    args = predict_pose.Args(run=tmp_path, image=pose_pictures[0].path, camera=tmp_path / "camera.json")
    for found, told in (
        (
            [Estimate(1, 0.031, np.eye(4))],
            "was found: the surest of 1 poses has a score of 0.031, below --least-score.",
        ),
        ([], "No known object was found."),
    ):
        monkeypatch.setattr(DenseEstimator, "estimate", lambda *_, found=found: found)
        assert not predict_pose.predict(args)
        assert told in capsys.readouterr().err


def test_predictions_are_written_in_millimetres_the_surest_first(
    pose_root: Path, pose_pictures: list[PoseImage], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    told = [
        Estimate(i.obj_id, score, i.camera_from_model)
        for i, score in zip(pose_pictures[0].instances, (0.3, 0.9), strict=True)
    ]
    given: list[np.ndarray | None] = []

    class Knowing:
        uses_depth = True

        def estimate(self, rgb: object, camera: object, rng: object, depth_m: np.ndarray | None) -> list[Estimate]:
            given.append(depth_m)
            return [*told, Estimate(told[0].obj_id, 0.01, np.eye(4))]

    monkeypatch.setattr(predict_pose, "load_estimator", lambda path: Knowing())
    (tmp_path / "camera.json").write_text('{"fx": 200, "fy": 200, "cx": 80, "cy": 60, "depth_scale": 0.5}')
    depth = np.full((120, 160), 1500, np.uint16)
    assert cv2.imwrite(str(tmp_path / "depth.png"), depth)
    args = predict_pose.Args(
        run=tmp_path,
        image=pose_pictures[0].path,
        camera=tmp_path / "camera.json",
        depth=tmp_path / "depth.png",
        json=tmp_path / "out.json",
    )
    predict_pose.predict(args)
    assert given[0] is not None
    np.testing.assert_allclose(given[0], 0.75)
    written = read_json(tmp_path / "out.json")
    assert [entry["score"] for entry in written] == [0.9, 0.3]
    for entry, estimate in zip(written, told[::-1], strict=True):
        assert entry["obj_id"] == estimate.obj_id
        np.testing.assert_allclose(entry["cam_t_m2c"], 1000 * estimate.camera_from_model[:3, 3])
        np.testing.assert_allclose(entry["cam_R_m2c"], estimate.camera_from_model[:3, :3].ravel())


def test_a_camera_file_without_a_camera_is_named(tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match="has to hold fx, fy, cx and cy, or cam_K"):
        predict_pose.camera_from({"fx": 1}, tmp_path / "camera.json", 4, 4)
    camera = predict_pose.camera_from({"fx": 1, "fy": 2, "cx": 3, "cy": 4}, tmp_path, 4, 4)
    assert (camera.fx, camera.fy, camera.cx, camera.cy) == (1, 2, 3, 4)


def test_depth_that_would_not_be_used_is_refused(
    pose_root: Path, pose_pictures: list[PoseImage], tmp_path: Path
) -> None:
    save_estimator(untrained("dope", load_references(BopDataset(pose_root)), 8, 160), tmp_path / "estimator.pt")
    args = predict_pose.Args(
        run=tmp_path, image=pose_pictures[0].path, camera=tmp_path / "camera.json", depth=tmp_path / "depth.png"
    )
    with pytest.raises(SpecError, match="The architecture dope does not use depth; leave --depth out"):
        predict_pose.predict(args)
