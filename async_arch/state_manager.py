"""The blackboard in Redis: fine-grained keys, so that a task writes what it did and nothing else."""

from __future__ import annotations

import asyncio
import json
import random
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

from agents.api import ModuleApi, read_api
from agents.blackboard import (
    ApiDesigned,
    AttemptMade,
    Entry,
    FileWritten,
    ProjectInfo,
    ProjectStatus,
    Section,
    changed_files,
    entries,
)
from agents.build import EventKind, TaskEvent
from agents.plan import Plan, read_plan
from agents.workflow import Reads, TaskReport
from async_arch.checkpoints import Checkpoint, Checkpoints, checkpoint_of
from async_arch.document_diff import difference
from async_arch.document_writes import Write, set_hash
from async_arch.entry_writes import PROJECT_INFO, entry_writes, first_writes, status_write
from async_arch.lifetime import begin
from async_arch.redis_client import DEFAULT_PATIENCE_S, RedisConnection, open_redis, redacted
from async_arch.redis_events import StreamedEvent, event_write, events_after
from async_arch.redis_keys import RUN_LIFETIME_S, SUFFIXES, RunKeys, member
from async_arch.redis_reads import read_document
from async_arch.redis_scripts import KEYS
from async_arch.redis_writer import Conflict, RedisWriter, Written
from async_arch.state_store import NoState, Readings, StateUnavailable
from async_arch.stored_document import Stored, as_bytes, as_text

__all__ = ["Assigned", "RedisStateManager", "TransactionConflict"]

_BRIEF = b"build"
_TRIES = 100
_APART_S = 0.001
_NOTHING = Readings({}, {})
_SMALL = 200
"""About how many bytes an event and a checkpoint are."""


@dataclass(frozen=True, slots=True)
class Assigned:
    """What stands in Redis of a task that is to be done; `brief` None where there is no such build."""

    brief: bytes | None
    ended: bool
    """Whether the task has been done already."""
    overtaken: bool
    """Whether the build has another owner by now: nothing that is written for this one would be kept."""


class TransactionConflict(Exception):
    """A transaction found what it had read changed, each time it tried."""


class RedisStateManager:
    """A `StateStore` in Redis. What a task did, its checkpoint and its event are written in one step.

    Any number of managers, in any processes, can work on one run. With the `token` of a lease, nothing is
    written any more once somebody else has taken the run; and as nobody else writes until then, what was
    reported here is read from memory.
    """

    def __init__(
        self, connection: RedisConnection, keys: RunKeys, writer: RedisWriter, *, alone: bool = False
    ) -> None:
        self._connection = connection
        self._keys = keys
        self._writer = writer
        self._alone = alone
        self._apis: dict[str, ModuleApi] = {}
        self._files: dict[str, str] = {}
        self._reported: set[str] = set()

    @classmethod
    @asynccontextmanager
    async def open(
        cls, url: str, run: str, *, token: str = "", patience_s: float = DEFAULT_PATIENCE_S
    ) -> AsyncIterator[RedisStateManager]:
        """The state of `run` on the server at `url`; raises as `open_redis` does.

        A server that goes away later is waited for, `patience_s` at most.
        """
        async with (
            open_redis(url, patience_s=patience_s) as connection,
            cls.on(connection, run, token) as state,
        ):
            yield state

    @classmethod
    @asynccontextmanager
    async def on(
        cls, connection: RedisConnection, run: str, token: str = ""
    ) -> AsyncIterator[RedisStateManager]:
        """The state of `run` over a connection that is open."""
        keys = RunKeys(run)
        async with RedisWriter(connection, keys, token).running() as writer:
            yield cls(connection, keys, writer, alone=bool(token))

    @property
    def run(self) -> str:
        """Whose state it is."""
        return self._keys.run

    @property
    def token(self) -> str:
        """Of the lease under which it writes; empty where it holds none."""
        return self._writer.token

    async def create(
        self, info: ProjectInfo, event: TaskEvent | None = None, *, lifetime_s: int = RUN_LIFETIME_S
    ) -> None:
        """Begin the state of a build, together with `event`; StateUnavailable where this run has one.

        Its keys stay for `lifetime_s` after the last write; `FOR_EVER` keeps them until they are deleted.
        """
        await self.begin(lifetime_s)
        more = [event_write(event)] if event else []
        try:
            await self._writer.write([*first_writes(info), *more], expected_version=0)
        except Conflict:
            where = redacted(self._connection.url)
            raise StateUnavailable(f"run {self._keys.run} already has state in Redis at {where}") from None

    async def begin(self, lifetime_s: int = RUN_LIFETIME_S) -> None:
        """Make sure that there is a document of this run; one that is not there yet begins empty."""
        await begin(self._connection, self._keys, lifetime_s)

    async def read(self, wanted: Reads) -> Readings:
        """Read what a task needs, in one round trip; KeyError where a part of it is not there."""
        if not (wanted.apis or wanted.files or wanted.all_files):
            return _NOTHING
        apis = {name: self._apis[name] for name in wanted.apis if name in self._apis}
        files = {path: self._files[path] for path in wanted.files if path in self._files}
        rest = Reads(
            tuple(name for name in wanted.apis if name not in apis),
            tuple(path for path in wanted.files if path not in files),
            wanted.all_files,
        )
        if not (rest.apis or rest.files or rest.all_files):
            return Readings(apis, files)
        await self._writer.settled()
        found = await self._read(rest)
        # In the order asked for: prompts name them in the order in which they are read.
        known = {**apis, **found.apis}
        apis = {name: known[name] for name in wanted.apis}
        if wanted.all_files:
            return Readings(apis, found.files)
        texts = {**files, **found.files}
        return Readings(apis, {path: texts[path] for path in wanted.files})

    async def _read(self, wanted: Reads) -> Readings:
        async def ask() -> list[Any]:
            async with self._connection.client.pipeline(transaction=False) as pipe:
                for name in wanted.apis:
                    pipe.hgetall(self._keys[member(Section.API_REGISTRY, name)])
                if wanted.all_files:
                    pipe.hgetall(self._keys["files"])
                elif wanted.files:
                    pipe.hmget(self._keys["files"], list(wanted.files))
                return await pipe.execute()

        found = await self._connection.ask(ask)
        apis = {name: _api(name, found.pop(0)) for name in wanted.apis}
        if wanted.all_files:
            texts = {as_text(path): as_text(content) for path, content in found.pop(0).items()}
            return Readings(apis, dict(sorted(texts.items())))
        files = dict(zip(wanted.files, found.pop(0) if wanted.files else (), strict=True))
        missing = [path for path, content in files.items() if content is None]
        if missing:
            raise KeyError(f"not in Redis: {', '.join(missing)}")
        return Readings(apis, {path: as_text(content) for path, content in files.items()})

    async def announce(self, event: TaskEvent) -> None:
        """Add `event` to the stream, and wake who waits for one."""
        if not self._writer.has_room:
            await self._writer.room()
        self._writer.put(lambda: [event_write(event)], size=len(event.detail) + _SMALL)

    async def report(self, report: TaskReport, place: int, event: TaskEvent) -> None:
        """Write what a task did, how it ended, and `event`; nothing where that task has reported already."""
        task = str(report.task)
        files = changed_files(report.changes)
        if self._alone and task not in self._reported:
            self._reported.add(task)
            self._files.update(files)
            for change in report.changes:
                if isinstance(change, ApiDesigned):
                    self._apis[change.module] = change.api

        def writes() -> list[Write]:
            checkpoint = set_hash("tasks", task.encode(), checkpoint_of(report).data)
            changes = entry_writes(entries(report.changes, place, event.at)) if report.changes else []
            return [*changes, *self._file_writes(files), checkpoint, event_write(event)]

        if not self._writer.has_room:
            await self._writer.room()
        self._writer.put(writes, size=_size(report), task=task)

    async def settled(self) -> None:
        """Return when everything that was written up to now is in Redis."""
        await self._writer.settled()

    async def add(self, new: Sequence[Entry], files: Mapping[str, str] | None = None) -> None:
        """Add entries to the blackboard, and write `files`."""
        if self._alone and files:
            self._files.update(files)
        await self._writer.write([*entry_writes(new), *self._file_writes(files or {})])

    async def finish(self, status: ProjectStatus, event: TaskEvent | None = None) -> None:
        """Set the final status, together with `event`, and give every key its whole lifetime."""
        more = [event_write(event)] if event else []
        await self._writer.write([status_write(status.value), *more])
        await self._connection.script(KEYS, self._keys["meta"], "expire", *SUFFIXES)

    async def delete(self) -> None:
        """Delete every key of the run."""
        await self._connection.script(KEYS, self._keys["meta"], "delete", *SUFFIXES)

    async def snapshot(self) -> dict[str, object]:
        """The blackboard as one JSON document, as it was at one moment."""
        await self._writer.settled()
        return (await read_document(self._connection, self._keys)).value

    async def transaction(
        self, sections: Sequence[str], change: Callable[[dict[str, object]], Mapping[str, object]]
    ) -> Written:
        """Read `sections` of the document, let `change` make new ones of them, and write what differs.

        Where somebody wrote one of them meanwhile, all of it is done anew with what stands there then, so
        `change` may be called several times. A section that `change` leaves out is removed. Raises
        `TransactionConflict` when that did not help, time after time.
        """
        await self._writer.settled()
        for turn in range(_TRIES):
            # Who collided is apart the next time.
            await asyncio.sleep(turn * random.uniform(0.0, _APART_S))  # noqa: S311
            before = await read_document(self._connection, self._keys, sections)
            after = difference(before, change(before.value))
            expected = {name: before.versions.get(name, 0) for name in map(as_bytes, sections)}
            try:
                return await self._writer.write(after.writes, expected_sections=expected)
            except Conflict:
                continue
        raise TransactionConflict(f"run {self._keys.run}: {', '.join(sections)} changed {_TRIES} times over")

    async def checkpoints(self) -> Checkpoints | None:
        """What the run has come to; None where it was never begun."""
        sections = (PROJECT_INFO.decode(), Section.ARCHITECTURE)
        await self._writer.settled()
        try:
            document = await read_document(self._connection, self._keys, sections)
        except NoState:
            return None
        tasks = await self._connection.command("HGETALL", self._keys["tasks"])
        project: Any = document.value.get(PROJECT_INFO.decode())
        if not project:
            return None
        plan: Any = document.value.get(Section.ARCHITECTURE)
        return Checkpoints(
            ProjectStatus(project["status"]),
            read_plan(plan) if plan else None,
            {task.decode(): Checkpoint.read(data) for task, data in tasks.items()},
        )

    async def plan(self) -> Plan | None:
        """The plan as it is now; None where there is none yet."""
        await self._writer.settled()
        document = await read_document(self._connection, self._keys, (Section.ARCHITECTURE,))
        plan: Any = document.value.get(Section.ARCHITECTURE)
        return read_plan(plan) if plan else None

    async def checkpoint(self, task: str) -> Checkpoint | None:
        """How the task of this name ended; None where it has not."""
        data = await self._connection.command("HGET", self._keys["tasks"], as_bytes(task))
        return Checkpoint.read(data) if data else None

    async def leave_brief(self, brief: bytes) -> None:
        """Write what workers are told of this build."""
        await self._writer.write([set_hash("brief", _BRIEF, brief)])

    async def assigned(self, task: str, token: str) -> Assigned:
        """What a worker finds that is to do `task` for the owner of the lease with this `token`."""

        async def ask() -> list[Any]:
            async with self._connection.client.pipeline(transaction=False) as pipe:
                pipe.hget(self._keys["meta"], "fence")
                pipe.hexists(self._keys["tasks"], task)
                pipe.hget(self._keys["brief"], _BRIEF)
                return await pipe.execute()

        fence, ended, brief = await self._connection.ask(ask)
        return Assigned(brief, bool(ended), overtaken=fence != token.encode())

    async def events(self) -> AsyncIterator[TaskEvent]:
        """The events from the first on, as they come, until the build is finished."""
        async for streamed in self.events_after():
            yield streamed.event
            if streamed.event.kind is EventKind.BUILD_FINISHED:
                return

    def events_after(self, ident: str = "0-0") -> AsyncGenerator[StreamedEvent, None]:
        """The events after the one with this id, as they come, without end; the first ones without it."""
        return events_after(self._connection, self._keys, ident)

    @staticmethod
    def _file_writes(files: Mapping[str, str]) -> list[Write]:
        return [set_hash("files", as_bytes(path), as_bytes(content)) for path, content in files.items()]


def _size(report: TaskReport) -> int:
    """About how many bytes are written for `report`: nearly all of it are prompts, answers and files."""
    size = _SMALL
    for change in report.changes:
        size += _SMALL
        if isinstance(change, AttemptMade):
            size += len(change.attempt.prompt) + len(change.attempt.answer)
        elif isinstance(change, FileWritten):
            size += len(change.content)
    return size


def _api(name: str, fields: Mapping[bytes, bytes]) -> ModuleApi:
    if not fields:
        raise KeyError(f"the API of {name} is not in Redis")
    return read_api({as_text(key): json.loads(Stored.read(data).json) for key, data in fields.items()})
