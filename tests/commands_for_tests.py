"""The command line as tests run it."""

import shlex
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

GRASPSIM = Path(sys.executable).with_name("graspsim")
Run = Callable[[str, Path], subprocess.CompletedProcess[str]]


def graspsim(arguments: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    """Run the installed command as a user would."""
    return subprocess.run(
        [GRASPSIM, *shlex.split(arguments)], cwd=cwd, capture_output=True, text=True, timeout=300, check=False
    )
