"""Two lists beside each other: which items of the one are continued in the other."""

from __future__ import annotations

from bisect import bisect_left
from collections import defaultdict, deque
from collections.abc import Sequence

__all__ = ["longest_rise", "matches"]


def matches(old: Sequence[bytes], new: Sequence[bytes]) -> list[int | None]:
    """For each of `new` the index of the equal one in `old` that it continues; the indices only rise."""
    start = 0
    while start < min(len(old), len(new)) and old[start] == new[start]:
        start += 1
    end = 0
    while end < min(len(old), len(new)) - start and old[-1 - end] == new[-1 - end]:
        end += 1
    found: list[int | None] = [*range(start), *[None] * (len(new) - start - end)]
    waiting: defaultdict[bytes, deque[int]] = defaultdict(deque)
    for index in range(start, len(old) - end):
        waiting[old[index]].append(index)
    candidates = {
        number: waiting[text].popleft()
        for number, text in enumerate(new[start : len(new) - end], start)
        if waiting.get(text)
    }
    rising = longest_rise(list(candidates.values()))
    for order, (number, index) in enumerate(candidates.items()):
        if order in rising:
            found[number] = index
    return [*found, *range(len(old) - end, len(old))]


def longest_rise(numbers: Sequence[int]) -> set[int]:
    """The indices of a longest strictly rising subsequence of `numbers`."""
    ends: list[int] = []
    indices: list[int] = []
    before: list[int] = []
    for index, number in enumerate(numbers):
        at = bisect_left(ends, number)
        before.append(indices[at - 1] if at else -1)
        if at == len(ends):
            ends.append(number)
            indices.append(index)
        else:
            ends[at], indices[at] = number, index
    rise: set[int] = set()
    index = indices[-1] if indices else -1
    while index >= 0:
        rise.add(index)
        index = before[index]
    return rise
