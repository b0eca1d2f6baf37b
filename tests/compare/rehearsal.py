"""Rehearsals: both real engines build a small project with a scripted model, without network and in no time.

The control is the legacy engine; the candidate is the async engine, its state and its files in memory, on
an event loop whose clock jumps from one appointment to the next. What they ask is recorded as the gateway
would record it. A test breaks the candidate by giving it parts that do something wrong.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import random
import selectors
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import yaml

from agents.build import BuildOutcome, TaskEvent
from agents.chat_protocol import chat_messages
from agents.conversation import ModelReply, ModelRequest
from agents.roles import Role
from async_arch.composition import Orchestration
from async_arch.estimates import TaskWeights
from async_arch.json_state import JsonStateStore
from async_arch.orchestrator import AsyncOrchestrator
from async_arch.performing import performing
from async_arch.workspace import Workspace
from harness.gateway.calls import CallRecord
from harness.gateway.canonical import CanonicalRequest
from harness.gateway.lane import lane_of
from harness.record import Failure, ModelFacts, OutcomeStatus, RunOutcome, RunRecord, RunSummary
from harness.record.inspection import defects, generated_files
from harness.spec import Spec
from legacy.factory_boss import FactoryBoss

SHOP = Spec.model_validate(
    {
        "name": "shop",
        "idea": "A shop for books.",
        "modules": [
            {"name": "Users", "module_type": "data", "description": "Accounts of customers."},
            {"name": "Catalog", "module_type": "data", "description": "Books with a price."},
            {
                "name": "Orders",
                "module_type": "service",
                "description": "Orders of customers.",
                "requires": ["Users", "Catalog"],
            },
            {
                "name": "Reports",
                "module_type": "utility",
                "description": "What was sold.",
                "requires": ["Catalog"],
            },
            {
                "name": "Pages",
                "module_type": "web_interface",
                "description": "The pages of the shop.",
                "requires": ["Orders"],
            },
        ],
        "expect": {"modules": 5, "parallel": [["Orders", "Reports"]], "min_speedup": 1.1},
    }
)

Messages = list[dict[str, str]]

# How long after the control the candidate begins.
_LATER_S = 3600.0


class ScriptedModel:
    """Answers every role so that the project comes out whole; each answer depends on every word asked."""

    def __init__(self, spec: Spec = SHOP) -> None:
        self._spec = spec

    def answer(self, request: ModelRequest, messages: Messages) -> str:
        """The answer to `messages`, which are those of `request` unless a test has changed them."""
        mark = digest(json.dumps(messages))[:8]
        module = next((m for m in self._spec.modules if m.name == request.module), None)
        stem = module.name.lower() if module else ""
        text = messages[-1]["content"]
        match request.role:
            case Role.ANALYST:
                plan = {
                    "project": self._spec.name,
                    "summary": f"planned {mark}",
                    "modules": [
                        {
                            "name": m.name,
                            "filename": f"{m.name.lower()}.py",
                            "module_type": str(m.module_type),
                            "description": m.description,
                            "requires": list(m.requires),
                        }
                        for m in self._spec.modules
                    ],
                }
                return f"```yaml\n{yaml.safe_dump(plan, sort_keys=False)}```"
            case Role.AUDITOR:
                return f"```yaml\nverdict: approve\nfindings: []\nremarks: audited {mark}\n```"
            case Role.ARCHITECT:
                api: dict[str, Any] = {
                    "functions": [
                        {"signature": f"list_{stem}(limit: int) -> list", "purpose": "list them"},
                        {"signature": f"add_{stem}(name: str) -> int", "purpose": "add one"},
                    ],
                    "routes": [],
                    "notes": f"designed {mark}",
                }
                if stem == "pages":
                    api["routes"] = [{"method": "GET", "path": "/", "purpose": "the shop"}]
                return f"```yaml\n{yaml.safe_dump(api, sort_keys=False)}```"
            case Role.DEVELOPER:
                revised = "# revised\n" if len(messages) > 2 else ""
                return f"```python\n{self._source(stem, mark)}{revised}```"
            case Role.REVIEWER:
                if stem == "orders" and "# revised" not in text:
                    return "```yaml\nverdict: revise\nfindings: [state the limit]\nremarks: not yet\n```"
                return f"```yaml\nverdict: approve\nfindings: []\nremarks: reviewed {mark}\n```"
            case Role.OPTIMIZER:
                if stem != "users":
                    return "NO CHANGE"
                source = text.partition("````python\n")[2].partition("````")[0]
                return f"```python\n{source}# optimized {mark}\n```"
            case Role.FRONTEND_DEVELOPER:
                page = f"<html><head><title>{mark}</title></head><body></body></html>"
                return f"```html\n{page}\n```\n```css\nbody {{ margin: 0 }}\n```"
            case Role.INTEGRATOR:
                return (
                    f'```python\n"""Starts the shop, {mark}."""\n\n'
                    "from flask import Flask\n\nimport pages\n\n\n"
                    "def create_app() -> Flask:\n    app = Flask(__name__)\n"
                    "    app.register_blueprint(pages.blueprint)\n    return app\n\n\n"
                    "app = create_app()\n```\n```text\nFlask\n```"
                )
            case Role.DEBUGGER:
                return "```yaml\nstatus: ok\n```"

    def _source(self, stem: str, mark: str) -> str:
        head = f'"""The module {stem}, written {mark}."""\n\n'
        body = (
            f"\n\ndef list_{stem}(limit: int) -> list:\n    return [{stem!r}][:limit]\n\n\n"
            f"def add_{stem}(name: str) -> int:\n    return len(name) + len({stem!r})\n"
        )
        if stem != "pages":
            return head + body.lstrip("\n")
        imports = "from flask import Blueprint, render_template\n\n"
        view = (
            'blueprint = Blueprint("pages", __name__)\n\n\n@blueprint.get("/")\ndef index():\n'
            '    return render_template("pages.html", title="Shop", groups=[])\n'
        )
        return head + imports + view + body


class VirtualTimeLoop(asyncio.SelectorEventLoop):
    """An event loop that never waits: its clock jumps to the next appointment."""

    def __init__(self) -> None:
        self.now_s = 0.0
        super().__init__(_NeverWaits(self))

    def time(self) -> float:
        return self.now_s


class _NeverWaits(selectors.SelectSelector):
    def __init__(self, loop: VirtualTimeLoop) -> None:
        super().__init__()
        self._loop = loop

    def select(self, timeout: float | None = None) -> list[Any]:
        if timeout is None:
            raise RuntimeError("the engine waits for something that will never happen")
        self._loop.now_s += max(timeout, 0.0)
        return super().select(0)


class MemoryState(JsonStateStore):
    """The state in memory, with nothing written in threads."""

    async def _save(self) -> None:
        pass


class PlainWorkspace(Workspace):
    """The project folder, written without threads."""

    async def write(self, files: Mapping[str, str]) -> None:
        self._write(files)


@dataclass
class Gateway:
    """What the gateway would have seen: calls on `slots` slots, as long as `seed` makes them."""

    model: ScriptedModel
    clock: Callable[[], float]
    slots: int
    seed: int
    options: dict[str, Any] = field(default_factory=dict)
    calls: list[CallRecord] = field(default_factory=list)

    def took_s(self, request: CanonicalRequest) -> float:
        """How long the model takes for `request`."""
        return random.Random(f"{self.seed} {request.hash}").uniform(0.5, 3.0)  # noqa: S311 (no secret)

    def ask(self, request: ModelRequest, messages: Messages) -> tuple[CanonicalRequest, str]:
        """The canonical request and its answer."""
        payload = {"model": "llama3.1", "messages": messages, "options": self.options}
        return CanonicalRequest.from_payload(payload), self.model.answer(request, messages)

    def note(
        self,
        number: int,
        request: CanonicalRequest,
        response: str,
        *,
        arrival_s: float,
        granted_s: float,
    ) -> None:
        """Record a call that ends now."""
        lane = lane_of(request)
        self.calls.append(
            CallRecord(
                run="",
                number=number,
                endpoint="/api/chat",
                model=request.model,
                stream=True,
                role=lane.role,
                module=lane.module,
                attempt=lane.attempt,
                request_hash=request.hash,
                request=request,
                response=response,
                arrival_s=arrival_s,
                granted_s=granted_s,
                first_byte_s=granted_s,
                end_s=self.clock(),
                prompt_tokens=len(request.as_json()) // 5,
                output_tokens=len(response) // 5,
                load_s=None,
                prompt_eval_s=None,
                eval_s=None,
                status=200,
                error=None,
                done_reason="stop",
            )
        )


class Calls:
    """The candidate's way to the model; a test may say otherwise what is sent, and how often."""

    def __init__(self, gateway: Gateway) -> None:
        self.gateway = gateway
        self._free = asyncio.Semaphore(gateway.slots)
        self._number = 0

    def sent(self, request: ModelRequest) -> Messages:
        """The messages that go out for `request`."""
        return chat_messages(request)

    async def __call__(self, request: ModelRequest) -> ModelReply:
        return await self.call(request)

    async def call(self, request: ModelRequest) -> ModelReply:
        """One call, as the gateway sees it."""
        self._number += 1
        number, arrival_s = self._number, self.gateway.clock()
        canonical, text = self.gateway.ask(request, self.sent(request))
        async with self._free:
            granted_s = self.gateway.clock()
            await asyncio.sleep(self.gateway.took_s(canonical))
            self.gateway.note(number, canonical, text, arrival_s=arrival_s, granted_s=granted_s)
        return ModelReply(text, at(_LATER_S + self.gateway.clock()))


@dataclass(frozen=True)
class Parts:
    """What the candidate is made of; a test puts a broken part in the place of one."""

    calls: type[Calls] = Calls
    state: type[MemoryState] = MemoryState
    workspace: type[Workspace] = PlainWorkspace
    model: ScriptedModel = field(default_factory=ScriptedModel)
    options: dict[str, Any] = field(default_factory=dict)
    orchestration: Orchestration = Orchestration.CONCURRENT
    weights: TaskWeights | None = None


def rehearse_control(
    folder: Path, spec: Spec = SHOP, model: ScriptedModel | None = None, *, slots: int = 4, seed: int = 0
) -> RunRecord:
    """What the legacy engine does with `spec`."""
    now_s = 0.0
    gateway = Gateway(model or ScriptedModel(), lambda: now_s, slots, seed)
    events: list[TaskEvent] = []

    def call(request: ModelRequest) -> ModelReply:
        nonlocal now_s
        began_s = now_s = now_s + 0.001
        canonical, text = gateway.ask(request, chat_messages(request))
        now_s += gateway.took_s(canonical)
        gateway.note(len(gateway.calls) + 1, canonical, text, arrival_s=began_s, granted_s=began_s)
        return ModelReply(text, at(now_s))

    project = folder / "files"
    project.mkdir(parents=True)
    boss = FactoryBoss(project, call, lambda: at(now_s), events.append)
    outcome = boss.build(spec.order)
    board = json.loads((project / "blackboard.json").read_text(encoding="utf-8"))
    (project / "blackboard.json").unlink()
    return _record(folder, spec, "legacy", gateway, outcome, events, board, now_s)


def rehearse_candidate(
    folder: Path, spec: Spec = SHOP, parts: Parts | None = None, *, slots: int = 4, seed: int = 0
) -> RunRecord:
    """What the async engine, made of `parts`, does with `spec`."""
    parts = parts or Parts()
    project = folder / "files"
    project.mkdir(parents=True)
    loop = VirtualTimeLoop()
    gateway = Gateway(parts.model, loop.time, slots, seed, dict(parts.options))

    async def build() -> tuple[BuildOutcome, list[TaskEvent], dict[str, object]]:
        state = parts.state(project / "blackboard.json")
        orchestrator = AsyncOrchestrator(
            state=state,
            perform=performing(parts.calls(gateway)),  # type: ignore[arg-type]
            workspace=parts.workspace(project),
            orchestration=parts.orchestration,
            concurrency=slots,
            now=lambda: at(_LATER_S + loop.time()),
            weights=parts.weights,
        )
        outcome = await orchestrator.build(spec.order)
        board = json.loads(json.dumps(await state.snapshot()))
        return outcome, [event async for event in _until_finished(state)], board

    with asyncio.Runner(loop_factory=lambda: loop) as runner:
        outcome, events, board = runner.run(build())
    gateway.calls.sort(key=lambda call: call.number)
    return _record(folder, spec, "async", gateway, outcome, events, board, loop.now_s)


def at(seconds: float) -> str:
    """The ISO timestamp of a moment on a rehearsal's clock."""
    return (datetime(2024, 5, 1, tzinfo=UTC) + timedelta(seconds=seconds)).isoformat(timespec="milliseconds")


def digest(text: str) -> str:
    """A text that stands for `text`."""
    return hashlib.sha256(text.encode()).hexdigest()


async def _until_finished(state: MemoryState) -> AsyncIterator[TaskEvent]:
    # A lost last event must not keep the test waiting.
    for event in state._events:
        yield event


def _record(
    folder: Path,
    spec: Spec,
    engine: str,
    gateway: Gateway,
    outcome: BuildOutcome,
    events: list[TaskEvent],
    board: dict[str, object],
    wall_s: float,
) -> RunRecord:
    (folder / "blackboard.json").write_text(json.dumps(board), encoding="utf-8")
    files = generated_files(folder / "files")
    found = () if outcome.failures else defects(folder / "files", files, board)
    status = OutcomeStatus.BROKEN if found else OutcomeStatus.FINISHED
    summary = RunSummary(
        id=folder.name,
        spec=spec.name,
        engine=engine,
        composition={},
        concurrent=engine == "async",
        model=ModelFacts(kind="simulated", name="llama3.1"),
        slots=gateway.slots,
        redis="embedded" if engine == "async" else None,
        began_at=at(_LATER_S if engine == "async" else 0),
        startup_s=0.25,
        wall_s=wall_s,
        outcome=RunOutcome(
            status=OutcomeStatus.FAILED if outcome.failures else status,
            failures=tuple(Failure(task=f.task, cause=f.cause, reason=f.reason) for f in outcome.failures),
            skipped=outcome.skipped,
            defects=found,
        ),
        files=files,
        malformed_requests=0,
        other_requests=0,
    )
    calls = tuple(call.model_copy(update={"run": folder.name}) for call in gateway.calls)
    return RunRecord(summary, calls, tuple(events), board, folder)
