import pickle
from functools import cache

import numpy as np
import pytest
from scipy.spatial import ConvexHull, cKDTree

from graspsim import registry
from graspsim.errors import SpecError, UnknownNameError
from graspsim.geometry import apply, rotation_about, transform
from graspsim.meshes import UV_UNIT_M, Mesh, face_normals
from graspsim.models import ObjectModel, make_object

FAMILIES = registry.names("family")
SEEDS = range(25)
TOLERANCE = 1e-3  # of the diameter, for symmetries
EVERY = pytest.mark.parametrize("family", FAMILIES)


@cache
def models(family: str) -> list[ObjectModel]:
    return [make_object(family, np.random.default_rng(seed)) for seed in SEEDS]


def distances(points: np.ndarray, mesh: Mesh) -> np.ndarray:
    """Distance (n,) of points (n, 3) from the surface: to the plane where the foot lies in the face, else to edges."""
    corners = mesh.vertices[mesh.faces]
    normal = face_normals(mesh.vertices, mesh.faces)
    unit = normal / np.maximum(np.linalg.norm(normal, axis=1, keepdims=True), 1e-30)
    height = points @ unit.T - np.einsum("ij,ij->i", unit, corners[:, 0])
    inside = np.ones_like(height, dtype=bool)
    nearest = np.full(len(points), np.inf)
    for i in range(3):
        start, edge = corners[:, i], corners[:, (i + 1) % 3] - corners[:, i]
        inward = np.cross(unit, edge)
        inside &= points @ inward.T - np.einsum("ij,ij->i", inward, start) >= 0
        along = (points @ edge.T - np.einsum("ij,ij->i", edge, start)) / np.maximum((edge**2).sum(1), 1e-30)
        foot = start + np.clip(along, 0, 1)[..., None] * edge
        nearest = np.minimum(nearest, np.linalg.norm(points[:, None] - foot, axis=2).min(axis=1))
    return np.minimum(nearest, np.where(inside, np.abs(height), np.inf).min(axis=1))


def mismatch(model: ObjectModel, motion: np.ndarray, samples: int = 40) -> float:
    """Largest distance, over the diameter, of moved vertices from the surface, at a sample of those on no vertex."""
    vertices = model.mesh.vertices
    moved = apply(motion, vertices)
    # Support functions bound the distance from below and settle most of what is no symmetry.
    directions = np.random.default_rng(0).normal(size=(64, 3))
    directions /= np.linalg.norm(directions, axis=1, keepdims=True)
    apart = np.abs((moved @ directions.T).max(axis=0) - (vertices @ directions.T).max(axis=0)).max()
    if apart > TOLERANCE * model.diameter_m:
        return float(apart / model.diameter_m)
    off = moved[cKDTree(vertices).query(moved)[0] > 1e-9]
    if len(off) == 0:
        return 0.0
    picked = off[np.random.default_rng(0).permutation(len(off))[:samples]]
    return float(distances(picked, model.mesh).max() / model.diameter_m)


def is_stated(rotation: np.ndarray, model: ObjectModel) -> bool:
    """Whether a rotation (3, 3) is a stated discrete symmetry, or one followed by a turn about a continuous axis."""
    if len(model.symmetries.continuous) > 1:
        return True
    axes = [axis for axis, _ in model.symmetries.continuous]
    for discrete in [np.eye(4), *model.symmetries.discrete]:
        rest = rotation @ discrete[:3, :3].T
        if np.allclose(rest, np.eye(3), atol=1e-6) or any(np.allclose(rest @ axis, axis, atol=1e-6) for axis in axes):
            return True
    return False


def winding(points: np.ndarray, mesh: Mesh) -> np.ndarray:
    """How often (n,) the surface wraps around each point: 1 inside, 0 outside (van Oosterom and Strackee 1983)."""
    a, b, c = (mesh.vertices[mesh.faces[:, i]] - points[:, None] for i in range(3))
    la, lb, lc = (np.linalg.norm(x, axis=2) for x in (a, b, c))
    dot = lambda x, y: np.einsum("ijk,ijk->ij", x, y)  # noqa: E731
    angle = np.arctan2(dot(a, np.cross(b, c)), la * lb * lc + dot(a, b) * lc + dot(b, c) * la + dot(c, a) * lb)
    return 2 * angle.sum(axis=1) / (4 * np.pi)


def depth_in_parts(points: np.ndarray, parts: tuple[np.ndarray, ...]) -> np.ndarray:
    """Depth (n,) of each point below the surface of the part that holds it best; negative outside all."""
    return np.max([-hull(points, part).max(axis=1) for part in parts], axis=0)


def hull(points: np.ndarray, part: np.ndarray) -> np.ndarray:
    equations = ConvexHull(part).equations
    return points @ equations[:, :3].T + equations[:, 3]


@EVERY
def test_the_surface_is_closed_and_one_body(family: str) -> None:
    for model in models(family):
        faces = model.mesh.faces
        edges = np.concatenate([faces[:, [0, 1]], faces[:, [1, 2]], faces[:, [2, 0]]])
        forward = {tuple(edge) for edge in edges.tolist()}
        assert len(forward) == len(edges), "an edge is used twice in one direction"
        assert {(b, a) for a, b in forward} == forward, "an edge lacks its opposite"
        reached, frontier = np.zeros(len(model.mesh.vertices), dtype=bool), faces[0]
        while not reached[frontier].all():
            reached[frontier] = True
            frontier = faces[reached[faces].any(axis=1)]
        assert reached.all()
        assert model.volume_m3 > 0


@EVERY
def test_the_size_suits_the_hand_and_the_renderer(family: str) -> None:
    for model in models(family):
        assert 0.01 <= model.extents_m.min() <= 0.064 + 1e-9
        assert model.extents_m.max() <= 0.2
        assert len(model.mesh.faces) < 2500
        assert np.allclose(model.mesh.vertices.min(axis=0), -model.mesh.vertices.max(axis=0))


@EVERY
def test_uvs_stretch_the_texture_within_bounds(family: str) -> None:
    for model in models(family):
        corners, uvs = model.mesh.vertices[model.mesh.faces], model.mesh.corner_uvs * UV_UNIT_M
        assert np.isfinite(uvs).all()
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
    for model in models(family):
        normals = model.mesh.corner_normals.astype(np.float64)
        assert np.allclose(np.linalg.norm(normals, axis=2), 1, atol=1e-5)
        flat = face_normals(model.mesh.vertices, model.mesh.faces)
        flat /= np.linalg.norm(flat, axis=1, keepdims=True)
        assert np.einsum("ijk,ik->ij", normals, flat).min() > np.cos(0.8)


@EVERY
def test_the_inertia_is_that_of_a_rigid_body(family: str) -> None:
    for model in models(family):
        small, middle, large = np.linalg.eigvalsh(model.inertia_per_density)
        assert small > 0
        assert large <= small + middle
        assert np.abs(model.center_of_mass).max() < model.extents_m.max() / 2


@EVERY
def test_the_parts_fill_the_mesh_and_no_more(family: str) -> None:
    rng = np.random.default_rng(1)
    for model in models(family):
        assert 1 <= len(model.parts) <= 32
        assert max(len(part) for part in model.parts) <= 200
        points = rng.uniform(-0.5, 0.5, (250, 3)) * model.extents_m
        inside = winding(points, model.mesh) > 0.5
        depth = depth_in_parts(points, model.parts) / model.diameter_m
        assert depth[inside].min(initial=0) > -0.015
        assert depth[~inside].max(initial=0) < 0.015
        surface = model.mesh.vertices[model.mesh.faces].mean(axis=1)
        assert depth_in_parts(surface, model.parts).min() > -0.015 * model.diameter_m


@pytest.mark.parametrize("family", ["primitives", "superquadrics"])
def test_the_hull_of_a_smooth_solid_differs_by_less_than_two_percent(family: str) -> None:
    rng = np.random.default_rng(2)
    for model in models(family):
        points = rng.uniform(-0.5, 0.5, (10_000, 3)) * model.extents_m * 1.05
        in_mesh = (hull(points, model.mesh.vertices) <= 0).all(axis=1)
        in_part = (hull(points, model.parts[0]) <= 0).all(axis=1)
        assert np.count_nonzero(in_mesh != in_part) < 0.02 * np.count_nonzero(in_mesh)


@pytest.mark.parametrize("shape", ["cup", "bowl", "jar"])
def test_a_probe_falls_into_a_hollow(shape: str) -> None:
    for seed in range(5):
        model = make_object("lathe", np.random.default_rng(seed), shape=shape)
        depth = model.extents_m[2]
        axis = np.linspace(-depth / 2 + 0.0045, depth / 2, 50)[:, None] * [0, 0, 1]
        for offset in ([0, 0, 0], [0.003, 0, 0], [0, -0.003, 0]):
            assert depth_in_parts(axis + offset, model.parts).max() < 0
            assert winding(axis + offset, model.mesh).max() < 0.5


@EVERY
def test_the_same_seed_gives_identical_bytes(family: str) -> None:
    for seed, model in zip(SEEDS, models(family), strict=True):
        assert pickle.dumps(make_object(family, np.random.default_rng(seed))) == pickle.dumps(model)


@EVERY
def test_stated_symmetries_map_the_object_onto_itself(family: str) -> None:
    for model in models(family):
        for motion in model.symmetries.discrete:
            assert mismatch(model, motion) < TOLERANCE, model.name
        for axis, point in model.symmetries.continuous:
            for angle_rad in (0.06, 1.0, 2.5):
                turn = rotation_about(axis, angle_rad)
                assert mismatch(model, transform(turn, point - turn @ point)) < TOLERANCE, model.name


@EVERY
def test_no_common_turn_is_a_symmetry_unless_stated(family: str) -> None:
    for model in models(family):
        # Whatever maps a body onto itself leaves its centre of mass where it is.
        center = model.center_of_mass
        for axis in np.eye(3):
            for degrees in (180, 120, 90, 72, 60, 45):
                turn = rotation_about(axis, np.radians(degrees))
                if not is_stated(turn, model):
                    assert mismatch(model, transform(turn, center - turn @ center)) > TOLERANCE, (model.name, degrees)


@pytest.mark.parametrize(
    ("family", "fixed", "discrete", "continuous"),
    [
        ("primitives", {"shape": "box", "depth_ratio": 1.5, "height_ratio": 2}, 3, 0),
        ("primitives", {"shape": "box", "depth_ratio": 1.01, "height_ratio": 2}, 7, 0),
        ("primitives", {"shape": "box", "depth_ratio": 1, "height_ratio": 1}, 23, 0),
        ("primitives", {"shape": "prism", "sides": 6}, 11, 0),
        ("primitives", {"shape": "cylinder"}, 1, 1),
        ("primitives", {"shape": "cone"}, 0, 1),
        ("primitives", {"shape": "capsule"}, 1, 1),
        ("primitives", {"shape": "ellipsoid", "depth_ratio": 1.5, "height_ratio": 2}, 3, 0),
        ("primitives", {"shape": "ellipsoid", "depth_ratio": 1, "height_ratio": 2}, 1, 1),
        ("primitives", {"shape": "ellipsoid", "depth_ratio": 2, "height_ratio": 1}, 1, 1),
        ("primitives", {"shape": "ellipsoid", "depth_ratio": 2, "height_ratio": 2}, 1, 1),
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
    for motion in model.symmetries.discrete:
        assert mismatch(model, motion) < TOLERANCE
    for axis, point in model.symmetries.continuous:
        turn = rotation_about(axis, 1.0)
        assert mismatch(model, transform(turn, point - turn @ point)) < TOLERANCE


def test_a_ball_is_a_ball_about_every_axis() -> None:
    ball = make_object("primitives", np.random.default_rng(0), shape="ellipsoid", depth_ratio=1, height_ratio=1)
    assert len(ball.symmetries.continuous) == 3
    assert np.ptp(ball.extents_m) < 1e-9


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
