import numpy as np
import pytest
from graspsim.objects.containers import HOLLOWS, SOLIDS
from vessels_for_tests import rests_inside

from graspsim.models import ObjectModel, make_object


def container(kind: str, seed: int = 0, **parameters: object) -> ObjectModel:
    return make_object("containers", np.random.default_rng(seed), kind=kind, **parameters)


@pytest.mark.parametrize("kind", HOLLOWS)
def test_a_ball_falls_into_what_is_open_and_stays(kind: str) -> None:
    for seed in range(3):
        assert rests_inside(container(kind, seed)), seed


@pytest.mark.parametrize("kind", HOLLOWS)
def test_what_is_open_holds_more_than_it_is_made_of(kind: str) -> None:
    model = container(kind, wall_m=0.0025)
    assert model.volume_m3 < 0.5 * np.prod(model.extents_m)


@pytest.mark.parametrize("kind", SOLIDS)
def test_what_is_closed_is_full(kind: str) -> None:
    model = container(kind)
    assert model.volume_m3 > 0.25 * np.prod(model.extents_m)


@pytest.mark.parametrize(
    ("kind", "length_ratio", "discrete", "continuous"),
    [
        ("box", 1.5, 1, 0),
        ("box", 1.02, 3, 0),
        ("lidded_box", 1, 3, 0),
        ("gift_box", 1, 1, 0),
        ("tray", 1.5, 1, 0),
        ("crate", 1, 1, 0),
        ("flap_box", 1, 1, 0),
        ("juice_box", 1, 0, 0),
        ("tin", 1.5, 0, 1),
        ("bowl", 1.5, 0, 1),
        ("jar", 1.5, 0, 1),
    ],
)
def test_each_kind_states_its_symmetries(kind: str, length_ratio: float, discrete: int, continuous: int) -> None:
    found = container(kind, length_ratio=length_ratio).symmetries
    assert (len(found.discrete), len(found.continuous)) == (discrete, continuous)


def test_a_food_can_may_be_turned_over_and_a_drinks_can_may_not() -> None:
    counts = {len(container("can", seed).symmetries.discrete) for seed in range(12)}
    assert counts == {0, 1}


def test_a_cap_takes_a_milk_cartons_symmetry_away() -> None:
    cartons = [container("milk_carton", seed) for seed in range(12)]
    assert {(len(c.slots), len(c.symmetries.discrete)) for c in cartons} == {(1, 1), (2, 0)}


@pytest.mark.parametrize("kind", ["box", "crate"])
def test_parts_of_what_is_flat_all_over_match_it_exactly(kind: str) -> None:
    model = container(kind, corner_ratio=0.0)
    # Whatever lies on the surface lies on that of a part, so that nothing rests on thin air.
    points = np.concatenate(model.parts)
    assert np.allclose(np.abs(points).max(axis=0), model.extents_m / 2)


@pytest.mark.parametrize("kind", ["box", "tray", "tub", "bowl"])
def test_thicker_walls_hold_more_matter(kind: str) -> None:
    thin, thick = (container(kind, wall_m=wall_m).volume_m3 for wall_m in (0.002, 0.004))
    assert 1.4 * thin < thick


def test_rounded_corners_are_round() -> None:
    sharp, rounded = (container("box", corner_ratio=ratio, length_ratio=1.4) for ratio in (0.0, 0.6))
    assert len(sharp.parts) == 5
    assert len(rounded.parts) == 17
    assert rounded.volume_m3 < sharp.volume_m3
