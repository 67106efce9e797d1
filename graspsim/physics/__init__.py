"""Physics: the `World` contract and PyBullet behind it."""
