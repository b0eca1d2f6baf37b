"""JSON by its value: the order of keys and the layout mean nothing."""

from __future__ import annotations

import json
import math

from harness.compare.files.change import Change
from harness.compare.mismatch import Severity
from harness.compare.text import shortened

__all__ = ["json_change"]

# What differs within larger documents is told by line only: the time to find paths grows with the square.
_LONGEST = 50_000


def json_change(before: str, after: str) -> Change | None:
    """How one JSON text became another; None where one of them is no JSON or leaves its value open."""
    try:
        old, new = _value(before), _value(after)
        # Not by equality, for which 1, 1.0 and true are the same.
        same = json.dumps(old, sort_keys=True) == json.dumps(new, sort_keys=True)
    except (ValueError, RecursionError, MemoryError):
        return None
    if same:
        return Change(Severity.COSMETIC, " in the order of keys or in layout only")
    return Change(Severity.MAJOR, _where(old, new) if max(len(before), len(after)) <= _LONGEST else "")


def _value(text: str) -> object:
    return json.loads(text, object_pairs_hook=_members, parse_constant=_refuse_constant, parse_float=_finite)


def _members(pairs: list[tuple[str, object]]) -> dict[str, object]:
    members = dict(pairs)
    if len(members) < len(pairs):
        raise ValueError("a key stands twice: readers disagree on which one counts")
    return members


def _refuse_constant(name: str) -> object:
    raise ValueError(f"{name} is no JSON")


def _finite(digits: str) -> float:
    value = float(digits)
    if math.isinf(value):
        raise ValueError(f"{digits} is too large to be told from others")
    return value


def _where(old: object, new: object) -> str:
    """The first path at which the values differ, as the middle of a sentence."""
    # Here, as it takes a third of a second to load and most files are equal.
    from deepdiff import DeepDiff

    try:
        differences = DeepDiff(
            old, new, view="tree", verbose_level=1, ignore_private_variables=False, threshold_to_diff_deeper=0
        )
        paths = [level.path(output_format="list") for levels in differences.values() for level in levels]
    except RecursionError:
        return ""
    if not paths or not paths[0]:
        return ""
    first, *parts = (shortened(str(part), 60) for part in paths[0])
    more = f" and {len(paths) - 1} more" if len(paths) > 1 else ""
    return f" at {first}{''.join(f'[{part}]' for part in parts)}{more}"
