from __future__ import annotations

import json
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.gateway.answer import ENDED_EARLY, AnswerReader
from tests.gateway.scripted_ollama import LAST, line

STREAM = line("Hel") + line("lo \u2603\n") + LAST


def read(*chunks: bytes, stream: bool = True, status: int = 200) -> AnswerReader:
    answer = AnswerReader(stream, status)
    for chunk in chunks:
        answer.feed(chunk)
    answer.close()
    return answer


def test_text_and_the_models_own_account_are_read() -> None:
    answer = read(STREAM)
    assert answer.text == "Hello \u2603\n"
    assert (answer.done, answer.done_reason, answer.error) == (True, "stop", None)
    assert (answer.prompt_tokens, answer.output_tokens) == (7, 2)
    assert (answer.load_s, answer.prompt_eval_s, answer.eval_s) == (0.001, 2.0, 0.5)


@settings(deadline=None)
@given(st.sets(st.integers(1, len(STREAM) - 1)))
def test_it_does_not_matter_where_the_bytes_are_cut(cuts: set[int]) -> None:
    bounds = [0, *sorted(cuts), len(STREAM)]
    assert read(*(STREAM[a:b] for a, b in pairwise(bounds))) == read(STREAM)


def test_an_answer_that_is_not_streamed_is_one_object() -> None:
    """It need not be on one line."""
    whole = json.dumps(json.loads(line("Hello", done=True, eval_count=3)), indent=2).encode()
    answer = read(whole[:20], whole[20:], stream=False)
    assert (answer.text, answer.output_tokens, answer.error) == ("Hello", 3, None)


def test_counts_that_were_left_out_stay_unknown() -> None:
    """Ollama leaves zeros out; what it did not say is not made up."""
    answer = read(line("", done=True))
    assert (answer.prompt_tokens, answer.output_tokens, answer.load_s) == (None, None, None)


@pytest.mark.parametrize(
    ("chunks", "error"),
    [
        ([line("Hel")], ENDED_EARLY),
        ([], ENDED_EARLY),
        ([line("Hel"), b'{"error": "out of memory"}\n'], "out of memory"),
        ([b'{"error": {"code": 1}}\n'], '{"code": 1}'),
        ([b'{"message": [1\n', b"2]}\n", LAST], "the answer holds what is not a JSON object"),
        ([b"<html>\n", LAST], "the answer holds what is not a JSON object"),
        ([b"[]\n", LAST], "the answer holds what is not a JSON object"),
        ([b"[" * 100_000 + b"\n", LAST], "the answer holds what is not a JSON object"),
    ],
)
def test_what_is_wrong_with_a_stream_is_its_error(chunks: list[bytes], error: str) -> None:
    assert read(*chunks).error == error


def test_the_text_around_a_fault_is_kept() -> None:
    assert read(line("Hel"), b"{").text == "Hel"
    assert read(line("Hel") + b"<html>\n" + line("lo"), LAST).text == "Hello"


def test_what_came_can_be_read_before_the_end() -> None:
    answer = AnswerReader(True, 200)
    answer.feed(line("Hel") + line("lo")[:9])
    answer.read_on()
    assert (answer.text, answer.done) == ("Hel", False)
    answer.feed(line("lo")[9:] + LAST)
    answer.read_on()
    assert (answer.text, answer.done) == ("Hello", True)


def test_a_long_answer_is_read_on_the_way_and_not_kept_as_it_came() -> None:
    answer = AnswerReader(True, 200)
    for _ in range(2_000):
        answer.feed(line("word "))
    assert len(answer.text) > 5_000
    answer.feed(LAST)
    answer.close()
    assert (answer.text, answer.done) == ("word " * 2_000, True)


@pytest.mark.parametrize(
    ("body", "error"),
    [
        (b'{"error": "model \'x\' not found"}', "model 'x' not found"),
        (b"502 Bad Gateway", "HTTP 404"),
        (b"", "HTTP 404"),
        (b"{}", "HTTP 404"),
    ],
)
def test_the_error_of_an_error_status_is_what_the_body_says_or_the_status(body: bytes, error: str) -> None:
    assert read(body, status=404).error == error
