"""A plot of how varied objects are: complexity against elongation."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from graspsim.catalogue.statistics import (
    COMPLEXITY_CELLS,
    ELONGATION_CELLS,
    MOST_COMPLEX_BITS,
    Measures,
    covered_cells,
)
from graspsim.dataset.pictures import save
from graspsim.errors import GraspsimError

_MARKERS = "osD^v"


def require_matplotlib() -> Any:
    """Return matplotlib's figure module.

    Raises:
        GraspsimError: if it is not installed.
    """
    try:
        import matplotlib.backends.backend_agg as agg
    except ImportError as error:
        raise GraspsimError("A plot needs matplotlib: pip install 'graspsim[plot]'.") from error
    return agg


def plot_coverage(measures: Sequence[Measures], path: Path) -> None:
    """Write a scatter plot of objects over the covered cells of the complexity x elongation plane.

    Raises:
        GraspsimError: if matplotlib is not installed.
        DatasetError: if the file cannot be written.
    """
    agg = require_matplotlib()
    from matplotlib.figure import Figure

    figure = Figure(figsize=(11, 7), dpi=120, layout="constrained")
    canvas = agg.FigureCanvasAgg(figure)
    axes = figure.add_subplot()
    cells = covered_cells(measures)
    axes.pcolormesh(
        np.linspace(0, MOST_COMPLEX_BITS, COMPLEXITY_CELLS + 1),
        np.linspace(0, 1, ELONGATION_CELLS + 1),
        np.where(cells.T, 0.9, 1.0),
        cmap="gray",
        vmin=0,
        vmax=1,
        edgecolors="white",
        linewidth=1,
    )
    sources = list(dict.fromkeys(m.source for m in measures))
    for i, source in enumerate(sources):
        group = [m for m in measures if m.source == source]
        axes.scatter(
            [m.complexity_bits for m in group],
            [m.elongation for m in group],
            s=22,
            color=_colors()[i % 10],
            marker=_MARKERS[i // 10 % len(_MARKERS)],
            edgecolors="black",
            linewidths=0.3,
            clip_on=False,
            label=Path(source).stem if "/" in source else source,
        )
    axes.set_xlim(0, MOST_COMPLEX_BITS)
    axes.set_ylim(0, 1)
    axes.set_xlabel("complexity in bits (entropy of angular deficits)")
    axes.set_ylabel("elongation (0: as broad as long, towards 1: a needle)")
    axes.set_title(f"{len(measures)} objects cover {cells.mean():.0%} of the plane")
    figure.legend(loc="outside right upper", frameon=False)
    canvas.draw()
    save(path, np.asarray(canvas.buffer_rgba())[..., :3].copy())


def _colors() -> list[Any]:
    from matplotlib import colormaps

    return list(colormaps["tab10"].colors)  # type: ignore[attr-defined]
