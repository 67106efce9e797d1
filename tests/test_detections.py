"""Boxes of detections, and which of them are kept."""

import numpy as np
import pytest

pytest.importorskip("torch", reason="torch is not installed; it is in the test extra")

from graspsim.geometry import Array
from graspsim.pose.detections import Detection, box_told, near_the_best, without_doubles
from graspsim.pose.networks import MAP_PX


def spans(low: float, high: float) -> Array:
    """The share of each cell along a crop's side that lies between two places."""
    cells = np.arange(MAP_PX)
    return np.clip(np.minimum(cells + 1, high) - np.maximum(cells, low), 0, 1)


@pytest.mark.parametrize("seed", range(8))
def test_the_box_of_a_silhouette_is_known_to_a_fraction_of_a_cell(seed: int) -> None:
    rng = np.random.default_rng(seed)
    (left, top), (right, bottom) = rng.uniform(1, 6, 2), rng.uniform(9, MAP_PX - 1, 2)
    there = np.outer(spans(top, bottom), spans(left, right)).astype(np.float32)
    box = box_told(there, np.array([100.0, 50.0, 2 * MAP_PX, 2 * MAP_PX]))
    assert box is not None
    np.testing.assert_allclose(box, (100 + 2 * left, 50 + 2 * top, 2 * (right - left), 2 * (bottom - top)), atol=0.45)
    assert box_told(0.4 * there, np.array([0.0, 0.0, 1.0, 1.0])) is None


def test_of_boxes_in_one_place_the_surest_of_a_kind_is_kept() -> None:
    box, beside = (10.0, 10.0, 20.0, 20.0), (40.0, 10.0, 20.0, 20.0)
    sure, unsure = Detection(0, 0.9, box), Detection(0, 0.3, (11.0, 11.0, 20.0, 20.0))
    others = [Detection(1, 0.5, box), Detection(0, 0.2, beside)]
    assert without_doubles([unsure, *others, sure]) == [sure, *others]


def test_each_kind_keeps_what_is_near_its_own_best() -> None:
    assert near_the_best([0, 1, 0, 0, 1], [0.8, 0.1, 0.5, 0.3, 0.04], 0.5) == [0, 1, 2]
    # What explains nothing is not near a best that explains nothing, either.
    assert near_the_best([2], [0.0], 0.5) == []
