"""The answers of analyst and auditor."""

from __future__ import annotations

import re

from agents.agent_analyst import MOST_QUESTIONS
from agents.conversation import UnusableAnswer
from agents.plan import ModuleHint, ModuleType, Plan, read_plan
from harness.gateway.simulated.assignment import UnknownPrompt, read_yaml
from harness.gateway.simulated.chat import Chat
from harness.gateway.simulated.idea import Idea, read_idea
from harness.gateway.simulated.judgements import audit
from harness.gateway.simulated.planner import planned
from harness.gateway.simulated.words import enumeration, plural, quoted, spoken

__all__ = ["analyst", "auditor"]

_IDEA, _HINTS, _PLAN, _TASK = "Idea", "Modules asked for", "Plan", "Task"


def analyst(chat: Chat) -> str:
    """A plan; or questions, where these are what is asked for."""
    if re.search(r"^questions:", chat.task.get(_TASK, ""), re.MULTILINE):
        return _questions(read_idea(chat.task.get(_IDEA, "")), chat)
    plan = planned(chat.task.get(_IDEA, ""), _hints(chat.task.get(_HINTS, "")), again=bool(chat.findings))
    before = ["Here is the plan.", "This is how I would cut it into modules:"]
    after = ["Each module has one job; nothing goes in circles.", "Tell me if a module is missing."]
    return chat.mark.around(_plan(plan, chat.mark.revision), before, after)


def auditor(chat: Chat) -> str:
    """A verdict on the plan."""
    try:
        return audit(read_plan(read_yaml(chat.task.get(_PLAN, ""))), chat.mark)
    except UnusableAnswer as problem:
        raise UnknownPrompt(f"there is no plan to judge: {problem}") from problem


def _hints(text: str) -> tuple[ModuleHint, ...]:
    """The modules asked for: the YAML list that the section ends with."""
    start = re.search(r"^- ", text, re.MULTILINE)
    if start is None:
        return ()
    listed = read_yaml("hints:\n" + text[start.start() :]).get("hints")
    return tuple(_hint(item) for item in listed if isinstance(item, dict)) if isinstance(listed, list) else ()


def _hint(item: dict[str, object]) -> ModuleHint:
    requires = item.get("requires")
    named = [str(name) for name in requires] if isinstance(requires, list) else []
    kind = item.get("module_type")
    return ModuleHint(
        str(item.get("name")),
        ModuleType(str(kind)) if kind in set(ModuleType) else None,
        str(item.get("description") or ""),
        tuple(named),
    )


def _plan(plan: Plan, revision: str) -> str:
    modules = "\n".join(
        f"  - name: {module.name}\n"
        f"    filename: {module.filename}\n"
        f"    module_type: {module.module_type.value}\n"
        f"    description: {quoted(module.description)}\n"
        f"    requires: [{', '.join(module.requires)}]"
        for module in plan.modules
    )
    head = f"# revision {revision}\nproject: {quoted(plan.project)}\nsummary: {quoted(plan.summary)}"
    return f"```yaml\n{head}\nmodules:\n{modules}\n```"


def _questions(idea: Idea, chat: Chat) -> str:
    things = [spoken(plural(name)) for name in idea.things] or ["entries"]
    questions = []
    if not idea.is_clear:
        questions.append("Is it used in a browser or on the command line?")
    if "account" not in idea.features:
        questions.append(
            f"Does everyone see the same {things[0]}, or has each person an account of their own?"
        )
    questions.append(f"What has to be kept of the {enumeration(things)}?")
    if "export" not in idea.features:
        questions.append(f"Are the {things[0]} to be exported, and in which format?")
    listed = "\n".join(f"  - {quoted(question)}" for question in questions[:MOST_QUESTIONS])
    return f"```yaml\n# revision {chat.mark.revision}\nquestions:\n{listed}\n```"
