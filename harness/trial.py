"""A trial: control and candidate run on one spec after another, each pair compared."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from typing import Protocol

from agents.build import TaskEvent
from harness.compare import Comparison, compare
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
        """A run begins; `side` is control or candidate."""

    def happened(self, event: TaskEvent) -> None:
        """The engine of the run under way says what it did."""

    def progressed(self, text: str) -> None:
        """An engine that announces nothing has come so far, as is seen from outside."""

    def run_finished(self, record: RunRecord) -> None:
        """The run has ended and its record is stored."""


async def run_trial(
    specs: Sequence[Spec], control: str, candidate: str, settings: SessionSettings, watcher: Watcher
) -> AsyncIterator[Comparison]:
    """Run the engines named `control` and `candidate` on each spec and compare; a comparison at a time.

    Raises `BadInputError` and `SurroundingsError`.
    """
    engines = {"control": find_engine(control), "candidate": find_engine(candidate)}
    needs_redis = any(engine.needs_redis for engine in engines.values())
    async with open_session(settings, needs_redis=needs_redis) as session:
        for spec in specs:
            # Before anything has run: an hour's work must not end at the last spec's model.
            session.check(spec)
        watcher.session_opened(session)
        for spec in specs:
            records = {}
            for side, engine in engines.items():
                watcher.run_started(spec, side, engine.name)
                records[side] = await session.run(spec, engine, watcher.happened, watcher.progressed)
                watcher.run_finished(records[side])
            yield await asyncio.to_thread(compare, spec, records["control"], records["candidate"])
