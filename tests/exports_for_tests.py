"""Objects that show what an export has to keep: slots of their own colours and densities, a texture, many parts."""

import dataclasses

import numpy as np

from graspsim.geometry import transform
from graspsim.meshes import box_mesh, moved, side_by_side
from graspsim.models import ObjectModel, Region, Slot, Symmetries, make_object, object_model
from graspsim.registry import names

FAMILIES = names("family")


def hammer_model() -> ObjectModel:
    """A wooden handle with a steel head ahead of it: two slots, no plane of symmetry but one."""
    handle = box_mesh((0.02, 0.02, 0.2))
    head = moved(box_mesh((0.1, 0.03, 0.03)), transform(translation=(0.02, 0, 0.115)))
    head = dataclasses.replace(head, face_slots=np.full(len(head.faces), 1, dtype=np.uint8))
    pieces = [handle, head]
    return object_model(
        "hammer",
        side_by_side(pieces),
        [piece.vertices for piece in pieces],
        Symmetries(),
        slots=(Slot("wooden handle"), Slot("steel head", 11.0)),
        regions=[Region(piece.vertices, piece.faces, slot) for slot, piece in enumerate(pieces)],
    )


def textured_model() -> ObjectModel:
    """A box with a picture on it that has no symmetry."""
    mesh = box_mesh((0.06, 0.1, 0.16))
    texture = np.random.default_rng(0).integers(0, 256, (24, 40, 3), dtype=np.uint8)
    return object_model("carton", mesh, [mesh.vertices], Symmetries(), texture)


def drawn(family: str, seed: int) -> ObjectModel:
    return make_object(family, np.random.default_rng(seed))
