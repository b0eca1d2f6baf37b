"""Tokens by role and module: every call is counted once, in the order in which they were first asked for."""

from __future__ import annotations

from pathlib import Path

from harness.compare.tokens import TokenCount, added, count_tokens
from tests.compare.records import make_call, make_record


def test_calls_of_one_role_for_one_module_are_counted_together(tmp_path: Path) -> None:
    calls = [
        make_call("reviewer", "Cart", number=1).model_copy(update={"prompt_tokens": 5, "output_tokens": 1}),
        make_call("developer", "Cart", number=2).model_copy(update={"prompt_tokens": 7, "output_tokens": 2}),
        make_call("reviewer", "Cart", 2, number=3).model_copy(
            update={"prompt_tokens": 11, "output_tokens": 3}
        ),
        make_call("reviewer", "Users", number=4).model_copy(update={"prompt_tokens": 13, "output_tokens": 4}),
    ]
    assert count_tokens(make_record(tmp_path, calls=calls)) == (
        TokenCount(role="reviewer", module="Cart", calls=2, prompt=16, output=4, again=1, generating_s=2.0),
        TokenCount(role="developer", module="Cart", calls=1, prompt=7, output=2, generating_s=1.0),
        TokenCount(role="reviewer", module="Users", calls=1, prompt=13, output=4, generating_s=1.0),
    )


def test_counts_add_up() -> None:
    one = TokenCount(role="a", module="Cart", calls=2, prompt=16, output=4, again=1, generating_s=2.0)
    other = TokenCount(role="a", module="Users", calls=1, prompt=5, output=3, generating_s=0.5)
    assert added([one, other], "a", "all") == TokenCount(
        role="a", module="all", calls=3, prompt=21, output=7, again=1, generating_s=2.5
    )
    assert added([], "a", None) == TokenCount(role="a", module=None, calls=0, prompt=0, output=0)


def test_a_call_that_did_not_say_counts_as_none(tmp_path: Path) -> None:
    silent = make_call("developer", "Cart").model_copy(update={"prompt_tokens": None, "output_tokens": None})
    (count,) = count_tokens(make_record(tmp_path, calls=[silent]))
    assert (count.calls, count.prompt, count.output) == (1, 0, 0)
