"""What both engines do with an order: the same calls, the same files, the same failures."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from agents.blackboard import ProjectStatus
from agents.build import BuildOutcome, EventKind, TaskEvent
from agents.conversation import Cause, ModelError, ModelRequest
from agents.plan import ModuleHint, ModuleType
from agents.project import Order
from agents.roles import Role
from async_arch.composition import Orchestration, StateStoreKind
from async_arch.embedded_redis import embedded_redis
from async_arch.engine import AsyncEngine
from async_arch.json_state import JsonStateStore
from async_arch.orchestrator import AsyncOrchestrator
from async_arch.performing import performing
from async_arch.workspace import Workspace
from harness.engines.legacy_state import open_legacy_state
from legacy.factory_boss import FactoryBoss
from legacy.json_blackboard import JsonBlackboard
from tests.simulated_calls import SimulatedCalls, SimulatedModel

ORDER = Order(
    "A shop with pages.",
    (
        ModuleHint("Users", ModuleType.DATA, "Users with a name"),
        ModuleHint("Catalog", ModuleType.DATA, "Products with a name and a price"),
        ModuleHint("Orders", ModuleType.SERVICE, "Orders; place and cancel", ("Users", "Catalog")),
        ModuleHint("Shop", ModuleType.WEB_INTERFACE, "Pages of the shop", ("Orders",)),
    ),
)
MODULES = [hint.name for hint in ORDER.hints]

Build = Callable[[Path, SimulatedModel], Awaitable[tuple[BuildOutcome, list[TaskEvent]]]]


async def _legacy(folder: Path, model: SimulatedModel) -> tuple[BuildOutcome, list[TaskEvent]]:
    events: list[TaskEvent] = []
    outcome = FactoryBoss(folder, model, lambda: "t", events.append).build(ORDER)
    return outcome, events


def _legacy_on(store: StateStoreKind) -> Build:
    """The legacy loop with its state elsewhere; the mirror, where there is one, has to have kept up."""

    async def build(folder: Path, model: SimulatedModel) -> tuple[BuildOutcome, list[TaskEvent]]:
        events: list[TaskEvent] = []
        async with embedded_redis() as server:
            with open_legacy_state(store, JsonBlackboard, url=server.url, run="run", patience_s=5.0) as state:

                def tell(event: TaskEvent) -> None:
                    state.announce(event)
                    events.append(event)

                outcome = FactoryBoss(folder, model, lambda: "t", tell, state.open_board).build(ORDER)
                mirror = state.mirrored()
        assert (mirror is not None and mirror.caught_up) == (store is StateStoreKind.MIRROR)
        return outcome, events

    return build


def _async(orchestration: Orchestration) -> Build:
    async def build(folder: Path, model: SimulatedModel) -> tuple[BuildOutcome, list[TaskEvent]]:
        state, workspace = JsonStateStore(folder / "blackboard.json"), Workspace(folder)
        orchestrator = AsyncOrchestrator(
            state=state,
            perform=performing(SimulatedCalls(model)),
            workspace=workspace,
            orchestration=orchestration,
            concurrency=4,
            now=lambda: "t",
        )
        engine = AsyncEngine(orchestrator, state, workspace)
        outcome = await engine.build(ORDER)
        return outcome, [event async for event in engine.events()]

    return build


@pytest.fixture(
    params=[
        _legacy,
        _legacy_on(StateStoreKind.MIRROR),
        _legacy_on(StateStoreKind.REDIS),
        _async(Orchestration.SEQUENTIAL),
        _async(Orchestration.CONCURRENT),
    ],
    ids=["legacy", "legacy-mirror", "legacy-redis", "async-sequential", "async-concurrent"],
)
def build(request: pytest.FixtureRequest) -> Build:
    chosen: Build = request.param
    return chosen


def _files(folder: Path) -> set[str]:
    return {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}


def _board(folder: Path) -> dict[str, object]:
    board: dict[str, object] = json.loads((folder / "blackboard.json").read_text())
    return board


async def test_a_build_leaves_every_file_and_one_blackboard(build: Build, tmp_path: Path) -> None:
    outcome, events = await build(tmp_path, SimulatedModel())
    assert outcome == BuildOutcome(ProjectStatus.COMPLETE)
    modules = {"users.py", "catalog.py", "orders.py", "shop.py"}
    pages = {"templates/shop.html", "static/shop.css"}
    assert modules | pages | {"main.py", "requirements.txt", "blackboard.json"} <= _files(tmp_path)
    assert not list(tmp_path.rglob("*.tmp"))
    board = _board(tmp_path)
    assert list(board["modules"]) == MODULES  # type: ignore[call-overload]
    assert list(board["api_registry"]) == MODULES  # type: ignore[call-overload]
    assert board["project_info"]["status"] == "complete"  # type: ignore[index]
    assert set(board["files_created"]) == _files(tmp_path) - {"blackboard.json"}  # type: ignore[call-overload]
    kinds = [event.kind for event in events]
    assert [kinds[0], kinds[-1]] == [EventKind.BUILD_STARTED, EventKind.BUILD_FINISHED]
    assert kinds.count(EventKind.TASK_STARTED) == kinds.count(EventKind.TASK_COMPLETED) == 2 + 4 * 4 + 1 + 2


async def test_every_engine_leaves_the_same_byte_for_byte(build: Build, tmp_path: Path) -> None:
    """Blackboard and files, of a build in which something failed and something was skipped."""
    left = []
    for name, one in (("legacy", _legacy), ("other", build)):
        folder = tmp_path / name
        folder.mkdir()
        await one(folder, _failing(Role.DEVELOPER, "Users", "I cannot do that."))
        left.append({path: (folder / path).read_bytes() for path in sorted(_files(folder))})
    assert "blackboard.json" in left[0]
    assert left[0] == left[1]


async def test_architect_and_developer_see_the_apis_of_what_a_module_requires(
    build: Build, tmp_path: Path
) -> None:
    model = SimulatedModel()
    await build(tmp_path, model)
    for request in model.requests:
        if request.module == "Orders" and request.role in (Role.ARCHITECT, Role.DEVELOPER):
            text = request.messages[1].content
            apis = text.partition("## APIs of the modules it requires")[2].partition("## Task")[0]
            assert "Users:" in apis
            assert "Catalog:" in apis
            assert "signature:" in apis
            assert "Shop:" not in apis


def _failing(role: Role, module: str | None, text: str) -> SimulatedModel:
    """A model whose answers to one role for one module are all `text`."""
    return SimulatedModel(lambda r, usual: text if (r.role, r.module) == (role, module) else usual)


async def test_a_failed_task_fails_the_build_and_independent_modules_finish(
    build: Build, tmp_path: Path
) -> None:
    """Users' developer gives no code: Users stops, all that needs no code of Users is finished."""
    model = _failing(Role.DEVELOPER, "Users", "I cannot do that.")
    outcome, events = await build(tmp_path, model)
    assert outcome.status is ProjectStatus.FAILED
    (failure,) = outcome.failures
    assert (failure.task, failure.cause) == ("developer:Users", Cause.ANSWER)
    assert "no usable answer in 3 attempts" in failure.reason
    assert outcome.skipped == ("reviewer:Users", "optimizer:Users", "integrator", "debugger")
    assert model.asked().count("developer:Users") == 3
    assert {"catalog.py", "orders.py", "shop.py"} <= _files(tmp_path)
    assert "users.py" not in _files(tmp_path), "never an empty file"
    board = _board(tmp_path)
    attempts = [a for a in board["agent_attempts"] if (a["agent"], a["module"]) == ("developer", "Users")]  # type: ignore[attr-defined]
    assert [(a["attempt_number"], a["status"]) for a in attempts] == [(n, "rejected") for n in (1, 2, 3)]
    messages = [entry["message"] for entry in board["logs"]]  # type: ignore[attr-defined]
    assert any("developer:Users failed" in message for message in messages)
    assert "integrator skipped: it needs developer:Users" in messages
    failed = [event for event in events if event.kind is EventKind.TASK_FAILED]
    assert [(event.task, event.detail) for event in failed] == [(failure.task, failure.reason)]
    skipped = [event.task for event in events if event.kind is EventKind.TASK_SKIPPED]
    assert skipped == list(outcome.skipped)


async def test_what_needs_a_failed_design_is_skipped(build: Build, tmp_path: Path) -> None:
    outcome, _ = await build(tmp_path, _failing(Role.ARCHITECT, "Users", "No."))
    assert [failure.task for failure in outcome.failures] == ["architect:Users"]
    skipped = set(outcome.skipped)
    assert {"developer:Users", "architect:Orders", "architect:Shop", "integrator"} <= skipped
    assert not {task for task in skipped if "Catalog" in task}
    assert "catalog.py" in _files(tmp_path)


async def test_two_failures_are_both_named(build: Build, tmp_path: Path) -> None:
    def twist(request: ModelRequest, text: str) -> str:
        return "No." if request.role is Role.DEVELOPER and request.module in ("Users", "Shop") else text

    outcome, _ = await build(tmp_path, SimulatedModel(twist))
    assert [failure.task for failure in outcome.failures] == ["developer:Users", "developer:Shop"]


async def test_a_plan_that_cannot_be_used_fails_the_build_before_any_module(
    build: Build, tmp_path: Path
) -> None:
    model = _failing(Role.ANALYST, None, "```yaml\nmodules: none\n```")
    outcome, _ = await build(tmp_path, model)
    assert [failure.task for failure in outcome.failures] == ["analyst"]
    assert model.asked() == ["analyst"] * 3
    assert _files(tmp_path) == {"blackboard.json"}


async def test_a_model_error_that_stays_fails_its_task_with_its_reason(build: Build, tmp_path: Path) -> None:
    def twist(request: ModelRequest, text: str) -> str:
        if request.role is Role.OPTIMIZER and request.module == "Catalog":
            raise ModelError("the model answered 500: out of memory", status=500, at="t")
        return text

    model = SimulatedModel(twist)
    outcome, _ = await build(tmp_path, model)
    (failure,) = outcome.failures
    assert (failure.task, failure.cause) == ("optimizer:Catalog", Cause.MODEL)
    assert failure.reason == "the model answered 500: out of memory (asked 4 times)"
    assert model.asked().count("optimizer:Catalog") == 4


async def test_a_model_error_that_passes_costs_nothing_but_an_entry(build: Build, tmp_path: Path) -> None:
    def twist(request: ModelRequest, text: str) -> str:
        if (request.role, request.module, request.retry) == (Role.OPTIMIZER, "Catalog", 0):
            raise ModelError("the model answered 500: out of memory", status=500, at="t")
        return text

    outcome, _ = await build(tmp_path, SimulatedModel(twist))
    assert outcome.status is ProjectStatus.COMPLETE
    board = json.loads((tmp_path / "blackboard.json").read_text())
    tries = [
        (entry["status"], entry["error"])
        for entry in board["agent_attempts"]
        if (entry["agent"], entry["module"]) == ("optimizer", "Catalog")
    ]
    assert tries == [("error", "the model answered 500: out of memory"), ("ok", None)]


async def test_a_bug_in_the_engine_is_a_result_and_not_a_traceback(build: Build, tmp_path: Path) -> None:
    def twist(request: ModelRequest, text: str) -> str:
        if request.role is Role.REVIEWER and request.module == "Orders":
            raise ZeroDivisionError("a bug")
        return text

    outcome, _ = await build(tmp_path, SimulatedModel(twist))
    (failure,) = outcome.failures
    assert (failure.task, failure.cause) == ("reviewer:Orders", Cause.ENGINE)
    assert failure.reason == "ZeroDivisionError: a bug"
    assert "shop.py" in _files(tmp_path)


async def test_a_bad_answer_is_asked_again_with_the_reason(build: Build, tmp_path: Path) -> None:
    def twist(request: ModelRequest, text: str) -> str:
        if (request.role, request.module, request.attempt) == (Role.DEVELOPER, "Users", 1):
            return "```python\ndef broken(:\n```"
        return text

    model = SimulatedModel(twist)
    outcome, _ = await build(tmp_path, model)
    assert outcome.status is ProjectStatus.COMPLETE
    second = [r for r in model.requests if (r.role, r.module) == (Role.DEVELOPER, "Users")][1]
    assert second.attempt == 2
    assert "not valid Python: line 1" in second.messages[-1].content
