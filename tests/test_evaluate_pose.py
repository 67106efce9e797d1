"""Evaluation of an estimator: the same by any number of processes, and what is missing is said at once."""

import dataclasses
import re
import shutil
from pathlib import Path

import pytest

torch = pytest.importorskip("torch", reason="torch is not installed; it is in the test extra")

from graspsim.training import evaluate_pose  # noqa: E402
from poses_for_tests import SPLIT  # noqa: E402

from graspsim.dataset.bop import BopDataset  # noqa: E402
from graspsim.dataset.results import read_results  # noqa: E402
from graspsim.errors import DatasetError, SpecError  # noqa: E402
from graspsim.pose.dense import DenseEstimator  # noqa: E402
from graspsim.pose.estimator import save_estimator, untrained  # noqa: E402
from graspsim.pose.score import load_references, targets_of  # noqa: E402


def test_several_processes_estimate_what_one_does(
    pose_root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    estimator = untrained("dense", load_references(BopDataset(pose_root)), 8, 160)
    assert isinstance(estimator, DenseEstimator)
    with torch.no_grad():
        # It has not learnt to see anything: now it sees the first object, everywhere, as large as the picture.
        estimator.detector.last.bias[0] += 8
        estimator.detector.last.bias[-2:] = 3
        estimator.coordinates.bias[:, 0] += 8
    save_estimator(estimator, tmp_path / "estimator.pt")
    # With so much to see, each of them takes seconds.
    monkeypatch.setattr(evaluate_pose, "targets_of", lambda *args: dict(sorted(targets_of(*args).items())[:3]))
    args = evaluate_pose.Args(run=tmp_path, data=pose_root, no_vsd=True)
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    for workers in (1, 2):
        evaluate_pose.evaluate(dataclasses.replace(args, workers=workers, csv=tmp_path / f"{workers}.csv"))
    torch.set_num_threads(threads)
    alone, together = (
        [(e.scene_id, e.im_id, e.obj_id, e.score, e.camera_from_model.tolist()) for e in read_results(path)]
        for path in (tmp_path / "1.csv", tmp_path / "2.csv")
    )
    assert alone
    assert alone == together


def test_objects_that_a_run_does_not_know_are_named(pose_root: Path, tmp_path: Path) -> None:
    references = load_references(BopDataset(pose_root))
    one = {i: r for i, r in references.items() if i == min(references)}
    (tmp_path / "run").mkdir()
    save_estimator(untrained("dense", one, 8, 160), tmp_path / "run" / "estimator.pt")
    with pytest.raises(DatasetError, match=r"holds the objects 2, which the estimator does not know; it knows 1"):
        evaluate_pose.evaluate(evaluate_pose.Args(run=tmp_path / "run", data=pose_root))


def test_depth_is_missed_before_anything_is_estimated(pose_root: Path, tmp_path: Path) -> None:
    data = tmp_path / "data"
    shutil.copytree(pose_root, data)
    for folder in (data / SPLIT).glob("*/depth"):
        shutil.rmtree(folder)
    save_estimator(untrained("dense", load_references(BopDataset(pose_root)), 8, 160), tmp_path / "estimator.pt")
    args = evaluate_pose.Args(run=tmp_path, data=data)
    with pytest.raises(DatasetError, match=r"has no depth image 0, which VSD needs; leave VSD out with --no-vsd"):
        evaluate_pose.evaluate(args)
    assert evaluate_pose.evaluate(dataclasses.replace(args, no_vsd=True)).overall.vsd is None


def test_what_would_fail_after_all_estimates_is_said_before_them(
    pose_root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = tmp_path / "data"
    shutil.copytree(pose_root, data)
    save_estimator(untrained("dense", load_references(BopDataset(pose_root)), 8, 160), tmp_path / "estimator.pt")
    monkeypatch.setattr(evaluate_pose, "estimates_of", lambda *_: pytest.fail("it has begun"))
    with pytest.raises(SpecError, match=rf"--csv names a file, and {tmp_path} is a folder"):
        evaluate_pose.evaluate(evaluate_pose.Args(run=tmp_path, data=data, csv=tmp_path))
    picture = max((data / SPLIT).glob("*/rgb/*"))
    whole = picture.read_bytes()
    picture.write_bytes(whole[:100])
    with pytest.raises(DatasetError, match=rf"{picture} is not a readable image"):
        evaluate_pose.evaluate(evaluate_pose.Args(run=tmp_path, data=data))
    picture.write_bytes(whole)
    truth = min((data / SPLIT).glob("*/scene_gt.json"))
    told = truth.read_text()
    truth.write_text(re.sub(r'"obj_id": \d', '"obj_id": 7', told))
    with pytest.raises(DatasetError, match=r"The objects 7 are targets in .*data, but there are no models of them"):
        evaluate_pose.evaluate(evaluate_pose.Args(run=tmp_path, data=data))
    truth.write_text(told.replace('"obj_id"', '"object"'))
    with pytest.raises(DatasetError, match=r"The ground truth in .*data is malformed: KeyError\('obj_id'\)"):
        evaluate_pose.evaluate(evaluate_pose.Args(run=tmp_path, data=data))
