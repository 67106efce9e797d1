"""Whole object sets kept in one file each, which loads a thousand times faster than the objects are made."""

import json
import logging
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from graspsim.cache import cache_path, keep
from graspsim.geometry import Array
from graspsim.meshes import Mesh
from graspsim.models import ObjectModel, Slot, Symmetries
from graspsim.object_set import ObjectSet
from graspsim.plain import to_plain

_log = logging.getLogger(__name__)

_MANY = 200
Arrays = Mapping[str, Any]
_MESH = ("vertices", "faces", "corner_normals", "corner_uvs", "face_slots")


def load_set(objects: ObjectSet) -> dict[int, ObjectModel]:
    """Return all models of a set by number; those of families come out of the cache, or are made and kept there.

    A change of the code or of the libraries that shape the objects makes them anew.

    Raises:
        MeshError: if a mesh file of the set is unfit.
    """
    imported = {n: objects[n] for n, member in enumerate(objects.members, start=1) if member.seed is None}
    numbers = range(len(imported) + 1, len(objects) + 1)
    if not numbers:
        return imported
    name = f"set-{objects.fingerprint()}.npz"
    try:
        with np.load(cache_path(name), allow_pickle=False) as stored:
            models = unpacked(dict(stored))
    except Exception:  # A file that is cut short or damaged fails in many ways, and is replaced like one not there.
        # Worth a word also where nobody has asked for any, if it takes long.
        level = logging.WARNING if len(numbers) > _MANY else logging.INFO
        _log.log(level, "Making %d objects, once; they are kept in %s.", len(numbers), cache_path(name).parent)
        models = [objects[n] for n in numbers]
        arrays = packed(models)
        keep(name, lambda path: _write(path, arrays))
    return imported | dict(zip(numbers, models, strict=True))


def _write(path: Path, arrays: Arrays) -> None:
    np.savez(path, **arrays)


def packed(models: Sequence[ObjectModel]) -> dict[str, Any]:
    """Return models as few arrays, each of which holds one attribute of them all, end to end."""
    arrays: dict[str, Any] = {}
    for name in _MESH:
        each = [getattr(model.mesh, name) for model in models]
        arrays[name] = np.concatenate(each)
        arrays[f"{name}_at"] = _starts(each)
    parts = [part for model in models for part in model.parts]
    arrays["parts"], arrays["parts_at"] = np.concatenate(parts), _starts(parts)
    arrays["model_parts_at"] = _starts([model.parts for model in models])
    for name in ("center_of_mass", "inertia_per_density"):
        arrays[name] = np.array([getattr(model, name) for model in models])
    rest = [
        {
            "name": model.name,
            "volume_m3": model.volume_m3,
            "diameter_m": model.diameter_m,
            "discrete": [s.tolist() for s in model.symmetries.discrete],
            "continuous": [[axis.tolist(), point.tolist()] for axis, point in model.symmetries.continuous],
            "parameters": dict(model.parameters),
            "slots": to_plain(model.slots),
        }
        for model in models
    ]
    arrays["rest"] = np.array(json.dumps(rest))
    return arrays


def unpacked(arrays: Arrays) -> list[ObjectModel]:
    """Return the models that `packed` made the arrays of."""
    at = {name: arrays[f"{name}_at"].tolist() for name in (*_MESH, "parts", "model_parts")}

    def piece(name: str, i: int) -> Any:
        return arrays[name][at[name][i] : at[name][i + 1]]

    return [
        ObjectModel(
            name=rest["name"],
            mesh=Mesh(**{name: piece(name, i) for name in _MESH}),
            parts=tuple(piece("parts", j) for j in range(at["model_parts"][i], at["model_parts"][i + 1])),
            volume_m3=rest["volume_m3"],
            center_of_mass=arrays["center_of_mass"][i],
            inertia_per_density=arrays["inertia_per_density"][i],
            diameter_m=rest["diameter_m"],
            symmetries=Symmetries(
                tuple(np.array(s) for s in rest["discrete"]),
                tuple((np.array(axis), np.array(point)) for axis, point in rest["continuous"]),
            ),
            parameters=rest["parameters"],
            slots=tuple(Slot(**slot) for slot in rest["slots"]),
        )
        for i, rest in enumerate(json.loads(str(arrays["rest"])))
    ]


def _starts(items: Sequence[Sequence[Any] | Array]) -> Array:
    return np.cumsum([0, *(len(item) for item in items)])
