"""All textures of a scene with their mip levels in one array, as the compiled shading reads them."""

from collections.abc import Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

from graspsim.color import SRGB_DECODE

_MAX_LEVELS = 12
_MAX_SIZE = 1024


def build_atlas(images: Sequence[NDArray[np.uint8]]) -> tuple[NDArray[np.uint64], NDArray[np.int64]]:
    """Pack sRGB images (h, w, 3) for `graspsim.render.shading`.

    Returns:
        texels: flat, one number per texel: the square roots of linear red, green and blue in its 16-bit lanes.
        tables: (len(images), 1 + 2 * levels) number of levels, then offset and size of each.
    """
    chunks: list[NDArray[np.uint64]] = []
    tables = np.zeros((max(len(images), 1), 1 + 2 * _MAX_LEVELS), dtype=np.int64)
    offset = 0
    for table, image in zip(tables, images, strict=False):
        linear = SRGB_DECODE[_square(image)]
        level = 0
        while True:
            size = linear.shape[0]
            root = (np.sqrt(linear) * 255 + 0.5).astype(np.uint64)
            texel = root[..., 0] | root[..., 1] << np.uint64(16) | root[..., 2] << np.uint64(32)
            table[1 + 2 * level : 3 + 2 * level] = offset, size
            chunks.append(texel.ravel())
            offset += texel.size
            level += 1
            if size == 1 or level == _MAX_LEVELS:
                break
            linear = np.asarray(cv2.resize(linear, (size // 2, size // 2), interpolation=cv2.INTER_AREA))
        table[0] = level
    return np.concatenate(chunks) if chunks else np.zeros(1, dtype=np.uint64), tables


def _square(image: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Return the image at the power of two next to its larger side; one texel is enough for a single colour."""
    if (image == image[0, 0]).all():
        return image[:1, :1]
    size = min(2 ** int(np.ceil(np.log2(max(image.shape[:2])))), _MAX_SIZE)
    if image.shape[:2] == (size, size):
        return image
    return np.asarray(cv2.resize(image, (size, size), interpolation=cv2.INTER_AREA), dtype=np.uint8)
