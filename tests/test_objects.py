"""Every family in the registry holds to these claims; a new one is tested without a new test."""

import pickle
from functools import cache

import numpy as np
import pytest
from scipy.spatial import ConvexHull
from solids_for_tests import Surface, count_surfaces, difference_m3, is_closed, solid_of

from graspsim import registry
from graspsim.errors import SpecError, UnknownNameError
from graspsim.geometry import Array, apply, rotation_about, transform
from graspsim.meshes import UV_UNIT_M, face_normals
from graspsim.models import ObjectModel, make_object

FAMILIES = registry.names("family")
EVERY = pytest.mark.parametrize("family", FAMILIES)
SEEDS = range(24)
REBUILT = 6
"""Of the seeds: those for what takes long."""
TOLERANCE = 1e-3
"""Of the diameter: how far a symmetry may lead away from the surface."""
SLIVER_M = 1e-5
"""Triangles thinner than this, which booleans leave, show nothing; rounding decides which way they face."""
DIRECTIONS = np.random.default_rng(0).normal(size=(64, 3))
DIRECTIONS /= np.linalg.norm(DIRECTIONS, axis=1, keepdims=True)

SAME_VOLUME = 0.02
"""Of the volume: how much the parts may differ from the mesh."""
HOLLOW = {
    "lathe": {"cup", "bowl", "jar"},
    "containers": {"bowl", "tin", "tray", "tub"},
    "tubes": {"spring"},
    "cutlery": {"ladle", "spoon", "wooden_spoon"},
    "drinkware": {"beaker", "jug", "mug", "pitcher", "stein", "teacup", "tumbler", "wine_glass"},
}
"""Kinds with thin round walls, or coils, for which flat parts cannot stand to within `SAME_VOLUME`."""
WALL = 0.0025
"""Of the diameter: how far their surface and that of their parts may lie apart, on average."""
EXTREME_WALL = 0.005
"""The same at the ends of the legal ranges, such as a bowl of 0.4 m with a wall of a millimetre."""


@cache
def models(family: str) -> list[ObjectModel]:
    return [make_object(family, np.random.default_rng(seed)) for seed in SEEDS]


@cache
def surfaces(family: str) -> list[Surface]:
    return [Surface(model.mesh) for model in models(family)]


def corners(family: str) -> list[tuple[str, object]]:
    """Return each parameter of a family with the ends of its legal range, or with each option that it allows."""
    fields = registry.load("family", family).__dataclass_fields__
    ranges = {name: f.metadata.get("allowed") or (f.metadata["low"], f.metadata["high"]) for name, f in fields.items()}
    return [(name, value) for name, values in ranges.items() for value in values]


def check_valid(family: str, model: ObjectModel, wall: float) -> None:
    """Assert what holds whatever the parameters are."""
    assert is_closed(model.mesh)
    assert count_surfaces(model.mesh) == 1
    assert len(model.mesh.faces) < 6000
    assert model.volume_m3 == pytest.approx(solid_of(model.mesh).volume())
    small, middle, large = np.linalg.eigvalsh(model.inertia_per_density)
    assert small > 0
    assert large <= small + middle
    low, high = model.mesh.vertices.min(axis=0), model.mesh.vertices.max(axis=0)
    assert np.allclose(low, -high)
    assert (low < model.center_of_mass).all()
    assert (model.center_of_mass < high).all()
    check_parts(family, model, wall)


def check_parts(family: str, model: ObjectModel, wall: float) -> None:
    """Assert that the parts are few and simple, and that they fill the place of the mesh."""
    assert 1 <= len(model.parts) <= 32
    assert max(len(part) for part in model.parts) <= 32
    off = difference_m3(model)
    if model.name in HOLLOW.get(family, ()):
        assert off < wall * model.diameter_m * solid_of(model.mesh).surface_area()
    else:
        # Their volumes then differ by no more.
        assert off < SAME_VOLUME * model.volume_m3


@EVERY
def test_an_object_is_a_closed_body_that_its_parts_stand_for(family: str) -> None:
    for model in models(family):
        check_valid(family, model, WALL)


@EVERY
def test_the_ends_of_every_parameter_give_valid_objects(family: str) -> None:
    for seed, corner in enumerate(corners(family)):
        check_valid(family, make_object(family, np.random.default_rng(seed), **dict([corner])), EXTREME_WALL)


@pytest.mark.slow
@EVERY
def test_the_ends_of_every_parameter_give_valid_objects_of_every_kind(family: str) -> None:
    every = corners(family)
    kinds = [corner for corner in every if isinstance(corner[1], str)]
    for n, kind in enumerate(kinds):
        # A third of the corners for each kind, another third for the next.
        for seed in range(n % 3, len(every), 3):
            model = make_object(family, np.random.default_rng(seed), **dict([kind, every[seed]]))
            check_valid(family, model, EXTREME_WALL)


@EVERY
def test_the_size_suits_the_hand(family: str) -> None:
    for model in models(family):
        assert model.extents_m.min() >= 0.004
        assert model.extents_m.max() <= 0.22
        assert least_width_m(model) <= 0.064 + 1e-9


def least_width_m(model: ObjectModel) -> float:
    """Return the least extent, or, where that is more than the hand spans, the least thickness found at 40 places."""
    if model.extents_m.min() <= 0.064:
        return float(model.extents_m.min())
    surface = Surface(model.mesh)
    rng = np.random.default_rng(0)
    picked = rng.choice(len(surface.areas), 40, p=surface.areas / surface.areas.sum())
    inward = -face_normals(model.mesh.vertices, model.mesh.faces)[picked]
    inward /= np.linalg.norm(inward, axis=1, keepdims=True)
    a, b, c = (surface.corners[:, i] for i in range(3))
    # Where the ray meets each face's plane, and whether within the face (Möller and Trumbore 1997).
    across = np.cross(inward[:, None], c - a)
    scale = np.einsum("ijk,jk->ij", across, b - a)
    scale[np.abs(scale) < 1e-15] = np.inf
    out = surface.centers[picked][:, None] - a
    u = np.einsum("ijk,ijk->ij", out, across) / scale
    turned = np.cross(out, b - a)
    v = np.einsum("ijk,ik->ij", turned, inward) / scale
    far = np.einsum("ijk,jk->ij", turned, c - a) / scale
    return float(far[(u >= 0) & (v >= 0) & (u + v <= 1) & (far > 1e-6)].min())


def thickness_m(surface: Surface) -> Array:
    """Return the least height (m,) of each triangle."""
    edges = surface.corners - np.roll(surface.corners, 1, axis=1)
    return 2 * surface.areas / np.linalg.norm(edges, axis=2).max(axis=1)


@EVERY
def test_uvs_stretch_the_texture_within_bounds(family: str) -> None:
    for model, surface in zip(models(family), surfaces(family), strict=True):
        assert np.isfinite(model.mesh.corner_uvs).all()
        seen = thickness_m(surface) > SLIVER_M
        assert surface.areas[~seen].sum() < 1e-3 * surface.areas.sum()
        corners, uvs = surface.corners[seen], model.mesh.corner_uvs[seen] * UV_UNIT_M
        edge, other = corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0]
        x = edge / np.linalg.norm(edge, axis=1, keepdims=True)
        along = np.einsum("ij,ij->i", other, x)
        across = np.linalg.norm(other - along[:, None] * x, axis=1)
        flat = np.stack([np.stack([np.linalg.norm(edge, axis=1), along], 1), np.stack([0 * along, across], 1)], 1)
        in_texture = np.stack([uvs[:, 1] - uvs[:, 0], uvs[:, 2] - uvs[:, 0]], axis=2)
        stretch = np.linalg.svd(in_texture @ np.linalg.inv(flat), compute_uv=False)
        assert stretch.max() < 7
        assert stretch.min() > 0.15


@EVERY
def test_normals_are_unit_and_point_outward(family: str) -> None:
    for model, surface in zip(models(family), surfaces(family), strict=True):
        normals = model.mesh.corner_normals.astype(np.float64)
        assert np.allclose(np.linalg.norm(normals, axis=2), 1, atol=1e-5)
        flat = face_normals(model.mesh.vertices, model.mesh.faces) / (2 * surface.areas[:, None])
        seen = thickness_m(surface) > SLIVER_M
        assert np.einsum("ijk,ik->ij", normals, flat)[seen].min() > np.cos(0.8)


@EVERY
def test_every_slot_is_seen(family: str) -> None:
    for model in models(family):
        assert len(model.slots) <= 4
        assert np.array_equal(np.unique(model.mesh.face_slots), np.arange(len(model.slots)))


@EVERY
def test_the_same_seed_gives_identical_bytes(family: str) -> None:
    for seed in SEEDS[:REBUILT]:
        again = make_object(family, np.random.default_rng(seed))
        assert pickle.dumps(again) == pickle.dumps(models(family)[seed])


# Symmetries


def mismatch(model: ObjectModel, motion: Array, surface: Surface | None = None, samples: int = 30) -> float:
    """Return the largest distance, over the diameter, of moved points from the surface: vertices and faces' middles."""
    surface = surface or Surface(model.mesh)
    vertices = model.mesh.vertices
    moved = apply(motion, vertices)
    # Support functions bound the distance from below and settle most of what is no symmetry.
    apart = np.abs((moved @ DIRECTIONS.T).max(axis=0) - (vertices @ DIRECTIONS.T).max(axis=0)).max()
    if apart > TOLERANCE * model.diameter_m:
        return float(apart / model.diameter_m)
    off = moved[surface.tree.query(moved)[0] > 1e-9]
    # Of a letter Z, all corners lie upon its mirror image; its diagonal does not.
    middles = apply(motion, vertices[model.mesh.faces].mean(axis=1))
    rng = np.random.default_rng(0)
    picked = [points[rng.permutation(len(points))[:samples]] for points in (off, middles)]
    return float(surface.nearest(np.concatenate(picked))[0].max() / model.diameter_m)


def keeps_slots(model: ObjectModel, motion: Array, surface: Surface) -> bool:
    """Return whether a symmetry of the shape leads from each slot to itself, but for points upon a border."""
    if len(model.slots) == 1:
        return True
    for slot in range(len(model.slots)):
        own = np.flatnonzero(model.mesh.face_slots == slot)
        points = surface.sample(20, np.random.default_rng(slot), own)
        if (model.mesh.face_slots[surface.nearest(apply(motion, points))[1]] != slot).sum() > 2:
            return False
    return True


def about(rotation: Array, point: Array) -> Array:
    return transform(rotation, point - rotation @ point)


def is_stated(rotation: Array, model: ObjectModel) -> bool:
    """Whether a rotation (3, 3) is a stated discrete symmetry, or one followed by a turn about a continuous axis."""
    if len(model.symmetries.continuous) > 1:
        return True
    axes = [axis for axis, _ in model.symmetries.continuous]
    for discrete in [np.eye(4), *model.symmetries.discrete]:
        rest = rotation @ discrete[:3, :3].T
        if np.allclose(rest, np.eye(3), atol=1e-6) or any(np.allclose(rest @ axis, axis, atol=1e-6) for axis in axes):
            return True
    return False


def check_stated(model: ObjectModel, surface: Surface) -> None:
    """Assert that the stated symmetries map shape and slots onto themselves."""
    turns = [about(rotation_about(a, angle), p) for a, p in model.symmetries.continuous for angle in (0.06, 1.0, 2.5)]
    for motion in (*model.symmetries.discrete, *turns):
        assert mismatch(model, motion, surface) < TOLERANCE, model.name
        assert keeps_slots(model, motion, surface), model.name
        # What maps a body onto itself leaves its centre of mass where it is.
        moved = apply(motion, model.center_of_mass[None])[0]
        assert np.abs(moved - model.center_of_mass).max() < TOLERANCE * model.diameter_m


@EVERY
def test_stated_symmetries_map_the_object_onto_itself(family: str) -> None:
    for model, surface in zip(models(family), surfaces(family), strict=True):
        check_stated(model, surface)


@EVERY
def test_no_common_turn_is_a_symmetry_unless_stated(family: str) -> None:
    for model, surface in zip(models(family), surfaces(family), strict=True):
        for axis in np.eye(3):
            for degrees in (180, 120, 90, 72, 60, 45):
                turn = rotation_about(axis, np.radians(degrees))
                if not is_stated(turn, model):
                    motion = about(turn, model.center_of_mass)
                    # What breaks the symmetry may be small: a slot in a screw's head.
                    is_same = mismatch(model, motion, surface, samples=500) < TOLERANCE
                    assert not (is_same and keeps_slots(model, motion, surface)), (model.name, degrees, axis)


@pytest.mark.parametrize(
    ("family", "fixed", "discrete", "continuous"),
    [
        ("primitives", {"shape": "box", "depth_ratio": 1.5, "height_ratio": 2}, 3, 0),
        ("primitives", {"shape": "box", "depth_ratio": 1.01, "height_ratio": 2}, 7, 0),
        ("primitives", {"shape": "box", "depth_ratio": 1, "height_ratio": 1}, 23, 0),
        ("primitives", {"shape": "prism", "sides": 6}, 11, 0),
        ("primitives", {"shape": "pyramid", "sides": 6}, 5, 0),
        ("primitives", {"shape": "pyramid", "sides": 3, "height_ratio": 0.7}, 2, 0),
        ("primitives", {"shape": "wedge", "height_ratio": 2}, 0, 0),
        ("primitives", {"shape": "wedge", "height_ratio": 1}, 1, 0),
        ("primitives", {"shape": "cylinder"}, 1, 1),
        ("primitives", {"shape": "cone"}, 0, 1),
        ("primitives", {"shape": "dome"}, 0, 1),
        ("primitives", {"shape": "capsule"}, 1, 1),
        ("primitives", {"shape": "ellipsoid", "depth_ratio": 1.5, "height_ratio": 2}, 3, 0),
        ("primitives", {"shape": "ellipsoid", "depth_ratio": 1, "height_ratio": 2}, 1, 1),
        ("primitives", {"shape": "ellipsoid", "depth_ratio": 2, "height_ratio": 1}, 1, 1),
        ("primitives", {"shape": "ellipsoid", "depth_ratio": 2, "height_ratio": 2}, 1, 1),
        ("primitives", {"shape": "ellipsoid", "depth_ratio": 1, "height_ratio": 1}, 0, 3),
        ("superquadrics", {"depth_ratio": 1.5}, 3, 0),
        ("superquadrics", {"depth_ratio": 1, "horizontal_exponent": 0.3}, 7, 0),
        ("superquadrics", {"depth_ratio": 1, "horizontal_exponent": 1}, 1, 1),
        ("lathe", {"shape": "spindle"}, 1, 1),
        ("lathe", {"shape": "jar"}, 0, 1),
        ("extrusions", {"profile": "L", "aspect_ratio": 0.7}, 0, 0),
        ("extrusions", {"profile": "L", "aspect_ratio": 1}, 1, 0),
        ("extrusions", {"profile": "T"}, 1, 0),
        ("extrusions", {"profile": "U"}, 1, 0),
        ("extrusions", {"profile": "H"}, 3, 0),
        ("extrusions", {"profile": "Z"}, 1, 0),
        ("extrusions", {"profile": "plus"}, 7, 0),
        ("extrusions", {"profile": "gear", "teeth": 9}, 17, 0),
        ("extrusions", {"profile": "star", "teeth": 5}, 9, 0),
    ],
)
def test_each_shape_states_its_symmetry_group(
    family: str, fixed: dict[str, object], discrete: int, continuous: int
) -> None:
    model = make_object(family, np.random.default_rng(3), **fixed)
    assert (len(model.symmetries.discrete), len(model.symmetries.continuous)) == (discrete, continuous)
    check_stated(model, Surface(model.mesh))


def test_a_ball_is_the_same_about_any_axis() -> None:
    ball = make_object("primitives", np.random.default_rng(0), shape="ellipsoid", depth_ratio=1, height_ratio=1)
    assert np.ptp(ball.extents_m) < 1e-9
    rng = np.random.default_rng(1)
    for _ in range(20):
        turn = rotation_about(rng.normal(size=3), rng.uniform(0, np.pi))
        assert mismatch(ball, transform(turn), samples=200) < TOLERANCE


# What is hollow


@pytest.mark.parametrize("shape", ["cup", "bowl", "jar"])
def test_a_probe_falls_into_a_hollow(shape: str) -> None:
    for seed in range(5):
        model = make_object("lathe", np.random.default_rng(seed), shape=shape)
        depth = model.extents_m[2]
        axis = np.linspace(-depth / 2 + 0.0045, depth / 2, 50)[:, None] * [0, 0, 1]
        probe = np.concatenate([axis + offset for offset in ([0, 0, 0], [0.003, 0, 0], [0, -0.003, 0])])
        hulls = [ConvexHull(part).equations for part in model.parts]
        depths = [(probe @ equations[:, :3].T + equations[:, 3]).max(axis=1) for equations in hulls]
        assert np.min(depths) > 0
        assert solid_of(model.mesh).volume() < 0.6 * ConvexHull(model.mesh.vertices).volume


@pytest.mark.parametrize(("family", "kind"), [(family, kind) for family in HOLLOW for kind in sorted(HOLLOW[family])])
def test_only_what_is_hollow_is_excused(family: str, kind: str) -> None:
    found = [model for model in models(family) if model.name == kind]
    assert found or kind in {value for _, value in corners(family)}
    for model in found:
        assert solid_of(model.mesh).volume() < 0.6 * ConvexHull(model.mesh.vertices).volume


# Errors


@EVERY
def test_an_unknown_parameter_is_named_with_its_nearest_match(family: str) -> None:
    known = next(iter(registry.load("family", family).__dataclass_fields__))
    with pytest.raises(UnknownNameError, match=rf"{family} parameter '{known}s'. Did you mean '{known}'"):
        make_object(family, np.random.default_rng(0), **{f"{known}s": 1})


@EVERY
def test_a_value_out_of_range_is_named_with_its_range(family: str) -> None:
    for name, field in registry.load("family", family).__dataclass_fields__.items():
        if "high" in field.metadata:
            high = field.metadata["high"]
            with pytest.raises(SpecError, match=rf"Family {family}: {name} must lie in \[.*\]; got {high + 1}"):
                make_object(family, np.random.default_rng(0), **{name: high + 1})


def test_an_unknown_option_is_named_with_its_nearest_match() -> None:
    with pytest.raises(SpecError, match=r"Family lathe: .*shape option 'botle'\. Did you mean 'bottle'"):
        make_object("lathe", np.random.default_rng(0), shape="botle")
