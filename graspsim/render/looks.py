"""The looks of a scene's bodies, from its materials to the arrays that shading reads."""

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from graspsim.models import ObjectModel
from graspsim.registry import load
from graspsim.render.atlas import build_atlas
from graspsim.render.buffers import Looks
from graspsim.render.textures import make_texture
from graspsim.robot import Link
from graspsim.scene import Material, Scene, Texture

_BARE: NDArray[np.uint8] = np.full((1, 1, 3), 180, dtype=np.uint8)
"""Texture of a model that was to show its own and has none."""


def looks_of(scene: Scene, models: Mapping[int, ObjectModel]) -> Looks:
    """Make every texture of the scene once: of the bodies, the robot, the fixtures, and the backdrop."""
    images: list[NDArray[np.uint8]] = []
    slots: dict[object, int] = {}

    def slot(key: object, image: NDArray[np.uint8] | None, material: Material | None = None) -> int:
        if key not in slots:
            slots[key] = len(images)
            if material is not None and material.texture is not None:
                image = make_texture(material.texture)
            images.append(_BARE if image is None else image)
        return slots[key]

    materials: list[Material] = []
    chosen = []
    for body in scene.bodies:
        own = models[body.obj_id].texture
        for material in body.materials:
            materials.append(material)
            chosen.append(slot(material.texture or ("own", body.obj_id), own, material))
    links = links_of(scene)
    for link in links:
        material = Material(Texture("flat", (link.color,) * 3, 1, 0), roughness=0.45, metallic=0.0)
        materials.append(material)
        chosen.append(slot(material.texture, None, material))
    for fixture in scene.fixtures:
        materials.append(fixture.material)
        chosen.append(slot(fixture.material.texture, None, fixture.material))
    if scene.backdrop is not None:
        chosen.append(slot(scene.backdrop, make_texture(scene.backdrop)))
    texels, tables = build_atlas(images)
    bodies, fixtures = scene.bodies, scene.fixtures
    robot_ids = [scene.robot.instance_id] * len(links) if scene.robot else []
    return Looks(
        instance_ids=np.array(
            [*(b.instance_id for b in bodies), *robot_ids, *(f.instance_id for f in fixtures)], dtype=np.uint16
        ),
        surface=np.array([(m.roughness, m.metallic) for m in materials], dtype=np.float32).reshape(-1, 2),
        # The table is flat and the room surrounds everything: neither can shade what we look at.
        is_caster=np.array([True] * (len(bodies) + len(links)) + [f.casts_shadow for f in fixtures], dtype=np.bool_),
        texels=texels,
        textures=tables[chosen],
        backdrop=len(materials) if scene.backdrop is not None else -1,
        ambient=np.array([scene.sky, scene.ground], dtype=np.float32),
    )


def links_of(scene: Scene) -> list[Link]:
    """Return the links of the scene's robot that are seen, in their order."""
    if scene.robot is None:
        return []
    robot = load("robot", scene.robot.name)()
    return [robot.links[i] for i in robot.seen_links()]
