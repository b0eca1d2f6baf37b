"""The answer to a call, read from the bytes that pass by on their way to the caller."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any

from agents.chat_protocol import decoded_together
from harness.gateway.canonical import Endpoint, well_formed

__all__ = ["ENDED_EARLY", "AnswerReader", "text_of", "with_text"]

ENDED_EARLY = "stream ended without done"
_NS_PER_S = 1e9
_READ_AT_ONCE_BYTES = 64 * 1024
"""How much may have come before it is read: a quarter of a millisecond's work or two."""


@dataclass(slots=True)
class AnswerReader:
    """An answer in the reading. A stream is one JSON object a line; anything else is one object in all.

    What comes is kept, and read many lines at once, since that takes half the time: by `read_on`, by `close`,
    and whenever there is much of it.
    """

    stream: bool
    status: int
    endpoint: Endpoint = Endpoint.CHAT
    done: bool = False
    error: str | None = None
    done_reason: str | None = None
    prompt_tokens: int | None = None
    output_tokens: int | None = None
    load_s: float | None = None
    prompt_eval_s: float | None = None
    eval_s: float | None = None
    _parts: list[str] = field(default_factory=list)
    _unread: list[bytes] = field(default_factory=list)
    _unread_bytes: int = 0

    @property
    def text(self) -> str:
        """The text of the answer, as far as it came."""
        return well_formed("".join(self._parts))

    def feed(self, chunk: bytes) -> None:
        """Take the next bytes of the body, wherever they were cut."""
        self._unread.append(chunk)
        self._unread_bytes += len(chunk)
        if self._unread_bytes > _READ_AT_ONCE_BYTES and self._in_lines:
            self.read_on()

    def read_on(self) -> None:
        """Read the lines that have come until now."""
        if self._in_lines:
            *lines, rest = self._take().split(b"\n")
            self._read_lines(lines)
            self._unread = [rest]

    def close(self) -> None:
        """Take note that the body came to its end."""
        body = self._take()
        self._read_lines(body.split(b"\n") if self._in_lines else [body])
        if self.status != HTTPStatus.OK:
            self._fail(f"HTTP {self.status}")
        elif not self.done:
            self._fail(ENDED_EARLY if self.stream else "answer ended without done")

    def _take(self) -> bytes:
        body = b"".join(self._unread)
        self._unread, self._unread_bytes = [], 0
        return body

    @property
    def _in_lines(self) -> bool:
        return self.stream and self.status == HTTPStatus.OK

    def _read_lines(self, lines: list[bytes]) -> None:
        for entry in _decoded([line for line in lines if line.strip()]):
            self._read(entry)

    def _read(self, entry: object) -> None:
        if not isinstance(entry, dict):
            if self.status == HTTPStatus.OK:
                self._fail("the answer holds what is not a JSON object")
            return
        if error := entry.get("error"):
            self._fail(well_formed(error) if isinstance(error, str) else json.dumps(error))
        self._parts.append(text_of(entry, self.endpoint))
        # Vectors come in one piece, and no word says that they are all.
        if entry.get("done") is True or (self.endpoint.embeds and "error" not in entry):
            self._read_last(entry)

    def _read_last(self, entry: dict[str, Any]) -> None:
        self.done = True
        reason = entry.get("done_reason")
        self.done_reason = well_formed(reason) if isinstance(reason, str) else None
        self.prompt_tokens = _count(entry.get("prompt_eval_count"))
        self.output_tokens = _count(entry.get("eval_count"))
        self.load_s = _seconds(entry.get("load_duration"))
        self.prompt_eval_s = _seconds(entry.get("prompt_eval_duration"))
        self.eval_s = _seconds(entry.get("eval_duration"))

    def _fail(self, reason: str) -> None:
        if self.error is None:
            self.error = reason


def _decoded(lines: list[bytes]) -> list[object]:
    """What each of `lines` holds; None where that is not JSON."""
    found = decoded_together(lines)
    return found if found is not None else [_decoded_alone(line) for line in lines]


def _decoded_alone(line: bytes) -> object:
    try:
        return json.loads(line)
    except (ValueError, RecursionError):
        return None


def text_of(entry: dict[str, Any], endpoint: Endpoint) -> str:
    """The text in one line of an answer: in `message.content`, or for `generate` in `response`."""
    content = entry.get("response")
    if endpoint is Endpoint.CHAT:
        message = entry.get("message")
        content = message.get("content") if isinstance(message, dict) else None
    return content if isinstance(content, str) else ""


def with_text(text: str, endpoint: Endpoint) -> dict[str, Any]:
    """The fields in which a line of an answer holds `text`; none where the answer is vectors."""
    match endpoint:
        case Endpoint.CHAT:
            return {"message": {"role": "assistant", "content": text}}
        case Endpoint.GENERATE:
            return {"response": text}
    return {}


def _count(value: object) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def _seconds(nanoseconds: object) -> float | None:
    count = _count(nanoseconds)
    return None if count is None else count / _NS_PER_S
