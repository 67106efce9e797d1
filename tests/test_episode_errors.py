"""What cannot be is refused in one sentence, and the environment lives on."""

import copy
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from episodes_for_tests import (
    EVERY,
    NO_DISPLAY,
    SMALL,
    digest,
    exported_box,
    made,
    of_meshes,
    opened,
)

from graspsim import registry
from graspsim.episode.controls import MODES
from graspsim.episode.env import GraspEnv
from graspsim.errors import GraspsimError, SpecError, UnknownNameError


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"obs_mode": "rbg"}, UnknownNameError, r"no observation mode 'rbg'\. Did you mean 'rgb"),
        ({"obs_mode": ("state", "dept")}, UnknownNameError, r"no observation mode 'dept'\. Did you mean 'depth'"),
        ({"obs_mode": 5}, SpecError, r"obs_mode is a name, or several of them; got 5"),
        ({"obs_mode": ()}, SpecError, r"at least one observation mode.*got \[\]"),
        ({"obs_mode": ("rgb", "rgb")}, SpecError, r"each once; got \['rgb', 'rgb'\]"),
        ({"robot": "pandas"}, UnknownNameError, r"no robot 'pandas'\. Did you mean 'panda'"),
        ({"objects": "houshold"}, UnknownNameError, r"no set 'houshold'\. Did you mean 'household'"),
        (
            {"objects": "tools"},
            SpecError,
            r"'tools' is a family of objects and no set: .*\{\"families\": \[\"tools\"\]\}",
        ),
        ({"objects": {"famlies": ["produce"]}}, UnknownNameError, r"'famlies'\. Did you mean 'families'"),
        ({"objects": {"families": ["toolz"]}}, UnknownNameError, r"no object family 'toolz'\. Did you mean 'tools'"),
        ({"objects": {"models": 0}}, SpecError, r"models must lie in \[1, 10000\]; got 0"),
        ({"control": "jaw"}, UnknownNameError, r"no control mode 'jaw'\. Did you mean 'yaw'"),
        ({"control": "joints"}, SpecError, r"'hand' has no arm .*; use control='yaw' or 'pose'"),
        ({"cameras": ("fron",)}, UnknownNameError, r"no camera 'fron'\. Did you mean 'front'"),
        ({"cameras": ()}, SpecError, r"at least one camera.*got \[\]"),
        ({"render_mode": "rgb_aray"}, UnknownNameError, r"no render mode 'rgb_aray'\. Did you mean 'rgb_array'"),
        ({"image_size": 0}, SpecError, r"image_size must be from 16 to 8192.*; got 0"),
        ({"image_size": (64, -1)}, SpecError, r"image_size must be .*; got \(64, -1\)"),
        ({"image_size": (64, 64, 3)}, SpecError, r"image_size must be .* height and width; got \(64, 64, 3\)"),
        ({"image_size": ()}, SpecError, r"image_size must be .*; got \(\)"),
        ({"image_size": "64"}, SpecError, r"image_size must be .*; got 64"),
        ({"horizon": 0}, SpecError, r"horizon must be a whole number, at least 1; got 0"),
        ({"horizon": 2.5}, SpecError, r"horizon must be a whole number, at least 1; got 2\.5"),
        ({"objects": ["train"]}, SpecError, r"SetSpec must hold keys and values; got \['train'\]"),
        ({"randomize": "physics"}, SpecError, r"randomize holds keys and values, such as .*; got 'physics'"),
        ({"randomize": {"physics.frictoin": 1}}, UnknownNameError, r"'frictoin'\. Did you mean 'friction'"),
        ({"randomize": {"phisics.friction": 1}}, UnknownNameError, r"'phisics'\. Did you mean 'physics'"),
        ({"randomize": {"physics.friction": -1}}, SpecError, r"friction must lie in \[0(\.0)?, 10(\.0)?\]; got -1"),
        ({"randomize": {"control.gain": "U(0.5, 99)"}}, SpecError, r"gain must lie in .*got U\(0\.5, 99"),
        ({"randomize": {"camera.width": 64}}, SpecError, r"camera\.width cannot be changed from 84 to 64.*image_size"),
        ({"randomize": {"layout.kind": "floating"}}, SpecError, r"floating has no table"),
        ({"randomize": {"objects.count": "I(1, 3)"}}, SpecError, r"room for 1 objects.*may give 3"),
        ({"randomize": {"physics": 0.5, "physics.friction": 1}}, SpecError, r"both physics\.friction and .* physics"),
        ({"randomize": {"physics.friction": "U(0.5"}}, SpecError, r"U\(0\.5"),
    ],
    ids=lambda value: str(value)[:40] if isinstance(value, dict) else "",
)
@pytest.mark.filterwarnings("ignore:.*render_mode:UserWarning")
def test_a_bad_argument_is_named_with_what_is_allowed(
    options: dict[str, Any], error: type[Exception], message: str
) -> None:
    with pytest.raises(error, match=message):
        GraspEnv(task="Lift-v0", **({"objects": SMALL} | options))


def test_an_unknown_task_is_named_with_its_nearest_match() -> None:
    with pytest.raises(UnknownNameError, match=r"There is no task 'Lfit-v0'\. Did you mean 'Lift-v0'"):
        GraspEnv(task="Lfit-v0")


@pytest.mark.parametrize("robot", registry.names("robot"))
@EVERY
def test_every_control_mode_works_or_says_why_not(task: str, robot: str) -> None:
    for control in MODES:
        try:
            env = made(task, robot=robot, control=control)
        except SpecError:
            with pytest.raises(SpecError, match="use control='yaw'"):
                made(task, robot=robot, control=control)
            continue
        env.reset(seed=0)
        assert env.observation_space.contains(env.step(env.action_space.sample())[0])
        env.close()


def test_a_mesh_that_the_hand_cannot_span_is_refused(tmp_path: Path) -> None:
    path = exported_box(tmp_path / "crate.stl", (0.2, 0.2, 0.2))
    with pytest.raises(SpecError, match=r"object 1 \(crate\) is at least 200 mm wide, and .*'hand' spans 80 mm"):
        GraspEnv(task="Lift-v0", objects=of_meshes(path))


def test_a_task_that_can_never_be_done_says_so(tmp_path: Path) -> None:
    # It is thin, but lies on its broad side.
    path = exported_box(tmp_path / "plate.stl", (0.2, 0.2, 0.01))
    with (
        opened(objects=of_meshes(path)) as env,
        pytest.raises(GraspsimError, match=r"Episode 0 of seed 0: in 50 draws the task could never be done"),
    ):
        env.reset(seed=0)


@EVERY
@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (lambda a: a * np.nan, r"numbers from -1 to 1; got \[nan"),
        (lambda a: a + 1.01, r"numbers from -1 to 1; got \[1\.01"),
        (lambda a: a - np.inf, r"numbers from -1 to 1; got \[-inf"),
        (lambda a: a[:-1], r"An action has the shape \(\d,\); got \(\d,\)"),
        (lambda a: np.stack([a, a]), r"An action has the shape \(\d,\); got \(2, \d\)"),
        (lambda a: {"grip": 1.0}, r"An action is an array of numbers; got \{'grip': 1\.0\}"),
    ],
    ids=["nan", "large", "infinite", "short", "stacked", "dict"],
)
def test_a_bad_action_is_refused_and_changes_nothing(task: str, spoil: Any, message: str) -> None:
    with opened(task) as env:
        env.reset(seed=0)
        before = env.sim.poses.tobytes()
        with pytest.raises(SpecError, match=message):
            env.step(spoil(np.zeros(env.action_space.shape or ())))
        assert env.sim.world.poses().tobytes() == before
        assert env.sim.steps == 0


@pytest.mark.parametrize("seed", [-1, 2**64])
def test_a_bad_seed_is_refused(seed: int) -> None:
    with opened() as env, pytest.raises(Exception, match=rf"(?i)seed.*{seed}"):
        env.reset(seed=seed)


@EVERY
def test_a_step_needs_an_episode_that_is_under_way(task: str) -> None:
    with opened(task, horizon=1) as env:
        action = np.zeros(env.action_space.shape or ())
        with pytest.raises(GraspsimError, match=r"Call reset\(\) before anything else"):
            env.step(action)
        env.reset(seed=0)
        env.step(action)
        with pytest.raises(GraspsimError, match=r"The episode is over; call reset\(\)"):
            env.step(action)
        env.reset()
        env.close()
        for use in (lambda: env.step(action), env.reset, lambda: env.view_of("front")):
            with pytest.raises(GraspsimError, match="The environment is closed"):
                use()


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"randomise": {}}, UnknownNameError, r"no option 'randomise'\. Did you mean 'randomize'"),
        (3, SpecError, "options is a dict such as .*; got 3"),
        ({"randomize": {"control.gian": 1}}, UnknownNameError, r"'gian'\. Did you mean 'gain'"),
        ({"randomize": {"control.gain": 100}}, SpecError, r"gain must lie in .*; got 100"),
        ({"randomize": {"objects.models": 2}}, SpecError, r"objects\.models cannot be changed from 4 to 2"),
        ({"randomize": {"camera.height": 64}}, SpecError, r"camera\.height cannot be changed from 84 to 64"),
        ({"randomize": {"objects.count": 2}}, SpecError, r"room for 1 objects.*may give 2"),
    ],
    ids=["unknown", "no dict", "key", "range", "set", "picture", "room"],
)
def test_bad_options_are_refused_and_the_environment_lives_on(
    options: dict[str, Any], error: type[Exception], message: str
) -> None:
    with opened() as env:
        wanted = digest(*env.reset(seed=3))
        with pytest.raises(error, match=message):
            env.reset(seed=3, options=options)
        assert digest(*env.reset(seed=3)) == wanted


def test_a_reset_that_is_refused_is_no_episode() -> None:
    with opened() as env, opened() as other:
        for each in (env, other):
            each.reset(seed=3)
        with pytest.raises(UnknownNameError):
            env.reset(options={"randomise": {}})
        assert digest(*env.reset()) == digest(*other.reset())


def test_nothing_is_seen_before_an_episode_and_through_no_camera_that_there_is_not() -> None:
    with opened(render_mode="rgb_array") as env:
        for look in (env.render, env.picture, lambda: env.view_of("front")):
            with pytest.raises(GraspsimError, match=r"Call reset\(\) before anything else"):
                look()
        env.reset(seed=0)
        with pytest.raises(UnknownNameError, match=r"no camera 'frnt'\. Did you mean 'front'"):
            env.view_of("frnt")


def test_a_window_without_a_display_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in NO_DISPLAY:
        monkeypatch.delenv(name, raising=False)
    with opened(render_mode="human") as env, pytest.raises(GraspsimError, match=r"needs a display.*\"rgb_array\""):
        env.reset(seed=0)


def test_an_environment_is_not_copied() -> None:
    with opened() as env, pytest.raises(GraspsimError, match="cannot be copied; make another"):
        copy.deepcopy(env)


def test_nothing_is_rendered_without_a_render_mode() -> None:
    with opened() as env:
        env.reset(seed=0)
        with pytest.raises(GraspsimError, match=r"without a render mode.*\"rgb_array\""):
            env.render()
