"""Marks and chatter depend on the request, and on nothing else."""

from __future__ import annotations

import hashlib

from harness.gateway.simulated.mark import Mark, digest


def test_chatter_is_there_now_and_then() -> None:
    """Some answers have a line before, some a line after, most are bare."""
    hashes = [hashlib.sha256(bytes([n])).hexdigest() for n in range(200)]
    said = [Mark.of(one).around("answer", ["before"], ["after"]) for one in hashes]

    assert {"before\n\nanswer", "answer\n\nafter", "answer"} == set(said)
    assert said.count("answer") > len(said) / 3


def test_a_digest_is_the_same_everywhere() -> None:
    """A fixed number for a text, any text."""
    assert digest("text") == 10965594659955864921
    assert digest("\ud800") != digest("text")
