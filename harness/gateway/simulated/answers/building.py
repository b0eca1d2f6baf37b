"""The answers of those who work on one module, from architect to frontend developer."""

from __future__ import annotations

import re
from dataclasses import replace
from functools import lru_cache

from agents.prompts import MODULE_SECTION
from harness.gateway.simulated.answers.gaps import filling, is_about_gaps, judging, simplifying
from harness.gateway.simulated.assignment import (
    ASSIGNMENT_SECTIONS,
    Assignment,
    UnknownPrompt,
    read_assignment,
)
from harness.gateway.simulated.chat import Chat
from harness.gateway.simulated.design import designed_functions
from harness.gateway.simulated.judgements import review
from harness.gateway.simulated.mark import digest
from harness.gateway.simulated.page import page_files
from harness.gateway.simulated.routes import designed_routes
from harness.gateway.simulated.source.manner import Manner
from harness.gateway.simulated.source.module import module_source
from harness.gateway.simulated.source.oversights import may_happen
from harness.gateway.simulated.source.parts import Parts, taken_apart
from harness.gateway.simulated.tightening import tightened
from harness.gateway.simulated.words import quoted

__all__ = ["architect", "developer", "frontend_developer", "optimizer", "reviewer"]

_SOURCE = "Source"
_OVERSIGHT_EVERY = 5
"""One module in so many has a first draft that overlooks something, if there is something to overlook."""


def architect(chat: Chat) -> str:
    """The API of a module."""
    assignment = read_assignment(chat.task)
    functions = designed_functions(assignment)
    routes = designed_routes(assignment, functions)
    listed = "\n".join(
        f"  - signature: {quoted(f.signature)}\n    purpose: {quoted(f.purpose)}" for f in functions
    )
    served = "".join(
        f"\n  - method: {route.method}\n    path: {quoted(route.path)}\n    purpose: {quoted(route.purpose)}"
        for route in routes
    )
    notes = f"Unknown ids raise LookupError, bad values ValueError (revision {chat.mark.revision})."
    answer = f"```yaml\nfunctions:\n{listed}\nroutes:{served or ' []'}\nnotes: {quoted(notes)}\n```"
    before = ["Here is the API.", f"The API of {assignment.module.name}:"]
    return chat.mark.around(answer, before, ["Ids are given out by the module itself."])


def developer(chat: Chat) -> str:
    """The source of a module, or what goes into a gap of it; only a first draft may overlook something."""
    is_first = not chat.findings
    if is_about_gaps(chat):
        told = tuple(item for item in chat.task.items() if item[0] in ASSIGNMENT_SECTIONS)
        return filling(chat, *_rendered(told, is_first=is_first))
    assignment = read_assignment(chat.task)
    source = _written(assignment, chat.task[MODULE_SECTION], Manner(), chat.mark.revision, is_first=is_first)
    before = ["Here is the whole file:", f"This is {assignment.module.filename}."]
    after = ["All functions of the API are there.", "It uses nothing but what its requirements offer."]
    return chat.mark.around(f"```python\n{source}```", before, after)


@lru_cache(maxsize=128)
def _rendered(told: tuple[tuple[str, str], ...], *, is_first: bool) -> tuple[Assignment, Parts]:
    """The module as it is written into the gaps of a rendered one: the same for each of them."""
    shown = dict(told)
    assignment = read_assignment(shown)
    source = _written(assignment, shown[MODULE_SECTION], Manner(rendered=True), "", is_first=is_first)
    return assignment, taken_apart(source)


def _written(assignment: Assignment, section: str, manner: Manner, mark: str, *, is_first: bool) -> str:
    manner = replace(manner, loops=digest(section) % 2 == 0)
    source = module_source(assignment, manner, mark)
    chance = digest(f"first draft\n{section}")
    possible = may_happen(source)
    if is_first and possible and chance % _OVERSIGHT_EVERY == 0:
        draft = replace(manner, oversight=possible[chance // _OVERSIGHT_EVERY % len(possible)])
        return module_source(assignment, draft, mark)
    return source


def reviewer(chat: Chat) -> str:
    """A verdict on the source of a module, or on what stands in its gaps."""
    if is_about_gaps(chat):
        return judging(chat)
    return review(read_assignment(chat.task), _source(chat), chat.mark)


def optimizer(chat: Chat) -> str:
    """The source, or its gaps, with loops tightened, or that nothing is worth changing."""
    if is_about_gaps(chat):
        return simplifying(chat)
    source = _source(chat)
    better = tightened(source)
    if better == source:
        return f"NO CHANGE (revision {chat.mark.revision}): the module is as simple as it can be."
    mark = f"# revision {chat.mark.revision}\n"
    marked, count = re.subn(r"\A# revision \w+\n", mark, better)
    answer = f"```python\n{marked if count else mark + better}```"
    return chat.mark.around(answer, ["Loops became expressions:"], ["What it does is unchanged."])


def frontend_developer(chat: Chat) -> str:
    """The page of a web interface."""
    template, style, script = page_files(read_assignment(chat.task), chat.mark.revision)
    answer = f"```html\n{template}```\n\n```css\n{style}```\n\n```js\n{script}```"
    before = ["The page, its style sheet and its script:"]
    return chat.mark.around(answer, before, ["It follows the colour scheme of the system."])


def _source(chat: Chat) -> str:
    """The source shown, without its fence."""
    shown = re.fullmatch(r"(`{3,})\w*\n(.*?)\n?\1", chat.task.get(_SOURCE, ""), re.DOTALL)
    if shown is None:
        raise UnknownPrompt("no source is shown")
    return shown[2] + "\n"
