"""Checks of the model files: units, bounds and diameters as `models_info.json` states them."""

from pathlib import Path

import numpy as np
from scipy.spatial import QhullError

from graspsim.dataset.models_io import MM_PER_M, ModelInfo, load_models_info, load_ply
from graspsim.dataset.report import Report
from graspsim.errors import DatasetError
from graspsim.geometry import Array
from graspsim.meshes import Mesh
from graspsim.models import diameter

LEAST_DIAMETER_M = 0.002
"""No object of a BOP dataset is smaller; one written in metres appears a thousand times smaller than it is."""

AGREE_WITHIN = 0.005
"""Of the diameter: models_info.json may have been computed from a finer mesh."""

EVAL_AGREES_WITHIN = 0.02
"""Of the diameter: others' evaluation models are decimated."""


def check_models(folder: Path, report: Report) -> dict[int, Mesh]:
    """Check the models of a folder; return those that could be read, none if the folder is absent."""
    if not folder.is_dir():
        report.skip(f"no folder {folder}, so no pose is checked against its model")
        return {}
    return _check_folder(folder, "models", AGREE_WITHIN, report)


def check_eval_models(folder: Path, models_folder: Path, meshes: dict[int, Mesh], report: Report) -> None:
    """Check the evaluation models of a folder as models, and that they are those of `models_folder`, its `meshes`."""
    if not folder.is_dir():
        report.skip(f"no folder {folder}")
        return
    eval_meshes = _check_folder(folder, "evaluation models", EVAL_AGREES_WITHIN, report)
    try:
        obj_ids, eval_ids = set(load_models_info(models_folder)), set(load_models_info(folder))
    except DatasetError:
        return  # reported where each folder is checked, or there is nothing to compare with
    if obj_ids != eval_ids:
        odd = sorted(obj_ids ^ eval_ids)
        report.fault(str(folder), f"its models are not those of {models_folder}; in one only: {odd}.")
    for obj_id in sorted(set(meshes) & set(eval_meshes)):
        low, size = _bounds(meshes[obj_id])
        eval_low, eval_size = _bounds(eval_meshes[obj_id])
        if max(np.abs(low - eval_low).max(), np.abs(size - eval_size).max()) > EVAL_AGREES_WITHIN * np.linalg.norm(
            size
        ):
            report.fault(
                f"{folder / f'obj_{obj_id:06d}.ply'}",
                f"spans {_mm(eval_size)} mm from {_mm(eval_low)}, but in {models_folder} {_mm(size)} from {_mm(low)}.",
            )


def _check_folder(folder: Path, kind: str, agree_within: float, report: Report) -> dict[int, Mesh]:
    infos: dict[int, ModelInfo] = {}
    try:
        infos = load_models_info(folder)
    except DatasetError as error:
        report.fault(str(folder), str(error))
    meshes: dict[int, Mesh] = {}
    for obj_id, info in sorted(infos.items()):
        path = folder / f"obj_{obj_id:06d}.ply"
        if not path.exists():
            report.fault(str(path), f"is missing, but models_info.json has obj_id {obj_id}.")
            continue
        try:
            meshes[obj_id] = load_ply(path)
        except DatasetError as error:
            report.fault(str(path), str(error))
            continue
        report.checked[kind] += 1
        _check_model(path, meshes[obj_id], info, agree_within, report)
    return meshes


def _check_model(path: Path, mesh: Mesh, info: ModelInfo, agree_within: float, report: Report) -> None:
    minimum, size = _bounds(mesh)
    extent, diameter_mm = float(np.linalg.norm(size)), info.diameter_m * MM_PER_M
    if extent < LEAST_DIAMETER_M:
        report.fault(str(path), f"is {extent * MM_PER_M:.4g} mm across: it looks like metres; BOP's unit is mm.")
        return
    if info.diameter_m < LEAST_DIAMETER_M:
        where = f"{path.parent / 'models_info.json'}, obj_id {int(path.stem.removeprefix('obj_'))}"
        report.fault(where, f"diameter {diameter_mm:.4g} mm looks like metres; BOP's unit is mm.")
        return
    tolerance = agree_within * extent
    if np.abs(minimum - info.minimum_m).max() > tolerance or np.abs(size - info.size_m).max() > tolerance:
        report.fault(
            str(path),
            f"spans {_mm(size)} mm from {_mm(minimum)}, but models_info.json "
            f"says {_mm(info.size_m)} from {_mm(info.minimum_m)}.",
        )
    try:
        measured = diameter(mesh.vertices[np.unique(mesh.faces)])
    except QhullError:  # a flat model has no hull
        report.skip(f"diameter of {path.name}, which is flat")
        return
    if abs(measured - info.diameter_m) > tolerance:
        report.fault(
            str(path), f"has a diameter of {measured * MM_PER_M:.2f} mm; models_info.json says {diameter_mm:.2f}."
        )


def _bounds(mesh: Mesh) -> tuple[Array, Array]:
    """Return the least corner (3,) and the extents (3,) of the box of all vertices that a face uses."""
    used = mesh.vertices[np.unique(mesh.faces)]
    return np.asarray(used.min(axis=0)), np.asarray(np.ptp(used, axis=0))


def _mm(vector_m: Array) -> Array:
    return np.round(vector_m * MM_PER_M, 2)
