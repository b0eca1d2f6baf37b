"""Which call needed which, told from the texts: a prompt that quotes an earlier answer needed that call.

Of an engine whose workflow nobody knows this is all that can be seen. What it takes over without quoting it
(a verdict in a word, a decision of its own) is not seen, so the chains found are the least there are.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from harness.gateway.calls import CallRecord

__all__ = ["quoted_calls"]

_WORD = re.compile(r"\w+")
# So many words in a row are not said twice by chance. Words alone: what is quoted may be laid out anew.
_IN_A_ROW = 8


def quoted_calls(calls: Sequence[CallRecord]) -> list[tuple[int, ...]]:
    """For each of `calls`, which stand in the order of their arrival, the places of those it quotes."""
    said_first: dict[int, int] = {}
    answers: dict[str, int] = {}
    waiting: list[tuple[float, int]] = []
    found: list[tuple[int, ...]] = []
    for place, call in enumerate(calls):
        # Nothing can be quoted of an answer that was not whole yet.
        over = [entry for entry in waiting if entry[0] <= call.arrival_s]
        waiting = [entry for entry in waiting if entry[0] > call.arrival_s]
        for _, earlier in sorted(over):
            _learn(calls[earlier], earlier, said_first, answers)
        messages = call.request.messages
        quoted = {
            said_first[run] for message in messages for run in _runs(message.content) if run in said_first
        }
        quoted |= {
            answers[message.content]
            for message in messages
            if message.role == "assistant" and message.content in answers
        }
        found.append(tuple(sorted(quoted)))
        waiting.append((call.end_s, place))
    return found


def _learn(call: CallRecord, place: int, said_first: dict[int, int], answers: dict[str, int]) -> None:
    """Take note of what `call` was the first to say: what its own prompt says it only repeats."""
    told = {run for message in call.request.messages for run in _runs(message.content)}
    for run in _runs(call.response):
        if run not in told:
            said_first.setdefault(run, place)
    answers.setdefault(call.response.strip(), place)


def _runs(text: str) -> Iterator[int]:
    """The hashes of all runs of so many words in `text`."""
    words = _WORD.findall(text.lower())
    for start in range(len(words) - _IN_A_ROW + 1):
        yield hash(tuple(words[start : start + _IN_A_ROW]))
