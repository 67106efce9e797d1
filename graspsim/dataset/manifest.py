"""Whose folder a dataset's folder is: what it was made from, in `graspsim.json`, and who is writing to it now."""

import contextlib
import fcntl
import hashlib
import json
import os
import platform
from collections.abc import Iterator
from importlib.metadata import version
from pathlib import Path
from typing import Any

from graspsim.dataset.files import cannot_write, read_json, replace_file
from graspsim.dataset.generate import DumpJob
from graspsim.errors import DatasetError
from graspsim.images import list_images
from graspsim.plain import to_plain
from graspsim.scene_objects import SceneObjects
from graspsim.spec_check import materials_of

MANIFEST = "graspsim.json"
FORMAT = 1
CONVENTIONS = {
    "units": "millimetres in BOP's files, SI units in scene_params.json and objects.json",
    "frames": "right-handed, world z up; camera x right, y down, z forward",
    "depth": "z-depth, times depth_scale gives millimetres; 0 is no value",
    "pixels": "centres at +0.5",
    "quaternions": "x, y, z, w",
    "poses": "world from model frame; the model's origin is the centre of its bounding box",
}
PACKAGES = ("coacd", "manifold3d", "numba", "numpy", "opencv-python-headless", "pybullet", "scipy", "trimesh")


def manifest(job: DumpJob) -> dict[str, Any]:
    """Return what `graspsim.json` says of a dataset: all that decides its bytes, and its conventions.

    Raises:
        SpecError: if a folder of images cannot be read.
        DatasetError: if another input file cannot be read.
    """
    python = ".".join(platform.python_version_tuple()[:2])
    return {
        "format": FORMAT,
        "root_seed": job.root_seed,
        "frames": job.frames,
        "split": job.split,
        "first_scene": job.first_scene,
        "spec": to_plain(job.spec),
        "episode": to_plain(job.episode),
        "inputs": {path: _checksum(path) for path in _input_files(job)},
        "versions": {"graspsim": version("graspsim"), "python": python} | {name: version(name) for name in PACKAGES},
        "conventions": CONVENTIONS,
    }


def write_manifest(job: DumpJob) -> None:
    """Claim the job's folder for it.

    Raises:
        DatasetError: if it cannot be written.
    """
    replace_file(job.root / MANIFEST, (json.dumps(manifest(job), indent=1) + "\n").encode())


def check_folder(job: DumpJob) -> None:
    """Prove that the job's folder is new, or holds a part of this very dataset.

    Raises:
        DatasetError: if it belongs to something else; the message says what differs.
    """
    path = job.root / MANIFEST
    if not path.exists():
        holds = [p.name for p in job.root.iterdir() if not _is_ours(p.name)] if job.root.is_dir() else []
        if holds or (job.root.exists() and not job.root.is_dir()):
            raise DatasetError(
                f"{job.root} exists and is no dataset of ours (it has no {MANIFEST}). Choose another folder."
            )
        return
    ours, theirs = json.loads(json.dumps(manifest(job))), read_json(path)
    if different := [d for key in ours if key != "conventions" for d in _differences(theirs, ours, key)]:
        raise DatasetError(f"{job.root} holds another dataset: {'; '.join(different)}. Choose another folder.")


@contextlib.contextmanager
def locked(root: Path) -> Iterator[None]:
    """Keep a dataset's folder to this process. The lock ends with the process, however that ends.

    Raises:
        DatasetError: if another process holds it, or the folder cannot be written.
    """
    path = root / ".lock"
    try:
        root.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(path, os.O_CREAT | os.O_RDWR, 0o644)
    except OSError as error:
        raise cannot_write(path, error) from error
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise DatasetError(f"Another process is writing to {root}: wait, or choose another folder.") from error
        yield
        path.unlink(missing_ok=True)
    finally:
        os.close(descriptor)


def describe_objects(objects: SceneObjects) -> dict[str, Any]:
    """Return, by obj_id, what each target is: the family or file it came from, what was drawn for it, its measures."""
    return {
        str(obj_id): {
            "source": objects.member(obj_id).source,
            "seed": objects.member(obj_id).seed,
            "name": objects[obj_id].name,
            "parameters": dict(objects[obj_id].parameters),
            "extents_m": objects[obj_id].extents_m.tolist(),
            "volume_m3": objects[obj_id].volume_m3,
            "center_of_mass_m": objects[obj_id].center_of_mass.tolist(),
            "convex_parts": len(objects[obj_id].parts),
        }
        for obj_id in objects.target_ids
    }


def _is_ours(name: str) -> bool:
    """Tell whether a run that was killed early may have left this name."""
    return name.startswith(".") and name.endswith((".part", ".lock"))


def _input_files(job: DumpJob) -> list[str]:
    folders = {material.images for material in materials_of(job.spec) if material.images}
    return [*job.spec.objects.meshes, *(path for folder in sorted(folders) for path in list_images(folder))]


def _checksum(path: str) -> str:
    try:
        return hashlib.sha256(Path(path).read_bytes()).hexdigest()
    except OSError as error:
        raise DatasetError(f"{path} cannot be read: {error.strerror}.") from error


def _differences(theirs: Any, ours: Any, key: str, path: str = "") -> list[str]:
    a, b = theirs.get(key), ours.get(key)
    where = f"{path}{key}"
    if isinstance(a, dict) and isinstance(b, dict):
        return [d for k in sorted({*a, *b}) for d in _differences(a, b, k, f"{where}.")]
    return [] if a == b else [f"{where} is {a!r} there and {b!r} here"]
