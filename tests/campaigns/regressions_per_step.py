"""A regression at every step of the migration: the gate stays shut, or the watch takes the step back.

    uv run python -m tests.campaigns.regressions_per_step

A line for each regression at each step, first as evidence that is brought for the step, then as what comes
later in the builds. The exit code is 0 only where every one was stopped.
"""

from __future__ import annotations

import argparse
import asyncio
import sys
import tempfile
from collections.abc import Collection, Iterator, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path

from harness.builds import Built, work_off
from harness.builds.delivery import deliver
from harness.compare import compare
from harness.engines.finding import find_engine
from harness.evidence import Evidence, EvidenceKind, EvidenceStore, evidence_of
from harness.flags import EngineMode, Step, pin_flags
from harness.flags.ladder import START, next_step
from harness.gates import Criteria, CriterionStatus, engines_of
from harness.gateway.settings import SimulateSettings
from harness.phases import promote
from harness.phases.budgets import Budgets
from harness.phases.migration import unavailable_phases
from harness.phases.watching import TakenBack, watch_phases
from harness.record import RunRecord
from harness.session import open_session
from tests.end_to_end.regressions import MIRROR, OF_ASYNC, REDIS, Regression, in_place
from tests.end_to_end.site import (
    FAST,
    SHOWN,
    Site,
    Unwatched,
    engines_in_process,
    files_in,
    shared_surroundings,
)

__all__ = ["STEPS", "AtTheGate", "Later", "Trials", "judged", "main", "regressions_of"]

STEADY = SimulateSettings(ttft_s=0.25, tokens_per_s=100_000)
"""A model whose waiting shows in what an engine makes of it."""

BREAKS_NOTHING = frozenset({"prompt changed", "other content", "entries lost"})
"""What changes words alone: nobody can tell it from other words of a model, once it fills gaps."""

TIMED = Criteria(specs=1, runs=1, min_speedup=1.0)


def _steps() -> Iterator[Step]:
    values = START
    while (step := next_step(values, unavailable_phases())) is not None:
        yield step
        values = step.after


STEPS = tuple(_steps())
"""Every step of the ladder, in its order."""


def regressions_of(step: Step) -> tuple[Regression, ...]:
    """The regressions that can be in the candidate of `step`."""
    if step.after.state_store == "mirror":
        return tuple(MIRROR.values())
    if step.phase.number == 1:
        return tuple(REDIS.values())
    concurrent = step.after.orchestration == "concurrent"
    hybrid = step.after.generation == "hybrid"
    every = {name: r for name, r in (OF_ASYNC | REDIS).items() if concurrent or name != "calls serialised"}
    return tuple(r for name, r in every.items() if not (hybrid and name in BREAKS_NOTHING))


@dataclass(frozen=True, slots=True)
class AtTheGate:
    """What came of wanting to take a step with evidence of a regression."""

    step: str
    regression: str
    taken: bool
    failed: tuple[str, ...]
    """The criteria that failed."""
    open_questions: tuple[str, ...]
    """Those that were inconclusive."""

    @property
    def stopped(self) -> bool:
        """Whether the flags stayed, and the gate says by which criterion."""
        return not self.taken and bool(self.failed or self.open_questions)

    def __str__(self) -> str:
        shut = ", ".join([*self.failed, *(f"{name} (inconclusive)" for name in self.open_questions)])
        return f"| {self.step} | {self.regression} | {f'shut: {shut}' if self.stopped else 'OPENED'} |"


@dataclass(frozen=True, slots=True)
class Later:
    """What came of a regression in the builds after a step."""

    stood: str
    """The flag that was moved last, as it stood."""
    regression: str
    builds: tuple[Built, ...]
    """With the regression, until the step was taken back."""
    gate: AtTheGate | None
    """Of the next step, after the first of them; None where there is no next one."""
    reasons: tuple[str, ...]
    now: str
    """How it stands in the end."""
    as_legacy: tuple[bool, ...]
    """Of each build, whether the caller got what legacy builds."""
    evidence: tuple[Evidence, ...]
    """What was kept of these builds."""

    @property
    def stopped(self) -> bool:
        """Whether the step was taken back, and meanwhile no further one could be taken."""
        return bool(self.reasons) and self.now != self.stood and (self.gate is None or self.gate.stopped)

    def __str__(self) -> str:
        got = "async's"
        if all(self.as_legacy):
            got = "legacy's, by fallback" if self.builds[-1].fell_back_from else "legacy's"
        elif self.builds[-1].engine.startswith("legacy"):
            got = "what legacy makes of it"
        back = (
            f"to {self.now} after {len(self.builds)}: {self.reasons[0][:110]}"
            if self.reasons
            else "NOT TAKEN BACK"
        )
        return f"| {self.stood} | {self.regression} | {back} | {got} |"


@dataclass
class Trials:
    """Trials of regressions, each in a place of its own in `root`."""

    root: Path
    redis: str
    _numbers: Iterator[int] = field(default_factory=lambda: count(1))
    _controls: dict[SimulateSettings, RunRecord] = field(default_factory=dict)
    _sound: dict[str, Evidence] = field(default_factory=dict)

    def site(self, steps: int, *, slow: bool = False) -> Site:
        """A place that has taken so many steps."""
        place = self.root / f"site{next(self._numbers)}"
        site = Site(place, self.redis, STEADY, TIMED) if slow else Site(place, self.redis, FAST)
        site.root.mkdir(parents=True)
        site.go_on(steps)
        return site

    async def evidence(self, candidate: str, regression: Regression | None) -> Evidence:
        """Evidence of a pair of runs, legacy and the engine `candidate` with `regression`."""
        site = self.site(0, slow=regression is not None and regression.slow)
        control = await self._control(site)
        with in_place(regression, site.root / "regression"):
            record = await _run(site, candidate)
        found = evidence_of(EvidenceKind.COMPARE, compare(SHOWN, control, record), control, record)
        assert found is not None
        return found

    async def sound(self, candidate: str) -> Evidence:
        """Evidence of a pair without any, brought once."""
        if candidate not in self._sound:
            with engines_in_process(__name__):
                self._sound[candidate] = await self.evidence(candidate, None)
        return self._sound[candidate]

    async def _control(self, site: Site) -> RunRecord:
        if site.simulated not in self._controls:
            self._controls[site.simulated] = await _run(site, "legacy")
        return self._controls[site.simulated]

    async def _legacys(self, site: Site) -> dict[str, str]:
        """What callers get where legacy builds."""
        record = await self._control(site)
        delivered = self.root / "legacys"
        if not delivered.exists():
            deliver(record.folder / "files", delivered, record.folder / "blackboard.json")
        return files_in(delivered)

    async def at_the_gate(self, number: int, regression: Regression, evidence: Evidence) -> AtTheGate:
        """Want to take step `number`, from 0, where sound evidence is there and then that of `regression`."""
        site = self.site(number, slow=regression.slow)
        if not regression.slow:
            EvidenceStore(site.store).add(await self.sound(engines_of(STEPS[number]).candidate))
        if STEPS[number].before.state_store == "mirror":
            # The watermark is that of the runs in this very store.
            with engines_in_process(__name__):
                await _run(site, "legacy:state_store=mirror")
        EvidenceStore(site.store).add(evidence)
        return judged(site, STEPS[number], regression)

    async def later(self, number: int, regression: Regression, *, fallback: bool = True) -> Later:
        """Build with `regression` after step `number` was taken soundly, as long as its budget lasts."""
        site = self.site(number + 1, slow=regression.slow)
        stood = _shown(site)
        with engines_in_process("harness.builds.serving", "harness.builds.shadow"):
            await site.build(_in_canary(site))
            taken, _ = await _watched(site)
        assert not taken, "taken back without a regression"
        legacys = await self._legacys(site)
        before = len(site.evidence)
        builds: list[Built] = []
        gate: AtTheGate | None = None
        with in_place(regression, site.root / "regression"):
            while not taken and len(builds) < regression.builds:
                builds.append(await site.build(_in_canary(site), fallback=fallback))
                _ = [one async for one in work_off(site.store, Unwatched(), redis=site.redis)]
                if gate is None and number + 1 < len(STEPS):
                    gate = judged(site, STEPS[number + 1], regression)
                taken, reasons = await _watched(site)
        as_legacy = tuple(b.output is not None and files_in(b.output) == legacys for b in builds)
        now = _shown(site)
        kept = site.evidence[before:]
        return Later(stood, regression.name, tuple(builds), gate, reasons, now, as_legacy, kept)


def _shown(site: Site) -> str:
    values = site.values
    legacy = values.engine is EngineMode.LEGACY
    return f"state_store {values.state_store}" if legacy else values.engine_shown


def _in_canary(site: Site) -> str:
    """A name that async serves wherever it serves any."""
    if site.values.engine is not EngineMode.CANARY:
        return SHOWN.name
    names = (f"notes{number}" for number in count())
    return next(n for n in names if pin_flags(site.migration.installation, n, {}).engine is EngineMode.CANARY)


async def _run(site: Site, engine: str) -> RunRecord:
    chosen = find_engine(engine)
    async with open_session(site.session, needs_redis=chosen.needs_redis) as session:
        return await session.run(SHOWN, chosen, lambda _: None)


def judged(site: Site, step: Step, regression: Regression) -> AtTheGate:
    """What comes of wanting to take `step`, the next one of `site`."""
    result = promote(site.migration)
    assert result.step == str(step), "the ladder has other steps than it had"

    def lines(status: CriterionStatus) -> tuple[str, ...]:
        return tuple(line.name for line in result.gate.lines if line.status is status)

    return AtTheGate(
        result.step,
        regression.name,
        result.entry is not None,
        lines(CriterionStatus.FAILED),
        lines(CriterionStatus.INCONCLUSIVE),
    )


async def _watched(site: Site) -> tuple[bool, tuple[str, ...]]:
    events = watch_phases(site.migration, Budgets(), Unwatched(), redis=site.redis, once=True)
    taken = [event async for event in events if isinstance(event, TakenBack)]
    return bool(taken), taken[0].reasons if taken else ()


async def campaign(root: Path, wanted: Collection[int]) -> bool:
    """Try every regression at the steps of the numbers `wanted`, from 1; whether all were stopped."""
    stopped = True
    async with shared_surroundings() as redis:
        trials = Trials(root, redis)
        _say("| step | regression brought as evidence | gate |", "| --- | --- | --- |")
        brought: dict[tuple[str, str], Evidence] = {}
        for number, step in enumerate(STEPS):
            if step.before.engine is not EngineMode.LEGACY or number + 1 not in wanted:
                continue
            for regression in regressions_of(step):
                engine = engines_of(step).candidate
                key = (engine, regression.name)
                if key not in brought:
                    brought[key] = await trials.evidence(engine, regression)
                found = await trials.at_the_gate(number, regression, brought[key])
                stopped &= found.stopped
                _say(str(found))
        gates: list[AtTheGate] = []
        _say(
            "",
            "| engine | regression in the builds | taken back | callers got |",
            "| --- | --- | --- | --- |",
        )
        for number, step in enumerate(STEPS):
            in_redis = step.after.engine is EngineMode.LEGACY and step.after.state_store == "redis"
            if in_redis or number + 1 not in wanted:
                # Where legacy serves with its state in Redis, nothing is compared behind it.
                continue
            for regression in regressions_of(step):
                later = await trials.later(number, regression)
                stopped &= later.stopped
                _say(str(later))
                gates += [later.gate] if later.gate else []
        _say(
            "",
            "| step | regression in the builds before it | gate |",
            "| --- | --- | --- |",
            *map(str, gates),
        )
    return stopped


def _say(*lines: str) -> None:
    sys.stdout.write("".join(f"{line}\n" for line in lines))
    sys.stdout.flush()


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the campaign; 0 where every regression was stopped, 1 where one was not."""
    parser = argparse.ArgumentParser(
        prog="python -m tests.campaigns.regressions_per_step",
        description="Put regressions into the engines at every step of the migration; each must be stopped.",
    )
    parser.add_argument("--store", type=Path, help="folder to keep everything in; without it nothing is kept")
    parser.add_argument(
        "--steps",
        type=int,
        nargs="+",
        choices=range(1, len(STEPS) + 1),
        default=range(1, len(STEPS) + 1),
        metavar="NUMBER",
        help="only these, from 1 (default: all)",
    )
    options = parser.parse_args(arguments)
    with nullcontext(options.store) if options.store else tempfile.TemporaryDirectory() as root:
        return 0 if asyncio.run(campaign(Path(root), options.steps)) else 1


if __name__ == "__main__":
    sys.exit(main())
