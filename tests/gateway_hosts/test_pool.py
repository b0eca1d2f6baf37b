"""A pool of hosts on real sockets."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

import httpx
import ollama
import pytest

from harness.gateway.calls import CallRecord
from harness.gateway.cassette import read_cassette
from harness.gateway.clock import MonotonicClock
from harness.gateway.faults import parse_fault
from harness.gateway.hosts.outages import OutageLog
from harness.gateway.ollama_facts import OllamaFacts
from harness.gateway.opening import open_upstream
from harness.gateway.run import Run
from harness.gateway.settings import HostSettings, PoolSettings, RecordSettings
from tests.gateway.manual_clock import ManualClock
from tests.gateway.scripted_ollama import LAST, Exchange, line
from tests.gateway.served import RUN, Served, served
from tests.gateway_hosts.loopback_host import (
    NDJSON,
    LoopbackHost,
    answering,
    cutting,
    loopback_hosts,
    refusing,
)

FACTS = OllamaFacts(version="0.12.0", models=("m:latest",))


class Patient(ManualClock):
    """A clock on which a sleep lasts until it is let go, and is noted."""

    def __init__(self) -> None:
        super().__init__()
        self.slept_s: list[float] = []
        self.wake = asyncio.Event()

    async def sleep_until(self, when_s: float) -> None:
        self.slept_s.append(when_s - self.now)
        await self.wake.wait()
        await super().sleep_until(when_s)


def settings_for(
    hosts: Sequence[LoopbackHost], *, slots: int = 2, patience_s: float = 30, known: int | None = None
) -> PoolSettings:
    """`known` is how many of the hosts answered when they were asked first."""
    facts = [FACTS if known is None or number < known else None for number in range(len(hosts))]
    made = [HostSettings(url=host.url, slots=slots, facts=it) for host, it in zip(hosts, facts, strict=True)]
    return PoolSettings(hosts=tuple(made), upstream_timeout_s=patience_s)


class Pooled:
    """A gateway before a pool."""

    def __init__(self, gateway: Served, clock: Patient, outages: OutageLog) -> None:
        self.gateway = gateway
        self.clock = clock
        self._outages = outages

    async def ask(self, got: list[str] | None = None, *, text: str = "Why?") -> str:
        """The text of an answer that is streamed to its end; its parts are in `got` as they come."""
        parts = [] if got is None else got
        client = await self.gateway.client()
        async for part in await client.chat("m", [{"role": "user", "content": text}], stream=True):
            parts.append(part.message.content or "")
        return "".join(parts)

    async def ask_all(self, count: int) -> list[str]:
        """Many at once."""
        return await asyncio.gather(*(self.ask() for _ in range(count)))

    async def calls(self) -> list[CallRecord]:
        return await self.gateway.calls()

    @property
    def left_out(self) -> list[tuple[str, bool, str]]:
        """Who was, whether still, and why."""
        now = self.clock.now + 1
        return [(it.host, it.to_s is None, it.reason) for it in self._outages.during(0, now)]


@asynccontextmanager
async def pooled(
    settings: PoolSettings | RecordSettings, *faults: str, slots: int = 8
) -> AsyncIterator[Pooled]:
    clock, outages = Patient(), OutageLog()
    rules = [parse_fault(fault) for fault in faults]
    async with (
        open_upstream(settings, rules, clock, outages) as upstream,
        served(upstream, clock, slots) as gateway,
    ):
        yield Pooled(gateway, clock, outages)


@pytest.fixture
async def hosts() -> AsyncIterator[list[LoopbackHost]]:
    async with loopback_hosts(2) as found:
        yield found


@pytest.fixture
async def pool(hosts: list[LoopbackHost]) -> AsyncIterator[Pooled]:
    async with pooled(settings_for(hosts)) as pool:
        yield pool


async def test_calls_go_to_all_hosts_within_the_slots_of_each_and_say_to_which(
    hosts: list[LoopbackHost], pool: Pooled
) -> None:
    full, go = asyncio.Event(), asyncio.Event()

    async def held(exchange: Exchange) -> None:
        if all(host.under_way == 2 for host in hosts):
            full.set()
        await go.wait()
        await answering(exchange)

    for host in hosts:
        host.chat = held
    asking = asyncio.ensure_future(pool.ask_all(8))
    async with asyncio.timeout(10):
        await full.wait()
        go.set()
        assert await asking == ["Because"] * 8
    assert [host.most_under_way for host in hosts] == [2, 2]
    named = [call.host for call in await pool.calls()]
    assert {url: named.count(url) for url in named} == {host.url: host.asked for host in hosts}


async def test_what_a_call_waits_for_a_slot_of_a_host_is_queueing(hosts: list[LoopbackHost]) -> None:
    """Though it has a slot of its run already; else the time of the model would be counted twice."""
    async with pooled(settings_for(hosts[:1], slots=1)) as pool:
        clock = pool.clock

        async def slow(exchange: Exchange) -> None:
            await asyncio.sleep(0.01)
            clock.now += 5
            await answering(exchange)

        hosts[0].chat = slow
        await pool.ask_all(3)
        calls = await pool.calls()
    assert sorted(call.queued_s for call in calls) == [0, 5, 10]
    assert [call.generating_s for call in calls] == [5, 5, 5]


@pytest.mark.parametrize("status", [500, 503])
async def test_an_error_is_tried_elsewhere_at_once_and_the_caller_sees_nothing_of_it(
    hosts: list[LoopbackHost], pool: Pooled, status: int
) -> None:
    hosts[0].chat = refusing(status)
    assert await pool.ask() == "Because"
    (call,) = await pool.calls()
    assert (call.status, call.error, call.host) == (200, None, hosts[1].url)
    assert call.moved_from == (f"Ollama at {hosts[0].url} answered {status}: server busy",)
    assert pool.left_out == []


async def test_after_three_errors_in_a_row_a_host_is_left_out(
    hosts: list[LoopbackHost], pool: Pooled
) -> None:
    hosts[0].chat = refusing(503)
    for _ in range(5):
        await pool.ask()
    assert (hosts[0].asked, hosts[1].asked) == (3, 5)
    assert pool.left_out == [(hosts[0].url, True, f"Ollama at {hosts[0].url} answered 503: server busy")]


async def test_an_error_of_every_host_goes_to_the_caller_as_it_came(
    hosts: list[LoopbackHost], pool: Pooled
) -> None:
    for host in hosts:
        host.chat = refusing(500)
    with pytest.raises(ollama.ResponseError, match="server busy") as refused:
        await pool.ask()
    assert refused.value.status_code == 500
    assert [host.asked for host in hosts] == [1, 1]
    (call,) = await pool.calls()
    assert (call.host, call.error) == (hosts[1].url, "server busy")
    assert call.moved_from == (f"Ollama at {hosts[0].url} answered 500: server busy",)


async def test_an_error_is_passed_on_rather_than_waiting_for_a_host_that_is_out(
    hosts: list[LoopbackHost], pool: Pooled
) -> None:
    hosts[0].chat = refusing(500)
    await hosts[1].die()
    async with asyncio.timeout(10):
        for _ in range(2):
            with pytest.raises(ollama.ResponseError, match="server busy") as refused:
                await pool.ask()
            assert refused.value.status_code == 500


async def test_what_a_host_says_of_the_request_is_no_fault_of_the_host(
    hosts: list[LoopbackHost], pool: Pooled
) -> None:
    hosts[0].chat = hosts[1].chat = refusing(404)
    for _ in range(4):
        with pytest.raises(ollama.ResponseError, match="server busy"):
            await pool.ask()
    assert sum(host.asked for host in hosts) == 4
    assert pool.left_out == []


async def test_what_a_host_refuses_does_not_show_its_pace(hosts: list[LoopbackHost], pool: Pooled) -> None:
    async def refusing_late(exchange: Exchange) -> None:
        pool.clock.now += 50
        await refusing(404)(exchange)

    hosts[0].chat = refusing_late
    with pytest.raises(ollama.ResponseError):
        await pool.ask()
    hosts[0].chat = answering
    await pool.ask()
    assert [host.asked for host in hosts] == [2, 0]


async def test_a_host_that_closes_without_a_word_is_passed_over(
    hosts: list[LoopbackHost], pool: Pooled
) -> None:
    async def gone(exchange: Exchange) -> None:
        """Close the connection."""

    hosts[0].chat = gone
    assert await pool.ask_all(4) == ["Because"] * 4
    assert [(url, out) for url, out, _ in pool.left_out] == [(hosts[0].url, True)]


async def test_a_host_that_breaks_off_before_the_first_byte_is_passed_over(
    hosts: list[LoopbackHost], pool: Pooled
) -> None:
    async def head_only(exchange: Exchange) -> None:
        await exchange.head(200, NDJSON)

    hosts[0].chat = head_only
    assert await pool.ask() == "Because"
    assert (await pool.calls())[0].host == hosts[1].url


async def test_a_silent_host_is_passed_over_when_its_time_is_up(hosts: list[LoopbackHost]) -> None:
    async def silent(exchange: Exchange) -> None:
        await exchange.client_gone()

    hosts[0].chat = silent
    async with pooled(settings_for(hosts, patience_s=0.1)) as pool:
        assert await pool.ask() == "Because"
        (call,) = await pool.calls()
        assert call.moved_from == (f"Ollama at {hosts[0].url} sent nothing for 0.1 s",)
        hosts[1].chat = silent
        with pytest.raises(ollama.ResponseError, match="sent nothing for") as refused:
            await pool.ask()
        assert refused.value.status_code == 504


async def test_an_answer_that_breaks_off_in_the_middle_is_passed_on_as_cut(
    hosts: list[LoopbackHost], pool: Pooled
) -> None:
    """Another answer could not be joined to it; the engine asks again."""
    hosts[0].chat = cutting
    got: list[str] = []
    with pytest.raises(httpx.RemoteProtocolError):
        await pool.ask(got)
    assert got == ["Bec"]
    (call,) = await pool.calls()
    assert (call.host, call.response) == (hosts[0].url, "Bec")
    assert call.error is not None
    assert hosts[1].asked == 0
    for _ in range(2):
        hosts[1].chat = refusing(404)
        assert pool.left_out == []
        with pytest.raises((httpx.RemoteProtocolError, ollama.ResponseError)):
            await pool.ask()
    assert [(url, out) for url, out, _ in pool.left_out] == [(hosts[0].url, True)]


async def test_an_answer_that_ends_well_after_its_host_was_left_out_does_not_bring_it_back(
    hosts: list[LoopbackHost], pool: Pooled
) -> None:
    here, go = asyncio.Event(), asyncio.Event()

    async def gone(exchange: Exchange) -> None:
        """Close the connection."""

    async def held(exchange: Exchange) -> None:
        hosts[0].chat = gone
        await exchange.head(200, NDJSON)
        await exchange.chunk(line("Be"))
        here.set()
        await go.wait()
        await exchange.chunk(LAST)
        await exchange.end()

    hosts[0].chat = held
    asking = asyncio.ensure_future(pool.ask())
    async with asyncio.timeout(10):
        await here.wait()
        while not pool.left_out:
            await pool.ask_all(4)
        go.set()
        assert await asking == "Be"
    assert [(url, out) for url, out, _ in pool.left_out] == [(hosts[0].url, True)]


async def test_a_host_that_takes_longer_gets_less(hosts: list[LoopbackHost], pool: Pooled) -> None:
    async def slow(exchange: Exchange) -> None:
        pool.clock.now += 5
        await answering(exchange)

    async def fast(exchange: Exchange) -> None:
        pool.clock.now += 1
        await answering(exchange)

    hosts[0].chat, hosts[1].chat = slow, fast
    for _ in range(6):
        await pool.ask()
    assert [host.asked for host in hosts] == [1, 5]


async def test_a_host_dies_under_way_and_comes_back(hosts: list[LoopbackHost], pool: Pooled) -> None:
    """What it had not begun to answer is answered by the other; it is back after a call on trial."""
    here = asyncio.Event()

    async def hanging(exchange: Exchange) -> None:
        here.set()
        await exchange.client_gone()

    hosts[0].chat = hanging
    asking = asyncio.ensure_future(pool.ask_all(3))
    async with asyncio.timeout(10):
        await here.wait()
        await hosts[0].die()
        assert await asking == ["Because"] * 3
        await pool.ask_all(4)
        assert [(url, out) for url, out, _ in pool.left_out] == [(hosts[0].url, True)]
        assert pool.clock.slept_s == [1]
        hosts[0].chat, asked_before = answering, hosts[0].asked
        await hosts[0].start()
        pool.clock.wake.set()
        while pool.left_out[0][1]:
            await pool.ask()
        await pool.ask_all(4)
    assert hosts[0].asked >= asked_before + 2
    assert hosts[0].probed == 1


async def test_a_call_whose_host_died_goes_before_those_that_only_waited(hosts: list[LoopbackHost]) -> None:
    here, go = [asyncio.Event(), asyncio.Event()], asyncio.Event()

    async def hanging(exchange: Exchange) -> None:
        here[0].set()
        await exchange.client_gone()

    async def held(exchange: Exchange) -> None:
        here[1].set()
        await go.wait()
        await answering(exchange)

    hosts[0].chat, hosts[1].chat = hanging, held
    async with pooled(settings_for(hosts, slots=1)) as pool, asyncio.timeout(10):
        asking = []
        for text, event in (("first", here[0]), ("second", here[1])):
            asking.append(asyncio.ensure_future(pool.ask(text=text)))
            await event.wait()
        asking.append(asyncio.ensure_future(pool.ask(text="third")))
        while (await pool.gateway.progress()).arrived < 3:  # noqa: ASYNC110 - a gateway tells when asked
            await asyncio.sleep(0)
        await hosts[0].die()
        while not pool.left_out:  # noqa: ASYNC110 - so does a pool
            await asyncio.sleep(0)
        go.set()
        await asyncio.gather(*asking)
    asked = [json.loads(it.body)["messages"][0]["content"] for it in hosts[1].requests]
    assert asked == ["second", "first", "third"]


async def test_a_trial_is_passed_where_the_caller_hangs_up_on_the_last_line(
    hosts: list[LoopbackHost],
) -> None:
    async def never_closing(exchange: Exchange) -> None:
        await exchange.head(200, NDJSON)
        await exchange.chunk(LAST)
        await exchange.client_gone()

    hosts[0].chat = never_closing
    async with pooled(settings_for(hosts[:1], known=0)) as pool, asyncio.timeout(10):
        pool.clock.wake.set()
        client = await pool.gateway.client()
        stream = await client.chat("m", [], stream=True)
        async for part in stream:
            if part.done:
                break
        await stream.aclose()  # type: ignore[attr-defined]
        while pool.left_out[0][1]:  # noqa: ASYNC110 - a pool tells when it is asked
            await asyncio.sleep(0.001)


async def test_a_host_that_stays_away_is_asked_ever_more_rarely(hosts: list[LoopbackHost]) -> None:
    await hosts[1].die()
    async with pooled(settings_for(hosts, known=1)) as pool, asyncio.timeout(10):
        pool.clock.wake.set()
        while len(pool.clock.slept_s) < 8:  # noqa: ASYNC110 - a pool tells when it is asked
            await asyncio.sleep(0.001)
        assert pool.clock.slept_s[:8] == [1, 2, 4, 8, 16, 30, 30, 30]
        assert await pool.ask() == "Because"


async def test_with_all_hosts_out_calls_wait_for_one_to_come_back(
    hosts: list[LoopbackHost], pool: Pooled
) -> None:
    for host in hosts:
        await host.die()
    asking = asyncio.ensure_future(pool.ask_all(5))
    async with asyncio.timeout(10):
        while len(pool.left_out) < 2:  # noqa: ASYNC110 - as above
            await asyncio.sleep(0.001)
        await hosts[1].start()
        pool.clock.wake.set()
        assert await asking == ["Because"] * 5
    assert {call.host for call in await pool.calls()} == {hosts[1].url}


async def test_but_not_for_ever(hosts: list[LoopbackHost]) -> None:
    async with pooled(settings_for(hosts, patience_s=0.05)) as pool:
        for host in hosts:
            await host.die()
        with pytest.raises(ollama.ResponseError, match="no host is left") as refused:
            await pool.ask()
        assert refused.value.status_code == 503
        assert f"cannot reach Ollama at {hosts[1].url}" in refused.value.error


async def test_a_host_that_did_not_answer_at_the_start_joins_when_it_does(hosts: list[LoopbackHost]) -> None:
    await hosts[1].die()
    async with pooled(settings_for(hosts, known=1)) as pool, asyncio.timeout(10):
        await pool.ask_all(4)
        assert pool.left_out == [(hosts[1].url, True, f"no Ollama answers at {hosts[1].url}")]
        await hosts[1].start()
        pool.clock.wake.set()
        while not hosts[1].asked:
            await pool.ask_all(4)
        assert not pool.left_out[0][1]


async def test_a_host_that_comes_back_without_the_model_gets_no_calls_for_it(
    hosts: list[LoopbackHost],
) -> None:
    hosts[1].models = ("other:latest",)
    async with pooled(settings_for(hosts, known=1)) as pool, asyncio.timeout(10):
        pool.clock.wake.set()
        while not hosts[1].probed:  # noqa: ASYNC110 - as above
            await asyncio.sleep(0.001)
        await pool.ask_all(6)
    assert hosts[1].asked == 0


async def test_a_host_that_comes_back_with_other_models_is_known_for_these(
    hosts: list[LoopbackHost], pool: Pooled
) -> None:
    await hosts[1].die()
    async with asyncio.timeout(10):
        while not pool.left_out:
            await pool.ask_all(4)
        asked_before, hosts[1].models = hosts[1].asked, ("other:latest",)
        await hosts[1].start()
        pool.clock.wake.set()
        while not hosts[1].probed:  # noqa: ASYNC110 - as above
            await asyncio.sleep(0.001)
        await pool.ask_all(6)
    assert hosts[1].asked == asked_before


async def test_a_caller_that_goes_frees_the_slot_of_the_host(hosts: list[LoopbackHost]) -> None:
    """In the middle of an answer as well as before the first byte."""
    here = asyncio.Event()

    async def endless(exchange: Exchange) -> None:
        await exchange.head(200, NDJSON)
        await exchange.chunk(line("Bec"))
        here.set()
        await exchange.client_gone()

    hosts[0].chat = endless
    async with pooled(settings_for(hosts[:1], slots=1)) as pool, asyncio.timeout(10):
        going, waiting = asyncio.ensure_future(pool.ask()), asyncio.ensure_future(pool.ask())
        await here.wait()
        await pool.gateway.queued(0)
        hosts[0].chat = answering
        for task in (waiting, going):
            task.cancel()
        assert await pool.ask() == "Because"
        assert pool.left_out == []


async def test_a_fault_acts_before_a_pool_as_before_one_host(hosts: list[LoopbackHost]) -> None:
    async with pooled(settings_for(hosts), "times=1:503") as pool:
        with pytest.raises(ollama.ResponseError, match="server busy"):
            await pool.ask()
        assert await pool.ask() == "Because"
        faults = [call.fault for call in await pool.calls()]
        assert faults == ["times=1:503", None]
        assert pool.left_out == []


async def test_an_answer_is_slowed_down_from_the_slot_of_the_host_that_gave_it(
    hosts: list[LoopbackHost],
) -> None:
    async with pooled(settings_for(hosts), "slow:5x") as pool:

        async def late(exchange: Exchange) -> None:
            pool.clock.now += 3
            await refusing(503)(exchange)

        async def later(exchange: Exchange) -> None:
            pool.clock.now += 1
            await answering(exchange)

        hosts[0].chat, hosts[1].chat = late, later
        pool.clock.wake.set()
        await pool.ask()
        (call,) = await pool.calls()
    assert (call.queued_s, call.generating_s) == (3, 5)


async def test_what_a_pool_answers_is_recorded_with_its_times_from_the_slot_of_the_host(
    hosts: list[LoopbackHost], tmp_path: Path
) -> None:
    hosts[0].chat = refusing(503)
    settings = RecordSettings(folder=tmp_path, upstream=settings_for(hosts))
    async with pooled(settings) as pool:
        clock = pool.clock

        async def late(exchange: Exchange) -> None:
            clock.now += 3
            await refusing(503)(exchange)

        hosts[0].chat = late
        await pool.gateway.open("recorded", 1, "shop")
        client = await pool.gateway.client("recorded")
        await client.chat("m", [{"role": "user", "content": "Why?"}])
    ((_, entry),) = read_cassette(tmp_path / "shop.jsonl").entries
    assert (entry.source, entry.status) == ("ollama 0.12.0", 200)
    assert [piece.at_s for piece in entry.pieces] == [0]


async def test_lists_are_those_of_the_first_host_that_answers(
    hosts: list[LoopbackHost], pool: Pooled
) -> None:
    hosts[1].models = ("other:latest",)
    listed = []
    for _ in range(2):
        async with pool.gateway.session.get(f"{pool.gateway.host()}/api/tags") as response:
            listed += [model["name"] for model in json.loads(await response.read())["models"]]
        await hosts[0].die()
    assert listed == ["m:latest", "other:latest"]
    async with pool.gateway.session.post(f"{pool.gateway.host()}/api/pull", json={"name": "m"}) as response:
        assert response.status == 502, "what has a body is sent once"
    await pool.ask_all(4)
    async with pool.gateway.session.post(f"{pool.gateway.host()}/api/pull", json={"name": "m"}) as response:
        assert response.status == 200, "and not to a host that is left out"


async def test_nothing_is_left_of_a_pool_that_is_closed_while_it_probes(hosts: list[LoopbackHost]) -> None:
    before = asyncio.all_tasks()
    await hosts[1].die()
    async with open_upstream(settings_for(hosts, known=1), (), MonotonicClock()):
        await asyncio.sleep(0)
        assert asyncio.all_tasks() > before
    assert asyncio.all_tasks() == before


async def test_the_marks_of_a_run_say_who_was_left_out_in_its_times(hosts: list[LoopbackHost]) -> None:
    clock, outages = ManualClock(), OutageLog()
    outages.left_out("http://early", 10, "then")
    outages.back("http://early", 20)
    outages.left_out("http://a", 90, "refused")
    run = Run(RUN, 1, clock, outages=outages)
    clock.now = 103
    outages.back("http://a", 103)
    outages.left_out("http://b", 104, "cut")
    outages.left_out("http://b", 105, "again: it is out already")
    clock.now = 110
    marks = await run.end()
    assert [(it.host, it.from_s, it.to_s, it.reason) for it in marks.outages] == [
        ("http://a", 0, 3, "refused"),
        ("http://b", 4, None, "cut"),
    ]
