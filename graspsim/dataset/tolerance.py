"""How far a dataset may be off before it is called a fault."""

from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from graspsim.geometry import Array
from graspsim.scene import Sensor


@dataclass(frozen=True)
class Tolerance:
    """How far a dataset may be off: nothing for our own, whose labels are exact by construction.

    Others' visible masks come from a depth test with a tolerance (15 mm in bop_toolkit), so that neighbours may share
    pixels, and their silhouettes from a renderer that may draw an edge one pixel elsewhere.

    Attributes:
        rotation: largest entry of R Rᵀ - 1; LM-O's published poses reach 0.01.
        overlap: share of the smaller of two visible masks that both may claim.
        count: relative difference between a pixel count and the mask.
        box_px: difference between a box and the mask.
        outline: share of a silhouette that may lie more than a pixel outside of the mask, or the reverse.
        edge: share of a silhouette's edge pixels by which its pixel count may differ.
        depth_m: systematic difference between depth image and posed model,
        depth_share: and what may be added to that per metre of distance.
        sensor: whose errors the depth image is known to have, on top of that; the default has none.
    """

    rotation: float
    overlap: float
    count: float
    box_px: int
    outline: float
    edge: float
    depth_m: float
    depth_share: float
    sensor: Sensor = field(default_factory=Sensor)

    def sensor_error_m(self, depth_m: Array, focal_px: float) -> Array:
        """Return how far the sensor may measure from each of the depths z (n,), in the shape of `depth_m`.

        Disparity d = focal_px · baseline / z is off by Δd = step / 2 + 3 · noise at most, hence depth by
        focal_px · baseline / (d - Δd) - z, which is z² · Δd / (focal_px · baseline) where Δd is small; see
        `graspsim.sensors.apply_to_depth`. No disparity below one step is ever measured; without steps and with d ≤ Δd
        the error has no bound.
        """
        step_px = self.sensor.depth_disparity_step_px
        error_px = step_px / 2 + 3 * self.sensor.depth_noise_px
        if error_px == 0:
            return np.zeros_like(depth_m)
        focal_baseline = focal_px * self.sensor.depth_baseline_m
        with np.errstate(divide="ignore"):
            least_px = np.maximum(focal_baseline / depth_m - error_px, step_px)
            return np.asarray(np.abs(focal_baseline / least_px - depth_m))


OURS = Tolerance(
    rotation=1e-6, overlap=0.0, count=0.0, box_px=0, outline=0.002, edge=0.05, depth_m=0.003, depth_share=0.01
)
OTHERS = Tolerance(
    rotation=0.02, overlap=0.1, count=0.02, box_px=2, outline=0.02, edge=0.5, depth_m=0.015, depth_share=0.01
)


def tolerance_of(scene_folder: Path) -> Tolerance:
    """Return what a scene is to be held to; the checksums of its files mark it as ours."""
    return OURS if (scene_folder / "checksums.json").exists() else OTHERS
