"""Train or fine-tune a pose estimator on any BOP datasets, ours and others', synthetic and real.

    python training/finetune_pose.py --data out/tabletop --out runs/pose
    python training/finetune_pose.py --data out/dr --real my_bop --real-fraction 0.2 --init runs/pose --out runs/pose-ft

Needs the extra: pip install 'graspsim[pose]'.
"""

__package__ = "graspsim.training"  # so that it runs as a script, too

import dataclasses
import json
import math
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import tyro
from numpy.typing import NDArray

from graspsim.cli.progress import progress_bar
from graspsim.dataset.bop import BopDataset, read_mask
from graspsim.dataset.encoding import read_rgb
from graspsim.dataset.files import read_json, replace_file
from graspsim.errors import DatasetError, GraspsimError, SpecError
from graspsim.pose.augment import augmented, in_the_style_of, with_background
from graspsim.pose.metrics import Reference, symmetry_transforms

try:
    import torch
    from torch.utils.data import DataLoader, Dataset
except ModuleNotFoundError as error:
    message = f"Pose estimation needs {error.name}: pip install 'graspsim[pose]'."
    if __name__ == "__main__":
        sys.exit(f"finetune_pose: {message}")
    raise GraspsimError(message) from error

from graspsim.pose.estimator import PoseEstimator, check_kinds, images_to_tensor
from graspsim.pose.losses import coordinate_loss, detection_loss
from graspsim.pose.networks import DETECTOR_STRIDE
from graspsim.pose.samples import (
    Frame,
    PoseImage,
    check_same_objects,
    chosen_instances,
    crop_sample,
    detector_image,
    detector_targets,
    pose_images,
)

ESTIMATOR = "estimator.pt"
COARSE_STEPS = 32
"""Motions of a continuous symmetry that a loss considers."""


@dataclass(frozen=True, kw_only=True)
class Args:
    """Train or fine-tune a pose estimator."""

    data: tuple[Path, ...]
    """Folders of datasets; all weigh the same."""
    out: Path
    """Folder of the run."""
    real: Path | None = None
    """Folder of a dataset of real images with ground truth."""
    real_fraction: float = 0.2
    """Share of each batch that is taken from it."""
    init: Path | None = None
    """Folder of a run to go on from with these data."""
    steps: int = 3_000
    """Batches to learn from."""
    minutes: float | None = None
    """Wall time after which training ends, if it comes first."""
    images: int = 8
    """Images in a batch; up to eight objects of each are learnt from."""
    learning_rate: float = 2e-3
    """Of AdamW; it rises at the beginning and falls to nothing at the end."""
    width: int = 16
    """Of the networks; 64 is for a GPU."""
    image_width: int = 320
    """Pixels to which images are brought for the detector."""
    backgrounds: Path | None = None
    """Folder of pictures that replace what shows no object, in half of the images."""
    style: Path | None = None
    """Folder of real pictures, without labels, whose lowest frequencies half of the images take over (Yang 2020)."""
    seed: int = 0
    """Of everything."""
    loaders: int = 1
    """Processes that prepare batches."""
    device: str = "cpu"
    """Where the networks are trained: cpu, or cuda, with mixed precision."""
    resume: bool = False
    """Go on from the last checkpoint of the run in --out."""
    save_every: int = 250
    """Steps between checkpoints."""
    log_every: int = 25
    """Steps between lines of the log."""


@dataclass(frozen=True, eq=False)
class Batch:
    """What a step learns from.

    Attributes:
        images: (n, h, w, 3) uint8 for the detector.
        heat: (n, kinds, h / 8, w / 8), see `detection_loss`.
        boxes: (n, 4, h / 8, w / 8).
        crops: (m, 64, 64, 3) uint8.
        kinds: (m,) int64, of the objects in the crops.
        visible: (m, 32, 32) bool.
        coordinates: (m, 3, 32, 32).
    """

    images: NDArray[np.uint8]
    heat: NDArray[np.float32]
    boxes: NDArray[np.float32]
    crops: NDArray[np.uint8]
    kinds: NDArray[np.int64]
    visible: NDArray[np.bool_]
    coordinates: NDArray[np.float32]


class Batches(Dataset[Batch]):
    """Batch n of a run, a function of its seed and n alone, whichever process asks for it.

    Args:
        args: of the run.
        sources: images of each dataset of --data.
        real: those of --real.
        references: models of all objects.
        kinds: obj_ids in the order of the networks' maps.
    """

    def __init__(
        self,
        args: Args,
        sources: list[list[PoseImage]],
        real: list[PoseImage],
        references: dict[int, Reference],
        kinds: list[int],
    ) -> None:
        self._args = args
        self._sources = sources
        self._real = real
        self._references = references
        self._kinds = kinds
        self._backgrounds = pictures_in(args.backgrounds)
        self._styles = pictures_in(args.style)

    def __len__(self) -> int:
        return self._args.steps

    def __getitem__(self, step: int) -> Batch:
        rng = np.random.default_rng([self._args.seed, step])
        images, heats, boxes, crops = [], [], [], []
        for n in range(self._args.images):
            picture = self._chosen(n, rng)
            rgb, camera = picture.read()
            rgb = self._restyled(picture, rgb, rng)
            for instance in chosen_instances(picture, rng):
                crops.append(crop_sample(rgb, camera, instance, self._references[instance.obj_id], rng))
            small, scale = detector_image(rgb, self._args.image_width)
            rows, columns = (side // DETECTOR_STRIDE for side in small.shape[:2])
            heat, box = detector_targets(picture.instances, self._kinds, scale, rows, columns)
            images.append(augmented(small, rng))
            heats.append(heat)
            boxes.append(box)
        return Batch(
            filled_up(images, 0),
            np.moveaxis(filled_up([np.moveaxis(h, 0, 2) for h in heats], 0), 3, 1),
            np.moveaxis(filled_up([np.moveaxis(b, 0, 2) for b in boxes], np.nan), 3, 1),
            np.array([crop.rgb for crop in crops], dtype=np.uint8),
            np.array([self._kinds.index(crop.obj_id) for crop in crops], dtype=np.int64),
            np.array([crop.visible for crop in crops], dtype=np.bool_),
            np.array([crop.coordinates.transpose(2, 0, 1) for crop in crops], dtype=np.float32),
        )

    def _chosen(self, n: int, rng: np.random.Generator) -> PoseImage:
        """Return an image for place `n` of a batch; a fixed share of the places is for real ones."""
        # What a share leaves of a place is made up for over many batches.
        is_real = n + rng.random() < self._args.real_fraction * self._args.images and self._real
        images = self._real if is_real else self._sources[int(rng.integers(len(self._sources)))]
        return images[int(rng.integers(len(images)))]

    def _restyled(self, picture: PoseImage, rgb: NDArray[np.uint8], rng: np.random.Generator) -> NDArray[np.uint8]:
        change_background, change_style, which = rng.random(3)
        masks = [instance.mask for instance in picture.instances if instance.mask is not None]
        if self._backgrounds and masks and change_background < 0.5:
            objects = np.logical_or.reduce([read_mask(mask) for mask in masks])
            rgb = with_background(rgb, objects, read_rgb(self._backgrounds[int(which * len(self._backgrounds))]))
        if self._styles and change_style < 0.5:
            rgb = in_the_style_of(rgb, read_rgb(self._styles[int(which * len(self._styles))]))
        return rgb


def filled_up(arrays: list[NDArray[Any]], value: float) -> NDArray[Any]:
    """Return arrays (h, w, c) of several heights as one, the shorter ones filled up below."""
    height = max(len(array) for array in arrays)
    result = np.full((len(arrays), height, *arrays[0].shape[1:]), value, dtype=arrays[0].dtype)
    for row, array in zip(result, arrays, strict=True):
        row[: len(array)] = array
    return result


def pictures_in(folder: Path | None) -> list[Path]:
    """Return the pictures of a folder, none without one.

    Raises:
        DatasetError: if it holds none.
    """
    if folder is None:
        return []
    found = sorted(path for path in folder.rglob("*") if path.suffix.lower() in (".jpg", ".jpeg", ".png"))
    if not found:
        raise DatasetError(f"There are no pictures (.jpg, .png) in {folder}.")
    return found


def coarse_motions(estimator: PoseEstimator, references: dict[int, Reference]) -> torch.Tensor:
    """Return the symmetries (kinds, s, 3, 4) of all known objects, in their boxes' terms, padded with the first."""
    each = []
    for known in estimator.objects:
        symmetries = references[known.obj_id].symmetries
        motions = symmetry_transforms(symmetries, 2 * np.pi / COARSE_STEPS)
        each.append(Frame.motions(known.frame, motions))
    most = max(len(motions) for motions in each)
    padded = [np.concatenate([m, np.repeat(m[:1], most - len(m), axis=0)]) for m in each]
    return torch.from_numpy(np.stack(padded)).float()


def learning_rate_at(step: int, args: Args) -> float:
    """Return the learning rate of a step: up for a twentieth of the steps, then down by a cosine."""
    rise = max(args.steps // 20, 1)
    if step < rise:
        return args.learning_rate * (step + 1) / rise
    return args.learning_rate * 0.5 * (1 + math.cos(math.pi * (step - rise) / max(args.steps - rise, 1)))


class Trainer:
    """Both networks with what makes them learn.

    Args:
        args: of the run.
        estimator: to be trained.
        references: models of its objects.
    """

    def __init__(self, args: Args, estimator: PoseEstimator, references: dict[int, Reference]) -> None:
        self.args = args
        self.estimator = estimator
        self.device = torch.device(args.device)
        estimator.to(self.device)
        self.motions = coarse_motions(estimator, references).to(self.device)
        parameters = [*estimator.detector.parameters(), *estimator.coordinates.parameters()]
        self.optimizer = torch.optim.AdamW(parameters, args.learning_rate, weight_decay=1e-2)
        self.scaler = torch.amp.GradScaler(args.device, enabled=args.device == "cuda")
        self.step = 0

    def learn(self, batch: Batch) -> dict[str, float]:
        """Take one step, and return its losses."""
        estimator, device = self.estimator, self.device
        estimator.detector.train()
        estimator.coordinates.train()
        for group in self.optimizer.param_groups:
            group["lr"] = learning_rate_at(self.step, self.args)
        with torch.autocast(self.args.device, enabled=self.args.device == "cuda"):
            maps = estimator.detector(images_to_tensor(batch.images).to(device))
            heat, boxes = (torch.from_numpy(array).to(device) for array in (batch.heat, batch.boxes))
            losses = {"detection": detection_loss(maps.float(), heat, boxes)}
            if len(batch.kinds) > 1:
                kinds = torch.from_numpy(batch.kinds).to(device)
                told = estimator.coordinates(images_to_tensor(batch.crops).to(device), kinds)
                visible, points = (torch.from_numpy(a).to(device) for a in (batch.visible, batch.coordinates))
                losses["coordinates"] = coordinate_loss(told.float(), visible, points, self.motions[kinds])
        self.optimizer.zero_grad()
        scaled: Any = self.scaler.scale(torch.stack(list(losses.values())).sum())
        scaled.backward()
        self.scaler.unscale_(self.optimizer)
        torch.nn.utils.clip_grad_norm_([p for g in self.optimizer.param_groups for p in g["params"]], 10.0)
        self.scaler.step(self.optimizer)
        self.scaler.update()
        self.step += 1
        return {name: float(loss.detach()) for name, loss in losses.items()}

    def save(self, path: Path) -> None:
        """Write a checkpoint: all that is needed to go on."""
        content = {
            "step": self.step,
            "detector": self.estimator.detector.state_dict(),
            "coordinates": self.estimator.coordinates.state_dict(),
            "optimizer": self.optimizer.state_dict(),
            "scaler": self.scaler.state_dict(),
        }
        part = path.with_name(f".{path.name}.part")
        torch.save(content, part)
        part.replace(path)

    def load(self, path: Path) -> None:
        """Go on from a checkpoint."""
        content = torch.load(path, map_location=self.device, weights_only=True)
        self.step = content["step"]
        self.estimator.detector.load_state_dict(content["detector"])
        self.estimator.coordinates.load_state_dict(content["coordinates"])
        self.optimizer.load_state_dict(content["optimizer"])
        self.scaler.load_state_dict(content["scaler"])


def load_images(root: Path, references: dict[int, Reference]) -> list[PoseImage]:
    """Return the images of all splits of a dataset."""
    dataset = BopDataset(root)
    return [image for split in dataset.splits for image in pose_images(dataset, split, references)]


def batches(dataset: Batches, first: int, loaders: int) -> Iterator[Batch]:
    """Yield the batches from a step on, prepared by other processes while the networks learn."""
    order = list(range(first, len(dataset)))
    context = "forkserver" if loaders else None
    yield from DataLoader(dataset, batch_size=None, sampler=order, num_workers=loaders, multiprocessing_context=context)


def begin_run(args: Args) -> Path | None:
    """Write config.json, and return the checkpoint to go on from, if there is to be one.

    Raises:
        SpecError: if the folder holds another run, or none where one is to go on.
    """
    path, checkpoint = args.out / "config.json", args.out / "checkpoint.pt"
    may_differ = {"minutes", "resume", "loaders", "save_every", "log_every", "out"}
    arguments = json.loads(json.dumps(dataclasses.asdict(args), default=str))
    if args.resume:
        if not checkpoint.exists():
            raise SpecError(f"{args.out} holds no checkpoint to go on from.")
        for name, before in read_json(path).items():
            if name not in may_differ and arguments[name] != before:
                raise SpecError(
                    f"The run in {args.out} has {name} {before!r}; it cannot go on with {arguments[name]!r}."
                )
        return checkpoint
    if path.exists():
        raise SpecError(f"{args.out} holds a run already; go on with --resume, or choose another folder with --out.")
    replace_file(path, json.dumps(arguments, indent=1).encode() + b"\n")
    return None


def train(args: Args) -> PoseEstimator:
    """Train as the arguments say, and return what was trained.

    Raises:
        GraspsimError: for input that is at fault.
    """
    if not 0 <= args.real_fraction <= 1:
        raise SpecError(f"real_fraction must lie in [0, 1]; got {args.real_fraction}.")
    began_s = time.monotonic()
    torch.manual_seed(args.seed)
    roots = [*args.data, *([args.real] if args.real is not None else [])]
    references = check_same_objects(roots)
    sources = [load_images(root, references) for root in args.data]
    real = load_images(args.real, references) if args.real is not None else []
    present = {i.obj_id for images in [*sources, real] for image in images for i in image.instances}
    if args.init is not None:
        estimator = PoseEstimator.load(args.init / ESTIMATOR)
        check_kinds(estimator, {i: references[i] for i in present}, args.data[0])
    else:
        estimator = PoseEstimator.untrained({i: references[i] for i in present}, args.width, args.image_width)
    checkpoint = begin_run(args)
    trainer = Trainer(args, estimator, references)
    if checkpoint is not None:
        trainer.load(checkpoint)
    dataset = Batches(args, sources, real, references, estimator.kinds)
    log = Log(args.out / "log.csv", trainer.step)
    with progress_bar("steps", args.steps - trainer.step) as advance:
        stream = batches(dataset, trainer.step, args.loaders)
        while trainer.step < args.steps:
            asked_s = time.monotonic()
            batch = next(stream)
            waited_s = time.monotonic() - asked_s
            losses = trainer.learn(batch)
            log.add(losses, waited_s, time.monotonic() - asked_s, len(batch.images))
            advance(1)
            late = args.minutes is not None and time.monotonic() - began_s > 60 * args.minutes
            if trainer.step % args.log_every == 0 or trainer.step == args.steps or late:
                print(log.write(trainer.step, time.monotonic() - began_s), flush=True)
            if trainer.step % args.save_every == 0 or late:
                trainer.save(args.out / "checkpoint.pt")
            if late:
                break
    trainer.save(args.out / "checkpoint.pt")
    estimator.to(torch.device("cpu"))
    estimator.save(args.out / ESTIMATOR)
    return estimator


class Log:
    """The run's log: mean losses, images per second, and the share of time that the networks waited for a batch."""

    def __init__(self, path: Path, first: int) -> None:
        self._path = path
        lines = path.read_text().splitlines() if path.exists() and first else []
        # What a killed run did beyond its last checkpoint is done again.
        self._lines = lines[:1] + [line for line in lines[1:] if int(line.split(",")[0]) <= first]
        self._sums: dict[str, float] = {}

    def add(self, losses: dict[str, float], waited_s: float, took_s: float, images: int) -> None:
        """Take note of a step."""
        for name, value in {**losses, "waited_s": waited_s, "took_s": took_s, "images": images, "steps": 1}.items():
            self._sums[name] = self._sums.get(name, 0.0) + value

    def write(self, step: int, elapsed_s: float) -> str:
        """Write down the means since the last time; return them as a line for people."""
        sums, self._sums = self._sums, {}
        row = {
            "step": step,
            "detection": sums["detection"] / sums["steps"],
            "coordinates": sums.get("coordinates", 0.0) / sums["steps"],
            "images_per_s": sums["images"] / sums["took_s"],
            "waited": sums["waited_s"] / sums["took_s"],
            "elapsed_s": elapsed_s,
        }
        self._lines = self._lines or [",".join(row)]
        self._lines.append(",".join(str(v) if isinstance(v, int) else f"{v:.5g}" for v in row.values()))
        replace_file(self._path, ("\n".join(self._lines) + "\n").encode())
        return (
            f"{step:>7} steps {elapsed_s / 60:6.1f} min  detection {row['detection']:.3f}, coordinates "
            f"{row['coordinates']:.3f}, {row['images_per_s']:.1f} images/s, waited {row['waited']:.0%} of the time"
        )


def main() -> None:
    """Do what the command line says, and print what the input's fault is in one sentence."""
    args = tyro.cli(Args, description=__doc__)
    try:
        train(args)
    except GraspsimError as error:
        sys.exit(f"finetune_pose: {error}")
    except KeyboardInterrupt:
        sys.exit(130)
    print(f"{args.out / ESTIMATOR} holds the estimator.")


if __name__ == "__main__":
    main()
