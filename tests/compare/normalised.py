"""Two runs that differ in what a test says, compared under given rules."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

from harness.compare.blackboard import compare_blackboards
from harness.compare.mismatch import Mismatch
from harness.compare.normalisation import BUILT_IN, Normaliser, Rules
from harness.record import ExternalPlace, RunRecord
from tests.compare.records import make_record

CONTROL_ID = "20240501-100000-shop-legacy-aaaaaa"
CANDIDATE_ID = "20240503-080000-shop-async-bbbbbb"
CONTROL_PLACE = ExternalPlace(workdir="/srv/runs/control/workdir", output="builds/app-20240501-100000")
CANDIDATE_PLACE = ExternalPlace(workdir="/srv/runs/candidate/workdir", output="builds/app-20240503-080000")

_MADE = make_record(Path("/nowhere"), files={}, wall_s=10.0)


def control(board: Any = None, **facts: Any) -> RunRecord:
    """A run that began on 1 May at 10:00:00 and took 10.5 s."""
    return _run(CONTROL_ID, "2024-05-01T10:00:00.000+00:00", board, facts)


def candidate(board: Any = None, **facts: Any) -> RunRecord:
    """A run that began on 3 May at 8:00:00 and took 10.5 s."""
    return _run(CANDIDATE_ID, "2024-05-03T08:00:00.000+00:00", board, facts)


def found(one: RunRecord, other: RunRecord, rules: Rules = BUILT_IN) -> list[Mismatch]:
    """What differs between the blackboards."""
    return list(compare_blackboards(one, other, Normaliser(one, other, rules)).mismatches)


def rules(*own: dict[str, Any]) -> Rules:
    """`own`, and those that hold everywhere."""
    made = Rules.model_validate({"version": 1, "rule": [{"why": "It is so.", **rule} for rule in own]})
    return made.model_copy(update={"rule": (*made.rule, *BUILT_IN.rule)})


def _run(run: str, began_at: str, board: Any, facts: dict[str, Any]) -> RunRecord:
    about = _MADE.summary.model_copy(update={"id": run, "began_at": began_at, **facts})
    return replace(_MADE, summary=about, blackboard={} if board is None else board)
