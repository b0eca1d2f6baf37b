"""The writer of one run: its updates in their order, many in one round trip, each of them exactly once.

An update that comes while others are on their way waits and goes with all that have come by then. When a
connection breaks, nobody knows which of the updates on it were done: they are sent again, and the server,
which keeps the number of every writer's last update, leaves out those it has.
"""

from __future__ import annotations

import asyncio
import secrets
from collections import deque
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass

from async_arch.document_writes import Write, arguments
from async_arch.redis_client import RedisConnection, redacted
from async_arch.redis_keys import RunKeys
from async_arch.redis_scripts import WRITE, Answer
from async_arch.state_store import NoState, StateUnavailable

__all__ = ["Conflict", "LeaseLost", "RedisWriter", "Written"]

_MOST_IN_ONE_TRIP = 64
_MOST_BYTES_IN_ONE_TRIP = 1 << 20
_MOST_ARGUMENTS_IN_ONE_TRIP = 10_000
_MOST_WAITING = 512
_MOST_WAITING_BYTES = 64 << 20


class LeaseLost(StateUnavailable):
    """Somebody else holds the run by now: nothing more is written for this owner."""


class Conflict(Exception):
    """What was read has been written by somebody else since."""


@dataclass(frozen=True, slots=True)
class Written:
    """An update that was written: what came of it, the version it made, the ids of appended items."""

    answer: Answer
    version: int
    idents: tuple[bytes, ...] = ()


@dataclass(slots=True)
class _Waiting:
    arguments: list[bytes]
    conditional: bool
    size: int
    written: asyncio.Future[Written]


class RedisWriter:
    """Writes updates of one run; at most some hundreds wait, who comes then waits with them.

    With a `token` (of a lease), nothing is written once somebody else has taken the run.
    """

    def __init__(self, connection: RedisConnection, keys: RunKeys, token: str = "") -> None:
        self._connection = connection
        self._keys = keys
        self._token = token.encode()
        self._name = secrets.token_hex(4).encode()
        self._last = 0
        self._queue: deque[_Waiting] = deque()
        self._bytes = 0
        self._come = asyncio.Event()
        self._room = asyncio.Condition()

    @asynccontextmanager
    async def running(self) -> AsyncIterator[RedisWriter]:
        """Write for as long as the block lasts; what still waits then is given up."""
        task = asyncio.create_task(self._run(), name=f"writer of {self._keys.run}")
        try:
            yield self
        finally:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task
            for waiting in self._queue:
                waiting.written.cancel()

    async def write(
        self,
        writes: Sequence[Write],
        *,
        task: str = "",
        expected_version: int | None = None,
        expected_sections: Mapping[bytes, int] | None = None,
    ) -> Written:
        """Do `writes` together; with `task`, only unless the effects of that task stand already.

        Raises `Conflict` where an expected version is another by now, `LeaseLost`, `NoState`, and
        `StateUnavailable` where the server stays away.
        """
        sections = expected_sections or {}
        conditions = [part for name, version in sections.items() for part in (name, b"%d" % version)]
        body = arguments(writes)
        while not self._has_room:
            async with self._room:
                await self._room.wait_for(lambda: self._has_room)
        self._last += 1
        expected = b"-" if expected_version is None else b"%d" % expected_version
        head = b"%d %b %d %d" % (self._last, expected, len(sections), len(body))
        parts = [head, task.encode(), *conditions, *body]
        conditional = expected_version is not None or bool(sections)
        written = asyncio.get_running_loop().create_future()
        waiting = _Waiting(parts, conditional, sum(map(len, parts)), written)
        # In the order of their numbers: a later one that came first would make this one look written.
        self._queue.append(waiting)
        self._bytes += waiting.size
        self._come.set()
        return self._judged(await waiting.written)

    @property
    def _has_room(self) -> bool:
        return len(self._queue) < _MOST_WAITING and self._bytes < _MOST_WAITING_BYTES

    def _judged(self, written: Written) -> Written:
        run, where = self._keys.run, redacted(self._connection.url)
        match written.answer:
            case Answer.FENCED:
                raise LeaseLost(f"run {run} has been taken over by somebody else")
            case Answer.CONFLICT:
                raise Conflict(f"run {run} was written by somebody else meanwhile")
            case Answer.ABSENT:
                raise NoState(f"run {run} has no state in Redis at {where} (any more)")
            case _:
                return written

    async def _run(self) -> None:
        while True:
            await self._come.wait()
            self._come.clear()
            while self._queue:
                batch = self._next_batch()
                await self._settle(batch)
                self._bytes -= sum(waiting.size for waiting in batch)
                async with self._room:
                    self._room.notify_all()

    def _next_batch(self) -> list[_Waiting]:
        batch: list[_Waiting] = []
        size = count = 0
        while self._queue and len(batch) < _MOST_IN_ONE_TRIP:
            size += self._queue[0].size
            count += len(self._queue[0].arguments)
            if batch and (size > _MOST_BYTES_IN_ONE_TRIP or count > _MOST_ARGUMENTS_IN_ONE_TRIP):
                break
            batch.append(self._queue.popleft())
            if batch[-1].conditional:
                # It may be refused, and if that answer is lost, a later one that was done makes it look done.
                break
        return batch

    async def _settle(self, batch: Sequence[_Waiting]) -> None:
        parts = [part for waiting in batch for part in waiting.arguments]
        try:
            answers = await self._connection.script(
                WRITE, self._keys["meta"], self._token, self._name, *parts
            )
        except Exception as error:
            # Whatever it is, nobody waits for ever for an answer that never comes.
            for waiting in batch:
                if not waiting.written.done():
                    waiting.written.set_exception(
                        StateUnavailable(str(error)) if isinstance(error, StateUnavailable) else error
                    )
            return
        for waiting, (word, version, *idents) in zip(batch, answers, strict=True):
            if not waiting.written.done():
                waiting.written.set_result(
                    Written(Answer(word.decode()), int(version), tuple(idents[0]) if idents else ())
                )
