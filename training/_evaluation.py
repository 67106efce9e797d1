"""How policies are evaluated, and how the results are written down and drawn."""

import csv
import dataclasses
import io
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import gymnasium
import numpy as np
from numpy.typing import NDArray
from scipy.stats import binomtest

from graspsim.catalogue.coverage import require_matplotlib
from graspsim.dataset.files import json_lines, replace_file

if TYPE_CHECKING:
    from stable_baselines3.common.vec_env import VecEnv

FIRST_SEED = 2**40
"""Episode i of every evaluation is named by this seed plus i; those of training have seeds of 32 bits."""
Policy = Callable[[Any], NDArray[Any]]
"""From observations to actions."""


class Numbered(gymnasium.Wrapper[Any, Any, Any, Any]):
    """Names its episodes `first`, `first` + `stride`, … whoever resets it; a reset with a seed begins anew.

    So every evaluation plays the same episodes, in any number of processes.
    """

    def __init__(self, env: gymnasium.Env[Any, Any], first: int, stride: int) -> None:
        super().__init__(env)
        self._first, self._stride = first, stride
        self._next = first

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> tuple[Any, dict[str, Any]]:
        """Begin the next episode."""
        self._next = self._first if seed is not None else self._next + self._stride
        return self.env.reset(seed=FIRST_SEED + self._next, options=options)


def wilson_interval(successes: int, trials: int) -> tuple[float, float]:
    """Return the 95 % interval of a rate (Wilson 1927)."""
    interval = binomtest(successes, trials).proportion_ci(method="wilson")
    return float(interval.low), float(interval.high)


@dataclass(frozen=True)
class Evaluation:
    """How a policy did.

    Attributes:
        episodes: number of them.
        successes: how many succeeded.
        mean_return: mean sum of an episode's rewards.
        mean_length: mean number of its steps.
    """

    episodes: int
    successes: int
    mean_return: float
    mean_length: float

    @property
    def rate(self) -> float:
        """Share of the episodes that succeeded."""
        return self.successes / self.episodes

    @property
    def interval(self) -> tuple[float, float]:
        """The 95 % interval of the rate."""
        return wilson_interval(self.successes, self.episodes)

    def __str__(self) -> str:
        low, high = self.interval
        return (
            f"success {self.rate:.1%} ({self.successes} of {self.episodes}; 95 % interval {low:.1%} to {high:.1%}), "
            f"return {self.mean_return:.2f}, {self.mean_length:.0f} steps"
        )


def evaluated(
    policy: Policy, venv: "VecEnv", episodes: int, advance: Callable[[int], None] = lambda n: None
) -> Evaluation:
    """Play the first episodes of `Numbered` environments, number i of n having the first i and the stride n.

    `advance` is called with 1 at the end of each.
    """
    left = [len(range(i, episodes, venv.num_envs)) for i in range(venv.num_envs)]
    returns, lengths = np.zeros(venv.num_envs), np.zeros(venv.num_envs)
    total = steps = 0.0
    successes = 0
    venv.seed(0)
    observations: Any = venv.reset()
    while any(left):
        observations, rewards, dones, infos = venv.step(policy(observations))
        returns, lengths = returns + rewards, lengths + 1
        for i in np.flatnonzero(dones):
            if left[i]:
                left[i] -= 1
                advance(1)
                total, steps = total + returns[i], steps + lengths[i]
                successes += bool(infos[i]["is_success"])
            returns[i] = lengths[i] = 0
    return Evaluation(episodes, successes, float(total / episodes), float(steps / episodes))


def report(folder: Path, objects: str, result: Evaluation, steps: int) -> None:
    """Write evaluation-<objects>.json and print the result in one line."""
    low, high = result.interval
    content = {"objects": objects, "steps": steps, **dataclasses.asdict(result)}
    content |= {"success_rate": result.rate, "low": low, "high": high}
    name = objects if objects.isidentifier() else "custom"
    replace_file(folder / f"evaluation-{name}.json", json_lines(content))
    print(f"{folder} on {objects}: {result}.")


def read_rows(path: Path) -> list[dict[str, float]]:
    """Return the evaluations in a CSV file, none if there is no file."""
    if not path.exists():
        return []
    with path.open(newline="") as file:
        return [{name: float(value) for name, value in row.items()} for row in csv.DictReader(file)]


def write_rows(path: Path, rows: list[dict[str, float]]) -> None:
    """Write evaluations to a CSV file."""
    text = io.StringIO()
    writer = csv.DictWriter(text, list(rows[0]), lineterminator="\n")
    writer.writeheader()
    writer.writerows([{**row, "steps": int(row["steps"])} for row in rows])
    replace_file(path, text.getvalue().encode())


def draw_curve(path: Path, rows: list[dict[str, float]], title: str) -> None:
    """Draw success over steps with its interval.

    Raises:
        GraspsimError: if matplotlib is not installed.
    """
    agg = require_matplotlib()
    from matplotlib.figure import Figure
    from matplotlib.ticker import PercentFormatter

    figure = Figure(figsize=(8, 5), dpi=120, layout="constrained")
    axes = figure.add_subplot()
    columns = {name: np.array([row[name] for row in rows]) for name in rows[0]}
    steps, rate = columns["steps"] / 1000, columns["success_rate"]
    axes.fill_between(steps, columns["low"], columns["high"], alpha=0.2, linewidth=0, label="95 % interval")
    axes.plot(steps, rate, marker="o", markersize=4, label="success")
    note = f"{rate[-1]:.0%} after {columns['wall_s'][-1] / 60:.0f} min"
    axes.annotate(note, (steps[-1], rate[-1]), textcoords="offset points", xytext=(0, -20), ha="right")
    axes.set(title=title, xlabel="thousands of steps", ylabel="success rate", xlim=(0, None), ylim=(0, 1.02))
    axes.yaxis.set_major_formatter(PercentFormatter(1.0))
    axes.grid(alpha=0.3)
    axes.legend(loc="lower right")
    picture = io.BytesIO()
    agg.FigureCanvasAgg(figure).print_png(picture)
    replace_file(path, picture.getvalue())
