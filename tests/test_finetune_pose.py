"""Whole runs of the pose estimator: what was trained finds objects, goes on where it ended, and says what is amiss."""

import dataclasses
import json
import shutil
import signal
from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="torch is not installed; it is in the test extra")

from graspsim.training import evaluate_pose, finetune_pose  # noqa: E402
from graspsim.training._optimizer import optimizers_for  # noqa: E402
from graspsim.training._pose_batches import Batch, Batches  # noqa: E402
from graspsim.training._pose_trainer import Trainer  # noqa: E402
from poses_for_tests import SPLIT  # noqa: E402

from graspsim.dataset.bop import BopDataset  # noqa: E402
from graspsim.dataset.dump import dump  # noqa: E402
from graspsim.dataset.files import read_json  # noqa: E402
from graspsim.dataset.generate import DumpJob  # noqa: E402
from graspsim.errors import DatasetError, GraspsimError, SpecError  # noqa: E402
from graspsim.plain import overlaid  # noqa: E402
from graspsim.pose.estimator import kinds_of, load_estimator, save_estimator, untrained  # noqa: E402
from graspsim.pose.metrics import mspd  # noqa: E402
from graspsim.pose.samples import PoseImage  # noqa: E402
from graspsim.pose.score import load_references  # noqa: E402
from graspsim.registry import load, names  # noqa: E402


def small(pose_root: Path, out: Path, **changes: object) -> finetune_pose.Args:
    values = {"steps": 6, "images": 2, "width": 8, "image_width": 160, "loaders": 0, "log_every": 1, "save_every": 2}
    return finetune_pose.Args(data=(pose_root,), out=out, **(values | changes))  # type: ignore[arg-type]


def losses_of(out: Path) -> list[list[str]]:
    return [line.split(",")[:3] for line in (out / "log.csv").read_text().splitlines()]


def test_the_same_seed_learns_the_same_and_resumes_on_the_same_curve(pose_root: Path, tmp_path: Path) -> None:
    finetune_pose.train(small(pose_root, tmp_path / "a"))
    finetune_pose.train(small(pose_root, tmp_path / "b", loaders=1))
    assert losses_of(tmp_path / "a") == losses_of(tmp_path / "b")
    finetune_pose.train(small(pose_root, tmp_path / "c", seed=1))
    assert losses_of(tmp_path / "a") != losses_of(tmp_path / "c")

    stopped = Trainer.learn

    def killed(self: Trainer, batch: Batch, done: float) -> dict[str, float]:
        if self.step == 5:
            raise KeyboardInterrupt
        return stopped(self, batch, done)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Trainer, "learn", killed)
        with pytest.raises(KeyboardInterrupt):
            finetune_pose.train(small(pose_root, tmp_path / "d"))
    # What a stopped run has learnt can be tried.
    load_estimator(tmp_path / "d" / "estimator.pt")
    finetune_pose.train(small(pose_root, tmp_path / "d", resume=True))
    assert losses_of(tmp_path / "d") == losses_of(tmp_path / "a")


def test_a_tiny_network_overfits_eight_images_to_two_pixels(pose_root: Path, pose_pictures: list[PoseImage]) -> None:
    references = load_references(BopDataset(pose_root))
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    torch.manual_seed(0)
    try:
        estimator = untrained("dense", references, 8, 160)
        pictures, samples = [(image, *image.read()) for image in pose_pictures], estimator.samples(references)
        rng = np.random.default_rng(0)
        batches = [samples.batch(pictures, rng, 0.0) for _ in range(6)]
        losses, steps = estimator.losses(references), 180
        optimizers = optimizers_for(estimator.networks, 8e-3, 0.0)
        schedules = [torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, steps) for optimizer in optimizers]
        estimator.networks.train()
        for step in range(steps):
            estimator.networks.zero_grad()
            torch.stack(list(losses(batches[step % len(batches)]).values())).sum().backward()
            for optimizer, schedule in zip(optimizers, schedules, strict=True):
                optimizer.step()
                schedule.step()
        off_px = []
        for image in pose_pictures:
            rgb, camera = image.read()
            told = estimator.estimate(rgb, camera, rng)
            for instance in image.instances:
                reference = references[instance.obj_id]
                each = [
                    mspd(e.camera_from_model, instance.camera_from_model, reference, camera)
                    for e in told
                    if e.obj_id == instance.obj_id
                ]
                off_px.append(min(each, default=np.inf))
    finally:
        torch.set_num_threads(threads)
    assert np.median(off_px) < 2
    assert np.mean(np.array(off_px) < 8) > 0.9


@pytest.mark.parametrize("architecture", names("architecture"))
def test_every_architecture_learns_and_reads_back_as_it_was_written(
    architecture: str, pose_root: Path, tmp_path: Path
) -> None:
    width = None if architecture == "dense-resnet18" else 8
    trained = finetune_pose.train(small(pose_root, tmp_path / "run", architecture=architecture, width=width, steps=2))
    again = load_estimator(tmp_path / "run" / "estimator.pt")
    assert again.architecture == architecture
    assert kinds_of(again) == kinds_of(trained)
    for name, value in trained.networks.state_dict().items():
        torch.testing.assert_close(again.networks.state_dict()[name], value)
    scores = evaluate_pose.evaluate(
        evaluate_pose.Args(run=tmp_path / "run", data=pose_root, csv=tmp_path / "results.csv")
    )
    assert scores.overall.targets > 0
    assert (tmp_path / "results.csv").exists()


# Bad input


def test_bad_arguments_are_named(pose_root: Path, tmp_path: Path) -> None:
    with pytest.raises(SpecError, match=r"--real-fraction must lie in \[0, 1\]; got 1\.5"):
        finetune_pose.train(small(pose_root, tmp_path / "run", real_fraction=1.5))
    with pytest.raises(DatasetError, match=r"There is no dataset folder .*nowhere"):
        finetune_pose.train(small(tmp_path / "nowhere", tmp_path / "run"))
    with pytest.raises(SpecError, match="holds no checkpoint to go on from"):
        finetune_pose.train(small(pose_root, tmp_path / "run", resume=True))
    with pytest.raises(GraspsimError, match=r"There is no estimator .*estimator\.pt"):
        load_estimator(tmp_path / "estimator.pt")
    (tmp_path / "estimator.pt").write_bytes(b"rubbish")
    with pytest.raises(GraspsimError, match="holds no estimator of this version"):
        load_estimator(tmp_path / "estimator.pt")


def test_ids_that_differ_between_datasets_are_refused(pose_root: Path, tmp_path: Path) -> None:
    other = tmp_path / "other"
    spec = overlaid(
        load("scene", "tabletop"), {"camera": {"width": 96, "height": 64}, "objects": {"models": 2, "count": 1}}
    )
    dump(DumpJob(dataclasses.replace(spec), 8, 1, other, SPLIT), workers=1)
    with pytest.raises(DatasetError, match=r"Object \d is another one .* ids must mean the same"):
        finetune_pose.train(small(pose_root, tmp_path / "run", real=other))


def test_unreadable_pictures_are_named_and_left_out_only_when_told_so(
    pose_root: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    data = tmp_path / "data"
    shutil.copytree(pose_root, data)
    pictures = sorted((data / SPLIT).glob("*/rgb/*.jpg"))
    pictures[0].write_bytes(b"")
    with pytest.raises(DatasetError, match=r"1 of 8 pictures are missing or empty: .*000000\.jpg; .*--skip-unreadable"):
        finetune_pose.train(small(data, tmp_path / "a"))
    for picture in pictures[:5]:
        picture.write_bytes(pictures[7].read_bytes()[:40])
    with pytest.raises(DatasetError, match=r"is not a readable image \(40 bytes\)\. .*--skip-unreadable"):
        finetune_pose.train(small(data, tmp_path / "b", steps=20))
    # What has not begun does not stand in the way of the same with what it asks for.
    finetune_pose.train(small(data, tmp_path / "b", skip_unreadable=True, steps=20))
    said = capsys.readouterr().out
    assert "5 unreadable files were left out." in said
    pictures[0].write_bytes(b"")
    pictures[1].unlink()
    finetune_pose.train(small(data, tmp_path / "c", skip_unreadable=True, steps=1))
    told = capsys.readouterr().out
    assert f"Left out: {pictures[0]} is empty." in told
    assert f"Left out: {pictures[1].with_suffix('.png')} is missing." in told
    assert f"{data}: 6 images of {SPLIT}, 2 left out." in told
    assert f"Left out: {pictures[2]} is not a readable image" in said


def test_a_run_that_met_an_unreadable_picture_goes_on_without_it(pose_root: Path, tmp_path: Path) -> None:
    data = tmp_path / "data"
    shutil.copytree(pose_root, data)
    finetune_pose.train(small(data, tmp_path / "run", steps=20, minutes=1e-6))
    for picture in sorted((data / SPLIT).glob("*/rgb/*.jpg"))[:5]:
        picture.write_bytes(b"no picture")
    again = small(data, tmp_path / "run", steps=20, resume=True)
    with pytest.raises(DatasetError, match="--skip-unreadable"):
        finetune_pose.train(again)
    finetune_pose.train(dataclasses.replace(again, skip_unreadable=True))
    assert losses_of(tmp_path / "run")[-1][0] == "20"


def test_pictures_of_no_object_teach_nothing(pose_root: Path, tmp_path: Path) -> None:
    data = tmp_path / "data"
    shutil.copytree(pose_root, data)
    for name in ("scene_gt.json", "scene_gt_info.json"):
        for path in (data / SPLIT).glob(f"*/{name}"):
            path.write_text(json.dumps({number: [] for number in read_json(path)}))
    with pytest.raises(DatasetError, match=f"None of the 8 images of {SPLIT} in .* shows an object"):
        finetune_pose.train(small(data, tmp_path / "run"))


def test_an_unreadable_mask_or_background_is_what_is_named(
    pose_root: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    data, backgrounds = tmp_path / "data", tmp_path / "backgrounds"
    shutil.copytree(pose_root, data)
    mask = max((data / SPLIT).glob("*/mask_visib/*.png"), key=lambda path: path.stat().st_size)
    mask.write_bytes(b"no mask")
    with pytest.raises(DatasetError, match=rf"{mask} is not a readable image"):
        finetune_pose.train(small(data, tmp_path / "a", steps=40))
    finetune_pose.train(small(data, tmp_path / "b", steps=20, skip_unreadable=True))
    assert f"Left out: {mask} is not a readable image" in capsys.readouterr().out
    backgrounds.mkdir()
    (backgrounds / "wall.jpg").write_bytes(b"no wall")
    with pytest.raises(DatasetError, match=r"wall\.jpg is not a readable image"):
        finetune_pose.train(small(pose_root, tmp_path / "c", steps=20, backgrounds=backgrounds))


def test_a_loss_that_is_no_number_ends_the_run(pose_root: Path, tmp_path: Path) -> None:
    with pytest.raises(GraspsimError, match=r"the loss is infinite or no number; .* --learning-rate below 1e\+30"):
        finetune_pose.train(small(pose_root, tmp_path / "run", learning_rate=1e30))


def test_images_to_test_on_are_not_learnt_from(
    pose_root: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    data = tmp_path / "data"
    shutil.copytree(pose_root, data)
    shutil.copytree(data / SPLIT, data / "test")
    finetune_pose.train(small(data, tmp_path / "run", steps=1))
    assert f"{data}: 8 images of {SPLIT}." in capsys.readouterr().out
    shutil.rmtree(data / SPLIT)
    with pytest.raises(DatasetError, match=r"has no split to train on, only test; .* by --split"):
        finetune_pose.train(small(data, tmp_path / "other", steps=1))
    finetune_pose.train(small(data, tmp_path / "other", steps=1, split="test"))


def test_the_share_of_real_images_and_the_weights_of_sources_are_kept(
    pose_root: Path, pose_pictures: list[PoseImage]
) -> None:
    args = small(pose_root, Path("unused"), images=4, real_fraction=0.25, weights=(3.0, 1.0))
    sources = [pose_pictures[:2], pose_pictures[2:4]]
    samples = Batches(args, sources, pose_pictures[4:], untrained("dense", {}, 8, 160).samples({}))
    drawn = []
    for step in range(200):
        rng = np.random.default_rng(step)
        drawn += [pose_pictures.index(samples._read(n, rng, [])[0]) for n in range(4)]
    shares = np.bincount(drawn, minlength=8) / len(drawn)
    assert shares[4:].sum() == pytest.approx(0.25, abs=0.01)
    assert shares[:2].sum() == pytest.approx(0.75 * 0.75, abs=0.05)
    assert shares[2:4].sum() == pytest.approx(0.75 * 0.25, abs=0.05)


def test_a_resumed_run_goes_on_in_the_time_that_it_was_given(pose_root: Path, tmp_path: Path) -> None:
    args = small(pose_root, tmp_path / "run", steps=None, minutes=0.02)
    finetune_pose.train(args)
    checkpoint = torch.load(tmp_path / "run" / "checkpoint.pt", weights_only=True)
    assert 1.2 <= checkpoint["elapsed_s"] < 10
    finetune_pose.train(dataclasses.replace(args, resume=True))
    again = torch.load(tmp_path / "run" / "checkpoint.pt", weights_only=True)
    # Its time had run out already.
    assert again["step"] == checkpoint["step"] + 1


def test_a_run_that_ended_may_go_on_for_more_steps(
    pose_root: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    finetune_pose.train(small(pose_root, tmp_path / "run", steps=1))
    finetune_pose.train(small(pose_root, tmp_path / "run", steps=2, resume=True))
    assert [row[0] for row in losses_of(tmp_path / "run")] == ["step", "1", "2"]
    finetune_pose.train(small(pose_root, tmp_path / "run", steps=1, resume=True))
    assert "has learnt 2 steps already; for more, say --steps" in capsys.readouterr().out


def test_a_run_that_is_asked_to_stop_saves_and_loses_nothing(
    pose_root: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    args = small(pose_root, tmp_path / "a", log_every=4, save_every=100, loaders=1)
    finetune_pose.train(args)
    learn = Trainer.learn

    def interrupted(self: Trainer, batch: Batch, done: float) -> dict[str, float]:
        if self.step == 5:
            signal.raise_signal(signal.SIGINT)
        return learn(self, batch, done)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Trainer, "learn", interrupted)
        # Shells ignore it for what they start in the background.
        before = signal.signal(signal.SIGINT, signal.default_int_handler)
        with pytest.raises(KeyboardInterrupt):
            finetune_pose.train(dataclasses.replace(args, out=tmp_path / "b"))
        signal.signal(signal.SIGINT, before)
    assert "Stopped after 6 steps; the same command with --resume goes on from there." in capsys.readouterr().out
    finetune_pose.train(dataclasses.replace(args, out=tmp_path / "b", resume=True))
    assert losses_of(tmp_path / "b") == losses_of(tmp_path / "a")


def test_a_run_s_folder_is_no_dataset_s(pose_root: Path) -> None:
    with pytest.raises(SpecError, match=r"--out is the folder of the run, and .* is a dataset's; name another"):
        finetune_pose.train(small(pose_root, pose_root))


def test_minutes_alone_are_all_that_ends_a_run(tmp_path: Path) -> None:
    args = finetune_pose.Args(data=(tmp_path,), out=tmp_path)
    assert args.last_step == 3_000
    assert dataclasses.replace(args, minutes=600).last_step > 10**9
    assert dataclasses.replace(args, minutes=600, steps=7).last_step == 7


def test_a_run_may_go_on_with_some_of_the_objects_it_knows(pose_root: Path, tmp_path: Path) -> None:
    references = load_references(BopDataset(pose_root))
    more = {**references, 9: references[min(references)]}
    for architecture in ("dense", "dope"):
        folder = tmp_path / architecture
        folder.mkdir()
        save_estimator(untrained(architecture, more, 8, 160), folder / "estimator.pt")
        args = small(pose_root, tmp_path / f"{architecture}-on", steps=2, init=folder)
        args = dataclasses.replace(args, width=None, image_width=320)
        assert kinds_of(finetune_pose.train(args)) == sorted(more)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"images": 0}, "--images must be at least 1; got 0"),
        ({"steps": 0}, "--steps must be at least 1; got 0"),
        ({"augmented_share": 1.5}, r"--augmented-share must lie in \[0, 1\]; got 1.5"),
        ({"weights": (1.0, 2.0)}, "--weights takes a number for each of --data"),
        ({"device": "gpu"}, "A device is cpu or cuda; got 'gpu'"),
        ({"seed": -1}, "--seed must be at least 0; got -1"),
        ({"minutes": 0.0}, "--minutes must be above 0; got 0"),
        ({"learning_rate": -1.0}, "--learning-rate must be above 0; got -1"),
        ({"init": Path("x"), "architecture": "dope"}, "--architecture would not be heeded. With --init, it is that of"),
        ({"real_fraction": 0.5}, "--real-fraction would not be heeded. It is for --real; leave it out"),
        ({"architecture": "dense-resnet18"}, "--width would not be heeded. The encoders of dense-resnet18 are as they"),
    ],
)
def test_values_that_are_not_legal_or_not_heeded_are_named(
    changes: dict[str, object], message: str, pose_root: Path, tmp_path: Path
) -> None:
    with pytest.raises(SpecError, match=message):
        finetune_pose.train(small(pose_root, tmp_path / "run", **changes))
    assert not (tmp_path / "run").exists()


def test_objects_of_other_symmetries_are_not_mixed(pose_root: Path, tmp_path: Path) -> None:
    other = tmp_path / "other"
    shutil.copytree(pose_root, other)
    path = other / "models" / "models_info.json"
    info = read_json(path)
    number = min(info)
    turn = [-1, 0, 0, 0, 0, -1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1]
    info[number]["symmetries_discrete"] = [turn]
    info[number].pop("symmetries_continuous", None)
    path.write_text(json.dumps(info))
    shutil.rmtree(other / "models_eval", ignore_errors=True)
    with pytest.raises(DatasetError, match=rf"Object {number} has other symmetries in {pose_root} than in {other}"):
        finetune_pose.train(small(pose_root, tmp_path / "run", real=other, real_split=SPLIT))


def test_the_dataset_that_holds_an_unknown_object_is_named(pose_root: Path, tmp_path: Path) -> None:
    references = load_references(BopDataset(pose_root))
    known = min(references)
    init = tmp_path / "init"
    init.mkdir()
    save_estimator(untrained("dense", {known: references[known]}, 8, 160), init / "estimator.pt")
    first = tmp_path / "first"
    shutil.copytree(pose_root, first)
    for path in (first / SPLIT).glob("*/scene_gt.json"):
        info, gt = path.with_name("scene_gt_info.json"), read_json(path)
        kept = {im: [n for n, e in enumerate(entries) if e["obj_id"] == known] for im, entries in gt.items()}
        for file in (path, info):
            content = read_json(file)
            file.write_text(json.dumps({im: [content[im][n] for n in kept[im]] for im in content}))
    args = dataclasses.replace(small(first, tmp_path / "run"), data=(first, pose_root), init=init)
    with pytest.raises(DatasetError, match=rf"^{pose_root} holds the objects \d, which the estimator does not know"):
        finetune_pose.train(dataclasses.replace(args, width=None, image_width=320))


def test_backgrounds_without_masks_are_refused(pose_root: Path, pose_pictures: list[PoseImage], tmp_path: Path) -> None:
    data = tmp_path / "data"
    shutil.copytree(pose_root, data)
    for folder in (data / SPLIT).glob("*/mask_visib"):
        shutil.rmtree(folder)
    with pytest.raises(SpecError, match="--backgrounds takes masks"):
        finetune_pose.train(small(data, tmp_path / "run", backgrounds=pose_pictures[0].path.parent))


@pytest.mark.parametrize(("name", "value"), [("colour", 1), ("seed", None)])
def test_a_run_of_other_options_is_not_gone_on_with(name: str, value: object, pose_root: Path, tmp_path: Path) -> None:
    args = small(pose_root, tmp_path / "run", steps=2)
    finetune_pose.train(args)
    path = tmp_path / "run" / "config.json"
    config = read_json(path)
    path.write_text(json.dumps({**config, name: value} if value else {k: v for k, v in config.items() if k != name}))
    with pytest.raises(SpecError, match=rf"has --{name} .* \(here: .*\)\. With --resume, repeat its options"):
        finetune_pose.train(dataclasses.replace(args, resume=True))
