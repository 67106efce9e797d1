"""What several files of tests begin with."""

import os
from pathlib import Path

import pytest
from poses_for_tests import SPLIT, eight_images

from graspsim.dataset.bop import BopDataset
from graspsim.pose.samples import PoseImage, pose_images
from graspsim.pose.score import load_references

if "PYTEST_XDIST_WORKER" in os.environ:
    # Threads that wait for one another (torch's) take the cores from the tests beside.
    os.environ.setdefault("OMP_NUM_THREADS", "1")


REAL = Path(__file__).parents[2] / "shared" / "real"


@pytest.fixture
def real() -> Path:
    """The folder of real data that may lie beside the checkout."""
    if not REAL.is_dir():
        pytest.skip(f"{REAL} is absent")
    return REAL


@pytest.fixture(scope="session")
def pose_root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a dataset that pose estimators learn from; whoever changes it copies it first."""
    return eight_images(tmp_path_factory.mktemp("pose") / "data")


@pytest.fixture(scope="session")
def pose_pictures(pose_root: Path) -> list[PoseImage]:
    """Its images."""
    return pose_images(BopDataset(pose_root), SPLIT, load_references(BopDataset(pose_root)))
