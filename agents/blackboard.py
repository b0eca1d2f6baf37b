"""The blackboard: what a project has come to, as one JSON document and as the entries it is made of.

A task reports what it did as `Change`s. `entries` turns them into entries that each have a position (the
task's place in the build order, then a number), so that a store can keep them apart, write one without the
others and write one twice without harm. `document` puts entries together again, in the order of their
positions: the same document whatever order they arrived in.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum

from agents.api import ModuleApi
from agents.conversation import Attempt
from agents.plan import Plan

__all__ = [
    "ApiDesigned",
    "AttemptMade",
    "Change",
    "Entry",
    "FileKind",
    "FileWritten",
    "Logged",
    "PlanMade",
    "ProjectInfo",
    "ProjectStatus",
    "Reasoned",
    "Section",
    "changed_files",
    "document",
    "entries",
]


# Neither empty (so not absolute) nor `..`, no drive, no backslash, nothing hidden.
_PATH_PART = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]*")


class ProjectStatus(StrEnum):
    """How far a project is."""

    BUILDING = "building"
    COMPLETE = "complete"
    FAILED = "failed"


class FileKind(StrEnum):
    """Which list of the blackboard a file belongs to besides `files_created`."""

    SOURCE = "source"
    FRONTEND = "frontend"


@dataclass(frozen=True, slots=True)
class ProjectInfo:
    """What is known of a project from its start; `created_at` is an ISO timestamp."""

    idea: str
    created_at: str
    status: ProjectStatus


@dataclass(frozen=True, slots=True)
class PlanMade:
    """The plan was made, or made anew."""

    plan: Plan


@dataclass(frozen=True, slots=True)
class ApiDesigned:
    """The API of a module was designed."""

    module: str
    api: ModuleApi


@dataclass(frozen=True, slots=True)
class FileWritten:
    """A file was written or rewritten; `path` is relative to the project, with `/`, and stays inside it."""

    path: str
    content: str
    kind: FileKind = FileKind.SOURCE

    def __post_init__(self) -> None:
        parts = self.path.split("/")
        if not all(_PATH_PART.fullmatch(part) for part in parts):
            raise ValueError(f"{self.path!r} is not a path inside the project")


@dataclass(frozen=True, slots=True)
class AttemptMade:
    """An agent was asked once."""

    attempt: Attempt


@dataclass(frozen=True, slots=True)
class Reasoned:
    """An agent gave its reasons."""

    role: str
    module: str | None
    text: str


@dataclass(frozen=True, slots=True)
class Logged:
    """Something a person should read; `level` is `info`, `warning` or `error`."""

    level: str
    message: str


Change = PlanMade | ApiDesigned | FileWritten | AttemptMade | Reasoned | Logged


class Section(StrEnum):
    """A top-level key of the document."""

    ARCHITECTURE = "architecture"
    MODULES = "modules"
    FILES_CREATED = "files_created"
    API_REGISTRY = "api_registry"
    AGENT_ATTEMPTS = "agent_attempts"
    LOGS = "logs"
    AGENT_REASONING = "agent_reasoning"
    FRONTEND_FILES = "frontend_files"


_MAPPINGS = (Section.MODULES, Section.API_REGISTRY)
_PATHS = (Section.FILES_CREATED, Section.FRONTEND_FILES)


@dataclass(frozen=True, slots=True, order=True)
class Entry:
    """One piece of the document.

    `position` is (place of the task in the build order, number within the task). `key` is the key in a
    section that is a mapping, and empty in a list. `value` is plain JSON data.
    """

    section: Section
    position: tuple[int, int]
    key: str
    value: object


def entries(changes: Iterable[Change], place: int, at: str) -> list[Entry]:
    """The entries that `changes` of the task at `place` make; `at` is the ISO timestamp they get."""
    made: list[Entry] = []

    def add(section: Section, value: object, key: str = "") -> None:
        made.append(Entry(section, (place, len(made)), key, value))

    for change in changes:
        match change:
            case PlanMade(plan):
                add(Section.ARCHITECTURE, plan.as_dict())
                for module in plan.modules:
                    add(
                        Section.MODULES,
                        {
                            "filename": module.filename,
                            "spec": module.description,
                            "module_type": module.module_type.value,
                            "requires": list(module.requires),
                        },
                        module.name,
                    )
            case ApiDesigned(name, api):
                add(Section.API_REGISTRY, api.as_dict(), name)
            case FileWritten(path, _, kind):
                add(Section.FILES_CREATED, path)
                if kind is FileKind.FRONTEND:
                    add(Section.FRONTEND_FILES, path)
            case AttemptMade(attempt):
                add(
                    Section.AGENT_ATTEMPTS,
                    {
                        "agent": attempt.role.value,
                        "module": attempt.module,
                        "attempt_number": attempt.number,
                        "timestamp": attempt.at,
                        "input": attempt.prompt,
                        "output": attempt.answer,
                        "status": attempt.status.value,
                        "error": attempt.error,
                    },
                )
            case Reasoned(role, name, text):
                add(Section.AGENT_REASONING, {"agent": role, "module": name, "reasoning": text})
            case Logged(level, message):
                add(Section.LOGS, {"timestamp": at, "level": level, "message": message})
    return made


def document(info: ProjectInfo, parts: Iterable[Entry]) -> dict[str, object]:
    """The whole blackboard: `info` and the entries, in the order of their positions.

    Of several plans the last counts, with its modules only; of several values of one key the last, at its
    place; a path that was written twice is listed once, at its first place.
    """
    ordered = sorted(parts, key=lambda entry: entry.position)
    plans = [entry for entry in ordered if entry.section is Section.ARCHITECTURE]
    latest_plan = plans[-1].position if plans else (0, 0)
    found: dict[Section, list[Entry]] = {section: [] for section in Section}
    for entry in ordered:
        if entry.section is not Section.MODULES or entry.position >= latest_plan:
            found[entry.section].append(entry)
    board: dict[str, object] = {
        "project_info": {"idea": info.idea, "created_at": info.created_at, "status": info.status.value}
    }
    for section, members in found.items():
        if section is Section.ARCHITECTURE:
            board[section] = members[-1].value if members else {}
        elif section in _MAPPINGS:
            last = {entry.key: entry for entry in members}
            board[section] = {entry.key: entry.value for entry in members if entry is last[entry.key]}
        elif section in _PATHS:
            board[section] = list(dict.fromkeys(entry.value for entry in members))
        else:
            board[section] = [entry.value for entry in members]
    return board


def changed_files(changes: Iterable[Change]) -> Mapping[str, str]:
    """The files that `changes` leave, by path; of two writes to one path the later."""
    return {change.path: change.content for change in changes if isinstance(change, FileWritten)}
