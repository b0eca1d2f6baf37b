from __future__ import annotations

import pytest

from harness.gateway.hosts.pace import Pace, output_tokens, relative_paces


def pace(*calls: tuple[float, int | None]) -> Pace:
    made = Pace()
    for seconds, tokens in calls:
        made.note(seconds, tokens)
    return made


def test_hosts_are_held_against_each_other_by_token_where_both_say_how_many() -> None:
    """One that got the long answers is not the slower for it."""
    assert relative_paces([pace((10, 1000)), pace((1, 50))]) == [0.01, 0.02]


def test_by_call_where_one_of_them_does_not_say() -> None:
    assert relative_paces([pace((10, 1000)), pace((1, None))]) == [10, 1]


def test_a_host_of_which_nothing_is_known_is_taken_for_the_fastest() -> None:
    assert relative_paces([pace((2, 10)), pace(), pace((1, 10))]) == [0.2, 0.1, 0.1]
    assert relative_paces([pace(), pace()]) == [1, 1]


def test_a_pace_follows_what_changes_and_a_single_call_is_not_the_whole_of_it() -> None:
    grown = pace((1, None), (11, None))
    assert grown.per_call_s == pytest.approx(3)
    for _ in range(30):
        grown.note(11, None)
    assert grown.per_call_s == pytest.approx(11, abs=0.1)


@pytest.mark.parametrize(
    ("tail", "tokens"),
    [
        (b'{"eval_count": 3}\n{"done":true,"prompt_eval_count":7,"eval_count":42,"eval_duration":5}\n', 42),
        (b'{"done":true,"prompt_eval_count":7}', None),
        (b"", None),
    ],
)
def test_tokens_are_read_off_the_end_of_an_answer(tail: bytes, tokens: int | None) -> None:
    assert output_tokens(tail) == tokens
