import dataclasses

import pytest

from graspsim.distributions import Choice, Distribution, Integers, Normal, Uniform
from graspsim.errors import SpecError, UnknownNameError
from graspsim.plain import overlaid, to_plain
from graspsim.registry import load, names
from graspsim.sampling import sample_scene
from graspsim.scene_objects import SceneObjects
from graspsim.spec import SceneSpec
from graspsim.spec_check import check_spec
from graspsim.spec_edit import fixed, replaced
from graspsim.views import sample_view

SCENES = pytest.mark.parametrize("name", names("scene"))
SECTIONS = [f.name for f in dataclasses.fields(SceneSpec)]
FEW = {"objects": {"families": "primitives", "models": 6}, "distractors": {"families": "primitives", "models": 3}}


def leaves(value, path=""):
    """Return {dotted path: value} of every leaf."""
    if dataclasses.is_dataclass(value) and not isinstance(value, Distribution):
        value = {f.name: getattr(value, f.name) for f in dataclasses.fields(value)}
    elif isinstance(value, tuple):
        value = dict(enumerate(value))
    else:
        return {path.removeprefix("."): value}
    return {k: v for name, item in value.items() for k, v in leaves(item, f"{path}.{name}").items()}


def drawn(spec, index, seed=5):
    """Return all that is drawn for a scene, by concern."""
    objects = SceneObjects(spec, seed)
    scene = sample_scene(spec, objects, seed, index)
    poses = [body.pose for body in scene.bodies]
    views = [sample_view(spec, scene, poses, [objects[b.obj_id] for b in scene.bodies], n) for n in range(2)]
    backs = {f.name: (f.material, f.boxes) for f in scene.fixtures}
    physics = ("mass_kg", "lateral_friction", "spinning_friction", "rolling_friction", "restitution")
    return {
        "kinds": [(b.obj_id, b.is_target) for b in scene.bodies],
        "poses": poses,
        "physics": [[getattr(b, name) for name in physics] for b in scene.bodies],
        "fixtures": [(f.name, f.lateral_friction, f.restitution) for f in scene.fixtures],
        "gravity": scene.gravity_m_s2,
        "looks": [b.materials for b in scene.bodies],
        "lights": scene.lights,
        "ambient": (scene.sky, scene.ground),
        "surroundings": [backs[name] for name in sorted(backs) if name != "table"],
        "table_looks": backs["table"][0] if backs else None,
        "table_size": backs["table"][1] if backs else None,
        "backdrop": scene.backdrop,
        "cameras": [(v.intrinsics, v.world_from_camera) for v in views],
        "sensors": [v.sensor for v in views],
    }


# What each section is meant to decide. Everything else has to stay as it was, bit for bit.
DECIDES = {
    "layout": {"table_size", "poses"},
    "objects": {"kinds", "poses", "physics", "looks"},
    "physics": {"physics", "fixtures", "gravity"},
    "appearance": {"looks"},
    "lights": {"lights", "ambient"},
    "background": {"surroundings", "table_looks", "backdrop"},
    "camera": {"cameras"},
    "distractors": {"kinds", "poses", "physics", "looks"},
    "sensor": {"sensors"},
}


@SCENES
def test_every_named_scene_passes_check_spec(name):
    check_spec(load("scene", name))


@SCENES
@pytest.mark.parametrize("section", SECTIONS)
def test_a_fixed_section_holds_no_distribution_and_passes_check_spec(name, section):
    spec = load("scene", name)
    without = fixed(spec, section)
    check_spec(without)
    assert not [k for k, v in leaves(getattr(without, section)).items() if isinstance(v, Distribution)]
    assert dataclasses.replace(without, **{section: getattr(spec, section)}) == spec


@SCENES
@pytest.mark.parametrize("section", SECTIONS)
def test_fixing_a_section_leaves_all_that_others_draw_untouched(name, section):
    """The promise of DESIGN.md: an ablation compares like with like."""
    spec = overlaid(load("scene", name), FEW)
    for index in range(2):
        before, after = drawn(spec, index), drawn(fixed(spec, section), index)
        assert {what for what in before if before[what] != after[what]} <= DECIDES[section]


@SCENES
@pytest.mark.parametrize("section", ["appearance", "lights", "background", "camera", "sensor", "physics"])
def test_fixing_a_section_does_change_what_it_decides(name, section):
    spec = overlaid(load("scene", name), FEW)
    before, after = drawn(spec, 0), drawn(fixed(spec, section), 0)
    assert before != after


def test_fewer_distractors_leave_the_targets_before_them_untouched():
    """Targets are placed before distractors, so on a table even their poses stay."""
    spec = overlaid(SceneSpec(), FEW)
    none, some = overlaid(spec, {"distractors": {"count": 0}}), overlaid(spec, {"distractors": {"count": 4}})
    for index in range(5):
        a = sample_scene(none, SceneObjects(none, 3), 3, index).bodies
        b = sample_scene(some, SceneObjects(some, 3), 3, index).bodies
        assert b[: len(a)] == a
        assert len(b) == len(a) + 4


def test_more_targets_leave_the_distractors_and_the_targets_before_them_as_they_were():
    def inherent(bodies):
        return [dataclasses.replace(b, instance_id=0, pose=(0.0,) * 7) for b in bodies]

    few = overlaid(SceneSpec(), FEW | {"distractors": {"families": "blocks", "models": 3, "count": 3}})
    few = overlaid(few, {"objects": {"count": 3}})
    many = overlaid(few, {"objects": {"count": 9}})
    for index in range(5):
        a = sample_scene(few, SceneObjects(few, 3), 3, index).bodies
        b = sample_scene(many, SceneObjects(many, 3), 3, index).bodies
        assert inherent(a[:3]) == inherent(b[:3])
        assert inherent(a[3:]) == inherent(b[9:])


def test_the_number_of_targets_changes_no_distractor_model():
    few, many = (overlaid(SceneSpec(), {"objects": {"models": n}}) for n in (3, 8))
    for n in range(1, 4):
        a, b = SceneObjects(few, 3)[3 + n], SceneObjects(many, 3)[8 + n]
        assert (a.mesh.vertices == b.mesh.vertices).all()


def test_lights_that_are_fixed_do_not_coincide():
    spec = fixed(SceneSpec(), "lights")
    first, second = sample_scene(spec, SceneObjects(spec, 1), 1, 0).lights
    assert first.position_m != second.position_m


def test_fixing_a_single_field_draws_all_others_as_before():
    spec = overlaid(SceneSpec(), FEW)
    before = sample_scene(spec, SceneObjects(spec, 1), 1, 0)
    without = fixed(spec, "lights.light.azimuth_deg")
    after = sample_scene(without, SceneObjects(without, 1), 1, 0)
    assert [dataclasses.replace(light, position_m=(0, 0, 0)) for light in after.lights] == [
        dataclasses.replace(light, position_m=(0, 0, 0)) for light in before.lights
    ]
    assert dataclasses.replace(after, lights=before.lights) == before


def test_fixed_puts_the_middle_in_the_place_of_a_distribution():
    spec = fixed(SceneSpec(), "camera")
    assert spec.camera.azimuth_deg == 180.0
    assert spec.camera.look_at_m == (0.0, 0.0, 0.0)
    assert fixed(SceneSpec(), "objects.count").objects.count == 10


def test_fixed_reaches_into_tuples():
    spec = fixed(SceneSpec(), "camera.look_at_m.1")
    assert spec.camera.look_at_m == (Normal(0.0, 0.03), 0.0, Normal(0.0, 0.01))
    assert fixed(SceneSpec(), "appearance.material.colors.0.hue").appearance.material.colors[0].hue == 0.5


@pytest.mark.parametrize(
    ("path", "message"),
    [
        ("light", r"no key of SceneSpec 'light'\. Did you mean 'lights'\?"),
        ("lights.lihgt", r"no key of LightsSpec 'lihgt'\. Did you mean 'light'\?"),
        ("lights.count.low", r"no key of Integers 'low'\."),
        ("camera.look_at_m.3", r"no key of tuple '3'\. Known: 0, 1, 2\."),
        ("camera.look_at_m.x", r"no key of tuple 'x'\. Known: 0, 1, 2\."),
        ("camera.width.x", r"no key of int 'x'"),
        ("", r"no key of SceneSpec ''"),
        ("lights.", r"no key of LightsSpec ''"),
    ],
)
def test_a_path_to_nowhere_gives_the_nearest(path, message):
    if path == "lights.":
        # A trailing dot names the section itself.
        assert fixed(SceneSpec(), path) == fixed(SceneSpec(), "lights")
        return
    with pytest.raises(UnknownNameError, match=message):
        fixed(SceneSpec(), path)


def test_replaced_changes_one_value():
    spec = replaced(SceneSpec(), "layout.area_m", lambda value: value * 2)
    assert leaves(spec) == leaves(SceneSpec()) | {"layout.area_m": 0.9}


# check_spec


@pytest.mark.parametrize(
    ("plain", "message"),
    [
        ({"objects": {"families": "lathes"}}, r"no object family 'lathes'\. Did you mean 'lathe'\?"),
        ({"distractors": {"families": "block"}}, r"no object family 'block'\. Did you mean 'blocks'\?"),
        ({"layout": {"kind": "bins"}}, r"no layout\.kind option 'bins'\. Did you mean 'bin'\?"),
        ({"appearance": {"material": {"texture": "woood"}}}, r"no texture 'woood'\. Did you mean 'wood'\?"),
        ({"background": {"room": {"texture": "{flat|nois}"}}}, r"no texture 'nois'\. Did you mean 'noise'\?"),
        ({"background": {"bin": {"texture": "chequer"}}}, r"no texture 'chequer'\. Did you mean 'checker'\?"),
        ({"appearance": {"per": "scenes"}}, r"no appearance\.per option 'scenes'\. Did you mean 'scene'\?"),
        ({"lights": {"light": {"kind": "spot"}}}, r"no lights\.light\.kind option 'spot'"),
    ],
)
def test_an_unknown_name_gives_the_nearest(plain, message):
    with pytest.raises(UnknownNameError, match=message):
        check_spec(overlaid(SceneSpec(), plain))


@pytest.mark.parametrize(
    ("plain", "message"),
    [
        ({"objects": {"families": "[]"}}, r"objects\.families and objects\.meshes are both empty"),
        ({"appearance": {"material": {"texture": "{flat|image}"}}}, r"texture=image needs `images`"),
        ({"physics": {"density_kg_m3": -1}}, r"physics\.density_kg_m3 must lie in \[1, 25000\]; got -1\.0"),
        ({"physics": {"mass_kg": "N(1, 1)"}}, r"physics\.mass_kg must lie in \[0, 1000\]; got N\(1, 1\)"),
        ({"lights": {"count": 5}}, r"lights\.count must lie in \[1, 4\]; got 5"),
        ({"camera": {"look_at_m": "0, 0, 11"}}, r"camera\.look_at_m\.2 must lie in \[-10, 10\]; got 11"),
        ({"appearance": {"material": {"colors": {0: {"hue": 2}}}}}, r"appearance\.material\.colors\.0\.hue must lie"),
        ({"objects": {"count": "U(5, 15)"}}, r"objects\.count must be a whole number, or I\(a, b\)"),
        ({"lights": {"shadows": "U(0, 1)"}}, r"lights\.shadows must be true or false"),
        ({"objects": {"families": "{lathe|blocks}"}}, r"objects\.families lists all there is .* without braces"),
        ({"objects": {"meshes": "{a.obj|b.obj}"}}, r"objects\.meshes lists all there is"),
    ],
)
def test_a_value_that_could_make_an_illegal_scene_is_named(plain, message):
    with pytest.raises(SpecError, match=message):
        check_spec(overlaid(SceneSpec(), plain))


@pytest.mark.parametrize(
    "path",
    ["objects.models", "distractors.models", "camera.views", "camera.width", "camera.height", "camera.supersampling"],
)
def test_what_holds_for_the_whole_dataset_must_be_one_value(path):
    spec = replaced(SceneSpec(), path, lambda value: Integers(value, value + 1))
    with pytest.raises(SpecError, match=rf"{path} holds for the whole dataset and must be one value; got I\("):
        check_spec(spec)


def test_whatever_else_is_random_can_be_drawn():
    """Every field that check_spec lets be random is drawn, and no distribution ever reaches a scene."""
    spec = overlaid(SceneSpec(), FEW)
    for path, value in leaves(spec).items():
        if isinstance(value, Distribution):
            continue
        options = Choice((True, False)) if isinstance(value, bool) else Choice((value, value))
        if path in ("layout.kind", "appearance.per"):
            options = Choice(("tabletop", "bin")) if path == "layout.kind" else Choice(("scene", "object"))
        random = replaced(spec, path, lambda _, options=options: options)
        try:
            check_spec(random)
        except SpecError:
            continue
        scene = sample_scene(random, SceneObjects(random, 0), 0, 0)
        assert not [k for k, v in leaves(scene).items() if isinstance(v, Distribution)], path


def test_gravity_is_one_draw_for_the_whole_scene():
    spec = overlaid(SceneSpec(), FEW | {"physics": {"gravity_m_s2": "U(1, 9)"}})
    drawn_values = [sample_scene(spec, SceneObjects(spec, 0), 0, i).gravity_m_s2 for i in range(5)]
    assert len(set(drawn_values)) == 5
    assert all(1 <= g <= 9 for g in drawn_values)


def test_the_plain_form_of_a_spec_names_every_section():
    assert list(to_plain(SceneSpec())) == SECTIONS
    assert isinstance(SceneSpec().camera.azimuth_deg, Uniform)
