"""Proof, before anything is drawn, that every scene of a specification is legal."""

from graspsim.distributions import Distribution, check
from graspsim.errors import SpecError, UnknownNameError
from graspsim.object_set import weighted_families
from graspsim.registry import names
from graspsim.spec import MaterialSpec, SceneSpec, SetSpec

_ONE_VALUE = (
    "objects.models",
    "objects.mesh_scale",
    "objects.split",
    "objects.balanced",
    "distractors.models",
    "appearance.per",
    "layout.settle_limit_s",
    "camera.width",
    "camera.height",
    "camera.views",
    "camera.supersampling",
)
"""Fields that describe the dataset as a whole: no scene draws them."""


def check_spec(spec: SceneSpec) -> None:
    """Prove that every scene drawn from `spec` is legal.

    Raises:
        SpecError: naming the field, the value and what is allowed.
        UnknownNameError: for a family or texture that is in no table.
    """
    check(spec)
    for path in _ONE_VALUE:
        section, name = path.split(".")
        value = getattr(getattr(spec, section), name)
        if isinstance(value, Distribution):
            raise SpecError(f"{path} holds for the whole dataset and must be one value; got {value}.")
    for path, items in (
        ("objects.families", spec.objects.families),
        ("objects.meshes", spec.objects.meshes),
        ("objects.heldout_families", spec.objects.heldout_families),
        ("distractors.families", spec.distractors.families),
    ):
        if isinstance(items, Distribution) or any(isinstance(item, Distribution) for item in items):
            raise SpecError(f"{path} lists all there is to draw from, without braces: a, b; got {items}.")
    weighted_families(spec.objects)
    if spec.distractors.families:
        weighted_families(SetSpec(spec.distractors.families))
    for material in materials_of(spec):
        _check_material(material)
    widest = max(_largest(spec.layout.table_m), _largest(spec.layout.area_m) + 0.1)
    if widest > _smallest(spec.background.room_m):
        raise SpecError(
            f"background.room_m={spec.background.room_m} must not be less than layout.table_m={spec.layout.table_m}, "
            f"nor than layout.area_m={spec.layout.area_m} and 0.1: the table would stand in the walls."
        )


def materials_of(spec: SceneSpec) -> tuple[MaterialSpec, ...]:
    """Return every material of a specification."""
    background = spec.background
    return spec.appearance.material, background.table, background.bin, background.room, background.backdrop


def _largest(value: object) -> float:
    return float(max(value.support()) if isinstance(value, Distribution) else value)  # type: ignore[arg-type]


def _smallest(value: object) -> float:
    return float(min(value.support()) if isinstance(value, Distribution) else value)  # type: ignore[arg-type]


def _check_material(material: MaterialSpec) -> None:
    texture: object = material.texture
    kinds = texture.support() if isinstance(texture, Distribution) else (texture,)
    for kind in kinds:
        if kind == "image" and not material.images:
            raise SpecError("texture=image needs `images`, the folder that holds the image files.")
        if kind != "image" and kind not in names("texture"):
            raise UnknownNameError("texture", str(kind), [*names("texture"), "image"])
