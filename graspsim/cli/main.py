"""The command line's entry."""

import logging
import signal
import sys
from collections.abc import Callable
from importlib.metadata import version
from typing import Any

import tyro

from graspsim.cli.catalogue import List, Objects
from graspsim.cli.datasets import Compare, Dump, Preview, ToDope, Validate
from graspsim.cli.episodes import Play
from graspsim.cli.pose import Score
from graspsim.errors import GraspsimError


def main() -> None:
    """Run the command line, and print what the input's fault is in one sentence."""
    logging.basicConfig(level=logging.WARNING, format="%(message)s")
    logging.getLogger("graspsim").setLevel(logging.INFO)
    commands: dict[str, Callable[..., Any]] = {
        "dump": Dump,
        "validate": Validate,
        "preview": Preview,
        "objects": Objects,
        "play": Play,
        "score": Score,
        "compare": Compare,
        "to-dope": ToDope,
        "list": List,
    }
    if sys.argv[1:] == ["--version"]:
        print(f"graspsim {version('graspsim')}")
        return
    command = tyro.extras.subcommand_cli_from_dict(
        commands,
        prog="graspsim",
        description="Synthetic data for robotic grasping, exactly labelled.",
        config=(tyro.conf.FlagCreatePairsOff,),
    )
    # Ended from outside, as by `docker stop`, it tidies up as for Ctrl-C.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        sys.exit(command.run())
    except GraspsimError as error:
        print(f"graspsim: {error}", file=sys.stderr)
        sys.exit(1)
    except KeyboardInterrupt:
        sys.exit(130)
