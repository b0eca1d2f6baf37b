"""The simulated model: a pure function from a request to the answer of a capable model."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from agents.conversation import UnusableAnswer
from agents.roles import Role
from harness.gateway.canonical import CanonicalRequest
from harness.gateway.simulated.answers.building import (
    architect,
    developer,
    frontend_developer,
    optimizer,
    reviewer,
)
from harness.gateway.simulated.answers.finishing import debugger, integrator
from harness.gateway.simulated.answers.free import formatted, free
from harness.gateway.simulated.answers.planning import analyst, auditor
from harness.gateway.simulated.assignment import UnknownPrompt
from harness.gateway.simulated.chat import Chat, read_chat

__all__ = ["answer"]

_ANSWERS: Mapping[Role, Callable[[Chat], str]] = {
    Role.ANALYST: analyst,
    Role.AUDITOR: auditor,
    Role.ARCHITECT: architect,
    Role.DEVELOPER: developer,
    Role.REVIEWER: reviewer,
    Role.OPTIMIZER: optimizer,
    Role.FRONTEND_DEVELOPER: frontend_developer,
    Role.INTEGRATOR: integrator,
    Role.DEBUGGER: debugger,
}


def answer(request: CanonicalRequest) -> str:
    """The answer to `request`: the same for the same request, another for any other."""
    if request.format is not None:
        return formatted(request)
    chat = read_chat(request)
    if chat.role is None:
        return free(request)
    try:
        return _ANSWERS[chat.role](chat)
    except (UnknownPrompt, UnusableAnswer) as problem:
        return (
            f"This is a simulated model: I cannot read this task ({problem}). Revision {chat.mark.revision}."
        )
