"""Which call needed which, told from the texts: a prompt that quotes an earlier answer needed that call.

Of an engine whose workflow nobody knows this is all that can be seen. What it takes over without quoting it
(a verdict in a word, a decision of its own) is not seen, so the chains found are the least there are.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence

from harness.gateway.calls import CallRecord

__all__ = ["quoted_calls", "quoted_whole"]

_WORD = re.compile(r"\w+")
# So many words in a row are not said twice by chance. Words alone: what is quoted may be laid out anew.
_IN_A_ROW = 8
# Fences and chatter around an answer are left out by whoever passes it on.
_WHOLE = 0.8
_NOBODY = -1


def quoted_calls(calls: Sequence[CallRecord]) -> list[tuple[int, ...]]:
    """For each of `calls`, which stand in the order of their arrival, the places of those it quotes."""
    said_by: dict[int, int] = {}
    answers: dict[str, int] = {}
    waiting: list[tuple[float, int]] = []
    found: list[tuple[int, ...]] = []
    for place, call in enumerate(calls):
        # Nothing can be quoted of an answer that was not whole yet.
        over = [entry for entry in waiting if entry[0] <= call.arrival_s]
        waiting = [entry for entry in waiting if entry[0] > call.arrival_s]
        for _, earlier in sorted(over):
            _learn(calls[earlier], earlier, said_by, answers)
        quoted = {said_by.get(run, _NOBODY) for run in _told(call)} - {_NOBODY}
        quoted |= {
            answers[message.content]
            for message in call.request.messages
            if message.role == "assistant" and message.content in answers
        }
        found.append(tuple(sorted(quoted)))
        waiting.append((call.end_s, place))
    return found


def quoted_whole(call: CallRecord, earlier: Iterable[CallRecord]) -> list[CallRecord]:
    """Those of `earlier` whose answer `call` quotes as a whole, or nearly so, and not only words of it."""
    told = _told(call)
    found = []
    for other in earlier:
        said = set(_runs(other.response))
        if said and len(said & told) >= _WHOLE * len(said):
            found.append(other)
    return found


def _told(call: CallRecord) -> set[int]:
    return {run for message in call.request.messages for run in _runs(message.content)}


def _learn(call: CallRecord, place: int, said_by: dict[int, int], answers: dict[str, int]) -> None:
    """Take note of what `call` said and its own prompt did not.

    What two calls say, each by itself, can be quoted from either: that is evidence of none. An answer that
    was given before, to the letter, is that answer.
    """
    if answers.setdefault(call.response.strip(), place) != place:
        return
    told = _told(call)
    for run in set(_runs(call.response)) - told:
        said_by[run] = _NOBODY if run in said_by else place


def _runs(text: str) -> Iterator[int]:
    """The hashes of all runs of so many words in `text`."""
    words = _WORD.findall(text.lower())
    for start in range(len(words) - _IN_A_ROW + 1):
        yield hash(tuple(words[start : start + _IN_A_ROW]))
