"""The optimizer of filters: orthogonal directions, and each parameter moved by one of two."""

import pytest

torch = pytest.importorskip("torch", reason="torch is not installed; it is in the test extra")

from graspsim.training._optimizer import Muon, optimizers_for, orthogonal  # noqa: E402

from graspsim.pose.networks import CoordinateNet, Encoder  # noqa: E402


@pytest.mark.parametrize("shape", [(3, 16, 90), (2, 90, 16), (1, 32, 32)])
def test_an_orthogonal_matrix_keeps_its_axes_and_loses_its_lengths(shape: tuple[int, int, int]) -> None:
    noise = torch.randn(shape, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    u, _, v = torch.linalg.svd(noise, full_matrices=False)
    lengths = torch.linspace(0.2, 1, u.shape[2], dtype=torch.float64)
    made = orthogonal((u * lengths @ v).float()).double()
    along = u.mT @ made @ v.mT
    told = torch.diagonal(along, dim1=1, dim2=2)
    assert torch.allclose(along, torch.diag_embed(told), atol=1e-4)
    assert told.min() > 0.4
    assert told.max() < 1.3


def test_each_parameter_is_moved_by_one_optimizer() -> None:
    network = CoordinateNet(2, Encoder(8))
    muon, rest = optimizers_for(network, 1e-3, 0.0)
    assert isinstance(muon, Muon)
    moved = [id(p) for each in (muon, rest) for group in each.param_groups for p in group["params"]]
    assert sorted(moved) == sorted(id(p) for p in network.parameters())


def test_filters_are_found_whose_answers_are_given() -> None:
    random = torch.Generator().manual_seed(0)
    seen = torch.randn((64, 8, 5, 5), generator=random)
    truth, found = torch.nn.Conv2d(8, 6, 3, bias=False), torch.nn.Conv2d(8, 6, 3, bias=False)
    muon = Muon(found.parameters(), 0.03, 0.0)
    with torch.no_grad():
        answers = truth(seen)
        before = float((found(seen) - answers).square().mean())
    for step in range(200):
        muon.param_groups[0]["lr"] = 0.03 * (1 - step / 200)
        muon.zero_grad()
        off = (found(seen) - answers).square().mean()
        off.backward()
        muon.step()
    assert float(off.detach()) < 1e-3 * before
