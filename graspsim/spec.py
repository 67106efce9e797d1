"""The declarative description of a family of scenes: the same fields as a scene has, with distributions for numbers.

Every section is one randomization that can be changed or switched off by itself (`fixed`). Named scenes are plain
`SceneSpec` values in envs/scenes.py.
"""

from dataclasses import dataclass, field

from graspsim.distributions import Choice, Integers, LogUniform, Normal, Uniform, one_of, ranged
from graspsim.registry import names

FAMILIES = tuple(names("family"))
"""What scenes draw from unless told otherwise."""
LAYOUTS = ("tabletop", "bin", "packed", "floating")
SPLITS = ("train", "heldout")


@dataclass(frozen=True)
class SetSpec:
    """A set of object models. The sets that have names are plain values of it in objects/sets.py.

    Attributes:
        families: names of object families, which take turns; one with a weight, as "tools:3", does so more often.
        meshes: mesh files that join the set, each as one model.
        mesh_scale: factor from the mesh files' unit to metres.
        models: number of models; the families fill up what the meshes leave.
        size_m: largest extent, to which the families' models are scaled; 0 leaves each as its family made it.
        split: train or heldout: no object is ever in both, whatever the seeds.
        heldout_families: families that `train` leaves out, and, if there are any, the only ones of `heldout`.
        balanced: choose the families' models evenly over shape complexity, out of four times as many.
    """

    families: tuple[str, ...] = FAMILIES
    meshes: tuple[str, ...] = ()
    mesh_scale: float = ranged(1.0, 1e-6, 1e6)
    models: int = ranged(20, 1, 10_000)
    size_m: float = ranged(0.0, 0.0, 1.0)
    split: str = one_of("train", *SPLITS)
    heldout_families: tuple[str, ...] = ()
    balanced: bool = False


@dataclass(frozen=True)
class ObjectsSpec(SetSpec):
    """Which objects there are, and how many of them a scene holds.

    Attributes:
        count: targets per scene.
    """

    count: int = ranged(Integers(5, 15), 1, 1000)


@dataclass(frozen=True)
class LayoutSpec:
    """Where objects are put.

    Attributes:
        kind: tabletop (scattered and dropped), bin (dropped into a bin), packed (upright, close together) or
            floating (random poses, no physics).
        area_m: side of the square, or for floating of the cube, that holds the objects.
        table_m: side of the table.
        wall_m: height of the bin's walls.
        settle_limit_s: simulated time after which a scene that still moves is taken as it is.
    """

    kind: str = one_of("tabletop", *LAYOUTS)
    area_m: float = ranged(0.45, 0.1, 2.0)
    table_m: float = ranged(Uniform(1.0, 1.8), 0.5, 4.0)
    wall_m: float = ranged(0.1, 0.02, 0.5)
    settle_limit_s: float = ranged(4.0, 0.1, 60.0)


@dataclass(frozen=True)
class PhysicsSpec:
    """What is drawn for each body. Friction and restitution of a contact are products of both bodies' values.

    Attributes:
        density_kg_m3: mean over the object's slots; a mesh of known mass has that one instead.
        mass_kg: replaces both where it is not 0.
        friction: lateral coefficient.
        spinning_friction: torsional, metres.
        rolling_friction: metres.
        restitution: of each body.
        table_friction: lateral coefficient of the fixtures.
        table_restitution: of the fixtures.
        gravity_m_s2: downward.
    """

    density_kg_m3: float = ranged(LogUniform(200.0, 2000.0), 1.0, 25_000.0)
    mass_kg: float = ranged(0.0, 0.0, 1000.0)
    friction: float = ranged(LogUniform(0.4, 1.2), 0.0, 10.0)
    spinning_friction: float = ranged(LogUniform(0.001, 0.006), 0.0, 1.0)
    rolling_friction: float = ranged(LogUniform(0.0008, 0.004), 0.0, 1.0)
    restitution: float = ranged(Uniform(0.0, 0.4), 0.0, 1.0)
    table_friction: float = ranged(Uniform(0.6, 1.0), 0.0, 10.0)
    table_restitution: float = ranged(Uniform(0.2, 0.8), 0.0, 1.0)
    gravity_m_s2: float = ranged(9.81, 0.0, 100.0)


@dataclass(frozen=True)
class ColorSpec:
    """A colour by hue, saturation and value, each in [0, 1]."""

    hue: float = ranged(Uniform(0.0, 1.0), 0.0, 1.0)
    saturation: float = ranged(Uniform(0.0, 0.9), 0.0, 1.0)
    value: float = ranged(Uniform(0.15, 0.95), 0.0, 1.0)


@dataclass(frozen=True)
class MaterialSpec:
    """The looks of one surface.

    Attributes:
        texture: kind of pattern, or "image" for one of `images`.
        images: folder of image files.
        colors: the pattern's three colours.
        frequency: repetitions of the pattern across one UV unit.
        roughness: of the microfacet layer.
        metallic: 0 for plastic, paper or wood, 1 for metal.
        own_texture: whether a model that brings a texture of its own keeps it.
    """

    texture: str = "flat"
    images: str | None = None
    colors: tuple[ColorSpec, ColorSpec, ColorSpec] = (ColorSpec(), ColorSpec(), ColorSpec())
    frequency: int = ranged(Integers(1, 6), 1, 64)
    roughness: float = ranged(Uniform(0.15, 1.0), 0.02, 1.0)
    metallic: float = ranged(Choice((0.0, 1.0), (0.85, 0.15)), 0.0, 1.0)
    own_texture: bool = True


ALL_TEXTURES = Choice(("flat", "checker", "stripes", "gradient", "noise", "cells", "wood", "marble", "speckle"))


@dataclass(frozen=True)
class AppearanceSpec:
    """The looks of each slot of the objects. `per` draws them anew in each scene, or once for the whole dataset."""

    material: MaterialSpec = field(default=MaterialSpec(texture=ALL_TEXTURES))  # type: ignore[arg-type]
    per: str = one_of("scene", "scene", "object")


@dataclass(frozen=True)
class LightSpec:
    """One light.

    Attributes:
        kind: directional or point.
        azimuth_deg: around the vertical.
        elevation_deg: above the table.
        distance_m: of a point light from the origin.
        intensity: 1 lights a white surface at the origin that faces the light to full white.
        warmth: tints from bluish (-1) over white (0) to orange (1).
        penumbra_m: width of the shadow's soft edge.
    """

    kind: str = one_of(Choice(("directional", "point")), "directional", "point")
    azimuth_deg: float = ranged(Uniform(0.0, 360.0), -360.0, 360.0)
    elevation_deg: float = ranged(Uniform(25.0, 85.0), 1.0, 90.0)
    distance_m: float = ranged(Uniform(0.8, 2.0), 0.2, 100.0)
    intensity: float = ranged(LogUniform(0.4, 1.4), 0.0, 100.0)
    warmth: float = ranged(Normal(0.1, 0.15), -1.0, 1.0)
    penumbra_m: float = ranged(LogUniform(0.001, 0.012), 0.0, 0.2)


@dataclass(frozen=True)
class LightsSpec:
    """The lighting. With n lights each one is dimmed to 1/√n of its drawn intensity.

    Attributes:
        count: number of lights.
        light: what is drawn for each.
        shadows: whether bodies block the lights.
        ambient: brightness of the light from all sides.
        ground_ratio: how bright the ambient light from below is, relative to that from above.
    """

    count: int = ranged(Integers(1, 4), 1, 4)
    light: LightSpec = LightSpec()
    shadows: bool = True
    ambient: float = ranged(Uniform(0.15, 0.5), 0.0, 10.0)
    ground_ratio: float = ranged(Uniform(0.3, 0.8), 0.0, 1.0)


@dataclass(frozen=True)
class BackgroundSpec:
    """The looks of table, bin and room, and for floating scenes the backdrop.

    Attributes:
        table: material of the table.
        bin: material of the bin.
        room: material of floor and walls.
        room_m: width of the room.
        backdrop: image at infinity behind floating objects; only its texture counts.
    """

    table: MaterialSpec = field(
        default=MaterialSpec(
            texture=ALL_TEXTURES,  # type: ignore[arg-type]
            frequency=Integers(1, 4),  # type: ignore[arg-type]
            roughness=Uniform(0.4, 1.0),  # type: ignore[arg-type]
            metallic=0.0,
        )
    )
    bin: MaterialSpec = field(default=MaterialSpec(metallic=0.0))
    room: MaterialSpec = field(
        default=MaterialSpec(
            texture=ALL_TEXTURES,  # type: ignore[arg-type]
            frequency=Integers(1, 3),  # type: ignore[arg-type]
            roughness=1.0,
            metallic=0.0,
        )
    )
    room_m: float = ranged(Uniform(4.0, 6.0), 2.0, 50.0)
    backdrop: MaterialSpec = field(default=MaterialSpec(texture=ALL_TEXTURES))  # type: ignore[arg-type]


@dataclass(frozen=True)
class CameraSpec:
    """The camera, on a shell around the scene's centre.

    Attributes:
        width: pixels.
        height: pixels.
        views: camera poses per scene.
        supersampling: colour samples per pixel and axis; labels are always taken at pixel centres.
        fov_y_deg: vertical field of view.
        principal_offset_px: how far each coordinate of the principal point lies off the image's centre.
        distance_m: from the point looked at.
        azimuth_deg: around the vertical.
        elevation_deg: above the horizon.
        roll_deg: about the viewing direction.
        look_at_m: offset of the point looked at from the scene's centre.
    """

    width: int = ranged(640, 16, 8192)
    height: int = ranged(480, 16, 8192)
    views: int = ranged(25, 1, 10_000)
    supersampling: int = ranged(1, 1, 8)
    fov_y_deg: float = ranged(Uniform(42.0, 50.0), 5.0, 120.0)
    principal_offset_px: tuple[float, float] = ranged((Normal(0.0, 2.0), Normal(0.0, 2.0)), -4096.0, 4096.0)
    distance_m: float = ranged(Uniform(0.45, 0.95), 0.1, 20.0)
    azimuth_deg: float = ranged(Uniform(0.0, 360.0), -360.0, 360.0)
    elevation_deg: float = ranged(Uniform(20.0, 88.0), -90.0, 90.0)
    roll_deg: float = ranged(Normal(0.0, 15.0), -360.0, 360.0)
    look_at_m: tuple[float, float, float] = ranged(
        (Normal(0.0, 0.03), Normal(0.0, 0.03), Normal(0.0, 0.01)), -10.0, 10.0
    )


@dataclass(frozen=True)
class DistractorsSpec:
    """Bodies that occlude and are in the instance image, but carry no labels. Their split is that of the objects.

    Attributes:
        families: names of object families, as for the objects.
        models: number of distractor models in the dataset.
        count: distractors per scene.
    """

    families: tuple[str, ...] = FAMILIES
    models: int = ranged(20, 1, 10_000)
    count: int = ranged(Integers(0, 3), 0, 1000)


@dataclass(frozen=True)
class SensorSpec:
    """The camera model that is applied last, to the images only; labels stay exact.

    Attributes:
        exposure_ev: exposure error in stops.
        white_balance: gain error of red and blue.
        blur_px: standard deviation of the optical blur.
        shot_noise: photon noise at full white, relative to full white.
        read_noise: noise in the dark, relative to full white.
        depth_baseline_m: of the stereo pair that the depth camera is.
        depth_disparity_step_px: quantisation of disparity; 0 for none.
        depth_noise_px: noise of disparity.
        depth_edge_loss_px: width of the band along depth edges where depth is lost.
    """

    exposure_ev: float = ranged(Normal(0.0, 0.2), -8.0, 8.0)
    white_balance: float = ranged(Normal(0.0, 0.03), -0.9, 0.9)
    blur_px: float = ranged(Uniform(0.0, 0.8), 0.0, 20.0)
    shot_noise: float = ranged(LogUniform(0.002, 0.02), 0.0, 1.0)
    read_noise: float = ranged(LogUniform(0.0005, 0.005), 0.0, 1.0)
    depth_baseline_m: float = ranged(0.075, 0.001, 10.0)
    depth_disparity_step_px: float = ranged(0.0, 0.0, 10.0)
    depth_noise_px: float = ranged(0.0, 0.0, 10.0)
    depth_edge_loss_px: float = ranged(0.0, 0.0, 50.0)


@dataclass(frozen=True)
class SceneSpec:
    """Everything that describes a dataset's or an environment's worlds, section by section."""

    layout: LayoutSpec = LayoutSpec()
    objects: ObjectsSpec = ObjectsSpec()
    physics: PhysicsSpec = PhysicsSpec()
    appearance: AppearanceSpec = AppearanceSpec()
    lights: LightsSpec = LightsSpec()
    background: BackgroundSpec = BackgroundSpec()
    camera: CameraSpec = CameraSpec()
    distractors: DistractorsSpec = DistractorsSpec()
    sensor: SensorSpec = SensorSpec()
