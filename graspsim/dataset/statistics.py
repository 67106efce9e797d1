"""What the images and labels of a dataset are like, as distributions, and how far those of two datasets are apart."""

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray
from scipy.stats import ks_2samp, wasserstein_distance

from graspsim.dataset.bop import BopDataset
from graspsim.dataset.models_io import MODEL_FOLDERS, load_models
from graspsim.dataset.records import FrameRecord
from graspsim.errors import DatasetError
from graspsim.geometry import Array, Intrinsics, hull_box, invert
from graspsim.meshes import convex_mesh

_SPECTRUM_PX = 128
"""Side of the square that power spectra are taken of."""
_DIRECTIONS = 48
"""Parts of equal size that the sphere of viewing directions is divided into."""


@dataclass(frozen=True)
class Statistic:
    """A number that each image, or each object in it, has.

    Attributes:
        label: what it is, with its unit.
        about: labels, image or depth.
        higher: what is true of a dataset whose values are higher, for "is …".
        lower: the same of lower ones.
        change: which key of a specification to change.
    """

    label: str
    about: str
    higher: str
    lower: str
    change: str


STATISTICS: Mapping[str, Statistic] = {
    "objects": Statistic("objects in an image", "labels", "fuller", "emptier", "objects.count"),
    "visibility": Statistic(
        "visible fraction of an object", "labels", "less occluded", "more occluded", "objects.count, distractors.count"
    ),
    "size": Statistic(
        "longer side of an object's box / image width",
        "labels",
        "nearer",
        "farther",
        "camera.distance_m, camera.fov_y_deg",
    ),
    "distance_m": Statistic("distance of an object, m", "labels", "farther", "nearer", "camera.distance_m"),
    "tilt_deg": Statistic(
        "angle between an object's z axis and the way to the camera, degrees",
        "labels",
        "seen more from below or the side",
        "seen more from above",
        "camera.elevation_deg, layout.kind",
    ),
    "side": Statistic(
        "side of an object that is seen: sine of the angle about its z axis from its x axis",
        "labels",
        "seen more from positive y",
        "seen more from negative y",
        "layout.kind, camera.views",
    ),
    "off_center": Statistic(
        "distance of an object from the image's middle / half its diagonal",
        "labels",
        "more spread over the image",
        "more in the middle of the image",
        "layout.area_m, camera.look_at_m",
    ),
    "truncated": Statistic(
        "share of the objects cut by the image's rim", "labels", "more cut off", "less cut off", "camera.distance_m"
    ),
    "brightness": Statistic(
        "mean brightness, 0 to 255", "image", "brighter", "darker", "lights.light.intensity, lights.ambient"
    ),
    "contrast": Statistic(
        "standard deviation of brightness", "image", "richer in contrast", "poorer in contrast", "lights.ambient"
    ),
    "saturation": Statistic(
        "mean saturation, 0 to 255",
        "image",
        "more colourful",
        "greyer",
        "appearance.material.colors, background.table.colors",
    ),
    "warmth": Statistic(
        "mean red - mean blue", "image", "warmer", "bluer", "lights.light.warmth, sensor.white_balance"
    ),
    "sharpness": Statistic(
        "logarithm of the Laplacian's variance",
        "image",
        "sharper or noisier",
        "softer",
        "sensor.blur_px, appearance.material.frequency",
    ),
    "noise": Statistic(
        "noise, grey levels (Immerkær 1996)", "image", "noisier", "cleaner", "sensor.shot_noise, sensor.read_noise"
    ),
    "spectrum_slope": Statistic(
        "slope of the power spectrum over frequency, both logarithmic",
        "image",
        "richer in fine detail",
        "poorer in fine detail",
        "background.table.frequency, appearance.material.frequency",
    ),
    "depth_m": Statistic("median depth, m", "depth", "deeper", "shallower", "camera.distance_m"),
    "depth_range_m": Statistic(
        "depth between its 5 % and 95 % quantile, m", "depth", "more extended in depth", "flatter", "background.room_m"
    ),
    "depth_missing": Statistic(
        "share of pixels without depth", "depth", "fuller of holes in depth", "more complete in depth",
        "sensor.depth_edge_loss_px",
    ),
    "depth_roughness_mm": Statistic(
        "median second difference of depth, mm", "depth", "rougher in depth", "smoother in depth",
        "sensor.depth_noise_px, sensor.depth_disparity_step_px",
    ),
}  # fmt: skip


@dataclass(frozen=True, eq=False)
class Measured:
    """A dataset's statistics.

    Attributes:
        name: of the dataset.
        images: that were looked at.
        values: (n,) of each statistic that it has.
        viewpoints: share of the sphere's directions, in the objects' frames, that they are seen from; None if none is
            known.
    """

    name: str
    images: int
    values: Mapping[str, Array]
    viewpoints: float | None


@dataclass(frozen=True)
class Difference:
    """How far two datasets are apart in a statistic.

    Attributes:
        name: of the statistic.
        wasserstein: of the two distributions, in standard deviations of both together.
        ks: the largest difference of the cumulative shares (Kolmogorov and Smirnov).
        shift: second mean minus first, in the same unit as `wasserstein`.
    """

    name: str
    wasserstein: float
    ks: float
    shift: float

    def in_words(self, first: str, second: str) -> str:
        """Return a sentence for people, and what to change."""
        statistic = STATISTICS[self.name]
        if abs(self.shift) > self.wasserstein / 2:
            what = statistic.higher if self.shift < 0 else statistic.lower
            return f"{first} is {what} than {second} ({statistic.label}). Change {statistic.change}."
        return f"{first} differs from {second} in the spread of {statistic.label}. Widen or narrow {statistic.change}."


def measure(
    dataset: BopDataset, split: str | None, count: int, progress: Callable[[int, int], None] = lambda done, total: None
) -> Measured:
    """Return a dataset's statistics over `count` of its images, spread evenly.

    Raises:
        DatasetError: if there is no such split, or a file cannot be read.
    """
    splits = dataset.splits if split is None else [split]
    images = [(s, i, m) for s in splits for i in dataset.scene_ids(s) for m in sorted(dataset.scene_files(s, i).camera)]
    if not images:
        raise DatasetError(f"{dataset.root} holds no images.")
    chosen = [
        images[i] for i in np.unique(np.linspace(0, len(images) - 1, min(count, len(images))).round().astype(int))
    ]
    values: dict[str, list[float]] = defaultdict(list)
    directions: list[Array] = []
    hulls_m: dict[int, Array] | None = None
    for done, (split_name, scene_id, im_id) in enumerate(chosen, start=1):
        frame = dataset.read_frame(split_name, scene_id, im_id)
        measures = [_of_picture(frame.rgb)]
        if frame.depth_m is not None:
            measures.append(_of_depth(frame.depth_m))
        if "scene_gt" not in frame.absent:
            values["objects"].append(len(frame.labels))
            if hulls_m is None and "scene_gt_info" in frame.absent:
                hulls_m = _hulls(dataset)
            for label_values, direction in _of_labels(frame, hulls_m or {}):
                measures.append(label_values)
                directions.append(direction)
        for each in measures:
            for name, value in each.items():
                values[name].append(value)
        progress(done, len(chosen))
    return Measured(
        name=str(dataset.root),
        images=len(chosen),
        values={name: np.array(values[name], dtype=np.float64) for name in STATISTICS if values[name]},
        viewpoints=len(set(_part_of_sphere(np.array(directions)).tolist())) / _DIRECTIONS if directions else None,
    )


def differences(first: Measured, second: Measured) -> list[Difference]:
    """Return how far two datasets are apart in each statistic that both have, the largest difference first."""
    result = []
    for name in STATISTICS:
        if name not in first.values or name not in second.values:
            continue
        a, b = first.values[name], second.values[name]
        # A value that one of them never leaves is compared in terms of the other's spread.
        spread = float(np.sqrt((a.var() + b.var()) / 2)) or max(abs(float(a.mean() - b.mean())), 1e-12)
        result.append(
            Difference(
                name,
                float(wasserstein_distance(a, b)) / spread,
                float(ks_2samp(a, b, method="asymp").statistic),
                float(b.mean() - a.mean()) / spread,
            )
        )
    return sorted(result, key=lambda difference: -difference.wasserstein)


def _of_picture(rgb: NDArray[np.uint8]) -> dict[str, float]:
    grey = rgb.astype(np.float32) @ np.array((0.299, 0.587, 0.114), dtype=np.float32)
    high, low = rgb.max(axis=2).astype(np.float32), rgb.min(axis=2).astype(np.float32)
    laplacian = cv2.Laplacian(grey, cv2.CV_32F)
    # The mask of Immerkær, "Fast noise variance estimation" (1996), which edges hardly pass.
    kernel = np.array([(1, -2, 1), (-2, 4, -2), (1, -2, 1)], dtype=np.float32)
    noise = np.abs(cv2.filter2D(grey, cv2.CV_32F, kernel)[1:-1, 1:-1]).mean() * np.sqrt(np.pi / 2) / 6
    return {
        "brightness": float(grey.mean()),
        "contrast": float(grey.std()),
        "saturation": float(np.mean(255 * (high - low) / np.maximum(high, 1))),
        "warmth": float(rgb[..., 0].mean() - rgb[..., 2].mean()),
        "sharpness": float(np.log(laplacian.var() + 1e-3)),
        "noise": float(noise),
        "spectrum_slope": _spectrum_slope(grey),
    }


def _spectrum_slope(grey: NDArray[np.float32]) -> float:
    """Return the slope of log power over log frequency, of the picture's largest square in the middle."""
    side = min(grey.shape)
    y, x = ((n - side) // 2 for n in grey.shape)
    square = cv2.resize(grey[y : y + side, x : x + side], (_SPECTRUM_PX, _SPECTRUM_PX), interpolation=cv2.INTER_AREA)
    window = np.hanning(_SPECTRUM_PX)
    power = np.abs(np.fft.fft2((square - square.mean()) * window[:, None] * window[None, :])) ** 2
    frequency = np.fft.fftfreq(_SPECTRUM_PX, 1 / _SPECTRUM_PX)
    radius = np.hypot(frequency[:, None], frequency[None, :]).round().astype(int)
    rings = np.arange(2, _SPECTRUM_PX // 2)
    mean_power = np.array([power[radius == ring].mean() for ring in rings])
    return float(np.polyfit(np.log(rings), np.log(mean_power + 1e-6), 1)[0])


def _of_depth(depth_m: NDArray[np.float32]) -> dict[str, float]:
    known = depth_m > 0
    if not known.any():
        return {"depth_missing": 1.0}
    low, middle, high = np.quantile(depth_m[known], (0.05, 0.5, 0.95))
    triple = known[:, :-2] & known[:, 1:-1] & known[:, 2:]
    bend = np.abs(depth_m[:, :-2] - 2 * depth_m[:, 1:-1] + depth_m[:, 2:])[triple]
    return {
        "depth_m": float(middle),
        "depth_range_m": float(high - low),
        "depth_missing": float(1 - known.mean()),
        "depth_roughness_mm": float(1000 * np.median(bend)) if bend.size else 0.0,
    }


def _hulls(dataset: BopDataset) -> dict[int, Array]:
    """Return the vertices (k, 3) of its models' convex hulls by obj_id; none if it comes without models."""
    folder = next((dataset.root / name for name in MODEL_FOLDERS[::-1] if (dataset.root / name).is_dir()), None)
    return {} if folder is None else {i: convex_mesh(mesh.vertices)[0] for i, mesh in load_models(folder).items()}


def _of_labels(frame: FrameRecord, hulls_m: Mapping[int, Array]) -> list[tuple[dict[str, float], Array]]:
    """Return each object's values, and the direction (3,) in its frame that it is seen from.

    Where no boxes are given, they are those of the models' hulls.
    """
    camera = frame.intrinsics
    result = []
    for label in frame.labels:
        pose = label.camera_from_model
        direction = invert(pose)[:3, 3]
        direction = direction / np.linalg.norm(direction)
        values = {
            "distance_m": float(np.linalg.norm(pose[:3, 3])),
            "tilt_deg": float(np.degrees(np.arccos(np.clip(direction[2], -1, 1)))),
            "side": float(direction[1] / max(np.hypot(direction[0], direction[1]), 1e-9)),
            "off_center": _off_center(pose, camera),
        }
        is_measured = "scene_gt_info" not in frame.absent
        box: Sequence[float] = label.box_px
        if not is_measured and label.obj_id in hulls_m:
            box = hull_box(pose, hulls_m[label.obj_id], camera)
        x, y, width, height = box
        if width > 0:
            if is_measured:
                values["visibility"] = label.visible_fraction
            inside = x >= 0 and y >= 0 and x + width <= camera.width and y + height <= camera.height
            values |= {"size": max(width, height) / camera.width, "truncated": 0.0 if inside else 1.0}
        result.append((values, direction))
    return result


def _off_center(pose: Array, camera: Intrinsics) -> float:
    x, y, z = pose[:3, 3]
    u, v = camera.fx * x / z + camera.cx, camera.fy * y / z + camera.cy
    off = np.hypot(u - camera.width / 2, v - camera.height / 2)
    return float(off / np.hypot(camera.width / 2, camera.height / 2))


def _part_of_sphere(directions: Array) -> NDArray[np.int64]:
    """Return which of 48 parts of equal area directions (n, 3) fall in: six bands of height, eight sectors each."""
    band = np.clip(((directions[:, 2] + 1) * 3).astype(int), 0, 5)
    sector = ((np.arctan2(directions[:, 1], directions[:, 0]) / (2 * np.pi) % 1) * 8).astype(int) % 8
    return np.asarray(band * 8 + sector)
