"""Models of a BOP dataset as mesh files: `obj_000005.ply`, in millimetres, beside a `models_info.json`."""

import json
import re
from pathlib import Path

import numpy as np

from graspsim.errors import MeshError
from graspsim.geometry import transform
from graspsim.models import Symmetries

METRES_PER_UNIT = 0.001
_NAME = re.compile(r"obj_(\d{6})\.ply")


def bop_obj_id(path: Path) -> int | None:
    """Return the obj_id of a BOP dataset's model, None if the file is no such model."""
    match = _NAME.fullmatch(path.name)
    return int(match[1]) if match and (path.parent / "models_info.json").exists() else None


def bop_symmetries(path: Path, obj_id: int) -> Symmetries:
    """Return the symmetries that the dataset states of a model, in millimetres.

    Raises:
        MeshError: if `models_info.json` cannot be read, or does not tell of the model.
    """
    info = path.parent / "models_info.json"
    try:
        entry = json.loads(info.read_text())[str(obj_id)]
        discrete = [np.array(values, dtype=np.float64).reshape(4, 4) for values in entry.get("symmetries_discrete", ())]
        continuous = [
            (np.array(s["axis"], dtype=np.float64), np.array(s["offset"], dtype=np.float64).reshape(3))
            for s in entry.get("symmetries_continuous", ())
        ]
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise MeshError(f"{info} does not tell of object {obj_id}, as it should: {error!r}.") from error
    return Symmetries(tuple(transform(m[:3, :3], m[:3, 3]) for m in discrete), tuple(continuous))
