import numpy as np
import pytest
import trimesh
from graspsim.objects.cutlery import HOLLOWS, KINDS
from scipy import ndimage
from scipy.spatial import ConvexHull
from solids_for_tests import solid_of

from graspsim.geometry import Array
from graspsim.models import ObjectModel, make_object


def piece(kind: str, seed: int = 0, **fixed: object) -> ObjectModel:
    return make_object("cutlery", np.random.default_rng(seed), kind=kind, **fixed)


def pieces_across(model: ObjectModel, x: float) -> int:
    """Return how many pieces a cut at right angles to x shows."""
    return len(solid_of(model.mesh).rotate((0, 90, 0)).slice(-x).decompose())


def heights(model: ObjectModel, step_m: float) -> Array:
    """Return the height of the parts' upper side over a grid, and -∞ where there is none."""
    low, high = model.mesh.vertices.min(axis=0), model.mesh.vertices.max(axis=0)
    x, y = np.mgrid[low[0] - step_m : high[0] + 2 * step_m : step_m, low[1] - step_m : high[1] + 2 * step_m : step_m]
    top = np.full(x.shape, -np.inf)
    for part in model.parts:
        a, b, c, d = ConvexHull(part).equations.T[:, :, None, None]
        upright = np.abs(c) < 1e-12
        with np.errstate(divide="ignore", invalid="ignore"):
            z = -(a * x + b * y + d) / c
        upper = np.where(c > 0, z, np.inf).min(axis=0, where=~upright, initial=np.inf)
        lower = np.where(c < 0, z, -np.inf).max(axis=0, where=~upright, initial=-np.inf)
        is_over = (upper >= lower) & np.where(upright, a * x + b * y + d <= 0, True).all(axis=0)
        top = np.where(is_over, np.maximum(top, upper), top)
    return top


def depth_of_water_m(model: ObjectModel, step_m: float = 0.0015) -> float:
    """Return how deep the deepest water is that stays on an object as it is modelled."""
    top = heights(model, step_m)
    deepest = 0.0
    for level in np.linspace(top[np.isfinite(top)].min(), top.max(), 120):
        pools, _ = ndimage.label(top < level)
        held = (pools > 0) & ~np.isin(pools, pools[np.isinf(top)])
        deepest = max(deepest, float((level - top[held]).max(initial=0.0)))
    return deepest


@pytest.mark.parametrize("kind", KINDS)
def test_each_kind_states_its_symmetries(kind: str) -> None:
    symmetries = piece(kind).symmetries
    assert len(symmetries.discrete) == {"chopstick": 3, "dough_scraper": 1}.get(kind, 0)
    assert symmetries.continuous == ()


@pytest.mark.parametrize("kind", KINDS)
def test_the_length_is_from_end_to_end(kind: str) -> None:
    for seed, length_m in enumerate([0.14, 0.18, 0.22]):
        extent = piece(kind, seed, length_m=length_m, width_ratio=1.0).extents_m.max()
        if kind == "kitchen_knife":
            assert min(abs(extent / length_m - share) for share in (0.8, 1)) < 0.01
        elif kind == "dough_scraper":
            assert extent == pytest.approx(2 / 3 * length_m, rel=0.06)
        else:
            # A ladle leans.
            assert extent == pytest.approx(length_m, rel=0.06 if kind == "ladle" else 0.01)


@pytest.mark.parametrize("kind", HOLLOWS)
def test_what_is_hollow_holds_water(kind: str) -> None:
    for seed in range(2):
        shallow, deep = (depth_of_water_m(piece(kind, seed, bend_ratio=ratio)) for ratio in (0.5, 1.5))
        if kind == "ladle":
            # Of which only the handle bends.
            assert shallow > 0.015
            assert deep == pytest.approx(shallow, rel=0.1)
        else:
            assert shallow > 0.001
            assert deep > 1.5 * shallow


@pytest.mark.parametrize("kind", ["turner", "table_knife", "chopstick"])
def test_what_is_not_hollow_holds_no_water(kind: str) -> None:
    assert depth_of_water_m(piece(kind)) < 0.001


def test_a_fork_has_three_or_four_tines_and_one_handle() -> None:
    counts = set()
    for seed in range(8):
        fork = piece("fork", seed)
        counts.add(pieces_across(fork, 0.42 * fork.extents_m[0]))
        assert pieces_across(fork, -0.2 * fork.extents_m[0]) == 1
    assert counts == {3, 4}


def test_a_turner_has_three_to_five_slots() -> None:
    for seed in range(8):
        turner = piece("turner", seed)
        slots = solid_of(turner.mesh).genus()
        assert 3 <= slots <= 5
        # Between them and beside them the blade goes on.
        assert pieces_across(turner, 0.33 * turner.extents_m[0]) == slots + 1


@pytest.mark.parametrize("kind", ["spoon", "wooden_spoon", "fork", "turner", "dough_scraper", "ladle"])
def test_a_wider_piece_is_wider_by_that(kind: str) -> None:
    # A wide turner would not suit the hand: it stops at 1.1.
    axis, ratio = (0, 1.5) if kind == "dough_scraper" else (1, 1.1 / 0.8 if kind == "turner" else 1.5)
    narrow, wide = (piece(kind, width_ratio=width).extents_m[axis] for width in (0.8, 1.2))
    assert wide == pytest.approx(ratio * narrow, rel=0.02)


@pytest.mark.parametrize("kind", ["table_knife", "kitchen_knife"])
def test_a_blade_is_thinner_along_its_edge(kind: str) -> None:
    for seed in range(4):
        knife = piece(kind, seed, thickness_m=0.003)
        outline = solid_of(knife.mesh).rotate((0, 90, 0)).slice(-0.2 * knife.extents_m[0]).to_polygons()
        z, y = np.concatenate(outline).T
        # The edge is towards -y.
        edge, spine = (np.ptp(z[near]) for near in (y < y.min() + 0.08 * np.ptp(y), y > y.max() - 0.25 * np.ptp(y)))
        assert edge < 0.6 * spine
        assert spine == pytest.approx(0.003, rel=0.15)


def test_a_plate_is_as_thick_as_its_metal() -> None:
    for thickness_m in (0.0025, 0.0045):
        scraper = piece("dough_scraper", thickness_m=thickness_m)
        low = solid_of(scraper.mesh).slice(-0.3 * scraper.extents_m[2]).bounds()
        assert low[3] - low[1] == pytest.approx(thickness_m)


def test_steel_draws_the_centre_of_mass_away_from_a_light_handle() -> None:
    for kind in ("kitchen_knife", "turner", "dough_scraper"):
        for seed in range(3):
            model = piece(kind, seed)
            even = trimesh.triangles.mass_properties(model.mesh.vertices[model.mesh.faces])["center_mass"]
            moved = model.center_of_mass - even
            assert (-moved[2] if kind == "dough_scraper" else moved[0]) > 0.01


def test_a_chopstick_is_square_where_it_is_held_and_round_at_its_tip() -> None:
    stick = solid_of(piece("chopstick").mesh).rotate((0, 90, 0))
    length = piece("chopstick").extents_m[0]
    fullness = []
    for x in (-0.4 * length, 0.48 * length):
        cut = stick.slice(-x)
        low_x, low_y, high_x, high_y = cut.bounds()
        fullness.append(cut.area() / ((high_x - low_x) * (high_y - low_y)))
    assert fullness[0] > 0.95
    assert fullness[1] == pytest.approx(np.pi / 4, abs=0.04)
