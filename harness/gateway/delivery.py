"""A delivery: one answer on its way to one client."""

from __future__ import annotations

from contextlib import aclosing

from aiohttp import web
from aiohttp.hdrs import METH_HEAD

from harness.gateway.errors import Refusal
from harness.gateway.upstream import Reply

__all__ = ["Delivery", "refusal_response"]


class Delivery:
    """The answer to one request, passed on chunk by chunk."""

    def __init__(self, request: web.Request) -> None:
        self._request = request
        self._response: web.StreamResponse | None = None

    async def pass_on(self, reply: Reply) -> web.StreamResponse:
        """Send the reply as it comes.

        Nothing is sent before the first chunk is there, so that an error up to then can still be answered
        with a status of its own.
        """
        response = web.StreamResponse(status=reply.status, headers=reply.headers)
        # What is sent after the head of an answer to HEAD, the client takes for the next answer.
        has_body = self._request.method != METH_HEAD
        async with aclosing(reply.chunks) as chunks:
            async for chunk in chunks:
                if self._response is None:
                    await self._begin(response)
                if has_body:
                    await response.write(chunk)
        if self._response is None:
            await self._begin(response)
        await response.write_eof()
        return response

    async def _begin(self, response: web.StreamResponse) -> None:
        self._response = response
        await response.prepare(self._request)

    def break_off(self, refusal: Refusal) -> web.StreamResponse:
        """Answer with the refusal, or, where an answer has begun, cut the connection.

        To end such an answer in order would pass it off as whole.
        """
        if self._response is None:
            return refusal_response(refusal)
        if self._request.transport is not None:
            self._request.transport.close()
        return self._response


def refusal_response(refusal: Refusal) -> web.Response:
    """A refusal in the form of Ollama's errors."""
    return web.json_response({"error": refusal.message}, status=refusal.status)
