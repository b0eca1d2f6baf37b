"""What is behind the gateway: the model, as a protocol."""

from __future__ import annotations

import json
from collections.abc import AsyncGenerator, AsyncIterator, Mapping
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from types import MappingProxyType
from typing import Protocol, Self

from harness.gateway.canonical import CanonicalRequest

__all__ = [
    "JSON_HEADERS",
    "NDJSON_HEADERS",
    "Missed",
    "ModelCall",
    "OtherCall",
    "Replayed",
    "Reply",
    "Upstream",
    "in_one_piece",
    "json_line",
]

JSON_HEADERS: Mapping[str, str] = MappingProxyType({"Content-Type": "application/json; charset=utf-8"})
NDJSON_HEADERS: Mapping[str, str] = MappingProxyType({"Content-Type": "application/x-ndjson"})
"""The headers of an answer that is one object, and of one that is a stream of lines."""


@dataclass(frozen=True, slots=True)
class ModelCall:
    """A request to the model that holds a slot: as it came (body, headers) and as it was understood.

    `run` is the run that makes it, `cassette` the name of the cassette that this run records or replays.
    `host` is the place of the host that is to answer it, among several, as long as that is not left out.
    """

    request: CanonicalRequest
    stream: bool
    body: bytes
    headers: Mapping[str, str]
    run: str = ""
    cassette: str = ""
    host: int | None = None


@dataclass(frozen=True, slots=True)
class OtherCall:
    """A request to any endpoint at which the model does not work.

    `target` is its path and query without the run's prefix.
    """

    method: str
    target: str
    body: AsyncIterator[bytes] | None
    headers: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Replayed:
    """Where a replayed answer comes from: the line of its entry in the cassette, from 1."""

    line: int
    repeated: bool
    """Whether the recorded answers were used up, so that the last one was given again."""


@dataclass(frozen=True, slots=True)
class Missed:
    """A request that the cassette does not hold, and the recorded one that is nearest to it, if any."""

    nearest: CanonicalRequest | None
    line: int | None


@dataclass(frozen=True, slots=True)
class Reply:
    """An answer on its way: status and headers are known, the body comes in chunks.

    `fault` is the rule that spoilt it; `origin` says how it was found in a cassette, or that it was not. Of
    several hosts `host` is the one that answers, from `granted_s` on by the gateway's clock; `moved_from`
    says why others that were asked before did not.
    """

    status: int
    headers: Mapping[str, str]
    chunks: AsyncGenerator[bytes, None]
    fault: str | None = None
    origin: Replayed | Missed | None = None
    host: str | None = None
    granted_s: float | None = None
    moved_from: tuple[str, ...] = ()

    @classmethod
    def made(
        cls,
        status: int,
        payload: Mapping[str, object],
        *,
        fault: str | None = None,
        origin: Replayed | Missed | None = None,
    ) -> Self:
        """An answer that is one object, and that the gateway made."""
        return cls(status, JSON_HEADERS, in_one_piece(json_line(payload)), fault, origin)


def json_line(payload: Mapping[str, object]) -> bytes:
    """`payload` as a line of JSON."""
    return json.dumps(payload, ensure_ascii=False).encode("utf-8", "replace") + b"\n"


async def in_one_piece(body: bytes) -> AsyncGenerator[bytes, None]:
    """The chunks of a body that comes at once."""
    yield body


class Upstream(Protocol):
    """A model that speaks the Ollama API. Leaving the block gives the answer up where it is not yet whole.

    Entering the block and iterating over the chunks raise `UpstreamError` where no whole answer comes.
    """

    @property
    def passes_on(self) -> bool:
        """Whether what is asked reaches a server of its own, which then says what it cannot read."""
        ...

    def answer(self, call: ModelCall) -> AbstractAsyncContextManager[Reply]:
        """Answer a request to the model."""
        ...

    def other(self, call: OtherCall) -> AbstractAsyncContextManager[Reply]:
        """Answer any other request."""
        ...
