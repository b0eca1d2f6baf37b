"""A lane: the place of a call in the work of its engine, read from what the request says.

The engines of this project say it in words of their own. What another engine says is guessed at: who the
model is told to be, and which module or file it is told of.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from agents.prompts import module_of
from agents.roles import Role, role_of
from harness.gateway.canonical import CanonicalRequest

__all__ = ["OF_THE_PROJECT", "UNKNOWN_ROLE", "Lane", "lane_of"]

UNKNOWN_ROLE = "unknown"
"""The role of a call of which nothing tells whose it is."""

OF_THE_PROJECT = frozenset({Role.ANALYST, Role.AUDITOR, Role.INTEGRATOR, Role.DEBUGGER})
"""The roles whose work is the project, whatever module they speak of."""

# In this order: of two that begin at the same place the first is meant.
_TITLES = (
    (Role.FRONTEND_DEVELOPER, r"front-?\s?end"),
    (Role.ANALYST, r"analy(?:st|zer|ser)"),
    (Role.AUDITOR, r"auditor"),
    (Role.ARCHITECT, r"architect"),
    (Role.REVIEWER, r"(?:code |peer )?review(?:er)?"),
    (Role.OPTIMIZER, r"optimi[sz]er|performance (?:engineer|expert|specialist)"),
    (Role.INTEGRATOR, r"integrator|integration (?:engineer|expert|specialist)"),
    (Role.DEBUGGER, r"debugger|(?:debugging|maintenance) (?:engineer|expert|specialist)"),
    (Role.DEVELOPER, r"developer|programmer|coder|software engineer"),
)
_TITLE = re.compile("|".join(rf"(?P<{role.value}>\b(?:{words})\b)" for role, words in _TITLES), re.IGNORECASE)
_TOLD_TO_BE = re.compile(
    r"\b(?:you(?:'re| are)|act(?:ing)? as|as an?|your role(?: is)?|role)\b:?(?P<who>[^.\n]{0,120})",
    re.IGNORECASE,
)
_FIRST_SENTENCE = re.compile(r"\s*(?P<who>[^.\n]{0,120})")

_NAME = r"[`'\"“]?(?P<name>[A-Za-z_][\w-]*)"
_MODULES = tuple(
    re.compile(pattern)
    for pattern in (
        rf"(?i:\bmodule(?:[ _]name)?\b[`'\"]?)\s*(?:[:=]|(?i:named|called))\s*{_NAME}",
        r"(?i:\bmodule)\s+[`'\"“](?P<name>[A-Za-z_][\w-]*)[`'\"”]",
        r"[`'\"“](?P<name>[A-Za-z_][\w-]*)[`'\"”]\s+(?i:module)\b",
        r"(?i:\b(?:the|for|of))\s+(?P<name>[A-Z_][\w-]*)\s+(?i:module)\b",
        # Not as a key in quotes: what shows the form of a plan names files that nobody will write.
        r"(?i:(?<![`'\"])\b(?:file(?:[ _]?name)?|path)\b)\s*[:=]?\s*[`'\"“]?(?:[\w.-]+/)*"
        r"(?P<name>[A-Za-z_][\w-]*)\.py\b",
    )
)
_LISTED = re.compile(r"^[ \t-]*name: *[`'\"]?([A-Za-z_][\w-]*)", re.MULTILINE)
_NO_NAMES = frozenset({"unknown", "none", "null", "string", "str", "name"})
"""What stands in the place of a name where there is none yet."""
_LOOKED_AT = 4_000


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
    system, user = _first(request, "system"), _first(request, "user")
    own = role_of(system)
    role = own or _guessed_role(system, user)
    return Lane(
        role=role.value if role else UNKNOWN_ROLE,
        module=module_of(user) or (None if own or role in OF_THE_PROJECT else _guessed_module(user)),
        attempt=1 + sum(message.role == "assistant" for message in request.messages),
    )


def _guessed_role(system: str, user: str) -> Role | None:
    """Who the model is told to be, by the first title in the words that tell it."""
    told = [_FIRST_SENTENCE.match(system), *_TOLD_TO_BE.finditer(system[:_LOOKED_AT])]
    for match in (*told, *_TOLD_TO_BE.finditer(user[:_LOOKED_AT])):
        title = _TITLE.search(match["who"]) if match else None
        if title is not None and title.lastgroup is not None:
            return Role(title.lastgroup)
    return None


def _guessed_module(user: str) -> str | None:
    """The module that a message is about, by the first pattern that finds one in it."""
    for pattern in _MODULES:
        for match in pattern.finditer(user[:_LOOKED_AT]):
            if match["name"].lower() not in _NO_NAMES:
                return match["name"]
    # What lists several names is a plan.
    listed = _LISTED.findall(user[:_LOOKED_AT])
    return listed[0] if len(listed) == 1 and "module" in user[:_LOOKED_AT].lower() else None


def _first(request: CanonicalRequest, role: str) -> str:
    return next((message.content for message in request.messages if message.role == role), "")
