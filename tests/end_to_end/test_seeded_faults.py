"""Break the async engine in one place at a time: `compare` must fail and name what was broken."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, replace
from typing import Any

import pytest
import pytest_asyncio

import async_arch.orchestrator
from agents.blackboard import ApiDesigned, AttemptMade
from agents.conversation import Message, ModelReply, ModelRequest
from agents.roles import Role
from agents.workflow import Reads, TaskReport, build_tasks
from async_arch.model_calls import AsyncCalls
from async_arch.state_manager import RedisStateManager
from async_arch.state_store import Readings
from async_arch.workspace import Workspace
from harness.compare import Comparison, Layer, Status, compare
from harness.engines.finding import find_engine
from harness.gateway.settings import SimulateSettings
from harness.record import RunRecord
from harness.session import Session, SessionSettings, open_session
from harness.spec import Spec
from tests.end_to_end.in_process_engine import InProcessEngine

pytestmark = pytest.mark.asyncio(loop_scope="module")

SPEC = Spec.model_validate(
    {
        "name": "shop",
        "idea": "A shop with pages.",
        "options": {"temperature": 0},
        "modules": [
            {"name": "Users", "module_type": "data", "description": "Users with a name"},
            {"name": "Catalog", "module_type": "data", "description": "Products with a price"},
            {
                "name": "Orders",
                "module_type": "service",
                "description": "Orders; place and cancel",
                "requires": ["Users", "Catalog"],
            },
            {"name": "Shop", "module_type": "web_interface", "description": "Pages", "requires": ["Orders"]},
        ],
        "expect": {"modules": 4, "parallel": [["Users", "Catalog"]]},
    }
)


@dataclass(frozen=True)
class Bench:
    """A session, and the run of the control that every broken engine is held against."""

    session: Session
    control: RunRecord

    async def judge(self) -> Comparison:
        """Run the (broken) async engine and compare."""
        candidate = await self.session.run(SPEC, InProcessEngine(), lambda _: None)
        return compare(SPEC, self.control, candidate)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def bench(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Bench]:
    settings = SessionSettings(
        model="simulated",
        simulated=SimulateSettings(ttft_s=0.01, tokens_per_s=50_000),
        store=tmp_path_factory.mktemp("store"),
        call_timeout_s=5,
        deadline_s=30,
    )
    async with open_session(settings, needs_redis=True) as session:
        yield Bench(session, await session.run(SPEC, find_engine("legacy"), lambda _: None))


async def test_the_engine_as_it_is_passes(bench: Bench) -> None:
    """Else every fault below would be found whatever the comparison did."""
    comparison = await bench.judge()
    assert (comparison.verdict.status, comparison.mismatches) == (Status.PASS, ())


def _on_call(change: Callable[[ModelRequest], ModelRequest]) -> Callable[[pytest.MonkeyPatch], None]:
    """A fault in what is sent to the model."""

    def install(patch: pytest.MonkeyPatch) -> None:
        usual = AsyncCalls.__call__

        async def call(self: AsyncCalls, request: ModelRequest) -> ModelReply:
            return await usual(self, change(request))

        patch.setattr(AsyncCalls, "__call__", call)

    return install


def _on_report(change: Callable[[TaskReport], TaskReport]) -> Callable[[pytest.MonkeyPatch], None]:
    """A fault in what is written to the state."""

    def install(patch: pytest.MonkeyPatch) -> None:
        usual = RedisStateManager.report

        async def report(self: RedisStateManager, done: TaskReport, place: int, event: Any) -> None:
            await usual(self, change(done), place, event)

        patch.setattr(RedisStateManager, "report", report)

    return install


def _drop_module(patch: pytest.MonkeyPatch) -> None:
    def tasks(plan: Any) -> Any:
        kept = {task: needs for task, needs in build_tasks(plan).items() if task.module != "Shop"}
        return {task: tuple(need for need in needs if need in kept) for task, needs in kept.items()}

    patch.setattr(async_arch.orchestrator, "build_tasks", tasks)


def _swap_code(patch: pytest.MonkeyPatch) -> None:
    usual = Workspace.write
    other = {"users.py": "catalog.py", "catalog.py": "users.py"}

    async def write(self: Workspace, files: Any) -> None:
        await usual(self, {other.get(path, path): content for path, content in files.items()})

    patch.setattr(Workspace, "write", write)


def _lose_api_entry_in_the_document(patch: pytest.MonkeyPatch) -> None:
    usual = RedisStateManager.snapshot

    async def snapshot(self: RedisStateManager) -> dict[str, Any]:
        board: dict[str, Any] = await usual(self)
        del board["api_registry"]["Catalog"]
        return board

    patch.setattr(RedisStateManager, "snapshot", snapshot)


def _lose_function_of_an_api(report: TaskReport) -> TaskReport:
    return replace(
        report,
        changes=tuple(
            replace(change, api=replace(change.api, functions=change.api.functions[:-1]))
            if isinstance(change, ApiDesigned) and change.module == "Users"
            else change
            for change in report.changes
        ),
    )


def _lose_api(report: TaskReport) -> TaskReport:
    kept = [c for c in report.changes if not (isinstance(c, ApiDesigned) and c.module == "Users")]
    return replace(report, changes=tuple(kept))


def _omit_prompt_line(request: ModelRequest) -> ModelRequest:
    if request.role is not Role.DEVELOPER or request.module != "Orders":
        return request
    system, user, *rest = request.messages
    lines = [line for line in user.content.splitlines() if not line.startswith("Import a required module")]
    assert len(lines) < len(user.content.splitlines())
    return replace(request, messages=(system, Message("user", "\n".join(lines)), *rest))


def _lose_attempt(report: TaskReport) -> TaskReport:
    kept = [c for c in report.changes if not isinstance(c, AttemptMade) or report.task.module != "Orders"]
    return replace(report, changes=tuple(kept))


def _half_a_file_is_read(patch: pytest.MonkeyPatch) -> None:
    usual = RedisStateManager.read

    async def read(self: RedisStateManager, wanted: Reads) -> Readings:
        found = await usual(self, wanted)
        if wanted.files != ("users.py",):
            return found
        text = found.files["users.py"]
        return Readings(found.apis, {"users.py": text[: len(text) // 2]})

    patch.setattr(RedisStateManager, "read", read)


def _options_not_passed(patch: pytest.MonkeyPatch) -> None:
    usual = AsyncCalls.__init__

    def init(self: AsyncCalls, settings: Any, now: Any) -> None:
        usual(self, replace(settings, options={}), now)

    patch.setattr(AsyncCalls, "__init__", init)


def _hidden_serialisation(patch: pytest.MonkeyPatch) -> None:
    usual = AsyncCalls.__call__
    lock = asyncio.Lock()

    async def call(self: AsyncCalls, request: ModelRequest) -> ModelReply:
        async with lock:
            return await usual(self, request)

    patch.setattr(AsyncCalls, "__call__", call)


def _crash(patch: pytest.MonkeyPatch) -> None:
    usual = AsyncCalls.__call__

    async def call(self: AsyncCalls, request: ModelRequest) -> ModelReply:
        if request.role is Role.REVIEWER:
            raise AttributeError("'NoneType' object has no attribute 'content'")
        return await usual(self, request)

    patch.setattr(AsyncCalls, "__call__", call)


def _file_name_case(patch: pytest.MonkeyPatch) -> None:
    usual = Workspace.write

    async def write(self: Workspace, files: Any) -> None:
        renamed = {path.replace("orders", "Orders"): content for path, content in files.items()}
        await usual(self, renamed)

    patch.setattr(Workspace, "write", write)


def _event_lost(patch: pytest.MonkeyPatch) -> None:
    usual = RedisStateManager.announce

    async def announce(self: RedisStateManager, event: Any) -> None:
        if event.task != "developer:Orders":
            await usual(self, event)

    patch.setattr(RedisStateManager, "announce", announce)


FAULTS: dict[str, tuple[Callable[[pytest.MonkeyPatch], None], Layer | None, str]] = {
    "a module is dropped": (_drop_module, Layer.CONVERSATION, "Shop"),
    "the code of two modules is swapped": (_swap_code, Layer.FILES, "catalog.py and users.py"),
    "an API entry is lost in the document": (
        _lose_api_entry_in_the_document,
        Layer.BLACKBOARD,
        "api_registry[Catalog]",
    ),
    "an API entry is lost in the store": (_on_report(_lose_api), Layer.OUTCOME, "API of Users"),
    "an API loses a function": (
        _on_report(_lose_function_of_an_api),
        Layer.CONVERSATION,
        "developer of Users",
    ),
    "a line of a prompt is omitted": (
        _on_call(_omit_prompt_line),
        Layer.CONVERSATION,
        "Import a required module",
    ),
    "an attempt is not written": (_on_report(_lose_attempt), Layer.BLACKBOARD, "agent_attempts"),
    "half a file is read": (_half_a_file_is_read, Layer.CONVERSATION, "reviewer of Users"),
    "options are not passed on": (_options_not_passed, Layer.CONVERSATION, "temperature"),
    "calls are serialised by a hidden lock": (_hidden_serialisation, None, "Users and Catalog"),
    "an exception in a task": (_crash, Layer.OUTCOME, "NoneType"),
    "a file name has another case": (_file_name_case, Layer.FILES, "orders.py"),
    "an event is lost": (_event_lost, None, "developer:Orders"),
}


@pytest.mark.parametrize("fault", FAULTS)
async def test_a_fault_fails_the_comparison_and_is_named(
    fault: str, bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    install, layer, words = FAULTS[fault]
    install(monkeypatch)
    comparison = await bench.judge()
    assert comparison.verdict.status is Status.FAIL, comparison.verdict
    assert words in comparison.verdict.reasons[0], comparison.verdict.reasons
    if layer is not None:
        roots = [mismatch for mismatch in comparison.mismatches if not mismatch.follows]
        assert roots[0].layer is layer
