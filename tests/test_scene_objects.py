from dataclasses import replace

import pytest

from graspsim.object_set import ObjectSet
from graspsim.scene_objects import SceneObjects
from graspsim.spec import DistractorsSpec, ObjectsSpec, SceneSpec

SPEC = SceneSpec(
    objects=ObjectsSpec(families=("primitives", "superquadrics"), models=6),
    distractors=DistractorsSpec(families=("primitives", "lathe"), models=3),
)


def test_targets_come_first_and_distractors_after() -> None:
    objects = SceneObjects(SPEC, 0)
    assert list(objects.target_ids) == [1, 2, 3, 4, 5, 6]
    assert list(objects.distractor_ids) == [7, 8, 9]
    assert list(objects) == list(range(1, 10))
    assert len(objects) == 9


def test_targets_are_those_of_the_object_set_of_the_same_spec() -> None:
    objects, alone = SceneObjects(SPEC, 4), ObjectSet(SPEC.objects, 4)
    assert tuple(objects.member(i) for i in objects.target_ids) == alone.members
    assert objects[3].volume_m3 == alone[3].volume_m3


def test_no_distractor_is_a_target() -> None:
    objects = SceneObjects(SPEC, 0)
    assert len({objects[i].volume_m3 for i in objects}) == 9


@pytest.mark.parametrize("obj_id", [0, -1, 10])
def test_a_number_that_is_none_of_theirs_is_a_key_error(obj_id: int) -> None:
    objects = SceneObjects(SPEC, 0)
    with pytest.raises(KeyError):
        objects[obj_id]
    assert obj_id not in objects
    assert objects.get(obj_id) is None


def test_without_distractor_families_there_are_none() -> None:
    objects = SceneObjects(replace(SPEC, distractors=DistractorsSpec(families=())), 0)
    assert len(objects) == 6
    assert list(objects.distractor_ids) == []


def test_a_family_held_out_of_training_is_no_distractor_either() -> None:
    held = replace(SPEC, objects=replace(SPEC.objects, heldout_families=("lathe",)))
    names = {SceneObjects(held, 0)[i].name for i in SceneObjects(held, 0).distractor_ids}
    assert names <= {"box", "cylinder", "ellipsoid", "cone", "capsule", "prism"}
    test = replace(held, objects=replace(held.objects, split="heldout"))
    assert {SceneObjects(test, 0).member(i).source for i in SceneObjects(test, 0).target_ids} == {"lathe"}
