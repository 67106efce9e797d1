"""The named scenes. Each is a plain `SceneSpec`: copy one, change what you need, and give it a name in the registry."""

from graspsim.distributions import Integers, LogUniform, Uniform
from graspsim.spec import CameraSpec, DistractorsSpec, LayoutSpec, ObjectsSpec, SceneSpec

TABLETOP = SceneSpec()
"""Objects scattered and dropped on a table."""

BIN = SceneSpec(
    layout=LayoutSpec(kind="bin", area_m=0.32),
    objects=ObjectsSpec(count=Integers(10, 20)),  # type: ignore[arg-type]
    camera=CameraSpec(elevation_deg=Uniform(40.0, 89.0)),  # type: ignore[arg-type]
)
"""Objects dropped into a bin with walls."""

PACKED = SceneSpec(
    layout=LayoutSpec(kind="packed", area_m=0.35),
    objects=ObjectsSpec(count=Integers(5, 15)),  # type: ignore[arg-type]
)
"""Objects standing upright, close together."""

FLOATING = SceneSpec(
    layout=LayoutSpec(kind="floating", area_m=0.45),
    objects=ObjectsSpec(count=Integers(5, 15)),  # type: ignore[arg-type]
    camera=CameraSpec(
        distance_m=LogUniform(0.5, 1.5),  # type: ignore[arg-type]
        elevation_deg=Uniform(-89.0, 89.0),  # type: ignore[arg-type]
        roll_deg=Uniform(-180.0, 180.0),  # type: ignore[arg-type]
    ),
    distractors=DistractorsSpec(count=Integers(0, 6)),  # type: ignore[arg-type]
)
"""Objects in random poses before a random backdrop, as domain randomization for pose training wants them."""
