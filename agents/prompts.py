"""The layout of a prompt: sections under headings, structured data in YAML.

Every user prompt is a sequence of sections, each opened by a line `## Title`. The layout is read back by
whoever has to tell from the text alone what a call is about (the gateway and the simulated model).
"""

from __future__ import annotations

import re
from collections.abc import Iterable

import yaml

__all__ = ["MODULE_SECTION", "as_yaml", "module_of", "prompt", "sections"]

MODULE_SECTION = "Module"

_HEADING = re.compile(r"^## (.+)$", re.MULTILINE)
_MODULE_NAME = re.compile(r"^name: (.+)$", re.MULTILINE)


def as_yaml(data: object) -> str:
    """`data` (mappings, lists and scalars) as block-style YAML, keys in the order given."""
    # Not libyaml's faster dumper: it writes emoji in another way, and prompts must not depend on the machine.
    return yaml.safe_dump(data, sort_keys=False, allow_unicode=True, width=1000).rstrip("\n")


def prompt(parts: Iterable[tuple[str, str]]) -> str:
    """A user prompt from (title, body) pairs; pairs with an empty body are left out.

    A line of a body that would read as a heading is indented by one space, so that text from people or
    from a model cannot open a section of its own.
    """
    return "\n\n".join(f"## {title}\n{_unheaded(body.strip())}" for title, body in parts if body.strip())


def _unheaded(body: str) -> str:
    return _HEADING.sub(r" ## \1", body)


def sections(text: str) -> dict[str, str]:
    """The sections of a user prompt by title, in order; a title that recurs keeps its first body."""
    found: dict[str, str] = {}
    headings = list(_HEADING.finditer(text))
    ends = [*(heading.start() for heading in headings), len(text)][1:]
    for heading, end in zip(headings, ends, strict=True):
        found.setdefault(heading.group(1).strip(), text[heading.end() : end].strip())
    return found


def module_of(text: str) -> str | None:
    """The name of the module that a user prompt is about, or None where it is about the project."""
    body = sections(text).get(MODULE_SECTION)
    match = _MODULE_NAME.search(body) if body is not None else None
    return match.group(1).strip().strip("'\"") or None if match else None
