"""Checks of poses: the posed model, drawn again, must be where masks, counts, boxes and depth say it is."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from graspsim.dataset.bop import SceneFiles
from graspsim.dataset.check_masks import Mask, grown, shrunk
from graspsim.dataset.coco import mask_box
from graspsim.dataset.models_io import MM_PER_M
from graspsim.dataset.records import bop_box, rigid
from graspsim.dataset.report import Report
from graspsim.dataset.tolerance import Tolerance
from graspsim.geometry import Array, Intrinsics
from graspsim.meshes import Mesh
from graspsim.render.raster import render_mesh

Depth = NDArray[np.float32]

NEAREST_M = 0.005
"""No camera is nearer to an object's origin than this; a translation in metres appears a thousand times nearer."""
NEAREST_DIAMETERS = 0.2
OPENGL_FROM_OPENCV = np.diag([1.0, -1.0, -1.0, 1.0])
SAME_SHAPE = 0.7
"""Intersection over union from which on two silhouettes are taken to be the same object in the same pose."""
FEWEST_PIXELS = 20


@dataclass(frozen=True, eq=False)
class Placed:
    """One instance of an image with what is to be compared."""

    where: str
    im_where: str
    gt_id: int
    camera_from_model: Array
    mesh: Mesh | None
    info: dict[str, Any] | None
    mask: Mask | None
    visible: Mask | None


def check_poses(
    scene: SceneFiles,
    im_id: int,
    intrinsics: Intrinsics,
    meshes: dict[int, Mesh],
    masks: tuple[dict[int, Mask], dict[int, Mask]],
    depth_m: Depth | None,
    tolerance: Tolerance,
    where: str,
    report: Report,
) -> None:
    """Check the poses of one image against its masks (amodal, visible), `scene_gt_info.json` and its depth image."""
    assert scene.gt is not None
    samples = []
    for gt_id, gt in enumerate(scene.gt[im_id]):
        placed = Placed(
            where=f"{where}/scene_gt.json, image {im_id}, instance {gt_id} (obj_id {gt['obj_id']})",
            im_where=f"image {im_id}, instance {gt_id} (obj_id {gt['obj_id']})",
            gt_id=gt_id,
            camera_from_model=rigid(gt["cam_R_m2c"], gt["cam_t_m2c"]),
            mesh=meshes.get(gt["obj_id"]),
            info=None if scene.info is None else scene.info[im_id][gt_id],
            mask=masks[0].get(gt_id),
            visible=masks[1].get(gt_id),
        )
        if meshes and placed.mesh is None:
            report.fault(placed.where, f"there is no model {gt['obj_id']}; the models are {sorted(meshes)}.")
        if not _plausible(placed, intrinsics, report) or placed.mesh is None:
            continue
        report.checked["posed models"] += 1
        rendered = _check_silhouette(placed, masks[0], intrinsics, tolerance, where, report)
        if depth_m is not None and placed.visible is not None:
            sample = _depth_sample(depth_m, rendered, placed.visible, intrinsics, tolerance)
            samples.append((placed, *sample))
    if depth_m is not None:
        _check_depth([s for s in samples if len(s[1]) >= FEWEST_PIXELS], im_id, tolerance, where, report)


def _plausible(placed: Placed, intrinsics: Intrinsics, report: Report) -> bool:
    """Check units and axes by the translation alone; return whether drawing the model makes sense."""
    translation = placed.camera_from_model[:3, 3]
    distance, mesh = float(np.linalg.norm(translation)), placed.mesh
    size = 0.0 if mesh is None else float(np.linalg.norm(np.ptp(mesh.vertices, axis=0)))
    if distance < max(NEAREST_M, NEAREST_DIAMETERS * size):
        against = f" for a model of {size * MM_PER_M:.4g} mm" if size else ""
        report.fault(
            placed.where,
            f"cam_t_m2c looks like metres: its length is {distance * MM_PER_M:.4g} mm{against}; BOP's unit is mm.",
        )
        return False
    if translation[2] > 0:
        return True
    agrees = ""
    if mesh is not None and placed.mask is not None:
        flipped = render_mesh(mesh, OPENGL_FROM_OPENCV @ placed.camera_from_model, intrinsics) > 0
        if (iou := _iou(flipped, placed.mask)) > SAME_SHAPE:
            agrees = f"; with y and z flipped it agrees with its mask (IoU {iou:.3f})"
    report.fault(
        placed.where,
        f"lies behind the camera (z = {translation[2] * MM_PER_M:.1f} mm): OpenGL axes instead of OpenCV's{agrees}.",
    )
    return False


def _check_silhouette(
    placed: Placed, masks: dict[int, Mask], intrinsics: Intrinsics, tolerance: Tolerance, where: str, report: Report
) -> Depth:
    """Draw the model on a canvas three times the image, compare, and return the part inside the image."""
    assert placed.mesh is not None
    k = intrinsics
    canvas = Intrinsics(3 * k.width, 3 * k.height, k.fx, k.fy, k.cx + k.width, k.cy + k.height)
    drawn = render_mesh(placed.mesh, placed.camera_from_model, canvas)
    rendered = drawn[k.height : 2 * k.height, k.width : 2 * k.width]
    silhouette = rendered > 0
    if placed.mask is not None:
        stray = (silhouette & ~grown(placed.mask)) | (placed.mask & ~grown(silhouette))
        strays, area = int(np.count_nonzero(stray)), max(np.count_nonzero(silhouette), np.count_nonzero(placed.mask))
        if strays > 2 + tolerance.outline * area:
            report.fault(
                f"{where}/mask, {placed.im_where}",
                f"the posed model does not project onto the mask: IoU {_iou(silhouette, placed.mask):.3f}, "
                f"{strays} pixels are more than one pixel apart.{_explained(placed, silhouette, masks, k)}",
            )
    if placed.info is not None:
        _check_canvas(drawn > 0, k, placed.info, tolerance, f"{where}/scene_gt_info.json, {placed.im_where}", report)
    return rendered


def _explained(placed: Placed, silhouette: Mask, masks: dict[int, Mask], k: Intrinsics) -> str:
    """Return a likely reason why a model does not project onto its mask, if one is found."""
    assert placed.mesh is not None
    for gt_id, mask in masks.items():
        if gt_id != placed.gt_id and _iou(silhouette, mask) > SAME_SHAPE:
            return f" It projects onto the mask of instance {gt_id}: are they swapped?"
    flipped = render_mesh(placed.mesh, OPENGL_FROM_OPENCV @ placed.camera_from_model, k) > 0
    agrees = placed.mask is not None and _iou(flipped, placed.mask) > SAME_SHAPE
    return " OpenGL axes? It agrees with y and z flipped." if agrees else ""


def _check_canvas(
    covered: Mask, k: Intrinsics, info: dict[str, Any], tolerance: Tolerance, where: str, report: Report
) -> None:
    box = mask_box(covered)
    x, y, width, height = box or (0, 0, 0, 0)
    cut = np.pad(covered[y : y + height, x : x + width], 1)
    count, edge = int(np.count_nonzero(cut)), int(np.count_nonzero(cut & ~shrunk(cut)))
    if abs(info["px_count_all"] - count) > 2 + tolerance.edge * edge:
        report.fault(
            where,
            f"px_count_all is {info['px_count_all']}, but the posed model covers {count} pixels "
            "of a canvas three times the image.",
        )
    if info["px_count_visib"] and box is not None:
        expected = bop_box((x - k.width, y - k.height, width, height))
        if np.abs(np.subtract(info["bbox_obj"], expected)).max() > 1 + tolerance.box_px:
            report.fault(where, f"bbox_obj is {info['bbox_obj']}, but the posed model's is {expected}.")


def _iou(first: Mask, second: Mask) -> float:
    union = np.count_nonzero(first | second)
    return float(np.count_nonzero(first & second) / union) if union else 0.0


def _depth_sample(
    depth_m: Depth, rendered: Depth, visible: Mask, k: Intrinsics, tolerance: Tolerance
) -> tuple[Array, Array, Array, Array]:
    """Return the measured and the rendered depth (n,) of the visible pixels, distance / z-depth and sensor error there.

    Pixels at the mask's edge are left out: a sensor sees fore- and background mixed there. So are those without depth.
    """
    inner = shrunk(visible) & (rendered > 0) & (depth_m > 0)
    v, u = np.nonzero(inner)
    slant = np.sqrt(1 + ((u + 0.5 - k.cx) / k.fx) ** 2 + ((v + 0.5 - k.cy) / k.fy) ** 2)
    expected = rendered[inner].astype(np.float64)
    return depth_m[inner].astype(np.float64), expected, slant, tolerance.sensor_error_m(expected, k.fx)


def _check_depth(
    samples: list[tuple[Placed, Array, Array, Array, Array]],
    im_id: int,
    tolerance: Tolerance,
    where: str,
    report: Report,
) -> None:
    """Compare medians, which little noise leaves alone, first for what ails a whole image, then for one instance.

    A median is nowhere off by more than the median of a bound on every pixel's error.
    """
    if not samples:
        return
    report.checked["depth comparisons"] += len(samples)
    measured, rendered, slant, error = (np.concatenate([s[i] for s in samples]) for i in (1, 2, 3, 4))
    here = f"{where}/depth/{im_id:06d}, image {im_id}"
    ratio = float(np.median(measured / rendered))
    if not 0.5 < ratio < 2 and np.median(np.abs(measured - rendered)) > np.median(error):
        report.fault(here, f"is {ratio:.4g} times as deep as the posed models: depth_scale is wrong.")
        return
    oblique = slant > np.median(slant)
    as_z = float(np.median(np.abs(measured - rendered)[oblique]))
    as_distance = float(np.median(np.abs(measured - rendered * slant)[oblique]))
    if as_z > 0.003 + np.median(error[oblique]) and as_distance < 0.3 * as_z:
        report.fault(
            here,
            "holds Euclidean distance, not z-depth: the median difference from the posed models is "
            f"{as_z * MM_PER_M:.1f} mm as z-depth and {as_distance * MM_PER_M:.1f} mm as distance.",
        )
        return
    for placed, measured, rendered, _, error in samples:
        difference = measured - rendered
        offset, spread = float(np.median(difference)), float(np.median(np.abs(difference)))
        limit = float(np.median(tolerance.depth_m + tolerance.depth_share * rendered + error))
        if abs(offset) > limit or spread > 2 * limit:
            report.fault(
                f"{where}/depth/{im_id:06d}, {placed.im_where}",
                f"is off the posed model by {offset * MM_PER_M:.1f} mm (median; {spread * MM_PER_M:.1f} mm absolute, "
                f"{len(measured)} pixels).",
            )
