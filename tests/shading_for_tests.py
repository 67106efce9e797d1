"""Pictures, and what published formulas make of the same scene, for tests of light and shadow."""

import numpy as np
from scenes_for_tests import (
    CAMERA,
    poses_of,
    renderer_of,
)

from graspsim.color import linear_from_srgb, srgb_from_linear
from graspsim.geometry import Array, apply, look_at, unproject
from graspsim.scene import Light, Scene

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
