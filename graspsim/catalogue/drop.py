"""Dropping objects one by one on a table, as the tabletop scene does, to see that each behaves as a thing does."""

import contextlib
from dataclasses import dataclass

import numpy as np

from graspsim.geometry import apply, matrices_from_poses
from graspsim.plain import overlaid
from graspsim.registry import load
from graspsim.sampling import sample_scene
from graspsim.scene_objects import SceneObjects

LIMIT_S = 3.0
WATCH_S = 0.5


@dataclass(frozen=True)
class Drop:
    """How one object came down.

    Attributes:
        kind: what it is called.
        model_seed: with its family's name, makes it again.
        at_rest: whether it was within `LIMIT_S`.
        sunk_m: how deep its surface then reaches into the table; less than nothing is a gap.
        strayed_m: how far it went across the table.
        crept_m: how far any of its points moves within another `WATCH_S`.
    """

    kind: str
    model_seed: int
    at_rest: bool
    sunk_m: float
    strayed_m: float
    crept_m: float


def drop_family(family: str, count: int, seed: int = 0) -> list[Drop]:
    """Drop objects of a family `count` times, each alone, with the physics that the tabletop scene draws."""
    changes = {"objects": {"families": [family], "models": count, "count": 1}, "distractors": {"count": 0}}
    spec = overlaid(load("scene", "tabletop"), changes)
    objects = SceneObjects(spec, seed)
    drops = []
    for index in range(count):
        scene = sample_scene(spec, objects, seed, index)
        body = scene.bodies[0]
        model, member = objects[body.obj_id], objects.member(body.obj_id)
        with contextlib.closing(load("world", "bullet")(scene, objects)) as world:
            at_rest = world.settle(LIMIT_S).at_rest
            before = world.poses()[0]
            world.step(WATCH_S)
            after = world.poses()[0]
        assert member.seed is not None  # of a family
        vertices, later = (apply(matrices_from_poses(p)[0], model.mesh.vertices) for p in (before, after))
        drops.append(
            Drop(
                model.name,
                member.seed,
                at_rest,
                sunk_m=-float(vertices[:, 2].min()),
                strayed_m=float(np.linalg.norm(before[:2] - np.asarray(body.pose[:2]))),
                crept_m=float(np.linalg.norm(later - vertices, axis=1).max()),
            )
        )
    return drops
