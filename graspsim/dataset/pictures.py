"""Pictures for people: tiles with captions, laid out as a sheet and saved."""

import math
from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from graspsim.dataset.encoding import encode_rgb
from graspsim.dataset.files import replace_file
from graspsim.errors import DatasetError

Image = NDArray[np.uint8]
Color = tuple[int, int, int]

GAP = 6
LINE_HEIGHT = 22
PAPER: Color = (24, 26, 30)
INK: Color = (222, 226, 230)
FONT = cv2.FONT_HERSHEY_SIMPLEX


def captioned(picture: Image, *lines: str, size: float = 0.42) -> Image:
    """Return a picture (height, width, 3) with lines of text below it, cut where they are too long."""
    caption = np.empty((LINE_HEIGHT * len(lines), picture.shape[1], 3), np.uint8)
    caption[:] = PAPER
    for n, line in enumerate(lines, start=1):
        cv2.putText(caption, line, (4, LINE_HEIGHT * n - 7), FONT, size, INK, 1, cv2.LINE_AA)
    return np.concatenate([picture, caption])


def sheet(tiles: Sequence[Image], columns: int) -> Image:
    """Return pictures of equal width as one (height, width, 3), in rows of `columns`."""
    columns = min(columns, len(tiles))
    rows = math.ceil(len(tiles) / columns)
    height, width = max(tile.shape[0] for tile in tiles), tiles[0].shape[1]
    page = np.empty((rows * (height + GAP) + GAP, columns * (width + GAP) + GAP, 3), np.uint8)
    page[:] = PAPER
    for i, tile in enumerate(tiles):
        top, left = GAP + i // columns * (height + GAP), GAP + i % columns * (width + GAP)
        page[top : top + tile.shape[0], left : left + width] = tile
    return page


def check_picture_name(path: Path) -> str:
    """Return the extension, "png" or "jpg", that a picture is written in.

    Raises:
        DatasetError: for another one.
    """
    extension = Path(path).suffix.lower().removeprefix(".")
    if extension not in ("png", "jpg"):
        raise DatasetError(f"A picture is written as .png or .jpg; got {str(path)!r}.")
    return extension


def save(path: Path, image: Image) -> None:
    """Write a picture as .png or .jpg.

    Raises:
        DatasetError: for another extension, or if the file cannot be written.
    """
    replace_file(Path(path), encode_rgb(image, check_picture_name(path)))
