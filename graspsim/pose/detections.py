"""Where objects may be in a picture, and which of several detections of one are worth a closer look."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from graspsim.geometry import Array
from graspsim.pose.networks import SHOWN

OVERLAP = 0.6
"""Of two boxes of one kind, intersection over union, above which the lower peak is dropped."""


@dataclass(frozen=True, eq=False)
class Detection:
    """An object in an image.

    Attributes:
        kind: its place among the known objects.
        score: height of the peak, from 0 to 1.
        box_px: (x, y, width, height).
    """

    kind: int
    score: float
    box_px: tuple[float, float, float, float]


def without_doubles(found: list[Detection]) -> list[Detection]:
    """Return detections, the surest first, without those that overlap a surer one of their kind."""
    kept: list[Detection] = []
    for each in sorted(found, key=lambda detection: -detection.score):
        if all(each.kind != other.kind or box_overlap(each.box_px, other.box_px) < OVERLAP for other in kept):
            kept.append(each)
    return kept


def near_the_best(kinds: list[int], scores: list[float], share: float) -> list[int]:
    """Return which detections score more than a share of what the best of their kind does."""
    best: dict[int, float] = {}
    for kind, score in zip(kinds, scores, strict=True):
        best[kind] = max(score, best.get(kind, 0.0))
    return [i for i, (kind, score) in enumerate(zip(kinds, scores, strict=True)) if score > share * best[kind]]


def box_told(there: NDArray[np.float32], square: Array) -> tuple[float, float, float, float] | None:
    """Return the box (x, y, width, height) of where an object is told to be (n, n) in a square; None if nowhere."""
    x, y, side, _ = square
    cell = side / len(there)
    spans = []
    for along in (there.max(axis=0), there.max(axis=1)):
        over = np.flatnonzero(along > SHOWN)
        if not len(over):
            return None
        # To where the probability falls below, between the middles of two cells; up to the rim, if it does not.
        line = np.concatenate([along[:1], along, along[-1:]])
        first, last = over[0] + 1, over[-1] + 1
        low = first - 0.5 - _beyond(line[first], line[first - 1])
        high = last - 0.5 + _beyond(line[last], line[last + 1])
        spans.append((max(low, 0.0) * cell, min(high, len(there)) * cell))
    (left, right), (top, bottom) = spans
    return float(x + left), float(y + top), float(right - left), float(bottom - top)


def _beyond(inside: float, outside: float) -> float:
    """Return how much of the way to the next cell a probability stays above `SHOWN`."""
    return 1.0 if outside >= SHOWN else float((inside - SHOWN) / (inside - outside))


def box_overlap(first: tuple[float, ...], second: tuple[float, ...]) -> float:
    """Return the intersection over union of two boxes (x, y, width, height)."""
    a, b = np.array(first), np.array(second)
    sides = np.minimum(a[:2] + a[2:], b[:2] + b[2:]) - np.maximum(a[:2], b[:2])
    both = float(np.prod(np.maximum(sides, 0)))
    union = float(a[2] * a[3] + b[2] * b[3]) - both
    return both / union if union > 0 else 0.0
