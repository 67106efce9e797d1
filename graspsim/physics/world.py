"""The contract of every physics engine: a world is built from a scene, steps, and gives its bodies' poses."""

from dataclasses import dataclass
from typing import Protocol

from graspsim.geometry import Array
from graspsim.robot import RobotModel

TIME_STEP_S = 1 / 240
REST_SPEED_M_S = 0.004
REST_SPIN_RAD_S = 0.08
"""What moves and turns no faster is at rest."""


@dataclass(frozen=True)
class SettleOutcome:
    """How settling ended.

    Attributes:
        at_rest: whether every body was at rest before the limit.
        time_s: simulated time it took.
        redrawn: how often a body that had left the scene was dropped anew.
        removed: instance ids of bodies that left the scene each time and were taken out.
    """

    at_rest: bool
    time_s: float
    redrawn: int = 0
    removed: tuple[int, ...] = ()


@dataclass(frozen=True)
class Contact:
    """One contact point between two bodies.

    Attributes:
        instance_a: id of one body.
        instance_b: id of the other.
        distance_m: gap between the surfaces; negative where they penetrate.
        normal_force_n: force along the normal in the last step.
    """

    instance_a: int
    instance_b: int
    distance_m: float
    normal_force_n: float


class WorldRobot(Protocol):
    """A robot in a world. Joint positions are in the order of `RobotModel.movable`."""

    def set_positions(self, positions: Array) -> None:
        """Put the joints at positions (n,), at rest."""
        ...

    def drive(self, targets: Array, max_speeds: Array | None) -> None:
        """Let the motors seek positions (n,), at most as fast as the joints can and as `max_speeds` (n,) says."""
        ...

    def states(self) -> tuple[Array, Array]:
        """Return positions (n,) and speeds (n,) of the movable joints."""
        ...


class World(Protocol):
    """A simulation of one scene. Poses are (n, 7) in the order of the scene's bodies, in the model frames."""

    def step(self, seconds: float, step_s: float = TIME_STEP_S) -> None:
        """Advance the simulation by whole time steps of a length, at least `seconds` in all."""
        ...

    def settle(self, limit_s: float) -> SettleOutcome:
        """Step until every body is at rest, or the limit is reached."""
        ...

    def sleep(self) -> None:
        """Take all bodies to be at rest: they cost nothing until something touches them, now and whenever called."""
        ...

    def poses(self) -> Array:
        """Return `world_from_model` of every body, as poses (n, 7)."""
        ...

    def set_pose(self, index: int, pose: Array) -> None:
        """Put a body at a pose (7,), at rest."""
        ...

    def velocities(self) -> Array:
        """Return (n, 6): linear velocity of the centre of mass and angular velocity, in the world frame."""
        ...

    def set_velocity(self, index: int, velocity: Array) -> None:
        """Give a body a velocity (6,), in the sense of `velocities`."""
        ...

    def contacts(self) -> list[Contact]:
        """Return the contact points of the last step."""
        ...

    def remove(self, index: int) -> None:
        """Take a body out; the later ones move up by one."""
        ...

    def add_robot(self, robot: RobotModel, positions: Array) -> None:
        """Put the scene's robot into it, with its joints at positions (n,)."""
        ...

    @property
    def robot(self) -> WorldRobot:
        """The robot that was added."""
        ...

    def robot_is_clear(self, distance_m: float) -> bool:
        """Whether the boxes around the robot's moving links keep a distance from those around all else."""
        ...

    def pad_forces(self, index: int, along: Array) -> tuple[float, float]:
        """Return the force in newtons with which each finger presses on a body towards the other finger, given the
        direction (3,) from the second one to the first."""
        ...

    def touching(self, index: int) -> set[int]:
        """Return the instance ids of all that a body touches."""
        ...

    def close(self) -> None:
        """Free the simulation; the world is of no use afterwards."""
        ...
