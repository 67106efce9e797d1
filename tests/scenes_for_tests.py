"""Small scenes for tests of rendering and labels, and the geometry that pictures of them are checked against."""

import numpy as np

from graspsim.geometry import Array, Intrinsics, invert, matrices_from_poses
from graspsim.meshes import Mesh, box_mesh, convex_mesh, finish
from graspsim.models import ObjectModel, Symmetries, object_model
from graspsim.render.raster import RasterRenderer
from graspsim.scene import IDENTITY, RGB, Body, Box, Fixture, Light, Material, Pose, Scene, Texture, Vector

BLACK: RGB = (0.0, 0.0, 0.0)
WHITE: RGB = (1.0, 1.0, 1.0)
CAMERA = Intrinsics(200, 160, 180.0, 180.0, 100.0, 80.0)
TABLE_ID = 900


def matte(color: RGB | None = WHITE, roughness: float = 1.0, metallic: float = 0.0) -> Material:
    """A material of one sRGB colour, or with the model's own texture if that is None."""
    texture = None if color is None else Texture("flat", (color, color, color), 1, 0)
    return Material(texture, roughness, metallic)


def body(
    instance_id: int,
    obj_id: int = 1,
    pose: Pose = IDENTITY,
    material: Material | None = None,
    is_target: bool = True,
) -> Body:
    return Body(instance_id, obj_id, is_target, 0.1, 0.5, 0.0, 0.0, 0.1, (material or matte(),), pose)


def at(x: float, y: float, z: float, quat_xyzw: Array | None = None) -> Pose:
    quat = (0.0, 0.0, 0.0, 1.0) if quat_xyzw is None else tuple(float(q) for q in quat_xyzw)
    return (x, y, z, *quat)  # type: ignore[return-value]


def fixture(
    size_m: Vector,
    center_m: Vector,
    instance_id: int = TABLE_ID,
    material: Material | None = None,
    is_room: bool = False,
) -> Fixture:
    boxes = (Box(size_m, center_m),)
    return Fixture("fixture", instance_id, boxes, 0.5, 0.1, material or matte(), 0.1, is_room=is_room)


def table(size_m: float = 2.0, material: Material | None = None) -> Fixture:
    """A slab whose top is the plane z = 0."""
    return fixture((size_m, size_m, 0.1), (0.0, 0.0, -0.05), material=material)


def light(
    position_m: Vector,
    kind: str = "directional",
    color: RGB = WHITE,
    penumbra_m: float = 0.005,
    casts_shadow: bool = True,
) -> Light:
    return Light(kind, position_m, color, penumbra_m, casts_shadow)


def scene(
    bodies: tuple[Body, ...] = (),
    fixtures: tuple[Fixture, ...] = (),
    lights: tuple[Light, ...] = (),
    sky: RGB = BLACK,
    ground: RGB = BLACK,
    backdrop: Texture | None = None,
) -> Scene:
    return Scene(0, 0, "tabletop", 0.5, bodies, fixtures, lights, sky, ground, backdrop, 9.81, len(bodies))


def poses_of(scene: Scene) -> Array:
    """Where the bodies are spawned, (n, 7)."""
    return np.array([b.pose for b in scene.bodies], dtype=np.float64).reshape(-1, 7)


def renderer_of(scene: Scene, *models: ObjectModel, supersampling: int = 1) -> RasterRenderer:
    """A renderer of a scene whose obj_id 1, 2, … are the models in turn."""
    return RasterRenderer(scene, dict(enumerate(models, start=1)), supersampling=supersampling)


def model_of(mesh: Mesh, texture: np.ndarray | None = None) -> ObjectModel:
    return object_model("test", mesh, [mesh.vertices], Symmetries(), texture)


def box_model(size_m: Vector = (1.0, 1.0, 1.0)) -> ObjectModel:
    return model_of(box_mesh(size_m))


def sphere_model(radius_m: float = 0.05, count: int = 3000) -> ObjectModel:
    """A finely faceted sphere, smoothly shaded (Fibonacci lattice)."""
    z = 1 - (2 * np.arange(count) + 1) / count
    turn = np.pi * (1 + 5**0.5) * np.arange(count)
    points = np.stack([np.sqrt(1 - z**2) * np.cos(turn), np.sqrt(1 - z**2) * np.sin(turn), z], axis=1)
    return model_of(finish(*convex_mesh(points * radius_m)))


def hull_model(rng: np.random.Generator, size_m: float, count: int = 12) -> ObjectModel:
    """A random polyhedron."""
    return model_of(finish(*convex_mesh(rng.normal(size=(count, 3)) * size_m), crease_rad=0.0))


def pixel_rays(intrinsics: Intrinsics) -> Array:
    """Directions (height, width, 3) with z = 1 through the pixel centres, so that depth is the ray's parameter."""
    k = intrinsics
    v, u = np.mgrid[: k.height, : k.width] + 0.5
    return np.stack([(u - k.cx) / k.fx, (v - k.cy) / k.fy, np.ones_like(u)], axis=-1)


def ray_box(intrinsics: Intrinsics, camera_from_box: Array, size_m: Vector) -> tuple[Array, Array, Array, Array]:
    """Return where pixel rays meet a box, by the slab method (Kay and Kajiya 1986).

    Returns depth of entry and of exit (h, w), the entry's normal in the camera frame (h, w, 3), and the length in depth
    of the ray's way through the box, (h, w): negative if it misses. Seen from inside the box, the entry is negative.
    """
    box_from_camera = invert(camera_from_box)
    directions = pixel_rays(intrinsics) @ box_from_camera[:3, :3].T
    origin, half = box_from_camera[:3, 3], np.asarray(size_m) / 2
    with np.errstate(divide="ignore", invalid="ignore"):
        first, second = (-half - origin) / directions, (half - origin) / directions
    low, high = np.minimum(first, second), np.maximum(first, second)
    axis = low.argmax(axis=-1)
    inward = np.sign(np.take_along_axis(directions, axis[..., None], axis=-1))
    normals = -inward * np.eye(3)[axis] @ camera_from_box[:3, :3].T
    return low.max(axis=-1), high.min(axis=-1), normals, high.min(axis=-1) - low.max(axis=-1)


def camera_from_bodies(scene: Scene, world_from_camera: Array) -> Array:
    """Return `camera_from_body` (n, 4, 4) of every body where it is spawned."""
    return np.asarray(invert(world_from_camera) @ matrices_from_poses(poses_of(scene)))
