"""What `graspsim compare` measures: nothing between a dataset and itself, and of a change what was changed."""

import shutil
from pathlib import Path

import numpy as np
import pytest

from graspsim.cli.datasets import Compare
from graspsim.dataset.bop import BopDataset
from graspsim.dataset.compare_page import largest_in_words
from graspsim.dataset.dump import dump
from graspsim.dataset.generate import DumpJob
from graspsim.dataset.statistics import STATISTICS, Measured, _part_of_sphere, _spectrum_slope, differences, measure
from graspsim.errors import DatasetError, SpecError
from graspsim.plain import overlaid
from graspsim.registry import load

REAL = Path(__file__).parents[2] / "shared" / "real" / "lmo"


def made(folder: Path, **changes: object) -> Path:
    small = {"camera": {"width": 96, "height": 72, "views": 4}, "objects": {"models": 3, "count": 3}}
    for key, value in changes.items():
        section, _, name = key.partition("__")
        small.setdefault(section, {})[name] = value  # type: ignore[assignment]
    dump(DumpJob(overlaid(load("scene", "tabletop"), small), 2, 12, folder, "test"), workers=1)
    return folder


@pytest.fixture(scope="module")
def plain(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return made(tmp_path_factory.mktemp("statistics") / "plain")


def measured(root: Path) -> Measured:
    return measure(BopDataset(root), None, 100)


def test_a_dataset_does_not_differ_from_itself(plain: Path) -> None:
    one = measured(plain)
    assert set(one.values) == set(STATISTICS)
    assert one.images == 12
    for difference in differences(one, one):
        assert difference.wasserstein == difference.ks == difference.shift == 0
    (said,) = largest_in_words(one, one, differences(one, one))
    assert said.endswith("do not differ in what they both have.")


@pytest.mark.parametrize(
    ("changes", "name", "sign"),
    [
        ({"objects__count": 9}, "objects", 1),
        ({"lights__ambient": 2.0}, "brightness", 1),
        ({"camera__distance_m": 1.6}, "distance_m", 1),
        ({"sensor__shot_noise": 0.2}, "noise", 1),
        ({"sensor__blur_px": 3.0, "sensor__shot_noise": 0.0, "sensor__read_noise": 0.0}, "spectrum_slope", -1),
        ({"sensor__depth_edge_loss_px": 4.0}, "depth_missing", 1),
    ],
)
def test_what_was_changed_is_among_what_differs_most(
    plain: Path, tmp_path: Path, changes: dict[str, object], name: str, sign: int
) -> None:
    one, other = measured(plain), measured(made(tmp_path / "changed", **changes))
    found = differences(one, other)
    by_name = {difference.name: difference for difference in found}
    assert by_name[name].shift * sign > 0.8
    assert name in [difference.name for difference in found[:6]]


def test_words_name_the_direction_and_what_to_change(plain: Path, tmp_path: Path) -> None:
    one, other = measured(plain), measured(made(tmp_path / "bright", lights__ambient=2.0))
    by_name = {difference.name: difference for difference in differences(one, other)}
    assert by_name["brightness"].in_words("A", "B").startswith("A is darker than B (mean brightness")
    assert "Change lights." in by_name["brightness"].in_words("A", "B")
    back = {difference.name: difference for difference in differences(other, one)}
    assert back["brightness"].in_words("B", "A").startswith("B is brighter than A")


def test_every_key_to_change_is_one_of_the_specification() -> None:
    spec = load("scene", "tabletop")
    for statistic in STATISTICS.values():
        for key in statistic.change.split(", "):
            value: object = spec
            for name in key.split("."):
                value = getattr(value, name)


def test_white_noise_has_a_flat_spectrum_and_its_integral_a_steep_one() -> None:
    noise = np.random.default_rng(0).normal(size=(256, 256)).astype(np.float32)
    assert abs(_spectrum_slope(noise)) < 0.25
    frequency = np.hypot(np.fft.fftfreq(256)[:, None], np.fft.fftfreq(256)[None, :])
    frequency[0, 0] = np.inf
    smooth = np.fft.ifft2(np.fft.fft2(noise) / frequency).real.astype(np.float32)
    assert _spectrum_slope(smooth) == pytest.approx(-2, abs=0.35)


def test_parts_of_the_sphere_are_equal() -> None:
    directions = np.random.default_rng(0).normal(size=(48_000, 3))
    directions /= np.linalg.norm(directions, axis=1, keepdims=True)
    counts = np.bincount(_part_of_sphere(directions), minlength=48)
    assert counts.min() > 850
    assert counts.max() < 1150


def test_the_page_stands_alone_and_names_the_three_largest(
    plain: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    other, out = made(tmp_path / "bright", lights__ambient=2.0), tmp_path / "report.html"
    assert Compare(plain, other, out=out).run() == 0
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 4
    text = out.read_text()
    assert text.count("<li>") == 3
    assert text.count("<svg") == len(STATISTICS)
    assert "http" not in text
    assert "src=" not in text


@pytest.mark.skipif(not REAL.is_dir(), reason="the real images are not here")
def test_what_a_dataset_does_not_have_is_left_out_and_said(plain: Path, tmp_path: Path) -> None:
    out = tmp_path / "report.html"
    assert Compare(plain, REAL, out=out, count=4).run() == 0
    assert "Not compared, since one of them has none: " in out.read_text()
    assert "depth_m" not in measure(BopDataset(REAL), None, 4).values


def test_directions_are_unknown_without_ground_truth(plain: Path, tmp_path: Path) -> None:
    bare, out = tmp_path / "bare", tmp_path / "report.html"
    shutil.copytree(plain, bare)
    for path in bare.rglob("scene_gt.json"):
        path.unlink()
    assert measured(bare).viewpoints is None
    assert Compare(plain, bare, out=out).run() == 0
    assert "% and unknown." in out.read_text()


def test_boxes_that_a_dataset_does_not_give_are_those_of_its_models(plain: Path, tmp_path: Path) -> None:
    bare = tmp_path / "bare"
    shutil.copytree(plain, bare)
    for path in bare.rglob("scene_gt_info.json"):
        path.unlink()
    given, made_up = measured(plain).values, measured(bare).values
    assert "visibility" not in made_up
    assert given["truncated"].mean() == pytest.approx(made_up["truncated"].mean(), abs=0.1)
    # Of whole pixels; and what is not seen at all has no box in the labels.
    seen = np.sort(made_up["size"])[len(made_up["size"]) - len(given["size"]) :]
    assert np.sort(given["size"]) == pytest.approx(seen, abs=2 / 96)


def test_bad_arguments_are_named(plain: Path, tmp_path: Path) -> None:
    with pytest.raises(SpecError, match=r"count must be at least 1; got 0"):
        Compare(plain, plain, count=0).run()
    with pytest.raises(SpecError, match=r"must be named \.html; got .*report\.png"):
        Compare(plain, plain, out=tmp_path / "report.png").run()
    with pytest.raises(DatasetError, match="has no split 'train'"):
        Compare(plain, plain, split="train").run()
