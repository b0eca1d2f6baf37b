"""The worker's end: tasks of any number of builds are taken from the queue and done here.

A task is given to a worker at least once: a dead worker's goes to another when its lease lapses, and a worker
that was only slow may still end it. It has its effect once: its report carries the token of the build's owner
and the name of the task, and the state takes the first report of a task and no other.
"""

from __future__ import annotations

import asyncio
import logging
import os
import secrets
import socket
import time
from collections import OrderedDict, deque
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

from docket import CurrentExecution, Docket, Execution

from agents.build import TaskEvent
from agents.conversation import Cause
from agents.plan import Plan
from agents.project import Inputs
from agents.roles import Role
from agents.workflow import PLANNING, Reads, Task, TaskReport
from async_arch.composition import AgentCalls
from async_arch.executor import Assignment, LocalExecutor
from async_arch.model_calls import open_calls
from async_arch.performer import performer
from async_arch.performing import Perform
from async_arch.redis_client import DEFAULT_PATIENCE_S, RedisConnection, open_redis
from async_arch.redis_events import event_write
from async_arch.redis_scripts import Answer
from async_arch.redis_writer import LeaseLost
from async_arch.state_manager import RedisStateManager
from async_arch.state_store import Readings, StateUnavailable
from async_arch.timestamps import timestamp_at
from async_arch.workers.brief import RunBrief
from async_arch.workers.docket_clock import go_by_server
from async_arch.workers.docket_worker import DocketWorker
from async_arch.workers.gateway_health import gateway_answers
from async_arch.workers.host_slots import HostSlots
from async_arch.workers.roster import BEAT_S, BusyTask, WorkerFacts, say_alive, say_gone
from async_arch.workers.server_clock import ServerClock
from async_arch.workers.settings import ReachedModel
from async_arch.workers.task_queue import DEFAULT_QUEUE, PERFORM, open_queue

__all__ = ["TaskWorker", "WorkerSettings"]

_log = logging.getLogger(__name__)

_LOOK_S = 0.05
"""How soon a worker that was full notices that a task has ended."""
_SETTLE_S = 3 * _LOOK_S
_REMEMBERED_BUILDS = 256
_RECONNECT_S = 0.5
_MINUTE_S = 60.0


def _own_name() -> str:
    return f"{socket.gethostname()}-{os.getpid()}-{secrets.token_hex(2)}"


@dataclass(frozen=True, slots=True)
class WorkerSettings:
    """What a worker is made of; `code` is the fingerprint of its code, and of `templates` where given."""

    redis_url: str
    code: str
    queue: str = DEFAULT_QUEUE
    concurrency: int = 4
    """How many tasks it does at once."""
    takeover_s: float = 5.0
    """How long it may be silent before its tasks are given to others; the same for all workers of a queue."""
    redis_patience_s: float = DEFAULT_PATIENCE_S
    templates: Path | None = None
    model: ReachedModel | None = None
    """Its own model, for builds that leave that to their workers."""
    name: str = field(default_factory=_own_name)


@dataclass(slots=True)
class _Counts:
    done: int = 0
    failed: int = 0
    repeated: int = 0
    taken_over: int = 0
    overtaken: int = 0


@dataclass(frozen=True, slots=True)
class _Build:
    """What is the same for all tasks after planning of a build."""

    brief: RunBrief
    plan: Plan | None


class _Ended(Exception):
    """The task that was to begin has ended meanwhile."""


class _State(RedisStateManager):
    """The state of a build that this process does not own.

    A task that two workers do, as one of them was silent for too long, begins twice in the events and ends
    once: nothing is told of it any more once it has ended.
    """

    async def announce(self, event: TaskEvent) -> None:
        """Add `event` to the stream; raises `_Ended` where its task has ended meanwhile.

        It is there before the model is asked: no call is made for a beginning that nobody is told of.
        """
        written = await self._writer.write([event_write(event)], task=event.task)
        if written.answer is Answer.DONE:
            raise _Ended

    async def read(self, wanted: Reads) -> Readings:
        """Read what a task needs; what is not there was lost, for a task comes after those it reads of."""
        try:
            return await super().read(wanted)
        except KeyError as error:
            raise StateUnavailable(f"run {self.run} is not whole: {error.args[0]}") from error


class TaskWorker:
    """A worker that is connected; `work` lets it work."""

    def __init__(
        self, settings: WorkerSettings, connection: RedisConnection, queue: Docket, clock: ServerClock
    ) -> None:
        self._settings = settings
        self._connection = connection
        self._clock = clock
        self._worker = DocketWorker(
            queue,
            name=settings.name,
            concurrency=settings.concurrency,
            redelivery_timeout=timedelta(seconds=settings.takeover_s),
            reconnection_delay=timedelta(seconds=_RECONNECT_S),
            minimum_check_interval=timedelta(seconds=_LOOK_S),
            schedule_automatic_tasks=False,
        )
        self._worker.model = settings.model
        self._worker.clock = clock
        go_by_server()
        queue.register(self._perform, [PERFORM])
        self._builds: OrderedDict[tuple[str, str], _Build] = OrderedDict()
        # By the executions themselves: one of a task that is redelivered may stand beside another of it.
        self._busy: dict[Execution, BusyTask] = {}
        self._counts = _Counts()
        self._ends: deque[float] = deque()
        self._started = clock.now()
        self._draining = False
        self._idle = asyncio.Event()
        self._idle.set()

    @classmethod
    @asynccontextmanager
    async def opened(cls, settings: WorkerSettings) -> AsyncIterator[TaskWorker]:
        """A worker on the server of `settings`; `StateUnavailable` where that does not answer."""
        async with (
            open_redis(settings.redis_url, patience_s=settings.redis_patience_s) as connection,
            open_queue(settings.redis_url, settings.queue, settings.code, takes=True) as queue,
        ):
            yield cls(settings, connection, queue, await ServerClock.read(connection))

    async def work(self, stop: asyncio.Event) -> None:
        """Do tasks until `stop` is set; those under way then are ended first, and none are begun.

        Cancelled, it leaves those under way, and other workers take them over.
        """
        async with self._worker, asyncio.TaskGroup() as group:
            beside = [group.create_task(self._beat()), group.create_task(self._worker.look_after_tasks())]
            working = group.create_task(self._worker.run_forever())
            try:
                await stop.wait()
                self._draining = True
                # One that takes no more tasks goes on with those that it has.
                self._worker.stopping, self._worker.concurrency = True, 0
                # What Redis is handing over at this moment is handed back.
                await asyncio.sleep(_SETTLE_S)
                await self._idle.wait()
                working.cancel()
            except asyncio.CancelledError:
                # In this order: docket leaves to others what is cancelled after it was told to stop.
                working.cancel()
                self._worker.abandon()
                raise
            finally:
                for task in beside:
                    task.cancel()

    async def _perform(
        self,
        run: str,
        task: str,
        token: str,
        place: int,
        host: str,
        slots: int,
        takeovers: int,
        execution: Execution = CurrentExecution(),  # noqa: B008 (how docket is told of it)
        limit: HostSlots = HostSlots(),  # noqa: B008
    ) -> None:
        """Do a task of a build, unless that is done already or the build has another owner by now."""
        with self._noted(execution, run, task):
            try:
                async with _State.on(self._connection, run, token) as state:
                    if (build := await self._build(state, run, task, token, place)) is None:
                        return
                    assignment = Assignment(_task(task), place, build.brief.order, build.plan, takeovers)
                    await self._do(state, build.brief, assignment, limit.host)
            except _Ended:
                self._counts.repeated += 1
            except LeaseLost:
                self._counts.overtaken += 1
                _log.info("%s of %s: the build has another owner by now", task, run)
            except StateUnavailable as error:
                _log.warning("%s of %s is given up here, and done anew: %s", task, run, error)
                raise

    async def _do(self, state: RedisStateManager, brief: RunBrief, assignment: Assignment, host: str) -> None:
        model = brief.gateway or self._settings.model
        if model is None:
            raise StateUnavailable(f"run {state.run} leaves the model to its workers, and this one has none")
        url = model.url_of(host)

        def now() -> str:
            # By the clock of the build's process: what it writes itself stands beside this.
            return timestamp_at(self._clock.now() + brief.ahead_s)

        async with open_calls(AgentCalls.ASYNC, brief.model, now, host=url) as calls:
            # A task takes one slot of its host, and so it makes one call at a time.
            perform = performer(brief.generation, calls, templates=self._settings.templates, at_once=1)
            executor = LocalExecutor(state, _unless_abandoned(perform, brief), now)
            result = await executor.execute(assignment)
            await state.settled()
        self._counts.done += 1
        self._counts.failed += result.failure is not None
        self._ends.append(time.monotonic())

    async def _build(
        self, state: RedisStateManager, run: str, task: str, token: str, place: int
    ) -> _Build | None:
        """The build of a task that is still to be done; None of one that is not."""
        found = await state.assigned(task, token)
        if found.ended:
            self._counts.repeated += 1
            return None
        if found.overtaken or found.brief is None:
            self._counts.overtaken += 1
            return None
        if (known := self._builds.get((run, token))) is not None:
            self._builds.move_to_end((run, token))
            return known
        brief = RunBrief.read(found.brief)
        if brief.code != self._settings.code:
            # Whole, for their beginnings are the same: they name the queue.
            raise StateUnavailable(
                f"run {run} was begun by code {brief.code}, and this worker has {self._settings.code}"
            )
        plan = await state.plan()
        build = _Build(brief, plan)
        # Until the planning is over, the plan may become another.
        if place >= len(PLANNING):
            self._builds[run, token] = build
            if len(self._builds) > _REMEMBERED_BUILDS:
                self._builds.popitem(last=False)
        return build

    @contextmanager
    def _noted(self, execution: Execution, run: str, task: str) -> Iterator[None]:
        again = execution.redelivered
        self._counts.taken_over += again
        self._idle.clear()
        self._busy[execution] = BusyTask(run, task, self._clock.now(), taken_over=again)
        try:
            yield
        finally:
            del self._busy[execution]
            if not self._busy:
                self._idle.set()

    async def _beat(self) -> None:
        try:
            while True:
                try:
                    await self._clock.look()
                    await say_alive(self._connection, self._facts())
                    await self._worker.wake_waiting()
                except StateUnavailable as error:
                    _log.warning("cannot say that this worker lives: %s", error)
                await asyncio.sleep(BEAT_S)
        finally:
            # Who cannot say so is forgotten after a while.
            with suppress(TimeoutError, StateUnavailable):
                async with asyncio.timeout(BEAT_S):
                    await say_gone(self._connection, self._settings.name)

    def _facts(self) -> WorkerFacts:
        settings, counts = self._settings, self._counts
        while self._ends and self._ends[0] < time.monotonic() - _MINUTE_S:
            self._ends.popleft()
        return WorkerFacts(
            name=settings.name,
            machine=socket.gethostname(),
            pid=os.getpid(),
            code=settings.code,
            queue=settings.queue,
            concurrency=settings.concurrency,
            takeover_s=settings.takeover_s,
            started=self._started,
            said=self._clock.now(),
            done=counts.done,
            failed=counts.failed,
            repeated=counts.repeated,
            taken_over=counts.taken_over,
            overtaken=counts.overtaken,
            dropped=self._worker.dropped,
            done_last_minute=len(self._ends),
            draining=self._draining,
            busy=tuple(self._busy.values()),
        )


def _unless_abandoned(perform: Perform, brief: RunBrief) -> Perform:
    """`perform`, whose failure is the task's own: with its owner, a build loses the way to its model."""

    async def performed(task: Task, inputs: Inputs) -> TaskReport:
        report = await perform(task, inputs)
        of_model = report.failure is not None and report.failure.cause is Cause.MODEL
        if of_model and brief.gateway is not None and not await gateway_answers(brief.model_url):
            raise StateUnavailable(f"the gateway of the build at {brief.model_url} does not answer")
        return report

    return performed


def _task(name: str) -> Task:
    """The task of this name."""
    role, _, module = name.partition(":")
    return Task(Role(role), module or None)
