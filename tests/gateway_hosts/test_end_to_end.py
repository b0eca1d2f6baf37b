"""Both engines on two hosts, of which one dies in the middle of a build: the builds go on, and are equal."""

from __future__ import annotations

import asyncio
from pathlib import Path

from harness.compare import Status
from harness.gateway.canonical import CanonicalRequest, decode
from harness.gateway.simulated import answer
from harness.record import RunStore
from harness.session import SessionSettings
from harness.trial import run_trial
from tests.end_to_end.site import SHOWN, Unwatched, engines_in_process
from tests.gateway.scripted_ollama import LAST, Exchange, line
from tests.gateway_hosts.loopback_host import NDJSON, LoopbackHost, loopback_hosts

DIES_AT = 6


async def simulating(exchange: Exchange) -> None:
    """Answer as the simulated model does."""
    await exchange.head(200, NDJSON)
    await exchange.chunk(line(answer(CanonicalRequest.from_payload(decode(exchange.body)))))
    await exchange.chunk(LAST)
    await exchange.end()


async def test_a_build_goes_on_where_a_host_dies_and_both_engines_build_the_same(tmp_path: Path) -> None:
    async with loopback_hosts(2) as (mortal, other):
        dying: list[asyncio.Task[None]] = []

        async def until_it_dies(exchange: Exchange) -> None:
            if mortal.asked >= DIES_AT:
                dying.append(asyncio.create_task(LoopbackHost.die(mortal)))
                await exchange.client_gone()
            await simulating(exchange)

        for host in (mortal, other):
            host.version = "0.0.0-simulated"
            host.chat = simulating
        mortal.chat = until_it_dies
        settings = SessionSettings(model=f"ollama:{mortal.url}#2,{other.url}#1", store=tmp_path)
        with engines_in_process("harness.trial"):
            trial = run_trial([SHOWN], "async", "legacy", settings, Unwatched())
            (comparison,) = [found async for found in trial]
        await asyncio.gather(*dying)
    assert comparison.verdict.status is Status.PASS, comparison.verdict.reasons
    assert comparison.slots == 3
    store = RunStore(tmp_path)
    control, candidate = (store.load(side.run) for side in (comparison.control, comparison.candidate))
    calls = [use.calls for use in control.summary.hosts]
    assert calls == [DIES_AT - 1, len(control.calls) - DIES_AT + 1]
    assert [use.calls for use in candidate.summary.hosts] == [0, len(candidate.calls)]
    assert any(call.moved_from for call in control.calls)
    assert all(call.error is None for call in control.calls)
    (outage,) = control.summary.hosts[0].outages
    assert (outage.host, outage.to_s) == (mortal.url, None)
    assert any(note.startswith(f"for the control {mortal.url} was left out") for note in comparison.notes)
