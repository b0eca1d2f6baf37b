"""An entry of a cassette: one exchange with the model, as people can read it and as it can be played again.

The answer's text stands in one place, whole, so that two recordings can be compared with any diff. Its pieces
say how much of that text came when, and what else their lines held.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from http import HTTPStatus
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, JsonValue, model_validator

from harness.gateway.answer import with_text
from harness.gateway.canonical import CanonicalRequest, Endpoint
from harness.gateway.lane import Lane

__all__ = ["SCHEMA_VERSION", "Entry", "LaneName", "Piece", "played"]

SCHEMA_VERSION = 1

_PLAIN: dict[str, JsonValue] = {"done": False}
_GROWING = frozenset({"content", "response", "thinking", "tool_calls", "logprobs", "images"})
"""The fields of which each line of a stream brings a part; of all others the last one counts."""


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class LaneName(_Frozen):
    """The lane of an exchange, as people read it."""

    role: str
    module: str | None = None
    attempt: int

    @classmethod
    def of(cls, lane: Lane) -> LaneName:
        """The name of `lane`."""
        return cls(role=lane.role, module=lane.module, attempt=lane.attempt)

    def __str__(self) -> str:
        return f"{self.role}{f':{self.module}' if self.module else ''}#{self.attempt}"


class Piece(_Frozen):
    """A line of the answer: when it came, how many characters of the text it brought, and what else."""

    at_s: float = Field(ge=0)
    """Seconds since the request got its slot."""
    size: int = Field(default=0, ge=0)
    rest: dict[str, JsonValue] = _PLAIN
    """The fields of the line without model, time and text."""
    raw: str | None = None
    """The line itself, where it was no JSON object, and the whole body where the status was an error's."""


class Entry(_Frozen):
    """One exchange: what was asked, and the answer with its pieces and their times."""

    version: int = SCHEMA_VERSION
    key: str
    """The hash of the canonical request."""
    lane: LaneName
    run: str
    recorded_at: str
    """ISO timestamp, UTC."""
    source: str
    """What answered: `ollama 0.12.3`, `simulated`."""
    digest: str = ""
    """The digest of the model's weights, as its server gives it; empty where it gives none."""
    stream: bool
    status: int
    whole: bool = True
    """Whether the answer came to its end; a stream that the model's server broke off did not."""
    request: CanonicalRequest
    answer: str
    pieces: tuple[Piece, ...]

    @property
    def in_lines(self) -> bool:
        """Whether the answer was a stream, one object a line, and not one object in all."""
        return self.stream and self.status == HTTPStatus.OK

    @model_validator(mode="after")
    def _consistent(self) -> Entry:
        if self.version != SCHEMA_VERSION:
            raise ValueError(
                f"this is version {self.version} of the format; version {SCHEMA_VERSION} is read"
            )
        if self.key != self.request.hash:
            raise ValueError("the key is not the hash of the request: one of them was changed")
        if sum(piece.size for piece in self.pieces) != len(self.answer):
            raise ValueError("the pieces do not add up to the answer: one of them was changed")
        return self

    def as_line(self) -> str:
        """The entry as one line of JSON, without its end."""
        return self.model_dump_json(exclude_defaults=True)


def played(entry: Entry, *, stream: bool, created_at: str) -> Iterator[tuple[float, bytes]]:
    """The answer's lines as they are sent again: (seconds since the grant, bytes).

    What was recorded as a stream and is asked for whole comes in one line, and the other way round.
    """
    lines: Iterator[tuple[float, bytes | dict[str, Any]]]
    lines = ((piece.at_s, _line(entry, piece, start, created_at)) for piece, start in _starts(entry))
    if entry.in_lines and not stream and entry.whole and entry.pieces:
        lines = iter([(entry.pieces[-1].at_s, _joined([line for _, line in lines]))])
    for at_s, line in lines:
        yield at_s, line if isinstance(line, bytes) else _encoded(line)


def _starts(entry: Entry) -> Iterator[tuple[Piece, int]]:
    start = 0
    for piece in entry.pieces:
        yield piece, start
        start += piece.size


def _line(entry: Entry, piece: Piece, start: int, created_at: str) -> bytes | dict[str, Any]:
    if piece.raw is not None:
        return piece.raw.encode() + (b"\n" if entry.in_lines else b"")
    if "error" in piece.rest:
        return dict(piece.rest)
    told = with_text(entry.answer[start : start + piece.size], entry.request.endpoint)
    match piece.rest.get("message"):
        case dict() as kept:
            told["message"] = told.get("message", {}) | kept
    rest = {key: value for key, value in piece.rest.items() if key != "message"}
    opening = {} if entry.request.endpoint is Endpoint.EMBEDDINGS else {"model": entry.request.model}
    stamp = {} if entry.request.endpoint.embeds else {"created_at": created_at}
    return {**opening, **stamp, **rest, **told}


def _joined(lines: Sequence[bytes | dict[str, Any]]) -> dict[str, Any] | bytes:
    """The lines of a stream as the one object that is the same answer, unstreamed."""
    objects = [line for line in lines if isinstance(line, dict)]
    if len(objects) != len(lines):
        return b"".join(line if isinstance(line, bytes) else _encoded(line) for line in lines)
    broken = next((line for line in objects if "error" in line), None)
    if broken is not None:
        return broken
    whole: dict[str, Any] = {}
    for line in objects:
        _add(whole, line)
        if "message" in line:
            _add(whole.setdefault("message", {}), line["message"])
    return whole


def _add(whole: dict[str, Any], line: dict[str, Any]) -> None:
    for key, value in line.items():
        if key == "message":
            continue
        if key in _GROWING and isinstance(value, str | list):
            whole[key] = whole.get(key, type(value)()) + value
        else:
            whole[key] = value


def _encoded(line: dict[str, Any]) -> bytes:
    return json.dumps(line, ensure_ascii=False).encode("utf-8", "replace") + b"\n"
