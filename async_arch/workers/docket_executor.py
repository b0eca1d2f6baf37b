"""The orchestrator's end: tasks are put into the queue, and workers do them.

What a task came to is read from the state, where its worker wrote it; the run's stream of events says when.
A task that neither waits in the queue nor has ended was lost, with a Redis that forgot its last second or a
worker that could not go on, and is put in again.
"""

from __future__ import annotations

import asyncio
import logging
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Sequence
from contextlib import aclosing, asynccontextmanager, suppress
from dataclasses import dataclass, field, replace
from math import inf
from typing import TypeVar

import redis.exceptions
from docket import Docket

from agents.build import EventKind
from agents.chat_protocol import ModelSettings
from agents.conversation import AgentFailure, Cause
from agents.project import Order
from agents.workflow import PLANNING, Reads, failed
from async_arch.checkpoints import Checkpoint
from async_arch.composition import Generation
from async_arch.executor import Assignment, TaskResult
from async_arch.redis_client import RedisConnection, redacted
from async_arch.redis_keys import RunKeys
from async_arch.shared_events import SharedEvents
from async_arch.state_manager import RedisStateManager
from async_arch.state_store import StateUnavailable
from async_arch.workers.brief import RunBrief
from async_arch.workers.gateway_health import hosts_left_out
from async_arch.workers.host_slots import least_busy, wake
from async_arch.workers.roster import WorkerFacts, live_workers
from async_arch.workers.server_clock import ahead_of_server
from async_arch.workers.settings import WorkersSettings
from async_arch.workers.task_queue import OF_WORKER, PERFORM, TaskReference, queue_name

__all__ = ["DocketExecutor"]

_log = logging.getLogger(__name__)
_T = TypeVar("_T")

_LOOK_S = 1.0
_LOST_AFTER_S = 3.0
"""How long after it was put in a task is looked for."""
_MOST_TIMES_IN = 4
_ANSWER_TIMEOUT_S = 10.0
_ENDS = frozenset({EventKind.TASK_COMPLETED, EventKind.TASK_FAILED})


@dataclass(slots=True)
class _Underway:
    """A task that workers have, or are to have."""

    reference: TaskReference
    ended: asyncio.Future[None]
    put_in_s: float = inf
    """When it was put in last, by the loop's clock."""
    times_in: int = 0
    takeovers: int = 0
    """How many times workers were given it before the last one, as far as they told."""


@dataclass(slots=True)
class DocketExecutor:
    """Has workers do the tasks of one build, whose `state` is written under a lease.

    `now` gives ISO timestamps.
    """

    queue: Docket
    connection: RedisConnection
    state: RedisStateManager
    settings: WorkersSettings
    model: ModelSettings
    generation: Generation
    now: Callable[[], str]
    events: SharedEvents
    _underway: dict[str, _Underway] = field(default_factory=dict)
    _brief: bytes = b""
    _briefed: asyncio.Task[None] | None = None
    _broken: Exception | None = None
    _ended: int = 0
    """How many tasks have ended, before this build was taken up and since."""
    _left_out: Collection[str] = ()
    """The hosts that do not answer now."""

    @asynccontextmanager
    async def running(self) -> AsyncIterator[DocketExecutor]:
        """The executor at work, for as long as the block lasts."""
        # No TaskGroup: what the block raises is to come out as it is.
        tasks = [asyncio.create_task(self._beside(work)) for work in (self._follow, self._watch)]
        try:
            yield self
        finally:
            if self._briefed is not None:
                tasks.append(self._briefed)
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    async def _beside(self, work: Callable[[], Awaitable[None]]) -> None:
        """Do `work`; what breaks in it ends every task, as nobody would be told of their ends any more."""
        try:
            await work()
        except Exception as error:
            self._broken = error
            self._end_all(error)

    async def execute(self, assignment: Assignment) -> TaskResult:
        """Have a task done; see `TaskExecutor`. Cancelled, it takes the task back from the workers."""
        await self._leave_brief(assignment.order)
        if self._broken is not None:
            raise self._broken
        name = str(assignment.task)
        ended: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        host = await self._host()
        reference = TaskReference(self.state.run, name, self.state.token, assignment.place, *host)
        underway = self._underway[name] = _Underway(reference, ended)
        try:
            await self._put_in(underway)
            checkpoint = await self._end_of(underway)
            self._ended += 1
        except _Refused as refused:
            return await self._fail(assignment, str(refused))
        except (asyncio.CancelledError, StateUnavailable):
            await self._take_back(reference)
            raise
        finally:
            del self._underway[name]
        return await self._result(assignment, checkpoint)

    async def _end_of(self, underway: _Underway) -> Checkpoint:
        """How the task ended, as soon as it has."""
        while True:
            await underway.ended
            if (found := await self.state.checkpoint(underway.reference.task)) is not None:
                return found
            # Redis told of the end, and forgot it before it was read.
            underway.ended = asyncio.get_running_loop().create_future()

    async def _leave_brief(self, order: Order) -> None:
        """Leave the brief once, before the first task goes in."""
        if self._briefed is None:
            self._briefed = asyncio.ensure_future(self._begin(order))
        await asyncio.shield(self._briefed)

    async def _begin(self, order: Order) -> None:
        self._ended = await self._count()
        settings, ahead_s = self.settings, await ahead_of_server(self.connection)
        self._brief = RunBrief(
            order, self.model, settings.model_url, self.generation, settings.code, settings.hosts, ahead_s
        ).data
        await self.state.leave_brief(self._brief)

    async def _host(self) -> tuple[str, int] | tuple[()]:
        if not self.settings.model_url:
            return (OF_WORKER, 0)
        own = Counter(each.reference.host for each in self._underway.values())
        # Where none answers, the gateway waits for one.
        hosts = [host for host in self.settings.hosts if host.url not in self._left_out]
        found = await self._asked(lambda: least_busy(self.queue, hosts or self.settings.hosts, own))
        return (found.name, found.slots) if found is not None else ()

    async def _put_in(self, underway: _Underway) -> None:
        underway.times_in += 1
        # Until it is in, it is not looked for.
        underway.put_in_s = inf
        reference = underway.reference
        # Nothing of it waits longer than the next one takes: the order in which tasks go in is theirs.
        add = self.queue.add(PERFORM, key=reference.key)
        await self._asked(lambda: add(**reference.arguments()))
        underway.put_in_s = asyncio.get_running_loop().time()

    async def _take_back(self, reference: TaskReference) -> None:
        with suppress(redis.exceptions.RedisError, OSError, TimeoutError):
            async with asyncio.timeout(_LOOK_S):
                await self.queue.cancel(reference.key)

    async def _result(self, assignment: Assignment, checkpoint: Checkpoint) -> TaskResult:
        task = assignment.task
        files = (await self.state.read(Reads(files=checkpoint.files))).files if checkpoint.files else {}
        plan = await self.state.plan() if task in PLANNING else None
        cause = checkpoint.failure_cause
        failure = AgentFailure(task.role, task.module, cause, checkpoint.reason) if cause else None
        return TaskResult(failure, plan, files, checkpoint.answer_size)

    async def _fail(self, assignment: Assignment, reason: str) -> TaskResult:
        """End a task that no worker ends, unless one has meanwhile."""
        task = assignment.task
        await self._take_back(TaskReference(self.state.run, str(task), self.state.token, assignment.place))
        report = failed(task, AgentFailure(task.role, task.module, Cause.ENGINE, reason))
        await self.state.report(report, assignment.place, report.event(self.now()))
        await self.state.settled()
        checkpoint = await self.state.checkpoint(str(task))
        if checkpoint is None:
            raise StateUnavailable(f"run {self.state.run}: {task} ended and nothing is left of it in Redis")
        return await self._result(assignment, checkpoint)

    async def _follow(self) -> None:
        """Tell who waits for a task that it has ended."""
        async with aclosing(self.events.of(RunKeys(self.state.run))) as events:
            async for streamed in events:
                event = streamed.event
                if (underway := self._underway.get(event.task)) is None:
                    continue
                underway.takeovers = max(underway.takeovers, event.takeovers)
                if event.kind in _ENDS and not underway.ended.done():
                    underway.ended.set_result(None)

    async def _watch(self) -> None:
        """Look after the tasks that are under way: whether somebody is there to do them, and has them."""
        loop = asyncio.get_running_loop()
        served_s = loop.time()
        warned = False
        while True:
            await asyncio.sleep(_LOOK_S)
            if not self._underway:
                served_s = loop.time()
                continue
            workers = await live_workers(self.connection)
            await self._require_ended()
            await self._find_lost(loop.time())
            if self.settings.hosts:
                await self._asked(lambda: wake(self.queue, self.settings.hosts))
                self._left_out = await hosts_left_out(self.settings.model_url)
            if self._serving(workers):
                served_s, warned = loop.time(), False
                continue
            reason = self._unserved(workers)
            if not warned and loop.time() - served_s > _LOST_AFTER_S:
                warned = True
                _log.warning("%s", reason)
            if self.settings.wait_s is not None and loop.time() - served_s > self.settings.wait_s:
                # Not the tasks' failure: a build that is resumed goes on with them.
                raise StateUnavailable(f"{reason}; waited for {self.settings.wait_s:g} s")

    def _serving(self, workers: Sequence[WorkerFacts]) -> bool:
        served = (queue_name(each.queue, each.code) for each in workers if not each.draining)
        return self.queue.name in served

    def _unserved(self, workers: Sequence[WorkerFacts]) -> str:
        there = Counter(
            f"of code {each.code[:12]} at queue {each.queue}{', ending' if each.draining else ''}"
            for each in workers
        )
        found = ", ".join(f"{count} {what}" for what, count in sorted(there.items())) or "none"
        where = redacted(self.connection.url)
        code = self.settings.code[:12]
        return (
            f"no worker of code {code} serves queue {self.settings.queue}, where the tasks of run "
            f"{self.state.run} wait on Redis at {where}; workers there: {found}"
        )

    async def _require_ended(self) -> None:
        """Raise where Redis does not know of all the tasks that have ended.

        Others have gone on from them, so they cannot be done anew one by one: a build that is resumed does
        all that is missing, in its order.
        """
        missing = self._ended - await self._count()
        if missing > 0:
            where = redacted(self.connection.url)
            raise StateUnavailable(
                f"Redis at {where} has forgotten {missing} of {self._ended} tasks that had ended in run "
                f"{self.state.run}: resume the build"
            )

    async def _count(self) -> int:
        """How many tasks of the build have ended, as far as Redis knows."""
        return int(await self.connection.command("HLEN", RunKeys(self.state.run)["tasks"]))

    async def _find_lost(self, now_s: float) -> None:
        """Put in again what neither waits in the queue nor is done nor has ended."""
        for name, underway in list(self._underway.items()):
            if underway.ended.done() or now_s - underway.put_in_s < _LOST_AFTER_S:
                continue
            key = self.queue.runs_key(underway.reference.key)
            if await self.connection.command("EXISTS", key):
                underway.put_in_s = now_s
                continue
            checkpoint = await self.state.checkpoint(name)
            if underway.ended.done():
                # Its end was told meanwhile.
                continue
            if checkpoint is not None:
                underway.ended.set_result(None)
            elif underway.times_in >= _MOST_TIMES_IN:
                reason = f"workers gave {name} up {underway.times_in} times; see their logs"
                underway.ended.set_exception(_Refused(reason))
            else:
                _log.warning("%s of %s was lost and is put in again", name, self.state.run)
                # The brief may have been lost with it.
                await self.state.leave_brief(self._brief)
                # Somebody may have been given it, and have begun.
                underway.takeovers += 1
                underway.reference = replace(underway.reference, takeovers=underway.takeovers)
                await self._put_in(underway)

    def _end_all(self, error: Exception) -> None:
        for underway in self._underway.values():
            if not underway.ended.done():
                underway.ended.set_exception(error)

    async def _asked(self, question: Callable[[], Awaitable[_T]]) -> _T:
        """The answer to what is asked of docket, which has no time-out of its own."""

        async def bounded() -> _T:
            async with asyncio.timeout(_ANSWER_TIMEOUT_S):
                return await question()

        return await self.connection.ask(bounded)


class _Refused(Exception):
    """A task is not done by workers; the message says why."""
