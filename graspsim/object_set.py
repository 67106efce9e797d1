"""Sets of object models. A model is its family and a seed of its own, so that each can be made again by itself."""

import dataclasses
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np

from graspsim.bop_models import bop_obj_id
from graspsim.cache import cache_path, code_fingerprint, digest, keep
from graspsim.distributions import sample
from graspsim.errors import SpecError, UnknownNameError
from graspsim.mesh_import import import_mesh
from graspsim.models import ObjectModel, make_object, scaled
from graspsim.plain import to_plain
from graspsim.registry import load, names
from graspsim.shape_measures import complexity
from graspsim.spec import SPLITS, SetSpec
from graspsim.streams import Stream, generator

OVERSAMPLING = 4
"""Candidates for each model of a balanced set."""
_KEPT = 256
"""Models kept in memory, the least recently used dropped first."""


@dataclass(frozen=True)
class Member:
    """What a model of a set is made from.

    Attributes:
        source: name of the family, or path of the mesh file.
        seed: of the family's model; None for a file.
    """

    source: str
    seed: int | None


class ObjectSet(Mapping[int, ObjectModel]):
    """Models by number from 1, made when first asked for: the mesh files, then what the families fill up.

    Args:
        spec: what there is.
        seed: the set is a function of both.
        kind: sets of another kind share no model with it, though their seeds be equal.

    Raises:
        UnknownNameError: for a family that is in no table.
        SpecError: for a weight that is no positive number, or if nothing is left to draw from.
    """

    def __init__(self, spec: SetSpec, seed: int, kind: int = 0) -> None:
        self.spec = spec
        self.seed = seed
        self._kind = kind
        self._made: dict[int, ObjectModel] = {}
        self._families = weighted_families(spec)

    def __len__(self) -> int:
        meshes = len(self.spec.meshes)
        return max(self.spec.models, meshes) if self._families else meshes

    def __iter__(self) -> Iterator[int]:
        return iter(range(1, len(self) + 1))

    def __getitem__(self, number: int) -> ObjectModel:
        if not 1 <= number <= len(self):
            raise KeyError(number)
        model = self._made.pop(number, None) or self._make(number)
        self._made[number] = model
        if len(self._made) > _KEPT:
            del self._made[next(iter(self._made))]
        return model

    @cached_property
    def members(self) -> tuple[Member, ...]:
        """What each model is made from, in order."""
        meshes = tuple(Member(path, None) for path in self.spec.meshes)
        wanted = len(self) - len(meshes)
        if wanted and self.spec.balanced:
            return meshes + tuple(self._balanced(wanted))
        return meshes + tuple(self._drawn(len(meshes), wanted))

    @cached_property
    def obj_ids(self) -> tuple[int, ...]:
        """The number that each model has in a dataset: from 1 on, or those of a BOP dataset if all are its models."""
        bop_ids = [bop_obj_id(Path(path)) for path in self.spec.meshes]
        if bop_ids and len(bop_ids) == len(self) and None not in bop_ids:
            if len(set(bop_ids)) < len(bop_ids):
                raise SpecError(f"objects.meshes names the same obj_id twice: {sorted(map(str, bop_ids))}.")
            return tuple(obj_id for obj_id in bop_ids if obj_id is not None)
        return tuple(range(1, len(self) + 1))

    def _drawn(self, first: int, count: int) -> list[Member]:
        """Return members by number, from `first` on, whatever the number of others."""
        turns = _turns([weight for _, weight in self._families], first + count)[first:]
        return [
            Member(self._families[turn][0], self._model_seed(number))
            for number, turn in enumerate(turns, start=first + 1)
        ]

    def _model_seed(self, number: int) -> int:
        """Return the seed of a model. Its last bit is the split, hence no seed is ever in both."""
        drawn = int(generator(self.seed, number, Stream.MODELS, self._kind).integers(2**62))
        return 2 * drawn + SPLITS.index(self.spec.split)

    def _balanced(self, wanted: int) -> list[Member]:
        """Return members whose complexities are spread as evenly as candidates allow. The cache keeps the choice."""
        name = f"balance-{self.fingerprint()}.json"
        candidates = self._drawn(len(self.spec.meshes), OVERSAMPLING * wanted)
        try:
            chosen = json.loads(cache_path(name).read_text())
        except (OSError, ValueError):  # not there, or damaged
            measured = np.array([complexity(self._family_model(member).mesh) for member in candidates])
            chosen = evenly_chosen(measured, wanted)
            keep(name, lambda path: path.write_text(json.dumps(chosen)))
        return [candidates[i] for i in chosen]

    def fingerprint(self) -> str:
        """Return a name for what the families' models are: it changes with the spec, the seed and the code."""
        plain = to_plain(self.spec)
        decisive = [plain[field.name] for field in dataclasses.fields(SetSpec) if field.name != "meshes"]
        text = json.dumps([*decisive, len(self.spec.meshes), self.seed, self._kind])
        return digest(text.encode(), code_fingerprint().encode())

    def _make(self, number: int) -> ObjectModel:
        member = self.members[number - 1]
        if member.seed is None:
            return import_mesh(member.source, self.spec.mesh_scale)
        return self._family_model(member)

    def _family_model(self, member: Member) -> ObjectModel:
        assert member.seed is not None
        model = make_object(member.source, np.random.default_rng(member.seed))
        size_m = sample(self.spec, np.random.default_rng([member.seed, 1])).size_m
        return scaled(model, size_m / float(model.extents_m.max())) if size_m else model


def object_set(name: str, seed: int, **changes: object) -> ObjectSet:
    """Return a set by its name in the registry, with any field of its `SetSpec` changed.

    Raises:
        UnknownNameError: for an unknown name or field.
    """
    spec: SetSpec = load("set", name)
    fields = [field.name for field in dataclasses.fields(spec)]
    for field in changes:
        if field not in fields:
            raise UnknownNameError("field of SetSpec", field, fields)
    return ObjectSet(dataclasses.replace(spec, **changes), seed)  # type: ignore[arg-type]


def weighted_families(spec: SetSpec) -> list[tuple[str, float]]:
    """Return the families that a set's split draws from, each with its weight.

    Raises:
        UnknownNameError: for a family that is in no table.
        SpecError: for a weight that is no positive number, or if nothing is left to draw from.
    """
    if not spec.families and not spec.meshes:
        raise SpecError("objects.families and objects.meshes are both empty; name at least one.")
    families = [_weighted(entry) for entry in spec.families]
    heldout = [_weighted(entry)[0] for entry in spec.heldout_families]
    if spec.split == "train":
        left = [(name, weight) for name, weight in families if name not in heldout]
    else:
        weights = dict(families)
        left = [(name, weights.get(name, 1.0)) for name in heldout] or families
    if not left and not spec.meshes:
        raise SpecError(
            f"Nothing to draw from: of families={list(spec.families)}, split={spec.split} leaves none, since "
            f"heldout_families={list(spec.heldout_families)}; and there are no meshes."
        )
    return left


def _weighted(entry: str) -> tuple[str, float]:
    name, colon, text = entry.partition(":")
    if name not in names("family"):
        raise UnknownNameError("object family", name, names("family"))
    try:
        weight = float(text) if colon else 1.0
    except ValueError:
        weight = 0.0
    if not 0 < weight < np.inf:
        raise SpecError(f"The weight of a family must be a positive number, as in {name}:3; got {entry!r}.")
    return name, weight


def _turns(weights: Sequence[float], count: int) -> list[int]:
    """Return whose turn it is, `count` times: at each the one that lags most behind its share."""
    if not weights:
        return []
    share = np.array(weights) / np.sum(weights)
    taken = np.zeros(len(share))
    turns = []
    for n in range(1, count + 1):
        turn = int(np.argmax(share * n - taken))
        taken[turn] += 1
        turns.append(turn)
    return turns


def evenly_chosen(values: np.ndarray[tuple[int], np.dtype[np.float64]], count: int) -> list[int]:
    """Return which `count` of the values lie most evenly over their range, in ascending order of their index.

    Each of as many evenly spaced targets, from the extremes inward, takes the nearest value that is left.
    """
    left = dict(enumerate(values.tolist()))
    targets = np.linspace(values.min(), values.max(), count)
    outward = np.argsort(-np.abs(targets - targets.mean()), kind="stable")
    chosen = []
    for target in targets[outward].tolist():
        nearest = min(left, key=lambda i: (abs(left[i] - target), i))
        del left[nearest]
        chosen.append(nearest)
    return sorted(chosen)
