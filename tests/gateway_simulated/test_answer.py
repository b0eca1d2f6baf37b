"""The simulated model is a pure function that tells every request from every other, and always answers."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agents.gap_answer import GAP_FORMAT
from agents.roles import Role, opening
from harness.gateway.canonical import CanonicalRequest
from harness.gateway.simulated import answer

if TYPE_CHECKING:
    from conftest import Build

HASHES = """
import hashlib, json, sys
from harness.gateway.canonical import CanonicalRequest
from harness.gateway.simulated import answer
for payload in json.load(sys.stdin):
    print(hashlib.sha256(answer(CanonicalRequest.from_payload(payload)).encode()).hexdigest())
"""


def payload(role: Role, prompt: str, *more: tuple[str, str], **rest: Any) -> dict[str, Any]:
    """A request for one of the team, with a prompt and what was said after it."""
    messages = [("system", f"{opening(role)}, a team of agents."), ("user", prompt), *more]
    return {"model": "m", "messages": [{"role": r, "content": c} for r, c in messages], **rest}


def answered(told: dict[str, Any]) -> str:
    """The answer to a request body."""
    return answer(CanonicalRequest.from_payload(told))


@pytest.fixture
def requests(built: Callable[[str], Build]) -> list[dict[str, Any]]:
    """One request of every role, from a real run."""
    first = {attempt.role: attempt for attempt in built("ecommerce").attempts if attempt.number == 1}
    assert set(first) == set(Role)
    return [payload(role, attempt.prompt) for role, attempt in first.items()]


def test_the_same_request_has_the_same_answer_in_every_process(requests: list[dict[str, Any]]) -> None:
    """Neither the seed of hashes nor the process makes a difference."""
    here = [hashlib.sha256(answered(told).encode()).hexdigest() for told in requests]

    for seed in ("0", "1", "4711"):
        there = subprocess.run(
            [sys.executable, "-c", HASHES],
            input=json.dumps(requests),
            capture_output=True,
            text=True,
            timeout=30,
            check=True,
            env={**os.environ, "PYTHONHASHSEED": seed},
        )
        assert there.stdout.split() == here


def test_any_change_of_a_request_changes_the_answer(requests: list[dict[str, Any]]) -> None:
    """One character of any message, an option, the format, the model's name: each makes another answer."""
    for told in requests:
        changes: list[dict[str, Any]] = [
            {**told, "model": "n"},
            {**told, "options": {"seed": 1}},
            {**told, "format": "json"},
        ]
        for number, message in enumerate(told["messages"]):
            for at in (0, len(message["content"]) // 2, len(message["content"])):
                text = message["content"][:at] + "x" + message["content"][at:]
                messages = [
                    *told["messages"][:number],
                    {**message, "content": text},
                    *told["messages"][number + 1 :],
                ]
                changes.append({**told, "messages": messages})
        assert len({answered(told), *map(answered, changes)}) == 1 + len(changes)


def test_who_is_none_of_the_team_hears_that_it_is_simulated() -> None:
    """Unknown roles, no system message, no messages at all: one plain sentence, with the mark."""
    strangers: list[dict[str, Any]] = [
        {"model": "m"},
        {"model": "m", "messages": [{"role": "user", "content": "Hello"}]},
        {"model": "m", "messages": [{"role": "system", "content": "You are a pirate."}]},
    ]

    said = [answered(told) for told in strangers]

    assert all(text.startswith("This is a simulated model: ") for text in said)
    assert len(set(said)) == len(said)


@pytest.mark.parametrize("role", Role)
@pytest.mark.parametrize(
    "prompt", ["", "## Module\n- a list", "## Module\nname: [", "## Source\nx", "## Plan\n{}"]
)
def test_a_prompt_that_cannot_be_read_is_answered_too(role: Role, prompt: str) -> None:
    """Whatever a prompt holds, there is an answer."""
    assert answered(payload(role, prompt))


_TITLES = st.sampled_from(
    [
        "Idea",
        "Module",
        "Project",
        "Plan",
        "Source",
        "Modules",
        "Findings",
        "API of this module",
        "Task",
        "Files",
        "Gap",
        "Gaps",
        "Scope",
        "Shared by the functions",
    ]
)
_BODIES = st.one_of(
    st.text(max_size=40),
    st.sampled_from(
        [
            "name: A",
            "functions:\n- f(",
            "functions: [f()]",
            "````\nx\n````",
            "- a.py is empty",
            "{a: {b: c}}",
            "name: f\nkind: body\nsignature: f(",
            "kind: shared",
            "f: {signature: f(, code: 'return 1'}",
        ]
    ),
)


@given(role=st.sampled_from(Role), told=st.lists(st.tuples(_TITLES, _BODIES), max_size=4))
def test_no_prompt_makes_it_fail(role: Role, told: list[tuple[str, str]]) -> None:
    """Sections in any order and with anything in them are answered, with a format and without."""
    prompt = "\n\n".join(f"## {title}\n{body}" for title, body in told)
    assert answered(payload(role, prompt))
    assert answered(payload(role, prompt, format=dict(GAP_FORMAT)))


def test_an_answer_after_a_refusal_is_whole_again(requests: list[dict[str, Any]]) -> None:
    """Told that an answer cannot be used, it answers again in the form asked for, and not the same bytes."""
    for told in requests:
        first = answered(told)
        again = [("assistant", "```"), ("user", "This answer cannot be used: the answer is empty")]
        system, prompt = (message["content"] for message in told["messages"])
        messages = [("system", system), ("user", prompt), *again]
        second = answered({"model": "m", "messages": [{"role": r, "content": c} for r, c in messages]})
        assert second != first
        assert second.count("```") == first.count("```")
        assert abs(second.count("\n") - first.count("\n")) <= 4
