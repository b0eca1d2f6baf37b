"""Vectors: of length 1, the same for the same text, nearer to each other the more words are shared."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.gateway.canonical import CanonicalRequest, Endpoint
from harness.gateway.simulated.embedding import embedding


def vectors(*texts: str, **rest: object) -> list[list[float]]:
    """The vectors of these texts."""
    payload = {"model": "m", "input": list(texts), **rest}
    return embedding(CanonicalRequest.from_payload(payload, Endpoint.EMBED))


def nearness(one: str, other: str) -> float:
    """The cosine between the vectors of two texts."""
    first, second = vectors(one, other)
    return sum(a * b for a, b in zip(first, second, strict=True))


def test_there_is_a_vector_for_each_text_in_their_order() -> None:
    """Of 384 dimensions; that of a text does not depend on the others, and an empty text has one too."""
    together = vectors("a book", "", "a bike")

    assert [len(vector) for vector in together] == [384, 384, 384]
    assert together == [vectors("a book")[0], vectors("")[0], vectors("a bike")[0]]
    assert together[0] != together[2]


def test_the_older_endpoint_gives_the_same_vector() -> None:
    """One text under `prompt`."""
    request = CanonicalRequest.from_payload({"model": "m", "prompt": "a book"}, Endpoint.EMBEDDINGS)
    assert embedding(request) == vectors("a book")


@given(st.text(max_size=60), st.integers(1, 384))
def test_every_vector_has_length_1(text: str, dimensions: int) -> None:
    """Whatever the text, also where its words cancel each other out in few dimensions."""
    (vector,) = vectors(text, dimensions=dimensions)

    assert len(vector) == dimensions
    assert math.hypot(*vector) == pytest.approx(1.0)


@pytest.mark.parametrize("dimensions", [0, -1, 385, "8", 1.5, True])
def test_dimensions_that_make_no_sense_are_not_heeded(dimensions: object) -> None:
    """There are at least 1 and at most 384, and `true` is no number of them."""
    assert len(vectors("a book", dimensions=dimensions)[0]) == 384


def test_texts_that_share_words_are_nearer() -> None:
    """Case and order of words make no difference; a text is nearest to itself."""
    assert nearness("the red bike", "The RED bike") == pytest.approx(1.0)
    assert nearness("red bike", "bike red") == pytest.approx(1.0)
    assert nearness("a red bike", "a red car") > nearness("a red bike", "two green houses")


def test_the_vector_of_a_text_is_fixed() -> None:
    """Neither process nor seed of hashes moves the place of a word."""
    (vector,) = vectors("book")
    assert [(place, value) for place, value in enumerate(vector) if value] == [(266, 1.0)]
