"""Importing PyBullet without its build time on standard error, where the user looks for what went wrong."""

import importlib
import os
from typing import Any


def import_quietly(name: str) -> Any:
    """Import a module while standard error is shut, also for what its C code prints."""
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
