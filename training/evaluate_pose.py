"""Score a trained pose estimator on any BOP dataset with ground truth, and write its estimates as BOP's results file.

    python training/evaluate_pose.py runs/pose --data out/test --csv results.csv --workers 2

Needs the extra: pip install 'graspsim[pose]'.
"""

__package__ = "graspsim.training"  # so that it runs as a script, too

import signal
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import tyro
from tyro.conf import Positional

from graspsim.cli.pose import print_scores
from graspsim.cli.progress import progress_bar
from graspsim.dataset.bop import BopDataset
from graspsim.dataset.results import PoseEstimate, write_results
from graspsim.errors import GraspsimError, SpecError
from graspsim.pose.score import Scores, check_models, depth_of, load_references, malformed, score_results, targets_of
from graspsim.processes import fresh_processes

try:
    import torch
except ModuleNotFoundError as error:
    message = f"Pose estimation needs {error.name}: pip install 'graspsim[pose]'."
    if __name__ == "__main__":
        sys.exit(f"evaluate_pose: {message}")
    raise GraspsimError(message) from error

from graspsim.pose.estimator import PoseEstimator, check_device, check_kinds, load_estimator

from ._shared import check_at_least


@dataclass(frozen=True, kw_only=True)
class Args:
    """Score a trained pose estimator."""

    run: Positional[Path]
    """Folder of the run that trained it."""
    data: Path
    """Folder of the dataset."""
    split: str | None = None
    """Which split; not needed where there is but one."""
    csv: Path | None = None
    """File for the estimates."""
    rgb_only: bool = False
    """Leave the depth images out of the estimates."""
    no_vsd: bool = False
    """Leave VSD out of the scores, which needs depth images and takes longest."""
    device: str = "cpu"
    """Where the networks run: cpu or cuda."""
    workers: int = 1
    """Processes that estimate, each on a core of its own."""


class Estimating:
    """Tells what an estimator finds in the images of a split."""

    def __init__(self, estimator: PoseEstimator, args: Args, split: str) -> None:
        self._estimator = estimator
        self._estimator.networks.to(torch.device(args.device))
        self._dataset = BopDataset(args.data)
        self._split = split
        self._rgb_only = args.rgb_only

    def __call__(self, image: tuple[int, int]) -> list[PoseEstimate]:
        """Return the estimates for an image (scene id, image id)."""
        frame = self._dataset.read_frame(self._split, *image)
        start = time.perf_counter()
        depth_m = None if self._rgb_only else frame.depth_m
        # The same whichever process looks at it, and whatever images before.
        rng = np.random.default_rng(image)
        told = self._estimator.estimate(frame.rgb, frame.intrinsics, rng, depth_m)
        seconds = time.perf_counter() - start
        return [PoseEstimate(*image, e.obj_id, e.score, e.camera_from_model, seconds) for e in told]


_of_this_process: list[Estimating] = []


def _begin(args: Args, split: str) -> None:
    # The parent alone answers Ctrl-C.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    torch.set_num_threads(1)
    cv2.setNumThreads(1)
    _of_this_process.append(Estimating(load_estimator(args.run), args, split))


def _estimate(image: tuple[int, int]) -> list[PoseEstimate]:
    return _of_this_process[0](image)


def estimates_of(
    estimator: PoseEstimator, args: Args, split: str, images: list[tuple[int, int]]
) -> Iterator[list[PoseEstimate]]:
    """Yield what an estimator tells of each image (scene id, image id)."""
    if args.workers == 1:
        yield from map(Estimating(estimator, args, split), images)
        return
    pool = ProcessPoolExecutor(args.workers, fresh_processes(["graspsim.pose.dense"]), _begin, (args, split))
    try:
        yield from pool.map(_estimate, images)
    except BrokenProcessPool as error:
        raise GraspsimError(f"One of the {args.workers} processes ended before its time; try fewer.") from error
    finally:
        pool.shutdown(cancel_futures=True)


def evaluate(args: Args) -> Scores:
    """Estimate, write and score.

    Raises:
        GraspsimError: for input that is at fault.
    """
    check_device(args.device)
    check_at_least(args, workers=1)
    if args.csv is not None and args.csv.is_dir():
        raise SpecError(f"--csv names a file, and {args.csv} is a folder.")
    estimator = load_estimator(args.run)
    dataset = BopDataset(args.data)
    split = dataset.only_split(args.split)
    scenes = [dataset.scene_files(split, scene_id) for scene_id in dataset.scene_ids(split)]
    with malformed(f"The ground truth in {args.data}"):
        present = {entry["obj_id"] for scene in scenes for entries in (scene.gt or {}).values() for entry in entries}
    references = load_references(dataset)
    check_kinds(estimator, {i: r for i, r in references.items() if i in present}, args.data)
    targets = targets_of(dataset, split)
    check_models(targets, references, args.data)
    images = sorted(targets)
    # An hour's estimates would be lost to what shows only at the end.
    for scene_id, im_id in images:
        dataset.read_frame(split, scene_id, im_id)
        if not args.no_vsd:
            depth_of(dataset.scene_files(split, scene_id), im_id)
    results: list[PoseEstimate] = []
    with progress_bar("images", len(images)) as advance:
        for told in estimates_of(estimator, args, split, images):
            results += told
            advance(1)
    if args.csv is not None:
        write_results(args.csv, results)
    return score_results(results, dataset, split, with_vsd=not args.no_vsd)


def main() -> None:
    """Do what the command line says, and print what the input's fault is in one sentence."""
    args = tyro.cli(Args, description=__doc__, config=(tyro.conf.FlagCreatePairsOff,))
    try:
        print_scores(evaluate(args))
    except GraspsimError as error:
        sys.exit(f"evaluate_pose: {error}")
    except KeyboardInterrupt:
        sys.exit(130)


if __name__ == "__main__":
    main()
