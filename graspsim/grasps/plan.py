"""Choosing a grasp for an object where it lies: a pose from above whose fingers hit nothing on their way."""

from dataclasses import dataclass

import numpy as np

from graspsim.geometry import Array, apply, transform
from graspsim.grasps.antipodal import antipodal_pairs
from graspsim.models import ObjectModel
from graspsim.robot import RobotModel

PLAY_M = 0.012
"""How much wider than the object the fingers stand before they close, as far as they can."""
NEAR_M = 0.002
"""Distance that fingers and palm keep from everything on their way."""
STEEPEST = 0.35
"""Sine of the angle up to which a closing direction counts as level; the fingers then close levelly."""
FINGER_M, PALM_M = (0.026, 0.021), (0.205, 0.064)
"""Size of a finger and of the palm, along and across the closing direction."""
PROUD_M = 0.0025
"""How far other parts of the surface between the pads may stand out beyond the contacts."""
OFFSETS_M = (0.0, -0.012, 0.01)
"""Where along the approach the contacts may lie, from the middle of the pads."""


@dataclass(frozen=True, eq=False)
class Grasp:
    """A grasp to be executed from above.

    Attributes:
        world_from_gripper: (4, 4) where the fingers close.
        width_m: of the object between the pads.
        opening_m: between the pads on the way there.
        quality: higher is better.
    """

    world_from_gripper: Array
    width_m: float
    opening_m: float
    quality: float


def plan_grasp(
    model: ObjectModel, world_from_model: Array, robot: RobotModel, obstacles: Array, table_m: float = 0.0
) -> Grasp | None:
    """Return the best grasp from above of a model at a pose (4, 4), or None if there is none.

    Args:
        model: what is to be grasped.
        world_from_model: (4, 4) where it is.
        robot: whose fingers.
        obstacles: points (n, 3) that nothing may hit, in the world.
        table_m: height of what the object stands on.
    """
    grasps = planned(model, world_from_model, robot, obstacles, table_m, at_most=1)
    return grasps[0] if grasps else None


def planned(
    model: ObjectModel, world_from_model: Array, robot: RobotModel, obstacles: Array, table_m: float, at_most: int
) -> list[Grasp]:
    """Return at most so many grasps from above, the best first; see `plan_grasp`."""
    pairs = antipodal_pairs(model)
    first, second = apply(world_from_model, pairs.first), apply(world_from_model, pairs.second)
    surface = apply(world_from_model, pairs.surface)
    across = second - first
    width = np.linalg.norm(across, axis=1)
    level = np.abs(across[:, 2]) < STEEPEST * width
    fits = level & (width < robot.opening_m - 2 * NEAR_M)
    if not fits.any():
        return []
    center_of_mass = apply(world_from_model, model.center_of_mass[None])[0]
    middle = (first + second) / 2
    off_m = np.linalg.norm((middle - center_of_mass)[:, :2], axis=1)
    # Tilted contacts slip, and what is held far from its centre of mass turns.
    quality = pairs.quality - np.abs(across[:, 2]) / width - 4.0 * off_m
    order = np.flatnonzero(fits)[np.argsort(-quality[fits], kind="stable")]
    blockers = np.concatenate([surface, obstacles])
    own = len(surface)
    lowest = table_m + robot.tip_m + 0.001
    grasps: list[Grasp] = []
    for i in order:
        closing = np.array([across[i, 0], across[i, 1], 0.0]) / np.hypot(across[i, 0], across[i, 1])
        # Of the two ways round, the one with the smaller turn from x.
        closing = -closing if closing[0] < 0 else closing
        side = np.array([closing[1], -closing[0], 0.0])
        rotation = np.stack([closing, side, (0.0, 0.0, -1.0)], axis=1)
        in_gripper = (blockers - middle[i]) @ rotation
        opening = min(width[i] + 2 * PLAY_M, robot.opening_m)
        for offset in OFFSETS_M:
            height = max(middle[i, 2] + offset, lowest)
            if height - robot.tip_m > middle[i, 2]:
                continue
            seen = in_gripper + np.array((0, 0, height - middle[i, 2]))
            if _hits(seen, opening, robot) or _stands_out(seen[:own], width[i], robot):
                continue
            pose = transform(rotation, (middle[i, 0], middle[i, 1], height))
            grasps.append(Grasp(pose, float(width[i]), float(opening), float(quality[i])))
            break
        if len(grasps) >= at_most:
            break
    return grasps


def _hits(points: Array, opening_m: float, robot: RobotModel) -> bool:
    """Whether points (n, 3) in the gripper frame lie in the way of fingers or palm that come straight down."""
    along, across, ahead = np.abs(points[:, 0]), np.abs(points[:, 1]), points[:, 2]
    inner = opening_m / 2
    finger = (
        (along > inner - NEAR_M / 2)
        & (along < inner + FINGER_M[0] + NEAR_M)
        & (across < FINGER_M[1] / 2 + NEAR_M)
        & (ahead < robot.tip_m)
    )
    palm = (
        (along < PALM_M[0] / 2 + NEAR_M)
        & (across < PALM_M[1] / 2 + NEAR_M)
        & (ahead < robot.tip_m - robot.finger_depth_m + NEAR_M)
    )
    return bool((finger | palm).any())


def _stands_out(points: Array, width_m: float, robot: RobotModel) -> bool:
    """Whether pads that shut on an object, points (n, 3) of it in the gripper frame, meet something else first."""
    along, across, ahead = np.abs(points[:, 0]), np.abs(points[:, 1]), points[:, 2]
    between = (across < robot.pad_width_m / 2) & (ahead < robot.tip_m) & (ahead > robot.tip_m - robot.finger_depth_m)
    return bool((between & (along > width_m / 2 + PROUD_M) & (along < robot.opening_m / 2)).any())
