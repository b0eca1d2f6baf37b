"""The conversation layer: did both engines ask the model the same things?

Calls are told apart by lane (role, module, attempt), not by order: concurrency changes that and nothing
else. What a call's prompt is made of comes from the calls before it, so a mismatch is marked as following
where something it needs already differed; the first that does not follow is where to look.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from agents.workflow import Task
from harness.compare.call_graph import group_of, needs_of_groups, plan_of
from harness.compare.mismatch import Kind, Layer, Mismatch
from harness.compare.text import first_difference, shortened
from harness.gateway.calls import CallRecord
from harness.record import RunRecord

__all__ = ["compare_conversations"]


@dataclass(frozen=True, slots=True)
class _Lane:
    role: str
    module: str | None
    attempt: int

    def __str__(self) -> str:
        return f"{self.role}{f':{self.module}' if self.module else ''}#{self.attempt}"

    @property
    def named(self) -> str:
        """The lane in words."""
        role = self.role.replace("_", " ")
        of = f" of {self.module}" if self.module else ""
        return f"{role}{of}" + (f" (attempt {self.attempt})" if self.attempt > 1 else "")


_Lanes = dict[_Lane, list[CallRecord]]


def compare_conversations(control: RunRecord, candidate: RunRecord) -> Iterator[Mismatch]:
    """What differs between the calls, in the order in which one difference can explain the next."""
    needs = needs_of_groups(plan_of(control) or plan_of(candidate))
    ours, theirs = _by_group(control), _by_group(candidate)
    silent = _modules(control) - _modules(candidate)
    unasked = _modules(candidate) - _modules(control)
    touched: dict[Task | None, bool] = {}
    for group in dict.fromkeys([*needs, *ours, *theirs]):
        follows = any(touched.get(need, False) for need in needs.get(group, ()))
        touched[group] = follows
        for mismatch in _compare_lanes(ours.get(group, {}), theirs.get(group, {}), silent | unasked):
            yield mismatch.model_copy(update={"follows": touched[group]})
            touched[group] = True
        if group is not None and group.module in silent | unasked:
            touched[group] = True
    yield from _whole_modules(control, silent, Kind.MISSING, "the candidate asked nothing for module {}")
    yield from _whole_modules(candidate, unasked, Kind.EXTRA, "only the candidate asked for module {}")


def _by_group(record: RunRecord) -> dict[Task | None, _Lanes]:
    groups: dict[Task | None, _Lanes] = {}
    for call in record.calls:
        lanes = groups.setdefault(group_of(call), {})
        lanes.setdefault(_Lane(call.role, call.module, call.attempt), []).append(call)
    return groups


def _modules(record: RunRecord) -> frozenset[str]:
    return frozenset(call.module for call in record.calls if call.module)


def _whole_modules(
    record: RunRecord, modules: frozenset[str], kind: Kind, sentence: str
) -> Iterator[Mismatch]:
    for module in sorted(modules):
        count = sum(call.module == module for call in record.calls)
        yield _mismatch(kind, module, f"{sentence.format(module)} ({count} calls)")


def _compare_lanes(ours: _Lanes, theirs: _Lanes, told_apart: frozenset[str]) -> Iterator[Mismatch]:
    """What differs in one chain of calls; modules in `told_apart` are reported as a whole elsewhere."""
    for lane in dict.fromkeys([*ours, *theirs]):
        if lane.module in told_apart:
            continue
        before, after = ours.get(lane, []), theirs.get(lane, [])
        if not after:
            yield _mismatch(Kind.MISSING, str(lane), f"the candidate did not ask the {lane.named}")
        elif not before:
            yield _mismatch(Kind.EXTRA, str(lane), f"only the candidate asked the {lane.named}")
        else:
            if len(before) != len(after):
                sentence = f"the {lane.named} was asked {len(after)} times instead of {len(before)}"
                yield _mismatch(Kind.REPEATED, str(lane), sentence, str(len(before)), str(len(after)))
            for one, other in zip(before, after, strict=False):
                yield from _compare_calls(lane, one, other)


def _compare_calls(lane: _Lane, control: CallRecord, candidate: CallRecord) -> Iterator[Mismatch]:
    if control.request_hash != candidate.request_hash:
        yield _request_mismatch(lane, control, candidate)
    elif control.error != candidate.error or control.status != candidate.status:
        before, after = _ending(control), _ending(candidate)
        sentence = f"the call of the {lane.named} ended with {after} instead of {before}"
        yield _mismatch(Kind.ERROR, str(lane), sentence, before, after)
    elif control.response != candidate.response:
        where = first_difference(control.response, candidate.response)
        sentence = f"the model answered the same request of the {lane.named} differently: {where}"
        yield _mismatch(Kind.ANSWER_DRIFT, str(lane), sentence)


def _request_mismatch(lane: _Lane, control: CallRecord, candidate: CallRecord) -> Mismatch:
    ours, theirs = control.request, candidate.request
    for number, (before, after) in enumerate(zip(ours.messages, theirs.messages, strict=False), start=1):
        if before.content != after.content:
            where = first_difference(before.content, after.content)
            return _mismatch(
                Kind.PROMPT_DRIFT,
                str(lane),
                f"the {lane.named} was asked otherwise, in message {number} ({after.role}): {where}",
                "\n".join(where.control),
                "\n".join(where.candidate),
            )
    if len(ours.messages) != len(theirs.messages):
        sentence = (
            f"the {lane.named} was sent {len(theirs.messages)} messages instead of {len(ours.messages)}"
        )
        return _mismatch(Kind.PROMPT_DRIFT, str(lane), sentence)
    before_settings, after_settings = _settings(control), _settings(candidate)
    changed = [key for key in before_settings if before_settings[key] != after_settings[key]]
    named = "; ".join(f"{key} {after_settings[key]} instead of {before_settings[key]}" for key in changed)
    return _mismatch(
        Kind.OPTIONS_DRIFT, str(lane), f"the {lane.named} was asked with {named or 'other message fields'}"
    )


def _settings(call: CallRecord) -> Mapping[str, str]:
    request = call.request
    shown = {
        "model": request.model,
        "options": request.options,
        "format": request.format,
        "tools": request.tools,
        "think": request.think,
    }
    return {key: shortened(str(value), 60) for key, value in shown.items()}


def _ending(call: CallRecord) -> str:
    return f"status {call.status}" + (f" ({call.error})" if call.error else "")


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
