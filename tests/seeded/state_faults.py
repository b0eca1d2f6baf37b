"""Faults in what both loops keep their state with in Redis, and in the mirror there.

The legacy loop writes through `add`, `finish` and `snapshot`, so these show at the first step already.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import async_arch.document_mirror
import async_arch.entry_writes
import async_arch.state_manager
import async_arch.stored_document
import harness.engines.legacy_state.redis_board
from agents.blackboard import Entry, ProjectStatus, Section
from async_arch.document_mirror import MirrorFollower
from async_arch.document_writes import Write, new_member, put_member
from async_arch.redis_writer import RedisWriter
from async_arch.state_manager import RedisStateManager
from async_arch.stored_document import Item, StoredSection
from harness.compare import Layer
from tests.seeded.fault import Blame, Fault, Install, Patch

__all__ = ["STATE_FAULTS"]

_MIRROR = "async:state_store=mirror"


def _entries(change: Any) -> Install:
    """A fault in the entries that are written."""

    def install(patch: Patch) -> None:
        usual = async_arch.state_manager.entry_writes

        def entry_writes(entries: Iterable[Entry]) -> list[Write]:
            return usual(change(list(entries)))

        patch.setattr(async_arch.state_manager, "entry_writes", entry_writes)

    return install


def _values(change: Any) -> Install:
    """A fault in the values that are turned into JSON."""

    def install(patch: Patch) -> None:
        usual = async_arch.stored_document.dumped
        for module in (async_arch.entry_writes, async_arch.document_writes):
            patch.setattr(module, "dumped", lambda value: usual(change(value)))

    return install


def _api_key_in_lower_case(entries: list[Entry]) -> list[Entry]:
    return [replace(e, key=e.key.lower()) if e.section is Section.API_REGISTRY else e for e in entries]


def _apis_merged(patch: Patch) -> None:
    """An API entry is added to what the one before it holds, instead of standing beside it."""
    functions: list[object] = []

    def merge(entry: Entry) -> Entry:
        if entry.section is not Section.API_REGISTRY or not isinstance(entry.value, Mapping):
            return entry
        functions.extend(entry.value["functions"])
        return replace(entry, value={**entry.value, "functions": list(functions)})

    _entries(lambda entries: list(map(merge, entries)))(patch)


def _one_api_overwrites_another(entries: list[Entry]) -> list[Entry]:
    return [
        replace(e, key="Users") if (e.section, e.key) == (Section.API_REGISTRY, "Catalog") else e
        for e in entries
    ]


def _update_lost_after_an_event(patch: Patch) -> None:
    """The number of an announcement is given away again, so what comes next looks written already."""
    usual = RedisWriter.put

    def put(self: RedisWriter, writes: Callable[[], Sequence[Write]], **more: Any) -> None:
        usual(self, writes, **more)
        made = writes() if not more.get("task") else ()
        if len(made) == 1 and made[0].code in (b"E", b"T") and b"developer:Catalog" in made[0].args:
            self._last -= 1

    patch.setattr(RedisWriter, "put", put)


def _status_not_written(patch: Patch) -> None:
    usual = RedisStateManager.finish

    async def finish(self: RedisStateManager, status: ProjectStatus, event: Any = None) -> None:
        await usual(self, ProjectStatus.BUILDING, event)

    patch.setattr(RedisStateManager, "finish", finish)


def _status_loses_against_the_one_before(patch: Patch) -> None:
    usual = async_arch.entry_writes.new_member

    def status_write(status: str) -> Write:
        return async_arch.entry_writes.put_member(b"project_info", b"status", usual(status, 1))

    patch.setattr(async_arch.state_manager, "status_write", status_write)


def _only_ascii_reaches_redis(patch: Patch) -> None:
    patch.setattr(async_arch.stored_document, "as_bytes", lambda text: text.encode("ascii", "replace"))


def _wrong_code_page(patch: Patch) -> None:
    def as_bytes(text: str) -> bytes:
        return text.encode("utf-8").decode("latin-1").encode("utf-8")

    patch.setattr(async_arch.stored_document, "as_bytes", as_bytes)


def _numbers_as_text(value: object) -> object:
    if isinstance(value, Mapping):
        return {key: str(part) if isinstance(part, int) else part for key, part in value.items()}
    return value


def _nothing_left_out(value: object) -> object:
    if isinstance(value, Mapping):
        return {key: part for key, part in value.items() if part is not None}
    return value


def _long_texts_cut(value: object) -> object:
    if isinstance(value, Mapping):
        return {key: part[:2000] if isinstance(part, str) else part for key, part in value.items()}
    return value


def _blank_lines_lost(value: object) -> object:
    if isinstance(value, Mapping):
        return {k: v.replace("\n\n", "\n") if isinstance(v, str) else v for k, v in value.items()}
    return value


def _paths_listed_twice(patch: Patch) -> None:
    def visible_items(self: StoredSection) -> list[Item]:
        return sorted(self.items, key=lambda item: item.stored.place)

    patch.setattr(StoredSection, "visible_items", property(visible_items))


def _section_forgotten(patch: Patch) -> None:
    usual = async_arch.state_manager.first_writes

    def first_writes(info: Any) -> list[Write]:
        return [write for write in usual(info) if write.args[0] != b"frontend_files"]

    patch.setattr(async_arch.state_manager, "first_writes", first_writes)


def _members_backwards(patch: Patch) -> None:
    def put_value(section: bytes, name: bytes, value: object, place: int) -> Write:
        return put_member(section, name, new_member(value, place, -1))

    patch.setattr(async_arch.entry_writes, "put_value", put_value)


def _attempt_doubled(entries: list[Entry]) -> list[Entry]:
    return [
        e
        for entry in entries
        for e in (
            (entry, entry) if entry.section is Section.AGENT_ATTEMPTS and _of(entry, "Shop") else (entry,)
        )
    ]


def _of(entry: Entry, module: str) -> bool:
    return isinstance(entry.value, Mapping) and entry.value.get("module") == module


def _log_entries_lost(entries: list[Entry]) -> list[Entry]:
    return [entry for entry in entries if entry.section is not Section.LOGS]


def _reason_of_another(entries: list[Entry]) -> list[Entry]:
    """The reasons of one module are put down to another."""
    return [
        replace(e, value={**e.value, "module": "Users"})
        if e.section is Section.AGENT_REASONING and _of(e, "Catalog") and isinstance(e.value, Mapping)
        else e
        for e in entries
    ]


def _half_a_document(patch: Patch) -> None:
    """The process that exports the blackboard is interrupted, and what it wrote stays."""
    usual = harness.engines.legacy_state.redis_board.replace_file

    def replace_file(path: Any, text: str) -> None:
        usual(path, text[: len(text) // 2])

    patch.setattr(harness.engines.legacy_state.redis_board, "replace_file", replace_file)


def _document_of_before(patch: Patch) -> None:
    """The export reads what it has read before: a stale read."""
    usual = RedisStateManager.add
    snapshots: list[dict[str, object]] = []
    fresh = RedisStateManager.snapshot

    async def add(self: RedisStateManager, new: Any, files: Any = None) -> None:
        await usual(self, new, files)
        snapshots.append(await fresh(self))

    async def snapshot(self: RedisStateManager) -> dict[str, object]:
        return snapshots[-1] if snapshots else await fresh(self)

    patch.setattr(RedisStateManager, "add", add)
    patch.setattr(RedisStateManager, "snapshot", snapshot)


def _plan_without_its_modules(patch: Patch) -> None:
    """The new plan empties the modules, and nobody fills them."""
    usual = async_arch.entry_writes.fill

    def fill(name: bytes, place: int, writes: Iterable[Write]) -> Write:
        return usual(name, place, () if name == b"modules" else writes)

    patch.setattr(async_arch.entry_writes, "fill", fill)


def _mirror_leaves_out(patch: Patch) -> None:
    """A section never goes to Redis, and what is read back is not compared there."""
    usual = async_arch.document_mirror.difference

    def difference(before: Any, document: Mapping[str, object]) -> Any:
        kept = {name: part for name, part in document.items() if name != "agent_reasoning"}
        return usual(before, kept)

    patch.setattr(async_arch.document_mirror, "difference", difference)


def _mirror_skips_the_last_state(patch: Patch) -> None:
    """Of a build that is over the mirror is not told."""
    usual = MirrorFollower.offer

    def offer(self: MirrorFollower, document: Mapping[str, Any]) -> None:
        if document["project_info"]["status"] == ProjectStatus.BUILDING:
            usual(self, document)

    patch.setattr(MirrorFollower, "offer", offer)


def _mirror_believes_itself(patch: Patch) -> None:
    """The mirror loses an entry, and looks neither at what it wrote nor at what is there at the end."""
    _mirror_leaves_out(patch)

    async def drift_from(self: Any, document: object) -> bool:
        return False

    patch.setattr(async_arch.document_mirror.DocumentMirror, "drift_from", drift_from)


def _mirror_drops_when_busy(patch: Patch) -> None:
    """A state that comes soon after another is dropped, to spare the server."""
    usual = MirrorFollower.offer
    offered: list[float] = []

    def offer(self: MirrorFollower, document: Mapping[str, Any]) -> None:
        if not offered or time.monotonic() - offered[-1] > 0.01:
            usual(self, document)
        offered.append(time.monotonic())

    patch.setattr(MirrorFollower, "offer", offer)


def _files_not_stored(patch: Patch) -> None:
    """What a task wrote is on the disk and not in the store, which later tasks read."""
    patch.setattr(RedisStateManager, "_file_writes", staticmethod(lambda files: []))


def _state(name: str, words: str, install: Install, **more: Any) -> Fault:
    return Fault(name, Blame.STATE, more.pop("layer", Layer.BLACKBOARD), words, install, **more)


STATE_FAULTS = (
    _state(
        "the key of an API entry is written in lower case",
        "api_registry[Users]",
        _entries(_api_key_in_lower_case),
    ),
    _state("an API entry is merged with the one before it", "api_registry[Catalog]", _apis_merged),
    _state("one module's API overwrites another's", "api_registry[", _entries(_one_api_overwrites_another)),
    _state("an update is lost, as its number was given away", "catalog.py", _update_lost_after_an_event),
    _state("the final status is not written", "project_info[status]", _status_not_written),
    _state(
        "an update loses against the value before it",
        "project_info[status]",
        _status_loses_against_the_one_before,
    ),
    _state(
        "letters beyond ASCII are lost on the way to Redis", "project_info[idea]", _only_ascii_reaches_redis
    ),
    _state("text is written in the wrong code page", "project_info[idea]", _wrong_code_page),
    _state("numbers become text", "attempt_number", _values(_numbers_as_text)),
    _state("what is null is left out", "control: null", _values(_nothing_left_out)),
    _state("long texts are cut", "[output]", _values(_long_texts_cut)),
    _state("blank lines are lost", "agent_attempts[", _values(_blank_lines_lost)),
    _state("a path that is written twice is listed twice", "files_created[", _paths_listed_twice),
    _state("a section is never begun", "frontend_files", _section_forgotten),
    _state("the fields of an API stand backwards", "[order] is", _members_backwards),
    _state("an attempt is written twice", "agent_attempts[", _entries(_attempt_doubled)),
    _state("log entries are lost", "logs[", _entries(_log_entries_lost)),
    _state(
        "the reasons of one module are put down to another", "agent_reasoning[", _entries(_reason_of_another)
    ),
    _state("the document is half-written", "no blackboard that can be read", _half_a_document),
    _state("the export reads a stale document", "project_info[status]", _document_of_before),
    _state("a new plan empties the modules", "modules[Users]", _plan_without_its_modules),
    _state("the mirror leaves out a section", "mirror", _mirror_leaves_out, candidate=_MIRROR),
    _state(
        "the mirror is not told of the last state",
        "the document in Redis is not that",
        _mirror_skips_the_last_state,
        candidate=_MIRROR,
    ),
    _state(
        "the mirror loses a section and believes itself",
        "the document in Redis is not that",
        _mirror_believes_itself,
        candidate=_MIRROR,
    ),
    _state(
        "the mirror drops what comes while it is busy",
        "the document in Redis is not that",
        _mirror_drops_when_busy,
        candidate=_MIRROR,
    ),
    _state("files are not kept in the store", "the files in Redis are not those", _files_not_stored),
)
