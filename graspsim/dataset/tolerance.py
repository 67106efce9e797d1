"""How far a dataset may be off before it is called a fault."""

from dataclasses import dataclass
from pathlib import Path


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
    """

    rotation: float
    overlap: float
    count: float
    box_px: int
    outline: float
    edge: float
    depth_m: float
    depth_share: float


OURS = Tolerance(
    rotation=1e-6, overlap=0.0, count=0.0, box_px=0, outline=0.002, edge=0.05, depth_m=0.003, depth_share=0.01
)
OTHERS = Tolerance(
    rotation=0.02, overlap=0.1, count=0.02, box_px=2, outline=0.02, edge=0.5, depth_m=0.015, depth_share=0.01
)


def tolerance_of(scene_folder: Path) -> Tolerance:
    """Return what a scene is to be held to; the checksums of its files mark it as ours."""
    return OURS if (scene_folder / "checksums.json").exists() else OTHERS
