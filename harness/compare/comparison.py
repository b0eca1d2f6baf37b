"""The comparison of two runs: every layer, the timing, the expectations and the verdict."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from pydantic import BaseModel, ConfigDict

from agents.build import MirrorReport
from harness.compare.blackboard import compare_blackboards
from harness.compare.cassette import prompt_drift, used_up
from harness.compare.conversation import ConversationResult, compare_conversations
from harness.compare.events import compare_events
from harness.compare.expectations import Expectation, check_expectations
from harness.compare.faults import reactions
from harness.compare.files import compare_files
from harness.compare.mirror import drift
from harness.compare.mismatch import Kind, Layer, Mismatch, following
from harness.compare.outcome import compare_outcomes, describe_outcome, failed_otherwise
from harness.compare.speedup import SpeedupEstimate
from harness.compare.timing import Limit, Overlap, TimingFacts, limit_of, overlap, timing_facts
from harness.compare.verdict import Status, Verdict, judge
from harness.record import Leaves, ModelFacts, RunOutcome, RunRecord, TimelineSpan
from harness.spec import Spec

__all__ = ["Comparison", "LayerResult", "Pair", "Repeats", "RunFacts", "compare"]

POLICY = "exact"


class _Facts(BaseModel):
    model_config = ConfigDict(frozen=True)


class RunFacts(_Facts):
    """One side of a comparison."""

    run: str
    engine: str
    composition: dict[str, str]
    outcome: RunOutcome
    described: str
    """The outcome in a few words."""
    timing: TimingFacts
    timeline: tuple[TimelineSpan, ...]
    folder: str
    mirror: MirrorReport | None = None
    """How the mirror of its blackboard kept up, where it has one."""


class LayerResult(_Facts):
    """What the comparison of one layer found; `compared` says what it looked at."""

    layer: Layer
    compared: str
    mismatches: tuple[Mismatch, ...]
    seen: bool = True
    """Whether there was anything to compare: what an engine does not leave cannot differ."""


class Pair(_Facts):
    """One of several pairs of runs; times are seconds."""

    control: str
    """The id of the control's run."""
    candidate: str
    first: str
    """The side that ran first."""
    control_wall_s: float
    candidate_wall_s: float
    warm_up: bool
    timed: bool
    """Whether its times count towards the speed-up."""
    load: float
    """The machine's load average over the minute before it began."""
    status: Status
    mismatches: int


class Repeats(_Facts):
    """All pairs of a comparison that was repeated, in the order in which they ran."""

    pairs: tuple[Pair, ...]
    speedup: SpeedupEstimate | None
    """None where no pair has times that count. Its outliers are places among the pairs that are timed."""


class Comparison(_Facts):
    """Everything that is known of a candidate beside its control. Durations are seconds."""

    schema_version: int = 1
    spec: str
    policy: str
    model: ModelFacts
    slots: int
    redis: str | None
    control: RunFacts
    candidate: RunFacts
    layers: tuple[LayerResult, ...]
    expectations: tuple[Expectation, ...]
    speedup: float
    """Wall-clock of the control over that of the candidate."""
    limit: Limit
    control_overlaps: tuple[Overlap, ...]
    candidate_overlaps: tuple[Overlap, ...]
    notes: tuple[str, ...] = ()
    """What else is to be known of the two runs, a sentence each."""
    repeats: Repeats | None = None
    """All pairs, where there were several: then the rest is that of the worst, and `speedup` that of all."""
    verdict: Verdict

    @property
    def mismatches(self) -> tuple[Mismatch, ...]:
        """The mismatches of all layers, those that can explain others first."""
        return tuple(mismatch for layer in self.layers for mismatch in layer.mismatches)


def compare(spec: Spec, control: RunRecord, candidate: RunRecord) -> Comparison:
    """Compare `candidate` with `control`, both of them runs of `spec`."""
    layers = _layers(control, candidate)
    mismatches = [mismatch for layer in layers for mismatch in layer.mismatches]
    same_answers = all(mismatch.kind is not Kind.ANSWER_DRIFT for mismatch in mismatches)
    expectations = check_expectations(spec, control, candidate, same_answers=same_answers)
    facts = timing_facts(candidate)
    wall_s = candidate.summary.wall_s
    pairs = spec.expect.parallel
    return Comparison(
        spec=spec.name,
        policy=POLICY,
        model=candidate.summary.model,
        slots=candidate.summary.slots,
        redis=candidate.summary.redis or control.summary.redis,
        control=_facts(control, timing_facts(control)),
        candidate=_facts(candidate, facts),
        layers=layers,
        expectations=expectations,
        speedup=control.summary.wall_s / wall_s if wall_s else 0.0,
        limit=limit_of(facts),
        control_overlaps=tuple(overlap(control, *pair) for pair in pairs),
        candidate_overlaps=tuple(overlap(candidate, *pair) for pair in pairs),
        notes=_notes(control, candidate),
        verdict=judge(control, candidate, mismatches, expectations),
    )


def _layers(control: RunRecord, candidate: RunRecord) -> tuple[LayerResult, ...]:
    both = (control, candidate)
    unseen = {Layer(part): reason for part in Leaves if (reason := _unseen(part, control, candidate))}
    conversation = _conversation(control, candidate)
    blackboard = () if Layer.BLACKBOARD in unseen else tuple(compare_blackboards(control, candidate))
    files = tuple(compare_files(control, candidate))
    events = () if Layer.EVENTS in unseen else tuple(compare_events(control, candidate))
    left_alike = not (conversation.mismatches or blackboard or files)
    outcome = compare_outcomes(control, candidate, conversation, left_alike=left_alike)
    if conversation.mismatches or any(not mismatch.follows for mismatch in outcome):
        blackboard, files, events = following(blackboard), following(files), following(events)
    blackboard = (*blackboard, *drift(candidate))
    sections = len({section for record in both for section in record.blackboard or ()})
    paths = len({path for record in both for path in record.summary.files})
    calls = _counts(*(len(record.calls) for record in both))
    told = _counts(*(len(record.events) for record in both))
    names = "names of own folders" if any(record.summary.external for record in both) else ""
    compared = {
        Layer.OUTCOME: _both(*(describe_outcome(record.summary.outcome) for record in both)),
        Layer.CONVERSATION: f"{calls} calls by role, module and attempt",
        Layer.BLACKBOARD: f"{sections} sections, timestamps {f'and {names} ' if names else ''}aside",
        Layer.FILES: f"{paths} files, byte by byte{f', {names} aside' if names else ''}",
        Layer.EVENTS: f"{told} events by task, times aside",
    }
    found = {
        Layer.OUTCOME: outcome,
        Layer.CONVERSATION: conversation.mismatches,
        Layer.BLACKBOARD: blackboard,
        Layer.FILES: files,
        Layer.EVENTS: events,
    }
    return tuple(
        LayerResult(
            layer=layer,
            compared=unseen.get(layer, compared[layer]),
            mismatches=found[layer],
            seen=layer not in unseen,
        )
        for layer in Layer
    )


def _unseen(part: Leaves, control: RunRecord, candidate: RunRecord) -> str | None:
    """Why there is nothing to compare of `part`, or None where there is."""
    sides = (("the control", control), ("the candidate", candidate))
    without = [side for side, record in sides if part not in record.summary.leaves]
    return f"{' and '.join(without)} {'have' if len(without) > 1 else 'has'} none" if without else None


def _conversation(control: RunRecord, candidate: RunRecord) -> ConversationResult:
    found = compare_conversations(control, candidate, failed_otherwise(control, candidate))
    told = {m.path for m in found.mismatches if m.kind in (Kind.PROMPT_DRIFT, Kind.OPTIONS_DRIFT)}
    return replace(found, mismatches=(*prompt_drift(control, candidate, told), *found.mismatches))


def _notes(control: RunRecord, candidate: RunRecord) -> tuple[str, ...]:
    sides = (("control", control), ("candidate", candidate))
    return tuple(
        note
        for side, record in sides
        for note in (
            *_of_external(record, side),
            *_of_resumed(record, side),
            *used_up(record, side),
            *reactions(record, side),
        )
    )


def _of_external(record: RunRecord, side: str) -> Iterator[str]:
    if record.summary.external is not None:
        yield (
            f"the {side} is an external engine: its clock starts with its first call, and its critical path "
            "is what its prompts show by quoting earlier answers"
        )


def _of_resumed(record: RunRecord, side: str) -> Iterator[str]:
    if record.summary.sittings > 1:
        yield (
            f"the {side} was resumed, and took {record.summary.sittings} sittings: tasks that were cut off "
            "were begun anew, with their calls, and its times are not judged"
        )


def _both(control: str, candidate: str) -> str:
    return f"both {control}" if control == candidate else f"control {control}; candidate {candidate}"


def _counts(control: int, candidate: int) -> str:
    return f"{control}" if control == candidate else f"{control} and {candidate}"


def _facts(record: RunRecord, timing: TimingFacts) -> RunFacts:
    return RunFacts(
        run=record.summary.id,
        engine=record.summary.engine,
        composition=record.summary.composition,
        outcome=record.summary.outcome,
        described=describe_outcome(record.summary.outcome),
        timing=timing,
        timeline=record.timeline,
        folder=str(record.folder),
        mirror=record.summary.mirror,
    )
