"""Errors a user can act on: each names the value received, what is allowed, and the nearest match."""

import difflib
from collections.abc import Iterable


class GraspsimError(Exception):
    """Base of every error that is the input's fault, not the program's; the CLI prints it in one sentence."""


class UnknownNameError(GraspsimError):
    """A name that is in no table."""

    def __init__(self, kind: str, name: str, allowed: Iterable[str]) -> None:
        allowed = sorted(allowed)
        near = difflib.get_close_matches(name, allowed, n=1, cutoff=0.5)
        hint = f" Did you mean {near[0]!r}?" if near else ""
        super().__init__(f"There is no {kind} {name!r}.{hint} Known: {', '.join(allowed)}.")


class SpecError(GraspsimError):
    """A value in a specification that is malformed or out of its range."""


class MeshError(GraspsimError):
    """A mesh that cannot become an object."""


class DatasetError(GraspsimError):
    """A dataset folder that cannot be written or read as asked."""
