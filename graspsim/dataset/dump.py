"""A whole dataset: claim the folder, export the models, make the scenes that are missing, write the targets."""

import re
from collections.abc import Callable
from dataclasses import dataclass

from graspsim.dataset.bop import write_camera, write_targets
from graspsim.dataset.files import json_lines, replace_file
from graspsim.dataset.generate import DumpJob, SceneReport, is_complete
from graspsim.dataset.manifest import check_folder, describe_objects, locked, manifest, write_manifest
from graspsim.dataset.models_io import MODEL_FOLDERS, write_models
from graspsim.dataset.scene_writer import remove_leftovers
from graspsim.dataset.workers import generate_scenes
from graspsim.episode.play import POLICIES
from graspsim.episode.spec import EpisodeSpec
from graspsim.episode.task import check_episodes
from graspsim.errors import SpecError, UnknownNameError
from graspsim.registry import load
from graspsim.scene_objects import SceneObjects
from graspsim.spec_check import check_spec
from graspsim.spec_edit import fixed
from graspsim.streams import check_seed
from graspsim.views import intrinsics_of

LAST_SCENE = 999_999
"""BOP's folders have six digits."""


@dataclass
class DumpReport:
    """What a run did.

    Attributes:
        scenes: made by this run.
        frames: made by this run.
        instances: labelled by this run.
        resumed_scenes: found complete at the start.
        requested: bodies asked for.
        placed: bodies that found room.
        removed: bodies that left their scene each time they were dropped.
        redrawn: how often a body that had left the scene was dropped anew.
        restless: scenes in which something still moved when the limit was reached.
    """

    scenes: int = 0
    frames: int = 0
    instances: int = 0
    resumed_scenes: int = 0
    requested: int = 0
    placed: int = 0
    removed: int = 0
    redrawn: int = 0
    restless: int = 0

    def add(self, scene: SceneReport) -> None:
        """Count one finished scene."""
        self.scenes += 1
        self.frames += scene.frames
        self.instances += scene.instances
        self.requested += scene.requested
        self.placed += scene.placed
        self.removed += len(scene.settled.removed)
        self.redrawn += scene.settled.redrawn
        self.restless += not scene.settled.at_rest


def check_job(job: DumpJob, workers: int) -> None:
    """Prove that a job can be done before anything is written.

    Raises:
        SpecError: naming the value that is not legal.
        UnknownNameError: for a task, robot or policy that is in no table.
        DatasetError: if its folder holds something else, or an input file cannot be read.
    """
    check_seed(job.root_seed)
    if job.frames < 1:
        raise SpecError(f"frames must be at least 1; got {job.frames}.")
    if not 0 <= job.first_scene <= LAST_SCENE + 1 - len(job.scene_ids):
        raise SpecError(
            f"first_scene must be from 0, and the last scene at most {LAST_SCENE}; got {job.first_scene} for "
            f"{len(job.scene_ids)} scenes."
        )
    if workers < 1:
        raise SpecError(f"workers must be at least 1; got {workers}.")
    if not re.fullmatch(r"(train|val|test)(_[a-z0-9]+)*", job.split):
        raise SpecError(f"split must be train, val or test, or such with a type, as train_pbr; got {job.split!r}.")
    check_spec(job.spec)
    if job.episode is not None:
        assert isinstance(job.spec, EpisodeSpec)
        check_episodes(load("task", job.episode.task), job.spec)
        load("robot", job.episode.robot)
        if job.episode.policy not in POLICIES:
            raise UnknownNameError("policy", job.episode.policy, POLICIES)
    check_folder(job)


def missing_scenes(job: DumpJob) -> list[int]:
    """Return the scenes that are not complete yet."""
    return [i for i in job.scene_ids if not is_complete(job, i)]


def dump(job: DumpJob, workers: int, on_frame: Callable[[int], None] = lambda n: None) -> DumpReport:
    """Make the dataset, or what is missing of it.

    It starts processes, also for one worker: a script that calls this needs `if __name__ == "__main__":`.

    Args:
        job: the dataset.
        workers: number of processes; the bytes do not depend on it.
        on_frame: called with the number of frames by which the work has advanced (negative where some were lost).

    Raises:
        SpecError: if the job is not legal.
        DatasetError: if the folder holds something else, cannot be written, or is being written by another process.
    """
    check_job(job, workers)
    manifest(job)
    objects = SceneObjects(job.spec, job.set_seed, at_once=job.episode is not None)
    has_models = all((job.root / name).exists() for name in MODEL_FOLDERS)
    # Made before the folder is claimed: a mesh that is no use must leave nothing behind.
    models = {} if has_models else {i: objects[i] for i in objects.target_ids}
    with locked(job.root):
        write_manifest(job)
        remove_leftovers(job.root / job.split)
        if not has_models:
            write_models(job.root, models)
        if not (job.root / "objects.json").exists():
            replace_file(job.root / "objects.json", json_lines(describe_objects(objects)))
        write_camera(job.root, intrinsics_of(fixed(job.spec, "camera").camera))
        missing = missing_scenes(job)
        report = DumpReport(resumed_scenes=len(job.scene_ids) - len(missing))
        try:
            for _, scene in generate_scenes(job, missing, workers, on_frame):
                report.add(scene)
        finally:
            remove_leftovers(job.root / job.split)
        write_targets(job.root, job.split)
    return report
