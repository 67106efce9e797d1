from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest
from scenes_for_tests import (
    BLACK,
    CAMERA,
    WHITE,
    at,
    body,
    box_model,
    fixture,
    hull_model,
    light,
    matte,
    model_of,
    poses_of,
    renderer_of,
    scene,
    sphere_model,
    table,
)
from scipy.spatial import ConvexHull

from graspsim import registry
from graspsim.color import SRGB_DECODE, SRGB_ENCODE, linear_from_srgb, srgb_from_linear
from graspsim.geometry import Array, apply, look_at, matrices_from_poses, random_quat, rotation_about, unproject
from graspsim.mesh_import import import_mesh
from graspsim.meshes import box_mesh
from graspsim.models import make_object
from graspsim.render.buffers import geometry_of
from graspsim.render.lighting import BLOCK
from graspsim.render.shadows import ShadowMaps
from graspsim.render.textures import make_texture
from graspsim.scene import Light, Material, Scene, Texture

ABOVE = look_at((0, -0.02, 0.7), (0, 0, 0))
OBLIQUE = look_at((0.25, -0.5, 0.4), (0, 0, 0.03))
SUN = (1.0, -1.0, 1.5)


def picture(world: Scene, *models, camera: Array = OBLIQUE, supersampling: int = 1):
    renderer = renderer_of(world, *models, supersampling=supersampling)
    return renderer.render(poses_of(world), CAMERA, camera)


def world_points(frame, camera: Array) -> Array:
    """Where (h, w, 3) in the world each pixel's surface lies."""
    return apply(camera, unproject(frame.depth_m, CAMERA).reshape(-1, 3)).reshape(*frame.depth_m.shape, 3)


def reflected(
    frame, camera: Array, lights: tuple[Light, ...], albedo: Array, roughness: float, metallic: float
) -> Array:
    """Return linear light (h, w, 3) by the formulas of Karis 2013, shadows aside, from a frame's points and normals."""
    points = world_points(frame, camera)
    normal = frame.normals.astype(np.float64) @ camera[:3, :3].T

    def dot(a: Array, b: Array) -> Array:
        return np.einsum("...i,...i", a, b)

    def unit(a: Array) -> Array:
        return a / np.maximum(np.linalg.norm(a, axis=-1, keepdims=True), 1e-12)

    view = unit(camera[:3, 3] - points)
    alpha = roughness**2
    total = np.zeros_like(points)
    for lamp in lights:
        position = np.asarray(lamp.position_m)
        towards = position - points if lamp.kind == "point" else np.broadcast_to(position, points.shape)
        falloff = dot(position, position) / dot(towards, towards) if lamp.kind == "point" else 1.0
        l = unit(towards)  # noqa: E741
        h = unit(l + view)
        n_l, n_v = np.maximum(dot(normal, l), 0), np.maximum(dot(normal, view), 1e-3)
        n_h, v_h = np.maximum(dot(normal, h), 0), np.maximum(dot(view, h), 0)
        distribution = alpha**2 / (n_h**2 * (alpha**2 - 1) + 1) ** 2  # times π, as is the light
        k = alpha / 2
        smith = 1 / ((n_l * (1 - k) + k) * (n_v * (1 - k) + k))
        f_0 = 0.04 + (albedo - 0.04) * metallic
        fresnel = f_0 + (1 - f_0) * (1 - v_h[..., None]) ** 5
        diffuse = albedo * (1 - metallic) * (1 - fresnel)
        specular = (distribution * smith / 4)[..., None] * fresnel
        total += (falloff * n_l)[..., None] * np.asarray(lamp.color) * (diffuse + specular)
    return total


def stored(color: tuple[float, float, float]) -> Array:
    """The linear light of an sRGB colour as textures hold it: its square root, in a byte."""
    linear = linear_from_srgb(np.round(np.array(color) * 255) / 255)
    return (np.floor(np.sqrt(linear) * 255 + 0.5) / 255) ** 2


def encoded(linear: Array) -> Array:
    return srgb_from_linear(np.clip(linear, 0, 1)) * 255


# The material.


def test_a_white_plane_that_faces_a_light_of_colour_one_is_nearly_white() -> None:
    world = scene(fixtures=(table(),), lights=(light((0, 0, 1)),))
    frame = picture(world, camera=look_at((0, 0, 0.7), (0, 0, 0)))
    # Straight from above: 1 - F of the light is scattered, and F α² / (4 · 1) mirrored, with F = 0.04 and α = 1.
    np.testing.assert_allclose(frame.rgb[80, 100], encoded(0.96 + 0.04 / 4), atol=1)


@pytest.mark.parametrize("metallic", [0.0, 0.5, 1.0])
@pytest.mark.parametrize("roughness", [0.15, 0.4, 0.7, 1.0])
def test_a_sphere_is_shaded_by_the_published_formulas(roughness: float, metallic: float) -> None:
    color = (0.9, 0.5, 0.2)
    model = sphere_model(0.1)
    for seed in range(3):
        rng = np.random.default_rng(seed)
        lights = (
            light(tuple(rng.normal(size=3)), color=tuple(rng.uniform(0.1, 0.4, 3)), casts_shadow=False),
            light(tuple(rng.normal(size=3)), "point", color=tuple(rng.uniform(0.05, 0.2, 3)), casts_shadow=False),
        )
        world = scene((body(1, material=matte(color, roughness, metallic)),), lights=lights)
        camera = look_at(rng.normal(size=3) * 0.1 + (0, -0.4, 0), (0, 0, 0))
        frame = picture(world, model, camera=camera)
        expected = encoded(reflected(frame, camera, lights, stored(color), roughness, metallic))
        seen = frame.instance_ids == 1
        assert seen.sum() > 2000
        error = np.abs(frame.rgb.astype(float) - expected)[seen]
        # Half a byte for each rounding: of the encoding's table and of the byte itself.
        assert error.max() <= 1.01


def test_a_point_light_falls_off_with_the_square_of_distance_from_one_at_the_origin() -> None:
    lamp = light((0, 0, 0.4), "point", (0.2, 0.2, 0.2), casts_shadow=False)
    for height, gain in [(0.0, 1.0), (0.2, 4.0), (-0.4, 0.25)]:
        world = scene(fixtures=(fixture((1, 1, 0.1), (0, 0, height - 0.05)),), lights=(lamp,))
        frame = picture(world, camera=look_at((0, 0, height + 1.0), (0, 0, height)))
        np.testing.assert_allclose(frame.rgb[80, 100], encoded(0.2 * gain * (0.96 + 0.01)), atol=1)


def test_lights_add_up_and_are_tinted() -> None:
    red, blue = light((0, 0.5, 1), color=(0.4, 0, 0)), light((0.5, 0, 1), color=(0, 0, 0.3))
    one, two, both = (
        SRGB_DECODE[picture(scene(fixtures=(table(),), lights=l)).rgb].astype(float)
        for l in ((red,), (blue,), (red, blue))  # noqa: E741
    )
    assert not one[..., 1:].any()
    assert not two[..., :2].any()
    np.testing.assert_allclose(both, one + two, atol=0.004)


def test_a_light_behind_a_surface_does_not_reach_it() -> None:
    below = light((0.3, 0, -1), casts_shadow=False)
    assert not picture(scene(fixtures=(table(),), lights=(below,)), camera=ABOVE).rgb.any()


@pytest.mark.parametrize("roughness", [0.2, 1.0])
def test_white_surroundings_light_a_white_body_white(roughness: float) -> None:
    """The furnace test: what is neither scattered nor mirrored would be missing."""
    half = (0.5, 0.5, 0.5)
    for metallic in (0.0, 1.0):
        world = scene((body(1, material=matte(WHITE, roughness, metallic)),), sky=half, ground=half)
        frame = picture(world, sphere_model(), camera=look_at((0, -0.3, 0.1), (0, 0, 0)))
        assert (frame.instance_ids == 1).sum() > 1000
        np.testing.assert_allclose(frame.rgb.astype(float), encoded(np.array(0.5)), atol=1)


def test_what_faces_up_gets_the_sky_and_what_faces_down_the_ground() -> None:
    sky, ground = np.array((0.1, 0.3, 0.8)), np.array((0.5, 0.2, 0.1))
    room = fixture((2, 2, 2), (0, 0, 0), is_room=True)
    world = scene(fixtures=(room,), sky=tuple(sky), ground=tuple(ground))
    for target, expected in [((0, 0, -1), sky), ((0, 0, 1), ground), ((0, 1, 0), (sky + ground) / 2)]:
        rgb = picture(world, camera=look_at((0, 0, 0), target)).rgb
        np.testing.assert_allclose(rgb[80, 100], encoded(expected), atol=1.5)


def test_without_a_backdrop_the_sky_fades_into_the_ground() -> None:
    world = scene(fixtures=(fixture((0.01, 0.01, 0.01), (0, 0, -5)),), sky=(0.1, 0.3, 0.8), ground=(0.5, 0.2, 0.1))
    for target, expected in [((0, 0, 1), world.sky), ((1, 0, 0), np.add(world.sky, world.ground) / 2)]:
        rgb = picture(world, camera=look_at((0, 0, 0), target)).rgb
        np.testing.assert_allclose(rgb[80, 100], encoded(np.array(expected)), atol=1.5)


def test_srgb_is_decoded_as_it_was_encoded() -> None:
    values = np.linspace(0, 1, 1001)
    np.testing.assert_allclose(linear_from_srgb(srgb_from_linear(values)), values, atol=1e-7)
    assert srgb_from_linear(0.2140411) == pytest.approx(0.5, abs=1e-5)
    bytes_back = SRGB_ENCODE[np.round(SRGB_DECODE.astype(float) * 4095).astype(int)]
    assert np.abs(bytes_back.astype(int) - np.arange(256)).max() <= 1
    assert (np.diff(SRGB_ENCODE.astype(int)) >= 0).all()


# Shadows.


def shadow_outline(corners: Array, lamp: Light) -> ConvexHull:
    """The shadow of a convex body on the plane z = 0."""
    position = np.asarray(lamp.position_m)
    towards = position - corners if lamp.kind == "point" else np.broadcast_to(position, corners.shape)
    return ConvexHull((corners - towards * (corners[:, 2] / towards[:, 2])[:, None])[:, :2])


def box_on_table(lamp: Light, turn_rad: float = 0.4) -> tuple[Scene, Array]:
    """A box of 8 x 5 x 6 cm that stands on a table, and its corners in the world."""
    turn = np.array([0, 0, np.sin(turn_rad / 2), np.cos(turn_rad / 2)])
    world = scene((body(1, pose=at(0.02, 0.01, 0.03, turn)),), (table(),), (lamp,))
    corners = apply(matrices_from_poses(poses_of(world))[0], box_mesh((0.08, 0.05, 0.06)).vertices)
    return world, corners


@pytest.mark.parametrize("penumbra_m", [0.0, 0.004, 0.012])
@pytest.mark.parametrize(
    ("kind", "position_m"),
    [
        ("directional", (1, -1, 1.5)),
        ("directional", (-2, 0.3, 1)),
        ("point", (0.3, -0.4, 0.5)),
        ("point", (0.1, 0.05, 0.25)),
    ],
)
def test_a_box_casts_its_shadow_where_geometry_says(kind: str, position_m, penumbra_m: float) -> None:
    """Up to the foot of the box: light that leaks in there, or a shadow set off from it, is a fault as well."""
    lamp = light(position_m, kind, (0.6, 0.6, 0.6), penumbra_m)
    world, corners = box_on_table(lamp)
    model = box_model((0.08, 0.05, 0.06))
    # The map spans the sphere about the box, which is larger than what the light sees of it.
    texel_m = 2 * np.linalg.norm((0.04, 0.025, 0.03)) * 1.2 / 128
    cosine = position_m[2] / np.linalg.norm(position_m)
    # The filter is a square across the light, penumbra_m wide; on the table it is stretched by the slope.
    reach = (max(penumbra_m / 2, texel_m) + texel_m) * np.sqrt(2) / cosine
    outline = shadow_outline(corners, lamp)
    counted = 0
    for eye in [(0.01, -0.5, 0.35), (-0.4, 0.3, 0.3), (0.35, 0.3, 0.4)]:
        camera = look_at(eye, (0, 0, 0))
        frame = picture(world, model, camera=camera)
        points = world_points(frame, camera)[..., :2]
        distance = (points @ outline.equations[:, :2].T + outline.equations[:, 2]).max(axis=-1)
        on_table = frame.instance_ids == 900
        umbra, lit = on_table & (distance < -reach), on_table & (distance > reach)
        counted += umbra.sum()
        assert not frame.rgb[umbra].any()
        expected = encoded(reflected(frame, camera, (lamp,), np.ones(3), 1.0, 0.0))
        np.testing.assert_allclose(frame.rgb[lit].astype(float), expected[lit], atol=1.5)
    assert counted > 100


def test_a_penumbra_fades_over_its_width_and_is_half_lit_in_the_middle() -> None:
    penumbra_m = 0.01
    lamp = light((0, 0, 1), color=(0.8, 0.8, 0.8), penumbra_m=penumbra_m)
    # A plate floats over the table; its shadow is seen from beside it.
    world = scene((body(1, pose=at(0, 0, 0.1)),), (table(),), (lamp,))
    camera = look_at((0.05, -0.25, 0.08), (0.05, 0, 0))
    frame = picture(world, box_model((0.1, 0.1, 0.005)), camera=camera)
    points = world_points(frame, camera)
    # Shadowed or not, the table reflects what the formulas say times the share of light that arrives.
    near_edge = (frame.instance_ids == 900) & (np.abs(points[..., 1]) < 0.03)
    share = SRGB_DECODE[frame.rgb[..., 0]] / np.maximum(
        reflected(frame, camera, (lamp,), np.ones(3), 1, 0)[..., 0], 0.1
    )
    x = points[..., 0] - 0.05
    middle = near_edge & (np.abs(x) < 0.0015)
    assert middle.sum() > 20
    assert share[middle].mean() == pytest.approx(0.5, abs=0.1)
    assert share[near_edge & (x > 0.5 * penumbra_m + 0.003) & (x < 0.05)].min() > 0.98
    assert share[near_edge & (x < -0.5 * penumbra_m - 0.003) & (x > -0.03)].max() < 0.02


@pytest.mark.parametrize("kind", ["directional", "point"])
def test_a_convex_body_does_not_shade_its_own_lit_side(kind: str) -> None:
    rng = np.random.default_rng(4)
    models = [sphere_model(), box_model((0.06, 0.08, 0.05)), sphere_model(0.02), hull_model(rng, 0.03, 30)]
    for trial in range(24):
        pose = at(*rng.uniform(-0.02, 0.02, 3), random_quat(rng))
        direction = rng.normal(size=3)
        position = 0.6 * direction / np.linalg.norm(direction)
        # Not far from the light, to see the lit side.
        camera = look_at(0.5 * position + rng.normal(size=3) * 0.1, pose[:3])
        lamp = light(tuple(position), kind, (0.5, 0.5, 0.5), penumbra_m=(0.002, 0.01)[trial % 2])
        shadowed, plain = (
            picture(scene((body(1, pose=pose),), lights=(one,)), models[trial % len(models)], camera=camera)
            for one in (lamp, replace(lamp, casts_shadow=False))
        )
        towards = position - world_points(plain, camera) if kind == "point" else position
        towards = towards / np.linalg.norm(towards, axis=-1, keepdims=True)
        facing = (plain.normals @ camera[:3, :3].T * towards).sum(axis=-1)
        lit = (plain.instance_ids == 1) & (facing > 0.3)
        assert lit.sum() > 50
        assert np.abs(shadowed.rgb[lit].astype(int) - plain.rgb[lit]).max() <= 1


@pytest.mark.parametrize("penumbra_m", [0.0, 0.03])
@pytest.mark.parametrize(
    "lamp",
    [light((0.1, -0.05, 1), color=(0.5, 0.5, 0.5)), light((-0.06, -0.03, 0.15), "point", (0.5, 0.5, 0.5))],
    ids=["directional", "near point"],
)
def test_a_hollow_that_lies_open_to_the_light_has_no_smudges(lamp: Light, penumbra_m: float) -> None:
    """Hollows curve up into a wide filter, and a near light's map is slanted to its rays."""
    bowl = make_object("lathe", np.random.default_rng(2), shape="bowl")
    camera = look_at((0, -0.1, 0.2), (0, 0, 0))
    # Another body widens the map, and with it its texels.
    world = scene((body(1, 1), body(2, 2, at(-0.15, 0.05, 0))), lights=(replace(lamp, penumbra_m=penumbra_m),))
    plain = replace(world, lights=(replace(lamp, casts_shadow=False),))
    shadowed, lit = (picture(w, bowl, box_model((0.03,) * 3), camera=camera) for w in (world, plain))
    points = world_points(lit, camera)
    # The middle of the hollow, which no rim hides from these lights.
    radius = np.linalg.norm(points[..., :2], axis=-1) / bowl.extents_m[0]
    towards_axis = -(lit.normals @ camera[:3, :3].T * points)[..., :2].sum(axis=-1)
    middle = (lit.instance_ids == 1) & (radius < 0.25) & (towards_axis >= -1e-6)
    assert middle.sum() > 500
    # What is left is a faint ring where floor and wall meet.
    assert np.abs(shadowed.rgb[middle].astype(int) - lit.rgb[middle]).max() <= (25 if penumbra_m else 8)


def test_a_body_shades_another_and_itself() -> None:
    # A plate over a cube: the cube's top is dark, and so is the hollow of a bowl under a low light.
    lamp = light((0, 0, 1), color=(0.8, 0.8, 0.8))
    world = scene((body(1, 1, at(0, 0, 0.03)), body(2, 2, at(0, 0, 0.2))), lights=(lamp,))
    frame = picture(
        world, box_model((0.06,) * 3), box_model((0.2, 0.2, 0.01)), camera=look_at((0.4, 0, 0.15), (0, 0, 0.05))
    )
    assert (frame.instance_ids == 1).sum() > 200
    assert not frame.rgb[frame.instance_ids == 1].any()

    bowl = make_object("lathe", np.random.default_rng(0), shape="bowl")
    low = light((1, 0, 0.4), color=(0.8, 0.8, 0.8))
    world = scene((body(1),), lights=(low,))
    frame = picture(world, bowl, camera=look_at((0.001, 0, 0.5), (0, 0, 0)))
    points = world_points(frame, look_at((0.001, 0, 0.5), (0, 0, 0)))
    inner = (frame.instance_ids == 1) & (np.linalg.norm(points[..., :2], axis=-1) < 0.35 * bowl.extents_m[0])
    towards_light = inner & (points[..., 0] > 0.25 * bowl.extents_m[0])
    assert towards_light.sum() > 20
    assert frame.rgb[towards_light].mean() < 3
    away = inner & (points[..., 0] < -0.25 * bowl.extents_m[0])
    assert frame.rgb[away].mean() > 100


def test_a_light_that_casts_no_shadow_lights_what_lies_behind_a_body() -> None:
    for casts_shadow in (True, False):
        lamp = light(SUN, color=(0.5, 0.5, 0.5), casts_shadow=casts_shadow)
        world, corners = box_on_table(lamp)
        camera = look_at((-0.3, 0.4, 0.3), (0, 0, 0))
        frame = picture(world, box_model((0.08, 0.05, 0.06)), camera=camera)
        outline = shadow_outline(corners, lamp)
        points = world_points(frame, camera)[..., :2]
        depth = -(points @ outline.equations[:, :2].T + outline.equations[:, 2]).max(axis=-1)
        umbra = (frame.instance_ids == 900) & (depth > 0.01)
        assert umbra.sum() > 100
        assert frame.rgb[umbra].any() != casts_shadow


def test_shadows_go_along_when_bodies_move() -> None:
    world, _ = box_on_table(light(SUN, color=(0.5, 0.5, 0.5)))
    model = box_model((0.08, 0.05, 0.06))
    renderer = renderer_of(world, model)
    moved = poses_of(world) + np.array([0.1, 0.05, 0, 0, 0, 0, 0])
    first = renderer.render(poses_of(world), CAMERA, OBLIQUE).rgb
    second = renderer.render(moved, CAMERA, OBLIQUE).rgb
    np.testing.assert_array_equal(second, renderer_of(world, model).render(moved, CAMERA, OBLIQUE).rgb)
    assert (first != second).any()
    np.testing.assert_array_equal(first, renderer.render(poses_of(world), CAMERA, OBLIQUE).rgb)


def test_shadow_maps_are_redrawn_only_if_something_moved() -> None:
    geometry = geometry_of([box_mesh((0.1, 0.1, 0.1))], [1])
    shadows = ShadowMaps([light(SUN)], geometry, np.array([True]))
    here = np.eye(4)[None]
    shadows.update(here, 16 * BLOCK)
    drawn = shadows.lighting.maps.copy()
    shadows.lighting.maps[:] = 7.0  # what a redrawing would overwrite
    shadows.update(here.copy(), 16 * BLOCK)
    assert (shadows.lighting.maps == 7.0).all()
    shadows.update(matrices_from_poses([[0, 0, 0, 0.1, 0.2, 0, 1]]), 16 * BLOCK)
    assert not (shadows.lighting.maps == 7.0).any()
    shadows.update(here, 16 * BLOCK)
    np.testing.assert_array_equal(shadows.lighting.maps, drawn)
    shadows.update(here, 8 * BLOCK)
    assert shadows.lighting.maps.shape == (1, 8 * BLOCK, 8 * BLOCK)


# Textures.

RED, GREEN, BLUE, GREY = (255, 0, 0), (0, 255, 0), (0, 0, 255), (128, 128, 128)


def quadrants(size: int = 64) -> np.ndarray:
    """An image: red top left, green top right, blue bottom left, grey bottom right."""
    image = np.zeros((size, size, 3), dtype=np.uint8)
    half = size // 2
    image[:half, :half], image[:half, half:], image[half:, :half], image[half:, half:] = RED, GREEN, BLUE, GREY
    return image


def names_of(rgb: np.ndarray) -> str:
    """The colour each pixel (n, 3) is nearest to, by its initial; a mirrored twenty-fifth makes all a little pale."""
    known = np.array([RED, GREEN, BLUE, GREY])
    return "".join("RGBW"[i] for i in np.abs(rgb.astype(int)[:, None] - known).sum(axis=2).argmin(axis=1))


def test_u_runs_right_and_v_runs_up_in_a_texture() -> None:
    # The side at y = -0.5 of a cube, seen from -y: x points right and z up, and so do u and v, from corner to corner.
    mesh = box_mesh((1, 1, 1), uv_unit_m=1.0)
    shifted = replace(mesh, corner_uvs=mesh.corner_uvs + np.float32(0.5))
    world = scene((body(1, material=matte(None)),), sky=WHITE, ground=WHITE)
    frame = picture(world, model_of(shifted, quadrants()), camera=look_at((0, -2.5, 0), (0, 0, 0)))
    assert names_of(frame.rgb[[60, 60, 100, 100], [80, 120, 80, 120]]) == "RGBW"


def test_a_texture_from_a_file_lies_as_its_obj_says(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GRASPSIM_CACHE", str(tmp_path / "cache"))
    cv2.imwrite(str(tmp_path / "quadrants.png"), cv2.cvtColor(quadrants(), cv2.COLOR_RGB2BGR))
    (tmp_path / "box.mtl").write_text("newmtl skin\nmap_Kd quadrants.png\n")
    corners = [(x, y, z) for x in (-0.05, 0.05) for y in (-0.05, 0.05) for z in (-0.05, 0.05)]
    lines = ["mtllib box.mtl", "usemtl skin", *(f"v {x} {y} {z}" for x, y, z in corners)]
    lines += ["vt 0 0", "vt 1 0", "vt 1 1", "vt 0 1"]
    # Each side's quad starts at its lower left as seen from outside; top and bottom start anywhere.
    for quad in ([1, 5, 6, 2], [7, 3, 4, 8], [5, 7, 8, 6], [3, 1, 2, 4], [2, 6, 8, 4], [3, 7, 5, 1]):
        lines.append("f " + " ".join(f"{vertex}/{i + 1}" for i, vertex in enumerate(quad)))
    (tmp_path / "box.obj").write_text("\n".join(lines) + "\n")
    model = import_mesh(tmp_path / "box.obj")
    world = scene((body(1, material=matte(None)),), sky=WHITE, ground=WHITE)
    for eye in [(0, -0.25, 0), (0.25, 0, 0), (0, 0.25, 0), (-0.25, 0, 0)]:
        frame = picture(world, model, camera=look_at(eye, (0, 0, 0)))
        assert names_of(frame.rgb[[60, 60, 100, 100], [80, 120, 80, 120]]) == "RGBW", eye


@pytest.mark.parametrize("kind", registry.names("texture"))
def test_a_texture_has_the_same_mean_colour_however_small_it_appears(kind: str) -> None:
    """From texels as large as pixels to a whole pattern within one: every mip level has the mean of its texture."""
    texture = Texture(kind, ((0.9, 0.2, 0.1), (0.1, 0.6, 0.9), (0.8, 0.8, 0.1)), 3, 0)
    mean = SRGB_DECODE[make_texture(texture)].astype(float).mean(axis=(0, 1))
    for uv_unit_m in (2.0, 1.0, 0.5, 0.1, 0.01):
        # One side of the box has 2 m, a whole number of repetitions, and fills the picture's height.
        world = scene((body(1, material=Material(texture, 1.0, 0.0)),), sky=WHITE, ground=WHITE)
        camera = look_at((0, -1 - 2.25, 0), (0, 0, 0))
        frame = picture(world, model_of(box_mesh((2, 2, 2), uv_unit_m=uv_unit_m)), camera=camera)
        assert (frame.instance_ids == 1).sum() == 160 * 160
        # A twenty-fifth of the light is mirrored, whatever the texture.
        got = (SRGB_DECODE[frame.rgb[frame.instance_ids == 1]].mean(axis=0) - 0.04) / 0.96
        # Between texels it is the square root of light that is interpolated: hard edges lose 2 % of full white.
        np.testing.assert_allclose(got, mean, atol=0.025)


def test_a_texture_far_away_has_its_mean_colour_and_does_not_flicker() -> None:
    image = np.zeros((256, 256, 3), dtype=np.uint8)
    image[::2, ::2] = image[1::2, 1::2] = 255
    world = scene((body(1, material=matte(None)),), sky=WHITE, ground=WHITE)
    frame = picture(world, model_of(box_mesh((4, 4, 4), uv_unit_m=0.5), image), camera=look_at((0, -8, 0), (0, 0, 0)))
    seen = frame.instance_ids == 1
    # Half of the light is scattered and a twenty-fifth mirrored.
    np.testing.assert_allclose(SRGB_DECODE[frame.rgb[seen]], 0.5 * 0.96 + 0.04, atol=0.01)


def test_a_texture_at_grazing_incidence_fades_instead_of_breaking_up() -> None:
    image = np.full((256, 256, 3), 40, dtype=np.uint8)
    image[:128, :128] = image[128:, 128:] = 220
    model = model_of(box_mesh((6, 6, 0.1), uv_unit_m=0.1), image)
    world = scene((body(1, pose=at(0, 0, -0.05), material=matte(None)),), sky=WHITE, ground=WHITE)
    frame = picture(world, model, camera=look_at((0, -0.5, 0.1), (0, 0.2, 0)))
    rgb, distance = frame.rgb[..., 0].astype(float), frame.depth_m
    near, far = rgb[(distance > 0.4) & (distance < 0.6)].std(), rgb[distance > 2.5].std()
    assert far < 0.5 * near


def test_a_backdrop_turns_with_the_camera_and_shows_its_whole_image() -> None:
    backdrop = Texture("checker", (WHITE, BLACK, (1, 0, 0)), 2, 3)
    world = scene(fixtures=(fixture((0.01, 0.01, 0.01), (0, 0, -5)),), backdrop=backdrop)
    pictures = [
        picture(world, camera=look_at((0, 0, 0), rotation_about((0, 0, 1), turn) @ (1, 0, 0))).rgb
        for turn in (0, 0.3, 2 * np.pi)
    ]
    assert pictures[0].std() > 10
    assert (pictures[0] != pictures[1]).any()
    assert (pictures[0] != pictures[2]).mean() < 0.001


def test_each_slot_of_an_object_shows_its_own_material() -> None:
    # A cube whose sides towards +x and -x show the second slot; red and rough, blue and metallic.
    cube = box_mesh((1, 1, 1))
    sideways = np.abs(cube.corner_normals[:, 0, 0]) > 0.5
    model = model_of(replace(cube, face_slots=sideways.astype(np.uint8)))
    red, blue = matte((1, 0, 0)), matte((0, 0, 1))
    two = replace(body(1), materials=(red, blue))
    world = scene((two, body(2, pose=at(0, 0, 5), material=matte((0, 1, 0)))), sky=WHITE, ground=WHITE)
    for eye, seen in [((2.5, 0, 0), "blue"), ((0, 2.5, 0), "red"), ((0, 0.01, 8), "green")]:
        frame = picture(world, model, camera=look_at(eye, (0, 0, 0)))
        channel = frame.rgb[80, 100].argmax()
        assert ("red", "green", "blue")[channel] == seen
