"""What a mesh file cannot say of its object stands in a YAML file beside it: `part.yaml` beside `part.obj`."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import yaml

from graspsim.errors import MeshError, UnknownNameError
from graspsim.geometry import Array, transform
from graspsim.models import Symmetries

KEYS = ("name", "scale", "density_kg_m3", "mass_kg", "symmetries")
_SYMMETRY_KEYS = ("discrete", "continuous")
_AXIS_KEYS = ("axis", "offset")
_RIGID = 1e-3


@dataclass(frozen=True, eq=False)
class SideFile:
    """The content of a side file; what it leaves out is None.

    Attributes:
        path: of the file, for messages.
        name: of the object.
        scale: metres per unit of the mesh file.
        density_kg_m3: mean density.
        mass_kg: in all; at most one of density and mass is given.
        symmetries: in the mesh file's frame and unit.
    """

    path: Path
    name: str | None = None
    scale: float | None = None
    density_kg_m3: float | None = None
    mass_kg: float | None = None
    symmetries: Symmetries | None = None


def read_side_file(mesh_path: Path) -> SideFile:
    """Return what stands in the YAML file beside a mesh file, which need not be there.

    Raises:
        MeshError: naming the file and the value, if it cannot be read, has an unknown key or an impossible value.
    """
    path = mesh_path.with_suffix(".yaml")
    if not path.exists():
        return SideFile(path)
    try:
        content = yaml.safe_load(path.read_text())
    except OSError as error:
        raise MeshError(f"{path} cannot be read: {error.strerror}.") from error
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise MeshError(f"{path} is not valid YAML: {' '.join(str(error).split())}.") from error
    given = _mapping(path, "the file", content or {}, KEYS)
    if "density_kg_m3" in given and "mass_kg" in given:
        raise MeshError(
            f"{path} gives both density_kg_m3={given['density_kg_m3']} and mass_kg={given['mass_kg']}; one decides the "
            "other, so give one."
        )
    name = given.get("name")
    if name is not None and not (isinstance(name, str) and name.strip()):
        raise MeshError(f"{path}: name must be a word; got {name!r}.")
    return SideFile(
        path,
        name,
        scale=_positive(path, "scale", given.get("scale")),
        density_kg_m3=_positive(path, "density_kg_m3", given.get("density_kg_m3")),
        mass_kg=_positive(path, "mass_kg", given.get("mass_kg")),
        symmetries=_symmetries(path, given["symmetries"]) if "symmetries" in given else None,
    )


def _mapping(path: Path, what: str, value: object, keys: tuple[str, ...]) -> Mapping[str, Any]:
    if not isinstance(value, Mapping):
        raise MeshError(f"{path}: {what} must hold keys and values of {', '.join(keys)}; got {value!r}.")
    for key in value:
        if key not in keys:
            # The error that names the nearest key, as one of the file.
            raise MeshError(f"{path}: {UnknownNameError('key', str(key), keys)}")
    return value


def _positive(path: Path, key: str, value: object) -> float | None:
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value < math.inf:
        raise MeshError(f"{path}: {key} must be a number above 0; got {value!r}.")
    return float(value)


def _symmetries(path: Path, value: object) -> Symmetries:
    if value is None or value == "none":
        return Symmetries()
    given = _mapping(path, "symmetries", value, _SYMMETRY_KEYS)
    discrete, continuous = given.get("discrete") or (), given.get("continuous") or ()
    for name, entries in (("discrete", discrete), ("continuous", continuous)):
        if not isinstance(entries, list | tuple):
            raise MeshError(f"{path}: symmetries.{name} must be a list; got {entries!r}.")
    return Symmetries(
        tuple(_rigid(path, f"symmetries.discrete.{i}", entry) for i, entry in enumerate(discrete)),
        tuple(_axis(path, f"symmetries.continuous.{i}", entry) for i, entry in enumerate(continuous)),
    )


def _numbers(path: Path, where: str, value: object, count: int) -> Array:
    try:
        numbers = np.asarray(value, dtype=np.float64).ravel()
    except (TypeError, ValueError):
        numbers = np.array([np.nan])
    if numbers.shape != (count,) or not np.isfinite(numbers).all():
        raise MeshError(f"{path}: {where} must be {count} numbers; got {value!r}.")
    return numbers


def _rigid(path: Path, where: str, value: object) -> Array:
    matrix = _numbers(path, where, value, 16).reshape(4, 4)
    rotation = matrix[:3, :3]
    is_rotation = np.allclose(rotation @ rotation.T, np.eye(3), atol=_RIGID) and np.linalg.det(rotation) > 0
    if not is_rotation or not np.allclose(matrix[3], (0, 0, 0, 1), atol=_RIGID):
        raise MeshError(f"{path}: {where} must be a rotation and a translation, 4 x 4, row by row; got {value!r}.")
    # As written, its digits make it a rotation only nearly.
    left, _, right = np.linalg.svd(rotation)
    return transform(left @ right, matrix[:3, 3])


def _axis(path: Path, where: str, value: object) -> tuple[Array, Array]:
    given = _mapping(path, where, value, _AXIS_KEYS)
    axis = _numbers(path, f"{where}.axis", given.get("axis"), 3)
    if not np.linalg.norm(axis) > 0:
        raise MeshError(f"{path}: {where}.axis must have a length; got {given['axis']!r}.")
    return axis / np.linalg.norm(axis), _numbers(path, f"{where}.offset", given.get("offset", (0, 0, 0)), 3)
