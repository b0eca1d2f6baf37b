"""The blackboard in Redis: fine-grained keys, so that a task writes what it did and nothing else."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import redis.asyncio
import redis.exceptions
from redis.asyncio.client import Pipeline
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff

from agents.api import ModuleApi, read_api
from agents.blackboard import Entry, ProjectInfo, ProjectStatus, Section, changed_files, document, entries
from agents.build import EventKind, TaskEvent
from agents.workflow import Reads, TaskReport
from async_arch.redis_keys import RUN_LIFETIME_S, RunKeys
from async_arch.state_store import Readings, StateUnavailable

__all__ = ["RedisStateManager", "open_redis", "redacted"]

_ANSWER_TIMEOUT_S = 10.0
_LISTEN_MS = 1000
_CONNECTIONS = 32


def redacted(url: str) -> str:
    """`url` without its password."""
    parts = urlsplit(url)
    if parts.password is None:
        return url
    host = parts.netloc.rpartition("@")[2]
    return urlunsplit(parts._replace(netloc=f"{parts.username or ''}:***@{host}"))


@asynccontextmanager
async def open_redis(
    url: str, *, answer_timeout_s: float = _ANSWER_TIMEOUT_S
) -> AsyncIterator[redis.asyncio.Redis]:
    """A client for the server at `url` (redis://, rediss:// or unix://) that has answered a PING.

    Raises `StateUnavailable` where none answers, ValueError where `url` is not one.
    """
    pool = redis.asyncio.BlockingConnectionPool.from_url(
        url,
        # RESP2 is what every server speaks, and what the client's return shapes are made for.
        protocol=2,
        decode_responses=True,
        max_connections=_CONNECTIONS,
        timeout=answer_timeout_s,
        socket_timeout=answer_timeout_s,
        socket_connect_timeout=min(5.0, answer_timeout_s),
        # A repeated transaction would announce its event twice.
        retry=Retry(NoBackoff(), 0),
    )
    async with redis.asyncio.Redis(connection_pool=pool) as client:
        try:
            with _reached(url):
                await client.ping()
            yield client
        finally:
            await pool.disconnect()


class RedisStateManager:
    """A `StateStore` in Redis. What a task did and its event are written in one transaction."""

    def __init__(self, client: redis.asyncio.Redis, run: str, *, where: str) -> None:
        self._client = client
        self._keys = RunKeys(run)
        self._where = where

    @classmethod
    @asynccontextmanager
    async def open(cls, url: str, run: str) -> AsyncIterator[RedisStateManager]:
        """The state of `run` on the server at `url`; raises as `open_redis` does."""
        async with open_redis(url) as client:
            yield cls(client, run, where=url)

    async def create(self, info: ProjectInfo) -> None:
        """Begin the state of a build; StateUnavailable where this run already has one."""
        with _reached(self._where):
            begun = await self._client.hsetnx(self._keys.info, "idea", info.idea)
            if not begun:
                raise StateUnavailable(f"run {self._keys.run} already has state in {redacted(self._where)}")
            async with self._transaction(self._keys.info) as pipe:
                pipe.hset(
                    self._keys.info, mapping={"created_at": info.created_at, "status": info.status.value}
                )

    async def read(self, wanted: Reads) -> Readings:
        """Read what a task needs, in one round trip."""
        registry = self._keys.board(Section.API_REGISTRY)
        with _reached(self._where):
            async with self._client.pipeline(transaction=False) as pipe:
                if wanted.apis:
                    pipe.hmget(registry, list(wanted.apis))
                if wanted.all_files:
                    pipe.hgetall(self._keys.files)
                elif wanted.files:
                    pipe.hmget(self._keys.files, list(wanted.files))
                found = await pipe.execute()
        apis: dict[str, ModuleApi] = {}
        for name, text in zip(wanted.apis, found.pop(0) if wanted.apis else (), strict=True):
            if text is None:
                raise KeyError(f"the API of {name} is not in Redis")
            apis[name] = read_api(_mapping(json.loads(text)["value"]))
        if wanted.all_files:
            return Readings(apis, dict(sorted(found.pop(0).items())))
        files = dict(zip(wanted.files, found.pop(0) if wanted.files else (), strict=True))
        missing = [path for path, content in files.items() if content is None]
        if missing:
            raise KeyError(f"not in Redis: {', '.join(missing)}")
        return Readings(apis, files)

    async def announce(self, event: TaskEvent) -> None:
        """Add `event` to the stream and publish it."""
        with _reached(self._where):
            async with self._transaction(self._keys.events) as pipe:
                self._tell(pipe, event)

    async def report(self, report: TaskReport, place: int, event: TaskEvent) -> None:
        """Write what a task did, together with `event`, in one transaction."""
        written = entries(report.changes, place, event.at)
        by_key: dict[str, dict[Any, Any]] = {}
        for entry in written:
            by_key.setdefault(self._keys.board(entry.section), {})[_field(entry)] = _packed(entry)
        files = changed_files(report.changes)
        if files:
            by_key[self._keys.files] = dict(files)
        with _reached(self._where):
            async with self._transaction(*by_key, self._keys.events) as pipe:
                for key, fields in by_key.items():
                    pipe.hset(key, mapping=fields)
                self._tell(pipe, event)

    async def finish(self, status: ProjectStatus, event: TaskEvent) -> None:
        """Set the final status, together with `event`."""
        with _reached(self._where):
            async with self._transaction(self._keys.info, self._keys.events) as pipe:
                pipe.hset(self._keys.info, "status", status.value)
                self._tell(pipe, event)

    async def snapshot(self) -> dict[str, object]:
        """The blackboard as one JSON document, read in one transaction."""
        with _reached(self._where):
            async with self._client.pipeline(transaction=True) as pipe:
                pipe.hgetall(self._keys.info)
                for section in Section:
                    pipe.hgetall(self._keys.board(section))
                info, *boards = await pipe.execute()
        if not info:
            raise StateUnavailable(f"run {self._keys.run} has no state in {redacted(self._where)}")
        parts = [
            _unpacked(section, field, text)
            for section, fields in zip(Section, boards, strict=True)
            for field, text in fields.items()
        ]
        status = ProjectStatus(info["status"])
        return document(ProjectInfo(info["idea"], info["created_at"], status), parts)

    async def events(self) -> AsyncIterator[TaskEvent]:
        """The events from the first on, as they come, until the build is finished."""
        last = "0"
        while True:
            with _reached(self._where):
                answer: Any = await self._client.xread({self._keys.events: last}, block=_LISTEN_MS)
            for _, messages in answer or ():
                for number, fields in messages:
                    last = number
                    event = TaskEvent(
                        EventKind(fields["kind"]), fields["at"], fields["task"], fields["detail"]
                    )
                    yield event
                    if event.kind is EventKind.BUILD_FINISHED:
                        return

    @asynccontextmanager
    async def _transaction(self, *keys: str) -> AsyncIterator[Pipeline]:
        """A MULTI that is executed at the end of the block and renews the lifetime of `keys`."""
        async with self._client.pipeline(transaction=True) as pipe:
            yield pipe
            for key in keys:
                pipe.expire(key, RUN_LIFETIME_S)
            await pipe.execute()

    def _tell(self, pipe: Pipeline, event: TaskEvent) -> None:
        fields: dict[Any, Any] = {
            "kind": event.kind.value,
            "at": event.at,
            "task": event.task,
            "detail": event.detail,
        }
        pipe.xadd(self._keys.events, fields)
        # Pub/Sub forgets, the stream does not: who is woken reads the stream.
        pipe.publish(self._keys.events, json.dumps(fields, ensure_ascii=False))


@contextmanager
def _reached(url: str) -> Iterator[None]:
    """Turn the errors of a server that does not answer into `StateUnavailable`, and keep cancellations."""
    task = asyncio.current_task()
    asked = task.cancelling() if task else 0
    try:
        yield
    except (
        redis.exceptions.ConnectionError,
        redis.exceptions.TimeoutError,
        redis.exceptions.ReadOnlyError,
        OSError,
    ) as error:
        reason = " ".join(str(error).split()).rstrip(".") or type(error).__name__
        raise StateUnavailable(f"no answer from Redis at {redacted(url)}: {reason}") from error
    # The client sends through asyncio.wait_for, which in Python 3.11 can swallow a cancellation.
    if task is not None and task.cancelling() > asked:
        raise asyncio.CancelledError


def _field(entry: Entry) -> str:
    place, number = entry.position
    return entry.key or f"{place}.{number}"


def _packed(entry: Entry) -> str:
    return json.dumps({"position": entry.position, "value": entry.value}, ensure_ascii=False)


def _unpacked(section: Section, field: str, text: str) -> Entry:
    data = json.loads(text)
    place, number = data["position"]
    is_mapping = field != f"{place}.{number}"
    return Entry(section, (place, number), field if is_mapping else "", data["value"])


def _mapping(value: object) -> Mapping[str, object]:
    if not isinstance(value, dict):
        raise TypeError(f"expected a mapping, found {type(value).__name__}")
    return value
