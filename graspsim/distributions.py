"""Randomization as data: a distribution stands wherever a number may stand.

A specification is a tree of frozen dataclasses and tuples. `sample` returns the same tree with every distribution
replaced by a draw, `check` proves beforehand that no draw can leave a field's legal range, and `parse`/`str` give each
distribution a short text form for the command line and YAML:

    U(0.05, 2)   LogU(0.3, 1.2)   N(0, 0.01)   I(5, 15)   {checker|noise|flat}   {checker:2|noise:1}
"""

import dataclasses
import math
import re
import zlib
from abc import ABC, abstractmethod
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, ClassVar, TypeVar

import numpy as np

from graspsim.errors import SpecError, UnknownNameError

T = TypeVar("T")


class Distribution(ABC):
    """A value not yet drawn."""

    @abstractmethod
    def draw(self, rng: np.random.Generator) -> Any:
        """Return one value."""

    @abstractmethod
    def support(self) -> tuple[Any, ...]:
        """Return values such that if all of them are legal, every draw is: the ends of a range, or all options."""

    @abstractmethod
    def middle(self) -> Any:
        """Return the value that stands for the distribution where its randomization is switched off."""


@dataclass(frozen=True)
class Uniform(Distribution):
    """Every number of [low, high] is equally likely."""

    low: float
    high: float

    def __post_init__(self) -> None:
        _require(math.isfinite(self.low) and math.isfinite(self.high), self, "bounds must be finite")
        _require(self.low <= self.high, self, "the first bound must not exceed the second")

    def draw(self, rng: np.random.Generator) -> float:  # noqa: D102
        return float(rng.uniform(self.low, self.high))

    def support(self) -> tuple[Any, ...]:  # noqa: D102
        return self.low, self.high

    def middle(self) -> Any:  # noqa: D102
        return (self.low + self.high) / 2

    def __str__(self) -> str:
        return f"U({self.low!r}, {self.high!r})"


@dataclass(frozen=True)
class LogUniform(Distribution):
    """Every ratio is equally likely: the logarithm is uniform on [log low, log high]."""

    low: float
    high: float

    def __post_init__(self) -> None:
        _require(0 < self.low <= self.high < math.inf, self, "bounds must be positive, finite and in ascending order")

    def draw(self, rng: np.random.Generator) -> float:  # noqa: D102
        # exp(log(x)) may round past a bound.
        value = math.exp(rng.uniform(math.log(self.low), math.log(self.high)))
        return min(max(value, self.low), self.high)

    def support(self) -> tuple[Any, ...]:  # noqa: D102
        return self.low, self.high

    def middle(self) -> Any:  # noqa: D102
        return math.sqrt(self.low * self.high)

    def __str__(self) -> str:
        return f"LogU({self.low!r}, {self.high!r})"


@dataclass(frozen=True)
class Normal(Distribution):
    """Normal, truncated at four standard deviations so that its range can be checked before anything is drawn."""

    mean: float
    std: float

    CUT: ClassVar[float] = 4.0

    def __post_init__(self) -> None:
        _require(0 <= self.std < math.inf, self, "the standard deviation must be finite and not negative")
        _require(math.isfinite(self.mean), self, "the mean must be finite")

    def draw(self, rng: np.random.Generator) -> float:  # noqa: D102
        z = rng.normal()
        while abs(z) > self.CUT:
            z = rng.normal()
        return float(self.mean + self.std * z)

    def support(self) -> tuple[Any, ...]:  # noqa: D102
        return self.mean - self.CUT * self.std, self.mean + self.CUT * self.std

    def middle(self) -> Any:  # noqa: D102
        return self.mean

    def __str__(self) -> str:
        return f"N({self.mean!r}, {self.std!r})"


@dataclass(frozen=True)
class Integers(Distribution):
    """Every integer of low, …, high (both included) is equally likely."""

    low: int
    high: int

    def __post_init__(self) -> None:
        whole = isinstance(self.low, int) and isinstance(self.high, int)
        _require(whole and self.low <= self.high, self, "bounds must be integers and the first not exceed the second")

    def draw(self, rng: np.random.Generator) -> int:  # noqa: D102
        return int(rng.integers(self.low, self.high, endpoint=True))

    def support(self) -> tuple[Any, ...]:  # noqa: D102
        return self.low, self.high

    def middle(self) -> Any:  # noqa: D102
        return (self.low + self.high) // 2

    def __str__(self) -> str:
        return f"I({self.low}, {self.high})"


@dataclass(frozen=True)
class Choice(Distribution):
    """One of several options, equally likely unless weighted."""

    options: tuple[Any, ...]
    weights: tuple[float, ...] | None = None

    def __post_init__(self) -> None:
        _require(len(self.options) > 0, self, "at least one option is needed")
        if self.weights is not None:
            fits = (
                len(self.weights) == len(self.options) and min(self.weights) >= 0 and 0 < sum(self.weights) < math.inf
            )
            # Not `_require`, since unequal numbers of options and weights have no text form.
            if not fits:
                raise SpecError(f"{self!r} is no distribution: each option needs a weight >= 0, and not all may be 0.")

    def draw(self, rng: np.random.Generator) -> Any:  # noqa: D102
        p = None if self.weights is None else np.asarray(self.weights) / sum(self.weights)
        return self.options[int(rng.choice(len(self.options), p=p))]

    def support(self) -> tuple[Any, ...]:  # noqa: D102
        return self.options

    def middle(self) -> Any:  # noqa: D102
        return self.options[0 if self.weights is None else int(np.argmax(self.weights))]

    def __str__(self) -> str:
        if self.weights is None:
            return "{" + "|".join(str(o) for o in self.options) + "}"
        return "{" + "|".join(f"{o}:{w!r}" for o, w in zip(self.options, self.weights, strict=True)) + "}"


def _require(fits: bool, distribution: Distribution, why: str) -> None:
    if not fits:
        raise SpecError(f"{distribution} is no distribution: {why}.")


def ranged(default: object, low: float = -math.inf, high: float = math.inf) -> Any:
    """Declare a dataclass field that holds a number, or a distribution of them, within [low, high].

    The field is annotated with what it is once sampled (`float`), which is what all code that computes with it sees.
    """
    return dataclasses.field(default=default, metadata={"low": low, "high": high})


def one_of(default: object, *allowed: object) -> Any:
    """Declare a dataclass field that holds one of `allowed`, or a `Choice` among them."""
    return dataclasses.field(default=default, metadata={"allowed": allowed})


def _walk(spec: object, path: str = "") -> Iterator[tuple[str, object, dict[str, Any]]]:
    """Yield (dotted path, value, field metadata) of every leaf of a specification."""

    def inside(value: object, where: str, metadata: dict[str, Any]) -> Iterator[tuple[str, object, dict[str, Any]]]:
        if isinstance(value, tuple):
            for i, item in enumerate(value):
                yield from inside(item, f"{where}.{i}", metadata)
        elif dataclasses.is_dataclass(value) and not isinstance(value, Distribution):
            yield from _walk(value, f"{where}.")
        else:
            yield where, value, metadata

    for field in dataclasses.fields(spec):  # type: ignore[arg-type]
        metadata = {**field.metadata, "type": field.type}
        yield from inside(getattr(spec, field.name), path + field.name, metadata)


def check(spec: object) -> None:
    """Prove that every number in `spec`, and every number its distributions can draw, is legal.

    Raises:
        SpecError: naming the field, the value and what is allowed.
    """
    for path, value, metadata in _walk(spec):
        values = value.support() if isinstance(value, Distribution) else (value,)
        if "low" in metadata:
            low, high = metadata["low"], metadata["high"]
            for v in values:
                if isinstance(v, bool) or not isinstance(v, int | float):
                    raise SpecError(f"{path} must be a number or a distribution of numbers; got {value}.")
                # Bounds of U(1, 5) may be whole; what it draws is not.
                if metadata["type"] is int and not (
                    isinstance(v, int) and not isinstance(value, Uniform | LogUniform | Normal)
                ):
                    raise SpecError(f"{path} must be a whole number, or I(a, b) or {{a|b}} of them; got {value}.")
                if not low <= v <= high:
                    raise SpecError(f"{path} must lie in [{low:g}, {high:g}]; got {value}.")
        if metadata["type"] is bool and not all(isinstance(v, bool) for v in values):
            raise SpecError(f"{path} must be true or false, or a choice of them; got {value}.")
        for v in values if "allowed" in metadata else ():
            if v not in metadata["allowed"]:
                raise UnknownNameError(f"{path} option", str(v), [str(a) for a in metadata["allowed"]])


_PLAIN = (float, int, str, bool, type(None))


def sample(spec: T, rng: np.random.Generator) -> T:
    """Return the same tree with numbers where distributions stood.

    Each leaf draws from a generator of its own, keyed by its path, so that fixing one value leaves every other drawn
    value untouched. `rng` itself advances by one draw.
    """
    key = int(rng.integers(2**63))

    def draw(value: object, path: str) -> Any:
        # What holds no distribution is returned as it is: most of a specification, most of the time.
        if type(value) in _PLAIN:
            return value
        if isinstance(value, Distribution):
            return value.draw(np.random.default_rng([key, zlib.crc32(path.encode())]))
        if isinstance(value, tuple):
            if all(type(item) in _PLAIN for item in value):
                return value
            return tuple(draw(item, f"{path}.{i}") for i, item in enumerate(value))
        if dataclasses.is_dataclass(value) and not isinstance(value, type):
            given = {name: getattr(value, name) for name in value.__dataclass_fields__}
            drawn = {name: draw(v, f"{path}.{name}") for name, v in given.items() if type(v) not in _PLAIN}
            changes = {name: new for name, new in drawn.items() if new is not given[name]}
            return dataclasses.replace(value, **changes) if changes else value
        return value

    return draw(spec, "")  # type: ignore[no-any-return]


_CALL = re.compile(r"(\w+)\(([^()]*)\)")
_KINDS: dict[str, type[Distribution]] = {"U": Uniform, "LogU": LogUniform, "N": Normal, "I": Integers}


def parse(text: str) -> Any:
    """Return the distribution that `text` writes, or the plain number, boolean or word that it is.

    Raises:
        SpecError: if it looks like a distribution but is not one.
    """
    text = text.strip()
    if text.startswith("{") and text.endswith("}"):
        return _parse_choice(text)
    if call := _CALL.fullmatch(text):
        name, arguments = call[1], [parse_scalar(a) for a in call[2].split(",")]
        if name not in _KINDS:
            raise UnknownNameError("distribution", name, _KINDS)
        numeric = all(isinstance(a, int | float) and not isinstance(a, bool) for a in arguments)
        if len(arguments) != 2 or not numeric:
            raise SpecError(f"{text!r} is no distribution: {name} takes two numbers, such as {name}(1, 2).")
        return _KINDS[name](*arguments)
    if "(" in text or "{" in text:
        raise SpecError(f"{text!r} is no distribution; allowed are {', '.join(f'{k}(a, b)' for k in _KINDS)}, {{a|b}}.")
    return parse_scalar(text)


def _parse_choice(text: str) -> Choice:
    items = [item.strip() for item in text[1:-1].split("|")]
    weighted = [item.rpartition(":") for item in items]
    if all(separator for _, separator, _ in weighted):
        weights = [parse_scalar(weight) for _, _, weight in weighted]
        if all(isinstance(w, int | float) for w in weights):
            return Choice(tuple(parse_scalar(option) for option, _, _ in weighted), tuple(float(w) for w in weights))
    return Choice(tuple(parse_scalar(item) for item in items if item))


def parse_scalar(text: str) -> Any:
    """Return the integer, number or boolean that `text` writes, else the text itself."""
    text = text.strip()
    for convert in (int, float):
        try:
            return convert(text)
        except ValueError:
            continue
    return {"true": True, "false": False, "none": None}.get(text.lower(), text)
