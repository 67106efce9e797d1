from pathlib import Path

import numpy as np
import pytest
import trimesh

from graspsim.errors import MeshError
from graspsim.mesh_import import import_mesh
from graspsim.models import ObjectModel
from graspsim.side_file import read_side_file

BOX_MM = (60.0, 40.0, 20.0)


@pytest.fixture
def mesh(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("GRASPSIM_CACHE", str(tmp_path / "cache"))
    trimesh.creation.box(BOX_MM).export(tmp_path / "part.obj")
    return tmp_path / "part.obj"


def imported(mesh: Path, text: str) -> ObjectModel:
    mesh.with_suffix(".yaml").write_text(text)
    return import_mesh(mesh)


def test_without_a_side_file_nothing_is_known(mesh: Path) -> None:
    side = read_side_file(mesh)
    assert (side.name, side.scale, side.density_kg_m3, side.mass_kg, side.symmetries) == (None,) * 5
    assert import_mesh(mesh, scale=0.001).mass_kg is None


def test_name_scale_and_mass_are_taken_over(mesh: Path) -> None:
    model = imported(mesh, "name: brick\nscale: 0.001\nmass_kg: 0.3\n")
    assert (model.name, model.mass_kg) == ("brick", 0.3)
    np.testing.assert_allclose(model.extents_m, np.array(BOX_MM) / 1000)


def test_a_density_gives_the_mass(mesh: Path) -> None:
    assert imported(mesh, "scale: 0.001\ndensity_kg_m3: 2000\n").mass_kg == pytest.approx(2000 * 48e-6)


def test_symmetries_are_found_unless_they_are_stated(mesh: Path) -> None:
    assert len(imported(mesh, "scale: 0.001\n").symmetries.discrete) == 3
    assert imported(mesh, "scale: 0.001\nsymmetries: none\n").symmetries.discrete == ()
    half = "[-1, 0, 0, 0, 0, -1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1]"
    (motion,) = imported(mesh, f"scale: 0.001\nsymmetries: {{discrete: [{half}]}}\n").symmetries.discrete
    np.testing.assert_allclose(motion, np.diag([-1, -1, 1, 1]), atol=1e-12)


def test_stated_symmetries_are_in_the_frame_and_unit_of_the_file(mesh: Path) -> None:
    moved = trimesh.creation.box(BOX_MM)
    moved.apply_translation((100, 0, 0))
    moved.export(mesh)
    half = "[-1, 0, 0, 200, 0, -1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1]"
    (motion,) = imported(mesh, f"scale: 0.001\nsymmetries: {{discrete: [{half}]}}\n").symmetries.discrete
    np.testing.assert_allclose(motion, np.diag([-1, -1, 1, 1]), atol=1e-12)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("masss_kg: 1", r"There is no key 'masss_kg'\. Did you mean 'mass_kg'\?"),
        ("mass_kg: -1", r"mass_kg must be a number above 0; got -1"),
        ("mass_kg: heavy", r"mass_kg must be a number above 0; got 'heavy'"),
        ("scale: 0", r"scale must be a number above 0; got 0"),
        ("density_kg_m3: .nan", r"density_kg_m3 must be a number above 0; got nan"),
        ("density_kg_m3: 5\nmass_kg: 2", r"both density_kg_m3=5 and mass_kg=2"),
        ("name: [a]", r"name must be a word; got \['a'\]"),
        ("- 1", r"must hold keys and values of name, scale"),
        ("a: [", r"is not valid YAML"),
        ("symmetries: round", r"symmetries must hold keys and values of discrete, continuous; got 'round'"),
        ("symmetries: {discret: []}", r"There is no key 'discret'\. Did you mean 'discrete'\?"),
        ("symmetries: {discrete: 3}", r"symmetries\.discrete must be a list; got 3"),
        ("symmetries: {discrete: [[1, 2]]}", r"symmetries\.discrete\.0 must be 16 numbers; got \[1, 2\]"),
        (f"symmetries: {{discrete: [{[2] * 16}]}}", r"symmetries\.discrete\.0 must be a rotation and a translation"),
        ("symmetries: {continuous: [{axis: [0, 0, 0]}]}", r"axis must have a length; got \[0, 0, 0\]"),
        ("symmetries: {continuous: [{axis: [0, 1]}]}", r"axis must be 3 numbers; got \[0, 1\]"),
        ("scale: 0.001\nsymmetries: {continuous: [{axis: [0, 0, 1]}]}", r"continuous\.0 is no symmetry of the mesh"),
    ],
)
def test_a_fault_names_the_file_and_the_value(mesh: Path, text: str, message: str) -> None:
    with pytest.raises(MeshError, match=message) as error:
        imported(mesh, text + "\n")
    assert "part.yaml" in str(error.value)
