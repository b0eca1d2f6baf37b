"""Ollama's options in llama.cpp's words."""

from __future__ import annotations

import pytest

from harness.gateway.errors import MalformedRequest
from harness.gateway.local_model.options import read_options


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ({}, {"temperature": 0.8, "top_k": 40, "top_p": 0.9, "repeat_penalty": 1.1, "seed": -1}),
        ({"temperature": 0}, {"temperature": 0}),
        ({"num_predict": 12}, {"n_predict": 12}),
        ({"num_predict": -1}, {"n_predict": -1}),
        ({"num_predict": 0}, {"n_predict": -1}),
        ({"num_predict": -2}, {"n_predict": -1}),
        ({"seed": 7}, {"seed": 7, "cache_prompt": False}),
        ({"seed": 0}, {"seed": 0, "cache_prompt": False}),
        ({"seed": -1}, {"seed": -1, "cache_prompt": True}),
        ({"seed": 2**32 + 7}, {"seed": 7}),
        ({"stop": "END"}, {"stop": ["END"]}),
        ({"stop": ["a", "b"]}, {"stop": ["a", "b"]}),
        ({"num_ctx": 512, "num_gpu": 1, "unheard_of": True}, {"n_predict": -1}),
    ],
)
def test_an_option_is_passed_on_in_other_words(given: dict[str, object], told: dict[str, object]) -> None:
    found = read_options(given).for_llama()
    assert {key: found[key] for key in told} == told
    assert not found.keys() & {"num_predict", "num_ctx", "num_gpu", "unheard_of"}


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("temperature", "hot"),
        ("temperature", True),
        ("seed", "1"),
        ("top_k", 1.5),
        ("stop", 1),
        ("stop", [1]),
    ],
)
def test_a_value_of_another_type_is_refused_by_name(name: str, value: object) -> None:
    with pytest.raises(MalformedRequest, match=f"^option '{name}': ") as refused:
        read_options({name: value})
    assert refused.value.status == 400
