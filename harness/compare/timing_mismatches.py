"""The timing layer's own mismatches: what a run's times and resources show of a fault in the engine.

No two runs take equally long, so nothing here compares durations. A mismatch is time that a healthy engine
never lets go by, however busy the machine, and more of it than the control did.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from statistics import median

from harness.compare.chain import lane_name
from harness.compare.hosts import hosts_left_out
from harness.compare.mismatch import Kind, Layer, Mismatch
from harness.compare.overlaps import overlap
from harness.compare.stalls import HeldBack, Stalls, idle_gaps_s, stalls_of
from harness.compare.steps import median_step_s
from harness.compare.takeovers import tasks_taken_over
from harness.record import EngineResources, OutcomeStatus, RunRecord

__all__ = ["compare_timing", "timing_not_judged"]

# What an engine may take for a step. Measured: 5 to 20 ms.
_LEAST_ALLOWANCE_S = 0.1
# The control's steps show what the machine makes of one; a candidate on Redis may well take more than a file.
# Measured: beyond this, 240 healthy runs of 1 to 10 s had 0.04 s of stalls at most, on two processors with up
# to 15 processes for them.
_ALLOWED_STEPS = 10
# Below this, and below this share of the run, a stall costs nobody anything.
_LEAST_STALLED_S = 0.5
_LEAST_STALLED_SHARE = 0.1
# Neither a burst of calls nor a machine that was asleep is in a median.
_STEP_TIMES = 2
_STEP_BESIDE_S = 0.1
# Below this share of the run, slow steps cost nobody anything.
_STEPS_SHARE = 0.05
# Measured: the async engine takes up to 1.6 times the processor time of the legacy engine, and 1.9 times
# where answers come token by token.
_ALLOWED_CPU = 3
_LEAST_CPU_S = 0.5
_LEAST_CPU_SHARE = 0.1
# A healthy engine has a connection to the model and one or two to Redis for each slot, and a few of its own.
_SOCKETS_PER_SLOT = 3
_SOCKETS_BESIDE = 24


@dataclass(frozen=True, slots=True)
class _Stalled:
    """How much of a run was stalled, as far as that can be held against its engine."""

    seconds: float
    held_back: bool
    """Whether most of it was with other calls under way."""
    longest: HeldBack | None


def compare_timing(control: RunRecord, candidate: RunRecord) -> Iterator[Mismatch]:
    """What the times of the candidate show, that those of the control do not, whatever the machine's load.

    Nothing is said of runs that `timing_not_judged`.
    """
    if timing_not_judged(control, candidate):
        return
    if not any(record.summary.model.time_scale == 0 for record in (control, candidate)):
        stalled = [*_stalls(control, candidate)]
        yield from stalled or _slow_steps(control, candidate)
        yield from _busy(control, candidate)
    yield from _leaks(control, candidate)


def timing_not_judged(control: RunRecord, candidate: RunRecord) -> str | None:
    """Why the times of these two show nothing of a fault; None where they would."""
    for side, record in (("control", control), ("candidate", candidate)):
        summary = record.summary
        if summary.external is not None:
            return f"the {side} is an external engine: what its steps are, nobody knows"
        if summary.outcome.status is OutcomeStatus.FAILED:
            return f"the {side} failed"
        if summary.sittings > 1:
            return f"the {side} was resumed"
        if tasks_taken_over(record):
            return f"tasks of the {side} were taken over"
        if left_out := hosts_left_out(record):
            return f"for the {side} {' and '.join(left_out)} was left out for a time"
    return None


def _stalls(control: RunRecord, candidate: RunRecord) -> Iterator[Mismatch]:
    steps_s = idle_gaps_s(control)
    allowance_s = max(_LEAST_ALLOWANCE_S, _ALLOWED_STEPS * median(steps_s) if steps_s else 0.0)
    before, after = _stalled(control, allowance_s), _stalled(candidate, allowance_s)
    wall_s = candidate.summary.wall_s
    limit_s = before.seconds + max(_LEAST_STALLED_S, _LEAST_STALLED_SHARE * wall_s)
    if after.seconds <= limit_s:
        return
    beyond = f"beyond {allowance_s:.2f} s a step, limit {limit_s:.2f} s"
    if after.held_back and after.longest is not None:
        sentence = (
            f"for {after.seconds:.2f} of {wall_s:.2f} s calls were ready and a slot was free, and they were "
            f"not made ({beyond}): {_held_back(candidate, after.longest)}"
        )
        yield _mismatch(Kind.HELD_BACK, "calls", sentence, before.seconds, after.seconds)
        return
    sentence = f"for {after.seconds:.2f} of {wall_s:.2f} s nothing was under way ({beyond})"
    yield _mismatch(Kind.STALLED, "steps", sentence, before.seconds, after.seconds)


def _slow_steps(control: RunRecord, candidate: RunRecord) -> Iterator[Mismatch]:
    """That most of the candidate's steps take longer, each by too little for a stall."""
    before, after = median_step_s(control), median_step_s(candidate)
    if before is None or after is None or "executor" in candidate.summary.composition:
        # Tasks that go to workers by a queue take what that takes.
        return
    limit_s = _STEP_TIMES * before + _STEP_BESIDE_S
    seconds = len(candidate.calls) * (after - limit_s)
    if (used := candidate.summary.resources) is not None:
        # A machine that is busier than before is no fault of the engine.
        seconds -= used.cpu_s + (used.starved_s or 0.0)
    if seconds > max(_LEAST_STALLED_S, _STEPS_SHARE * candidate.summary.wall_s):
        sentence = (
            f"from the end of a call to the next one it took {after:.2f} s, the median of "
            f"{len(candidate.calls)} calls, with the control {before:.2f} s (limit {limit_s:.2f} s)"
        )
        yield _mismatch(Kind.STALLED, "each step", sentence, before, after)


def _stalled(record: RunRecord, allowance_s: float) -> _Stalled:
    found = stalls_of(record, allowance_s)
    if not record.summary.concurrent:
        found = Stalls(found.idle_s)
    # The longest may be the machine's: it was asleep, a disk was slow. A fault in the engine comes again, so
    # it counts as much as the second.
    _, *others = sorted((0.0, 0.0, *found.idle_s, *found.held_back_s), reverse=True)
    seconds = others[0] + sum(others)
    if (used := record.summary.resources) is not None:
        seconds -= used.cpu_s + (used.starved_s or 0.0)
    return _Stalled(max(0.0, seconds), sum(found.held_back_s) > sum(found.idle_s), found.longest)


def _held_back(record: RunRecord, held: HeldBack) -> str:
    sentence = f"the {lane_name(held.call)} for {held.seconds:.2f} s"
    if held.beside is None:
        return sentence
    sentence += f", while the {lane_name(held.beside)}, which it does not need, was generating"
    one, other = held.call.module, held.beside.module
    if one is None or other is None or one == other or overlap(record, one, other).together_s > 0:
        return sentence
    return f"{sentence}; {one} and {other} were never generated at the same time"


def _busy(control: RunRecord, candidate: RunRecord) -> Iterator[Mismatch]:
    before, after = control.summary.resources, candidate.summary.resources
    if before is None or after is None:
        return
    wall_s = candidate.summary.wall_s
    limit_s = max(_ALLOWED_CPU * before.cpu_s + _LEAST_CPU_S, _LEAST_CPU_SHARE * wall_s)
    if after.cpu_s > limit_s:
        sentence = (
            f"the candidate took {after.cpu_s:.2f} s of processor time in {wall_s:.2f} s, the control "
            f"{before.cpu_s:.2f} s (limit {limit_s:.2f} s): it may wait in a busy loop"
        )
        yield _mismatch(Kind.BUSY, "processor", sentence, before.cpu_s, after.cpu_s)


def _leaks(control: RunRecord, candidate: RunRecord) -> Iterator[Mismatch]:
    before, after = control.summary.resources, candidate.summary.resources
    if before is None or after is None:
        return
    for path, left, leaked in (
        ("connection", before.open_sockets, after.open_sockets),
        ("file", before.open_files, after.open_files),
    ):
        if leaked > left:
            count = f"{leaked} {path}{'s' if leaked > 1 else ''}"
            sentence = f"the candidate left {count} open when its work was done"
            yield _leak(f"{path}s left open", sentence, left, leaked)
    most = _most_sockets(before, candidate.summary.slots)
    if after.peak_sockets > most:
        sentence = f"the candidate had {after.peak_sockets} connections open at once"
        yield _leak("connections", sentence, before.peak_sockets, after.peak_sockets, most)


def _most_sockets(control: EngineResources, slots: int) -> int:
    return control.peak_sockets + _SOCKETS_PER_SLOT * slots + _SOCKETS_BESIDE


def _leak(path: str, sentence: str, before: int, after: int, limit: int | None = None) -> Mismatch:
    return Mismatch(
        layer=Layer.TIMING,
        kind=Kind.LEAKED,
        path=path,
        sentence=f"{sentence}, the control {before} (limit {before if limit is None else limit})",
        control=str(before),
        candidate=str(after),
    )


def _mismatch(kind: Kind, path: str, sentence: str, before_s: float, after_s: float) -> Mismatch:
    return Mismatch(
        layer=Layer.TIMING,
        kind=kind,
        path=path,
        sentence=sentence,
        control=f"{before_s:.2f} s",
        candidate=f"{after_s:.2f} s",
    )
