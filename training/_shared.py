"""What recipes share: environments as a command line names them, and an end when they are asked to stop."""

import contextlib
import inspect
import json
import signal
import sys
import threading
from collections.abc import Iterator, Mapping
from typing import Any

import gymnasium

from graspsim.episode.env import GraspEnv
from graspsim.errors import SpecError, UnknownNameError


def parsed(assignments: tuple[str, ...]) -> dict[str, Any]:
    """Return the arguments of an environment that KEY=VALUE and JSON objects tell.

    Raises:
        SpecError: for what is neither.
    """
    result: dict[str, Any] = {}
    for text in assignments:
        key, equals, value = text.partition("=")
        if text.lstrip().startswith("{"):
            result |= _value(text)
        elif equals:
            result[key.strip()] = _value(value)
        else:
            raise SpecError(f"--env-kwargs takes KEY=VALUE, such as obs_mode=rgb, or a JSON object; got {text!r}.")
    return result


def check_at_least(args: Any, **least: float) -> None:
    """Raise a SpecError if an argument, given by its name, is less than it may be."""
    for name, value in least.items():
        given = getattr(args, name)
        if given is not None and given < value:
            raise SpecError(f"--{name.replace('_', '-')} must be at least {value}; got {given}.")


def made(env: str, kwargs: Mapping[str, Any], objects: str | None) -> gymnasium.Env[Any, Any]:
    """Return the environment of an id, with its arguments and a set of objects.

    Args:
        env: the id.
        kwargs: the arguments.
        objects: name of the set, or its fields as a JSON object; by default what `kwargs` or the task says.

    Raises:
        UnknownNameError: for an unknown id or argument.
        GraspsimError: for an argument that is not legal.
    """
    if env not in gymnasium.registry:
        known = [name for name in gymnasium.registry if name.startswith("graspsim/")]
        raise UnknownNameError("environment", env, known)
    if gymnasium.spec(env).entry_point != f"{GraspEnv.__module__}:{GraspEnv.__name__}":
        raise SpecError(f"{env} is none of graspsim's environments; see `graspsim list` for the tasks.")
    known = list(inspect.signature(GraspEnv).parameters)[1:]
    for name in kwargs:
        if name not in known:
            raise UnknownNameError("argument of the environment", name, known)
    chosen = dict(kwargs) if objects is None else {**kwargs, "objects": _value(objects)}
    return gymnasium.make(env, **chosen)


@contextlib.contextmanager
def stopped_gracefully() -> Iterator[threading.Event]:
    """Within it, the first Ctrl-C or SIGTERM sets the event, and the second one ends at once."""
    stop = threading.Event()

    def handle(number: int, frame: object) -> None:
        stop.set()
        signal.signal(number, signal.default_int_handler)
        print("Stopping; what there is so far is saved.", file=sys.stderr)

    before = {number: signal.signal(number, handle) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield stop
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _value(text: str) -> Any:
    """Return what JSON says, or a word as it stands."""
    try:
        return json.loads(text)
    except ValueError:
        if text.lstrip().startswith(("{", "[")):
            raise SpecError(f"This is no JSON: {text!r}.") from None
        return text
