"""Changing a specification by the dotted path of a section or field."""

import dataclasses
from typing import Any

from graspsim.distributions import Distribution
from graspsim.errors import UnknownNameError
from graspsim.spec import SceneSpec


def fixed(spec: SceneSpec, path: str) -> SceneSpec:
    """Return the spec with one section or field, by its dotted path, no longer random: at the middle of its range."""

    def middle(value: Any) -> Any:
        if isinstance(value, Distribution):
            return value.middle()
        if isinstance(value, tuple):
            return tuple(middle(item) for item in value)
        if dataclasses.is_dataclass(value) and not isinstance(value, type):
            return dataclasses.replace(
                value, **{f.name: middle(getattr(value, f.name)) for f in dataclasses.fields(value)}
            )
        return value

    result: SceneSpec = replaced(spec, path, middle)
    return result


def replaced(spec: Any, path: str, change: Any) -> Any:
    """Return a dataclass tree in which the value at a dotted path is replaced by `change(value)`.

    Raises:
        UnknownNameError: if a name on the path is no field; the message gives the nearest one.
    """
    name, _, rest = path.partition(".")
    if isinstance(spec, tuple) and name.isdigit() and int(name) < len(spec):
        items = list(spec)
        items[int(name)] = replaced(items[int(name)], rest, change) if rest else change(items[int(name)])
        return tuple(items)
    known = [str(i) for i in range(len(spec))] if isinstance(spec, tuple) else []
    if dataclasses.is_dataclass(spec) and not isinstance(spec, Distribution):
        known = [f.name for f in dataclasses.fields(spec)]
    if name not in known:
        raise UnknownNameError(f"key of {type(spec).__name__}", name, known)
    value = getattr(spec, name)
    return dataclasses.replace(spec, **{name: replaced(value, rest, change) if rest else change(value)})
