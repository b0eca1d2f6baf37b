"""Drafts: an entry that is written while its answer comes."""

from __future__ import annotations

import pytest

from harness.gateway.cassette.draft import Draft
from tests.gateway_cassette.entries import request, stream_of


def _draft(body: bytes, *, stream: bool = True, status: int = 200, size: int = 7) -> Draft:
    draft = Draft(request(), stream, status)
    for number, start in enumerate(range(0, len(body), size), start=1):
        draft.add(number / 10, body[start : start + size])
    return draft


def _entry(draft: Draft) -> tuple[str, list[tuple[float, int, str | None]]]:
    entry = draft.entry(whole=True, run="r", recorded_at="now", source="s", digest="")
    return entry.answer, [(piece.at_s, piece.size, piece.raw) for piece in entry.pieces]


def test_a_piece_came_when_the_end_of_its_line_did() -> None:
    body = b"".join(chunk for _, chunk in stream_of("Be"))
    first = body.index(b"\n")
    answer, pieces = _entry(_draft(body, size=1))
    assert answer == "Be"
    assert pieces == [(pytest.approx((first + 1) / 10), 2, None), (pytest.approx(len(body) / 10), 0, None)]


@pytest.mark.parametrize(
    ("last", "ended"),
    [
        (b'{"done": true}\n', True),
        (b'{"error": "out of memory"}\n', True),
        (b'{"done": true}\n{"done": false}\n', False),
        (b'{"done": false}\n', False),
        (b'{"done": true}', False),
    ],
)
def test_a_stream_has_ended_with_a_line_that_says_so(last: bytes, ended: bool) -> None:
    assert _draft(b'{"done": false}\n' + last).ended is ended


@pytest.mark.parametrize("stream", [True, False])
def test_the_body_of_an_error_is_kept_as_it_came_and_is_no_answer(stream: bool) -> None:
    body = b'{"message": {"content": "come back"},\r\n "model": "m"}\n'
    assert _entry(_draft(body, stream=stream, status=503)) == ("", [(0.8, 0, body.decode())])


def test_an_answer_that_is_one_object_need_not_be_on_one_line() -> None:
    body = b'{"message":\n{"role": "assistant",\n"content": "Because."}}'
    answer, pieces = _entry(_draft(body, stream=False))
    assert (answer, len(pieces)) == ("Because.", 1)
