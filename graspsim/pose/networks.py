"""The networks: one that finds objects in an image, and one that tells which point of its object each pixel shows.

Both are plain convolutions, which a CPU runs fastest, behind an encoder of our own or a ResNet.
"""

import torch
from torch import Tensor, nn

from graspsim.pose.pretrained import ResNet18

DETECTOR_STRIDE = 8
"""Pixels of an image per cell of the detector's maps."""
CROP_PX, MAP_PX = 64, 16
"""Sides of the crop that the second network sees, and of the maps that it returns."""
MASKS = 2
"""Maps before those of the bins: where the object is seen, and where it would be if nothing hid it."""
BINS = 32
"""Values between which each coordinate is told, by the probability of each."""
LEAST_DECODED = (64, 96)
"""Channels of a decoder's maps at least, the finest first: of the orientation, all pixels have to know."""
WIDE = 64
"""Channels that these are told from."""
SHOWN = 0.5
"""Probability from which on a pixel is taken to show the object."""


def convolution(inputs: int, outputs: int, stride: int = 1) -> nn.Sequential:
    """Return a convolution, normalized, and activated."""
    return nn.Sequential(
        nn.Conv2d(inputs, outputs, 3, stride, 1, bias=False), nn.BatchNorm2d(outputs), nn.ReLU(inplace=True)
    )


class Residual(nn.Module):
    """Two convolutions whose result is added to what went in (He et al. 2016)."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.layers = nn.Sequential(convolution(width, width), convolution(width, width))

    def forward(self, x: Tensor) -> Tensor:
        """Return the sum."""
        result: Tensor = x + self.layers(x)
        return result


class Encoder(nn.Module):
    """Feature maps at strides 2, 4, 8 and 16."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.widths = (width, 2 * width, 4 * width, 8 * width)
        stages, inputs = [], 3
        for i, outputs in enumerate(self.widths):
            stages.append(nn.Sequential(convolution(inputs, outputs, 2), *([Residual(outputs)] if i else [])))
            inputs = outputs
        self.stages = nn.ModuleList(stages)

    def forward(self, x: Tensor) -> list[Tensor]:
        """Return the maps, the finest first."""
        maps = []
        for stage in self.stages:
            x = stage(x)
            maps.append(x)
        return maps


class Decoder(nn.Module):
    """Brings the coarsest map up to the finest, beside what was seen on the way (Ronneberger et al., "U-Net", 2015).

    Attributes:
        width: channels of the result.
    """

    def __init__(self, widths: tuple[int, ...]) -> None:
        super().__init__()
        coarse, merges = widths[-1], []
        for fine, least in zip(widths[-2::-1], LEAST_DECODED[len(widths) - 2 :: -1], strict=True):
            outputs = max(fine, least)
            merges.append(convolution(coarse + fine, outputs))
            coarse = outputs
        self.width = coarse
        self.merges = nn.ModuleList(merges)

    def forward(self, maps: list[Tensor]) -> Tensor:
        """Return a map of the finest one's size."""
        x = maps[-1]
        for merge, fine in zip(self.merges, maps[-2::-1], strict=True):
            x = merge(torch.cat([nn.functional.interpolate(x, scale_factor=2.0, mode="nearest"), fine], dim=1))
        return x


class Detector(nn.Module):
    """Finds objects as peaks of heat maps, one for each kind, with boxes (Zhou et al., "Objects as points", 2019).

    From images (n, 3, h, w), h and w divisible by 16, to maps (n, kinds + 4, h / 8, w / 8): logits of an object's
    middle, then where in its cell the middle lies (x, y), and the logarithms of the box's width and height in cells.
    """

    def __init__(self, kinds: int, encoder: Encoder | ResNet18) -> None:
        super().__init__()
        self.encoder = encoder
        self.decoder = Decoder(self.encoder.widths[2:])
        fine = self.decoder.width
        self.last = nn.Conv2d(fine, kinds + 4, 1)
        # Objects are rare: to begin with, none is seen anywhere (Lin et al. 2017).
        self.last.bias = nn.Parameter(torch.cat([torch.full((kinds,), -4.6), torch.zeros(4)]))
        self.head = nn.Sequential(Residual(fine), self.last)

    def forward(self, images: Tensor) -> Tensor:
        """Return the maps."""
        maps: Tensor = self.head(self.decoder(self.encoder(images)[2:]))
        return maps


class CoordinateNet(nn.Module):
    """Tells where on its object each pixel of a crop lies.

    From crops (n, 3, 64, 64) and kinds (n,) to maps (n, 2 + 3 bins, 16, 16): the logits of the pixel showing the
    object, and of the object being there, hidden or not, and for each coordinate of the point that is shown the logits
    of the bins, see `coordinates_of`.

    Probabilities, not numbers: while a handle may be on either side, the mean of both would be learnt (Wang et al.,
    "Normalized object coordinate space", CVPR 2019, section 4.2).
    """

    def __init__(self, kinds: int, encoder: Encoder | ResNet18) -> None:
        super().__init__()
        self.encoder = encoder
        deepest = self.encoder.widths[-1]
        self.kinds = nn.Embedding(kinds, 2 * deepest)
        nn.init.normal_(self.kinds.weight, std=0.1)
        self.deep = nn.Sequential(Residual(deepest), Residual(deepest))
        self.decoder = Decoder(self.encoder.widths[1:])
        self.wide = nn.Sequential(nn.Conv2d(self.decoder.width, WIDE, 1), nn.ReLU(inplace=True))
        # A layer of its own for each kind.
        self.last = nn.Parameter(torch.randn(kinds, MASKS + 3 * BINS, WIDE) * WIDE**-0.5)
        self.bias = nn.Parameter(torch.zeros(kinds, MASKS + 3 * BINS, 1))

    def forward(self, crops: Tensor, kinds: Tensor) -> Tensor:
        """Return the maps."""
        maps = self.encoder(crops)
        scale, shift = self.kinds(kinds)[:, :, None, None].chunk(2, dim=1)
        maps[-1] = self.deep(maps[-1] * (1 + scale) + shift)
        fine = self.wide(self.decoder(maps[1:]))
        told = self.last[kinds] @ fine.flatten(2) + self.bias[kinds]
        result: Tensor = told.reshape(len(kinds), -1, *fine.shape[2:])
        return result


def bins_of(maps: Tensor) -> Tensor:
    """Return the probabilities (n, 3, bins, h, w) of each coordinate that maps (n, 2 + 3 bins, h, w) tell."""
    n, _, h, w = maps.shape
    return torch.softmax(maps[:, MASKS:].reshape(n, 3, BINS, h, w), dim=2)


def coordinates_of(maps: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Return what maps (n, 2 + 3 bins, h, w) say of each pixel.

    Returns:
        The probabilities (n, h, w) that it shows the object, and that the object is there, hidden or not; the point
        (n, 3, h, w) that it shows, in the model's box scaled to [-1, 1], and how sure that is (n, h, w).
    """
    probability = bins_of(maps)
    best = probability.argmax(dim=2, keepdim=True)
    # Between the likeliest bin and its neighbours.
    near = best + torch.tensor((-1, 0, 1), device=maps.device)[None, None, :, None, None]
    exists = (near >= 0) & (near < BINS)
    weights = torch.take_along_dim(probability, near.clamp(0, BINS - 1), dim=2) * exists
    total = weights.sum(dim=2)
    place = (weights * near).sum(dim=2) / total
    shown, there = torch.sigmoid(maps[:, 0]), torch.sigmoid(maps[:, 1])
    return shown, there, 2 * place / (BINS - 1) - 1, total.clamp(max=1).prod(dim=1)
