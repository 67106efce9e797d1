"""Meshes of the parts of the environment that do not move."""

import numpy as np

from graspsim.geometry import transform
from graspsim.meshes import Mesh, box_mesh, moved
from graspsim.scene import Fixture


def fixture_mesh(fixture: Fixture) -> Mesh:
    """Return the boxes of a fixture as one mesh, in world coordinates."""
    meshes = [
        moved(box_mesh(box.size_m, fixture.uv_unit_m, inward=fixture.is_room), transform(translation=box.center_m))
        for box in fixture.boxes
    ]
    starts = np.concatenate([[0], np.cumsum([len(m.vertices) for m in meshes])[:-1]])
    return Mesh(
        vertices=np.concatenate([m.vertices for m in meshes]),
        faces=np.concatenate([m.faces + start for m, start in zip(meshes, starts, strict=True)]).astype(np.int32),
        corner_normals=np.concatenate([m.corner_normals for m in meshes]),
        corner_uvs=np.concatenate([m.corner_uvs for m in meshes]),
    )
