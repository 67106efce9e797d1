"""Checks of the model files: units, bounds and diameters as `models_info.json` states them."""

from pathlib import Path

import numpy as np
from scipy.spatial import QhullError

from graspsim.dataset.models_io import MM_PER_M, ModelInfo, load_models_info, load_ply
from graspsim.dataset.report import Report
from graspsim.errors import DatasetError
from graspsim.meshes import Mesh, diameter

LEAST_DIAMETER_M = 0.002
"""No object of a BOP dataset is smaller; one written in metres appears a thousand times smaller than it is."""

AGREE_WITHIN = 0.005
"""Of the diameter: models_info.json may have been computed from a finer mesh."""


def check_models(folder: Path, report: Report) -> dict[int, Mesh]:
    """Check the models of a folder; return those that could be read, none if the folder is absent."""
    if not folder.is_dir():
        report.skip(f"no folder {folder}, so no pose is checked against its model")
        return {}
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
        report.checked["models"] += 1
        _check_model(path, meshes[obj_id], info, report)
    return meshes


def _check_model(path: Path, mesh: Mesh, info: ModelInfo, report: Report) -> None:
    used = mesh.vertices[np.unique(mesh.faces)]
    minimum, size = used.min(axis=0), np.ptp(used, axis=0)
    extent, diameter_mm = float(np.linalg.norm(size)), info.diameter_m * MM_PER_M
    if extent < LEAST_DIAMETER_M:
        report.fault(str(path), f"is {extent * MM_PER_M:.4g} mm across: it looks like metres; BOP's unit is mm.")
        return
    if info.diameter_m < LEAST_DIAMETER_M:
        where = f"{path.parent / 'models_info.json'}, obj_id {int(path.stem.removeprefix('obj_'))}"
        report.fault(where, f"diameter {diameter_mm:.4g} mm looks like metres; BOP's unit is mm.")
        return
    tolerance = AGREE_WITHIN * extent
    if np.abs(minimum - info.minimum_m).max() > tolerance or np.abs(size - info.size_m).max() > tolerance:
        report.fault(
            str(path),
            f"spans {np.round(size * MM_PER_M, 2)} mm from {np.round(minimum * MM_PER_M, 2)}, but models_info.json "
            f"says {np.round(info.size_m * MM_PER_M, 2)} from {np.round(info.minimum_m * MM_PER_M, 2)}.",
        )
    try:
        measured = diameter(used)
    except QhullError:  # a flat model has no hull
        report.skip(f"diameter of {path.name}, which is flat")
        return
    if abs(measured - info.diameter_m) > tolerance:
        report.fault(
            str(path), f"has a diameter of {measured * MM_PER_M:.2f} mm; models_info.json says {diameter_mm:.2f}."
        )
