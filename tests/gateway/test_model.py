from __future__ import annotations

import socket
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
from ollama._client import _parse_host

from harness.gateway.errors import OllamaUnreachable, UnknownModelChoice
from harness.gateway.local_model.weights import Weights
from harness.gateway.model import ModelChoice, choose_model, ollama_url
from harness.gateway.settings import LocalSettings, RecordSettings, SimulateSettings
from tests.gateway.scripted_ollama import Exchange, ScriptedOllama, scripted_ollama


@pytest.fixture(autouse=True)
def patience(monkeypatch: pytest.MonkeyPatch) -> None:
    """A busy machine must not turn an Ollama that answers into one that does not."""
    monkeypatch.setattr("harness.gateway.model._PROBE_TIMEOUT_S", 30)


@pytest.fixture
async def model() -> AsyncIterator[ScriptedOllama]:
    """A simulated Ollama that tells its version and has one model."""

    async def script(exchange: Exchange) -> None:
        answers: dict[str, object] = {
            "/api/version": {"version": "0.12.0"},
            "/api/tags": {"models": [{"name": "llama3.1:latest", "model": "llama3.1:latest"}]},
        }
        await exchange.whole(200, answers[exchange.target])

    async with scripted_ollama() as model:
        model.script = script
        yield model


@pytest.fixture
def nobody() -> Iterator[str]:
    """An address at which nothing listens, and nothing can while the test runs."""
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        yield f"127.0.0.1:{bound.getsockname()[1]}"


@pytest.mark.parametrize("text", ["auto", "ollama"])
async def test_the_ollama_that_answers_is_taken(model: ScriptedOllama, text: str) -> None:
    choice = await choose_model(text, ollama_host=f"127.0.0.1:{model.port}")
    assert (choice.kind, choice.url, choice.models) == ("ollama", model.url, ("llama3.1:latest",))
    assert model.url in choice.reason


@pytest.mark.parametrize("kind", ["ollama:", ""])
async def test_an_address_in_the_choice_goes_before_that_in_the_environment(
    model: ScriptedOllama, nobody: str, kind: str
) -> None:
    choice = await choose_model(f"{kind}{model.url}", ollama_host=nobody)
    assert (choice.kind, choice.url) == ("ollama", model.url)


async def test_the_simulated_model_is_there_for_the_asking(model: ScriptedOllama) -> None:
    choice = await choose_model("simulated", ollama_host=model.url)
    assert (choice.kind, choice.url) == ("simulated", None)
    assert model.requests == []


async def test_auto_falls_back_to_the_simulated_model_and_says_so(nobody: str) -> None:
    assert await choose_model("auto", ollama_host=nobody) == ModelChoice(
        "simulated", None, f"no Ollama answers at http://{nobody}: using the simulated model"
    )


async def test_an_ollama_that_was_asked_for_has_to_answer(nobody: str) -> None:
    with pytest.raises(OllamaUnreachable, match=f"^no Ollama answers at http://{nobody}$"):
        await choose_model(f"ollama:{nobody}", ollama_host=None)


@pytest.mark.parametrize(
    "text", ["auto", "ollama", "simulated", "replay:tapes", "record:tapes", "record:my@tapes@simulated"]
)
async def test_a_choice_says_itself_in_words_that_come_to_the_same_anywhere(
    model: ScriptedOllama, nobody: str, text: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In another folder, with another `OLLAMA_HOST`, and where `auto` would find something else."""
    monkeypatch.chdir(tmp_path)
    choice = await choose_model(text, ollama_host=model.url)
    words = choice.text
    monkeypatch.chdir("/")
    again = await choose_model(words, ollama_host=nobody)
    assert (again.kind, again.url, again.models) == (choice.kind, choice.url, choice.models)
    assert again.cassettes == (tmp_path / choice.cassettes if choice.cassettes else None)
    assert again.text == words


@pytest.mark.parametrize(
    ("status", "answer"), [(404, {"error": "no"}), (200, {}), (200, b"<html>"), (200, {"version": 1})]
)
async def test_what_is_no_ollama_is_not_taken_for_one(
    model: ScriptedOllama, status: int, answer: object
) -> None:
    """Whatever it answers to another question."""

    async def script(exchange: Exchange) -> None:
        if exchange.target == "/api/version":
            await exchange.whole(status, answer)
        else:
            await exchange.whole(200, {"models": []})

    model.script = script
    assert (await choose_model("auto", ollama_host=model.url)).kind == "simulated"


async def test_an_ollama_that_hangs_is_not_waited_for(
    model: ScriptedOllama, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("harness.gateway.model._PROBE_TIMEOUT_S", 0.05)

    async def script(exchange: Exchange) -> None:
        await exchange.client_gone()

    model.script = script
    assert (await choose_model("auto", ollama_host=model.url)).kind == "simulated"


@pytest.fixture
def weights(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Weights:
    """Weights that are installed, as far as a choice looks at them."""
    found = Weights(tmp_path / "weights.gguf")
    found.path.write_bytes(b"weights")
    monkeypatch.setattr("harness.gateway.model.find_weights", lambda: found)
    return found


async def test_the_local_model_is_there_for_the_asking_and_says_what_it_is(weights: Weights) -> None:
    choice = await choose_model("local", ollama_host=None, slots=3)
    assert (choice.kind, choice.models, choice.digest) == ("local", ("smollm2:135m",), weights.digest)
    assert choice.reason == (
        "the local model SmolLM2-135M-Instruct answers: real weights, really generating, here to prove the "
        "line; it does not write good code"
    )
    assert choice.local
    assert not choice.simulated
    assert choice.offers("llama3.1")
    settings = choice.settings(SimulateSettings(), time_scale=1, upstream_timeout_s=7)
    assert settings == LocalSettings(slots=3, upstream_timeout_s=7)


async def test_the_local_model_can_be_recorded(weights: Weights, tmp_path: Path) -> None:
    choice = await choose_model(f"record:{tmp_path}@local", ollama_host=None, slots=2)
    assert choice.reason.endswith(f"it does not write good code; it is recorded into {tmp_path}")
    assert choice.digest == weights.digest
    settings = choice.settings(SimulateSettings(), time_scale=1, upstream_timeout_s=7)
    assert settings == RecordSettings(folder=tmp_path, upstream=LocalSettings(slots=2, upstream_timeout_s=7))


@pytest.mark.usefixtures("weights")
async def test_more_slots_than_there_is_memory_for_are_refused() -> None:
    await choose_model("local", ollama_host=None, slots=16)
    with pytest.raises(UnknownModelChoice, match="at most 16 calls at once: 17 slots are too many"):
        await choose_model("local", ollama_host=None, slots=17)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "llama",
        "Auto",
        "simulated:x",
        "local:",
        "local:x",
        "auto:",
        "ollama:",
        "ollama:ftp://a",
        "ollama:a:b",
    ],
)
async def test_anything_else_is_refused_in_one_line(text: str) -> None:
    with pytest.raises(UnknownModelChoice) as refused:
        await choose_model(text, ollama_host=None)
    assert "\n" not in str(refused.value)


async def test_a_word_that_is_no_choice_is_answered_with_the_choices() -> None:
    with pytest.raises(UnknownModelChoice, match="say auto, simulated, local, ollama, ollama:URL"):
        await choose_model("llama", ollama_host=None)


@pytest.mark.parametrize(
    ("model", "there"),
    [
        ("llama3.1", True),
        ("llama3.1:latest", True),
        ("llama3.1:8b", False),
        ("hub:80/llama3.1", False),
        ("x", False),
    ],
)
def test_a_model_without_a_tag_means_the_latest(model: str, there: bool) -> None:
    choice = ModelChoice("ollama", "http://x", "", ("llama3.1:latest",))
    assert choice.offers(model) is there


def test_the_simulated_model_answers_to_every_name() -> None:
    assert ModelChoice("simulated", None, "").offers("llama3.1")


@pytest.mark.parametrize(
    "host",
    [
        None,
        "",
        "1.2.3.4",
        ":56789",
        "1.2.3.4:56789",
        "http://1.2.3.4",
        "https://1.2.3.4",
        "https://1.2.3.4:56789",
        "example.com",
        "example.com:56789/",
        "example.com/path",
        "https://example.com:56789/path/",
        "[0001:002:003:0004::1]",
        "[0001:002:003:0004::1]:56789/path",
        "http://[0001:002:003:0004::1]",
    ],
)
def test_an_address_is_read_as_the_client_reads_it(host: str | None) -> None:
    assert _same(ollama_url(host), _parse_host(host))


@pytest.mark.parametrize(
    ("host", "url"),
    [
        ("0.0.0.0", "http://127.0.0.1:11434"),  # noqa: S104
        ("0.0.0.0:8080", "http://127.0.0.1:8080"),
        ("http://0.0.0.0", "http://127.0.0.1:80"),
        ("[::]:8080", "http://[::1]:8080"),
        (" 127.0.0.1 ", "http://127.0.0.1:11434"),
    ],
)
def test_an_address_of_every_interface_means_this_machine(host: str, url: str) -> None:
    assert ollama_url(host) == url


def _same(ours: str, theirs: str) -> bool:
    """Whether two URLs are one; an IPv6 address has more than one spelling."""
    return ours == theirs.replace("0001:002:003:0004::1", "1:2:3:4::1")
