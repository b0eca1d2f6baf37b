"""Where two JSON documents differ: what is equal is pruned down to the leaves, DeepDiff is given the rest.

DeepDiff would visit everything; here equal subtrees are passed over at the speed of C. Its paths are kept:
members of mappings by key, of lists by place; lists of scalars it aligns itself, where there is anything to.
"""

from __future__ import annotations

import json
import pickle
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from io import BytesIO
from itertools import compress
from operator import eq
from typing import TYPE_CHECKING, TypeVar

from harness.compare.members import by_name
from harness.compare.mismatch import Kind

if TYPE_CHECKING:
    from deepdiff.model import DiffLevel

__all__ = ["ORDER", "Difference", "PrunedDiff", "pruned_diff"]

ORDER = "order"
"""The last part of the path where nothing but the order differs."""

_Key = TypeVar("_Key")
_Path = tuple[object, ...]
_KeysOf = Callable[[_Path], Sequence[str] | None]

_KINDS = {
    "dictionary_item_added": Kind.EXTRA,
    "iterable_item_added": Kind.EXTRA,
    "dictionary_item_removed": Kind.MISSING,
    "iterable_item_removed": Kind.MISSING,
}
_HOLDERS = frozenset({dict, list})

# Nobody could read the path of what lies deeper, and the walk needs Python's stack.
_DEEPEST = 200
# DeepDiff takes about ten seconds for them.
_MOST_STEPS = 1_000_000
# It has no shorter way to say that so many members of lists of one length differ.
_TOLD_BY_PLACE = 2


@dataclass(frozen=True, slots=True)
class Difference:
    """One place where the documents differ; where one lacks it, its value is None.

    The path is empty where it would be too long.
    """

    kind: Kind
    path: _Path
    before: object
    after: object


@dataclass(frozen=True, slots=True)
class PrunedDiff:
    """All differences, in the order of the documents; `incomplete` says why there may be more."""

    differences: tuple[Difference, ...]
    incomplete: str | None = None


def pruned_diff(before: object, after: object, keys_of: _KeysOf) -> PrunedDiff:
    """Where `after` differs from `before`: nowhere if and only if they are the same JSON text.

    `keys_of` gives the keys that tell the members of the list at a path apart; None where their place does.
    """
    walk = _Walk(keys_of)
    walk.into((), before, after)
    return _told_by_deepdiff(walk.unlike) if walk.unlike else PrunedDiff(())


class _Walk:
    """A walk through two documents that notes the smallest parts in which they differ."""

    def __init__(self, keys_of: _KeysOf) -> None:
        self._keys_of = keys_of
        self.unlike: list[Difference] = []

    def into(self, path: _Path, before: object, after: object) -> None:
        """Note where the values at `path` differ."""
        if isinstance(before, dict) and isinstance(after, dict) and len(path) < _DEEPEST:
            self._into_mappings(path, before, after)
        elif isinstance(before, list) and isinstance(after, list) and len(path) < _DEEPEST:
            keys = self._keys_of(path)
            if keys is None:
                self._into_lists(path, before, after)
            else:
                self._into_mappings(path, *by_name(keys, before, after))
        elif (ours := json.dumps(before)) != (theirs := json.dumps(after)):
            if len(path) < _DEEPEST:
                self._note(Kind.CHANGED, path, before, after)
            else:
                self._note(Kind.CHANGED, (), ours, theirs)

    def _into_mappings(
        self, path: _Path, before: Mapping[_Key, object], after: Mapping[_Key, object]
    ) -> None:
        noted = len(self.unlike)
        shared = [key for key in before if key in after]
        places = _perhaps_unlike([before[key] for key in shared], [after[key] for key in shared])
        unlike = {shared[place] for place in places}
        for key in {**before, **after}:
            if key not in after:
                self._note(Kind.MISSING, (*path, key), before[key], None)
            elif key not in before:
                self._note(Kind.EXTRA, (*path, key), None, after[key])
            elif key in unlike:
                self.into((*path, key), before[key], after[key])
        if len(self.unlike) == noted and list(before) != list(after):
            self._note(Kind.CHANGED, (*path, ORDER), *_first_in_disorder(list(before), list(after)))

    def _into_lists(self, path: _Path, before: list[object], after: list[object]) -> None:
        shared = min(len(before), len(after))
        places = _perhaps_unlike(before[:shared], after[:shared])
        if _HOLDERS.isdisjoint(map(type, before)) and _HOLDERS.isdisjoint(map(type, after)):
            places = [place for place in places if json.dumps(before[place]) != json.dumps(after[place])]
            if len(before) != len(after) or len(places) > _TOLD_BY_PLACE:
                self._note(Kind.CHANGED, path, before, after)
                return
        for place in places:
            self.into((*path, place), before[place], after[place])
        for place in range(shared, len(before)):
            self._note(Kind.MISSING, (*path, place), before[place], None)
        for place in range(shared, len(after)):
            self._note(Kind.EXTRA, (*path, place), None, after[place])

    def _note(self, kind: Kind, path: _Path, before: object, after: object) -> None:
        self.unlike.append(Difference(kind, path, before, after))


def _perhaps_unlike(before: Sequence[object], after: Sequence[object]) -> Sequence[int]:
    """Where two sequences of one length may differ: everywhere else they are the same JSON text."""
    equal = list(map(eq, before, after))
    # What Python holds for equal may still differ (1 and true, the order of keys): it is looked at in one go.
    if _digest(list(compress(before, equal))) != _digest(list(compress(after, equal))):
        return range(len(before))
    return [place for place, same in enumerate(equal) if not same]


def _digest(values: list[object]) -> bytes:
    """Bytes that are the same only for the same JSON text: several times faster to write than that is."""
    file = BytesIO()
    pickler = pickle.Pickler(file)
    # With the pickler's memo, values that are equal would be written differently if one is referred to twice.
    pickler.fast = True
    pickler.dump(values)
    return file.getvalue()


def _told_by_deepdiff(unlike: Sequence[Difference]) -> PrunedDiff:
    # Here, as it takes a third of a second to load and most documents are equal.
    from deepdiff import DeepDiff
    from deepdiff.diff import MAX_DIFF_LIMIT_REACHED, MAX_PASS_LIMIT_REACHED

    numbered = [(str(number), part) for number, part in enumerate(unlike)]
    found = DeepDiff(
        {number: _as_texts(part.before) for number, part in numbered if part.kind is not Kind.EXTRA},
        {number: _as_texts(part.after) for number, part in numbered if part.kind is not Kind.MISSING},
        view="tree",
        verbose_level=1,
        ignore_private_variables=False,
        # Mappings with little in common are still told of key by key.
        threshold_to_diff_deeper=0,
        max_diffs=_MOST_STEPS,
    )
    stats = found.get_stats()  # type: ignore[no-untyped-call]
    limited = stats[MAX_DIFF_LIMIT_REACHED] or stats[MAX_PASS_LIMIT_REACHED]
    told = [_told(unlike, str(report), level) for report, levels in found.items() for level in levels]
    return PrunedDiff(
        tuple(difference for _, difference in sorted(told, key=lambda entry: entry[0])),
        f"the comparison was given up after {_MOST_STEPS:,} steps" if limited else None,
    )


def _told(unlike: Sequence[Difference], report: str, level: DiffLevel) -> tuple[int, Difference]:
    """What DeepDiff reports, and the number of the part that it is about."""
    number, *below = level.path(output_format="list")
    part = unlike[int(number)]
    if below:
        kind = _KINDS.get(report, Kind.CHANGED)
        before = None if kind is Kind.EXTRA else json.loads(level.t1)
        after = None if kind is Kind.MISSING else json.loads(level.t2)
        part = Difference(kind, (*part.path, *below), before, after)
    return int(number), part


def _as_texts(value: object) -> object:
    """Scalars as JSON texts, on one line each.

    Within lists DeepDiff would take 1 for true, and texts apart line by line, which takes the square of their
    number.
    """
    if isinstance(value, list):
        return list(map(json.dumps, value))
    return value if isinstance(value, dict) else json.dumps(value)


def _first_in_disorder(before: Sequence[object], after: Sequence[object]) -> tuple[str, str]:
    start = next((place for place, (a, b) in enumerate(zip(before, after, strict=True)) if a != b), 0)
    return _listed(before[start : start + 2]), _listed(after[start : start + 2])


def _listed(names: Sequence[object]) -> str:
    return ", ".join(map(str, names))
