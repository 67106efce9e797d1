"""graspsim: synthetic data for robotic grasping, exactly labelled and reproducible to the byte."""

from importlib.metadata import version

import gymnasium

from graspsim.registry import names

__version__ = version("graspsim")

for _task in names("task"):
    gymnasium.register(f"graspsim/{_task}", entry_point="graspsim.episode.env:GraspEnv", kwargs={"task": _task})
