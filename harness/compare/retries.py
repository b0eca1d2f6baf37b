"""How both engines went on after a call that failed for a reason which may pass: again, how often, how soon.

That a call fails is the model's doing, and whether it does may change from run to run. Where it did so as
often in both runs, what the engines made of it is theirs, and has to be alike.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Sequence

from agents.retries import backoff_s
from harness.compare.chain import asked, lane_label, lane_name, may_pass
from harness.compare.mismatch import Kind, Layer, Mismatch
from harness.compare.text import one_line
from harness.gateway.calls import CallRecord

__all__ = ["compare_retries"]

# Sleeping and the gateway's clock are a little apart.
_NEARLY = 0.9
_MUCH_LESS = 0.5


def compare_retries(ours: Sequence[CallRecord], theirs: Sequence[CallRecord]) -> Iterator[Mismatch]:
    """What differs in one chain of calls, all of them given; at most one mismatch for each request."""
    after = _by_request(theirs)
    for request, calls in _by_request(ours).items():
        if request in after:
            found = _counted(calls, after[request]) or _paused(calls, after[request])
            if found is not None:
                yield found


def _by_request(calls: Sequence[CallRecord]) -> dict[Hashable, list[CallRecord]]:
    found: dict[Hashable, list[CallRecord]] = {}
    for call in calls:
        found.setdefault(asked(call), []).append(call)
    return found


def _failures(ours: Sequence[CallRecord], theirs: Sequence[CallRecord]) -> int:
    """How many calls failed in both, from the first on, for a reason that may pass."""
    count = 0
    for one, other in zip(ours, theirs, strict=False):
        if not (may_pass(one) and may_pass(other)):
            break
        count += 1
    return count


def _counted(ours: Sequence[CallRecord], theirs: Sequence[CallRecord]) -> Mismatch | None:
    """That only one of the two asked again, after it had failed as often in both."""
    failed = _failures(ours, theirs)
    if not failed or (len(ours) > failed) == (len(theirs) > failed):
        return None
    call = theirs[failed - 1]
    often = "once" if failed == 1 else f"{failed} times"
    failure = f"after that failed {often} ({_reason(call)})"
    if len(theirs) > failed:
        sentence = f"the {lane_name(call)} was asked again {failure}; the control gave up"
    else:
        sentence = f"the {lane_name(call)} was not asked again {failure}; the control asked again"
    return _mismatch(Kind.REPEATED, call, sentence, str(len(ours)), str(len(theirs)))


def _paused(ours: Sequence[CallRecord], theirs: Sequence[CallRecord]) -> Mismatch | None:
    """That the candidate asked again at once, where the control paused as both have to."""
    for number in range(1, min(_failures(ours, theirs) + 1, len(ours), len(theirs))):
        least_s = backoff_s(number, 0.0)
        before, after = (calls[number].arrival_s - calls[number - 1].end_s for calls in (ours, theirs))
        if before >= _NEARLY * least_s and after < _MUCH_LESS * least_s:
            call = theirs[number]
            sentence = (
                f"the {lane_name(call)} was asked again {after:.3f} s after that failed "
                f"({_reason(theirs[number - 1])}); the control paused for {before:.3f} s"
            )
            return _mismatch(Kind.CHANGED, call, sentence, f"{before:.3f} s", f"{after:.3f} s")
    return None


def _reason(call: CallRecord) -> str:
    return f"status {call.status}, {one_line(call.error or '')}"


def _mismatch(kind: Kind, call: CallRecord, sentence: str, control: str, candidate: str) -> Mismatch:
    return Mismatch(
        layer=Layer.CONVERSATION,
        kind=kind,
        path=lane_label(call),
        sentence=sentence,
        control=control,
        candidate=candidate,
    )
