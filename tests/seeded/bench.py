"""The bench that seeded faults are tried on: a session, and a run of the control for each spec."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

import pytest

from harness.bisect import Bisection, bisect_in, steps_to
from harness.compare import Layer, Mismatch, Status
from harness.engines.engine import Engine
from harness.engines.finding import find_engine
from harness.gateway.settings import SimulateSettings
from harness.record import RunRecord
from harness.session import Session, SessionSettings, open_session
from harness.spec import Spec
from tests.end_to_end.in_process_engine import InProcessEngine
from tests.seeded.fault import Blame, Fault
from tests.seeded.in_worker import seed_workers
from tests.seeded.specs import MODEL_FAULTS, SPECS

__all__ = ["Bench", "Finding", "open_bench"]


class _NoWatcher:
    def __getattr__(self, _: str) -> Any:
        return lambda *_: None


@dataclass(frozen=True)
class Finding:
    """What a bisection came to: the flag it blames, the layer of its first root, and its first reason."""

    status: Status
    blamed: str | None
    layer: Layer | None
    reason: str
    mismatches: tuple[Mismatch, ...]

    @classmethod
    def of(cls, bisection: Bisection) -> Finding:
        """What `bisection` came to at its last step."""
        last = bisection.steps[-1]
        roots = [mismatch for mismatch in last.mismatches if not mismatch.follows] or last.mismatches
        return cls(
            bisection.status,
            bisection.blamed.flag if bisection.blamed else None,
            roots[0].layer if roots else None,
            last.reason,
            last.mismatches,
        )

    def fits(self, fault: Fault) -> bool:
        """Whether `fault` was caught as it must be."""
        return (self.status, self.blamed, self.layer) == (
            Status.FAIL,
            fault.blame,
            fault.layer,
        ) and fault.words in self.reason


@dataclass(frozen=True)
class _LaterSteps:
    """A session in which engines are `skipped`: `equal` stands for their runs, as nothing differs there."""

    session: Session
    equal: RunRecord
    skipped: list[Engine]

    async def run(self, spec: Spec, engine: Engine, *tell: Any) -> RunRecord:
        return self.equal if engine in self.skipped else await self.session.run(spec, engine, *tell)


@dataclass
class Bench:
    """A session and the control's run of each spec, made when it is first wanted."""

    session: Session
    skips: bool = False
    """Whether a fault is looked for from the step before the one that it is blamed on, not from the first."""
    _controls: dict[tuple[str, bool], RunRecord] = field(default_factory=dict)

    async def find(
        self, spec: str, candidate: str, *, blame: Blame | None = None, measured: bool = False
    ) -> Finding:
        """The bisection from `legacy` to `candidate` on `spec`, with whatever fault is in place now.

        `blame` is the flag that is expected to be blamed. Where it is `measured`, the steps from the one
        before that on are taken by workers, whose use of the machine is measured.
        """
        steps = steps_to(candidate)
        before = max([step.flag for step in steps].index(blame) - 1, 0) if blame else 0
        engines: list[Engine] = [
            find_engine(step.engine) if measured and place >= before else InProcessEngine(step.engine)
            for place, step in enumerate(steps)
        ]
        control = self._controls[spec, measured]
        skipped = engines[:before] if self.skips else []
        session = cast("Session", _LaterSteps(self.session, control, skipped))
        bisection = await bisect_in(session, control, SPECS[spec], candidate, engines, _NoWatcher())
        return Finding.of(bisection)

    async def prepare(self, spec: str, *, measured: bool = False) -> None:
        """Make sure that the control has run on `spec`, before any fault is in place."""
        if (spec, measured) not in self._controls:
            engine: Engine = find_engine("legacy") if measured else InProcessEngine("legacy")
            self._controls[spec, measured] = await self.session.run(SPECS[spec], engine, lambda _: None)

    async def try_out(self, fault: Fault, patch: pytest.MonkeyPatch, folder: Path) -> Finding:
        """What the bisection finds with `fault` in place, in this process and its workers."""
        await self.prepare(fault.spec, measured=fault.in_worker)
        fault.install(patch)
        if not fault.in_worker:
            return await self.find(fault.spec, fault.candidate, blame=fault.blame)
        seed_workers(fault.name, patch, folder)
        return await self.find(fault.spec, fault.candidate, blame=fault.blame, measured=True)


@asynccontextmanager
async def open_bench(store: Path, *, skips: bool = False) -> AsyncIterator[Bench]:
    """A bench whose runs are kept in `store`; for `skips` see `Bench`."""
    settings = SessionSettings(
        model="simulated",
        simulated=SimulateSettings(ttft_s=0.01, tokens_per_s=50_000),
        store=store,
        faults=MODEL_FAULTS,
        call_timeout_s=5,
        deadline_s=8,
    )
    async with open_session(settings, needs_redis=True) as session:
        yield Bench(session, skips)
