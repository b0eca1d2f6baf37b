"""Replay: requests are answered from a cassette, at its pace or a share of it, and never otherwise."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from http import HTTPStatus
from pathlib import Path

from harness.gateway.cassette.cassette_file import (
    Cassette,
    CassetteError,
    cassette_path,
    read_cassette,
)
from harness.gateway.cassette.entry import Entry, played
from harness.gateway.cassette.nearest import nearest_entry
from harness.gateway.clock import Clock
from harness.gateway.errors import Refusal, UpstreamCut
from harness.gateway.listing import ListedModel, answer_of_list
from harness.gateway.upstream import (
    JSON_HEADERS,
    NDJSON_HEADERS,
    Missed,
    ModelCall,
    OtherCall,
    Replayed,
    Reply,
)

__all__ = ["ReplayUpstream"]


@dataclass(slots=True)
class _Shelf:
    """A cassette by key, and how many answers to each key every run has had."""

    cassette: Cassette
    whole_only: bool
    by_key: dict[str, list[tuple[int, Entry]]] = field(default_factory=dict)
    given: dict[tuple[str, str], int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for line, entry in self.cassette.entries:
            if self.whole_only and not (entry.whole and entry.status == HTTPStatus.OK):
                continue
            self.by_key.setdefault(entry.key, []).append((line, entry))

    def left(self, run: str, key: str) -> bool:
        """Whether `run` has not had all answers to the request with `key`."""
        return self.given.get((run, key), 0) < len(self.by_key.get(key, ()))

    def take(self, run: str, key: str) -> tuple[Replayed, Entry] | None:
        """The next answer for `run` to the request with `key`."""
        recorded = self.by_key.get(key)
        if not recorded:
            return None
        place = self.given.get((run, key), 0)
        self.given[run, key] = place + 1
        line, entry = recorded[min(place, len(recorded) - 1)]
        return Replayed(line, repeated=place >= len(recorded)), entry


class ReplayUpstream:
    """The cassettes of `folder` as a model. `time_scale` scales the recorded times; 0 answers at once.

    With `whole_only` what went wrong when it was recorded is left out.
    """

    passes_on = False

    def __init__(self, folder: Path, time_scale: float, clock: Clock, *, whole_only: bool = False) -> None:
        self._whole_only = whole_only
        self._folder = folder
        self._time_scale = time_scale
        self._clock = clock
        self._shelves: dict[str, asyncio.Task[_Shelf]] = {}

    async def has_left(self, call: ModelCall) -> bool:
        """Whether there is an answer to the request that its run has not had yet."""
        try:
            shelf = await self._shelf(call.cassette)
        except Refusal:
            # Without a cassette that can be read nothing was answered before.
            return False
        return shelf.left(call.run, call.request.hash)

    @asynccontextmanager
    async def answer(self, call: ModelCall) -> AsyncIterator[Reply]:
        """Answer as the cassette does; 404 in Ollama's form where it does not hold the request."""
        granted_s = self._clock.now_s()
        shelf = await self._shelf(call.cassette)
        # A lane's answers are given in their order because its calls come one after the other; the key is
        # made of all that tells lanes apart, so equal keys are equal lanes.
        found = shelf.take(call.run, call.request.hash)
        if found is None:
            near = await asyncio.to_thread(nearest_entry, call.request, shelf.cassette.entries)
            missed = Missed(near[1].request, near[0]) if near else Missed(None, None)
            yield Reply.made(HTTPStatus.NOT_FOUND, _not_recorded(call, missed), origin=missed)
            return
        origin, entry = found
        streamed = call.stream and entry.status == HTTPStatus.OK
        headers = NDJSON_HEADERS if streamed else JSON_HEADERS
        yield Reply(entry.status, headers, self._played(call, entry, granted_s), origin=origin)

    @asynccontextmanager
    async def other(self, call: OtherCall) -> AsyncIterator[Reply]:
        """Answer for `tags`, `ps`, `show` and `version`, the models being those of the cassettes."""
        models = await asyncio.to_thread(self._models)
        yield await answer_of_list(call, models, kind="replay", now=self._clock.wall())

    async def _shelf(self, name: str) -> _Shelf:
        if name not in self._shelves:
            self._shelves[name] = asyncio.create_task(asyncio.to_thread(self._read, name))
        try:
            return await asyncio.shield(self._shelves[name])
        except CassetteError as problem:
            raise Refusal(500, str(problem)) from problem

    def _read(self, name: str) -> _Shelf:
        return _Shelf(read_cassette(cassette_path(self._folder, name)), self._whole_only)

    def _models(self) -> list[ListedModel]:
        found: dict[str, str] = {}
        for path in sorted(self._folder.glob("*.jsonl")):
            try:
                entries = read_cassette(path).entries
            except CassetteError:
                continue
            found |= {entry.request.model: entry.digest for _, entry in entries}
        return [ListedModel(name, digest) for name, digest in found.items()]

    async def _played(self, call: ModelCall, entry: Entry, granted_s: float) -> AsyncGenerator[bytes, None]:
        stamp = self._clock.wall().isoformat().replace("+00:00", "Z")
        for at_s, line in played(entry, stream=call.stream, created_at=stamp):
            if self._time_scale:
                await self._clock.sleep_until(granted_s + at_s * self._time_scale)
            yield line
        if not entry.whole:
            raise UpstreamCut("the recorded answer broke off here")


def _not_recorded(call: ModelCall, missed: Missed) -> dict[str, object]:
    near = f"; the nearest is on line {missed.line}" if missed.line else ""
    return {"error": f"the cassette {call.cassette!r} does not hold this request: the prompt drifted{near}"}
