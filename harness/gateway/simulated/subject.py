"""What a stranger's conversation is about: the idea with its modules, and the one module at hand."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

from agents.plan import ModulePlan, ModuleType, Plan
from harness.gateway.simulated.assignment import Assignment
from harness.gateway.simulated.design import designed_functions
from harness.gateway.simulated.mark import Mark
from harness.gateway.simulated.planner import planned
from harness.gateway.simulated.words import camel, is_taken, plural, printable, singular, words

__all__ = ["Subject", "Topic", "named_file", "subject_of"]

_MOST_MODULES = 5
_LONGEST_TEXT = 20_000
_LONGEST_NAME = 40

_FENCED = re.compile(r"^(`{3,}+).*?^\1", re.MULTILINE | re.DOTALL)
_IDEA = re.compile(
    r"""^[^\w\n]*(?:(?:app(?:lication)?|project|original|user)[ _])?
        (?:idea|request|context|topic|product|task)\W{0,3}:\W{0,9}(?P<idea>\w.*)$""",
    re.IGNORECASE | re.MULTILINE | re.VERBOSE,
)
_TALK = re.compile(r"\b(?:json|yaml|output|respond|reply|return|format|markdown)\b", re.IGNORECASE)
_FILE_LABEL = re.compile(r"\bfile(?: ?name)?\b[\"'`:\s]{1,6}(?P<file>[\w/.-]+\.py)\b", re.IGNORECASE)
_FILE = re.compile(r"(?<![\w/-])(?P<file>[\w/-]+\.py)\b")
_NAME = re.compile(
    r"^[^\w\n]*(?:module[ _]?)?name\W{1,4}(?P<name>[A-Za-z][\w ]*)", re.IGNORECASE | re.MULTILINE
)
_ABOUT = re.compile(
    r"""^[^\w\n]*(?:responsibility|description|purpose|spec(?:ification)?|summary|details)
        ["']?:[ ]*["']?(?P<said>\w.*)$""",
    re.IGNORECASE | re.MULTILINE | re.VERBOSE,
)
_CODE = re.compile(r"^(?:class|def) (?P<name>[A-Za-z]\w*)", re.MULTILINE)
_TYPE = re.compile(
    r"\b(?:module[ _]?)?type\W{1,4}(?P<type>web_interface|service|utility|data)\b(?!\W*\|)", re.IGNORECASE
)


@dataclass(frozen=True, slots=True)
class Topic:
    """Something that is spoken of, a module or a function; '' where nothing is known."""

    name: str
    description: str
    kind: str = ""
    filename: str = ""
    requires: tuple[str, ...] = ()
    """The names of those that it needs."""
    signature: str = ""


@dataclass(frozen=True)
class Subject:
    """The plan for the idea, and the module that is spoken of (None: the project is)."""

    said: str
    told: str
    """What users said, the last of them first."""
    mark: Mark

    @cached_property
    def plan(self) -> Plan:
        """The modules that the idea comes to, five at most, the page among them."""
        plan = planned(_idea_in(self.told), (), again=True)
        pages = [m for m in plan.modules if m.module_type is ModuleType.WEB_INTERFACE][:1]
        others = [m for m in plan.modules if m.module_type is not ModuleType.WEB_INTERFACE]
        return Plan(plan.project, plan.summary, (*others[: _MOST_MODULES - len(pages)], *pages))

    @cached_property
    def modules(self) -> tuple[Topic, ...]:
        """The modules of the plan as topics."""
        known = {module.name for module in self.plan.modules}
        return tuple(
            Topic(
                m.name,
                m.description,
                m.module_type.value,
                m.filename,
                tuple(n for n in m.requires if n in known),
            )
            for m in self.plan.modules
        )

    @cached_property
    def module(self) -> ModulePlan | None:
        """The module that users speak of, if they speak of one."""
        filename = named_file(self.told)
        named, about = _NAME.search(self.told), _ABOUT.search(self.told)
        name = named["name"].strip() if named and not is_taken(named["name"]) else ""
        code = _CODE.search(self.told)
        if not filename and not (name and about) and not code:
            return None
        stem = _stem(filename or (name if about else "") or (code["name"] if code else ""))
        called = name or camel(stem)
        thing = plural(singular(stem.rpartition("_")[2]))
        return ModulePlan(
            camel(_stem(called)) if " " in called else called[:_LONGEST_NAME],
            f"{stem}.py",
            ModuleType(self.said_type or ModuleType.SERVICE),
            printable(about["said"]).strip("\"' ") if about else f"{thing}; add, list, search, remove.",
        )

    @property
    def said_type(self) -> str:
        """The type of the module, as users name it; '' where they do not."""
        found = _TYPE.search(self.told)
        return found["type"].lower() if found else ""

    @property
    def topic(self) -> Topic:
        """The module at hand, or the project."""
        if self.module is None:
            return Topic(self.plan.project, self.plan.summary, "", "main.py")
        return Topic(
            self.module.name, self.module.description, self.module.module_type.value, self.module.filename
        )

    @cached_property
    def assignment(self) -> Assignment:
        """The module at hand, or the first one, as something to build: a module that stands alone."""
        module = self.module or self.plan.modules[0]
        if module.module_type is ModuleType.WEB_INTERFACE:
            module = ModulePlan(module.name, module.filename, ModuleType.SERVICE, module.description)
        return Assignment(self.plan.project, {}, module, None, ())

    @cached_property
    def functions(self) -> tuple[Topic, ...]:
        """What the module at hand offers."""
        return tuple(
            Topic(function.name, function.purpose, function.verb, signature=function.signature)
            for function in designed_functions(self.assignment)
        )

    @cached_property
    def by_name(self) -> Mapping[str, Topic]:
        """Modules and functions by their names, modules by those of their files as well."""
        named = {topic.filename: topic for topic in self.modules}
        return named | {topic.name: topic for topic in (*self.modules, *self.functions)}


def subject_of(systems: Sequence[str], told: Sequence[str], mark: Mark) -> Subject:
    """The subject of a conversation, from what its system and its users said."""
    latest_first = "\n\n".join(reversed(told))[:_LONGEST_TEXT]
    said = "\n\n".join([latest_first, *systems])[: 2 * _LONGEST_TEXT]
    return Subject(said, latest_first or said, mark)


def named_file(text: str) -> str:
    """The Python file that a text names as the one it is about; '' where it names none."""
    found = _FILE_LABEL.search(text) or _FILE.search(text)
    return found["file"].rpartition("/")[2] if found else ""


def _idea_in(told: str) -> str:
    """What is wanted, without what is said about the form of the answer."""
    if labelled := _IDEA.search(told):
        return labelled["idea"]
    plain = re.sub(r"[\[{][^\[\]{}]*[\]}]", " ", _FENCED.sub(" ", told))
    sentences = re.split(r"(?<=[.!?:;])\s+|\n", plain)
    said = " ".join(sentence for sentence in sentences if not _TALK.search(sentence))
    return said.strip() or told.partition(" for ")[2] or told


def _stem(name: str) -> str:
    """A name as that of a file that can be imported."""
    parts = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name.removesuffix(".py"))
    stem = "_".join(words(parts.replace("_", " ")))[:_LONGEST_NAME].strip("_") or "module"
    return f"{stem}_module" if is_taken(stem) else stem
