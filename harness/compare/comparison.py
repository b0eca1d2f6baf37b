"""The comparison of two runs: every layer, the timing, the expectations and the verdict."""

from __future__ import annotations

from collections.abc import Collection

from pydantic import BaseModel, ConfigDict

from harness.compare.blackboard import compare_blackboards
from harness.compare.conversation import compare_conversations
from harness.compare.expectations import Expectation, check_expectations
from harness.compare.files import compare_files
from harness.compare.mismatch import Kind, Layer, Mismatch
from harness.compare.outcome import compare_outcomes, describe_outcome
from harness.compare.timing import Limit, Overlap, TimingFacts, limit_of, overlap, timing_facts
from harness.compare.verdict import Verdict, judge
from harness.record import ModelFacts, RunOutcome, RunRecord, TimelineSpan
from harness.spec import Spec

__all__ = ["Comparison", "LayerResult", "RunFacts", "compare"]

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


class LayerResult(_Facts):
    """What the comparison of one layer found; `compared` says what it looked at."""

    layer: Layer
    compared: str
    mismatches: tuple[Mismatch, ...]


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
    verdict: Verdict

    @property
    def mismatches(self) -> tuple[Mismatch, ...]:
        """The mismatches of all layers, those that can explain others first."""
        return tuple(mismatch for layer in self.layers for mismatch in layer.mismatches)


def compare(spec: Spec, control: RunRecord, candidate: RunRecord) -> Comparison:
    """Compare `candidate` with `control`, both of them runs of `spec`."""
    layers = _layers(control, candidate)
    mismatches = [mismatch for layer in layers for mismatch in layer.mismatches]
    expectations = check_expectations(spec, control, candidate)
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
        verdict=judge(control, candidate, mismatches, expectations),
    )


def _layers(control: RunRecord, candidate: RunRecord) -> tuple[LayerResult, ...]:
    outcome = tuple(compare_outcomes(control, candidate))
    conversation = tuple(compare_conversations(control, candidate))
    if any(m.kind is Kind.ANSWER_DRIFT for m in conversation):
        outcome = _following(outcome)
    elif outcome:
        # A call that was never made may be one that a failed task kept from being made.
        conversation = _following(conversation, (Kind.MISSING, Kind.EXTRA))
    blackboard = tuple(compare_blackboards(control, candidate))
    files = tuple(compare_files(control, candidate))
    if outcome or conversation:
        blackboard, files = _following(blackboard), _following(files)
    sections = len((control.blackboard or {}).keys() | (candidate.blackboard or {}).keys())
    files_seen = len(control.summary.files.keys() | candidate.summary.files.keys())
    return (
        LayerResult(
            layer=Layer.OUTCOME,
            compared=f"control {describe_outcome(control.summary.outcome)}; "
            f"candidate {describe_outcome(candidate.summary.outcome)}",
            mismatches=outcome,
        ),
        LayerResult(
            layer=Layer.CONVERSATION,
            compared=f"{len(control.calls)} and {len(candidate.calls)} calls by role, module and attempt",
            mismatches=conversation,
        ),
        LayerResult(
            layer=Layer.BLACKBOARD,
            compared=f"{sections} sections, timestamps aside",
            mismatches=blackboard,
        ),
        LayerResult(layer=Layer.FILES, compared=f"{files_seen} files, byte by byte", mismatches=files),
    )


def _following(
    mismatches: tuple[Mismatch, ...], kinds: Collection[Kind] = tuple(Kind)
) -> tuple[Mismatch, ...]:
    """`mismatches`, those of `kinds` marked as following from an earlier layer."""
    return tuple(m.model_copy(update={"follows": True}) if m.kind in kinds else m for m in mismatches)


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
    )
