"""Objects of every family, dropped on a table, behave as things do."""

import numpy as np
import pytest

from graspsim import registry
from graspsim.catalogue.drop import drop_family


@pytest.mark.slow
@pytest.mark.parametrize("family", registry.names("family"))
def test_of_100_dropped_objects_none_sinks_floats_jitters_or_flies_away(family: str) -> None:
    drops = drop_family(family, 100)
    for drop in drops:
        # Parts stand for the surface to a few tenths of a millimetre, round walls to more.
        assert -0.002 < drop.sunk_m < 0.002, drop
        # What is round rolls; the table is a metre wide.
        assert drop.strayed_m < 0.8, drop
    assert np.mean([drop.at_rest for drop in drops]) > 0.9
    # What stands on an edge as it comes to rest tips over a moment later. Nothing else moves.
    assert sum(drop.at_rest and drop.crept_m > 0.0005 for drop in drops) <= 2
