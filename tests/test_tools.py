import numpy as np
import pytest
import trimesh
from graspsim.objects.tools import KINDS
from solids_for_tests import solid_of
from vessels_for_tests import in_parts

from graspsim.geometry import Array
from graspsim.models import ObjectModel, make_object


def tool(kind: str, seed: int = 0, **fixed: object) -> ObjectModel:
    return make_object("tools", np.random.default_rng(seed), kind=kind, **fixed)


def shift_m(model: ObjectModel) -> Array:
    """Return how far (3,) the densities of its slots move the centre of mass from that of an even body."""
    even = trimesh.triangles.mass_properties(model.mesh.vertices[model.mesh.faces])["center_mass"]
    return np.asarray(model.center_of_mass - even)


@pytest.mark.parametrize("kind", KINDS)
def test_each_kind_states_its_symmetries(kind: str) -> None:
    turned = {"mallet", "ring_wrench", "pliers", "paint_brush", "scrub_brush"}
    # A cross point in a grip of eight sides, or in a round one, maps onto itself by quarter turns.
    expected = {1, 3} if kind == "screwdriver" else {int(kind in turned)}
    assert {len(tool(kind, seed).symmetries.discrete) for seed in range(8)} == expected
    assert tool(kind).symmetries.continuous == ()


@pytest.mark.parametrize("kind", KINDS)
def test_the_length_is_from_end_to_end(kind: str) -> None:
    share = 5 / 6 if kind == "scrub_brush" else 1
    for seed, (length_m, head_ratio) in enumerate([(0.14, 1.2), (0.14, 0.8), (0.22, 1.2), (0.22, 0.8)]):
        # The handles of pliers end aslant.
        tolerance = 0.03 if kind == "pliers" else 0.005
        extent = tool(kind, seed, length_m=length_m, head_ratio=head_ratio).extents_m[0]
        assert extent == pytest.approx(share * length_m, rel=tolerance)


@pytest.mark.parametrize("kind", ["claw_hammer", "ball_hammer"])
def test_a_hammers_centre_of_mass_is_near_its_head(kind: str) -> None:
    for seed in range(4):
        hammer = tool(kind, seed)
        assert shift_m(hammer)[0] > 0.2 * hammer.extents_m[0]
        # Along the handle, from its end on.
        assert 0.8 < hammer.center_of_mass[0] / hammer.extents_m[0] + 0.5 < 0.95


def test_light_bristles_and_heavy_blades_move_the_centre_of_mass() -> None:
    for seed in range(4):
        for kind in ("chisel", "trowel", "screwdriver"):
            assert shift_m(tool(kind, seed))[0] > 0.05 * tool(kind, seed).extents_m[0]
        for kind in ("paint_brush", "toothbrush"):
            assert shift_m(tool(kind, seed))[0] < -0.01 * tool(kind, seed).extents_m[0]
        assert shift_m(tool("scrub_brush", seed))[2] > 0.002


@pytest.mark.parametrize(("kind", "holes"), [("open_wrench", 0), ("combination_wrench", 1), ("ring_wrench", 2)])
def test_a_ring_has_a_hole_and_a_jaw_has_not(kind: str, holes: int) -> None:
    for seed in range(4):
        assert solid_of(tool(kind, seed).mesh).genus() == holes


def test_a_nut_fits_into_a_jaw_and_into_a_ring() -> None:
    for seed in range(4):
        wrench = tool("combination_wrench", seed, length_m=0.2, head_ratio=1.0)
        half = wrench.extents_m[0] / 2
        jaw, ring = half - 1.03 * 0.02, -half + 0.9 * 0.85 * 0.02
        out = np.array([np.cos(np.radians(15)), np.sin(np.radians(15)), 0.0])
        nuts = np.concatenate([[(jaw, 0, 0) + t * 0.02 * out for t in (-0.1, 0.2, 0.6)], [(ring, 0, 0)]])
        assert not in_parts(nuts, wrench).any()
        tips = [(jaw, 0, 0) + 0.02 * (0.6 * out + side * 0.65 * np.array([-out[1], out[0], 0])) for side in (-1, 1)]
        assert in_parts(np.array(tips), wrench).all()


def test_a_nail_fits_between_the_claws() -> None:
    for seed in range(4):
        hammer = tool("claw_hammer", seed, length_m=0.2, head_ratio=1.0)
        middle = hammer.extents_m[0] / 2 - 0.065 * 0.2
        claws = hammer.mesh.vertices[:, 1].min() + 0.006
        z = np.linspace(-0.012, 0.012, 121)
        # The claw droops towards the handle, so some level of it is looked for.
        levels = [np.column_stack([0 * z + middle - drop, 0 * z + claws, z]) for drop in np.linspace(0, 0.025, 26)]
        crossed = [in_parts(level, hammer) for level in levels]
        between = [np.flatnonzero(np.diff(row.astype(int))) for row in crossed]
        gaps = [(edges[2] - edges[1]) * (z[1] - z[0]) for edges in between if len(edges) == 4]
        assert 0.002 < max(gaps) < 0.01


@pytest.mark.parametrize("kind", KINDS)
def test_a_larger_head_and_a_thicker_grip_are_more_volume(kind: str) -> None:
    small, broad, thick = (
        tool(kind, 1, length_m=0.18, head_ratio=head, grip_ratio=grip).volume_m3
        for head, grip in ((0.8, 0.8), (1.2, 0.8), (0.8, 1.2))
    )
    assert broad > 1.02 * small
    assert thick > 1.02 * small


def test_two_handles_of_pliers_leave_room_for_the_hand() -> None:
    for seed in range(4):
        pliers = tool("pliers", seed)
        # Away from the joint, a cut across shows two sleeves and nothing between.
        cut = solid_of(pliers.mesh).rotate((0, 90, 0)).slice(0.3 * pliers.extents_m[0])
        assert len(cut.decompose()) == 2
        x = -0.3 * pliers.extents_m[0]
        assert not in_parts(np.array([[x, y, 0.0] for y in (-0.004, 0.0, 0.004)]), pliers).any()
