"""Grasps: where a parallel-jaw gripper can take hold of an object."""
