"""Observations made plain lie in their space, and say the same."""

import gymnasium
import numpy as np
import pytest

from graspsim.episode.plain_images import FAR_M, PlainImages

OBJECTS = {"families": ["produce"], "models": 2}


@pytest.mark.parametrize("mode", ["state", "rgb", "depth", "rgbd", "segmentation", "pointcloud", ("state", "depth")])
def test_pictures_become_bytes_and_clouds_flat(mode: str | tuple[str, ...]) -> None:
    env = PlainImages(gymnasium.make("graspsim/Lift-v0", objects=OBJECTS, obs_mode=mode, image_size=40))
    observation, _ = env.reset(seed=0)
    assert env.observation_space.contains(observation)
    spaces = env.observation_space
    boxes = spaces.spaces.values() if isinstance(spaces, gymnasium.spaces.Dict) else [spaces]
    for box in boxes:
        assert len(box.shape) == 1 or (len(box.shape) == 3 and box.dtype == np.uint8)
    env.close()


def test_depth_keeps_its_scale_and_segmentation_its_ids() -> None:
    arguments = {"objects": OBJECTS, "obs_mode": ("depth", "segmentation"), "image_size": 40}
    bare = gymnasium.make("graspsim/Lift-v0", **arguments)
    plain = PlainImages(gymnasium.make("graspsim/Lift-v0", **arguments))
    exact, _ = bare.reset(seed=1)
    coarse, _ = plain.reset(seed=1)
    near = exact["depth"] < FAR_M
    assert near.any()
    error = coarse["depth"][..., 0][near] * (FAR_M / 255) - exact["depth"][near]
    assert np.abs(error).max() <= FAR_M / 255
    np.testing.assert_array_equal(coarse["segmentation"][..., 0], exact["segmentation"])
    bare.close()
    plain.close()
