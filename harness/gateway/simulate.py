"""The simulated model as an upstream: a deterministic answer, paced by a model of latency.

A call that got its slot at time g streams its first token at g + ttft_s, every further one 1 / tokens_per_s
after the one before, and ends one such step after the last token, as a model does that has yet to say that it
is done: at g + ttft_s + tokens / tokens_per_s. Every moment is reckoned from g, so that lateness of one chunk
does not add up. Jitter stretches or shortens all times of a call alike, and leaves its text alone.

Tokens are estimated: a token is up to five letters or digits of one word, or one other character, together
with the white space before it.
"""

from __future__ import annotations

import asyncio
import json
import math
import re
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from http import HTTPStatus

from harness.gateway.answer import with_text
from harness.gateway.canonical import CanonicalRequest, Endpoint
from harness.gateway.clock import Clock
from harness.gateway.jitter import STEADY, Jitter
from harness.gateway.listing import ListedModel, answer_of_list
from harness.gateway.simulated.embedding import embedding
from harness.gateway.upstream import JSON_HEADERS, NDJSON_HEADERS, ModelCall, OtherCall, Reply, json_line

__all__ = ["Latency", "SimulatedUpstream", "tokens_of"]

Answer = Callable[[CanonicalRequest], str]

_TOKEN = re.compile(r"\s*(?:\w{1,5}|[^\w\s])|\s+")
_CHUNKS_PER_S = 50
_NS_PER_S = 1_000_000_000
_AS_JSON = json.JSONEncoder(ensure_ascii=False).encode
_MARK = "{mark}"
_MODEL = ListedModel("simulated:latest")


@dataclass(frozen=True, slots=True)
class Latency:
    """How long the simulated model takes: seconds to its first token, then tokens a second."""

    ttft_s: float
    tokens_per_s: float

    def token_s(self, number: int) -> float:
        """When token `number` (from 1) is there, in seconds from the grant."""
        return self.ttft_s + (number - 1) / self.tokens_per_s

    def total_s(self, tokens: int) -> float:
        """When an answer of so many tokens is whole."""
        return self.ttft_s + tokens / self.tokens_per_s

    def times(self, factor: float) -> Latency:
        """The latency of a model that takes `factor` times as long for everything."""
        return Latency(self.ttft_s * factor, self.tokens_per_s / factor)


@dataclass(frozen=True, slots=True)
class _Answer:
    tokens: list[str]
    prompt_tokens: int
    done_reason: str


class SimulatedUpstream:
    """The simulated model behind the Ollama API; it answers to every model name."""

    passes_on = False

    def __init__(self, answer: Answer, latency: Latency, clock: Clock, jitter: Jitter = STEADY) -> None:
        self._answer = answer
        self._latency = latency
        self._clock = clock
        self._jitter = jitter

    @asynccontextmanager
    async def answer(self, call: ModelCall) -> AsyncIterator[Reply]:
        """Answer at the pace of the latency model; vectors come when a first token would."""
        granted_s = self._clock.now_s()
        latency = self._latency.times(self._jitter.factor(call))
        if call.request.endpoint.embeds:
            vectors = await asyncio.to_thread(embedding, call.request)
            yield Reply(HTTPStatus.OK, JSON_HEADERS, self._embedded(call, vectors, granted_s, latency))
            return
        # A few milliseconds of pure CPU: in a thread, so that the chunks of other calls keep their times.
        answer = await asyncio.to_thread(self._think, call.request)
        if call.stream:
            yield Reply(HTTPStatus.OK, NDJSON_HEADERS, self._stream(call, answer, granted_s, latency))
        else:
            yield Reply(HTTPStatus.OK, JSON_HEADERS, self._whole(call, answer, granted_s, latency))

    @asynccontextmanager
    async def other(self, call: OtherCall) -> AsyncIterator[Reply]:
        """Answer for `tags`, `ps`, `show` and `version`; there is nothing else."""
        yield await answer_of_list(call, [_MODEL], kind="simulated", now=self._clock.wall())

    def _think(self, request: CanonicalRequest) -> _Answer:
        return _Answer(
            # Nothing said means: load the model and be ready.
            tokens=tokens_of(self._answer(request)) if request.messages else [],
            prompt_tokens=_prompt_tokens(request),
            done_reason="stop" if request.messages else "load",
        )

    async def _stream(
        self, call: ModelCall, answer: _Answer, granted_s: float, latency: Latency
    ) -> AsyncGenerator[bytes, None]:
        line = _Line.of(call.request)
        for text, last in _chunks(answer.tokens, latency.tokens_per_s):
            await self._clock.sleep_until(granted_s + latency.token_s(last))
            yield line.saying(text, self._stamp())
        await self._clock.sleep_until(granted_s + latency.total_s(len(answer.tokens)))
        yield json_line(self._part(call, "") | _account(answer, latency))

    async def _whole(
        self, call: ModelCall, answer: _Answer, granted_s: float, latency: Latency
    ) -> AsyncGenerator[bytes, None]:
        await self._clock.sleep_until(granted_s + latency.total_s(len(answer.tokens)))
        yield json_line(self._part(call, "".join(answer.tokens)) | _account(answer, latency))

    def _part(self, call: ModelCall, text: str) -> dict[str, object]:
        return {
            "model": call.request.model,
            "created_at": self._stamp(),
            **with_text(text, call.request.endpoint),
        }

    async def _embedded(
        self, call: ModelCall, vectors: list[list[float]], granted_s: float, latency: Latency
    ) -> AsyncGenerator[bytes, None]:
        await self._clock.sleep_until(granted_s + latency.ttft_s)
        if call.request.endpoint is Endpoint.EMBEDDINGS:
            yield json_line({"embedding": vectors[0]})
            return
        yield json_line(
            {
                "model": call.request.model,
                "embeddings": vectors,
                "total_duration": round(latency.ttft_s * _NS_PER_S),
                "load_duration": 0,
                "prompt_eval_count": _prompt_tokens(call.request),
            }
        )

    def _stamp(self) -> str:
        return self._clock.wall().isoformat().replace("+00:00", "Z")


@dataclass(frozen=True, slots=True)
class _Line:
    """The form of the lines of one stream: what is the same in all of them, encoded once."""

    before_stamp: bytes
    before_text: bytes
    after_text: bytes

    @classmethod
    def of(cls, request: CanonicalRequest) -> _Line:
        fields = {
            "model": request.model,
            "created_at": _MARK,
            **with_text(_MARK, request.endpoint),
            "done": False,
        }
        # A model's name may hold the mark, too; the last two are ours.
        before_stamp, before_text, after_text = json_line(fields).rsplit(_MARK.encode(), 2)
        # The quotes around the text come with the text.
        return cls(before_stamp, before_text[:-1], after_text[1:])

    def saying(self, text: str, stamp: str) -> bytes:
        """The line with `text`, sent at `stamp`; as `json_line` would write it."""
        quoted = _AS_JSON(text).encode("utf-8", "replace")
        return b"%b%b%b%b%b" % (self.before_stamp, stamp.encode(), self.before_text, quoted, self.after_text)


def tokens_of(text: str) -> list[str]:
    """`text` cut into estimated tokens; joined they are `text` again."""
    return _TOKEN.findall(text)


def _account(answer: _Answer, latency: Latency) -> dict[str, object]:
    count = len(answer.tokens)
    total_s = latency.total_s(count)
    return {
        "done": True,
        "done_reason": answer.done_reason,
        "total_duration": round(total_s * _NS_PER_S),
        "load_duration": 0,
        "prompt_eval_count": answer.prompt_tokens,
        "prompt_eval_duration": round(latency.ttft_s * _NS_PER_S),
        "eval_count": count,
        "eval_duration": round((total_s - latency.ttft_s) * _NS_PER_S),
    }


def _prompt_tokens(request: CanonicalRequest) -> int:
    return sum(len(tokens_of(message.content)) for message in request.messages)


def _chunks(tokens: list[str], tokens_per_s: float) -> Iterator[tuple[str, int]]:
    """(text, number of its last token): the first token alone, then those of a fiftieth of a second each."""
    size = math.ceil(tokens_per_s / _CHUNKS_PER_S)
    start, end = 0, 1
    while start < len(tokens):
        end = min(end, len(tokens))
        yield "".join(tokens[start:end]), end
        start, end = end, end + size
