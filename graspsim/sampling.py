"""From a specification to a scene: every draw from the stream that DESIGN names, so that (seed, index) is the scene."""

import colorsys

import numpy as np

from graspsim.color import linear_from_srgb
from graspsim.distributions import sample
from graspsim.errors import GraspsimError
from graspsim.images import list_images
from graspsim.layouts import PLACEMENTS
from graspsim.scene import RGB, Body, Box, Fixture, Light, Material, Scene, Texture
from graspsim.scene_objects import SceneObjects
from graspsim.spec import (
    BackgroundSpec,
    ColorSpec,
    LayoutSpec,
    LightSpec,
    LightsSpec,
    MaterialSpec,
    PhysicsSpec,
    SceneSpec,
)
from graspsim.streams import Stream, generator

TABLE_THICKNESS_M = 0.04
TABLE_HEIGHT_M = 0.75
BIN_WALL_M = 0.008
ROOM_HEIGHT_M = 3.0
_PER_OBJECT = 2**40
"""Index of the streams that belong to no scene: far beyond any scene's."""


def sample_scene(spec: SceneSpec, objects: SceneObjects, root_seed: int, index: int) -> Scene:
    """Draw scene `index`: its bodies where they are spawned, their physics and looks, the lights and the surroundings.

    Raises:
        GraspsimError: if not a single target fits.
    """
    layout = sample(spec.layout, generator(root_seed, index, Stream.LAYOUT, 0))
    rng = generator(root_seed, index, Stream.OBJECTS)
    count = sample(spec.objects, rng).count
    target_ids = rng.choice(np.asarray(objects.target_ids), size=count)
    rng = generator(root_seed, index, Stream.DISTRACTORS)
    distractor_count = sample(spec.distractors, rng).count if objects.distractor_ids else 0
    distractor_ids = rng.choice(np.asarray(objects.distractor_ids), size=distractor_count) if distractor_count else ()
    obj_ids = [int(i) for i in (*target_ids, *distractor_ids)]
    # Targets and distractors are numbered apart, so that more of one leaves what the others draw untouched.
    keys = [(0, n) for n in range(count)] + [(1, n) for n in range(distractor_count)]

    rngs = [generator(root_seed, index, Stream.LAYOUT, 1, *key) for key in keys]
    poses = PLACEMENTS[layout.kind]([objects[i] for i in obj_ids], layout.area_m, rngs)
    bodies: list[Body] = []
    for key, obj_id, pose in zip(keys, obj_ids, poses, strict=True):
        if pose is None:
            continue
        physics = sample(spec.physics, generator(root_seed, index, Stream.PHYSICS, *key))
        model = objects[obj_id]
        whose = (_PER_OBJECT, (obj_id,)) if spec.appearance.per == "object" else (index, key)
        materials = tuple(
            _sample_material(
                spec.appearance.material,
                generator(root_seed, whose[0], Stream.TEXTURES, *whose[1], slot),
                has_own=model.texture is not None,
            )
            for slot in range(len(model.slots))
        )
        bodies.append(
            Body(
                instance_id=len(bodies) + 1,
                obj_id=obj_id,
                is_target=key[0] == 0,
                mass_kg=physics.mass_kg or model.mass_kg or physics.density_kg_m3 * model.volume_m3,
                lateral_friction=physics.friction,
                spinning_friction=physics.spinning_friction,
                rolling_friction=physics.rolling_friction,
                restitution=physics.restitution,
                materials=materials,
                pose=pose,
            )
        )
    if not any(body.is_target for body in bodies):
        raise GraspsimError(
            f"Scene {index}: none of {count} objects fits into layout.area_m={layout.area_m:g}; make the area larger."
        )
    lights = sample(spec.lights, generator(root_seed, index, Stream.LIGHTS, 0))
    # What all bodies share: gravity, and the fixtures' surfaces.
    shared = sample(spec.physics, generator(root_seed, index, Stream.PHYSICS, 2))
    floats = layout.kind == "floating"
    return Scene(
        root_seed=root_seed,
        index=index,
        layout=layout.kind,
        area_m=layout.area_m,
        bodies=tuple(bodies),
        fixtures=() if floats else _fixtures(spec.background, layout, shared, root_seed, index, len(bodies)),
        lights=_sample_lights(spec.lights.light, lights, root_seed, index),
        sky=(lights.ambient,) * 3,
        ground=(lights.ambient * lights.ground_ratio,) * 3,
        backdrop=_sample_texture(spec.background.backdrop, generator(root_seed, index, Stream.BACKGROUND, 3))
        if floats
        else None,
        gravity_m_s2=0.0 if floats else shared.gravity_m_s2,
        requested=len(obj_ids),
    )


def _fixtures(
    background: BackgroundSpec,
    layout: LayoutSpec,
    physics: PhysicsSpec,
    root_seed: int,
    index: int,
    body_count: int,
) -> tuple[Fixture, ...]:
    """Return table, bin and room of a drawn layout; their looks are drawn here."""
    side = max(layout.table_m, layout.area_m + 0.1)
    # A bin's floor lies on the table, and objects on the bin's floor: the table is lowered so that this is at z = 0.
    top = -BIN_WALL_M if layout.kind == "bin" else 0.0
    room = sample(background.room_m, generator(root_seed, index, Stream.BACKGROUND, 4))
    boxes: dict[str, tuple[Box, ...]] = {
        "table": (Box((side, side, TABLE_THICKNESS_M), (0.0, 0.0, top - TABLE_THICKNESS_M / 2)),),
        "bin": _bin_boxes(layout.area_m, layout.wall_m),
        "room": (Box((room, room, ROOM_HEIGHT_M), (0.0, 0.0, ROOM_HEIGHT_M / 2 - TABLE_HEIGHT_M)),),
    }
    materials = {"table": background.table, "bin": background.bin, "room": background.room}
    uv_units_m = {"table": 0.5, "bin": 0.2, "room": 1.5}
    present = [name for name in boxes if name != "bin" or layout.kind == "bin"]
    return tuple(
        Fixture(
            name=name,
            instance_id=body_count + n,
            boxes=boxes[name],
            lateral_friction=physics.table_friction,
            restitution=physics.table_restitution,
            material=_sample_material(
                materials[name], generator(root_seed, index, Stream.BACKGROUND, list(boxes).index(name)), has_own=False
            ),
            uv_unit_m=uv_units_m[name],
            is_room=name == "room",
            casts_shadow=name == "bin",
        )
        for n, name in enumerate(present, start=1)
    )


def _bin_boxes(inner_m: float, wall_m: float) -> tuple[Box, ...]:
    """Return floor and walls that touch without overlapping; the floor's upper side is at z = 0."""
    t = BIN_WALL_M
    outer = inner_m + 2 * t
    offset = (inner_m + t) / 2
    return (
        Box((outer, outer, t), (0.0, 0.0, -t / 2)),
        Box((t, outer, wall_m), (offset, 0.0, wall_m / 2)),
        Box((t, outer, wall_m), (-offset, 0.0, wall_m / 2)),
        Box((inner_m, t, wall_m), (0.0, offset, wall_m / 2)),
        Box((inner_m, t, wall_m), (0.0, -offset, wall_m / 2)),
    )


def _sample_material(spec: MaterialSpec, rng: np.random.Generator, has_own: bool) -> Material:
    drawn = sample(spec, rng)
    keeps_own = has_own and drawn.own_texture
    return Material(None if keeps_own else _texture(drawn, rng), drawn.roughness, drawn.metallic)


def _sample_texture(spec: MaterialSpec, rng: np.random.Generator) -> Texture:
    return _texture(sample(spec, rng), rng)


def _texture(drawn: MaterialSpec, rng: np.random.Generator) -> Texture:
    seed = int(rng.integers(2**63))
    image = None
    if drawn.texture == "image":
        assert drawn.images is not None  # `check_spec` has seen to it
        images = list_images(drawn.images)
        image = images[int(rng.integers(len(images)))]
    first, second, third = (_rgb(color) for color in drawn.colors)
    return Texture(drawn.texture, (first, second, third), drawn.frequency, seed, image)


def _rgb(color: ColorSpec) -> RGB:
    return colorsys.hsv_to_rgb(color.hue, color.saturation, color.value)


def _sample_lights(spec: LightSpec, drawn: LightsSpec, root_seed: int, index: int) -> tuple[Light, ...]:
    lights = []
    for n in range(drawn.count):
        light = sample(spec, generator(root_seed, index, Stream.LIGHTS, 1, n))
        # By the golden angle from one to the next, so that lights whose azimuth is fixed do not coincide.
        azimuth, elevation = np.radians(light.azimuth_deg + n * 137.508), np.radians(light.elevation_deg)
        towards = np.array(
            [np.cos(elevation) * np.cos(azimuth), np.cos(elevation) * np.sin(azimuth), np.sin(elevation)]
        )
        x, y, z = (float(v) for v in towards * light.distance_m)
        warm, cold = max(light.warmth, 0.0), max(-light.warmth, 0.0)
        red, green, blue = linear_from_srgb((1.0 - 0.2 * cold, 1.0 - 0.2 * warm - 0.07 * cold, 1.0 - 0.5 * warm))
        scale = light.intensity / np.sqrt(drawn.count)
        color = (float(red * scale), float(green * scale), float(blue * scale))
        lights.append(Light(light.kind, (x, y, z), color, light.penumbra_m, drawn.shadows))
    return tuple(lights)
