from pathlib import Path
from typing import Any

import numpy as np
import pytest
from exports_for_tests import FAMILIES, drawn, hammer_model, textured_model
from worlds_for_tests import at, body, scene_of, table, world_vertices

from graspsim.export.mjcf import OPTION
from graspsim.export.write import DENSITY_KG_M3, export_models
from graspsim.geometry import matrices_from_poses, matrix_from_quat, random_quat
from graspsim.models import ObjectModel
from graspsim.physics.bullet import BulletWorld

mujoco = pytest.importorskip("mujoco", reason="mujoco is not installed; it is in the test extra")

MODELS = {"hammer": hammer_model(), **{f"{f}_{seed}": drawn(f, seed) for f in FAMILIES for seed in range(4)}}
EVERY = pytest.mark.parametrize("name", MODELS)
RESTING = pytest.mark.parametrize("name", ["hammer", *(f"{f}_{seed}" for f in FAMILIES for seed in range(2))])


def exported(model: ObjectModel, folder: Path, name: str = "it") -> str:
    return str(export_models({name: model}, folder, "mjcf")[0])


def mass_of(model: ObjectModel) -> float:
    return DENSITY_KG_M3 * model.volume_m3


@EVERY
def test_mujoco_reads_our_mass_centre_and_inertia(name: str, tmp_path: Path) -> None:
    model = MODELS[name]
    compiled = mujoco.MjModel.from_xml_path(exported(model, tmp_path))
    axes = matrix_from_quat(np.roll(compiled.body_iquat[1], -1))
    expected = model.inertia_per_density * DENSITY_KG_M3
    assert compiled.nbody == 2
    assert compiled.body_mass[1] == pytest.approx(mass_of(model), rel=1e-12)
    np.testing.assert_allclose(compiled.body_ipos[1], model.center_of_mass, atol=1e-12)
    inertia = axes @ np.diag(compiled.body_inertia[1]) @ axes.T
    np.testing.assert_allclose(inertia, expected, atol=1e-6 * np.abs(expected).max())


@EVERY
def test_mujoco_sees_the_mesh_and_collides_by_its_parts(name: str, tmp_path: Path) -> None:
    """MuJoCo moves each mesh into a frame of its own, so that only what it shows in the end can be compared."""
    model = MODELS[name]
    compiled = mujoco.MjModel.from_xml_path(exported(model, tmp_path))
    data = mujoco.MjData(compiled)
    mujoco.mj_kinematics(compiled, data)
    expected = [model.mesh.vertices, *model.parts]
    assert compiled.ngeom == len(expected)
    for geom, points in enumerate(expected):
        mesh = compiled.geom_dataid[geom]
        start = compiled.mesh_vertadr[mesh]
        local = compiled.mesh_vert[start : start + compiled.mesh_vertnum[mesh]]
        placed = local @ data.geom_xmat[geom].reshape(3, 3).T + data.geom_xpos[geom]
        np.testing.assert_allclose(placed.min(axis=0), points.min(axis=0), atol=1e-6)
        np.testing.assert_allclose(placed.max(axis=0), points.max(axis=0), atol=1e-6)
    collides = (compiled.geom_contype != 0) | (compiled.geom_conaffinity != 0)
    assert collides.tolist() == [False] + [True] * len(model.parts)


def on_a_plane(paths: list[str], positions: list[tuple[float, float, float]]) -> Any:
    """Return a world of a plane with the objects of several files attached to it."""
    spec = mujoco.MjSpec()
    spec.option.cone = {"elliptic": mujoco.mjtCone.mjCONE_ELLIPTIC}[OPTION["cone"]]
    spec.option.impratio = float(OPTION["impratio"])
    spec.worldbody.add_geom(type=mujoco.mjtGeom.mjGEOM_PLANE, size=[2, 2, 0.1])
    for path, position in zip(paths, positions, strict=True):
        spec.attach(mujoco.MjSpec.from_file(path), prefix="its_", frame=spec.worldbody.add_frame(pos=position))
    return spec.compile()


def stepped(compiled: Any, data: Any, seconds: float) -> None:
    for _ in range(round(seconds / compiled.opt.timestep)):
        mujoco.mj_step(compiled, data)


@RESTING
def test_what_rests_in_our_world_rests_in_mujoco_at_the_same_height(name: str, tmp_path: Path) -> None:
    """Engines differ on which shallow hollows hold: of eight rests, at least half are the other's, too."""
    model = MODELS[name]
    friction = {"spinning_friction": 0.0025, "rolling_friction": 0.002}
    compiled = on_a_plane([exported(model, tmp_path)], [(0, 0, 0)])
    same = []
    for seed in range(8):
        pose = at(0, 0, 0.6 * model.diameter_m, random_quat(np.random.default_rng(seed)))
        with BulletWorld(scene_of([body(pose, mass_kg=mass_of(model), **friction)], [table()]), {1: model}) as world:
            if not world.settle(6.0).at_rest:
                continue
            rest = world.poses()[0]
        data = mujoco.MjData(compiled)
        data.qpos[:3], data.qpos[3:] = rest[:3] + np.array((0, 0, 0.0005)), np.roll(rest[3:], 1)
        stepped(compiled, data, 1.0)
        end = np.array([*data.qpos[:3], *np.roll(data.qpos[3:], -1)])
        ours, theirs = (world_vertices(model.mesh, m) for m in matrices_from_poses(np.array([rest, end])))
        same.append(abs(end[2] - rest[2]) < 0.001 and abs(theirs[:, 2].min() - ours[:, 2].min()) < 0.001)
    assert len(same) >= 6
    assert np.mean(same) >= 0.5, same


def test_objects_are_attached_to_one_world_side_by_side(tmp_path: Path) -> None:
    models = {"hammer": hammer_model(), "carton": textured_model(), "turned": drawn("lathe", 0)}
    paths = [exported(model, tmp_path, name) for name, model in models.items()]
    compiled = on_a_plane(paths, [(0, 0.3 * i, 0.2) for i in range(len(paths))])
    data = mujoco.MjData(compiled)
    stepped(compiled, data, 2.0)
    for name, model in models.items():
        height_m = data.body(f"its_{name}").xpos[2]
        assert 0 < height_m < model.diameter_m / 2
    assert np.abs(data.qvel).max() < 0.1


def test_mujoco_keeps_the_texture_of_a_model(tmp_path: Path) -> None:
    model = textured_model()
    compiled = mujoco.MjModel.from_xml_path(exported(model, tmp_path))
    assert model.texture is not None
    size = compiled.tex_height[0], compiled.tex_width[0], compiled.tex_nchannel[0]
    pixels = compiled.tex_data[: np.prod(size)].reshape(size)
    np.testing.assert_array_equal(pixels, model.texture)
