"""The optimizer: makes the source of one module, or its gaps, simpler or faster, with the same API."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

from agents.answers import fenced_blocks, python_code
from agents.conversation import Attempt, Steps, UnusableAnswer, ask, start_dialogue
from agents.gap_answer import check_gap, read_code, said_in_json
from agents.gaps import GapKind, Skeleton, gaps_shown
from agents.plan import ModulePlan
from agents.project import Inputs, describe_api
from agents.prompts import MODULE_SECTION, as_yaml, prompt
from agents.roles import Role
from agents.source import check_module

__all__ = ["optimize", "optimize_gaps"]

_INSTRUCTIONS = """
You make the source of one module simpler and faster where that is worth it, without changing what it does.
"""

_NO_CHANGE = re.compile(r"\bno changes?\b", re.IGNORECASE)
_NOTHING_ELSE = re.compile(r"\W*+no changes?\W*+", re.IGNORECASE)


def optimize(module: ModulePlan, inputs: Inputs, code: str, journal: list[Attempt]) -> Steps[str]:
    """The source of `module` as it should stay: `code` itself where the optimizer leaves it alone."""
    task = prompt(
        [
            (MODULE_SECTION, as_yaml(module.as_dict())),
            ("API of this module", describe_api(inputs.apis[module.name])),
            ("Source", f"````python\n{code}````"),
            (
                "Task",
                f"Optimize {module.filename}. Keep every function of the API with its name and parameters, "
                "and every route.\n"
                "Answer with one fenced Python block that holds the whole file, or with the words NO CHANGE "
                "where nothing is worth changing.",
            ),
        ]
    )

    def read(text: str) -> str:
        blocks = fenced_blocks(text)
        if _NO_CHANGE.search(text) and all(_NOTHING_ELSE.fullmatch(block.body) for block in blocks):
            return code
        better = python_code(text)
        check_module(better, module, inputs.made_plan, inputs.apis)
        return better

    return ask(start_dialogue(Role.OPTIMIZER, module.name, _INSTRUCTIONS, task, journal), read)


_GAPS_INSTRUCTIONS = """
You make what was written into the gaps of one rendered module simpler and faster where that is worth it,
without changing what it does.
"""

_CHANGES_FORMAT: Mapping[str, Any] = {
    "type": "object",
    "properties": {
        "changes": {
            "type": "array",
            "items": {
                "type": "object",
                "properties": {"gap": {"type": "string"}, "code": {"type": "string", "maxLength": 20_000}},
                "required": ["gap", "code"],
                "additionalProperties": False,
            },
        }
    },
    "required": ["changes"],
    "additionalProperties": False,
}


def optimize_gaps(
    module: ModulePlan,
    inputs: Inputs,
    skeleton: Skeleton,
    codes: Mapping[str, str],
    journal: list[Attempt],
) -> Steps[dict[str, str]]:
    """What stands better in some gaps of `skeleton`, by their names; nothing where all may stay as it is."""
    task = prompt(
        [
            (MODULE_SECTION, as_yaml(module.as_dict())),
            ("API of this module", describe_api(inputs.apis[module.name])),
            ("Scope", "\n".join(skeleton.scope)),
            ("Gaps", as_yaml(gaps_shown(skeleton, codes))),
            (
                "Task",
                f"Optimize what stands in the gaps of {module.filename}, the shared definitions excepted.\n"
                "Answer with one JSON object and nothing else: "
                '{"changes": [{"gap": "name", "code": "return 1"}]}, with the whole new code of each gap '
                'that changes, or {"changes": []} where nothing is worth changing.',
            ),
        ]
    )
    dialogue = start_dialogue(Role.OPTIMIZER, module.name, _GAPS_INSTRUCTIONS, task, journal)
    return ask(dialogue, lambda text: _read_changes(text, skeleton, codes), answer_format=_CHANGES_FORMAT)


def _read_changes(text: str, skeleton: Skeleton, codes: Mapping[str, str]) -> dict[str, str]:
    changes = said_in_json(text).get("changes")
    if not isinstance(changes, list):
        raise UnusableAnswer("the JSON object must have the key 'changes', whose value is a list")
    shared = next((codes.get(gap.name, "") for gap in skeleton.gaps if gap.kind is GapKind.SHARED), "")
    better: dict[str, str] = {}
    seen: set[str] = set()
    problems: list[str] = []
    for change in changes:
        name = change.get("gap") if isinstance(change, dict) else None
        gap = next((gap for gap in skeleton.gaps if gap.name == name and gap.kind is GapKind.BODY), None)
        if gap is None:
            problems.append(f"there is no gap {name!r} to optimize")
            continue
        if gap.name in seen:
            problems.append(f"{gap.name}: it is there twice; give the whole new code once")
            continue
        seen.add(gap.name)
        try:
            code = read_code(json.dumps(change), gap)
            check_gap(code, gap, skeleton, shared)
        except UnusableAnswer as problem:
            problems.append(f"{gap.name}: {problem}")
        else:
            better[gap.name] = code
    if problems:
        raise UnusableAnswer("; ".join(problems))
    return {name: code for name, code in better.items() if code != codes.get(name)}
