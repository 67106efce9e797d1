"""How other processes are started, without what this one holds."""

import multiprocessing
from collections.abc import Sequence
from multiprocessing.context import BaseContext
from pathlib import Path


def fresh_processes(preload: Sequence[str]) -> BaseContext:
    """Return the context of processes that begin with some modules of ours read already, where there is a forkserver.

    Args:
        preload: names of modules, which are then imported once for all of them.
    """
    methods = multiprocessing.get_all_start_methods()
    context = multiprocessing.get_context("forkserver" if "forkserver" in methods else "spawn")
    # The server looks for modules in the working directory first: in a checkout beside an installed package, it would
    # find a part of it. Without it, each process imports them from where this one has.
    found, ours = Path(__package__), Path(__file__).parent
    if context.get_start_method() == "forkserver" and (not found.exists() or found.samefile(ours)):
        context.set_forkserver_preload(list(preload))
    return context
