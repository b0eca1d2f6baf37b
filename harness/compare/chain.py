"""A chain of calls, each made after the one before it, beside the same chain of another engine.

Calls are told apart by lane (role, module, attempt) and by what they ask, not by order alone: a call that was
left out or doubled must not make those after it look changed.
"""

from __future__ import annotations

import json
from collections import Counter, deque
from collections.abc import Hashable, Iterable, Iterator, Mapping, Sequence
from http import HTTPStatus

from agents.retries import PASSING_STATUSES
from harness.compare.mismatch import Kind, Layer, Mismatch
from harness.compare.text import first_difference, one_line, shortened, told_apart
from harness.compare.words import word_diff
from harness.gateway.calls import CallRecord
from harness.gateway.canonical import ChatMessage
from harness.gateway.lane import UNKNOWN_ROLE, Lane

__all__ = ["asked", "compare_chain", "lane_label", "lane_name", "may_pass", "without_retried"]


def compare_chain(ours: Sequence[CallRecord], theirs: Sequence[CallRecord]) -> Iterator[Mismatch]:
    """What differs in one chain of calls, in the chain's order."""
    before, after = Counter(map(_lane, ours)), Counter(map(_lane, theirs))
    counted: set[Lane] = set()
    for pair in _side_by_side(ours, theirs):
        match pair:
            case (CallRecord() as one, CallRecord() as other):
                yield from _compare_calls(one, other)
            case (CallRecord() as call, None) | (None, CallRecord() as call):
                lane = _lane(call)
                if lane not in counted:
                    counted.add(lane)
                    yield _unequally_often(call, before[lane], after[lane])


def without_retried(calls: Iterable[CallRecord]) -> list[CallRecord]:
    """`calls` without those that failed for a reason which may pass and were made again.

    That a connection broke is the model's doing; what the engine made of it is among the comparison's notes.
    """
    kept: list[CallRecord] = []
    made_later: set[Hashable] = set()
    for call in reversed(list(calls)):
        if not may_pass(call) or asked(call) not in made_later:
            kept.append(call)
        made_later.add(asked(call))
    return kept[::-1]


def may_pass(call: CallRecord) -> bool:
    """Whether `call` failed for a reason that may pass."""
    cut = call.status == HTTPStatus.OK and call.error is not None
    return cut or call.status in PASSING_STATUSES


def lane_label(call: CallRecord) -> str:
    """The lane of a call in short: `developer:Cart#1`."""
    return f"{call.role}{f':{call.module}' if call.module else ''}#{call.attempt}"


def lane_name(call: CallRecord) -> str:
    """The lane of a call in words: `developer of Cart`."""
    of = f" of {call.module}" if call.module else ""
    attempt = f" (attempt {call.attempt})" if call.attempt > 1 else ""
    return f"{call.role.replace('_', ' ')}{of}{attempt}"


def _unequally_often(call: CallRecord, before: int, after: int) -> Mismatch:
    # Of a call that nothing tells the role of, its words are all there is.
    said = f" (“{shortened(call.request.messages[-1].content)}”)" if _is_nobodys(call) else ""
    if not after:
        sentence = f"the candidate did not ask the {lane_name(call)}{said}"
        return _mismatch(Kind.MISSING, lane_label(call), sentence)
    if not before:
        sentence = f"only the candidate asked the {lane_name(call)}{said}"
        return _mismatch(Kind.EXTRA, lane_label(call), sentence)
    sentence = f"the {lane_name(call)} was asked {_times(after)} instead of {_times(before)}"
    return _mismatch(Kind.REPEATED, lane_label(call), sentence, str(before), str(after))


def _side_by_side(
    ours: Sequence[CallRecord], theirs: Sequence[CallRecord]
) -> Iterator[tuple[CallRecord | None, CallRecord | None]]:
    """The calls of both in one order: those that ask the same, else those of one lane, as pairs."""
    partners: dict[int, int] = {}
    taken: set[int] = set()
    for key in (asked, _lane):
        waiting: dict[Hashable, deque[int]] = {}
        for index, call in enumerate(theirs):
            if index not in taken:
                waiting.setdefault(key(call), deque()).append(index)
        for index, call in enumerate(ours):
            alike = waiting.get(key(call))
            if index not in partners and alike:
                partners[index] = alike.popleft()
                taken.add(partners[index])
    shown = 0
    for index, call in enumerate(ours):
        partner = partners.get(index)
        if partner is None:
            yield call, None
            continue
        for earlier in range(shown, partner):
            if earlier not in taken:
                yield None, theirs[earlier]
        shown = max(shown, partner + 1)
        yield call, theirs[partner]
    for index in range(shown, len(theirs)):
        if index not in taken:
            yield None, theirs[index]


def _compare_calls(control: CallRecord, candidate: CallRecord) -> Iterator[Mismatch]:
    if control.request_hash != candidate.request_hash:
        yield _request_mismatch(control, candidate)
    elif control.error != candidate.error or control.status != candidate.status:
        before, after = _ending(control), _ending(candidate)
        sentence = f"the call of the {lane_name(control)} ended with {after} instead of {before}"
        yield _mismatch(Kind.ERROR, lane_label(control), sentence, before, after)
    elif control.response != candidate.response:
        where = first_difference(control.response, candidate.response)
        sentence = f"the model answered the same request of the {lane_name(control)} differently: {where}"
        yield _mismatch(Kind.ANSWER_DRIFT, lane_label(control), sentence)


def _request_mismatch(control: CallRecord, candidate: CallRecord) -> Mismatch:
    ours, theirs = control.request.messages, candidate.request.messages
    left_out = _left_out(ours, theirs)
    if left_out is not None:
        number, message = left_out
        sentence = f"the {lane_name(control)} was asked without message {number} ({message.role})"
        return _mismatch(Kind.PROMPT_DRIFT, lane_label(control), sentence, message.content)
    told = f"the {lane_name(control)} was asked otherwise, in message"
    for number, (before, after) in enumerate(zip(ours, theirs, strict=False), start=1):
        if before.role != after.role:
            sentence = f"{told} {number}: its role is {after.role} instead of {before.role}"
            return _mismatch(Kind.PROMPT_DRIFT, lane_label(control), sentence, before.role, after.role)
        if before.content != after.content:
            where = first_difference(before.content, after.content)
            return _mismatch(
                Kind.PROMPT_DRIFT,
                lane_label(control),
                f"{told} {number} ({after.role}): {where}",
                "\n".join(where.control),
                "\n".join(where.candidate),
            ).model_copy(update={"words": word_diff(before.content, after.content)})
        if before.other != after.other:
            one, other = told_apart(_json(before.other), _json(after.other))
            sentence = f"{told} {number} ({after.role}): beside its content it holds {other} instead of {one}"
            return _mismatch(Kind.PROMPT_DRIFT, lane_label(control), sentence)
    if len(ours) != len(theirs):
        sentence = f"the {lane_name(control)} was sent {len(theirs)} messages instead of {len(ours)}"
        return _mismatch(Kind.PROMPT_DRIFT, lane_label(control), sentence)
    before_settings, after_settings = _settings(control), _settings(candidate)
    changed = [
        (key, *told_apart(before_settings[key], after_settings[key]))
        for key in before_settings
        if before_settings[key] != after_settings[key]
    ]
    named = "; ".join(f"{key} {other} instead of {one}" for key, one, other in changed)
    return _mismatch(
        Kind.OPTIONS_DRIFT, lane_label(control), f"the {lane_name(control)} was asked with {named}"
    )


def _left_out(ours: Sequence[ChatMessage], theirs: Sequence[ChatMessage]) -> tuple[int, ChatMessage] | None:
    """The first of `ours` that is not among `theirs`, where these are the others in their order."""
    rest = iter(ours)
    if len(theirs) >= len(ours) or not all(message in rest for message in theirs):
        return None
    others = [*theirs, None]
    return next(
        (number, message)
        for number, (message, other) in enumerate(zip(ours, others, strict=False), start=1)
        if message != other
    )


def _settings(call: CallRecord) -> Mapping[str, str]:
    request = call.request
    return {
        "model": request.model,
        "options": _json(request.options),
        "format": _json(request.format),
        "tools": _json(request.tools),
        "think": _json(request.think),
    }


def _json(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, sort_keys=True)


def _is_nobodys(call: CallRecord) -> bool:
    return call.role == UNKNOWN_ROLE and bool(call.request.messages)


def _ending(call: CallRecord) -> str:
    return f"status {call.status}" + (f" ({one_line(call.error)})" if call.error else "")


def _lane(call: CallRecord) -> Lane:
    return Lane(call.role, call.module, call.attempt)


def asked(call: CallRecord) -> Hashable:
    """What is the same for calls of one lane that ask the same."""
    return _lane(call), call.request_hash


def _times(count: int) -> str:
    return {1: "once", 2: "twice"}.get(count, f"{count} times")


def _mismatch(
    kind: Kind, path: str, sentence: str, control: str | None = None, candidate: str | None = None
) -> Mismatch:
    return Mismatch(
        layer=Layer.CONVERSATION,
        kind=kind,
        path=path,
        sentence=sentence,
        control=control,
        candidate=candidate,
    )
