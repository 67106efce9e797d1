"""What the networks learn from: images of BOP datasets, and crops of their objects with the points that are seen."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from graspsim.dataset.bop import BopDataset, SceneFiles, read_mask
from graspsim.dataset.encoding import read_rgb
from graspsim.dataset.records import box_from_bop, intrinsics_from_plain, rigid
from graspsim.errors import DatasetError
from graspsim.geometry import Array, Intrinsics, apply, invert, project, unproject
from graspsim.pose.augment import Image, augmented, patched
from graspsim.pose.metrics import Reference
from graspsim.pose.networks import CROP_PX, DETECTOR_STRIDE, MAP_PX
from graspsim.pose.score import load_references
from graspsim.render.raster import render_mesh

LEAST_VISIBLE = 0.15
"""Fraction below which an object is neither asked for nor wrong to find."""
CROP_SCALE = 1.25
"""Side of a crop, of the longer side of the object's box."""
_SPREAD = 6.0
"""Of a heat map's peak: the shorter side of the box over its standard deviation."""
_MAX_INSTANCES = 8
"""Crops of an image in a batch, so that crowded images do not outweigh the others."""


@dataclass(frozen=True, eq=False)
class Instance:
    """An object in an image.

    Attributes:
        obj_id: which.
        camera_from_model: (4, 4).
        box_px: (x, y, width, height) of its whole silhouette.
        visible_fraction: of that silhouette.
        mask: file of its visible pixels, None if the dataset has none.
    """

    obj_id: int
    camera_from_model: Array
    box_px: tuple[float, float, float, float]
    visible_fraction: float
    mask: Path | None


@dataclass(frozen=True, eq=False)
class PoseImage:
    """An image with its objects; its picture is read when it is asked for.

    Attributes:
        path: of the picture.
        cam_k: row-major K (9).
        instances: all of them.
    """

    path: Path
    cam_k: tuple[float, ...]
    instances: tuple[Instance, ...]

    def read(self) -> tuple[Image, Intrinsics]:
        """Return the picture (h, w, 3) and its camera.

        Raises:
            DatasetError: if it cannot be read.
        """
        rgb = read_rgb(self.path)
        return rgb, intrinsics_from_plain(self.cam_k, rgb.shape[1], rgb.shape[0])


def pose_images(dataset: BopDataset, split: str, references: dict[int, Reference]) -> list[PoseImage]:
    """Return the images of a split that hold ground truth.

    Raises:
        DatasetError: if there is none, an entry is malformed, or an object has no model.
    """
    images = []
    for scene_id in dataset.scene_ids(split):
        scene = dataset.scene_files(split, scene_id)
        for im_id in sorted(scene.gt or {}):
            path = scene.image(("rgb", "gray"), im_id)
            if path is None:
                raise DatasetError(f"{scene.folder} has no picture of image {im_id}.")
            try:
                instances = _instances(scene, im_id, references)
                images.append(PoseImage(path, tuple(scene.camera[im_id]["cam_K"]), instances))
            except (KeyError, ValueError, TypeError, IndexError) as error:
                raise DatasetError(f"The entry of image {im_id} in {scene.folder} is malformed: {error!r}.") from error
    if not images:
        raise DatasetError(f"{dataset.root} holds no ground truth in the split {split!r}.")
    return images


def _instances(scene: SceneFiles, im_id: int, references: dict[int, Reference]) -> tuple[Instance, ...]:
    assert scene.gt is not None
    has_masks = (scene.folder / "mask_visib").is_dir()
    instances = []
    for gt_id, entry in enumerate(scene.gt[im_id]):
        obj_id = entry["obj_id"]
        if obj_id not in references:
            raise DatasetError(f"Object {obj_id} is in {scene.folder}, but there is no model of it.")
        pose = rigid(entry["cam_R_m2c"], entry["cam_t_m2c"])
        info = None if scene.info is None else scene.info[im_id][gt_id]
        x, y, width, height = (-1, -1, -1, -1) if info is None else box_from_bop(info["bbox_obj"])
        box = (float(x), float(y), float(width), float(height))
        if width <= 0:
            camera = intrinsics_from_plain(scene.camera[im_id]["cam_K"], 1, 1)
            box = silhouette_box(pose, references[obj_id], camera)
        instances.append(
            Instance(
                obj_id,
                pose,
                box,
                1.0 if info is None else float(info["visib_fract"]),
                scene.mask("mask_visib", im_id, gt_id) if has_masks else None,
            )
        )
    return tuple(instances)


def silhouette_box(
    camera_from_model: Array, reference: Reference, camera: Intrinsics
) -> tuple[float, float, float, float]:
    """Return the box (x, y, width, height) of where a model is seen."""
    pixels = project(apply(camera_from_model, reference.hull), camera)
    (left, top), (right, bottom) = pixels.min(axis=0), pixels.max(axis=0)
    return float(left), float(top), float(right - left), float(bottom - top)


def square_around(box_px: Sequence[float], scale: float = CROP_SCALE) -> NDArray[np.float64]:
    """Return the square (x, y, side, side) about a box, larger by a factor."""
    x, y, width, height = box_px
    side = scale * max(width, height)
    return np.array([x + (width - side) / 2, y + (height - side) / 2, side, side])


def crop_of(rgb: Image, square: NDArray[np.float64], size: int = CROP_PX) -> Image:
    """Return what lies in a square (x, y, side, side) of a picture, (size, size, 3); outside of it, black."""
    x, y, side, _ = square
    # Several samples for a pixel, where the square is large.
    fine = size * max(1, int(np.ceil(side / size / 1.5)))
    scale = side / fine
    # Of pixel centres, which lie half a pixel inside.
    source = np.array([[scale, 0, x + scale / 2 - 0.5], [0, scale, y + scale / 2 - 0.5]])
    crop = cv2.warpAffine(rgb, source, (fine, fine), flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP)
    return np.asarray(crop if fine == size else cv2.resize(crop, (size, size), interpolation=cv2.INTER_AREA))


def camera_of(square: NDArray[np.float64], camera: Intrinsics, size: int) -> Intrinsics:
    """Return the camera that sees a square (x, y, side, side) of another's image as one of `size` pixels."""
    x, y, side, _ = square
    s = size / side
    return Intrinsics(size, size, camera.fx * s, camera.fy * s, (camera.cx - x) * s, (camera.cy - y) * s)


@dataclass(frozen=True, eq=False)
class Frame:
    """The box of a model, whose points the second network tells scaled to [-1, 1].

    Attributes:
        center_m: (3,) its middle.
        size_m: (3,) its sides.
    """

    center_m: Array
    size_m: Array

    @classmethod
    def of(cls, reference: Reference) -> "Frame":
        """Return that of a model."""
        low, high = reference.mesh.vertices.min(axis=0), reference.mesh.vertices.max(axis=0)
        return cls((low + high) / 2, high - low)

    @property
    def half_m(self) -> float:
        """Half its longest side."""
        return float(self.size_m.max() / 2)

    def scaled(self, points_m: Array) -> Array:
        """Return points (..., 3) of the model in the box's terms."""
        return np.asarray((points_m - self.center_m) / self.half_m)

    def metres(self, points: Array) -> Array:
        """Return points (..., 3) in the model frame: what `scaled` undoes."""
        return np.asarray(points * self.half_m + self.center_m)

    def motions(self, motions: Array) -> Array:
        """Return motions (s, 4, 4) of the model in the box's terms, (s, 3, 4)."""
        moved = motions[:, :3, :3] @ self.center_m + motions[:, :3, 3] - self.center_m
        return np.concatenate([motions[:, :3, :3], (moved / self.half_m)[..., None]], axis=2)


@dataclass(frozen=True, eq=False)
class Crop:
    """A crop and what is to be told of it.

    Attributes:
        rgb: (64, 64, 3).
        obj_id: which object.
        visible: (32, 32) bool.
        coordinates: (32, 32, 3) points in the model's box scaled to [-1, 1].
    """

    rgb: Image
    obj_id: int
    visible: NDArray[np.bool_]
    coordinates: NDArray[np.float32]


def crop_sample(
    rgb: Image,
    camera: Intrinsics,
    instance: Instance,
    reference: Reference,
    rng: np.random.Generator | None,
) -> Crop:
    """Return an object's crop, moved, scaled and changed as `rng` has it, or as it is without one."""
    square = square_around(instance.box_px)
    if rng is not None:
        # A detector's box is never quite right.
        side = square[2] * rng.uniform(0.85, 1.2)
        middle = square[:2] + square[2:] / 2 + rng.uniform(-0.08, 0.08, 2) * side
        square = np.array([*(middle - side / 2), side, side])
    view = camera_of(square, camera, MAP_PX)
    depth_m = render_mesh(reference.mesh, instance.camera_from_model, view)
    points = apply(invert(instance.camera_from_model), unproject(depth_m, view).reshape(-1, 3))
    coordinates = Frame.of(reference).scaled(points.reshape(MAP_PX, MAP_PX, 3)).astype(np.float32)
    visible = depth_m > 0
    if instance.mask is not None:
        visible &= _sampled(read_mask(instance.mask), square)
    crop = crop_of(rgb, square)
    if rng is not None:
        crop = augmented(crop, rng)
        if rng.random() < 0.3:
            crop = crop.copy()
            patched(crop, visible, rng)
    return Crop(crop, instance.obj_id, visible, coordinates)


def _sampled(mask: NDArray[np.bool_], square: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Return a mask (h, w) at the cells' centres of a square, (32, 32); False outside of the picture."""
    x, y, side, _ = square
    cells = (np.arange(MAP_PX) + 0.5) * side / MAP_PX
    columns, rows = np.floor(x + cells).astype(int), np.floor(y + cells).astype(int)
    height, width = mask.shape
    inside = ((rows >= 0) & (rows < height))[:, None] & ((columns >= 0) & (columns < width))[None, :]
    picked = mask[np.clip(rows, 0, height - 1)[:, None], np.clip(columns, 0, width - 1)[None, :]]
    return np.asarray(picked & inside)


def detector_targets(
    instances: Sequence[Instance], kinds: Sequence[int], scale: float, height: int, width: int
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Return heat (kinds, h, w) and boxes (4, h, w) as the detector's loss takes them.

    Args:
        instances: of the image.
        kinds: obj_ids in the order of the heat maps.
        scale: pixels of the detector's image per pixel of the dataset's.
        height: of the maps.
        width: of the maps.
    """
    heat = np.zeros((len(kinds), height, width), np.float32)
    boxes = np.full((4, height, width), np.nan, np.float32)
    rows, columns = np.arange(height)[:, None], np.arange(width)[None, :]
    # Those that count come last, over those that do not matter.
    for instance in sorted(instances, key=lambda i: i.visible_fraction):
        if instance.obj_id not in kinds:
            continue
        cell = np.array(instance.box_px) * scale / DETECTOR_STRIDE
        u, v = cell[0] + cell[2] / 2, cell[1] + cell[3] / 2
        column, row = int(np.floor(u)), int(np.floor(v))
        if not (0 <= row < height and 0 <= column < width):
            continue
        spread = max(float(min(cell[2:])) / _SPREAD, 0.5)
        peak = np.exp(-((rows - row) ** 2 + (columns - column) ** 2) / (2 * spread**2)).astype(np.float32)
        layer = heat[list(kinds).index(instance.obj_id)]
        if instance.visible_fraction < LEAST_VISIBLE:
            layer[(peak > 0.1) & (layer < 1)] = -1
            continue
        np.maximum(layer, peak, out=layer)
        boxes[:, row, column] = u - column, v - row, *np.log(np.maximum(cell[2:], 0.1))
    return heat, boxes


def detector_image(rgb: Image, width: int) -> tuple[Image, float]:
    """Return a picture brought to a width, its height filled up to whole steps of 16, and the scale."""
    scale = width / rgb.shape[1]
    height = round(rgb.shape[0] * scale)
    small = cv2.resize(rgb, (width, height), interpolation=cv2.INTER_AREA)
    return np.asarray(cv2.copyMakeBorder(small, 0, -height % 16, 0, -width % 16, cv2.BORDER_CONSTANT)), scale


def check_same_objects(roots: Sequence[Path]) -> dict[int, Reference]:
    """Return the models that several datasets share.

    Raises:
        DatasetError: if an id stands for different objects in two of them.
    """
    known: dict[int, Reference] = {}
    origin: dict[int, Path] = {}
    for root in roots:
        for obj_id, reference in load_references(BopDataset(root)).items():
            before = known.setdefault(obj_id, reference)
            if abs(before.diameter_m - reference.diameter_m) > 0.02 * before.diameter_m:
                raise DatasetError(
                    f"Object {obj_id} has a diameter of {before.diameter_m * 1000:.0f} mm in {origin[obj_id]} and of "
                    f"{reference.diameter_m * 1000:.0f} mm in {root}: ids must mean the same objects to be mixed."
                )
            origin.setdefault(obj_id, root)
    return known


def chosen_instances(image: PoseImage, rng: np.random.Generator) -> list[Instance]:
    """Return those objects of an image to learn from, no more than a batch takes."""
    seen = [i for i in image.instances if i.visible_fraction >= LEAST_VISIBLE]
    if len(seen) <= _MAX_INSTANCES:
        return seen
    return [seen[i] for i in rng.choice(len(seen), _MAX_INSTANCES, replace=False)]
