import gc

import gymnasium
import numpy as np

from graspsim.physics.hulls import hull_vertices


class Owner:
    """Whatever can be weakly referred to."""


def test_an_owner_always_gets_the_same_lists():
    owner, vertices = Owner(), np.eye(3)
    lists = hull_vertices(owner, vertices)
    assert lists == vertices.tolist()
    assert hull_vertices(owner, vertices) is lists
    assert hull_vertices(Owner(), vertices) is not lists


def lists_held():
    gc.collect()
    return sum(type(item) is list for item in gc.get_objects())


def test_a_world_leaves_no_lists_behind():
    env = gymnasium.make("graspsim/Lift-v0", objects={"models": 2})
    env.reset(seed=0)
    for _ in range(10):
        env.reset()
    before = lists_held()
    for _ in range(20):
        env.reset()
    env.close()
    assert lists_held() - before < 20
