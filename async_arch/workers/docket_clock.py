"""Docket by the clock of Redis: slots are held, and tasks put off, by one clock on all machines."""

from __future__ import annotations

from datetime import datetime, tzinfo
from typing import Final

import docket.execution
import docket.worker
from docket.dependencies import _concurrency, current_worker

from async_arch.workers.docket_worker import DocketWorker

__all__ = ["go_by_server"]

_READ_IN: Final = (_concurrency, docket.execution, docket.worker)


class _ServerTime(datetime):
    """What docket reads the time with: in the tasks of a worker the server's, elsewhere the machine's."""

    @classmethod
    def now(cls, tz: tzinfo | None = None) -> datetime:  # type: ignore[override]
        """The time now."""
        worker = current_worker.get(None)
        if isinstance(worker, DocketWorker) and worker.clock is not None:
            return datetime.fromtimestamp(worker.clock.now(), tz)
        return datetime.now(tz)


def go_by_server() -> None:
    """Have docket go by the clock of each `DocketWorker`, for as long as this process lives."""
    for module in _READ_IN:
        # What it reads the time with stands there under this name.
        module.datetime = _ServerTime  # type: ignore[attr-defined]
