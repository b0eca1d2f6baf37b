"""The slots of a model host: how many tasks are done with it at once, over all workers and builds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from docket import ConcurrencyLimit, Docket
from docket.dependencies import current_execution

from async_arch.workers.settings import ModelHost

__all__ = ["HostSlots", "least_busy"]

_ARGUMENT = "host"


class HostSlots(ConcurrencyLimit):
    """Docket's limit, for each host by the slots that the task names; none where it names no host.

    A task that finds no slot free waits in Redis, and the worker goes on with others.
    """

    def __init__(self) -> None:
        super().__init__(_ARGUMENT, max_concurrent=1)

    async def __aenter__(self) -> ConcurrencyLimit:
        execution = current_execution.get()
        if not execution.get_argument(_ARGUMENT):
            return self
        limit = ConcurrencyLimit(_ARGUMENT, max_concurrent=execution.get_argument("slots"))
        return await limit.__aenter__()


async def least_busy(queue: Docket, hosts: Sequence[ModelHost], own: Mapping[str, int]) -> ModelHost | None:
    """The host with the least to do for each of its slots; None of none.

    `own` is how many tasks of the asking build each has: those that no worker has begun are counted nowhere
    else.
    """
    if not hosts:
        return None
    async with queue.redis() as client, client.pipeline() as pipe:
        for host in hosts:
            slots = f"{queue.prefix}:concurrency:{_ARGUMENT}:{host.url}"
            pipe.zcard(slots)
            pipe.xlen(f"{slots}:waiters")
        counts = await pipe.execute()
    load = {
        host: (counts[2 * place] + counts[2 * place + 1] + own.get(host.url, 0)) / host.slots
        for place, host in enumerate(hosts)
    }
    return min(hosts, key=lambda host: load[host])
