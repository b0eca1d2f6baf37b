"""The conformance suite of state stores: every implementation passes every test."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path

import pytest

from agents.api import FunctionSpec, ModuleApi, RouteSpec
from agents.blackboard import (
    ApiDesigned,
    AttemptMade,
    FileKind,
    FileWritten,
    Logged,
    PlanMade,
    ProjectInfo,
    ProjectStatus,
    Reasoned,
)
from agents.build import EventKind, TaskEvent
from agents.conversation import Attempt, AttemptStatus
from agents.plan import ModulePlan, ModuleType, Plan
from agents.roles import Role
from agents.workflow import Reads, Task, TaskReport
from async_arch.embedded_redis import embedded_redis
from async_arch.json_state import JsonStateStore
from async_arch.mirror_state import MirrorStateStore
from async_arch.state_manager import RedisStateManager
from async_arch.state_store import StateStore, StateUnavailable

OpenStore = Callable[[], AbstractAsyncContextManager[StateStore]]

INFO = ProjectInfo("a shop – «Größe» 店", "2026-01-01T00:00:00", ProjectStatus.BUILDING)
STARTED = TaskEvent(EventKind.BUILD_STARTED, "t0")
DONE = TaskEvent(EventKind.BUILD_FINISHED, "t9", "", "complete")


@asynccontextmanager
async def _json_store(folder: Path) -> AsyncIterator[StateStore]:
    yield JsonStateStore(folder / "blackboard.json")


@asynccontextmanager
async def _redis_store(_: Path) -> AsyncIterator[StateStore]:
    async with embedded_redis() as server, RedisStateManager.open(server.url, "run-1") as state:
        yield state


@asynccontextmanager
async def _mirror_store(folder: Path) -> AsyncIterator[StateStore]:
    """Whoever closes it finds in Redis what it would have found in the file."""
    async with embedded_redis() as server:
        async with MirrorStateStore.open(folder / "blackboard.json", server.url, "run-1") as state:
            yield state
            report = await state.mirrored(5.0)
        assert (report.caught_up, report.problem) == (True, None)
        async with RedisStateManager.open(server.url, "run-1") as follower:
            assert await follower.snapshot() == json.loads((folder / "blackboard.json").read_text())


@pytest.fixture(params=[_json_store, _mirror_store, _redis_store], ids=["json", "mirror", "redis"])
def open_store(request: pytest.FixtureRequest, tmp_path: Path) -> OpenStore:
    return lambda: request.param(tmp_path)


def _event(kind: EventKind, task: Task) -> TaskEvent:
    return TaskEvent(kind, "t", str(task))


def _attempt(number: int, module: str | None = None) -> AttemptMade:
    return AttemptMade(
        Attempt(
            Role.DEVELOPER, module, number, "ask", "answer\u2028\x00", AttemptStatus.OK, None, f"t{number}"
        )
    )


PLAN = Plan(
    "Shop",
    "sells",
    (
        ModulePlan("Cart", "cart.py", ModuleType.SERVICE, "items", ("Users",)),
        ModulePlan("Users", "users.py", ModuleType.DATA, "people"),
    ),
)
CART_API = ModuleApi(
    (FunctionSpec("add(item: int) -> dict", "adds"),), (RouteSpec("GET", "/cart", "shows"),), "a note"
)
USERS_API = ModuleApi((FunctionSpec("find(name: str) -> dict | None", "finds"),))

REPORTS = [
    TaskReport(Task(Role.ANALYST), (_attempt(1), PlanMade(PLAN), Logged("info", "planned"))),
    TaskReport(Task(Role.AUDITOR), (Reasoned("auditor", None, "fine"),)),
    TaskReport(Task(Role.ARCHITECT, "Users"), (ApiDesigned("Users", USERS_API),)),
    TaskReport(
        Task(Role.DEVELOPER, "Users"),
        (_attempt(1, "Users"), _attempt(2, "Users"), FileWritten("users.py", "x = '\U0001f600'\n")),
    ),
    TaskReport(Task(Role.ARCHITECT, "Cart"), (ApiDesigned("Cart", CART_API),)),
    TaskReport(
        Task(Role.FRONTEND_DEVELOPER, "Cart"),
        (FileWritten("templates/cart.html", "<p>", FileKind.FRONTEND), FileWritten("cart.py", "y = 1\n")),
    ),
]


async def _fill(store: StateStore, order: list[int]) -> None:
    await store.create(INFO, STARTED)
    for place in order:
        report = REPORTS[place]
        await store.report(report, place, _event(EventKind.TASK_COMPLETED, report.task))


async def test_snapshot_has_every_section_in_build_order(open_store: OpenStore) -> None:
    async with open_store() as store:
        await _fill(store, list(range(len(REPORTS))))
        board = await store.snapshot()
    assert board["project_info"] == {
        "idea": INFO.idea,
        "created_at": INFO.created_at,
        "status": "building",
    }
    assert list(board["modules"]) == ["Cart", "Users"]  # type: ignore[call-overload]
    assert board["files_created"] == ["users.py", "templates/cart.html", "cart.py"]
    assert board["frontend_files"] == ["templates/cart.html"]
    assert list(board["api_registry"]) == ["Users", "Cart"]  # type: ignore[call-overload]
    attempts = board["agent_attempts"]
    assert isinstance(attempts, list)
    assert [(a["module"], a["attempt_number"]) for a in attempts] == [(None, 1), ("Users", 1), ("Users", 2)]
    assert attempts[0]["output"] == "answer\u2028\x00"
    assert board["logs"] == [{"timestamp": "t", "level": "info", "message": "planned"}]


async def test_order_of_completion_does_not_show(open_store: OpenStore, tmp_path: Path) -> None:
    """Concurrent tasks end in any order; the document is the same as a sequential build's."""
    async with open_store() as store:
        await _fill(store, [0, 1, 4, 5, 3, 2])
        shuffled = await store.snapshot()
    sequential = JsonStateStore(tmp_path / "other.json")
    await _fill(sequential, list(range(len(REPORTS))))
    assert json.dumps(shuffled) == json.dumps(await sequential.snapshot())


async def test_reporting_a_task_twice_leaves_it_once(open_store: OpenStore) -> None:
    async with open_store() as store:
        await _fill(store, list(range(len(REPORTS))))
        before = await store.snapshot()
        await store.report(REPORTS[3], 3, _event(EventKind.TASK_COMPLETED, REPORTS[3].task))
        assert await store.snapshot() == before


async def test_a_new_plan_replaces_the_modules_of_the_first(open_store: OpenStore) -> None:
    revised = Plan("Shop", "sells", (ModulePlan("Basket", "basket.py", ModuleType.SERVICE, ""),))
    async with open_store() as store:
        await store.create(INFO, STARTED)
        for place, role, plan in ((0, Role.ANALYST, PLAN), (1, Role.AUDITOR, revised)):
            report = TaskReport(Task(role), (PlanMade(plan),))
            await store.report(report, place, _event(EventKind.TASK_COMPLETED, report.task))
        board = await store.snapshot()
    assert list(board["modules"]) == ["Basket"]  # type: ignore[call-overload]


async def test_a_task_reads_back_what_others_wrote(open_store: OpenStore) -> None:
    async with open_store() as store:
        await _fill(store, list(range(len(REPORTS))))
        part = await store.read(Reads(apis=("Cart", "Users"), files=("users.py",)))
        everything = await store.read(Reads(apis=("Users",), all_files=True))
        nothing = await store.read(Reads())
    assert dict(part.apis) == {"Cart": CART_API, "Users": USERS_API}
    assert dict(part.files) == {"users.py": "x = '\U0001f600'\n"}
    assert sorted(everything.files) == ["cart.py", "templates/cart.html", "users.py"]
    assert (dict(nothing.apis), dict(nothing.files)) == ({}, {})


@pytest.mark.parametrize("wanted", [Reads(apis=("Nowhere",)), Reads(files=("nowhere.py",))])
async def test_reading_what_is_not_there_is_an_error(open_store: OpenStore, wanted: Reads) -> None:
    async with open_store() as store:
        await store.create(INFO, STARTED)
        with pytest.raises(KeyError, match="owhere"):
            await store.read(wanted)


async def test_events_come_to_early_and_late_listeners_alike(open_store: OpenStore) -> None:
    """The stream is the truth: who comes late misses nothing, and the last event ends it."""
    async with open_store() as store:
        await store.create(INFO, STARTED)

        async def listen() -> list[TaskEvent]:
            return [event async for event in store.events()]

        async with asyncio.TaskGroup() as group:
            early = group.create_task(listen())
            await store.report(REPORTS[0], 0, _event(EventKind.TASK_FAILED, REPORTS[0].task))
            await store.finish(ProjectStatus.COMPLETE, DONE)
        late = await listen()
        status = (await store.snapshot())["project_info"]
    kinds = [EventKind.BUILD_STARTED, EventKind.TASK_FAILED, EventKind.BUILD_FINISHED]
    assert [event.kind for event in early.result()] == kinds
    assert late == early.result()
    assert status["status"] == "complete"  # type: ignore[index]


async def test_many_writers_lose_nothing(open_store: OpenStore) -> None:
    async with open_store() as store:
        await store.create(INFO, STARTED)

        async def write(place: int) -> None:
            task = Task(Role.DEVELOPER, f"M{place}")
            changes = (_attempt(1, f"M{place}"), FileWritten(f"m{place}.py", f"{place}\n"))
            await store.report(TaskReport(task, changes), place, _event(EventKind.TASK_COMPLETED, task))

        async with asyncio.TaskGroup() as group:
            for place in reversed(range(100)):
                group.create_task(write(place))
        board = await store.snapshot()
        found = await store.read(Reads(all_files=True))
    assert board["files_created"] == [f"m{place}.py" for place in range(100)]
    assert len(board["agent_attempts"]) == 100  # type: ignore[arg-type]
    assert found.files["m42.py"] == "42\n"


async def test_a_run_that_has_state_is_not_begun_again() -> None:
    async with embedded_redis() as server, RedisStateManager.open(server.url, "run-1") as state:
        await state.create(INFO, STARTED)
        with pytest.raises(StateUnavailable, match="already has state"):
            await state.create(INFO, STARTED)
