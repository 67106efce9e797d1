"""Networks in the layout of torchvision's ResNet-18 and VGG-19, and pretrained weights for them from a user's file."""

import pickle
from collections.abc import Mapping
from pathlib import Path

import torch
from torch import Tensor, nn
from torch.nn import functional

from graspsim.errors import GraspsimError


def load_weights(network: nn.Module, path: Path, prefix: str = "") -> None:
    """Take over the weights of a state_dict that torch has saved; what the network does not have is left out.

    Args:
        network: to be changed.
        path: of the file.
        prefix: of the names in the file.

    Raises:
        GraspsimError: if there is no such file, it holds something else, or weights are missing or of another shape.
    """
    if not path.is_file():
        raise GraspsimError(f"There are no weights {path}.")
    try:
        content = torch.load(path, map_location="cpu", weights_only=True)
    except (OSError, EOFError, RuntimeError, LookupError, TypeError, ValueError, pickle.UnpicklingError) as error:
        # Its own words advise to trust the file.
        raise GraspsimError(f"{path} holds no weights that torch has saved, or more than those.") from error
    if not isinstance(content, Mapping) or not all(isinstance(value, Tensor) for value in content.values()):
        raise GraspsimError(f"{path} has to hold a state_dict of tensors by name; it holds {type(content).__name__}.")
    chosen = {}
    for name, value in network.state_dict().items():
        given = content.get(prefix + name)
        if given is None and name.endswith("num_batches_tracked"):
            # Older files do not have it, and nothing depends on it.
            given = value
        if given is None or given.shape != value.shape:
            is_there = "nothing" if given is None else f"a tensor {tuple(given.shape)}"
            raise GraspsimError(
                f"{path} does not fit {type(network).__name__}: it needs {prefix}{name} {tuple(value.shape)}; there is "
                f"{is_there}."
            )
        chosen[name] = given
    network.load_state_dict(chosen)


class Block(nn.Module):
    """Two convolutions whose result is added to what went in (He et al. 2016)."""

    def __init__(self, inputs: int, outputs: int, stride: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(inputs, outputs, 3, stride, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(outputs)
        self.conv2 = nn.Conv2d(outputs, outputs, 3, 1, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(outputs)
        self.downsample: nn.Sequential | None = None
        if stride > 1 or inputs != outputs:
            self.downsample = nn.Sequential(nn.Conv2d(inputs, outputs, 1, stride, bias=False), nn.BatchNorm2d(outputs))

    def forward(self, x: Tensor) -> Tensor:
        """Return the activated sum."""
        way_around = x if self.downsample is None else self.downsample(x)
        return functional.relu(self.bn2(self.conv2(functional.relu(self.bn1(self.conv1(x))))) + way_around)


class ResNet18(nn.Module):
    """Feature maps at strides 2, 4, 8 and 16: ResNet-18 without its last blocks."""

    widths = (64, 64, 128, 256)

    def __init__(self) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(3, 64, 7, 2, 3, bias=False)
        self.bn1 = nn.BatchNorm2d(64)
        self.layer1 = nn.Sequential(Block(64, 64, 1), Block(64, 64, 1))
        self.layer2 = nn.Sequential(Block(64, 128, 2), Block(128, 128, 1))
        self.layer3 = nn.Sequential(Block(128, 256, 2), Block(256, 256, 1))

    def forward(self, x: Tensor) -> list[Tensor]:
        """Return the maps, the finest first."""
        maps = [functional.relu(self.bn1(self.conv1(x)))]
        x = functional.max_pool2d(maps[0], 3, 2, 1)
        for layer in (self.layer1, self.layer2, self.layer3):
            x = layer(x)
            maps.append(x)
        return maps


def vgg19_until_conv4_2(width: int = 128) -> nn.Sequential:
    """Return the first ten convolutions of VGG-19 (Simonyan and Zisserman 2015), at a stride of 8."""
    layers: list[nn.Module] = []
    inputs = 3
    for outputs, count in ((width // 2, 2), (width, 2), (2 * width, 4), (4 * width, 2)):
        if layers:
            layers.append(nn.MaxPool2d(2))
        for _ in range(count):
            layers += [nn.Conv2d(inputs, outputs, 3, padding=1), nn.ReLU(inplace=True)]
            inputs = outputs
    return nn.Sequential(*layers)
