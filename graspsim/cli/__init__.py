"""The `graspsim` command. Everything heavy is imported by the command that needs it, so that help comes at once."""

from graspsim.cli.main import main as main
