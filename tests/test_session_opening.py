"""The surroundings of a session: opened at once, and gone together where one of them cannot be had."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import cast

import pytest

from harness.errors import BadInputError, HarnessError, SurroundingsError
from harness.gateway.errors import GatewayStartError
from harness.gateway.process import Gateway, running_gateway
from harness.gateway.settings import GatewaySettings
from harness.gateway.started_process import StartedProcess
from harness.session import SessionSettings, open_session
from harness.surroundings import RedisServer

Found = Callable[[], Awaitable[GatewaySettings]]


class Surroundings:
    """Stands for a gateway and a Redis; each is up when the other has begun, or fails then."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.seen: list[str] = []
        self.taken: StartedProcess | None = None
        self.failing: dict[str, Exception] = {}
        self._begun = {"gateway": asyncio.Event(), "redis": asyncio.Event()}
        monkeypatch.setattr("harness.session.running_gateway", self._gateway)
        monkeypatch.setattr("harness.session.redis_server", self._redis)

    @asynccontextmanager
    async def _gateway(self, found: Found, started: StartedProcess | None = None) -> AsyncIterator[Gateway]:
        await found()
        self.taken = started
        async with self._up("gateway", "redis"):
            yield cast(Gateway, None)

    @asynccontextmanager
    async def _redis(self, *_: object) -> AsyncIterator[RedisServer | None]:
        async with self._up("redis", "gateway"):
            yield None

    @asynccontextmanager
    async def _up(self, name: str, other: str) -> AsyncIterator[None]:
        self._begun[name].set()
        try:
            async with asyncio.timeout(10):
                await self._begun[other].wait()
            if name in self.failing:
                raise self.failing[name]
            if other in self.failing:
                await asyncio.sleep(10)
            self.seen.append(f"{name} up")
            yield
        finally:
            self.seen.append(f"{name} gone")


def settings(tmp_path: Path, model: str = "simulated") -> SessionSettings:
    return SessionSettings(model=model, store=tmp_path / "store")


async def test_they_are_opened_at_once(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    surroundings = Surroundings(monkeypatch)
    loading = cast(StartedProcess, "loading already")
    async with open_session(settings(tmp_path), needs_redis=True, gateway_started=loading):
        assert sorted(surroundings.seen) == ["gateway up", "redis up"]
        assert surroundings.taken is loading
    assert sorted(surroundings.seen[2:]) == ["gateway gone", "redis gone"]


@pytest.mark.parametrize(
    ("name", "error", "raised"),
    [
        ("redis", SurroundingsError("no Redis answers"), SurroundingsError),
        ("redis", BadInputError("--redis: what is that"), BadInputError),
        ("gateway", GatewayStartError("the gateway did not start"), SurroundingsError),
    ],
)
async def test_where_one_cannot_be_had_the_error_is_its_own_and_the_other_is_gone(
    name: str,
    error: Exception,
    raised: type[HarnessError],
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    surroundings = Surroundings(monkeypatch)
    surroundings.failing[name] = error
    with pytest.raises(raised) as failed:
        async with open_session(settings(tmp_path), needs_redis=True):
            pytest.fail("it is open")
    assert (type(failed.value), str(failed.value)) == (raised, str(error))
    assert sorted(surroundings.seen) == ["gateway gone", "redis gone"]


async def test_without_a_model_nothing_is_begun(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    surroundings = Surroundings(monkeypatch)
    with pytest.raises(BadInputError, match=r"^--model: 'nonsense' is no model choice"):
        async with open_session(settings(tmp_path, "nonsense"), needs_redis=True):
            pytest.fail("it is open")
    assert surroundings.seen == []
    assert not (tmp_path / "store").exists()


async def test_a_gateway_that_is_told_nothing_is_gone_at_once(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """It would not end by itself: here it does not even look at its input."""
    told = tmp_path / "pid"
    loading = tmp_path / "python"
    loading.write_text(f"#!/bin/sh\necho $$ > {told}.new\nmv {told}.new {told}\nexec sleep 30 <&- >&-\n")
    loading.chmod(0o700)
    monkeypatch.setattr(sys, "executable", str(loading))
    monkeypatch.setattr("harness.gateway.started_process._STOP_TIMEOUT_S", 20.0)

    async def not_found() -> GatewaySettings:
        while not told.exists():  # noqa: ASYNC110 - another process makes it
            await asyncio.sleep(0.005)
        raise LookupError("no model")

    async with asyncio.timeout(10):
        with pytest.raises(LookupError, match=r"^no model$"):
            async with running_gateway(not_found):
                pytest.fail("it is up")
    with pytest.raises(ProcessLookupError):
        os.kill(int(told.read_text()), 0)
