import dataclasses
from pathlib import Path

import numpy as np
import pytest

import graspsim.object_set
from graspsim import registry
from graspsim.models import ObjectModel
from graspsim.object_set import ObjectSet
from graspsim.set_store import load_set, packed, unpacked
from graspsim.spec import SetSpec

SPEC = SetSpec(tuple(registry.names("family")), models=2 * len(registry.names("family")))


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("GRASPSIM_CACHE", str(tmp_path))
    return tmp_path


def assert_equal(one: object, other: object, where: str = "") -> None:
    """Compare everything, field by field and bit by bit."""
    if dataclasses.is_dataclass(one):
        assert type(one) is type(other)
        for field in dataclasses.fields(one):
            assert_equal(getattr(one, field.name), getattr(other, field.name), f"{where}.{field.name}")
    elif isinstance(one, np.ndarray):
        assert isinstance(other, np.ndarray), where
        assert one.dtype == other.dtype, where
        assert np.array_equal(one, other), where
    elif isinstance(one, tuple):
        assert isinstance(other, tuple), where
        assert len(one) == len(other), where
        for i, (a, b) in enumerate(zip(one, other, strict=True)):
            assert_equal(a, b, f"{where}[{i}]")
    else:
        assert one == other, where


def test_a_stored_set_is_the_set(cache: Path) -> None:
    made = dict(ObjectSet(SPEC, 2))
    for _ in range(2):
        loaded = load_set(ObjectSet(SPEC, 2))
        assert list(loaded) == list(made)
        for number, model in made.items():
            assert_equal(model, loaded[number], f"model {number}")


def test_the_second_time_nothing_is_made(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    spec = SetSpec(("primitives",), models=3)
    first = load_set(ObjectSet(spec, 0))

    def refuse(*_: object) -> ObjectModel:
        raise AssertionError("made again")

    monkeypatch.setattr(graspsim.object_set, "make_object", refuse)
    assert load_set(ObjectSet(spec, 0))[3].volume_m3 == first[3].volume_m3
    with pytest.raises(AssertionError, match="made again"):
        load_set(ObjectSet(spec, 1))


def test_a_damaged_file_is_made_anew(cache: Path) -> None:
    spec = SetSpec(("primitives",), models=2)
    volume_m3 = load_set(ObjectSet(spec, 0))[2].volume_m3
    (path,) = cache.glob("set-*.npz")
    whole = path.read_bytes()
    for damaged in (whole[: len(whole) // 2], b""):
        path.write_bytes(damaged)
        assert load_set(ObjectSet(spec, 0))[2].volume_m3 == volume_m3
        assert path.read_bytes()[:2] == b"PK"


def test_packing_loses_nothing() -> None:
    models = [ObjectSet(SPEC, 9)[n] for n in (1, 4, 5)]
    for before, after in zip(models, unpacked(packed(models)), strict=True):
        assert_equal(before, after)
