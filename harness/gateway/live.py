"""A real Ollama as an upstream: what it says is passed on as it comes."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator, Mapping
from contextlib import asynccontextmanager
from io import BytesIO

import aiohttp
from multidict import CIMultiDict
from yarl import URL

from harness.gateway.answer import ENDED_EARLY
from harness.gateway.errors import UpstreamCut, UpstreamTimeout, UpstreamUnreachable
from harness.gateway.upstream import ModelCall, OtherCall, Reply

__all__ = ["LiveUpstream"]

_CONNECT_TIMEOUT_S = 5.0
_NOT_FORWARDED = frozenset(
    {
        "connection",
        "expect",
        "host",
        "keep-alive",
        "proxy-authenticate",
        "proxy-authorization",
        "proxy-connection",
        "te",
        "trailer",
        "transfer-encoding",
        "upgrade",
    }
)
"""Headers that belong to one connection and not to the message (RFC 9110, 7.6.1), and the host's name."""
_NOT_ADDED = ("Accept", "Accept-Encoding", "Content-Type", "User-Agent")


class LiveUpstream:
    """An Ollama at a URL, which may be silent for `timeout_s` at most, before its answer and within it.

    `called` is what people call it, in what is said of its failures.
    """

    passes_on = True

    def __init__(
        self, session: aiohttp.ClientSession, url: str, timeout_s: float, called: str | None = None
    ) -> None:
        self._session = session
        self._url = url.rstrip("/")
        self._timeout_s = timeout_s
        self._called = called or f"Ollama at {self._url}"

    @classmethod
    @asynccontextmanager
    async def connected(
        cls, url: str, timeout_s: float, called: str | None = None
    ) -> AsyncIterator[LiveUpstream]:
        """An upstream with the client session it needs."""
        # A connection per call: one kept open may be closed by the server in the moment it is used again,
        # which would look like a call that failed; a new one costs 0.2 ms. And no limit to them: queueing is
        # the slots' work alone.
        connector = aiohttp.TCPConnector(limit=0, force_close=True)
        timeout = aiohttp.ClientTimeout(
            total=None, sock_connect=min(_CONNECT_TIMEOUT_S, timeout_s), sock_read=timeout_s
        )
        async with aiohttp.ClientSession(
            connector=connector,
            timeout=timeout,
            cookie_jar=aiohttp.DummyCookieJar(),
            auto_decompress=False,
            trust_env=False,
        ) as session:
            yield cls(session, url, timeout_s, called)

    @asynccontextmanager
    async def answer(self, call: ModelCall) -> AsyncIterator[Reply]:
        """Pass a request to the model on; its answer comes uncompressed, to be read in passing."""
        headers = _forwarded(call.headers)
        headers["Accept-Encoding"] = "identity"
        async with self._exchange("POST", call.request.endpoint, BytesIO(call.body), headers) as reply:
            yield reply

    @asynccontextmanager
    async def other(self, call: OtherCall) -> AsyncIterator[Reply]:
        """Pass any other request on as it is."""
        async with self._exchange(call.method, call.target, call.body, _forwarded(call.headers)) as reply:
            yield reply

    @asynccontextmanager
    async def _exchange(
        self,
        method: str,
        target: str,
        body: BytesIO | AsyncIterator[bytes] | None,
        headers: CIMultiDict[str],
    ) -> AsyncIterator[Reply]:
        try:
            response = await self._session.request(
                method,
                URL(self._url + target, encoded=True),
                data=body,
                headers=headers,
                skip_auto_headers=_NOT_ADDED,
                allow_redirects=False,
            )
        except aiohttp.ClientConnectorError as problem:
            raise UpstreamUnreachable(f"cannot reach {self._called}") from problem
        except aiohttp.ConnectionTimeoutError as problem:
            raise UpstreamUnreachable(f"no connection to {self._called} in time") from problem
        except TimeoutError as problem:
            raise self._silent() from problem
        except (aiohttp.ClientError, OSError) as problem:
            raise UpstreamUnreachable(f"{self._called} gave no answer: {problem}") from problem
        async with response:
            yield Reply(response.status, _forwarded(response.headers), self._chunks(response))

    async def _chunks(self, response: aiohttp.ClientResponse) -> AsyncGenerator[bytes, None]:
        try:
            async for chunk in response.content.iter_any():
                yield chunk
        except TimeoutError as problem:
            raise self._silent() from problem
        except (aiohttp.ClientError, OSError) as problem:
            raise UpstreamCut(f"{ENDED_EARLY}: {self._called} broke off") from problem

    def _silent(self) -> UpstreamTimeout:
        return UpstreamTimeout(f"{self._called} sent nothing for {self._timeout_s:g} s")


def _forwarded(headers: Mapping[str, str]) -> CIMultiDict[str]:
    """The headers that belong to the message, each as often as it stands there."""
    return CIMultiDict((name, value) for name, value in headers.items() if name.lower() not in _NOT_FORWARDED)
