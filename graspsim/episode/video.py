"""Films of episodes."""

from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from graspsim.errors import GraspsimError


class Video:
    """An MP4 file that is being written, of pictures that all have one size.

    Raises:
        GraspsimError: if the name is none of an MP4 file, or the file cannot be written.
    """

    def __init__(self, path: Path, fps: int) -> None:
        if path.suffix.lower() != ".mp4":
            raise GraspsimError(f"A video is an .mp4 file; got {path}.")
        if not path.parent.is_dir():
            raise GraspsimError(f"Cannot write {path}: there is no folder {path.parent}.")
        self._path, self._fps = path, fps
        self._writer: cv2.VideoWriter | None = None

    def add(self, picture: NDArray[np.uint8]) -> None:
        """Add a picture (height, width, 3)."""
        if self._writer is None:
            size = picture.shape[1], picture.shape[0]
            self._writer = cv2.VideoWriter(str(self._path), cv2.VideoWriter.fourcc(*"mp4v"), self._fps, size)
            if not self._writer.isOpened():
                raise GraspsimError(f"Cannot write {self._path}.")
        self._writer.write(cv2.cvtColor(picture, cv2.COLOR_RGB2BGR))

    def close(self) -> None:
        """Finish the file."""
        if self._writer is not None:
            self._writer.release()
