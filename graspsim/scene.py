"""A scene: one sampled world as frozen numbers. No distribution and no backend handle ever sits on it.

Physics and rendering both read it; per step only an (n, 7) pose array crosses from one to the other, one row per body.
"""

from dataclasses import dataclass

from graspsim.geometry import Intrinsics

RGB = tuple[float, float, float]
Vector = tuple[float, float, float]
Pose = tuple[float, float, float, float, float, float, float]
"""x, y, z in metres and a quaternion x, y, z, w: world from model frame."""

IDENTITY: Pose = (0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 1.0)


@dataclass(frozen=True)
class Texture:
    """A periodic pattern made in code, or an image file where `image` names one.

    Attributes:
        kind: name in the registry's table of textures, or "image".
        colors: three sRGB colours in [0, 1].
        frequency: repetitions of the pattern across one UV unit.
        seed: of the pattern's own randomness.
        image: path of the image file, if kind is "image".
    """

    kind: str
    colors: tuple[RGB, RGB, RGB]
    frequency: int
    seed: int
    image: str | None = None


@dataclass(frozen=True)
class Material:
    """How a surface reflects: a microfacet (GGX) layer over a diffuse base, after Burley 2012 and Karis 2013.

    A body whose model carries a texture of its own shows that one where `texture` is None.
    """

    texture: Texture | None
    roughness: float
    metallic: float


@dataclass(frozen=True)
class Body:
    """An object that moves: a target, which is labelled, or a distractor, which only occludes.

    Attributes:
        instance_id: its value in every instance image.
        obj_id: which model; models are numbered from 1, the targets of the dataset first.
        is_target: whether it gets labels.
        mass_kg: in all.
        lateral_friction: this body's coefficient; that of a contact is the product of both bodies'.
        spinning_friction: torsional friction, metres.
        rolling_friction: resistance to rolling, metres.
        restitution: this body's coefficient; that of a contact is the product of both bodies'.
        materials: its looks, one for each slot of its model, or one for all of them.
        pose: where it is spawned.
    """

    instance_id: int
    obj_id: int
    is_target: bool
    mass_kg: float
    lateral_friction: float
    spinning_friction: float
    rolling_friction: float
    restitution: float
    materials: tuple[Material, ...]
    pose: Pose


@dataclass(frozen=True)
class Box:
    """A box of `size_m` centred at `center_m` in its fixture's frame."""

    size_m: Vector
    center_m: Vector


@dataclass(frozen=True)
class Fixture:
    """A part of the environment that does not move, made of boxes; `is_room` turns its one box inside out."""

    name: str
    instance_id: int
    boxes: tuple[Box, ...]
    lateral_friction: float
    restitution: float
    material: Material
    uv_unit_m: float
    is_room: bool = False
    casts_shadow: bool = False


@dataclass(frozen=True)
class Light:
    """A light that casts soft-edged shadows.

    Attributes:
        kind: "directional", or "point" (falls off with the square of the distance).
        position_m: of a point light; for a directional one, a point on the line from the origin towards it.
        color: linear RGB; 1 lights a white surface at the origin that faces the light to full white.
        penumbra_m: width of the shadow's soft edge.
        casts_shadow: whether bodies block it.
    """

    kind: str
    position_m: Vector
    color: RGB
    penumbra_m: float
    casts_shadow: bool


@dataclass(frozen=True)
class Sensor:
    """What a real camera does to a perfect picture; see `graspsim.sensors`. The defaults do nothing."""

    exposure_ev: float = 0.0
    white_balance: RGB = (1.0, 1.0, 1.0)
    blur_px: float = 0.0
    shot_noise: float = 0.0
    read_noise: float = 0.0
    depth_baseline_m: float = 0.075
    depth_disparity_step_px: float = 0.0
    depth_noise_px: float = 0.0
    depth_edge_loss_px: float = 0.0


@dataclass(frozen=True)
class View:
    """One camera pose with its intrinsics and sensor. `world_from_camera` is a pose in OpenCV's camera frame."""

    intrinsics: Intrinsics
    world_from_camera: Pose
    sensor: Sensor


@dataclass(frozen=True)
class Robot:
    """A robot that stands in the scene.

    Attributes:
        name: in the registry's table of robots.
        instance_id: its value in every instance image, for all of its links.
        world_from_base: where it stands.
        pad_friction: lateral coefficient of the finger pads; that of a contact is the product of both bodies'.
        pad_spinning_friction_m: torsional friction of the pads, which rubber has plenty of.
        link_friction: lateral coefficient of all other links.
    """

    name: str
    instance_id: int
    world_from_base: Pose
    pad_friction: float
    pad_spinning_friction_m: float
    link_friction: float


@dataclass(frozen=True)
class Scene:
    """One world. `index` and `root_seed` name it; the rest is what was drawn for it.

    Attributes:
        layout: which of the four it was laid out by.
        area_m: side of the square, or for floating of the cube, that its bodies were spawned in.
        bodies: rows of every pose array, in this order.
        fixtures: the parts that do not move.
        lights: 1 to 4 of them.
        sky: linear RGB of the ambient light from above.
        ground: linear RGB of the ambient light from below.
        backdrop: image at infinity, seen where nothing else is; None shows the sky and ground colours.
        gravity_m_s2: acceleration along -z; 0 leaves the bodies where they are spawned.
        requested: bodies asked for, where fewer than that fit.
        robot: what handles the bodies, if anything does. Its seen links follow the bodies in a renderer's poses.
    """

    root_seed: int
    index: int
    layout: str
    area_m: float
    bodies: tuple[Body, ...]
    fixtures: tuple[Fixture, ...]
    lights: tuple[Light, ...]
    sky: RGB
    ground: RGB
    backdrop: Texture | None
    gravity_m_s2: float
    requested: int
    robot: Robot | None = None
