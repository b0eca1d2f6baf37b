"""The local model behind the Ollama API; it answers to every model name and says which one it is."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing, asynccontextmanager
from http import HTTPStatus

from pydantic import JsonValue

from harness.gateway.answer import with_text
from harness.gateway.canonical import CanonicalRequest, Endpoint
from harness.gateway.clock import Clock
from harness.gateway.errors import MalformedRequest, Refusal
from harness.gateway.listing import ListedModel, answer_of_list
from harness.gateway.local_model.options import read_options
from harness.gateway.local_model.runtime import CONTEXT, Ended, Runtime, Token
from harness.gateway.local_model.weights import Weights
from harness.gateway.upstream import JSON_HEADERS, NDJSON_HEADERS, ModelCall, OtherCall, Reply, json_line

__all__ = ["LocalUpstream"]

_KIND = "local"
_NS_PER_S = 1_000_000_000
_ANY_OBJECT: JsonValue = {"type": "object"}
_NOT_UNDERSTOOD = ("suffix", "images", "template", "context", "logprobs")
"""Fields that would change the answer and cannot: to answer without them would be another answer."""


class LocalUpstream:
    """The running local model as an upstream. It has no vectors, tools, thoughts or pictures, and says so."""

    passes_on = False

    def __init__(self, runtime: Runtime, weights: Weights, clock: Clock) -> None:
        self._runtime = runtime
        self._weights = weights
        self._clock = clock

    @asynccontextmanager
    async def answer(self, call: ModelCall) -> AsyncIterator[Reply]:
        """Generate the answer; leaving the block gives it up."""
        began_s = self._clock.now_s()
        asked = call.request
        _refuse_what_it_has_not(asked)
        options = read_options(asked.options)
        schema = await self._schema(asked.format)
        if not asked.messages:
            # Nothing said means: load the model and be ready.
            yield Reply.made(HTTPStatus.OK, self._line(asked, "") | {"done": True, "done_reason": "load"})
            return
        answer = self._runtime.generate(await self._prompt(asked), options.for_llama(), schema)
        async with aclosing(answer):
            if call.stream:
                yield Reply(HTTPStatus.OK, NDJSON_HEADERS, self._stream(asked, answer, began_s))
            else:
                yield Reply(HTTPStatus.OK, JSON_HEADERS, self._whole(asked, answer, began_s))

    @asynccontextmanager
    async def other(self, call: OtherCall) -> AsyncIterator[Reply]:
        """Answer for `tags`, `ps`, `show` and `version`; there is nothing else."""
        model = await asyncio.to_thread(_listed, self._weights)
        yield await answer_of_list(call, [model], kind=_KIND, now=self._clock.wall())

    async def _prompt(self, asked: CanonicalRequest) -> str:
        if asked.other.get("raw"):
            return "\n".join(message.content for message in asked.messages)
        return await self._runtime.prompt(
            [{"role": message.role, "content": message.content} for message in asked.messages]
        )

    async def _schema(self, form: JsonValue) -> JsonValue:
        match form:
            case None:
                return None
            case "json":
                return _ANY_OBJECT
            case dict() if await self._runtime.can_hold_to(form):
                return form
            case dict():
                raise MalformedRequest("the local model cannot hold an answer to the JSON schema in format")
        raise MalformedRequest('format is neither "json" nor a JSON schema')

    async def _stream(
        self, asked: CanonicalRequest, answer: AsyncGenerator[Token | Ended, None], began_s: float
    ) -> AsyncGenerator[bytes, None]:
        begun = False
        try:
            async for piece in answer:
                begun = True
                if isinstance(piece, Token):
                    yield json_line(self._line(asked, piece.text) | {"done": False})
                else:
                    yield json_line(self._line(asked, "") | self._account(piece, began_s))
        except Refusal as problem:
            if not begun:
                raise
            # As Ollama says it of an answer that has begun, whose status is on its way.
            yield json_line({"error": problem.message})

    async def _whole(
        self, asked: CanonicalRequest, answer: AsyncGenerator[Token | Ended, None], began_s: float
    ) -> AsyncGenerator[bytes, None]:
        parts: list[str] = []
        async for piece in answer:
            if isinstance(piece, Token):
                parts.append(piece.text)
            else:
                yield json_line(self._line(asked, "".join(parts)) | self._account(piece, began_s))

    def _line(self, asked: CanonicalRequest, text: str) -> dict[str, object]:
        stamp = self._clock.wall().isoformat().replace("+00:00", "Z")
        return {"model": asked.model, "created_at": stamp, **with_text(text, asked.endpoint)}

    def _account(self, end: Ended, began_s: float) -> dict[str, object]:
        return {
            "done": True,
            "done_reason": "stop" if end.whole else "length",
            "total_duration": round((self._clock.now_s() - began_s) * _NS_PER_S),
            "load_duration": 0,
            "prompt_eval_count": end.prompt_tokens,
            "prompt_eval_duration": round(end.prompt_s * _NS_PER_S),
            "eval_count": end.tokens,
            "eval_duration": round(end.tokens_s * _NS_PER_S),
        }


def _refuse_what_it_has_not(asked: CanonicalRequest) -> None:
    if asked.endpoint in (Endpoint.EMBED, Endpoint.EMBEDDINGS):
        raise Refusal(HTTPStatus.BAD_REQUEST, "the local model does not support embeddings")
    if asked.tools:
        raise Refusal(HTTPStatus.BAD_REQUEST, "the local model does not support tools")
    if asked.think:
        raise Refusal(HTTPStatus.BAD_REQUEST, "the local model does not support thinking")
    for fields in (asked.other, *(message.other for message in asked.messages)):
        for name in _NOT_UNDERSTOOD:
            if fields.get(name):
                raise Refusal(HTTPStatus.BAD_REQUEST, f"the local model does not support {name}")


def _listed(weights: Weights) -> ListedModel:
    return ListedModel(
        name=weights.name,
        digest=weights.digest,
        size=weights.size,
        details={
            "format": "gguf",
            "family": "llama",
            "families": ["llama"],
            "parameter_size": "134.52M",
            "quantization_level": "Q4_1",
        },
        info={
            "general.architecture": "llama",
            "general.basename": weights.title,
            "general.parameter_count": 134_515_008,
            "llama.context_length": CONTEXT,
        },
        capabilities=("completion",),
        context_length=CONTEXT,
    )
