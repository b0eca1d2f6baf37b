"""A trial: control and candidate run on one spec after another, each pair compared."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Mapping, Sequence
from typing import Protocol

from agents.build import TaskEvent
from harness.compare import Comparison, compare
from harness.compare.repeats import Compared, compare_pair, together
from harness.engines.engine import Engine
from harness.engines.finding import find_engine
from harness.record import RunRecord
from harness.session import Session, SessionSettings, open_session
from harness.spec import Spec

__all__ = ["Watcher", "run_trial"]


class Watcher(Protocol):
    """Someone who is told how a trial goes."""

    def session_opened(self, session: Session) -> None:
        """The surroundings are there: which model answers, which Redis."""

    def run_started(self, spec: Spec, side: str, engine: str) -> None:
        """A run begins; `side` is control or candidate, and of which pair where there are several."""

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
    *,
    repeat: int = 1,
) -> AsyncIterator[Comparison]:
    """Run the engines named `control` and `candidate` on each spec and compare; a comparison at a time.

    With `repeat` above 1 so many pairs are run after one for warm-up, the sides in turns (A B B A ...), so
    that a machine that grows slower or faster does so for both. Raises `BadInputError` and
    `SurroundingsError`.
    """
    engines = {"control": find_engine(control), "candidate": find_engine(candidate)}
    needs_redis = any(engine.needs_redis for engine in engines.values())
    async with open_session(settings, needs_redis=needs_redis) as session:
        for spec in specs:
            # Before anything has run: an hour's work must not end at the last spec's model.
            session.check(spec)
        watcher.session_opened(session)
        for spec in specs:
            if repeat == 1:
                records = await _run_pair(session, spec, engines, watcher)
                yield await asyncio.to_thread(compare, spec, records["control"], records["candidate"])
            else:
                compared = await _repeated(session, spec, engines, watcher, repeat)
                yield await asyncio.to_thread(together, spec, compared)


async def _repeated(
    session: Session, spec: Spec, engines: Mapping[str, Engine], watcher: Watcher, repeat: int
) -> list[Compared]:
    compared = []
    for number in range(repeat + 1):
        sides = list(engines) if number % 2 == 0 else list(engines)[::-1]
        load = os.getloadavg()[0]
        of = f", pair {number} of {repeat}" if number else ", warm-up"
        records = await _run_pair(session, spec, {side: engines[side] for side in sides}, watcher, of)
        pair = (spec, records["control"], records["candidate"])
        compared.append(await asyncio.to_thread(compare_pair, *pair, first=sides[0], load=load))
    return compared


async def _run_pair(
    session: Session, spec: Spec, engines: Mapping[str, Engine], watcher: Watcher, of: str = ""
) -> dict[str, RunRecord]:
    """The record of each side, run in the order of `engines`; `of` says which pair it is."""
    records = {}
    for side, engine in engines.items():
        watcher.run_started(spec, f"{side}{of}", engine.name)
        records[side] = await session.run(spec, engine, watcher.happened, watcher.progressed)
        watcher.run_finished(records[side])
    return records
