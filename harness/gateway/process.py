"""A gateway process, owned: started, spoken to through its control API, and stopped."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING

from harness.gateway.calls import CallRecord, RunLog, RunMarks, RunProgress
from harness.gateway.control_requests import OpenRun, authorization
from harness.gateway.errors import GatewayDied, GatewayError, GatewayRefused, Refusal
from harness.gateway.journal import read_journal
from harness.gateway.owned_process import OwnedProcess, Told, owned_process
from harness.gateway.settings import LOOPBACK, GatewaySettings
from harness.gateway.started_process import GATEWAY_MODULE, StartedProcess

if TYPE_CHECKING:
    import aiohttp

__all__ = ["Gateway", "running_gateway"]

_START_TIMEOUT_S = 20.0
_CONTROL_TIMEOUT_S = 60.0
_DEATH_TIMEOUT_S = 1.0


class Gateway:
    """A gateway process that serves, as its owner sees it. Its methods raise `GatewayError`."""

    def __init__(
        self, process: OwnedProcess, session: aiohttp.ClientSession, address: str = LOOPBACK
    ) -> None:
        self._url = f"http://{_in_url(address)}:{process.port}"
        self._process = process
        self._session = session
        self._journals: dict[str, Path] = {}

    @property
    def pid(self) -> int:
        """The process id of the gateway."""
        return self._process.pid

    def ollama_host(self, run_id: str) -> str:
        """The value of `OLLAMA_HOST` for the engine of a run."""
        return f"{self._url}/r/{run_id}"

    async def open_run(
        self, run_id: str, slots: int, cassette: str = "", journal: Path | None = None
    ) -> None:
        """Take calls for a new run, of which `slots` at a time reach the model.

        `cassette` names the one that the run records or replays, where the gateway has a folder of them.
        `journal` is a file that every call is written to as it ends, so that it outlives the gateway; where
        it holds calls of an earlier sitting, the run goes on from them.
        """
        wanted = OpenRun(id=run_id, slots=slots, cassette=cassette, journal=journal)
        await self._control("POST", "", wanted.model_dump_json())
        if journal is not None:
            self._journals[run_id] = journal

    async def begin(self, run_id: str) -> None:
        """Set the mark from which the run's times count."""
        await self._control("POST", f"/{run_id}/begin")

    async def end(self, run_id: str) -> RunLog:
        """End the run, give up its calls under way, and read its log, of which the gateway keeps nothing."""
        marks = RunMarks.model_validate_json(await self._control("POST", f"/{run_id}/end"))
        # A run has megabytes of records; reading them must not stop the owner's loop.
        journal = self._journals.pop(run_id, None)
        if journal is not None:
            try:
                return RunLog(**dict(marks), calls=await asyncio.to_thread(read_journal, journal))
            except (OSError, Refusal) as problem:
                raise GatewayError(f"the calls of run {run_id!r} cannot be read: {problem}") from problem
        lines = await self._control("GET", f"/{run_id}/calls")
        calls = await asyncio.to_thread(_records, lines)
        await self._control("DELETE", f"/{run_id}/calls")
        return RunLog(**dict(marks), calls=calls)

    async def progress(self, run_id: str) -> RunProgress:
        """How far the run has come."""
        return RunProgress.model_validate_json(await self._control("GET", f"/{run_id}/progress"))

    async def _control(self, method: str, path: str, body: str | None = None) -> bytes:
        import aiohttp

        try:
            async with self._session.request(
                method, f"{self._url}/control/runs{path}", data=body
            ) as response:
                content = await response.read()
                if response.ok:
                    return content
                reason = (await response.json())["error"]
        except (aiohttp.ClientError, TimeoutError, OSError) as problem:
            raise await self._fault(problem) from problem
        raise GatewayRefused(f"the gateway refused: {reason}")

    async def _fault(self, problem: Exception) -> GatewayError:
        try:
            async with asyncio.timeout(_DEATH_TIMEOUT_S):
                status = await self._process.wait()
        except TimeoutError:
            return GatewayError(f"the gateway does not answer ({type(problem).__name__})")
        return GatewayDied(f"the gateway died with exit status {status}", self._process.last_words())


@asynccontextmanager
async def running_gateway(
    settings: Told[GatewaySettings], started: StartedProcess | None = None
) -> AsyncIterator[Gateway]:
    """A gateway process of these settings that serves, and is gone when the block is left.

    Where they are still to be found out, the process loads meanwhile; `started` is one that does so already.
    """
    token, address = "", LOOPBACK

    async def found() -> GatewaySettings:
        nonlocal token, address
        told = settings if isinstance(settings, GatewaySettings) else await settings()
        token, address = told.token, told.address
        # What the process is spoken to with is loaded on both sides at once.
        await asyncio.to_thread(import_module, "aiohttp")
        return told

    async with owned_process(
        GATEWAY_MODULE, found, called="the gateway", start_timeout_s=_START_TIMEOUT_S, started=started
    ) as process:
        import aiohttp

        async with aiohttp.ClientSession(
            headers=authorization(token),
            timeout=aiohttp.ClientTimeout(total=_CONTROL_TIMEOUT_S),
            # A connection of its own for each request: there are few, and none that went stale.
            connector=aiohttp.TCPConnector(force_close=True),
        ) as session:
            yield Gateway(process, session, address)


def _in_url(address: str) -> str:
    return f"[{address}]" if ":" in address else address


def _records(lines: bytes) -> tuple[CallRecord, ...]:
    return tuple(CallRecord.model_validate_json(line) for line in lines.splitlines())
