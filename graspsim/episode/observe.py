"""What an agent is given to see: the modes of observation, their spaces and their values."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from gymnasium import spaces
from numpy.typing import NDArray

from graspsim.episode.cameras import NAMES, Cameras
from graspsim.episode.simulation import Simulation
from graspsim.errors import SpecError, UnknownNameError
from graspsim.geometry import Array, apply, matrices_from_poses, unproject
from graspsim.render.frame import Frame
from graspsim.scene import View
from graspsim.sensors import apply_to_depth, apply_to_rgb

CHANNELS = {
    "state": (),
    "rgb": ("rgb",),
    "depth": ("depth",),
    "rgbd": ("rgb", "depth"),
    "segmentation": ("ids",),
    "pointcloud": ("depth",),
}
"""What a renderer draws for each mode."""
POINTS = 1024
FAR_M = 3.0
"""Points beyond belong to the room and are left out of point clouds; depth images are bounded by `DEPTH_LIMIT_M`."""
DEPTH_LIMIT_M = 20.0
STATE_LIMIT = 5.0
"""No number of a state is larger: what has fallen off the table falls for ever, and would spoil every statistic."""


class Observer:
    """Makes observations of some modes.

    A single mode gives an array, but rgbd a dict of "rgb" and "depth"; a tuple of modes gives a dict. With several
    cameras, the keys of images end in the camera's name.

    Args:
        modes: one name, or several.
        cameras: names of the cameras.
        height: of images.
        width: of images.
        state_size: numbers in a state.

    Raises:
        UnknownNameError: for an unknown mode or camera.
        SpecError: for none at all, or one given twice.
    """

    def __init__(
        self, modes: str | Sequence[str], cameras: Sequence[str], height: int, width: int, state_size: int
    ) -> None:
        self._single = isinstance(modes, str) and modes != "rgbd"
        if not isinstance(modes, str) and not isinstance(modes, Sequence):
            raise SpecError(f"obs_mode is a name, or several of them; got {modes!r}. Known: {', '.join(CHANNELS)}.")
        listed = [modes] if isinstance(modes, str) else list(modes)
        for kind, given, allowed in (("observation mode", listed, list(CHANNELS)), ("camera", list(cameras), NAMES)):
            if not given or len(set(given)) < len(given):
                raise SpecError(f"Give at least one {kind}, and each once; got {given}. Known: {', '.join(allowed)}.")
            for name in given:
                if name not in allowed:
                    raise UnknownNameError(kind, str(name), allowed)
        # rgbd stands for its two images.
        self._kinds = list(
            dict.fromkeys(k for mode in listed for k in (("rgb", "depth") if mode == "rgbd" else [mode]))
        )
        self._cameras = list(cameras)
        self._channels = tuple(dict.fromkeys(c for kind in self._kinds for c in CHANNELS[kind]))
        if self._single and len(cameras) > 1 and self._channels:
            self._single = False
        shape = (height, width)
        kinds: dict[str, spaces.Space[Any]] = {
            "state": spaces.Box(-STATE_LIMIT, STATE_LIMIT, (state_size,), np.float32),
            "rgb": spaces.Box(0, 255, (*shape, 3), np.uint8),
            "depth": spaces.Box(0.0, DEPTH_LIMIT_M, shape, np.float32),
            "segmentation": spaces.Box(0, 2**16 - 1, shape, np.int32),
            "pointcloud": spaces.Box(-DEPTH_LIMIT_M, DEPTH_LIMIT_M, (POINTS, 3), np.float32),
        }
        every = {key: kinds[kind] for kind in self._kinds for key, _ in self._keys(kind)}
        self.space: spaces.Space[Any] = next(iter(every.values())) if self._single else spaces.Dict(every)

    def _keys(self, kind: str) -> list[tuple[str, str]]:
        """Return each key that a kind of image has, with the camera it comes from."""
        if kind == "state":
            return [("state", "")]
        return [(f"{kind}_{name}" if len(self._cameras) > 1 else kind, name) for name in self._cameras]

    def observe(self, sim: Simulation, cameras: Cameras, state: Array) -> Any:
        """Return what is seen now, with `state` (k,) as the task tells it."""
        frames: dict[str, tuple[View, Frame]] = {}
        if self._channels:
            for name in self._cameras:
                view = cameras.view(name, sim)
                frames[name] = view, sim.look(view, self._channels)
        values: dict[str, Any] = {}
        for kind in self._kinds:
            for key, camera in self._keys(kind):
                values[key] = _bounded(state) if kind == "state" else _image(kind, *frames[camera], sim)
        return next(iter(values.values())) if self._single else values


def _bounded(state: Array) -> NDArray[np.float32]:
    return np.clip(state, -STATE_LIMIT, STATE_LIMIT).astype(np.float32)


def _image(kind: str, view: View, frame: Frame, sim: Simulation) -> NDArray[Any]:
    if kind == "rgb":
        assert frame.rgb is not None
        return apply_to_rgb(frame.rgb, view.sensor, sim.noise)
    if kind == "segmentation":
        assert frame.instance_ids is not None
        return frame.instance_ids.astype(np.int32)
    assert frame.depth_m is not None
    depth_m = np.minimum(apply_to_depth(frame.depth_m, view.sensor, view.intrinsics.fx, sim.noise), DEPTH_LIMIT_M)
    return depth_m.astype(np.float32) if kind == "depth" else _points(depth_m, view, sim.noise)


def _points(depth_m: NDArray[np.float32], view: View, rng: np.random.Generator) -> NDArray[np.float32]:
    """Return `POINTS` seen points (n, 3) in the world frame, drawn with replacement where fewer are seen."""
    points = unproject(depth_m, view.intrinsics)[(depth_m > 0) & (depth_m < FAR_M)]
    if not len(points):
        return np.zeros((POINTS, 3), dtype=np.float32)
    chosen = rng.choice(len(points), POINTS, replace=len(points) < POINTS)
    return apply(matrices_from_poses(view.world_from_camera)[0], points[chosen]).astype(np.float32)
