"""Commands that score pose estimates."""

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from tyro.conf import Positional

from graspsim.cli.progress import progress_bar

if TYPE_CHECKING:
    from graspsim.pose.score import ObjectScore, Scores


@dataclass(frozen=True)
class Score:
    """Score a file of pose estimates (BOP's CSV) by a dataset's ground truth: AR of MSSD, MSPD and VSD, and ADD(-S)."""

    results: Positional[Path]
    """File with the columns scene_id, im_id, obj_id, score, R, t, time; millimetres."""
    data: Path
    """Folder of the dataset."""
    split: str | None = None
    """Which split; not needed where there is but one."""
    models: Path | None = None
    """Folder of the models, where the dataset comes without."""
    no_vsd: bool = False
    """Leave VSD out, which needs depth images and takes longest."""
    json: Path | None = None
    """File for the scores as JSON."""

    def run(self) -> int:
        """Print a table, one row per object."""
        from graspsim.dataset.bop import BopDataset
        from graspsim.dataset.files import json_lines, replace_file
        from graspsim.dataset.results import read_results
        from graspsim.pose.score import check_ids, check_unit, score_results

        estimates = read_results(self.results)
        dataset = BopDataset(self.data)
        split = dataset.only_split(self.split)
        check_ids(estimates, dataset, split)
        check_unit(estimates, dataset, split)
        with progress_bar("images", None) as advance:
            scores = score_results(
                estimates,
                dataset,
                split,
                self.models,
                not self.no_vsd,
                lambda done, total: advance(1, total),
            )
        print_scores(scores)
        if self.json is not None:
            rows = named_scores(scores)
            content = {name: {"average_recall": score.average_recall, **asdict(score)} for name, score in rows}
            replace_file(self.json, json_lines(content))
        return 0


def named_scores(scores: "Scores") -> "list[tuple[str, ObjectScore]]":
    """Return the score of each object, and of all."""
    return [*((str(obj_id), score) for obj_id, score in scores.objects.items()), ("all", scores.overall)]


def print_scores(scores: "Scores") -> None:
    """Print a table, one row per object."""
    print(f"{'object':>8}{'targets':>9}{'AR':>9}{'VSD':>9}{'MSSD':>9}{'MSPD':>9}{'ADD(-S)':>9}{'AUC':>9}")
    for name, score in named_scores(scores):
        values = (score.average_recall, score.vsd, score.mssd, score.mspd, score.add_recall, score.add_auc)
        cells = "".join(f"{'-':>9}" if value is None else f"{value:>9.4f}" for value in values)
        print(f"{name:>8}{score.targets:>9}{cells}")
    if scores.unanswered:
        print(f"For {scores.unanswered} of {scores.images} images there is no estimate.")
    if scores.unused:
        print(f"{scores.unused} estimates are of images or objects that are no targets.")
