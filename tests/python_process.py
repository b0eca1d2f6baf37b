"""A process of this interpreter, ended with the block it is used in; and what shows that one is gone."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

__all__ = ["assert_what_it_owns_dies_with", "listens", "python"]


@asynccontextmanager
async def python(*arguments: str) -> AsyncIterator[Process]:
    """`python` with `arguments`, spoken to and heard through pipes."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, *arguments, stdin=PIPE, stdout=PIPE, stderr=PIPE
    )
    try:
        async with asyncio.timeout(40):
            yield process
    finally:
        if process.returncode is None:
            process.kill()
        await process.communicate()


def listens(port: int) -> bool:
    """Whether something listens at `port` of the loopback interface."""
    with socket.socket() as client:
        return client.connect_ex(("127.0.0.1", port)) == 0


async def assert_what_it_owns_dies_with(code: str) -> None:
    """Fail if the server whose port `code` prints outlives the process that runs it, killed by SIGKILL."""
    async with python("-c", code) as owner:
        assert owner.stdout is not None
        port = int(await owner.stdout.readline())
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        os.kill(owner.pid, signal.SIGKILL)
        assert await reader.read() == b""
        writer.close()
        with pytest.raises(ConnectionRefusedError):
            await asyncio.open_connection("127.0.0.1", port)
