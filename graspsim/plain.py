"""Dataclass trees to plain JSON/YAML values and back, losslessly: distributions as their text form."""

import dataclasses
import types
import typing
from collections.abc import Mapping
from typing import Any, TypeVar

from graspsim.distributions import Distribution, parse
from graspsim.errors import SpecError, UnknownNameError

T = TypeVar("T")
_EXAMPLES = {float: "U(0.1, 2)", int: "I(1, 5)", bool: "{true|false}", str: "{checker|noise}"}


def to_plain(value: object) -> Any:
    """Return nested dicts, lists, strings and numbers that JSON can write."""
    if isinstance(value, Distribution):
        return str(value)
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {f.name: to_plain(getattr(value, f.name)) for f in dataclasses.fields(value)}
    if isinstance(value, tuple | list):
        return [to_plain(item) for item in value]
    return value


def from_plain(wanted: type[T], plain: object) -> T:
    """Return the dataclass tree that `plain` describes; fields left out keep their defaults.

    Raises:
        UnknownNameError: for a key that is no field; the message gives the nearest one.
        SpecError: for a value of the wrong kind.
    """
    return _read(wanted, plain, "", None)  # type: ignore[no-any-return]


def overlaid(base: T, plain: object) -> T:
    """Return `base` with the fields that `plain` gives replaced; of a tuple, {"2": value} replaces the item 2 alone."""
    return _read(type(base), plain, "", base)  # type: ignore[no-any-return]


def _read(wanted: Any, plain: object, path: str, base: Any) -> Any:
    if typing.get_origin(wanted) in (types.UnionType, typing.Union):
        if plain is None or (isinstance(plain, str) and plain.strip().lower() == "none"):
            return None
        wanted = next(a for a in typing.get_args(wanted) if a is not type(None))
    if isinstance(plain, str) and (wanted is not str or plain.strip().startswith("{")):
        plain = _split(plain) if typing.get_origin(wanted) is tuple else parse(plain)
    if isinstance(plain, Distribution) and not dataclasses.is_dataclass(wanted):
        return plain
    if dataclasses.is_dataclass(wanted):
        return _read_dataclass(wanted, plain, path, base)
    if typing.get_origin(wanted) is tuple:
        return _read_tuple(wanted, plain, path, base)
    legal = {float: (int, float), int: (int,), bool: (bool,), str: (str,)}[wanted]
    if not isinstance(plain, legal) or (isinstance(plain, bool) and wanted is not bool):
        what = {float: "a number", int: "a whole number", bool: "true or false", str: "a word"}[wanted]
        raise SpecError(f"{path} must be {what}, or a distribution such as {_EXAMPLES[wanted]}; got {plain!r}.")
    return float(plain) if wanted is float else plain


def _read_dataclass(wanted: Any, plain: object, path: str, base: Any) -> Any:
    if not isinstance(plain, Mapping):
        raise SpecError(f"{path or wanted.__name__} must hold keys and values; got {plain!r}.")
    hints = typing.get_type_hints(wanted)
    for key in plain:
        if str(key).endswith(")"):
            raise SpecError(
                f'{path or wanted.__name__}: put a distribution in quotes, as "I(5, 15)", since YAML splits at commas.'
            )
        if key not in hints:
            raise UnknownNameError(f"key of {path or wanted.__name__}", str(key), hints)
    where = f"{path}." if path else ""
    changes = {
        key: _read(hints[key], value, where + key, getattr(base, key, None) if base is not None else None)
        for key, value in plain.items()
    }
    if base is not None:
        return dataclasses.replace(base, **changes)
    try:
        return wanted(**changes)
    except TypeError as error:
        raise SpecError(f"{path or wanted.__name__} lacks a key: {error}.") from error


def _read_tuple(wanted: Any, plain: object, path: str, base: Any) -> Any:
    arguments = typing.get_args(wanted)
    if isinstance(plain, Mapping) and isinstance(base, tuple):
        # Single items by their number, so that a dotted path can reach into a tuple.
        items: list[Any] = list(base)
        for key, value in plain.items():
            if str(key) not in map(str, range(len(items))):
                raise UnknownNameError(f"item of {path}", str(key), map(str, range(len(items))))
            i = int(key)
            items[i] = _read(arguments[0 if arguments[-1] is Ellipsis else i], value, f"{path}.{i}", items[i])
        return tuple(items)
    items = list(plain) if isinstance(plain, list | tuple) else [plain]
    if arguments[-1] is Ellipsis:
        arguments = (arguments[0],) * len(items)
    if len(arguments) != len(items):
        raise SpecError(f"{path} must hold {len(arguments)} values; got {len(items)}: {plain!r}.")
    return tuple(_read(a, item, f"{path}.{i}", None) for i, (a, item) in enumerate(zip(arguments, items, strict=True)))


def _split(text: str) -> list[str]:
    """Split at the commas outside of parentheses and braces."""
    items, depth = [""], 0
    for character in text.strip().removeprefix("[").removesuffix("]"):
        depth += (character in "({") - (character in ")}")
        if character == "," and depth == 0:
            items.append("")
        else:
            items[-1] += character
    return [item.strip() for item in items if item.strip()]
