"""The models of a dataset's scenes by obj_id: the targets, then the distractors."""

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

        self.target_ids = self._set.obj_ids
        """The obj_ids that are labelled and exported."""
        first = max(self.target_ids) + 1
        self.distractor_ids = tuple(range(first, first + len(self._distractors or ())))
        """The obj_ids that only occlude."""
        self._numbers = {obj_id: number for number, obj_id in enumerate(self.target_ids, start=1)}

    def __len__(self) -> int:
        return len(self._targets) + len(self._distractors or ())

    def __iter__(self) -> Iterator[int]:
        return iter(self.target_ids + self.distractor_ids)

    def __getitem__(self, obj_id: int) -> ObjectModel:
        if obj_id in self._numbers:
            return self._targets[self._numbers[obj_id]]
        if self._distractors is None or obj_id not in self.distractor_ids:
            raise KeyError(obj_id)
        return self._distractors[obj_id - self.distractor_ids[0] + 1]

    def member(self, obj_id: int) -> Member:
        """Return what a target is made from."""
        return self._set.members[self._numbers[obj_id] - 1]
