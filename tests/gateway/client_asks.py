"""All that can be asked of the real client, and what it then gives out."""

from __future__ import annotations

import asyncio
import base64
import ssl
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, replace
from typing import Any, Literal

import ollama
import pytest
from pydantic import BaseModel

TLS = ssl.create_default_context()
"""A client makes one of its own, and takes its time for it, unless it is given one."""

ClientKind = Literal["blocking", "async"]
CLIENTS: tuple[ClientKind, ...] = ("blocking", "async")


@dataclass(frozen=True)
class Ask:
    """Something to ask a client for: a method and what it is given."""

    method: str
    given: dict[str, Any]

    def streamed(self, stream: bool) -> Ask:
        return replace(self, given={**self.given, "stream": stream})


def chat(text: str = "Why is the sky blue?", **given: Any) -> Ask:
    return Ask("chat", {"model": "llama3.1", "messages": [{"role": "user", "content": text}], **given})


def generate(**given: Any) -> Ask:
    return Ask("generate", {"model": "llama3.1", "prompt": "Why is the sky blue?", **given})


SCHEMA = {"type": "object", "properties": {"why": {"type": "string"}}, "required": ["why"]}
TOOL = {
    "type": "function",
    "function": {
        "name": "weather",
        "description": "The weather – in a city",
        "parameters": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
    },
}
PICTURE = b"\x89PNG\r\n\x1a\n" + bytes(range(256))
OPTIONS = {"temperature": 0.0, "seed": 7, "num_ctx": 8192, "stop": ["\n\n", "☃"], "top_p": 0.9}
CALLED = {"function": {"name": "weather", "arguments": {"city": "Zürich"}}}

GENERATED = {
    "chat": chat("Grüße – ☃ \U0001f600 \u2028 </s> \\ \" '\t"),
    "chat-format": chat(format=SCHEMA, think=False),
    "chat-json": chat(format="json"),
    "chat-tools": chat(tools=[TOOL, TOOL | {"function": TOOL["function"] | {"name": "news"}}]),
    "chat-think": chat(think=True),
    "chat-think-level": chat(think="high", tools=[TOOL]),
    "chat-keep-alive": chat(keep_alive="10m"),
    "chat-options": chat(options=OPTIONS, keep_alive=0),
    "chat-logprobs": chat(logprobs=True, top_logprobs=1),
    "chat-images": Ask(
        "chat",
        {
            "model": "llava",
            "messages": [{"role": "user", "content": "What is this?", "images": [PICTURE]}],
        },
    ),
    "chat-conversation": Ask(
        "chat",
        {
            "model": "llama3.1",
            "messages": [
                {"role": "system", "content": "Be brief.\n"},
                {"role": "user", "content": "Weather in Zürich?"},
                {"role": "assistant", "content": "", "thinking": "hm", "tool_calls": [CALLED]},
                {"role": "tool", "tool_name": "weather", "content": "11 °C"},
            ],
            "tools": [TOOL],
        },
    ),
    "generate": generate(system="Be brief.", options=OPTIONS, keep_alive=300),
    "generate-suffix": generate(suffix="    return result"),
    "generate-raw": generate(raw=True, template="{{ .Prompt }}"),
    "generate-context": generate(context=[1, 2, 3]),
    "generate-format": generate(format=SCHEMA),
    "generate-think": generate(think=True),
    "generate-logprobs": generate(logprobs=True, top_logprobs=1),
    "generate-images": generate(images=[base64.b64encode(PICTURE).decode()]),
    "generate-nothing": Ask("generate", {"model": "llama3.1", "keep_alive": 0}),
}
STREAMABLE = {
    f"{name}-{'streamed' if stream else 'whole'}": ask.streamed(stream)
    for name, ask in GENERATED.items()
    for stream in (True, False)
}
EMBEDDED = {
    "embed": Ask("embed", {"model": "e", "input": "Why?", "truncate": True, "keep_alive": "5m"}),
    "embed-many": Ask("embed", {"model": "e", "input": ["Why?", "", "How?"], "dimensions": 3}),
    "embeddings": Ask("embeddings", {"model": "e", "prompt": "Why?", "options": {"num_ctx": 512}}),
}
LISTS = {
    "list": Ask("list", {}),
    "ps": Ask("ps", {}),
    "show": Ask("show", {"model": "llama3.1"}),
}
OTHERS = {
    "pull": Ask("pull", {"model": "x", "insecure": True, "stream": True}),
    "pull-whole": Ask("pull", {"model": "x"}),
    "push": Ask("push", {"model": "x", "stream": True}),
    "create": Ask("create", {"model": "x", "from_": "llama3.1", "system": "Be – brief.", "stream": True}),
    "copy": Ask("copy", {"source": "x", "destination": "y"}),
    "delete": Ask("delete", {"model": "x"}),
    "systemone": Ask(
        "systemone",
        {"model": "s", "state": "blue", "questions": {"sky": {"type": "noul", "instructions": "Sky?"}}},
    ),
}
MODEL_ASKS = STREAMABLE | EMBEDDED


def each(asks: dict[str, Ask]) -> pytest.MarkDecorator:
    """Once for each of `asks`."""
    return pytest.mark.parametrize("ask", asks.values(), ids=asks.keys())


each_client = pytest.mark.parametrize("kind", CLIENTS)


@dataclass(frozen=True)
class Refused:
    """What a client raised."""

    status: int
    error: str


async def asked(kind: ClientKind, host: str, ask: Ask) -> list[object]:
    """What a client gives out: the parts of a stream, or the one answer, and what it raised if it did."""
    async with asyncio.timeout(10):
        return await (asyncio.to_thread(_blocking, host, ask) if kind == "blocking" else _async(host, ask))


def _blocking(host: str, ask: Ask) -> list[object]:
    got: list[object] = []
    with ollama.Client(host, trust_env=False, verify=TLS, timeout=10) as client:
        try:
            found = getattr(client, ask.method)(**ask.given)
            if not isinstance(found, Iterator):
                return [found]
            for part in found:
                got.append(part)  # noqa: PERF402 - what came before an error counts
        except ollama.ResponseError as error:
            got.append(Refused(error.status_code, error.error))
    return got


async def _async(host: str, ask: Ask) -> list[object]:
    got: list[object] = []
    async with ollama.AsyncClient(host, trust_env=False, verify=TLS, timeout=10) as client:
        try:
            found = await getattr(client, ask.method)(**ask.given)
            if not isinstance(found, AsyncIterator):
                return [found]
            async for part in found:
                got.append(part)  # noqa: PERF401 - what came before an error counts
        except ollama.ResponseError as error:
            got.append(Refused(error.status_code, error.error))
    return got


def timeless(answers: list[object]) -> list[object]:
    """The answers but for the time at which they were given."""
    return [
        answer.model_copy(update={"created_at": None})
        if isinstance(answer, BaseModel) and "created_at" in answer.model_fields_set
        else answer
        for answer in answers
    ]
