import hashlib
from dataclasses import replace

import numpy as np
import pytest
import trimesh

import graspsim.object_set
from graspsim import registry
from graspsim.errors import GraspsimError, MeshError, SpecError, UnknownNameError
from graspsim.models import ObjectModel, make_object
from graspsim.object_set import ObjectSet, evenly_chosen, object_set
from graspsim.shape_measures import complexity
from graspsim.spec import SetSpec

SPEC = SetSpec(("primitives", "superquadrics"), models=6)


@pytest.fixture
def block(tmp_path, monkeypatch):
    """A wooden block in millimetres, in a file of its own."""
    monkeypatch.setenv("GRASPSIM_CACHE", str(tmp_path / "cache"))
    path = tmp_path / "block.obj"
    trimesh.creation.box((60.0, 40.0, 20.0)).export(path)
    return str(path)


def digest(model: ObjectModel) -> str:
    arrays = (model.mesh.vertices, model.mesh.faces, *model.parts)
    return hashlib.sha256(b"".join(a.tobytes() for a in arrays)).hexdigest()


def test_a_model_is_a_function_of_seed_and_number_alone() -> None:
    forwards, backwards = ObjectSet(SPEC, 7), ObjectSet(SPEC, 7)
    a = {i: digest(forwards[i]) for i in forwards}
    b = {i: digest(backwards[i]) for i in reversed(list(backwards))}
    assert a == b
    assert digest(ObjectSet(SPEC, 7)[5]) == a[5]


def test_models_differ_by_number_by_seed_and_by_kind() -> None:
    sets = [ObjectSet(SPEC, seed, kind) for seed in (7, 8) for kind in (0, 1)]
    assert len({digest(objects[i]) for objects in sets for i in objects}) == 24


def test_more_models_leave_those_there_were_untouched() -> None:
    weighted = replace(SPEC, families=("primitives:2", "superquadrics:0.7", "lathe"))
    for spec in (SPEC, weighted):
        assert ObjectSet(spec, 1).members == ObjectSet(replace(spec, models=40), 1).members[:6]


def test_a_member_is_made_again_from_its_family_and_seed() -> None:
    objects = ObjectSet(SPEC, 3)
    for number, member in enumerate(objects.members, start=1):
        assert member.seed is not None
        assert digest(make_object(member.source, np.random.default_rng(member.seed))) == digest(objects[number])


@pytest.mark.parametrize("number", [0, -1, 7])
def test_a_number_that_is_none_of_theirs_is_a_key_error(number: int) -> None:
    objects = ObjectSet(SPEC, 0)
    with pytest.raises(KeyError):
        objects[number]
    assert number not in objects


def test_families_take_turns_by_their_weights() -> None:
    spec = SetSpec(("primitives:3", "lathe", "blocks:0.5"), models=90)
    sources = [member.source for member in ObjectSet(spec, 0).members]
    assert [sources.count(family) for family in ("primitives", "lathe", "blocks")] == [60, 20, 10]
    # Not in blocks: after any number of models, each has had its share to within one.
    for n in range(1, 91):
        assert abs(sources[:n].count("primitives") - n * 2 / 3) < 1


def test_train_and_heldout_share_no_seed_whatever_the_seeds() -> None:
    seeds = {
        split: {
            member.seed
            for seed in range(20)
            for kind in (0, 1)
            for member in ObjectSet(replace(SPEC, models=50, split=split), seed, kind).members
        }
        for split in ("train", "heldout")
    }
    assert len(seeds["train"]) == len(seeds["heldout"]) == 2000
    assert not seeds["train"] & seeds["heldout"]
    assert {seed % 2 for seed in seeds["train"] if seed is not None} == {0}


def test_heldout_families_are_absent_from_training_and_all_that_is_held_out() -> None:
    spec = SetSpec(("primitives", "lathe", "blocks:2"), models=30, heldout_families=("lathe",))
    train = {member.source for member in ObjectSet(spec, 0).members}
    heldout = {member.source for member in ObjectSet(replace(spec, split="heldout"), 0).members}
    assert (train, heldout) == ({"primitives", "blocks"}, {"lathe"})


def test_a_size_range_scales_every_model_into_it() -> None:
    spec = SetSpec(("lathe", "blocks"), models=12, size_m=0.1)
    assert [objects.extents_m.max() for objects in ObjectSet(spec, 0).values()] == pytest.approx([0.1] * 12)
    plain = ObjectSet(replace(spec, size_m=0.0), 0)
    for number, model in ObjectSet(spec, 0).items():
        # The same shapes, of another size.
        np.testing.assert_allclose(model.extents_m / 0.1, plain[number].extents_m / plain[number].extents_m.max())


def test_a_balanced_set_covers_complexity_more_evenly(tmp_path, monkeypatch) -> None:
    monkeypatch.setenv("GRASPSIM_CACHE", str(tmp_path))
    spec = SetSpec(("primitives", "superquadrics", "lathe"), models=24)

    def unevenness(objects: ObjectSet) -> float:
        """Largest gap between neighbours, over the whole range."""
        values = np.sort([complexity(model.mesh) for model in objects.values()])
        return float(np.diff(values).max() / np.ptp(values))

    balanced = replace(spec, balanced=True)
    plain, even = ObjectSet(spec, 5), ObjectSet(balanced, 5)
    assert len(even) == 24
    assert len(set(even.members)) == 24
    assert np.ptp([complexity(m.mesh) for m in even.values()]) >= np.ptp([complexity(m.mesh) for m in plain.values()])
    assert unevenness(even) < unevenness(plain)
    # The second time it comes out of the cache, and a damaged cache is made anew.
    again = ObjectSet(balanced, 5).members
    (kept,) = tmp_path.glob("balance-*.json")
    kept.write_text("{")
    assert again == even.members == ObjectSet(balanced, 5).members


def test_even_choices_take_the_extremes_and_what_lies_between() -> None:
    values = np.array([0.0, 0.01, 0.02, 0.03, 0.5, 0.98, 0.99, 1.0])
    assert evenly_chosen(values, 3) == [0, 4, 7]
    assert evenly_chosen(values, 8) == list(range(8))


def test_memory_is_bounded_and_keeps_what_was_used_last(monkeypatch) -> None:
    monkeypatch.setattr(graspsim.object_set, "_KEPT", 3)
    made = []

    def make(family, rng):
        made.append(family)
        return make_object(family, rng)

    monkeypatch.setattr(graspsim.object_set, "make_object", make)
    objects = ObjectSet(SPEC, 0)
    first = objects[1]
    for number in (2, 3, 1, 4):
        objects[number]
    assert objects[1] is first
    assert len(made) == 4
    objects[2]
    assert len(made) == 5


def test_mesh_files_join_before_the_families_fill_up(block: str) -> None:
    objects = ObjectSet(SetSpec(("primitives",), (block,), 0.001, models=4), 0)
    assert len(objects) == 4
    np.testing.assert_allclose(objects[1].extents_m, (0.06, 0.04, 0.02), atol=1e-9)
    assert digest(objects[2]) == digest(ObjectSet(SetSpec(("primitives",)), 0)[2])


@pytest.mark.parametrize(("families", "models"), [((), 4), (("primitives",), 1), (("primitives",), 2)])
def test_mesh_files_are_all_there_is_where_nothing_is_left_to_fill(block: str, families, models: int) -> None:
    assert len(ObjectSet(SetSpec(families, (block, block), 0.001, models=models), 0)) == 2


def test_a_mesh_file_that_is_missing_is_named_when_first_asked_for(tmp_path) -> None:
    objects = ObjectSet(SetSpec((), (str(tmp_path / "nowhere.obj"),)), 0)
    with pytest.raises(MeshError, match=r"nowhere\.obj"):
        objects[1]


@pytest.mark.parametrize("name", registry.names("set"))
def test_every_named_set_gives_models(name: str) -> None:
    objects = object_set(name, seed=1, models=3)
    assert [objects[n].volume_m3 > 0 for n in objects] == [True] * 3


@pytest.mark.parametrize(
    ("make", "error", "message"),
    [
        (lambda: object_set("heldut", 0), UnknownNameError, "Did you mean 'heldout'"),
        (lambda: object_set("heldout", 0, model=3), UnknownNameError, "Did you mean 'models'"),
        (lambda: ObjectSet(SetSpec(("lath",)), 0), UnknownNameError, "Did you mean 'lathe'"),
        (lambda: ObjectSet(SetSpec(("lathe:x",)), 0), SpecError, "positive number, as in lathe:3; got 'lathe:x'"),
        (lambda: ObjectSet(SetSpec(("lathe:-1",)), 0), SpecError, "got 'lathe:-1'"),
        (lambda: ObjectSet(SetSpec(("lathe:nan",)), 0), SpecError, "got 'lathe:nan'"),
        (lambda: ObjectSet(SetSpec(("lathe",), heldout_families=("lathe",)), 0), SpecError, "leaves none"),
        (lambda: ObjectSet(SetSpec(()), 0), SpecError, "both empty"),
    ],
)
def test_a_set_that_cannot_be_says_why(make, error: type[GraspsimError], message: str) -> None:
    with pytest.raises(error, match=message):
        make()
