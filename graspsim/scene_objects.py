"""The models of a dataset's scenes by obj_id: the targets, numbered from 1, then the distractors."""

from collections.abc import Iterator, Mapping

from graspsim.models import ObjectModel
from graspsim.object_set import Member, ObjectSet
from graspsim.set_store import load_set
from graspsim.spec import SceneSpec, SetSpec


class SceneObjects(Mapping[int, ObjectModel]):
    """Models by obj_id, made when first asked for.

    Args:
        spec: its sections `objects` and `distractors` say what there is.
        root_seed: of the dataset.
        at_once: have all targets in memory from the start, out of the cache.
    """

    def __init__(self, spec: SceneSpec, root_seed: int, at_once: bool = False) -> None:
        self._set = ObjectSet(spec.objects, root_seed)
        self._targets: Mapping[int, ObjectModel] = load_set(self._set) if at_once else self._set
        heldout = spec.objects.heldout_families if spec.objects.split == "train" else ()
        families = tuple(f for f in spec.distractors.families if f.partition(":")[0] not in heldout)
        self._distractors = (
            ObjectSet(SetSpec(families, models=spec.distractors.models, split=spec.objects.split), root_seed, kind=1)
            if families
            else None
        )

    @property
    def target_ids(self) -> range:
        """The obj_ids that are labelled and exported."""
        return range(1, len(self._targets) + 1)

    @property
    def distractor_ids(self) -> range:
        """The obj_ids that only occlude."""
        return range(len(self._targets) + 1, len(self) + 1)

    def __len__(self) -> int:
        return len(self._targets) + len(self._distractors or ())

    def __iter__(self) -> Iterator[int]:
        return iter(range(1, len(self) + 1))

    def __getitem__(self, obj_id: int) -> ObjectModel:
        if obj_id in self.distractor_ids and self._distractors is not None:
            return self._distractors[obj_id - len(self._targets)]
        return self._targets[obj_id]

    def member(self, obj_id: int) -> Member:
        """Return what a target is made from."""
        return self._set.members[obj_id - 1]
