"""Shadows lie where geometry says, have penumbras of the width asked for, and are drawn again where something moved."""

from dataclasses import replace

import numpy as np
import pytest
from scenes_for_tests import (
    CAMERA,
    at,
    body,
    box_model,
    hull_model,
    light,
    poses_of,
    renderer_of,
    scene,
    sphere_model,
    table,
)
from scipy.spatial import ConvexHull
from shading_for_tests import OBLIQUE, SUN, encoded, picture, reflected, world_points

from graspsim.color import SRGB_DECODE
from graspsim.geometry import Array, apply, look_at, matrices_from_poses, random_quat
from graspsim.meshes import box_mesh
from graspsim.models import make_object
from graspsim.render.buffers import geometry_of
from graspsim.render.lighting import BLOCK
from graspsim.render.shadows import ShadowMaps
from graspsim.scene import Light, Scene


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
