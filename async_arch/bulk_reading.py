"""The reading of an answer in large pieces, for who needs it only when it is whole.

A stream of 200 chunks wakes its reader 200 times, and being woken costs more than all that is then done with
the chunk. The kernel can be told to wait until there is more (`SO_RCVLOWAT`). It wakes the reader when the
connection ends, too. So this is done where the server has said that it closes the connection after the
answer, which is then whole as soon as it would be otherwise.
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncGenerator
from contextlib import suppress

import aiohttp

__all__ = ["pieces"]

_WORTH_WAKING_BYTES = 32 * 1024
_LOOK_AGAIN_S = 1.0
"""How long what came may lie there where neither enough of it nor the end comes: a server that sends an error
and then nothing more, or one that does not close what it said it would."""


async def pieces(response: aiohttp.ClientResponse) -> AsyncGenerator[bytes, None]:
    """The body of `response` in few pieces, of at least 32 KB where it is that long."""
    loop = asyncio.get_running_loop()
    connection = _closing(response)
    while True:
        look_again = None
        if connection is not None:
            _wake_at(connection, _WORTH_WAKING_BYTES)
            look_again = loop.call_later(_LOOK_AGAIN_S, _wake_at, connection, 1)
        try:
            piece = await response.content.readany()
        finally:
            if look_again is not None:
                look_again.cancel()
        if not piece:
            return
        yield piece


def _closing(response: aiohttp.ClientResponse) -> socket.socket | None:
    """The socket of `response`, if its end is the end of the answer."""
    if response.connection is None or response.headers.get("Connection", "").lower() != "close":
        return None
    transport = response.connection.transport
    found = None if transport is None else transport.get_extra_info("socket")
    return found if found is not None and hasattr(socket, "SO_RCVLOWAT") else None


def _wake_at(connection: socket.socket, size: int) -> None:
    """Have the reader of `connection` woken when `size` bytes are there, or its end."""
    # It may be closed by now; and where the system knows no such thing, the reader is woken as ever.
    with suppress(OSError):
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVLOWAT, size)
