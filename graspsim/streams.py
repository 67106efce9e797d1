"""Random streams: every frame and episode is named by (root seed, index), and every concern draws from its own stream.

Switching one randomization off therefore leaves every other drawn value untouched, and an ablation compares like with
like.
"""

from enum import IntEnum

import numpy as np

from graspsim.errors import SpecError


class Stream(IntEnum):
    """What a stream decides. The numbers are part of the dataset format: append, never renumber."""

    LAYOUT = 0
    OBJECTS = 1
    PHYSICS = 2
    TEXTURES = 3
    LIGHTS = 4
    BACKGROUND = 5
    CAMERA = 6
    DISTRACTORS = 7
    SENSOR = 8
    MODELS = 9
    CONTROL = 10
    TASK = 11


def check_seed(seed: int) -> int:
    """Return `seed` if it is one of the 64-bit seeds that every part takes, else raise `SpecError`."""
    if not 0 <= seed < 2**64:
        raise SpecError(f"A seed must lie in [0, 2^64 - 1]; got {seed}.")
    return seed


def generator(root_seed: int, index: int, stream: Stream, *key: int) -> np.random.Generator:
    """Return the generator of one stream of scene or episode `index`; `key` names an instance or view inside it.

    NumPy splits what reaches 2^32 into two words: the key (2^32,) names the stream that (0, 1) does.
    """
    return np.random.default_rng(np.random.SeedSequence(root_seed, spawn_key=(index, int(stream), *key)))
