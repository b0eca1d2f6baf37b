"""The answer to a call, read from the bytes that pass by on their way to the caller."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any

from harness.gateway.canonical import Endpoint, well_formed
from harness.gateway.lines import Lines

__all__ = ["ENDED_EARLY", "AnswerReader", "text_of", "with_text"]

ENDED_EARLY = "stream ended without done"
_NS_PER_S = 1e9


@dataclass(slots=True)
class AnswerReader:
    """An answer in the reading. A stream is one JSON object a line; anything else is one object in all."""

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
    _lines: Lines = field(default_factory=Lines)
    _body: list[bytes] = field(default_factory=list)

    @property
    def text(self) -> str:
        """The text of the answer, as far as it came."""
        return well_formed("".join(self._parts))

    def feed(self, chunk: bytes) -> None:
        """Take the next bytes of the body, wherever they were cut."""
        if not self._in_lines:
            self._body.append(chunk)
            return
        for line in self._lines.feed(chunk):
            self._read(line)

    def close(self) -> None:
        """Take note that the body came to its end."""
        self._read(self._lines.take_rest() if self._in_lines else b"".join(self._body))
        self._body = []
        if self.status != HTTPStatus.OK:
            self._fail(f"HTTP {self.status}")
        elif not self.done:
            self._fail(ENDED_EARLY if self.stream else "answer ended without done")

    @property
    def _in_lines(self) -> bool:
        return self.stream and self.status == HTTPStatus.OK

    def _read(self, line: bytes) -> None:
        if not line.strip():
            return
        try:
            entry = json.loads(line)
        except (ValueError, RecursionError):
            entry = None
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
