"""What tasks share: the specification of their worlds, and the numbers that tell of several bodies."""

import dataclasses

import numpy as np

from graspsim.distributions import Integers, Uniform
from graspsim.episode.simulation import Simulation
from graspsim.episode.spec import EpisodeSpec
from graspsim.geometry import Array
from graspsim.spec import CameraSpec, DistractorsSpec, LayoutSpec, ObjectsSpec

BODY_SIZE = 13


def camera(
    distance_m: float, elevation_deg: float, azimuth_deg: float, look_at_m: tuple[float, float, float]
) -> CameraSpec:
    """Return a camera that stands nearly still over the episodes."""
    return CameraSpec(
        width=84,
        height=84,
        views=1,
        fov_y_deg=42.0,
        principal_offset_px=(0.0, 0.0),
        distance_m=distance_m,
        azimuth_deg=Uniform(azimuth_deg - 5.0, azimuth_deg + 5.0),  # type: ignore[arg-type]
        elevation_deg=Uniform(elevation_deg - 3.0, min(elevation_deg + 3.0, 89.0)),  # type: ignore[arg-type]
        roll_deg=0.0,
        look_at_m=look_at_m,
    )


TABLE = EpisodeSpec(
    layout=LayoutSpec(area_m=0.2, table_m=1.6, settle_limit_s=2.0),
    objects=ObjectsSpec(count=1),
    distractors=DistractorsSpec(count=0),
    camera=camera(0.9, 35.0, -60.0, (0.0, 0.0, 0.12)),
)
"""One object on a table."""


def bin_spec(least: int, most: int, view: CameraSpec) -> EpisodeSpec:
    """Return worlds of some objects in a bin whose walls are low enough for the palm."""
    return EpisodeSpec(
        layout=LayoutSpec(kind="bin", area_m=0.32, table_m=1.6, wall_m=0.05, settle_limit_s=3.0),
        objects=ObjectsSpec(count=Integers(least, most) if most > least else most),  # type: ignore[arg-type]
        distractors=DistractorsSpec(count=0),
        camera=view,
    )


def pile_spec(count: int) -> EpisodeSpec:
    """Return worlds of so many objects dropped on one another."""
    return dataclasses.replace(
        TABLE, layout=LayoutSpec(area_m=0.16, table_m=1.6, settle_limit_s=3.0), objects=ObjectsSpec(count=count)
    )


def from_above(spec: EpisodeSpec) -> EpisodeSpec:
    """Return the worlds with a camera that looks straight down on them, its x along the world's."""
    view = dataclasses.replace(
        camera(0.7, 89.0, -90.0, (0.0, 0.0, 0.0)), azimuth_deg=-90.0, elevation_deg=89.9, fov_y_deg=30.0
    )
    return dataclasses.replace(spec, camera=view)


def bodies_state(sim: Simulation, most_objects: int) -> Array:
    """Return (13 n,): of each body whether it is there, where it is as seen from the gripper, two axes, its extents."""
    rows = np.zeros((most_objects, BODY_SIZE))
    each = zip(rows, sim.models, sim.world_from_bodies, sim.errors_m[1:], strict=False)
    for row, model, pose, error_m in each:
        row[0] = 1.0
        row[1:4] = pose[:3, 3] - sim.world_from_gripper[:3, 3] + error_m
        row[4:7], row[7:10], row[10:] = pose[:3, 0], pose[:3, 2], model.extents_m
    return rows.ravel()
