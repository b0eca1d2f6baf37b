"""A draft: an entry of a cassette in the writing, while its answer still comes."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any

from harness.gateway.answer import text_of
from harness.gateway.canonical import CanonicalRequest, Endpoint, well_formed
from harness.gateway.cassette.entry import Entry, LaneName, Piece
from harness.gateway.lane import lane_of
from harness.gateway.lines import Lines

__all__ = ["Draft"]

_NOT_KEPT = frozenset({"model", "created_at"})


@dataclass(slots=True)
class Draft:
    """What has come of one exchange. Its lines are read as they come, so that little is left for the end."""

    request: CanonicalRequest
    stream: bool
    status: int
    ended: bool = False
    """Whether the last line of a stream has come, and says that it is the last."""
    _lines: Lines = field(default_factory=Lines)
    _body: list[bytes] = field(default_factory=list)
    _text: list[str] = field(default_factory=list)
    _pieces: list[Piece] = field(default_factory=list)
    _at_s: float = 0.0

    @property
    def in_lines(self) -> bool:
        """Whether the answer is a stream, one object a line, and not one object in all."""
        return self.stream and self.status == HTTPStatus.OK

    def add(self, at_s: float, chunk: bytes) -> None:
        """Take the next bytes of the answer, which came `at_s` seconds after the request got its slot."""
        self._at_s = round(max(0.0, at_s), 6)
        if not self.in_lines:
            self._body.append(chunk)
            return
        for line in self._lines.feed(chunk):
            self._take(line)

    def entry(self, *, whole: bool, run: str, recorded_at: str, source: str, digest: str) -> Entry:
        """The entry, now that nothing more comes; `whole` says whether the answer came to its end."""
        body = self._lines.take_rest() if self.in_lines else b"".join(self._body)
        if self.status == HTTPStatus.OK:
            self._take(body)
        elif body:
            self._pieces.append(Piece(at_s=self._at_s, raw=body.decode(errors="replace")))
        return Entry(
            key=self.request.hash,
            lane=LaneName.of(lane_of(self.request)),
            run=run,
            recorded_at=recorded_at,
            source=source,
            digest=digest,
            stream=self.stream,
            status=self.status,
            whole=whole,
            request=self.request,
            answer="".join(self._text),
            pieces=tuple(self._pieces),
        )

    def _take(self, line: bytes) -> None:
        if not line.strip():
            return
        try:
            fields: Any = json.loads(line)
            if not isinstance(fields, dict):
                raise ValueError("not an object")
            content = well_formed(text_of(fields, self.request.endpoint))
            piece = Piece(at_s=self._at_s, size=len(content), rest=_rest_of(fields, self.request.endpoint))
        except (ValueError, RecursionError):
            self._pieces.append(Piece(at_s=self._at_s, raw=line.decode(errors="replace")))
            return
        self.ended = fields.get("done") is True or "error" in fields
        self._text.append(content)
        self._pieces.append(piece)


def _rest_of(fields: dict[str, Any], endpoint: Endpoint) -> dict[str, Any]:
    """The fields of a line but for model and time, and those that `with_text` gives back."""
    rest = {key: value for key, value in fields.items() if key not in _NOT_KEPT}
    match endpoint, fields:
        case Endpoint.CHAT, {"message": {"content": str()} as message}:
            del rest["message"]
            if kept := {key: value for key, value in message.items() if key not in {"role", "content"}}:
                rest["message"] = kept
        case Endpoint.GENERATE, {"response": str()}:
            del rest["response"]
    return rest
