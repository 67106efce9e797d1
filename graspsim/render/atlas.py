"""All textures of a scene with their mip levels in one array, and the compiled look-up in it."""

import math
from collections.abc import Sequence
from typing import cast

import cv2
import numpy as np
from numpy.typing import NDArray

from graspsim.color import SRGB_DECODE
from graspsim.jit import compiled

_MAX_LEVELS = 12
_MAX_SIZE = 1024


def build_atlas(images: Sequence[NDArray[np.uint8]]) -> tuple[NDArray[np.uint64], NDArray[np.int64]]:
    """Pack sRGB images (h, w, 3) for `sample_texture`.

    Returns:
        texels: flat, one number per texel: the square roots of linear red, green and blue in its 16-bit lanes.
        tables: (len(images), 1 + 2 * levels) number of levels, then offset and size of each.
    """
    squares = [np.ascontiguousarray(_square(image)) for image in images]
    tables = np.zeros((max(len(images), 1), 1 + 2 * _MAX_LEVELS), dtype=np.int64)
    # All levels together are at most a third larger than the finest.
    texels = np.zeros(sum(4 * image.shape[0] ** 2 // 3 for image in squares) + 1, dtype=np.uint64)
    offset = 0
    for table, image in zip(tables, squares, strict=False):
        roots = cast(NDArray[np.uint16], cv2.LUT(image, _ROOTS))
        linear = cast(NDArray[np.float32], cv2.LUT(image, SRGB_DECODE))
        level = 0
        while True:
            size = roots.shape[0]
            table[1 + 2 * level : 3 + 2 * level] = offset, size
            _pack(roots.reshape(-1, 3), texels[offset:])
            offset += size * size
            level += 1
            if size == 1 or level == _MAX_LEVELS:
                break
            half = cv2.resize(linear, (size // 2, size // 2), interpolation=cv2.INTER_AREA)
            linear = cast(NDArray[np.float32], half)
            roots = _roots(linear)
        table[0] = level
    return texels[: max(offset, 1)], tables


def _roots(linear: NDArray[np.float32]) -> NDArray[np.uint16]:
    """Return what a texel keeps of linear light."""
    return (np.sqrt(linear) * np.float32(255) + np.float32(0.5)).astype(np.uint16)


_ROOTS = _roots(SRGB_DECODE)


@compiled
def _pack(roots: NDArray[np.uint16], texels: NDArray[np.uint64]) -> None:
    """Write three numbers (n, 3) as one, to the first n texels."""
    for i in range(len(roots)):
        red, green, blue = np.uint64(roots[i, 0]), np.uint64(roots[i, 1]), np.uint64(roots[i, 2])
        texels[i] = red | green << np.uint64(16) | blue << np.uint64(32)


def _square(image: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Return the image at the power of two next to its larger side; one texel is enough for a single colour."""
    if (image[0] == image[0, 0]).all() and (image == image[0, 0]).all():
        return image[:1, :1]
    size = min(2 ** int(np.ceil(np.log2(max(image.shape[:2])))), _MAX_SIZE)
    if image.shape[:2] == (size, size):
        return image
    return np.asarray(cv2.resize(image, (size, size), interpolation=cv2.INTER_AREA), dtype=np.uint8)


@compiled
def sample_texture(
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
    scale = np.float32(1.0 / (255.0 * 256.0))
    red = np.float32(total & lane) * scale
    green = np.float32((total >> np.uint64(16)) & lane) * scale
    blue = np.float32((total >> np.uint64(32)) & lane) * scale
    return red * red, green * green, blue * blue
