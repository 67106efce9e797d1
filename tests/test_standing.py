import numpy as np
import pytest
from worlds_for_tests import at, body, box_model, cone_model, scene_of, table

from graspsim.geometry import matrix_from_quat, quat_from_matrix, random_quat, rotation_about, transform
from graspsim.meshes import moved
from graspsim.models import ObjectModel, make_object, object_model
from graspsim.physics.bullet import BulletWorld
from graspsim.registry import names
from graspsim.standing import standing_rotation


def turned(model: ObjectModel, rotation: np.ndarray) -> ObjectModel:
    parts = [part @ rotation.T for part in model.parts]
    return object_model(model.name, moved(model.mesh, transform(rotation)), parts, model.symmetries)


def tilt_rad(rotation: np.ndarray) -> float:
    return float(np.arccos(np.clip(rotation[2, 2], -1, 1)))


@pytest.mark.parametrize("model", [box_model((0.05, 0.04, 0.06)), cone_model(0.03, 0.06)])
def test_what_stands_as_modelled_stays_as_it_is(model: ObjectModel) -> None:
    assert tilt_rad(standing_rotation(model)) == 0


@pytest.mark.parametrize("seed", range(6))
def test_a_tilted_box_is_set_down_on_its_nearest_side(seed: int) -> None:
    axis = random_quat(np.random.default_rng(seed))[:3]
    tilt = rotation_about(axis / np.linalg.norm(axis), 0.4)
    upright = standing_rotation(turned(box_model((0.05, 0.04, 0.06)), tilt)) @ tilt
    assert tilt_rad(upright) == pytest.approx(0, abs=1e-6)


def test_a_cone_on_its_tip_is_laid_on_its_side_or_its_base() -> None:
    tilt = rotation_about((1, 0, 0), np.pi)
    upright = standing_rotation(turned(cone_model(0.03, 0.08), tilt)) @ tilt
    side = np.pi / 2 + np.arctan(0.03 / 0.08)
    assert tilt_rad(upright) == pytest.approx(side, abs=0.01)


@pytest.mark.parametrize("family", names("family"))
def test_nearly_all_of_what_is_stood_up_stays_so(family: str) -> None:
    stood = []
    for seed in range(12):
        model = make_object(family, np.random.default_rng(seed))
        upright = standing_rotation(model)
        low_m = (model.mesh.vertices @ upright[2]).min()
        thing = body(at(0, 0, 1e-4 - low_m, quat_from_matrix(upright)), mass_kg=400 * model.volume_m3)
        with BulletWorld(scene_of([thing], [table()]), {1: model}) as world:
            world.settle(2.0)
            stood.append((matrix_from_quat(world.poses()[0, 3:])[2] @ upright[2]) > 0.99)
    assert np.mean(stood) > 0.7
