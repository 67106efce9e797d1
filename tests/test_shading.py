from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest
from scenes_for_tests import (
    BLACK,
    WHITE,
    at,
    body,
    fixture,
    light,
    matte,
    model_of,
    scene,
    sphere_model,
    table,
)
from shading_for_tests import ABOVE, encoded, picture, reflected, stored

from graspsim import registry
from graspsim.color import SRGB_DECODE, SRGB_ENCODE, linear_from_srgb, srgb_from_linear
from graspsim.geometry import look_at, rotation_about
from graspsim.mesh_import import import_mesh
from graspsim.meshes import box_mesh
from graspsim.render.textures import make_texture
from graspsim.scene import Material, Texture

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
