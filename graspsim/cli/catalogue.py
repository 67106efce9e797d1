"""Commands that show what there is to choose from."""

import dataclasses
import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from tyro.conf import Positional, arg

from graspsim.cli.arguments import Assignments, with_assignments
from graspsim.cli.progress import progress_bar
from graspsim.errors import SpecError

if TYPE_CHECKING:
    from graspsim.object_set import ObjectSet
    from graspsim.spec import SetSpec

_COLUMNS = 8


@dataclass(frozen=True)
class List:
    """Name the scenes, object families, textures and whatever else goes by name."""

    def run(self) -> int:
        """Print one line per kind."""
        from graspsim.registry import kinds, names

        for kind in kinds():
            print(f"{kind:14}{', '.join(names(kind))}")
        return 0


@dataclass(frozen=True)
class Objects:
    """Look at the objects of a set: a contact sheet, statistics, a plot of their variety, or files for other programs.

    With a dump's seed and keys, these are the objects of that dataset, by the same numbers.
    """

    families: Positional[Annotated[tuple[str, ...], arg(metavar="[FAMILY ...]")]] = ()
    """Which families, see `graspsim list`; by default those of --base."""
    n: Annotated[int, arg(aliases=["-n"])] = 64
    """Number of objects."""
    out: Annotated[Path | None, arg(aliases=["-o"])] = None
    """Contact sheet to write, .png or .jpg."""
    stats: bool = False
    """Print the ranges of sizes, complexity and symmetry of each family, and how much of the plane they cover."""
    plot: Path | None = None
    """Plot of that coverage to write, .png; needs `pip install graspsim[plot]`."""
    export: Path | None = None
    """Folder to write the objects to, for other simulators."""
    format: str = "urdf"
    """Format of the export: obj, glb, urdf or mjcf."""
    base: str = "train"
    """Name of a set, see `graspsim list`, for whatever the other arguments leave open."""
    seed: int = 0
    """Seed of the set."""
    set_: Assignments = ()
    """A key of the set and its value, such as size_m="U(0.04, 0.1)", split=heldout or balanced=true."""

    def run(self) -> int:
        """Make the objects, and do with them what was asked for; without a wish, print the statistics."""
        from graspsim.catalogue.coverage import plot_coverage, require_matplotlib
        from graspsim.catalogue.object_sheet import object_tile
        from graspsim.catalogue.statistics import Measures, measure, statistics_table
        from graspsim.dataset.pictures import Image, check_picture_name, save, sheet
        from graspsim.export.write import check_format, export_models

        objects = self._objects()
        # Whatever is wrong with the outputs shows before the work.
        for picture in (self.out, self.plot):
            if picture is not None:
                check_picture_name(picture)
        if self.plot is not None:
            require_matplotlib()
        check_format(self.format)
        wants_stats = self.stats or (self.out, self.plot, self.export) == (None, None, None)
        measures: list[Measures] = []
        tiles: list[Image] = []
        with progress_bar("objects", len(objects)) as advance:
            for number, member in enumerate(objects.members, start=1):
                source, model = Path(member.source).stem, objects[number]
                if wants_stats or self.plot is not None:
                    measures.append(measure(source, model))
                if self.out is not None:
                    title = model.name if source.startswith(model.name) else f"{source}: {model.name}"
                    tiles.append(object_tile(f"{number} {title}", model, number))
                if self.export is not None:
                    export_models({f"{number:04d}_{file_safe(model.name)}": model}, self.export, self.format)
                advance(1)
        if self.out is not None:
            save(self.out, sheet(tiles, _COLUMNS))
            print(self.out)
        if self.plot is not None:
            plot_coverage(measures, self.plot)
            print(self.plot)
        if self.export is not None:
            print(f"{self.export}: {len(objects)} objects as {self.format}.")
        if wants_stats:
            print(statistics_table(measures))
        return 0

    def _objects(self) -> "ObjectSet":
        """Return the set that the arguments describe."""
        from graspsim.distributions import check
        from graspsim.object_set import ObjectSet
        from graspsim.registry import load
        from graspsim.streams import check_seed

        if self.n < 1:
            raise SpecError(f"-n must be at least 1; got {self.n}.")
        spec: SetSpec = dataclasses.replace(load("set", self.base), models=self.n)
        if self.families:
            spec = dataclasses.replace(spec, families=self.families, heldout_families=())
        spec = with_assignments(spec, self.set_)
        check(spec)
        return ObjectSet(spec, check_seed(self.seed))


def file_safe(name: str) -> str:
    """Return a name with whatever does not belong into a file name replaced."""
    return re.sub(r"[^A-Za-z0-9._-]+", "_", name).strip("._") or "object"
