"""Judging a case: both of its engines run, in processes with hash seeds of their own, and are compared."""

from __future__ import annotations

import asyncio
import os
import time
from dataclasses import dataclass
from pathlib import Path

from harness.compare import Comparison, Status, compare
from harness.engines.composition import parse_engine
from harness.engines.engine import Engine, EngineJob, EngineResult
from harness.engines.finding import find_engine
from harness.engines.worker_engine import WorkerEngine
from harness.record import RunRecord
from harness.session import SessionSettings, open_session
from tests.campaigns.case import EXTERNAL, Case, Side

__all__ = ["Judged", "judge"]

_CALL_TIMEOUT_S = 60.0
_DEADLINE_S = 300.0


class _HashedEngine(WorkerEngine):
    """An engine of this project whose process orders its sets by a hash seed of its own."""

    def __init__(self, side: Side) -> None:
        super().__init__(side.engine, parse_engine(side.engine))
        self._hash_seed = side.hash_seed

    async def run(self, job: EngineJob) -> EngineResult:
        # The environment is copied for the worker's process before anybody else has a turn.
        os.environ["PYTHONHASHSEED"] = str(self._hash_seed)
        return await super().run(job)


@dataclass(frozen=True, slots=True)
class Judged:
    """A case and what came of it."""

    case: Case
    took_s: float
    comparison: Comparison | None = None
    """None where the harness could not make one."""
    problem: str = ""
    """Why it could not."""
    reordered: bool = False
    """Whether the calls of the two runs ended in different orders."""

    @property
    def passed(self) -> bool:
        """Whether the comparison says that the two are equal, and nothing else."""
        found = self.comparison
        return found is not None and found.verdict.status is Status.PASS and not found.mismatches

    @property
    def status(self) -> str:
        """The verdict, or that there is none."""
        return self.comparison.verdict.status.value if self.comparison else "NO VERDICT"

    def lines(self) -> list[str]:
        """The case in a line; where it did not pass, what was said and how to run it again."""
        first = f"{self.status} in {self.took_s:.1f} s: {self.case}"
        if self.passed:
            return [first]
        mismatches = self.comparison.mismatches if self.comparison else ()
        reasons = self.comparison.verdict.reasons if self.comparison else (self.problem,)
        return [
            first,
            *(f"    {reason}" for reason in reasons),
            *(f"    {m.layer.value} {m.kind.value} {m.path}: {m.sentence}" for m in mismatches),
            f"    again: --seed {self.case.seed} --first {self.case.number} --count 1",
        ]


async def judge(case: Case, store: Path) -> Judged:
    """Run both sides of `case` and compare them."""
    began_s = time.monotonic()
    try:
        control, candidate = await _both_run(case, store)
        comparison = await asyncio.to_thread(compare, case.spec, control, candidate)
    except Exception as error:
        # Whatever it is: the campaign goes on, and this case has not passed.
        return Judged(case, time.monotonic() - began_s, problem=f"{type(error).__name__}: {error}")
    return Judged(
        case,
        time.monotonic() - began_s,
        comparison,
        reordered=_in_order_of_end(control) != _in_order_of_end(candidate),
    )


def _engine(side: Side) -> Engine:
    # A description of an external engine sets its hash seed itself, or leaves it to chance.
    return find_engine(side.engine) if side.engine == EXTERNAL else _HashedEngine(side)


async def _both_run(case: Case, store: Path) -> tuple[RunRecord, RunRecord]:
    control, candidate = _engine(case.control), _engine(case.candidate)
    settings = SessionSettings(
        model="simulated",
        slots=case.slots,
        simulated=case.simulated,
        faults=case.faults,
        call_timeout_s=_CALL_TIMEOUT_S,
        deadline_s=_DEADLINE_S,
        store=store,
    )
    needs_redis = control.needs_redis or candidate.needs_redis
    async with open_session(settings, needs_redis=needs_redis) as session:
        order = (candidate, control) if case.candidate_first else (control, candidate)
        runs = {engine: await session.run(case.spec, engine, lambda _: None) for engine in order}
    return runs[control], runs[candidate]


def _in_order_of_end(record: RunRecord) -> list[str]:
    return [call.request_hash for call in sorted(record.calls, key=lambda call: call.end_s)]
