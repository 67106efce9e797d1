import itertools

import numpy as np
import pytest

from graspsim.errors import SpecError
from graspsim.streams import Stream, check_seed, generator


def first(*name):
    return int(generator(*name).integers(2**63))


def test_the_same_name_gives_the_same_stream():
    assert first(3, 7, Stream.CAMERA, 2) == first(3, 7, Stream.CAMERA, 2)


def test_streams_that_differ_in_anything_differ():
    every = [
        (seed, index, stream, *key)
        for seed, index, stream in itertools.product((0, 1, 2**64 - 1), (0, 1, 2**40), Stream)
        for key in ((), (0,), (1,), (0, 0), (0, 1), (2, 1), (2**32 - 1,))
    ]
    # SeedSequence pads with zeros what is shorter than its pool, so it is worth showing that a key of 0 counts.
    assert len({first(*name) for name in every}) == len(every)


def test_neighbouring_streams_are_uncorrelated():
    draws = np.array([generator(0, index, Stream.LAYOUT).normal(size=2000) for index in range(20)])
    correlation = np.corrcoef(draws) - np.eye(20)
    assert np.abs(correlation).max() < 5 / np.sqrt(2000)


def test_numbers_of_streams_are_frozen_as_datasets_depend_on_them():
    assert {s.name: s.value for s in Stream} == {
        "LAYOUT": 0,
        "OBJECTS": 1,
        "PHYSICS": 2,
        "TEXTURES": 3,
        "LIGHTS": 4,
        "BACKGROUND": 5,
        "CAMERA": 6,
        "DISTRACTORS": 7,
        "SENSOR": 8,
        "MODELS": 9,
        "CONTROL": 10,
        "TASK": 11,
    }


def test_the_first_draw_of_a_stream_never_changes():
    assert first(0, 0, Stream.LAYOUT) == 5212420523617970750


@pytest.mark.parametrize("seed", [0, 1, 2**63, 2**64 - 1])
def test_every_64_bit_seed_is_legal(seed):
    assert check_seed(seed) == seed
    assert first(seed, 0, Stream.LAYOUT) >= 0


@pytest.mark.parametrize("seed", [-1, 2**64])
def test_a_seed_out_of_range_raises_and_is_named(seed):
    with pytest.raises(SpecError, match=rf"seed must lie in \[0, 2\^64 - 1\]; got {seed}\."):
        check_seed(seed)
