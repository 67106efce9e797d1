"""`scene_gt_coco.json`: visible masks as run lengths, amodal boxes; the same numbers as bop_toolkit's calc_gt_coco.py.

It holds no dates, so that the same scene gives the same bytes.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

IGNORE_BELOW = 0.1
"""Visible fraction under which BOP ignores an instance in evaluation."""

_NO_DATE = "1970-01-01 00:00:00"


def run_lengths(mask: NDArray[np.bool_], columns: slice = slice(None)) -> list[int]:
    """Return COCO's uncompressed counts of a mask (height, width): runs down the columns, the first one of zeros.

    Args:
        mask: the pixels.
        columns: which columns hold all of the mask's pixels; leaving the others out saves most of the time.
    """
    height, width = mask.shape
    start, stop, _ = columns.indices(width)
    column_major = np.zeros(height * (stop - start) + 2, np.bool_)
    column_major[1:-1] = mask[:, start:stop].T.reshape(-1)
    changes = np.flatnonzero(column_major[1:] != column_major[:-1]) + height * start
    return (
        [int(n) for n in np.diff(changes, prepend=0, append=mask.size) if n or len(changes) == 0]
        if False
        else (_counts(changes, mask.size))
    )
