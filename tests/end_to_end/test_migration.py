"""The whole migration, from legacy to the day on which legacy is deleted, while builds keep arriving."""

from __future__ import annotations

import asyncio
import importlib.util
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from harness.builds import Built, work_off
from harness.flags import EngineMode
from harness.flags.ladder import next_step
from harness.gates import engines_of
from harness.phases import finalize, plan, promote, roll_back, status
from harness.phases.migration import unavailable_phases
from harness.record import OutcomeStatus
from harness.spec import Spec
from harness.trial import run_trial
from tests.end_to_end.site import SHOWN, Site, Unwatched, engines_in_process, files_in, shared_surroundings

pytestmark = pytest.mark.usefixtures("forked_processes")

_UNDER_WAY_S = 60.0


class _Begun(Unwatched):
    """Tells when the run of a build begins; its flags are pinned by then."""

    def __init__(self) -> None:
        self.seen = asyncio.Event()

    def run_started(self, spec: Spec, side: str, engine: str) -> None:
        """The flags have been evaluated, and the engine is about to start."""
        self.seen.set()


class Arrivals:
    """Somebody who builds one thing after the other, and waits with the next until the flags are to move."""

    def __init__(self, site: Site, group: asyncio.TaskGroup) -> None:
        self._site = site
        self._group = group
        self._under_way: asyncio.Task[Built] | None = None

    @asynccontextmanager
    async def over_a_move(self) -> AsyncIterator[None]:
        """A build that is under way while the block moves the flags, and goes on after it.

        The one before it has ended by then.
        """
        if self._under_way is not None:
            await self._under_way
        begun = _Begun()
        # What is compared behind them is brought apart.
        task = self._group.create_task(self._site.build(sample=0.0, watcher=begun))
        async with asyncio.timeout(_UNDER_WAY_S):
            await begun.seen.wait()
        yield
        assert not task.done(), "nobody was building while the flags moved"
        self._under_way = task


async def bring_evidence(site: Site) -> None:
    """Bring the evidence that the next step asks for; what is compared, in this process."""
    step = next_step(site.values, unavailable_phases())
    assert step is not None
    with engines_in_process("harness.trial", "harness.builds.shadow"):
        if step.before.engine is EngineMode.LEGACY:
            engines = engines_of(step)
            trial = run_trial([SHOWN], engines.control, engines.candidate, site.session, Unwatched())
            _ = [comparison async for comparison in trial]
        else:
            await site.build()
            _ = [found async for found in work_off(site.store, Unwatched(), redis=site.redis, most=1)]


@pytest.mark.timeout(240)
async def test_step_after_step_until_legacy_can_be_deleted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    taken: list[str] = []
    moves: list[int] = []
    shown = ""
    async with shared_surroundings() as redis:
        site = Site(tmp_path, redis)
        async with asyncio.TaskGroup() as group:
            arrivals = Arrivals(site, group)
            while (step := next_step(site.values, unavailable_phases())) is not None:
                # To the shadow goes an engine that the phase before has shown already.
                candidate = engines_of(step).candidate
                if candidate != shown or step.before.engine is not EngineMode.LEGACY:
                    assert promote(site.migration).entry is None, "a gate stood open without evidence"
                shown = candidate
                await bring_evidence(site)
                async with arrivals.over_a_move():
                    result = promote(site.migration)
                assert result.entry is not None, [
                    line for line in result.gate.lines if line.status != "passed"
                ]
                assert not result.entry.forced
                taken.append(result.entry.after.engine_shown)
                moves.append(result.entry.number)
        assert taken[-5:] == ["shadow", "canary:5", "canary:25", "canary:50", "async"]
        assert {built.outcome.status for built in site.built} == {OutcomeStatus.FINISHED}
        assert [built.fell_back_from for built in site.built if built.fell_back_from] == []
        # One of them was under way over each move, and ended as what it had begun with.
        assert {built.flags.number for built in site.built} >= {0, *moves[:-1]}
        # All got the same, but that from the canary on what async serves was filled into templates.
        for by_async in (False, True):
            same = [b for b in site.built if b.engine.startswith("async") is by_async]
            first = files_in(same[0].output)
            assert [built.spec for built in same if files_in(built.output) != first] == []
        engines = [built.engine.partition(":")[0] for built in site.built]
        assert engines[0] == "legacy"
        finalize(site.migration, "nobody wants to go back")
        assert all(line.state in ("done", "left out") for line in plan(site.migration))
        assert len(site.migration.installation.log.entries()) == len(taken) + 1
        find = importlib.util.find_spec
        monkeypatch.setattr("importlib.util.find_spec", lambda name: None if name == "legacy" else find(name))
        last = await site.build(sample=0.0)
        assert (last.engine.partition(":")[0], last.described) == ("async", "finished")
        assert status(site.migration, {}).gate is None


async def test_all_the_way_back_at_any_time(tmp_path: Path) -> None:
    site = Site(tmp_path)
    site.go_on(6)
    roll_back(site.migration, everything=True)
    assert (await site.build()).engine == "legacy:state_store=json"
