"""A chain of calls beside its counterpart: each kind of mismatch with its sentence, in the chain's order."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from harness.compare import Kind, Mismatch
from harness.compare.chain import compare_chain
from harness.gateway.calls import CallRecord
from tests.compare.records import make_call


def only(ours: Sequence[CallRecord], theirs: Sequence[CallRecord]) -> Mismatch:
    (mismatch,) = compare_chain(ours, theirs)
    return mismatch


SYSTEM = {"role": "system", "content": "You are the developer."}
USER = {"role": "user", "content": "line one\nline two"}

# What differs between two calls of one lane: the fields of one and of the other, the kind, the sentence.
DIFFERENT_CALLS: dict[str, tuple[dict[str, object], dict[str, object], Kind, str]] = {
    "a line of the prompt": (
        {"content": "one\ntwo\nthree"},
        {"content": "one\nthree"},
        Kind.PROMPT_DRIFT,
        "the developer of Cart was asked otherwise, in message 2 (user): line 2 is missing: “two”",
    ),
    "the speaker of a message": (
        {"messages": [SYSTEM, USER]},
        {"messages": [SYSTEM, {**USER, "role": "assistant"}]},
        Kind.PROMPT_DRIFT,
        "the developer of Cart was asked otherwise, in message 2: its role is assistant instead of user",
    ),
    "an image": (
        {"messages": [SYSTEM, {**USER, "images": ["AA=="]}]},
        {"messages": [SYSTEM, {**USER, "images": ["BB=="]}]},
        Kind.PROMPT_DRIFT,
        "the developer of Cart was asked otherwise, in message 2 (user): beside its content it holds "
        '“{"images": ["BB=="]}” instead of “{"images": ["AA=="]}”',
    ),
    "the number of messages": (
        {"messages": [SYSTEM, USER]},
        {"messages": [SYSTEM, USER, USER]},
        Kind.PROMPT_DRIFT,
        "the developer of Cart was sent 3 messages instead of 2",
    ),
    "an option": (
        {"options": {"temperature": 0.1}},
        {"options": {"temperature": 0.2}},
        Kind.OPTIONS_DRIFT,
        'the developer of Cart was asked with options “{"temperature": 0.2}” instead of '
        '“{"temperature": 0.1}”',
    ),
    "the model": (
        {},
        {"model": "other"},
        Kind.OPTIONS_DRIFT,
        "the developer of Cart was asked with model “other” instead of “m”",
    ),
    "the end of a long format": (
        {"format": {"type": "object", "description": "x" * 200, "required": ["a"]}},
        {"format": {"type": "object", "description": "x" * 200, "required": ["b"]}},
        Kind.OPTIONS_DRIFT,
        '["b"]',
    ),
    "tools and thinking": (
        {"think": False},
        {"think": True, "tools": [{"type": "function"}]},
        Kind.OPTIONS_DRIFT,
        'the developer of Cart was asked with tools “[{"type": "function"}]” instead of “[]”; think “true” '
        "instead of “false”",
    ),
    "the answer": (
        {"response": "one\ntwo"},
        {"response": "one\nthree"},
        Kind.ANSWER_DRIFT,
        "the model answered the same request of the developer of Cart differently: line 2 is “three” "
        "instead of “two”",
    ),
    "an error": (
        {},
        {"status": 500, "error": "out of\nmemory", "response": ""},
        Kind.ERROR,
        "the call of the developer of Cart ended with status 500 (out of memory) instead of status 200",
    ),
}


@pytest.mark.parametrize("what", DIFFERENT_CALLS)
def test_what_differs_between_two_calls_is_told_with_its_kind(what: str) -> None:
    ours, theirs, kind, sentence = DIFFERENT_CALLS[what]
    mismatch = only([make_call(**ours)], [make_call(**theirs)])  # type: ignore[arg-type]
    assert (mismatch.kind, mismatch.path) == (kind, "developer:Cart#1")
    assert sentence in mismatch.sentence


def test_a_call_that_only_one_made_is_missing_or_extra() -> None:
    both = [make_call("architect"), make_call("developer")]
    again = make_call("developer", attempt=2)
    missing = only([*both, again], both)
    assert (missing.kind, missing.path) == (Kind.MISSING, "developer:Cart#2")
    assert missing.sentence == "the candidate did not ask the developer of Cart (attempt 2)"
    extra = only(both, [*both, again])
    assert (extra.kind, extra.path) == (Kind.EXTRA, "developer:Cart#2")
    assert extra.sentence == "only the candidate asked the developer of Cart (attempt 2)"


def test_a_call_that_was_made_twice_is_told_once_and_with_both_counts() -> None:
    calls = [make_call("architect"), make_call("developer"), make_call("reviewer")]
    mismatch = only(calls, [calls[0], calls[1], calls[1], calls[1], calls[2]])
    assert (mismatch.kind, mismatch.control, mismatch.candidate) == (Kind.REPEATED, "1", "3")
    assert mismatch.sentence == "the developer of Cart was asked 3 times instead of once"


def test_of_repeated_calls_those_that_ask_the_same_are_held_together() -> None:
    """A second review is no drift of the first because a review was doubled before it."""
    first, second = make_call("reviewer", content="first"), make_call("reviewer", content="second")
    mismatch = only([first, second], [first, first, second])
    assert mismatch.kind is Kind.REPEATED


def test_within_a_chain_the_first_that_differs_is_the_cause() -> None:
    """An attempt too many stands before the reviews that differ because of it."""
    first, again = make_call("developer"), make_call("developer", attempt=2)
    ours = [first, make_call("reviewer", content="of the first")]
    theirs = [first, again, make_call("reviewer", content="of the second")]
    assert [m.kind for m in compare_chain(ours, theirs)] == [Kind.EXTRA, Kind.PROMPT_DRIFT]
    assert [m.kind for m in compare_chain(theirs, ours)] == [Kind.MISSING, Kind.PROMPT_DRIFT]
