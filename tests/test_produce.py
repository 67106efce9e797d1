import numpy as np
import pytest
from graspsim.objects.produce import KINDS, SHAPES, TOPPED
from scipy.spatial import ConvexHull
from solids_for_tests import solid_of

from graspsim.models import ObjectModel, make_object


def grown(kind: str, seed: int = 0, **fixed: object) -> ObjectModel:
    return make_object("produce", np.random.default_rng(seed), kind=kind, **fixed)


def fullness(model: ObjectModel) -> float:
    """Return the volume over that of the convex hull."""
    return model.volume_m3 / float(ConvexHull(model.mesh.vertices).volume)


@pytest.mark.parametrize("kind", KINDS)
def test_nothing_that_has_grown_is_symmetric(kind: str) -> None:
    symmetries = grown(kind).symmetries
    assert symmetries.discrete == symmetries.continuous == ()


@pytest.mark.parametrize("kind", KINDS)
def test_half_the_size_is_half_of_every_length(kind: str) -> None:
    small, large = (grown(kind, size_ratio=size) for size in (0.5, 1.0))
    assert 2 * small.extents_m == pytest.approx(large.extents_m)
    assert 8 * small.volume_m3 == pytest.approx(large.volume_m3)


@pytest.mark.parametrize("kind", [kind for kind in SHAPES if kind not in TOPPED])
def test_what_has_no_top_is_as_broad_and_as_high_as_is_common(kind: str) -> None:
    breadth_m, height_m = SHAPES[kind][:2]
    model = grown(kind, size_ratio=1.0, slenderness=1.0, irregularity=0.5)
    assert model.extents_m == pytest.approx([breadth_m, breadth_m, height_m], rel=0.1)
    slender = grown(kind, size_ratio=1.0, slenderness=1.3, irregularity=0.5)
    assert slender.extents_m[2] == pytest.approx(1.3 * model.extents_m[2], rel=0.01)


@pytest.mark.parametrize("kind", ["apple", "egg", "potato", "bell pepper"])
def test_irregularity_makes_it_less_round(kind: str) -> None:
    def roughness(irregularity: float) -> float:
        loops = solid_of(grown(kind, irregularity=irregularity).mesh).slice(0.0).to_polygons()
        points = loops[0] - loops[0].mean(axis=0)
        far = np.hypot(*points.T)
        return float(far.std() / far.mean())

    assert roughness(0.5) < 0.6 * roughness(1.5)


@pytest.mark.parametrize("kind", ["apple", "potato", "bell pepper"])
def test_it_has_so_many_lobes_around(kind: str) -> None:
    lobes, depth = SHAPES[kind][2:4]
    for seed in range(3):
        loop = solid_of(grown(kind, seed, irregularity=1.0).mesh).slice(0.0).to_polygons()[0]
        x, y = (loop - loop.mean(axis=0)).T
        even = 2 * np.pi * np.arange(360) / 360
        far = np.interp(even, np.arctan2(y, x), np.hypot(x, y), period=2 * np.pi)
        waves = 2 * np.abs(np.fft.rfft(far)) / 360 / far.mean()
        assert 0.4 * depth < waves[lobes] < 1.1 * depth
        # What else is uneven is broader.
        assert waves[lobes] > 4 * waves[lobes + 1 : 9].max()


@pytest.mark.parametrize("kind", KINDS)
def test_a_stem_or_leaves_stand_out_at_the_top(kind: str) -> None:
    for seed in range(3):
        model = grown(kind, seed)
        assert len(model.slots) == 1 + (kind in TOPPED)
        if kind in TOPPED:
            top, flesh = (model.mesh.vertices[model.mesh.faces[model.mesh.face_slots == slot]] for slot in (1, 0))
            assert top[..., 2].max() == pytest.approx(model.extents_m[2] / 2)
            assert top[..., 2].max() > flesh[..., 2].max()
            # They are lighter than the flesh, and of little volume.
            assert model.center_of_mass[2] < top[..., 2].min()


def test_a_carrot_has_five_leaves_and_an_apple_one_stem() -> None:
    for seed in range(3):
        carrot, apple = (grown(kind, seed) for kind in ("carrot", "apple"))
        heights = np.linspace(0.3, 0.49, 20) * carrot.extents_m[2]
        assert max(len(solid_of(carrot.mesh).slice(z).decompose()) for z in heights) == 5
        assert len(solid_of(apple.mesh).slice(0.48 * apple.extents_m[2]).decompose()) == 1


def test_a_banana_is_bowed_and_the_more_so_the_more_irregular() -> None:
    for seed in range(4):
        bow = [fullness(grown("banana", seed, irregularity=irregularity)) for irregularity in (0.5, 0.8, 1.2)]
        assert bow[0] > bow[1] + 0.02 > bow[2] + 0.04
        assert bow[0] < fullness(grown("cucumber", seed))
        thin, thick = (grown("banana", seed, slenderness=s).extents_m[1] for s in (1.3, 0.8))
        assert thick / thin == pytest.approx(1.3 / 0.8, rel=0.01)


def test_an_egg_is_blunt_below_and_slim_above() -> None:
    egg = solid_of(grown("egg").mesh)
    height = grown("egg").extents_m[2]
    assert egg.slice(-0.25 * height).area() > 1.1 * egg.slice(0.25 * height).area()


def test_an_apple_has_hollows_at_both_ends() -> None:
    for seed in range(3):
        apple = grown("apple", seed)
        # A cut just above the foot shows a ring.
        assert len(solid_of(apple.mesh).slice(-apple.extents_m[2] / 2 + 0.0005).to_polygons()) == 2
        flesh = apple.mesh.vertices[apple.mesh.faces[apple.mesh.face_slots == 0]].reshape(-1, 3)
        rim = flesh[flesh[:, 2].argmax()]
        assert np.hypot(*rim[:2]) > 0.2 * apple.extents_m[0] / 2
