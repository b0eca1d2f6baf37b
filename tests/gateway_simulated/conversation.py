"""A conversation of a stranger with the simulated model."""

from __future__ import annotations

import hashlib
import re

from harness.gateway.canonical import CanonicalRequest, Endpoint
from harness.gateway.simulated import answer
from harness.gateway.simulated.mark import Mark
from harness.gateway.simulated.subject import Subject, subject_of

__all__ = ["asked", "generated", "inside", "request_of", "subject"]


def request_of(prompt: str, system: str = "", **rest: object) -> CanonicalRequest:
    """The chat request with this prompt."""
    messages = [("system", system), ("user", prompt)]
    listed = [{"role": role, "content": content} for role, content in messages if content]
    return CanonicalRequest.from_payload({"model": "llama3.1", "messages": listed, **rest})


def asked(prompt: str, system: str = "", **rest: object) -> str:
    """What the simulated model answers to `prompt`."""
    return answer(request_of(prompt, system, **rest))


def generated(prompt: str, **rest: object) -> str:
    """What it answers where `generate` is asked instead of `chat`."""
    payload = {"model": "llama3.1", "prompt": prompt, **rest}
    return answer(CanonicalRequest.from_payload(payload, Endpoint.GENERATE))


def inside(text: str, language: str) -> str:
    """What stands in the fenced block of that language; there must be one."""
    found = re.search(rf"^```{language}\n(.*?)\n```$", text, re.MULTILINE | re.DOTALL)
    assert found is not None, text
    return found[1]


def subject(told: str, system: str = "", seed: object = 0) -> Subject:
    """What a conversation is about; the seed takes the place of the request's hash."""
    return subject_of([system], [told], Mark.of(hashlib.sha256(repr(seed).encode()).hexdigest()))
