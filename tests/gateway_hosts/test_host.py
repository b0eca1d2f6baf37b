"""When a host is left out, and how it comes back."""

from __future__ import annotations

from harness.gateway.hosts.host import Host, HostState
from harness.gateway.ollama_facts import OllamaFacts
from tests.gateway_hosts.made_hosts import made_host

FACTS = OllamaFacts(version="2", models=("m:latest",))


def wrong(host: Host, *, lost: bool = False) -> bool:
    """Let a call go wrong; whether the host is left out by that."""
    lease = host.take()
    left_out = host.went_wrong(lease, lost=lost)
    host.give_back(lease)
    return left_out


def well(host: Host) -> bool:
    """Let a call go well; whether the host is back by that."""
    lease = host.take()
    back = host.went_well(lease)
    host.give_back(lease)
    return back


def test_one_lost_connection_is_enough() -> None:
    host = made_host()
    assert wrong(host, lost=True)
    assert (host.state, host.free) == (HostState.OUT, False)


def test_of_errors_it_takes_three_in_a_row() -> None:
    host = made_host()
    assert [wrong(host), wrong(host), well(host)] == [False, False, False]
    assert [wrong(host), wrong(host), wrong(host)] == [False, False, True]


def test_a_host_that_says_it_is_back_gets_one_call_until_that_went_well() -> None:
    host = made_host(slots=3)
    wrong(host, lost=True)
    host.try_again(FACTS)
    trial = host.take()
    assert not host.free
    assert host.went_well(trial)
    assert host.free
    assert host.facts == FACTS


def test_a_trial_that_fails_leaves_it_out_and_makes_it_wait_longer() -> None:
    host = made_host()
    wrong(host, lost=True)
    waits = [host.next_probe_s(), host.next_probe_s()]
    host.try_again(FACTS)
    assert wrong(host)
    waits += [host.next_probe_s() for _ in range(5)]
    assert waits == [1, 2, 4, 8, 16, 30, 30]
    host.try_again(FACTS)
    assert well(host)
    assert host.next_probe_s() == 1


def test_a_trial_that_its_caller_gave_up_shows_nothing_and_the_next_call_is_one() -> None:
    host = made_host(slots=2)
    wrong(host, lost=True)
    host.try_again(FACTS)
    host.give_back(host.take())
    assert (host.state, host.free) == (HostState.TRIAL, True)
    host.take()
    assert not host.free


def test_a_call_from_before_it_was_left_out_says_nothing_of_it_now() -> None:
    """It may have hung since then, or end well on a connection that is still there."""
    host = made_host(slots=3)
    hanging, ending = host.take(), host.take()
    wrong(host, lost=True)
    assert not host.went_well(ending)
    assert host.state is HostState.OUT
    host.give_back(ending)
    host.try_again(FACTS)
    assert well(host)
    assert not host.went_wrong(hanging, lost=True)
    assert host.state is HostState.IN
