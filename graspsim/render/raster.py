"""The default renderer: a rasteriser on the CPU, compiled with Numba. No OpenGL, no display, the same bytes always."""

from collections.abc import Mapping

import cv2
import numpy as np
from numpy.typing import NDArray

from graspsim.color import SRGB_DECODE, SRGB_ENCODE
from graspsim.errors import UnknownNameError
from graspsim.geometry import Array, Intrinsics, invert, matrices_from_poses
from graspsim.meshes import Mesh
from graspsim.models import ObjectModel
from graspsim.render.buffers import Picture, Pose, geometry_of, row_of
from graspsim.render.fixtures import fixture_mesh
from graspsim.render.frame import CHANNELS, Frame, Silhouette
from graspsim.render.kernels import NOTHING, project_vertices, rasterize, silhouette_box
from graspsim.render.looks import links_of, looks_of
from graspsim.render.shading import shade
from graspsim.render.shadows import ShadowMaps
from graspsim.scene import Scene

NEAR_M = 0.01
_NO_FACES = np.zeros((0, 0), dtype=np.int32)
_NO_DEPTH = np.zeros((0, 0), dtype=np.float32)
_NO_COVER = np.zeros((0, 0), dtype=np.uint8)
_NOTHING = Picture(
    np.zeros((0, 0, 3), dtype=np.uint8),
    np.zeros((0, 0), dtype=np.float32),
    np.zeros((0, 0), dtype=np.uint16),
    np.zeros((0, 0, 3), dtype=np.float32),
    np.zeros((0, 0, 3), dtype=np.float32),
)


def camera_rows(intrinsics: Intrinsics, camera_from_world: Array) -> Array:
    """Return the projection (4, 4) of world points in the sense of `graspsim.render.kernels`."""
    k = intrinsics
    rows_from_camera = np.array([[k.fx, 0, k.cx, 0], [0, k.fy, k.cy, 0], [0, 0, 0, 1.0], [0, 0, 1.0, 0]])
    return np.asarray(rows_from_camera @ camera_from_world)


class RasterRenderer:
    """Draws one scene. Uploading is done once; a call then costs in proportion to faces and pixels.

    Args:
        scene: what to draw.
        models: the model of each obj_id.
        supersampling: colour samples per pixel and axis. Labels are always taken at pixel centres.
        shadow_size: texels per side of each light's shadow map; by default about the image's height.
    """

    def __init__(
        self,
        scene: Scene,
        models: Mapping[int, ObjectModel],
        supersampling: int = 1,
        shadow_size: int | None = None,
    ) -> None:
        self._supersampling = supersampling
        self._shadow_size = shadow_size
        self._scene = scene
        self._body_count = len(scene.bodies)
        meshes = [models[body.obj_id].mesh for body in scene.bodies]
        meshes += [link.mesh for link in links_of(scene) if link.mesh is not None]
        meshes += [fixture_mesh(fixture) for fixture in scene.fixtures]
        material_counts = [len(body.materials) for body in scene.bodies]
        material_counts += [1] * (len(meshes) - len(scene.bodies))
        self._geometry = geometry_of(meshes, material_counts)
        self._looks = looks_of(scene, models)
        self._shadows = ShadowMaps(scene.lights, self._geometry, self._looks.is_caster)
        self._screen = np.empty((len(self._geometry.vertices), 4))

    def render(
        self,
        poses: Array,
        intrinsics: Intrinsics,
        world_from_camera: Array,
        channels: tuple[str, ...] = CHANNELS,
    ) -> Frame:
        """Return the picture of bodies, and after them a robot's seen links, at `poses` (n, 7).

        Raises:
            UnknownNameError: for a channel that is none of `CHANNELS`.
        """
        for channel in channels:
            if channel not in CHANNELS:
                raise UnknownNameError("channel", channel, CHANNELS)
        world_from_body = self._world_from_body(poses)
        if "rgb" in channels:
            self._shadows.update(world_from_body, self._shadow_size or _shadow_size(intrinsics.height))
        if "rgb" not in channels or self._supersampling == 1:
            return self._draw(world_from_body, intrinsics, world_from_camera, channels)
        n = self._supersampling
        k = intrinsics
        fine = Intrinsics(k.width * n, k.height * n, k.fx * n, k.fy * n, k.cx * n, k.cy * n)
        rgb = self._draw(world_from_body, fine, world_from_camera, ("rgb",)).rgb
        assert rgb is not None
        linear = cv2.resize(SRGB_DECODE[rgb], (k.width, k.height), interpolation=cv2.INTER_AREA)
        labels = self._draw(world_from_body, k, world_from_camera, tuple(c for c in channels if c != "rgb"))
        smooth = SRGB_ENCODE[(linear * 4095 + 0.5).astype(np.int32)]
        return Frame(smooth, labels.depth_m, labels.instance_ids, labels.normals, labels.coordinates_m)

    def _world_from_body(self, poses: Array) -> Array:
        fixtures = np.broadcast_to(np.eye(4), (len(self._scene.fixtures), 4, 4))
        return np.concatenate([matrices_from_poses(poses), fixtures])

    def _project(self, world_from_body: Array, intrinsics: Intrinsics, world_from_camera: Array) -> None:
        rows = camera_rows(intrinsics, invert(world_from_camera))
        g = self._geometry
        project_vertices(g.vertices, g.vertex_start, rows @ world_from_body, NEAR_M, self._screen)

    def _draw(
        self, world_from_body: Array, k: Intrinsics, world_from_camera: Array, channels: tuple[str, ...]
    ) -> Frame:
        g = self._geometry
        shape = (k.height, k.width)
        self._project(world_from_body, k, world_from_camera)
        nearest = np.zeros(shape, dtype=np.float32)
        winner = np.full(shape, NOTHING, dtype=np.int32)
        clip = (0, 0, k.width, k.height)
        rasterize(self._screen, g.faces, 0, len(g.faces), True, NEAR_M, clip, nearest, winner, _NO_COVER)
        picture = Picture(
            np.empty((*shape, 3), dtype=np.uint8) if "rgb" in channels else _NOTHING.rgb,
            np.zeros(shape, dtype=np.float32) if "depth" in channels else _NOTHING.depth,
            np.zeros(shape, dtype=np.uint16) if "ids" in channels else _NOTHING.ids,
            np.zeros((*shape, 3), dtype=np.float32) if "normals" in channels else _NOTHING.normals,
            np.zeros((*shape, 3), dtype=np.float32) if "coordinates" in channels else _NOTHING.coordinates,
        )
        pose = Pose(
            world_from_camera, world_from_body, invert(world_from_camera) @ world_from_body, k.fx, k.fy, k.cx, k.cy
        )
        shade(winner, g, self._looks, self._shadows.lighting, pose, SRGB_ENCODE, row_of(k.width), picture)
        return Frame(
            picture.rgb if "rgb" in channels else None,
            picture.depth if "depth" in channels else None,
            picture.ids if "ids" in channels else None,
            picture.normals if "normals" in channels else None,
            picture.coordinates if "coordinates" in channels else None,
        )

    def silhouettes(self, poses: Array, intrinsics: Intrinsics, world_from_camera: Array) -> list[Silhouette]:
        """Return where each body would be seen if it were alone, in the order of `poses`."""
        k, g = intrinsics, self._geometry
        self._project(self._world_from_body(poses), k, world_from_camera)
        canvas = (-k.width, -k.height, 2 * k.width, 2 * k.height)
        silhouettes = []
        for body in range(self._body_count):
            first, last = g.vertex_start[body], g.vertex_start[body + 1]
            box = silhouette_box(self._screen, first, last, NEAR_M, canvas)
            silhouettes.append(_cover(self._screen, g.faces, int(g.face_start[body]), int(g.face_start[body + 1]), box))
        return silhouettes


def _cover(
    screen: Array, faces: NDArray[np.int32], first_face: int, last_face: int, clip: tuple[int, int, int, int]
) -> Silhouette:
    left, top, right, bottom = clip
    covered = np.zeros((bottom - top, right - left), dtype=np.uint8)
    if covered.size:
        rasterize(screen, faces, first_face, last_face, True, NEAR_M, clip, _NO_DEPTH, _NO_FACES, covered)
    rows, columns = np.flatnonzero(covered.any(axis=1)), np.flatnonzero(covered.any(axis=0))
    if not len(rows):
        return Silhouette((0, 0, 0, 0), np.zeros((0, 0), dtype=np.bool_))
    y, x = int(rows[0]), int(columns[0])
    height, width = int(rows[-1]) + 1 - y, int(columns[-1]) + 1 - x
    return Silhouette((left + x, top + y, width, height), covered[y : y + height, x : x + width].view(np.bool_))


def _shadow_size(image_height: int) -> int:
    """Return the power of two, from 128 to 1024, nearest to the image's height."""
    return int(2 ** np.clip(np.round(np.log2(image_height)), 7, 10))


def render_mesh(mesh: Mesh, camera_from_model: Array, intrinsics: Intrinsics) -> NDArray[np.float32]:
    """Return the z-depth (height, width) of a lone mesh in metres, both sides of its faces drawn, 0 where none is."""
    k = intrinsics
    screen = np.empty((len(mesh.vertices), 4))
    rows = camera_rows(k, camera_from_model)[None]
    project_vertices(mesh.vertices, np.array([0, len(mesh.vertices)]), rows, NEAR_M, screen)
    nearest = np.zeros((k.height, k.width), dtype=np.float32)
    clip = (0, 0, k.width, k.height)
    rasterize(screen, mesh.faces, 0, len(mesh.faces), False, NEAR_M, clip, nearest, _NO_FACES, _NO_COVER)
    with np.errstate(divide="ignore"):
        return np.where(nearest > 0, 1 / nearest, 0).astype(np.float32)
