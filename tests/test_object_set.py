import hashlib

import numpy as np
import pytest
import trimesh

import graspsim.object_set
from graspsim.errors import MeshError
from graspsim.models import make_object
from graspsim.object_set import ObjectSet
from graspsim.spec import DistractorsSpec, ObjectsSpec, SceneSpec

SPEC = SceneSpec(
    objects=ObjectsSpec(families=("primitives", "superquadrics"), models=6),
    distractors=DistractorsSpec(families=("primitives",), models=3),
)


@pytest.fixture
def block(tmp_path, monkeypatch):
    """A wooden block in millimetres, in a file of its own."""
    monkeypatch.setenv("GRASPSIM_CACHE", str(tmp_path / "cache"))
    path = tmp_path / "block.obj"
    trimesh.creation.box((60.0, 40.0, 20.0)).export(path)
    return str(path)


def digest(model):
    arrays = (model.mesh.vertices, model.mesh.faces, *model.parts)
    return hashlib.sha256(b"".join(a.tobytes() for a in arrays)).hexdigest()


def test_a_model_is_a_function_of_seed_and_number_alone():
    forwards, backwards = ObjectSet(SPEC, 7), ObjectSet(SPEC, 7)
    a = {i: digest(forwards[i]) for i in forwards}
    b = {i: digest(backwards[i]) for i in reversed(list(backwards))}
    assert a == b
    assert digest(ObjectSet(SPEC, 7)[5]) == a[5]


def test_models_differ_by_number_and_by_seed():
    digests = {digest(ObjectSet(SPEC, seed)[i]) for seed in (7, 8) for i in range(1, 10)}
    assert len(digests) == 18


def test_more_models_leave_those_there_were_untouched():
    more = SceneSpec(objects=ObjectsSpec(families=SPEC.objects.families, models=12), distractors=SPEC.distractors)
    a, b = ObjectSet(SPEC, 1), ObjectSet(more, 1)
    assert all(digest(a[i]) == digest(b[i]) for i in a.target_ids)


def test_targets_come_first_and_distractors_after():
    objects = ObjectSet(SPEC, 0)
    assert list(objects.target_ids) == [1, 2, 3, 4, 5, 6]
    assert list(objects.distractor_ids) == [7, 8, 9]
    assert list(objects) == list(range(1, 10))
    assert len(objects) == 9


@pytest.mark.parametrize("obj_id", [0, -1, 10])
def test_a_number_that_is_none_of_theirs_is_a_key_error(obj_id):
    objects = ObjectSet(SPEC, 0)
    with pytest.raises(KeyError):
        objects[obj_id]
    assert obj_id not in objects
    assert objects.get(obj_id) is None


def test_families_take_turns():
    objects = ObjectSet(SPEC, 0)
    assert [objects[i].name == "superquadric" for i in objects.target_ids] == [True, False] * 3


def test_without_distractor_families_there_are_none():
    objects = ObjectSet(SceneSpec(objects=SPEC.objects, distractors=DistractorsSpec(families=())), 0)
    assert len(objects) == 6
    assert list(objects.distractor_ids) == []


def test_memory_is_bounded_and_keeps_what_was_used_last(monkeypatch):
    monkeypatch.setattr(graspsim.object_set, "_KEPT", 3)
    made = []

    def make(family, rng):
        made.append(family)
        return make_object(family, rng)

    monkeypatch.setattr(graspsim.object_set, "make_object", make)
    objects = ObjectSet(SPEC, 0)
    first = objects[1]
    for obj_id in (2, 3, 1, 4):
        objects[obj_id]
    assert objects[1] is first
    assert len(made) == 4
    assert len(objects._made) == 3
    objects[2]
    assert len(made) == 5


def test_mesh_files_join_before_the_families_fill_up(block):
    spec = SceneSpec(objects=ObjectsSpec(families=("primitives",), meshes=(block,), mesh_scale=0.001, models=4))
    objects = ObjectSet(spec, 0)
    assert objects.target_count == 4
    np.testing.assert_allclose(objects[1].extents_m, (0.06, 0.04, 0.02), atol=1e-9)
    assert digest(objects[2]) == digest(ObjectSet(SceneSpec(objects=ObjectsSpec(families=("primitives",))), 0)[2])


@pytest.mark.parametrize(("families", "models"), [((), 4), (("primitives",), 1), (("primitives",), 2)])
def test_mesh_files_are_all_there_is_where_nothing_is_left_to_fill(block, families, models):
    spec = SceneSpec(objects=ObjectsSpec(families=families, meshes=(block, block), mesh_scale=0.001, models=models))
    assert ObjectSet(spec, 0).target_count == 2


def test_a_mesh_file_that_is_missing_is_named_when_first_asked_for(tmp_path):
    spec = SceneSpec(objects=ObjectsSpec(meshes=(str(tmp_path / "nowhere.obj"),)))
    objects = ObjectSet(spec, 0)
    with pytest.raises(MeshError, match=r"nowhere\.obj"):
        objects[1]
