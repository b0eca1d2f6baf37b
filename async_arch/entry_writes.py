"""The entries of the blackboard, which agents make, as writes of the document in Redis."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from agents.blackboard import Entry, ProjectInfo, Section
from async_arch.document_writes import Write, append, fill, new_member, put_member, put_section, put_value
from async_arch.stored_document import Kind, Stored, StoredSection, as_bytes, dumped

__all__ = ["PROJECT_INFO", "entry_writes", "first_writes", "status_write"]

PROJECT_INFO = b"project_info"

_KINDS = {
    Section.ARCHITECTURE: Kind.MAP,
    Section.MODULES: Kind.MAP,
    Section.FILES_CREATED: Kind.SET,
    Section.API_REGISTRY: Kind.MAP,
    Section.AGENT_ATTEMPTS: Kind.LIST,
    Section.LOGS: Kind.LIST,
    Section.AGENT_REASONING: Kind.LIST,
    Section.FRONTEND_FILES: Kind.SET,
}
_PLACES_OF_A_TASK = 1 << 20
_STATUS = b"status"


def first_writes(info: ProjectInfo) -> list[Write]:
    """The writes that begin a document: every section of the blackboard, and what is known from the start."""
    names = [PROJECT_INFO, *(section.value.encode() for section in Section)]
    kinds = [Kind.MAP, *(_KINDS[section] for section in Section)]
    writes = [
        put_section(name, StoredSection(place * _PLACES_OF_A_TASK, kind))
        for place, (name, kind) in enumerate(zip(names, kinds, strict=True))
    ]
    facts = {b"idea": info.idea, b"created_at": info.created_at, _STATUS: info.status.value}
    return writes + [
        put_member(PROJECT_INFO, name, new_member(value, place))
        for place, (name, value) in enumerate(facts.items())
    ]


def status_write(status: str) -> Write:
    """The write that sets how far the project is."""
    return put_member(PROJECT_INFO, _STATUS, new_member(status, 2))


def entry_writes(entries: Iterable[Entry]) -> list[Write]:
    """The writes that `entries` make; entries at a later position prevail, whenever they come."""
    writes: list[Write] = []
    plan: int | None = None
    modules: list[Write] = []

    def end_plan() -> None:
        if plan is not None:
            writes.append(fill(Section.MODULES.value.encode(), plan, modules))

    for entry in entries:
        name, place = entry.section.value.encode(), _place(entry.position)
        if entry.section is Section.ARCHITECTURE:
            end_plan()
            plan, modules = place, []
            parts = entry.value if isinstance(entry.value, Mapping) else {}
            members = [
                put_value(name, as_bytes(key), value, place + number)
                for number, (key, value) in enumerate(parts.items())
            ]
            writes.append(fill(name, place, members))
        elif _KINDS[entry.section] is Kind.MAP:
            member = put_value(name, as_bytes(entry.key), entry.value, place)
            (modules if entry.section is Section.MODULES and plan is not None else writes).append(member)
        else:
            writes.append(append(name, Stored(place, dumped(entry.value))))
    end_plan()
    return writes


def _place(position: tuple[int, int]) -> int:
    task, number = position
    if number >= _PLACES_OF_A_TASK:
        raise ValueError(f"a task makes at most {_PLACES_OF_A_TASK} entries")
    return task * _PLACES_OF_A_TASK + number
