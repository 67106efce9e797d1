"""What describes an episode: a scene, and how robot, camera and sensors err in it."""

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

from graspsim.distributions import Uniform, ranged
from graspsim.errors import SpecError
from graspsim.plain import overlaid
from graspsim.registry import load, names
from graspsim.spec import SceneSpec, SetSpec

SET_SEED = 0
"""Object sets of episodes are the same in every run; what is drawn from them is the episode's."""
S = TypeVar("S", bound=SceneSpec)


@dataclass(frozen=True)
class ControlSpec:
    """What is drawn for the robot and the observations of each episode.

    Attributes:
        gain: factor on every motion that an action asks for.
        delay_steps: steps until an action takes effect.
        action_noise: standard deviation of what is added to actions, whose range is [-1, 1].
        start_offset_m: how far each coordinate of the gripper's start lies off its home.
        pad_friction: lateral coefficient of the finger pads; that of a contact is the product of both bodies'.
        pad_spinning_friction_m: torsional friction of the pads.
        camera_jitter_m: standard deviation of each coordinate of a camera's error in position.
        camera_jitter_deg: standard deviation of its error about each axis.
        state_noise_m: standard deviation of the error of positions in the observed state.
    """

    gain: float = ranged(1.0, 0.1, 10.0)
    delay_steps: int = ranged(0, 0, 10)
    action_noise: float = ranged(0.0, 0.0, 1.0)
    start_offset_m: tuple[float, float, float] = ranged(
        (Uniform(-0.05, 0.05), Uniform(-0.05, 0.05), Uniform(-0.03, 0.03)), -0.2, 0.2
    )
    pad_friction: float = ranged(1.0, 0.0, 10.0)
    pad_spinning_friction_m: float = ranged(0.01, 0.0, 1.0)
    camera_jitter_m: float = ranged(0.0, 0.0, 0.5)
    camera_jitter_deg: float = ranged(0.0, 0.0, 90.0)
    state_noise_m: float = ranged(0.0, 0.0, 0.1)


@dataclass(frozen=True)
class EpisodeSpec(SceneSpec):
    """A scene specification with one more section."""

    control: ControlSpec = ControlSpec()


def with_objects(spec: S, objects: str | Mapping[str, Any]) -> S:
    """Return a specification with an object set's fields, by its name or given as a SetSpec's fields.

    Raises:
        UnknownNameError: for a name or field that there is not.
        SpecError: for the name of a family, which is no set.
    """
    if isinstance(objects, str) and objects in names("family"):
        raise SpecError(
            f'{objects!r} is a family of objects and no set: give the set\'s fields, {{"families": ["{objects}"]}}.'
        )
    chosen: SetSpec = load("set", objects) if isinstance(objects, str) else overlaid(SetSpec(), objects)
    fields = {f.name: getattr(chosen, f.name) for f in dataclasses.fields(SetSpec)}
    return dataclasses.replace(spec, objects=dataclasses.replace(spec.objects, **fields))
