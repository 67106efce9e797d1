"""The `graspsim` command. Everything heavy is imported by the command that needs it, so that help comes at once."""

import logging
import signal
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import tyro
from tyro.conf import Positional, arg

from graspsim.errors import GraspsimError, SpecError

if TYPE_CHECKING:
    from graspsim.spec import SceneSpec

Assignments = Annotated[
    tuple[str, ...],
    arg(name="set", metavar="KEY=VALUE", help_behavior_hint="(repeatable)"),
    tyro.conf.UseAppendAction,
]
Keys = Annotated[tuple[str, ...], arg(metavar="KEY", help_behavior_hint="(repeatable)"), tyro.conf.UseAppendAction]
Output = Annotated[Path, arg(aliases=["-o"])]


@dataclass(frozen=True, kw_only=True)
class Dump:
    """Write a labelled BOP dataset of a scene. The same command goes on where it stopped."""

    scene: Positional[str | None] = None
    """Name of a scene, see `graspsim list`; not needed with --config."""
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
    set_: Assignments = ()
    """A key and its value or distribution, such as objects.count="I(10, 20)"."""
    fix: Keys = ()
    """A section or key whose randomization is switched off, such as lights."""
    split: str = "train_pbr"
    """Name of the split; one that ends in _pbr holds JPEG images, any other PNG."""

    def run(self) -> int:
        """Make the dataset and say what came out."""
        from graspsim.dataset.dump import check_job, dump, missing_scenes
        from graspsim.dataset.generate import DumpJob

        spec = build_spec(self.scene, self.config, self.set_, self.fix)
        job = DumpJob(spec, self.seed, self.frames, self.out, self.split)
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
            print(f"{self.out} was complete already: {self.frames} frames in {job.scene_count} scenes.")
            return 0
        print(f"{self.out}: {self.frames} frames in {job.scene_count} scenes; this run drew {report.instances} labels.")
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
class List:
    """Name the scenes, object families, textures and whatever else goes by name."""

    def run(self) -> int:
        """Print one line per kind."""
        from graspsim.registry import kinds, names

        for kind in kinds():
            print(f"{kind:10}{', '.join(names(kind))}")
        return 0


def build_spec(
    scene: str | None, config: Path | None, assignments: tuple[str, ...], fix: tuple[str, ...]
) -> "SceneSpec":
    """Return the specification that a command line describes.

    Raises:
        GraspsimError: for an unknown scene or key, an unreadable file, or a value that is not legal.
    """
    from graspsim.plain import overlaid
    from graspsim.registry import load
    from graspsim.spec_edit import fixed

    plain: dict[str, Any] = {}
    if config is not None:
        plain = read_config(config)
        base = plain.pop("base", None)
        if base is not None and not isinstance(base, str):
            raise SpecError(f"In {config}, base must be the name of a scene; got {base!r}.")
        if scene is not None and base is not None and scene != base:
            raise SpecError(f"Both the command line ({scene}) and {config} ({base}) name a scene; name it once.")
        scene = scene or base or "tabletop"
    if scene is None:
        raise SpecError("Name a scene, such as `graspsim dump tabletop`, or give a file with --config.")
    spec: SceneSpec = overlaid(load("scene", scene), plain)
    for assignment in assignments:
        key, equals, value = assignment.partition("=")
        if not equals:
            raise SpecError(f'--set takes KEY=VALUE, such as objects.count="I(10, 20)"; got {assignment!r}.')
        nested: Any = value.strip()
        for name in reversed(key.strip().split(".")):
            nested = {name: nested}
        spec = overlaid(spec, nested)
    for key in fix:
        spec = fixed(spec, key)
    return spec


def read_config(path: Path) -> dict[str, Any]:
    """Return the mapping in a YAML file.

    Raises:
        SpecError: if it cannot be read or holds no mapping.
    """
    import yaml

    try:
        content = yaml.safe_load(path.read_text())
    except OSError as error:
        raise SpecError(f"Cannot read {path}: {error.strerror}.") from error
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise SpecError(f"{path} is not valid YAML: {' '.join(str(error).split())}.") from error
    if not isinstance(content, dict):
        raise SpecError(f"{path} must map keys to values; got {content!r}.")
    for key in ("frames", "seed", "workers", "out", "split"):
        if key in content:
            raise SpecError(f"{key} stands in {path}, but belongs on the command line: --{key} {content[key]}.")
    return content


class progress_bar:
    """A bar with the speed and the time left on stderr; as a context, it gives the function that advances it."""

    def __init__(self, unit: str, total: int | None) -> None:
        self._unit = unit
        self._total = total

    def __enter__(self) -> Callable[..., None]:
        from rich.console import Console
        from rich.progress import BarColumn, MofNCompleteColumn, Progress, ProgressColumn, Task, TimeRemainingColumn
        from rich.text import Text

        unit = self._unit

        class Speed(ProgressColumn):
            def render(self, task: Task) -> Text:
                return Text(f"{task.speed:.1f} {unit}/s" if task.speed else "")

        console = Console(stderr=True)
        self._bar = Progress(
            BarColumn(),
            MofNCompleteColumn(),
            Speed(),
            TimeRemainingColumn(),
            console=console,
            transient=True,
            disable=not console.is_terminal,
        )
        task = self._bar.add_task(unit, total=self._total)
        self._bar.start()

        def advance(n: int, total: int | None = None) -> None:
            self._bar.update(task, advance=n, total=total)

        return advance

    def __exit__(self, *_: object) -> None:
        self._bar.stop()


def main() -> None:
    """Run the command line, and print what the input's fault is in one sentence."""
    logging.basicConfig(level=logging.WARNING, format="%(message)s")
    logging.getLogger("graspsim").setLevel(logging.INFO)
    commands: dict[str, Callable[..., Any]] = {"dump": Dump, "validate": Validate, "preview": Preview, "list": List}
    command = tyro.extras.subcommand_cli_from_dict(
        commands, prog="graspsim", description="Synthetic data for robotic grasping, exactly labelled."
    )
    # Ended from outside, as by `docker stop`, it tidies up as for Ctrl-C.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        sys.exit(command.run())
    except GraspsimError as error:
        print(f"graspsim: {error}", file=sys.stderr)
        sys.exit(1)
    except KeyboardInterrupt:
        sys.exit(130)
