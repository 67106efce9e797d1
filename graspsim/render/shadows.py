"""Shadow maps: the scene's casters as each light sees them."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from graspsim.geometry import Array, look_at
from graspsim.geometry import invert as inverse_of
from graspsim.render.buffers import Geometry, Lighting
from graspsim.render.kernels import block_range, project_vertices, rasterize
from graspsim.render.lighting import BLOCK
from graspsim.scene import Light

_NEAR = 0.01
_NO_FACES = np.zeros((0, 0), dtype=np.int32)
_NO_COVER = np.zeros((0, 0), dtype=np.uint8)
_MAX_FILTER_TEXELS = 8.0
_WIDE_FILTER_TEXELS = 3.0
_COARSEST = 128


class ShadowMaps:
    """One map per light, redrawn only when the bodies have moved.

    Attributes:
        lighting: what `graspsim.render.shading.shade` reads.
    """

    def __init__(self, lights: Sequence[Light], geometry: Geometry, is_caster: NDArray[np.bool_]) -> None:
        self._lights = lights
        self._geometry = geometry
        self._casters = np.flatnonzero(is_caster)
        # Those of casters that follow one another are one range.
        ends = np.flatnonzero(np.diff(np.concatenate([[0], is_caster.astype(np.int8), [0]])))
        self._caster_faces = geometry.face_start[ends].reshape(-1, 2).tolist()
        self._drawn_for: Array | None = None
        self._screen = np.empty((len(geometry.vertices), 4))
        self._radius = np.array(
            [
                np.linalg.norm(geometry.vertices[start:stop], axis=1).max(initial=0.0)
                for start, stop in zip(geometry.vertex_start[:-1], geometry.vertex_start[1:], strict=True)
            ]
        )
        described = np.array(
            [(*light.position_m, *light.color, light.kind == "point", light.casts_shadow) for light in lights],
            dtype=np.float32,
        ).reshape(-1, 8)
        if not len(self._casters):
            described[:, 7] = 0.0
        self.lighting = _blank(described, BLOCK)

    def update(self, world_from_body: Array, size: int) -> None:
        """Redraw the maps at `size` texels per side for bodies at `world_from_body` (b, 4, 4), if anything changed."""
        fits = self.lighting.maps.shape[1] == size
        if not len(self._casters):
            return
        if fits and self._drawn_for is not None and (self._drawn_for == world_from_body).all():
            return
        if not fits:
            self.lighting = _blank(self.lighting.lights, size)
        self._drawn_for = world_from_body
        centers, radii = world_from_body[self._casters, :3, 3], self._radius[self._casters]
        low, high = (centers - radii[:, None]).min(axis=0), (centers + radii[:, None]).max(axis=0)
        center = (low + high) / 2
        radius = float((np.linalg.norm(centers - center, axis=1) + radii).max())
        for i, light in enumerate(self._lights):
            if light.casts_shadow:
                self._draw(i, light, center, radius, world_from_body, size)

    def _draw(self, i: int, light: Light, center: Array, radius: float, world_from_body: Array, size: int) -> None:
        g, lighting = self._geometry, self.lighting
        rows, texel_m, texel_offset = _light_rows(light, center, radius, size)
        # Soft edges blur the texels, and a filter of many texels would cost more than all the rest.
        while light.penumbra_m / 2 > _WIDE_FILTER_TEXELS * texel_m and size > _COARSEST:
            size //= 2
            rows, texel_m, texel_offset = _light_rows(light, center, radius, size)
        lighting.rows[i] = rows
        filter_texels = min(max(light.penumbra_m / 2 / texel_m, 1.0), _MAX_FILTER_TEXELS)
        lighting.filtering[i] = filter_texels, (filter_texels + 1.0) * texel_offset, size
        project_vertices(g.vertices, g.vertex_start, rows @ world_from_body, _NEAR, self._screen)
        nearest = np.full((size, size), -np.inf, dtype=np.float32)
        for start, stop in self._caster_faces:
            rasterize(
                self._screen, g.faces, start, stop, True, _NEAR, (0, 0, size, size), nearest, _NO_FACES, _NO_COVER
            )
        block_range(nearest, BLOCK, int(np.ceil(filter_texels)) + 1, lighting.low[i], lighting.high[i])
        lighting.maps[i, :size, :size] = nearest


def _blank(lights: NDArray[np.float32], size: int) -> Lighting:
    n, blocks = len(lights), size // BLOCK
    return Lighting(
        lights=lights,
        rows=np.zeros((n, 4, 4)),
        maps=np.zeros((n, size, size), dtype=np.float32),
        low=np.zeros((n, blocks, blocks), dtype=np.float32),
        high=np.zeros((n, blocks, blocks), dtype=np.float32),
        filtering=np.zeros((n, 3)),
    )


def _light_rows(light: Light, center: Array, radius: float, size: int) -> tuple[Array, float, float]:
    """Return the projection of a light's map, its texel in metres at the centre, and its texel in metres at q = 1."""
    position = np.asarray(light.position_m)
    half = size / 2
    if light.kind == "directional":
        eye = center + position / np.linalg.norm(position) * radius
        light_from_world = inverse_of(look_at(eye, center))
        scale = half / radius
        projection = np.array([[scale, 0, 0, half], [0, scale, 0, half], [0, 0, -1.0, 0], [0, 0, 0, 1.0]])
        return projection @ light_from_world, 1 / scale, 1 / scale
    distance = float(np.linalg.norm(position - center))
    # A light among the casters would need six maps; it sees those in front of it instead.
    sine = min(radius / max(distance, 1e-6), 0.94)
    focal = half * np.sqrt(1 - sine**2) / sine
    projection = np.array([[focal, 0, half, 0], [0, focal, half, 0], [0, 0, 0, 1.0], [0, 0, 1.0, 0]])
    light_from_world = inverse_of(look_at(position, center))
    return projection @ light_from_world, distance / focal, 1 / focal
