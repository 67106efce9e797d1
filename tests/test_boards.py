import numpy as np
import pytest
from graspsim.objects.boards import KINDS
from scipy.spatial import ConvexHull
from solids_for_tests import solid_of

from graspsim.models import ObjectModel, make_object


def boards(kind: str, count: int = 8, **fixed: object) -> list[ObjectModel]:
    return [make_object("boards", np.random.default_rng(seed), kind=kind, **fixed) for seed in range(count)]


@pytest.mark.parametrize(
    ("kind", "turns"),
    [
        ("perforated", {3}),
        ("cover", {3}),
        ("frame", {1, 3}),
        ("bracket", {0, 1}),
        ("corner", {0, 1, 3, 7}),
        ("bar", {1, 3}),
        ("hinge", {1}),
        ("ladder", {3}),
        ("comb", {1}),
        ("board", {1}),
    ],
)
def test_each_kind_states_its_symmetries(kind: str, turns: set[int]) -> None:
    assert {len(model.symmetries.discrete) for model in boards(kind, 24)} <= turns


def test_a_flange_has_the_symmetries_of_its_bolts() -> None:
    for model in boards("flange", 24, holes=2):
        bolts = solid_of(model.mesh).genus() - 1
        assert len(model.symmetries.discrete) == (2 * bolts - 1 if model.name == "flange" else bolts - 1)


@pytest.mark.parametrize("kind", KINDS)
def test_holes_are_real(kind: str) -> None:
    for model in boards(kind, 6, holes=3):
        holes = solid_of(model.mesh).genus()
        least = {"comb": 0, "board": 0, "frame": 0, "bracket": 2, "bar": 1, "flange": 3, "hinge": 6}
        assert holes >= least.get(kind, 3), model.name


def test_more_holes_are_more_holes() -> None:
    genus = [solid_of(boards("ladder", 1, holes=n)[0].mesh).genus() for n in (2, 3, 4)]
    assert genus == [3, 4, 5]


def test_the_parts_leave_holes_free() -> None:
    for model in boards("ladder", 4, holes=3):
        # Four windows side by side: their middles are free, and the rungs between are not.
        rungs = np.array([part.mean(axis=0) for part in model.parts])
        assert np.abs(rungs[:, 0]).max() < model.extents_m[0] / 2
        middle = solid_of(model.mesh).slice(0.0).to_polygons()
        windows = [loop.mean(axis=0) for loop in middle if np.ptp(loop, axis=0)[0] < 0.5 * model.extents_m[0]]
        assert len(windows) == 4
        for window in windows:
            point = np.array([*window, 0.0])
            assert all(not inside(part, point) for part in model.parts)


def inside(part: np.ndarray, point: np.ndarray) -> bool:
    equations = ConvexHull(part).equations
    return bool((equations[:, :3] @ point + equations[:, 3] < 0).all())


def test_a_framed_picture_has_two_slots_and_an_empty_frame_one() -> None:
    for model in boards("frame", 12):
        assert len(model.slots) == (2 if model.name == "framed picture" else 1)


def test_thin_sheets_are_at_least_four_millimetres_thick() -> None:
    for kind in ("comb", "cover"):
        for model in boards(kind, 4, thickness_m=0.005):
            assert model.extents_m[2] == pytest.approx(0.004)
