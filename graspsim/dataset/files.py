"""Reading and writing whole files, so that a reader never meets half a file and an error names the path."""

import contextlib
import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from graspsim.errors import DatasetError


def json_lines(content: Any) -> bytes:
    """Return JSON with one line per entry of the outermost list or mapping, so that diffs and eyes can read it.

    Keys are sorted, whole numbers by value; floats are written in full, so that they read back bit for bit.
    """
    if isinstance(content, Mapping):
        items = sorted(content.items(), key=lambda item: (item[0] if isinstance(item[0], int) else 0, str(item[0])))
        lines = [f"{json.dumps(str(key))}: {json.dumps(value, sort_keys=True)}" for key, value in items]
        opening, closing = "{", "}"
    elif isinstance(content, list | tuple):
        lines = [json.dumps(value, sort_keys=True) for value in content]
        opening, closing = "[", "]"
    else:
        return (json.dumps(content) + "\n").encode()
    body = ",\n".join("  " + line for line in lines)
    return f"{opening}\n{body}\n{closing}\n".encode()


def read_json(path: Path) -> Any:
    """Return the content of a JSON file.

    Raises:
        DatasetError: if it is missing, unreadable or cut short.
    """
    try:
        return json.loads(path.read_bytes())
    except OSError as error:
        raise DatasetError(f"Cannot read {path}: {error.strerror}.") from error
    except ValueError as error:
        raise DatasetError(f"{path} is not valid JSON ({error}); it may be cut short.") from error


def replace_file(path: Path, data: bytes | memoryview) -> None:
    """Write a file under a temporary name and rename it into place; folders are made as needed.

    Raises:
        DatasetError: if it cannot be written.
    """
    part = path.with_name(f".{path.name}.part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        part.write_bytes(data)
        os.replace(part, path)
    except OSError as error:
        with contextlib.suppress(OSError):
            part.unlink()
        raise cannot_write(path, error) from error


def cannot_write(path: Path, error: OSError) -> DatasetError:
    """Return the error that tells a user which file could not be written, and why."""
    return DatasetError(f"Cannot write {path}: {error.strerror or error}.")
