"""Which call needed which, by what its prompt quotes of an earlier answer."""

from __future__ import annotations

from pathlib import Path

from harness.compare.call_graph import call_graph, critical_path_s
from harness.compare.quotes import quoted_calls
from harness.gateway.calls import CallRecord
from harness.record import ExternalPlace, RunRecord
from tests.compare.records import make_call, make_record

SPEC = "Accounts of customers with name, email and address: register, find, close."
CODE = "def register(name: str, email: str, address: str) -> Account: ..."


def call(
    number: int, content: str, response: str, begin_s: float, end_s: float, *, before: str = ""
) -> CallRecord:
    messages = [{"role": "user", "content": content}]
    if before:
        messages[:0] = [{"role": "user", "content": "Go on."}, {"role": "assistant", "content": before}]
    return make_call(
        "unknown",
        None,
        number=number,
        messages=messages,
        response=response,
        arrival_s=begin_s,
        granted_s=begin_s,
        end_s=end_s,
    )


def test_a_prompt_needs_the_call_that_it_quotes_however_it_is_laid_out() -> None:
    calls = [
        call(1, "Plan.", f'{{"spec": "{SPEC}"}}', 0, 1),
        call(2, "Something else.", "No.", 1, 2),
        call(3, f"Write it:\n- {SPEC.replace(': ', chr(10))}", CODE, 2, 3),
        call(4, f"Review ```{CODE}```", "APPROVED", 3, 4),
    ]
    assert quoted_calls(calls) == [(), (), (0,), (2,)]


def test_what_every_prompt_says_is_quoted_from_nobody() -> None:
    """An answer that repeats its prompt has not said it first."""
    calls = [call(n, f"Write it. {SPEC}", f"As you say: {SPEC}", n, n + 1) for n in range(3)]
    assert quoted_calls(calls) == [(), (), ()]


def test_nothing_is_needed_of_an_answer_that_was_not_whole_yet() -> None:
    calls = [call(1, "Plan.", SPEC, 0, 5), call(2, f"Write {SPEC}", CODE, 4, 6), call(3, SPEC, "", 5, 6)]
    assert quoted_calls(calls) == [(), (), (0,)]


def test_a_conversation_needs_its_own_answers_however_short() -> None:
    calls = [call(1, "Ready?", "Yes.", 0, 1), call(2, "Then go.", "Done.", 1, 2, before=" Yes. ")]
    assert quoted_calls(calls) == [(), (0,)]


def test_the_first_who_said_it_is_the_one() -> None:
    calls = [call(1, "Plan.", SPEC, 0, 1), call(2, "Plan too.", SPEC, 0, 1), call(3, SPEC, "", 2, 3)]
    assert quoted_calls(calls) == [(), (), (0,)]


def test_what_two_say_each_by_itself_is_evidence_of_neither() -> None:
    """Modules begin alike; who is shown the one did not need the other."""
    common = "from flask import Flask, jsonify, request, url_for and all that modules begin with"
    calls = [
        call(1, "Write one.", f"{common} {SPEC}", 0, 1),
        call(2, "Write another.", f"{common} {CODE}", 0, 1),
        call(3, f"Review {common} {CODE}", "", 2, 3),
        call(4, f"Review {common}", "", 2, 3),
    ]
    assert quoted_calls(calls) == [(), (), (1,), ()]


def test_the_critical_path_of_an_external_engine_is_made_of_quotes(tmp_path: Path) -> None:
    calls = [
        call(1, "Plan.", SPEC, 0, 1),
        call(2, f"Write {SPEC}", CODE, 1, 4),
        call(3, f"Draw {SPEC}", "<html>", 4, 6),
        call(4, f"Join {CODE}", "done", 6, 7),
    ]
    record = make_record(tmp_path, calls=calls)
    place = ExternalPlace(workdir="/w", output="out")
    external = RunRecord(
        record.summary.model_copy(update={"external": place}), record.calls, (), None, tmp_path
    )
    assert critical_path_s(call_graph(external)) == 5
    assert critical_path_s(call_graph(record)) == 3, "of one of ours the roles would be unknown"
