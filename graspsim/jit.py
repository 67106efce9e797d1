"""Numba's compiler, as all kernels use it: cached on disk where a disk can be written, and never with `fastmath`.

Reassociated arithmetic could change which of two surfaces wins a pixel.
"""

import logging
from collections.abc import Callable
from typing import Any, TypeVar

import numba as nb

Kernel = TypeVar("Kernel", bound=Callable[..., Any])
_log = logging.getLogger(__name__)


def compiled(function: Kernel) -> Kernel:
    """Compile a function when it is first called, and keep the result for the next process."""
    options = {"error_model": "numpy", "nogil": True}
    try:
        kernel: Kernel = nb.njit(cache=True, **options)(function)
    except RuntimeError:
        # Neither the package's folder nor the user's cache can be written.
        _log.debug("%s is compiled anew in each process; set NUMBA_CACHE_DIR to keep it.", function.__name__)
        kernel = nb.njit(**options)(function)
    return kernel
