"""What an environment is made with: its arguments, proven to be legal, and the objects that they ask for."""

import dataclasses
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any

import numpy as np

from graspsim.episode.spec import SET_SEED, EpisodeSpec
from graspsim.errors import SpecError
from graspsim.plain import overlaid
from graspsim.robot import RobotModel
from graspsim.scene_objects import SceneObjects
from graspsim.spec import SetSpec
from graspsim.spec_check import check_spec

# What a reset cannot change: the size of pictures, and the set of objects.
PICTURE = ("camera.width", "camera.height")
OBJECT_SET = tuple(f"objects.{field.name}" for field in dataclasses.fields(SetSpec))


def changed(spec: EpisodeSpec, changes: Mapping[str, Any]) -> EpisodeSpec:
    """Return the specification with values changed by their dotted keys, and proven to be legal.

    Raises:
        UnknownNameError: for an unknown key.
        SpecError: for a value out of its range.
    """
    if not isinstance(changes, Mapping):
        raise SpecError(f'randomize holds keys and values, such as {{"physics.friction": 0.5}}; got {changes!r}.')
    nested: dict[str, Any] = {}
    for key, value in changes.items():
        *path, last = str(key).split(".")
        inner: Any = nested
        for name in path:
            inner = inner.setdefault(name, {})
            if not isinstance(inner, dict):
                raise SpecError(f"randomize gives both {key} and a value for all of {name}; give one of them.")
        inner[last] = value
    result = overlaid(spec, nested)
    check_spec(result)
    return result


def check_unchanged(before: EpisodeSpec, after: EpisodeSpec, paths: Sequence[str], why: str) -> None:
    """Raise a SpecError if one of some values differs in two specifications."""
    for path in paths:
        section, name = path.split(".")
        old, new = (getattr(getattr(spec, section), name) for spec in (before, after))
        if old != new:
            raise SpecError(f"{path} cannot be changed from {old} to {new} here: {why}.")


@lru_cache(maxsize=4)
def loaded(spec: EpisodeSpec) -> SceneObjects:
    """Return the objects that episodes draw from, made or read at once, for environments to share."""
    return SceneObjects(spec, SET_SEED, at_once=True)


def check_span(objects: SceneObjects, robot: RobotModel) -> None:
    """Raise a SpecError if there is an object that a robot's fingers cannot span."""
    for obj_id in objects.target_ids:
        model = objects[obj_id]
        narrowest_m = min(model.extents_m)
        # What is open can be taken by its wall.
        if narrowest_m > robot.opening_m and model.volume_m3 > 0.5 * float(np.prod(model.extents_m)):
            raise SpecError(
                f"The object {obj_id} ({model.name}) is at least {narrowest_m * 1000:.0f} mm wide, and the robot "
                f"{robot.name!r} spans {robot.opening_m * 1000:.0f} mm; choose smaller objects, or set objects.size_m."
            )


def image_size_of(given: int | Sequence[int]) -> tuple[int, int]:
    """Return height and width, given both or one number for both.

    Raises:
        SpecError: if they are none of a picture.
    """
    sides: list[Any] = [given] if np.ndim(given) == 0 else list(given)  # type: ignore[arg-type]
    if len(sides) not in (1, 2) or not all(isinstance(side, int | np.integer) and 16 <= side <= 8192 for side in sides):
        raise SpecError(f"image_size must be from 16 to 8192, one number or height and width; got {given}.")
    return int(sides[0]), int(sides[-1])
