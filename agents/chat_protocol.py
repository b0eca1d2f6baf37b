"""Ollama's chat protocol as far as it is pure: messages of a call, the reading of its stream, its errors.

Clients differ between the engines (blocking, in threads, async); what they send and how they read what
comes back is here, once. Nothing here opens a connection.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol

from agents.conversation import ModelError, ModelReply, ModelRequest

__all__ = ["ChatChunk", "ModelSettings", "StreamReader", "chat_messages", "model_error"]

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


class StreamReader:
    """The answer being read from a stream."""

    def __init__(self) -> None:
        self._parts: list[str] = []
        self._last: ChatChunk | None = None

    def feed(self, chunk: ChatChunk) -> None:
        """Take the next line of the stream."""
        self._parts.append(chunk.message.content or "")
        self._last = chunk

    def reply(self, at: str) -> ModelReply:
        """The whole answer at the end of the stream; a stream that never said `done` is a `ModelError`."""
        last = self._last
        if last is None or not last.done:
            cut = "the model's answer was cut: the stream ended without 'done'"
            raise ModelError(cut, at=at, passing=True)
        return ModelReply(
            content="".join(self._parts),
            at=at,
            done_reason=last.done_reason or "stop",
            prompt_tokens=last.prompt_eval_count or 0,
            output_tokens=last.eval_count or 0,
        )


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
