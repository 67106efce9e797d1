"""The dense estimator: find objects, tell which point of its model each pixel shows, and solve for the pose."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from graspsim.errors import SpecError
from graspsim.geometry import Array, Intrinsics, hull_box
from graspsim.meshes import Mesh
from graspsim.models import Symmetries
from graspsim.pose.augment import Image
from graspsim.pose.dense_samples import DenseBatch, DenseSamples, camera_of, crop_of, detector_image, square_around
from graspsim.pose.estimator import Estimate, KnownObject, PoseEstimator, device_of, images_to_tensor, kinds_of
from graspsim.pose.icp import brought_to_depth
from graspsim.pose.losses import coordinate_loss, detection_loss
from graspsim.pose.metrics import Reference, symmetry_transforms
from graspsim.pose.networks import (
    DETECTOR_STRIDE,
    MAP_PX,
    CoordinateNet,
    Detector,
    Encoder,
    bins_of,
    coordinates_of,
)
from graspsim.pose.pretrained import ResNet18, load_weights
from graspsim.pose.solve import Fit, fit_of, pixel_grid, pose_from_measured, pose_from_pixels
from graspsim.pose.told import Told, points_rendered
from graspsim.render.raster import render_mesh

DETECTED = 0.03
"""Least height of a heat map's peak; what it is not is told by the other network, which sees it larger."""
MOST_PEAKS = 10
"""Of a kind."""
LOOKS = 3
"""Times that a crop is moved to where the object is seen to be, before poses are sought."""
PROMISING = 0.1
"""Least that a detection has to promise, of what the best of its kind does."""
OVERLAP = 0.6
"""Of two boxes of one kind, intersection over union, above which the lower peak is dropped."""
SHOWN = 0.5
"""Probability from which on a pixel is taken to show the object."""
LEAST_EXPLAINED = 0.05
"""By a fit in space, below which depth is taken to be of no use."""
DENSER = (2, 3)
"""Times as many cells along a crop's side as the network tells of at once, each time that poses are sought."""
WORTH_MORE = 0.5
"""Least score, of the best of its kind, with which a pose is sought again."""
UNSURE = 0.25
"""Share of an object's pixels that are left out."""
NEARER = np.exp(np.linspace(-0.14, 0.14, 29))
"""Distances tried, of that which the points tell."""
DOUBT = 0.02
"""In whether an object is in a pixel, at least."""
COARSE_STEPS = 32
"""Motions of a continuous symmetry that the loss considers."""
_FEW_CELLS = 8
_STILL_EXPLAINED = 0.8
"""What a pose brought to depth has to explain of what it did before."""
_LARGEST_BOX = 2.0
"""Of the picture's width."""


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


class DenseEstimator(PoseEstimator):
    """A detector, and a network for crops; see `PoseEstimator`."""

    architecture = "dense"

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

    def estimate(self, rgb: Image, camera: Intrinsics, depth_m: NDArray[np.float32] | None = None) -> list[Estimate]:
        """Return the poses of all known objects in a picture; with depth, they are fitted in space."""
        found = self.looked_at(rgb, self.detect(rgb))
        if not found:
            return []
        kinds = [detection.kind for detection in found]
        boxes = [detection.box_px for detection in found]
        fits: list[Fit | None] = [None] * len(found)
        chosen = list(range(len(found)))
        for denser in DENSER:
            told = self.fits_of(rgb, camera, depth_m, [kinds[i] for i in chosen], [boxes[i] for i in chosen], denser)
            for i, fit in zip(chosen, told, strict=True):
                if fit is not None:
                    fits[i] = fit
                    # Where the pose puts the object is nearer to what was trained on than where it was detected.
                    box = hull_box(fit.camera_from_model, self.objects[kinds[i]].hull_m, camera)
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

    def fits_of(
        self,
        rgb: Image,
        camera: Intrinsics,
        depth_m: NDArray[np.float32] | None,
        kinds: list[int],
        boxes: list[tuple[float, float, float, float]],
        denser: int,
    ) -> list[Fit | None]:
        """Return the pose of what each box shows, None where there is none; see `maps_of`."""
        if not kinds:
            return []
        squares = [square_around(box) for box in boxes]
        with torch.no_grad():
            maps = self.maps_of(rgb, kinds, squares, denser)
            shown, there, points, sure = (told.cpu().numpy() for told in coordinates_of(maps))
            bins = bins_of(maps).cpu().numpy()
        return [
            pose_of_crop(self.objects[kind], square, shown[i], there[i], points[i], sure[i], bins[i], camera, depth_m)
            for i, (kind, square) in enumerate(zip(kinds, squares, strict=True))
        ]

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


def without_doubles(found: list[Detection]) -> list[Detection]:
    """Return detections, the surest first, without those that overlap a surer one of their kind."""
    kept: list[Detection] = []
    for each in sorted(found, key=lambda detection: -detection.score):
        if all(each.kind != other.kind or box_overlap(each.box_px, other.box_px) < OVERLAP for other in kept):
            kept.append(each)
    return kept


def near_the_best(kinds: list[int], scores: list[float], share: float) -> list[int]:
    """Return which detections score more than a share of what the best of their kind does."""
    best: dict[int, float] = {}
    for kind, score in zip(kinds, scores, strict=True):
        best[kind] = max(score, best.get(kind, 0.0))
    return [i for i, (kind, score) in enumerate(zip(kinds, scores, strict=True)) if score > share * best[kind]]


def box_told(there: NDArray[np.float32], square: Array) -> tuple[float, float, float, float] | None:
    """Return the box (x, y, width, height) of where an object is told to be (n, n) in a square; None if nowhere."""
    x, y, side, _ = square
    cell = side / len(there)
    spans = []
    for along in (there.max(axis=0), there.max(axis=1)):
        over = np.flatnonzero(along > SHOWN)
        if not len(over):
            return None
        # To where the probability falls below, between the middles of two cells; up to the rim, if it does not.
        line = np.concatenate([along[:1], along, along[-1:]])
        first, last = over[0] + 1, over[-1] + 1
        low = first - 0.5 - _beyond(line[first], line[first - 1])
        high = last - 0.5 + _beyond(line[last], line[last + 1])
        spans.append((max(low, 0.0) * cell, min(high, len(there)) * cell))
    (left, right), (top, bottom) = spans
    return float(x + left), float(y + top), float(right - left), float(bottom - top)


def _beyond(inside: float, outside: float) -> float:
    """Return how much of the way to the next cell a probability stays above `SHOWN`."""
    return 1.0 if outside >= SHOWN else float((inside - SHOWN) / (inside - outside))


def pose_of_crop(
    known: KnownObject,
    square: Array,
    probability: NDArray[np.float32],
    there: NDArray[np.float32],
    points: NDArray[np.float32],
    sure: NDArray[np.float32],
    bins: NDArray[np.float32],
    camera: Intrinsics,
    depth_m: NDArray[np.float32] | None,
) -> Fit | None:
    """Return the pose that explains what was told of a crop, see `coordinates_of` and `bins_of`."""
    shown = probability > SHOWN
    if shown.any():
        # What is least sure only leads astray.
        shown &= sure >= np.quantile(sure[shown], UNSURE)
    pixels = pixel_grid(square, len(shown))[shown]
    chosen = bins.transpose(2, 3, 0, 1)[shown]
    told = Told(
        known.frame, pixels, chosen, np.asarray(points.transpose(1, 2, 0)[shown], float), np.asarray(sure[shown], float)
    )
    rng = np.random.default_rng(0)
    if depth_m is not None:
        measured = depth_at(depth_m, pixels)
        has_depth = measured > 0
        # At the centre of the pixel, not of the cell.
        seen_m = unproject_pixels(np.floor(pixels[has_depth]) + 0.5, measured[has_depth], camera)
        measurable = told.only(has_depth)
        fit = pose_from_measured(measurable, seen_m, rng)
        if fit is not None and fit.explained > LEAST_EXPLAINED:
            brought = fit_of(measurable, brought_to_depth(fit.camera_from_model, known, seen_m), seen_m)
            return brought if brought.explained > _STILL_EXPLAINED * fit.explained else fit
    view = camera_of(square, camera, len(shown))

    def shown_under(pose: Array) -> Array:
        return points_rendered(known.frame, pose, render_mesh(known.coarse, pose, view), view, shown)

    fit = pose_from_pixels(told, camera, shown_under, rng)
    if fit is None:
        return None
    pose = at_distance_of_silhouette(fit.camera_from_model, known.coarse, there, view)
    return Fit(pose, float(told.explained(shown_under(pose)).mean()))


def at_distance_of_silhouette(pose: Array, mesh: Mesh, there: NDArray[np.float32], view: Intrinsics) -> Array:
    """Return a pose (4, 4) moved along its view, to where the model covers what it is told to cover (h, w).

    Points tell least of the distance, and are all drawn to the middle where they are unsure.
    """
    probability = np.clip(there, DOUBT, 1 - DOUBT)
    odds = np.log(probability / (1 - probability))
    moved = np.repeat(pose[None], len(NEARER), axis=0)
    moved[:, :3, 3] *= NEARER[:, None]
    covered = [odds[render_mesh(mesh, each, view) > 0].sum() for each in moved]
    return np.asarray(moved[int(np.argmax(covered))])


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
