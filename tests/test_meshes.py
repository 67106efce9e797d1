from dataclasses import replace

import numpy as np
import pytest
from scipy.spatial.distance import pdist

from graspsim.errors import MeshError
from graspsim.geometry import rotation_about, transform
from graspsim.meshes import UV_UNIT_M, Mesh, box_mesh, convex_mesh, crease_normals, face_normals, finish, moved
from graspsim.models import Symmetries, diameter, make_object, object_model, scaled
from graspsim.shapes import circle, equalised, rings, stack, symmetry_group


def sphere_points(count: int) -> np.ndarray:
    """Points (count, 3) spread evenly over the unit sphere (Fibonacci lattice)."""
    z = 1 - (2 * np.arange(count) + 1) / count
    turn = np.pi * (1 + 5**0.5) * np.arange(count)
    return np.stack([np.sqrt(1 - z**2) * np.cos(turn), np.sqrt(1 - z**2) * np.sin(turn), z], axis=1)


def model_of(mesh: Mesh, symmetries: Symmetries | None = None):
    return object_model("test", mesh, [mesh.vertices], symmetries or Symmetries())


def test_a_box_has_the_mass_properties_of_its_formula() -> None:
    x, y, z = 0.03, 0.05, 0.08
    model = model_of(box_mesh((x, y, z)))
    volume = x * y * z
    assert model.volume_m3 == pytest.approx(volume)
    assert np.allclose(model.center_of_mass, 0, atol=1e-12)
    expected = np.diag([y * y + z * z, x * x + z * z, x * x + y * y]) * volume / 12
    assert np.allclose(model.inertia_per_density, expected, rtol=1e-9, atol=1e-15)
    assert model.diameter_m == pytest.approx(np.sqrt(x * x + y * y + z * z))


def test_an_ellipsoid_has_the_mass_properties_of_its_formula() -> None:
    a, b, c = 0.02, 0.03, 0.05
    vertices, faces = convex_mesh(sphere_points(6000) * (a, b, c))
    model = model_of(finish(vertices, faces))
    volume = 4 / 3 * np.pi * a * b * c
    assert model.volume_m3 == pytest.approx(volume, rel=2e-3)
    expected = np.array([b * b + c * c, a * a + c * c, a * a + b * b]) * volume / 5
    assert np.diag(model.inertia_per_density) == pytest.approx(expected, rel=4e-3)
    assert model.diameter_m == pytest.approx(2 * c, rel=1e-3)


def test_a_cylinder_has_the_mass_properties_of_its_formula() -> None:
    radius, height = 0.02, 0.07
    profile = [(0, 0), (radius, 0), (radius, height), (0, height)]
    model = model_of(stack(circle(1000), profile))
    volume = np.pi * radius**2 * height
    assert model.volume_m3 == pytest.approx(volume, rel=1e-4)
    across = volume * (3 * radius**2 + height**2) / 12
    expected = np.diag([across, across, volume * radius**2 / 2])
    assert np.allclose(model.inertia_per_density, expected, rtol=1e-4, atol=1e-15)


def test_the_origin_moves_to_the_centre_of_the_box_and_everything_with_it() -> None:
    mesh = moved(box_mesh((0.02, 0.02, 0.04)), transform(translation=(1, 2, 3)))
    about_z = Symmetries((transform(rotation_about((0, 0, 1), np.pi / 2), (3, 1, 0)),), ((np.eye(3)[2], (1, 2, 0)),))
    model = model_of(mesh, about_z)
    assert np.allclose(model.mesh.vertices.mean(axis=0), 0)
    assert np.allclose(model.parts[0], model.mesh.vertices)
    assert np.allclose(model.symmetries.discrete[0][:3, 3], 0)
    assert np.allclose(model.symmetries.continuous[0][1][:2], 0)


def test_a_mesh_turned_inside_out_is_refused() -> None:
    with pytest.raises(MeshError, match="encloses a volume of -6e-06"):
        model_of(box_mesh((0.01, 0.02, 0.03), inward=True))


def test_scaling_a_model_equals_modelling_the_scaled_mesh() -> None:
    model = make_object("lathe", np.random.default_rng(0), shape="bowl")
    large, mesh = scaled(model, 2.5), model.mesh
    afresh = model_of(replace(mesh, vertices=mesh.vertices * 2.5))
    assert large.volume_m3 == pytest.approx(afresh.volume_m3)
    assert np.allclose(large.center_of_mass, afresh.center_of_mass)
    assert np.allclose(large.inertia_per_density, afresh.inertia_per_density, rtol=1e-9, atol=1e-15)
    assert large.diameter_m == pytest.approx(afresh.diameter_m)
    assert np.allclose(large.extents_m, 2.5 * model.extents_m)


@pytest.mark.parametrize("count", [8, 100, 3000])
def test_the_diameter_is_the_largest_distance_of_all(count: int) -> None:
    points = np.random.default_rng(count).normal(size=(count, 3))
    assert diameter(points) == pytest.approx(pdist(points).max(), rel=1e-12)


def test_the_normals_of_a_cube_are_those_of_its_faces() -> None:
    cube = box_mesh((1, 1, 1))
    flat = face_normals(cube.vertices, cube.faces)
    assert np.allclose(cube.corner_normals, flat[:, None], atol=1e-6)


def test_the_normals_of_a_sphere_are_radial() -> None:
    vertices, faces = convex_mesh(sphere_points(2000))
    normals = crease_normals(vertices, faces)
    assert np.einsum("ijk,ijk->ij", normals, vertices[faces]).min() > np.cos(np.radians(2))


def test_a_box_shows_its_texture_unstretched() -> None:
    box = box_mesh((0.03, 0.05, 0.08))
    corners, uvs = box.vertices[box.faces], box.corner_uvs * UV_UNIT_M
    in_space = np.linalg.norm(corners - np.roll(corners, 1, axis=1), axis=2)
    assert np.allclose(np.linalg.norm(uvs - np.roll(uvs, 1, axis=1), axis=2), in_space, atol=1e-7)


def test_around_a_stack_the_texture_closes_without_a_seam() -> None:
    mesh = stack(circle(), [(0, 0), (0.03, 0), (0.03, 0.1), (0, 0.1)])
    sides = slice(52, 52 * 3)
    u = mesh.corner_uvs[sides, :, 0]
    seen = {tuple(np.round(vertex, 9)): set() for vertex in mesh.vertices}
    for vertex, value in zip(mesh.vertices[mesh.faces[sides]].reshape(-1, 3), u.ravel(), strict=True):
        seen[tuple(np.round(vertex, 9))].add(round(float(value) % 1, 4) % 1)
    assert max(len(values) for values in seen.values()) == 1
    assert np.ptp(u) == pytest.approx(2)


def test_nearly_equal_lengths_become_equal_and_others_stay() -> None:
    assert equalised((0.05, 0.051, 0.07)) == (0.05, 0.05, 0.07)


def test_rings_are_the_outline_scaled_and_lifted() -> None:
    outline = np.array([[1.0, 0.0], [0.0, 1.0], [-1.0, -1.0]])
    assert np.allclose(rings(outline, [(2, 5)])[0], [[2, 0, 5], [0, 2, 5], [-2, -2, 5]])


def test_the_rotations_of_a_cube_are_the_closure_of_two() -> None:
    quarter = [rotation_about(axis, np.pi / 2) for axis in ((1, 0, 0), (0, 0, 1))]
    assert len(symmetry_group(*quarter).discrete) == 23
