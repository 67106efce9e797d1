"""The objects of a dataset: models numbered from 1, each a function of the root seed and its number alone."""

from collections.abc import Iterator, Mapping

from graspsim.mesh_import import import_mesh
from graspsim.models import ObjectModel, make_object
from graspsim.spec import SceneSpec
from graspsim.streams import Stream, generator

_KEPT = 256
"""Models kept in memory, the least recently used dropped first."""


class ObjectSet(Mapping[int, ObjectModel]):
    """Models by obj_id, made when first asked for: the targets, then the distractors.

    Args:
        spec: its sections `objects` and `distractors` say what there is.
        root_seed: of the dataset.
    """

    def __init__(self, spec: SceneSpec, root_seed: int) -> None:
        self._spec = spec
        self._root_seed = root_seed
        self._made: dict[int, ObjectModel] = {}
        families = spec.objects.families if len(spec.objects.meshes) < spec.objects.models else ()
        self.target_count = max(spec.objects.models, len(spec.objects.meshes)) if families else len(spec.objects.meshes)
        self.distractor_count = spec.distractors.models if spec.distractors.families else 0

    @property
    def target_ids(self) -> range:
        """The obj_ids that are labelled and exported."""
        return range(1, self.target_count + 1)

    @property
    def distractor_ids(self) -> range:
        """The obj_ids that only occlude."""
        return range(self.target_count + 1, self.target_count + self.distractor_count + 1)

    def __len__(self) -> int:
        return self.target_count + self.distractor_count

    def __iter__(self) -> Iterator[int]:
        return iter(range(1, len(self) + 1))

    def __getitem__(self, obj_id: int) -> ObjectModel:
        if not 1 <= obj_id <= len(self):
            raise KeyError(obj_id)
        model = self._made.pop(obj_id, None) or self._make(obj_id)
        self._made[obj_id] = model
        if len(self._made) > _KEPT:
            del self._made[next(iter(self._made))]
        return model

    def source(self, obj_id: int) -> str:
        """Return the name of the family, or the path of the file, that a model comes from."""
        objects = self._spec.objects
        if obj_id <= len(objects.meshes):
            return objects.meshes[obj_id - 1]
        families = objects.families if obj_id <= self.target_count else self._spec.distractors.families
        return families[self._number(obj_id) % len(families)]

    def _number(self, obj_id: int) -> int:
        """Return the model's number among the targets, or among the distractors, whose shapes do not depend on how
        many targets there are."""
        return obj_id if obj_id <= self.target_count else obj_id - self.target_count

    def _make(self, obj_id: int) -> ObjectModel:
        if obj_id <= len(self._spec.objects.meshes):
            return import_mesh(self.source(obj_id), self._spec.objects.mesh_scale)
        kind = int(obj_id > self.target_count)
        rng = generator(self._root_seed, self._number(obj_id), Stream.MODELS, kind)
        return make_object(self.source(obj_id), rng)
