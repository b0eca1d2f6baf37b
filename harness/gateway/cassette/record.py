"""Recording: what the model answers goes to the caller as it comes, and into the cassette when it is over."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing, asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from harness.gateway.cassette.cassette_file import CassetteError, append_entry, cassette_path
from harness.gateway.cassette.draft import Draft
from harness.gateway.clock import Clock
from harness.gateway.errors import NotRecorded, Refusal, UpstreamError
from harness.gateway.listing import STAND_IN_VERSION
from harness.gateway.upstream import ModelCall, OtherCall, Reply, Upstream

__all__ = ["RecordingUpstream"]

_FACTS_TIMEOUT_S = 5.0
_KEEP_TIMEOUT_S = 10.0


@dataclass(frozen=True, slots=True)
class _Facts:
    source: str
    digests: dict[str, str]
    digest_of_others: str
    """The digest of the model behind the names that are not listed."""


class RecordingUpstream:
    """An upstream whose exchanges are kept in the cassettes of `folder`.

    A call that its caller gave up has no answer to keep. `kind` says what answers, for people.
    """

    def __init__(self, upstream: Upstream, folder: Path, kind: str, clock: Clock) -> None:
        self._upstream = upstream
        self._folder = folder
        self._kind = kind
        self._clock = clock
        self._facts: asyncio.Task[_Facts] | None = None
        self._keeping: set[asyncio.Task[None]] = set()

    @classmethod
    @asynccontextmanager
    async def into(
        cls, folder: Path, upstream: Upstream, kind: str, clock: Clock
    ) -> AsyncIterator[RecordingUpstream]:
        """An upstream that records; when the block is left, what it began to keep is kept."""
        recording = cls(upstream, folder, kind, clock)
        try:
            yield recording
        finally:
            if recording._keeping:
                await asyncio.wait(recording._keeping, timeout=_KEEP_TIMEOUT_S)
            if recording._facts is not None:
                recording._facts.cancel()
                await asyncio.wait([recording._facts])

    @property
    def passes_on(self) -> bool:
        """As what is behind it does."""
        return self._upstream.passes_on

    @asynccontextmanager
    async def answer(self, call: ModelCall) -> AsyncIterator[Reply]:
        """Pass the request on, and keep the exchange."""
        granted_s = self._clock.now_s()
        async with self._upstream.answer(call) as reply:
            # Asked as soon as it answers, so that the first exchange need not wait for them.
            self._known_facts()
            # Counted from the host's slot, where there are several hosts.
            since_s = granted_s if reply.granted_s is None else reply.granted_s
            yield replace(reply, chunks=self._kept(call, reply, since_s))

    @asynccontextmanager
    async def other(self, call: OtherCall) -> AsyncIterator[Reply]:
        """Pass the request on."""
        async with self._upstream.other(call) as reply:
            yield reply

    async def _kept(self, call: ModelCall, reply: Reply, granted_s: float) -> AsyncGenerator[bytes, None]:
        draft = Draft(call.request, call.stream, reply.status)
        held = b""
        try:
            async with aclosing(reply.chunks) as source:
                async for chunk in source:
                    at_s = self._clock.now_s() - granted_s
                    # Of an answer that is one object the last chunk waits until the answer is kept: a caller
                    # that has it knows by its length that it has all, and hangs up.
                    goes, held = (chunk, b"") if draft.in_lines else (held, chunk)
                    try:
                        if goes:
                            yield goes
                    finally:
                        draft.add(at_s, chunk)
        except UpstreamError:
            # How a model's server breaks off is part of what it did, and is played again like the rest.
            await asyncio.shield(self._begin_to_keep(call, draft, whole=False))
            if held:
                yield held
            raise
        except (asyncio.CancelledError, GeneratorExit):
            # A caller that has read the end of a stream may hang up before the server has seen it.
            if draft.ended:
                self._begin_to_keep(call, draft, whole=True)
            raise
        await asyncio.shield(self._begin_to_keep(call, draft, whole=True))
        if held:
            yield held

    def _begin_to_keep(self, call: ModelCall, draft: Draft, *, whole: bool) -> asyncio.Task[None]:
        """Keep an exchange in a task of its own: it is kept to its end, whoever waits for it."""
        task = asyncio.create_task(self._keep(call, draft, whole=whole))
        self._keeping.add(task)
        task.add_done_callback(self._keeping.discard)
        return task

    async def _keep(self, call: ModelCall, draft: Draft, *, whole: bool) -> None:
        facts = await asyncio.shield(self._known_facts())
        model = call.request.model
        named = model if ":" in model.rpartition("/")[2] else f"{model}:latest"
        recorded_at = self._clock.wall().isoformat(timespec="milliseconds")

        def write() -> None:
            entry = draft.entry(
                whole=whole,
                run=call.run,
                recorded_at=recorded_at,
                source=facts.source,
                digest=facts.digests.get(named, facts.digest_of_others),
            )
            append_entry(cassette_path(self._folder, call.cassette), entry)

        try:
            await asyncio.to_thread(write)
        except CassetteError as problem:
            raise NotRecorded(f"the exchange could not be recorded: {problem}") from problem

    def _known_facts(self) -> asyncio.Task[_Facts]:
        if self._facts is None:
            self._facts = asyncio.create_task(self._ask_facts())
        return self._facts

    async def _ask_facts(self) -> _Facts:
        version = (await self._get("/api/version")).get("version", "")
        models = (await self._get("/api/tags")).get("models") or []
        digests = {
            entry["name"]: entry.get("digest") or ""
            for entry in models
            if isinstance(entry, dict) and isinstance(entry.get("name"), str)
        }
        stand_in = str(version).startswith(STAND_IN_VERSION)
        # What answers in place of an Ollama is called what it is, also where it is behind a URL.
        named = str(version).removeprefix(STAND_IN_VERSION) if stand_in else f"{self._kind} {version}".strip()
        # A stand-in with one model answers with it to every name; an Ollama has none but those it lists.
        every_name = stand_in and len(digests) == 1
        return _Facts(named, digests, *(digests.values() if every_name else [""]))

    async def _get(self, target: str) -> dict[str, Any]:
        """What the model's server says of itself; nothing where it does not say it in time."""
        try:
            async with asyncio.timeout(_FACTS_TIMEOUT_S):
                async with self._upstream.other(OtherCall("GET", target, None, {})) as reply:
                    body = b"".join([chunk async for chunk in reply.chunks])
            found = json.loads(body)
        except (Refusal, TimeoutError, ValueError):
            return {}
        return found if isinstance(found, dict) else {}
