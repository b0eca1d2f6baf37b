"""The command line of the async engine."""

from __future__ import annotations

import argparse
import asyncio
import logging
import os
import signal
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

from agents.blackboard import ProjectStatus
from agents.build import BuildOutcome
from agents.chat_protocol import ModelSettings
from agents.project import Order
from async_arch.collecting import collect_seldom
from async_arch.composition import AgentCalls, Orchestration, StateStoreKind
from async_arch.embedded_redis import RedisUnavailable, embedded_redis
from async_arch.engine import AsyncEngine, EngineSettings, open_engine
from async_arch.state_store import StateUnavailable
from async_arch.workspace import new_project_dir

__all__ = ["main"]

_log = logging.getLogger("async_arch")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; returns the exit code: 0 built, 3 the build failed, 128 + signal when stopped."""
    options = _parse(arguments)
    logging.basicConfig(format="%(asctime)s %(message)s", datefmt="%H:%M:%S", level=logging.INFO)
    logging.getLogger("httpx").setLevel(logging.WARNING)
    try:
        return asyncio.run(_until_told_to_stop(options))
    except KeyboardInterrupt:
        return 128 + signal.SIGINT
    except asyncio.CancelledError:
        return 128 + signal.SIGTERM
    except (StateUnavailable, RedisUnavailable) as error:
        _log.error("%s", error)
        return 3


def _parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m async_arch.orchestrator",
        description="Build a Flask application from an idea, its modules concurrently.",
    )
    parser.add_argument("--idea", required=True, help="what to build")
    parser.add_argument("--output", type=Path, default=Path("output"), help="folder for projects")
    parser.add_argument("--redis", default="embedded", help="'embedded' (default) or redis://host:port/db")
    parser.add_argument("--model", default=ModelSettings().model, help="model name (default: %(default)s)")
    parser.add_argument("--call-timeout", type=float, default=600.0, metavar="SECONDS")
    parser.add_argument("--concurrency", type=int, default=4, help="calls at once (default: %(default)s)")
    parser.add_argument("--agent-calls", type=AgentCalls, choices=list(AgentCalls), default=AgentCalls.ASYNC)
    parser.add_argument(
        "--orchestration", type=Orchestration, choices=list(Orchestration), default=Orchestration.CONCURRENT
    )
    parser.add_argument(
        "--state-store", type=StateStoreKind, choices=list(StateStoreKind), default=StateStoreKind.REDIS
    )
    options = parser.parse_args(arguments)
    if not options.idea.strip():
        parser.error("the idea is empty; say in a sentence what to build")
    if options.concurrency < 1:
        parser.error(f"--concurrency must be at least 1, not {options.concurrency}")
    if options.redis != "embedded" and not options.redis.startswith(("redis://", "rediss://", "unix://")):
        parser.error(
            f"--redis must be 'embedded' or begin with redis://, rediss:// or unix://: {options.redis}"
        )
    return options


async def _until_told_to_stop(options: argparse.Namespace) -> int:
    this = asyncio.current_task()
    if this is not None:
        asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, this.cancel)
    return await _build(options)


async def _build(options: argparse.Namespace) -> int:
    async with _redis_url(options) as redis_url:
        settings = EngineSettings(
            agent_calls=options.agent_calls,
            orchestration=options.orchestration,
            state_store=options.state_store,
            redis_url=redis_url,
            concurrency=options.concurrency,
            model=ModelSettings(model=options.model, call_timeout_s=options.call_timeout),
        )
        project_dir = new_project_dir(options.output)
        # Two builds of one second differ in their process.
        run = f"{project_dir.name}_{os.getpid()}"
        async with open_engine(settings, run, project_dir) as engine:
            collect_seldom()
            outcome = await _build_aloud(engine, Order(options.idea))
    for failure in outcome.failures:
        _log.error("failed: %s: %s", failure.task, failure.reason)
    if outcome.mirror is not None:
        level = logging.INFO if outcome.mirror.caught_up else logging.WARNING
        _log.log(level, "mirror in Redis: %s", outcome.mirror)
    _log.info("%s: %s", outcome.status.value, project_dir)
    return 0 if outcome.status is ProjectStatus.COMPLETE else 3


async def _build_aloud(engine: AsyncEngine, order: Order) -> BuildOutcome:
    async with asyncio.TaskGroup() as group:
        listener = group.create_task(_log_events(engine))
        outcome = await engine.build(order)
        if outcome.lost_state:
            # A build that lost its state never announces its end.
            listener.cancel()
    return outcome


async def _log_events(engine: AsyncEngine) -> None:
    try:
        async for event in engine.events():
            _log.info("%s", event)
    except StateUnavailable as error:
        _log.warning("progress is no longer shown: %s", error)


@asynccontextmanager
async def _redis_url(options: argparse.Namespace) -> AsyncIterator[str]:
    if not options.state_store.needs_redis:
        yield ""
    elif options.redis == "embedded":
        async with embedded_redis() as server:
            yield server.url
    else:
        yield options.redis
