import numpy as np
import pytest
import trimesh
from scipy.spatial import ConvexHull
from solids_for_tests import Surface
from worlds_for_tests import box_model, boxes_model, sphere_model

from graspsim import registry
from graspsim.geometry import Array
from graspsim.grasps.antipodal import FRICTION, POINTS, SURFACE_POINTS, antipodal_pairs, exits
from graspsim.meshes import face_normals
from graspsim.models import ObjectModel, make_object

FAMILIES = registry.names("family")
EVERY = pytest.mark.parametrize("family", FAMILIES)
SIZE_M = (0.03, 0.05, 0.08)
BOX = box_model(SIZE_M)


def ways_out(model: ObjectModel, origins: Array, directions: Array) -> tuple[Array, Array]:
    return exits(model.mesh.vertices, model.mesh.faces.astype(np.int64), origins, directions)


def random_directions(count: int, rng: np.random.Generator) -> Array:
    directions = rng.normal(size=(count, 3))
    return np.asarray(directions / np.linalg.norm(directions, axis=1, keepdims=True))


def embree_ways_out(model: ObjectModel, origins: Array, directions: Array) -> list[Array]:
    """Return for each ray the depths at which Embree finds it leaving the mesh, in ascending order."""
    ray_pyembree = pytest.importorskip("trimesh.ray.ray_pyembree")
    mesh = trimesh.Trimesh(model.mesh.vertices, model.mesh.faces, process=False)
    faces, rays, places = ray_pyembree.RayMeshIntersector(mesh).intersects_id(
        origins, directions, multiple_hits=True, max_hits=100, return_locations=True
    )
    depths = np.einsum("ij,ij->i", places - origins[rays], directions[rays])
    leaves = np.einsum("ij,ij->i", mesh.face_normals[faces], directions[rays]) > 0
    return [np.sort(depths[leaves & (rays == i)]) for i in range(len(origins))]


# Rays


def test_a_ray_leaves_a_box_where_the_slabs_say() -> None:
    rng = np.random.default_rng(0)
    half = np.array(SIZE_M) / 2
    origins, directions = rng.uniform(-half, half, size=(500, 3)), random_directions(500, rng)
    depths, faces = ways_out(BOX, origins, directions)
    expected = ((np.sign(directions) * half - origins) / directions).min(axis=1)
    assert (faces >= 0).all()
    np.testing.assert_allclose(depths, np.stack([expected, expected], axis=1), rtol=1e-9)
    normals = face_normals(BOX.mesh.vertices, BOX.mesh.faces)[faces[:, 0]]
    assert (np.einsum("ij,ij->i", normals, directions) > 0).all()


def test_a_ray_leaves_a_convex_body_through_the_nearest_of_its_planes() -> None:
    ball, rng = sphere_model(0.04), np.random.default_rng(1)
    planes = ConvexHull(ball.mesh.vertices).equations
    origins, directions = rng.uniform(-0.02, 0.02, size=(300, 3)), random_directions(300, rng)
    rate = directions @ planes[:, :3].T
    to_plane = -(origins @ planes[:, :3].T + planes[:, 3]) / np.where(rate > 1e-12, rate, np.nan)
    depths, _ = ways_out(ball, origins, directions)
    np.testing.assert_allclose(depths[:, 0], np.nanmin(to_plane, axis=1), rtol=1e-7)


def test_a_ray_that_misses_leaves_nowhere() -> None:
    depths, faces = ways_out(BOX, np.array([[0.0, 0, 0.2], [0, 0, -0.2]]), np.array([[0.0, 0, 1], [1, 0, 0]]))
    assert (faces == -1).all()
    assert not depths.any()


def test_a_ray_through_two_towers_leaves_first_one_and_last_the_other() -> None:
    base = ((0.1, 0.04, 0.02), (0, 0, 0))
    towers = boxes_model([base, *(((0.02, 0.04, 0.05), (x, 0, 0.035)) for x in (-0.04, 0.04))])
    height = towers.mesh.vertices[:, 2].max() - 0.01
    depths, _ = ways_out(towers, np.array([[-0.06, 0.003, height]]), np.array([[1.0, 0, 0]]))
    np.testing.assert_allclose(depths, [[0.03, 0.11]], rtol=1e-9)


@pytest.mark.parametrize(
    ("family", "fixed"),
    [("lathe", {"shape": "cup"}), ("extrusions", {"profile": "gear"}), ("drinkware", {"kind": "mug"}), ("rocks", {})],
)
def test_rays_leave_where_embree_says(family: str, fixed: dict[str, object]) -> None:
    rng = np.random.default_rng(2)
    model = make_object(family, rng, **fixed)
    count = 400
    # From all around towards somewhere in the box, and from there.
    outer = random_directions(count, rng) * model.diameter_m
    inner = rng.uniform(-0.5, 0.5, size=(count, 3)) * model.extents_m
    aim = inner - outer
    origins = np.concatenate([outer, inner])
    directions = np.concatenate([aim / np.linalg.norm(aim, axis=1, keepdims=True), random_directions(count, rng)])
    depths, faces = ways_out(model, origins, directions)
    theirs = embree_ways_out(model, origins, directions)
    hit = faces[:, 0] >= 0
    same = np.array(
        [
            (len(t) > 0) == h and (not h or np.allclose(d, t[[0, -1]], atol=1e-5 * model.diameter_m + 1e-7))
            for h, d, t in zip(hit, depths, theirs, strict=True)
        ]
    )
    assert hit.sum() > count / 4
    # Embree computes in single precision: a ray may pass an edge on its other side.
    assert same.mean() > 0.99


# Pairs


def test_pairs_on_a_box_are_opposite_and_perpendicular() -> None:
    pairs = antipodal_pairs(BOX)
    across = pairs.second - pairs.first
    width = np.linalg.norm(across, axis=1)
    straight = pairs.quality > 1 - 1e-9
    # Half of the rays go straight in, and straight through.
    assert straight.sum() >= POINTS
    axis = np.abs(across[straight]).argmax(axis=1)
    np.testing.assert_allclose(width[straight], np.array(SIZE_M)[axis], rtol=1e-9)
    np.testing.assert_allclose(np.abs(across[straight]).sum(axis=1), width[straight], rtol=1e-7)
    assert set(axis) == {0, 1, 2}
    for points in (pairs.first, pairs.second):
        np.testing.assert_allclose((np.abs(points) / (np.array(SIZE_M) / 2)).max(axis=1), 1, rtol=1e-9)


def test_pairs_on_a_ball_pass_near_its_middle() -> None:
    radius_m = 0.03
    pairs = antipodal_pairs(sphere_model(radius_m, 2000))
    across = pairs.second - pairs.first
    along = np.einsum("ij,ij->i", -pairs.first, across) / np.einsum("ij,ij->i", across, across)
    miss = np.linalg.norm(pairs.first + along[:, None] * across, axis=1)
    # A chord makes equal angles with both normals; the sine of the cone's is how far it may pass the middle.
    assert miss.max() < radius_m * (np.sin(np.arctan(FRICTION)) + 0.05)
    np.testing.assert_allclose(pairs.quality, np.sqrt(1 - (miss / radius_m) ** 2), atol=0.06)


@EVERY
def test_both_contacts_lie_on_the_surface_within_their_cones_of_friction(family: str) -> None:
    model = make_object(family, np.random.default_rng(1))
    pairs, surface = antipodal_pairs(model), Surface(model.mesh)
    assert len(pairs.first) > 0
    across = pairs.second - pairs.first
    across /= np.linalg.norm(across, axis=1, keepdims=True)
    cosines = []
    for points, inward in ((pairs.first, across), (pairs.second, -across)):
        away, faces = surface.nearest(points)
        assert away.max() < 1e-7
        normals = face_normals(model.mesh.vertices, model.mesh.faces)[faces]
        normals /= np.linalg.norm(normals, axis=1, keepdims=True)
        cosines.append(-np.einsum("ij,ij->i", normals, inward))
    stated = np.abs(np.min(cosines, axis=0) - pairs.quality) < 1e-6
    # On an edge the nearest face may be the other one.
    assert stated.mean() > 0.98
    assert (pairs.quality > np.cos(np.arctan(FRICTION))).all()
    assert (pairs.quality <= 1 + 1e-12).all()


@EVERY
def test_the_points_for_what_gets_in_the_way_are_spread_over_the_surface(family: str) -> None:
    model = make_object(family, np.random.default_rng(0))
    points = antipodal_pairs(model).surface
    assert points.shape == (SURFACE_POINTS, 3)
    assert Surface(model.mesh).nearest(points[::9])[0].max() < 1e-7
    np.testing.assert_allclose(np.ptp(points, axis=0), model.extents_m, rtol=0.25)


@EVERY
def test_contacts_are_found_on_every_object_that_has_them(family: str) -> None:
    rng = np.random.default_rng(3)
    for seed in range(3):
        model = make_object(family, np.random.default_rng(seed))
        if share_antipodal(model, rng) > 0.01:
            assert len(antipodal_pairs(model).first) >= 10, (seed, model.name)


def share_antipodal(model: ObjectModel, rng: np.random.Generator) -> float:
    """Return how often two points of the surface at random lie in each other's cone, whatever lies between."""
    normals = face_normals(model.mesh.vertices, model.mesh.faces)
    areas = np.linalg.norm(normals, axis=1)
    picked = rng.choice(len(areas), 300, p=areas / areas.sum())
    a, b = np.sort(rng.uniform(size=(2, len(picked))), axis=0)
    weights = np.stack([a, b - a, 1 - b], axis=1)
    points = np.einsum("ik,ikj->ij", weights, model.mesh.vertices[model.mesh.faces[picked]])
    normals = normals[picked] / areas[picked, None]
    across = points[None] - points[:, None]
    across /= np.maximum(np.linalg.norm(across, axis=2, keepdims=True), 1e-12)
    cosines = np.minimum(-np.einsum("ijk,ik->ij", across, normals), np.einsum("ijk,jk->ij", across, normals))
    return float((cosines > np.cos(np.arctan(FRICTION))).mean())


@EVERY
def test_the_same_model_has_the_same_pairs(family: str) -> None:
    first, second = (antipodal_pairs(make_object(family, np.random.default_rng(7))) for _ in range(2))
    assert first is not second
    for name in ("first", "second", "quality", "surface"):
        assert np.array_equal(getattr(first, name), getattr(second, name))


def test_pairs_are_found_once_for_a_model() -> None:
    assert antipodal_pairs(BOX) is antipodal_pairs(BOX)
