"""Score a trained pose estimator on any BOP dataset with ground truth, and write its estimates as BOP's results file.

    python training/evaluate_pose.py runs/pose --data out/test --csv results.csv

Needs the extra: pip install 'graspsim[pose]'.
"""

__package__ = "graspsim.training"  # so that it runs as a script, too

import sys
import time
from dataclasses import dataclass
from pathlib import Path

import tyro
from tyro.conf import Positional

from graspsim.cli.pose import print_scores
from graspsim.cli.progress import progress_bar
from graspsim.dataset.bop import BopDataset
from graspsim.dataset.results import PoseEstimate, write_results
from graspsim.errors import DatasetError, GraspsimError
from graspsim.pose.score import Scores, load_references, score_results

try:
    import torch
except ModuleNotFoundError as error:
    message = f"Pose estimation needs {error.name}: pip install 'graspsim[pose]'."
    if __name__ == "__main__":
        sys.exit(f"evaluate_pose: {message}")
    raise GraspsimError(message) from error

from graspsim.pose.estimator import PoseEstimator, check_device, check_kinds, load_estimator

from .finetune_pose import ESTIMATOR


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


def estimates_of(estimator: PoseEstimator, dataset: BopDataset, args: Args, split: str) -> list[PoseEstimate]:
    """Return what an estimator tells of the images of a split."""
    results: list[PoseEstimate] = []
    images = [(s, i) for s in dataset.scene_ids(split) for i in sorted(dataset.scene_files(split, s).camera)]
    with progress_bar("images", len(images)) as advance:
        for scene_id, im_id in images:
            frame = dataset.read_frame(split, scene_id, im_id)
            start = time.perf_counter()
            depth_m = None if args.rgb_only else frame.depth_m
            told = estimator.estimate(frame.rgb, frame.intrinsics, depth_m)
            seconds = time.perf_counter() - start
            results += [PoseEstimate(scene_id, im_id, e.obj_id, e.score, e.camera_from_model, seconds) for e in told]
            advance(1)
    return results


def evaluate(args: Args) -> Scores:
    """Estimate, write and score.

    Raises:
        GraspsimError: for input that is at fault.
    """
    check_device(args.device)
    estimator = load_estimator(args.run / ESTIMATOR)
    estimator.networks.to(torch.device(args.device))
    dataset = BopDataset(args.data)
    split = dataset.only_split(args.split)
    scenes = [dataset.scene_files(split, scene_id) for scene_id in dataset.scene_ids(split)]
    present = {entry["obj_id"] for scene in scenes for entries in (scene.gt or {}).values() for entry in entries}
    check_kinds(estimator, {i: r for i, r in load_references(dataset).items() if i in present}, args.data)
    without = [scene.folder for scene in scenes for i in scene.camera if scene.image(("depth",), i) is None]
    if without and not args.no_vsd:
        raise DatasetError(f"{without[0]} has no depth images, which VSD needs; leave it out with --no-vsd.")
    results = estimates_of(estimator, dataset, args, split)
    if args.csv is not None:
        write_results(args.csv, results)
    return score_results(results, dataset, split, with_vsd=not args.no_vsd)


def main() -> None:
    """Do what the command line says, and print what the input's fault is in one sentence."""
    args = tyro.cli(Args, description=__doc__)
    try:
        print_scores(evaluate(args))
    except GraspsimError as error:
        sys.exit(f"evaluate_pose: {error}")
    except KeyboardInterrupt:
        sys.exit(130)


if __name__ == "__main__":
    main()
