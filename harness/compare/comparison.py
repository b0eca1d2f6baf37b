"""The comparison of two runs: every layer, the timing, the expectations and the verdict."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from pydantic import BaseModel, ConfigDict

from agents.build import MirrorReport
from harness.compare.behaviour import compare_behaviour
from harness.compare.blackboard import BlackboardResult, compare_blackboards
from harness.compare.cassette import prompt_drift, used_up
from harness.compare.conversation import ConversationResult, compare_conversations
from harness.compare.event_times import compare_attempt_times
from harness.compare.events import compare_events
from harness.compare.expectations import Expectation, check_expectations
from harness.compare.faults import reactions
from harness.compare.files import compare_files
from harness.compare.hosts import use_of_hosts
from harness.compare.mirror import drift
from harness.compare.mismatch import Kind, Layer, Mismatch, Severity, following
from harness.compare.noise import FieldJudgement
from harness.compare.normalisation import Normaliser, RuleFired
from harness.compare.outcome import compare_outcomes, describe_outcome, failed_otherwise
from harness.compare.overlaps import Overlap, Overlaps, overlap, overlaps
from harness.compare.qualities import judge_qualities, qualities_of, verdict_on_quality
from harness.compare.quality import QualityJudgement
from harness.compare.speedup import SpeedupEstimate
from harness.compare.store import compare_store
from harness.compare.takeovers import in_effect, put_aside, say_taken_over
from harness.compare.terms import EXACT, Terms
from harness.compare.timing import Limit, TimingFacts, limit_of, timing_facts
from harness.compare.timing_mismatches import compare_timing, timing_not_judged
from harness.compare.tokens import TokenCount, count_tokens
from harness.compare.verdict import Status, Verdict, by_quality, combined, counts, judge
from harness.record import Leaves, ModelFacts, RunOutcome, RunRecord, TimelineSpan
from harness.spec import Spec

__all__ = ["Comparison", "LayerResult", "Noise", "Pair", "Repeats", "RunFacts", "compare"]


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
    overlaps: Overlaps
    """Which modules were generated at the same time."""
    timeline: tuple[TimelineSpan, ...]
    tokens: tuple[TokenCount, ...]
    folder: str
    mirror: MirrorReport | None = None
    """How the mirror of its blackboard kept up, where it has one."""


class LayerResult(_Facts):
    """What the comparison of one layer found; `compared` says what it looked at."""

    layer: Layer
    compared: str
    mismatches: tuple[Mismatch, ...]
    uncounted: tuple[Mismatch, ...] = ()
    """What differs and is not held against the candidate: noise, or what breaks nothing under `contract`."""
    incomplete: str | None = None
    """Why there may be more mismatches than were found; None where all were looked for."""
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


class FieldNoise(_Facts):
    """A field in which two of the pairs differ, and what its frequency says of it."""

    layer: Layer
    kind: Kind
    path: str
    severity: Severity
    sentence: str
    """What differs in one of the pairs."""
    follows: bool
    """Whether another mismatch could explain it wherever it was found."""
    judgement: FieldJudgement


class Noise(_Facts):
    """What differs between control and candidate, beside what differs between control and control."""

    ab_pairs: int
    """Pairs of a control and a candidate."""
    aa_pairs: int
    """Pairs of two controls."""
    alpha: float
    """How probable it may be that any field is wrongly called a mismatch."""
    deterministic: bool
    """Whether the same request has the same answer, so that a control that differs from itself is news."""
    fields: tuple[FieldNoise, ...]
    """The most important first."""
    more_pairs: int | None = None
    """How many more pairs of each sort would decide on what is undecided; None where nothing is."""


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
    normalisation: tuple[RuleFired, ...] = ()
    """What was put aside before the two were compared."""
    noise: Noise | None = None
    """None where the control was not run against itself."""
    quality: tuple[QualityJudgement, ...] = ()
    """How often the runs turn out well, side by side; nothing under the policy `exact`."""
    quality_over_all: tuple[QualityJudgement, ...] = ()
    """The same over all specs that were compared together, which is what the verdict goes by."""
    verdict: Verdict
    verdict_but_quality: Verdict | None = None
    """The verdict without what the quality says; None where that has no part in it."""

    @property
    def mismatches(self) -> tuple[Mismatch, ...]:
        """The mismatches of all layers, those that can explain others first."""
        return tuple(mismatch for layer in self.layers for mismatch in layer.mismatches)


def compare(spec: Spec, control: RunRecord, candidate: RunRecord, terms: Terms = EXACT) -> Comparison:
    """Compare `candidate` with `control`, both of them runs of `spec`, by `terms`."""
    normaliser = Normaliser(control, candidate, terms.rules)
    layers = _layers(control, candidate, normaliser)
    mismatches = [mismatch for layer in layers for mismatch in layer.mismatches]
    same_answers = all(mismatch.kind is not Kind.ANSWER_DRIFT for mismatch in mismatches)
    expectations = check_expectations(spec, control, candidate, same_answers=same_answers)
    facts = timing_facts(candidate)
    wall_s = candidate.summary.wall_s
    pairs = spec.expect.parallel
    model = candidate.summary.model
    verdict = judge(
        in_effect(control),
        in_effect(candidate),
        mismatches,
        expectations,
        incomplete=[layer.incomplete for layer in layers if layer.incomplete],
        terms=terms,
    )
    varied = by_quality(terms, model)
    quality = _quality(control, candidate, terms) if varied else ()
    return Comparison(
        spec=spec.name,
        policy=terms.policy,
        model=model,
        slots=candidate.summary.slots,
        redis=candidate.summary.redis or control.summary.redis,
        control=_facts(control, timing_facts(control)),
        candidate=_facts(candidate, facts),
        layers=tuple(_what_counts(layer, terms, model) for layer in layers),
        expectations=expectations,
        speedup=control.summary.wall_s / wall_s if wall_s else 0.0,
        limit=limit_of(facts),
        control_overlaps=tuple(overlap(control, *pair) for pair in pairs),
        candidate_overlaps=tuple(overlap(candidate, *pair) for pair in pairs),
        notes=_notes(control, candidate),
        normalisation=(*normaliser.fired, *put_aside(control, candidate)),
        quality=quality,
        verdict=combined([verdict, verdict_on_quality(quality)]) if varied else verdict,
        verdict_but_quality=verdict if varied else None,
    )


def _quality(control: RunRecord, candidate: RunRecord, terms: Terms) -> tuple[QualityJudgement, ...]:
    """What one run of each says, where it says anything."""
    before, after = (
        [quality] if (quality := qualities_of(record)) else [] for record in (control, candidate)
    )
    return judge_qualities(before, after, margin=terms.margin)


def _what_counts(layer: LayerResult, terms: Terms, model: ModelFacts) -> LayerResult:
    """`layer` with what does not count by `terms` apart."""
    counted = tuple(mismatch for mismatch in layer.mismatches if counts(mismatch, terms, model))
    rest = tuple(mismatch for mismatch in layer.mismatches if not counts(mismatch, terms, model))
    return layer.model_copy(update={"mismatches": counted, "uncounted": rest})


def _layers(control: RunRecord, candidate: RunRecord, normaliser: Normaliser) -> tuple[LayerResult, ...]:
    timing, timing_unseen = tuple(compare_timing(control, candidate)), timing_not_judged(control, candidate)
    control, candidate = in_effect(control), in_effect(candidate)
    both = (control, candidate)
    unseen = {Layer(part): reason for part in Leaves if (reason := _unseen(part, control, candidate))}
    if timing_unseen is not None:
        unseen[Layer.TIMING] = timing_unseen
    conversation = _conversation(control, candidate)
    unread = Layer.BLACKBOARD in unseen
    boards = BlackboardResult(()) if unread else compare_blackboards(control, candidate, normaliser)
    blackboard = (
        boards.mismatches if unread else (*boards.mismatches, *compare_attempt_times(control, candidate))
    )
    files = tuple(compare_files(control, candidate, normaliser))
    events = () if Layer.EVENTS in unseen else tuple(compare_events(control, candidate))
    left_alike = not (conversation.mismatches or blackboard or files)
    outcome = compare_outcomes(control, candidate, conversation, left_alike=left_alike)
    if conversation.mismatches or any(not mismatch.follows for mismatch in outcome):
        blackboard, files, events = following(blackboard), following(files), following(events)
    stored = tuple(compare_store(candidate))
    if conversation.mismatches or blackboard or files or any(not mismatch.follows for mismatch in outcome):
        stored = following(stored)
    behaviour = tuple(compare_behaviour(control, candidate))
    if files or any(not mismatch.follows for mismatch in outcome):
        # What is not the same text behaves otherwise because of that.
        behaviour = following(behaviour)
    blackboard = (*blackboard, *drift(candidate), *stored)
    sections = len({section for record in both for section in record.blackboard or ()})
    paths = len({path for record in both for path in record.summary.files})
    calls = _counts(*(len(record.calls) for record in both))
    told = _counts(*(len(record.events) for record in both))
    executed = all(record.behaviour is not None for record in both)
    compared = {
        Layer.OUTCOME: _both(*(describe_outcome(record.summary.outcome) for record in both)),
        Layer.CONVERSATION: f"{calls} calls by role, module and attempt",
        Layer.BLACKBOARD: f"{sections} sections",
        Layer.FILES: f"{paths} files",
        Layer.EVENTS: f"{told} events by task, times aside",
        Layer.TIMING: "what held calls back, processor time, connections left open",
        Layer.BEHAVIOUR: _executed(candidate),
    }
    found = {
        Layer.OUTCOME: outcome,
        Layer.CONVERSATION: conversation.mismatches,
        Layer.BLACKBOARD: blackboard,
        Layer.FILES: files,
        Layer.EVENTS: events,
        Layer.TIMING: timing,
        Layer.BEHAVIOUR: behaviour,
    }
    return tuple(
        LayerResult(
            layer=layer,
            compared=unseen.get(layer, compared[layer]),
            mismatches=found[layer],
            incomplete=boards.incomplete if layer is Layer.BLACKBOARD else None,
            seen=layer not in unseen,
        )
        for layer in Layer
        if layer is not Layer.BEHAVIOUR or executed
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
            *say_taken_over(record, side),
            *used_up(record, side),
            *reactions(in_effect(record), side),
            *use_of_hosts(record, side),
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


def _executed(record: RunRecord) -> str:
    behaviour = record.behaviour
    if behaviour is None:
        return "not executed"
    asked = _number(len(behaviour.routes), "answer")
    return f"start, {asked} and {_number(len(behaviour.tests), 'test')}, in a sandbox ({behaviour.sandbox})"


def _number(count: int, noun: str) -> str:
    return f"{count} {noun}{'' if count == 1 else 's'}"


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
        overlaps=overlaps(record),
        timeline=record.timeline,
        tokens=count_tokens(record),
        folder=str(record.folder),
        mirror=record.summary.mirror,
    )
