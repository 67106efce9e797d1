"""Commands that make, check, show and convert datasets."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated

from tyro.conf import Positional, arg

from graspsim.cli.arguments import TASK_PREFIX, Assignments, Keys, Output, build_spec
from graspsim.cli.progress import progress_bar
from graspsim.errors import SpecError


@dataclass(frozen=True, kw_only=True)
class Dump:
    """Write a labelled BOP dataset of a scene, or of a task's episodes. The same command goes on where it stopped."""

    scene: Positional[str | None] = None
    """Name of a scene, see `graspsim list`, or id of a task, as graspsim/BinPick-v0; not needed with --config."""
    out: Output
    """Folder of the dataset."""
    frames: int = 100
    """Number of images."""
    seed: int = 0
    """Root seed: with it and its number, a scene is always the same."""
    workers: int = 1
    """Number of processes. The bytes do not depend on it."""
    config: Path | None = None
    """YAML file: `base: NAME` of a scene and the keys that differ from it."""
    objects: tuple[Path, ...] = ()
    """Name of an object set, see `graspsim list`, or mesh files of the objects. Of BOP's obj_000005.ply, ids and
    symmetries are kept."""
    set_: Assignments = ()
    """A key and its value or distribution, such as objects.count="I(10, 20)"."""
    fix: Keys = ()
    """A section or key whose randomization is switched off, such as lights."""
    split: str = "train_pbr"
    """Name of the split; one that ends in _pbr holds JPEG images, any other PNG."""
    first_scene: int = 0
    """Number of the first scene. With the same seed, scenes of other numbers are unseen scenes of the same objects."""
    policy: str | None = None
    """Of a task, what the robot does: scripted (the default) or random."""
    robot: str | None = None
    """Of a task, which robot: hand (the default) or panda."""

    def run(self) -> int:
        """Make the dataset and say what came out."""
        from graspsim.dataset.dump import check_job, dump, missing_scenes
        from graspsim.dataset.generate import DumpJob, EpisodeJob
        from graspsim.plain import overlaid
        from graspsim.registry import names

        by_name = len(self.objects) == 1 and not self.objects[0].suffix
        if by_name and self.objects[0].is_dir() and str(self.objects[0]) not in names("set"):
            raise SpecError(f"{self.objects[0]} is a folder; give its meshes, as --objects {self.objects[0]}/*.ply.")
        spec = build_spec(self.scene, self.config, self.set_, self.fix, str(self.objects[0]) if by_name else None)
        if self.objects and not by_name:
            meshes = tuple(str(path) for path in self.objects)
            spec = overlaid(spec, {"objects": {"families": [], "meshes": meshes}})
        episode = None
        if self.scene is not None and self.scene.startswith(TASK_PREFIX):
            task = self.scene.removeprefix(TASK_PREFIX)
            episode = EpisodeJob(task, self.robot or "hand", self.policy or "scripted")
        elif self.policy or self.robot:
            raise SpecError(
                f"--policy and --robot need a task, as in `graspsim dump graspsim/Lift-v0`; got {self.scene}."
            )
        job = DumpJob(spec, self.seed, self.frames, self.out, self.split, episode, self.first_scene)
        check_job(job, self.workers)
        to_do = sum(job.frames_of(i) for i in missing_scenes(job))
        if 0 < to_do < self.frames:
            print(f"{self.out} holds {self.frames - to_do} of {self.frames} frames; making the rest.")
        try:
            with progress_bar("frames", to_do) as advance:
                report = dump(job, self.workers, advance)
        except KeyboardInterrupt:
            left = sum(job.frames_of(i) for i in missing_scenes(job))
            print(
                f"Stopped with {self.frames - left} of {self.frames} frames done; the same command goes on from there."
            )
            return 130
        if not to_do:
            print(f"{self.out} was complete already: {self.frames} frames in {len(job.scene_ids)} scenes.")
            return 0
        scenes = len(job.scene_ids)
        print(f"{self.out}: {self.frames} frames in {scenes} scenes; this run drew {report.instances} labels.")
        if report.placed < report.requested:
            print(f"{report.placed} of {report.requested} objects fitted; the others found no room.")
        if report.removed:
            print(f"{report.removed} objects left their scene however often they were dropped, and are not in it.")
        if report.restless:
            print(
                f"In {report.restless} scenes something still moved after layout.settle_limit_s; see scene_params.json."
            )
        return 0


@dataclass(frozen=True)
class Validate:
    """Check any BOP dataset, ours or another's: exit 0, or 1 with each fault found."""

    root: Positional[Path]
    """Folder of the dataset."""
    split: str | None = None
    """Which split to check; all of them by default."""
    models: Path | None = None
    """Folder of the object models, where the dataset comes without."""
    max_images: int | None = None
    """Open only so many images, spread evenly; the JSON files are checked in full."""

    def run(self) -> int:
        """Print every fault and a summary."""
        from graspsim.dataset.validate import validate

        with progress_bar("images", None) as advance:
            done = 0

            def progress(now: int, total: int) -> None:
                nonlocal done
                advance(now - done, total)
                done = now

            report = validate(self.root, self.split, self.models, self.max_images, progress)
        for fault in report.faults:
            print(fault)
        print(report.summary())
        return 1 if report.faults else 0


@dataclass(frozen=True)
class Preview:
    """Draw a contact sheet of datasets, with the labels drawn in."""

    roots: Positional[Annotated[tuple[Path, ...], arg(metavar="PATH [PATH ...]")]]
    """Folders of the datasets."""
    out: Output = field(default_factory=lambda: Path("preview.png"))
    """Picture to write, .png or .jpg."""
    split: str | None = None
    """Which split to show; the first by default."""
    count: int = 12
    """Number of images per dataset."""
    columns: int = 4
    """Images in a row."""

    def run(self) -> int:
        """Write the picture."""
        from graspsim.dataset.pictures import save
        from graspsim.dataset.preview import contact_sheet

        if not self.roots:
            raise SpecError("Name the folder of a dataset to preview.")
        save(self.out, contact_sheet(self.roots, self.split, self.count, self.columns))
        print(self.out)
        return 0


@dataclass(frozen=True)
class Compare:
    """Compare two datasets' labels, pictures and depth on one page, which names the largest differences."""

    first: Positional[Path]
    """Folder of one dataset, such as a synthetic one."""
    second: Positional[Path]
    """Folder of the other, such as a real one."""
    out: Output = field(default_factory=lambda: Path("report.html"))
    """Page to write, .html."""
    count: int = 300
    """Images of each to look at, spread evenly."""
    split: str | None = None
    """Which split of both; all of them by default."""

    def run(self) -> int:
        """Write the page, and print the largest differences."""
        from graspsim.dataset.bop import BopDataset
        from graspsim.dataset.compare_page import largest_in_words, page
        from graspsim.dataset.files import replace_file
        from graspsim.dataset.statistics import differences, measure

        if self.count < 1:
            raise SpecError(f"count must be at least 1; got {self.count}.")
        if self.out.suffix.lower() not in (".html", ".htm"):
            raise SpecError(f"The page must be named .html; got {self.out}.")
        datasets = [BopDataset(root) for root in (self.first, self.second)]
        measured = []
        for dataset in datasets:
            with progress_bar("images", None) as advance:
                measured.append(measure(dataset, self.split, self.count, lambda done, total: advance(1, total)))
        one, other = measured
        found = differences(one, other)
        replace_file(self.out, page(one, other, found).encode())
        for sentence in largest_in_words(one, other, found):
            print(sentence)
        print(self.out)
        return 0


@dataclass(frozen=True)
class ToDope:
    """Write a BOP dataset as DOPE's training data: each picture as PNG, beside a JSON file with its boxes' corners."""

    root: Positional[Path]
    """Folder of the dataset."""
    out: Output
    """Folder to write to."""
    split: str | None = None
    """Which split; not needed where there is but one."""

    def run(self) -> int:
        """Write the files."""
        from graspsim.dataset.bop import BopDataset
        from graspsim.dataset.dope import write_dope

        dataset = BopDataset(self.root)
        split = dataset.only_split(self.split)
        with progress_bar("images", None) as advance:
            count = write_dope(dataset, split, self.out, lambda done, total: advance(1, total))
        print(f"{self.out}: {count} pictures with their labels.")
        return 0
