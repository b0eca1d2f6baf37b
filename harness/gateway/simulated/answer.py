"""The simulated model: a pure function from a chat request to the answer of a capable model."""

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
    chat = read_chat(request)
    if chat.role is None:
        return _plain("I can only speak for the roles of AgentFactory", chat)
    try:
        return _ANSWERS[chat.role](chat)
    except (UnknownPrompt, UnusableAnswer) as problem:
        return _plain(f"I cannot read this task ({problem})", chat)


def _plain(reason: str, chat: Chat) -> str:
    return f"This is a simulated model: {reason}. Revision {chat.mark.revision}."
