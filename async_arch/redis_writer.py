"""The writer of one run: its updates in their order, many in one round trip, each of them exactly once.

An update that comes while others are on their way waits and goes with all that have come by then. One that
nobody waits for (`put`) waits a moment longer, and only then is it made: tasks that a burst of them made
ready begin first. Where more wait than go at once, the next are made while Redis does those before. When a
connection breaks, nobody knows which of the updates on it were done: they are sent again, and the server,
which keeps the number of every writer's last update, leaves out those it has.
"""

from __future__ import annotations

import asyncio
import secrets
from collections import deque
from collections.abc import AsyncIterator, Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field

from async_arch.document_writes import Write, arguments
from async_arch.redis_client import RedisConnection, redacted
from async_arch.redis_keys import RunKeys
from async_arch.redis_scripts import WRITE, Answer
from async_arch.state_store import NoState, StateUnavailable

__all__ = ["Conflict", "LeaseLost", "RedisWriter", "Written"]

_MOST_IN_ONE_TRIP = 256
_MOST_AWAITED_IN_ONE_TRIP = 64
"""While one trip is on its way, those who were waiting for the trip before make the next updates."""
_MADE_AT_ONCE = 16
"""How many updates are made before others have a turn."""
_MOST_BYTES_IN_ONE_TRIP = 1 << 20
_MOST_ARGUMENTS_IN_ONE_TRIP = 10_000
_MOST_WAITING = 32_768
_MOST_WAITING_BYTES = 64 << 20
_GATHER_S = 0.001
"""How long an update that nobody waits for waits for company, and again for as long as more come."""
_GATHER_ROUNDS = 12
"""How often it waits, at most."""
_MOST_GATHERED = 1024
"""With so many there, no more are waited for."""


_DONE = frozenset(answer.value.encode() for answer in (Answer.OK, Answer.AGAIN, Answer.DONE))


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


_Arguments = list[bytes]


@dataclass(slots=True)
class _Waiting:
    """An update in the queue: `size` is of what it was before it was made, about that of what it will be."""

    number: int
    task: str
    writes: Callable[[], Sequence[Write]]
    size: int
    expected: bytes = b"-"
    conditions: list[bytes] = field(default_factory=list)
    written: asyncio.Future[Written] | None = None

    @property
    def conditional(self) -> bool:
        return self.expected != b"-" or bool(self.conditions)

    def arguments(self) -> _Arguments:
        """The update as the script takes it."""
        body = arguments(self.writes())
        sections = len(self.conditions) // 2
        head = b"%d %b %d %d" % (self.number, self.expected, sections, len(body))
        return [head, self.task.encode(), *self.conditions, *body]


@dataclass(frozen=True, slots=True)
class _Batch:
    """Updates in their order, and those of them that could be made, for one trip each."""

    taken: list[_Waiting]
    trips: list[list[tuple[_Waiting, _Arguments]]]


class RedisWriter:
    """Writes updates of one run; at most some ten thousands wait, who comes then waits with them.

    With a `token` (of a lease), nothing is written once somebody else has taken the run.
    """

    def __init__(self, connection: RedisConnection, keys: RunKeys, token: str = "") -> None:
        self._connection = connection
        self._keys = keys
        self._token = token.encode()
        self._name = secrets.token_hex(4).encode()
        self._last = 0
        self._queue: deque[_Waiting] = deque()
        self._taken: deque[_Waiting] = deque()
        self._bytes = 0
        self._come = asyncio.Event()
        self._urgent = asyncio.Event()
        self._look = asyncio.Event()
        self._room = asyncio.Condition()
        self._in_want_of_room = 0
        self._awaited = 0
        self._settled = 0
        self._to_settle: deque[tuple[int, asyncio.Future[None]]] = deque()
        self._broken: Exception | None = None

    @property
    def token(self) -> str:
        """Of the lease under which it writes; empty where it holds none."""
        return self._token.decode()

    @asynccontextmanager
    async def running(self) -> AsyncIterator[RedisWriter]:
        """Write for as long as the block lasts, and what came until its end; not after an error."""
        task = asyncio.create_task(self._run(), name=f"writer of {self._keys.run}")
        try:
            yield self
            # Whoever had to know has asked: what breaks now is of no more interest than what broke before.
            if self._broken is None:
                with suppress(StateUnavailable):
                    await self.settled()
        finally:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task
            for waiting in (*self._taken, *self._queue):
                if waiting.written is not None:
                    waiting.written.cancel()
            for _, settled in self._to_settle:
                settled.cancel()

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
        expected = b"-" if expected_version is None else b"%d" % expected_version
        written: asyncio.Future[Written] = asyncio.get_running_loop().create_future()
        size = sum(len(part) for write in writes for part in write.args)
        await self.room()
        self._queue_up(_Waiting(0, task, lambda: writes, size, expected, conditions, written))
        self._hurry()
        return self._judged(await written)

    @property
    def has_room(self) -> bool:
        """Whether `put` can be called without waiting for `room` first."""
        return self._broken is None and len(self._queue) < _MOST_WAITING and self._bytes < _MOST_WAITING_BYTES

    def put(self, writes: Callable[[], Sequence[Write]], *, size: int, task: str = "") -> None:
        """Take the place of an update among the others; what it writes is made when its turn comes.

        `size` is about how many bytes that will be. Returns before anything is written; what keeps it from
        being written is raised by whatever is waited for next.
        """
        self._queue_up(_Waiting(0, task, writes, size))

    async def settled(self) -> None:
        """Return when all that has come up to now is written; raises what kept something of it from that."""
        self._raise_what_broke()
        if self._settled < self._last:
            settled: asyncio.Future[None] = asyncio.get_running_loop().create_future()
            self._to_settle.append((self._last, settled))
            self._hurry()
            await settled
            self._raise_what_broke()

    async def room(self) -> None:
        """Return when there is room for another update; raises what kept an earlier one from being done."""
        self._raise_what_broke()
        while not self.has_room:
            self._hurry()
            self._in_want_of_room += 1
            try:
                async with self._room:
                    await self._room.wait_for(lambda: self.has_room or self._broken is not None)
            finally:
                self._in_want_of_room -= 1
            self._raise_what_broke()

    def _queue_up(self, waiting: _Waiting) -> None:
        # In the order of their numbers: a later one that came first would make this one look written.
        self._last += 1
        waiting.number = self._last
        self._queue.append(waiting)
        self._bytes += waiting.size
        self._awaited += waiting.written is not None
        self._come.set()

    def _raise_what_broke(self) -> None:
        if self._broken is not None:
            raise self._broken

    def _judged(self, written: Written) -> Written:
        run = self._keys.run
        match written.answer:
            case Answer.FENCED:
                raise LeaseLost(f"run {run} has been taken over by somebody else")
            case Answer.CONFLICT:
                raise Conflict(f"run {run} was written by somebody else meanwhile")
            case Answer.ABSENT:
                where = redacted(self._connection.url)
                raise NoState(f"run {run} has no state in Redis at {where} (any more)")
            case _:
                return written

    async def _run(self) -> None:
        while True:
            await self._come.wait()
            self._come.clear()
            ahead: _Batch | None = None
            while ahead or self._queue:
                if ahead is None:
                    await self._gathered()
                batch, ahead = ahead or await self._next_batch(), None
                if len(self._queue) < _MOST_IN_ONE_TRIP:
                    await self._send_all(batch)
                    continue
                # More than the next trip can take is there already: nothing is gained by making it later.
                async with asyncio.TaskGroup() as group:
                    group.create_task(self._send_all(batch))
                    ahead = await self._next_batch()

    async def _next_batch(self) -> _Batch:
        """The updates that go next. While they are made others have turns: a task that is due, a trip."""
        taken = self._take()
        made: list[_Arguments | None] = []
        for number, waiting in enumerate(taken, start=1):
            made.append(self._made(waiting))
            if number % _MADE_AT_ONCE == 0:
                await asyncio.sleep(0)
        return _Batch(taken, list(self._trips(taken, made)))

    async def _send_all(self, batch: _Batch) -> None:
        """Send a batch, and tell whoever waited for it, or for room."""
        for trip in batch.trips:
            await self._send(trip)
        for waiting in batch.taken:
            self._bytes -= waiting.size
            self._awaited -= waiting.written is not None
            self._taken.popleft()
        self._settled = batch.taken[-1].number
        self._tell_settled()
        if self._to_settle or self._awaited:
            self._urgent.set()
        if self._in_want_of_room:
            async with self._room:
                self._room.notify(len(batch.taken))

    async def _gathered(self) -> None:
        """Return when somebody waits for an update, many are there, or no more come for a moment."""
        loop = asyncio.get_running_loop()
        for _ in range(_GATHER_ROUNDS):
            before = len(self._queue)
            if self._urgent.is_set() or before >= _MOST_GATHERED:
                break
            now = loop.call_later(_GATHER_S, self._look.set)
            self._look.clear()
            await self._look.wait()
            now.cancel()
            if len(self._queue) == before:
                break
        self._urgent.clear()

    def _hurry(self) -> None:
        self._urgent.set()
        self._look.set()

    def _tell_settled(self) -> None:
        while self._to_settle and (self._broken or self._to_settle[0][0] <= self._settled):
            settled = self._to_settle.popleft()[1]
            if not settled.done():
                settled.set_result(None)

    def _take(self) -> list[_Waiting]:
        batch: list[_Waiting] = []
        size = 0
        # A few at the end of a long queue wait for what is before them, and that goes faster in whole trips.
        mostly_awaited = 2 * self._awaited > len(self._queue)
        most = _MOST_AWAITED_IN_ONE_TRIP if mostly_awaited else _MOST_IN_ONE_TRIP
        while self._queue and len(batch) < most:
            size += self._queue[0].size
            if batch and size > _MOST_BYTES_IN_ONE_TRIP:
                break
            batch.append(self._queue.popleft())
            if batch[-1].conditional:
                # It may be refused, and if that answer is lost, a later one that was done makes it look done.
                break
        self._taken.extend(batch)
        return batch

    def _made(self, waiting: _Waiting) -> _Arguments | None:
        """The update as it is sent; None for one that cannot be said in bytes, and fails alone."""
        try:
            return waiting.arguments()
        except Exception as error:
            self._fail(waiting, error)
            return None

    @staticmethod
    def _trips(
        taken: Sequence[_Waiting], made: Iterable[_Arguments | None]
    ) -> Iterator[list[tuple[_Waiting, _Arguments]]]:
        """What was made of the updates, in one trip or more."""
        trip: list[tuple[_Waiting, _Arguments]] = []
        count = 0
        for waiting, parts in zip(taken, made, strict=True):
            if parts is None:
                continue
            count += len(parts)
            if trip and count > _MOST_ARGUMENTS_IN_ONE_TRIP:
                yield trip
                trip, count = [], len(parts)
            trip.append((waiting, parts))
        if trip:
            yield trip

    async def _send(self, made: Sequence[tuple[_Waiting, _Arguments]]) -> None:
        batch = [waiting for waiting, _ in made]
        parts = [part for _, arguments in made for part in arguments]
        try:
            answers = await self._connection.script(
                WRITE, self._keys["meta"], self._token, self._name, *parts
            )
        except Exception as error:
            # Whatever it is, nobody waits for ever for an answer that never comes.
            for waiting in batch:
                self._fail(
                    waiting, StateUnavailable(str(error)) if isinstance(error, StateUnavailable) else error
                )
            return
        for waiting, answer in zip(batch, answers, strict=True):
            word, version, *idents = (b"OK", answer) if type(answer) is int else answer
            if waiting.written is None:
                if word in _DONE:
                    continue
                try:
                    self._judged(Written(Answer(word.decode()), int(version)))
                except (LeaseLost, NoState) as error:
                    self._broken = self._broken or error
            elif not waiting.written.done():
                ids = tuple(idents[0]) if idents else ()
                waiting.written.set_result(Written(Answer(word.decode()), int(version), ids))

    def _fail(self, waiting: _Waiting, error: Exception) -> None:
        if waiting.written is None:
            self._broken = self._broken or error
        elif not waiting.written.done():
            waiting.written.set_exception(error)
