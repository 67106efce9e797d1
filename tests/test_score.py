"""Scores of pose estimates: the truth scores 1, noise less, and a published file what its authors were told."""

import dataclasses
import json
import re
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from graspsim.cli.pose import Score
from graspsim.dataset.bop import BopDataset
from graspsim.dataset.dump import dump
from graspsim.dataset.generate import DumpJob
from graspsim.dataset.results import PoseEstimate, read_results, write_results
from graspsim.errors import DatasetError
from graspsim.geometry import Array, transform
from graspsim.plain import overlaid
from graspsim.pose.score import check_ids, check_unit, found_by_threshold, matched, score_results, targets_of
from graspsim.registry import load

SHARED = Path(__file__).parents[2] / "shared"
SPLIT = "test"
published = pytest.mark.skipif(not (SHARED / "pose").is_dir(), reason="the published results are not here")


@pytest.fixture(scope="module")
def dataset(tmp_path_factory: pytest.TempPathFactory) -> BopDataset:
    root = tmp_path_factory.mktemp("score") / "data"
    small = {
        "camera": {"width": 160, "height": 120, "views": 2},
        "objects": {"models": 3, "count": 6, "families": ["drinkware", "boards"]},
    }
    dump(DumpJob(overlaid(load("scene", "tabletop"), small), 1, 4, root, SPLIT), workers=1)
    return BopDataset(root)


def truths(dataset: BopDataset) -> list[PoseEstimate]:
    return [
        PoseEstimate(scene_id, frame.im_id, label.obj_id, label.visible_fraction, label.camera_from_model)
        for scene_id in dataset.scene_ids(SPLIT)
        for frame in dataset.read_scene(SPLIT, scene_id)
        for label in frame.labels
    ]


def changed(estimates: list[PoseEstimate], change: Callable[[Array], Array]) -> list[PoseEstimate]:
    return [dataclasses.replace(e, camera_from_model=change(e.camera_from_model)) for e in estimates]


def shifted(way_m: float) -> Callable[[Array], Array]:
    return lambda pose: transform(translation=(0.0, 0.0, way_m)) @ pose


def test_the_truth_scores_one_everywhere(dataset: BopDataset) -> None:
    scores = score_results(truths(dataset), dataset, SPLIT)
    assert scores.images == 4
    for score in [scores.overall, *scores.objects.values()]:
        assert (score.mssd, score.mspd, score.vsd, score.add_recall, score.add_auc) == (1, 1, 1, 1, 1)
        assert score.average_recall == 1
    assert scores.overall.targets == sum(score.targets for score in scores.objects.values())


def test_scores_fall_with_the_error(dataset: BopDataset) -> None:
    by_error = [
        score_results(changed(truths(dataset), shifted(way_m)), dataset, SPLIT).overall
        for way_m in (0.002, 0.02, 0.06, 0.3)
    ]
    for name in ("mssd", "mspd", "vsd", "add_recall", "add_auc"):
        values = [getattr(score, name) for score in by_error]
        assert values == sorted(values, reverse=True)
    assert by_error[0].mssd > 0.8
    assert by_error[-1].mssd == by_error[-1].add_recall == by_error[-1].add_auc == 0


def test_nothing_scores_nothing(dataset: BopDataset) -> None:
    score = score_results([], dataset, SPLIT).overall
    assert score.average_recall == score.add_auc == 0


def test_what_is_missing_costs_as_much_as_what_is_wrong(dataset: BopDataset) -> None:
    half = [e for e in truths(dataset) if e.im_id % 2]
    wrong = half + changed([e for e in truths(dataset) if not e.im_id % 2], shifted(5.0))
    some, all_ = (score_results(each, dataset, SPLIT) for each in (half, wrong))
    assert some.overall == all_.overall
    assert 0 < some.overall.mssd < 1


def test_no_more_estimates_count_than_there_are_targets(dataset: BopDataset) -> None:
    sure = [dataclasses.replace(e, score=2.0) for e in changed(truths(dataset), shifted(1.0))]
    assert score_results(truths(dataset) + sure, dataset, SPLIT).overall.mssd == 0
    unsure = [dataclasses.replace(e, score=-1.0) for e in sure]
    assert score_results(truths(dataset) + unsure, dataset, SPLIT).overall.mssd == 1


def test_estimates_of_what_is_no_target_are_counted(dataset: BopDataset) -> None:
    strange = [PoseEstimate(0, 999, 1, 1.0, np.eye(4)), PoseEstimate(7, 0, 1, 1.0, np.eye(4))]
    scores = score_results(truths(dataset) + strange, dataset, SPLIT)
    assert scores.unused == 2
    assert scores.overall.mssd == 1


def test_each_target_is_found_once_by_the_surest_estimate() -> None:
    # The surest takes the nearer of two; the next has to take what is left.
    errors = np.array([[0.1, 0.2], [0.15, 0.9]])
    assert matched(errors, 0.5) == 1
    assert matched(errors, 0.95) == 2
    assert matched(errors, 0.1) == 0
    assert matched(np.zeros((0, 2)), 1.0) == matched(np.zeros((2, 0)), 1.0) == 0


def test_the_short_cut_for_single_targets_counts_alike() -> None:
    rng = np.random.default_rng(0)
    errors = [rng.random((n, m)) for n in range(3) for m in range(3) for _ in range(4)]
    thresholds = np.linspace(0, 1, 11)
    counts = [sum(matched(each, threshold) for each in errors) for threshold in thresholds]
    np.testing.assert_array_equal(found_by_threshold(errors, thresholds), counts)


def lmo(folder: Path) -> BopDataset:
    """The published ground truth of LM-O as a dataset without pictures."""
    scene = folder / SPLIT / "000002"
    scene.mkdir(parents=True)
    for name in ("scene_camera.json", "scene_gt.json"):
        shutil.copy(SHARED / "pose" / name, scene / name)
    shutil.copy(SHARED / "pose" / "test_targets_bop19.json", folder)
    shutil.copy(SHARED / "real" / "lmo" / "camera.json", folder)
    return BopDataset(folder)


@published
@pytest.mark.slow
def test_a_published_file_scores_what_the_benchmark_says(tmp_path: Path) -> None:
    dataset, models = lmo(tmp_path), SHARED / "real" / "lmo" / "models"
    megapose = read_results(SHARED / "pose" / "cnos-fastsammegapose_lmo-test.csv")
    score = score_results(megapose, dataset, SPLIT, models, with_vsd=False).overall
    assert score.mssd == pytest.approx(0.49411764705882344, abs=1e-9)
    assert score.mspd == pytest.approx(0.6067128027681661, abs=1e-9)
    assert score.vsd is score.average_recall is None
    truth = read_results(SHARED / "pose" / "gt_lmo-test.csv")
    perfect = score_results(truth, dataset, SPLIT, models, with_vsd=False).overall
    assert (perfect.mssd, perfect.mspd, perfect.add_recall) == (1, 1, 1)


@published
def test_depth_that_is_not_there_is_asked_for_in_vain(tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match=r"has no depth image 3, which VSD needs; leave VSD out with --no-vsd"):
        score_results([], lmo(tmp_path), SPLIT, SHARED / "real" / "lmo" / "models")


@pytest.mark.parametrize("per_unit", [10, 1000])
def test_centimetres_and_metres_in_the_place_of_millimetres_are_recognized(dataset: BopDataset, per_unit: int) -> None:
    def in_another_unit(pose: Array) -> Array:
        return transform(pose[:3, :3], pose[:3, 3] / per_unit)

    told = re.escape(f"lie {1 / per_unit} times as far away as the truth")
    with pytest.raises(DatasetError, match=f"{told}: .* holds millimetres"):
        check_unit(changed(truths(dataset), in_another_unit), dataset, SPLIT)
    check_unit(truths(dataset), dataset, SPLIT)


@pytest.mark.parametrize(("name", "theirs"), [("scene_id", "700"), ("im_id", "700"), ("obj_id", "700")])
def test_estimates_for_another_dataset_are_recognised(dataset: BopDataset, name: str, theirs: str) -> None:
    others = [dataclasses.replace(estimate, **{name: int(theirs)}) for estimate in truths(dataset)]
    with pytest.raises(
        DatasetError, match=rf"None of the \d+ estimates .*: they have {name} {theirs}, and the targets \d"
    ):
        check_ids(others, dataset, SPLIT)
    check_ids([*others, *truths(dataset)], dataset, SPLIT)
    check_ids([], dataset, SPLIT)


def test_images_without_estimates_are_counted(dataset: BopDataset) -> None:
    told = truths(dataset)
    first = told[0].scene_id, told[0].im_id
    scores = score_results([e for e in told if (e.scene_id, e.im_id) != first], dataset, SPLIT, with_vsd=False)
    assert scores.unanswered == 1
    assert score_results([], dataset, SPLIT, with_vsd=False).unanswered == scores.images
    assert score_results(told, dataset, SPLIT, with_vsd=False).unanswered == 0


def test_malformed_ground_truth_is_named(dataset: BopDataset, tmp_path: Path) -> None:
    root = tmp_path / "data"
    shutil.copytree(dataset.root, root)
    path = root / SPLIT / "000000" / "scene_gt.json"
    path.write_text(path.read_text().replace("cam_t_m2c", "t"))
    with pytest.raises(DatasetError, match=r"image \d+ in .*000000 is malformed: KeyError\('cam_t_m2c'\)"):
        score_results(truths(dataset), BopDataset(root), SPLIT)
    (root / "test_targets_bop19.json").write_text('[{"scene_id": 0, "im_id": 0}]')
    with pytest.raises(DatasetError, match=r"test_targets_bop19\.json is malformed: KeyError"):
        targets_of(BopDataset(root), SPLIT)


@pytest.mark.parametrize("entry", [{}, {"cam_K": [1, 2, 3]}, {"cam_K": [1] * 9, "depth_scale": "much"}])
def test_a_malformed_camera_is_named(dataset: BopDataset, tmp_path: Path, entry: dict[str, object]) -> None:
    root = tmp_path / "data"
    shutil.copytree(dataset.root, root)
    path = root / SPLIT / "000000" / "scene_camera.json"
    path.write_text(json.dumps({number: entry for number in json.loads(path.read_text())}))
    with pytest.raises(DatasetError, match=r"The camera of image \d+ in .*000000 is malformed: "):
        score_results([], BopDataset(root), SPLIT)


def test_targets_of_the_test_split_are_not_asked_for_in_another(dataset: BopDataset, tmp_path: Path) -> None:
    root = tmp_path / "data"
    shutil.copytree(dataset.root, root)
    shutil.copytree(root / SPLIT, root / "val")
    listed = [{"scene_id": 0, "im_id": 0, "obj_id": 1, "inst_count": 7}]
    (root / "test_targets_bop19.json").write_text(json.dumps(listed))
    both = BopDataset(root)
    assert targets_of(both, SPLIT) == {(0, 0): {1: 7}}
    assert sum(len(counts) for counts in targets_of(both, "val").values()) > 1
    shutil.rmtree(root / SPLIT)
    assert targets_of(BopDataset(root), "val") == targets_of(both, "val")


def test_an_image_that_shows_no_target_is_none_to_score(dataset: BopDataset, tmp_path: Path) -> None:
    root = tmp_path / "data"
    shutil.copytree(dataset.root, root)
    (root / "test_targets_bop19.json").unlink()
    path = root / SPLIT / "000000" / "scene_gt_info.json"
    info = json.loads(path.read_text())
    hidden = min(info, key=int)
    info[hidden] = [{**entry, "visib_fract": 0.05} for entry in info[hidden]]
    path.write_text(json.dumps(info))
    (root / SPLIT / "000000" / "depth" / f"{int(hidden):06d}.png").unlink()
    targets = targets_of(BopDataset(root), SPLIT)
    assert (0, int(hidden)) not in targets
    scores = score_results(truths(dataset), BopDataset(root), SPLIT)
    assert (scores.images, scores.overall.mssd) == (3, 1)


def test_without_pictures_their_width_is_that_of_the_camera_file(dataset: BopDataset, tmp_path: Path) -> None:
    root = tmp_path / "data"
    shutil.copytree(dataset.root, root)
    off = changed(truths(dataset), shifted(0.02))
    with_pictures = score_results(off, BopDataset(root), SPLIT, with_vsd=False)
    for folder in (*root.glob(f"{SPLIT}/*/rgb"), *root.glob(f"{SPLIT}/*/depth")):
        shutil.rmtree(folder)
    assert score_results(off, BopDataset(root), SPLIT, with_vsd=False) == with_pictures
    camera = json.loads((root / "camera.json").read_text())
    (root / "camera.json").write_text(json.dumps({**camera, "width": 40}))
    assert score_results(off, BopDataset(root), SPLIT, with_vsd=False).overall.mspd < with_pictures.overall.mspd
    (root / "camera.json").write_text("{}")
    with pytest.raises(DatasetError, match=r"camera\.json has to state the images' width and height: KeyError"):
        score_results(off, BopDataset(root), SPLIT, with_vsd=False)
    (root / "camera.json").unlink()
    with pytest.raises(DatasetError, match=r"camera\.json"):
        score_results(off, BopDataset(root), SPLIT, with_vsd=False)


def test_models_that_are_not_there_are_asked_for(dataset: BopDataset, tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match=r"no models with a models_info\.json in .*nowhere"):
        score_results([], dataset, SPLIT, tmp_path / "nowhere")


def test_the_command_prints_a_row_for_each_object_and_writes_json(
    dataset: BopDataset, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write_results(tmp_path / "results.csv", truths(dataset))
    out = tmp_path / "scores.json"
    assert Score(tmp_path / "results.csv", data=dataset.root, json=out).run() == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].split() == ["object", "targets", "AR", "VSD", "MSSD", "MSPD", "ADD(-S)", "AUC"]
    assert lines[-1].split()[0] == "all"
    assert lines[-1].split()[2:] == ["1.0000"] * 6
    assert json.loads(out.read_text())["all"]["average_recall"] == 1.0
