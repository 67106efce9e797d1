import dataclasses
import re
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from exports_for_tests import FAMILIES, drawn, hammer_model, textured_model
from worlds_for_tests import at, body, scene_of, table, world_vertices

from graspsim.export.looks import slot_color
from graspsim.export.urdf import CONTACT, PYBULLET_HINT
from graspsim.export.write import DENSITY_KG_M3, export_models
from graspsim.geometry import Array, invert, matrices_from_poses, matrix_from_quat, random_quat
from graspsim.models import ObjectModel
from graspsim.physics.bullet import (
    COLLISION_MARGIN_M,
    CONTACT_BREAKING,
    CONTACT_CORRECTION_PER_STEP,
    RESTITUTION_SPEED_M_S,
    SOLVED,
    SOLVER_ITERATIONS,
    TIME_STEP_S,
    BulletWorld,
    pybullet,
)
from graspsim.scene import Pose

MODELS = {"hammer": hammer_model(), **{f"{f}_{seed}": drawn(f, seed) for f in FAMILIES for seed in range(2)}}
EVERY = pytest.mark.parametrize("name", MODELS)


@pytest.fixture
def client() -> Iterator[int]:
    client = pybullet.connect(pybullet.DIRECT)
    yield client
    pybullet.resetSimulation(physicsClientId=client)
    pybullet.disconnect(physicsClientId=client)


def load(client: int, model: ObjectModel, folder: Path, pose: Pose | None = None, name: str = "it") -> int:
    (path,) = export_models({name: model}, folder, "urdf")
    x, y, z, *quat_xyzw = pose or at(0, 0, 0)
    flags = pybullet.URDF_USE_INERTIA_FROM_FILE
    handle: int = pybullet.loadURDF(str(path), (x, y, z), quat_xyzw, flags=flags, physicsClientId=client)
    return handle


def mass_of(model: ObjectModel) -> float:
    return DENSITY_KG_M3 * model.volume_m3


@EVERY
def test_pybullet_reads_our_mass_centre_and_inertia(name: str, client: int, tmp_path: Path) -> None:
    model = MODELS[name]
    info = pybullet.getDynamicsInfo(load(client, model, tmp_path), -1, physicsClientId=client)
    mass_kg, moments, center, quat_xyzw = info[0], info[2], info[3], info[4]
    axes = matrix_from_quat(np.array(quat_xyzw))
    expected = model.inertia_per_density * DENSITY_KG_M3
    assert mass_kg == pytest.approx(mass_of(model), rel=1e-12)
    np.testing.assert_allclose(center, model.center_of_mass, atol=1e-12)
    np.testing.assert_allclose(axes @ np.diag(moments) @ axes.T, expected, atol=1e-6 * np.abs(expected).max())


def test_a_mass_that_is_known_is_kept(client: int, tmp_path: Path) -> None:
    model = dataclasses.replace(hammer_model(), mass_kg=0.7)
    info = pybullet.getDynamicsInfo(load(client, model, tmp_path), -1, physicsClientId=client)
    assert info[0] == 0.7
    assert np.sum(info[2]) == pytest.approx(np.trace(model.inertia_per_density) * 0.7 / model.volume_m3)


def urdf_world(client: int, model: ObjectModel, folder: Path, pose: Pose) -> int:
    """Set up what `BulletWorld` would, around the file; return its handle."""
    pybullet.setPhysicsEngineParameter(
        fixedTimeStep=TIME_STEP_S,
        numSolverIterations=SOLVER_ITERATIONS,
        solverResidualThreshold=SOLVED,
        contactBreakingThreshold=CONTACT_BREAKING,
        contactERP=CONTACT_CORRECTION_PER_STEP,
        deterministicOverlappingPairs=1,
        enableFileCaching=0,
        restitutionVelocityThreshold=RESTITUTION_SPEED_M_S,
        physicsClientId=client,
    )
    pybullet.setGravity(0, 0, -9.81, physicsClientId=client)
    (box,) = table().boxes
    shape = pybullet.createCollisionShape(
        pybullet.GEOM_BOX, halfExtents=[s / 2 for s in box.size_m], physicsClientId=client
    )
    ground = pybullet.createMultiBody(0.0, shape, basePosition=box.center_m, physicsClientId=client)
    pybullet.changeDynamics(ground, -1, lateralFriction=1.0, restitution=0.0, physicsClientId=client)
    handle = load(client, model, folder, pose)
    settings = dict(re.findall(r"(\w+)=([\d.]+)", PYBULLET_HINT))
    assert float(settings["collisionMargin"]) == COLLISION_MARGIN_M
    pybullet.changeDynamics(
        handle, -1, **{key: float(value) for key, value in settings.items()}, physicsClientId=client
    )
    return handle


def model_pose(client: int, handle: int) -> Array:
    """Return `world_from_model` (4, 4); PyBullet reports the inertial frame."""
    info = pybullet.getDynamicsInfo(handle, -1, physicsClientId=client)
    position, quat_xyzw = pybullet.getBasePositionAndOrientation(handle, physicsClientId=client)
    inertial = [[*position, *quat_xyzw], [*info[3], *info[4]]]
    world_from_inertial, model_from_inertial = matrices_from_poses(np.array(inertial))
    return np.asarray(world_from_inertial @ invert(model_from_inertial))


def fall(model: ObjectModel, folder: Path, seconds: tuple[float, ...]) -> list[Array]:
    """Drop the object in our world and its file in a world of the test's; return after each span of time how far
    apart each vertex is (n, 3)."""
    pose = at(0, 0, 0.6 * model.diameter_m + 0.02, random_quat(np.random.default_rng(4)))
    ours = BulletWorld(scene_of([body(pose, mass_kg=mass_of(model), **CONTACT)], [table()]), {1: model})
    client = pybullet.connect(pybullet.DIRECT)
    handle = urdf_world(client, model, folder, pose)
    apart = []
    for span_s in seconds:
        ours.step(span_s)
        for _ in range(round(span_s / TIME_STEP_S)):
            pybullet.stepSimulation(physicsClientId=client)
        placed = [matrices_from_poses(ours.poses())[0], model_pose(client, handle)]
        apart.append(np.subtract(*(world_vertices(model.mesh, world_from_model) for world_from_model in placed)))
    pybullet.resetSimulation(physicsClientId=client)
    pybullet.disconnect(physicsClientId=client)
    ours.close()
    return apart


@EVERY
def test_a_urdf_falls_and_lies_as_in_our_world(name: str, tmp_path: Path) -> None:
    falling, lying = fall(MODELS[name], tmp_path, (0.05, 2.0))
    np.testing.assert_allclose(falling, 0, atol=1e-8)
    np.testing.assert_allclose(lying[:, 2], 0, atol=5e-5)


def test_most_urdfs_come_to_lie_in_the_very_place_of_our_world(tmp_path: Path) -> None:
    """Not all: of what tumbles or rolls far, the last digit of a file's numbers decides."""
    apart_m = [np.abs(fall(model, tmp_path, (2.05,))[0]).max() for model in MODELS.values()]
    assert np.median(apart_m) < 1e-6
    assert np.quantile(apart_m, 0.8) < 5e-4


def test_the_part_of_a_contact_that_pybullet_reads_arrives(client: int, tmp_path: Path) -> None:
    info = pybullet.getDynamicsInfo(load(client, hammer_model(), tmp_path), -1, physicsClientId=client)
    assert (info[1], info[7], info[6]) == tuple(CONTACT.values())


def picture(client: int, size: int = 120) -> tuple[np.ndarray, np.ndarray]:
    """Return TinyRenderer's image (h, w, 3) from the front and which pixels show the object."""
    view = pybullet.computeViewMatrix([0, -0.6, 0], [0, 0, 0], [0, 0, 1])
    projection = pybullet.computeProjectionMatrixFOV(25, 1.0, 0.1, 2.0)
    _, _, rgb, _, mask = pybullet.getCameraImage(
        size, size, view, projection, shadow=0, renderer=pybullet.ER_TINY_RENDERER, physicsClientId=client
    )
    return np.reshape(rgb, (size, size, 4))[..., :3].astype(float), np.reshape(mask, (size, size)) >= 0


def test_pybullet_shows_each_slot_in_its_colour(client: int, tmp_path: Path) -> None:
    load(client, hammer_model(), tmp_path, name="hammer")
    image, seen = picture(client)
    rows = np.flatnonzero(seen.any(axis=1))
    head, handle = image[rows[3]][seen[rows[3]]], image[rows[-3]][seen[rows[-3]]]
    for shown, slot in ((handle, 0), (head, 1)):
        color = np.array(slot_color("hammer", slot))
        np.testing.assert_allclose(
            shown / shown.sum(axis=1, keepdims=True), [color / color.sum()] * len(shown), atol=0.02
        )


def test_pybullet_shows_the_texture_of_a_model_upright(client: int, tmp_path: Path) -> None:
    texture = np.zeros((64, 64, 3), dtype=np.uint8)
    texture[:32, :, 0] = texture[32:, :, 1] = 255  # red above green
    model = textured_model()
    uvs = np.clip(model.mesh.corner_uvs[..., 1:] * [0, 0.1 / 0.16], -0.499, 0.499) + 0.5
    mesh = dataclasses.replace(model.mesh, corner_uvs=uvs.astype(np.float32))
    load(client, dataclasses.replace(model, mesh=mesh, texture=texture), tmp_path)
    image, seen = picture(client)
    rows = np.flatnonzero(seen.any(axis=1))
    above, below = image[rows[5]][seen[rows[5]]], image[rows[-5]][seen[rows[-5]]]
    assert (above[:, 0] > 5 * above[:, 1]).all()
    assert (below[:, 1] > 5 * below[:, 0]).all()
