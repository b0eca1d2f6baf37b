"""What is looked at besides: context, model, proxies, Redis, disk; and what speaks against the engine."""

from __future__ import annotations

from pathlib import Path

import pytest

from async_arch.embedded_redis import embedded_redis
from async_arch.redis_client import open_redis
from harness.doctor.finding import Finding, Level
from harness.doctor.machine_checks import check_disk, check_proxies
from harness.doctor.model_checks import Context, check_context, check_name
from harness.doctor.parallel_checks import check_parallelism
from harness.doctor.prediction import predict
from harness.doctor.redis_check import check_redis
from harness.errors import BadInputError
from harness.gateway.model import ModelChoice
from tests.doctor.planned import measurement, work

OK, WARNING, PROBLEM = Level.OK, Level.WARNING, Level.PROBLEM


def levels(findings: list[Finding]) -> dict[str, Level]:
    return {finding.name: finding.level for finding in findings}


def test_one_slot_speaks_against_the_concurrent_engine_unless_other_hosts_have_more() -> None:
    alone = list(check_parallelism(measurement(1), 4, 1, simulated=False))
    assert levels(alone) == {"slots": PROBLEM}
    assert "OLLAMA_NUM_PARALLEL" in alone[0].help
    assert levels(list(check_parallelism(measurement(1), 4, 3, simulated=False))) == {"slots": WARNING}
    # One call at a time was all that was tried.
    untried = measurement(1, exact=False)
    assert levels(list(check_parallelism(untried, 4, 1, simulated=False))) == {"slots": WARNING}


def test_throughput_that_does_not_grow_speaks_against_it() -> None:
    busy = list(check_parallelism(measurement(2, 1, 2), 2, 2, simulated=False))
    assert levels(busy) == {"slots": OK, "throughput": PROBLEM}
    good = list(check_parallelism(measurement(2, 1, 1.2), 2, 2, simulated=False))
    assert levels(good) == {"slots": OK, "throughput": OK}


def test_fewer_slots_than_a_comparison_asks_for_is_a_warning() -> None:
    found = list(check_parallelism(measurement(2, 1, 1), 4, 2, simulated=False))
    assert found[0].level is WARNING
    assert "--slots 2" in found[0].help


@pytest.mark.parametrize(
    ("context", "options", "tokens", "level", "words"),
    [
        (Context(), {}, None, WARNING, "4096 tokens (not told; that is Ollama's default)"),
        (Context(loaded=8192), {}, None, OK, "8192 tokens"),
        (Context(loaded=4096, most=131072), {}, 5000, WARNING, "the model was made for 131072"),
        (Context(loaded=4096), {"num_ctx": 16384}, 5000, OK, "16384 tokens"),
        (Context(told=2048), {}, 2000, OK, "2048 tokens"),
        (Context(told=2048), {}, 2100, WARNING, "cut off without a word"),
    ],
)
def test_what_does_not_fit_into_the_context_is_warned_of(
    context: Context, options: dict[str, object], tokens: int | None, level: Level, words: str
) -> None:
    prediction = predict("s", work([tokens]), [(measurement(1), 1)]) if tokens else None
    found = check_context(context, options, prediction, stand_in=False)
    assert (found.level, words in found.sentence) == (level, True)
    assert ("num_ctx" in found.help) == (level is WARNING)


def test_a_model_that_is_not_there_is_to_be_pulled() -> None:
    choice = ModelChoice("ollama", "http://a", "", ("qwen3:8b",), "0.12.3")
    asked = check_name(choice, "llama3.1", spec="shop")
    assert (asked.level, "ollama pull llama3.1" in asked.help) == (PROBLEM, True)
    # Without a spec another may be measured.
    assert check_name(choice, "llama3.1", spec=None).level is WARNING
    assert check_name(choice, "qwen3:8b", spec="shop").level is OK


def test_a_proxy_between_this_machine_and_itself_is_warned_of(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http_proxy", "https_proxy", "all_proxy", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)
    assert check_proxies().level is OK
    monkeypatch.setenv("HTTP_PROXY", "http://proxy:3128")
    monkeypatch.setenv("NO_PROXY", "localhost")
    found = check_proxies()
    assert (found.level, found.sentence.startswith("HTTP_PROXY set")) == (WARNING, True)
    monkeypatch.setenv("NO_PROXY", "127.0.0.1,localhost")
    assert check_proxies().level is OK


def test_a_store_that_is_not_there_yet_has_the_room_of_its_parent(tmp_path: Path) -> None:
    found = check_disk(tmp_path / "a" / "b")
    assert found.name == "disk"
    assert "GB free" in found.sentence


async def test_a_redis_is_judged_by_what_it_says() -> None:
    async with embedded_redis() as server:
        kept = await check_redis(server.url)
        assert (kept.level, "valkey 9" in kept.sentence) == (OK, True)
        async with open_redis(server.url) as connection:
            await connection.command("CONFIG SET", "appendonly", "no")
            assert (await check_redis(server.url)).level is WARNING
            await connection.command("CONFIG SET", "maxmemory", "100mb", "maxmemory-policy", "allkeys-lru")
            assert (await check_redis(server.url)).level is PROBLEM


async def test_a_redis_that_is_away_is_a_problem_and_no_url_is_bad_input(tmp_path: Path) -> None:
    assert (await check_redis(f"unix://{tmp_path}/none")).level is PROBLEM
    with pytest.raises(BadInputError, match="neither 'embedded' nor a URL"):
        await check_redis("localhost")
