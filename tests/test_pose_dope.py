"""DOPE's network and estimator; what its maps mean is tested in test_dope_maps.py."""

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="torch is not installed; it is in the test extra")

from graspsim.dataset.dope import cuboid_points  # noqa: E402
from graspsim.geometry import Intrinsics, apply, project, rotation_about, transform  # noqa: E402
from graspsim.meshes import box_mesh  # noqa: E402
from graspsim.pose import dope  # noqa: E402
from graspsim.pose.dope_maps import STRIDE, maps_of, moved_view  # noqa: E402
from graspsim.pose.estimator import KnownObject  # noqa: E402

K = Intrinsics(640, 480, 600.0, 590.0, 310.0, 245.0)


def test_perfect_maps_of_another_size_than_the_picture_give_the_pose() -> None:
    known = [KnownObject(4, 0.26, box_mesh((0.2, 0.14, 0.1))), KnownObject(9, 0.2, box_mesh((0.08, 0.15, 0.1)))]
    pose = transform(rotation_about((1, 2, 3), 0.7), (0.1, -0.05, 0.8))
    estimator = dope.DopeEstimator(known, 4, 400)
    view = moved_view(K, 400, 304, None)
    low_m, size_m = known[1].mesh.vertices.min(axis=0), np.ptp(known[1].mesh.vertices, axis=0)
    points = project(apply(pose, cuboid_points(low_m, size_m)), view) / STRIDE
    each = [maps_of(cuboids, 304 // STRIDE, 400 // STRIDE) for cuboids in ([], [points])]
    told = [torch.from_numpy(np.concatenate([maps[i] for maps in each]))[None] for i in (0, 1)]

    def net(images: torch.Tensor) -> list[list[torch.Tensor]]:
        assert images.shape == (1, 3, 304, 400)
        return [told]

    estimator.net = net  # type: ignore[assignment]
    (found,) = estimator.estimate(np.zeros((480, 640, 3), np.uint8), K, np.random.default_rng(0))
    assert found.obj_id == 9
    assert found.score > 0.7
    np.testing.assert_allclose(found.camera_from_model[:3, 3], pose[:3, 3], atol=0.003)
    np.testing.assert_allclose(found.camera_from_model[:3, :3], pose[:3, :3], atol=0.02)


def test_the_network_has_six_stages_each_seeing_the_one_before() -> None:
    net = dope.DopeNet(1, 8)
    maps = net(torch.zeros((1, 3, 64, 96)))
    assert len(maps) == 6
    for beliefs, fields in maps:
        assert beliefs.shape == (1, 9, 8, 12)
        assert fields.shape == (1, 16, 8, 12)
    # As many weights as the layers of the original have, counted by hand.
    original = sum(p.numel() for p in dope.DopeNet(1, 128).parameters())
    assert original == 50_267_350
