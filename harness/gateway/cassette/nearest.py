"""The recorded request that is nearest to one that was not recorded."""

from __future__ import annotations

import heapq
import re
from collections import Counter
from collections.abc import Sequence
from difflib import SequenceMatcher

from harness.gateway.canonical import CanonicalRequest
from harness.gateway.cassette.entry import Entry
from harness.gateway.lane import lane_of

__all__ = ["nearest_entry"]

_WORDS = re.compile(r"\w+|[^\w\s]")
_LOOKED_AT_CLOSELY = 5
_MOST_WORDS_IN_ORDER = 10_000
"""Longer requests are told apart by their words alone: to compare 50,000 in order takes 5 s and more."""


def nearest_entry(
    request: CanonicalRequest, entries: Sequence[tuple[int, Entry]]
) -> tuple[int, Entry] | None:
    """The line and entry nearest to `request`: of its lane where there is one, else of its role, else of all.

    Within those, the one that shares most words with it, in their order unless it is very long; in equal
    cases the first.
    """
    lane = lane_of(request)
    for alike in (
        lambda entry: (entry.lane.role, entry.lane.module) == (lane.role, lane.module),
        lambda entry: entry.lane.role == lane.role,
        lambda entry: True,
    ):
        candidates = [(line, entry) for line, entry in entries if alike(entry)]
        if candidates:
            return _nearest(request, candidates)
    return None


def _nearest(request: CanonicalRequest, candidates: list[tuple[int, Entry]]) -> tuple[int, Entry]:
    words = _words(request)
    counts = Counter(words)

    def shared(candidate: tuple[int, Entry]) -> float:
        others = Counter(_words(candidate[1].request))
        common = sum((counts & others).values())
        return 2 * common / (len(words) + others.total() or 1)

    # Comparing in order costs the square of the words: only those that can win are looked at so.
    best = heapq.nlargest(_LOOKED_AT_CLOSELY, candidates, key=shared)
    others = [_words(entry.request) for _, entry in best]
    if max(map(len, [words, *others])) > _MOST_WORDS_IN_ORDER:
        return best[0]
    likeness = [SequenceMatcher(None, words, other, autojunk=False).ratio() for other in others]
    return best[likeness.index(max(likeness))]


def _words(request: CanonicalRequest) -> list[str]:
    return [word for message in request.messages for word in _WORDS.findall(message.content)]
