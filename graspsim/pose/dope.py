"""DOPE (Tremblay et al., CoRL 2018), because people compare with it: six stages of maps, then PnP on boxes' corners."""

from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from graspsim.dataset.dope import cuboid_points
from graspsim.geometry import Array, Intrinsics, transform
from graspsim.pose.augment import Image
from graspsim.pose.dope_maps import POINTS, STRIDE, DopeBatch, DopeSamples, as_seen_by, moved_view, objects_in
from graspsim.pose.estimator import Estimate, KnownObject, PoseEstimator, device_of, images_to_tensor, kinds_of
from graspsim.pose.metrics import Reference
from graspsim.pose.pretrained import load_weights, vgg19_until_conv4_2

STAGES = 6
_LEAST_POINTS = 5
"""That a pose is solved from; four have several."""


def _stage(inputs: int, width: int, outputs: int, is_first: bool) -> nn.Sequential:
    """Return a stage: five convolutions of 7x7 cells and two of 1x1; the first one has three of 3x3 and two of 1x1."""
    kernel, count, last = (3, 3, 4 * width) if is_first else (7, 5, width)
    layers: list[nn.Module] = []
    for _ in range(count):
        layers += [nn.Conv2d(inputs, width, kernel, padding=kernel // 2), nn.ReLU(inplace=True)]
        inputs = width
    return nn.Sequential(*layers, nn.Conv2d(width, last, 1), nn.ReLU(inplace=True), nn.Conv2d(last, outputs, 1))


class DopeNet(nn.Module):
    """From images (n, 3, h, w) to each stage's beliefs (n, 9 kinds, h / 8, w / 8) and fields, of which there are 16.

    The original has one kind and a width of 128.
    """

    def __init__(self, kinds: int, width: int) -> None:
        super().__init__()
        self.features = vgg19_until_conv4_2(width)
        self.narrow = nn.Sequential(
            nn.Conv2d(4 * width, 2 * width, 3, padding=1),
            nn.ReLU(inplace=True),
            nn.Conv2d(2 * width, width, 3, padding=1),
            nn.ReLU(inplace=True),
        )
        beliefs, fields = POINTS * kinds, 2 * (POINTS - 1) * kinds
        later = width + beliefs + fields
        self.beliefs = nn.ModuleList(_stage(later if i else width, width, beliefs, not i) for i in range(STAGES))
        self.fields = nn.ModuleList(_stage(later if i else width, width, fields, not i) for i in range(STAGES))

    def forward(self, images: Tensor) -> list[tuple[Tensor, Tensor]]:
        """Return the maps, the last stage's last."""
        seen = self.narrow(self.features(images))
        maps: list[tuple[Tensor, Tensor]] = []
        for to_beliefs, to_fields in zip(self.beliefs, self.fields, strict=True):
            x = torch.cat([*maps[-1], seen], dim=1) if maps else seen
            maps.append((to_beliefs(x), to_fields(x)))
        return maps


class DopeEstimator(PoseEstimator):
    """DOPE, for one object or several; see `PoseEstimator`."""

    architecture = "dope"
    uses_depth = False

    def __init__(self, objects: list[KnownObject], width: int, image_width: int) -> None:
        self.objects = objects
        self.width = width
        self.image_width = image_width
        self.net = DopeNet(len(objects), width)
        self.networks = nn.ModuleDict({"dope": self.net})

    def start_from(self, backbone: Path) -> None:
        """Take over ImageNet's weights of VGG-19, as torchvision names them."""
        load_weights(self.net.features, backbone, "features.")

    def samples(self, references: dict[int, Reference]) -> DopeSamples:
        """Return what makes batches for it."""
        return DopeSamples(kinds_of(self), references, self.image_width)

    def losses(self, references: dict[int, Reference]) -> Callable[[DopeBatch], dict[str, Tensor]]:
        """Return the function from a batch to the squared errors of all stages' maps."""
        device = device_of(self.networks)

        def losses(batch: DopeBatch) -> dict[str, Tensor]:
            truth = [torch.from_numpy(array).to(device) for array in (batch.beliefs, batch.fields)]
            maps = self.net(images_to_tensor(batch.images, device))
            return {
                name: torch.stack([((stage[i].float() - truth[i]) ** 2).mean() for stage in maps]).sum()
                for i, name in enumerate(("beliefs", "fields"))
            }

        return losses

    def estimate(
        self, rgb: Image, camera: Intrinsics, rng: np.random.Generator, depth_m: NDArray[np.float32] | None = None
    ) -> list[Estimate]:
        """Return the poses of all known objects in a picture; neither depth nor chance is used."""
        height = round(rgb.shape[0] * self.image_width / rgb.shape[1] / STRIDE) * STRIDE
        view = moved_view(camera, self.image_width, height, None)
        self.networks.eval()
        with torch.no_grad():
            images = images_to_tensor(as_seen_by(view, rgb, camera)[None], device_of(self.networks))
            beliefs, fields = (maps[0].cpu().numpy() for maps in self.net(images)[-1])
        estimates = []
        for kind, known in enumerate(self.objects):
            cuboid = cuboid_points(known.frame.center_m - known.frame.size_m / 2, known.frame.size_m)
            own = [maps.reshape(len(self.objects), -1, *maps.shape[1:])[kind] for maps in (beliefs, fields)]
            for found in objects_in(own[0], own[1]):
                pose = pose_from_corners(cuboid[found.corners], found.points * STRIDE, view)
                if pose is not None:
                    estimates.append(Estimate(known.obj_id, found.score, pose))
        return estimates


def pose_from_corners(points_m: Array, pixels: Array, camera: Intrinsics) -> Array | None:
    """Return the pose under which some of a box's points (k, 3) are seen at pixels (k, 2), None if there is none."""
    if len(points_m) < _LEAST_POINTS:
        return None
    try:
        solved, turn, shift = cv2.solvePnP(points_m, pixels, camera.matrix, None, flags=cv2.SOLVEPNP_EPNP)
        if not solved:
            return None
        turn, shift = cv2.solvePnPRefineLM(points_m, pixels, camera.matrix, None, turn, shift)
    except cv2.error:
        return None
    pose = transform(cv2.Rodrigues(turn)[0], shift[:, 0])
    return pose if np.isfinite(pose).all() and pose[2, 3] > 0 else None
