"""PyBullet's clients: a simulation to build a world in, handed out empty. The only module that imports pybullet."""

import importlib
import os
from typing import Any

_USES = 200
"""Worlds built in one client before it is thrown away, since what Bullet leaks is freed with the client alone."""


def _import_quietly(name: str) -> Any:
    """Import a module while standard error is shut, also for what its C code prints: PyBullet tells its build time."""
    try:
        saved = os.dup(2)
    except OSError:  # there is no standard error to protect
        return importlib.import_module(name)
    shut = os.open(os.devnull, os.O_WRONLY)
    os.dup2(shut, 2)
    try:
        return importlib.import_module(name)
    finally:
        os.dup2(saved, 2)
        os.close(saved)
        os.close(shut)


pybullet = _import_quietly("pybullet")

_idle: dict[int, list[tuple[int, int]]] = {}
"""By process, since no client survives a fork: (client, worlds built in it so far) of those that wait."""


def take_client() -> tuple[int, int]:
    """Return a client with an empty simulation, and how many worlds were built in it before."""
    waiting = _idle.setdefault(os.getpid(), [])
    # To connect takes longer than to build and settle a world of a few bodies.
    return waiting.pop() if waiting else (pybullet.connect(pybullet.DIRECT), 0)


def give_back(client: int, uses: int) -> None:
    """Empty a client that `take_client` gave, for the next one who asks."""
    # Only a reset frees collision shapes.
    pybullet.resetSimulation(physicsClientId=client)
    if uses + 1 < _USES:
        _idle.setdefault(os.getpid(), []).append((client, uses + 1))
    else:
        pybullet.disconnect(physicsClientId=client)
