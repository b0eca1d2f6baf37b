"""The mirror of a document that leads elsewhere: each of its states goes to Redis as a difference."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from statistics import median

from agents.build import MirrorReport
from async_arch.document_diff import difference
from async_arch.document_writes import Write, set_hash
from async_arch.lifetime import begin
from async_arch.read_back import not_as_written
from async_arch.redis_client import RedisConnection
from async_arch.redis_keys import RUN_LIFETIME_S, RunKeys
from async_arch.redis_reads import read_document
from async_arch.redis_scripts import Answer
from async_arch.redis_writer import Conflict, RedisWriter
from async_arch.state_store import StateUnavailable
from async_arch.stored_document import StoredDocument, as_bytes, digest

__all__ = ["DocumentMirror", "MirrorDrift", "MirrorFollower", "Saved"]

_log = logging.getLogger(__name__)

_TRIES = 20
_PAUSE_S = 0.2


class MirrorDrift(StateUnavailable):
    """What was written does not lie in Redis as it was meant to; the message says where."""


@dataclass(frozen=True, slots=True)
class Saved:
    """What it took to write a state: so many writes, of so many bytes."""

    writes: int
    size: int


class DocumentMirror:
    """The document of one run in Redis, made equal to one given document after another, and read back."""

    def __init__(self, connection: RedisConnection, keys: RunKeys, writer: RedisWriter) -> None:
        self._connection = connection
        self._keys = keys
        self._writer = writer
        self._stored: StoredDocument | None = None

    @classmethod
    @asynccontextmanager
    async def on(
        cls, connection: RedisConnection, run: str, *, lifetime_s: int = RUN_LIFETIME_S, new: bool = False
    ) -> AsyncIterator[DocumentMirror]:
        """The mirror of `run`; its document is begun where there is none.

        Where it is `new`, begun by the caller and empty, it is neither begun nor read first; should something
        be in it all the same, it is read then.
        """
        keys = RunKeys(run)
        async with RedisWriter(connection, keys).running() as writer:
            if not new:
                await begin(connection, keys, lifetime_s)
            mirror = cls(connection, keys, writer)
            mirror._stored = StoredDocument() if new else None
            yield mirror

    async def save(self, document: Mapping[str, object], facts: Mapping[str, str] | None = None) -> Saved:
        """Make the document in Redis equal to `document`; returns what that took.

        `facts` about it are kept with the run (in the hash `meta`), changed in the same step. Raises
        `MirrorDrift` where it does not lie there as written, `StateUnavailable` where Redis does not answer.
        """
        about = [set_hash("meta", as_bytes(name), as_bytes(text)) for name, text in (facts or {}).items()]
        for _ in range(_TRIES):
            saved = await self._try(document, about)
            if saved is not None:
                return saved
        raise MirrorDrift(f"run {self._keys.run}: somebody else writes its document all the time")

    async def drift_from(self, document: Mapping[str, object]) -> bool:
        """Whether the whole document in Redis, read anew, is another than `document`."""
        self._stored = await read_document(self._connection, self._keys)
        return digest(self._stored.value) != digest(document)

    async def _try(self, document: Mapping[str, object], about: list[Write]) -> Saved | None:
        before = self._stored
        if before is None:
            before = await read_document(self._connection, self._keys)
        # Until all of it is known to be done, nothing is known of what lies there.
        self._stored = None
        done = difference(before, document)
        if done.writes or about:
            try:
                written = await self._writer.write([*done.writes, *about], expected_version=before.version)
            except Conflict:
                return None
            if written.answer is not Answer.OK:
                # It was done, and the answer that told the ids was lost.
                return None
            for item, ident in zip(done.appended, written.idents, strict=True):
                item.ident = ident
            done.document.version = written.version
            if before.sections:
                wrong = await not_as_written(self._connection, self._keys, done)
            else:
                # All of it was written, and to read all of it is one question.
                found = await read_document(self._connection, self._keys)
                if found.version != written.version:
                    return None
                wrong = found.other_sections(done.document)
            if wrong:
                raise MirrorDrift(f"run {self._keys.run}: not in Redis as written: {', '.join(wrong[:5])}")
        self._stored = done.document
        return Saved(len(done.writes), sum(len(part) for write in done.writes for part in write.args))


@dataclass(slots=True)
class _Offer:
    document: Mapping[str, object]
    number: int
    at_s: float


@dataclass(slots=True)
class MirrorFollower:
    """Mirrors the latest of the documents that it is offered, beside the work that makes them.

    Who offers never waits and never fails: JSON leads. While Redis is away, only the latest document is kept.
    """

    _mirror: DocumentMirror
    _latest: _Offer | None = None
    _come: asyncio.Event = field(default_factory=asyncio.Event)
    _settled: asyncio.Event = field(default_factory=asyncio.Event)
    _saves: int = 0
    _verified: int = 0
    _done: int = 0
    _problem: str | None = None
    _lags_s: list[float] = field(default_factory=list)

    @classmethod
    @asynccontextmanager
    async def on(
        cls, connection: RedisConnection, run: str, *, lifetime_s: int = RUN_LIFETIME_S
    ) -> AsyncIterator[MirrorFollower]:
        """A follower that works for as long as the block lasts."""
        async with DocumentMirror.on(connection, run, lifetime_s=lifetime_s) as mirror:
            follower = cls(mirror)
            task = asyncio.create_task(follower._follow(), name=f"mirror of {run}")
            try:
                yield follower
            finally:
                task.cancel()
                with suppress(asyncio.CancelledError):
                    await task

    def offer(self, document: Mapping[str, object]) -> None:
        """Take the next state of the document, which must not be changed afterwards."""
        self._saves += 1
        self._latest = _Offer(document, self._saves, time.monotonic())
        self._settled.clear()
        self._come.set()

    async def finish(self, timeout_s: float) -> MirrorReport:
        """Wait until the last state is in Redis, at most so long, and compare all of it once more."""
        caught_up = drifted = False
        try:
            async with asyncio.timeout(timeout_s):
                if self._saves:
                    await self._settled.wait()
                if self._latest is not None:
                    drifted = await self._mirror.drift_from(self._latest.document)
                    caught_up = not drifted
        except TimeoutError:
            self._problem = self._problem or f"not caught up within {timeout_s:g} s"
        except Exception as error:
            self._note(error)
        return MirrorReport(
            self._saves,
            self._verified,
            caught_up,
            drifted,
            self._problem,
            median(self._lags_s) if self._lags_s else None,
            max(self._lags_s, default=None),
        )

    async def _follow(self) -> None:
        while True:
            await self._come.wait()
            self._come.clear()
            offer = self._latest
            if offer is None or offer.number == self._done:
                continue
            try:
                await self._mirror.save(offer.document, {"saves": str(offer.number)})
            except Exception as error:
                self._note(error)
                # The next save comes with all of this one; the last is tried until there is no time left.
                self._come.set()
                await asyncio.sleep(_PAUSE_S)
                continue
            self._done = offer.number
            self._verified += 1
            self._lags_s.append(time.monotonic() - offer.at_s)
            if self._latest is offer:
                self._settled.set()

    def _note(self, error: Exception) -> None:
        """Keep what went wrong; no bug in here may fail the run, for which JSON leads."""
        if isinstance(error, StateUnavailable):
            self._problem = str(error)
        else:
            _log.error("the mirror broke", exc_info=error)
            self._problem = f"{type(error).__name__}: {error}"
