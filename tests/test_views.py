import dataclasses

import numpy as np
import pytest

from graspsim.errors import SpecError
from graspsim.geometry import apply, invert, look_at, matrices_from_poses, project
from graspsim.plain import overlaid
from graspsim.registry import load, names
from graspsim.sampling import sample_scene
from graspsim.scene_objects import SceneObjects
from graspsim.spec import CameraSpec, SceneSpec, SensorSpec
from graspsim.views import CLEARANCE_M, intrinsics_of, sample_view

FEW = {"objects": {"families": "primitives", "models": 4}, "distractors": {"families": "primitives", "models": 2}}
EVERY = pytest.mark.parametrize("name", names("scene"))


def setting(name="tabletop", plain=None, index=0, seed=4):
    """Return (spec, scene, poses, models) with the bodies where they are spawned."""
    spec = overlaid(overlaid(load("scene", name), FEW), plain or {})
    objects = SceneObjects(spec, seed)
    scene = sample_scene(spec, objects, seed, index)
    return spec, scene, np.array([b.pose for b in scene.bodies]), [objects[b.obj_id] for b in scene.bodies]


def views(name="tabletop", plain=None, count=25):
    arguments = setting(name, plain)
    return [sample_view(*arguments, n) for n in range(count)], arguments


def eye_of(view):
    return np.array(view.world_from_camera[:3])


@EVERY
def test_the_camera_is_inside_nothing(name):
    # A look down to the table from near by, so that many draws have to be refused.
    low = {"camera": {"elevation_deg": "U(-30, 30)", "distance_m": "LogU(0.1, 3)"}}
    for index in range(3):
        spec, scene, poses, models = setting(name, low, index)
        for n in range(15):
            eye = eye_of(sample_view(spec, scene, poses, models, n))
            for model, world_from_body in zip(models, matrices_from_poses(poses), strict=True):
                inside = np.abs(apply(invert(world_from_body), [eye])[0]) - model.extents_m / 2
                assert np.linalg.norm(np.maximum(inside, 0)) >= CLEARANCE_M
            for fixture in scene.fixtures:
                for box in fixture.boxes:
                    outside = np.abs(eye - box.center_m) - np.array(box.size_m) / 2
                    if fixture.is_room:
                        assert outside.max() <= -CLEARANCE_M
                    else:
                        assert outside.max() >= CLEARANCE_M


@EVERY
def test_what_is_looked_at_is_in_the_middle_of_the_picture(name):
    target = {"camera": {"look_at_m": "0.02, -0.01, 0.05", "principal_offset_px": "0, 0"}}
    for view in views(name, target)[0]:
        world_from_camera = matrices_from_poses(view.world_from_camera)[0]
        seen = apply(invert(world_from_camera), [(0.02, -0.01, 0.05)])[0]
        assert seen[2] > 0
        np.testing.assert_allclose(project(seen, view.intrinsics), (320, 240), atol=1e-6)


def test_the_camera_stands_where_its_angles_say():
    camera = {"distance_m": 1, "azimuth_deg": 90, "elevation_deg": 30, "roll_deg": 0, "look_at_m": "0, 0, 0.1"}
    (view,), _ = views("tabletop", {"camera": camera}, 1)
    np.testing.assert_allclose(eye_of(view), (0, np.sqrt(3) / 2, 0.6), atol=1e-12)
    expected = look_at(eye_of(view), (0, 0, 0.1))
    np.testing.assert_allclose(matrices_from_poses(view.world_from_camera)[0], expected, atol=1e-12)


@EVERY
def test_distances_and_intrinsics_lie_in_their_ranges(name):
    drawn, (spec, *_) = views(name, {"camera": {"look_at_m": "0, 0, 0"}}, 60)
    distances = [np.linalg.norm(eye_of(view)) for view in drawn]
    low, high = spec.camera.distance_m.support()
    assert low <= min(distances) <= max(distances) <= high
    for view in drawn:
        k = view.intrinsics
        assert (k.width, k.height) == (640, 480)
        assert k.fx == k.fy
        assert 42 <= np.degrees(2 * np.arctan(k.height / 2 / k.fy)) <= 50
        assert max(abs(k.cx - 320), abs(k.cy - 240)) <= 8
    assert len({view.intrinsics.fx for view in drawn}) == len(drawn)


def test_intrinsics_follow_from_field_of_view_and_offset():
    k = intrinsics_of(CameraSpec(width=200, height=100, fov_y_deg=90.0, principal_offset_px=(3.0, -4.0)))
    assert (k.width, k.height, k.cx, k.cy) == (200, 100, 103.0, 46.0)
    assert (k.fx, k.fy) == (pytest.approx(50), pytest.approx(50))


def test_a_view_does_not_depend_on_how_many_there_are():
    few, _ = views(plain={"camera": {"views": 2}}, count=2)
    many, _ = views(plain={"camera": {"views": 1000}}, count=20)
    assert few == many[:2]


def test_a_view_depends_on_its_number_alone():
    arguments = setting()
    assert sample_view(*arguments, 7) == sample_view(*arguments, 7)
    drawn = [sample_view(*arguments, n) for n in range(20)]
    assert len({view.world_from_camera for view in drawn}) == 20
    assert len({view.sensor for view in drawn}) == 20


def test_a_body_in_the_way_moves_only_the_views_it_is_in_the_way_of():
    spec, scene, poses, models = setting()
    before = [sample_view(spec, scene, poses, models, n) for n in range(10)]
    moved = poses.copy()
    moved[0, :3] = eye_of(before[4])
    after = [sample_view(spec, scene, moved, models, n) for n in range(10)]
    same = [a == b for a, b in zip(before, after, strict=True)]
    assert not same[4]
    assert sum(same) >= 7


@pytest.mark.parametrize(
    "camera",
    [
        {"elevation_deg": -90, "distance_m": 0.1, "look_at_m": "0, 0, 0.08"},
        {"distance_m": 19},
        {"look_at_m": "0, 0, -5"},
    ],
    ids=["inside the table", "beyond the walls", "below the ground"],
)
def test_a_camera_that_can_stand_nowhere_is_an_error(camera):
    with pytest.raises(SpecError, match=r"Scene 0: 100 camera poses .* widen camera\.distance_m"):
        sample_view(*setting(plain={"camera": camera | {"elevation_deg": camera.get("elevation_deg", 10)}}), 0)


def test_every_field_of_the_sensor_reaches_the_view():
    plain = {"sensor": {name: 0.01 * n for n, name in enumerate(vars(SensorSpec()), 1)}}
    (view,), (spec, *_) = views(plain=plain, count=1)
    for field in dataclasses.fields(SensorSpec):
        value = getattr(spec.sensor, field.name)
        expected = (1 + value, 1.0, 1 - value) if field.name == "white_balance" else value
        assert getattr(view.sensor, field.name) == expected


def test_the_sensor_changes_no_camera_pose():
    noisy = overlaid(SceneSpec(), {"sensor": {"blur_px": 3}})
    a, _ = views(count=5)
    b, _ = views(plain={"sensor": {"blur_px": noisy.sensor.blur_px}}, count=5)
    assert [view.world_from_camera for view in a] == [view.world_from_camera for view in b]
