"""Shading, compiled: from the winning face of each pixel to colour, depth, ids, normals and object coordinates.

Each image row is worked off in two passes: a gathering one (surface attributes, texture) that jumps about in memory,
and an arithmetic one over plain arrays, see `graspsim.render.lighting`.
"""

import math

import numpy as np
from numpy.typing import NDArray

from graspsim.geometry import Array
from graspsim.jit import compiled
from graspsim.render.atlas import sample_texture
from graspsim.render.buffers import Geometry, Lighting, Looks, Picture, Pose, Row
from graspsim.render.kernels import NOTHING
from graspsim.render.lighting import add_ambient, add_light, receive_light

F32 = np.float32


@compiled
def shade(
    winner: NDArray[np.int32],
    geometry: Geometry,
    looks: Looks,
    lighting: Lighting,
    pose: Pose,
    srgb_table: NDArray[np.uint8],
    row: Row,
    picture: Picture,
) -> None:
    """Fill whichever outputs are not empty from the winning faces (height, width).

    Args:
        winner: face index per pixel, `NOTHING` where none.
        geometry: of all bodies.
        looks: of all bodies.
        lighting: lights and shadow maps.
        pose: camera and bodies.
        srgb_table: (4096,) encoding of linear light.
        row: scratch space of the image's width.
        picture: the outputs.
    """
    height, width = winner.shape
    one, tiny = F32(1.0), F32(1e-12)
    r, normal, color = pose.world_from_camera, row.normal, row.color
    seen, share, rgb, normals = row.seen, row.share, picture.rgb, picture.normals
    want_rgb, want_normals = picture.rgb.size > 0, picture.normals.size > 0
    corner, corner_normal = np.empty((3, 3)), np.empty((3, 3))
    for y in range(height):
        d_y = (y + 0.5 - pose.cy) / pose.fy
        any_seen = _gather(y, d_y, winner, geometry, looks, pose, corner, corner_normal, row, picture)
        if any_seen and (want_rgb or want_normals):
            for x in range(width):
                s = one / math.sqrt(
                    max(normal[0, x] * normal[0, x] + normal[1, x] * normal[1, x] + normal[2, x] * normal[2, x], tiny)
                )
                normal[0, x] *= s
                normal[1, x] *= s
                normal[2, x] *= s
        if any_seen and want_normals:
            for x in range(width):
                if seen[x]:
                    for c in range(3):
                        normals[y, x, c] = r[0, c] * normal[0, x] + r[1, c] * normal[1, x] + r[2, c] * normal[2, x]
        if not want_rgb:
            continue
        if any_seen:
            _look_back(d_y, pose, row)
            add_ambient(row, looks.ambient)
            for i in range(len(lighting.lights)):
                if lighting.lights[i, 7] > 0.0:
                    receive_light(
                        row,
                        lighting.lights[i],
                        lighting.rows[i],
                        lighting.maps[i],
                        lighting.low[i],
                        lighting.high[i],
                        lighting.filtering[i],
                    )
                else:
                    for x in range(width):
                        share[x] = one
                add_light(row, lighting.lights[i])
        for x in range(width):
            if not seen[x]:
                _show_backdrop(x, (x + 0.5 - pose.cx) / pose.fx, d_y, looks, pose, row)
            for c in range(3):
                rgb[y, x, c] = srgb_table[int(min(max(color[c, x], F32(0.0)), one) * F32(4095.0) + F32(0.5))]


@compiled
def _gather(
    y: int,
    d_y: float,
    winner: NDArray[np.int32],
    geometry: Geometry,
    looks: Looks,
    pose: Pose,
    corner: Array,
    corner_normal: Array,
    row: Row,
    picture: Picture,
) -> bool:
    """Fill what the row holds of image row `y`, and the outputs that need no light; tell whether anything is seen.

    `corner` and `corner_normal` (3, 3) are scratch space for the face at hand: its corners in the camera frame, and
    their normals in the world frame.
    """
    fx, cx = pose.fx, pose.cx
    want_rgb, want_coordinates = picture.rgb.size > 0, picture.coordinates.size > 0
    want_attributes = want_rgb or picture.normals.size > 0
    # Taken out of their tuples once: inside the loop, that would cost a reference count each time.
    seen, z_depth, normal, albedo = row.seen, row.z_depth, row.normal, row.albedo
    rough, metal, casts = row.rough, row.metal, row.casts
    depth, ids, coordinates = picture.depth, picture.ids, picture.coordinates
    vertices, faces = geometry.vertices, geometry.faces
    face_body, face_material = geometry.face_body, geometry.face_material
    corner_normals, corner_uvs, uv_density = geometry.corner_normals, geometry.corner_uvs, geometry.uv_density
    instance_ids, surface, is_caster = looks.instance_ids, looks.surface, looks.is_caster
    texels, textures = looks.texels, looks.textures
    camera_from_body, world_from_body = pose.camera_from_body, pose.world_from_body
    any_seen = False
    last_face = NOTHING
    body = material = 0
    n_x = n_y = n_z = 0.0
    g_0 = g_1 = g_2 = g_3 = h_0 = h_1 = h_2 = h_3 = 0.0
    du_1 = du_2 = dv_1 = dv_2 = uv_u = uv_v = 0.0
    density = 0.0
    for x in range(winner.shape[1]):
        face = winner[y, x]
        seen[x] = face != NOTHING
        d_x = (x + 0.5 - cx) / fx
        if face == NOTHING:
            if want_rgb:
                # Attributes of a surface that reflects nothing keep the arithmetic passes free of branches.
                z_depth[x] = 1.0
                for c in range(3):
                    normal[c, x] = 0.0
                    albedo[c, x] = 0.0
                normal[2, x] = 1.0
                rough[x] = 1.0
                metal[x] = 0.0
                casts[x] = 0.0
            continue
        any_seen = True
        if face != last_face:
            last_face = face
            body = face_body[face]
            material = face_material[face]
            m = camera_from_body[body]
            for n in range(3):
                vertex = faces[face, n]
                p_x, p_y, p_z = vertices[vertex, 0], vertices[vertex, 1], vertices[vertex, 2]
                for c in range(3):
                    corner[n, c] = m[c, 0] * p_x + m[c, 1] * p_y + m[c, 2] * p_z + m[c, 3]
            e_0, e_1, e_2 = corner[1, 0] - corner[0, 0], corner[1, 1] - corner[0, 1], corner[1, 2] - corner[0, 2]
            f_0, f_1, f_2 = corner[2, 0] - corner[0, 0], corner[2, 1] - corner[0, 1], corner[2, 2] - corner[0, 2]
            n_x, n_y, n_z = e_1 * f_2 - e_2 * f_1, e_2 * f_0 - e_0 * f_2, e_0 * f_1 - e_1 * f_0
            square = n_x * n_x + n_y * n_y + n_z * n_z
            offset = n_x * corner[0, 0] + n_y * corner[0, 1] + n_z * corner[0, 2]
            # Barycentric coordinates of a point p of the plane are g·p + g_3 (second corner) and h·p + h_3 (third).
            g_0 = (f_1 * n_z - f_2 * n_y) / square
            g_1 = (f_2 * n_x - f_0 * n_z) / square
            g_2 = (f_0 * n_y - f_1 * n_x) / square
            g_3 = -(g_0 * corner[0, 0] + g_1 * corner[0, 1] + g_2 * corner[0, 2])
            h_0 = (n_y * e_2 - n_z * e_1) / square
            h_1 = (n_z * e_0 - n_x * e_2) / square
            h_2 = (n_x * e_1 - n_y * e_0) / square
            h_3 = -(h_0 * corner[0, 0] + h_1 * corner[0, 1] + h_2 * corner[0, 2])
            # 1/z along the ray (d_x, d_y, 1) is n·d / offset.
            n_x, n_y, n_z = n_x / offset, n_y / offset, n_z / offset
            if want_attributes:
                # A face seen from behind shows the other side's normal.
                sign = 1.0 if offset < 0.0 else -1.0
                a = world_from_body[body]
                for n in range(3):
                    q_0 = corner_normals[face, n, 0]
                    q_1 = corner_normals[face, n, 1]
                    q_2 = corner_normals[face, n, 2]
                    for c in range(3):
                        corner_normal[n, c] = sign * (a[c, 0] * q_0 + a[c, 1] * q_1 + a[c, 2] * q_2)
                uv_u, uv_v = corner_uvs[face, 0, 0], corner_uvs[face, 0, 1]
                du_1, du_2 = corner_uvs[face, 1, 0] - uv_u, corner_uvs[face, 2, 0] - uv_u
                dv_1, dv_2 = corner_uvs[face, 1, 1] - uv_v, corner_uvs[face, 2, 1] - uv_v
                # A pixel covers an area of z³ / (fx² · distance from the plane): more, the more it is slanted.
                density = uv_density[face] * textures[material, 2] / fx
                density *= density * math.sqrt(n_x * n_x + n_y * n_y + n_z * n_z)
        z = 1.0 / (n_x * d_x + n_y * d_y + n_z)
        if depth.size:
            depth[y, x] = z
        if ids.size:
            ids[y, x] = instance_ids[body]
        p_x, p_y = z * d_x, z * d_y
        if want_coordinates:
            m = camera_from_body[body]
            q_0, q_1, q_2 = p_x - m[0, 3], p_y - m[1, 3], z - m[2, 3]
            for c in range(3):
                coordinates[y, x, c] = m[0, c] * q_0 + m[1, c] * q_1 + m[2, c] * q_2
        if not want_attributes:
            continue
        b_1 = g_0 * p_x + g_1 * p_y + g_2 * z + g_3
        b_2 = h_0 * p_x + h_1 * p_y + h_2 * z + h_3
        b_0 = 1.0 - b_1 - b_2
        for c in range(3):
            normal[c, x] = b_0 * corner_normal[0, c] + b_1 * corner_normal[1, c] + b_2 * corner_normal[2, c]
        if not want_rgb:
            continue
        z_depth[x] = z
        u, v = uv_u + b_1 * du_1 + b_2 * du_2, uv_v + b_1 * dv_1 + b_2 * dv_2
        red, green, blue = sample_texture(texels, textures, material, u, v, density * (z * z * z))
        albedo[0, x], albedo[1, x], albedo[2, x] = red, green, blue
        rough[x] = surface[material, 0]
        metal[x] = surface[material, 1]
        casts[x] = F32(1.0) if is_caster[body] else F32(0.0)
    return any_seen


@compiled
def _look_back(d_y: float, pose: Pose, row: Row) -> None:
    """Write where the points of an image row lie and the directions back to the eye."""
    world_from_camera, z_depth, position, to_eye = pose.world_from_camera, row.z_depth, row.position, row.to_eye
    pixel, cx, slope = F32(1.0 / pose.fx), F32(pose.cx), F32(d_y)
    for c in range(3):
        along, eye = F32(world_from_camera[c, 0]), F32(world_from_camera[c, 3])
        constant = F32(world_from_camera[c, 1]) * slope + F32(world_from_camera[c, 2])
        for x in range(len(z_depth)):
            d_x = (F32(x) + F32(0.5) - cx) * pixel
            towards = along * d_x + constant
            # The rotation keeps the length of the ray (d_x, slope, 1).
            to_eye[c, x] = -towards / math.sqrt(d_x * d_x + slope * slope + F32(1.0))
            position[c, x] = eye + z_depth[x] * towards


@compiled
def _show_backdrop(x: int, d_x: float, d_y: float, looks: Looks, pose: Pose, row: Row) -> None:
    """Write the colour at infinity: a texture on the six faces of a cube, or the ambient light's own gradient."""
    r = pose.world_from_camera
    w_x = r[0, 0] * d_x + r[0, 1] * d_y + r[0, 2]
    w_y = r[1, 0] * d_x + r[1, 1] * d_y + r[1, 2]
    w_z = r[2, 0] * d_x + r[2, 1] * d_y + r[2, 2]
    if looks.backdrop < 0:
        t = 0.5 + 0.5 * w_z / math.sqrt(w_x * w_x + w_y * w_y + w_z * w_z)
        for c in range(3):
            row.color[c, x] = looks.ambient[1, c] + (looks.ambient[0, c] - looks.ambient[1, c]) * t
        return
    a_x, a_y, a_z = abs(w_x), abs(w_y), abs(w_z)
    if a_x >= a_y and a_x >= a_z:
        u, v = w_y / a_x, w_z / a_x
    elif a_y >= a_z:
        u, v = w_x / a_y, w_z / a_y
    else:
        u, v = w_x / a_z, w_y / a_z
    size = looks.textures[looks.backdrop, 2]
    row.color[0, x], row.color[1, x], row.color[2, x] = sample_texture(
        looks.texels, looks.textures, looks.backdrop, 0.5 + 0.5 * u, 0.5 + 0.5 * v, (0.5 * size / pose.fx) ** 2
    )
