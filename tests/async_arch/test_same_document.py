"""One document, whatever keeps it: any operations end the same, to the byte, in JSON, mirror and Redis."""

from __future__ import annotations

import asyncio
import json
import tempfile
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agents.api import FunctionSpec, ModuleApi, RouteSpec
from agents.blackboard import (
    ApiDesigned,
    AttemptMade,
    Change,
    Entry,
    FileKind,
    FileWritten,
    Logged,
    PlanMade,
    ProjectInfo,
    ProjectStatus,
    Reasoned,
    Section,
    document,
    entries,
)
from agents.build import EventKind, TaskEvent
from agents.conversation import Attempt, AttemptStatus
from agents.plan import ModulePlan, ModuleType, Plan
from agents.roles import Role
from agents.workflow import Task, TaskReport
from async_arch.document_mirror import MirrorFollower
from async_arch.embedded_redis import embedded_redis
from async_arch.json_state import JsonStateStore
from async_arch.mirror_state import MirrorStateStore
from async_arch.redis_client import RedisConnection, open_redis
from async_arch.state_manager import RedisStateManager
from async_arch.state_store import StateStore
from tests.async_arch.documents import DEEP, json_values, names

T = TypeVar("T")
Check = Callable[[RedisConnection, str, T], Awaitable[None]]

EXAMPLES = 80

# What a file can be written with, and what agents let through: no half of a surrogate pair.
written = st.one_of(
    st.sampled_from(["", " ", "%", ":", 'a\u2028\x00\\"', "«Größe» 店 \U0001f600"]), st.text(max_size=12)
)
paths = st.from_regex(r"(templates/)?[a-z][a-z0-9_]{0,5}\.(py|html)", fullmatch=True)
maybe = st.one_of(st.none(), written)


def explored(examples: st.SearchStrategy[T], check: Check[T]) -> None:
    """`check` examples on one server, each in a run of its own."""

    async def all_of_them() -> None:
        async with embedded_redis() as server, open_redis(server.url, patience_s=5.0) as connection:
            loop, number = asyncio.get_running_loop(), 0

            @settings(max_examples=EXAMPLES)
            @given(examples)
            def explore(example: T) -> None:
                nonlocal number
                number += 1
                checked = check(connection, f"run-{number}", example)
                asyncio.run_coroutine_threadsafe(checked, loop).result(30)  # type: ignore[arg-type]

            await asyncio.to_thread(explore)

    asyncio.run(all_of_them())


def dumps(board: object) -> str:
    return json.dumps(board, indent=2, ensure_ascii=False)


# --- reports of tasks, through the stores of the async engine


@dataclass(frozen=True)
class History:
    """What tasks reported, by place in the build order, in which order it came, and how the build ended."""

    info: ProjectInfo
    reports: Sequence[TaskReport]
    arrivals: Sequence[int]
    status: ProjectStatus | None


modules = st.builds(
    ModulePlan,
    written,
    written,
    st.sampled_from(ModuleType),
    written,
    st.lists(written, max_size=2).map(tuple),
)
plans = st.builds(Plan, written, written, st.lists(modules, max_size=3).map(tuple))
apis = st.builds(
    ModuleApi,
    st.lists(st.builds(FunctionSpec, written, written), max_size=2).map(tuple),
    st.lists(st.builds(RouteSpec, written, written, written), max_size=2).map(tuple),
    written,
)
attempts = st.builds(
    Attempt,
    st.sampled_from(Role),
    maybe,
    st.integers(1, 3),
    written,
    written,
    st.sampled_from(AttemptStatus),
    maybe,
    written,
)
changes: st.SearchStrategy[Change] = st.one_of(
    st.builds(PlanMade, plans),
    st.builds(ApiDesigned, written, apis),
    st.builds(FileWritten, paths, written, st.sampled_from(FileKind)),
    st.builds(AttemptMade, attempts),
    st.builds(Reasoned, written, maybe, written),
    st.builds(Logged, written, written),
)


@st.composite
def histories(draw: st.DrawFn) -> History:
    done = draw(st.lists(st.lists(changes, max_size=5), max_size=6))
    reports = [TaskReport(Task(Role.DEVELOPER, f"M{place}"), tuple(what)) for place, what in enumerate(done)]
    arrivals = draw(st.permutations(range(len(reports))))
    again = draw(st.lists(st.sampled_from(arrivals), max_size=2)) if arrivals else []
    info = ProjectInfo(draw(written), draw(written), ProjectStatus.BUILDING)
    ended = draw(st.sampled_from([None, ProjectStatus.COMPLETE, ProjectStatus.FAILED]))
    return History(info, reports, [*arrivals, *again], ended)


def _expected(history: History) -> str:
    """The document of a build that did the same, task after task."""
    made = [
        entry
        for place, report in enumerate(history.reports)
        for entry in entries(report.changes, place, f"t{place}")
    ]
    status = history.status or history.info.status
    return dumps(document(ProjectInfo(history.info.idea, history.info.created_at, status), made))


async def _work(store: StateStore, history: History) -> None:
    await store.create(history.info, TaskEvent(EventKind.BUILD_STARTED, "t"))
    for place in history.arrivals:
        report = history.reports[place]
        event = TaskEvent(EventKind.TASK_COMPLETED, f"t{place}", str(report.task))
        await store.report(report, place, event)
    if history.status is not None:
        await store.finish(history.status, TaskEvent(EventKind.BUILD_FINISHED, "t"))


def test_any_reports_in_any_order_end_in_the_same_document() -> None:
    async def check(connection: RedisConnection, run: str, history: History) -> None:
        expected = _expected(history)
        with tempfile.TemporaryDirectory() as folder:
            json_file, led_file = Path(folder, "json"), Path(folder, "led")
            await _work(JsonStateStore(json_file), history)
            assert json_file.read_bytes() == (expected + "\n").encode()
            async with MirrorFollower.on(connection, f"{run}-mirror") as follower:
                store = MirrorStateStore(led_file, follower)
                await _work(store, history)
                report = await store.mirrored(10.0)
            assert (report.caught_up, report.problem) == (True, None)
            assert led_file.read_bytes() == json_file.read_bytes()
        async with RedisStateManager.on(connection, f"{run}-mirror") as mirrored:
            assert dumps(await mirrored.snapshot()) == expected
        async with RedisStateManager.on(connection, run) as state:
            await _work(state, history)
            assert dumps(await state.snapshot()) == expected

    explored(histories(), check)


# --- entries, which may hold any JSON, through Redis and a mirror


@st.composite
def _entries_of_a_task(draw: st.DrawFn, place: int) -> list[Entry]:
    made: list[Entry] = []

    def add(section: Section, value: object, key: str = "") -> None:
        made.append(Entry(section, (place, len(made)), key, value))

    for _ in range(draw(st.integers(0, 4))):
        section = draw(st.sampled_from([section for section in Section if section is not Section.MODULES]))
        if section is Section.ARCHITECTURE:
            add(section, draw(st.dictionaries(names, json_values, max_size=3)))
            for name in draw(st.lists(names, max_size=3)):
                add(Section.MODULES, draw(json_values), name)
        elif section is Section.API_REGISTRY:
            add(section, draw(json_values), draw(names))
        elif section in (Section.FILES_CREATED, Section.FRONTEND_FILES):
            add(section, draw(names))
        else:
            add(section, draw(json_values))
    return made


@st.composite
def _tasks_in_any_order(draw: st.DrawFn) -> list[list[Entry]]:
    count = draw(st.integers(0, 5))
    return [draw(_entries_of_a_task(place)) for place in draw(st.permutations(range(count)))]


INFO = ProjectInfo("a shop", "t", ProjectStatus.BUILDING)


async def _check_entries(connection: RedisConnection, run: str, tasks: Sequence[Sequence[Entry]]) -> None:
    so_far: list[Entry] = []
    async with (
        RedisStateManager.on(connection, run) as state,
        MirrorFollower.on(connection, f"{run}-mirror") as follower,
        RedisStateManager.on(connection, f"{run}-mirror") as mirrored,
    ):
        await state.create(INFO)
        for made in tasks:
            so_far += made
            await state.add(made)
            follower.offer(document(INFO, so_far))
            # So that not every state is overtaken by the last.
            await asyncio.sleep(0)
        expected = dumps(document(INFO, so_far))
        assert dumps(await state.snapshot()) == expected
        if tasks:
            report = await follower.finish(20.0)
            assert (report.caught_up, report.problem) == (True, None)
            assert dumps(await mirrored.snapshot()) == expected


def test_entries_of_any_json_end_in_the_same_document() -> None:
    """All of Unicode here, half a surrogate pair included, which JSON can say and a file in UTF-8 cannot."""
    explored(_tasks_in_any_order(), _check_entries)


@pytest.mark.parametrize(
    "value",
    [DEEP, "x" * 5_000_000, {"": {"": [""]}}, "\ud800\udfff\x00\u2028"],
    ids=["deep", "5MB", "empty", "odd"],
)
async def test_extremes_end_in_the_same_document(value: object) -> None:
    key = value if isinstance(value, str) else "key"
    tasks = [
        [Entry(Section.API_REGISTRY, (1, 0), key, value), Entry(Section.LOGS, (1, 1), "", value)],
        [
            Entry(Section.ARCHITECTURE, (0, 0), "", {key: value}),
            Entry(Section.MODULES, (0, 1), key, value),
            Entry(Section.FILES_CREATED, (0, 2), "", key),
        ],
    ]
    async with embedded_redis() as server, open_redis(server.url, patience_s=5.0) as connection:
        await _check_entries(connection, "run", tasks)
