"""What can be made can be dumped: episodes of tasks as datasets, and as films."""

import json
from pathlib import Path

import cv2
import numpy as np
import pytest
from test_cli import graspsim

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
def test_a_mistake_gets_one_clear_sentence(arguments: str, message: str, tmp_path: Path) -> None:
    done = graspsim(f"dump {arguments} -o data --frames 1", tmp_path)
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
        ("graspsim/Lift-v0 --episodes 0 --video a.mp4", "episodes must be at least 1; got 0."),
    ],
)
def test_a_film_that_cannot_be_says_why(arguments: str, message: str, tmp_path: Path) -> None:
    done = graspsim(f"play {arguments}", tmp_path)
    assert done.returncode == 1
    assert message in done.stderr
