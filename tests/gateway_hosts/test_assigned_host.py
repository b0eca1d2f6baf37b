"""A caller that has a slot of one host, among several behind a gateway on real sockets."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import aiohttp
import pytest

from harness.gateway.clock import MonotonicClock
from harness.gateway.control_requests import OpenRun, authorization
from harness.gateway.hosts.outages import OutageLog
from harness.gateway.opening import open_upstream
from harness.gateway.server import serving
from harness.gateway.settings import AbsentSettings, HostSettings, PoolSettings
from tests.gateway_hosts.loopback_host import LoopbackHost, loopback_hosts
from tests.gateway_hosts.test_pool import FACTS

_TOKEN = "a token of this test alone"  # noqa: S105
_ASKED = {"model": "m", "messages": [{"role": "user", "content": "Why?"}], "stream": False}


@asynccontextmanager
async def _gateway(
    settings: PoolSettings | AbsentSettings,
) -> AsyncIterator[tuple[str, aiohttp.ClientSession]]:
    """The URL of a run behind a gateway, and a client."""
    clock, outages = MonotonicClock(), OutageLog()
    async with (
        open_upstream(settings, (), clock, outages) as upstream,
        serving(upstream, clock, _TOKEN, outages) as port,
        aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=20)) as client,
    ):
        url = f"http://127.0.0.1:{port}"
        opened = OpenRun(id="run", slots=8, cassette="", journal=None).model_dump_json()
        async with client.post(f"{url}/control/runs", data=opened, headers=authorization(_TOKEN)) as response:
            assert response.status == 201
        yield f"{url}/r/run", client


@pytest.fixture
async def hosts() -> AsyncIterator[list[LoopbackHost]]:
    async with loopback_hosts(3) as found:
        yield found


def _pool(hosts: list[LoopbackHost]) -> PoolSettings:
    return PoolSettings(
        hosts=tuple(HostSettings(url=host.url, slots=2, facts=FACTS) for host in hosts), upstream_timeout_s=20
    )


async def _ask(client: aiohttp.ClientSession, url: str) -> None:
    async with client.post(f"{url}/api/chat", json=_ASKED) as response:
        assert response.status == 200, await response.text()
        await response.read()


async def test_the_host_of_which_a_caller_has_a_slot_answers_it(hosts: list[LoopbackHost]) -> None:
    async with _gateway(_pool(hosts)) as (url, client):
        await asyncio.gather(*(_ask(client, f"{url}/host/1") for _ in range(6)))
        assert [host.asked for host in hosts] == [0, 6, 0]
        assert hosts[1].most_under_way <= 2


async def test_another_answers_where_that_one_is_left_out_and_who_is_left_out_is_said(
    hosts: list[LoopbackHost],
) -> None:
    async with _gateway(_pool(hosts)) as (url, client):
        await hosts[1].die()
        for _ in range(3):
            await _ask(client, f"{url}/host/1")
        assert hosts[0].asked + hosts[2].asked == 3
        async with client.get(f"{url}/hosts/out") as response:
            assert await response.json() == [hosts[1].url]
        await hosts[1].start()
        async with asyncio.timeout(20):
            while hosts[1].asked == 0:
                await _ask(client, f"{url}/host/1")
        async with client.get(f"{url}/hosts/out") as response:
            assert await response.json() == []


async def test_a_number_without_a_host_leaves_the_choice_to_the_gateway(hosts: list[LoopbackHost]) -> None:
    async with _gateway(_pool(hosts)) as (url, client):
        await _ask(client, f"{url}/host/17")
        assert sum(host.asked for host in hosts) == 1


async def test_a_build_without_a_model_says_who_has_one() -> None:
    async with _gateway(AbsentSettings()) as (url, client):
        for path in ("/api/chat", "/host/0/api/chat"):
            async with client.post(f"{url}{path}", json=_ASKED) as response:
                assert response.status == 404
                assert "workers that have one" in (await response.json())["error"]
        async with client.get(f"{url}/api/tags") as response:
            assert response.status == 404
