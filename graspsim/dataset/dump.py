"""A whole dataset: claim the folder, export the models, make the scenes that are missing, write the targets."""

import json
import logging
import platform
from collections.abc import Callable
from dataclasses import dataclass
from importlib.metadata import version
from typing import Any

from graspsim.dataset.bop import write_camera, write_targets
from graspsim.dataset.files import read_json, replace_file
from graspsim.dataset.generate import DumpJob, SceneReport
from graspsim.dataset.models_io import write_models
from graspsim.dataset.workers import generate_scenes
from graspsim.errors import DatasetError, SpecError
from graspsim.object_set import ObjectSet
from graspsim.plain import to_plain
from graspsim.spec import check_spec, fixed
from graspsim.streams import check_seed
from graspsim.views import intrinsics_of

MANIFEST = "graspsim.json"
FORMAT = 1
CONVENTIONS = {
    "units": "millimetres in BOP's files, SI units in scene_params.json",
    "frames": "right-handed, world z up; camera x right, y down, z forward",
    "depth": "z-depth, times depth_scale gives millimetres; 0 is no value",
    "pixels": "centres at +0.5",
    "quaternions": "x, y, z, w",
    "poses": "world from model frame; the model's origin is the centre of its bounding box",
}

_log = logging.getLogger(__name__)


@dataclass
class DumpReport:
    """What a run did.

    Attributes:
        scenes: made by this run.
        frames: made by this run.
        instances: labelled by this run.
        resumed_scenes: found complete at the start.
        requested: bodies asked for.
        placed: bodies that found room and stayed in the scene.
        redrawn: how often a body that had left the scene was dropped anew.
        restless: scenes in which something still moved when the limit was reached.
    """

    scenes: int = 0
    frames: int = 0
    instances: int = 0
    resumed_scenes: int = 0
    requested: int = 0
    placed: int = 0
    redrawn: int = 0
    restless: int = 0

    def add(self, scene: SceneReport) -> None:
        """Count one finished scene."""
        self.scenes += 1
        self.frames += scene.frames
        self.instances += scene.instances
        self.requested += scene.requested
        self.placed += scene.placed
        self.redrawn += scene.settled.redrawn
        self.restless += not scene.settled.at_rest


def check_job(job: DumpJob, workers: int) -> None:
    """Prove that a job can be done before anything is written.

    Raises:
        SpecError: naming the value that is not legal.
    """
    check_seed(job.root_seed)
    if job.frames < 1:
        raise SpecError(f"frames must be at least 1; got {job.frames}.")
    if workers < 1:
        raise SpecError(f"workers must be at least 1; got {workers}.")
    if not job.split or "/" in job.split or job.split.startswith("."):
        raise SpecError(f"split must be a folder name such as train_pbr, train, val or test; got {job.split!r}.")
    check_spec(job.spec)


def missing_scenes(job: DumpJob) -> list[int]:
    """Return the scenes that are not complete yet: a folder that exists is complete."""
    return [i for i in range(job.scene_count) if not (job.root / job.split / f"{i:06d}").exists()]


def dump(job: DumpJob, workers: int, on_frame: Callable[[int], None] = lambda n: None) -> DumpReport:
    """Make the dataset, or what is missing of it.

    Args:
        job: the dataset.
        workers: number of processes; the bytes do not depend on it.
        on_frame: called with the number of frames by which the work has advanced (negative where some were lost).

    Raises:
        SpecError: if the job is not legal.
        DatasetError: if the folder holds something else, or cannot be written.
    """
    check_job(job, workers)
    check_folder(job)
    objects = ObjectSet(job.spec, job.root_seed)
    if not (job.root / "models" / "models_info.json").exists():
        # Made before the folder is claimed: a mesh that is no use must leave nothing behind.
        models = [objects[i] for i in objects.target_ids]
        _claim(job)
        write_models(job.root, models)
    write_camera(job.root, intrinsics_of(fixed(job.spec, "camera").camera))
    missing = missing_scenes(job)
    report = DumpReport(resumed_scenes=job.scene_count - len(missing))
    for _, scene in generate_scenes(job, missing, workers, on_frame):
        report.add(scene)
    write_targets(job.root, job.split)
    return report


def manifest(job: DumpJob) -> dict[str, Any]:
    """Return what `graspsim.json` says of a dataset."""
    packages = ("graspsim", "numpy", "numba", "opencv-python-headless", "pybullet", "trimesh")
    return {
        "format": FORMAT,
        "root_seed": job.root_seed,
        "frames": job.frames,
        "split": job.split,
        "spec": to_plain(job.spec),
        "conventions": CONVENTIONS,
        "versions": {"python": platform.python_version(), **{name: version(name) for name in packages}},
    }


def check_folder(job: DumpJob) -> None:
    """Prove that the job's folder is new, or holds a part of this very dataset.

    Raises:
        DatasetError: if it belongs to something else; the message says what differs.
    """
    path = job.root / MANIFEST
    if not path.exists():
        if job.root.exists() and (not job.root.is_dir() or any(job.root.iterdir())):
            raise DatasetError(
                f"{job.root} exists and is no dataset of ours (it has no {MANIFEST}). Choose another folder."
            )
        return
    ours, theirs = json.loads(json.dumps(manifest(job))), read_json(path)
    different = [d for key in ours if key not in ("versions", "conventions") for d in _differences(theirs, ours, key)]
    if different:
        raise DatasetError(f"{job.root} holds another dataset: {'; '.join(different)}. Choose another folder.")
    if other := _differences(theirs, ours, "versions"):
        _log.warning("%s was begun with other versions: %s.", job.root, "; ".join(other))


def _claim(job: DumpJob) -> None:
    replace_file(job.root / MANIFEST, (json.dumps(manifest(job), indent=1) + "\n").encode())


def _differences(theirs: Any, ours: Any, key: str, path: str = "") -> list[str]:
    a, b = theirs.get(key), ours.get(key)
    where = f"{path}{key}"
    if isinstance(a, dict) and isinstance(b, dict):
        return [d for k in sorted({*a, *b}) for d in _differences(a, b, k, f"{where}.")]
    return [] if a == b else [f"{where} is {a!r} there and {b!r} here"]
