"""What shows the library: portraits, statistics, and the plot of coverage."""

import sys
from pathlib import Path

import cv2
import numpy as np
import pytest

from graspsim import registry
from graspsim.catalogue.coverage import plot_coverage
from graspsim.catalogue.object_sheet import object_tile, portrait
from graspsim.catalogue.statistics import (
    COMPLEXITY_CELLS,
    ELONGATION_CELLS,
    Measures,
    covered_cells,
    measure,
    statistics_table,
    symmetry_kind,
)
from graspsim.errors import GraspsimError
from graspsim.models import Symmetries, make_object


def measures(source: str, complexity_bits: float, elongation: float, length_m: float = 0.1) -> Measures:
    return Measures(
        source, "thing", np.array([0.02, 0.03, length_m]), 6e-5, complexity_bits, elongation, 3, 500, "none"
    )


@pytest.mark.parametrize("family", registry.names("family"))
def test_a_portrait_shows_the_whole_object(family: str) -> None:
    model = make_object(family, np.random.default_rng(1))
    picture = portrait(model)
    # The table is grey, objects are coloured; none reaches the rim of its picture.
    spread = np.ptp(picture.astype(int), axis=2)
    assert (spread > 30).mean() > 0.01
    rim = np.concatenate([spread[0], spread[-1], spread[:, 0], spread[:, -1]])
    assert rim.max() < 30


def test_slots_have_colours_of_their_own() -> None:
    hammer = make_object("tools", np.random.default_rng(0), kind="claw_hammer")
    hues = cv2.cvtColor(portrait(hammer), cv2.COLOR_RGB2HSV)
    seen = hues[..., 0][hues[..., 1] > 80]
    assert len(hammer.slots) == 2
    # Two clusters, well apart around the colour wheel.
    assert (np.histogram(seen, bins=18, range=(0, 180))[0] > 50).sum() >= 2


def test_a_tile_bears_its_title_and_size() -> None:
    model = make_object("primitives", np.random.default_rng(1))
    tile = object_tile("7 box", model, 7)
    assert tile.shape[0] > tile.shape[1]
    assert tile[tile.shape[1] :].max() > 200


def test_measures_are_those_of_the_model() -> None:
    box = make_object("primitives", np.random.default_rng(0), shape="box", depth_ratio=2, height_ratio=4)
    m = measure("primitives", box)
    assert (m.source, m.kind, m.parts, m.symmetry) == ("primitives", "box", 1, "x4")
    assert m.elongation == pytest.approx(0.5)
    assert m.volume_m3 == box.volume_m3


def test_symmetry_groups_have_names() -> None:
    axis = (np.array([0, 0, 1.0]), np.zeros(3))
    assert symmetry_kind(Symmetries()) == "none"
    assert symmetry_kind(Symmetries((np.eye(4),) * 3)) == "x4"
    assert symmetry_kind(Symmetries((), (axis,))) == "round"
    assert symmetry_kind(Symmetries((), (axis,) * 3)) == "ball"


def test_coverage_counts_each_cell_once_and_what_lies_beyond_on_the_rim() -> None:
    cells = covered_cells([measures("a", 0.1, 0.05), measures("a", 0.2, 0.06), measures("b", 9.0, 1.0)])
    assert cells.shape == (COMPLEXITY_CELLS, ELONGATION_CELLS)
    assert np.argwhere(cells).tolist() == [[0, 0], [COMPLEXITY_CELLS - 1, ELONGATION_CELLS - 1]]


def test_the_table_has_a_line_per_family_and_one_for_all() -> None:
    text = statistics_table([measures("a", 0.1, 0.05), measures("a", 1.2, 0.5, 0.2), measures("b", 0.1, 0.05)])
    lines = text.splitlines()
    assert [line.split()[:2] for line in lines[1:4]] == [["a", "2"], ["b", "1"], ["all", "3"]]
    assert "100-200" in lines[1]
    assert "0.10-1.20" in lines[1]
    # Two of 160 cells.
    assert "1%" in lines[3]
    assert "none 3" in lines[3]


def test_the_plot_shows_every_family(tmp_path: Path) -> None:
    pytest.importorskip("matplotlib")
    path = tmp_path / "plot.png"
    plot_coverage([measures(f"family {i}", 0.2 * i, 0.06 * i) for i in range(16)], path)
    picture = cv2.imread(str(path))
    assert picture is not None
    assert min(picture.shape[:2]) > 500
    assert (np.ptp(picture.astype(int), axis=2) > 60).sum() > 500


def test_without_matplotlib_the_extra_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "matplotlib.backends.backend_agg", None)
    with pytest.raises(GraspsimError, match=r"pip install 'graspsim\[plot\]'"):
        plot_coverage([measures("a", 0.1, 0.05)], tmp_path / "plot.png")
