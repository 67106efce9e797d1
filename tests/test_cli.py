"""The command line: each command of the README does what it says, and each mistake gets one clear sentence."""

import importlib
import importlib.metadata
import os
import re
import shlex
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import tyro
from commands_for_tests import GRASPSIM, Run, graspsim

from graspsim.dataset.bop import BopDataset
from graspsim.dataset.results import PoseEstimate, write_results
from graspsim.geometry import transform
from graspsim.registry import kinds, names

ROOT = Path(__file__).parents[1]
TINY = "--set camera.width=96 --set camera.height=64 --set camera.views=2 --set objects.models=3 --set objects.count=2"


@pytest.fixture(scope="module")
def dataset(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("cli")
    done = graspsim(f"dump tabletop -o data --frames 4 --seed 3 {TINY}", folder)
    assert done.returncode == 0, done.stderr
    return folder / "data"


def test_dump_says_what_came_out_and_nothing_else(tmp_path: Path) -> None:
    done = graspsim(f"dump packed -o data --frames 2 {TINY}", tmp_path)
    assert done.returncode == 0
    assert done.stderr == ""
    assert re.fullmatch(r"data: 2 frames in 1 scenes; this run drew \d+ labels\.\n", done.stdout)


def test_the_same_command_again_finds_everything_done(dataset: Path) -> None:
    done = graspsim(f"dump tabletop -o data --frames 4 --seed 3 {TINY}", dataset.parent)
    assert done.returncode == 0
    assert "was complete already" in done.stdout


def test_validate_exits_0_for_a_good_dataset_and_1_with_the_fault_for_a_bad_one(dataset: Path, tmp_path: Path) -> None:
    good = graspsim("validate data", dataset.parent)
    assert good.returncode == 0, good.stdout
    bad = tmp_path / "bad"
    shutil.copytree(dataset, bad)
    (bad / "train_pbr" / "000000" / "depth" / "000001.png").unlink()
    found = graspsim("validate bad", tmp_path)
    assert found.returncode == 1
    assert "000001" in found.stdout


def test_the_version_is_told(tmp_path: Path) -> None:
    assert graspsim("--version", tmp_path).stdout == f"graspsim {importlib.metadata.version('graspsim')}\n"


def test_preview_draws_a_picture(dataset: Path) -> None:
    done = graspsim("preview data -o sheet.png --count 2", dataset.parent)
    assert done.returncode == 0, done.stderr
    assert (dataset.parent / "sheet.png").read_bytes().startswith(b"\x89PNG")


def test_list_names_every_scene_family_and_texture(tmp_path: Path) -> None:
    text = graspsim("list", tmp_path).stdout
    for kind in kinds():
        for name in names(kind):
            assert name in text


def test_a_config_file_overrides_the_scene_it_names(tmp_path: Path) -> None:
    (tmp_path / "my.yaml").write_text(
        "base: bin\n"
        "objects: {count: 'I(2, 3)', models: 3, families: [lathe, blocks]}\n"
        "camera: {width: 96, height: 64, views: 2}\n"
    )
    done = graspsim("dump --config my.yaml -o data --frames 2", tmp_path)
    assert done.returncode == 0, done.stderr
    assert '"kind": "bin"' in (tmp_path / "data" / "graspsim.json").read_text()


def test_ctrl_c_ends_cleanly_and_the_same_command_goes_on(tmp_path: Path) -> None:
    command = [str(GRASPSIM), *shlex.split(f"dump tabletop -o data --frames 60 {TINY}")]
    process = subprocess.Popen(
        command,
        cwd=tmp_path,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
        # Where the suite runs in the background, Ctrl-C is ignored by all that it starts.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )
    deadline = time.monotonic() + 120
    while not (tmp_path / "data" / "train_pbr" / "000001").exists():
        assert time.monotonic() < deadline
        assert process.poll() is None, process.communicate()
        time.sleep(0.002)
    os.killpg(process.pid, signal.SIGINT)
    out, err = process.communicate(timeout=60)
    assert process.returncode == 130
    assert "the same command goes on from there" in out
    assert "Traceback" not in err
    again = graspsim(f"dump tabletop -o data --frames 60 {TINY}", tmp_path)
    assert again.returncode == 0
    assert "of 60 frames; making the rest" in again.stdout
    assert len(list((tmp_path / "data" / "train_pbr").iterdir())) == 30


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ("dump tabltop -o x", "There is no scene 'tabltop'. Did you mean 'tabletop'?"),
        ("dump -o x", "Name a scene"),
        ("dump tabletop -o x --set objects.cuont=3", "Did you mean 'count'?"),
        ("dump tabletop -o x --set objects.count", "--set takes KEY=VALUE"),
        ("dump tabletop -o x --set 'physics.friction=U(2, 1)'", "the first bound must not exceed the second"),
        ("dump tabletop -o x --set physics.friction=11", "physics.friction must lie in [0, 10]; got 11"),
        ("dump tabletop -o x --set physics.mass_kg=-1", "physics.mass_kg must lie in [0, 1000]; got -1"),
        ("dump tabletop -o x --set objects.families=lath", "Did you mean 'lathe'?"),
        ("dump tabletop -o x --set camera.width=0", "camera.width must lie in"),
        ("dump tabletop -o x --set lights.light.kind=sun", "lights.light.kind"),
        ("dump tabletop -o x --set 'appearance.material.texture={checkr|noise}'", "Did you mean 'checker'?"),
        ("dump tabletop -o x --fix ligths", "Did you mean 'lights'?"),
        ("dump tabletop -o x --frames 0", "frames must be at least 1; got 0"),
        ("dump tabletop -o x --workers 0", "workers must be at least 1; got 0"),
        ("dump tabletop -o x --seed -1", "A seed must lie in"),
        ("dump --config missing.yaml -o x", "Cannot read missing.yaml"),
        ("dump tabletop -o x --set objects.meshes=missing.obj", "missing.obj"),
        (
            f"dump tabletop -o x --objects {ROOT / 'tests'}",
            f"is a folder; give its meshes, as --objects {ROOT / 'tests'}/*.ply",
        ),
        ("dump tabletop -o x --split models", "split must be train, val or test"),
        ("dump tabletop -o x --set layout.table_m=4 --set background.room_m=2", "the table would stand in the walls"),
        ("preview", "Name the folder of a dataset"),
        ("validate nowhere", "There is no dataset folder nowhere"),
        ("preview nowhere", "There is no dataset folder nowhere"),
    ],
)
def test_a_mistake_gets_one_sentence_and_leaves_nothing(
    in_process: Run, arguments: str, message: str, tmp_path: Path
) -> None:
    done = in_process(arguments, tmp_path)
    assert done.returncode == 1
    assert message in done.stderr
    assert done.stderr.startswith("graspsim: ")
    assert done.stderr.count("\n") == 1
    assert not list(tmp_path.iterdir())


def test_help_does_not_wait_for_heavy_imports() -> None:
    program = "import sys, graspsim.cli; print(*sorted(sys.modules))"
    loaded = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout.split()
    # NumPy comes with Gymnasium, with which the environments are registered.
    assert not {"numba", "trimesh", "cv2", "pybullet", "scipy", "torch", "graspsim.geometry"} & set(loaded)


def test_every_command_of_the_readme_is_known(in_process: Run, tmp_path: Path) -> None:
    """Runs the README's `graspsim` lines, scaled down; its scripts are run by CI itself."""
    lines = re.findall(r"^ {0,4}(graspsim .*?)(?:\s+#.*)?$", (ROOT / "README.md").read_text(), flags=re.MULTILINE)
    assert len(lines) >= 5
    (tmp_path / "my_scene.yaml").write_text("base: floating\n")
    # Somebody else's dataset, and estimates of its objects' poses.
    made = graspsim(f"dump tabletop -o my_real_bop --frames 2 {TINY} --set objects.families=primitives", tmp_path)
    assert made.returncode == 0, made.stderr
    (tmp_path / "any_bop_dataset").symlink_to(tmp_path / "my_real_bop")
    shown = BopDataset(tmp_path / "my_real_bop").read_frame("train_pbr", 0, 0).labels[0].obj_id
    write_results(tmp_path / "results.csv", [PoseEstimate(0, 0, shown, 1.0, transform(translation=(0, 0, 0.7)))])
    models = [str(path) for path in sorted(tmp_path.glob("my_real_bop/models/*.ply"))]
    for line in lines:
        command = line.replace("my_real_bop/models/*.ply", " ".join(models))
        command = command.replace("docs/results", str(ROOT / "docs/results"))
        command = re.sub(r"--frames \d+", "--frames 2", command.removeprefix("graspsim "))
        command = re.sub(r"-n \d+", "-n 16", command)
        if command.startswith("dump"):
            command += "" if "--frames" in command else " --frames 2"
            command += " --set camera.width=96 --set camera.height=64 --set camera.views=2 --set objects.models=3"
        if command.startswith("play"):
            command += " --objects household"
        done = in_process(command, tmp_path)
        assert done.returncode == 0, f"{line}\n{done.stdout}{done.stderr}"


def test_every_training_command_of_the_readme_is_understood() -> None:
    """What they do is tested beside each recipe."""
    pytest.importorskip("stable_baselines3", reason="stable-baselines3 is not installed; it is in the test extra")
    pytest.importorskip("minari", reason="minari is not installed; it is in the test extra")
    lines = re.findall(r"^ {0,4}python training/(\w+)\.py (.*)$", (ROOT / "README.md").read_text(), flags=re.MULTILINE)
    assert {name for name, _ in lines} == {
        *("train_rl", "train_grasp", "record_demos"),
        *("finetune_pose", "evaluate_pose", "predict_pose"),
    }
    for name, arguments in lines:
        recipe = importlib.import_module(f"graspsim.training.{name}")
        tyro.cli(recipe.Args, args=shlex.split(arguments))


@pytest.mark.parametrize("recipe", sorted(path.name for path in (ROOT / "training").glob("[!_]*.py")))
def test_every_recipe_runs_as_a_script(recipe: str, tmp_path: Path) -> None:
    for module in ("torch", "stable_baselines3", "minari"):
        pytest.importorskip(module, reason=f"{module} is not installed; it is in the test extra")
    done = subprocess.run(
        [sys.executable, str(ROOT / "training" / recipe), "--help"], capture_output=True, text=True, cwd=tmp_path
    )
    assert done.returncode == 0, done.stderr
    assert "--" in done.stdout


@pytest.mark.parametrize("example", [0, 1, 2])
def test_the_python_examples_of_the_readme_run(example: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GRASPSIM_CACHE", str(tmp_path / "cache"))
    blocks = re.findall(r"```python\n(.*?)```", (ROOT / "README.md").read_text(), flags=re.DOTALL)
    assert len(blocks) == 3
    (tmp_path / "example.py").write_text(
        blocks[example].replace('"views": 5}', '"views": 5, "width": 96, "height": 64}')
    )
    done = subprocess.run(
        [sys.executable, "example.py"], cwd=tmp_path, capture_output=True, text=True, timeout=300, check=False
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout


def test_objects_draws_a_sheet_and_prints_statistics(tmp_path: Path) -> None:
    done = graspsim("objects lathe blocks:2 -n 6 -o sheet.png --plot plot.png --stats", tmp_path)
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "sheet.png").stat().st_size > 10_000
    assert (tmp_path / "plot.png").stat().st_size > 10_000
    lines = done.stdout.splitlines()
    assert lines[:2] == ["sheet.png", "plot.png"]
    assert sorted(line.split()[:2] for line in lines[3:5]) == [["blocks", "4"], ["lathe", "2"]]


def test_objects_without_a_wish_prints_statistics(tmp_path: Path) -> None:
    done = graspsim("objects primitives -n 2", tmp_path)
    assert done.stdout.startswith("family")
    assert not list(tmp_path.iterdir())


def test_objects_are_those_of_a_dump_of_the_same_seed(dataset: Path, tmp_path: Path) -> None:
    import json

    done = graspsim("objects -n 3 --seed 3 --export out --format obj", tmp_path)
    assert done.returncode == 0, done.stderr
    dumped = json.loads((dataset / "objects.json").read_text())
    exported = sorted(path.name for path in (tmp_path / "out").iterdir())
    assert [name[5:] for name in exported] == [dumped[str(n)]["name"].replace(" ", "_") for n in (1, 2, 3)]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ("lath", "Did you mean 'lathe'"),
        ("--base heldot", "Did you mean 'heldout'"),
        ("-n 0", "-n must be at least 1; got 0"),
        ("-o sheet.gif", "written as .png or .jpg; got 'sheet.gif'"),
        ("--export x --format urdff", "Did you mean 'urdf'"),
        ("--set size_m=7", "size_m must lie in [0, 1]; got 7"),
        ("--set splt=heldout", "Did you mean 'split'"),
        ("--set split=test", "Known: heldout, train"),
        ("--seed -1", "got -1"),
        ("lathe:0", "positive number, as in lathe:3; got 'lathe:0'"),
    ],
)
def test_a_mistake_with_objects_gets_one_clear_sentence(
    in_process: Run, arguments: str, message: str, tmp_path: Path
) -> None:
    done = in_process(f"objects {arguments}", tmp_path)
    assert done.returncode == 1
    assert message in done.stderr
    assert len(done.stderr.splitlines()) == 1


def test_a_package_of_our_name_in_the_working_directory_is_not_taken_for_ours(tmp_path: Path) -> None:
    """As in a checkout beside an installed package, whose objects, environments and recipes lie elsewhere."""
    (tmp_path / "graspsim").mkdir()
    (tmp_path / "graspsim" / "__init__.py").write_text("raise RuntimeError('the wrong package')")
    done = graspsim("dump tabletop -o out --frames 1 --workers 1", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert "wrong package" not in done.stderr
