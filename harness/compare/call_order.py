"""The order of calls that depend on each other: none is made before what it needs has begun to be answered.

Tasks may run beside each other, but not beside what they need. That the words are the same says nothing here:
a step that came too early may have had luck, and read what was not going to change this time.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from agents.workflow import Task
from harness.compare.chain import lane_label, lane_name
from harness.compare.gap_calls import body_asked_for
from harness.compare.mismatch import Kind, Layer, Mismatch
from harness.gateway.calls import CallRecord

__all__ = ["compare_order"]

Chains = Mapping[Task | None, Sequence[CallRecord]]
_Pair = tuple[CallRecord, CallRecord]


def compare_order(
    chain: Task | None, needs: Sequence[Task], ours: Chains, theirs: Chains
) -> Iterator[Mismatch]:
    """The first call of `chain` that only the candidate made too early, or in another order.

    `needs` are the chains that this one needs; what calls of an unknown role need, nobody knows.
    """
    if chain is None or next(_too_early(chain, needs, ours), None) is not None:
        return
    early = next(_too_early(chain, needs, theirs), None) or _turned_round(
        ours.get(chain, ()), theirs.get(chain, ())
    )
    if early is not None:
        call, need = early
        yield Mismatch(
            layer=Layer.CONVERSATION,
            kind=Kind.CHANGED,
            path=lane_label(call),
            sentence=f"the {lane_name(call)} was asked before the {lane_name(need)} had answered",
        )


def _too_early(chain: Task, needs: Sequence[Task], chains: Chains) -> Iterator[_Pair]:
    """Each call of `chain` beside one that it had to wait for and did not."""
    calls = chains.get(chain, ())
    if not calls:
        return
    for need in needs:
        if (before := chains.get(need)) and _is_before(calls[0], before[-1]):
            yield calls[0], before[-1]
    for call, before_it in _waits(calls):
        # One that asks the same once more is another matter.
        if call.request_hash != before_it.request_hash and _is_before(call, before_it):
            yield call, before_it


def _waits(calls: Sequence[CallRecord]) -> Iterator[_Pair]:
    """Each call of a chain with the last one that it waits for: of other gaps, a gap waits for none."""
    before: CallRecord | None = None
    last_of: dict[str, CallRecord] = {}
    for call in calls:
        gap = body_asked_for(call)
        if gap is None:
            if waited_for := [*last_of.values()] or ([before] if before else []):
                yield call, max(waited_for, key=lambda earlier: earlier.first_byte_s or 0.0)
            before, last_of = call, {}
        else:
            if waits_for := last_of.get(gap, before):
                yield call, waits_for
            last_of[gap] = call


def _is_before(call: CallRecord, need: CallRecord) -> bool:
    """Whether `call` came before there was anything of the answer to `need`: nobody can have read that."""
    return need.first_byte_s is not None and call.arrival_s < need.first_byte_s


def _turned_round(ours: Sequence[CallRecord], theirs: Sequence[CallRecord]) -> _Pair | None:
    """Two calls of a chain in which both asked the same, that the candidate made the other way round."""
    ours, theirs = ([call for call in calls if body_asked_for(call) is None] for calls in (ours, theirs))
    before, after = ([call.request_hash for call in calls] for calls in (ours, theirs))
    if before == after or sorted(before) != sorted(after):
        return None
    place = next(i for i, (one, other) in enumerate(zip(before, after, strict=True)) if one != other)
    return theirs[place], theirs[after.index(before[place], place)]
