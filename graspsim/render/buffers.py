"""What the compiled kernels read and write: arrays under names. Numba takes named tuples as they are."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from graspsim.geometry import Array
from graspsim.meshes import Mesh


class Geometry(NamedTuple):
    """The meshes of several bodies in one set of arrays.

    Attributes:
        vertices: (n, 3) in body frames.
        faces: (m, 3) int32.
        vertex_start: (b + 1,) body i owns the vertices from entry i to entry i + 1.
        face_start: (b + 1,) the same for faces.
        face_body: (m,) int32.
        face_material: (m,) int32, row of the looks' tables.
        corner_normals: (m, 3, 3) float32.
        corner_uvs: (m, 3, 2) float32.
        uv_density: (m,) float32, UV units per metre.
    """

    vertices: Array
    faces: NDArray[np.int32]
    vertex_start: NDArray[np.int64]
    face_start: NDArray[np.int64]
    face_body: NDArray[np.int32]
    face_material: NDArray[np.int32]
    corner_normals: NDArray[np.float32]
    corner_uvs: NDArray[np.float32]
    uv_density: NDArray[np.float32]


class Looks(NamedTuple):
    """What the bodies' surfaces look like, and what surrounds them. A body has one material or more.

    Attributes:
        instance_ids: (b,) uint16.
        surface: (n, 2) float32 roughness and metallic of each material.
        is_caster: (b,) whether the body is in the shadow maps, and so needs an offset against shading itself.
        texels: of all textures, see `graspsim.render.atlas`.
        textures: (n or n + 1, k) table of each material's texture, see there; the backdrop's comes last.
        backdrop: row of the backdrop's texture, or -1 to show the ambient colours.
        ambient: (2, 3) float32 linear RGB of sky and ground.
    """

    instance_ids: NDArray[np.uint16]
    surface: NDArray[np.float32]
    is_caster: NDArray[np.bool_]
    texels: NDArray[np.uint64]
    textures: NDArray[np.int64]
    backdrop: int
    ambient: NDArray[np.float32]


class Lighting(NamedTuple):
    """The lights and their shadow maps.

    Attributes:
        lights: (l, 8) float32 position or direction (3), colour (3), whether it is a point, whether it casts shadows.
        rows: (l, 4, 4) projection of world points into each map.
        maps: (l, size, size) float32, largest w.
        low: (l, size / BLOCK, size / BLOCK) float32, smallest w within reach of the filter.
        high: the same of the largest.
        filtering: (l, 3) filter radius in texels, offset along the normal in metres at q = 1, and texels per side
            that are used: a soft light makes do with a coarse map.
    """

    lights: NDArray[np.float32]
    rows: Array
    maps: NDArray[np.float32]
    low: NDArray[np.float32]
    high: NDArray[np.float32]
    filtering: Array


class Pose(NamedTuple):
    """Where the camera and the bodies are.

    Attributes:
        world_from_camera: (4, 4).
        world_from_body: (b, 4, 4).
        camera_from_body: (b, 4, 4).
        fx, fy, cx, cy: intrinsics in pixels.
    """

    world_from_camera: Array
    world_from_body: Array
    camera_from_body: Array
    fx: float
    fy: float
    cx: float
    cy: float


class Picture(NamedTuple):
    """The outputs, each empty where it is not asked for.

    Attributes:
        rgb: (height, width, 3) uint8.
        depth: (height, width) float32.
        ids: (height, width) uint16.
        normals: (height, width, 3) float32.
        coordinates: (height, width, 3) float32.
    """

    rgb: NDArray[np.uint8]
    depth: NDArray[np.float32]
    ids: NDArray[np.uint16]
    normals: NDArray[np.float32]
    coordinates: NDArray[np.float32]


class Row(NamedTuple):
    """The surface points of one image row, in the world frame; float32 but for `seen`.

    Attributes:
        seen: (width,) bool, whether there is a surface.
        z_depth: (width,) metres.
        position: (3, width).
        to_eye: (3, width) unit direction to the eye.
        normal: (3, width) unit.
        albedo: (3, width) linear RGB.
        rough: (width,).
        metal: (width,).
        casts: (width,) 1 on casters, else 0.
        share: (width,) how much of the light at hand arrives.
        projected: (3, width) scratch space of the shadow look-up.
        color: (3, width) linear RGB that is reflected.
    """

    seen: NDArray[np.bool_]
    z_depth: NDArray[np.float32]
    position: NDArray[np.float32]
    to_eye: NDArray[np.float32]
    normal: NDArray[np.float32]
    albedo: NDArray[np.float32]
    rough: NDArray[np.float32]
    metal: NDArray[np.float32]
    casts: NDArray[np.float32]
    share: NDArray[np.float32]
    projected: NDArray[np.float32]
    color: NDArray[np.float32]


def row_of(width: int) -> Row:
    """Return an image row's arrays, not yet filled."""
    line, triple = (width,), (3, width)
    shapes = {name: line for name in ("seen", "z_depth", "rough", "metal", "casts", "share")}
    return Row(
        **{
            name: np.empty(shapes.get(name, triple), dtype=np.bool_ if name == "seen" else np.float32)
            for name in Row._fields
        }
    )


def geometry_of(meshes: Sequence[Mesh], material_counts: Sequence[int]) -> Geometry:
    """Lay meshes end to end; the materials of one, of which there is one for each slot or one in all, follow those of
    the one before."""
    vertex_start = np.concatenate([[0], np.cumsum([len(m.vertices) for m in meshes])]).astype(np.int64)
    face_start = np.concatenate([[0], np.cumsum([len(m.faces) for m in meshes])]).astype(np.int64)
    faces = np.concatenate([m.faces + start for m, start in zip(meshes, vertex_start, strict=False)])
    vertices = np.concatenate([m.vertices for m in meshes])
    uvs = np.concatenate([m.corner_uvs for m in meshes])
    first_material = np.cumsum([0, *material_counts])
    materials = [
        first + np.minimum(m.face_slots, n - 1)
        for m, first, n in zip(meshes, first_material, material_counts, strict=False)
    ]
    edges, uv_edges = np.diff(vertices[faces], axis=1), np.diff(uvs.astype(np.float64), axis=1)
    area = np.linalg.norm(np.cross(edges[:, 0], edges[:, 1]), axis=1)
    uv_area = np.abs(uv_edges[:, 0, 0] * uv_edges[:, 1, 1] - uv_edges[:, 0, 1] * uv_edges[:, 1, 0])
    return Geometry(
        vertices=vertices,
        faces=faces.astype(np.int32),
        vertex_start=vertex_start,
        face_start=face_start,
        face_body=np.repeat(np.arange(len(meshes)), np.diff(face_start)).astype(np.int32),
        face_material=np.concatenate(materials).astype(np.int32),
        corner_normals=np.concatenate([m.corner_normals for m in meshes]),
        corner_uvs=uvs,
        uv_density=np.sqrt(uv_area / np.maximum(area, 1e-18)).astype(np.float32),
    )
