"""What a pose estimator learns from: batches of several datasets' images, prepared by other processes meanwhile."""

import os
import signal
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from torch.utils.data import DataLoader, Dataset

from graspsim.dataset.bop import BopDataset, read_mask
from graspsim.dataset.encoding import read_rgb
from graspsim.errors import DatasetError, GraspsimError, SpecError
from graspsim.geometry import Intrinsics
from graspsim.pose.augment import in_the_style_of, with_background
from graspsim.pose.estimator import Samples
from graspsim.pose.metrics import Reference
from graspsim.pose.samples import PoseImage, pose_images, without_empty
from graspsim.processes import fresh_processes

if TYPE_CHECKING:
    from .finetune_pose import Args

_MOST_UNREADABLE = 20
_NAMED = 3


@dataclass(frozen=True, eq=False)
class Batch:
    """What a step learns from.

    Attributes:
        content: as the architecture takes it.
        images: in it.
        unreadable: what was to be in it, and why it is not.
    """

    content: Any
    images: int
    unreadable: tuple[str, ...]


class Batches(Dataset[Batch | GraspsimError]):
    """Batch n of a run, a function of its seed and n alone, whichever process asks for it.

    Args:
        args: of the run.
        sources: images of each dataset of --data.
        real: those of --real.
        samples: makes batches of them.
    """

    def __init__(self, args: "Args", sources: list[list[PoseImage]], real: list[PoseImage], samples: Samples) -> None:
        self._args = args
        self._sources = sources
        self._real = real
        self._samples = samples
        weights = np.array(args.weights or [1.0] * len(sources))
        self._weights = weights / weights.sum()
        self._backgrounds = pictures_in(args.backgrounds)
        if self._backgrounds and not any(i.mask for images in sources for image in images for i in image.instances):
            raise SpecError("--backgrounds takes masks (mask_visib) of the objects, and no dataset of --data has any.")
        self._styles = pictures_in(args.style)

    def __len__(self) -> int:
        return self._args.last_step

    def __getitem__(self, step: int) -> Batch | GraspsimError:
        rng = np.random.default_rng([self._args.seed, step])
        unreadable: list[str] = []
        try:
            pictures = [self._read(n, rng, unreadable) for n in range(self._args.images)]
            return Batch(
                self._samples.batch(pictures, rng, self._args.augmented_share), len(pictures), tuple(unreadable)
            )
        except GraspsimError as error:
            # Raised in the trainer's process: from another one it would come with a page of its traceback.
            return error

    def _read(
        self, n: int, rng: np.random.Generator, unreadable: list[str]
    ) -> tuple[PoseImage, NDArray[np.uint8], Intrinsics]:
        """Return an image for place `n` of a batch; a fixed share of the places is for real ones."""
        # What a share leaves of a place is made up for over many batches.
        is_real = n + rng.random() < self._args.real_fraction * self._args.images and self._real
        images = self._real if is_real else self._sources[int(rng.choice(len(self._sources), p=self._weights))]
        while True:
            picture = images[int(rng.integers(len(images)))]
            try:
                rgb, camera = picture.read()
                if self._args.skip_unreadable:
                    # Before any of them is needed.
                    for instance in picture.instances:
                        if instance.mask is not None:
                            read_mask(instance.mask)
            except DatasetError as error:
                if not self._args.skip_unreadable:
                    raise DatasetError(f"{error} To leave out such pictures, say --skip-unreadable.") from error
                unreadable.append(str(error))
                if len(unreadable) >= _MOST_UNREADABLE:
                    raise DatasetError(f"{len(unreadable)} pictures of one batch are unreadable: {error}") from error
            else:
                return picture, rgb if is_real else self._restyled(picture, rgb, rng), camera

    def _restyled(self, picture: PoseImage, rgb: NDArray[np.uint8], rng: np.random.Generator) -> NDArray[np.uint8]:
        change_background, change_style, which = rng.random(3)
        masks = [instance.mask for instance in picture.instances if instance.mask is not None]
        if self._backgrounds and masks and change_background < 0.5:
            objects = np.logical_or.reduce([read_mask(mask) for mask in masks])
            rgb = with_background(rgb, objects, read_rgb(self._backgrounds[int(which * len(self._backgrounds))]))
        if self._styles and change_style < 0.5:
            rgb = in_the_style_of(rgb, read_rgb(self._styles[int(which * len(self._styles))]))
        return rgb


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
    print(f"{folder}: {len(found)} pictures.", flush=True)
    return found


def load_images(
    root: Path, split: str | None, references: dict[int, Reference], skip_unreadable: bool
) -> list[PoseImage]:
    """Return the images of a split of a dataset, or of all whose name begins with train.

    Raises:
        DatasetError: if there is no such split.
    """
    dataset = BopDataset(root)
    chosen = [split] if split is not None else [name for name in dataset.splits if name.startswith("train")]
    if not chosen:
        raise DatasetError(
            f"{root} has no split to train on, only {', '.join(dataset.splits)}; if that is what you want, name it by "
            "--split, or --real-split for --real."
        )
    images, empty = without_empty([image for name in chosen for image in pose_images(dataset, name, references)])
    if empty and not skip_unreadable:
        named = ", ".join(str(path) for path in empty[:_NAMED]) + (", …" if len(empty) > _NAMED else "")
        raise DatasetError(
            f"{len(empty)} of {len(images) + len(empty)} pictures are missing or empty: {named}; mend them, or leave "
            "them out with --skip-unreadable."
        )
    if not images:
        raise DatasetError(f"All {len(empty)} pictures are missing or empty, {empty[0]} and the others.")
    if not any(image.instances for image in images):
        raise DatasetError(f"None of the {len(images)} images of {', '.join(chosen)} in {root} shows an object.")
    for path in empty:
        print(f"Left out: {path} is {'empty' if path.exists() else 'missing'}.")
    besides = f", {len(empty)} left out" if empty else ""
    print(f"{root}: {len(images)} images of {', '.join(chosen)}{besides}.", flush=True)
    return images


def batches(dataset: Batches, first: int, loaders: int) -> Iterator[Batch]:
    """Yield the batches from a step on, prepared by other processes while the networks learn."""
    # Or else each of them would read torch from the disk.
    context = fresh_processes([__name__]) if loaders else None
    loader = DataLoader(
        dataset,
        batch_size=None,
        sampler=range(first, len(dataset)),
        num_workers=loaders,
        multiprocessing_context=context,
        worker_init_fn=_begin,
    )
    for batch in loader:
        if isinstance(batch, GraspsimError):
            raise batch
        yield batch


def _begin(_: int) -> None:
    # The trainer alone answers Ctrl-C.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    # Its threads wait for each other: the cores are left to it while there are batches enough.
    os.nice(10)
