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


def nearest_entry(
    request: CanonicalRequest, entries: Sequence[tuple[int, Entry]]
) -> tuple[int, Entry] | None:
    """The line and entry nearest to `request`: of its lane where there is one, else of its role, else of all.

    Within those, the one that shares most words with it; in equal cases the first.
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
    return max(best, key=lambda candidate: _likeness(words, candidate[1].request))


def _likeness(words: list[str], request: CanonicalRequest) -> float:
    return SequenceMatcher(None, words, _words(request), autojunk=False).ratio()


def _words(request: CanonicalRequest) -> list[str]:
    return [word for message in request.messages for word in _WORDS.findall(message.content)]
