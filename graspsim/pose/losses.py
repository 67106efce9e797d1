"""What the networks are trained to: a focal loss of heat maps, and coordinates up to the symmetry that suits best."""

import torch
from torch import Tensor
from torch.nn import functional

from graspsim.pose.networks import BINS, MASKS

_EVERY = 7
"""Seen pixels of which one helps to choose between answers."""
COORDINATES_WEIGHT = 0.2
"""Of the three coordinates' cross entropy, beside the mask's."""


def detection_loss(maps: Tensor, heat: Tensor, boxes: Tensor) -> Tensor:
    """Return the loss of the detector's maps (n, kinds + 4, h, w): focal of the heat, absolute of the boxes.

    The focal loss is that of Law and Deng, "CornerNet" (2018), equation 1.

    Args:
        maps: what the detector returned.
        heat: (n, kinds, h, w) 1 at middles, less around them, and -1 where it does not matter.
        boxes: (n, 4, h, w) as the detector's last four maps; nan where no object's middle is.
    """
    logits = maps[:, :-4]
    probability, is_middle, counts = torch.sigmoid(logits), heat == 1, heat >= 0
    hit = (1 - probability) ** 2 * functional.logsigmoid(logits)
    miss = (1 - heat) ** 4 * probability**2 * functional.logsigmoid(-logits)
    objects = is_middle.sum().clamp(min=1)
    focal = -(hit[is_middle].sum() + miss[counts & ~is_middle].sum()) / objects
    known = ~torch.isnan(boxes)
    off = (maps[:, -4:][known] - boxes[known]).abs().sum()
    return focal + 0.5 * off / objects


def coordinate_loss(maps: Tensor, visible: Tensor, there: Tensor, coordinates: Tensor, motions: Tensor) -> Tensor:
    """Return the loss of the second network's maps (n, 2 + 3 bins, h, w): cross entropy, of the masks and of the bins.

    An object that looks the same under a motion has several right answers; the nearest counts, for all pixels of a crop
    together (as Park et al., "Pix2Pose", 2019, have it), so that the target never jumps within an object.

    Args:
        maps: what the network returned.
        visible: (n, h, w) bool, where the object is seen.
        there: (n, h, w) bool, where it is, hidden or not.
        coordinates: (n, 3, h, w) the points that are seen there, in the model's box scaled to [-1, 1].
        motions: (n, s, 3, 4) those of the symmetries of each crop's object, in the same coordinates, padded with any.
    """
    n = len(maps)
    seen = visible.flatten(1)
    crop = seen.nonzero()[:, 0]
    # Only where the object is seen: it fills a third of a crop.
    logs = functional.log_softmax(maps[:, MASKS:].flatten(2).transpose(1, 2)[seen].float().reshape(-1, 3, BINS), dim=2)
    points = coordinates.flatten(2).transpose(1, 2)[seen]
    with torch.no_grad():
        few = slice(None, None, _EVERY)
        each = _cross_entropy(logs[few], points[few], motions[crop[few]])  # (k, s)
        sums = torch.zeros(n, each.shape[1], device=maps.device).index_add_(0, crop[few], each)
        nearest = motions[torch.arange(n, device=maps.device), sums.argmin(dim=1)]
    off = _cross_entropy(logs, points, nearest[crop, None])[:, 0]
    # Of all crops alike, however large the object is in them.
    weights = 1 / (n * seen.sum(dim=1).clamp(min=1))
    masks = sum(_mask_loss(maps[:, i].float(), mask.float()) for i, mask in enumerate((visible, there)))
    return masks + COORDINATES_WEIGHT * (off * weights[crop]).sum()


def _cross_entropy(logs: Tensor, points: Tensor, motions: Tensor) -> Tensor:
    """Return, for points (k, 3) moved by motions (k, s, 3, 4), the cross entropy (k, s) of bins (k, 3, bins)."""
    answers = (motions[..., :3] @ points[:, None, :, None])[..., 0] + motions[..., 3]  # (k, s, 3)
    place = ((answers.transpose(1, 2) + 1) / 2 * (BINS - 1)).clamp(0, BINS - 1.001)  # (k, 3, s)
    below = place.floor()
    share, index = place - below, below.long()
    # A point between two bins belongs to both.
    off = torch.take_along_dim(logs, index, dim=2) * (share - 1) - torch.take_along_dim(logs, index + 1, dim=2) * share
    return off.sum(dim=1)


def _mask_loss(logits: Tensor, truth: Tensor) -> Tensor:
    """Return cross entropy and the share in which the masks (n, h, w) do not overlap (Milletari et al., "V-Net", 2016).

    By cross entropy alone, what is thin hardly counts.
    """
    probability = torch.sigmoid(logits)
    overlap = 2 * (probability * truth).sum(dim=(1, 2)) + 1
    sizes = probability.sum(dim=(1, 2)) + truth.sum(dim=(1, 2)) + 1
    return functional.binary_cross_entropy_with_logits(logits, truth) + (1 - overlap / sizes).mean()
