"""The slots of a model host: how many tasks are done with it at once, over all workers and builds."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from typing import Any, Final, Protocol, runtime_checkable

from docket import ConcurrencyLimit, Docket
from docket.dependencies import _concurrency, current_execution, current_worker

from async_arch.workers.settings import ModelHost
from async_arch.workers.task_queue import OF_WORKER, PERFORM

__all__ = ["HasHosts", "HostSlots", "least_busy", "wake"]

_log = logging.getLogger(__name__)

_ARGUMENT = "host"
_NEW: Final = b"1"
"""The generation of a task that has not waited yet."""


_NO_HOST: Final = ModelHost("", 0)


@runtime_checkable
class HasHosts(Protocol):
    """A worker that has a model of its own."""

    def hosts_in(self) -> Sequence[ModelHost]:
        """The hosts of that model which answer."""


class HostSlots(ConcurrencyLimit):
    """Docket's limit, for each host by the slots that the task names; none where it names no host.

    A task that finds no slot free waits in Redis, and the worker goes on with others. Who waits longest is
    next. A holder counts as dead when it has been silent for as long as a worker may be, by the clock of
    Redis; see `docket_clock`.
    """

    host: str = ""
    """The host that the task has a slot of; empty where it needs none."""

    def __init__(self) -> None:
        super().__init__(_ARGUMENT, max_concurrent=1)
        # What docket takes slots with stands there under this name.
        _concurrency._acquire_or_park = _in_turn  # type: ignore[assignment]

    async def __aenter__(self) -> HostSlots:
        execution, granted = current_execution.get(), HostSlots()
        host = ModelHost(execution.get_argument(_ARGUMENT), execution.get_argument("slots"))
        if host.url == OF_WORKER:
            worker = current_worker.get()
            own = worker.hosts_in() if isinstance(worker, HasHosts) else ()
            host = await least_busy(worker.docket, own, {}) or _NO_HOST
        if host.url:
            await ConcurrencyLimit(max_concurrent=host.slots, scope=_scope(host)).__aenter__()
            granted.host = host.name
        return granted


_acquire_or_park: Final = _concurrency._acquire_or_park


async def _in_turn(
    redis: Any, *, max_concurrent: int, waiters_stream: str, message: dict[bytes, bytes], **more: Any
) -> int:
    """Take a slot if one is free, behind all who wait: while it is handed to one of them it looks free."""
    waiting = await redis.xrange(waiters_stream, count=max_concurrent + 1)
    for ident, fields in waiting:
        if b"key" not in fields:
            # Docket could wake nobody behind it.
            _log.error("what waits for a slot in %s is no task and is dropped: %r", waiters_stream, ident)
            await redis.xdel(waiters_stream, ident)
    return await _acquire_or_park(
        redis,
        max_concurrent=0 if waiting and message[b"generation"] == _NEW else max_concurrent,
        waiters_stream=waiters_stream,
        message=message,
        **more,
    )


async def least_busy(queue: Docket, hosts: Sequence[ModelHost], own: Mapping[str, int]) -> ModelHost | None:
    """The host with the least to do for each of its slots; None of none.

    `own` is how many tasks of the asking build each has: those that no worker has begun are counted nowhere
    else.
    """
    if not hosts:
        return None
    async with queue.redis() as client, client.pipeline() as pipe:
        for host in hosts:
            slots = _slots_key(queue, host)
            pipe.zcard(slots)
            pipe.xlen(f"{slots}:waiters")
        counts = await pipe.execute()
    load = {
        host: (counts[2 * place] + counts[2 * place + 1] + own.get(host.name, 0)) / host.slots
        for place, host in enumerate(hosts)
    }
    return min(hosts, key=lambda host: load[host])


async def wake(queue: Docket, hosts: Sequence[ModelHost]) -> None:
    """Have those who wait take the slots that are free.

    Docket does so when one is given back, and whoever it wakes may be gone by then: nobody would give that
    slot back, and wake the next.
    """
    async with queue.redis() as client:
        for host in hosts:
            slots = _slots_key(queue, host)
            await _concurrency._scavenge_and_wake(
                client,
                slots_key=slots,
                waiters_stream=f"{slots}:waiters",
                stream_key=queue.stream_key,
                queue_key=queue.queue_key,
                max_concurrent=host.slots,
                # Who is dead is for workers to say.
                stale_threshold=0,
                runs_prefix=f"{queue.prefix}:runs:",
                state_prefix=f"{queue.prefix}:state:",
                parked_prefix=f"{queue.prefix}:",
            )


def _scope(host: ModelHost) -> str:
    return f"host:{host.name}"


def _slots_key(queue: Docket, host: ModelHost) -> str:
    # As docket makes it of the scope and the name of what is limited.
    return f"{queue.prefix}:{_scope(host)}:concurrency:{PERFORM}"
