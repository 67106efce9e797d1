"""What a pose estimator is, whatever its networks: known objects, a file to be kept in, and poses for a picture."""

import io
import pickle
import zipfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Protocol

import fast_simplification
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from graspsim.dataset.files import replace_file
from graspsim.errors import DatasetError, GraspsimError, SpecError
from graspsim.geometry import Array, Intrinsics
from graspsim.meshes import Mesh, convex_mesh, finish, samples_on
from graspsim.pose.augment import Image
from graspsim.pose.frame import Frame
from graspsim.pose.metrics import Reference
from graspsim.pose.samples import SAME_SHARE, PoseImage
from graspsim.registry import load

ESTIMATOR = "estimator.pt"
"""File of an estimator in the folder of its run."""
_SURFACE_POINTS = 40_000
_COARSE_FACES = 2_000
MEAN, DEVIATION = (123.7, 116.3, 103.5), (58.4, 57.1, 57.4)
"""Of the channels of ImageNet's pictures, which pretrained networks have seen."""
MEMORY_FORMAT = (
    torch.contiguous_format
    if torch.backends.cpu.get_cpu_capability() == "AVX2" and not torch.cuda.is_available()
    else torch.channels_last
)
"""What convolutions run fastest with: on a CPU without wide vectors, pixels last by a fifth."""


@dataclass(frozen=True, eq=False)
class KnownObject:
    """What an estimator knows of an object.

    Attributes:
        obj_id: its number.
        diameter_m: largest distance of two of its points.
        mesh: its model.
    """

    obj_id: int
    diameter_m: float
    mesh: Mesh

    @cached_property
    def frame(self) -> Frame:
        """Its box."""
        return Frame.of(self.mesh.vertices)

    @cached_property
    def coarse(self) -> Mesh:
        """Its model with few faces, for pictures of few pixels."""
        if len(self.mesh.faces) <= _COARSE_FACES:
            return self.mesh
        # Where colours or normals change at once, there are several vertices in one place.
        vertices, index = np.unique(self.mesh.vertices, axis=0, return_inverse=True)
        return finish(*fast_simplification.simplify(vertices, index[self.mesh.faces], target_count=_COARSE_FACES))

    @cached_property
    def hull_m(self) -> Array:
        """The vertices (k, 3) of its convex hull."""
        return convex_mesh(self.mesh.vertices)[0]

    @cached_property
    def surface(self) -> tuple[Array, Array]:
        """Points (n, 3) all over it, and their normals."""
        return samples_on(self.mesh.vertices[self.mesh.faces], _SURFACE_POINTS, np.random.default_rng(0))


@dataclass(frozen=True, eq=False)
class Estimate:
    """An object's pose.

    Attributes:
        obj_id: which object.
        score: from 0 to 1.
        camera_from_model: (4, 4).
    """

    obj_id: int
    score: float
    camera_from_model: Array


class Samples(Protocol):
    """Makes what an architecture learns from, in processes of its own."""

    def batch(
        self, pictures: Sequence[tuple[PoseImage, Image, Intrinsics]], rng: np.random.Generator, share: float
    ) -> Any:
        """Return what is to be learnt from some pictures, of which a share is changed as `rng` has it."""


class PoseEstimator(Protocol):
    """Networks, and the objects that they know; each architecture is one, see `graspsim.registry`.

    Attributes:
        architecture: its name.
        uses_depth: whether a depth image makes its poses better.
        objects: in the order of the networks' maps.
        width: of the networks.
        image_width: pixels to which images are brought.
        networks: all that is trained.
    """

    architecture: str
    uses_depth: bool
    objects: list[KnownObject]
    width: int
    image_width: int
    networks: nn.ModuleDict

    def __init__(self, objects: list[KnownObject], width: int, image_width: int) -> None: ...

    def start_from(self, backbone: Path) -> None:
        """Take over the weights of a pretrained network.

        Raises:
            GraspsimError: if they do not fit.
        """

    def estimate(
        self, rgb: Image, camera: Intrinsics, rng: np.random.Generator, depth_m: NDArray[np.float32] | None = None
    ) -> list[Estimate]:
        """Return the poses of all known objects in a picture.

        Args:
            rgb: (h, w, 3).
            camera: that took it.
            rng: for candidates.
            depth_m: (h, w) what a depth camera measured, 0 where nothing.
        """

    def samples(self, references: dict[int, Reference]) -> Samples:
        """Return what makes batches for it."""

    def losses(self, references: dict[int, Reference]) -> Callable[[Any], dict[str, Tensor]]:
        """Return the function from a batch to what is to be made small, by name."""


def kinds_of(estimator: PoseEstimator) -> list[int]:
    """Return the obj_ids that an estimator knows, in the order of its networks' maps."""
    return [known.obj_id for known in estimator.objects]


def check_device(name: str) -> None:
    """Raise a SpecError if networks cannot be put on a device."""
    if name not in ("cpu", "cuda"):
        raise SpecError(f"A device is cpu or cuda; got {name!r}.")
    if name == "cuda" and not torch.cuda.is_available():
        raise SpecError("There is no CUDA device here, or this build of torch cannot use it; use --device cpu.")


def device_of(networks: nn.Module) -> torch.device:
    """Return where networks are."""
    return next(networks.parameters()).device


def untrained(architecture: str, references: dict[int, Reference], width: int, image_width: int) -> PoseEstimator:
    """Return an estimator for some models that has learnt nothing yet.

    Raises:
        UnknownNameError: for an architecture that there is not.
    """
    known = [KnownObject(i, r.diameter_m, r.mesh) for i, r in sorted(references.items())]
    estimator: PoseEstimator = load("architecture", architecture)(known, width, image_width)
    return estimator


def save_estimator(estimator: PoseEstimator, path: Path) -> None:
    """Write an estimator to one file."""
    content = {
        "architecture": estimator.architecture,
        "width": estimator.width,
        "image_width": estimator.image_width,
        "objects": [
            {
                "obj_id": known.obj_id,
                "diameter_m": known.diameter_m,
                "vertices_m": torch.from_numpy(known.mesh.vertices),
                "faces": torch.from_numpy(known.mesh.faces),
            }
            for known in estimator.objects
        ],
        "networks": estimator.networks.state_dict(),
    }
    save_content(content, path)


def save_content(content: dict[str, Any], path: Path) -> None:
    """Write tensors and plain values to one file, which is whole or not there.

    Raises:
        DatasetError: if it cannot be written.
    """
    buffer = io.BytesIO()
    torch.save(content, buffer)
    replace_file(path, buffer.getbuffer())


def load_estimator(path: Path) -> PoseEstimator:
    """Return what `save_estimator` wrote.

    Args:
        path: of the file, or of the folder of a run.

    Raises:
        GraspsimError: if there is no such file, or it holds something else.
    """
    if path.is_dir():
        path /= ESTIMATOR
    if not path.is_file():
        raise GraspsimError(f"There is no estimator {path}.")
    try:
        # Or else its reader may fail in any way.
        if not zipfile.is_zipfile(path):
            raise ValueError("it is no archive")
        content: dict[str, Any] = torch.load(path, map_location="cpu", weights_only=True)
        objects = [
            KnownObject(o["obj_id"], o["diameter_m"], finish(o["vertices_m"].numpy(), o["faces"].numpy()))
            for o in content["objects"]
        ]
        kind = load("architecture", content["architecture"])
        estimator: PoseEstimator = kind(objects, content["width"], content["image_width"])
        estimator.networks.load_state_dict(content["networks"])
    except pickle.UnpicklingError as error:
        raise GraspsimError(f"{path} holds no estimator: there is more in it than tensors and numbers.") from error
    except (RuntimeError, KeyError, TypeError, ValueError, OSError) as error:
        raise GraspsimError(f"{path} holds no estimator of this version: {error}.") from error
    return estimator


def images_to_tensor(images: NDArray[np.uint8], device: torch.device) -> Tensor:
    """Return pictures (n, h, w, 3) as networks on a device take them, (n, 3, h, w), normalized."""
    # Brought there as bytes, which are a quarter.
    tensor = torch.from_numpy(np.ascontiguousarray(images)).to(device).permute(0, 3, 1, 2).float()
    mean, deviation = (torch.tensor(value, device=device)[:, None, None] for value in (MEAN, DEVIATION))
    return ((tensor - mean) / deviation).contiguous(memory_format=MEMORY_FORMAT)


def check_kinds(estimator: PoseEstimator, references: dict[int, Reference], where: Path) -> None:
    """Raise a DatasetError if a dataset holds objects that an estimator does not know, or knows otherwise."""
    known = kinds_of(estimator)
    for each in estimator.objects:
        if each.obj_id in references:
            frame = references[each.obj_id].frame
            off_m = np.abs([frame.center_m - each.frame.center_m, frame.size_m - each.frame.size_m]).max()
            if off_m > SAME_SHARE * each.diameter_m:
                raise DatasetError(
                    f"Object {each.obj_id} in {where} is another one than the estimator knows by this number, or its "
                    f"model has another origin: their boxes differ by {off_m * 1000:.1f} mm."
                )
    unknown = sorted(set(references) - set(known))
    if unknown:
        raise DatasetError(
            f"{where} holds the objects {', '.join(map(str, unknown))}, which the estimator does not know; it knows "
            f"{', '.join(map(str, known))}."
        )
