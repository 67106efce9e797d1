import numpy as np
import pytest

from graspsim.geometry import matrix_from_quat, random_quat, transform
from graspsim.meshes import box_mesh, convex_mesh, finish, moved
from graspsim.models import Symmetries, make_object, object_model, scaled
from graspsim.shape_measures import complexity, elongation


def fibonacci_ball(count: int):
    z = 1 - (2 * np.arange(count) + 1) / count
    turn = np.pi * (1 + 5**0.5) * np.arange(count)
    points = np.stack([np.sqrt(1 - z**2) * np.cos(turn), np.sqrt(1 - z**2) * np.sin(turn), z], axis=1)
    return finish(*convex_mesh(points))


def test_complexity_depends_on_shape_alone() -> None:
    for seed in range(5):
        model = make_object("lathe", np.random.default_rng(seed))
        turn = transform(matrix_from_quat(random_quat(np.random.default_rng(seed))), (0.1, 0.2, 0.3))
        before = complexity(model.mesh)
        assert complexity(scaled(model, 3.0).mesh) == pytest.approx(before, abs=0.02)
        assert complexity(moved(model.mesh, turn)) == pytest.approx(before, abs=0.1)


def test_a_ball_is_simple_however_finely_it_is_meshed_and_so_is_a_box() -> None:
    assert max(complexity(fibonacci_ball(count)) for count in (100, 400, 1000, 3000)) < 1
    assert complexity(box_mesh((1, 1, 1))) < 0.1


def test_features_make_a_shape_more_complex() -> None:

    ball = fibonacci_ball(3000)
    values = []
    for bumps in (0.0, 0.02, 0.05, 0.1):
        direction = ball.vertices / np.linalg.norm(ball.vertices, axis=1, keepdims=True)
        axes = np.random.default_rng(0).normal(size=(6, 3)) * 6
        radius = 1 + bumps * np.sin(direction @ axes.T).sum(axis=1)
        values.append(complexity(finish(direction * radius[:, None], ball.faces)))
    assert values == sorted(values)


def test_elongation_is_that_of_the_second_moments() -> None:
    def of(x: float, y: float, z: float) -> float:
        box = box_mesh((x, y, z))
        return elongation(object_model("box", box, [box.vertices], Symmetries()).inertia_per_density)

    assert of(1, 1, 1) == pytest.approx(0)
    assert of(2, 2, 1) == pytest.approx(0)
    assert of(4, 1, 1) == pytest.approx(0.75)
    assert of(1, 4, 2) == pytest.approx(0.5)
