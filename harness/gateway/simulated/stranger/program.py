"""Python for strangers: the program that they show, changed, or one with the names that they ask for."""

from __future__ import annotations

import re

from agents.answers import parse_python, python_code
from agents.conversation import UnusableAnswer
from agents.prompts import as_yaml
from harness.gateway.simulated.assignment import UnknownPrompt, read_assignment
from harness.gateway.simulated.source.layout import docstring
from harness.gateway.simulated.source.manner import Manner
from harness.gateway.simulated.source.module import module_source
from harness.gateway.simulated.stranger.application import entry_point, page_module
from harness.gateway.simulated.stranger.documents import is_served_by_flask
from harness.gateway.simulated.stranger.names import asked_classes, asked_signatures
from harness.gateway.simulated.subject import Subject, named_file
from harness.gateway.simulated.tightening import tightened
from harness.gateway.simulated.words import spoken

__all__ = ["program"]

_ENTRY_FILES = ("main.py", "app.py", "run.py")
_ENTRY_POINT = re.compile(
    r"\b(?:write|generate|create|output|build)\b[^.\n]{0,60}\bmain\.py\b", re.IGNORECASE
)
_TESTS = re.compile(
    r"\b(?:write|generate|create)\b[^.\n]{0,60}\b(?:test (?:file|suite|module|case)|unit test)s?\b",
    re.IGNORECASE,
)
_CODE_LABEL = re.compile(
    r"^[^\n]*\b(?:code|source|program|script)\b[^\n]*:[ ]*\n", re.IGNORECASE | re.MULTILINE
)
_MENDING = re.compile(
    r"\b(?:optimi[sz]\w*|refactor\w*|fix(?:es|ed)?|improve\w*|correct(?:ed)?|repair\w*|debug\w*|rewrite)\b",
    re.IGNORECASE,
)


def program(subject: Subject, text: str) -> str:
    """The source that is asked for in `text`, which is part of what was said."""
    revision = subject.mark.revision
    if _MENDING.search(text) and (shown := _shown_code(subject.told)):
        return f"# revision {revision}\n" + re.sub(r"\A# revision \w+\n", "", tightened(shown))
    if _TESTS.search(text):
        return _TEST.format(mark=revision, stem=subject.assignment.module.stem)
    if named_file(subject.told) in _ENTRY_FILES or _ENTRY_POINT.search(text):
        return entry_point(subject)
    if is_served_by_flask(text) and subject.said_type in ("", "web_interface"):
        return page_module(subject)
    return _module(subject)


def _shown_code(told: str) -> str:
    """The program that users show to have it changed; '' where they show none."""
    label = _CODE_LABEL.search(told)
    for shown in ([told[label.end() :]] if label else []) + ([told] if "```python" in told else []):
        try:
            return python_code(shown)
        except UnusableAnswer:
            continue
    return ""


def _module(subject: Subject) -> str:
    """A module with the functions that are asked for, or with those that its description comes to."""
    revision = subject.mark.revision
    told = {"Module": as_yaml(subject.assignment.module.as_dict())}
    designed = [function.signature for function in subject.functions]
    for signatures in (asked_signatures(subject.told) or designed, designed):
        api = [{"signature": signature, "purpose": _purpose(signature)} for signature in signatures]
        try:
            assignment = read_assignment({**told, "API of this module": as_yaml({"functions": api})})
            source = module_source(assignment, Manner(), revision)
            source += "".join(_class(name, source) for name in asked_classes(subject.told))
            parse_python(source)
        except (UnusableAnswer, UnknownPrompt):
            continue
        return source
    return f"# revision {revision}\n{docstring(subject.topic.description)}\n"


def _purpose(signature: str) -> str:
    return f"{spoken(signature.partition('(')[0]).strip().capitalize()}."


def _class(name: str, source: str) -> str:
    """A class with the functions of a module as its methods."""
    methods = re.findall(r"^def ([a-z]\w*)\(", source, re.MULTILINE)
    members = "".join(f"\n    {method} = staticmethod({method})" for method in methods)
    return f'\n\nclass {name}:\n    """What this module offers, as one object."""\n{members}\n'


_TEST = '''\
# revision {mark}
"""Tests of the module {stem}."""

import importlib


def test_the_module_can_be_imported() -> None:
    """It is there, and defines something."""
    assert vars(importlib.import_module("{stem}"))
'''
