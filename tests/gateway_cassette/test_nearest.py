"""The nearest recorded request."""

from __future__ import annotations

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
