"""One scene of a dataset, from its number to its folder: sample, settle, look, render, label, write."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from graspsim.dataset.records import FrameRecord
from graspsim.dataset.scene_writer import SceneWriter
from graspsim.episode.cameras import jittered
from graspsim.episode.controls import action_size
from graspsim.episode.play import Moment, play
from graspsim.episode.spec import SET_SEED, ControlSpec, EpisodeSpec
from graspsim.episode.task import Task, begin
from graspsim.geometry import invert, matrices_from_poses
from graspsim.labels import Target, box_corners, label_frame
from graspsim.physics.settle import settle_scene
from graspsim.physics.world import SettleOutcome
from graspsim.plain import to_plain
from graspsim.registry import load
from graspsim.render.frame import Renderer
from graspsim.sampling import sample_scene
from graspsim.scene import Scene, View
from graspsim.scene_objects import SceneObjects
from graspsim.sensors import apply_to_depth, apply_to_rgb
from graspsim.spec import SceneSpec
from graspsim.streams import Stream, generator
from graspsim.views import sample_view


@dataclass(frozen=True)
class EpisodeJob:
    """What happens in the scenes of a dataset that are episodes of a task.

    Attributes:
        task: its name.
        robot: name of the robot.
        policy: scripted or random.
    """

    task: str
    robot: str
    policy: str


@dataclass(frozen=True)
class DumpJob:
    """A dataset to be made. Together with the installed versions it decides every byte.

    Attributes:
        spec: of its scenes.
        root_seed: names the dataset's worlds, with the scene's number.
        frames: images in all; the last scene holds what is left over.
        root: the dataset's folder.
        split: BOP's name for the part of the dataset; a split of type pbr holds JPEG images, any other PNG.
        episode: what happens in its scenes, of which the images are spread over the time; None for scenes at rest.
        first_scene: number of its first scene. Scenes of other numbers are other scenes of the same objects.
    """

    spec: SceneSpec
    root_seed: int
    frames: int
    root: Path
    split: str
    episode: EpisodeJob | None = None
    first_scene: int = 0

    @property
    def set_seed(self) -> int:
        """Names its objects. Those of episodes are the environment's."""
        return self.root_seed if self.episode is None else SET_SEED

    @property
    def scene_ids(self) -> range:
        """The scenes that hold the frames."""
        return range(self.first_scene, self.first_scene + math.ceil(self.frames / self.spec.camera.views))

    def frames_of(self, scene_id: int) -> int:
        """Return how many frames scene `scene_id` holds."""
        return min(self.spec.camera.views, self.frames - (scene_id - self.first_scene) * self.spec.camera.views)


def is_complete(job: DumpJob, scene_id: int) -> bool:
    """Tell whether a scene is done: a folder that exists is complete."""
    return (job.root / job.split / f"{scene_id:06d}").exists()


@dataclass(frozen=True)
class SceneReport:
    """What the summary of a run says of one scene.

    Attributes:
        frames: images written.
        instances: labels written.
        requested: bodies asked for.
        placed: bodies that found room.
        settled: how they came to rest; some may have left the scene.
    """

    frames: int
    instances: int
    requested: int
    placed: int
    settled: SettleOutcome


def generate_scene(
    job: DumpJob, objects: SceneObjects, scene_id: int, on_frame: Callable[[], None] = lambda: None
) -> SceneReport:
    """Make scene `scene_id` and write its folder; `on_frame` is called after each frame.

    Raises:
        DatasetError: if the folder cannot be written.
        GraspsimError: if nothing fits into the scene.
    """
    spec = job.spec
    count = job.frames_of(scene_id)
    control: ControlSpec | None = None
    if job.episode is None:
        moments, requested, outcome = _at_rest(job, objects, scene_id, count)
    else:
        moments, control, requested, outcome = _played(job, job.episode, objects, scene_id, count)
    writer = SceneWriter(
        job.root / job.split,
        scene_id,
        list(objects.target_ids),
        rgb_format="jpg" if job.split.endswith("_pbr") else "png",
    )
    views, instances = [], 0
    renderer: Renderer | None = None
    drawn_scene: Scene | None = None
    try:
        for im_id, moment in enumerate(moments):
            if renderer is None or moment.scene is not drawn_scene:
                drawn_scene = moment.scene
                renderer = load("renderer", "raster")(drawn_scene, objects, supersampling=spec.camera.supersampling)
            bodies = moment.poses[: len(moment.models)]
            view = sample_view(spec, moment.scene, bodies, list(moment.models), im_id)
            if control is not None:
                rng = generator(job.root_seed, scene_id, Stream.CAMERA, 2**31 + im_id)
                view = jittered(view, control, rng)
            record = record_frame(moment, renderer, view, im_id)
            writer.add(record)
            views.append(view)
            instances += len(record.labels)
            on_frame()
        writer.close({"scene_params.json": scene_params(moments, views, outcome)})
    except BaseException:
        writer.abort()
        raise
    return SceneReport(count, instances, requested, len(moments[0].models) + len(outcome.removed), outcome)


def _at_rest(job: DumpJob, objects: SceneObjects, scene_id: int, count: int) -> tuple[list[Moment], int, SettleOutcome]:
    """Return one settled scene for all images, the number of bodies asked for, and how it settled."""
    scene = sample_scene(job.spec, objects, job.root_seed, scene_id)
    scene, poses, outcome = settle_scene(scene, objects, job.spec.layout.settle_limit_s)
    models = tuple(objects[body.obj_id] for body in scene.bodies)
    return [Moment(scene, models, poses)] * count, scene.requested, outcome


def _played(
    job: DumpJob, episode: EpisodeJob, objects: SceneObjects, scene_id: int, count: int
) -> tuple[list[Moment], ControlSpec, int, SettleOutcome]:
    """Return moments spread evenly over an episode, its errors, the bodies asked for, and how they settled."""
    assert isinstance(job.spec, EpisodeSpec)
    task: Task = load("task", episode.task)()
    (size,) = task.action_space(action_size(load("robot", episode.robot)(), task.control)).shape
    sim = begin(task, job.spec, objects, episode.robot, task.control, (job.root_seed, scene_id))
    try:
        rng = generator(job.root_seed, scene_id, Stream.TASK, 1)
        moments = play(task, sim, episode.policy, size, rng)
    finally:
        sim.close()
    chosen = np.linspace(0, len(moments) - 1, count).round().astype(int)
    return [moments[i] for i in chosen], sim.drawn, moments[0].scene.requested, sim.settled


def record_frame(moment: Moment, renderer: Renderer, view: View, im_id: int) -> FrameRecord:
    """Render and label one view of a moment."""
    scene, poses = moment.scene, moment.poses
    k = view.intrinsics
    world_from_camera = matrices_from_poses(view.world_from_camera)[0]
    frame = renderer.render(poses, k, world_from_camera, ("rgb", "depth", "ids"))
    assert frame.rgb is not None
    assert frame.depth_m is not None
    rng = generator(scene.root_seed, scene.index, Stream.SENSOR, im_id, 1)
    rgb = apply_to_rgb(frame.rgb, view.sensor, rng)
    depth_m = apply_to_depth(frame.depth_m, view.sensor, k.fx, rng)
    camera_from_body = invert(world_from_camera) @ matrices_from_poses(poses)
    chosen = [i for i, body in enumerate(scene.bodies) if body.is_target]
    targets = [
        Target(
            scene.bodies[i].instance_id,
            scene.bodies[i].obj_id,
            box_corners(-moment.models[i].extents_m / 2, moment.models[i].extents_m / 2),
            camera_from_body[i],
        )
        for i in chosen
    ]
    silhouettes = renderer.silhouettes(poses, k, world_from_camera)
    labels = label_frame(frame, [silhouettes[i] for i in chosen], targets, k, depth_m)
    return FrameRecord(im_id, rgb, depth_m, k, world_from_camera, labels)


def scene_params(moments: Sequence[Moment], views: list[View], outcome: SettleOutcome) -> dict[str, Any]:
    """Return every value that was sampled for a scene, and how it settled, as JSON can hold it.

    In an episode, `link_poses` holds where the robot's seen links were in each image.
    """
    scene = moments[0].scene
    count = len(scene.bodies)
    params = {
        "scene": to_plain(scene),
        "settled_poses": {
            str(body.instance_id): pose.tolist()
            for body, pose in zip(scene.bodies, moments[0].poses[:count], strict=True)
        },
        "settle": to_plain(outcome),
        "effective_friction": effective_frictions(scene),
        "views": to_plain(tuple(views)),
    }
    if scene.robot is not None:
        params["link_poses"] = [moment.poses[len(moment.models) :].tolist() for moment in moments]
    return params


def effective_frictions(scene: Scene) -> dict[str, dict[str, float]]:
    """Return the lateral friction of each body on fixtures and a robot's pads: Bullet takes the product, at most 10."""
    others = {fixture.name: fixture.lateral_friction for fixture in scene.fixtures if not fixture.is_room}
    if scene.robot is not None:
        others["pads"] = scene.robot.pad_friction
    return {
        str(body.instance_id): {name: min(body.lateral_friction * other, 10.0) for name, other in others.items()}
        for body in scene.bodies
    }
