"""Members of keyed lists: what they are called tells them apart, and not where they stand."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from difflib import SequenceMatcher
from itertools import takewhile
from typing import NamedTuple

from harness.compare.text import shortened

__all__ = ["Member", "by_name"]

_LENGTH = 60
_MOST_MATCHED = 500


class Member(NamedTuple):
    """What a member is called; the number tells those of one name apart.

    A pair, which no key of a document can be taken for.
    """

    name: str
    number: int

    def __str__(self) -> str:
        return self.name if self.number == 1 else f"{self.name} ({self.number})"


def by_name(
    keys: Sequence[str], before: Sequence[object], after: Sequence[object]
) -> tuple[dict[Member, object], dict[Member, object]]:
    """Both lists as mappings; members of one name are told apart by what they hold, then by number."""
    named = [[_name(keys, member) for member in members] for members in (before, after)]
    places: dict[str, tuple[list[int], list[int]]] = {}
    for side, names in enumerate(named):
        for place, name in enumerate(names):
            places.setdefault(name, ([], []))[side].append(place)
    numbers = [[1] * len(before), [1] * len(after)]
    for old, new in places.values():
        if max(len(old), len(new)) > 1:
            texts = [json.dumps(before[place]) for place in old], [json.dumps(after[place]) for place in new]
            for side, (where, counted) in enumerate(zip((old, new), _numbers(*texts), strict=True)):
                for place, number in zip(where, counted, strict=True):
                    numbers[side][place] = number
    ours, theirs = (list(map(Member, *each)) for each in zip(named, numbers, strict=True))
    return dict(zip(ours, before, strict=True)), dict(zip(theirs, after, strict=True))


def _name(keys: Sequence[str], member: object) -> str:
    if not isinstance(member, dict) or not keys:
        return shortened(member if isinstance(member, str) else json.dumps(member), _LENGTH)
    return shortened(" ".join(str(member[key]) for key in keys if member.get(key)), _LENGTH)


def _numbers(old: Sequence[str], new: Sequence[str]) -> tuple[list[int], list[int]]:
    """Numbers for members of one name, by their texts: what stands for each other has the same."""
    # To match takes the square of their number: what is alike at both ends is cut off first.
    head = _alike(zip(old, new, strict=False))
    tail = min(_alike(zip(reversed(old), reversed(new), strict=False)), min(len(old), len(new)) - head)
    old_middle, new_middle = old[head : len(old) - tail], new[head : len(new) - tail]
    ours, theirs = list(range(1, head + 1)), list(range(1, head + 1))
    number = head + 1
    for old_count, new_count in (*_blocks(old_middle, new_middle), (tail, tail)):
        ours += range(number, number + old_count)
        theirs += range(number, number + new_count)
        number += max(old_count, new_count)
    return ours, theirs


def _blocks(old: Sequence[str], new: Sequence[str]) -> list[tuple[int, int]]:
    """How many of either stand for each other, one block after another."""
    if max(len(old), len(new)) > _MOST_MATCHED:
        return [(len(old), len(new))]
    codes = SequenceMatcher(None, old, new, autojunk=False).get_opcodes()
    return [(i2 - i1, j2 - j1) for _, i1, i2, j1, j2 in codes]


def _alike(pairs: Iterable[tuple[str, str]]) -> int:
    return sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], pairs))
