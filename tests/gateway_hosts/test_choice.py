"""What `--model` comes to where it names several hosts."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from harness.gateway.errors import OllamaUnreachable, UnknownModelChoice
from harness.gateway.model import ModelChoice, choose_model
from harness.gateway.ollama_address import HostAddress, host_addresses
from harness.gateway.ollama_facts import OllamaFacts
from harness.gateway.settings import (
    ContinueSettings,
    HostSettings,
    LiveSettings,
    PoolSettings,
    RecordSettings,
    SimulateSettings,
)
from tests.gateway.scripted_ollama import Exchange
from tests.gateway_hosts.loopback_host import LoopbackHost, loopback_hosts


@pytest.fixture(autouse=True)
def patience(monkeypatch: pytest.MonkeyPatch) -> None:
    """A busy machine must not turn a host that answers into one that does not."""
    monkeypatch.setattr("harness.gateway.model._PROBE_TIMEOUT_S", 30)


@pytest.fixture
async def hosts() -> AsyncIterator[list[LoopbackHost]]:
    async with loopback_hosts(2) as found:
        yield found


async def chosen(text: str, slots: int = 4) -> ModelChoice:
    return await choose_model(text, ollama_host="http://127.0.0.1:1", slots=slots)


def of(choice: ModelChoice, *, upstream_timeout_s: float = 7) -> object:
    return choice.settings(SimulateSettings(), time_scale=1, upstream_timeout_s=upstream_timeout_s)


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("http://a:11434,http://b:11434", [("http://a:11434", None), ("http://b:11434", None)]),
        ("http://a#4,https://b/ollama#2", [("http://a:80", 4), ("https://b:443/ollama", 2)]),
        (
            "a#1, [::1]:7 ,10.0.0.1",
            [("http://a:11434", 1), ("http://[::1]:7", None), ("http://10.0.0.1:11434", None)],
        ),
        ("a#8", [("http://a:11434", 8)]),
    ],
)
def test_hosts_are_listed_with_the_slots_of_each(text: str, found: list[tuple[str, int | None]]) -> None:
    assert host_addresses(text) == tuple(HostAddress(*each) for each in found)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("http://a,http://a:80", "names http://a:80 twice: name it once, with its slots"),
        ("http://a:x,http://b", "'http://a:x' is no address of an Ollama: .*: say ollama:http://a:11434#4,"),
        ("http://a:99999,http://b", "is no address of an Ollama: Port out of range"),
        ("ftp://a,http://b", "reached by http or https: say ollama:http://a:11434#4,"),
        ("http://a#0,http://b", "'http://a#0': behind # stands how many calls at once .*, from 1: say"),
        ("http://a#-1,http://b", "behind # stands how many"),
        ("http://a#,http://b", "behind # stands how many"),
        ("http://a#4#4,http://b", "behind # stands how many"),
        ("http://a,", "leaves an address out: say"),
        (",", "leaves an address out"),
        ("#4", "leaves an address out"),
        ("two words,http://b", "'two words' is no address"),
        ("http://a?x,http://b", "is no address"),
    ],
)
@pytest.mark.parametrize("form", ["ollama:{}", "record:tapes@{}", "continue:tapes@{}"])
async def test_what_names_no_hosts_is_refused_in_one_line_with_what_would_be_right(
    text: str, said: str, form: str
) -> None:
    with pytest.raises(UnknownModelChoice, match=said) as refused:
        await chosen(form.format(text))
    assert "\n" not in str(refused.value)


async def test_a_host_has_the_slots_that_it_is_given_or_those_of_all(hosts: list[LoopbackHost]) -> None:
    one, other = hosts
    choice = await chosen(f"ollama:{one.url}#2,{other.url}", slots=3)
    facts = OllamaFacts(version="0.12.0", models=("m:latest",), digests=("46e0c10c039e",))
    assert of(choice) == PoolSettings(
        hosts=(
            HostSettings(url=one.url, slots=2, facts=facts),
            HostSettings(url=other.url, slots=3, facts=facts),
        ),
        upstream_timeout_s=7,
    )
    assert (choice.slots_for("m", 3), choice.slots_in_all(3)) == (5, 5)
    assert choice.reason == (
        f"an Ollama on 2 hosts was asked for: {one.url} (2 slots), {other.url} (3 slots)"
    )


async def test_a_single_address_is_what_it_was(hosts: list[LoopbackHost]) -> None:
    choice = await chosen(f"ollama:{hosts[0].url}")
    assert of(choice) == LiveSettings(url=hosts[0].url, upstream_timeout_s=7)
    assert (choice.slots_for("m", 3), choice.text) == (3, f"ollama:{hosts[0].url}")


async def test_several_hosts_are_recorded_and_continued_like_one(
    hosts: list[LoopbackHost], tmp_path: Path
) -> None:
    addresses = ",".join(host.url for host in hosts)
    recorded, continued = [await chosen(f"{kind}:{tmp_path}@{addresses}") for kind in ("record", "continue")]
    for choice, kind in ((recorded, RecordSettings), (continued, ContinueSettings)):
        settings = of(choice)
        assert isinstance(settings, kind)
        assert isinstance(settings.upstream, PoolSettings)
        assert choice.slots_in_all(4) == 8
    assert recorded.reason.startswith(f"an Ollama on 2 hosts is recorded into {tmp_path}: {hosts[0].url} (4")


@pytest.mark.parametrize("form", ["ollama:{}", "{}", "record:/tapes@{}", "continue:/tapes@{}"])
async def test_the_words_of_a_choice_come_to_the_same_with_other_slots(
    hosts: list[LoopbackHost], form: str
) -> None:
    choice = await chosen(form.format(f"{hosts[0].url}#2,{hosts[1].url}"), slots=3)
    again = await chosen(choice.text, slots=9)
    assert (again.text, of(again), again.slots_in_all(9)) == (choice.text, of(choice), 5)


async def test_a_host_that_does_not_answer_is_left_out_and_said(hosts: list[LoopbackHost]) -> None:
    await hosts[1].die()
    choice = await chosen(f"{hosts[0].url},{hosts[1].url}")
    assert choice.reason.endswith(f"; no Ollama answers at {hosts[1].url}: left out until one does")
    assert [host.facts is None for host in choice.hosts] == [False, True]
    assert choice.slots_in_all(4) == 8
    assert choice.offers("m")
    assert choice.offers("pulled on the one that is away")
    assert choice.warnings("m") == ()


async def test_where_none_answers_all_are_named(hosts: list[LoopbackHost]) -> None:
    for host in hosts:
        await host.die()
    with pytest.raises(
        OllamaUnreachable, match=f"^no Ollama answers at {hosts[0].url}, nor at {hosts[1].url}$"
    ):
        await chosen(f"{hosts[0].url},{hosts[1].url}")


async def test_a_host_without_the_model_adds_no_slots_for_it_and_is_named(hosts: list[LoopbackHost]) -> None:
    hosts[1].models = ("other:7b",)
    choice = await chosen(f"{hosts[0].url}#2,{hosts[1].url}#3")
    assert [choice.slots_for(model, 4) for model in ("m", "other:7b", "m:latest")] == [2, 3, 2]
    assert choice.warnings("m") == (
        f"{hosts[1].url} has no model 'm' and gets no calls for it; it has other:7b",
    )
    assert [choice.offers(model) for model in ("m", "other:7b", "other", "x")] == [True, True, False, False]
    assert choice.models == ("m:latest", "other:7b")


async def test_other_weights_behind_the_same_name_are_said(hosts: list[LoopbackHost]) -> None:
    hosts[1].digest = "667b0c1932bc" + 52 * "0"
    choice = await chosen(f"{hosts[0].url},{hosts[1].url}")
    assert choice.warnings("m") == (
        "model 'm' has not the same weights on all hosts: "
        f"46e0c10c039e at {hosts[0].url}, 667b0c1932bc at {hosts[1].url}",
    )
    assert choice.warnings("x")[0].startswith(f"{hosts[0].url} has no model 'x'")
    assert len(choice.warnings("x")) == 2


async def test_a_simulated_model_and_an_ollama_are_no_hosts_of_one_model(hosts: list[LoopbackHost]) -> None:
    async def stand_in(exchange: Exchange) -> None:
        answers = {"/api/version": {"version": "0.0.0-simulated"}, "/api/tags": {"models": []}}
        await exchange.whole(200, answers[exchange.target])

    hosts[1].script = stand_in
    with pytest.raises(UnknownModelChoice, match="are not the same model: name hosts of one kind"):
        await chosen(f"{hosts[0].url},{hosts[1].url}")
    hosts[0].script = stand_in
    choice = await chosen(f"{hosts[0].url},{hosts[1].url}")
    assert (choice.simulated, choice.deterministic, choice.offers("any")) == (True, True, True)
