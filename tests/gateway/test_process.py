from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import ollama
import pytest

from harness.gateway.errors import GatewayDied, GatewayError, GatewayRefused, GatewayStartError
from harness.gateway.journal import read_journal
from harness.gateway.process import Gateway, running_gateway
from harness.gateway.settings import GatewaySettings, LiveSettings, SimulateSettings
from tests.gateway.scripted_ollama import Exchange, line, scripted_ollama
from tests.python_process import listens

TOKEN = "a token that no engine knows"  # noqa: S105
SIMULATED = GatewaySettings(upstream=SimulateSettings(ttft_s=0.001, tokens_per_s=10_000), token=TOKEN)


@pytest.fixture
async def gateway() -> AsyncIterator[Gateway]:
    async with running_gateway(SIMULATED) as gateway:
        yield gateway


def port_of(gateway: Gateway) -> int:
    return int(gateway.ollama_host("r").split(":")[2].split("/")[0])


async def ask(gateway: Gateway, run: str) -> str:
    async with ollama.AsyncClient(gateway.ollama_host(run), trust_env=False) as client:
        return (await client.chat("m", [{"role": "user", "content": "Why?"}])).message.content or ""


async def test_a_run_of_the_simulated_model_from_open_to_end(gateway: Gateway) -> None:
    await gateway.open_run("a", slots=2)
    await gateway.begin("a")
    answers = await asyncio.gather(ask(gateway, "a"), ask(gateway, "a"))
    assert (await gateway.progress("a")).finished == 2
    log = await gateway.end("a")
    assert [call.response for call in log.calls] == list(answers)
    assert [call.number for call in log.calls] == [1, 2]
    assert (log.run, log.slots) == ("a", 2)
    assert 0 < log.calls[0].arrival_s < log.calls[0].end_s <= log.wall_s
    assert (await gateway.progress("a")).finished == 0  # it keeps nothing of what it has handed over


async def test_calls_outlive_a_gateway_that_is_killed_and_the_next_one_goes_on(tmp_path: Path) -> None:
    path = tmp_path / "calls.jsonl"
    async with running_gateway(SIMULATED) as first:
        await first.open_run("a", slots=1, journal=path)
        await first.begin("a")
        before = await ask(first, "a")
        async with asyncio.timeout(10):
            while not read_journal(path):  # noqa: ASYNC110 - a file tells when it is read
                await asyncio.sleep(0.005)
        os.kill(first.pid, signal.SIGKILL)
    async with running_gateway(SIMULATED) as second:
        await second.open_run("a", slots=1, journal=path)
        await second.begin("a")
        after = await ask(second, "a")
        log = await second.end("a")
    assert [(call.number, call.response) for call in log.calls] == [(1, before), (2, after)]
    assert log.calls[0].end_s <= log.calls[1].arrival_s < log.calls[1].end_s <= log.wall_s


async def test_a_journal_that_somebody_spoilt_is_an_error_in_one_line(
    gateway: Gateway, tmp_path: Path
) -> None:
    path = tmp_path / "calls.jsonl"
    await gateway.open_run("a", slots=1, journal=path)
    path.write_text("{}\n")
    with pytest.raises(GatewayError, match=r"^the calls of run 'a' cannot be read: .*calls\.jsonl:1"):
        await gateway.end("a")


async def test_a_gateway_before_a_real_ollama_passes_on() -> None:
    async def script(exchange: Exchange) -> None:
        await exchange.whole(200, line("Because.", done=True))

    async with scripted_ollama() as model:
        model.script = script
        settings = GatewaySettings(upstream=LiveSettings(url=model.url), token=TOKEN)
        async with running_gateway(settings) as gateway:
            await gateway.open_run("a", slots=1)
            assert await ask(gateway, "a") == "Because."


async def test_what_the_gateway_turns_down_is_an_error_in_its_own_words(gateway: Gateway) -> None:
    await gateway.open_run("a", slots=1)
    with pytest.raises(GatewayRefused, match=r"^the gateway refused: run 'a' is open already$"):
        await gateway.open_run("a", slots=1)


async def test_no_port_is_open_when_the_block_is_left() -> None:
    async with running_gateway(SIMULATED) as gateway:
        port = port_of(gateway)
        assert listens(port)
    assert not listens(port)


async def test_a_gateway_with_calls_under_way_is_stopped_all_the_same() -> None:
    slow = SIMULATED.model_copy(update={"upstream": SimulateSettings(ttft_s=600)})
    async with asyncio.timeout(20), running_gateway(slow) as gateway:
        await gateway.open_run("a", slots=1)
        call = asyncio.create_task(ask(gateway, "a"))
        while (await gateway.progress("a")).generating == 0:  # noqa: ASYNC110 - it tells when it is asked
            await asyncio.sleep(0.01)
    with pytest.raises(ollama.ResponseError, match="has ended"):
        await call


async def test_a_gateway_that_dies_is_an_error_with_its_last_words(gateway: Gateway) -> None:
    await gateway.open_run("a", slots=1)
    os.kill(gateway.pid, signal.SIGKILL)
    with pytest.raises(GatewayDied, match=r"^the gateway died with exit status -9$") as died:
        await gateway.end("a")
    assert died.value.stderr == ()


async def test_a_gateway_is_out_of_the_reach_of_ctrl_c(gateway: Gateway) -> None:
    """Ctrl-C goes to the whole process group of the terminal: it must not take the records away."""
    assert os.getpgid(gateway.pid) != os.getpgrp()


async def test_a_gateway_that_does_not_start_is_an_error_with_its_last_words(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    broken = tmp_path / "python"
    broken.write_text("#!/bin/sh\necho first words >&2\necho last words >&2\nexit 3\n")
    broken.chmod(0o700)
    monkeypatch.setattr(sys, "executable", str(broken))
    with pytest.raises(GatewayStartError, match=r"^the gateway did not start: last words$") as failed:
        async with running_gateway(SIMULATED):
            pass
    assert failed.value.stderr == ("first words", "last words")


async def test_a_directory_that_looks_like_ours_is_not_taken_for_it(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """The harness is run where an AgentFactory lives, which may have an `agents` of its own."""
    (tmp_path / "agents").mkdir()
    (tmp_path / "agents" / "__init__.py").write_text("raise RuntimeError('not ours')")
    monkeypatch.chdir(tmp_path)
    async with running_gateway(SIMULATED) as gateway:
        await gateway.open_run("a", slots=1)


@pytest.mark.parametrize("steps", range(6))
async def test_one_that_is_given_up_while_it_starts_is_gone(steps: int) -> None:
    """Whatever is opened beside it may fail at any moment."""

    async def opened() -> None:
        async with running_gateway(SIMULATED):
            await asyncio.Event().wait()

    before = _children()
    opening = asyncio.create_task(opened())
    for _ in range(steps):
        await asyncio.sleep(0)
    opening.cancel()
    with pytest.raises(asyncio.CancelledError):
        await opening
    assert _children() <= before


def _children() -> set[str]:
    return set(Path(f"/proc/self/task/{os.getpid()}/children").read_text().split())
