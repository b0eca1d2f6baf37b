"""A process that is started before anybody knows what it is to do: taken once, and gone in any case."""

from __future__ import annotations

import asyncio
import os
import sys
from pathlib import Path

import pytest

from harness.gateway.process import running_gateway
from harness.gateway.settings import GatewaySettings, SimulateSettings
from harness.gateway.started_process import GATEWAY_MODULE, started_process

SIMULATED = GatewaySettings(upstream=SimulateSettings(), token="a token that no engine knows")  # noqa: S106


def gone(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return True
    return False


async def test_a_gateway_that_loads_already_is_the_one_that_serves_and_ends_with_it() -> None:
    async with started_process(GATEWAY_MODULE) as started:
        async with running_gateway(SIMULATED, started) as gateway:
            assert gateway.pid == started.process.pid
            await gateway.open_run("a", slots=1)
        assert gone(gateway.pid)


async def test_one_for_which_no_settings_are_found_is_gone_at_once(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """As is one that nobody takes: it would not even look at its input."""
    _deaf_python(monkeypatch, tmp_path)

    async def not_found() -> GatewaySettings:
        raise LookupError("no model")

    async with asyncio.timeout(10), started_process(GATEWAY_MODULE) as started:
        with pytest.raises(LookupError, match=r"^no model$"):
            async with running_gateway(not_found, started):
                pytest.fail("it is up")
        assert gone(started.process.pid)


async def test_one_that_nobody_takes_is_gone_at_once(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    _deaf_python(monkeypatch, tmp_path)
    async with asyncio.timeout(10), started_process(GATEWAY_MODULE) as started:
        assert not gone(started.process.pid)
    assert gone(started.process.pid)


async def test_one_that_has_died_before_it_is_taken_leaves_nothing_to_end() -> None:
    async with started_process("no_such_module") as started:
        assert await started.process.wait() == 1
        assert started.said(1000).endswith(b"No module named no_such_module\n")
        assert started.said(7) == b"module\n"


def _deaf_python(monkeypatch: pytest.MonkeyPatch, folder: Path) -> None:
    deaf = folder / "python"
    deaf.write_text("#!/bin/sh\nexec sleep 30 <&- >&-\n")
    deaf.chmod(0o700)
    monkeypatch.setattr(sys, "executable", str(deaf))
    monkeypatch.setattr("harness.gateway.started_process._STOP_TIMEOUT_S", 20.0)
