"""The nearest recorded request."""

from __future__ import annotations

import pytest

from agents.conversation import Message
from agents.roles import Role, opening
from harness.gateway.canonical import CanonicalRequest
from harness.gateway.cassette.nearest import nearest_entry
from tests.gateway_cassette.entries import entry, request


def _of(role: Role, text: str) -> CanonicalRequest:
    system = Message("system", f"{opening(role)}, a team.")
    return CanonicalRequest.from_payload(
        {
            "model": "m",
            "messages": [
                {"role": system.speaker, "content": system.content},
                {"role": "user", "content": text},
            ],
        }
    )


def test_it_is_the_one_that_shares_most_words() -> None:
    entries = list(enumerate([entry(request(text)) for text in ("a b c d", "a b x d", "p q")], start=1))
    found = nearest_entry(request("a b y d x"), entries)
    assert found is not None
    assert found[0] == 2


def test_the_order_of_words_decides_between_equal_bags() -> None:
    entries = list(enumerate([entry(request(text)) for text in ("d c b a", "a b d c")], start=1))
    found = nearest_entry(request("a b c d"), entries)
    assert found is not None
    assert found[0] == 2


def test_the_same_role_comes_before_more_words() -> None:
    asked = "write the cart of the shop"
    entries = [(1, entry(_of(Role.REVIEWER, asked))), (2, entry(_of(Role.DEVELOPER, "else")))]
    found = nearest_entry(_of(Role.DEVELOPER, asked), entries)
    assert found is not None
    assert found[0] == 2


def test_an_empty_cassette_has_none() -> None:
    assert nearest_entry(request(), []) is None


@pytest.mark.timeout(20)
@pytest.mark.parametrize("asked_long", [True, False])
def test_very_long_requests_are_told_apart_in_good_time(asked_long: bool) -> None:
    """Comparing them word by word in order would take hours: `in` and `the` stand on every line."""
    lines = [f"in the {number} of the {number % 7}" for number in range(50_000)]
    long = "\n".join(lines)
    entries = list(enumerate([entry(request(text)) for text in ("p q", long, long + " more")], start=1))
    found = nearest_entry(request(long + " more." if asked_long else "in the 7 of the 8"), entries)
    assert found is not None
    assert found[0] == (3 if asked_long else 2)
