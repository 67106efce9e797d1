"""From a picture to poses: detect, tell each pixel's point, solve. What was trained is kept as one file."""

import pickle
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from graspsim.errors import DatasetError, GraspsimError
from graspsim.geometry import Array, Intrinsics
from graspsim.pose.metrics import Reference
from graspsim.pose.networks import DETECTOR_STRIDE, MAP_PX, CoordinateNet, Detector
from graspsim.pose.samples import Frame, crop_of, detector_image, square_around
from graspsim.pose.solve import Fit, pixel_grid, pose_from_pixels, pose_from_points

DETECTED = 0.3
"""Least height of a heat map's peak."""
OVERLAP = 0.6
"""Of two boxes of one kind, intersection over union, above which the lower peak is dropped."""
SHOWN = 0.5
"""Probability from which on a pixel is taken to show the object."""
_PEAKS = 64


@dataclass(frozen=True, eq=False)
class KnownObject:
    """What an estimator knows of an object.

    Attributes:
        obj_id: its number.
        diameter_m: largest distance of two of its points.
        frame: its box.
    """

    obj_id: int
    diameter_m: float
    frame: Frame


@dataclass(frozen=True, eq=False)
class Detection:
    """An object in an image.

    Attributes:
        kind: its place among the known objects.
        score: height of the peak, from 0 to 1.
        box_px: (x, y, width, height).
    """

    kind: int
    score: float
    box_px: tuple[float, float, float, float]


@dataclass(frozen=True, eq=False)
class Estimate:
    """An object's pose.

    Attributes:
        obj_id: which object.
        score: from 0 to 1.
        camera_from_model: (4, 4).
        box_px: (x, y, width, height) where it was detected.
    """

    obj_id: int
    score: float
    camera_from_model: Array
    box_px: tuple[float, float, float, float]


class PoseEstimator:
    """Both networks, and the objects that they know.

    Args:
        objects: in the order of the networks' maps.
        width: of the networks.
        image_width: pixels to which images are brought for the detector.
    """

    def __init__(self, objects: list[KnownObject], width: int = 16, image_width: int = 320) -> None:
        self.objects = objects
        self.width = width
        self.image_width = image_width
        self.detector: nn.Module = Detector(len(objects), width)
        self.coordinates: nn.Module = CoordinateNet(len(objects), width + width // 2)
        self.to(torch.device("cpu"))

    @classmethod
    def untrained(cls, references: dict[int, Reference], width: int, image_width: int) -> "PoseEstimator":
        """Return one for some models that has learnt nothing yet."""
        known = [KnownObject(i, r.diameter_m, Frame.of(r)) for i, r in sorted(references.items())]
        return cls(known, width, image_width)

    def to(self, device: torch.device) -> None:
        """Move the networks to a device."""
        self.device = device
        for network in (self.detector, self.coordinates):
            network.to(device, memory_format=torch.channels_last)  # type: ignore[call-overload]

    @property
    def kinds(self) -> list[int]:
        """The obj_ids, in the order of the networks' maps."""
        return [known.obj_id for known in self.objects]

    def save(self, path: Path) -> None:
        """Write all to one file."""
        content = {
            "width": self.width,
            "image_width": self.image_width,
            "objects": [
                {
                    "obj_id": known.obj_id,
                    "diameter_m": known.diameter_m,
                    "center_m": known.frame.center_m.tolist(),
                    "size_m": known.frame.size_m.tolist(),
                }
                for known in self.objects
            ],
            "detector": self.detector.state_dict(),
            "coordinates": self.coordinates.state_dict(),
        }
        part = path.with_name(f".{path.name}.part")
        torch.save(content, part)
        part.replace(path)

    @classmethod
    def load(cls, path: Path) -> "PoseEstimator":
        """Return what `save` wrote.

        Raises:
            GraspsimError: if there is no such file, or it holds something else.
        """
        if not Path(path).is_file():
            raise GraspsimError(f"There is no estimator {path}.")
        try:
            # Or else its reader may fail in any way.
            if not zipfile.is_zipfile(path):
                raise ValueError("it is no archive")
            content: dict[str, Any] = torch.load(path, map_location="cpu", weights_only=True)
            objects = [
                KnownObject(o["obj_id"], o["diameter_m"], Frame(np.array(o["center_m"]), np.array(o["size_m"])))
                for o in content["objects"]
            ]
            estimator = cls(objects, content["width"], content["image_width"])
            estimator.detector.load_state_dict(content["detector"])
            estimator.coordinates.load_state_dict(content["coordinates"])
        except (RuntimeError, KeyError, TypeError, ValueError, OSError, pickle.UnpicklingError) as error:
            raise GraspsimError(f"{path} holds no estimator of this version: {error}.") from error
        return estimator

    def detect(self, rgb: NDArray[np.uint8]) -> list[Detection]:
        """Return the objects in a picture (h, w, 3), the surest first."""
        image, scale = detector_image(rgb, self.image_width)
        self.detector.eval()
        with torch.no_grad():
            maps = self.detector(images_to_tensor(image[None]).to(self.device))[0].cpu()
        heat = torch.sigmoid(maps[:-4])
        peaks = heat * (nn.functional.max_pool2d(heat[None], 3, 1, 1)[0] == heat)
        values, places = peaks.flatten().topk(min(_PEAKS, peaks.numel()))
        found: list[Detection] = []
        for value, place in zip(values.tolist(), places.tolist(), strict=True):
            if value < DETECTED:
                break
            kind, cell = divmod(place, heat.shape[1] * heat.shape[2])
            row, column = divmod(cell, heat.shape[2])
            off_x, off_y, log_width, log_height = maps[-4:, row, column].tolist()
            width, height = np.exp(np.minimum((log_width, log_height), 6.0))
            cells = np.array([column + off_x - width / 2, row + off_y - height / 2, width, height])
            x, y, w, h = (cells * DETECTOR_STRIDE / scale).tolist()
            box = (x, y, w, h)
            if all(kind != other.kind or box_overlap(box, other.box_px) < OVERLAP for other in found):
                found.append(Detection(kind, value, box))
        return found

    def estimate(
        self,
        rgb: NDArray[np.uint8],
        camera: Intrinsics,
        depth_m: NDArray[np.float32] | None = None,
        detections: list[Detection] | None = None,
    ) -> list[Estimate]:
        """Return the poses of all known objects in a picture.

        Args:
            rgb: (h, w, 3).
            camera: that took it.
            depth_m: (h, w) what a depth camera measured, 0 where nothing; poses are then fitted in space.
            detections: those of another detector, instead of our own.
        """
        found = self.detect(rgb) if detections is None else detections
        if not found:
            return []
        squares = [square_around(detection.box_px) for detection in found]
        crops = np.stack([crop_of(rgb, square) for square in squares])
        kinds = torch.tensor([detection.kind for detection in found])
        self.coordinates.eval()
        with torch.no_grad():
            maps = self.coordinates(images_to_tensor(crops).to(self.device), kinds.to(self.device)).cpu().numpy()
        estimates = []
        for detection, square, told in zip(found, squares, maps.astype(np.float64), strict=True):
            known = self.objects[detection.kind]
            fit = self._solved(known, square, told, camera, depth_m)
            if fit is not None:
                score = detection.score * fit.agreeing
                estimates.append(Estimate(known.obj_id, score, fit.camera_from_model, detection.box_px))
        return estimates

    def _solved(
        self,
        known: KnownObject,
        square: NDArray[np.float64],
        told: Array,
        camera: Intrinsics,
        depth_m: NDArray[np.float32] | None,
    ) -> Fit | None:
        shown = 1 / (1 + np.exp(-told[0])) > SHOWN
        points = known.frame.metres(told[1:].transpose(1, 2, 0)[shown])
        pixels = pixel_grid(square, MAP_PX)[shown]
        if depth_m is not None:
            measured = depth_at(depth_m, pixels)
            has_depth = measured > 0
            rays = unproject_pixels(pixels[has_depth], measured[has_depth], camera)
            fit = pose_from_points(points[has_depth], rays, known.diameter_m, np.random.default_rng(0))
            if fit is not None:
                return fit
        return pose_from_pixels(points, pixels, camera)


def images_to_tensor(images: NDArray[np.uint8]) -> Tensor:
    """Return pictures (n, h, w, 3) as networks take them, (n, 3, h, w), with values about 0."""
    tensor = torch.from_numpy(np.ascontiguousarray(images)).permute(0, 3, 1, 2)
    return ((tensor.float() - 127.5) / 64).contiguous(memory_format=torch.channels_last)


def depth_at(depth_m: NDArray[np.float32], pixels: Array) -> Array:
    """Return the depth at pixels (n, 2), 0 outside of the picture."""
    column, row = np.floor(pixels).astype(int).T
    height, width = depth_m.shape
    inside = (row >= 0) & (row < height) & (column >= 0) & (column < width)
    return np.where(inside, depth_m[np.clip(row, 0, height - 1), np.clip(column, 0, width - 1)], 0.0)


def unproject_pixels(pixels: Array, depth_m: Array, camera: Intrinsics) -> Array:
    """Return the points (n, 3) in the camera frame that pixels (n, 2) show."""
    x = (pixels[:, 0] - camera.cx) / camera.fx
    y = (pixels[:, 1] - camera.cy) / camera.fy
    return np.column_stack([x * depth_m, y * depth_m, depth_m])


def box_overlap(first: tuple[float, ...], second: tuple[float, ...]) -> float:
    """Return the intersection over union of two boxes (x, y, width, height)."""
    a, b = np.array(first), np.array(second)
    sides = np.minimum(a[:2] + a[2:], b[:2] + b[2:]) - np.maximum(a[:2], b[:2])
    both = float(np.prod(np.maximum(sides, 0)))
    union = float(a[2] * a[3] + b[2] * b[3]) - both
    return both / union if union > 0 else 0.0


def check_kinds(estimator: PoseEstimator, references: dict[int, Reference], where: Path) -> None:
    """Raise a DatasetError if a dataset holds objects that an estimator does not know."""
    unknown = sorted(set(references) - set(estimator.kinds))
    if unknown:
        raise DatasetError(
            f"{where} holds the objects {', '.join(map(str, unknown))}, which the estimator does not know; it knows "
            f"{', '.join(map(str, estimator.kinds))}."
        )
