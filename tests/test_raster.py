import numpy as np
import pytest
from scenes_for_tests import (
    CAMERA,
    TABLE_ID,
    WHITE,
    at,
    body,
    box_model,
    fixture,
    hull_model,
    light,
    matte,
    model_of,
    pixel_rays,
    poses_of,
    ray_box,
    renderer_of,
    scene,
    sphere_model,
    table,
)
from scipy.ndimage import binary_fill_holes
from scipy.spatial import ConvexHull, Delaunay

from graspsim import registry
from graspsim.color import SRGB_DECODE
from graspsim.errors import UnknownNameError
from graspsim.geometry import (
    Intrinsics,
    apply,
    invert,
    look_at,
    matrices_from_poses,
    matrix_from_quat,
    project,
    random_quat,
    rotation_about,
    transform,
    unproject,
)
from graspsim.meshes import box_mesh, moved, side_by_side
from graspsim.models import make_object
from graspsim.render.frame import CHANNELS
from graspsim.render.kernels import rasterize
from graspsim.render.raster import NEAR_M, render_mesh
from graspsim.scene import Texture

FAMILIES = registry.names("family")
HERE = np.eye(4)  # a camera at the origin that looks along world z
SQUARE = Intrinsics(200, 200, 100.0, 100.0, 100.0, 100.0)
NONE_INT, NONE_FLOAT = np.zeros((0, 0), dtype=np.int32), np.zeros((0, 0), dtype=np.float32)
LABELS = ("depth", "ids", "normals", "coordinates")


def clutter(seed: int, count: int = 8):
    """A scene of interpenetrating polyhedra before the camera `HERE`, and their models."""
    rng = np.random.default_rng(seed)
    models = [hull_model(rng, 0.05) for _ in range(count)]
    bodies = []
    for i in range(count):
        x, y, z = rng.uniform((-0.25, -0.2, 0.5), (0.25, 0.2, 0.8))
        bodies.append(body(10 + i, i + 1, at(x, y, z, random_quat(rng)), matte(tuple(rng.random(3)))))
    return scene(tuple(bodies), lights=(light((1, -2, -2)),), sky=(0.3, 0.3, 0.3)), models


def same_bytes(one, other, channels=CHANNELS) -> bool:
    names = {
        "rgb": "rgb",
        "depth": "depth_m",
        "ids": "instance_ids",
        "normals": "normals",
        "coordinates": "coordinates_m",
    }
    return all(getattr(one, names[c]).tobytes() == getattr(other, names[c]).tobytes() for c in channels)


# Arithmetic.


def test_a_unit_cube_is_seen_at_the_pixels_arithmetic_says() -> None:
    world = scene((body(7, pose=at(0, 0, 3)),))
    frame = renderer_of(world, box_model()).render(poses_of(world), SQUARE, HERE)
    # The face at z = 2.5 m is 1 m wide: 100 px/m · 1 m / 2.5 = 40 px about the principal point.
    face = np.zeros((200, 200), dtype=bool)
    face[80:120, 80:120] = True
    np.testing.assert_array_equal(frame.instance_ids, np.where(face, 7, 0))
    np.testing.assert_allclose(frame.depth_m, np.where(face, 2.5, 0), atol=1e-6)
    np.testing.assert_allclose(frame.normals, face[..., None] * np.array([0.0, 0.0, -1.0]), atol=1e-6)
    x = (np.arange(200) + 0.5 - 100) / 100 * 2.5
    expected = np.stack([*np.meshgrid(x, x), np.full((200, 200), -0.5)], axis=-1)
    np.testing.assert_allclose(frame.coordinates_m, expected * face[..., None], atol=1e-6)


@pytest.mark.parametrize("seed", range(6))
def test_a_turned_box_is_what_casting_rays_at_it_gives(seed: int) -> None:
    rng = np.random.default_rng(seed)
    size = tuple(rng.uniform(0.2, 0.9, 3))
    pose = at(*rng.uniform((-0.5, -0.4, 1.5), (0.5, 0.4, 3.0)), random_quat(rng))
    world = scene((body(3, pose=pose),))
    frame = renderer_of(world, box_model(size)).render(poses_of(world), CAMERA, HERE)
    camera_from_box = matrices_from_poses(poses_of(world))[0]
    depth, _, normals, inside = ray_box(CAMERA, camera_from_box, size)
    hit = inside > 0
    assert hit.sum() > 300
    np.testing.assert_array_equal(frame.instance_ids > 0, hit)
    np.testing.assert_allclose(frame.depth_m[hit], depth[hit], rtol=1e-6)
    np.testing.assert_allclose(frame.normals[hit], normals[hit], atol=1e-6)
    points = pixel_rays(CAMERA)[hit] * depth[hit][:, None]
    np.testing.assert_allclose(frame.coordinates_m[hit], apply(invert(camera_from_box), points), atol=2e-6)


def test_pixel_centres_lie_at_one_half() -> None:
    # At z = 1 one pixel is 1 cm: squares of just under and just over what reaches four centres.
    for half_m, count in [(0.0049, 0), (0.0051, 4), (0.0149, 4), (0.0151, 16)]:
        world = scene((body(1, pose=at(0, 0, 1.5)),))
        model = box_model((2 * half_m, 2 * half_m, 1.0))
        frame = renderer_of(world, model).render(poses_of(world), SQUARE, HERE, ("ids",))
        assert np.count_nonzero(frame.instance_ids) == count


def test_a_square_on_pixel_borders_covers_exactly_its_pixels_wherever_it_lies() -> None:
    for left, top, width, height in [(0, 0, 200, 200), (3, 5, 1, 1), (150, 20, 37, 64), (190, 190, 10, 10)]:
        x, y = (left + width / 2 - 100) / 100, (top + height / 2 - 100) / 100
        # So thin that its sides are not seen.
        world = scene((body(1, pose=at(x, y, 1 + 1e-6)),))
        model = box_model((width / 100, height / 100, 2e-6))
        ids = renderer_of(world, model).render(poses_of(world), SQUARE, HERE, ("ids",)).instance_ids
        expected = np.zeros((200, 200), dtype=np.uint16)
        expected[top : top + height, left : left + width] = 1
        assert np.count_nonzero(ids != expected) == 0, (left, top)


def test_depth_is_along_the_axis_and_not_the_distance() -> None:
    world = scene(fixtures=(fixture((20, 20, 1), (0, 0, 2.5)),))
    frame = renderer_of(world).render(poses_of(world), SQUARE, HERE)
    np.testing.assert_allclose(frame.depth_m, 2.0, rtol=1e-6)
    np.testing.assert_allclose(frame.coordinates_m, unproject(frame.depth_m, SQUARE), atol=2e-6)


def test_every_attribute_belongs_to_the_point_that_depth_and_pose_give() -> None:
    world, models = clutter(3)
    frame = renderer_of(world, *models).render(poses_of(world), CAMERA, HERE)
    points = unproject(frame.depth_m, CAMERA)
    for b, camera_from_body in zip(world.bodies, matrices_from_poses(poses_of(world)), strict=True):
        mask = frame.instance_ids == b.instance_id
        np.testing.assert_allclose(frame.coordinates_m[mask], apply(invert(camera_from_body), points[mask]), atol=1e-6)
        assert np.all(np.abs(np.linalg.norm(frame.normals[mask], axis=1) - 1) < 1e-5)
        # Whatever is seen faces the camera.
        assert (np.einsum("ij,ij->i", frame.normals[mask], points[mask]) < 1e-6).all()


# Coverage.


@pytest.mark.parametrize("snap", [0.0, 0.5, 0.25])
def test_triangles_that_share_edges_leave_neither_gap_nor_double_hit(snap: float) -> None:
    """Snapped corners put vertices and edges right on pixel centres, where ties are decided."""
    rng = np.random.default_rng(1)
    for _ in range(5):
        points = np.concatenate([rng.uniform(0, 64, (150, 2)), [[0, 0], [64, 0], [0, 64], [64, 64]]])
        if snap:
            points = np.unique(np.round(points / snap) * snap, axis=0)
        faces = Delaunay(points).simplices.astype(np.int32)
        # A w of any kind will do: coverage does not depend on it.
        screen = np.column_stack([points, np.ones((len(points), 2))])
        hits = np.zeros((64, 64), dtype=int)
        for face in range(len(faces)):
            covered = np.zeros((64, 64), dtype=np.uint8)
            rasterize(screen, faces, face, face + 1, False, NEAR_M, (0, 0, 64, 64), NONE_FLOAT, NONE_INT, covered)
            hits += covered
        np.testing.assert_array_equal(hits, 1)


@pytest.mark.parametrize("seed", range(4))
def test_a_convex_body_covers_the_hull_of_its_projection(seed: int) -> None:
    rng = np.random.default_rng(seed)
    model = hull_model(rng, 0.2, count=60)
    world = scene((body(1, pose=at(0.05, -0.1, 1.8, random_quat(rng))),))
    silhouette = renderer_of(world, model).silhouettes(poses_of(world), CAMERA, HERE)[0]
    points = project(apply(matrices_from_poses(poses_of(world))[0], model.mesh.vertices), CAMERA)
    hull = ConvexHull(points)
    x, y, w, h = silhouette.box_px
    v, u = np.mgrid[y : y + h, x : x + w] + 0.5
    outside = (np.stack([u, v], axis=-1) @ hull.equations[:, :2].T + hull.equations[:, 2]).max(axis=-1)
    assert not (silhouette.pixels != (outside < 0)).any()
    assert abs(silhouette.pixels.sum() - hull.volume) < 0.02 * hull.volume


def test_no_ray_slips_through_the_fine_mesh_of_a_solid() -> None:
    # Triangles smaller than a pixel, all families: a hole would show what lies behind, or nothing.
    rng = np.random.default_rng(5)
    wide = Intrinsics(300, 300, 300.0, 300.0, 150.0, 150.0)
    for family in FAMILIES:
        model = make_object(family, rng)
        for distance in (0.3, 1.5, 6.0):
            camera_from_model = transform(matrix_from_quat(random_quat(rng)), (0, 0, distance))
            closed = render_mesh(model.mesh, camera_from_model, wide) > 0
            world = scene((body(1),))
            (front,) = renderer_of(world, model).silhouettes(poses_of(world), wide, invert(camera_from_model))
            x, y, w, h = front.box_px
            assert min(x, y, 300 - x - w, 300 - y - h) >= 0
            # Drawing the far side too must not add a pixel: the near side is closed by itself.
            np.testing.assert_array_equal(front.pixels, closed[y : y + h, x : x + w])
    sphere = sphere_model(0.3, count=20000)
    mask = render_mesh(sphere.mesh, transform(translation=(0, 0, 2)), wide) > 0
    np.testing.assert_array_equal(mask, binary_fill_holes(mask))


def test_from_inside_a_room_every_pixel_shows_the_wall_at_its_depth() -> None:
    size = (4.0, 3.0, 2.5)
    world = scene(fixtures=(fixture(size, (0, 0, 0), 12, is_room=True),))
    renderer = renderer_of(world)
    rng = np.random.default_rng(0)
    for _ in range(8):
        eye = rng.uniform(-0.45, 0.45, 3) * size
        world_from_camera = transform(matrix_from_quat(random_quat(rng)), eye)
        frame = renderer.render(poses_of(world), CAMERA, world_from_camera)
        _, depth, _, _ = ray_box(CAMERA, invert(world_from_camera), size)
        assert (frame.instance_ids == 12).all()
        np.testing.assert_allclose(frame.depth_m, depth, rtol=2e-6)


def test_what_crosses_the_near_plane_is_cut_there() -> None:
    # A plank under the camera from 5 m behind to 5 m before it, 10 cm wide and 0.2 m below.
    world = scene(fixtures=(fixture((0.1, 0.1, 10.0), (0, 0.25, 0)),))
    frame = renderer_of(world).render(poses_of(world), CAMERA, HERE)
    rays = pixel_rays(CAMERA)
    with np.errstate(divide="ignore"):
        depth = 0.2 / rays[..., 1]
    hit = (rays[..., 1] > 0) & (depth < 5) & (np.abs(rays[..., 0] * depth) < 0.05)
    np.testing.assert_array_equal(frame.instance_ids > 0, hit)
    np.testing.assert_allclose(frame.depth_m[hit], depth[hit], rtol=2e-6)
    assert hit[-1].any()


def test_nothing_nearer_than_the_near_plane_is_drawn() -> None:
    for front_m, drawn in [(0.9 * NEAR_M, False), (1.1 * NEAR_M, True)]:
        world = scene((body(1, pose=at(0, 0, front_m + 5e-4)),))
        ids = renderer_of(world, box_model((0.01, 0.01, 1e-3))).render(poses_of(world), CAMERA, HERE).instance_ids
        assert ids.any() == drawn


def test_what_lies_behind_the_camera_is_not_seen() -> None:
    world = scene((body(1, pose=at(0, 0, -2)),))
    renderer = renderer_of(world, box_model())
    assert not renderer.render(poses_of(world), CAMERA, HERE).instance_ids.any()
    assert renderer.silhouettes(poses_of(world), CAMERA, HERE)[0].pixels.size == 0


# Visibility.


def test_the_nearest_surface_wins_whatever_the_order_of_bodies() -> None:
    world, models = clutter(0)
    first = renderer_of(world, *models).render(poses_of(world), CAMERA, HERE)
    assert len(np.unique(first.instance_ids)) > 6
    for seed in range(3):
        order = np.random.default_rng(seed).permutation(len(world.bodies))
        shuffled = scene(tuple(world.bodies[i] for i in order), lights=world.lights, sky=world.sky)
        other = renderer_of(shuffled, *models).render(poses_of(shuffled), CAMERA, HERE)
        np.testing.assert_array_equal(other.instance_ids, first.instance_ids)
        np.testing.assert_array_equal(other.depth_m, first.depth_m)


def test_each_pixel_shows_the_nearest_of_all_bodies_drawn_alone() -> None:
    world, models = clutter(1)
    depth = renderer_of(world, *models).render(poses_of(world), CAMERA, HERE, ("depth",)).depth_m
    alone = [
        render_mesh(models[b.obj_id - 1].mesh, pose, CAMERA)
        for b, pose in zip(world.bodies, matrices_from_poses(poses_of(world)), strict=True)
    ]
    nearest = np.min([np.where(d > 0, d, np.inf) for d in alone], axis=0)
    np.testing.assert_allclose(depth, np.where(np.isfinite(nearest), nearest, 0), rtol=2e-6)


def test_same_inputs_give_the_same_bytes() -> None:
    world, models = clutter(2)
    renderer = renderer_of(world, *models, supersampling=2)
    first = renderer.render(poses_of(world), CAMERA, HERE)
    renderer.render(poses_of(world) + 0.01, CAMERA, look_at((1, 1, 1), (0, 0, 0)))
    assert same_bytes(first, renderer.render(poses_of(world), CAMERA, HERE))
    assert same_bytes(first, renderer_of(world, *models, supersampling=2).render(poses_of(world), CAMERA, HERE))


@pytest.mark.parametrize("channel", CHANNELS)
def test_a_channel_is_the_same_alone_as_among_others(channel: str) -> None:
    world, models = clutter(2)
    renderer = renderer_of(world, *models)
    full, alone = (renderer.render(poses_of(world), CAMERA, HERE, c) for c in (CHANNELS, (channel,)))
    assert same_bytes(full, alone, (channel,))
    assert sum(getattr(alone, field) is not None for field in alone.__dataclass_fields__) == 1


def test_an_unknown_channel_is_an_error() -> None:
    world = scene(fixtures=(table(),))
    with pytest.raises(UnknownNameError, match="depht"):
        renderer_of(world).render(poses_of(world), CAMERA, HERE, ("depht",))


@pytest.mark.parametrize("supersampling", [2, 3])
def test_supersampling_smooths_edges_and_leaves_labels_untouched(supersampling: int) -> None:
    world, models = clutter(4)
    plain = renderer_of(world, *models).render(poses_of(world), CAMERA, HERE)
    fine = renderer_of(world, *models, supersampling=supersampling).render(poses_of(world), CAMERA, HERE)
    assert same_bytes(plain, fine, LABELS)
    padded = np.pad(plain.instance_ids, 1, mode="edge")
    windows = np.lib.stride_tricks.sliding_window_view(padded, (3, 3))
    edge = windows.max(axis=(2, 3)) != windows.min(axis=(2, 3))
    change = np.abs(plain.rgb.astype(int) - fine.rgb).max(axis=-1)
    assert change[~edge].mean() < 1.0
    assert change[edge].mean() > 5.0


def test_supersampling_averages_light_and_not_bytes() -> None:
    # A white square over black that ends in the middle of a pixel.
    world = scene((body(1, pose=at(0.005, 0, 1.5, None)),), sky=WHITE, ground=WHITE)
    black = Texture("flat", ((0, 0, 0),) * 3, 1, 0)
    world = scene(world.bodies, sky=WHITE, ground=WHITE, backdrop=black)
    rgb = renderer_of(world, box_model((0.2, 0.2, 1.0)), supersampling=2).render(poses_of(world), SQUARE, HERE).rgb
    np.testing.assert_allclose(SRGB_DECODE[rgb[100, 90]], 0.5, atol=0.005)
    np.testing.assert_array_equal(rgb[100, 91], 255)


def test_ids_reach_to_65535() -> None:
    world = scene((body(65535, pose=at(0, 0, 3)),), (fixture((9, 9, 1), (0, 0, 5), 32768),))
    ids = renderer_of(world, box_model()).render(poses_of(world), SQUARE, HERE, ("ids",)).instance_ids
    assert ids.dtype == np.uint16
    assert set(np.unique(ids)) == {32768, 65535}


def test_where_nothing_is_seen_labels_are_zero_with_and_without_a_backdrop() -> None:
    backdrop = Texture("checker", (WHITE, (1.0, 0.0, 0.0), (0.0, 0.0, 1.0)), 4, 1)
    for picture in (None, backdrop):
        world = scene((body(1, pose=at(0, 0, 3)),), sky=(0.2, 0.4, 0.9), ground=(0.3, 0.2, 0.1), backdrop=picture)
        frame = renderer_of(world, box_model()).render(poses_of(world), SQUARE, HERE)
        empty = frame.instance_ids == 0
        assert empty.sum() == 200 * 200 - 40 * 40
        assert not frame.depth_m[empty].any()
        assert not frame.normals[empty].any()
        assert not frame.coordinates_m[empty].any()
        assert frame.rgb[empty].any(axis=-1).all()


def test_an_empty_scene_can_be_rendered() -> None:
    world = scene(fixtures=(table(),))
    frame = renderer_of(world).render(poses_of(world), CAMERA, look_at((0.5, 0, 0.5), (0, 0, 0)))
    assert set(np.unique(frame.instance_ids)) <= {0, TABLE_ID}
    assert renderer_of(world).silhouettes(poses_of(world), CAMERA, HERE) == []


# Textures in perspective.


def test_a_texture_on_a_slanted_plane_lies_where_its_uvs_say() -> None:
    """Checked by colour: a board of one texture per face, u to the right and v up, in even light."""
    cells, size = 8, 512
    dark = (np.arange(size) * cells // size)[:, None] + (np.arange(size) * cells // size)[None, :]
    image = np.where(dark[..., None] % 2 == 0, 230, 20).astype(np.uint8).repeat(3, axis=2)
    mesh = box_mesh((1.0, 0.02, 1.0), uv_unit_m=1.0)
    world = scene((body(1, pose=at(0, 0, 0), material=matte(None)),), sky=WHITE, ground=WHITE)
    close = Intrinsics(320, 240, 260.0, 260.0, 160.0, 120.0)
    world_from_camera = look_at((0.7, -0.6, 0.25), (0.05, 0, 0), 0.4)
    frame = renderer_of(world, model_of(mesh, image)).render(poses_of(world), close, world_from_camera)
    # The face at y = -1 cm: its UVs are x and z in metres, and textures have period one.
    seen = (np.abs(frame.coordinates_m[..., 1] + 0.01) < 1e-6) & (frame.instance_ids == 1)
    assert seen.sum() > 10000
    x, z = frame.coordinates_m[seen][:, 0], frame.coordinates_m[seen][:, 2]
    column, row = np.mod(x, 1) * cells, (1 - np.mod(z, 1)) * cells
    clear = (np.abs(column - np.round(column)) > 0.1) & (np.abs(row - np.round(row)) > 0.1)
    expected = np.where((column.astype(int) + row.astype(int)) % 2 == 0, 230, 20)
    got = frame.rgb[seen][:, 0].astype(int)
    assert clear.sum() > 5000
    # A twenty-fifth of the light is mirrored, whatever the colour: dark cells are a little brighter than 20.
    assert ((got > 128) == (expected > 128))[clear].all()


# Silhouettes.


def full_mask(silhouette, intrinsics: Intrinsics) -> np.ndarray:
    """The canvas three times the image, (3h, 3w), with its image in the middle."""
    canvas = np.zeros((3 * intrinsics.height, 3 * intrinsics.width), dtype=bool)
    x, y, w, h = silhouette.box_px
    canvas[intrinsics.height + y :, intrinsics.width + x :][:h, :w] = silhouette.pixels
    return canvas


def inside(canvas: np.ndarray) -> np.ndarray:
    h, w = canvas.shape[0] // 3, canvas.shape[1] // 3
    return canvas[h : 2 * h, w : 2 * w]


def test_what_is_visible_lies_within_the_silhouette() -> None:
    world, models = clutter(6)
    renderer = renderer_of(world, *models)
    ids = renderer.render(poses_of(world), CAMERA, HERE, ("ids",)).instance_ids
    for b, silhouette in zip(world.bodies, renderer.silhouettes(poses_of(world), CAMERA, HERE), strict=True):
        assert not ((ids == b.instance_id) & ~inside(full_mask(silhouette, CAMERA))).any()


def test_the_silhouette_of_a_body_alone_is_what_is_seen_of_it_and_more_outside_the_image() -> None:
    rng = np.random.default_rng(8)
    k = CAMERA
    wide = Intrinsics(3 * k.width, 3 * k.height, k.fx, k.fy, k.cx + k.width, k.cy + k.height)
    for i in range(2 * len(FAMILIES)):
        model = make_object(FAMILIES[i % len(FAMILIES)], rng)
        world = scene((body(1, pose=at(*rng.uniform((-0.2, -0.2, 0.3), (0.2, 0.2, 0.4)), random_quat(rng))),))
        renderer = renderer_of(world, model)
        (silhouette,) = renderer.silhouettes(poses_of(world), k, HERE)
        seen = renderer.render(poses_of(world), k, HERE, ("ids",)).instance_ids == 1
        np.testing.assert_array_equal(inside(full_mask(silhouette, k)), seen)
        canvas = renderer.render(poses_of(world), wide, HERE, ("ids",)).instance_ids == 1
        np.testing.assert_array_equal(full_mask(silhouette, k), canvas)


def test_a_body_half_outside_is_counted_on_the_wide_canvas() -> None:
    # 40 px wide and centred on the left border, then beyond it altogether, then beyond the canvas.
    thin = box_model((0.4, 0.4, 2e-6))
    for x_m, box, count in [(-1.0, (-20, 80, 40, 40), 1600), (-1.5, (-70, 80, 40, 40), 1600), (-3.5, (0, 0, 0, 0), 0)]:
        world = scene((body(1, pose=at(x_m, 0, 1.0 + 1e-6)),))
        (silhouette,) = renderer_of(world, thin).silhouettes(poses_of(world), SQUARE, HERE)
        assert silhouette.box_px == box
        assert silhouette.pixels.sum() == count


def test_a_body_that_crosses_the_camera_plane_fills_its_part_of_the_canvas() -> None:
    # It ends above the camera: half the canvas sees it, whatever of it lies behind.
    world = scene((body(1, pose=at(0, 5.0, 0)),))
    (silhouette,) = renderer_of(world, box_model((200, 9.9, 200))).silhouettes(poses_of(world), SQUARE, HERE)
    rows = full_mask(silhouette, SQUARE)
    # Its far end, 100 m away and 5 cm down, is at the horizon to a twentieth of a pixel.
    assert rows[300:].all()
    assert not rows[:300].any()


def test_a_hole_in_a_body_is_a_hole_in_its_silhouette() -> None:
    # A ring seen along its axis, made of four boards.
    boards = [
        moved(box_mesh(size), transform(translation=center))
        for size, center in [
            ((0.6, 0.1, 0.1), (0, -0.25, 0)),
            ((0.6, 0.1, 0.1), (0, 0.25, 0)),
            ((0.1, 0.4, 0.1), (-0.25, 0, 0)),
            ((0.1, 0.4, 0.1), (0.25, 0, 0)),
        ]
    ]
    ring = side_by_side(boards)
    world = scene((body(1, pose=at(0, 0, 1.05)),))
    (silhouette,) = renderer_of(world, model_of(ring)).silhouettes(poses_of(world), SQUARE, HERE)
    assert silhouette.box_px == (70, 70, 60, 60)
    assert not silhouette.pixels[12:48, 12:48].any()
    assert silhouette.pixels[:10].all()


def test_render_mesh_gives_depth_from_both_sides() -> None:
    mesh = box_mesh((1, 1, 1))
    outside = render_mesh(mesh, transform(translation=(0, 0, 3)), SQUARE)
    within = render_mesh(mesh, transform(rotation_about((1, 2, 3), 0.5), (0, 0, 0)), SQUARE)
    np.testing.assert_allclose(outside[80:120, 80:120], 2.5, rtol=1e-6)
    assert outside.astype(bool).sum() == 1600
    assert (within > 0).all()
    _, depth, _, _ = ray_box(SQUARE, transform(rotation_about((1, 2, 3), 0.5), (0, 0, 0)), (1, 1, 1))
    np.testing.assert_allclose(within, depth, rtol=1e-5)
