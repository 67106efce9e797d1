"""A dataset that pose estimators learn from in tests."""

from pathlib import Path

from graspsim.dataset.dump import dump
from graspsim.dataset.generate import DumpJob
from graspsim.plain import overlaid
from graspsim.registry import load

SPLIT = "train_pbr"


def eight_images(folder: Path) -> Path:
    """Write eight small images of two objects."""
    small = {
        "camera": {"width": 160, "height": 120, "views": 4, "distance_m": 0.45},
        "objects": {"models": 2, "count": 2, "families": ["drinkware", "tools"]},
        "distractors": {"count": 0},
    }
    dump(DumpJob(overlaid(load("scene", "tabletop"), small), 3, 8, folder, SPLIT), workers=1)
    return folder
