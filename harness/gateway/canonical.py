"""A request to the model without what does not matter: the form in which two requests are compared."""

from __future__ import annotations

import hashlib
import json
import math
from enum import StrEnum
from functools import cached_property
from typing import Any, Self

from pydantic import BaseModel, ConfigDict, JsonValue

from harness.gateway.errors import MalformedRequest

__all__ = ["CanonicalRequest", "ChatMessage", "Endpoint", "decode", "wants_stream", "well_formed"]

Json = dict[str, Any]

_MAX_DEPTH = 100


class Endpoint(StrEnum):
    """The endpoints at which the model itself works; the value is the path."""

    CHAT = "/api/chat"
    GENERATE = "/api/generate"
    EMBED = "/api/embed"
    EMBEDDINGS = "/api/embeddings"
    """The older form of embed: one text, one vector."""

    @property
    def embeds(self) -> bool:
        """Whether it answers with vectors, which are never streamed."""
        return self in (Endpoint.EMBED, Endpoint.EMBEDDINGS)


_READ = frozenset({"model", "messages", "options", "format", "tools", "think", "system", "prompt", "input"})
_HOW = frozenset({"stream", "keep_alive"})
"""Fields that say how the model is to answer and not what."""


class ChatMessage(BaseModel):
    """One message of a request: role in lower case, content without white space at its ends."""

    model_config = ConfigDict(frozen=True)

    role: str
    content: str
    other: dict[str, JsonValue] = {}
    """The fields beside role and content (`images`, `tool_calls`, ...)."""


class CanonicalRequest(BaseModel):
    """What a request asks for. Requests that ask for the same are equal and have the same hash.

    What `generate` is given as system and prompt stands here as messages, and so do the texts of `embed`.
    Left out are `stream` and `keep_alive`, which say how and not what; order of keys, white space at the ends
    of contents, and fields that say nothing (null, no tools, no options) make no difference.
    """

    model_config = ConfigDict(frozen=True)

    endpoint: Endpoint = Endpoint.CHAT
    model: str
    messages: tuple[ChatMessage, ...] = ()
    options: dict[str, JsonValue] = {}
    format: JsonValue = None
    tools: tuple[JsonValue, ...] = ()
    think: JsonValue = None
    other: dict[str, JsonValue] = {}
    """The fields beside those (`suffix`, `raw`, `images`, `logprobs`, `dimensions`, ...)."""

    @classmethod
    def from_payload(cls, payload: Json, endpoint: Endpoint = Endpoint.CHAT) -> Self:
        """The canonical form of a decoded request body; raises `MalformedRequest`."""
        model = payload.get("model")
        if not isinstance(model, str) or not model:
            raise MalformedRequest("model is required")
        other = {key: value for key, value in payload.items() if key not in _READ | _HOW}
        return cls(
            endpoint=endpoint,
            model=well_formed(model),
            messages=tuple(_message(entry) for entry in _messages(payload, endpoint)),
            options=_object(payload, "options"),
            format=_plain(payload.get("format") or None),
            tools=tuple(_plain(entry) for entry in _list(payload, "tools")),
            think=_plain(payload.get("think")),
            other=_said(other),
        )

    def as_json(self) -> str:
        """The one JSON text of this request: keys in order, no spaces, ASCII only."""
        return json.dumps(self.model_dump(exclude_defaults=True), sort_keys=True, separators=(",", ":"))

    @cached_property
    def hash(self) -> str:
        """The SHA-256 of `as_json`, in hexadecimal."""
        return hashlib.sha256(self.as_json().encode("ascii")).hexdigest()


def decode(body: bytes) -> Json:
    """The JSON object in a request body; raises `MalformedRequest`."""
    try:
        payload = json.loads(body.decode("utf-8", "replace"), parse_constant=_no_constant)
    except (ValueError, RecursionError) as problem:
        raise MalformedRequest(f"the body is not JSON: {problem}") from problem
    if not isinstance(payload, dict):
        raise MalformedRequest(f"the body is not a JSON object but {_kind(payload)}")
    return payload


def wants_stream(payload: Json, endpoint: Endpoint = Endpoint.CHAT) -> bool:
    """Whether the answer is to be streamed; a request that does not say wants it."""
    if endpoint.embeds:
        return False
    stream = payload.get("stream")
    if stream is None:
        return True
    if not isinstance(stream, bool):
        raise MalformedRequest(f"stream is not a boolean but {_kind(stream)}")
    return stream


def well_formed(text: str) -> str:
    """`text` with every half of a surrogate pair that stands alone replaced, so that it can be encoded."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
    return text


def _messages(payload: Json, endpoint: Endpoint) -> list[object]:
    """What is said to the model, as messages whatever the endpoint calls it."""
    match endpoint:
        case Endpoint.CHAT:
            return _list(payload, "messages")
        case Endpoint.GENERATE:
            said = {"system": payload.get("system"), "user": payload.get("prompt")}
            return [{"role": role, "content": text} for role, text in said.items() if text]
        case Endpoint.EMBED:
            texts = payload.get("input")
            texts = texts if isinstance(texts, list) else [texts]
            # An empty text has a vector too, and its place among the others.
            return [{"role": "input", "content": text} for text in texts if text is not None]
        case Endpoint.EMBEDDINGS:
            return [{"role": "input", "content": payload.get("prompt")}]


def _message(entry: object) -> ChatMessage:
    if not isinstance(entry, dict):
        raise MalformedRequest(f"a message is not an object but {_kind(entry)}")
    role, content = entry.get("role") or "", entry.get("content") or ""
    if not isinstance(role, str) or not isinstance(content, str):
        raise MalformedRequest("role and content of a message must be strings")
    other = {key: value for key, value in entry.items() if key not in {"role", "content"}}
    return ChatMessage(
        role=well_formed(role).lower(), content=well_formed(content.strip()), other=_said(other)
    )


def _list(payload: Json, key: str) -> list[object]:
    value = payload.get(key)
    if value is None:
        return []
    if not isinstance(value, list):
        raise MalformedRequest(f"{key} is not a list but {_kind(value)}")
    return value


def _object(payload: Json, key: str) -> dict[str, JsonValue]:
    value = payload.get(key)
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise MalformedRequest(f"{key} is not an object but {_kind(value)}")
    return _said(value)


def _said(fields: Json) -> dict[str, JsonValue]:
    return {well_formed(key): _plain(value) for key, value in fields.items() if value is not None}


def _plain(value: Any, depth: int = 0) -> JsonValue:
    if depth > _MAX_DEPTH:
        raise MalformedRequest(f"nested more than {_MAX_DEPTH} deep")
    match value:
        case dict():
            return {well_formed(key): _plain(entry, depth + 1) for key, entry in value.items()}
        case list():
            return [_plain(entry, depth + 1) for entry in value]
        case str():
            return well_formed(value)
        case float() if value.is_integer():
            # Clients that go through a float field send 0.0 where others send 0.
            return int(value)
        case float() if not math.isfinite(value):
            raise MalformedRequest("a number is out of range")
    plain: JsonValue = value
    return plain


def _no_constant(name: str) -> None:
    raise ValueError(f"{name} is not JSON")


def _kind(value: object) -> str:
    match value:
        case None:
            return "null"
        case bool():
            return "a boolean"
        case int() | float():
            return "a number"
        case str():
            return "a string"
        case list():
            return "a list"
    return "an object"
