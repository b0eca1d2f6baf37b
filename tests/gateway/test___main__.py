from __future__ import annotations

import asyncio
import json
import signal
from asyncio.subprocess import Process

import pytest

from tests.python_process import assert_what_it_owns_dies_with, python

SETTINGS = b'{"upstream": {"kind": "simulate"}, "token": "a token that no engine knows"}\n'

OWNER = """
import asyncio
from harness.gateway.process import running_gateway
from harness.gateway.settings import GatewaySettings, SimulateSettings

async def main():
    settings = GatewaySettings(upstream=SimulateSettings(), token="a token that no engine knows")
    async with running_gateway(settings) as gateway:
        print(gateway.ollama_host("r").split(":")[2].split("/")[0], flush=True)
        await asyncio.Event().wait()

asyncio.run(main())
"""


def told(process: Process, settings: bytes = SETTINGS) -> asyncio.StreamReader:
    """The output of a gateway that was given its settings."""
    assert process.stdin is not None
    assert process.stdout is not None
    process.stdin.write(settings)
    return process.stdout


@pytest.mark.parametrize("how", ["SIGTERM", "end of stdin"])
async def test_a_gateway_serves_until_it_is_told_to_stop(how: str) -> None:
    async with python("-m", "harness.gateway") as gateway:
        port = json.loads(await told(gateway).readline())["port"]
        _, writer = await asyncio.open_connection("127.0.0.1", port)
        if how == "SIGTERM":
            gateway.send_signal(signal.SIGTERM)
        else:
            assert gateway.stdin is not None
            gateway.stdin.close()
        assert await gateway.wait() == 0
        assert gateway.stderr is not None
        assert await gateway.stderr.read() == b""
        writer.close()


async def test_a_gateway_dies_with_its_owner_even_by_sigkill() -> None:
    await assert_what_it_owns_dies_with(OWNER)


@pytest.mark.parametrize("settings", [b"", SETTINGS.replace(b"a token that no engine knows", b"secret")])
async def test_a_gateway_without_its_settings_says_so_in_one_line_and_no_secret(settings: bytes) -> None:
    async with python("-m", "harness.gateway") as gateway:
        output = told(gateway, settings)
        assert gateway.stdin is not None
        assert gateway.stderr is not None
        gateway.stdin.close()
        assert await output.read() == b""
        said = (await gateway.stderr.read()).decode()
        assert await gateway.wait() == 1
    assert said.startswith("no gateway settings on stdin: ")
    assert said.count("\n") == 1
    assert "secret" not in said
