import sys

import pytest

from graspsim import registry
from graspsim.errors import GraspsimError, UnknownNameError
from graspsim.registry import kinds, load, names, register
from graspsim.spec import SceneSpec

ENTRIES = [(kind, name) for kind in kinds() for name in names(kind)]


@pytest.fixture
def scratch(monkeypatch):
    """Let a test register without leaving a trace."""
    monkeypatch.setattr(registry, "_ENTRIES", {kind: dict(table) for kind, table in registry._ENTRIES.items()})


@pytest.mark.parametrize(("kind", "name"), ENTRIES)
def test_every_entry_loads(kind, name):
    assert load(kind, name) is not None


@pytest.mark.parametrize("name", names("scene"))
def test_every_scene_is_a_plain_spec_named_as_its_entry(name):
    assert isinstance(load("scene", name), SceneSpec)


@pytest.mark.parametrize("name", names("family"))
def test_every_family_builds_from_a_specification(name):
    assert callable(load("family", name).build)


def test_what_is_promised_is_there():
    assert kinds() == ["family", "set", "scene", "task", "texture", "robot", "renderer", "world", "architecture"]
    assert names("scene") == ["tabletop", "bin", "packed", "floating"]
    assert names("nothing of the kind") == []


@pytest.mark.parametrize("entry_point", ["elsewhere:Lathe", "graspsim.objects.lathe:Lathe"])
def test_a_duplicate_name_raises_and_changes_nothing(scratch, entry_point):
    with pytest.raises(ValueError, match=r"family 'lathe' is already registered as 'graspsim\.objects\.lathe:Lathe'"):
        register("family", "lathe", entry_point)
    assert registry._ENTRIES["family"]["lathe"] == "graspsim.objects.lathe:Lathe"


def test_one_name_may_stand_for_things_of_two_kinds(scratch):
    register("robot", "lathe", "json:loads")
    assert load("robot", "lathe")("[1]") == [1]
    assert "robot" in kinds()


def test_registering_imports_nothing(scratch):
    register("family", "later", "graspsim_not_yet_written:Later")
    assert names("family")[-1] == "later"


@pytest.mark.parametrize(
    ("kind", "name", "near"),
    [("family", "lath", "lathe"), ("scene", "table", "tabletop"), ("texture", "nois", "noise")],
)
def test_an_unknown_name_gives_the_nearest_and_all_there_are(kind, name, near):
    with pytest.raises(UnknownNameError) as caught:
        load(kind, name)
    known = ", ".join(sorted(names(kind)))
    assert str(caught.value) == f"There is no {kind} {name!r}. Did you mean {near!r}? Known: {known}."


def test_a_name_like_no_other_gets_no_hint():
    with pytest.raises(UnknownNameError, match=r"^There is no scene 'zzz'\. Known: bin, floating, packed, tabletop\.$"):
        load("scene", "zzz")


def test_an_unknown_kind_is_an_unknown_name():
    with pytest.raises(UnknownNameError, match="no familie 'lathe'"):
        load("familie", "lathe")


@pytest.mark.parametrize("module", ["graspsim.objects.unwritten", "graspsim.unwritten.thing", "graspsim_unwritten"])
def test_missing_content_says_how_to_install_it(scratch, module):
    register("family", "missing", f"{module}:Missing")
    with pytest.raises(GraspsimError, match=rf"family 'missing' lives in {module}, .* run `pip install -e \.`"):
        load("family", "missing")


def test_a_missing_dependency_of_content_is_not_taken_for_missing_content(scratch, tmp_path, monkeypatch):
    (tmp_path / "needy_content.py").write_text("import a_package_no_one_has\n")
    monkeypatch.syspath_prepend(tmp_path)
    register("family", "needy", "needy_content:Needy")
    with pytest.raises(ModuleNotFoundError, match="a_package_no_one_has"):
        load("family", "needy")


def test_loading_one_family_imports_no_other(tmp_path):
    import subprocess

    code = (
        "import sys; from graspsim.registry import load; load('family', 'lathe');"
        "print([m for m in sys.modules if m.startswith('graspsim.objects.')])"
    )
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=tmp_path)
    assert out.stdout.strip() == "['graspsim.objects.lathe']"
