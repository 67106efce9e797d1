"""Ranges widen with success, narrow with failure, and are what the episodes draw from."""

from typing import Any

import gymnasium
import numpy as np
import pytest

from graspsim.distributions import parse
from graspsim.episode.curriculum import WideningRanges
from graspsim.errors import SpecError, UnknownNameError

RANGES = {"physics.friction": "LogU(0.1, 1.6)", "control.gain": "U(0.5, 1.5)"}


class Told(gymnasium.Env[Any, Any]):
    """Episodes of one step that succeed as they are told to, and keep the options of the last reset."""

    observation_space = gymnasium.spaces.Discrete(1)
    action_space = gymnasium.spaces.Discrete(2)
    options: dict[str, Any] | None = None

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> tuple[int, dict[str, Any]]:
        self.options = options
        return 0, {"success": False}

    def step(self, action: int) -> tuple[int, float, bool, bool, dict[str, Any]]:
        return 0, 0.0, True, False, {"success": bool(action)}


def played(env: WideningRanges, success: bool, episodes: int) -> None:
    for _ in range(episodes):
        env.reset()
        env.step(int(success))


def test_nothing_varies_at_first() -> None:
    told = Told()
    WideningRanges(told, RANGES).reset()
    assert told.options == {"randomize": {"physics.friction": "LogU(0.4, 0.4)", "control.gain": "U(1.0, 1.0)"}}


def test_ranges_widen_with_success_to_their_whole_and_narrow_with_failure() -> None:
    told = Told()
    env = WideningRanges(told, RANGES, step=0.25, window=5)
    played(env, True, 20)
    assert env.share == 1.0
    env.reset()
    assert told.options == {"randomize": {"physics.friction": "LogU(0.1, 1.6)", "control.gain": "U(0.5, 1.5)"}}
    played(env, False, 5)
    assert env.share == 0.75
    played(env, True, 100)
    assert env.share == 1.0
    played(env, False, 100)
    assert env.share == 0.0


def test_between_the_marks_ranges_stay() -> None:
    env = WideningRanges(Told(), RANGES, window=4)
    for _ in range(10):
        played(env, True, 2)
        played(env, False, 2)
    assert env.share == 0.0


def test_what_the_caller_fixes_is_left_alone() -> None:
    told = Told()
    WideningRanges(told, RANGES).reset(options={"randomize": {"control.gain": 2.0}})
    assert told.options is not None
    assert told.options["randomize"]["control.gain"] == 2.0


def test_episodes_draw_from_the_ranges() -> None:
    objects = {"families": ["produce"], "models": 2}
    lift = gymnasium.make("graspsim/Lift-v0", objects=objects)
    env = WideningRanges(lift, {"control.gain": "U(0.5, 1.5)"}, step=1.0, window=1, narrow_at=0.0, widen_at=0.5)
    _, info = env.reset(seed=0)
    assert info["drawn"]["gain"] == 1.0
    assert info["range_share"] == 0.0
    while not env.share:
        *_, truncated, info = env.step(lift.unwrapped.task.scripted(lift.unwrapped.sim))
        assert not truncated
    gains = [env.reset()[1]["drawn"]["gain"] for _ in range(6)]
    assert np.ptp(gains) > 0.1
    env.close()


@pytest.mark.parametrize("low", [0.2, 0.5, 0.8, 1.0, 2.0])
def test_the_whole_of_a_range_is_reached_in_time_and_never_exceeded(low: float) -> None:
    told = Told()
    env = WideningRanges(told, {"physics.friction": f"LogU({low}, 10)", "control.delay_steps": "I(0, 3)"}, window=1)
    delays = []
    for n in range(12):
        env.reset()
        assert told.options is not None
        drawn = told.options["randomize"]
        friction = parse(drawn["physics.friction"])
        assert low <= friction.low <= friction.high <= 10
        delays.append(drawn["control.delay_steps"])
        assert env.share == pytest.approx(min(n / 10, 1.0))
        env.step(1)
    assert (friction.low, friction.high) == (low, 10)
    assert delays[0] == "I(1, 1)"
    assert delays[-1] == "I(0, 3)"


def test_an_unknown_key_is_named_at_once() -> None:
    env = gymnasium.make("graspsim/Lift-v0", objects={"families": ["produce"], "models": 2})
    with pytest.raises(UnknownNameError, match=r"fricton.*Did you mean 'friction'"):
        WideningRanges(env, {"physics.fricton": "U(0.1, 0.2)"})
    with pytest.raises(SpecError, match=r"friction must lie in \[0, 10\]"):
        WideningRanges(env, {"physics.friction": "U(0.1, 20)"})
    env.close()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"ranges": {"physics.friction": "N(0.5, 0.1)"}}, r"The range of physics.friction must be U\(low, high\)"),
        ({"ranges": {"physics.friction": 0.5}}, r"The range of physics.friction must be .*; got 0\.5"),
        ({"ranges": RANGES, "step": 0.0}, r"step must be in \(0, 1\]"),
        ({"ranges": RANGES, "widen_at": 0.3}, "narrow_at < widen_at"),
    ],
)
def test_what_cannot_be_a_curriculum_says_why(arguments: dict[str, Any], message: str) -> None:
    with pytest.raises(SpecError, match=message):
        WideningRanges(Told(), **arguments)
