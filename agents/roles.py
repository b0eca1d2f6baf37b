"""The nine roles of the team, and how a role is told from a system prompt."""

from __future__ import annotations

import re
from enum import StrEnum

__all__ = ["Role", "opening", "role_of"]


class Role(StrEnum):
    """A member of the team. The value is the name that records and blackboards carry."""

    ANALYST = "analyst"
    AUDITOR = "auditor"
    ARCHITECT = "architect"
    DEVELOPER = "developer"
    REVIEWER = "reviewer"
    OPTIMIZER = "optimizer"
    FRONTEND_DEVELOPER = "frontend_developer"
    INTEGRATOR = "integrator"
    DEBUGGER = "debugger"


_OPENING = re.compile(r"\s*You are the ([a-z ]+?) of AgentFactory\b")


def opening(role: Role) -> str:
    """The words that every system prompt of `role` begins with; `role_of` reads them back."""
    return f"You are the {role.value.replace('_', ' ')} of AgentFactory"


def role_of(system_prompt: str) -> Role | None:
    """The role a system prompt was written for, or None where it is not one of ours."""
    match = _OPENING.match(system_prompt)
    if match is None:
        return None
    try:
        return Role(match.group(1).replace(" ", "_"))
    except ValueError:
        return None
