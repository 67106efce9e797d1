"""Automatic domain randomization (Akkaya et al. 2019, arXiv:1910.07113): ranges that widen as an agent copes."""

import math
from collections import deque
from collections.abc import Mapping
from typing import Any

import gymnasium
from gymnasium.utils import RecordConstructorArgs

from graspsim.distributions import Integers, LogUniform, Uniform, parse
from graspsim.episode.arguments import changed
from graspsim.episode.env import GraspEnv
from graspsim.errors import SpecError


class WideningRanges(gymnasium.Wrapper[Any, Any, Any, Any], RecordConstructorArgs):
    """Draws from a share of each range around its middle; the share grows with success and shrinks with failure.

    `info["range_share"]` tells it, from 0, where nothing varies, to 1.

    Args:
        env: one of ours.
        ranges: keys of its specification and their widest ranges, such as {"physics.friction": "LogU(0.1, 1.5)"} or
            {"control.delay_steps": "I(0, 3)"}.
        step: by how much the share changes at once.
        window: episodes that are judged together.
        widen_at: share of successes among them from which on ranges widen.
        narrow_at: the same, up to which they narrow.

    Raises:
        UnknownNameError: for an unknown key.
        SpecError: for a range that is none, or is not legal for its key, or a number that cannot be.
    """

    def __init__(
        self,
        env: gymnasium.Env[Any, Any],
        ranges: Mapping[str, str],
        step: float = 0.1,
        window: int = 20,
        widen_at: float = 0.8,
        narrow_at: float = 0.4,
    ) -> None:
        RecordConstructorArgs.__init__(
            self, ranges=dict(ranges), step=step, window=window, widen_at=widen_at, narrow_at=narrow_at
        )
        gymnasium.Wrapper.__init__(self, env)
        if not (0 < step <= 1 and window >= 1 and 0 <= narrow_at < widen_at <= 1):
            raise SpecError(
                "step must be in (0, 1], window 1 or more, and 0 <= narrow_at < widen_at <= 1; got "
                f"step={step}, window={window}, narrow_at={narrow_at}, widen_at={widen_at}."
            )
        self._ranges = {key: _range(key, text) for key, text in ranges.items()}
        if isinstance(env.unwrapped, GraspEnv):
            changed(env.unwrapped.spec_of_episodes, {key: str(whole) for key, whole in self._ranges.items()})
        self._step, self._window = step, window
        self._widen_at, self._narrow_at = widen_at, narrow_at
        self._outcomes: deque[bool] = deque(maxlen=window)
        self._widenings = 0

    @property
    def share(self) -> float:
        """Of each range, that is drawn from now."""
        return min(self._widenings * self._step, 1.0)

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> tuple[Any, dict[str, Any]]:
        """Begin an episode with the ranges as wide as they are now; what `options` fixes is left alone."""
        options = dict(options or {})
        options["randomize"] = {key: str(_part(whole, self.share)) for key, whole in self._ranges.items()} | dict(
            options.get("randomize") or {}
        )
        observation, info = self.env.reset(seed=seed, options=options)
        return observation, info | {"range_share": self.share}

    def step(self, action: Any) -> tuple[Any, Any, bool, bool, dict[str, Any]]:
        """Take an action, and judge the episodes when this one ends."""
        observation, reward, terminated, truncated, info = self.env.step(action)
        if terminated or truncated:
            self._outcomes.append(bool(info["success"]))
            self._judge()
        return observation, reward, terminated, truncated, info | {"range_share": self.share}

    def _judge(self) -> None:
        if len(self._outcomes) < self._window:
            return
        succeeded = sum(self._outcomes) / self._window
        if self._narrow_at < succeeded < self._widen_at:
            return
        most = math.ceil(1 / self._step - 1e-9)
        self._widenings = min(max(self._widenings + (1 if succeeded >= self._widen_at else -1), 0), most)
        self._outcomes.clear()


Range = Uniform | LogUniform | Integers


def _range(key: str, text: str) -> Range:
    parsed = parse(text) if isinstance(text, str) else None
    if not isinstance(parsed, Range):
        raise SpecError(f"The range of {key} must be U(low, high), LogU(low, high) or I(low, high); got {text!r}.")
    return parsed


def _part(whole: Range, share: float) -> Range:
    """Return the middle of a range, so wide a share of it."""
    low, high = whole.low, whole.high
    if isinstance(whole, LogUniform):
        middle, ratio = (low * high) ** 0.5, (high / low) ** 0.5
        ends = middle / ratio**share, middle * ratio**share
    else:
        middle, half = (low + high) / 2, (high - low) / 2
        ends = middle - share * half, middle + share * half
    if isinstance(whole, Integers):
        first, last = math.ceil(ends[0]), math.floor(ends[1])
        return Integers(min(first, last), last)
    # Rounding must not lead out of the range.
    return type(whole)(max(ends[0], low), min(ends[1], high))
