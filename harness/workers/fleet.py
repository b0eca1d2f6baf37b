"""All workers on a Redis: which live, what they do and have done, and how their queues stand."""

from __future__ import annotations

from collections.abc import Sequence

from pydantic import BaseModel, ConfigDict

from async_arch.redis_client import open_redis
from async_arch.state_store import StateUnavailable
from async_arch.workers.queue_standing import LateLease, queue_standing
from async_arch.workers.roster import BusyTask, WorkerFacts, live_workers
from async_arch.workers.server_clock import server_time
from async_arch.workers.task_queue import queue_name
from harness.errors import BadInputError, SurroundingsError
from harness.record.fingerprint import tasks_code

__all__ = ["Fleet", "QueueView", "WorkerView", "look_at_workers"]

_PATIENCE_S = 2.0


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True)


class WorkerView(_Frozen):
    """A worker as it said last, at most some seconds ago.

    Times are seconds since the epoch, by the clock of Redis.
    """

    name: str
    machine: str
    pid: int
    queue: str
    code: str
    same_code: bool
    """Whether it has the code of this installation, whose builds it then serves."""
    started: float
    concurrency: int
    busy: tuple[BusyTask, ...]
    draining: bool
    done: int
    failed: int
    repeated: int
    taken_over: int
    overtaken: int
    done_last_minute: int
    late_leases: int
    """Of its tasks, how many it should have said something of: they are about to be taken over."""
    silent_s: float
    """For how long it has said nothing."""


class QueueView(_Frozen):
    """The queue of the builds of one code."""

    queue: str
    code: str
    workers: int
    waiting: int
    """Tasks that no worker has begun."""
    underway: int
    done_last_minute: int


class Fleet(_Frozen):
    """The workers on a Redis, by name, and their queues."""

    schema_version: int = 1
    code: str
    """The fingerprint of the code that does tasks in this installation."""
    at: float
    """When they were looked at, in seconds since the epoch, by the clock of Redis."""
    workers: tuple[WorkerView, ...]
    queues: tuple[QueueView, ...]


async def look_at_workers(redis: str) -> Fleet:
    """The workers on the Redis at this URL; raises `BadInputError` and `SurroundingsError`."""
    if not redis.startswith(("redis://", "rediss://", "unix://")):
        raise BadInputError(f"--redis: {redis!r} is no URL such as redis://localhost:6379/0")
    own = tasks_code(None)
    try:
        async with open_redis(redis, patience_s=_PATIENCE_S) as connection:
            facts = await live_workers(connection)
            at = await server_time(connection)
            queues, late = [], list[LateLease]()
            for queue, code in sorted({(each.queue, each.code) for each in facts}):
                serving = [each for each in facts if (each.queue, each.code) == (queue, code)]
                takeover_s = min(each.takeover_s for each in serving)
                standing = await queue_standing(connection, queue_name(queue, code), takeover_s)
                late += standing.late
                queues.append(
                    QueueView(
                        queue=queue,
                        code=code,
                        workers=len(serving),
                        waiting=standing.waiting,
                        underway=standing.underway,
                        done_last_minute=sum(each.done_last_minute for each in serving),
                    )
                )
    except ValueError as error:
        raise BadInputError(f"--redis: {error}") from error
    except StateUnavailable as error:
        raise SurroundingsError(str(error)) from error
    return Fleet(
        code=own,
        at=at,
        workers=tuple(_view(each, own, late, at) for each in facts),
        queues=tuple(queues),
    )


def _view(facts: WorkerFacts, own: str, late: Sequence[LateLease], at: float) -> WorkerView:
    return WorkerView(
        name=facts.name,
        machine=facts.machine,
        pid=facts.pid,
        queue=facts.queue,
        code=facts.code,
        same_code=facts.code == own,
        started=facts.started,
        concurrency=facts.concurrency,
        busy=facts.busy,
        draining=facts.draining,
        done=facts.done,
        failed=facts.failed,
        repeated=facts.repeated,
        taken_over=facts.taken_over,
        overtaken=facts.overtaken,
        done_last_minute=facts.done_last_minute,
        late_leases=sum(lease.worker == facts.name for lease in late),
        silent_s=max(0.0, at - facts.said),
    )
