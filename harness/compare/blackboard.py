"""The blackboard layer: is the state that both left the same, timestamps and retries aside?

Normalisation is the data at the top: where the timestamps are, and by which keys the members of a list are
told apart, so that one that is missing is named and does not make all that follow look changed. Beside those
only the names of folders are put aside that an external engine had to itself. Nothing else is hidden: what is
equal here is the same JSON text, order included.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from difflib import SequenceMatcher
from typing import TYPE_CHECKING

from agents.conversation import AttemptStatus
from harness.compare.mismatch import Kind, Layer, Mismatch
from harness.compare.places import OwnPlaces, own_places
from harness.compare.text import first_difference, shortened, told_apart
from harness.record import RunRecord

if TYPE_CHECKING:
    from deepdiff.model import DiffLevel

__all__ = ["compare_blackboards"]

# The key that holds a timestamp in each section: of the section itself, or of every member of a list.
_TIMES: Mapping[str, str] = {
    "project_info": "created_at",
    "agent_attempts": "timestamp",
    "agent_reasoning": "timestamp",
    "logs": "timestamp",
}

# The keys that tell the members of a list apart, by the list's path; none where the member itself does.
_KEYS: Mapping[tuple[str, ...], tuple[str, ...]] = {
    ("architecture", "modules"): ("name",),
    ("api_registry", "*", "functions"): ("signature",),
    ("api_registry", "*", "routes"): ("method", "path"),
    ("files_created",): (),
    ("frontend_files",): (),
    ("agent_attempts",): ("agent", "module", "attempt_number"),
    ("agent_reasoning",): ("agent", "module"),
    ("logs",): ("level", "message"),
}

_KINDS = {
    "dictionary_item_added": Kind.EXTRA,
    "iterable_item_added": Kind.EXTRA,
    "dictionary_item_removed": Kind.MISSING,
    "iterable_item_removed": Kind.MISSING,
}

_TIME = "<time>"
_ORDER = "order"

# Member names are pairs of a name and a number, which no key of the document can be taken for.
_Mapping = dict[object, object]


def compare_blackboards(control: RunRecord, candidate: RunRecord) -> Iterator[Mismatch]:
    """What differs between the blackboards, by path, in the order of the sections."""
    ours, theirs = control.blackboard, candidate.blackboard
    if ours is None or theirs is None:
        if ours is not theirs:
            where = "control" if ours is None else "candidate"
            kind = Kind.EXTRA if ours is None else Kind.MISSING
            yield _mismatch(kind, "blackboard.json", f"the {where} left no blackboard that can be read")
        return
    try:
        before = _normalised(ours, own_places(control, candidate))
        after = _normalised(theirs, own_places(candidate, control))
        if _text(before) == _text(after):
            return
        found = _named(before, after)
    except RecursionError:
        found = []
    # Unequal, and nothing is named (-0.0 and 0, or too deep to walk through): never taken for equal.
    yield from found or [_mismatch(Kind.CHANGED, "blackboard.json", "the blackboards differ")]


def _normalised(document: dict[str, object], places: OwnPlaces) -> dict[str, object]:
    placeless = places.out_of_document(document) if places.words else document
    return _without_retried(_without_times(placeless)) if isinstance(placeless, dict) else document


def _without_retried(document: dict[str, object]) -> dict[str, object]:
    """`document` without the attempts that failed in passing and were made again.

    That a connection broke is the model's doing; what the engine made of it is among the comparison's notes.
    """
    attempts = document.get("agent_attempts")
    if not isinstance(attempts, list):
        return document
    kept: list[object] = []
    made_later: set[str] = set()
    for attempt in reversed(attempts):
        if not isinstance(attempt, dict):
            kept.append(attempt)
            continue
        lane = json.dumps([attempt.get(key) for key in _KEYS["agent_attempts",]], sort_keys=True)
        if attempt.get("status") != AttemptStatus.ERROR or lane not in made_later:
            kept.append(attempt)
        made_later.add(lane)
    return {**document, "agent_attempts": kept[::-1]}


def _named(before: dict[str, object], after: dict[str, object]) -> list[Mismatch]:
    # Here, as it takes a third of a second to load and most documents are equal.
    from deepdiff import DeepDiff

    differences = DeepDiff(
        *_aligned((), before, after),
        view="tree",
        verbose_level=1,
        ignore_private_variables=False,
        # Mappings with little in common are still told of key by key.
        threshold_to_diff_deeper=0,
    )
    order = {section: place for place, section in enumerate({**before, **after})}
    found = [
        (order.get(level.path(output_format="list")[0], len(order)), _from_level(str(report), level))
        for report, levels in differences.items()
        for level in levels
    ]
    return [mismatch for _, mismatch in sorted(found, key=lambda entry: entry[0])]


def _from_level(report: str, level: DiffLevel) -> Mismatch:
    first, *parts = (shortened(_shown(part), 60) for part in level.path(output_format="list"))
    path = first + "".join(f"[{part}]" for part in parts)
    kind = _KINDS.get(report, Kind.CHANGED)
    control = None if kind is Kind.EXTRA else _short(level.t1)
    candidate = None if kind is Kind.MISSING else _short(level.t2)
    if kind is Kind.MISSING:
        sentence = f"{path} is missing in the candidate (control: {control})"
    elif kind is Kind.EXTRA:
        sentence = f"{path} is only in the candidate ({candidate})"
    elif isinstance(level.t1, str) and isinstance(level.t2, str):
        if "\n" in level.t1 + level.t2:
            sentence = f"{path} differs: {first_difference(level.t1, level.t2)}"
        else:
            one, other = told_apart(level.t1, level.t2)
            sentence = f"{path} is {other} instead of {one}"
    else:
        sentence = f"{path} is {candidate} instead of {control}"
    return _mismatch(kind, path, sentence, control, candidate)


def _without_times(board: dict[str, object]) -> dict[str, object]:
    """`board` with the timestamps that are some replaced by one text."""
    plain = dict(board)
    for section, key in _TIMES.items():
        value = plain.get(section)
        if isinstance(value, list):
            plain[section] = [_without_time(member, key) for member in value]
        elif section in plain:
            plain[section] = _without_time(value, key)
    return plain


def _without_time(value: object, key: str) -> object:
    if not isinstance(value, dict) or not isinstance(value.get(key), str):
        return value
    try:
        datetime.fromisoformat(value[key])
    except ValueError:
        return value
    return {**value, key: _TIME}


def _aligned(path: tuple[object, ...], before: object, after: object) -> tuple[object, object]:
    """What differs between both and nothing else, their keyed lists as mappings."""
    if isinstance(before, list) and isinstance(after, list):
        keys = next((keys for where, keys in _KEYS.items() if _leads_to(where, path)), None)
        if keys is not None:
            before, after = _by_name(keys, before, after)
    if not (isinstance(before, dict) and isinstance(after, dict)):
        return before, after
    ours: _Mapping = {}
    theirs: _Mapping = {}
    for key in {**before, **after}:
        if key not in after:
            ours[key] = before[key]
        elif key not in before:
            theirs[key] = after[key]
        elif _text(before[key]) != _text(after[key]):
            ours[key], theirs[key] = _aligned((*path, key), before[key], after[key])
    if not ours and not theirs:
        # The same members, and yet not the same text.
        ours[_ORDER], theirs[_ORDER] = _first_in_disorder(before, after)
    return ours, theirs


def _leads_to(where: tuple[str, ...], path: tuple[object, ...]) -> bool:
    return len(where) == len(path) and all(w in ("*", part) for w, part in zip(where, path, strict=True))


def _by_name(
    keys: Sequence[str], before: Sequence[object], after: Sequence[object]
) -> tuple[_Mapping, _Mapping]:
    """Both lists as mappings; members of one name are told apart by what they hold, then by number."""
    ours: list[object] = [None] * len(before)
    theirs: list[object] = [None] * len(after)
    places: dict[str, tuple[list[int], list[int]]] = {}
    for side, members in enumerate((before, after)):
        for place, member in enumerate(members):
            places.setdefault(_name(keys, member), ([], []))[side].append(place)
    for name, (old, new) in places.items():
        number = 0
        texts = [_text(before[place]) for place in old], [_text(after[place]) for place in new]
        for _, i1, i2, j1, j2 in SequenceMatcher(None, *texts, autojunk=False).get_opcodes():
            for k in range(max(i2 - i1, j2 - j1)):
                number += 1
                if i1 + k < i2:
                    ours[old[i1 + k]] = name, number
                if j1 + k < j2:
                    theirs[new[j1 + k]] = name, number
    return dict(zip(ours, before, strict=True)), dict(zip(theirs, after, strict=True))


def _name(keys: Sequence[str], member: object) -> str:
    if not isinstance(member, dict) or not keys:
        return shortened(member if isinstance(member, str) else _text(member), 60)
    return shortened(" ".join(str(member[key]) for key in keys if member.get(key)), 60)


def _first_in_disorder(before: _Mapping, after: _Mapping) -> tuple[str, str]:
    ours, theirs = list(before), list(after)
    start = next((i for i, (a, b) in enumerate(zip(ours, theirs, strict=True)) if a != b), 0)
    return _listed(ours[start : start + 2]), _listed(theirs[start : start + 2])


def _listed(names: Sequence[object]) -> str:
    return ", ".join(map(_shown, names))


def _shown(part: object) -> str:
    """A key, an index or the name of a member, as people read it."""
    if not isinstance(part, tuple):
        return str(part)
    name, number = part
    return str(name) if number == 1 else f"{name} ({number})"


def _text(value: object) -> str:
    return json.dumps(value)


def _short(value: object) -> str:
    return shortened(value if isinstance(value, str) else json.dumps(value, ensure_ascii=False), 80)


def _mismatch(
    kind: Kind, path: str, sentence: str, control: str | None = None, candidate: str | None = None
) -> Mismatch:
    return Mismatch(
        layer=Layer.BLACKBOARD, kind=kind, path=path, sentence=sentence, control=control, candidate=candidate
    )
