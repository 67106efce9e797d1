"""Files that are kept from one run to the next, under `$GRASPSIM_CACHE` or ~/.cache/graspsim: all can be made again."""

import functools
import hashlib
import logging
import os
import tempfile
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path

_log = logging.getLogger(__name__)
_SHAPING = ("coacd", "manifold3d", "numpy", "scipy", "trimesh")


def cache_path(name: str) -> Path:
    """Return where the file of a name is kept, whether it is there or not."""
    return Path(os.environ.get("GRASPSIM_CACHE") or Path.home() / ".cache" / "graspsim") / name


def keep(name: str, write: Callable[[Path], object]) -> None:
    """Let `write` make the file of a name, whole or not at all; where that fails, only a warning says so.

    `write` is given a path beside the file's place, with the same extension.
    """
    path = cache_path(name)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        # Written aside and moved into place, so that no other process ever reads half a file.
        with tempfile.TemporaryDirectory(dir=path.parent) as aside:
            part = Path(aside) / f"part{path.suffix}"
            write(part)
            os.replace(part, path)
    except OSError as error:
        _warn_once(path.parent, error.strerror or str(error))


def digest(*contents: bytes) -> str:
    """Return a name for contents: the same for the same, and no other's."""
    total = hashlib.sha256()
    for content in contents:
        total.update(len(content).to_bytes(8, "little") + content)
    return total.hexdigest()


@functools.cache
def _warn_once(folder: Path, reason: str) -> None:
    _log.warning("Nothing is kept in %s: %s. Set GRASPSIM_CACHE to a folder that can be written.", folder, reason)


@functools.cache
def code_fingerprint() -> str:
    """Return a checksum of all that decides an object's shape: our own code, and the libraries it computes with."""
    package = Path(__file__).parent
    versions = repr([(name, version(name)) for name in _SHAPING])
    # In a checkout the families lie beside the package, once installed inside it.
    folders = [package, *(f for f in (package / "objects", package.parent / "objects") if f.is_dir())]
    sources = sorted(file for folder in folders for file in folder.glob("*.py"))
    return digest(versions.encode(), *(path.read_bytes() for path in sources))
