"""How long people wait: for `harness --help`, and from `harness compare` until the model is asked first.

    uv run pytest --benchmark benchmarks/test_start_up.py

The compiled code of everything is kept in a folder of the benchmark's own, as in an environment that was used
before. Beside them the bare interpreter is started, and one that loads what draws the help: the floors.
"""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
import time
from asyncio.subprocess import DEVNULL
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from statistics import median

from benchmarks.results import Results
from benchmarks.scale import Scale

ROUNDS = {Scale.ONCE: 1, Scale.QUICK: 4, Scale.FULL: 31}
HELP_S = 0.3
FIRST_CALL_S = 1.5
BARE = "python -c pass"
DRAWING = "import typer, rich"

_SPEC = """\
name: start-up
idea: A notebook with notes.
"""
_MODEL = "llama3.1:latest"
_TIMEOUT_S = 60.0


async def test_the_help_and_the_first_call_of_a_comparison_are_soon_there(
    scale: Scale, results: Results, tmp_path: Path
) -> None:
    environment = _environment(None if scale is Scale.ONCE else tmp_path / "compiled")
    spec = tmp_path / "spec.yaml"
    spec.write_text(_SPEC)

    async def run(*arguments: str) -> float:
        began_s = time.monotonic()
        process = await asyncio.create_subprocess_exec(
            sys.executable, *arguments, stdout=DEVNULL, env=environment, cwd=tmp_path
        )
        async with asyncio.timeout(_TIMEOUT_S):
            assert await process.wait() == 0
        return time.monotonic() - began_s

    sides: dict[str, Callable[[], Awaitable[float]]] = {
        BARE: lambda: run("-c", "pass"),
        DRAWING: lambda: run("-c", DRAWING),
        "harness --help": lambda: run("-m", "harness.cli", "--help"),
        "harness compare": lambda: _until_first_call(spec, environment),
    }
    if scale is not Scale.ONCE:
        for side in sides.values():
            await side()
    took_s: dict[str, list[float]] = {name: [] for name in sides}
    for _ in range(ROUNDS[scale]):
        for name, side in sides.items():
            took_s[name].append(await side())

    for name, values in took_s.items():
        results.figure("Start-up", _CASES.get(name, name), name, median(values), "s")
    judged = scale is not Scale.ONCE
    for name, limit_s in (("harness --help", HELP_S), ("harness compare", FIRST_CALL_S)):
        results.ratio(
            "Start-up",
            _CASES[name],
            name,
            [value / limit_s for value in took_s[name]],
            over=f"{limit_s:g} s",
            at_most=1.0 if judged else None,
        )
        for floor in (BARE, DRAWING):
            pairs = zip(took_s[name], took_s[floor], strict=True)
            results.ratio(
                "Start-up", _CASES[name], name, [value / least for value, least in pairs], over=floor
            )


_CASES = {"harness --help": "until its end", "harness compare": "until the first call to the model"}


def _environment(compiled: Path | None) -> dict[str, str]:
    """The environment of what is measured: it finds this project, and where given, keeps compiled code."""
    kept = {name: value for name, value in os.environ.items() if name != "OLLAMA_HOST"}
    kept["PYTHONPATH"] = str(Path(__file__).parents[1])
    if compiled is not None:
        kept.pop("PYTHONDONTWRITEBYTECODE", None)
        kept["PYTHONPYCACHEPREFIX"] = str(compiled)
    return kept


async def _until_first_call(spec: Path, environment: dict[str, str]) -> float:
    """Seconds from the start of a comparison until a model elsewhere was asked; then it is stopped."""
    async with _awaiting_ollama() as (url, asked):
        began_s = time.monotonic()
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "harness.cli", "compare", str(spec), "--model", f"ollama:{url}"),
            stdout=DEVNULL,
            stderr=DEVNULL,
            env=environment,
            cwd=spec.parent,
        )
        ended = asyncio.create_task(process.wait())
        try:
            await asyncio.wait({asked, ended}, timeout=_TIMEOUT_S, return_when=asyncio.FIRST_COMPLETED)
            assert asked.done(), f"it asked no model and ended with {process.returncode}"
            return asked.result() - began_s
        finally:
            with suppress(ProcessLookupError):
                process.send_signal(signal.SIGTERM)
            await ended


@asynccontextmanager
async def _awaiting_ollama() -> AsyncIterator[tuple[str, asyncio.Future[float]]]:
    """The URL of an Ollama that never answers a chat, and when it was asked to, on the monotonic clock."""
    asked: asyncio.Future[float] = asyncio.get_running_loop().create_future()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while (line := await reader.readuntil(b"\r\n\r\n")).startswith(b"GET "):
                told = _VERSION if b"/api/version" in line.splitlines()[0] else _TAGS
                writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s" % (len(told), told))
            if not asked.done():
                asked.set_result(time.monotonic())
            await reader.read()
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    try:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}", asked
    finally:
        server.close()
        await server.wait_closed()


_VERSION = json.dumps({"version": "0.12.3"}).encode()
_TAGS = json.dumps({"models": [{"name": _MODEL, "model": _MODEL}]}).encode()
