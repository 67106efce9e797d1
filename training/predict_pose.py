"""Tell where known objects are in one picture, and draw them in.

    python training/predict_pose.py runs/pose image.png --camera camera.json --draw out.png

The camera is BOP's camera.json: fx, fy, cx, cy, or cam_K; for a picture of a dataset, its scene's scene_camera.json, as
each may have a camera of its own. Pictures must be free of lens distortion.

Needs the extra: pip install 'graspsim[pose]'.
"""

__package__ = "graspsim.training"  # so that it runs as a script, too

import json
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import tyro
from tyro.conf import Positional

from graspsim.dataset.bop import read_depth
from graspsim.dataset.encoding import read_rgb
from graspsim.dataset.files import json_lines, read_json, replace_file
from graspsim.dataset.models_io import MM_PER_M
from graspsim.dataset.pictures import save
from graspsim.dataset.records import intrinsics_from_plain
from graspsim.errors import DatasetError, GraspsimError, SpecError
from graspsim.geometry import Intrinsics, apply, project
from graspsim.labels import box_corners

try:
    import torch  # noqa: F401
except ModuleNotFoundError as error:
    message = f"Pose estimation needs {error.name}: pip install 'graspsim[pose]'."
    if __name__ == "__main__":
        sys.exit(f"predict_pose: {message}")
    raise GraspsimError(message) from error

from graspsim.pose.augment import Image
from graspsim.pose.estimator import Estimate, PoseEstimator, kinds_of, load_estimator

EDGES = tuple((i, j) for i in range(8) for j in range(i + 1, 8) if bin(i ^ j).count("1") == 1)
"""Pairs of a box's corners, x slowest and z fastest, that an edge joins."""
AXIS_COLORS = ((255, 0, 0), (0, 200, 0), (0, 0, 255))
"""Of x, y and z."""
COLORS = ((230, 25, 75), (60, 180, 75), (0, 130, 200), (245, 130, 48), (145, 30, 180), (70, 240, 240), (240, 50, 230))
_LEAST_FOCAL_SHARE = 0.05
"""Of a picture's width: what no pinhole camera has, as it would see 168°."""


@dataclass(frozen=True, kw_only=True)
class Args:
    """Tell where known objects are in one picture."""

    run: Positional[Path]
    """Folder of the run that trained the estimator."""
    image: Positional[Path]
    """The picture."""
    camera: Path
    """JSON file with fx, fy, cx and cy in pixels, or cam_K (9); or BOP's scene_camera.json, of which the entry with the
    picture's number is taken."""
    depth: Path | None = None
    """Depth image in 16 bits; the camera file's depth_scale says how many millimetres a unit is (1 by default)."""
    draw: Path | None = None
    """Picture to write, with the objects' boxes and axes."""
    json: Path | None = None
    """File for the poses; otherwise they are printed."""
    least_score: float = 0.05
    """Poses of which the estimator is less sure are left out; one object may have several. Not a probability."""


def camera_content(path: Path, image: Path) -> Any:
    """Return what a camera file holds: a camera.json all of it, a scene_camera.json the picture's entry.

    Raises:
        DatasetError: if a scene_camera.json has none.
    """
    content = read_json(path)
    if not isinstance(content, dict) or not content or not all(name.isdecimal() for name in content):
        return content
    numbers = {int(name): entry for name, entry in content.items()}
    if not image.stem.isdecimal() or int(image.stem) not in numbers:
        raise DatasetError(
            f"{path} is of a scene's pictures {min(numbers)} to {max(numbers)}, and {image.name} is named after none."
        )
    return numbers[int(image.stem)]


def camera_from(content: Any, path: Path, width: int, height: int) -> Intrinsics:
    """Return the camera of a JSON file's content.

    Raises:
        DatasetError: if a value is missing or of another kind.
    """
    if not isinstance(content, dict):
        raise DatasetError(f"{path} has to hold an object with fx, fy, cx and cy, or cam_K; got {content!r:.60}.")
    missing = [] if "cam_K" in content else [name for name in ("fx", "fy", "cx", "cy") if name not in content]
    if missing:
        raise DatasetError(f"{path} lacks {', '.join(missing)}; it has to hold fx, fy, cx and cy, or cam_K.")
    try:
        if "cam_K" in content:
            camera = intrinsics_from_plain(content["cam_K"], width, height)
        else:
            fx, fy, cx, cy = (float(content[name]) for name in ("fx", "fy", "cx", "cy"))
            camera = Intrinsics(width, height, fx, fy, cx, cy)
    except (TypeError, ValueError, IndexError) as error:
        raise DatasetError(f"{path} has to hold numbers, fx, fy, cx and cy, or cam_K with nine: {error}.") from error
    if not (np.isfinite(camera.matrix).all() and camera.fx > 0 and camera.fy > 0):
        raise DatasetError(f"In {path}, fx and fy must be above 0; got {camera.fx:g} and {camera.fy:g}.")
    if min(camera.fx / width, camera.fy / height) < _LEAST_FOCAL_SHARE:
        raise DatasetError(
            f"In {path}, fx and fy are {camera.fx:g} and {camera.fy:g}, a fisheye's for a picture of {width}x{height}: "
            "they are counted in pixels."
        )
    if not (0 <= camera.cx <= width and 0 <= camera.cy <= height):
        print(
            f"In {path}, cx and cy are {camera.cx:g} and {camera.cy:g}, which is outside of the picture of "
            f"{width}x{height}: poses are wrong unless it was cut out of a larger one.",
            file=sys.stderr,
        )
    return camera


def plain_estimate(estimate: Estimate) -> dict[str, Any]:
    """Return an estimate as JSON, in BOP's terms and millimetres."""
    pose = estimate.camera_from_model
    return {
        "obj_id": estimate.obj_id,
        "score": round(estimate.score, 4),
        "cam_R_m2c": pose[:3, :3].ravel().tolist(),
        "cam_t_m2c": (pose[:3, 3] * MM_PER_M).tolist(),
    }


def drawn(rgb: Image, camera: Intrinsics, estimates: list[Estimate], estimator: PoseEstimator) -> Image:
    """Return the picture with each object's box, axes, number and score."""
    picture = rgb.copy()
    thick = max(1, round(rgb.shape[1] / 500))
    for estimate in estimates:
        kind = kinds_of(estimator).index(estimate.obj_id)
        frame, color = estimator.objects[kind].frame, COLORS[kind % len(COLORS)]
        corners = box_corners(frame.center_m - frame.size_m / 2, frame.center_m + frame.size_m / 2)
        ends = project(apply(estimate.camera_from_model, corners), camera)
        if not np.isfinite(ends).all() or np.abs(ends).max() > 1e5:
            continue
        points = [(round(x), round(y)) for x, y in ends.tolist()]
        for i, j in EDGES:
            cv2.line(picture, points[i], points[j], color, thick, cv2.LINE_AA)
        axes = frame.center_m + np.vstack([np.zeros(3), np.eye(3) * frame.half_m])
        middle, *tips = [
            (round(x), round(y)) for x, y in project(apply(estimate.camera_from_model, axes), camera).tolist()
        ]
        for tip, axis_color in zip(tips, AXIS_COLORS, strict=True):
            cv2.line(picture, middle, tip, axis_color, 2 * thick, cv2.LINE_AA)
        label = f"{estimate.obj_id}: {estimate.score:.2f}"
        cv2.putText(picture, label, points[0], cv2.FONT_HERSHEY_SIMPLEX, 0.4 * thick, color, thick, cv2.LINE_AA)
    return picture


def predict(args: Args) -> list[Estimate]:
    """Estimate, draw and write.

    Raises:
        GraspsimError: for input that is at fault.
    """
    estimator = load_estimator(args.run)
    if args.depth is not None and not estimator.uses_depth:
        raise SpecError(f"The architecture {estimator.architecture} does not use depth; leave --depth out.")
    rgb = read_rgb(args.image)
    content = camera_content(args.camera, args.image)
    camera = camera_from(content, args.camera, rgb.shape[1], rgb.shape[0])
    stated = (content.get("width", rgb.shape[1]), content.get("height", rgb.shape[0]))
    if stated != (rgb.shape[1], rgb.shape[0]):
        raise DatasetError(
            f"{args.camera} is for pictures of {stated[0]}x{stated[1]}, and {args.image} is of "
            f"{rgb.shape[1]}x{rgb.shape[0]}."
        )
    scale = content.get("depth_scale", 1.0)
    if not isinstance(scale, int | float):
        raise DatasetError(f"In {args.camera}, depth_scale must be a number; got {scale!r}.")
    depth_m = None if args.depth is None else read_depth(args.depth, scale)
    if depth_m is not None and depth_m.shape != rgb.shape[:2]:
        raise DatasetError(f"{args.depth} is of another size than {args.image}: {depth_m.shape} and {rgb.shape[:2]}.")
    found = estimator.estimate(rgb, camera, np.random.default_rng(0), depth_m)
    told = [estimate for estimate in found if estimate.score >= args.least_score]
    told.sort(key=lambda estimate: -estimate.score)
    if not told:
        surest = max((estimate.score for estimate in found), default=0.0)
        below = f": the surest of {len(found)} poses has a score of {surest:.3f}, below --least-score" if found else ""
        print(f"No known object was found{below}.", file=sys.stderr)
    if args.draw is not None:
        save(args.draw, drawn(rgb, camera, told, estimator))
    if args.json is not None:
        replace_file(args.json, json_lines([plain_estimate(estimate) for estimate in told]))
    return told


def main() -> None:
    """Do what the command line says, and print what the input's fault is in one sentence."""
    args = tyro.cli(Args, description=__doc__, config=(tyro.conf.FlagCreatePairsOff,))
    try:
        told = predict(args)
    except GraspsimError as error:
        sys.exit(f"predict_pose: {error}")
    except KeyboardInterrupt:
        sys.exit(130)
    if args.json is None:
        for estimate in told:
            print(json.dumps(plain_estimate(estimate)))


if __name__ == "__main__":
    main()
