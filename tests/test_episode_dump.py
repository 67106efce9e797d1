"""What can be made can be dumped: episodes of tasks as datasets, and as films."""

import json
from pathlib import Path

import cv2
import gymnasium
import numpy as np
import pytest
from commands_for_tests import Run, graspsim

from graspsim.dataset.bop import BopDataset

TINY = (
    "--set camera.width=96 --set camera.height=64 --set camera.views=3 --set objects.models=3 "
    "--set objects.families=produce,tools"
)


@pytest.fixture(scope="module")
def dataset(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("episodes")
    done = graspsim(f"dump graspsim/Lift-v0 -o data --frames 6 --seed 2 --robot panda {TINY}", folder)
    assert done.returncode == 0, done.stderr
    return folder / "data"


def test_the_dataset_of_a_task_is_valid(dataset: Path) -> None:
    done = graspsim("validate data", dataset.parent)
    assert done.returncode == 0, done.stdout


def test_the_object_is_lifted_from_image_to_image(dataset: Path) -> None:
    bop = BopDataset(dataset)
    heights_m = []
    for im_id in range(3):
        frame = bop.read_frame("train_pbr", scene_id=0, im_id=im_id)
        (label,) = frame.labels
        heights_m.append((frame.world_from_camera @ label.camera_from_model)[2, 3])
    assert heights_m[-1] > heights_m[0] + 0.09


def test_the_robot_is_described_and_moves(dataset: Path) -> None:
    params = json.loads((dataset / "train_pbr" / "000000" / "scene_params.json").read_text())
    assert params["scene"]["robot"]["name"] == "panda"
    links = np.array(params["link_poses"])
    assert links.shape == (3, 11, 7)
    assert np.ptp(links[:, 0], axis=0).max() == 0
    assert np.ptp(links[:, -1, :3], axis=0).max() > 0.05
    assert json.loads((dataset / "graspsim.json").read_text())["episode"]["policy"] == "scripted"


def test_the_bytes_do_not_depend_on_the_workers(dataset: Path) -> None:
    done = graspsim(
        f"dump graspsim/Lift-v0 -o two --frames 6 --seed 2 --robot panda --workers 2 {TINY}", dataset.parent
    )
    assert done.returncode == 0, done.stderr
    files = sorted(path.relative_to(dataset) for path in dataset.rglob("*") if path.is_file())
    assert len(files) > 30
    for path in files:
        assert (dataset / path).read_bytes() == (dataset.parent / "two" / path).read_bytes(), path


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ("graspsim/Lift-v0 --policy scriptet", "Did you mean 'scripted'"),
        ("graspsim/Lift-v1", "Did you mean 'Lift-v0'"),
        ("graspsim/Lift-v0 --robot pand", "Did you mean 'panda'"),
        ("tabletop --policy random", "--policy and --robot need a task"),
    ],
)
def test_a_mistake_gets_one_clear_sentence(in_process: Run, arguments: str, message: str, tmp_path: Path) -> None:
    done = in_process(f"dump {arguments} -o data --frames 1", tmp_path)
    assert done.returncode == 1
    assert message in done.stderr
    assert len(done.stderr.splitlines()) == 1


def test_play_films_an_episode(tmp_path: Path) -> None:
    done = graspsim("play graspsim/Lift-v0 --objects household --video lift.mp4", tmp_path)
    assert done.returncode == 0, done.stderr
    film = cv2.VideoCapture(str(tmp_path / "lift.mp4"))
    pictures = []
    while (read := film.read())[0]:
        pictures.append(read[1])
    assert len(pictures) > 20
    assert pictures[0].shape == (480, 640, 3)
    assert np.abs(pictures[0].astype(int) - pictures[-1]).max() > 50


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ("graspsim/Lft-v0 --video a.mp4", "Did you mean 'graspsim/Lift-v0'"),
        ("graspsim/Lift-v0 --policy best --video a.mp4", "There is no policy 'best'"),
        ("graspsim/Lift-v0 --video a.gif", "A video is an .mp4 file; got a.gif."),
        ("graspsim/Lift-v0 --video nowhere/a.mp4", "there is no folder nowhere"),
        ("graspsim/Lift-v0", "no display to show a window on; write a film with --video FILE.mp4."),
        ("graspsim/Lift-v0 --episodes 0 --video a.mp4", "episodes must be at least 1; got 0."),
    ],
)
def test_a_film_that_cannot_be_says_why(
    in_process: Run, arguments: str, message: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("DISPLAY", "WAYLAND_DISPLAY", "SDL_VIDEODRIVER"):
        monkeypatch.delenv(name, raising=False)
    done = in_process(f"play {arguments}", tmp_path)
    assert done.returncode == 1
    assert message in done.stderr


def test_a_dumped_episode_is_the_one_that_the_environment_plays(dataset: Path) -> None:
    objects = {"models": 3, "families": ["produce", "tools"]}
    env = gymnasium.make("graspsim/Lift-v0", robot="panda", objects=objects)
    for scene_id in range(2):
        _, info = env.reset(seed=2 if scene_id == 0 else None)
        params = json.loads((dataset / "train_pbr" / f"{scene_id:06d}" / "scene_params.json").read_text())
        (pose,) = params["settled_poses"].values()
        assert info["state"]["object_poses"][0].tolist() == pose
        (body,) = params["scene"]["bodies"]
        assert info["state"]["obj_ids"].tolist() == [body["obj_id"]]
        assert info["drawn"]["mass_kg"].tolist() == [body["mass_kg"]]
        assert params["effective_friction"]["1"]["pads"] == pytest.approx(body["lateral_friction"])
    env.close()


def test_the_camera_of_a_dump_errs_as_it_was_told_to(dataset: Path) -> None:
    off = "--set control.camera_jitter_m=0.05"
    done = graspsim(f"dump graspsim/Lift-v0 -o off --frames 3 --seed 2 --robot panda {TINY} {off}", dataset.parent)
    assert done.returncode == 0, done.stderr
    eyes = [
        [f.world_from_camera[:3, 3] for f in BopDataset(root).read_scene("train_pbr", 0)]
        for root in (dataset, dataset.parent / "off")
    ]
    away_m = np.linalg.norm(np.subtract(*eyes), axis=1)
    assert (away_m > 0.005).all()
    assert np.ptp(away_m) > 0.005


def test_objects_of_a_dump_may_be_a_set_with_a_name(dataset: Path) -> None:
    done = graspsim("dump graspsim/Lift-v0 -o no --objects heldot --frames 1", dataset.parent)
    assert done.returncode == 1
    assert "There is no set 'heldot'. Did you mean 'heldout'?" in done.stderr
    done = graspsim(f"dump tabletop -o named --objects heldout --frames 1 {TINY}", dataset.parent)
    assert done.returncode == 0, done.stderr
    spec = json.loads((dataset.parent / "named" / "graspsim.json").read_text())["spec"]
    assert spec["objects"]["split"] == "heldout"
    assert spec["objects"]["models"] == 3


@pytest.mark.parametrize(
    ("task", "key", "message"),
    [
        ("Lift-v0", "layout.kind=floating", "layout.kind=floating has no table"),
        ("Grasp-v0", "control.gain=2", "control.gain cannot be changed from 1.0 to 2"),
    ],
)
def test_worlds_that_a_task_cannot_happen_in_are_refused(
    in_process: Run, task: str, key: str, message: str, tmp_path: Path
) -> None:
    done = in_process(f"dump graspsim/{task} -o no --frames 1 --set {key}", tmp_path)
    assert done.returncode == 1
    assert message in done.stderr
    assert done.stderr.count("\n") == 1
