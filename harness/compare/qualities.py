"""Qualities: in which respects a run turned out well, and what the runs of two sides say of that."""

from __future__ import annotations

import ast
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from agents.answers import parse_python
from agents.api import read_api
from agents.conversation import UnusableAnswer
from agents.source import missing_api
from harness.compare.quality import QualityJudgement, Tally, judge_quality
from harness.compare.verdict import SURROUNDINGS, Status, Verdict
from harness.record import Leaves, OutcomeStatus, RunRecord
from harness.record.behaviour import BehaviourRecord
from harness.record.inspection import source_problems

__all__ = ["Quality", "RunQuality", "judge_qualities", "over_all", "qualities_of", "verdict_on_quality"]


class Quality(StrEnum):
    """A respect in which a run can turn out well, in the order in which one needs the other."""

    FINISHED = "finished"
    """It came to its end, and what it left is whole."""
    COMPILES = "compiles"
    API_COMPLETE = "API complete"
    """The sources hold what the architect specified."""
    STARTS = "starts"
    TESTS = "tests pass"


@dataclass(frozen=True, slots=True)
class RunQuality:
    """How one run turned out, in every respect in which that is known."""

    failed: bool
    """Whether it never came to its end: then it turned out well in no respect."""
    good: Mapping[Quality, bool]


def qualities_of(record: RunRecord) -> RunQuality | None:
    """How `record` turned out; None where model or state failed it, as that says nothing of the engine."""
    outcome = record.summary.outcome
    if any(failure.cause in SURROUNDINGS for failure in outcome.failures):
        return None
    if outcome.status is OutcomeStatus.FAILED:
        return RunQuality(True, {Quality.FINISHED: False})
    found = {
        Quality.FINISHED: outcome.status is OutcomeStatus.FINISHED,
        Quality.COMPILES: _compiles(record),
        Quality.API_COMPLETE: _has_its_api(record),
        **(_behaves(record.behaviour) if record.behaviour else {}),
    }
    return RunQuality(False, {quality: good for quality, good in found.items() if good is not None})


def judge_qualities(
    control: Sequence[RunQuality], candidate: Sequence[RunQuality], *, margin: float
) -> tuple[QualityJudgement, ...]:
    """The candidate's runs held against the control's, in every respect that both sides can be seen in."""
    return tuple(
        judge_quality(quality, _tally(quality, control), _tally(quality, candidate), margin=margin)
        for quality in Quality
        if _seen(quality, control, candidate)
    )


def over_all(judged: Sequence[Sequence[QualityJudgement]], *, margin: float) -> tuple[QualityJudgement, ...]:
    """What several specs say together: a run counts as one, whichever it was a run of."""
    found = [judgement for of_one in judged for judgement in of_one]
    return tuple(
        judge_quality(
            quality,
            _sum(judgement.control for judgement in found if judgement.quality == quality),
            _sum(judgement.candidate for judgement in found if judgement.quality == quality),
            margin=margin,
        )
        for quality in Quality
        if any(judgement.quality == quality for judgement in found)
    )


def verdict_on_quality(judged: Sequence[QualityJudgement], *, repeat: int = 1, specs: int = 1) -> Verdict:
    """Whether the candidate is as good as the control, with the numbers.

    `repeat` says how many runs each of so many `specs` had of each side.
    """
    if not judged:
        reason = "no run of either side says anything of its quality"
        return Verdict(status=Status.INCONCLUSIVE, reasons=(reason,))
    failed = [str(judgement) for judgement in judged if judgement.kind == "failed"]
    unknown = []
    for judgement in judged:
        if not (judgement.control.good or judgement.candidate.good):
            unknown.append(f"{judgement.quality}: no run of either side, so that neither can be the better")
        elif judgement.kind == "inconclusive":
            unknown.append(f"{judgement}{_more(judgement, repeat, specs)}")
    if failed or unknown:
        status = Status.FAIL if failed else Status.INCONCLUSIVE
        return Verdict(status=status, reasons=(*failed, *unknown))
    return Verdict(status=Status.PASS, reasons=tuple(map(str, judged)))


def _more(judgement: QualityJudgement, repeat: int, specs: int) -> str:
    """How many more runs would tell, as the end of a sentence, with the option that asks for them."""
    more = judgement.more_runs
    if more is None:
        return "; the two are too near the margin for any number of runs to tell"
    pairs = repeat + math.ceil(more / specs)
    return f"; about {more} more run{'' if more == 1 else 's'} of each would tell (--repeat {pairs})"


def _seen(quality: Quality, control: Sequence[RunQuality], candidate: Sequence[RunQuality]) -> bool:
    """Whether anything can be told; a side that always failed is seen in what the other side shows."""
    sides = (control, candidate)
    shown = [any(quality in run.good for run in side) for side in sides]
    return any(shown) and all(
        known or all(run.failed for run in side) for known, side in zip(shown, sides, strict=True)
    )


def _tally(quality: Quality, runs: Sequence[RunQuality]) -> Tally:
    told = [run.good.get(quality, False) for run in runs if run.failed or quality in run.good]
    return Tally(sum(told), len(told))


def _sum(tallies: Iterable[Tally]) -> Tally:
    added = [(tally.good, tally.runs) for tally in tallies]
    return Tally(sum(good for good, _ in added), sum(runs for _, runs in added))


def _compiles(record: RunRecord) -> bool:
    sources = [path for path in record.summary.files if path.endswith(".py")]
    project = record.folder / "files"
    return bool(sources) and not any(source_problems(project, path) for path in sources)


def _has_its_api(record: RunRecord) -> bool | None:
    """Whether the sources hold what the architect specified; None where no specification can be read."""
    board = record.blackboard
    if board is None:
        return False if Leaves.BLACKBOARD in record.summary.leaves else None
    registry, modules = board.get("api_registry"), board.get("modules")
    if not isinstance(registry, dict) or not registry or not isinstance(modules, dict):
        return None
    for name, specified in registry.items():
        try:
            api = read_api(specified if isinstance(specified, dict) else {})
        except UnusableAnswer:
            # Another factory's, written in another way.
            return None
        tree = _source(record, modules.get(name))
        if tree is None or any(missing_api(tree, api)):
            return False
    return True


def _source(record: RunRecord, module: object) -> ast.Module | None:
    path = module.get("filename") if isinstance(module, dict) else None
    if not isinstance(path, str) or path not in record.summary.files:
        return None
    try:
        return parse_python(record.file(path).decode())
    except (UnusableAnswer, UnicodeDecodeError):
        return None


def _behaves(behaviour: BehaviourRecord) -> dict[Quality, bool | None]:
    outcomes = {test.outcome for test in behaviour.tests}
    passed = "passed" in outcomes and outcomes <= {"passed", "skipped"} if behaviour.tests else None
    return {Quality.STARTS: behaviour.started, Quality.TESTS: passed}
