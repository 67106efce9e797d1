"""One table of names to "module:Attribute" strings: the only place where the engine refers to content.

The engine never imports content statically, so a family, scene or texture is added by writing its file and one line
here. The same table answers `graspsim list`.
"""

import importlib
from typing import Any

from graspsim.errors import GraspsimError, UnknownNameError

_ENTRIES: dict[str, dict[str, str]] = {}


def register(kind: str, name: str, entry_point: str) -> None:
    """Add `name` to the table of `kind`, to be loaded from `entry_point` ("module:Attribute") when first asked for.

    Raises:
        ValueError: if the name is taken, since two contents under one name could never be told apart in a dataset.
    """
    table = _ENTRIES.setdefault(kind, {})
    if name in table:
        raise ValueError(f"{kind} {name!r} is already registered as {table[name]!r}; got {entry_point!r}.")
    table[name] = entry_point


def names(kind: str) -> list[str]:
    """Return every name of one kind, in the order of registration."""
    return list(_ENTRIES.get(kind, {}))


def kinds() -> list[str]:
    """Return the kinds of things that have names."""
    return list(_ENTRIES)


def load(kind: str, name: str) -> Any:
    """Import and return what `name` stands for.

    Raises:
        UnknownNameError: if the table has no such name; the message gives the nearest one.
        GraspsimError: if the content is not installed.
    """
    table = _ENTRIES.get(kind, {})
    if name not in table:
        raise UnknownNameError(kind, name, table)
    module_name, _, attribute = table[name].partition(":")
    try:
        module = importlib.import_module(module_name)
    except ModuleNotFoundError as error:
        if error.name is None or not module_name.startswith(error.name):
            raise
        raise GraspsimError(
            f"{kind} {name!r} lives in {module_name}, which is not installed; run `pip install -e .` in the checkout."
        ) from error
    return getattr(module, attribute)


for _name in (
    "primitives",
    "blocks",
    "superquadrics",
    "lathe",
    "extrusions",
    "containers",
    "drinkware",
    "cutlery",
    "boards",
    "fasteners",
    "tubes",
    "rocks",
    "tools",
    "produce",
    "toys",
    "adversarial",
):
    register("family", _name, f"graspsim.objects.{_name}:{_name.capitalize()}")
for _name in ("train", "heldout", "household", "geometric", "unseen_families"):
    register("set", _name, f"graspsim.objects.sets:{_name.upper()}")
for _name in ("tabletop", "bin", "packed", "floating"):
    register("scene", _name, f"graspsim.envs.scenes:{_name.upper()}")
for _name, _module in (
    ("Lift", "lift"),
    ("PickPlace", "pick_place"),
    ("BinPick", "bin_pick"),
    ("Grasp", "grasp"),
    ("KukaDiverse", "kuka_diverse"),
    ("Clutter", "clutter"),
):
    register("task", f"{_name}-v0", f"graspsim.envs.{_module}:{_name}")
for _name in ("flat", "checker", "stripes", "gradient", "noise", "cells", "wood", "marble", "speckle"):
    register("texture", _name, f"graspsim.render.textures:{_name}")
for _name in ("hand", "panda"):
    register("robot", _name, f"graspsim.robots.{_name}:{_name}")
register("renderer", "raster", "graspsim.render.raster:RasterRenderer")
register("world", "bullet", "graspsim.physics.bullet:BulletWorld")
for _name, _entry in (
    ("dense", "dense:DenseEstimator"),
    ("dense-resnet18", "dense:DenseResnetEstimator"),
    ("dope", "dope:DopeEstimator"),
):
    register("architecture", _name, f"graspsim.pose.{_entry}")
