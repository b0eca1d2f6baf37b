"""The queue of the tasks of builds: a docket in Redis, one for each version of the code.

Builds and workers of other code never see it: during a rolling upgrade the workers of either code do the
tasks of the builds of that code, and nobody has to give a task back.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import asdict, dataclass
from datetime import timedelta

import redis.exceptions
from docket import Docket
from docket.execution import Execution
from docket.strikelist import StrikeList

from async_arch.redis_client import redacted
from async_arch.state_store import StateUnavailable
from async_arch.workers.plain_data import confine

__all__ = ["DEFAULT_QUEUE", "OF_WORKER", "PERFORM", "TaskReference", "open_queue", "queue_name"]

DEFAULT_QUEUE = "default"
OF_WORKER = "*"
PERFORM = "perform"
"""The name under which workers know the doing of a task."""

_CODE_LENGTH = 16
_ANSWER_TIMEOUT_S = 5.0


@dataclass(frozen=True, slots=True)
class TaskReference:
    """A task in the queue: where its build and what it needs are found, and nothing of them.

    `token` is of the lease that the build's owner holds; `place` the task's in the build order; `host` is
    the model host that is to answer it, of which `slots` tasks are done at once; empty where the build's
    gateway sees to that, `OF_WORKER` where it is one of whoever does the task. `takeovers` is how many times
    workers were given the task before.
    """

    run: str
    task: str
    token: str
    place: int
    host: str = ""
    slots: int = 0
    takeovers: int = 0

    @property
    def key(self) -> str:
        """What docket knows the task by: it is not queued twice while it waits under one key."""
        return f"{self.run}:{self.token}:{self.task}"

    def arguments(self) -> dict[str, str | int]:
        """What lies in the queue."""
        return asdict(self)


class TaskQueue(Docket):
    """A docket that reads no pickled objects, keeps nothing of a task that has ended, and knows no others."""

    def __init__(self, name: str, url: str) -> None:
        super().__init__(name, url, execution_ttl=timedelta(0))
        self._no_strikes = StrikeList()
        # Docket's own, such as one that sleeps for as long as it is told.
        self.tasks.clear()

    @property
    def strike_list(self) -> StrikeList:
        """A list that nobody writes: whoever could put one into Redis could hold up all workers."""
        return self._no_strikes

    @strike_list.setter
    def strike_list(self, ignored: StrikeList) -> None:
        pass

    async def get_execution(self, key: str) -> Execution | None:
        """Not to be had: docket unpickles here with a module that it imports anew."""
        raise NotImplementedError(f"the execution of {key} is not read from Redis")


def queue_name(queue: str, code: str) -> str:
    """The name of the docket for builds with this fingerprint of the code; its keys begin with it."""
    return f"agentfactory:queue:{queue}:{code[:_CODE_LENGTH]}"


@asynccontextmanager
async def open_queue(url: str, queue: str, code: str, *, takes: bool = False) -> AsyncIterator[Docket]:
    """The queue of the builds of this `code` on the server at `url`.

    With `takes`, tasks are to be taken from it, for which more rights are needed. Raises `StateUnavailable`
    where the server does not answer or refuses.
    """
    confine()
    opened = TaskQueue(queue_name(queue, code), url)
    try:
        async with opened:
            opened.register(_perform, [PERFORM])
            if takes:
                try:
                    await _require_rights(opened)
                except TimeoutError as error:
                    raise StateUnavailable(f"no answer from Redis at {redacted(url)}") from error
            yield opened
    except (redis.exceptions.ResponseError, redis.exceptions.AuthenticationError) as error:
        raise StateUnavailable(f"Redis at {redacted(url)} refuses: {error}") from error
    except redis.exceptions.RedisError as error:
        raise StateUnavailable(f"no answer from Redis at {redacted(url)}: {error}") from error


async def _require_rights(queue: TaskQueue) -> None:
    """Do once what docket tries again and again where it may not: a worker would wait for ever."""
    async with asyncio.timeout(_ANSWER_TIMEOUT_S):
        async with queue.redis() as client:
            await client.script_load("return 1")
        await queue._ensure_stream_and_group()
        # What a worker asks of a task that it takes over.
        async with queue.redis() as client:
            await client.xpending_range(queue.stream_key, queue.worker_group_name, "-", "+", 1)
        async with queue._pubsub() as channel:
            await channel.psubscribe(queue.key("cancel:*"))
            confirmed = None
            while confirmed is None:
                confirmed = await channel.get_message(ignore_subscribe_messages=False, timeout=1.0)


async def _perform(
    run: str, task: str, token: str, place: int, host: str, slots: int, takeovers: int
) -> None:
    """What docket takes the names of the arguments from, where tasks are only put in."""
    raise NotImplementedError(f"{task} of {run} is done by a worker")
