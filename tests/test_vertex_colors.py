import numpy as np
import pytest

from graspsim.meshes import box_mesh
from graspsim.models import make_object
from graspsim.vertex_colors import texture_of_colors


def looked_up(texture: np.ndarray, uv: np.ndarray) -> np.ndarray:
    """The texture at points (n, 2), bilinear."""
    size = len(texture)
    x, y = uv[:, 0] * size - 0.5, (1 - uv[:, 1]) * size - 0.5
    x_0, y_0 = np.floor(x).astype(int), np.floor(y).astype(int)
    f, g = (x - x_0)[:, None], (y - y_0)[:, None]

    def at(row: np.ndarray, column: np.ndarray) -> np.ndarray:
        return texture[np.clip(row, 0, size - 1), np.clip(column, 0, size - 1)].astype(float)

    top = at(y_0, x_0) * (1 - f) + at(y_0, x_0 + 1) * f
    return top * (1 - g) + (at(y_0 + 1, x_0) * (1 - f) + at(y_0 + 1, x_0 + 1) * f) * g


@pytest.mark.parametrize("family", ["drinkware", "rocks"])
def test_a_face_shows_the_colours_of_its_corners_and_what_lies_between(family: str) -> None:
    rng = np.random.default_rng(0)
    mesh = make_object(family, rng).mesh
    # Colours that change over the object, as those of scans do.
    span = np.ptp(mesh.vertices, axis=0)
    colors = ((mesh.vertices - mesh.vertices.min(axis=0)) / span * 255).astype(np.uint8)
    uvs, texture = texture_of_colors(mesh.vertices, mesh.faces, colors)
    weights = rng.dirichlet((1, 1, 1), len(mesh.faces))
    points = np.einsum("fc,fcd->fd", weights, uvs.astype(float))
    expected = np.einsum("fc,fcd->fd", weights, colors[mesh.faces].astype(float))
    off = np.abs(looked_up(texture, points) - expected)
    assert np.median(off) < 1.5
    assert np.quantile(off, 0.99) < 16


def test_no_two_faces_share_a_texel_of_their_insides() -> None:
    mesh = box_mesh((0.1, 0.1, 0.1))
    colors = np.zeros((len(mesh.vertices), 3), np.uint8)
    uvs, texture = texture_of_colors(mesh.vertices, mesh.faces, colors)
    middles = np.floor(uvs.mean(axis=1) * len(texture)).astype(int)
    assert len(np.unique(middles, axis=0)) == len(mesh.faces)
    assert (uvs >= 0).all()
    assert (uvs <= 1).all()


def test_neighbours_in_the_texture_are_near_each_other_on_the_object() -> None:
    mesh = make_object("rocks", np.random.default_rng(1)).mesh
    shuffled = np.random.default_rng(2).permutation(mesh.faces)
    uvs, _ = texture_of_colors(mesh.vertices, shuffled, np.zeros((len(mesh.vertices), 3), np.uint8))
    in_texture, on_object = uvs.mean(axis=1), mesh.vertices[shuffled].mean(axis=1)
    order = np.lexsort(np.floor(in_texture * 64).T)
    steps = np.linalg.norm(np.diff(on_object[order], axis=0), axis=1)
    random = np.linalg.norm(np.diff(on_object, axis=0), axis=1)
    assert np.median(steps) < 0.75 * np.median(random)
