"""Ollama's chat protocol as far as it is pure: messages of a call, the reading of its stream, its errors.

Clients differ between the engines (blocking, in threads, async); what they send and how they read what
comes back is here, once. Nothing here opens a connection.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from agents.conversation import ModelError, ModelReply, ModelRequest

__all__ = [
    "ChatChunk",
    "ModelAnswersError",
    "ModelSettings",
    "StreamReader",
    "UnfamiliarLine",
    "chat_body",
    "chat_messages",
    "decoded",
    "decoded_together",
    "model_error",
]

JsonScalar = str | int | float | bool


@dataclass(frozen=True, slots=True)
class ModelSettings:
    """Which model is asked and how; `call_timeout_s` bounds one whole call, waiting for a slot included."""

    model: str = "llama3.1"
    options: Mapping[str, JsonScalar] = field(default_factory=dict)
    call_timeout_s: float = 600.0


class _ChunkMessage(Protocol):
    @property
    def content(self) -> str | None: ...


class ChatChunk(Protocol):
    """One line of a streamed answer, as the `ollama` client gives it."""

    @property
    def message(self) -> _ChunkMessage: ...
    @property
    def done(self) -> bool | None: ...
    @property
    def done_reason(self) -> str | None: ...
    @property
    def prompt_eval_count(self) -> int | None: ...
    @property
    def eval_count(self) -> int | None: ...


def chat_messages(request: ModelRequest) -> list[dict[str, str]]:
    """The messages of `request` as the protocol has them."""
    return [{"role": message.speaker, "content": message.content} for message in request.messages]


def chat_body(request: ModelRequest, settings: ModelSettings) -> bytes:
    """The body of a streamed call, byte for byte what the `ollama` client makes of the same request.

    Raises `UnicodeEncodeError` for text that cannot be sent.
    """
    body: dict[str, object] = {"model": settings.model, "stream": True}
    if settings.options:
        body["options"] = dict(settings.options)
    if request.answer_format is not None:
        body["format"] = dict(request.answer_format)
    body["messages"] = [
        {field: text for field, text in message.items() if text} for message in chat_messages(request)
    ]
    body["tools"] = []
    return json.dumps(body, ensure_ascii=False, separators=(",", ":"), allow_nan=False).encode()


class ModelAnswersError(Exception):
    """A model that answered with an error: under an HTTP status, or in mid-stream, which has none (-1).

    Of a text in Ollama's form, `{"error": "..."}`, `error` is what stands in it.
    """

    def __init__(self, text: str, status_code: int = -1) -> None:
        try:
            found = json.loads(text)
        except (ValueError, RecursionError):
            found = None
        self.error = str(found["error"]) if isinstance(found, dict) and "error" in found else text
        self.status_code = status_code
        super().__init__(self.error)


class UnfamiliarLine(Exception):
    """A line of a stream, decoded, that is not in the form in which Ollama writes one."""

    def __init__(self, fields: dict[str, object]) -> None:
        super().__init__("a line of the answer is none of a chat")
        self.fields = fields


@dataclass(frozen=True, slots=True)
class _End:
    """What the last line that was read says of the end."""

    done: bool
    reason: str | None
    prompt_tokens: int | None
    output_tokens: int | None


_NOT_YET = _End(False, None, None, None)


class StreamReader:
    """The answer being read from a stream."""

    def __init__(self) -> None:
        self._parts: list[str] = []
        self._end = _NOT_YET

    def feed(self, chunk: ChatChunk) -> None:
        """Take the next line of the stream."""
        self._parts.append(chunk.message.content or "")
        done = bool(chunk.done)
        self._end = _End(done, chunk.done_reason, chunk.prompt_eval_count, chunk.eval_count)

    def feed_decoded(self, fields: object) -> None:
        """Take the next line of the stream as it came over the wire, decoded from JSON.

        Raises `ModelAnswersError` where it says that something went wrong, `ValueError` where it is not an
        object, and `UnfamiliarLine` where it is one of another form.
        """
        if not isinstance(fields, dict):
            raise ValueError("a line of the answer is not a JSON object")
        if error := fields.get("error"):
            raise ModelAnswersError(error if isinstance(error, str) else json.dumps(error))
        message = fields.get("message")
        if not isinstance(message, dict) or "role" not in message:
            raise UnfamiliarLine(fields)
        content = message.get("content")
        if content is not None and not isinstance(content, str):
            raise UnfamiliarLine(fields)
        self._parts.append(content or "")
        done = fields.get("done")
        self._end = _NOT_YET if done is False else _end(fields)

    def reply(self, at: str) -> ModelReply:
        """The whole answer at the end of the stream; a stream that never said `done` is a `ModelError`."""
        end = self._end
        if not end.done:
            cut = "the model's answer was cut: the stream ended without 'done'"
            raise ModelError(cut, at=at, passing=True)
        return ModelReply(
            content="".join(self._parts),
            at=at,
            done_reason=end.reason or "stop",
            prompt_tokens=end.prompt_tokens or 0,
            output_tokens=end.output_tokens or 0,
        )


def decoded_together(lines: Sequence[bytes]) -> list[object] | None:
    """What each of `lines` holds, in half the time that it takes line by line; None where one is not JSON."""
    try:
        found: list[object] = json.loads(b"[%b]" % b",".join(lines))
    except (ValueError, RecursionError):
        return None
    # Lines that are only together what each should be are not whole.
    return found if len(found) == len(lines) else None


def decoded(lines: Sequence[bytes]) -> Iterable[object]:
    """What each of `lines` holds; where one is not JSON, taking it raises what `json.loads` does."""
    found = decoded_together(lines)
    return found if found is not None else (json.loads(line.decode("utf-8", "replace")) for line in lines)


def _end(fields: dict[str, object]) -> _End:
    done, reason = fields.get("done"), fields.get("done_reason")
    prompt_tokens, output_tokens = fields.get("prompt_eval_count"), fields.get("eval_count")
    if (
        not isinstance(done, bool | None)
        or not isinstance(reason, str | None)
        or not isinstance(prompt_tokens, int | None)
        or not isinstance(output_tokens, int | None)
    ):
        raise UnfamiliarLine(fields)
    return _End(bool(done), reason, prompt_tokens, output_tokens)


def model_error(error: Exception, at: str, *, broken_connection: bool) -> ModelError:
    """`error` of a client as a `ModelError`: its sentence, and the HTTP status where it carries one.

    `broken_connection` says that the connection could not be made or broke. That may pass, as may an error
    that comes in mid-stream, which carries no status of its own. An answer that is not of the protocol does
    not: whatever speaks there is no model.
    """
    code = getattr(error, "status_code", None)
    status = code if isinstance(code, int) and code > 0 else None
    text = " ".join(str(getattr(error, "error", None) or error).split()) or type(error).__name__
    if status is not None:
        return ModelError(f"the model answered {status}: {text}", status=status, at=at)
    reason = f"the model could not be reached or its answer not be read: {text}"
    return ModelError(reason, at=at, passing=broken_connection or code is not None)
