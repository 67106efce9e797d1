"""A model's box, and points in its terms."""

import numpy as np

from graspsim.geometry import apply, rotation_about, transform
from graspsim.pose.frame import Frame


def test_a_model_frame_scales_there_and_back() -> None:
    frame = Frame(np.array((0.1, 0.2, 0.3)), np.array((0.1, 0.4, 0.2)))
    points = np.random.default_rng(0).normal(size=(10, 3))
    np.testing.assert_allclose(frame.metres(frame.scaled(points)), points)
    motion = transform(rotation_about((0, 1, 1), 0.7), (0.1, -0.2, 0.3))
    (scaled,) = frame.motions(motion[None])
    expected = frame.scaled(apply(motion, points))
    np.testing.assert_allclose(frame.scaled(points) @ scaled[:, :3].T + scaled[:, 3], expected)
