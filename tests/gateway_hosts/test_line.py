"""Which host a call goes to, and who waits how long."""

from __future__ import annotations

import asyncio
import random
from collections import Counter

import pytest

from harness.gateway.errors import NoHostLeft
from harness.gateway.hosts.host import Host, Lease
from harness.gateway.hosts.line import Line, Wish
from tests.gateway_hosts.made_hosts import made_host

PATIENCE_S = 60.0


async def settle() -> None:
    """Let every task run until it waits."""
    for _ in range(5):
        await asyncio.sleep(0)


def waiting_for(line: Line, model: str = "m", *, again: bool = False) -> asyncio.Task[Lease]:
    return asyncio.ensure_future(line.lease(Wish(model, again=again)))


async def test_calls_are_spread_by_the_slots_of_each() -> None:
    small, large = made_host("small", 2), made_host("large", 6)
    line = Line([small, large], PATIENCE_S)
    for _ in range(4):
        await line.lease(Wish("m"))
    assert (small.under_way, large.under_way) == (1, 3)
    for _ in range(4):
        await line.lease(Wish("m"))
    assert (small.under_way, large.under_way) == (2, 6)


async def test_a_slow_host_gets_less() -> None:
    """A simulation: both have two slots; one takes four times as long, and eight callers ask all the time."""
    fast, slow = made_host("fast", 4), made_host("slow", 4)
    took_s = {fast: 1.0, slow: 4.0}
    line = Line([slow, fast], PATIENCE_S)
    served: Counter[Host] = Counter()
    now, under_way = 0.0, list[tuple[float, int, Lease]]()
    for number in range(200):
        while len(under_way) >= 4:
            now, _, lease = min(under_way)
            under_way.remove((now, _, lease))
            lease.host.pace.note(took_s[lease.host], None)
            line.give_back(lease)
        lease = await line.lease(Wish("m"))
        served[lease.host] += 1
        under_way.append((now + took_s[lease.host], number, lease))
    assert served[slow] * 8 < served[fast]
    assert served[slow] > 0


async def test_a_free_slot_of_a_slow_host_goes_before_waiting_for_a_fast_one() -> None:
    fast, slow = made_host("fast"), made_host("slow")
    fast.pace.note(1, None)
    slow.pace.note(100, None)
    line = Line([fast, slow], PATIENCE_S)
    assert (await line.lease(Wish("m"))).host is fast
    assert (await line.lease(Wish("m"))).host is slow


async def test_what_becomes_free_anywhere_goes_to_the_first_in_line() -> None:
    line = Line([made_host("a"), made_host("b")], PATIENCE_S)
    first, second = await line.lease(Wish("m")), await line.lease(Wish("m"))
    third, fourth = waiting_for(line), waiting_for(line)
    await settle()
    line.give_back(second)
    assert (await third).host is second.host
    line.give_back(first)
    assert (await fourth).host is first.host


async def test_a_call_that_was_tried_goes_before_those_that_were_not() -> None:
    line = Line([made_host()], PATIENCE_S)
    held = await line.lease(Wish("m"))
    new = waiting_for(line)
    await settle()
    tried = waiting_for(line, again=True)
    await settle()
    line.give_back(held)
    await settle()
    assert (tried.done(), new.done()) == (True, False)
    line.give_back(await tried)
    await new


async def test_a_call_goes_only_where_its_model_is() -> None:
    """And does not hold up the calls behind it that another host can answer."""
    one, other = made_host("one", models=("x:latest",)), made_host("other", models=("y:8b",))
    line = Line([one, other], PATIENCE_S)
    held = await line.lease(Wish("x"))
    assert held.host is one
    waiting = waiting_for(line, "x:latest")
    await settle()
    assert (await line.lease(Wish("y:8b"))).host is other
    line.give_back(held)
    assert (await waiting).host is one


async def test_a_model_that_nobody_has_is_asked_for_anywhere() -> None:
    """The host says that it has it not, as it would alone."""
    line = Line([made_host()], PATIENCE_S)
    assert (await line.lease(Wish("unknown"))).host.url == "http://a"


async def test_who_gives_up_leaves_the_line() -> None:
    line = Line([made_host()], PATIENCE_S)
    held = await line.lease(Wish("m"))
    gone, next_ = waiting_for(line), waiting_for(line)
    await settle()
    gone.cancel()
    await settle()
    assert line.waiting == 1
    line.give_back(held)
    line.give_back(await next_)


@pytest.mark.parametrize("order", ["cancel first", "grant first"])
async def test_no_slot_is_lost_when_the_wait_is_cancelled_in_the_moment_of_the_grant(order: str) -> None:
    line = Line([made_host()], PATIENCE_S)
    held = await line.lease(Wish("m"))
    second, third = waiting_for(line), waiting_for(line)
    await settle()
    if order == "cancel first":
        second.cancel()
    line.give_back(held)
    second.cancel()
    await settle()
    assert second.cancelled()
    line.give_back(await third)


async def test_while_all_are_out_a_call_waits_so_long_and_no_longer() -> None:
    host, other = made_host("a"), made_host("b")
    line = Line([host, other], 0.01)
    for each in (host, other):
        each.leave_out()
    line.serve()
    with pytest.raises(NoHostLeft, match=r"^no host is left: http://a, http://b did not come back in 0.01 s"):
        await line.lease(Wish("m"))
    assert line.waiting == 0


async def test_whoever_waits_for_a_slot_when_the_last_host_goes_out_waits_no_longer_either() -> None:
    host = made_host()
    line = Line([host], 0.01)
    await line.lease(Wish("m"))
    waiting = waiting_for(line)
    await asyncio.sleep(0.03)
    assert not waiting.done(), "a mere queue has no end"
    host.leave_out()
    line.serve()
    with pytest.raises(NoHostLeft):
        await waiting


async def test_a_host_that_is_on_trial_is_waited_for() -> None:
    host = made_host()
    line = Line([host], 0.01)
    host.leave_out()
    first, second = waiting_for(line), waiting_for(line)
    await settle()
    assert host.facts is not None
    host.try_again(host.facts)
    line.serve()
    trial = await first
    assert trial.trial
    await asyncio.sleep(0.03)
    assert not second.done()
    line.give_back(trial)
    line.give_back(await second)


@pytest.mark.parametrize("seed", range(10))
async def test_limits_hold_and_nothing_is_lost_whatever_happens(seed: int) -> None:
    """Whatever the order of arrivals, ends, failures, returns and cancellations."""
    dice = random.Random(seed)  # noqa: S311
    hosts = [made_host(str(number), dice.randint(1, 3)) for number in range(3)]
    line = Line(hosts, PATIENCE_S)
    waiting: list[asyncio.Task[Lease]] = []
    held: list[Lease] = []
    for _ in range(300):
        match dice.randrange(8):
            case 0 | 1 | 2:
                waiting.append(waiting_for(line, again=dice.random() < 0.2))
            case 3 if waiting:
                dice.choice(waiting).cancel()
            case 4 | 5 if held:
                lease = held.pop(dice.randrange(len(held)))
                lease.host.went_well(lease)
                line.give_back(lease)
            case 6 if held:
                lease = held.pop(dice.randrange(len(held)))
                lease.host.went_wrong(lease, lost=dice.random() < 0.5)
                line.give_back(lease)
            case 7:
                host = dice.choice(hosts)
                if host.state.name == "OUT" and host.facts is not None:
                    host.try_again(host.facts)
                    line.serve()
        if dice.random() < 0.5:
            await asyncio.sleep(0)
        held += [task.result() for task in waiting if task.done() and not task.cancelled()]
        waiting = [task for task in waiting if not task.done()]
        assert all(0 <= host.under_way <= host.slots for host in hosts)
        assert not (
            line.waiting and any(host.free for host in hosts) and not any(t.cancelling() for t in waiting)
        )
    for task in waiting:
        task.cancel()
    await settle()
    held += [task.result() for task in waiting if not task.cancelled()]
    for lease in held:
        line.give_back(lease)
    assert [host.under_way for host in hosts] == [0, 0, 0]
    assert line.waiting == 0
