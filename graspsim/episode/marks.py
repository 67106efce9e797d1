"""Marks in pictures for people, of places where there is nothing in the world, such as a goal."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from graspsim.geometry import Array, apply, invert

COLOR = np.array((40.0, 220.0, 80.0))
OPACITY = 0.45


@dataclass(frozen=True, eq=False)
class Ball:
    """A ball of a radius about a center (3,) in the world."""

    center_m: Array
    radius_m: float


def marked(
    picture: NDArray[np.uint8], depth_m: NDArray[np.float32], matrix: Array, world_from_camera: Array, ball: Ball
) -> NDArray[np.uint8]:
    """Return a picture (height, width, 3) with a translucent ball, where nothing is before it.

    Args:
        picture: of a camera.
        depth_m: the same camera's (height, width); 0 where there is nothing.
        matrix: its K (3, 3).
        world_from_camera: where it is (4, 4).
        ball: what to mark.
    """
    height, width = depth_m.shape
    u, v = np.meshgrid(np.arange(width) + 0.5, np.arange(height) + 0.5)
    rays = np.stack([(u - matrix[0, 2]) / matrix[0, 0], (v - matrix[1, 2]) / matrix[1, 1], np.ones(u.shape)], axis=-1)
    center = apply(invert(world_from_camera), ball.center_m[None])[0]
    along, square = rays @ center, (rays**2).sum(axis=-1)
    inside = along**2 - square * (center @ center - ball.radius_m**2)
    ball_m = (along - np.sqrt(np.maximum(inside, 0.0))) / square
    seen = (inside > 0) & (ball_m > 0) & ((ball_m < depth_m) | (depth_m == 0))
    result = picture.copy()
    result[seen] = np.round((1 - OPACITY) * picture[seen] + OPACITY * COLOR)
    return result
