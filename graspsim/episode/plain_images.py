"""Observations as stable-baselines3 takes them: pictures of bytes and flat arrays, and nothing else."""

from typing import Any

import gymnasium
import numpy as np
from gymnasium import spaces
from gymnasium.utils import RecordConstructorArgs
from numpy.typing import NDArray

FAR_M = 2.0
"""What is farther away is as white as can be in a picture of depth."""


class PlainImages(gymnasium.ObservationWrapper[Any, Any, Any], RecordConstructorArgs):
    """Makes depth and segmentation pictures (height, width, 1) of uint8, and point clouds flat; all else stays.

    Depth is lost beyond 2 m and below 8 mm: right for a table, and not for measuring.
    """

    def __init__(self, env: gymnasium.Env[Any, Any]) -> None:
        RecordConstructorArgs.__init__(self)
        gymnasium.ObservationWrapper.__init__(self, env)
        space = env.observation_space
        if isinstance(space, spaces.Dict):
            self.observation_space = spaces.Dict({key: _space(each) for key, each in space.spaces.items()})
        else:
            self.observation_space = _space(space)
        if hasattr(env.unwrapped, "compute_reward"):
            # What stable-baselines3 knows goal-conditioned tasks by.
            self.compute_reward = env.unwrapped.compute_reward

    def observation(self, observation: Any) -> Any:
        """Return an observation made plain."""
        if isinstance(observation, dict):
            return {key: _plain(each) for key, each in observation.items()}
        return _plain(observation)


def _space(space: spaces.Space[Any]) -> spaces.Space[Any]:
    assert isinstance(space, spaces.Box)
    if len(space.shape) != 2:
        return space
    if space.shape[1] == 3 and space.dtype == np.float32:
        return spaces.Box(space.low.ravel(), space.high.ravel(), dtype=np.float32)
    return spaces.Box(0, 255, (*space.shape, 1), np.uint8)


def _plain(array: NDArray[Any]) -> NDArray[Any]:
    if array.ndim != 2:
        return array
    if array.shape[1] == 3 and array.dtype == np.float32:
        return array.ravel()
    if array.dtype == np.float32:
        array = np.clip(array * (255 / FAR_M), 0, 255)
    picture: NDArray[np.uint8] = np.minimum(array, 255).astype(np.uint8)
    return picture[..., None]
