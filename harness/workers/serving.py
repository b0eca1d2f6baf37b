"""A worker in this process, until it is told to stop."""

from __future__ import annotations

import asyncio
import logging
import signal
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

from async_arch.redis_client import DEFAULT_PATIENCE_S, redacted
from async_arch.state_store import StateUnavailable
from async_arch.workers.task_queue import queue_name
from async_arch.workers.task_worker import TaskWorker, WorkerSettings
from harness.errors import BadInputError, SurroundingsError
from harness.record.fingerprint import tasks_code
from harness.workers.own_model import own_model

__all__ = ["ServeSettings", "serve_worker"]

_log = logging.getLogger(__name__)
_SIGNALS = (signal.SIGTERM, signal.SIGINT)


@dataclass(frozen=True, slots=True)
class ServeSettings:
    """What a worker serves: the builds of its own code in `queue`, `concurrency` tasks at once.

    Whoever is silent for `takeover_s` loses its tasks to others; it is the same for all workers of a queue.
    """

    redis: str
    queue: str
    concurrency: int
    takeover_s: float
    redis_patience_s: float = DEFAULT_PATIENCE_S
    templates: Path | None = None
    model: str | None = None
    """Its own model, in the words of `--model`, for builds that leave it to their workers."""
    slots: int = 4
    """How many calls that answers at once, or each of its hosts."""
    name: str | None = None


async def serve_worker(settings: ServeSettings, on_ready: Callable[[str], None]) -> int:
    """Work until the first SIGTERM or SIGINT, and then end the tasks under way; a second one gives them up.

    `on_ready` is told what is served, in one line. Returns the exit code: 0, or 128 + the signal where tasks
    were given up. Raises `BadInputError` and `SurroundingsError`.
    """
    worker_settings = await asyncio.to_thread(_worker_settings, settings)
    stop, stopped_by = asyncio.Event(), list[int]()
    loop, this = asyncio.get_running_loop(), asyncio.current_task()

    def on_signal(number: int) -> None:
        stopped_by.append(number)
        if stop.is_set() and this is not None:
            this.cancel()
        elif not stop.is_set():
            _log.info("no more tasks are begun; those under way are ended (again, to give them up)")
            stop.set()

    try:
        async with (
            own_model(settings.model, settings.slots) as model,
            TaskWorker.opened(replace(worker_settings, model=model)) as worker,
        ):
            for number in _SIGNALS:
                loop.add_signal_handler(number, on_signal, number)
            on_ready(_described(worker_settings))
            await worker.work(stop)
    except StateUnavailable as error:
        raise SurroundingsError(str(error)) from error
    except asyncio.CancelledError:
        if not stop.is_set():
            raise
        _log.warning("the tasks under way were given up; other workers take them over")
        return 128 + stopped_by[-1]
    finally:
        for number in _SIGNALS:
            loop.remove_signal_handler(number)
    return 0


def _worker_settings(settings: ServeSettings) -> WorkerSettings:
    if not settings.redis.startswith(("redis://", "rediss://", "unix://")):
        raise BadInputError(f"--redis: {settings.redis!r} is no URL such as redis://localhost:6379/0")
    if settings.templates is not None and not settings.templates.is_dir():
        raise BadInputError(f"--templates: {settings.templates} is no folder")
    # Loaded in mid-task, the client of the model would hold up every task and the renewal of its lease.
    import async_arch.async_calls  # noqa: F401

    found = WorkerSettings(
        settings.redis,
        tasks_code(settings.templates),
        settings.queue,
        settings.concurrency,
        settings.takeover_s,
        settings.redis_patience_s,
        settings.templates,
    )
    return found if settings.name is None else replace(found, name=settings.name)


def _described(settings: WorkerSettings) -> str:
    return (
        f"worker {settings.name} does up to {settings.concurrency} tasks at once from "
        f"{queue_name(settings.queue, settings.code)} on {redacted(settings.redis_url)}"
    )
