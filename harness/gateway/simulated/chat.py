"""A conversation with the simulated model: what it was told, and what it was told to change."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from agents.prompts import sections
from agents.roles import Role, role_of
from harness.gateway.canonical import CanonicalRequest
from harness.gateway.simulated.mark import Mark

__all__ = ["Chat", "read_chat"]

_BULLET = re.compile(r"^- +(\S.*)$", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Chat:
    """Who is spoken to (None: nobody of the team), the task by sections, and what was said afterwards.

    `findings` are what a review or an audit lists; `refusals` are whole messages that list nothing.
    """

    role: Role | None
    task: Mapping[str, str]
    findings: tuple[str, ...]
    refusals: tuple[str, ...]
    mark: Mark


def read_chat(request: CanonicalRequest) -> Chat:
    """The conversation in a request."""
    systems = [message.content for message in request.messages if message.role == "system"]
    told = [message.content for message in request.messages if message.role == "user"]
    found = {text: tuple(_BULLET.findall(text)) for text in told[1:]}
    return Chat(
        role=role_of(systems[0]) if systems else None,
        task=sections(told[0]) if told else {},
        findings=tuple(finding for listed in found.values() for finding in listed),
        refusals=tuple(text for text, listed in found.items() if not listed),
        mark=Mark.of(request.hash),
    )
