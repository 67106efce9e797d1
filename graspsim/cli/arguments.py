"""Arguments that commands share, and the specifications that they describe."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, TypeVar

import tyro
from tyro.conf import arg

from graspsim.errors import SpecError

if TYPE_CHECKING:
    from graspsim.spec import SceneSpec

TASK_PREFIX = "graspsim/"
"""Of the ids of environments."""
T = TypeVar("T")
Assignments = Annotated[
    tuple[str, ...],
    arg(name="set", metavar="KEY=VALUE", help_behavior_hint="(repeatable)"),
    tyro.conf.UseAppendAction,
]
Keys = Annotated[tuple[str, ...], arg(metavar="KEY", help_behavior_hint="(repeatable)"), tyro.conf.UseAppendAction]
Output = Annotated[Path, arg(aliases=["-o"])]


def build_spec(
    scene: str | None,
    config: Path | None,
    assignments: tuple[str, ...],
    fix: tuple[str, ...],
    object_set: str | None = None,
) -> "SceneSpec":
    """Return the specification that a command line describes, of a scene or, as graspsim/Lift-v0, of a task's episodes.

    Raises:
        GraspsimError: for an unknown scene or key, an unreadable file, or a value that is not legal.
    """
    from graspsim.plain import overlaid
    from graspsim.registry import load
    from graspsim.spec_edit import fixed

    plain: dict[str, Any] = {}
    if config is not None:
        plain = read_config(config)
        base = plain.pop("base", None)
        if base is not None and not isinstance(base, str):
            raise SpecError(f"In {config}, base must be the name of a scene; got {base!r}.")
        if scene is not None and base is not None and scene != base:
            raise SpecError(f"Both the command line ({scene}) and {config} ({base}) name a scene; name it once.")
        scene = scene or base or "tabletop"
    if scene is None:
        raise SpecError("Name a scene, such as `graspsim dump tabletop`, or give a file with --config.")
    base_spec: SceneSpec = task_spec(scene) if scene.startswith(TASK_PREFIX) else load("scene", scene)
    if object_set is not None:
        from graspsim.episode.spec import with_objects

        base_spec = with_objects(base_spec, object_set)
    spec: SceneSpec = overlaid(base_spec, plain)
    spec = with_assignments(spec, assignments)
    for key in fix:
        spec = fixed(spec, key)
    return spec


def task_spec(task_id: str) -> "SceneSpec":
    """Return the specification of a task's episodes, on its own objects, with pictures of a size for datasets."""
    from graspsim.episode.spec import with_objects
    from graspsim.plain import overlaid
    from graspsim.registry import load

    task = load("task", task_id.removeprefix(TASK_PREFIX))
    spec: SceneSpec = with_objects(task.spec, task.objects)
    return overlaid(spec, {"camera": {"width": 640, "height": 480, "views": 25}})


def with_assignments(spec: T, assignments: tuple[str, ...]) -> T:
    """Return a specification with each KEY=VALUE in its place.

    Raises:
        GraspsimError: for an unknown key, or a value that is not legal.
    """
    from graspsim.plain import overlaid

    for assignment in assignments:
        key, equals, value = assignment.partition("=")
        if not equals:
            raise SpecError(f'--set takes KEY=VALUE, such as objects.count="I(10, 20)"; got {assignment!r}.')
        nested: Any = value.strip()
        for name in reversed(key.strip().split(".")):
            nested = {name: nested}
        spec = overlaid(spec, nested)
    return spec


def read_config(path: Path) -> dict[str, Any]:
    """Return the mapping in a YAML file.

    Raises:
        SpecError: if it cannot be read or holds no mapping.
    """
    import yaml

    try:
        content = yaml.safe_load(path.read_text())
    except OSError as error:
        raise SpecError(f"Cannot read {path}: {error.strerror}.") from error
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise SpecError(f"{path} is not valid YAML: {' '.join(str(error).split())}.") from error
    if not isinstance(content, dict):
        raise SpecError(f"{path} must map keys to values; got {content!r}.")
    for key in ("frames", "seed", "workers", "out", "split"):
        if key in content:
            raise SpecError(f"{key} stands in {path}, but belongs on the command line: --{key} {content[key]}.")
    return content
