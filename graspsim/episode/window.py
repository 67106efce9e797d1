"""A window that shows pictures as they come."""

import os
from typing import Any

import numpy as np
from numpy.typing import NDArray

from graspsim.errors import GraspsimError


def has_display() -> bool:
    """Whether there is something to show a window on."""
    return any(os.environ.get(name) for name in ("DISPLAY", "WAYLAND_DISPLAY", "SDL_VIDEODRIVER"))


class Window:
    """A window of some size.

    Raises:
        GraspsimError: if there is no display, or pygame is not installed.
    """

    def __init__(self, width: int, height: int) -> None:
        if not has_display():
            raise GraspsimError('render_mode="human" needs a display, and there is none; use "rgb_array".')
        try:
            import pygame
        except ImportError as error:
            raise GraspsimError("A window needs pygame: pip install 'graspsim[view]'.") from error
        self._pygame: Any = pygame
        pygame.display.init()
        pygame.display.set_caption("graspsim")
        self._screen = pygame.display.set_mode((width, height))
        self._clock = pygame.time.Clock()

    def show(self, picture: NDArray[np.uint8], fps: int) -> None:
        """Show a picture (height, width, 3), not sooner than the rate allows."""
        self._pygame.event.pump()
        self._screen.blit(self._pygame.surfarray.make_surface(picture.swapaxes(0, 1)), (0, 0))
        self._pygame.display.flip()
        self._clock.tick(fps)

    def close(self) -> None:
        """Take the window away."""
        self._pygame.display.quit()
