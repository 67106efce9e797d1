"""Losses are least for the right answer, whichever of a symmetric object it is."""

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="torch is not installed; it is in the test extra")

from graspsim.geometry import rotation_about, transform  # noqa: E402
from graspsim.models import Symmetries  # noqa: E402
from graspsim.pose.frame import Frame  # noqa: E402
from graspsim.pose.losses import coordinate_loss, detection_loss  # noqa: E402
from graspsim.pose.metrics import symmetry_transforms  # noqa: E402
from graspsim.pose.networks import (  # noqa: E402
    BINS,
    MAP_PX,
    MASKS,
    CoordinateNet,
    Detector,
    Encoder,
    coordinates_of,
)


def sure_of(points: torch.Tensor) -> torch.Tensor:
    """Return maps (n, 2 + 3 bins, h, w) that tell points (n, 3, h, w), and the object everywhere."""
    place = (points + 1) / 2 * (BINS - 1)
    each = torch.clamp(1 - (place[:, :, None] - torch.arange(BINS)[None, None, :, None, None]).abs(), min=1e-9).log()
    n, _, h, w = points.shape
    return torch.cat([torch.full((n, MASKS, h, w), 20.0), each.reshape(n, -1, h, w)], dim=1)


def test_points_are_told_between_the_bins() -> None:
    points = torch.rand((2, 3, 8, 8), generator=torch.Generator().manual_seed(0)) * 2 - 1
    shown, there, told, sure = coordinates_of(sure_of(points))
    torch.testing.assert_close(told, points, atol=1e-4, rtol=0)
    assert (shown > 0.99).all()
    assert (there > 0.99).all()
    assert (sure > 0.99).all()
    assert (coordinates_of(torch.zeros((1, MASKS + 3 * BINS, 4, 4)))[3] < 0.01).all()


def test_an_answer_turned_by_a_symmetry_is_right_and_by_anything_else_is_not() -> None:
    frame = Frame(np.zeros(3), np.full(3, 2.0))
    turn = transform(rotation_about((0, 0, 1), np.pi))
    motions = torch.from_numpy(frame.motions(symmetry_transforms(Symmetries((turn,)))))[None].float()
    bins = torch.randint(0, BINS, (1, 3, MAP_PX, MAP_PX), generator=torch.Generator().manual_seed(0))
    points = 2 * bins / (BINS - 1) - 1
    visible = torch.ones((1, MAP_PX, MAP_PX), dtype=torch.bool)

    def loss(told: torch.Tensor) -> float:
        return float(coordinate_loss(sure_of(told), visible, visible, points, motions))

    turned = points * torch.tensor((-1.0, -1.0, 1.0))[None, :, None, None]
    assert loss(points) == pytest.approx(0, abs=1e-2)
    assert loss(turned) == pytest.approx(0, abs=1e-2)
    assert loss(points.flip(1)) > 0.5
    # All pixels of an object have to agree on one answer.
    half = torch.where(torch.arange(MAP_PX)[None, None, None] < MAP_PX // 2, points, turned)
    assert loss(half) > 0.5


def test_the_detection_loss_is_least_for_the_right_answer_and_blind_where_it_does_not_matter() -> None:
    heat, boxes = torch.zeros((1, 2, 8, 8)), torch.full((1, 4, 8, 8), torch.nan)
    heat[0, 1, 3, 4] = 1
    boxes[0, :, 3, 4] = torch.tensor((0.2, 0.7, 1.0, 0.5))
    right = torch.cat([torch.where(heat == 1, 9.0, -9.0), torch.nan_to_num(boxes)], dim=1)
    assert detection_loss(right, heat, boxes) < 1e-3
    wrong = right.clone()
    wrong[0, 0, 0, 0] = 9.0
    assert detection_loss(wrong, heat, boxes) > 1
    heat[0, 0, 0, 0] = -1
    assert detection_loss(wrong, heat, boxes) < 1e-3


def test_networks_return_maps_of_the_shapes_they_state() -> None:
    assert Detector(3, Encoder(8))(torch.zeros((2, 3, 48, 64))).shape == (2, 7, 6, 8)
    kinds = torch.tensor([2, 0])
    assert CoordinateNet(3, Encoder(8))(torch.zeros((2, 3, 64, 64)), kinds).shape == (
        2,
        MASKS + 3 * BINS,
        MAP_PX,
        MAP_PX,
    )
