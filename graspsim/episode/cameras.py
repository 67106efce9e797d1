"""The cameras of an episode: one that stands, as the scene's specification says, and one on the hand."""

import dataclasses

import numpy as np

from graspsim.episode.simulation import Simulation
from graspsim.episode.spec import ControlSpec, EpisodeSpec
from graspsim.geometry import Array, Intrinsics, matrices_from_poses, poses_from_matrices, rotation_about, transform
from graspsim.scene import Pose, View
from graspsim.streams import Stream, generator
from graspsim.views import sample_view

NAMES = ("front", "wrist")
WRIST_FOV_DEG = 75.0
# Beside the hand, where the fingers and what lies between them are in the picture; x of the image along the closing.
gripper_from_wrist = transform(rotation_about((1, 0, 0), 0.75), (0.0, 0.095, -0.055))


class Cameras:
    """Where the cameras of one episode are, with the errors drawn for it.

    Args:
        spec: its section `camera` describes the one that stands.
        sim: the episode.
    """

    def __init__(self, spec: EpisodeSpec, sim: Simulation) -> None:
        front = sample_view(spec, sim.scene, sim.poses, sim.models, 0)
        rng = generator(sim.scene.root_seed, sim.scene.index, Stream.CAMERA, 2**31)
        self._front = jittered(front, sim.drawn, rng)
        self._wrist_error = _jitter(sim.drawn, rng)
        k = front.intrinsics
        focal_px = k.height / 2 / np.tan(np.radians(WRIST_FOV_DEG) / 2)
        self._wrist = Intrinsics(k.width, k.height, focal_px, focal_px, k.width / 2, k.height / 2)

    def view(self, name: str, sim: Simulation) -> View:
        """Return where a camera is now."""
        if name == "front":
            return self._front
        world_from_camera = sim.world_from_gripper @ gripper_from_wrist @ self._wrist_error
        return View(self._wrist, _pose(world_from_camera), self._front.sensor)


def jittered(view: View, control: ControlSpec, rng: np.random.Generator) -> View:
    """Return a view whose camera is off by as much as an episode's errors say."""
    return dataclasses.replace(
        view, world_from_camera=_pose(matrices_from_poses(view.world_from_camera)[0] @ _jitter(control, rng))
    )


def _jitter(control: ControlSpec, rng: np.random.Generator) -> Array:
    turn, shift = rng.normal(size=3), rng.normal(size=3) * control.camera_jitter_m
    angle = float(np.linalg.norm(turn)) * np.radians(control.camera_jitter_deg)
    return transform(rotation_about(turn, angle), shift)


def _pose(world_from_camera: Array) -> Pose:
    x, y, z, a, b, c, d = (float(v) for v in poses_from_matrices(world_from_camera[None])[0])
    return x, y, z, a, b, c, d
