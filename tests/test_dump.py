"""A dataset is a function of its specification and seed: not of workers, crashes or restarts."""

import dataclasses
import hashlib
import multiprocessing
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import pytest
import trimesh

from graspsim.dataset import workers
from graspsim.dataset.bop import BopDataset
from graspsim.dataset.dump import check_job, dump, missing_scenes
from graspsim.dataset.files import read_json
from graspsim.dataset.generate import DumpJob
from graspsim.dataset.manifest import locked
from graspsim.dataset.validate import validate
from graspsim.errors import DatasetError, GraspsimError, SpecError
from graspsim.plain import from_plain, overlaid
from graspsim.registry import load, names
from graspsim.scene import Scene
from graspsim.spec import SceneSpec

SMALL = {"camera": {"width": 96, "height": 64, "views": 3}, "objects": {"models": 4, "count": "I(2, 4)"}}


def small_job(root: Path, scene: str = "tabletop", frames: int = 8, seed: int = 5) -> DumpJob:
    """Return a job of tiny images: three scenes, the last of two frames."""
    spec: SceneSpec = overlaid(load("scene", scene), SMALL)
    return DumpJob(spec, seed, frames, root, "train_pbr")


def tree_bytes(root: Path) -> dict[str, str]:
    """Return the checksum of every file below a folder, by relative path."""
    files = sorted(p for p in root.rglob("*") if p.is_file())
    return {str(p.relative_to(root)): hashlib.sha256(p.read_bytes()).hexdigest() for p in files}


@pytest.fixture(scope="module")
def reference(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("reference") / "data"
    report = dump(small_job(root), workers=1)
    assert (report.scenes, report.frames) == (3, 8)
    return root


def test_two_workers_write_the_same_bytes_as_one(reference: Path, tmp_path: Path) -> None:
    dump(small_job(tmp_path / "data"), workers=2)
    assert tree_bytes(tmp_path / "data") == tree_bytes(reference)


def test_later_scenes_are_the_same_wherever_a_dataset_begins(reference: Path, tmp_path: Path) -> None:
    job = dataclasses.replace(small_job(tmp_path / "data"), frames=4, first_scene=1)
    dump(job, workers=1)
    ours, theirs = tree_bytes(job.root), tree_bytes(reference)
    assert BopDataset(job.root).scene_ids("train_pbr") == [1, 2]
    scene = [name for name in ours if name.startswith("train_pbr/000001/")]
    assert scene
    assert all(ours[name] == theirs[name] for name in scene)
    assert all(ours[name] == theirs[name] for name in theirs if name.startswith("models/"))
    assert not validate(job.root).faults
    with pytest.raises(SpecError, match=r"first_scene must be from 0, .* got -1 for 2 scenes"):
        check_job(dataclasses.replace(job, first_scene=-1), workers=1)


def start_run(root: Path, folder: Path) -> subprocess.Popen[bytes]:
    """Start the small job in a process group of its own."""
    script = folder / "run.py"
    script.write_text(
        "import sys; from pathlib import Path; sys.path.insert(0, sys.argv[2])\n"
        "from test_dump import small_job; from graspsim.dataset.dump import dump\n"
        "if __name__ == '__main__': dump(small_job(Path(sys.argv[1])), workers=1)\n"
    )
    return subprocess.Popen([sys.executable, script, root, Path(__file__).parent], start_new_session=True)


def wait_for(path: Path, process: subprocess.Popen[bytes]) -> None:
    """Wait until a running process has made a path."""
    deadline = time.monotonic() + 120
    while not path.exists():
        assert process.poll() is None, "the run ended before it could be killed"
        assert time.monotonic() < deadline
        time.sleep(0.002)


@pytest.mark.parametrize("whom", ["all processes", "the parent alone"])
def test_a_run_killed_halfway_and_resumed_writes_the_same_bytes(reference: Path, tmp_path: Path, whom: str) -> None:
    root = tmp_path / "data"
    process = start_run(root, tmp_path)
    wait_for(root / "train_pbr" / "000000", process)
    if whom == "all processes":
        os.killpg(process.pid, signal.SIGKILL)
    else:
        # Its worker lives on for a moment, and must not get in the way of the next run.
        process.kill()
    process.wait()
    job = small_job(root)
    assert missing_scenes(job), "the run was complete before it was killed"
    report = dump(job, workers=2)
    assert report.resumed_scenes >= 1
    assert tree_bytes(root) == tree_bytes(reference)


def test_a_run_killed_while_it_exports_the_models_is_resumed(reference: Path, tmp_path: Path) -> None:
    root = tmp_path / "data"
    process = start_run(root, tmp_path)
    wait_for(root / "models", process)
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    dump(small_job(root), workers=1)
    assert tree_bytes(root) == tree_bytes(reference)


def test_half_an_export_is_done_anew(reference: Path, tmp_path: Path) -> None:
    root = tmp_path / "data"
    (root / ".models.part").mkdir(parents=True)
    (root / ".models.part" / "models_info.json").write_text("{}")
    (root / ".graspsim.json.part").write_text("{")
    dump(small_job(root), workers=1)
    assert tree_bytes(root) == tree_bytes(reference)


def test_two_runs_on_one_folder_do_not_disturb_each_other(tmp_path: Path) -> None:
    root = tmp_path / "data"
    with locked(root), pytest.raises(DatasetError, match="Another process is writing to"):
        dump(small_job(root), workers=1)
    dump(small_job(root), workers=1)
    assert not [p for p in root.iterdir() if p.name.startswith(".")]


def test_a_worker_that_dies_after_its_scene_is_done_costs_nothing(reference: Path, tmp_path: Path) -> None:
    """The folder is in place, but the worker never said so."""
    root = tmp_path / "data"
    advanced = 0

    def kill_when_the_first_scene_is_in_place(n: int) -> None:
        nonlocal advanced
        advanced += n
        if advanced == 3 and n > 0:
            child = multiprocessing.active_children()[0]
            deadline = time.monotonic() + 60
            while not (root / "train_pbr" / "000000").exists():
                assert time.monotonic() < deadline
                time.sleep(0.001)
            os.kill(child.pid or 0, signal.SIGKILL)

    dump(small_job(root), workers=1, on_frame=kill_when_the_first_scene_is_in_place)
    assert advanced == 8
    assert tree_bytes(root) == tree_bytes(reference)


def test_an_input_file_that_changed_makes_another_dataset(tmp_path: Path) -> None:
    mesh = tmp_path / "brick.obj"
    trimesh.creation.box((0.03, 0.04, 0.05)).export(mesh)
    spec = overlaid(small_job(tmp_path).spec, {"objects": {"meshes": [str(mesh)]}})
    job = DumpJob(spec, 1, 2, tmp_path / "data", "train")
    dump(job, workers=1)
    objects = read_json(tmp_path / "data" / "objects.json")
    assert objects["1"]["source"] == str(mesh)
    assert objects["2"]["source"] in names("family")
    assert objects["2"]["parameters"]
    trimesh.creation.box((0.03, 0.04, 0.06)).export(mesh)
    with pytest.raises(DatasetError, match=r"inputs\..*brick\.obj"):
        dump(job, workers=1)


def test_a_missing_texture_folder_leaves_nothing_behind(tmp_path: Path) -> None:
    material = {"texture": "image", "images": str(tmp_path / "nowhere (1)")}
    spec = overlaid(small_job(tmp_path).spec, {"appearance": {"material": material}})
    with pytest.raises(SpecError, match="nowhere"):
        dump(DumpJob(spec, 1, 2, tmp_path / "data", "train"), workers=1)
    assert not (tmp_path / "data").exists()


def test_ending_a_run_leaves_no_temporary_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # Short, since multiprocessing puts sockets there, whose paths are limited.
    scratch = Path(tempfile.mkdtemp(dir="/tmp"))
    monkeypatch.setenv("TMPDIR", str(scratch))
    process = start_run(tmp_path / "data", tmp_path)
    wait_for(tmp_path / "data" / "train_pbr", process)
    process.send_signal(signal.SIGINT)
    process.wait(timeout=60)
    left = list(scratch.glob("graspsim-*"))
    shutil.rmtree(scratch)
    assert not left
    assert not list((tmp_path / "data" / "train_pbr").glob(".*.part"))


def test_a_scene_whose_worker_is_killed_is_done_again(
    reference: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    killed: list[int] = []
    advanced = 0

    def kill_first_worker(n: int) -> None:
        nonlocal advanced
        advanced += n
        if not killed and n > 0:
            child = multiprocessing.active_children()[0]
            assert child.pid is not None
            os.kill(child.pid, signal.SIGKILL)
            killed.append(child.pid)

    report = dump(small_job(tmp_path / "data"), workers=1, on_frame=kill_first_worker)
    assert killed
    assert advanced == 8, "frames that were lost with a worker must be counted back"
    assert (report.scenes, report.frames) == (3, 8)
    assert "SIGKILL" in caplog.text
    assert tree_bytes(tmp_path / "data") == tree_bytes(reference)


def test_a_scene_that_keeps_killing_its_worker_is_given_up_and_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(workers, "MAX_DEATHS", 1)

    def kill_all(n: int) -> None:
        for child in multiprocessing.active_children():
            os.kill(child.pid or 0, signal.SIGKILL)

    with pytest.raises(GraspsimError, match=r"Scene \d+ ended its worker 1 times, last with signal SIGKILL"):
        dump(small_job(tmp_path / "data"), workers=1, on_frame=kill_all)


def test_recycling_workers_changes_nothing(reference: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(workers, "SCENES_PER_WORKER", 1)
    dump(small_job(tmp_path / "data"), workers=2)
    assert tree_bytes(tmp_path / "data") == tree_bytes(reference)


def test_another_seed_or_spec_in_the_same_folder_is_refused_and_nothing_is_touched(reference: Path) -> None:
    before = tree_bytes(reference)
    with pytest.raises(DatasetError, match="root_seed is 5 there and 6 here"):
        dump(small_job(reference, seed=6), workers=1)
    with pytest.raises(DatasetError, match=r"layout\.kind is 'tabletop' there and 'bin' here"):
        dump(small_job(reference, "bin"), workers=1)
    assert tree_bytes(reference) == before


def test_a_folder_that_is_no_dataset_is_refused(tmp_path: Path) -> None:
    (tmp_path / "thesis.tex").write_text("precious")
    with pytest.raises(DatasetError, match=r"no graspsim\.json"):
        dump(small_job(tmp_path), workers=1)
    assert [p.name for p in tmp_path.iterdir()] == ["thesis.tex"]


def test_a_mesh_that_is_no_use_leaves_nothing_behind(tmp_path: Path) -> None:
    job = small_job(tmp_path / "data")
    objects = dataclasses.replace(job.spec.objects, meshes=(str(tmp_path / "missing.obj"),))
    job = dataclasses.replace(job, spec=dataclasses.replace(job.spec, objects=objects))
    with pytest.raises(GraspsimError, match=r"missing\.obj"):
        dump(job, workers=1)
    assert not (tmp_path / "data").exists()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"frames": 0}, "frames must be at least 1; got 0"),
        ({"root_seed": -1}, "A seed must lie in"),
        ({"root_seed": 2**64}, "A seed must lie in"),
        ({"split": "a/b"}, "split must be train, val or test"),
        ({"split": "models"}, "split must be train, val or test"),
    ],
)
def test_a_job_that_makes_no_sense_is_refused(tmp_path: Path, change: dict[str, object], message: str) -> None:
    job = dataclasses.replace(small_job(tmp_path), **change)  # type: ignore[arg-type]
    with pytest.raises(SpecError, match=message):
        check_job(job, workers=1)


def test_zero_workers_are_refused(tmp_path: Path) -> None:
    with pytest.raises(SpecError, match="workers must be at least 1; got 0"):
        check_job(small_job(tmp_path), workers=0)


def test_a_disk_that_refuses_stops_the_run_and_keeps_what_is_complete(reference: Path, tmp_path: Path) -> None:
    root = tmp_path / "data"
    job = small_job(root)
    dump(dataclasses.replace(job, frames=8), workers=1)
    third = root / "train_pbr" / "000002"
    for path in sorted(third.rglob("*"), reverse=True):
        path.rmdir() if path.is_dir() else path.unlink()
    third.rmdir()
    # A file where the split's folder would be made anew stands for any disk that refuses (root may write anywhere).
    (root / "train_pbr").rename(root / "kept")
    (root / "train_pbr").write_text("in the way")
    with pytest.raises(GraspsimError, match=r"Cannot write .*train_pbr"):
        dump(job, workers=1)
    (root / "train_pbr").unlink()
    (root / "kept").rename(root / "train_pbr")
    assert missing_scenes(job) == [2]


@pytest.mark.parametrize("scene", names("scene"))
def test_every_named_scene_dumps_a_dataset_without_fault(scene: str, tmp_path: Path) -> None:
    spec: SceneSpec = overlaid(
        load("scene", scene), {"camera": {"width": 320, "height": 240, "views": 2}, "objects": {"models": 6}}
    )
    dump(DumpJob(spec, 11, 4, tmp_path, "test"), workers=1)
    report = validate(tmp_path)
    assert not report.faults


def test_the_files_say_how_the_dataset_came_about(reference: Path) -> None:
    manifest = read_json(reference / "graspsim.json")
    assert from_plain(SceneSpec, manifest["spec"]) == small_job(reference).spec
    assert manifest["root_seed"] == 5
    params = read_json(reference / "train_pbr" / "000001" / "scene_params.json")
    scene = from_plain(Scene, params["scene"])
    assert scene.index == 1
    table = next(f for f in scene.fixtures if f.name == "table")
    for body in scene.bodies:
        effective = params["effective_friction"][str(body.instance_id)]["table"]
        assert effective == pytest.approx(body.lateral_friction * table.lateral_friction)
    assert len(params["views"]) == 3


def test_distractors_occlude_but_carry_no_labels(tmp_path: Path) -> None:
    spec = overlaid(small_job(tmp_path).spec, {"objects": {"count": 2}, "distractors": {"count": 3}})
    dump(DumpJob(spec, 1, 3, tmp_path / "data", "train"), workers=1)
    frames = list(BopDataset(tmp_path / "data").read_scene("train", 0))
    assert {len(frame.labels) for frame in frames} == {2}
    target_ids = {label.obj_id for frame in frames for label in frame.labels}
    assert target_ids <= set(range(1, 5))


def test_sensor_noise_leaves_the_labels_alone(tmp_path: Path) -> None:
    noisy = small_job(tmp_path)
    clean_spec = overlaid(
        noisy.spec,
        {"sensor": {"exposure_ev": 0, "white_balance": 0, "blur_px": 0, "shot_noise": 0, "read_noise": 0}},
    )
    for name, spec in (("noisy", noisy.spec), ("clean", clean_spec)):
        dump(DumpJob(spec, 2, 3, tmp_path / name, "train"), workers=1)
    a, b = tree_bytes(tmp_path / "noisy" / "train"), tree_bytes(tmp_path / "clean" / "train")
    different = {name for name in a if a[name] != b[name]}
    assert different == {f"000000/rgb/{i:06d}.png" for i in range(3)} | {
        "000000/checksums.json",
        "000000/scene_params.json",
    }
