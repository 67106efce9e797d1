"""Small hand-made worlds, so that the tests of physics depend on no object family."""

from collections.abc import Sequence

import numpy as np

from graspsim.geometry import Array
from graspsim.meshes import Mesh, box_mesh, convex_mesh, finish
from graspsim.models import ObjectModel, Symmetries, object_model
from graspsim.scene import Body, Box, Fixture, Material, Pose, Scene

MATERIAL = Material(None, 0.5, 0.0)
UPRIGHT = (0.0, 0.0, 0.0, 1.0)


def box_model(size_m: Sequence[float]) -> ObjectModel:
    mesh = box_mesh(size_m)
    return object_model("box", mesh, [mesh.vertices], Symmetries())


def sphere_model(radius_m: float, count: int = 200) -> ObjectModel:
    """Return a polyhedron of points spread evenly over a sphere (Fibonacci)."""
    n = np.arange(count) + 0.5
    z, angle = 1 - 2 * n / count, np.pi * (1 + 5**0.5) * n
    ring = np.sqrt(1 - z**2)
    vertices, faces = convex_mesh(radius_m * np.stack([ring * np.cos(angle), ring * np.sin(angle), z], axis=1))
    return object_model("sphere", finish(vertices, faces), [vertices], Symmetries())


def cone_model(radius_m: float = 0.05, height_m: float = 0.15) -> ObjectModel:
    """Return a cone, whose centre of mass lies a quarter of its height up, off the middle of its box."""
    angle = 2 * np.pi * np.arange(32) / 32
    base = np.stack([radius_m * np.cos(angle), radius_m * np.sin(angle), 0 * angle], axis=1)
    vertices, faces = convex_mesh([*base, (0, 0, height_m)])
    return object_model("cone", finish(vertices, faces), [vertices], Symmetries())


def boxes_model(boxes: Sequence[tuple[Sequence[float], Sequence[float]]]) -> ObjectModel:
    """Return a body of boxes (size, centre) that touch but do not overlap, which keeps the mass properties exact."""
    meshes = [(box_mesh(size), np.asarray(center, dtype=float)) for size, center in boxes]
    parts = [mesh.vertices + center for mesh, center in meshes]
    faces = np.concatenate([mesh.faces + 8 * i for i, (mesh, _) in enumerate(meshes)])
    return object_model("boxes", finish(np.concatenate(parts), faces), parts, Symmetries())


def body(pose: Pose, obj_id: int = 1, instance_id: int = 1, **changes: float) -> Body:
    physics = dict.fromkeys(("spinning_friction", "rolling_friction", "restitution"), 0.0)
    physics |= {"mass_kg": 0.5, "lateral_friction": 1.0} | changes
    return Body(instance_id=instance_id, obj_id=obj_id, is_target=True, materials=(MATERIAL,), pose=pose, **physics)


def table(friction: float = 1.0, restitution: float = 0.0, side_m: float = 4.0) -> Fixture:
    boxes = (Box((side_m, side_m, 0.04), (0.0, 0.0, -0.02)),)
    return Fixture("table", 1000, boxes, friction, restitution, MATERIAL, 0.5)


def scene_of(bodies: Sequence[Body], fixtures: Sequence[Fixture] = (), gravity_m_s2: float = 9.81) -> Scene:
    black = (0.0, 0.0, 0.0)
    return Scene(
        0, 0, "tabletop", 0.5, tuple(bodies), tuple(fixtures), (), black, black, None, gravity_m_s2, len(bodies)
    )


def at(x: float, y: float, z: float, quat_xyzw: Sequence[float] = UPRIGHT) -> Pose:
    a, b, c, d = (float(v) for v in quat_xyzw)
    return x, y, z, a, b, c, d


def world_vertices(mesh: Mesh, world_from_body: Array) -> Array:
    """Return the vertices (n, 3) of a mesh at a transform (4, 4)."""
    return np.asarray(mesh.vertices @ world_from_body[:3, :3].T + world_from_body[:3, 3])
