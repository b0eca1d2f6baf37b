"""Where no model is: every call is turned down, and says so."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from http import HTTPStatus

from harness.gateway.errors import UpstreamError
from harness.gateway.upstream import ModelCall, OtherCall, Reply

__all__ = ["AbsentUpstream"]

_TOLD = (
    "this build has no model of its own: its tasks are done by workers that have one (harness worker --model)"
)


class AbsentUpstream:
    """Turns down whatever is asked."""

    passes_on = False

    @asynccontextmanager
    async def answer(self, call: ModelCall) -> AsyncIterator[Reply]:
        """Raise `UpstreamError`."""
        raise UpstreamError(HTTPStatus.NOT_FOUND, _TOLD)
        yield

    @asynccontextmanager
    async def other(self, call: OtherCall) -> AsyncIterator[Reply]:
        """Raise `UpstreamError`."""
        raise UpstreamError(HTTPStatus.NOT_FOUND, _TOLD)
        yield
