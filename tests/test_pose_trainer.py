"""Steps of the pose estimator's training."""

from pathlib import Path

import pytest

torch = pytest.importorskip("torch", reason="torch is not installed; it is in the test extra")

from graspsim.training import finetune_pose  # noqa: E402
from graspsim.training._pose_batches import Batch  # noqa: E402
from graspsim.training._pose_trainer import Trainer  # noqa: E402

from graspsim.dataset.bop import BopDataset  # noqa: E402
from graspsim.errors import GraspsimError  # noqa: E402
from graspsim.pose.dense import DenseEstimator  # noqa: E402
from graspsim.pose.estimator import untrained  # noqa: E402
from graspsim.pose.score import load_references  # noqa: E402


def test_what_overflows_in_one_optimizer_leaves_all_weights_as_they_were(pose_root: Path, tmp_path: Path) -> None:
    references = load_references(BopDataset(pose_root))
    estimator = untrained("dense", references, 8, 160)
    assert isinstance(estimator, DenseEstimator)
    trainer = Trainer(finetune_pose.Args(data=(pose_root,), out=tmp_path), estimator, references)
    trainer.most_overflows = 1
    before = {name: value.clone() for name, value in estimator.networks.named_parameters()}
    only_here = estimator.detector.last.bias
    trainer.losses = lambda content: {
        "nan": only_here.sum() * float("nan"),
        "finite": sum(p.sum() for p in estimator.networks.parameters() if p is not only_here),
    }
    batch = Batch(None, 1, ())
    trainer.learn(batch, 0.5)
    for name, value in estimator.networks.named_parameters():
        torch.testing.assert_close(value, before[name], rtol=0, atol=0)
    with pytest.raises(GraspsimError, match="the loss is infinite or no number"):
        trainer.learn(batch, 0.5)
