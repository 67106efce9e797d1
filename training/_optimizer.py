"""The optimizer of networks that are mostly convolutions."""

from collections import defaultdict
from collections.abc import Callable, Iterable
from typing import Any

import torch
from torch import Tensor, nn

MUON_RATE = 5.0
"""Learning rate of filters, of that of the rest."""
_MOMENTUM = 0.95
_STEPS = 3
_A, _B, _C = 3.4445, -4.7750, 2.0315
_AS_ADAM = 0.2
"""Root mean square of an update of Adam's, over the learning rate."""


def optimizers_for(networks: nn.Module, learning_rate: float, weight_decay: float) -> list[torch.optim.Optimizer]:
    """Return the optimizers of filters, and of all else: biases, norms, embeddings, and the filters that see colours.

    Each group of parameters says its `highest_lr`, of which a schedule takes shares.
    """
    filters = [p for p in networks.parameters() if p.ndim == 4 and p.shape[1] > 3]
    chosen = {id(p) for p in filters}
    rest = [p for p in networks.parameters() if id(p) not in chosen]
    optimizers = [
        Muon(filters, MUON_RATE * learning_rate, weight_decay),
        torch.optim.AdamW(rest, learning_rate, weight_decay=weight_decay),
    ]
    for optimizer in optimizers:
        for group in optimizer.param_groups:
            group["highest_lr"] = group["lr"]
    return optimizers


class Muon(torch.optim.Optimizer):
    """Moves filters as far in each direction: momentum, made orthogonal (Jordan et al., "Muon", 2024).

    Updates are scaled to be as large as Adam's (Liu et al., "Muon is scalable for LLM training", 2025). torch's own
    takes no filters, and calculates in a precision that few CPUs have.

    Args:
        filters: parameters (outputs, inputs, h, w), taken as matrices of `outputs` rows.
        lr: learning rate.
        weight_decay: share of it by which the filters shrink.
    """

    def __init__(self, filters: Iterable[nn.Parameter], lr: float, weight_decay: float) -> None:
        super().__init__(filters, {"lr": lr, "weight_decay": weight_decay})

    @torch.no_grad()
    def step(self, closure: Callable[[], float] | None = None) -> None:  # type: ignore[override]
        """Move all filters that have a gradient."""
        for group in self.param_groups:
            same: dict[torch.Size, list[nn.Parameter]] = defaultdict(list)
            for p in group["params"]:
                if p.grad is not None:
                    same[p.shape].append(p)
            for shape, alike in same.items():
                directions = orthogonal(torch.stack([self._direction(p).flatten(1) for p in alike]))
                size = _AS_ADAM * max(directions.shape[1:]) ** 0.5
                for p, direction in zip(alike, directions, strict=True):
                    p.mul_(1 - group["lr"] * group["weight_decay"])
                    p.add_(direction.reshape(shape), alpha=-group["lr"] * size)

    def _direction(self, p: nn.Parameter) -> Tensor:
        assert p.grad is not None
        state: dict[str, Any] = self.state[p]
        momentum: Tensor = state.setdefault("momentum", torch.zeros_like(p))
        momentum.lerp_(p.grad, 1 - _MOMENTUM)
        return torch.lerp(p.grad, momentum, _MOMENTUM)


def orthogonal(matrices: Tensor) -> Tensor:
    """Return matrices (n, a, b) with singular values near 1, by Newton and Schulz's iteration with Jordan's quintic.

    As each step multiplies by a polynomial of the Gram matrix, all are done on that, which is the smaller one.
    """
    x = matrices / (torch.linalg.matrix_norm(matrices, keepdim=True) + 1e-7)
    is_tall = x.shape[1] > x.shape[2]
    if is_tall:
        x = x.mT
    gram = x @ x.mT
    one = torch.eye(gram.shape[1], device=x.device)
    all_steps = one
    for _ in range(_STEPS):
        factor = _A * one + torch.baddbmm(gram, gram, gram, beta=_B, alpha=_C)
        all_steps = factor @ all_steps
        gram = factor @ gram @ factor
    result: Tensor = all_steps @ x
    return result.mT if is_tall else result
