"""What an Ollama answers at each of its endpoints, in its own shapes; equal requests get equal bytes."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager
from typing import Any

from tests.gateway.scripted_ollama import Exchange, ScriptedOllama, scripted_ollama

_JSON = "Content-Type: application/json; charset=utf-8"
_LINES = "Content-Type: application/x-ndjson"
_EVENTS = "Content-Type: text/event-stream"
_LAST = "Connection: close"

_TEXT = ("Because", " of – ☃ ", '"Rayleigh"\n', " scattering. ")
_FITTING = ('{"why": ', '"Rayleigh"', "}")
_THOUGHT = ("The sky", " is – hm – blue.\n")
_ACCOUNT = {
    "total_duration": 5_191_566_416,
    "load_duration": 2_154_458,
    "prompt_eval_count": 26,
    "prompt_eval_duration": 383_809_000,
    "eval_count": 4,
    "eval_duration": 4_799_921_000,
}
_DETAILS = {
    "parent_model": "",
    "format": "gguf",
    "family": "llama",
    "families": ["llama"],
    "parameter_size": "8.0B",
    "quantization_level": "Q4_K_M",
}
_NAMED = {
    "name": "llama3.1:latest",
    "model": "llama3.1:latest",
    "size": 4_920_753_328,
    "digest": "46e0c10c039e",
}
_PROGRESS = (
    {"status": "pulling manifest"},
    {"status": "pulling 667b0c1932bc", "digest": "sha256:667b0c1932bc", "total": 2048, "completed": 1024},
    {"status": "pulling 667b0c1932bc", "digest": "sha256:667b0c1932bc", "total": 2048, "completed": 2048},
    {"status": "success"},
)

_SHOWN = {
    "license": "LLAMA 3.1 COMMUNITY LICENSE",
    "modelfile": "# Modelfile\nFROM llama3.1",
    "parameters": 'stop "<|eot_id|>"',
    "template": "{{ .System }}",
    "details": _DETAILS,
    "model_info": {
        "general.architecture": "llama",
        "llama.context_length": 131072,
        "tokenizer.ggml.tokens": None,
    },
    "capabilities": ["completion", "tools", "thinking"],
    "modified_at": "2030-01-02T03:04:05.123456789+02:00",
}


@asynccontextmanager
async def answering_ollama() -> AsyncIterator[ScriptedOllama]:
    """A `ScriptedOllama` that answers everything."""
    async with scripted_ollama() as model:
        model.script = answering
        yield model


async def answering(exchange: Exchange) -> None:
    """Answer one request."""
    match exchange.method, exchange.target.partition("?")[0]:
        case "POST", "/api/chat" | "/api/generate":
            await _generated(exchange)
        case "POST", "/api/embed":
            asked = json.loads(exchange.body)
            texts = asked["input"] if isinstance(asked["input"], list) else [asked["input"]]
            vectors = [[len(text) + 0.5, -1e-05, 0.25] for text in texts]
            counts = {"total_duration": 14_143_917, "load_duration": 1_019_500, "prompt_eval_count": 8}
            await _whole(exchange, {"model": asked["model"], "embeddings": vectors, **counts})
        case "POST", "/api/embeddings":
            await _whole(exchange, {"embedding": [0.5670403838157654, -0.0, 1.0]})
        case "GET", "/api/tags":
            listed = _NAMED | {"modified_at": "2030-01-02T03:04:05.123456789+02:00", "details": _DETAILS}
            await _whole(exchange, {"models": [listed]})
        case "GET", "/api/ps":
            loaded = {
                "expires_at": "2030-01-02T03:09:05.123456789+02:00",
                "size_vram": 5,
                "context_length": 4096,
            }
            await _whole(exchange, {"models": [_NAMED | {"details": _DETAILS} | loaded]})
        case "POST", "/api/show":
            await _whole(exchange, _SHOWN)
        case "GET", "/api/version":
            await _whole(exchange, {"version": "0.12.3"})
        case "POST", "/api/pull" | "/api/push" | "/api/create":
            if json.loads(exchange.body)["stream"]:
                await _streamed(exchange, _LINES, [_line(step) for step in _PROGRESS])
            else:
                await _whole(exchange, _PROGRESS[-1])
        case ("DELETE", "/api/delete") | ("POST", "/api/copy"):
            await exchange.whole(200, b"", _LAST)
        case "HEAD", "/api/blobs/sha256:known":
            await exchange.whole(200, b"", _LAST)
        case "POST", path if path.startswith("/api/blobs/sha256:"):
            await exchange.whole(201, b"", _LAST)
        case "POST", "/v1/chat/completions":
            choices = [{"choices": [{"index": 0, "delta": {"content": text}}]} for text in _TEXT]
            events = [b"data: " + json.dumps(choice).encode() + b"\n\n" for choice in choices]
            await _streamed(exchange, _EVENTS, [*events, b"data: [DONE]\n\n"])
        case "POST", "/v1/systemone":
            scored = {"sky": {"type": "noul", "noul": 0.75}}
            usage = {"input_tokens": 3, "output_tokens": 1}
            await _whole(exchange, {"model": "llama3.1", "answers": scored, "usage": usage})
        case "HEAD", _:
            await exchange.whole(404, b"", _LAST)
        case _:
            await exchange.whole(404, b"404 page not found", "Content-Type: text/plain", _LAST)


async def _generated(exchange: Exchange) -> None:
    asked = json.loads(exchange.body)
    chat = exchange.target == "/api/chat"
    parts = list(_parts(asked))
    last: dict[str, Any] = {"done": True, "done_reason": "stop", **_ACCOUNT}
    if not chat:
        last["context"] = [128006, 882, 128007]
    if asked["stream"]:
        lines = [_said(asked["model"], number, [part], chat) for number, part in enumerate(parts)]
        lines = [line | {"done": False} for line in lines]
        await _streamed(
            exchange, _LINES, [_line(line) for line in [*lines, _said(asked["model"], 59, [], chat) | last]]
        )
    else:
        await _whole(exchange, _said(asked["model"], 59, parts, chat) | last)


def _parts(asked: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """What the model says, bit by bit."""
    if asked.get("think"):
        yield from ({"thinking": text} for text in _THOUGHT)
    for text in _FITTING if asked.get("format") else _TEXT:
        part: dict[str, Any] = {"text": text}
        if asked.get("logprobs"):
            alternative = {"token": "?", "logprob": -3.5}
            part["logprobs"] = [{"token": text, "logprob": -0.25, "top_logprobs": [alternative]}]
        yield part
    for index, tool in enumerate(asked.get("tools", [])):
        called = {
            "index": index,
            "name": tool["function"]["name"],
            "arguments": {"city": "Zürich", "days": 2.0},
        }
        yield {"tool_calls": [{"id": f"call_{index}", "function": called}]}


def _said(model: str, second: int, parts: Sequence[dict[str, Any]], chat: bool) -> dict[str, Any]:
    """One line or the whole of an answer, which says these parts."""
    text = "".join(part.get("text", "") for part in parts)
    more: dict[str, Any] = {
        "thinking": "".join(part.get("thinking", "") for part in parts),
        "tool_calls": [call for part in parts for call in part.get("tool_calls", [])],
    }
    more = {key: value for key, value in more.items() if value}
    line: dict[str, Any] = {"model": model, "created_at": f"2030-01-02T03:04:{second:02}.123456789Z"}
    line |= (
        {"message": {"role": "assistant", "content": text, **more}} if chat else {"response": text, **more}
    )
    if scores := [score for part in parts for score in part.get("logprobs", [])]:
        line["logprobs"] = scores
    return line


async def _streamed(exchange: Exchange, kind: str, lines: Sequence[bytes]) -> None:
    await exchange.head(200, kind, _LAST)
    for line in lines:
        await exchange.chunk(line)
        # Now and then two lines would go out as one; a model has other things to do in between.
        await asyncio.sleep(0)
    await exchange.end()


async def _whole(exchange: Exchange, payload: object) -> None:
    await exchange.whole(200, _line(payload), _JSON, _LAST)


def _line(payload: object) -> bytes:
    """As Go writes it: no spaces, characters as they are."""
    return json.dumps(payload, ensure_ascii=False, separators=(",", ":")).encode() + b"\n"
