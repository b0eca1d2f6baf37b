"""Of an answer that two sittings of a run recorded, the one that the run went on from stays."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness.gateway.cassette import CassetteError, append_entry, read_cassette
from harness.gateway.cassette.entry import Entry
from harness.gateway.cassette.superseded import drop_superseded
from tests.gateway_cassette.entries import entry, request, stream_of

BEGAN = ["2030-01-02T10:00:00.000+01:00", "2030-01-02T11:00:00.000+01:00", "2030-01-02T12:00:00.000+01:00"]
"""At 9, 10 and 11 o'clock, UTC, as entries have it."""


def made(text: str, at: str, answer: str, run: str = "r") -> Entry:
    recorded = entry(request(text), stream_of(answer), run=run)
    return recorded.model_copy(update={"recorded_at": f"2030-01-02T{at}:00.000+00:00"})


def answers(path: Path) -> list[str]:
    return [kept.answer for _, kept in read_cassette(path).entries]


@pytest.fixture
def cassette(tmp_path: Path) -> Path:
    path = tmp_path / "shop.jsonl"
    for recorded in (
        made("plan", "09:10", "done in the first"),
        made("review", "09:20", "cut off in the first"),
        made("review", "09:30", "asked twice, cut off in the first"),
        made("review", "09:40", "of another run", run="other"),
        made("review", "10:10", "cut off in the second"),
        made("review", "11:10", "done in the third"),
        made("review", "11:20", "asked twice, done in the third"),
    ):
        append_entry(path, recorded)
    return path


def test_the_last_sitting_that_asked_counts_and_of_it_every_answer(cassette: Path) -> None:
    before = cassette.read_bytes()
    assert drop_superseded(cassette, "r", BEGAN) == 3
    assert answers(cassette) == [
        "done in the first",
        "of another run",
        "done in the third",
        "asked twice, done in the third",
    ]
    assert cassette.with_name("shop.jsonl.bak").read_bytes() == before


def test_where_nothing_is_superseded_nothing_is_written(cassette: Path) -> None:
    for run, began in (("r", BEGAN[:1]), ("other", BEGAN), ("nobody", BEGAN)):
        assert drop_superseded(cassette, run, began) == 0
    assert len(answers(cassette)) == 7
    assert [path.name for path in cassette.parent.iterdir()] == ["shop.jsonl"]


def test_a_cassette_that_was_never_begun_holds_nothing(tmp_path: Path) -> None:
    assert drop_superseded(tmp_path / "none.jsonl", "r", BEGAN) == 0


def test_a_cassette_that_cannot_be_read_is_an_error(cassette: Path) -> None:
    cassette.write_text("{}\n{}\n")
    with pytest.raises(CassetteError, match=r"shop\.jsonl:1"):
        drop_superseded(cassette, "r", BEGAN)
