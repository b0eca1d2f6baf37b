"""A trial: control and candidate run on one spec after another, each pair compared."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Protocol

from agents.build import TaskEvent
from harness.compare import Comparison, compare
from harness.compare.determinism import is_deterministic, natural_policy
from harness.compare.pair import Compared, ComparedWithItself, compare_pair, compare_with_itself
from harness.compare.repeats import together
from harness.compare.terms import EXACT, Policy, Terms
from harness.engines.ahead import NOTHING_AHEAD, StartedAhead
from harness.engines.engine import Engine
from harness.engines.finding import find_engine
from harness.errors import BadInputError
from harness.evidence import EvidenceKind, EvidenceStore, evidence_of
from harness.record import RunRecord
from harness.session import Session, SessionSettings, open_session, require_what_workers_need
from harness.spec import Spec

if TYPE_CHECKING:
    # Where nothing is executed it is not loaded: the first call waits for what is.
    from harness.behaviour import ExecuteSettings
    from harness.sandbox import Sandbox

__all__ = ["Watcher", "run_trial"]


class Watcher(Protocol):
    """Someone who is told how a trial goes."""

    def session_opened(self, session: Session) -> None:
        """The surroundings are there: which model answers, which Redis."""

    def run_started(self, spec: Spec, side: str, engine: str) -> None:
        """A run begins; `side` says which it is: control or candidate, and of which pair among several."""

    def happened(self, event: TaskEvent) -> None:
        """The engine of the run under way says what it did."""

    def progressed(self, text: str) -> None:
        """An engine that announces nothing has come so far, as is seen from outside."""

    def run_finished(self, record: RunRecord) -> None:
        """The run has ended and its record is stored."""


async def run_trial(
    specs: Sequence[Spec],
    control: str,
    candidate: str,
    settings: SessionSettings,
    watcher: Watcher,
    terms: Terms = EXACT,
    *,
    policy: Policy | None = None,
    repeat: int = 1,
    aa: bool | None = None,
    execute: ExecuteSettings | None = None,
    ahead: StartedAhead = NOTHING_AHEAD,
) -> AsyncIterator[Comparison]:
    """Run the engines named `control` and `candidate` on each spec and compare; a comparison at a time.

    With `repeat` above 1 so many pairs are run after one for warm-up, the sides in turns (A B B A ...), so
    that a machine that grows slower or faster does so for both. With `aa` the control is also run against
    itself, as many pairs, one beside each. None leaves that to the model: where its answers vary, it is; and
    `policy`, which takes the place of that in `terms`, is then `contract`, and else `exact`. With `execute`
    what was generated is executed in a sandbox and compared as well. What each pair of control and candidate
    shows is kept as evidence. `ahead` are processes that load already, the worker for `control`. Raises
    `BadInputError` and `SurroundingsError`.
    """
    engines = {"control": find_engine(control, ahead.worker), "candidate": find_engine(candidate)}
    if settings.model == "workers":
        raise BadInputError("--model workers: a comparison must see the calls; name the model")
    require_what_workers_need(tuple(engines.values()), settings)
    needs_redis = any(engine.needs_redis for engine in engines.values())
    # Before anything has run: where nothing can be kept in, nothing is to be executed.
    execution = await _ready(execute) if execute else None
    async with open_session(settings, needs_redis=needs_redis, gateway_started=ahead.gateway) as session:
        for spec in specs:
            # Before anything has run: an hour's work must not end at the last spec's model.
            session.check(spec)
        watcher.session_opened(session)
        for spec in specs:
            model = await asyncio.to_thread(session.model_facts, spec)
            with_itself = not is_deterministic(model) if aa is None else aa
            flags = [engine.flags for engine in engines.values()]
            own = replace(terms, policy=policy or natural_policy(model, *flags))
            trial = _Trial(session, spec, engines, watcher, own, repeat, with_itself, execution)
            yield await trial.compared()


@dataclass(frozen=True, slots=True)
class _Execution:
    """With what, and kept in by what, applications are executed."""

    settings: ExecuteSettings
    sandbox: Sandbox


async def _ready(settings: ExecuteSettings) -> _Execution:
    from harness.behaviour import ready_to_execute

    return _Execution(settings, await ready_to_execute(settings))


@dataclass(frozen=True, slots=True)
class _Trial:
    """All runs on one spec."""

    session: Session
    spec: Spec
    engines: Mapping[str, Engine]
    watcher: Watcher
    terms: Terms
    repeat: int
    with_itself: bool
    execution: _Execution | None

    async def compared(self) -> Comparison:
        """What comes of them."""
        if self.repeat == 1 and not self.with_itself:
            records = await self._pair([*self.engines])
            both = (records["control"], records["candidate"])
            comparison = await asyncio.to_thread(compare, self.spec, *both, self.terms)
            await self._keep(comparison, *both)
            return comparison
        pairs, with_itself = await self._pairs()
        return await asyncio.to_thread(together, self.spec, pairs, with_itself, self.terms)

    async def _pairs(self) -> tuple[list[Compared], list[ComparedWithItself]]:
        pairs = [await self._with_candidate(0)] if self.repeat > 1 else []
        with_itself: list[ComparedWithItself] = []
        for number in range(1, self.repeat + 1):
            # In turns, too: a machine that changes on the way does so for pairs of both sorts.
            if self.with_itself and number % 2 == 0:
                with_itself.append(await self._two_controls(number))
            pairs.append(await self._with_candidate(number))
            if self.with_itself and number % 2 == 1:
                with_itself.append(await self._two_controls(number))
        return pairs, with_itself

    async def _with_candidate(self, number: int) -> Compared:
        """Pair `number`, of which 0 is the warm-up; a single one begins with the control."""
        turned = self.repeat > 1 and number % 2 == 1
        sides = [*self.engines][:: -1 if turned else 1]
        load = os.getloadavg()[0]
        of = f", pair {number} of {self.repeat}" if number else ", warm-up"
        records = await self._pair(sides, of if self.repeat > 1 else "")
        compared = await asyncio.to_thread(
            compare_pair,
            self.spec,
            records["control"],
            records["candidate"],
            self.terms,
            first=sides[0],
            load=load,
            warm_up=number == 0,
        )
        await self._keep(compared.comparison, records["control"], records["candidate"])
        return compared

    async def _keep(self, comparison: Comparison, control: RunRecord, candidate: RunRecord) -> None:
        evidence = evidence_of(EvidenceKind.COMPARE, comparison, control, candidate)
        if evidence is not None:
            await asyncio.to_thread(EvidenceStore(self.session.settings.store).add, evidence)

    async def _two_controls(self, number: int) -> ComparedWithItself:
        """Two runs of the control that belong to no other pair.

        Which of them stands for the candidate takes turns, as it does where there is one.
        """
        of = f"pair {number} of {self.repeat}"
        first, second = [
            await self._run("control", f"control against itself, {of}, {which} run")
            for which in ("first", "second")
        ]
        first, second = await self._executed(first, second)
        both = (second, first) if number % 2 else (first, second)
        return await asyncio.to_thread(compare_with_itself, self.spec, *both, self.terms)

    async def _pair(self, sides: Sequence[str], of: str = "") -> dict[str, RunRecord]:
        """The record of each side, run in this order; `of` says which pair it is."""
        records = {side: await self._run(side, f"{side}{of}") for side in sides}
        control, candidate = await self._executed(records["control"], records["candidate"])
        return {"control": control, "candidate": candidate}

    async def _executed(self, control: RunRecord, candidate: RunRecord) -> tuple[RunRecord, RunRecord]:
        """Both with what their applications do, where they are to be executed."""
        if self.execution is None:
            return control, candidate
        from harness.behaviour import execute_pair

        settings, sandbox = self.execution.settings, self.execution.sandbox
        return await execute_pair(control, candidate, settings, self.watcher.progressed, sandbox=sandbox)

    async def _run(self, side: str, label: str) -> RunRecord:
        engine = self.engines[side]
        self.watcher.run_started(self.spec, label, engine.name)
        record = await self.session.run(self.spec, engine, self.watcher.happened, self.watcher.progressed)
        self.watcher.run_finished(record)
        return record
