"""A proxy between a client and a server, with which a test lets the network misbehave.

    async with proxying(server) as proxy:
        client = connect(proxy.port)
        proxy.delay_s = 0.02
        async with proxy.away():
            ...

It listens on a port of the loopback interface, with TLS if it is given a context for that, and passes what
comes there on to a server at a unix socket or a TCP address; `proxy.server` may be exchanged at any time.
"""

from __future__ import annotations

import asyncio
import random
import socket
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

from tests.network.cuts import Cuts

__all__ = ["Address", "Proxy", "proxying"]

Address: TypeAlias = Path | tuple[str, int]
"""Where a server listens: the path of its socket, or its host and port."""

_CHUNK = 64 * 1024
_UNDER_WAY = 64
_TIMEOUT_S = 20.0


class Proxy:
    """A proxy that listens at `port`, and keeps that port while it is away."""

    def __init__(self, server: Address, port: int, tls: ssl.SSLContext | None) -> None:
        self.server = server
        self.port = port
        self.accepted = 0
        """How many connections there have been."""
        self.delay_s = 0.0
        """How late every chunk arrives, each way, at least."""
        self.jitter_s = 0.0
        """How much later than that at most; chunks keep their order."""
        self.cuts: Cuts | None = None
        """Where connections break."""
        self._tls = tls
        self._random = random.Random(0)  # noqa: S311 (nothing to guess)
        self._listener: asyncio.Server | None = None
        self._connections: dict[_Connection, asyncio.Task[None]] = {}
        self._commands_pass = _open_gate()
        self._answers_pass = _open_gate()

    @asynccontextmanager
    async def away(self) -> AsyncIterator[None]:
        """For the length of the block, connections are refused; those that there were are cut."""
        await self.disappear()
        try:
            yield
        finally:
            await self.appear()

    @asynccontextmanager
    async def hanging(self, *, commands: bool = True) -> AsyncIterator[None]:
        """For the length of the block, connections are accepted and kept, and no answer passes.

        With `commands=False` commands do, so that things are done of which the client does not know.
        """
        self._answers_pass.clear()
        if commands:
            self._commands_pass.clear()
        try:
            yield
        finally:
            self._answers_pass.set()
            self._commands_pass.set()

    def cut(self) -> None:
        """Cut every connection there is; what is under way on it is lost."""
        for connection in self._connections:
            connection.cut()

    async def appear(self) -> None:
        """Accept connections."""
        self._listener = await asyncio.start_server(self._accept, sock=_bound(self.port), ssl=self._tls)

    async def disappear(self) -> None:
        """Refuse connections, and cut those that there are."""
        if self._listener is not None:
            self._listener.close()
            self._listener = None
        tasks = list(self._connections.values())
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks, timeout=_TIMEOUT_S)

    def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self._listener is None:
            # It has shaken hands for so long that the proxy is gone.
            writer.transport.abort()
            return
        self.accepted += 1
        connection = _Connection(writer)
        task = asyncio.create_task(self._serve(reader, connection))
        self._connections[connection] = task
        task.add_done_callback(lambda _: self._connections.pop(connection))

    async def _serve(self, commands: asyncio.StreamReader, connection: _Connection) -> None:
        try:
            # A server that is not there is a connection that ends at once.
            with suppress(OSError):
                answers, connection.server = await self._connect()
                async with asyncio.TaskGroup() as group:
                    ways = (
                        (commands, connection.server, self._commands_pass),
                        (answers, connection.client, self._answers_pass),
                    )
                    for source, target, passes in ways:
                        late: asyncio.Queue[_Chunk] = asyncio.Queue(_UNDER_WAY)
                        group.create_task(self._receive(source, late))
                        group.create_task(self._deliver(late, target, passes, connection))
        finally:
            connection.cut()

    async def _connect(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        async with asyncio.timeout(_TIMEOUT_S):
            if isinstance(self.server, Path):
                return await asyncio.open_unix_connection(self.server)
            return await asyncio.open_connection(*self.server)

    async def _receive(self, source: asyncio.StreamReader, late: asyncio.Queue[_Chunk]) -> None:
        chunk = b"not yet the end"
        while chunk:
            chunk = b""
            with suppress(OSError):
                chunk = await source.read(_CHUNK)
            delay_s = self.delay_s + self._random.random() * self.jitter_s
            await late.put(_Chunk(chunk, asyncio.get_running_loop().time() + delay_s))

    async def _deliver(
        self,
        late: asyncio.Queue[_Chunk],
        target: asyncio.StreamWriter,
        passes: asyncio.Event,
        connection: _Connection,
    ) -> None:
        while (chunk := await late.get()).content:
            await asyncio.sleep(chunk.due - asyncio.get_running_loop().time())
            await passes.wait()
            passed = self.cuts.before(len(chunk.content)) if self.cuts else None
            if not target.is_closing():
                target.write(chunk.content[:passed])
            if passed is not None:
                connection.cut()
            with suppress(OSError):
                await target.drain()
        target.close()


@dataclass(frozen=True, slots=True)
class _Chunk:
    """What was read at one time, and when it may arrive; the end is empty."""

    content: bytes
    due: float


@dataclass(slots=True, eq=False)
class _Connection:
    client: asyncio.StreamWriter
    server: asyncio.StreamWriter | None = None

    def cut(self) -> None:
        self.client.transport.abort()
        if self.server is not None:
            self.server.transport.abort()


@asynccontextmanager
async def proxying(server: Address, tls: ssl.SSLContext | None = None) -> AsyncIterator[Proxy]:
    """A proxy before `server`, with TLS in front if `tls` is given."""
    # Bound and never listening: the port stays ours while the proxy is away, and connections are refused.
    with _bound() as holder:
        proxy = Proxy(server, holder.getsockname()[1], tls)
        try:
            await proxy.appear()
            yield proxy
        finally:
            await proxy.disappear()


def _bound(port: int = 0) -> socket.socket:
    bound = socket.socket()
    bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
    bound.bind(("127.0.0.1", port))
    return bound


def _open_gate() -> asyncio.Event:
    gate = asyncio.Event()
    gate.set()
    return gate
