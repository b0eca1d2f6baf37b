"""Docket's worker, made to outlive what may lie in the queue and to keep its tasks until they have ended.

Docket's own ends with the first message that it cannot read, which is then given to the next worker, until
there is none left. It renews its leases no longer once it stops or has lost Redis for a moment, although its
tasks go on, and after such a moment takes no others until the last of those has ended. And where Redis stood
still for longer than a lease, it takes over its own tasks and does them twice.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any, Self

import docket.worker
import redis.exceptions
from docket import Docket, Execution, Worker
from docket._redelivery import renew_leases
from docket.dependencies import AdmissionBlocked
from docket.execution import TaskFunction
from pydantic import TypeAdapter

from async_arch.workers.host_slots import wake
from async_arch.workers.plain_data import dumps
from async_arch.workers.server_clock import ServerClock
from async_arch.workers.settings import ModelHost, ReachedModel
from async_arch.workers.task_queue import PERFORM, TaskReference

__all__ = ["DocketWorker"]

_log = logging.getLogger(__name__)
_REFERENCE = TypeAdapter(TaskReference)
_AWAY = (redis.exceptions.ConnectionError, redis.exceptions.TimeoutError)
_NEVER = datetime.fromtimestamp(0, UTC)


class DocketWorker(Worker):
    """A worker that drops what it cannot read, says so, and goes on."""

    dropped = 0
    """How many messages were no tasks, or none that docket could handle."""
    model: ReachedModel | None = None
    """Its own, for builds that leave it to their workers."""
    clock: ServerClock | None = None
    """What docket goes by in this worker's tasks; None: the clock of the machine."""
    stopping = False
    """Whether it begins no more tasks; those that it has it ends."""

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self._running: dict[asyncio.Task[Any], Execution] = {}
        # What docket reads messages with stands there under this name.
        docket.worker.Execution = _CheckedExecution  # type: ignore[attr-defined]

    async def run_forever(self) -> None:
        """Work until cancelled; what is under way then has ended, too, when this returns."""
        try:
            await super().run_forever()
        finally:
            if self._running:
                await asyncio.wait(self._running)

    async def look_after_tasks(self) -> None:
        """Renew the leases of all tasks under way and cancel those taken back, for as long as this runs."""
        every_s = self.redelivery_timeout.total_seconds() / 4
        while True:
            await asyncio.sleep(every_s)
            try:
                async with asyncio.timeout(every_s):
                    await self._keep()
            except (redis.exceptions.RedisError, OSError) as error:
                _log.warning("the leases of %d tasks could not be renewed: %r", len(self._running), error)

    async def _keep(self) -> None:
        running = dict(self._running)
        if not running:
            return
        queue = self.docket
        async with queue.redis() as client:
            keys = [queue.runs_key(each.key) for each in running.values()]
            known = [await client.exists(key) for key in keys]
            for (task, execution), there in zip(running.items(), known, strict=True):
                # Docket says so once, and a worker that has lost Redis for that moment does not hear it.
                if not there and not execution._ended:
                    self._cancelled_by_docket.add(task)
                    task.cancel()
            await renew_leases(
                client,
                stream_key=queue.stream_key,
                group_name=queue.worker_group_name,
                consumer_name=self.name,
                message_ids=[each.message_id for each in running.values() if each.message_id is not None],
            )

    def hosts_in(self) -> Sequence[ModelHost]:
        """The hosts of its own model that answer."""
        return self.model.hosts_in if self.model else ()

    async def wake_waiting(self) -> None:
        """Have tasks go on that wait for slots of its own hosts which nobody has; see `wake`."""
        try:
            await wake(self.docket, self.hosts_in())
        except _AWAY:
            pass
        except redis.exceptions.RedisError as error:
            # Tasks may wait for longer than they must. Those that do not wait go on.
            _log.warning("cannot look for slots that nobody has: %s", error)

    def abandon(self) -> None:
        """Cancel all tasks under way. Docket leaves those to others where it was cancelled before."""
        for task in self._running:
            task.cancel()

    async def _renew_leases(self, _: Any, active: dict[asyncio.Task[None], bytes]) -> None:
        """Not that, which `look_after_tasks` does; but take from a loop that has lost Redis its tasks.

        It would wait for their ends, and no other loop would begin. They keep their places until then. Where
        the loop is cancelled so is this, and it waits.
        """
        if (session := self._processing_session) is None:
            return
        await session.stopping.wait()
        for task in active:
            self.concurrency -= 1
            task.add_done_callback(self._give_place_back)
        active.clear()
        # From now on `look_after_tasks` alone notices that one of them is taken back.
        self._tasks_by_key.clear()

    def _give_place_back(self, task: asyncio.Task[None]) -> None:
        self._cancelled_by_docket.discard(task)
        if not self.stopping:
            self.concurrency += 1
        if not task.cancelled() and (error := task.exception()) is not None:
            _log.warning("the end of a task could not be told, and it is looked at once more: %r", error)

    async def _execute(self, execution: Execution, session: Any) -> None:
        """Do a task; nothing but a Redis that is away comes out of it, for that would end the worker."""
        if isinstance(execution, _CheckedExecution) and execution.problem:
            await self._drop(execution, execution.problem)
            return
        if any(each.message_id == execution.message_id for each in self._running.values()):
            # Its own, whose lease lapsed while Redis stood still or was away: now it is renewed.
            execution._acked = True
            return
        if execution.redelivered and not await self._count_takeovers(execution):
            return
        if self.stopping:
            await self._hand_back(execution)
            return
        if (task := asyncio.current_task()) is not None:
            self._running[task] = execution
        try:
            await super()._execute(execution, session)
        except (AdmissionBlocked, *_AWAY):
            raise
        except Exception as error:
            await self._drop(execution, f"{type(error).__name__}: {error}")
        finally:
            if task is not None:
                del self._running[task]

    async def _count_takeovers(self, execution: Execution) -> bool:
        """Note in the task of a message that was redelivered how many times workers were given it before.

        By the count that Redis keeps, which no renewal of a lease adds to. It goes with the task where that
        is parked or handed back. False where nobody has the message any more: then the task has ended, or
        is in the queue under another one, or is put in again by who waits for it.
        """
        queue, ident = self.docket, execution.message_id or b"-"
        async with queue.redis() as client:
            found = await client.xpending_range(queue.stream_key, queue.worker_group_name, ident, ident, 1)
        if not found:
            # Nothing of it is docket's to clear away.
            execution._acked = True
            return False
        if execution.function_name == PERFORM:
            before = found[0]["times_delivered"] - 1
            execution.kwargs["takeovers"] = execution.kwargs.get("takeovers", 0) + before
        return True

    async def _drop(self, execution: Execution, problem: str) -> None:
        """Take a message out, and what docket keeps of its task: who waits for that puts it in anew."""
        self.dropped += 1
        _log.error("message %r in the queue is no task and is dropped: %s", execution.message_id, problem)
        queue = self.docket
        async with self._transaction() as pipe:
            pipe.xack(queue.stream_key, queue.worker_group_name, execution.message_id)
            pipe.xdel(queue.stream_key, execution.message_id)
            pipe.delete(queue.runs_key(execution.key), queue.key(f"progress:{execution.key}"))
        execution._acked = True

    @asynccontextmanager
    async def _transaction(self) -> AsyncIterator[Any]:
        """Commands of which all are done together at the end of the block."""
        async with self.docket.redis() as client, client.pipeline(transaction=True) as pipe:
            yield pipe
            await pipe.execute()

    async def _hand_back(self, execution: Execution) -> None:
        """Put a message that came when no more are begun back into the queue."""
        queue = self.docket
        runs_key = queue.runs_key(execution.key)
        async with self._transaction() as pipe:
            pipe.xadd(queue.stream_key, execution.as_message())
            pipe.xack(queue.stream_key, queue.worker_group_name, execution.message_id)
            pipe.xdel(queue.stream_key, execution.message_id)
            # Docket would look for it where it was; one that is cancelled is still refused by its state.
            pipe.hdel(runs_key, "stream_id")
        execution._acked = True


class _CheckedExecution(Execution):
    """A message as docket reads it; `problem` says why it is no task, and is empty for one that is."""

    problem: str = ""

    @classmethod
    async def from_message(
        cls,
        docket: Docket,
        message: dict[bytes, bytes],
        redelivered: bool = False,
        fallback_task: TaskFunction | None = None,
        message_id: bytes | None = None,
        sync: bool = True,
    ) -> Self:
        """The task that `message` is, or what stands for one that is none."""
        try:
            read = await super().from_message(docket, message, redelivered, None, message_id, sync)
            _require_task(read)
        except Exception as error:
            key = message.get(b"key", b"").decode(errors="replace")
            unread = cls(docket, _nothing, (), {}, key, _NEVER, 1, message_id=message_id)
            unread.problem = f"{type(error).__name__}: {error}"
            return unread
        return read


def _require_task(read: Execution) -> None:
    """Raise unless docket can handle what was read, and it is a reference where it should be one."""
    if not isinstance(read.args, list) or not isinstance(read.kwargs, dict):
        raise TypeError("its arguments are no list and no mapping")
    if read.function_name == PERFORM:
        if read.args:
            raise TypeError("it has arguments without names")
        _REFERENCE.validate_json(dumps(read.kwargs), strict=True)


async def _nothing() -> None:
    """What a message asks for that cannot be read."""
