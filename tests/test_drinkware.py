import numpy as np
import pytest
from graspsim.objects.drinkware import HOLLOWS
from vessels_for_tests import first_hits, in_parts, opening, rests_inside

from graspsim.models import ObjectModel, make_object

HANDLED = ("mug", "stein", "teacup", "jug", "pitcher")


def vessel(kind: str, seed: int = 0, **parameters: object) -> ObjectModel:
    return make_object("drinkware", np.random.default_rng(seed), kind=kind, **parameters)


@pytest.mark.parametrize("kind", HOLLOWS)
def test_a_ball_falls_into_what_is_open_and_stays(kind: str) -> None:
    for seed in range(3):
        assert rests_inside(vessel(kind, seed)), seed


@pytest.mark.parametrize("kind", HANDLED)
@pytest.mark.parametrize("wall_m", [0.002, 0.005])
def test_a_handle_does_not_show_inside(kind: str, wall_m: float) -> None:
    for seed in range(4):
        model = vessel(kind, seed, wall_m=wall_m)
        axis, _, floor = opening(model)
        z = np.linspace(floor + 0.002, model.extents_m[2] / 2 - 0.002, 40)
        origins = np.column_stack([np.full(40, axis[0]), np.full(40, axis[1]), z])
        reach = {
            degrees: first_hits(origins, np.tile([-np.cos(a), np.sin(a), 0.0], (40, 1)), model.mesh)
            for degrees in (0, 4, 8, 90)
            for a in [np.radians(degrees)]
        }
        for degrees in (0, 4, 8):
            # As far as where no handle is, but for the flats of the surface.
            assert np.allclose(reach[degrees], reach[90], rtol=0.004)


@pytest.mark.parametrize("kind", HANDLED)
def test_a_finger_fits_through_the_handle(kind: str) -> None:
    model = vessel(kind, reach_m=0.03)
    genus = 1 - (len(model.mesh.vertices) - len(model.mesh.faces) / 2) / 2
    assert genus == 1
    gaps = []
    for z in np.linspace(-0.3, 0.4, 15) * model.extents_m[2]:
        x = model.mesh.vertices[:, 0].min() + np.linspace(-0.001, 0.04, 400)
        edges = np.flatnonzero(np.diff(in_parts(np.column_stack([x, 0 * x, np.full(400, z)]), model).astype(int)))
        # In front of the handle, in it, behind it, and in the wall.
        gaps.append((edges[2] - edges[1]) * (x[1] - x[0]) if len(edges) > 2 else 0.0)
    assert max(gaps) > 0.012


@pytest.mark.parametrize("kind", ["beaker", "tumbler", "wine_glass", "bottle", "flask"])
def test_what_is_turned_is_symmetric_about_its_axis_alone(kind: str) -> None:
    symmetries = vessel(kind).symmetries
    assert (len(symmetries.discrete), len(symmetries.continuous)) == (0, 1)


@pytest.mark.parametrize("kind", HANDLED)
def test_a_handle_leaves_no_symmetry(kind: str) -> None:
    symmetries = vessel(kind).symmetries
    assert (len(symmetries.discrete), len(symmetries.continuous)) == (0, 0)


def test_a_facetted_glass_has_six_or_eight_sides() -> None:
    assert {len(vessel("facetted_glass", seed).symmetries.discrete) for seed in range(12)} == {5, 7}


def test_a_light_stopper_draws_a_bottles_centre_of_mass_down() -> None:
    for seed in range(6):
        bottle = vessel("bottle", seed)
        assert [slot.name for slot in bottle.slots][:2] in (["bottle", "cork"], ["bottle", "cap"])
        triangles = bottle.mesh.vertices[bottle.mesh.faces]
        sixfold = np.einsum("ij,ij->i", triangles[:, 0], np.cross(triangles[:, 1], triangles[:, 2]))
        even = (sixfold / sixfold.sum()) @ triangles.sum(axis=1) / 4
        assert bottle.center_of_mass[2] < even[2] - 1e-5
        assert set(np.unique(bottle.mesh.face_slots)) == set(range(len(bottle.slots)))


def test_a_rim_is_drawn_out_into_a_spout() -> None:
    for kind in ("jug", "pitcher"):
        model = vessel(kind)
        axis, _, _ = opening(model)
        x, y = model.mesh.vertices[model.mesh.vertices[:, 2] > 0.97 * model.extents_m[2] / 2, :2].T
        assert x.max() - axis[0] > 1.1 * y.max()


def test_the_parameters_do_what_they_say() -> None:
    low, high = (vessel("mug", height_ratio=ratio, width_m=0.07).extents_m[2] for ratio in (0.8, 1.2))
    assert np.isclose(high, 1.5 * low)
    near, far = (vessel("mug", reach_m=reach_m, width_m=0.07).extents_m[0] for reach_m in (0.02, 0.03))
    assert np.isclose(far - near, 0.01, atol=0.002)
