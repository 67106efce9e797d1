"""What a collection of objects spans, in numbers."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from graspsim.geometry import Array
from graspsim.models import ObjectModel, Symmetries
from graspsim.shape_measures import complexity, elongation

MOST_COMPLEX_BITS = 4.0
COMPLEXITY_CELLS, ELONGATION_CELLS = 16, 10
"""The plane that coverage is stated on: complexity from 0 to 4 bits, elongation from 0 to 1."""


@dataclass(frozen=True, eq=False)
class Measures:
    """What the statistics need of an object.

    Attributes:
        source: its family or file.
        kind: what it is called.
        extents_m: (3,) of its box.
        volume_m3: that it encloses.
        complexity_bits: see `graspsim.shape_measures`.
        elongation: see there.
        parts: number of convex parts.
        faces: number of triangles.
        symmetry: "none", "x2" for a group of two rotations and so on, "round" for a continuous axis.
    """

    source: str
    kind: str
    extents_m: Array
    volume_m3: float
    complexity_bits: float
    elongation: float
    parts: int
    faces: int
    symmetry: str


def measure(source: str, model: ObjectModel) -> Measures:
    """Return the measures of a model of a family or file."""
    return Measures(
        source,
        model.name,
        model.extents_m,
        model.volume_m3,
        complexity(model.mesh),
        elongation(model.inertia_per_density),
        len(model.parts),
        len(model.mesh.faces),
        symmetry_kind(model.symmetries),
    )


def symmetry_kind(symmetries: Symmetries) -> str:
    """Return the size of a symmetry group in words."""
    if len(symmetries.continuous) > 1:
        return "ball"
    if symmetries.continuous:
        return "round"
    return f"x{len(symmetries.discrete) + 1}" if symmetries.discrete else "none"


def covered_cells(measures: Sequence[Measures]) -> Array:
    """Return which cells (complexity, elongation) hold an object; what lies beyond the plane counts as on its rim."""
    x = np.array([m.complexity_bits for m in measures]) / MOST_COMPLEX_BITS * COMPLEXITY_CELLS
    y = np.array([m.elongation for m in measures]) * ELONGATION_CELLS
    cells = np.zeros((COMPLEXITY_CELLS, ELONGATION_CELLS), dtype=bool)
    cells[np.clip(x.astype(int), 0, COMPLEXITY_CELLS - 1), np.clip(y.astype(int), 0, ELONGATION_CELLS - 1)] = True
    return cells


def statistics_table(measures: Sequence[Measures]) -> str:
    """Return one line per family, or file, and one for all of them."""
    head = ("family", "n", "length mm", "thinnest mm", "volume cm3", "complexity", "elongation", "parts", "faces")
    rows: list[tuple[str, ...]] = [(*head, "covers", "symmetries")]
    sources = list(dict.fromkeys(m.source for m in measures))
    groups = [(source, [m for m in measures if m.source == source]) for source in sources]
    for source, group in [*groups, ("all", list(measures))]:
        numbers = (
            ([1000 * m.extents_m.max() for m in group], "{:.0f}"),
            ([1000 * m.extents_m.min() for m in group], "{:.0f}"),
            ([1e6 * m.volume_m3 for m in group], "{:.1f}"),
            ([m.complexity_bits for m in group], "{:.2f}"),
            ([m.elongation for m in group], "{:.2f}"),
            ([m.parts for m in group], "{:.0f}"),
            ([m.faces for m in group], "{:.0f}"),
        )
        spans = [f"{form.format(min(values))}-{form.format(max(values))}" for values, form in numbers]
        kinds = ", ".join(f"{kind} {count}" for kind, count in Counter(m.symmetry for m in group).most_common())
        rows.append((source, str(len(group)), *spans, f"{covered_cells(group).mean():.0%}", kinds))
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    lines = [
        "  ".join(
            cell.ljust(width) if i in (0, len(row) - 1) else cell.rjust(width)
            for i, (cell, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in rows
    ]
    note = (
        f"covers: share of the {COMPLEXITY_CELLS} x {ELONGATION_CELLS} cells of complexity (0 to "
        f"{MOST_COMPLEX_BITS:.0f} bits) x elongation (0 to 1) that hold an object"
    )
    return "\n".join([*lines, note])
