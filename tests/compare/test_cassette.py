"""What a replay tells: requests that the cassette does not hold, and answers that were used up."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness.compare import Kind
from harness.compare.cassette import prompt_drift, used_up
from harness.gateway.calls import CallRecord
from harness.gateway.canonical import CanonicalRequest
from harness.record import RunRecord
from tests.compare.records import make_call, make_record

RECORDED = make_call(content="Write the small shop.").request


def missed(content: str = "Write the big shop.", *, near: CanonicalRequest | None = RECORDED) -> CallRecord:
    update = {
        "not_recorded": True,
        "nearest_request": near,
        "cassette_line": 7 if near else None,
        "status": 404,
    }
    return make_call(content=content).model_copy(update=update)


def record(folder: Path, *calls: CallRecord) -> RunRecord:
    return make_record(folder, calls=calls)


@pytest.mark.parametrize(
    ("call", "sentence", "words"),
    [
        (
            missed(),
            "both engines asked the developer of Cart what the cassette does not hold; the nearest is on "
            "line 7",
            "Write the [-small-]{+big+} shop.",
        ),
        (
            missed(near=None),
            "both engines asked the developer of Cart what the cassette does not hold, and nothing like it",
            None,
        ),
        (
            missed("Write the small shop."),
            "both engines asked the developer of Cart what the cassette does not hold; line 7 has the same "
            "words, other settings",
            None,
        ),
    ],
)
def test_what_both_ask_otherwise_than_recorded_is_told_once(
    call: CallRecord, sentence: str, words: str | None, tmp_path: Path
) -> None:
    (found,) = prompt_drift(record(tmp_path / "a", call), record(tmp_path / "b", call), ())
    assert (found.kind, found.path, found.sentence) == (Kind.PROMPT_DRIFT, "developer:Cart#1", sentence)
    assert (found.words or "").endswith(words or "")
    assert (found.words is None) == (words is None)


def test_who_alone_asks_it_is_named(tmp_path: Path) -> None:
    good, bad = record(tmp_path / "a", make_call()), record(tmp_path / "b", missed())
    assert [m.sentence.partition(" asked")[0] for m in prompt_drift(good, bad, ())] == ["the candidate"]
    assert [m.sentence.partition(" asked")[0] for m in prompt_drift(bad, good, ())] == ["the control"]
    assert list(prompt_drift(good, good, ())) == []


def test_a_drift_that_is_told_already_is_not_told_again(tmp_path: Path) -> None:
    good, bad = record(tmp_path / "a", make_call()), record(tmp_path / "b", missed())
    assert list(prompt_drift(good, bad, {"developer:Cart#1"})) == []


def test_answers_that_were_given_again_are_counted_by_lane(tmp_path: Path) -> None:
    again = {"repeated_answer": True}
    calls = [
        make_call(),
        make_call().model_copy(update=again),
        make_call("reviewer", "Users").model_copy(update=again),
        make_call("reviewer", "Users").model_copy(update=again),
    ]
    assert list(used_up(record(tmp_path, *calls), "candidate")) == [
        "the candidate asked the developer of Cart more often than was recorded: "
        "the last answer was given again once",
        "the candidate asked the reviewer of Users more often than was recorded: "
        "the last answer was given again 2 times",
    ]
