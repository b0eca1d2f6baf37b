"""The surroundings of a session: the model that answers, the faults it is to have, the Redis with the state.

What a person asked for and cannot be had is `BadInputError` or `SurroundingsError`.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from async_arch.embedded_redis import EmbeddedRedis, RedisDataHeld, RedisUnavailable, embedded_redis
from async_arch.redis_client import open_redis, redacted
from async_arch.redis_keys import RunKeys
from async_arch.state_store import StateUnavailable
from harness.errors import BadInputError, SurroundingsError
from harness.gateway.errors import LocalModelMissing, ModelChoiceError, UnknownModelChoice
from harness.gateway.faults import FaultRule, FaultRuleError, parse_fault
from harness.gateway.model import ModelChoice, choose_model
from harness.record import RunStore, StatePlace
from harness.record.redis_folders import RedisFolders

__all__ = ["EMBEDDED", "RedisServer", "chosen_model", "fault_rules", "redis_server"]

EMBEDDED = "embedded"

_EMBEDDED_PATIENCE_S = 3.0
"""A server of our own that has gone does not come back."""
_GOING_S = 5.0
"""How long a server whose owner was killed may take to go."""
_LOOK_AGAIN_S = 0.05


def fault_rules(texts: Sequence[str]) -> tuple[FaultRule, ...]:
    """The rules that `texts` say."""
    try:
        return tuple(parse_fault(text) for text in texts)
    except FaultRuleError as error:
        raise BadInputError(f"--fault: {error}") from error


async def chosen_model(text: str, option: str, slots: int) -> ModelChoice:
    """The model that `text`, the value of `option`, asks for, for so many calls at once."""
    try:
        return await choose_model(text, ollama_host=os.environ.get("OLLAMA_HOST"), slots=slots)
    except UnknownModelChoice as error:
        raise BadInputError(f"{option}: {error}") from error
    except LocalModelMissing as error:
        raise SurroundingsError(f"{option}: {error}") from error
    except ModelChoiceError as error:
        recorded = text.removeprefix("record:").partition("@")[0] if text.startswith("record:") else None
        another, simulated = (
            (f"record:{recorded}@URL", f"record:{recorded}@simulated")
            if recorded
            else ("ollama:URL", "simulated")
        )
        raise SurroundingsError(
            f"{error}; start it (ollama serve), name another with {option} {another}, or use {option} "
            f"{simulated}"
        ) from error


@dataclass(frozen=True, slots=True)
class RedisServer:
    """The Redis server of a session. `described` is how people read of it."""

    url: str
    described: str
    patience_s: float
    """How long it may be away before a build fails."""
    folders: RedisFolders
    data_dir: Path | None = None
    """Where an embedded server keeps its data."""

    def keeps(self, run: str) -> None:
        """Take note that the state of `run` is here."""
        if self.data_dir is not None:
            self.folders.enter(self.data_dir, run)

    def place(self, store: RunStore) -> StatePlace:
        """Where the state of a run is, as it is written down."""
        public = redacted(self.url)
        return StatePlace(
            server=self.described,
            url=public,
            needs_password=public != self.url,
            data_dir=self.data_dir.relative_to(store.root).as_posix() if self.data_dir else None,
        )

    async def knows(self, run: str) -> bool:
        """Whether it has state of `run`."""
        try:
            async with open_redis(self.url) as connection:
                return bool(await connection.command("EXISTS", RunKeys(run)["meta"]))
        except StateUnavailable as error:
            raise SurroundingsError(str(error)) from error


@asynccontextmanager
async def redis_server(
    choice: str, patience_s: float, store: RunStore, data_dir: Path | None = None
) -> AsyncIterator[RedisServer]:
    """The Redis server that `choice` asks for: `embedded` or a URL.

    An embedded one begins empty, or on the data of an earlier session in `data_dir`. What it leaves stays in
    the store for as long as a run needs it.
    """
    folders = RedisFolders(store)
    if choice == EMBEDDED:
        await asyncio.to_thread(folders.sweep)
        folder = data_dir or folders.new(datetime.now().astimezone())
        try:
            async with AsyncExitStack() as stack:
                server = await _started(folder, stack, _GOING_S if data_dir else 0.0)
                described = f"embedded {server.server}"
                yield RedisServer(server.url, described, _EMBEDDED_PATIENCE_S, folders, folder)
        finally:
            await asyncio.to_thread(folders.drop, folder)
        return
    if not choice.startswith(("redis://", "rediss://", "unix://")):
        raise BadInputError(
            f"--redis: {choice!r} is neither 'embedded' nor a URL such as redis://localhost:6379/0"
        )
    public = redacted(choice)
    try:
        async with open_redis(choice):
            pass
    except ValueError as error:
        raise BadInputError(f"--redis: {public!r} is not usable: {error}") from error
    except StateUnavailable as error:
        raise SurroundingsError(f"{error}; start it, or use --redis embedded") from error
    yield RedisServer(choice, public, patience_s, folders)


async def _started(folder: Path, stack: AsyncExitStack, wait_s: float) -> EmbeddedRedis:
    """An embedded server on `folder`; one that is there and going is waited for."""
    loop = asyncio.get_running_loop()
    deadline = loop.time() + wait_s
    while True:
        try:
            return await stack.enter_async_context(embedded_redis(data_dir=folder))
        except RedisDataHeld as error:
            if loop.time() > deadline:
                raise SurroundingsError(str(error)) from error
        except RedisUnavailable as error:
            raise SurroundingsError(str(error)) from error
        await asyncio.sleep(_LOOK_AGAIN_S)
