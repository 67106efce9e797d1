import numpy as np
import pytest
from worlds_for_tests import box_model, cone_model, sphere_model, world_vertices

from graspsim.geometry import matrices_from_poses
from graspsim.layouts import GAP_M, PLACEMENTS, drop_point, dropped, floating, packed
from graspsim.spec import LAYOUTS

MODELS = [
    box_model((0.05, 0.03, 0.08)),
    sphere_model(0.03, 60),
    cone_model(0.03, 0.08),
    box_model((0.12, 0.02, 0.02)),
    box_model((0.02, 0.02, 0.02)),
] * 3
AREA_M = 0.5
EVERY = pytest.mark.parametrize("kind", LAYOUTS)
SEEDS = range(8)


def rng(seed=0):
    return np.random.default_rng(seed)


def placed(kind, models=MODELS, area_m=AREA_M, seed=0):
    """Return the models that found room, with their vertices in the world."""
    poses = PLACEMENTS[kind](models, area_m, rng(seed).spawn(len(models)))
    assert len(poses) == len(models)
    return [
        (model, pose, world_vertices(model.mesh, matrices_from_poses(pose)[0]))
        for model, pose in zip(models, poses, strict=True)
        if pose is not None
    ]


def radius(model):
    return np.linalg.norm(model.mesh.vertices, axis=1).max()


def separated(a, b):
    """Tell whether a line separates the convex hulls of two sets of points (n, 2), by trying many directions."""
    angle = np.linspace(0, np.pi, 721)
    directions = np.stack([np.cos(angle), np.sin(angle)])
    p, q = a @ directions, b @ directions
    return bool(((p.max(axis=0) < q.min(axis=0)) | (q.max(axis=0) < p.min(axis=0))).any())


def test_every_layout_has_a_placement():
    assert set(PLACEMENTS) == set(LAYOUTS)


@EVERY
def test_poses_are_deterministic_and_differ_by_seed(kind):
    first, again, other = (PLACEMENTS[kind](MODELS, AREA_M, rng(seed).spawn(len(MODELS))) for seed in (1, 1, 2))
    assert first == again
    assert first != other


@EVERY
def test_poses_are_plain_floats_with_unit_quaternions(kind):
    for _, pose, _ in placed(kind):
        assert {type(v) for v in pose} == {float}
        assert np.linalg.norm(pose[3:]) == pytest.approx(1)


@EVERY
def test_nothing_to_place_is_no_error(kind):
    assert PLACEMENTS[kind]([], AREA_M, []) == []


@pytest.mark.parametrize("kind", ["tabletop", "bin", "floating"])
def test_bounding_spheres_never_overlap(kind):
    for seed in SEEDS:
        bodies = placed(kind, seed=seed)
        for i, (a, pose_a, _) in enumerate(bodies):
            for b, pose_b, _ in bodies[:i]:
                apart = np.linalg.norm(np.subtract(pose_a[:3], pose_b[:3]))
                assert apart >= radius(a) + radius(b) - 1e-9


def test_packed_footprints_never_overlap():
    for seed in SEEDS:
        bodies = placed("packed", seed=seed)
        assert len(bodies) > 5
        for i, (_, _, a) in enumerate(bodies):
            for _, _, b in bodies[:i]:
                assert separated(a[:, :2], b[:, :2])


def test_packed_and_dropped_stay_over_the_area():
    for seed in SEEDS:
        for kind in ("packed", "tabletop", "bin"):
            for _, _, vertices in placed(kind, seed=seed):
                assert np.abs(vertices[:, :2]).max() <= AREA_M / 2 + 1e-9


def test_floating_centres_stay_in_the_cube():
    for _, pose, _ in placed("floating"):
        assert np.abs(pose[:3]).max() <= AREA_M / 2


def test_dropped_objects_start_just_above_the_table():
    lows = [vertices[:, 2].min() for seed in SEEDS for _, _, vertices in placed("tabletop", seed=seed)]
    assert min(lows) == pytest.approx(GAP_M)
    # With room enough nothing is dropped from higher than it has to be.
    alone = [placed("tabletop", [model], seed=seed)[0][2][:, 2].min() for model in MODELS[:5] for seed in SEEDS]
    np.testing.assert_allclose(alone, GAP_M)


def test_dropped_always_finds_a_place_by_going_up():
    assert None not in dropped([sphere_model(0.04, 60)] * 40, 0.2, rng().spawn(40))
    assert None not in dropped([sphere_model(0.3, 60)], 0.1, [rng()])


def test_packed_objects_stand_just_above_the_table_upright_if_they_can():
    for model, pose, vertices in placed("packed"):
        assert vertices[:, 2].min() == pytest.approx(1e-4)
        if model.name in ("box", "cone"):
            assert pose[3:5] == pytest.approx((0.0, 0.0), abs=1e-12)
            assert pose[2] == pytest.approx(model.extents_m[2] / 2 + 1e-4)


def test_packed_objects_crowd_around_the_middle():
    distance = [np.hypot(*pose[:2]) for seed in SEEDS for _, pose, _ in placed("packed", MODELS[:4], 2.0, seed)]
    # Drawn evenly over the square they would lie 0.77 m out on average.
    assert np.mean(distance) < 0.25


@pytest.mark.parametrize("place", [packed, floating])
def test_what_does_not_fit_is_none_and_the_rest_is_placed(place):
    poses = place([box_model((0.15, 0.15, 0.15))] * 30, 0.4, rng().spawn(30))
    assert any(pose is None for pose in poses)
    assert any(pose is not None for pose in poses)


def test_an_object_wider_than_the_area_does_not_fit_into_it():
    assert packed([box_model((0.5, 0.01, 0.01))], 0.3, [rng()]) == [None]


def test_what_did_not_fit_takes_no_room():
    huge, small = box_model((0.5, 0.5, 0.1)), box_model((0.02, 0.02, 0.02))
    poses = packed([huge, small], 0.3, rng().spawn(2))
    assert poses[0] is None
    assert poses[1] is not None


def test_a_drop_point_clears_the_spheres_it_is_given():
    model, tower = MODELS[0], [(np.array([0.0, 0.0, 0.3]), 0.4)]
    quat_xyzw = np.array([0.0, 0.0, 0.0, 1.0])
    for seed in SEEDS:
        center, reach = drop_point(model, quat_xyzw, 0.2, tower, rng(seed))
        assert reach == pytest.approx(radius(model))
        assert np.linalg.norm(center - tower[0][0]) >= reach + 0.4
