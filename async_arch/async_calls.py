"""Calls to the model without a thread: aiohttp, and answers that are read in bulk.

What is sent is what the `ollama` client would send, and what comes back is read as it would read it, down to
the sentence of an error. `docs/decisions/0007-the-async-engine-reads-in-bulk.md` says why it is not used.
"""

from __future__ import annotations

import asyncio
import os
import random
import ssl
from collections.abc import Callable
from contextlib import aclosing
from http import HTTPStatus
from types import TracebackType
from typing import Self

import aiohttp
import pydantic

from agents.chat_protocol import (
    ModelAnswersError,
    ModelSettings,
    StreamReader,
    UnfamiliarLine,
    chat_body,
    decoded,
    model_error,
)
from agents.conversation import ModelError, ModelReply, ModelRequest
from agents.retries import backoff_s
from async_arch.bulk_reading import pieces
from async_arch.ollama_host import OllamaHost

__all__ = ["AsyncCalls"]

_CONNECT_TIMEOUT_S = 10.0
_HEADERS = {"Content-Type": "application/json", "Accept": "application/json"}
_CUT = "peer closed connection without sending complete message body (incomplete chunked read)"
_NO_ANSWER = "Server disconnected without sending a response."


class AsyncCalls:
    """Calls to the Ollama at `host`, or else at `OLLAMA_HOST`, each on a connection of its own."""

    def __init__(self, settings: ModelSettings, now: Callable[[], str], host: str | None = None) -> None:
        self._settings = settings
        self._now = now
        self._host = OllamaHost.parse(host or os.environ.get("OLLAMA_HOST"))
        self._url = f"{self._host.url}/api/chat"
        self._headers = dict(_HEADERS)
        if key := os.environ.get("OLLAMA_API_KEY"):
            self._headers["Authorization"] = f"Bearer {key}"
        self._session: aiohttp.ClientSession | None = None

    async def __aenter__(self) -> Self:
        secure = self._host.scheme == "https"
        self._session = aiohttp.ClientSession(
            # A connection that is kept open may be closed by the server in the moment it is used again. One
            # that is not ends with the answer, which is how the reading in bulk notices the end.
            connector=aiohttp.TCPConnector(
                limit=0, force_close=True, ssl=_certificates() if secure else True
            ),
            timeout=aiohttp.ClientTimeout(total=None, connect=_CONNECT_TIMEOUT_S),
            cookie_jar=aiohttp.DummyCookieJar(),
            headers=self._headers,
            proxy=self._host.proxy(),
            trust_env=False,
        )
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._session is not None:
            await self._session.close()

    async def __call__(self, request: ModelRequest) -> ModelReply:
        """Ask the model and wait for the whole answer; raises `ModelError`."""
        if request.retry:
            pause_s = backoff_s(request.retry, random.random())  # noqa: S311 (nothing to guess)
            await asyncio.sleep(pause_s)
        try:
            async with asyncio.timeout(self._settings.call_timeout_s):
                reader = await self._answer(chat_body(request, self._settings))
        except TimeoutError:
            limit_s = self._settings.call_timeout_s
            raise ModelError(f"no whole answer within {limit_s:g} s", at=self._now()) from None
        except (aiohttp.ClientError, OSError) as error:
            broken = ConnectionError(_sentence(error))
            raise model_error(broken, self._now(), broken_connection=True) from error
        except (ModelAnswersError, ValueError, RecursionError, pydantic.ValidationError) as error:
            raise model_error(error, self._now(), broken_connection=False) from error
        return reader.reply(self._now())

    async def _answer(self, body: bytes) -> StreamReader:
        if self._session is None:
            raise RuntimeError("calls are made inside their `async with` block")
        reader = StreamReader()
        async with self._session.post(self._url, data=body) as response:
            if not HTTPStatus.OK <= response.status < HTTPStatus.MULTIPLE_CHOICES:
                text = (await response.read()).decode("utf-8", "replace")
                raise ModelAnswersError(text, response.status)
            rest = b""
            async with aclosing(pieces(response)) as body_pieces:
                async for piece in body_pieces:
                    *lines, rest = (rest + piece).split(b"\n")
                    _feed(reader, lines)
            if rest:
                _feed(reader, [rest])
        return reader


def _feed(reader: StreamReader, lines: list[bytes]) -> None:
    for fields in decoded(lines):
        try:
            reader.feed_decoded(fields)
        except UnfamiliarLine as unfamiliar:
            # Not what an Ollama writes. The client of the other callers knows what it makes of it.
            import ollama

            reader.feed(ollama.ChatResponse.model_validate(unfamiliar.fields))


def _certificates() -> ssl.SSLContext:
    """Whom to trust, as the `ollama` client does."""
    import httpx

    return httpx.create_ssl_context()


def _sentence(error: Exception) -> str:
    """What went wrong with a connection, in the words of the `ollama` client."""
    if isinstance(error, aiohttp.ClientPayloadError):
        return _CUT
    if isinstance(error, aiohttp.ServerDisconnectedError):
        return _NO_ANSWER
    problem = error.os_error if isinstance(error, aiohttp.ClientConnectorError) else error
    if isinstance(problem, OSError) and problem.errno is not None and problem.errno > 0:
        return f"[Errno {problem.errno}] {os.strerror(problem.errno)}"
    return str(problem) or type(problem).__name__
