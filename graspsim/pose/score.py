"""Scores of pose estimates as the BOP challenge counts them: recall of the targets, averaged over thresholds.

The protocol is that of "BOP Challenge 2020 on 6D Object Localization" (Hodaň et al.), section 2, and of bop_toolkit's
eval_bop19_pose.py: for each image and object as many estimates count as there are targets, the surest first, and each
is matched with the nearest target that is still free, if its error is below the threshold.
"""

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import chain
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from graspsim.dataset.bop import BopDataset, SceneFiles, read_depth, visible_counts
from graspsim.dataset.encoding import read_image
from graspsim.dataset.files import read_json
from graspsim.dataset.models_io import MODEL_FOLDERS, load_models, load_models_info
from graspsim.dataset.records import intrinsics_from_plain, rigid
from graspsim.dataset.results import PoseEstimate
from graspsim.errors import DatasetError
from graspsim.geometry import Array, Intrinsics
from graspsim.pose.metrics import Reference, add, add_s, mspd, mssd, vsd

SHARES = np.arange(0.05, 0.501, 0.05)
"""Thresholds of MSSD in diameters, and θ and τ of VSD."""
PIXELS = np.arange(5.0, 50.1, 5.0)
"""Thresholds of MSPD for images 640 pixels wide."""
ADD_SHARE = 0.1
"""Threshold of the recall of ADD(-S), in diameters."""
AUC_LIMIT_M = 0.1
"""Up to which the area below the recall of ADD(-S) is taken (Xiang et al. 2018)."""
_WRONG_UNIT = 5.0
"""Factor between the median distances of estimates and truth beyond which they are not in one unit: centimetres are 10
times off."""
_NAMED = 8


@dataclass(frozen=True)
class ObjectScore:
    """How well the targets of an object, or of all, were found; each from 0 to 1.

    Attributes:
        targets: number of instances to be found.
        mssd: average recall of MSSD.
        mspd: average recall of MSPD.
        vsd: average recall of VSD, None if it was not asked for.
        add_recall: share with an ADD, or ADD-S for what is symmetric, below a tenth of the diameter.
        add_auc: area below the recall of ADD(-S) over its threshold, up to 10 cm.
    """

    targets: int
    mssd: float
    mspd: float
    vsd: float | None
    add_recall: float
    add_auc: float

    @property
    def average_recall(self) -> float | None:
        """BOP's AR: the mean of the three; None without VSD."""
        return None if self.vsd is None else (self.vsd + self.mssd + self.mspd) / 3


@dataclass(frozen=True)
class Scores:
    """The scores of a file of results.

    Attributes:
        overall: over all targets.
        objects: by obj_id.
        images: that hold targets.
        unanswered: of these, for which there is no estimate.
        unused: estimates for images or objects that are no targets.
    """

    overall: ObjectScore
    objects: Mapping[int, ObjectScore]
    images: int
    unanswered: int
    unused: int


@dataclass
class _Found:
    """The errors of an object's estimates in each image: arrays (…, estimates, targets), the surest estimate first."""

    targets: int = 0
    mssd: list[Array] = field(default_factory=list)
    mspd: list[Array] = field(default_factory=list)
    vsd: list[Array] = field(default_factory=list)
    add: list[Array] = field(default_factory=list)
    """In metres."""
    add_share: list[Array] = field(default_factory=list)


def score_results(
    estimates: Sequence[PoseEstimate],
    dataset: BopDataset,
    split: str,
    models: Path | None = None,
    with_vsd: bool = True,
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> Scores:
    """Score estimates by the ground truth of a dataset.

    Targets are those of `test_targets_bop19.json`, or, without one, all instances of which a tenth is seen.

    Args:
        estimates: of any images.
        dataset: with ground truth.
        split: of it.
        models: folder of the models, by default the dataset's models_eval, or models.
        with_vsd: whether to compute VSD, which takes depth images and most of the time.
        progress: is told the images done and their number.

    Raises:
        DatasetError: if ground truth, models or depth images are missing or malformed.
    """
    references = load_references(dataset, models)
    targets = targets_of(dataset, split)
    check_models(targets, references, dataset.root)
    by_image: dict[tuple[int, int], dict[int, list[PoseEstimate]]] = defaultdict(lambda: defaultdict(list))
    for estimate in estimates:
        by_image[estimate.scene_id, estimate.im_id][estimate.obj_id].append(estimate)
    unanswered = sum(image not in by_image for image in targets)
    found: dict[int, _Found] = defaultdict(_Found)
    used = 0
    for done, ((scene_id, im_id), counts) in enumerate(sorted(targets.items()), start=1):
        scene = dataset.scene_files(split, scene_id)
        with malformed(f"The camera of image {im_id} in {scene.folder}"):
            camera, depth_m = _camera(dataset, scene, im_id, with_vsd)
        for obj_id, count in sorted(counts.items()):
            given = sorted(by_image[scene_id, im_id][obj_id], key=lambda e: -e.score)
            used += len(given)
            poses = [e.camera_from_model for e in given[:count]]
            with malformed(f"The ground truth of image {im_id} in {scene.folder}"):
                truths = _truths(scene, im_id, obj_id, count)
            _measure(poses, truths, references[obj_id], camera, depth_m, found[obj_id])
        progress(done, len(targets))
    return Scores(
        overall=_scored(list(found.values()), with_vsd),
        objects={obj_id: _scored([one], with_vsd) for obj_id, one in sorted(found.items())},
        images=len(targets),
        unanswered=unanswered,
        unused=len(estimates) - used,
    )


def load_references(dataset: BopDataset, models: Path | None = None) -> dict[int, Reference]:
    """Return a dataset's models by obj_id.

    Raises:
        DatasetError: if there are none.
    """
    folders = [models] if models is not None else [dataset.root / name for name in reversed(MODEL_FOLDERS)]
    folder = next((f for f in folders if (f / "models_info.json").exists()), None)
    if folder is None:
        raise DatasetError(f"There are no models with a models_info.json in {' or '.join(map(str, folders))}.")
    infos, meshes = load_models_info(folder), load_models(folder)
    both = infos.keys() & meshes.keys()
    return {i: Reference(meshes[i], infos[i].diameter_m, infos[i].symmetries) for i in sorted(both)}


@contextmanager
def malformed(what: str) -> Iterator[None]:
    """Raise a DatasetError that names what was read where it turns out to be of another form."""
    try:
        yield
    except (KeyError, ValueError, TypeError, IndexError) as error:
        raise DatasetError(f"{what} is malformed: {error!r}.") from error


def targets_of(dataset: BopDataset, split: str) -> dict[tuple[int, int], dict[int, int]]:
    """Return how many instances of each object are to be found, by scene and image.

    Raises:
        DatasetError: if there are none.
    """
    path = dataset.root / "test_targets_bop19.json"
    scenes = dataset.scene_ids(split)
    targets: dict[tuple[int, int], dict[int, int]] = defaultdict(dict)
    # Other splits may have scenes of the same numbers.
    if path.exists() and split.startswith("test"):
        with malformed(str(path)):
            for entry in read_json(path):
                if entry["scene_id"] in scenes:
                    targets[entry["scene_id"], entry["im_id"]][entry["obj_id"]] = entry["inst_count"]
    else:
        for scene_id in scenes:
            scene = dataset.scene_files(split, scene_id)
            with malformed(f"The ground truth in {scene.folder}"):
                for im_id, gt in (scene.gt or {}).items():
                    info = [{"visib_fract": 1.0}] * len(gt) if scene.info is None else scene.info[im_id]
                    counts = visible_counts(gt, info)
                    if counts:
                        targets[scene_id, im_id] = dict(counts)
    if not targets:
        raise DatasetError(f"{dataset.root} holds no targets in the split {split!r}: no ground truth, or none is seen.")
    return targets


def check_models(
    targets: Mapping[tuple[int, int], Mapping[int, int]], references: Mapping[int, Reference], root: Path
) -> None:
    """Raise a DatasetError if an object is a target, but there is no model of it."""
    missing = sorted({obj_id for counts in targets.values() for obj_id in counts} - references.keys())
    if missing:
        raise DatasetError(
            f"The objects {', '.join(map(str, missing))} are targets in {root}, but there are no models of them."
        )


def _truths(scene: SceneFiles, im_id: int, obj_id: int, count: int) -> list[Array]:
    """Return the poses of the instances that are targets: of an object, so many as are seen best."""
    if scene.gt is None or im_id not in scene.gt:
        raise DatasetError(f"{scene.folder / 'scene_gt.json'} has no ground truth of image {im_id}, which is a target.")
    entries = [(i, entry) for i, entry in enumerate(scene.gt[im_id]) if entry["obj_id"] == obj_id]
    if scene.info is not None:
        info = scene.info[im_id]
        entries.sort(key=lambda pair: -info[pair[0]]["visib_fract"])
    if not entries:
        raise DatasetError(f"{scene.folder / 'scene_gt.json'} has no object {obj_id} in image {im_id}, a target.")
    return [rigid(entry["cam_R_m2c"], entry["cam_t_m2c"]) for _, entry in entries[:count]]


def depth_of(scene: SceneFiles, im_id: int) -> Path:
    """Return the depth image of an image.

    Raises:
        DatasetError: if there is none.
    """
    path = scene.image(("depth",), im_id)
    if path is None:
        raise DatasetError(f"{scene.folder} has no depth image {im_id}, which VSD needs; leave VSD out with --no-vsd.")
    return path


def _camera(
    dataset: BopDataset, scene: SceneFiles, im_id: int, with_depth: bool
) -> tuple[Intrinsics, NDArray[np.float32] | None]:
    """Return an image's camera, and its depth if that is asked for."""
    if im_id not in scene.camera:
        raise DatasetError(f"{scene.folder / 'scene_camera.json'} has no image {im_id}, which is a target.")
    entry = scene.camera[im_id]
    if with_depth:
        depth_m = read_depth(depth_of(scene, im_id), entry.get("depth_scale", 1.0))
        return intrinsics_from_plain(entry["cam_K"], depth_m.shape[1], depth_m.shape[0]), depth_m
    picture = scene.image(("rgb", "gray", "depth"), im_id)
    if picture is None:
        width, height = dataset.stated_size_px()
    else:
        height, width = read_image(picture).shape[:2]
    return intrinsics_from_plain(entry["cam_K"], width, height), None


def _measure(
    poses: list[Array],
    truths: list[Array],
    reference: Reference,
    camera: Intrinsics,
    depth_m: NDArray[np.float32] | None,
    found: _Found,
) -> None:
    """Add the errors of an object's estimates in one image."""
    found.targets += len(truths)
    shape = len(poses), len(truths)
    pairs = [(i, j, pose, truth) for i, pose in enumerate(poses) for j, truth in enumerate(truths)]
    limit_m = max(AUC_LIMIT_M, ADD_SHARE * reference.diameter_m)
    errors: dict[str, Array] = {name: np.empty(shape) for name in ("mssd", "mspd", "add")}
    visible = np.empty((len(SHARES), *shape))
    for i, j, pose, truth in pairs:
        errors["mssd"][i, j] = mssd(pose, truth, reference) / reference.diameter_m
        errors["mspd"][i, j] = mspd(pose, truth, reference, camera) * 640 / camera.width
        symmetric = reference.is_symmetric
        errors["add"][i, j] = add_s(pose, truth, reference, limit_m) if symmetric else add(pose, truth, reference)
        if depth_m is not None:
            visible[:, i, j] = vsd(pose, truth, reference, camera, depth_m, SHARES.tolist())
    found.mssd.append(errors["mssd"])
    found.mspd.append(errors["mspd"])
    found.add.append(errors["add"])
    found.add_share.append(errors["add"] / reference.diameter_m)
    if depth_m is not None:
        found.vsd.append(visible)


def _scored(found: list[_Found], with_vsd: bool) -> ObjectScore:
    targets = sum(one.targets for one in found)

    def average(name: str, thresholds: Array, *index: int) -> float:
        errors = [each[index] for one in found for each in getattr(one, name)]
        return float(np.mean(found_by_threshold(errors, thresholds))) / targets

    return ObjectScore(
        targets=targets,
        mssd=average("mssd", SHARES),
        mspd=average("mspd", PIXELS),
        vsd=float(np.mean([average("vsd", SHARES, n) for n in range(len(SHARES))])) if with_vsd else None,
        add_recall=average("add_share", np.array([ADD_SHARE])),
        add_auc=average("add", AUC_LIMIT_M * np.arange(1, 101) / 100),
    )


def found_by_threshold(errors: Sequence[Array], thresholds: Array) -> NDArray[np.int64]:
    """Return how many targets are found at each threshold (t,), given the errors (estimates, targets) by image."""
    # Mostly there is one estimate for one target, and nothing to match.
    alone = np.array([each[0, 0] for each in errors if each.shape == (1, 1)])
    counts = (alone[:, None] < thresholds).sum(axis=0)
    for each in errors:
        if each.shape != (1, 1):
            counts += [matched(each, threshold) for threshold in thresholds]
    return np.asarray(counts)


def matched(errors: Array, threshold: float) -> int:
    """Return how many targets are found, given errors (estimates, targets), the surest estimate first."""
    free = np.ones(errors.shape[1], dtype=bool)
    for row in errors:
        candidates = np.where(free, row, np.inf)
        if len(candidates) and candidates.min() < threshold:
            free[int(candidates.argmin())] = False
    return int((~free).sum())


def check_unit(estimates: Sequence[PoseEstimate], dataset: BopDataset, split: str) -> None:
    """Raise a DatasetError if translations are several times too small or too large on the whole."""
    true = []
    for scene_id in dataset.scene_ids(split):
        scene = dataset.scene_files(split, scene_id)
        with malformed(f"The ground truth in {scene.folder}"):
            for entry in chain.from_iterable((scene.gt or {}).values()):
                true.append(float(np.linalg.norm(rigid(entry["cam_R_m2c"], entry["cam_t_m2c"])[:3, 3])))
    if not true or not estimates:
        return
    ratio = float(np.median([np.linalg.norm(e.camera_from_model[:3, 3]) for e in estimates]) / np.median(true))
    if not 1 / _WRONG_UNIT < ratio < _WRONG_UNIT:
        raise DatasetError(
            f"The estimates lie {ratio:.3g} times as far away as the truth: a results file holds millimetres."
        )


def check_ids(estimates: Sequence[PoseEstimate], dataset: BopDataset, split: str) -> None:
    """Raise a DatasetError if no estimate is of an image with targets, or none of an object that is one."""
    targets = targets_of(dataset, split)
    wanted = {
        "scene_id": {scene_id for scene_id, _ in targets},
        "im_id": {im_id for _, im_id in targets},
        "obj_id": {obj_id for counts in targets.values() for obj_id in counts},
    }
    for name, allowed in wanted.items():
        given = {getattr(estimate, name) for estimate in estimates}
        if given and not given & allowed:
            raise DatasetError(
                f"None of the {len(estimates)} estimates is of a target in {dataset.root}: they have {name} "
                f"{_briefly(given)}, and the targets {_briefly(allowed)}."
            )


def _briefly(numbers: set[int]) -> str:
    first = ", ".join(map(str, sorted(numbers)[:_NAMED]))
    return first if len(numbers) <= _NAMED else f"{first}, … {max(numbers)}"
