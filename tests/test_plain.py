import dataclasses
import json

import numpy as np
import pytest
import yaml

from graspsim.distributions import Choice, Distribution, Integers, LogUniform, Normal, Uniform
from graspsim.errors import SpecError, UnknownNameError
from graspsim.plain import from_plain, overlaid, to_plain
from graspsim.registry import load, names
from graspsim.sampling import sample_scene
from graspsim.scene import Scene
from graspsim.scene_objects import SceneObjects
from graspsim.spec import ColorSpec, ObjectsSpec, SceneSpec
from graspsim.spec_check import check_spec

BASE = SceneSpec()


def through_json(value):
    return json.loads(json.dumps(to_plain(value), allow_nan=False))


def small(spec):
    """Return the spec with few and simple objects, since only their number matters here."""
    return dataclasses.replace(spec, objects=ObjectsSpec(families=("primitives",), models=3, count=Integers(2, 4)))


@pytest.mark.parametrize("name", names("scene"))
def test_every_named_scene_round_trips_through_json_and_yaml(name):
    spec = load("scene", name)
    assert from_plain(SceneSpec, through_json(spec)) == spec
    assert from_plain(SceneSpec, yaml.safe_load(yaml.safe_dump(to_plain(spec)))) == spec


@pytest.mark.parametrize("name", names("scene"))
def test_a_sampled_scene_round_trips_through_json(name):
    spec = small(load("scene", name))
    for index in range(5):
        scene = sample_scene(spec, SceneObjects(spec, 2**64 - 1), 2**64 - 1, index)
        assert from_plain(Scene, through_json(scene)) == scene


def test_what_is_left_out_keeps_its_default():
    assert from_plain(SceneSpec, {}) == BASE
    assert from_plain(SceneSpec, {"lights": {"count": 2}}).lights == dataclasses.replace(BASE.lights, count=2)


def test_what_has_no_default_must_be_given():
    with pytest.raises(SpecError, match="Scene lacks a key"):
        from_plain(Scene, {})


def test_to_plain_writes_distributions_as_text_and_tuples_as_lists():
    plain = to_plain(SceneSpec())
    assert plain["objects"]["count"] == "I(5, 15)"
    assert plain["camera"]["look_at_m"] == ["N(0.0, 0.03)", "N(0.0, 0.03)", "N(0.0, 0.01)"]
    assert plain["objects"]["meshes"] == []


# overlaid


@pytest.mark.parametrize(
    ("plain", "section", "field", "value"),
    [
        ({"physics": {"friction": "LogU(0.2, 1)"}}, "physics", "friction", LogUniform(0.2, 1)),
        ({"physics": {"friction": 1}}, "physics", "friction", 1.0),
        ({"objects": {"count": "{3|5}"}}, "objects", "count", Choice((3, 5))),
        ({"objects": {"families": "lathe, blocks"}}, "objects", "families", ("lathe", "blocks")),
        ({"objects": {"families": ["lathe"]}}, "objects", "families", ("lathe",)),
        ({"objects": {"families": "[]"}}, "objects", "families", ()),
        ({"objects": {"meshes": "a/mug (2).obj,b.ply"}}, "objects", "meshes", ("a/mug (2).obj", "b.ply")),
        ({"objects": {"meshes": ["3"]}}, "objects", "meshes", ("3",)),
        ({"layout": {"kind": "{bin|tabletop}"}}, "layout", "kind", Choice(("bin", "tabletop"))),
        ({"lights": {"shadows": "false"}}, "lights", "shadows", False),
        ({"lights": {"shadows": False}}, "lights", "shadows", False),
        ({"camera": {"look_at_m": "0, 0, U(0, 0.1)"}}, "camera", "look_at_m", (0.0, 0.0, Uniform(0, 0.1))),
        ({"camera": {"look_at_m": [0, 0, "U(0, 0.1)"]}}, "camera", "look_at_m", (0.0, 0.0, Uniform(0, 0.1))),
    ],
)
def test_overlaid_changes_only_what_it_names(plain, section, field, value):
    changed = overlaid(BASE, plain)
    expected = dataclasses.replace(getattr(BASE, section), **{field: value})
    assert changed == dataclasses.replace(BASE, **{section: expected})
    assert repr(getattr(getattr(changed, section), field)) == repr(value)


def test_overlaid_keeps_what_the_base_has_and_the_default_has_not():
    base = dataclasses.replace(BASE, camera=dataclasses.replace(BASE.camera, width=100, look_at_m=(0.0, 1.0, 2.0)))
    changed = overlaid(base, {"camera": {"height": 50}})
    assert (changed.camera.width, changed.camera.height, changed.camera.look_at_m) == (100, 50, (0.0, 1.0, 2.0))


def test_a_single_item_of_a_tuple_is_set_by_its_number():
    before = BASE.camera.look_at_m
    after = overlaid(BASE, {"camera": {"look_at_m": {"2": "U(0, 0.1)"}}}).camera.look_at_m
    assert after == (*before[:2], Uniform(0, 0.1))


def test_one_part_of_one_color_is_set_by_its_path():
    changed = overlaid(BASE, {"appearance": {"material": {"colors": {1: {"hue": 0.5}}}}})
    assert changed.appearance.material.colors == (ColorSpec(), ColorSpec(hue=0.5), ColorSpec())
    assert changed.appearance.material.texture == BASE.appearance.material.texture


def test_colors_given_as_a_list_are_complete_colors():
    changed = overlaid(BASE, {"appearance": {"material": {"colors": [{"hue": 0.5}, {}, {"value": "N(0.5, 0.1)"}]}}})
    assert changed.appearance.material.colors == (ColorSpec(hue=0.5), ColorSpec(), ColorSpec(value=Normal(0.5, 0.1)))


def test_none_switches_an_optional_value_off():
    changed = overlaid(BASE, {"background": {"room": {"images": "photos"}}})
    assert changed.background.room.images == "photos"
    for none in (None, "none"):
        assert overlaid(changed, {"background": {"room": {"images": none}}}) == BASE


# Faults


@pytest.mark.parametrize(
    ("plain", "message"),
    [
        ({"light": {}}, r"no key of SceneSpec 'light'\. Did you mean 'lights'\?"),
        ({"physics": {"fiction": 1}}, r"no key of physics 'fiction'\. Did you mean 'friction'\?"),
        ({"lights": {"light": {"warmt": 1}}}, r"no key of lights\.light 'warmt'\. Did you mean 'warmth'\?"),
        ({"appearance": {"material": {"colors": [{"hew": 1}, {}, {}]}}}, r"no key of appearance\.material\.colors\.0"),
        ({"camera": {"look_at_m": {"3": 0}}}, r"no item of camera\.look_at_m '3'\..* Known: 0, 1, 2\."),
        ({"camera": {"look_at_m": {"x": 0}}}, r"no item of camera\.look_at_m 'x'\..* Known: 0, 1, 2\."),
        ({3: 4}, r"no key of SceneSpec '3'"),
        ({"physics": {"friction": "U(1, 2, 3)"}}, r"U takes two numbers"),
        ({"physics": {"friction": "Ln(1, 2)"}}, r"no distribution 'Ln'"),
    ],
)
def test_an_unknown_key_gives_the_nearest(plain, message):
    with pytest.raises((UnknownNameError, SpecError), match=message):
        overlaid(BASE, plain)


@pytest.mark.parametrize(
    ("plain", "message"),
    [
        ("tabletop", r"^SceneSpec must hold keys and values; got 'tabletop'\.$"),
        (None, r"^SceneSpec must hold keys and values; got None\.$"),
        ({"lights": "off"}, r"^lights must hold keys and values; got 'off'\.$"),
        ({"lights": "U(0, 1)"}, r"^lights must hold keys and values"),
        ({"lights": {"light": "{a|b}"}}, r"^lights\.light must hold keys and values"),
        ({"lights": [1]}, r"^lights must hold keys and values; got \[1\]\.$"),
        (
            {"physics": {"friction": "high"}},
            r"^physics\.friction must be a number, or a distribution .*; got 'high'\.$",
        ),
        (
            {"physics": {"friction": True}},
            r"^physics\.friction must be a number, or a distribution .*; got True\.$",
        ),
        (
            {"physics": {"friction": None}},
            r"^physics\.friction must be a number, or a distribution .*; got None\.$",
        ),
        (
            {"physics": {"friction": [1]}},
            r"^physics\.friction must be a number, or a distribution .*; got \[1\]\.$",
        ),
        (
            {"physics": {"friction": {"low": 1}}},
            r"^physics\.friction must be a number, or a distribution .*",
        ),
        (
            {"objects": {"count": 2.5}},
            r"^objects\.count must be a whole number, or a distribution .*; got 2\.5\.$",
        ),
        (
            {"layout": {"kind": 3}},
            r"^layout\.kind must be a word, or a distribution .*; got 3\.$",
        ),
        (
            {"lights": {"shadows": 1}},
            r"^lights\.shadows must be true or false, or a distribution .*; got 1\.$",
        ),
        ({"camera": {"look_at_m": "0, 0"}}, r"^camera\.look_at_m must hold 3 values; got 2"),
        ({"camera": {"look_at_m": 5}}, r"^camera\.look_at_m must hold 3 values; got 1: 5\.$"),
        (
            {"camera": {"look_at_m": "a, 0, 0"}},
            r"^camera\.look_at_m\.0 must be a number, or a distribution .*; got 'a'\.$",
        ),
    ],
)
def test_a_value_of_the_wrong_kind_is_named(plain, message):
    with pytest.raises(SpecError, match=message):
        overlaid(BASE, plain)


@pytest.mark.parametrize("name", names("scene"))
def test_every_leaf_of_a_named_scene_can_be_set_from_its_own_text(name):
    """One leaf at a time, as `--set` does; a leaf whose text is not read back would be one no one can set."""
    spec = load("scene", name)

    def leaves(value, path=()):
        if isinstance(value, dict):
            for key, item in value.items():
                yield from leaves(item, (*path, key))
        else:
            yield path, value

    for path, value in leaves(to_plain(spec)):
        if isinstance(value, list) and value and isinstance(value[0], dict):
            continue
        nested = "[" + ", ".join(str(v) for v in value) + "]" if isinstance(value, list) else str(value)
        for key in reversed(path):
            nested = {key: nested}
        assert overlaid(spec, nested) == spec, path


def test_overlaid_never_weakens_check_spec():
    spec = overlaid(BASE, {"physics": {"friction": "U(0, 11)"}})
    assert isinstance(spec.physics.friction, Distribution)
    with pytest.raises(SpecError, match=r"physics\.friction must lie in \[0, 10\]; got U\(0, 11\)"):
        check_spec(spec)


def test_numpy_numbers_have_no_place_in_a_scene():
    # JSON refuses them, which is how a scene that carries one is found.
    spec = small(BASE)
    plain = to_plain(sample_scene(spec, SceneObjects(spec, 0), 0, 0))

    def kinds(value):
        if isinstance(value, dict):
            return set().union(*map(kinds, value.values()))
        if isinstance(value, list):
            return set().union(*map(kinds, value))
        return {type(value)}

    assert not {kind for kind in kinds(plain) if issubclass(kind, np.generic)}
