"""Colours of vertices become a texture, which is what the renderer and every exporter know.

Two faces share a square of the texture. Squares follow one another along a Z-shaped curve through it, and faces along
one through space (Morton 1966), so that what is next to a face in the texture is near it on the object, too: filtering
then mixes the right colours.
"""

import numpy as np
from numpy.typing import NDArray

from graspsim.geometry import Array
from graspsim.jit import compiled

SIZE_PX = 1024
_LEAST_CELL_PX = 4


def texture_of_colors(
    vertices: Array, faces: NDArray[np.int32], colors: NDArray[np.uint8]
) -> tuple[NDArray[np.float32], NDArray[np.uint8]]:
    """Return the UVs (m, 3, 2) of a mesh's corners, v pointing up, and its texture (h, h, 3).

    Args:
        vertices: (n, 3).
        faces: (m, 3).
        colors: (n, 3) sRGB of the vertices.
    """
    cells = int(2 ** np.ceil(np.log2(max(np.sqrt(len(faces) / 2), 1))))
    cell_px = max(SIZE_PX // cells, _LEAST_CELL_PX)
    middles = vertices[faces].mean(axis=1)
    low, high = middles.min(axis=0), middles.max(axis=0)
    steps = np.clip((middles - low) / np.maximum(high - low, 1e-12) * 1023, 0, 1023).astype(np.uint64)
    place = np.empty(len(faces), dtype=np.int64)
    place[np.argsort(_interleaved(steps), kind="stable")] = np.arange(len(faces))
    square = (place // 2).astype(np.uint64)
    column, row = _every_other_bit(square), _every_other_bit(square >> np.uint64(1))
    corner = np.stack([column, row], axis=1)[:, None].astype(np.float64) * cell_px
    # Half a texel inside, so that filtering does not reach beyond; the second face fills the other half of the square.
    first = np.array([(0.5, 0.5), (cell_px - 2.0, 0.5), (0.5, cell_px - 2.0)])
    ends = np.where((place % 2 == 0)[:, None, None], first, cell_px - first)
    pixels = corner + ends
    texture = np.zeros((cells * cell_px, cells * cell_px, 3), dtype=np.uint8)
    _fill(texture, pixels, corner[:, 0].astype(np.int64), place % 2, colors[faces].astype(np.float64), cell_px)
    uvs = pixels / len(texture)
    uvs[..., 1] = 1 - uvs[..., 1]
    return uvs.astype(np.float32), texture


def _interleaved(steps: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """Return Morton codes (n,) of coordinates (n, 3) of ten bits."""
    code = np.zeros(len(steps), dtype=np.uint64)
    for bit in range(10):
        for axis in range(3):
            code |= ((steps[:, axis] >> np.uint64(bit)) & np.uint64(1)) << np.uint64(3 * bit + axis)
    return code


def _every_other_bit(code: NDArray[np.uint64]) -> NDArray[np.int64]:
    """Return the number that the even bits of codes (n,) make."""
    number = np.zeros(len(code), dtype=np.uint64)
    for bit in range(16):
        number |= ((code >> np.uint64(2 * bit)) & np.uint64(1)) << np.uint64(bit)
    return number.astype(np.int64)


@compiled
def _fill(
    texture: NDArray[np.uint8],
    pixels: Array,
    corner: NDArray[np.int64],
    half: NDArray[np.int64],
    colors: Array,
    cell_px: int,
) -> None:
    """Paint each face's half of its square with the colours (m, 3, 3) of its corners at `pixels` (m, 3, 2)."""
    for face in range(len(pixels)):
        a, b, c = pixels[face, 0], pixels[face, 1], pixels[face, 2]
        area = (b[0] - a[0]) * (c[1] - a[1]) - (b[1] - a[1]) * (c[0] - a[0])
        for j in range(cell_px):
            for i in range(cell_px):
                if (i + j < cell_px - 1) != (half[face] == 0) and i + j != cell_px - 1:
                    continue
                if i + j == cell_px - 1 and half[face] == 1:
                    continue
                x, y = corner[face, 0] + i + 0.5, corner[face, 1] + j + 0.5
                t = ((x - a[0]) * (c[1] - a[1]) - (y - a[1]) * (c[0] - a[0])) / area
                s = ((b[0] - a[0]) * (y - a[1]) - (b[1] - a[1]) * (x - a[0])) / area
                t, s = min(max(t, 0.0), 1.0), min(max(s, 0.0), 1.0)
                total = max(t + s, 1.0)
                t, s = t / total, s / total
                for channel in range(3):
                    value = (
                        (1 - t - s) * colors[face, 0, channel]
                        + t * colors[face, 1, channel]
                        + s * colors[face, 2, channel]
                    )
                    texture[corner[face, 1] + j, corner[face, 0] + i, channel] = np.uint8(value + 0.5)
