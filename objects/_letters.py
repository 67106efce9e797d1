"""Letters of straight strokes, which lie flat."""

import numpy as np

from graspsim.assembly import assembled
from graspsim.geometry import rotation_about
from graspsim.models import ObjectModel
from graspsim.shapes import symmetry_group
from graspsim.solids import extruded

AXES = dict(zip("xyz", np.eye(3), strict=True))

# Strokes of letters on a grid of width 1 and height 1: (x, y) of the two ends. Upright and slanting ones are cut level,
# level ones upright.
LETTERS: dict[str, tuple[tuple[float, float, float, float], ...]] = {
    "A": ((0.1, 0, 0.5, 1), (0.9, 0, 0.5, 1), (0.2, 0.3, 0.8, 0.3)),
    "E": ((0.1, 0, 0.1, 1), (0, 0.1, 1, 0.1), (0, 0.5, 0.8, 0.5), (0, 0.9, 1, 0.9)),
    "F": ((0.1, 0, 0.1, 1), (0, 0.5, 0.8, 0.5), (0, 0.9, 1, 0.9)),
    "H": ((0.1, 0, 0.1, 1), (0.9, 0, 0.9, 1), (0, 0.5, 1, 0.5)),
    "I": ((0.5, 0, 0.5, 1), (0.15, 0.1, 0.85, 0.1), (0.15, 0.9, 0.85, 0.9)),
    "K": ((0.1, 0, 0.1, 1), (0.15, 0.5, 0.88, 1), (0.15, 0.5, 0.88, 0)),
    "L": ((0.1, 0, 0.1, 1), (0, 0.1, 1, 0.1)),
    "M": ((0.1, 0, 0.1, 1), (0.9, 0, 0.9, 1), (0.1, 1, 0.5, 0.3), (0.9, 1, 0.5, 0.3)),
    "N": ((0.1, 0, 0.1, 1), (0.9, 0, 0.9, 1), (0.1, 1, 0.9, 0)),
    "T": ((0.5, 0, 0.5, 1), (0, 0.9, 1, 0.9)),
    "U": ((0.1, 0, 0.1, 1), (0.9, 0, 0.9, 1), (0, 0.1, 1, 0.1)),
    "V": ((0.1, 1, 0.5, 0), (0.9, 1, 0.5, 0)),
    "X": ((0.1, 0, 0.9, 1), (0.1, 1, 0.9, 0)),
    "Y": ((0.1, 1, 0.5, 0.45), (0.9, 1, 0.5, 0.45), (0.5, 0, 0.5, 0.5)),
    "Z": ((0, 0.1, 1, 0.1), (0.1, 0, 0.9, 1), (0, 0.9, 1, 0.9)),
}
# Half turns that map a flat letter onto itself.
TURNS = {
    "A": "y",
    "E": "x",
    "H": "xy",
    "I": "xy",
    "K": "x",
    "M": "y",
    "N": "z",
    "T": "y",
    "U": "y",
    "V": "y",
    "X": "xy",
    "Y": "y",
    "Z": "z",
}


def flat_letter(letter: str, size_ratio: float, stoutness: float, rng: np.random.Generator) -> ObjectModel:
    """Return one of `LETTERS`, lying flat; how thick it is, is drawn."""
    wide, high = 0.05 * size_ratio, 0.072 * size_ratio
    half, thick = 0.1 * stoutness, 0.02 * size_ratio * rng.uniform(0.8, 1.2)
    strokes = []
    for x0, y0, x1, y1 in LETTERS[letter]:
        (x0, y0), (x1, y1) = sorted(((x0, y0), (x1, y1)), key=lambda end: end[1])
        if y0 == y1:
            up = half * wide / high
            level = _at_rim(y0, up)
            corners = [(x0, level - up), (x1, level - up), (x1, level + up), (x0, level + up)]
        else:
            out = half * (1.0 if x0 == x1 else 1.25)
            low, top = _at_rim(x0, out), _at_rim(x1, out)
            corners = [(low - out, y0), (low + out, y0), (top + out, y1), (top - out, y1)]
        outline = (np.array(corners) - 0.5) * (wide, high)
        strokes.append(extruded(outline, [range(4)], thick))
    turns = [rotation_about(AXES[name], np.pi) for name in TURNS.get(letter, "")]
    return assembled(f"letter {letter}", strokes, symmetry_group(*turns), crease_rad=0.1)


def _at_rim(place: float, half: float) -> float:
    """Return the place of a stroke; one beside the rim, at 0.1 or 0.9, ends with it whatever its width."""
    return half if place == 0.1 else 1 - half if place == 0.9 else place
