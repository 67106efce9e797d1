"""DOPE's maps: beliefs of where the corners of an object's box are, and at each corner the direction to its middle.

See section 3 of Tremblay et al., "Deep object pose estimation for semantic robotic grasping of household objects",
CoRL 2018, which also gives the widths below.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from graspsim.dataset.bop import TARGET_VISIBLE_FRACTION
from graspsim.dataset.dope import cuboid_points
from graspsim.geometry import Array, Intrinsics, apply, project
from graspsim.pose.augment import Image, augmented
from graspsim.pose.metrics import Reference, symmetry_transforms
from graspsim.pose.samples import PoseImage

STRIDE = 8
"""Pixels of an image per cell of the maps."""
POINTS = 9
"""Eight corners, and the middle."""
SPREAD = 2.0
"""Standard deviation of a belief's peak, in cells."""
FIELD_RADIUS = 3.0
"""About a corner, in which its direction is told, in cells."""
LEAST_BELIEF = 0.2
WIDEST_RAD = 0.5
"""Between the direction that is told at a corner and that to a middle, for the two to be of one object."""
_COARSE_STEPS = 64
"""Motions of a continuous symmetry."""


@dataclass(frozen=True, eq=False)
class DopeBatch:
    """What a step learns from.

    Attributes:
        images: (n, h, w, 3) uint8.
        beliefs: (n, 9 kinds, h / 8, w / 8), the nine of an object one after the other.
        fields: (n, 16 kinds, h / 8, w / 8), x and y for each corner.
    """

    images: NDArray[np.uint8]
    beliefs: NDArray[np.float32]
    fields: NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class Found:
    """An object in the maps.

    Attributes:
        points: (k, 2) where its corners, and last its middle, are, in cells.
        corners: (k,) which of the nine each is.
        score: from 0 to 1.
    """

    points: Array
    corners: NDArray[np.int64]
    score: float


class DopeSamples:
    """Makes batches for DOPE.

    Args:
        kinds: obj_ids in the order of the networks' maps.
        references: models of these objects.
        image_width: pixels to which images are brought.
    """

    def __init__(self, kinds: Sequence[int], references: dict[int, Reference], image_width: int) -> None:
        self._kinds = list(kinds)
        self._image_width = image_width
        # Of known objects that the data do not show, nothing is learnt.
        shown = [i for i in self._kinds if i in references]
        vertices = {i: references[i].mesh.vertices for i in shown}
        self._cuboids = {i: cuboid_points(v.min(axis=0), np.ptp(v, axis=0)) for i, v in vertices.items()}
        self._motions = {i: symmetry_transforms(references[i].symmetries, 2 * np.pi / _COARSE_STEPS) for i in shown}

    def batch(
        self, pictures: Sequence[tuple[PoseImage, Image, Intrinsics]], rng: np.random.Generator, share: float = 1.0
    ) -> DopeBatch:
        """Return what is to be learnt from some pictures, moved as `rng` has it, and a share of them changed."""
        height = max(rgb.shape[0] * self._image_width // rgb.shape[1] for _, rgb, _ in pictures) // STRIDE * STRIDE
        images, beliefs, fields = [], [], []
        for picture, rgb, camera in pictures:
            view = moved_view(camera, self._image_width, height, rng)
            images.append(augmented(as_seen_by(view, rgb, camera), rng, share))
            cuboids: list[list[Array]] = [[] for _ in self._kinds]
            for instance in picture.instances:
                if instance.obj_id in self._kinds and instance.visible_fraction >= TARGET_VISIBLE_FRACTION:
                    pose = canonical_pose(instance.camera_from_model, self._motions[instance.obj_id])
                    pixels = project(apply(pose, self._cuboids[instance.obj_id]), view)
                    cuboids[self._kinds.index(instance.obj_id)].append(pixels / STRIDE)
            each = [maps_of(of_kind, height // STRIDE, self._image_width // STRIDE) for of_kind in cuboids]
            beliefs.append(np.concatenate([belief for belief, _ in each]))
            fields.append(np.concatenate([field for _, field in each]))
        return DopeBatch(np.stack(images), np.stack(beliefs), np.stack(fields))


def canonical_pose(camera_from_model: Array, motions: Array) -> Array:
    """Return the one of the poses that look the same whose rotation is nearest to none (Pitteri et al. 2019).

    So like views have like targets, but for a jump where two answers are equally near.
    """
    same = camera_from_model @ motions
    return np.asarray(same[np.trace(same[:, :3, :3], axis1=1, axis2=2).argmax()])


def moved_view(camera: Intrinsics, width: int, height: int, rng: np.random.Generator | None) -> Intrinsics:
    """Return a camera of another image size that sees the same, or with `rng` a little nearer or farther, and moved."""
    scale, shift = width / camera.width, np.zeros(2)
    if rng is not None:
        scale *= rng.uniform(0.8, 1.25)
        shift = rng.uniform(-0.1, 0.1, 2) * (width, height)
    return Intrinsics(
        width,
        height,
        camera.fx * scale,
        camera.fy * scale,
        (camera.cx - camera.width / 2) * scale + width / 2 + float(shift[0]),
        (camera.cy - camera.height / 2) * scale + height / 2 + float(shift[1]),
    )


def as_seen_by(view: Intrinsics, rgb: Image, camera: Intrinsics) -> Image:
    """Return a camera's picture as another one at the same place would take it, black outside."""
    scale = camera.fx / view.fx
    # Of pixel centres, which lie half a pixel inside.
    x, y = (c + (0.5 - v) * scale - 0.5 for c, v in ((camera.cx, view.cx), (camera.cy, view.cy)))
    smooth = cv2.GaussianBlur(rgb, (0, 0), 0.4 * scale) if scale > 1.2 else rgb
    source = np.array([[scale, 0, x], [0, scale, y]])
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    return np.asarray(cv2.warpAffine(smooth, source, (view.width, view.height), flags=flags), dtype=np.uint8)


def maps_of(cuboids: Sequence[Array], height: int, width: int) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Return the beliefs (9, h, w) and fields (16, h, w) of objects of one kind, by their points (9, 2) in cells."""
    beliefs = np.zeros((POINTS, height, width), np.float32)
    fields = np.zeros((POINTS - 1, 2, height, width), np.float32)
    nearest = np.full((POINTS - 1, height, width), FIELD_RADIUS)
    x, y = np.arange(width)[None, :] + 0.5, np.arange(height)[:, None] + 0.5
    for points in cuboids:
        for i, (u, v) in enumerate(points):
            away = np.hypot(x - u, y - v)
            np.maximum(beliefs[i], np.exp(-(away**2) / (2 * SPREAD**2)).astype(np.float32), out=beliefs[i])
            if i < POINTS - 1:
                here = away < nearest[i]
                nearest[i][here] = away[here]
                way = points[-1] - (u, v)
                fields[i][:, here] = (way / max(float(np.hypot(*way)), 1e-9))[:, None]
    return beliefs, fields.reshape(-1, height, width)


def objects_in(beliefs: NDArray[np.float32], fields: NDArray[np.float32]) -> list[Found]:
    """Return the objects that the maps (9, h, w) and (16, h, w) of one kind show, the surest first.

    Each middle is an object; a corner belongs to the middle that its field points at best.
    """
    peaks = [_peaks(belief) for belief in beliefs]
    middles, heights = peaks[-1]
    corners: list[dict[int, tuple[float, Array]]] = [{} for _ in middles]
    for i, (points, sure) in enumerate(peaks[:-1]):
        for point, height in zip(points, sure, strict=True):
            column, row = (
                min(int(c), side - 1) for c, side in zip(point, (beliefs.shape[2], beliefs.shape[1]), strict=True)
            )
            told, ways = fields[2 * i : 2 * i + 2, row, column], middles - point
            lengths = np.linalg.norm(ways, axis=1) * np.linalg.norm(told)
            angles = np.arccos(np.clip(ways @ told / np.maximum(lengths, 1e-9), -1, 1))
            for n in np.argsort(angles)[:1]:
                if angles[n] < WIDEST_RAD and height > corners[n].get(i, (0.0, point))[0]:
                    corners[n][i] = float(height), point
    found = []
    for middle, height, own in zip(middles, heights, corners, strict=True):
        points = np.array([*(point for _, point in own.values()), middle])
        score = float(height + sum(h for h, _ in own.values())) / POINTS
        found.append(Found(points, np.array([*own, POINTS - 1], dtype=np.int64), min(score, 1.0)))
    return sorted(found, key=lambda f: -f.score)


def _peaks(belief: NDArray[np.float32]) -> tuple[Array, Array]:
    """Return where a map has its peaks (k, 2), between cells, and their heights (k,)."""
    smooth = cv2.GaussianBlur(belief, (0, 0), 1.0)
    highest = cv2.dilate(smooth, np.ones((3, 3), np.uint8))
    rows, columns = np.nonzero((smooth == highest) & (smooth > LEAST_BELIEF))
    logs = np.log(np.maximum(np.pad(smooth, 1, mode="edge"), 1e-6))
    points = np.empty((len(rows), 2))
    for n, (row, column) in enumerate(zip(rows, columns, strict=True)):
        # The logarithm of a peak of this kind is a parabola.
        points[n] = (
            column + 0.5 + _vertex(logs[row + 1, column : column + 3]),
            row + 0.5 + _vertex(logs[row : row + 3, column + 1]),
        )
    return points, smooth[rows, columns].astype(np.float64)


def _vertex(values: Array) -> float:
    """Return where the parabola through three values at -1, 0 and 1 is highest, near the middle one."""
    bend = float(values[0] - 2 * values[1] + values[2])
    return float(np.clip(0.5 * (values[0] - values[2]) / bend, -0.5, 0.5)) if bend < 0 else 0.0
