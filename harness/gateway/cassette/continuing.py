"""Going on from a cassette: what it holds is answered at once, all else by the model, and recorded."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from harness.gateway.cassette.record import RecordingUpstream
from harness.gateway.cassette.replay import ReplayUpstream
from harness.gateway.upstream import ModelCall, OtherCall, Reply

__all__ = ["ContinuingUpstream"]


class ContinuingUpstream:
    """Answers that were paid for already are given again, each as often as it was recorded."""

    def __init__(self, replay: ReplayUpstream, recording: RecordingUpstream) -> None:
        self._replay = replay
        self._recording = recording

    @property
    def passes_on(self) -> bool:
        """As what is behind it does."""
        return self._recording.passes_on

    @asynccontextmanager
    async def answer(self, call: ModelCall) -> AsyncIterator[Reply]:
        """The answer of the cassette where it has one left, else that of the model."""
        source = self._replay if await self._replay.has_left(call) else self._recording
        async with source.answer(call) as reply:
            yield reply

    @asynccontextmanager
    async def other(self, call: OtherCall) -> AsyncIterator[Reply]:
        """Ask the model's server."""
        async with self._recording.other(call) as reply:
            yield reply
