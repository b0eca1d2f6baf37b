"""The floor of a proxy, a process of its own: aiohttp passes a stream on as it comes, and no more."""

from __future__ import annotations

import asyncio
import sys

import aiohttp
from aiohttp import web


async def _main(behind: str) -> None:
    """Serve before the model at `behind` until stdin ends; the port is the one line on stdout."""
    async with aiohttp.ClientSession(
        connector=aiohttp.TCPConnector(limit=0, force_close=True), auto_decompress=False
    ) as session:

        async def pass_on(request: web.Request) -> web.StreamResponse:
            body = await request.read()
            async with session.post(f"{behind}{request.path}", data=body) as answer:
                response = web.StreamResponse(status=answer.status)
                response.content_type = answer.content_type
                await response.prepare(request)
                async for chunk in answer.content.iter_any():
                    await response.write(chunk)
                await response.write_eof()
                return response

        app = web.Application()
        app.router.add_post("/api/chat", pass_on)
        runner = web.AppRunner(app, access_log=None, handler_cancellation=True)
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", 0, backlog=1024)
        await site.start()
        print(site.port, flush=True)  # noqa: T201 (how the owner is told)
        await asyncio.to_thread(sys.stdin.read)
        await runner.cleanup()


if __name__ == "__main__":
    asyncio.run(_main(sys.argv[1]))
