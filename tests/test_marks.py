"""Marks in pictures for people stand where they should, behind what is before them."""

import contextlib

import gymnasium
import numpy as np

from graspsim.episode.env import GraspEnv
from graspsim.episode.marks import Ball, marked
from graspsim.geometry import Intrinsics, apply, invert


def made() -> GraspEnv:
    rocks = {"families": ["rocks"], "models": 4}
    env = gymnasium.make("graspsim/PickPlace-v0", objects=rocks, render_mode="rgb_array").unwrapped
    assert isinstance(env, GraspEnv)
    return env


def test_a_ball_is_a_disc_of_its_radius_and_hidden_by_what_is_nearer() -> None:
    camera = Intrinsics(101, 101, 500.0, 500.0, 50.5, 50.5)
    picture, nothing = np.zeros((101, 101, 3), np.uint8), np.zeros((101, 101), np.float32)
    ball = Ball(np.array((0.0, 0.0, 2.0)), 0.1)
    seen = marked(picture, nothing, camera.matrix, np.eye(4), ball).any(axis=2)
    # The outline of a ball is a little larger than its middle's circle.
    radius_px = 500 * 0.1 / np.sqrt(2.0**2 - 0.1**2)
    assert abs(np.sqrt(seen.sum() / np.pi) - radius_px) < 0.2
    rows, columns = np.nonzero(seen)
    assert rows.mean() == columns.mean() == 50
    wall = np.full((101, 101), 1.5, np.float32)
    wall[:, :50] = 2.5
    half = marked(picture, wall, camera.matrix, np.eye(4), ball).any(axis=2)
    assert (half == (seen & (wall == 2.5))).all()


def test_the_goal_is_a_green_ball_for_people_behind_what_is_before_it() -> None:
    with contextlib.closing(made()) as env:
        observation, _ = env.reset(seed=0)
        view = env.view_of("front")
        goal = apply(invert(view["world_from_camera"]), observation["desired_goal"][None])[0] @ view["matrix"].T
        column, row = goal[:2] / goal[2] * (480 / 84) + ((640 - 480) / 2, 0)
        with_ball = env.picture()
        env.task.marks = lambda sim: ()  # type: ignore[method-assign]
        green = (with_ball.astype(int) - env.picture())[..., 1] > 5
        rows, columns = np.nonzero(green)
        assert abs(rows.mean() - row) < 8
        assert abs(columns.mean() - column) < 8
        env.task.marks = lambda sim: (Ball(np.array((0.0, 0.0, -0.2)), 0.03),)  # type: ignore[method-assign]
        assert not ((env.picture().astype(int) - with_ball)[..., 1] > 5)[~green].any(), "under the table"
