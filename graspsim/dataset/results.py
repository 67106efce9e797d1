"""Pose estimates in the BOP challenge's CSV: one row per estimate, millimetres on disk, metres in memory.

    scene_id,im_id,obj_id,score,R,t,time

R holds nine and t three numbers with spaces between; time is the seconds that the whole image took, or -1.
"""

import csv
import io
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from graspsim.dataset.files import replace_file
from graspsim.dataset.models_io import MM_PER_M
from graspsim.dataset.records import rigid
from graspsim.errors import DatasetError
from graspsim.geometry import Array

COLUMNS = ("scene_id", "im_id", "obj_id", "score", "R", "t", "time")
_ROTATION_TOLERANCE = 1e-2
"""By which R Rᵀ may differ from the identity: files are written with few digits."""


@dataclass(frozen=True, eq=False)
class PoseEstimate:
    """Where an object is believed to be.

    Attributes:
        scene_id: which scene.
        im_id: which image of it.
        obj_id: which object.
        score: the larger, the surer.
        camera_from_model: (4, 4).
        time_s: what the whole image took, -1 if unknown.
    """

    scene_id: int
    im_id: int
    obj_id: int
    score: float
    camera_from_model: Array
    time_s: float = -1.0


def read_results(path: Path) -> list[PoseEstimate]:
    """Return the estimates of a file, in its order.

    Raises:
        DatasetError: naming the row, if the file is missing, or a column or a value is not as it has to be.
    """
    try:
        text = Path(path).read_text()
    except OSError as error:
        raise DatasetError(f"Cannot read the results {path}: {error.strerror}.") from error
    except UnicodeDecodeError as error:
        raise DatasetError(f"Cannot read the results {path}: it is no text.") from error
    reader = csv.DictReader(io.StringIO(text), skipinitialspace=True)
    missing = [name for name in COLUMNS[:-1] if name not in (reader.fieldnames or ())]
    if missing:
        raise DatasetError(
            f"{path} lacks the columns {', '.join(missing)}; its first row has to be {','.join(COLUMNS)}."
        )
    return [_estimate(row, f"{path}, row {number}") for number, row in enumerate(reader, start=2)]


def _estimate(row: dict[str, str | None], where: str) -> PoseEstimate:
    try:
        ids = [int(row[name] or "") for name in COLUMNS[:3]]
        score = float(row["score"] or "")
        rotation = [float(v) for v in (row["R"] or "").split()]
        translation = [float(v) for v in (row["t"] or "").split()]
        time_s = float(row.get("time") or -1.0)
    except ValueError as error:
        raise DatasetError(f"{where}: {error}.") from error
    if len(rotation) != 9 or len(translation) != 3:
        raise DatasetError(f"{where}: R has nine numbers and t three; got {len(rotation)} and {len(translation)}.")
    pose = rigid(rotation, translation)
    if not np.isfinite([*rotation, *translation, score]).all():
        raise DatasetError(f"{where}: not all numbers are finite.")
    r = pose[:3, :3]
    if np.abs(r @ r.T - np.eye(3)).max() > _ROTATION_TOLERANCE or np.linalg.det(r) < 0:
        raise DatasetError(f"{where}: R is no rotation; rows come first, and its determinant is 1.")
    return PoseEstimate(ids[0], ids[1], ids[2], score, pose, time_s)


def write_results(path: Path, estimates: Sequence[PoseEstimate]) -> None:
    """Write estimates; what is read back is the same, bit for bit but for the unit.

    Raises:
        DatasetError: if the file cannot be written.
    """
    lines = [",".join(COLUMNS)]
    for e in estimates:
        rotation = " ".join(repr(v) for v in e.camera_from_model[:3, :3].ravel().tolist())
        translation = " ".join(repr(v) for v in (e.camera_from_model[:3, 3] * MM_PER_M).tolist())
        lines.append(
            f"{e.scene_id},{e.im_id},{e.obj_id},{float(e.score)!r},{rotation},{translation},{float(e.time_s)!r}"
        )
    replace_file(Path(path), ("\n".join(lines) + "\n").encode())
