"""The account of a run's state store: in what it differs at the end from what the run left."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence

from agents.blackboard import ProjectStatus
from agents.build import EventKind, TaskEvent
from async_arch.composition import StateStoreKind
from async_arch.stored_document import dumped
from harness.engines.engine import Engine, EngineResult
from harness.gateway.calls import CallRecord
from harness.record import FileFacts
from harness.record.taken_over import taken_over
from harness.state.left_in_redis import LeftInRedis

__all__ = ["store_account"]

_MOST_NAMED = 3
_ENDS = frozenset({EventKind.TASK_COMPLETED, EventKind.TASK_FAILED, EventKind.TASK_SKIPPED})


def store_account(
    engine: Engine,
    result: EngineResult,
    left: LeftInRedis,
    board: Mapping[str, object],
    files: Mapping[str, FileFacts],
    calls: Sequence[CallRecord],
) -> tuple[str, ...]:
    """What `left` holds otherwise than `board` and `files`, or not at all, a sentence each.

    `calls` are those of the run as the gateway has seen them: an engine that loses or doubles what it writes
    down does so on both sides.
    """
    if left.document is None:
        return ("nothing of the run is in Redis at its end",)
    found = [*_document(left.document, board)]
    if not result.failures:
        attempts = left.document.get("agent_attempts")
        counted = taken_over(engine.flags, calls, result.events, attempts).calls
        found += [*_status(left.document), *_attempts(attempts, counted)]
    if engine.flags.get("state_store") == StateStoreKind.REDIS:
        found += _files(left.files, files)
    if engine.not_resumable is None:
        found += _tasks(left.tasks, result.events)
    return tuple(found)


def _document(stored: Mapping[str, object], board: Mapping[str, object]) -> Iterator[str]:
    if dumped(stored) != dumped(board):
        names = [
            name
            for name in {**board, **stored}
            if name not in stored or name not in board or dumped(stored[name]) != dumped(board[name])
        ]
        yield f"the document in Redis is not that of blackboard.json: {_listed(names or ['its order'])}"


def _status(stored: Mapping[str, object]) -> Iterator[str]:
    info = stored.get("project_info")
    status = info.get("status") if isinstance(info, Mapping) else None
    if status != ProjectStatus.COMPLETE:
        yield f"the run is over, and Redis has the project as {status}"


def _attempts(listed: object, calls: Sequence[CallRecord]) -> Iterator[str]:
    """Who was asked another number of times than is written down."""
    asked = Counter((call.role, call.module) for call in calls)
    items = listed if isinstance(listed, list) else []
    noted: Counter[tuple[str, str | None]] = Counter(
        (item.get("agent", ""), item.get("module")) for item in items if isinstance(item, Mapping)
    )
    names = [
        f"{role}{f':{module}' if module else ''}"
        for role, module in dict.fromkeys([*asked, *noted])
        if asked[role, module] != noted[role, module]
    ]
    if names:
        yield f"the attempts in Redis are not the calls that were made: {_listed(names)}"


def _files(stored: Mapping[str, str], files: Mapping[str, FileFacts]) -> Iterator[str]:
    names = [
        path
        for path in {**files, **stored}
        if path not in files or path not in stored or stored[path] != files[path].sha256
    ]
    if names:
        yield f"the files in Redis are not those on the disk: {_listed(names)}"


def _tasks(stored: Mapping[str, str], events: tuple[TaskEvent, ...]) -> Iterator[str]:
    ended = {event.task: event.kind for event in events if event.kind in _ENDS}
    if names := [task for task in ended if task not in stored]:
        yield f"Redis does not know of tasks that they ended: {_listed(names)}"
    failed = {task for task, kind in ended.items() if kind is EventKind.TASK_FAILED}
    if names := [task for task in ended if task in failed and not stored.get(task, "?")]:
        yield f"Redis has tasks as done that failed: {_listed(names)}"
    if names := [task for task in ended if task not in failed and stored.get(task)]:
        yield f"Redis has tasks as failed that did not: {_listed(names)}"


def _listed(names: list[str]) -> str:
    more = len(names) - _MOST_NAMED
    return f"{', '.join(names[:_MOST_NAMED])}{f' and {more} more' if more > 0 else ''}"
