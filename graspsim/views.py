"""Camera poses: on a shell around the scene, inside nothing."""

import numpy as np

from graspsim.distributions import sample
from graspsim.errors import SpecError
from graspsim.geometry import Array, Intrinsics, look_at, poses_from_matrices
from graspsim.models import ObjectModel
from graspsim.scene import Scene, Sensor, View
from graspsim.spec import CameraSpec, SceneSpec, SensorSpec
from graspsim.streams import Stream, generator

CLEARANCE_M = 0.05
_TRIES = 100


def sample_view(spec: SceneSpec, scene: Scene, poses: Array, models: list[ObjectModel], n: int) -> View:
    """Draw view `n` of a scene whose bodies, of `models`, came to rest at `poses` (n, 7).

    Raises:
        SpecError: if no camera pose of the specification keeps clear of the scene.
    """
    for attempt in range(_TRIES):
        camera = sample(spec.camera, generator(scene.root_seed, scene.index, Stream.CAMERA, n, attempt))
        world_from_camera = _world_from_camera(camera)
        if _is_clear(world_from_camera[:3, 3], scene, poses, models):
            sensor = sample(spec.sensor, generator(scene.root_seed, scene.index, Stream.SENSOR, n, 0))
            x, y, z, a, b, c, d = (float(v) for v in poses_from_matrices(world_from_camera[None])[0])
            return View(intrinsics_of(camera), (x, y, z, a, b, c, d), _sensor(sensor))
    raise SpecError(
        f"Scene {scene.index}: {_TRIES} camera poses drawn from the camera section all lay inside something; "
        "widen camera.distance_m or camera.elevation_deg."
    )


def _world_from_camera(camera: CameraSpec) -> Array:
    azimuth, elevation = np.radians(camera.azimuth_deg), np.radians(camera.elevation_deg)
    outward = np.array([np.cos(elevation) * np.cos(azimuth), np.cos(elevation) * np.sin(azimuth), np.sin(elevation)])
    target = np.asarray(camera.look_at_m)
    return look_at(target + outward * camera.distance_m, target, np.radians(camera.roll_deg))


def intrinsics_of(camera: CameraSpec) -> Intrinsics:
    """Return the pinhole camera of a sampled specification."""
    focal_px = camera.height / 2 / np.tan(np.radians(camera.fov_y_deg) / 2)
    x, y = camera.principal_offset_px
    return Intrinsics(
        camera.width, camera.height, float(focal_px), float(focal_px), camera.width / 2 + x, camera.height / 2 + y
    )


def _sensor(spec: SensorSpec) -> Sensor:
    balance = spec.white_balance
    return Sensor(
        exposure_ev=spec.exposure_ev,
        white_balance=(1.0 + balance, 1.0, 1.0 - balance),
        blur_px=spec.blur_px,
        shot_noise=spec.shot_noise,
        read_noise=spec.read_noise,
        depth_baseline_m=spec.depth_baseline_m,
        depth_disparity_step_px=spec.depth_disparity_step_px,
        depth_noise_px=spec.depth_noise_px,
        depth_edge_loss_px=spec.depth_edge_loss_px,
    )


def _is_clear(eye: Array, scene: Scene, poses: Array, models: list[ObjectModel]) -> bool:
    for pose, model in zip(poses, models, strict=True):
        # Half the diagonal of the box bounds the model in any orientation.
        if np.linalg.norm(eye - pose[:3]) < np.linalg.norm(model.extents_m) / 2 + CLEARANCE_M:
            return False
    for fixture in scene.fixtures:
        for box in fixture.boxes:
            outside = np.abs(eye - np.asarray(box.center_m)) - np.asarray(box.size_m) / 2
            if fixture.is_room and outside.max() > -CLEARANCE_M:
                return False
            if not fixture.is_room and outside.max() < CLEARANCE_M:
                return False
    return True
