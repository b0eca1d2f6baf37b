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
from harness.gateway.simulated.answers.gaps import is_about_gaps
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
    """The answer to `request`.

    It is the same for the same request, and another for any other but where it is held to a `format`.
    """
    chat = read_chat(request)
    if request.format is not None and not is_about_gaps(chat):
        return formatted(request)
    if chat.role is None:
        return formatted(request) if request.format is not None else free(request)
    try:
        return _ANSWERS[chat.role](chat)
    except (UnknownPrompt, UnusableAnswer) as problem:
        if request.format is not None:
            return formatted(request)
        return (
            f"This is a simulated model: I cannot read this task ({problem}). Revision {chat.mark.revision}."
        )
