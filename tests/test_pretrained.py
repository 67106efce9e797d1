"""Pretrained weights are taken over by torchvision's names, or it is said what does not fit."""

from pathlib import Path

import pytest

torch = pytest.importorskip("torch", reason="torch is not installed; it is in the test extra")

from graspsim.errors import GraspsimError, SpecError  # noqa: E402
from graspsim.meshes import box_mesh  # noqa: E402
from graspsim.pose.dense import DenseEstimator, DenseResnetEstimator  # noqa: E402
from graspsim.pose.dope import DopeEstimator  # noqa: E402
from graspsim.pose.estimator import KnownObject  # noqa: E402
from graspsim.pose.pretrained import ResNet18, vgg19_until_conv4_2  # noqa: E402

OBJECTS = [KnownObject(1, 0.1, box_mesh((0.05, 0.06, 0.07)))]


def saved(path: Path, weights: dict[str, torch.Tensor]) -> Path:
    torch.save(weights, path)
    return path


def test_both_encoders_begin_with_the_weights_of_a_resnet(tmp_path: Path) -> None:
    theirs = {name: v for name, v in ResNet18().state_dict().items() if not name.endswith("num_batches_tracked")}
    path = saved(tmp_path / "resnet18.pth", {**theirs, "fc.weight": torch.zeros(2)})
    estimator = DenseResnetEstimator(OBJECTS, 16, 160)
    estimator.start_from(path)
    for encoder in (estimator.detector.encoder, estimator.coordinates.encoder):
        for name, value in theirs.items():
            torch.testing.assert_close(encoder.state_dict()[name], value)
    maps = estimator.detector.encoder(torch.zeros((1, 3, 64, 96)))
    assert [tuple(m.shape[1:]) for m in maps] == [(64, 32, 48), (64, 16, 24), (128, 8, 12), (256, 4, 6)]


def test_layers_are_named_and_shaped_as_torchvision_has_them() -> None:
    resnet = {name: tuple(value.shape) for name, value in ResNet18().state_dict().items()}
    assert resnet["conv1.weight"] == (64, 3, 7, 7)
    assert resnet["layer2.0.downsample.0.weight"] == (128, 64, 1, 1)
    assert resnet["layer3.1.bn2.running_var"] == (256,)
    vgg = {name: tuple(value.shape) for name, value in vgg19_until_conv4_2().state_dict().items()}
    convolutions = (0, 2, 5, 7, 10, 12, 14, 16, 19, 21)
    assert set(vgg) == {f"{n}.{part}" for n in convolutions for part in ("weight", "bias")}
    assert vgg["21.weight"] == (512, 512, 3, 3)


def test_dope_begins_with_the_weights_of_a_vgg(tmp_path: Path) -> None:
    theirs = {f"features.{name}": value for name, value in vgg19_until_conv4_2().state_dict().items()}
    estimator = DopeEstimator(OBJECTS, 128, 160)
    estimator.start_from(saved(tmp_path / "vgg19.pth", {**theirs, "classifier.0.weight": torch.zeros(1)}))
    torch.testing.assert_close(estimator.net.features.state_dict()["21.bias"], theirs["features.21.bias"])


def test_weights_that_do_not_fit_are_named(tmp_path: Path) -> None:
    estimator = DenseResnetEstimator(OBJECTS, 16, 160)
    with pytest.raises(GraspsimError, match=r"There are no weights .*nowhere\.pth"):
        estimator.start_from(tmp_path / "nowhere.pth")
    (tmp_path / "rubbish.pth").write_bytes(b"rubbish")
    with pytest.raises(GraspsimError, match="holds no weights that torch has saved"):
        estimator.start_from(tmp_path / "rubbish.pth")
    with pytest.raises(GraspsimError, match="has to hold a state_dict of tensors by name; it holds list"):
        estimator.start_from(saved(tmp_path / "list.pth", [torch.zeros(1)]))
    few = saved(tmp_path / "few.pth", {"conv1.weight": torch.zeros((64, 3, 3, 3))})
    with pytest.raises(GraspsimError, match=r"needs conv1\.weight \(64, 3, 7, 7\); there is a tensor \(64, 3, 3, 3\)"):
        estimator.start_from(few)
    with pytest.raises(SpecError, match="Nothing is pretrained for the architecture dense"):
        DenseEstimator(OBJECTS, 16, 160).start_from(few)
