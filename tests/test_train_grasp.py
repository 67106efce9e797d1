"""The recipe that learns grasps from trials: a run in small, and its parts against closed forms."""

import json
from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="torch is not installed; it is in the test extra")

from graspsim.training import train_grasp  # noqa: E402

from graspsim.errors import GraspsimError, SpecError  # noqa: E402
from graspsim.geometry import look_at  # noqa: E402


def flat_sight(heights_m: np.ndarray) -> train_grasp.Sight:
    """What a camera 0.7 m above the middle sees of heights that do not depend on perspective."""
    size = heights_m.shape[0]
    matrix = np.array([[size / 0.4 * 0.7, 0, size / 2], [0, size / 0.4 * 0.7, size / 2], [0, 0, 1.0]])
    return train_grasp.Sight(heights_m.astype(np.float32), matrix, look_at((0, -1e-6, 0.7), (0, 0, 0)))


def test_a_crop_turns_with_the_grasp() -> None:
    heights_m = np.zeros((400, 400))
    # A bar along x, a centimetre wide.
    heights_m[195:205, 100:300] = 0.03
    sight = flat_sight(heights_m)
    along, across = train_grasp.crops_of(sight, np.array([[0, 0, 0.02, 0.0], [0, 0, 0.02, np.pi / 2]]))
    assert (along[1, 12] > 0).all()
    assert (along[1, 0] == 0).all()
    assert (across[1, :, 24] > 0).all()
    assert (across[1, :, 0] == 0).all()


def test_random_grasps_lie_on_the_object_above_the_table() -> None:
    heights_m = np.zeros((200, 200))
    heights_m[80:100, 120:140] = 0.05
    grasps = train_grasp.random_grasps(flat_sight(heights_m), 500, 0.01, np.random.default_rng(0))
    assert (grasps[:, 2] >= 0.01).all()
    assert np.median(np.abs(grasps[:, 0] - 0.06)) < 0.02
    assert np.median(np.abs(grasps[:, 1] - 0.02)) < 0.02


@pytest.mark.slow
def test_a_run_leaves_trials_a_network_and_a_report_and_can_be_tested_again(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    small = {"objects": "household", "test_objects": "household", "candidates": 48, "episodes": 2, "workers": 1}
    out = tmp_path / "run"
    train_grasp.run(train_grasp.Args(out=out, trials=12, epochs=2, **small))
    report = json.loads((out / "report.json").read_text())
    assert len(report["training"]) == 2
    assert report["household"]["episodes"] == 2
    with np.load(out / "trials" / "0000_12.npz") as trials:
        assert trials["crops"].shape == (12, 2, 24, 48)
        assert 0 < trials["outcomes"].sum() < 12
    capsys.readouterr()
    train_grasp.run(train_grasp.Args(evaluate=out, **small))
    assert "of 2 first grasps held" in capsys.readouterr().out
    again = json.loads((out / "evaluation.json").read_text())
    assert again["household"]["success"] == report["household"]["success"]
    with pytest.raises(SpecError, match=r"holds trials of .*household.*, not of .*geometric.*; choose another --out"):
        train_grasp.run(train_grasp.Args(out=out, trials=12))


def test_what_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(GraspsimError, match=r"holds no finished run: there is no model\.pt"):
        train_grasp.run(train_grasp.Args(evaluate=tmp_path))
    with pytest.raises(GraspsimError, match="There are no mesh files"):
        train_grasp.mesh_set(tmp_path)


def test_a_run_without_trials_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SpecError, match=r"--trials must be at least 10; got 0"):
        train_grasp.run(train_grasp.Args(out=tmp_path, trials=0))
