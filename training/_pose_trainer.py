"""What makes the networks of a pose estimator learn, step by step, and can be stopped and gone on with."""

import math
import pickle
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch

from graspsim.errors import GraspsimError
from graspsim.pose.estimator import MEMORY_FORMAT, PoseEstimator, save_content
from graspsim.pose.metrics import Reference

from ._optimizer import optimizers_for
from ._pose_batches import Batch

if TYPE_CHECKING:
    from .finetune_pose import Args

_MOST_OVERFLOWS = 20


def share_of_rate(done: float) -> float:
    """Return how much of the learning rate is used when a share of training is done: up at first, down by a cosine."""
    rise = 0.05
    if done < rise:
        return max(done / rise, 0.01)
    return 0.5 * (1 + math.cos(math.pi * (done - rise) / (1 - rise)))


class Trainer:
    """Networks with what makes them learn.

    Args:
        args: of the run.
        estimator: to be trained.
        references: models of its objects.
    """

    def __init__(self, args: "Args", estimator: PoseEstimator, references: dict[int, Reference]) -> None:
        self.args = args
        self.networks = estimator.networks
        self.networks.to(torch.device(args.device), memory_format=MEMORY_FORMAT)  # type: ignore[call-overload]
        self.losses = estimator.losses(references)
        self.optimizers = optimizers_for(self.networks, args.learning_rate, weight_decay=1e-2)
        self.scaler = torch.amp.GradScaler(args.device, enabled=args.device == "cuda")
        self.step = 0
        self.elapsed_s = 0.0
        # Half precision overflows now and then, which the scaler sees to.
        self.most_overflows = _MOST_OVERFLOWS if args.device == "cuda" else 0
        self.overflows = 0

    def learn(self, batch: Batch, done: float) -> dict[str, float]:
        """Take one step, after which a share of the training is done, and return its losses."""
        self.networks.train()
        for optimizer in self.optimizers:
            for group in optimizer.param_groups:
                group["lr"] = group["highest_lr"] * share_of_rate(done)
        is_cuda = self.args.device == "cuda"
        kind = torch.float16 if is_cuda else torch.bfloat16
        with torch.autocast(self.args.device, kind, enabled=is_cuda or self.args.bfloat16):
            losses = self.losses(batch.content)
        for optimizer in self.optimizers:
            optimizer.zero_grad()
        scaled: Any = self.scaler.scale(torch.stack(list(losses.values())).sum())
        scaled.backward()
        for optimizer in self.optimizers:
            self.scaler.unscale_(optimizer)
        norm = torch.nn.utils.clip_grad_norm_(self.networks.parameters(), 10.0)
        # By clipping, what is no number has spread to all of the gradients.
        has_overflowed = not torch.isfinite(norm)
        self.overflows = self.overflows + 1 if has_overflowed else 0
        if self.overflows > self.most_overflows:
            raise GraspsimError(
                f"After {self.step} steps the loss is infinite or no number; begin anew with a --learning-rate below "
                f"{self.args.learning_rate:g}."
            )
        if not has_overflowed:
            for optimizer in self.optimizers:
                self.scaler.step(optimizer)
        self.scaler.update()
        self.step += 1
        return {name: float(loss.detach()) for name, loss in losses.items()}

    def save(self, path: Path, unlogged: dict[str, float]) -> None:
        """Write a checkpoint: all that is needed to go on, and what is not in the log yet."""
        content = {
            "step": self.step,
            "elapsed_s": self.elapsed_s,
            "unlogged": unlogged,
            "networks": self.networks.state_dict(),
            "optimizers": [optimizer.state_dict() for optimizer in self.optimizers],
            "scaler": self.scaler.state_dict(),
        }
        save_content(content, path)

    def load(self, path: Path) -> dict[str, float]:
        """Go on from a checkpoint; return what is not in the log yet."""
        try:
            content = torch.load(path, map_location=self.args.device, weights_only=True)
            self.step, self.elapsed_s = content["step"], content["elapsed_s"]
            self.networks.load_state_dict(content["networks"])
            for optimizer, state in zip(self.optimizers, content["optimizers"], strict=True):
                optimizer.load_state_dict(state)
            self.scaler.load_state_dict(content["scaler"])
            unlogged: dict[str, float] = content["unlogged"]
        except (OSError, EOFError, RuntimeError, LookupError, TypeError, ValueError, pickle.UnpicklingError) as error:
            raise GraspsimError(f"{path} is no checkpoint that can be gone on from: {error}.") from error
        return unlogged
