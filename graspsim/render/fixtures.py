"""Meshes of the parts of the environment that do not move."""

from graspsim.geometry import transform
from graspsim.meshes import Mesh, box_mesh, moved, side_by_side
from graspsim.scene import Fixture


def fixture_mesh(fixture: Fixture) -> Mesh:
    """Return the boxes of a fixture as one mesh, in world coordinates."""
    meshes = [
        moved(box_mesh(box.size_m, fixture.uv_unit_m, inward=fixture.is_room), transform(translation=box.center_m))
        for box in fixture.boxes
    ]
    return side_by_side(meshes)
