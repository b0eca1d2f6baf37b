"""The blackboard layer: is the state that both left the same, timestamps aside?

Normalisation is the data at the top: which values differ by nature, and by which keys the members of a list
are told apart, so that one that is missing is named and does not make all that follow look changed.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence

from deepdiff import DeepDiff
from deepdiff.model import DiffLevel

from harness.compare.mismatch import Kind, Layer, Mismatch
from harness.compare.text import first_difference, shortened
from harness.record import RunRecord

__all__ = ["compare_blackboards"]

_TIMES = frozenset({"timestamp", "created_at"})

_KEYS: Mapping[str, tuple[str, ...]] = {
    "agent_attempts": ("agent", "module", "attempt_number"),
    "agent_reasoning": ("agent", "module"),
    "logs": ("level", "message"),
}

_KINDS = {
    "dictionary_item_added": Kind.EXTRA,
    "iterable_item_added": Kind.EXTRA,
    "dictionary_item_removed": Kind.MISSING,
    "iterable_item_removed": Kind.MISSING,
}

_PATH_PART = re.compile(r"\['([^']*)'\]|\[(\d+)\]|\[\"([^\"]*)\"\]")


def compare_blackboards(control: RunRecord, candidate: RunRecord) -> Iterator[Mismatch]:
    """What differs between the blackboards, by path."""
    ours, theirs = control.blackboard, candidate.blackboard
    if ours is None or theirs is None:
        if ours is not theirs:
            where = "control" if ours is None else "candidate"
            kind = Kind.EXTRA if ours is None else Kind.MISSING
            yield _mismatch(kind, "blackboard.json", f"the {where} left no blackboard that can be read")
        return
    for section in {**ours, **theirs}:
        before, after = _normalised(section, ours.get(section)), _normalised(section, theirs.get(section))
        if before != after:
            yield from _section(section, before, after)


def _section(section: str, before: object, after: object) -> Iterator[Mismatch]:
    differences = DeepDiff(before, after, view="tree", verbose_level=1)
    found = False
    for report, levels in differences.items():
        for level in levels:
            found = True
            yield _from_level(section, str(report), level)
    if not found:
        # Unequal, and the library names nothing (NaN, or one of its limits): never taken for equal.
        yield _mismatch(Kind.CHANGED, section, f"{section} differs")


def _from_level(section: str, report: str, level: DiffLevel) -> Mismatch:
    path = section + _PATH_PART.sub(lambda m: f"[{m[1] or m[2] or m[3]}]", level.path()[len("root") :])
    kind = _KINDS.get(report, Kind.CHANGED)
    control = None if kind is Kind.EXTRA else _short(level.t1)
    candidate = None if kind is Kind.MISSING else _short(level.t2)
    if kind is Kind.MISSING:
        sentence = f"{path} is missing in the candidate (control: {control})"
    elif kind is Kind.EXTRA:
        sentence = f"{path} is only in the candidate ({candidate})"
    elif isinstance(level.t1, str) and isinstance(level.t2, str) and "\n" in level.t1:
        sentence = f"{path} differs: {first_difference(level.t1, level.t2)}"
    else:
        sentence = f"{path} is {candidate} instead of {control}"
    return _mismatch(kind, path, sentence, control, candidate)


def _normalised(section: str, value: object) -> object:
    """`value` without what differs by nature, its keyed lists as mappings."""
    if section in _KEYS and isinstance(value, list):
        return _keyed(_KEYS[section], value)
    return _without_times(value)


def _without_times(value: object) -> object:
    if isinstance(value, dict):
        return {key: "<time>" if key in _TIMES else _without_times(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_without_times(item) for item in value]
    return value


def _keyed(keys: Sequence[str], items: list[object]) -> dict[str, object]:
    """The members of a list by their keys; members of equal keys are counted through."""
    keyed: dict[str, object] = {}
    counts: dict[str, int] = {}
    for item in items:
        plain = _without_times(item)
        parts = (
            [str(plain.get(key)) for key in keys if plain.get(key)]
            if isinstance(plain, dict)
            else [str(plain)]
        )
        name = " ".join(parts)
        counts[name] = counts.get(name, 0) + 1
        keyed[name if counts[name] == 1 else f"{name} ({counts[name]})"] = plain
    return keyed


def _short(value: object) -> str:
    return shortened(
        value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str), 80
    )


def _mismatch(
    kind: Kind, path: str, sentence: str, control: str | None = None, candidate: str | None = None
) -> Mismatch:
    return Mismatch(
        layer=Layer.BLACKBOARD, kind=kind, path=path, sentence=sentence, control=control, candidate=candidate
    )
