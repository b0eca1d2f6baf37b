"""The blackboard layer: is the state that both left the same, but for what the normaliser puts aside?

Nothing else is hidden: what is equal here is the same JSON text, order included.
"""

from __future__ import annotations

import json
from dataclasses import dataclass

from harness.compare.mismatch import Kind, Layer, Mismatch, Severity
from harness.compare.normalisation import Normaliser, Side
from harness.compare.pruned_diff import Difference, pruned_diff
from harness.compare.text import first_difference, shortened, told_apart
from harness.record import RunRecord

__all__ = ["BlackboardResult", "compare_blackboards"]

_WHOLE = "blackboard.json"


@dataclass(frozen=True, slots=True)
class BlackboardResult:
    """What differs, by path, in the order of the sections; `incomplete` says why that may not be all."""

    mismatches: tuple[Mismatch, ...]
    incomplete: str | None = None


def compare_blackboards(control: RunRecord, candidate: RunRecord, normaliser: Normaliser) -> BlackboardResult:
    """What differs between the blackboards, as `normaliser` of the two lets them be seen."""
    ours, theirs = control.blackboard, candidate.blackboard
    if ours is None or theirs is None:
        if ours is theirs:
            return BlackboardResult(())
        where = "control" if ours is None else "candidate"
        kind = Kind.EXTRA if ours is None else Kind.MISSING
        return BlackboardResult(
            (_mismatch(kind, _WHOLE, f"the {where} left no blackboard that can be read"),)
        )
    try:
        found = pruned_diff(
            normaliser.document(Side.CONTROL, ours),
            normaliser.document(Side.CANDIDATE, theirs),
            normaliser.keys_of,
        )
    except RecursionError:
        return BlackboardResult(() if _same_text(ours, theirs) else (_UNNAMED,))
    mismatches = dict.fromkeys(map(_from_difference, found.differences))
    incomplete = found.incomplete and f"the blackboards may differ in more than was found: {found.incomplete}"
    return BlackboardResult(tuple(mismatches), incomplete)


def _same_text(ours: dict[str, object], theirs: dict[str, object]) -> bool:
    """Whether both are the same before anything is put aside; what is too deep even for that is not."""
    try:
        return json.dumps(ours) == json.dumps(theirs)
    except RecursionError:
        return False


def _from_difference(difference: Difference) -> Mismatch:
    if not difference.path:
        return _UNNAMED
    first, *parts = (shortened(str(part), 60) for part in difference.path)
    path = first + "".join(f"[{part}]" for part in parts)
    kind, before, after = difference.kind, difference.before, difference.after
    control = None if kind is Kind.EXTRA else _short(before)
    candidate = None if kind is Kind.MISSING else _short(after)
    if kind is Kind.MISSING:
        sentence = f"{path} is missing in the candidate (control: {control})"
    elif kind is Kind.EXTRA:
        sentence = f"{path} is only in the candidate ({candidate})"
    elif isinstance(before, str) and isinstance(after, str):
        if "\n" in before + after:
            sentence = f"{path} differs: {first_difference(before, after)}"
        else:
            one, other = told_apart(before, after)
            sentence = f"{path} is {other} instead of {one}"
    else:
        # A text beside what is none keeps its quotes: 1 and "1" are not the same.
        one, other = (shortened(json.dumps(value, ensure_ascii=False), 80) for value in (before, after))
        sentence = f"{path} is {other} instead of {one}"
    return _mismatch(kind, path, sentence, control, candidate, _severity(difference))


def _severity(difference: Difference) -> Severity:
    match difference.kind, difference.path:
        case _, ("agent_reasoning" | "logs", *_):
            return Severity.MINOR
        case Kind.MISSING, ("api_registry",) | ("api_registry", _):
            return Severity.BREAKING
        case Kind.MISSING, ("api_registry", _, "functions" | "routes", *member) if len(member) < 2:
            return Severity.BREAKING
    return Severity.MAJOR


def _short(value: object) -> str:
    return shortened(value if isinstance(value, str) else json.dumps(value, ensure_ascii=False), 80)


def _mismatch(
    kind: Kind,
    path: str,
    sentence: str,
    control: str | None = None,
    candidate: str | None = None,
    severity: Severity = Severity.MAJOR,
) -> Mismatch:
    return Mismatch(
        layer=Layer.BLACKBOARD,
        kind=kind,
        path=path,
        sentence=sentence,
        severity=severity,
        control=control,
        candidate=candidate,
    )


# They differ, and no path can be told: never taken for equal.
_UNNAMED = _mismatch(Kind.CHANGED, _WHOLE, "the blackboards differ")
