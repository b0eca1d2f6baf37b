"""The analyst: turns an idea into a plan of modules, and asks the person what is unclear."""

from __future__ import annotations

from collections.abc import Sequence

from agents.answers import mapping
from agents.conversation import Attempt, Dialogue, Steps, UnusableAnswer, ask, start_dialogue
from agents.plan import ModuleHint, Plan, read_plan
from agents.project import Order
from agents.prompts import as_yaml, prompt
from agents.roles import Role

__all__ = ["MOST_QUESTIONS", "brief", "interview", "plan", "revise_plan"]

MOST_QUESTIONS = 3

_INSTRUCTIONS = """
You turn an idea into the plan of an application: the modules it consists of, each in one Python file, and
which module needs which. Plan as few modules as the idea needs, each with one job. A module requires
another only if it calls its functions; modules never require each other in a circle.
"""

_FORM = """
Answer with one fenced YAML block and nothing else:

```yaml
project: name of the application
summary: what it is for, in one sentence
modules:
  - name: Orders
    filename: orders.py
    module_type: service
    description: "what the module does, in one or two sentences"
    requires: [Catalog]
```

`module_type` is one of web_interface (pages for people), service (what the application does), data (what it
keeps), utility (what the others share). `requires` names other modules of the plan, or is [].
"""


def interview(idea: str, journal: list[Attempt]) -> Steps[tuple[str, ...]]:
    """Ask the model what it would have to know of the person; at most `MOST_QUESTIONS` questions."""
    task = prompt(
        [
            ("Idea", idea),
            (
                "Task",
                "Name the questions whose answers would change the plan most, at most "
                f"{MOST_QUESTIONS}. Answer with a fenced YAML block:\n\n"
                "```yaml\nquestions:\n  - Who uses it?\n```",
            ),
        ]
    )
    return ask(start_dialogue(Role.ANALYST, None, _INSTRUCTIONS, task, journal), _read_questions)


def brief(idea: str, answers: Sequence[tuple[str, str]]) -> str:
    """The idea with what the person answered, for the plan."""
    told = [f"{question} {answer.strip()}" for question, answer in answers if answer.strip()]
    return "\n".join([idea.strip(), *told])


def plan(order: Order, journal: list[Attempt]) -> Steps[Plan]:
    """Plan the modules for `order`."""
    return ask(_opened(order, journal), lambda text: _read_plan(text, order.hints))


def revise_plan(order: Order, first: Plan, findings: Sequence[str], journal: list[Attempt]) -> Steps[Plan]:
    """Plan anew after an audit that found faults in `first`."""
    dialogue = _opened(order, journal)
    dialogue.answered(f"```yaml\n{as_yaml(first.as_dict())}\n```")
    listed = "\n".join(f"- {finding}" for finding in findings)
    dialogue.say(
        f"The auditor asks for changes:\n{listed}\n\nAnswer with the whole plan again, in the same form."
    )
    return ask(dialogue, lambda text: _read_plan(text, order.hints))


def _opened(order: Order, journal: list[Attempt]) -> Dialogue:
    asked_for = as_yaml([_hint(hint) for hint in order.hints]) if order.hints else ""
    task = prompt(
        [
            ("Idea", order.idea),
            (
                "Modules asked for",
                asked_for and f"The plan must hold these; what they leave open is yours:\n\n{asked_for}",
            ),
            ("Task", "Plan the modules of this application.\n" + _FORM),
        ]
    )
    return start_dialogue(Role.ANALYST, None, _INSTRUCTIONS, task, journal)


def _hint(hint: ModuleHint) -> dict[str, object]:
    told: dict[str, object] = {"name": hint.name}
    if hint.module_type is not None:
        told["module_type"] = hint.module_type.value
    if hint.description:
        told["description"] = hint.description
    if hint.requires:
        told["requires"] = list(hint.requires)
    return told


def _read_plan(text: str, hints: Sequence[ModuleHint]) -> Plan:
    return read_plan(mapping(text, having="modules"), hints)


def _read_questions(text: str) -> tuple[str, ...]:
    questions = mapping(text, having="questions")["questions"] or []
    if not isinstance(questions, list) or not all(isinstance(question, str) for question in questions):
        raise UnusableAnswer("'questions' must be a list of questions")
    return tuple(questions[:MOST_QUESTIONS])
