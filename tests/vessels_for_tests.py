"""A ball dropped into what is hollow, and measures of its opening."""

import numpy as np
from scipy.spatial import ConvexHull
from worlds_for_tests import at, body, scene_of, sphere_model, table

from graspsim.geometry import Array, apply, invert, matrices_from_poses
from graspsim.meshes import Mesh
from graspsim.models import ObjectModel
from graspsim.physics.bullet import BulletWorld


def in_parts(points: Array, model: ObjectModel) -> Array:
    """Return which of points (n, 3) lie inside a convex part."""
    inside = np.zeros(len(points), dtype=bool)
    for part in model.parts:
        equations = ConvexHull(part).equations
        inside |= (points @ equations[:, :3].T + equations[:, 3] < 0).all(axis=1)
    return inside


def first_hits(origins: Array, directions: Array, mesh: Mesh) -> Array:
    """Return how far (n,) each ray goes before it meets the surface (Möller and Trumbore 1997)."""
    corner, edge, other = (mesh.vertices[mesh.faces[:, i]] for i in range(3))
    edge, other = edge - corner, other - corner
    across = np.cross(directions[:, None], other)
    scale = np.einsum("rfi,fi->rf", across, edge)
    scale = np.where(np.abs(scale) < 1e-15, np.nan, scale)
    start = origins[:, None] - corner
    u = np.einsum("rfi,rfi->rf", start, across) / scale
    turned = np.cross(start, edge)
    v = np.einsum("rfi,ri->rf", turned, directions) / scale
    far = np.einsum("rfi,fi->rf", turned, other) / scale
    is_hit = (u >= -1e-9) & (v >= -1e-9) & (u + v <= 1 + 1e-9) & (far > 0)
    return np.asarray(np.where(is_hit, far, np.inf).min(axis=1))


def opening(model: ObjectModel) -> tuple[Array, float, float]:
    """Return the axis (2,), radius and floor's height of the free upright cylinder in a hollow.

    The floor comes first among the parts, or, of what is put together from boards, is symmetric about the middle.
    """
    axis = model.parts[0][:, :2].mean(axis=0) if model.name != "crate" else np.zeros(2)
    top = model.extents_m[2] / 2
    z = np.linspace(-top, top, 200)
    # Off the middle too, where boards may leave a gap.
    lines = [np.column_stack([np.full(200, axis[0]), np.full(200, axis[1] + y), z]) for y in (0, 0.005)]
    filled = np.any([in_parts(line, model) for line in lines], axis=0)
    floor = z[filled.nonzero()[0].max()]
    angle, radius = 2 * np.pi * np.arange(24) / 24, np.linspace(0.002, 0.1, 197)
    free = 0.1
    for height in np.linspace(floor + 0.7 * (top - floor), top - 1e-4, 6):
        around = np.stack([np.cos(angle), np.sin(angle)], axis=1)
        points = axis + (radius[:, None, None] * around).reshape(-1, 2)
        hit = in_parts(np.column_stack([points, np.full(len(points), height)]), model).reshape(197, 24).any(axis=1)
        if hit.any():
            free = min(free, radius[hit.argmax()])
    return axis, float(free), float(floor)


def rests_inside(model: ObjectModel, offset: float = 0.25) -> bool:
    """Return whether a ball a third as wide as the opening, dropped off the middle, falls in and stays."""
    axis, radius, floor = opening(model)
    ball = radius / 3
    half = model.extents_m[2] / 2
    start = (axis[0] + offset * radius, axis[1], 2 * half + ball + 0.005)
    scene = scene_of(
        [body(at(0, 0, half + 1e-4)), body(at(*start), obj_id=2, instance_id=2, mass_kg=0.02, rolling_friction=0.002)],
        [table()],
    )
    with BulletWorld(scene, {1: model, 2: sphere_model(ball, 60)}) as world:
        world.step(1.5)
        vessel, probe = matrices_from_poses(world.poses())
    x, y, z = apply(invert(vessel[None])[0], probe[None, :3, 3])[0]
    upright = vessel[2, 2] > 0.99
    in_depth = floor - 0.0015 < z - ball < floor + 0.3 * (half - floor)
    return bool(upright and in_depth and np.hypot(x - axis[0], y - axis[1]) < 2 * radius)
