"""Entries of cassettes for tests."""

from __future__ import annotations

import json

from harness.gateway.canonical import CanonicalRequest
from harness.gateway.cassette.draft import Draft
from harness.gateway.cassette.entry import Entry


def request(text: str = "Why?", **fields: object) -> CanonicalRequest:
    return CanonicalRequest.from_payload(
        {"model": "m", "messages": [{"role": "user", "content": text}], **fields}
    )


def stream_of(*parts: str, **last: object) -> list[tuple[float, bytes]]:
    """The chunks of a streamed answer, a tenth of a second apart."""
    lines: list[dict[str, object]] = [
        {"model": "m", "created_at": "then", "message": {"role": "assistant", "content": part}, "done": False}
        for part in parts
    ]
    end = {"message": {"role": "assistant", "content": ""}, "done": True, "done_reason": "stop", **last}
    return [
        ((number + 1) / 10, json.dumps(line).encode() + b"\n")
        for number, line in enumerate([*lines, {"model": "m", "created_at": "then", **end}])
    ]


def entry(
    asked: CanonicalRequest | None = None,
    chunks: list[tuple[float, bytes]] | None = None,
    *,
    stream: bool = True,
    status: int = 200,
    whole: bool = True,
    run: str = "r",
) -> Entry:
    draft = Draft(asked or request(), stream, status)
    for at_s, chunk in stream_of("Be", "cause") if chunks is None else chunks:
        draft.add(at_s, chunk)
    return draft.entry(
        whole=whole,
        run=run,
        recorded_at="2030-01-02T03:04:05.000+00:00",
        source="ollama 0.12.3",
        digest="abc",
    )
