"""Vertices of convex hulls in the form that PyBullet takes."""

import weakref
from typing import Any

from graspsim.geometry import Array

_kept: weakref.WeakKeyDictionary[Any, list[list[float]]] = weakref.WeakKeyDictionary()


def hull_vertices(owner: object, vertices: Array) -> list[list[float]]:
    """Return vertices (k, 3) as lists, always the same ones for an owner: PyBullet never lets go of what it was given,
    so that lists made anew would be memory lost with every world."""
    if owner not in _kept:
        _kept[owner] = vertices.tolist()
    return _kept[owner]
