import numpy as np
import pytest

from graspsim.errors import MeshError
from graspsim.geometry import apply, matrix_from_quat, random_quat, rotation_about, transform
from graspsim.meshes import box_mesh
from graspsim.models import ObjectModel, Symmetries, make_object
from graspsim.symmetry_search import check_symmetries, find_symmetries


def group(symmetries: Symmetries) -> tuple[int, int]:
    return len(symmetries.discrete) + 1, len(symmetries.continuous)


def turned(model: ObjectModel, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """The model's vertices at a random pose, which no axis of the search may depend on."""
    pose = transform(matrix_from_quat(random_quat(np.random.default_rng(seed))), (0.1, -0.2, 0.3))
    return apply(pose, model.mesh.vertices), pose


@pytest.mark.parametrize(
    ("family", "fixed"),
    [
        ("primitives", {"shape": "box", "depth_ratio": 1.5, "height_ratio": 2}),
        ("primitives", {"shape": "box", "depth_ratio": 1, "height_ratio": 2}),
        ("primitives", {"shape": "box", "depth_ratio": 1, "height_ratio": 1}),
        ("primitives", {"shape": "prism", "sides": 3}),
        ("primitives", {"shape": "prism", "sides": 8}),
        ("primitives", {"shape": "cylinder", "height_ratio": 0.87}),
        ("primitives", {"shape": "cone"}),
        ("primitives", {"shape": "ellipsoid", "depth_ratio": 1, "height_ratio": 1}),
        ("primitives", {"shape": "ellipsoid", "depth_ratio": 1.5, "height_ratio": 2}),
        ("extrusions", {"profile": "L", "aspect_ratio": 0.7}),
        ("extrusions", {"profile": "L", "aspect_ratio": 1}),
        ("extrusions", {"profile": "plus"}),
        ("extrusions", {"profile": "star", "teeth": 5}),
        ("extrusions", {"profile": "Z"}),
        ("lathe", {"shape": "spindle"}),
        ("lathe", {"shape": "bowl"}),
        ("drinkware", {"kind": "mug"}),
        ("blocks", {}),
    ],
)
def test_the_group_found_is_the_one_the_object_was_made_with(family: str, fixed: dict[str, object]) -> None:
    model = make_object(family, np.random.default_rng(4), **fixed)
    for seed in range(2):
        vertices, pose = turned(model, seed)
        found = find_symmetries(vertices, model.mesh.faces)
        assert group(found) == group(model.symmetries)
        check_symmetries("test", vertices, model.mesh.faces, found)
        back = np.linalg.inv(pose)
        if not found.continuous:
            # The same rotations, not just as many.
            for motion in found.discrete:
                rotation = (back @ motion @ pose)[:3, :3]
                assert min(np.abs(rotation - s[:3, :3]).max() for s in model.symmetries.discrete) < 0.05


def test_what_is_nearly_symmetric_beyond_two_percent_is_not() -> None:
    assert group(find_symmetries(*of(box_mesh((1.0, 1.0, 2.0))))) == (8, 0)
    assert group(find_symmetries(*of(box_mesh((1.0, 1.15, 2.0))))) == (4, 0)


def test_a_rough_surface_keeps_its_symmetry() -> None:
    model = make_object("primitives", np.random.default_rng(0), shape="ellipsoid", depth_ratio=1.5, height_ratio=2.2)
    noise = np.random.default_rng(1).normal(size=model.mesh.vertices.shape) * 0.004 * model.diameter_m
    assert group(find_symmetries(model.mesh.vertices + noise, model.mesh.faces)) == (4, 0)


def of(mesh) -> tuple[np.ndarray, np.ndarray]:
    return mesh.vertices, mesh.faces


def test_a_stated_symmetry_that_is_none_is_refused_with_its_measure() -> None:
    vertices, faces = of(box_mesh((1.0, 1.5, 2.0)))
    half, quarter = transform(rotation_about((0, 0, 1), np.pi)), transform(rotation_about((0, 0, 1), np.pi / 2))
    check_symmetries("part.yaml", vertices, faces, Symmetries((half,)))
    with pytest.raises(MeshError, match=r"part\.yaml: symmetries\.discrete\.1 is no symmetry .* by \d+\.\d%"):
        check_symmetries("part.yaml", vertices, faces, Symmetries((half, quarter)))
    shifted = half.copy()
    shifted[0, 3] = 0.5
    with pytest.raises(MeshError, match=r"discrete\.0"):
        check_symmetries("part.yaml", vertices, faces, Symmetries((shifted,)))
    axis = (np.array([0.0, 0.0, 1.0]), np.zeros(3))
    with pytest.raises(MeshError, match=r"continuous\.0"):
        check_symmetries("part.yaml", vertices, faces, Symmetries((), (axis,)))
