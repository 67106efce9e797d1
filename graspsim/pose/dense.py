"""The dense estimator: find objects, tell which point of its model each pixel shows, and solve for the pose."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from graspsim.errors import SpecError
from graspsim.geometry import Array, Intrinsics, hull_box
from graspsim.models import Symmetries
from graspsim.pose.augment import Image
from graspsim.pose.crop_pose import ToldCrop, pose_of_crop, pose_refined
from graspsim.pose.dense_samples import DenseBatch, DenseSamples, crop_of, detector_image, square_around
from graspsim.pose.detections import Detection, box_told, near_the_best, without_doubles
from graspsim.pose.estimator import Estimate, KnownObject, PoseEstimator, device_of, images_to_tensor, kinds_of
from graspsim.pose.losses import coordinate_loss, detection_loss
from graspsim.pose.metrics import Reference, symmetry_transforms
from graspsim.pose.networks import (
    DETECTOR_STRIDE,
    MAP_PX,
    SHOWN,
    CoordinateNet,
    Detector,
    Encoder,
    bins_of,
    coordinates_of,
)
from graspsim.pose.pretrained import ResNet18, load_weights
from graspsim.pose.solve import Fit

DETECTED = 0.03
"""Least height of a heat map's peak; what it is not is told by the other network, which sees it larger."""
MOST_PEAKS = 10
"""Of a kind."""
LOOKS = 3
"""Crops of a detection, each moved to where the last showed the object to be, before poses are sought."""
PROMISING = 0.1
"""Least that a detection has to promise, of what the best of its kind does."""
DENSER = (2, 3)
"""Times as many cells along a crop's side as the network tells of at once, each time that poses are sought."""
WORTH_MORE = 0.5
"""Least score, of the best of its kind, with which a pose is sought again."""
REFINEMENTS = 4
"""Times that such a pose is refined, unless it was fitted in space, each time by what is told of a new crop."""
COARSE_STEPS = 32
"""Motions of a continuous symmetry that the loss considers."""
_FEW_CELLS = 8
_LARGEST_BOX = 2.0
"""Of the picture's width."""


class DenseEstimator(PoseEstimator):
    """A detector, and a network for crops; see `PoseEstimator`."""

    architecture = "dense"
    uses_depth = True

    def __init__(self, objects: list[KnownObject], width: int, image_width: int) -> None:
        self.objects = objects
        self.width = width
        self.image_width = image_width
        detector, crops = self.encoders()
        self.detector = Detector(len(objects), detector)
        self.coordinates = CoordinateNet(len(objects), crops)
        self.networks = nn.ModuleDict({"detector": self.detector, "coordinates": self.coordinates})

    def encoders(self) -> tuple[Encoder | ResNet18, Encoder | ResNet18]:
        """Return what both networks begin with: small for a CPU, or as wide as told."""
        return Encoder(self.width), Encoder(self.width + self.width // 2)

    def start_from(self, backbone: Path) -> None:
        """There is nothing pretrained for encoders of our own."""
        raise SpecError(
            "Nothing is pretrained for the architecture dense; with --backbone, choose dense-resnet18 or dope."
        )

    def samples(self, references: dict[int, Reference]) -> DenseSamples:
        """Return what makes batches for it."""
        return DenseSamples(kinds_of(self), references, self.image_width)

    def losses(self, references: dict[int, Reference]) -> Callable[[DenseBatch], dict[str, Tensor]]:
        """Return the function from a batch to the losses of detector and crops."""
        device = device_of(self.networks)
        motions = coarse_motions(self.objects, references).to(device)

        def losses(batch: DenseBatch) -> dict[str, Tensor]:
            maps = self.detector(images_to_tensor(batch.images, device))
            heat, boxes = (torch.from_numpy(array).to(device) for array in (batch.heat, batch.boxes))
            found = {
                "detection": detection_loss(maps.float(), heat, boxes),
                "coordinates": torch.zeros((), device=device),
            }
            # Batch normalization needs two.
            if len(batch.kinds) > 1:
                kinds = torch.from_numpy(batch.kinds).to(device)
                told = self.coordinates(images_to_tensor(batch.crops, device), kinds)
                visible, there, points = (
                    torch.from_numpy(a).to(device) for a in (batch.visible, batch.there, batch.coordinates)
                )
                found["coordinates"] = coordinate_loss(told, visible, there, points, motions[kinds])
            return found

        return losses

    def detect(self, rgb: Image) -> list[Detection]:
        """Return where objects may be in a picture (h, w, 3), the surest first."""
        image, scale = detector_image(rgb, self.image_width)
        self.networks.eval()
        with torch.no_grad():
            maps = self.detector(images_to_tensor(image[None], device_of(self.networks)))[0].cpu()
        heat = torch.sigmoid(maps[:-4])
        peaks = (heat * (nn.functional.max_pool2d(heat[None], 3, 1, 1)[0] == heat)).flatten(1)
        values, places = peaks.topk(min(MOST_PEAKS, peaks.shape[1]))
        found = []
        for kind, place in (values >= DETECTED).nonzero().tolist():
            row, column = divmod(int(places[kind, place]), heat.shape[2])
            off_x, off_y, log_width, log_height = maps[-4:, row, column].tolist()
            width, height = np.exp(np.minimum((log_width, log_height), 6.0))
            cells = np.array([column + off_x - width / 2, row + off_y - height / 2, width, height])
            x, y, w, h = (cells * DETECTOR_STRIDE / scale).tolist()
            found.append(Detection(kind, float(values[kind, place]), (x, y, w, h)))
        return without_doubles(found)

    def looked_at(self, rgb: Image, found: list[Detection]) -> list[Detection]:
        """Return those detections in which the second network sees the object, too, with the boxes that it tells."""
        if not found:
            return []
        kinds = torch.tensor([detection.kind for detection in found])
        boxes = [detection.box_px for detection in found]
        surest, promised = list(boxes), np.zeros(len(found))
        for _ in range(LOOKS):
            squares = [square_around(box) for box in boxes]
            crops = np.stack([crop_of(rgb, square) for square in squares])
            with torch.no_grad():
                shown, there, _, sure = (told.cpu().numpy() for told in coordinates_of(self._maps(crops, kinds)))
            seen = shown > SHOWN
            promises = (sure * seen).sum(axis=(1, 2)) / np.maximum(seen.sum(axis=(1, 2)), _FEW_CELLS)
            for i, promise in enumerate(promises):
                if promise >= promised[i]:
                    surest[i], promised[i] = boxes[i], promise
                boxes[i] = box_told(there[i], squares[i]) or boxes[i]
        moved = [
            Detection(detection.kind, detection.score * float(promise), box)
            for detection, promise, box in zip(found, promised, surest, strict=True)
        ]
        kept = without_doubles(moved)
        promising = near_the_best([d.kind for d in kept], [d.score for d in kept], PROMISING)
        return [kept[i] for i in promising]

    def estimate(
        self, rgb: Image, camera: Intrinsics, rng: np.random.Generator, depth_m: NDArray[np.float32] | None = None
    ) -> list[Estimate]:
        """Return the poses of all known objects in a picture; with depth, they are fitted in space."""
        found = self.looked_at(rgb, self.detect(rgb))
        if not found:
            return []
        kinds = [detection.kind for detection in found]
        boxes = [detection.box_px for detection in found]
        fits: list[Fit | None] = [None] * len(found)
        chosen = list(range(len(found)))
        for turn in range(len(DENSER) + REFINEMENTS):
            is_sought = turn < len(DENSER)
            if not is_sought:
                chosen = [i for i in chosen if (before := fits[i]) is not None and not before.in_space]
            denser = DENSER[min(turn, len(DENSER) - 1)]
            crops = self.told_of(rgb, [kinds[i] for i in chosen], [boxes[i] for i in chosen], denser)
            for i, crop in zip(chosen, crops, strict=True):
                known, before = self.objects[kinds[i]], fits[i]
                if is_sought or before is None:
                    fit = pose_of_crop(known, crop, camera, depth_m, rng)
                else:
                    fit = pose_refined(known, crop, camera, before.camera_from_model)
                if fit is not None:
                    fits[i] = fit
                    # Where the pose puts the object is nearer to what was trained on than where it was detected.
                    box = hull_box(fit.camera_from_model, known.hull_m, camera)
                    # What is nearly in the camera's plane has a box without end.
                    if max(box[2:]) < _LARGEST_BOX * camera.width:
                        boxes[i] = box
            scores = [d.score * (fit.explained if fit else 0.0) for d, fit in zip(found, fits, strict=True)]
            chosen = near_the_best(kinds, scores, WORTH_MORE)
        return [
            Estimate(self.objects[kind].obj_id, score, fit.camera_from_model)
            for kind, score, fit in zip(kinds, scores, fits, strict=True)
            if fit is not None
        ]

    def told_of(
        self, rgb: Image, kinds: list[int], boxes: list[tuple[float, float, float, float]], denser: int
    ) -> list[ToldCrop]:
        """Return what is told of each box; see `maps_of`."""
        if not kinds:
            return []
        squares = [square_around(box) for box in boxes]
        with torch.no_grad():
            maps = self.maps_of(rgb, kinds, squares, denser)
            each = zip(*(told.cpu().numpy() for told in (*coordinates_of(maps), bins_of(maps))), strict=True)
        return [ToldCrop(square, *told) for square, told in zip(squares, each, strict=True)]

    def maps_of(self, rgb: Image, kinds: list[int], squares: list[Array], denser: int) -> Tensor:
        """Return the maps (n, 2 + 3 bins, h, w) of squares, with `denser` times as many cells along each side as the
        network tells of, in turn from crops that are moved by parts of a cell."""
        n = len(squares)
        moves = (np.arange(denser) + 0.5) / denser - 0.5  # in cells
        crops = [
            crop_of(rgb, square + np.array([x, y, 0, 0]) * square[2] / MAP_PX)
            for square in squares
            for y in moves
            for x in moves
        ]
        maps = self._maps(np.stack(crops), torch.tensor(kinds).repeat_interleave(denser**2))
        in_turn: Tensor = maps.reshape(n, denser, denser, -1, MAP_PX, MAP_PX).permute(0, 3, 4, 1, 5, 2)
        return in_turn.reshape(n, -1, MAP_PX * denser, MAP_PX * denser)

    def _maps(self, crops: NDArray[np.uint8], kinds: Tensor) -> Tensor:
        device = device_of(self.networks)
        maps: Tensor = self.coordinates(images_to_tensor(crops, device), kinds.to(device)).float()
        return maps


class DenseResnetEstimator(DenseEstimator):
    """The same with ResNet-18 as the encoder of both networks, for a GPU; `width` has no meaning."""

    architecture = "dense-resnet18"

    def encoders(self) -> tuple[Encoder | ResNet18, Encoder | ResNet18]:
        """Return two encoders."""
        return ResNet18(), ResNet18()

    def start_from(self, backbone: Path) -> None:
        """Take over ImageNet's weights, as torchvision names them, for both encoders."""
        load_weights(self.detector.encoder, backbone)
        load_weights(self.coordinates.encoder, backbone)


def coarse_motions(objects: list[KnownObject], references: dict[int, Reference]) -> Tensor:
    """Return the symmetries (kinds, s, 3, 4) of all known objects, in their boxes' terms, padded with the first."""
    # Known objects that the data do not show have no reference, and nothing is learnt of them.
    shapes = [references[known.obj_id].symmetries if known.obj_id in references else Symmetries() for known in objects]
    each = [
        known.frame.motions(symmetry_transforms(symmetries, 2 * np.pi / COARSE_STEPS))
        for known, symmetries in zip(objects, shapes, strict=True)
    ]
    most = max(len(motions) for motions in each)
    padded = [np.concatenate([m, np.repeat(m[:1], most - len(m), axis=0)]) for m in each]
    return torch.from_numpy(np.stack(padded)).float()
