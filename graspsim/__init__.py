"""graspsim: synthetic data for robotic grasping, exactly labelled and reproducible to the byte."""

from importlib.metadata import version

__version__ = version("graspsim")
