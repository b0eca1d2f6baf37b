"""One peer in this process: graphs come in by stdin, courses go out by stdout, a line of JSON each.

`python -m benchmarks.peers.serve MODULE[:NAME] [PACKAGE-OF-LOOP]`. It ends when stdin does.
"""

from __future__ import annotations

import asyncio
import importlib
import os
import sys
from collections.abc import Callable
from typing import IO

from benchmarks.peers.message import READY, graph_from, line_from
from benchmarks.peers.peer import Opened


async def _serve(opened: Opened, replies: IO[bytes]) -> None:
    async with opened() as run:
        replies.write(READY)
        replies.flush()
        while line := await asyncio.to_thread(sys.stdin.buffer.readline):
            replies.write(line_from(await run(*graph_from(line))))
            replies.flush()


def _loop_factory(name: str | None) -> Callable[[], asyncio.AbstractEventLoop] | None:
    if name is None:
        return None
    factory: Callable[[], asyncio.AbstractEventLoop] = importlib.import_module(name).new_event_loop
    return factory


def _main(peer: str, loop: str | None = None) -> None:
    # What a library prints must not look like a reply.
    replies = os.fdopen(os.dup(sys.stdout.fileno()), "wb")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
    module, _, name = peer.partition(":")
    opened: Opened = getattr(importlib.import_module(module), name or "opened")
    with replies, asyncio.Runner(loop_factory=_loop_factory(loop)) as runner:
        runner.run(_serve(opened, replies))


if __name__ == "__main__":
    _main(*sys.argv[1:])
