"""Calls about gaps: those of one module are made at the same time, each a conversation of its own."""

from __future__ import annotations

import re
from functools import lru_cache

from agents.agent_developer import GAP_SECTION
from agents.gaps import GapKind
from agents.prompts import sections
from harness.gateway.calls import CallRecord

__all__ = ["body_asked_for"]

_LINE = re.compile(r"^(?P<key>name|kind): (?P<value>.+)$", re.MULTILINE)


def body_asked_for(call: CallRecord) -> str | None:
    """The gap whose body `call` is about; None where it is about something else."""
    first = next((message.content for message in call.request.messages if message.role == "user"), "")
    return _body_in(first)


@lru_cache(maxsize=4096)
def _body_in(prompt: str) -> str | None:
    if f"## {GAP_SECTION}\n" not in prompt:
        return None
    shown = sections(prompt).get(GAP_SECTION, "")
    facts = {match["key"]: match["value"].strip() for match in _LINE.finditer(shown)}
    return facts.get("name") if facts.get("kind") == GapKind.BODY else None
