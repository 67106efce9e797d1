import numpy as np
import pytest
from graspsim.objects._letters import LETTERS
from graspsim.objects.toys import ANIMALS
from solids_for_tests import solid_of
from vessels_for_tests import in_parts

from graspsim.models import ObjectModel, make_object


def toy(kind: str, seed: int = 0, **fixed: object) -> ObjectModel:
    return make_object("toys", np.random.default_rng(seed), kind=kind, **fixed)


def pieces_at(model: ObjectModel, z: float) -> int:
    """Return how many pieces a level cut shows."""
    return len(solid_of(model.mesh).slice(z).decompose())


@pytest.mark.parametrize(
    ("kind", "discrete", "continuous"),
    [
        ("dumbbell", 1, 1),
        ("car", 0, 0),
        ("top", 0, 1),
        ("arch", 1, 0),
        ("ring tower", 0, 1),
        *((animal, 0, 0) for animal in ANIMALS),
    ],
)
def test_each_kind_states_its_symmetries(kind: str, discrete: int, continuous: int) -> None:
    symmetries = toy(kind).symmetries
    assert (len(symmetries.discrete), len(symmetries.continuous)) == (discrete, continuous)


@pytest.mark.parametrize("across", [1, 2])
@pytest.mark.parametrize("along", [1, 2, 3, 4])
def test_a_brick_has_so_many_studs(across: int, along: int) -> None:
    brick = toy("brick", studs_across=across, studs_along=along, size_ratio=1.0)
    assert pieces_at(brick, brick.extents_m[2] / 2 - 0.002) == across * along
    assert brick.extents_m[:2] == pytest.approx([0.022 * across, 0.022 * along])
    assert len(brick.symmetries.discrete) == (3 if across == along else 1)


@pytest.mark.parametrize("letter", LETTERS)
def test_a_letter_has_the_symmetries_and_holes_of_its_strokes(letter: str) -> None:
    model = toy("letter", letter=letter, size_ratio=1.0)
    turns = 3 if letter in "HIX" else 1 if letter in "AEKMNTUVYZ" else 0
    assert len(model.symmetries.discrete) == turns
    assert solid_of(model.mesh).genus() == (letter == "A")
    assert model.extents_m[1] == pytest.approx(0.072)
    assert 0.03 < model.extents_m[0] <= 0.05 + 1e-9
    # It has the same outline at every height.
    assert model.volume_m3 == pytest.approx(solid_of(model.mesh).slice(0.0).area() * model.extents_m[2])


def test_stout_letters_have_broad_strokes_in_the_same_room() -> None:
    for letter in ("A", "E", "H", "L", "T"):
        slim, stout = (toy("letter", letter=letter, stoutness=t, size_ratio=1.0) for t in (0.8, 1.25))
        assert stout.volume_m3 > 1.25 * slim.volume_m3
        assert stout.extents_m[1:] == pytest.approx(slim.extents_m[1:])


@pytest.mark.parametrize(
    ("kind", "feet"), [("dog", 4), ("giraffe", 4), ("car", 4), ("arch", 2), ("duck", 1), ("top", 1)]
)
def test_it_stands_on_so_many_feet(kind: str, feet: int) -> None:
    for seed in range(3):
        model = toy(kind, seed)
        assert pieces_at(model, -model.extents_m[2] / 2 + 0.001) == feet


def test_an_animal_looks_forward_and_is_the_same_on_both_sides() -> None:
    for kind in ANIMALS:
        model = toy(kind)
        assert abs(model.center_of_mass[1]) < 1e-4
        # Its head is higher than its tail, or, of a fish, its fin is at its back.
        high = model.mesh.vertices[model.mesh.vertices[:, 2] > 0.4 * model.extents_m[2], 0].mean()
        assert high < 0 if kind == "fish" else high > 0


@pytest.mark.parametrize("kind", ["brick", "dumbbell", "car", "arch", *ANIMALS])
def test_a_larger_toy_is_longer_by_that(kind: str) -> None:
    small, large = (toy(kind, size_ratio=size).extents_m[0] for size in (0.7, 1.2))
    assert large == pytest.approx(small * 1.2 / 0.7)


@pytest.mark.parametrize("kind", ["brick", "letter", "dumbbell", "car", "top", "arch", "ring tower", *ANIMALS])
def test_a_stouter_toy_has_more_volume(kind: str) -> None:
    slim, stout = (toy(kind, stoutness=stoutness).volume_m3 for stoutness in (0.8, 1.25))
    assert stout > 1.005 * slim


def test_one_sees_through_an_arch_and_grips_a_dumbbell_by_its_bar() -> None:
    for seed in range(4):
        arch = toy("arch", seed)
        ray = np.linspace(-0.5, 0.5, 40)[:, None] * [0, arch.extents_m[1], 0] - [0, 0, 0.3 * arch.extents_m[2]]
        assert not in_parts(ray, arch).any()
        legs = solid_of(arch.mesh).slice(-arch.extents_m[2] / 2 + 1e-4).decompose()
        (_, _, left, _), (right, _, _, _) = sorted(leg.bounds() for leg in legs)
        assert 0.5 <= (right - left) / arch.extents_m[0] <= 0.62
        dumbbell = toy("dumbbell", seed)
        across = solid_of(dumbbell.mesh).rotate((0, 90, 0))
        bar, weight = (across.slice(x * dumbbell.extents_m[0]).area() for x in (0.0, -0.4))
        assert bar < 0.3 * weight


def test_a_ring_tower_has_four_rings_each_smaller_than_the_one_below() -> None:
    tower = toy("ring tower", size_ratio=1.0, stoutness=1.0)
    pitch = 0.88 * 0.014
    middles = -tower.extents_m[2] / 2 + 0.007 + pitch * np.arange(4)
    areas = [solid_of(tower.mesh).slice(z).area() for z in middles]
    assert np.sqrt(np.array(areas) / areas[0]) == pytest.approx([1.0, 0.84, 0.68, 0.52], rel=0.12)
    assert [len(tower.slots), tower.slots[0].name] == [4, "base and knob"]
