"""What is behind the gateway: the model, as a protocol."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator, Mapping
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from typing import Protocol

from harness.gateway.canonical import CanonicalRequest

__all__ = ["ChatCall", "OtherCall", "Reply", "Upstream"]


@dataclass(frozen=True, slots=True)
class ChatCall:
    """A chat request that holds a slot: as it came (body, headers) and as it was understood."""

    request: CanonicalRequest
    stream: bool
    body: bytes
    headers: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class OtherCall:
    """A request to any endpoint but chat; `target` is its path and query without the run's prefix."""

    method: str
    target: str
    body: AsyncIterator[bytes] | None
    headers: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Reply:
    """An answer on its way: status and headers are known, the body comes in chunks."""

    status: int
    headers: Mapping[str, str]
    chunks: AsyncGenerator[bytes, None]


class Upstream(Protocol):
    """A model that speaks the Ollama API. Leaving the block gives the answer up where it is not yet whole.

    Entering the block and iterating over the chunks raise `UpstreamError` where no whole answer comes.
    """

    def chat(self, call: ChatCall) -> AbstractAsyncContextManager[Reply]:
        """Answer a chat request."""
        ...

    def other(self, call: OtherCall) -> AbstractAsyncContextManager[Reply]:
        """Answer any other request."""
        ...
