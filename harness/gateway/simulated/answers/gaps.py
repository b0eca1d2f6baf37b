"""The answers about gaps: what goes into one, what is wrong with it, and how it is made simpler."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping

from agents.agent_developer import GAP_SECTION, SCOPE_SECTION, SHARED_SECTION
from agents.agent_reviewer import GAPS_SECTION
from agents.gaps import GapKind
from agents.indentation import dedented, indented
from harness.gateway.simulated.assignment import Assignment, UnknownPrompt, read_assignment, read_yaml
from harness.gateway.simulated.chat import Chat
from harness.gateway.simulated.judgements import review_gaps
from harness.gateway.simulated.source.oversights import overlooked
from harness.gateway.simulated.source.parts import Parts, defined_in, renamed, unlocked
from harness.gateway.simulated.tightening import tightened

__all__ = ["filling", "is_about_gaps", "judging", "simplifying"]

_MARGIN = 4
_THERE_ALREADY = re.compile(r"\b(\w+) is there already\b")
_TAKEN = re.compile(r"\b(\w+) (?:belongs to the module|is a module); take another name\b")


def is_about_gaps(chat: Chat) -> bool:
    """Whether the task is about gaps of a rendered module, and not about its whole source."""
    return GAP_SECTION in chat.task or GAPS_SECTION in chat.task


def filling(chat: Chat, assignment: Assignment, parts: Parts) -> str:
    """The code for one gap; `parts` are those of the module as it is written into a rendered one."""
    gap = read_yaml(chat.task.get(GAP_SECTION, ""))
    refused = "\n".join(chat.refusals)
    scope = {*re.findall(r"^(\w+)", chat.task.get(SCOPE_SECTION, ""), re.MULTILINE)}
    scope |= {*_THERE_ALREADY.findall(refused)}
    if not gap:
        raise UnknownPrompt("no gap is shown")
    if gap.get("kind") == GapKind.SHARED:
        code = "\n\n\n".join(parts.needed([*parts.bodies.values()], scope))
    else:
        body = _body(gap, assignment, parts)
        known = scope | defined_in(_bare(chat.task.get(SHARED_SECTION, "")))
        code = "\n".join([*parts.needed([body], known), body])
        code = renamed(code, _taken(assignment, gap).union(_TAKEN.findall(refused)))
    return json.dumps({"code": code if "_lock" in scope else unlocked(code)}, ensure_ascii=False)


def _taken(assignment: Assignment, gap: Mapping[str, object]) -> set[str]:
    """The names that the function around the gap may not bind; a parameter is its own, whatever its name."""
    names = {function.name for function in assignment.api.functions}
    names |= {offer.stem for offer in assignment.required}
    return names - {*re.findall(r"\w+(?=:)", str(gap.get("signature") or ""))}


def _body(gap: Mapping[str, object], assignment: Assignment, parts: Parts) -> str:
    """The statements of the function, or of the view, that the gap stands in."""
    function = str(gap.get("signature") or gap.get("name") or "").partition("(")[0].strip()
    if function in parts.bodies:
        return parts.bodies[function]
    does = str(gap.get("does") or "")
    for (method, path), body in sorted(parts.views.items(), key=lambda view: len(view[0][1]), reverse=True):
        if re.search(rf"\b{method} {re.escape(path)}(?![\w/<-])", does):
            return body
    raise UnknownPrompt(f"{assignment.module.name} has nothing called {function}")


def judging(chat: Chat) -> str:
    """A verdict on what stands in the gaps."""
    findings = [
        f"{name}: {finding}"
        for name, signature, code in _shown(chat)
        for finding in overlooked(_whole(signature, code) if signature else f"{code}\n")
    ]
    return review_gaps(read_assignment(chat.task), findings, chat.mark)


def simplifying(chat: Chat) -> str:
    """The gaps whose loops can be tightened."""
    changes = []
    for name, signature, code in _shown(chat):
        before = _whole(signature, code)
        better = tightened(before)
        if signature and better != before:
            inside = better.removeprefix(_head(signature)).rstrip("\n")
            changes.append({"gap": name, "code": dedented(inside)})
    return json.dumps({"changes": changes}, ensure_ascii=False)


def _shown(chat: Chat) -> Iterator[tuple[str, str, str]]:
    """Name, signature ('' for what is shared) and code of every gap that is shown."""
    for name, gap in read_yaml(chat.task.get(GAPS_SECTION, "")).items():
        if isinstance(gap, dict) and gap.get("code"):
            yield name, str(gap.get("signature") or ""), str(gap["code"])


def _whole(signature: str, code: str) -> str:
    """The function around `code`."""
    return "\n".join([_head(signature).rstrip("\n"), *indented(code, _MARGIN), ""])


def _head(signature: str) -> str:
    return f"def {signature}:\n"


def _bare(fenced: str) -> str:
    return re.sub(r"\A`{3,}\w*\n|\n?`{3,}\s*\Z", "", fenced)
