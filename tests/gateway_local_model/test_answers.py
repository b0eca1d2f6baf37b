"""What the local model answers, asked by the real client over a real socket."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Mapping

import aiohttp
import ollama
import pytest
import pytest_asyncio
from pydantic import BaseModel, Field

from harness.gateway.clock import MonotonicClock
from harness.gateway.errors import Refusal
from harness.gateway.local_model.process import running_local_model
from harness.gateway.local_model.weights import find_weights
from harness.gateway.settings import LocalSettings
from tests.gateway.served import served
from tests.gateway_local_model.running import ENDLESS, asking, client_of
from tests.local_model_extra import needs_local_model

pytestmark = [*needs_local_model, pytest.mark.asyncio(loop_scope="module")]

SKY = asking("Why is the sky blue?")
SURE = {"temperature": 0, "seed": 1, "num_predict": 24}


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def url() -> AsyncIterator[str]:
    """A local model with one slot: what it is asked is answered one after the other."""
    async with running_local_model(LocalSettings(slots=1)) as url:
        yield url


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def client(url: str) -> AsyncIterator[ollama.AsyncClient]:
    async with client_of(url) as client:
        yield client


async def test_a_whole_answer_and_its_account(client: ollama.AsyncClient) -> None:
    answer = await client.chat("llama3.1", SKY, options={"num_predict": 12})
    assert answer.message.content
    assert (answer.model, answer.done, answer.done_reason, answer.eval_count) == (
        "llama3.1",
        True,
        "length",
        12,
    )
    assert answer.prompt_eval_count is not None
    assert answer.prompt_eval_count > 20
    assert answer.prompt_eval_duration is not None
    assert answer.eval_duration is not None
    assert answer.total_duration is not None
    spent_ns = answer.prompt_eval_duration + answer.eval_duration
    assert 1_000_000 < spent_ns <= answer.total_duration < 60_000_000_000


async def test_a_stream_brings_the_same_text_token_by_token(client: ollama.AsyncClient) -> None:
    whole = await client.chat("m", SKY, options=SURE)
    parts = [part async for part in await client.chat("m", SKY, options=SURE, stream=True)]
    assert "".join(part.message.content or "" for part in parts) == whole.message.content
    assert [part.done for part in parts] == [False] * (len(parts) - 1) + [True]
    assert (parts[-1].done_reason, parts[-1].eval_count) == ("length", 24)
    assert 12 < len(parts) <= 25


async def test_an_answer_that_the_model_ends_says_stop(client: ollama.AsyncClient) -> None:
    answer = await client.chat("m", SKY, options=SURE | {"stop": ["a"], "num_predict": 100})
    assert answer.done_reason == "stop"
    assert "a" not in (answer.message.content or "")


async def test_generate_takes_a_system_text_or_the_bare_prompt(client: ollama.AsyncClient) -> None:
    bare = await client.generate("m", "The capital of France is", raw=True, options=SURE)
    assert "Paris" in bare.response
    told = await client.generate("m", "The capital of France is", system="Speak French.", options=SURE)
    plain = await client.generate("m", "The capital of France is", options=SURE)
    assert told.response
    assert len({bare.response, told.response, plain.response}) == 3
    assert (told.prompt_eval_count or 0) > (bare.prompt_eval_count or 0)


class Book(BaseModel):
    title: str = Field(max_length=30)
    pages: int = Field(ge=10, le=99)
    kind: str = Field(pattern="^(novel|poem)$")


async def test_an_answer_holds_to_a_json_schema(client: ollama.AsyncClient) -> None:
    schema = Book.model_json_schema() | {"additionalProperties": False}
    question, options = asking("Invent a book."), {"num_predict": 120, "seed": 3}
    whole = await client.chat("m", question, format=schema, options=options)
    Book.model_validate_json(whole.message.content or "")
    stream = await client.chat("m", question, format=schema, options=options, stream=True)
    Book.model_validate_json("".join([part.message.content or "" async for part in stream]))


async def test_format_json_is_an_object(client: ollama.AsyncClient) -> None:
    answer = await client.generate(
        "m", "Say anything.", format="json", options={"num_predict": 200, "seed": 1, "temperature": 0}
    )
    assert answer.done_reason == "stop"
    assert isinstance(json.loads(answer.response), dict)


async def test_a_model_answers_the_same_question_differently(client: ollama.AsyncClient) -> None:
    """The nondeterminism that recording is for."""
    answers = {
        (await client.chat("m", SKY, options={"temperature": 0.8, "num_predict": 40})).message.content
        for _ in range(2)
    }
    assert len(answers) == 2


async def test_a_seed_and_one_slot_give_the_same_answer_whatever_was_asked_before(
    client: ollama.AsyncClient,
) -> None:
    answers = set()
    sure = SURE | {"num_predict": 12}
    for warm_up in ("Why is the sea blue, and the sky?", "Say no."):
        await client.chat("m", asking(warm_up), options={"num_predict": 3})
        answers.add((await client.chat("m", SKY, options=sure)).message.content)
        answers.add((await client.chat("m", SKY, options=sure | {"seed": 2})).message.content)
    assert len(answers) == 1
    drawn = [await client.chat("m", SKY, options=sure | {"temperature": 0.8, "seed": s}) for s in (5, 5, 6)]
    first, again, other = (answer.message.content for answer in drawn)
    assert first == again != other


@pytest.mark.parametrize("stream", [False, True])
async def test_a_prompt_that_does_not_fit_is_refused_and_not_cut(
    client: ollama.AsyncClient, stream: bool
) -> None:
    too_long = asking("word " * 9000)
    with pytest.raises(ollama.ResponseError) as refused:
        await (_last(client, too_long) if stream else client.chat("m", too_long))
    assert refused.value.status_code == 400
    assert refused.value.error == (
        "the prompt is 9030 tokens long and the local model has room for 8192; nothing is cut"
    )


async def _last(client: ollama.AsyncClient, messages: list[Mapping[str, str]]) -> ollama.ChatResponse:
    """The last part of a streamed answer."""
    return [part async for part in await client.chat("m", messages, stream=True)][-1]


@pytest.mark.parametrize("when", ["in a stream", "before an answer", "before the prompt is read"])
async def test_a_client_that_leaves_stops_the_work(client: ollama.AsyncClient, url: str, when: str) -> None:
    """With one slot, whoever comes next would wait for minutes, or until a long prompt has been read."""
    async with client_of(url) as leaving:
        if when == "in a stream":
            async for _ in await leaving.generate("m", "Go on.", format=ENDLESS, stream=True):
                break
        else:
            prompt = "Go on." if when == "before an answer" else "word " * 8000
            call = asyncio.create_task(leaving.generate("m", prompt, format=ENDLESS))
            await asyncio.sleep(0.5)
            call.cancel()
            await asyncio.wait([call])
    async with asyncio.timeout(20):
        assert (await client.chat("m", SKY, options={"num_predict": 2})).eval_count == 2


@pytest.mark.parametrize(
    ("path", "body", "status", "said"),
    [
        ("chat", {"format": {"type": "nonsense"}}, 400, "cannot hold an answer to the JSON schema"),
        ("chat", {"format": {"$ref": "#/nowhere"}}, 400, "cannot hold an answer to the JSON schema"),
        ("chat", {"format": "yaml"}, 400, 'format is neither "json" nor a JSON schema'),
        ("chat", {"options": {"temperature": "hot"}}, 400, "option 'temperature'"),
        ("chat", {"tools": [{"type": "function"}]}, 400, "does not support tools"),
        ("chat", {"think": True}, 400, "does not support thinking"),
        ("chat", {"messages": [{"role": "user", "images": ["x"]}]}, 400, "does not support images"),
        ("chat", {"messages": 3}, 400, "messages is not a list"),
        ("generate", {"prompt": "a", "suffix": "b"}, 400, "does not support suffix"),
        ("embed", {"input": "a"}, 400, "does not support embeddings"),
        ("nothing", {}, 404, "the local model has no POST /api/nothing"),
    ],
)
async def test_what_it_cannot_do_it_refuses(
    url: str, path: str, body: dict[str, object], status: int, said: str
) -> None:
    asked = {"model": "m", "messages": SKY, "stream": False} | body
    async with (
        aiohttp.ClientSession() as session,
        session.post(f"{url}/api/{path}", json=asked) as response,
    ):
        assert response.status == status
        assert said in (await response.json())["error"]


async def test_a_request_that_says_nothing_loads_the_model(client: ollama.AsyncClient) -> None:
    assert (await client.generate("m")).done_reason == "load"


async def test_an_error_in_mid_answer_is_a_line_of_it() -> None:
    """As Ollama has it; an error before the answer is a status."""
    from harness.gateway.local_model.runtime import Token
    from harness.gateway.local_model.upstream import LocalUpstream

    class Breaking:
        def __init__(self, words: list[str]) -> None:
            self.words = words

        async def prompt(self, messages: object) -> str:
            return ""

        async def generate(self, *_: object) -> AsyncIterator[Token]:
            for word in self.words:
                yield Token(word)
            raise Refusal(500, "the local model broke off")

    for words, status in ((["Be", "cause"], -1), ([], 500)):
        upstream = LocalUpstream(Breaking(words), find_weights(), MonotonicClock())  # type: ignore[arg-type]
        async with served(upstream, MonotonicClock()) as gateway:
            client = await gateway.client()
            heard: list[str | None] = []
            with pytest.raises(ollama.ResponseError, match="the local model broke off") as error:  # noqa: PT012 - it breaks in the reading
                async for part in await client.chat("m", SKY, stream=True):
                    heard.append(part.message.content)  # noqa: PERF401 - what came before is looked at
        assert (heard, error.value.status_code) == (words, status)
