"""From a specification to a scene: every draw from the stream that DESIGN names, so that (seed, index) is the scene."""

import colorsys

import numpy as np

from graspsim.color import linear_from_srgb
from graspsim.distributions import sample
from graspsim.errors import GraspsimError
from graspsim.images import list_images
from graspsim.layouts import PLACEMENTS
from graspsim.object_set import ObjectSet
from graspsim.scene import RGB, Body, Box, Fixture, Light, Material, Scene, Texture
from graspsim.spec import ColorSpec, LightsSpec, MaterialSpec, PhysicsSpec, SceneSpec
from graspsim.streams import Stream, generator

TABLE_THICKNESS_M = 0.04
TABLE_HEIGHT_M = 0.75
BIN_WALL_M = 0.008
ROOM_HEIGHT_M = 3.0
_PER_OBJECT = 2**40
"""Index of the streams that belong to no scene: far beyond any scene's."""


def sample_scene(spec: SceneSpec, objects: ObjectSet, root_seed: int, index: int) -> Scene:
    """Draw scene `index`: its bodies where they are spawned, their physics and looks, the lights and the surroundings.

    Raises:
        GraspsimError: if not a single target fits.
    """
    layout = sample(spec.layout, generator(root_seed, index, Stream.LAYOUT, 0))
    rng = generator(root_seed, index, Stream.OBJECTS)
    count = sample(spec.objects, rng).count
    target_ids = rng.choice(np.asarray(objects.target_ids), size=count)
    rng = generator(root_seed, index, Stream.DISTRACTORS)
    distractor_count = sample(spec.distractors, rng).count if objects.distractor_count else 0
    distractor_ids = rng.choice(np.asarray(objects.distractor_ids), size=distractor_count) if distractor_count else ()
    obj_ids = [int(i) for i in (*target_ids, *distractor_ids)]

    place = PLACEMENTS[layout.kind]
    poses = place([objects[i] for i in obj_ids], layout.area_m, generator(root_seed, index, Stream.LAYOUT, 1))
    bodies: list[Body] = []
    for n, (obj_id, pose) in enumerate(zip(obj_ids, poses, strict=True)):
        if pose is None:
            continue
        physics = sample(spec.physics, generator(root_seed, index, Stream.PHYSICS, n))
        if spec.appearance.per == "object":
            looks = generator(root_seed, _PER_OBJECT, Stream.TEXTURES, obj_id)
        else:
            looks = generator(root_seed, index, Stream.TEXTURES, n)
        material = spec.appearance.material
        keeps_own = material.own_texture and objects[obj_id].texture is not None
        bodies.append(
            Body(
                instance_id=len(bodies) + 1,
                obj_id=obj_id,
                is_target=n < count,
                mass_kg=physics.mass_kg or physics.density_kg_m3 * objects[obj_id].volume_m3,
                lateral_friction=physics.friction,
                spinning_friction=physics.spinning_friction,
                rolling_friction=physics.rolling_friction,
                restitution=physics.restitution,
                material=_sample_material(material, looks, keeps_own),
                pose=pose,
            )
        )
    if not any(body.is_target for body in bodies):
        raise GraspsimError(
            f"Scene {index}: none of {count} objects fits into layout.area_m={layout.area_m:g}; make the area larger."
        )
    lights = sample(spec.lights, generator(root_seed, index, Stream.LIGHTS, 0))
    return Scene(
        root_seed=root_seed,
        index=index,
        bodies=tuple(bodies),
        fixtures=_fixtures(
            spec, layout.kind, layout.table_m, layout.area_m, layout.wall_m, root_seed, index, len(bodies)
        ),
        lights=_sample_lights(spec.lights, lights.count, lights.shadows, root_seed, index),
        sky=(lights.ambient,) * 3,
        ground=(lights.ambient * lights.ground_ratio,) * 3,
        backdrop=_sample_texture(spec.background.backdrop, generator(root_seed, index, Stream.BACKGROUND, 3))
        if layout.kind == "floating"
        else None,
        gravity_m_s2=0.0 if layout.kind == "floating" else _surroundings(spec, root_seed, index).gravity_m_s2,
        requested=len(obj_ids),
    )


def _fixtures(
    spec: SceneSpec,
    kind: str,
    table_m: float,
    area_m: float,
    wall_m: float,
    root_seed: int,
    index: int,
    body_count: int,
) -> tuple[Fixture, ...]:
    if kind == "floating":
        return ()
    physics = _surroundings(spec, root_seed, index)
    background = spec.background
    side = max(table_m, area_m + 0.1)
    table = Box((side, side, TABLE_THICKNESS_M), (0.0, 0.0, -TABLE_THICKNESS_M / 2))
    boxes: dict[str, tuple[Box, ...]] = {"table": (table,)}
    if kind == "bin":
        boxes["bin"] = _bin_boxes(area_m, wall_m)
        # The bin's floor lies on the table, and objects on the bin's floor: lowered so that both happen at z = 0.
        boxes["table"] = (Box((side, side, TABLE_THICKNESS_M), (0.0, 0.0, -TABLE_THICKNESS_M / 2 - BIN_WALL_M)),)
    room = sample(background, generator(root_seed, index, Stream.BACKGROUND, 4)).room_m
    boxes["room"] = (Box((room, room, ROOM_HEIGHT_M), (0.0, 0.0, ROOM_HEIGHT_M / 2 - TABLE_HEIGHT_M)),)
    materials = {"table": background.table, "bin": background.bin, "room": background.room}
    uv_units_m = {"table": 0.5, "bin": 0.2, "room": 1.5}
    return tuple(
        Fixture(
            name=name,
            instance_id=body_count + n + 1,
            boxes=boxes[name],
            lateral_friction=physics.table_friction,
            restitution=physics.table_restitution,
            material=_sample_material(materials[name], generator(root_seed, index, Stream.BACKGROUND, key), False),
            uv_unit_m=uv_units_m[name],
            is_room=name == "room",
            casts_shadow=name == "bin",
        )
        for n, (key, name) in enumerate((k, name) for k, name in enumerate(materials) if name in boxes)
    )


def _surroundings(spec: SceneSpec, root_seed: int, index: int) -> PhysicsSpec:
    """Return the draw of what all bodies share: gravity, and the fixtures' surfaces."""
    return sample(spec.physics, generator(root_seed, index, Stream.PHYSICS, 2**32))


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


def _sample_material(spec: MaterialSpec, rng: np.random.Generator, keeps_own: bool) -> Material:
    drawn = sample(spec, rng)
    texture = _sample_texture(spec, rng)
    return Material(None if keeps_own else texture, drawn.roughness, drawn.metallic)


def _sample_texture(spec: MaterialSpec, rng: np.random.Generator) -> Texture:
    drawn = sample(spec, rng)
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


def _sample_lights(spec: LightsSpec, count: int, shadows: bool, root_seed: int, index: int) -> tuple[Light, ...]:
    lights = []
    for n in range(count):
        light = sample(spec.light, generator(root_seed, index, Stream.LIGHTS, 1 + n))
        azimuth, elevation = np.radians(light.azimuth_deg), np.radians(light.elevation_deg)
        towards = np.array(
            [np.cos(elevation) * np.cos(azimuth), np.cos(elevation) * np.sin(azimuth), np.sin(elevation)]
        )
        x, y, z = (float(v) for v in towards * light.distance_m)
        red, green, blue = linear_from_srgb(
            (1.0, 1.0 - 0.2 * max(light.warmth, 0.0), 1.0 - 0.5 * max(light.warmth, 0.0))
        )
        cold = -min(light.warmth, 0.0)
        scale = light.intensity / np.sqrt(count)
        color = (float(red * (1 - 0.4 * cold) * scale), float(green * (1 - 0.15 * cold) * scale), float(blue * scale))
        lights.append(Light(light.kind, (x, y, z), color, light.penumbra_m, shadows))
    return tuple(lights)
