"""What `info` tells of an episode: where everything is, and what was drawn."""

import dataclasses
from typing import Any

import numpy as np

from graspsim.episode.simulation import Simulation
from graspsim.plain import to_plain
from graspsim.scene import Sensor, View

MOST_LIGHTS = 4


def privileged_state(sim: Simulation, most_objects: int) -> dict[str, Any]:
    """Return where everything is, in arrays whose shapes are always the same; absent objects are rows of zeros.

    Poses are positions and `quat_xyzw`. Ids are those of segmentation images: of the objects, of table, bin and room (0
    where there is none), and of the robot.
    """
    assert sim.scene.robot is not None
    fixtures = {fixture.name: fixture.instance_id for fixture in sim.scene.fixtures}
    count = len(sim.models)
    poses, velocities = np.zeros((most_objects, 7)), np.zeros((most_objects, 6))
    ids = np.zeros((2, most_objects), dtype=np.int64)
    poses[:count], velocities[:count] = sim.poses, sim.velocities
    ids[:, :count] = [
        [body.instance_id for body in sim.scene.bodies],
        [body.obj_id for body in sim.scene.bodies],
    ]
    return {
        "object_poses": poses,
        "object_velocities": velocities,
        "instance_ids": ids[0],
        "obj_ids": ids[1],
        "joint_positions": sim.joints.copy(),
        "world_from_gripper": sim.world_from_gripper.copy(),
        "width_m": sim.width_m,
        "fixture_ids": np.array([fixtures.get(name, 0) for name in ("table", "bin", "room")]),
        "robot_id": sim.scene.robot.instance_id,
    }


def drawn_values(sim: Simulation, view: View, most_objects: int) -> dict[str, Any]:
    """Return what was drawn for the episode, as numbers in arrays whose shapes are always the same.

    Lights are rows of: whether it is a point light, position (3), colour (3), width of its shadows' edges, whether it
    casts any. `camera` is fx, fy, cx, cy and the pose of the standing camera; `sensor` a `graspsim.scene.Sensor`, its
    white balance as three. `looks` are roughness and metallicity of each body's first material; the textures are in
    `sim.scene`.
    """
    scene, k = sim.scene, view.intrinsics
    bodies, looks, lights = np.zeros((5, most_objects)), np.zeros((2, most_objects)), np.zeros((MOST_LIGHTS, 9))
    for i, body in enumerate(scene.bodies):
        bodies[:, i] = (
            body.mass_kg,
            body.lateral_friction,
            body.spinning_friction,
            body.rolling_friction,
            body.restitution,
        )
        looks[:, i] = body.materials[0].roughness, body.materials[0].metallic
    for row, light in zip(lights, scene.lights, strict=False):
        row[:] = (light.kind == "point", *light.position_m, *light.color, light.penumbra_m, light.casts_shadow)
    control = {
        name: np.array(value) if isinstance(value, list | tuple) else float(value)
        for name, value in to_plain(sim.drawn).items()
    }
    table = next(fixture for fixture in scene.fixtures if fixture.name == "table")
    sensor = to_plain(view.sensor)
    return {
        "mass_kg": bodies[0],
        "lateral_friction": bodies[1],
        "spinning_friction": bodies[2],
        "rolling_friction": bodies[3],
        "restitution": bodies[4],
        "table_friction": table.lateral_friction,
        "table_restitution": table.restitution,
        "gravity_m_s2": scene.gravity_m_s2,
        "looks": looks,
        "lights": lights,
        "ambient": np.array([scene.sky, scene.ground]),
        "camera": np.array([k.fx, k.fy, k.cx, k.cy, *view.world_from_camera]),
        "sensor": np.hstack([sensor[field.name] for field in dataclasses.fields(Sensor)]),
        **control,
    }
