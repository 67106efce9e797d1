"""Objects written into folders, in the format that another program reads."""

import re
from collections.abc import Callable, Mapping
from pathlib import Path

from graspsim.dataset.files import replace_file
from graspsim.errors import SpecError, UnknownNameError
from graspsim.export.glb import glb_files
from graspsim.export.mjcf import mjcf_files
from graspsim.export.obj import obj_files
from graspsim.export.urdf import urdf_files
from graspsim.models import ObjectModel

DENSITY_KG_M3 = 600.0
"""Mean density of an object whose mass is not known: the middle of what scenes draw, and about that of wood."""

# Each takes name, model and mass, and returns files by their path in the object's folder, the one to load last.
FORMATS: dict[str, Callable[[str, ObjectModel, float], dict[str, bytes]]] = {
    "obj": lambda name, model, _: obj_files(name, model),
    "glb": lambda name, model, _: glb_files(name, model),
    "urdf": urdf_files,
    "mjcf": mjcf_files,
}


def check_format(format: str) -> None:
    """Raise `UnknownNameError` unless it is a key of `FORMATS`."""
    if format not in FORMATS:
        raise UnknownNameError("export format", format, FORMATS)


def export_models(
    models: Mapping[str, ObjectModel], folder: Path, format: str, density_kg_m3: float = DENSITY_KG_M3
) -> list[Path]:
    """Write each object into a folder of its own, `folder/NAME/`, and return the file of each that a program loads.

    Files of that name and format are overwritten, and nothing else is touched: formats and further objects may share
    the folder. The file to load comes last, so that all that it refers to is there.

    Args:
        models: by name, of letters, digits, `.`, `_` and `-`.
        folder: made as needed.
        format: a key of `FORMATS`.
        density_kg_m3: mean density of the objects whose mass is not known.

    Raises:
        UnknownNameError: for an unknown format.
        SpecError: for a name that is no plain file name, or a density that is not positive.
        DatasetError: if a file cannot be written.
    """
    check_format(format)
    if not 0 < density_kg_m3 < float("inf"):
        raise SpecError(f"The density of exported objects must be more than 0 kg/m³ and finite; got {density_kg_m3!r}.")
    for name in models:
        _check_name(name)
    written = []
    for name, model in models.items():
        mass_kg = model.mass_kg if model.mass_kg is not None else density_kg_m3 * model.volume_m3
        for file, data in FORMATS[format](name, model, float(mass_kg)).items():
            path = Path(folder) / name / file
            replace_file(path, data)
        written.append(path)
    return written


def _check_name(name: str) -> None:
    """Refuse names that lead out of the folder, or that OBJ and MTL files would read as two words."""
    if not re.fullmatch(r"[A-Za-z0-9_][A-Za-z0-9._-]*", name):
        near = re.sub(r"[^A-Za-z0-9._-]+", "_", name).lstrip(".-") or "object"
        raise SpecError(
            f"{name!r} cannot name the files of an object; letters, digits, '.', '_' and '-' can, such as {near!r}."
        )
