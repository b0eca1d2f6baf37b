"""The clock of one run: its begin and its end, each marked once, as the gateway sees them."""

from __future__ import annotations

from harness.gateway.calls import RunLog
from harness.gateway.errors import GatewayError
from harness.gateway.process import Gateway

__all__ = ["RunClock"]


class RunClock:
    """The clock of the run with this id, which is open at `gateway`."""

    def __init__(self, gateway: Gateway, run: str) -> None:
        self._gateway = gateway
        self._run = run
        self._log: RunLog | None = None
        self.begun = False
        """Whether the engine has begun to work."""

    async def begin(self) -> None:
        """Mark the begin."""
        await self._gateway.begin(self._run)
        self.begun = True

    async def end(self) -> None:
        """Mark the end."""
        self._log = await self._gateway.end(self._run)

    async def so_far(self) -> str:
        """How many calls there were; empty where the gateway does not say."""
        try:
            progress = await self._gateway.progress(self._run)
        except GatewayError:
            return ""
        failed = f" ({progress.failed} failed)" if progress.failed else ""
        return f"{progress.finished} calls{failed}, {progress.generating + progress.queued} under way"

    async def ended(self) -> RunLog:
        """The log of the run, which ends here at the latest."""
        if not self.begun:
            await self.begin()
        if self._log is None:
            await self.end()
        if self._log is None:
            raise GatewayError(f"the gateway gave no log of the run {self._run}")
        return self._log
