"""Shading, compiled: from the winning face of each pixel to colour, depth, ids, normals and object coordinates.

Each image row is worked off in two passes: a gathering one (surface attributes, texture, shadow) that jumps about in
memory, and an arithmetic one over plain float32 arrays, which the compiler turns into SIMD code.

The material is a microfacet layer over a diffuse base: GGX distribution and Smith visibility in the form of
Karis, "Real Shading in Unreal Engine 4" (2013), with Schlick's Fresnel term.
"""

import math

import numpy as np
from numpy.typing import NDArray

from graspsim.geometry import Array
from graspsim.render.kernels import NOTHING, compiled

BLOCK = 8
"""Shadow-map texels per side of a block of `block_range`."""

F32 = np.float32


@compiled
def _sample_texture(
    texels: NDArray[np.uint64], tables: NDArray[np.int64], which: int, u: float, v: float, texels_per_pixel_2: float
) -> tuple[np.float32, np.float32, np.float32]:
    """Return linear RGB, bilinear within the mip level whose texels are about a pixel large.

    `texels_per_pixel_2` is how many texels of the finest level a pixel covers, as an area. Row `which` of the tables
    holds the number of levels, then offset and size of each. Texels store the square root of linear light, which a
    product decodes, in lanes of 16 bits, so that one product weighs all three channels at once: weights add up to 256.
    """
    levels = tables[which, 0]
    level = 0
    while texels_per_pixel_2 > 2.0 and level < levels - 1:
        texels_per_pixel_2 *= 0.25
        level += 1
    offset = tables[which, 1 + 2 * level]
    size = tables[which, 2 + 2 * level]
    mask = size - 1
    x = math.floor((u * size - 0.5) * 256.0)
    y = math.floor(((1.0 - v) * size - 0.5) * 256.0)
    f, g = x & 255, y & 255
    x_0, y_0 = (x >> 8) & mask, (y >> 8) & mask
    x_1, y_1 = (x_0 + 1) & mask, (y_0 + 1) & mask
    w_d = (f * g) >> 8
    total = (
        texels[offset + y_0 * size + x_0] * np.uint64(256 - f - g + w_d)
        + texels[offset + y_0 * size + x_1] * np.uint64(f - w_d)
        + texels[offset + y_1 * size + x_0] * np.uint64(g - w_d)
        + texels[offset + y_1 * size + x_1] * np.uint64(w_d)
    )
    lane = np.uint64(0xFFFF)
    scale = F32(1.0 / (255.0 * 256.0))
    red = F32(total & lane) * scale
    green = F32((total >> np.uint64(16)) & lane) * scale
    blue = F32((total >> np.uint64(32)) & lane) * scale
    return red * red, green * green, blue * blue


@compiled
def _filtered_shadow(nearest: NDArray[np.float32], u: float, v: float, w: float, radius: float) -> float:
    """Return the lit share of a box of half-width `radius` texels about (u, v), its edge texels weighted by overlap."""
    size = nearest.shape[0]
    low_x, high_x = u - radius, u + radius
    low_y, high_y = v - radius, v + radius
    lit = 0.0
    total = 0.0
    for y in range(max(math.floor(low_y), 0), min(math.ceil(high_y), size)):
        weight_y = min(y + 1.0, high_y) - max(float(y), low_y)
        for x in range(max(math.floor(low_x), 0), min(math.ceil(high_x), size)):
            weight = weight_y * (min(x + 1.0, high_x) - max(float(x), low_x))
            total += weight
            if w >= nearest[y, x]:
                lit += weight
    return lit / total if total > 0.0 else 1.0


@compiled
def shade(
    winner: NDArray[np.int32],
    vertices: Array,
    faces: NDArray[np.int32],
    face_body: NDArray[np.int32],
    corner_normals: NDArray[np.float32],
    corner_uvs: NDArray[np.float32],
    uv_density: NDArray[np.float32],
    world_from_body: Array,
    instance_ids: NDArray[np.uint16],
    surface: NDArray[np.float32],
    is_caster: NDArray[np.bool_],
    texels: NDArray[np.uint64],
    texture_tables: NDArray[np.int64],
    backdrop: int,
    world_from_camera: Array,
    camera_from_body: Array,
    intrinsics: tuple[float, float, float, float],
    lights: NDArray[np.float32],
    shadow_rows: Array,
    shadow_maps: NDArray[np.float32],
    shadow_low: NDArray[np.float32],
    shadow_high: NDArray[np.float32],
    shadow_filter: Array,
    ambient: NDArray[np.float32],
    srgb_table: NDArray[np.uint8],
    rgb: NDArray[np.uint8],
    depth: NDArray[np.float32],
    ids: NDArray[np.uint16],
    normals: NDArray[np.float32],
    coordinates: NDArray[np.float32],
) -> None:
    """Fill whichever of the five outputs are not empty from the winning faces (height, width).

    Args:
        winner: face index per pixel, `NOTHING` where none.
        vertices: (n, 3) in body frames.
        faces: (m, 3).
        face_body: (m,) body of each face.
        corner_normals: (m, 3, 3) in body frames.
        corner_uvs: (m, 3, 2).
        uv_density: (m,) UV units per metre.
        world_from_body: (b, 4, 4).
        instance_ids: (b,).
        surface: (b, 2) roughness and metallic.
        is_caster: (b,) whether the body is in the shadow maps, and so needs an offset against shading itself.
        texels: all textures, see `graspsim.render.atlas`.
        texture_tables: (b or b + 1, k) see `_sample_texture`; the backdrop's comes last.
        backdrop: row of the backdrop's texture, or -1 for the ambient colours.
        world_from_camera: (4, 4).
        camera_from_body: (b, 4, 4).
        intrinsics: fx, fy, cx, cy.
        lights: (l, 8) position or direction (3), colour (3), whether it is a point, whether it casts shadows.
        shadow_rows: (l, 4, 4) projection of world points into each shadow map.
        shadow_maps: (l, size, size) largest w.
        shadow_low: (l, size / BLOCK, size / BLOCK).
        shadow_high: the same of the largest values.
        shadow_filter: (l, 2) filter radius in texels, and offset along the normal in metres at q = 1.
        ambient: (2, 3) linear RGB of sky and ground.
        srgb_table: (4096,) encoding of linear light.
        rgb: (height, width, 3) or empty.
        depth: (height, width) or empty.
        ids: (height, width) or empty.
        normals: (height, width, 3) or empty.
        coordinates: (height, width, 3) or empty.
    """
    height, width = winner.shape
    fx, fy, cx, cy = intrinsics
    want_rgb, want_normals, want_coordinates = rgb.size > 0, normals.size > 0, coordinates.size > 0
    want_attributes = want_rgb or want_normals
    r = world_from_camera

    position = np.empty((3, width), dtype=F32)  # world
    view = np.empty((3, width), dtype=F32)  # world, towards the eye
    z_depth = np.empty(width, dtype=F32)
    normal = np.empty((3, width), dtype=F32)  # world
    albedo = np.empty((3, width), dtype=F32)
    rough = np.empty(width, dtype=F32)
    metal = np.empty(width, dtype=F32)
    light_share = np.empty(width, dtype=F32)
    color = np.empty((3, width), dtype=F32)
    casts = np.empty(width, dtype=F32)
    projected = np.empty((3, width), dtype=F32)
    seen = np.empty(width, dtype=np.bool_)

    corner = np.empty((3, 3))
    corner_normal = np.empty((3, 3))

    for y in range(height):
        d_y = (y + 0.5 - cy) / fy
        last_face = NOTHING
        body = 0
        n_x = n_y = n_z = 0.0
        g_0 = g_1 = g_2 = g_3 = h_0 = h_1 = h_2 = h_3 = 0.0
        du_1 = du_2 = dv_1 = dv_2 = uv_u = uv_v = 0.0
        density = 0.0
        any_seen = False
        for x in range(width):
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
                    density = uv_density[face] * texture_tables[body, 2] / fx
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
            red, green, blue = _sample_texture(texels, texture_tables, body, u, v, density * (z * z * z))
            albedo[0, x], albedo[1, x], albedo[2, x] = red, green, blue
            rough[x] = surface[body, 0]
            metal[x] = surface[body, 1]
            casts[x] = F32(1.0) if is_caster[body] else F32(0.0)

        one, tiny = F32(1.0), F32(1e-12)
        if any_seen and want_attributes:
            for x in range(width):
                s = one / math.sqrt(
                    max(normal[0, x] * normal[0, x] + normal[1, x] * normal[1, x] + normal[2, x] * normal[2, x], tiny)
                )
                normal[0, x] *= s
                normal[1, x] *= s
                normal[2, x] *= s
        if want_normals:
            for x in range(width):
                if seen[x]:
                    for c in range(3):
                        normals[y, x, c] = r[0, c] * normal[0, x] + r[1, c] * normal[1, x] + r[2, c] * normal[2, x]
        if not want_rgb:
            continue
        if any_seen:
            _look_back(width, r, F32(1.0 / fx), F32(cx), F32(d_y), z_depth, position, view)
            _add_ambient(width, normal, view, albedo, rough, metal, ambient, color)
            for light in range(len(lights)):
                if lights[light, 7] > 0.0:
                    _receive(
                        width,
                        seen,
                        casts,
                        position,
                        normal,
                        lights[light],
                        shadow_rows[light],
                        shadow_maps[light],
                        shadow_low[light],
                        shadow_high[light],
                        shadow_filter[light],
                        projected,
                        light_share,
                    )
                else:
                    for x in range(width):
                        light_share[x] = 1.0
                _add_light(width, position, normal, view, albedo, rough, metal, lights[light], light_share, color)
        for x in range(width):
            if not seen[x]:
                _show_backdrop(r, (x + 0.5 - cx) / fx, d_y, backdrop, texels, texture_tables, ambient, fx, color, x)
            for c in range(3):
                rgb[y, x, c] = srgb_table[int(min(max(color[c, x], F32(0.0)), one) * F32(4095.0) + F32(0.5))]


@compiled
def _receive(
    width: int,
    seen: NDArray[np.bool_],
    casts: NDArray[np.float32],
    position: NDArray[np.float32],
    normal: NDArray[np.float32],
    light: NDArray[np.float32],
    rows: Array,
    nearest: NDArray[np.float32],
    low: NDArray[np.float32],
    high: NDArray[np.float32],
    filtering: Array,
    projected: NDArray[np.float32],
    share: NDArray[np.float32],
) -> None:
    """Write the share of one light that reaches each point of an image row; `projected` (3, width) is scratch space.

    A caster's point is looked up off its surface, so that it does not shade itself; the offset along the normal grows
    with the filter's width and the slope to the map (Holbert 2011). A face parallel to the map needs an offset only for
    the curvature of a hollow surface.
    """
    zero, one = F32(0.0), F32(1.0)
    radius, offset = filtering[0], F32(filtering[1])
    is_point = light[6]
    p_x, p_y, p_z = light[0], light[1], light[2]
    u_x, u_y, u_z, u_0 = F32(rows[0, 0]), F32(rows[0, 1]), F32(rows[0, 2]), F32(rows[0, 3])
    v_x, v_y, v_z, v_0 = F32(rows[1, 0]), F32(rows[1, 1]), F32(rows[1, 2]), F32(rows[1, 3])
    w_x, w_y, w_z, w_0 = F32(rows[2, 0]), F32(rows[2, 1]), F32(rows[2, 2]), F32(rows[2, 3])
    q_x, q_y, q_z, q_0 = F32(rows[3, 0]), F32(rows[3, 1]), F32(rows[3, 2]), F32(rows[3, 3])
    # The map's axis: depth is q for a point light and -w for a directional one; the other row's vector part is zero.
    a_x, a_y, a_z = q_x - w_x, q_y - w_y, q_z - w_z
    for i in range(width):
        x, y, z = position[0, i], position[1, i], position[2, i]
        n_x, n_y, n_z = normal[0, i], normal[1, i], normal[2, i]
        l_x, l_y, l_z = p_x - is_point * x, p_y - is_point * y, p_z - is_point * z
        slope = n_x * l_x + n_y * l_y + n_z * l_z
        cosine = n_x * a_x + n_y * a_y + n_z * a_z
        q = q_x * x + q_y * y + q_z * z + q_0
        move = casts[i] * offset * q * (math.sqrt(max(one - cosine * cosine, zero)) + F32(0.2))
        x, y, z = x + n_x * move, y + n_y * move, z + n_z * move
        q = q_x * x + q_y * y + q_z * z + q_0
        # Behind the light, or facing away from it: off the map.
        inverse = one / q if q > zero else zero
        u = (u_x * x + u_y * y + u_z * z + u_0) * inverse
        projected[0, i] = u if slope > zero and q > zero else F32(-1.0)
        projected[1, i] = (v_x * x + v_y * y + v_z * z + v_0) * inverse
        projected[2, i] = (w_x * x + w_y * y + w_z * z + w_0) * inverse
        share[i] = one if slope > zero else zero
    size = F32(nearest.shape[0])
    for i in range(width):
        u, v = projected[0, i], projected[1, i]
        # The map covers every caster, so nothing can shade a point outside of it.
        if zero <= u < size and zero <= v < size and seen[i]:
            w = projected[2, i]
            block_y, block_x = int(v) // BLOCK, int(u) // BLOCK
            if w < high[block_y, block_x]:
                if w < low[block_y, block_x]:
                    share[i] = zero
                else:
                    share[i] = _filtered_shadow(nearest, float(u), float(v), float(w), radius)


@compiled
def _look_back(
    width: int,
    world_from_camera: Array,
    pixel: float,
    cx: float,
    d_y: float,
    z_depth: NDArray[np.float32],
    position: NDArray[np.float32],
    view: NDArray[np.float32],
) -> None:
    """Write where the points of an image row lie and the directions back to the eye, in the world frame."""
    for c in range(3):
        along, eye = F32(world_from_camera[c, 0]), F32(world_from_camera[c, 3])
        constant = F32(world_from_camera[c, 1]) * d_y + F32(world_from_camera[c, 2])
        for x in range(width):
            d_x = (F32(x) + F32(0.5) - cx) * pixel
            towards = along * d_x + constant
            # The rotation keeps the length of the ray (d_x, d_y, 1).
            view[c, x] = -towards / math.sqrt(d_x * d_x + d_y * d_y + F32(1.0))
            position[c, x] = eye + z_depth[x] * towards


@compiled
def _add_ambient(
    width: int,
    normal: NDArray[np.float32],
    view: NDArray[np.float32],
    albedo: NDArray[np.float32],
    rough: NDArray[np.float32],
    metal: NDArray[np.float32],
    ambient: NDArray[np.float32],
    color: NDArray[np.float32],
) -> None:
    """Write what a surface reflects of sky and ground, blended by the height of the normal and of the reflection."""
    one, half, zero = F32(1.0), F32(0.5), F32(0.0)
    for c in range(3):
        sky, ground = ambient[0, c], ambient[1, c]
        for x in range(width):
            n_v = normal[0, x] * view[0, x] + normal[1, x] * view[1, x] + normal[2, x] * view[2, x]
            reflected = F32(2.0) * n_v * normal[2, x] - view[2, x]
            n_v = min(max(n_v, zero), one)
            base = albedo[c, x]
            f_0 = F32(0.04) + (base - F32(0.04)) * metal[x]
            grazing = max(one - rough[x], f_0)
            t = one - n_v
            fresnel = f_0 + (grazing - f_0) * (t * t) * (t * t) * t
            from_normal = ground + (sky - ground) * (half + half * normal[2, x])
            # A rough surface blurs what it mirrors towards what it would scatter.
            mirrored = ground + (sky - ground) * (half + half * (reflected + (normal[2, x] - reflected) * rough[x]))
            color[c, x] = base * (one - metal[x]) * (one - fresnel) * from_normal + fresnel * mirrored


@compiled
def _add_light(
    width: int,
    position: NDArray[np.float32],
    normal: NDArray[np.float32],
    view: NDArray[np.float32],
    albedo: NDArray[np.float32],
    rough: NDArray[np.float32],
    metal: NDArray[np.float32],
    light: NDArray[np.float32],
    share: NDArray[np.float32],
    color: NDArray[np.float32],
) -> None:
    """Add what a surface reflects of one light. A light of colour 1 turns a white surface that faces it white."""
    one, zero, tiny = F32(1.0), F32(0.0), F32(1e-6)
    is_point = light[6]
    p_x, p_y, p_z = light[0], light[1], light[2]
    # A point light's intensity is stated at the origin.
    reference = p_x * p_x + p_y * p_y + p_z * p_z
    red, green, blue = light[3], light[4], light[5]
    for x in range(width):
        l_x = p_x - is_point * position[0, x]
        l_y = p_y - is_point * position[1, x]
        l_z = p_z - is_point * position[2, x]
        square = max(l_x * l_x + l_y * l_y + l_z * l_z, tiny)
        s = one / math.sqrt(square)
        l_x *= s
        l_y *= s
        l_z *= s
        strength = share[x] * (one + is_point * (reference / square - one))
        n_l = max(normal[0, x] * l_x + normal[1, x] * l_y + normal[2, x] * l_z, zero)
        n_v = max(normal[0, x] * view[0, x] + normal[1, x] * view[1, x] + normal[2, x] * view[2, x], F32(1e-3))
        h_x, h_y, h_z = l_x + view[0, x], l_y + view[1, x], l_z + view[2, x]
        s = one / math.sqrt(max(h_x * h_x + h_y * h_y + h_z * h_z, tiny))
        n_h = max((normal[0, x] * h_x + normal[1, x] * h_y + normal[2, x] * h_z) * s, zero)
        v_h = max((view[0, x] * h_x + view[1, x] * h_y + view[2, x] * h_z) * s, zero)
        alpha = rough[x] * rough[x]
        alpha_2 = max(alpha * alpha, F32(1e-4))
        d = n_h * n_h * (alpha_2 - one) + one
        k = alpha * F32(0.5)
        visibility = F32(0.25) / ((n_l * (one - k) + k) * (n_v * (one - k) + k) + tiny)
        specular = alpha_2 / (d * d) * visibility
        t = one - v_h
        t = (t * t) * (t * t) * t
        strength *= n_l
        diffuse = one - metal[x]
        for c in range(3):
            base = albedo[c, x]
            f_0 = F32(0.04) + (base - F32(0.04)) * metal[x]
            fresnel = f_0 + (one - f_0) * t
            tint = red if c == 0 else (green if c == 1 else blue)
            color[c, x] += tint * strength * (base * diffuse * (one - fresnel) + specular * fresnel)


@compiled
def _show_backdrop(
    r: Array,
    d_x: float,
    d_y: float,
    backdrop: int,
    texels: NDArray[np.uint64],
    texture_tables: NDArray[np.int64],
    ambient: NDArray[np.float32],
    fx: float,
    color: NDArray[np.float32],
    x: int,
) -> None:
    """Write the colour at infinity: a texture on the six faces of a cube, or the ambient light's own gradient."""
    w_x = r[0, 0] * d_x + r[0, 1] * d_y + r[0, 2]
    w_y = r[1, 0] * d_x + r[1, 1] * d_y + r[1, 2]
    w_z = r[2, 0] * d_x + r[2, 1] * d_y + r[2, 2]
    if backdrop < 0:
        t = 0.5 + 0.5 * w_z / math.sqrt(w_x * w_x + w_y * w_y + w_z * w_z)
        for c in range(3):
            color[c, x] = ambient[1, c] + (ambient[0, c] - ambient[1, c]) * t
        return
    a_x, a_y, a_z = abs(w_x), abs(w_y), abs(w_z)
    if a_x >= a_y and a_x >= a_z:
        u, v = w_y / a_x, w_z / a_x
    elif a_y >= a_z:
        u, v = w_x / a_y, w_z / a_y
    else:
        u, v = w_x / a_z, w_y / a_z
    size = texture_tables[backdrop, 2]
    color[0, x], color[1, x], color[2, x] = _sample_texture(
        texels, texture_tables, backdrop, 0.5 + 0.5 * u, 0.5 + 0.5 * v, (0.5 * size / fx) ** 2
    )
