"""What several files of tests begin with."""

import logging
import os
import shlex
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from commands_for_tests import Run
from poses_for_tests import SPLIT, eight_images

from graspsim.cli.main import main
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


@pytest.fixture
def in_process(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    """Runs the command line in this process: to start Python takes longer than to refuse a mistake."""

    def run(arguments: str, cwd: Path) -> subprocess.CompletedProcess[str]:
        logger = logging.getLogger("graspsim")
        level, on_sigterm = logger.level, signal.getsignal(signal.SIGTERM)
        with monkeypatch.context() as patch:
            patch.chdir(cwd)
            patch.setattr(sys, "argv", ["graspsim", *shlex.split(arguments)])
            patch.setattr(logging.root, "handlers", [])  # so that what is logged goes to stderr, as for a user
            with pytest.raises(SystemExit) as ended:
                main()
        logger.setLevel(level)
        signal.signal(signal.SIGTERM, on_sigterm)
        return subprocess.CompletedProcess(arguments, ended.value.code or 0, *capsys.readouterr())

    return run


@pytest.fixture(scope="session")
def pose_root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a dataset that pose estimators learn from; whoever changes it copies it first."""
    return eight_images(tmp_path_factory.mktemp("pose") / "data")


@pytest.fixture(scope="session")
def pose_pictures(pose_root: Path) -> list[PoseImage]:
    """Its images."""
    return pose_images(BopDataset(pose_root), SPLIT, load_references(BopDataset(pose_root)))
