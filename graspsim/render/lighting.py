"""Light on one image row, compiled: shadow look-up, ambient light, and the reflection of each light.

The material is a microfacet layer over a diffuse base: GGX distribution and Smith visibility in the form of Karis,
"Real Shading in Unreal Engine 4" (2013), with Schlick's Fresnel term. All of it is arithmetic over plain float32
arrays, which the compiler turns into SIMD code; only the shadow look-up jumps about in memory.
"""

import math

import numpy as np
from numpy.typing import NDArray

from graspsim.geometry import Array
from graspsim.jit import compiled
from graspsim.render.buffers import Row

BLOCK = 8
"""Shadow-map texels per side of a block of `graspsim.render.kernels.block_range`."""

F32 = np.float32


@compiled
def _filtered_shadow(
    nearest: NDArray[np.float32], size: float, u: float, v: float, w: np.float32, radius: float
) -> float:
    """Return the lit share of a box of half-width `radius` texels about (u, v), its edge texels weighted by overlap."""
    low_x, high_x = max(u - radius, 0.0), min(u + radius, size)
    low_y, high_y = max(v - radius, 0.0), min(v + radius, size)
    first, last = int(low_x), math.ceil(high_x) - 1
    # The filter is wider than a texel, so that its first and last column are never the same.
    first_share, last_share = first + 1.0 - low_x, high_x - last
    lit = 0.0
    for y in range(int(low_y), math.ceil(high_y)):
        inner = 0
        for x in range(first + 1, last):
            inner += w >= nearest[y, x]
        row = float(inner)
        if w >= nearest[y, first]:
            row += first_share
        if w >= nearest[y, last]:
            row += last_share
        lit += row * (min(y + 1.0, high_y) - max(float(y), low_y))
    return lit / ((high_x - low_x) * (high_y - low_y))


@compiled
def receive_light(
    row: Row,
    light: NDArray[np.float32],
    rows: Array,
    nearest: NDArray[np.float32],
    low: NDArray[np.float32],
    high: NDArray[np.float32],
    filtering: Array,
) -> None:
    """Write the share of one light that reaches each point.

    A caster's point is looked up off its surface, so that it does not shade itself; the offset along the normal grows
    with the filter's width and the slope to the map (Holbert 2011). A face parallel to the map needs an offset only for
    the curvature of a hollow surface.

    Args:
        row: its `share` is written.
        light: (8,) its entry in `Lighting.lights`; the other arguments are its entries there, too.
        rows: (4, 4).
        nearest: (size, size) its map.
        low: (size / BLOCK, size / BLOCK).
        high: the same.
        filtering: (3,).
    """
    seen, casts, position, normal = row.seen, row.casts, row.position, row.normal
    projected, share = row.projected, row.share
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
    for i in range(len(share)):
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
    size = F32(filtering[2])
    for i in range(len(share)):
        u, v = projected[0, i], projected[1, i]
        # The map covers every caster, so nothing can shade a point outside of it.
        if zero <= u < size and zero <= v < size and seen[i]:
            w = projected[2, i]
            block_y, block_x = int(v) // BLOCK, int(u) // BLOCK
            if w < high[block_y, block_x]:
                if w < low[block_y, block_x]:
                    share[i] = zero
                else:
                    share[i] = _filtered_shadow(nearest, filtering[2], float(u), float(v), w, radius)


@compiled
def add_ambient(row: Row, ambient: NDArray[np.float32]) -> None:
    """Write what is reflected of sky and ground (2, 3), blended by the height of the normal and of the reflection."""
    normal, to_eye, albedo, rough, metal, color = row.normal, row.to_eye, row.albedo, row.rough, row.metal, row.color
    one, half, zero = F32(1.0), F32(0.5), F32(0.0)
    ground_red, ground_green, ground_blue = ambient[1, 0], ambient[1, 1], ambient[1, 2]
    more_red = ambient[0, 0] - ground_red
    more_green = ambient[0, 1] - ground_green
    more_blue = ambient[0, 2] - ground_blue
    for x in range(len(rough)):
        n_v = normal[0, x] * to_eye[0, x] + normal[1, x] * to_eye[1, x] + normal[2, x] * to_eye[2, x]
        reflected = F32(2.0) * n_v * normal[2, x] - to_eye[2, x]
        t = one - min(max(n_v, zero), one)
        t = (t * t) * (t * t) * t
        from_normal = half + half * normal[2, x]
        # A rough surface blurs what it mirrors towards what it would scatter.
        mirrored = half + half * (reflected + (normal[2, x] - reflected) * rough[x])
        for c in range(3):
            ground = ground_red if c == 0 else (ground_green if c == 1 else ground_blue)
            more = more_red if c == 0 else (more_green if c == 1 else more_blue)
            base = albedo[c, x]
            f_0 = F32(0.04) + (base - F32(0.04)) * metal[x]
            fresnel = f_0 + (max(one - rough[x], f_0) - f_0) * t
            scattered = base * (one - metal[x]) * (one - fresnel)
            color[c, x] = scattered * (ground + more * from_normal) + fresnel * (ground + more * mirrored)


@compiled
def add_light(row: Row, light: NDArray[np.float32]) -> None:
    """Add what is reflected of one light (8,); a light of colour 1 turns a white surface that faces it white."""
    position, normal, to_eye, share, color = row.position, row.normal, row.to_eye, row.share, row.color
    albedo, rough, metal = row.albedo, row.rough, row.metal
    one, zero, tiny = F32(1.0), F32(0.0), F32(1e-6)
    is_point = light[6]
    p_x, p_y, p_z = light[0], light[1], light[2]
    # A point light's intensity is stated at the origin.
    reference = p_x * p_x + p_y * p_y + p_z * p_z
    red, green, blue = light[3], light[4], light[5]
    for x in range(len(share)):
        l_x = p_x - is_point * position[0, x]
        l_y = p_y - is_point * position[1, x]
        l_z = p_z - is_point * position[2, x]
        square = max(l_x * l_x + l_y * l_y + l_z * l_z, tiny)
        s = one / math.sqrt(square)
        l_x *= s
        l_y *= s
        l_z *= s
        strength = share[x] * (one + is_point * (reference * (s * s) - one))
        n_l = max(normal[0, x] * l_x + normal[1, x] * l_y + normal[2, x] * l_z, zero)
        n_v = max(normal[0, x] * to_eye[0, x] + normal[1, x] * to_eye[1, x] + normal[2, x] * to_eye[2, x], F32(1e-3))
        h_x, h_y, h_z = l_x + to_eye[0, x], l_y + to_eye[1, x], l_z + to_eye[2, x]
        s = one / math.sqrt(max(h_x * h_x + h_y * h_y + h_z * h_z, tiny))
        n_h = max((normal[0, x] * h_x + normal[1, x] * h_y + normal[2, x] * h_z) * s, zero)
        v_h = max((to_eye[0, x] * h_x + to_eye[1, x] * h_y + to_eye[2, x] * h_z) * s, zero)
        alpha = rough[x] * rough[x]
        alpha_2 = max(alpha * alpha, F32(1e-4))
        d = n_h * n_h * (alpha_2 - one) + one
        k = alpha * F32(0.5)
        # Distribution times visibility, over one common denominator.
        specular = F32(0.25) * alpha_2 / (d * d * ((n_l * (one - k) + k) * (n_v * (one - k) + k) + tiny))
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
