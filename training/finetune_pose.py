"""Train or fine-tune a pose estimator on any BOP datasets, ours and others', synthetic and real.

    python training/finetune_pose.py --data out/five --out runs/pose --minutes 58
    python training/finetune_pose.py --data out/renders --real my_bop --init runs/renders --out runs/pose-ft

Needs the extra: pip install 'graspsim[pose]'.
"""

__package__ = "graspsim.training"  # so that it runs as a script, too

import dataclasses
import json
import os
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import tyro

from graspsim.cli.progress import progress_bar
from graspsim.dataset.files import read_json, replace_file
from graspsim.errors import GraspsimError, SpecError

# Threads that wait for others by turning round and round take the cores from what prepares batches.
os.environ.setdefault("GOMP_SPINCOUNT", "1000")
try:
    import torch
except ModuleNotFoundError as error:
    message = f"Pose estimation needs {error.name}: pip install 'graspsim[pose]'."
    if __name__ == "__main__":
        sys.exit(f"finetune_pose: {message}")
    raise GraspsimError(message) from error

from graspsim.pose.estimator import (
    ESTIMATOR,
    PoseEstimator,
    check_device,
    check_kinds,
    load_estimator,
    save_estimator,
    untrained,
)
from graspsim.pose.samples import check_same_objects

from ._pose_batches import Batches, batches, load_images
from ._pose_trainer import Trainer
from ._shared import check_at_least, stopped_gracefully

USUAL_WIDTHS = {"dense": 16, "dope": 128}
USUAL_STEPS = 3_000
NO_LAST_STEP = 2**31


@dataclass(frozen=True, kw_only=True)
class Args:
    """Train or fine-tune a pose estimator."""

    data: tuple[Path, ...]
    """Folders of datasets."""
    weights: tuple[float, ...] = ()
    """How often each of --data is drawn from; all the same by default."""
    split: str | None = None
    """Which split of --data, by default all that begin with train."""
    out: Path
    """Folder of the run."""
    real: Path | None = None
    """Folder of a dataset of real images with ground truth."""
    real_split: str | None = None
    """Which split of --real, by default all that begin with train."""
    real_fraction: float = 0.2
    """Share of each batch that is taken from it."""
    init: Path | None = None
    """Folder of a run to go on from with these data."""
    steps: int | None = None
    """Batches to learn from: 3,000, or with --minutes as many as these allow."""
    minutes: float | None = None
    """Wall time in which training ends, of all sittings together; the learning rate falls with it."""
    images: int = 8
    """Images in a batch; a few objects of each are learnt from."""
    learning_rate: float = 2e-3
    """The highest; five times as high for the filters of convolutions. It rises at first and falls to 0 by a cosine."""
    architecture: str = "dense"
    """dense; dense-resnet18, which is for a GPU; or dope, for comparison, which is for one too."""
    width: int | None = None
    """Channels of the networks: 16 by default for dense, of which 64 is for a GPU; 128 for dope."""
    backbone: Path | None = None
    """Pretrained weights, a state_dict of torchvision's resnet18 for dense-resnet18, or vgg19 for dope."""
    image_width: int = 320
    """Pixels to which images are brought for the detector."""
    augmented_share: float = 1.0
    """Share of the pictures that are changed in colour, blur, noise, compression and by patches: 1 for photographs; 0.3
    or less where the pictures to come are renders like those of --data, which are then learnt twice as fast."""
    backgrounds: Path | None = None
    """Folder of pictures that replace what shows no object, in half of the images."""
    style: Path | None = None
    """Folder of real pictures, without labels, whose lowest frequencies half of the images take over (Yang 2020)."""
    seed: int = 0
    """Of everything."""
    loaders: int = 1
    """Processes that prepare batches."""
    skip_unreadable: bool = False
    """Leave out pictures that cannot be read, and name and count them, instead of stopping."""
    device: str = "cpu"
    """Where the networks are trained: cpu, or cuda, with mixed precision."""
    bfloat16: bool = False
    """Mixed precision on the CPU: twice as fast on one that has it (lscpu tells of avx512_bf16), slow on others."""
    resume: bool = False
    """Go on from the last checkpoint of the run in --out, with its options; --steps and --minutes may be others."""
    save_every: int = 250
    """Steps between checkpoints, each with an estimator that can be tried."""
    log_every: int = 25
    """Steps between lines of the log."""

    @property
    def roots(self) -> list[Path]:
        """Folders of all datasets."""
        return [*self.data, *([self.real] if self.real is not None else [])]

    @property
    def last_step(self) -> int:
        """After which training ends, if it does not before by the time."""
        return self.steps or (USUAL_STEPS if self.minutes is None else NO_LAST_STEP)


def check_args(args: Args) -> None:
    """Raise a SpecError for a value that is not legal, or that would not be heeded."""
    if not 0 <= args.real_fraction <= 1:
        raise SpecError(f"--real-fraction must lie in [0, 1]; got {args.real_fraction}.")
    if not 0 <= args.augmented_share <= 1:
        raise SpecError(f"--augmented-share must lie in [0, 1]; got {args.augmented_share}.")
    check_at_least(args, steps=1, images=1, width=1, image_width=64, loaders=0, save_every=1, log_every=1, seed=0)
    for name in ("minutes", "learning_rate"):
        if getattr(args, name) is not None and not getattr(args, name) > 0:
            raise SpecError(f"--{name.replace('_', '-')} must be above 0; got {getattr(args, name):g}.")
    if args.weights and (len(args.weights) != len(args.data) or min(args.weights) < 0 or sum(args.weights) <= 0):
        raise SpecError(f"--weights takes a number for each of --data, not all 0; got {args.weights}.")
    for root in args.roots:
        if args.out.resolve() == root.resolve():
            raise SpecError(f"--out is the folder of the run, and {args.out} is a dataset's; name another.")
    check_device(args.device)
    if args.bfloat16 and args.device != "cpu":
        raise SpecError("--bfloat16 is of the CPU; with --device cuda, precision is mixed anyway.")
    if args.bfloat16 and torch.backends.cpu.get_cpu_capability() != "AVX512":
        raise SpecError(
            "--bfloat16 takes a CPU with avx512_bf16; this one has no AVX-512 at all, and would be ten times slower."
        )
    usual = {field.name: field.default for field in dataclasses.fields(Args)}
    unheeded = {
        f"With --init, it is that of the run in {args.init}": ("architecture", "width", "image_width", "backbone")
        if args.init is not None
        else (),
        "It is for --real": ("real_fraction", "real_split") if args.real is None else (),
        "The encoders of dense-resnet18 are as they are": ("width",) if args.architecture == "dense-resnet18" else (),
    }
    for why, names in unheeded.items():
        for name in names:
            if getattr(args, name) != usual[name]:
                raise SpecError(f"--{name.replace('_', '-')} would not be heeded. {why}; leave it out.")


def begin_run(args: Args) -> Path | None:
    """Write config.json, and return the checkpoint to go on from, if there is to be one.

    Raises:
        SpecError: if the folder holds another run, or none where one is to go on.
    """
    path, checkpoint = args.out / "config.json", args.out / "checkpoint.pt"
    may_differ = {"steps", "minutes", "resume", "loaders", "save_every", "log_every", "out", "skip_unreadable"}
    arguments = json.loads(json.dumps(dataclasses.asdict(args), default=str))
    if args.resume:
        if not checkpoint.exists():
            raise SpecError(f"{args.out} holds no checkpoint to go on from.")
        begun_with = read_json(path)
        others = []
        for name in sorted((arguments.keys() | begun_with.keys()) - may_differ):
            before, now = (repr(o[name]) if name in o else "no such option" for o in (begun_with, arguments))
            if before != now:
                others.append(f"--{name.replace('_', '-')} {before} (here: {now})")
        if others:
            raise SpecError(f"The run in {args.out} has {', '.join(others)}. With --resume, repeat its options.")
        return checkpoint
    if checkpoint.exists():
        raise SpecError(f"{args.out} holds a run already; go on with --resume, or choose another folder with --out.")
    replace_file(path, json.dumps(arguments, indent=1).encode() + b"\n")
    return None


def train(args: Args) -> PoseEstimator:
    """Train as the arguments say, and return what was trained.

    Raises:
        GraspsimError: for input that is at fault.
        KeyboardInterrupt: if it was asked to stop; what there was is saved.
    """
    check_args(args)
    began_s = time.monotonic()
    torch.manual_seed(args.seed)
    references = check_same_objects(args.roots)
    sources = [load_images(root, args.split, references, args.skip_unreadable) for root in args.data]
    real = [] if args.real is None else load_images(args.real, args.real_split, references, args.skip_unreadable)
    shown = [
        {i.obj_id: references[i.obj_id] for image in images for i in image.instances}
        for images in (*sources, *([real] if real else []))
    ]
    if args.init is not None:
        estimator = load_estimator(args.init)
        for root, objects in zip(args.roots, shown, strict=True):
            check_kinds(estimator, objects, root)
    else:
        width = args.width or USUAL_WIDTHS.get(args.architecture, 0)
        together = {obj_id: reference for objects in shown for obj_id, reference in objects.items()}
        estimator = untrained(args.architecture, together, width, args.image_width)
        if args.backbone is not None:
            estimator.start_from(args.backbone)
    checkpoint = begin_run(args)
    trainer = Trainer(args, estimator, references)
    log = Log(args.out / "log.csv")
    if checkpoint is not None:
        log.go_on(trainer.load(checkpoint), trainer.step)
        began_s -= trainer.elapsed_s
        if trainer.step >= args.last_step:
            print(f"{args.out} has learnt {trainer.step} steps already; for more, say --steps.")
    # Points are told in the terms of the models that the run began with, be those of the data a little coarser.
    meshes = {known.obj_id: known.mesh for known in estimator.objects}
    learnt = {i: dataclasses.replace(reference, mesh=meshes[i]) for i, reference in references.items() if i in meshes}
    dataset = Batches(args, sources, real, estimator.samples(learnt))
    unreadable: set[str] = set()
    to_do = None if args.last_step == NO_LAST_STEP else max(args.last_step - trainer.step, 0)
    with stopped_gracefully() as stop, progress_bar("steps", to_do) as advance:
        stream = batches(dataset, trainer.step, args.loaders)
        while trainer.step < args.last_step and not stop.is_set():
            asked_s = time.monotonic()
            batch = next(stream)
            waited_s = time.monotonic() - asked_s
            for said in sorted(set(batch.unreadable) - unreadable):
                print(f"Left out: {said}", flush=True)
            unreadable |= set(batch.unreadable)
            spent = 0.0 if not args.minutes else (time.monotonic() - began_s) / (60 * args.minutes)
            trainer.elapsed_s = time.monotonic() - began_s
            losses = trainer.learn(batch, min(max((trainer.step + 1) / args.last_step, spent), 1.0))
            log.add(losses, waited_s, time.monotonic() - asked_s, batch.images)
            advance(1)
            late = spent >= 1
            if trainer.step % args.log_every == 0 or trainer.step == args.last_step or late:
                print(log.write(trainer.step, time.monotonic() - began_s), flush=True)
            if trainer.step % args.save_every == 0:
                trainer.save(args.out / "checkpoint.pt", log.sums)
                save_estimator(estimator, args.out / ESTIMATOR)
            if late:
                break
    if unreadable:
        print(f"{len(unreadable)} unreadable files were left out.")
    trainer.save(args.out / "checkpoint.pt", log.sums)
    estimator.networks.to(torch.device("cpu"))
    save_estimator(estimator, args.out / ESTIMATOR)
    if stop.is_set():
        print(f"Stopped after {trainer.step} steps; the same command with --resume goes on from there.")
        raise KeyboardInterrupt
    return estimator


class Log:
    """The run's log: mean losses, images per second, and the share of time that the networks waited for a batch.

    Attributes:
        sums: of what was taken note of since the last line.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lines: list[str] = []
        self.sums: dict[str, float] = {}

    def go_on(self, sums: dict[str, float], step: int) -> None:
        """Go on as it was after a step; what a killed run did beyond is done again."""
        lines = self._path.read_text().splitlines() if self._path.exists() else []
        self._lines = lines[:1] + [line for line in lines[1:] if int(line.split(",")[0]) <= step]
        self.sums = sums

    def add(self, losses: dict[str, float], waited_s: float, took_s: float, images: int) -> None:
        """Take note of a step."""
        for name, value in {**losses, "waited_s": waited_s, "took_s": took_s, "images": images, "steps": 1}.items():
            self.sums[name] = self.sums.get(name, 0.0) + value

    def write(self, step: int, elapsed_s: float) -> str:
        """Write down the means since the last time; return them as a line for people."""
        sums, self.sums = self.sums, {}
        measured = {"waited_s", "took_s", "images", "steps"}
        losses = {name: total / sums["steps"] for name, total in sums.items() if name not in measured}
        row = {
            "step": step,
            **losses,
            "images_per_s": sums["images"] / sums["took_s"],
            "waited": sums["waited_s"] / sums["took_s"],
            "elapsed_s": elapsed_s,
        }
        self._lines = self._lines or [",".join(row)]
        self._lines.append(",".join(str(v) if isinstance(v, int) else f"{v:.5g}" for v in row.values()))
        replace_file(self._path, ("\n".join(self._lines) + "\n").encode())
        told = ", ".join(f"{name} {loss:.3g}" for name, loss in losses.items())
        return (
            f"{step:>7} steps {elapsed_s / 60:6.1f} min  {told}; {row['images_per_s']:.1f} images/s, waited "
            f"{row['waited']:.0%} of the time"
        )


def main() -> None:
    """Do what the command line says, and print what the input's fault is in one sentence."""
    args = tyro.cli(Args, description=__doc__, config=(tyro.conf.FlagCreatePairsOff,))
    try:
        train(args)
    except GraspsimError as error:
        sys.exit(f"finetune_pose: {error}")
    except KeyboardInterrupt:
        sys.exit(130)
    print(f"{args.out / ESTIMATOR} holds the estimator.")


if __name__ == "__main__":
    main()
