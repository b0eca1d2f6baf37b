"""A lane: the place of a call in the work of its engine, read from what the request says."""

from __future__ import annotations

from dataclasses import dataclass

from agents.prompts import module_of
from agents.roles import role_of
from harness.gateway.canonical import CanonicalRequest

__all__ = ["UNKNOWN_ROLE", "Lane", "lane_of"]

UNKNOWN_ROLE = "unknown"
"""The role of a call whose system message is none of the team's."""


@dataclass(frozen=True, slots=True)
class Lane:
    """Who asks (role), about which module (None: the project), and for the how-manieth time (from 1)."""

    role: str
    module: str | None
    attempt: int


def lane_of(request: CanonicalRequest) -> Lane:
    """The lane of a request: role from its system message, module from its first user message.

    Every answer that the conversation already holds was an attempt before this one.
    """
    role = role_of(_first(request, "system"))
    return Lane(
        role=role.value if role else UNKNOWN_ROLE,
        module=module_of(_first(request, "user")),
        attempt=1 + sum(message.role == "assistant" for message in request.messages),
    )


def _first(request: CanonicalRequest, role: str) -> str:
    return next((message.content for message in request.messages if message.role == role), "")
