"""Where a gateway listens, as people say it."""

from __future__ import annotations

import pytest

from harness.gateway.listening_address import Address, parse_host


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("10.0.0.5", Address("10.0.0.5", 0)),
        ("10.0.0.5:8434", Address("10.0.0.5", 8434)),
        ("fd00::5", Address("fd00::5", 0)),
        ("[fd00::5]", Address("fd00::5", 0)),
        ("[fd00::5]:8434", Address("fd00::5", 8434)),
        ("build-1.example", Address("build-1.example", 0)),
    ],
)
def test_an_address_that_others_reach_has_a_port_or_takes_a_free_one(text: str, address: Address) -> None:
    assert parse_host(text) == address


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "no address"),
        (":8434", "no address"),
        ("10.0.0.5:", "no address"),
        ("10.0.0.5:x", "no address"),
        ("10.0.0.5:70000", "no address"),
        ("two words", "no address"),
        ("0.0.0.0", "every address"),  # noqa: S104
        ("[::]:8434", "every address"),
    ],
)
def test_what_is_none_is_refused_with_what_would_be_right(text: str, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        parse_host(text)
