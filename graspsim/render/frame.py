"""The contract of every renderer: what it is given, and the `Frame` that comes out."""

from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from graspsim.geometry import Array, Intrinsics

CHANNELS = ("rgb", "depth", "ids", "normals", "coordinates")


@dataclass(frozen=True, eq=False)
class Frame:
    """One picture. All channels come from the same visible surface at each pixel's centre; absent ones are None.

    Attributes:
        rgb: (height, width, 3) uint8, sRGB.
        depth_m: (height, width) float32 z-depth; 0 where nothing is seen.
        instance_ids: (height, width) uint16; 0 where nothing is seen.
        normals: (height, width, 3) float32 unit shading normals in the camera frame; 0 where nothing is seen.
        coordinates_m: (height, width, 3) float32 position of the visible point in its own body's model frame.
    """

    rgb: NDArray[np.uint8] | None
    depth_m: NDArray[np.float32] | None
    instance_ids: NDArray[np.uint16] | None
    normals: NDArray[np.float32] | None
    coordinates_m: NDArray[np.float32] | None


@dataclass(frozen=True, eq=False)
class Silhouette:
    """Where a body would be seen if it were alone, on a canvas three times the image and centred on it.

    Attributes:
        box_px: (x, y, width, height) of the covered pixels in image coordinates, which may lie outside the image;
            width and height are 0 if nothing is covered.
        pixels: (height, width) bool, the canvas cut to the box.
    """

    box_px: tuple[int, int, int, int]
    pixels: NDArray[np.bool_]


class Renderer(Protocol):
    """Draws one scene from any camera with its bodies in any pose."""

    def render(
        self,
        poses: Array,
        intrinsics: Intrinsics,
        world_from_camera: Array,
        channels: tuple[str, ...] = CHANNELS,
    ) -> Frame:
        """Return the picture of bodies, and after them a robot's seen links, at `poses` (n, 7)."""
        ...

    def silhouettes(self, poses: Array, intrinsics: Intrinsics, world_from_camera: Array) -> list[Silhouette]:
        """Return where each body would be seen if it were alone, in the order of `poses`."""
        ...
