"""The async engine broken in one place each, and what a comparison must name as the cause."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

from agents.blackboard import AttemptMade, Change, FileWritten, Logged, Section
from agents.build import EventKind, TaskEvent
from agents.conversation import ModelReply, ModelRequest
from agents.plan import Plan
from agents.roles import Role
from agents.workflow import Reads, Task, TaskReport, build_tasks
from async_arch.orchestrator import Workflow
from async_arch.state_store import Readings
from harness.compare import Kind, Layer
from tests.compare.rehearsal import Calls, MemoryState, Messages, Parts, PlainWorkspace, ScriptedModel


@dataclass(frozen=True)
class Breakage:
    """A broken engine: its parts, what is patched into it, and the first mismatch it must be told by."""

    layer: Layer
    kind: Kind
    words: tuple[str, ...]
    parts: Parts = field(default_factory=Parts)
    patches: Mapping[str, Any] = field(default_factory=dict)


def _without(module: str) -> Callable[[Plan], dict[Task, tuple[Task, ...]]]:
    def tasks_left(plan: Plan) -> dict[Task, tuple[Task, ...]]:
        return {
            task: tuple(need for need in needs if need.module != module)
            for task, needs in build_tasks(plan).items()
            if task.module != module
        }

    return tasks_left


class _SwapsFiles(PlainWorkspace):
    async def write(self, files: Mapping[str, str]) -> None:
        other = {"users.py": "catalog.py", "catalog.py": "users.py"}
        await super().write({other.get(path, path): content for path, content in files.items()})


class _ReadsSwappedSources(MemoryState):
    async def read(self, wanted: Reads) -> Readings:
        found = await super().read(wanted)
        other = {"users.py": "catalog.py", "catalog.py": "users.py"}
        return replace(
            found,
            files={p: self._files.get(other.get(p, p), content) for p, content in found.files.items()},
        )


class _LosesApiEntry(MemoryState):
    async def snapshot(self) -> dict[str, object]:
        self._entries = [e for e in self._entries if (e.section, e.key) != (Section.API_REGISTRY, "Catalog")]
        return await super().snapshot()


class _ForgetsApi(MemoryState):
    async def report(self, report: TaskReport, place: int, event: TaskEvent) -> None:
        await super().report(report, place, event)
        self._apis.pop("Reports", None)


class _LosesFunction(MemoryState):
    async def read(self, wanted: Reads) -> Readings:
        found = await super().read(wanted)
        apis = {
            name: replace(api, functions=api.functions[:1]) if name == "Reports" else api
            for name, api in found.apis.items()
        }
        return replace(found, apis=apis)


class _OmitsLine(Calls):
    def sent(self, request: ModelRequest) -> Messages:
        messages = super().sent(request)
        if (request.role, request.module) == (Role.DEVELOPER, "Catalog"):
            lines = messages[1]["content"].split("\n")
            messages[1]["content"] = "\n".join(line for line in lines if "Import a required" not in line)
        return messages


class _NeedsThatLine(ScriptedModel):
    def answer(self, request: ModelRequest, messages: Messages) -> str:
        if request.role is Role.DEVELOPER and "Import a required" not in messages[1]["content"]:
            return "What may I import?"
        return super().answer(request, messages)


class _AsksTwice(Calls):
    async def __call__(self, request: ModelRequest) -> ModelReply:
        if (request.role, request.module, request.attempt) == (Role.DEVELOPER, "Orders", 1):
            await self.call(request)
        return await self.call(request)


class _Breaks(Calls):
    async def __call__(self, request: ModelRequest) -> ModelReply:
        if (request.role, request.module) == (Role.OPTIMIZER, "Orders"):
            raise RuntimeError("the optimizer tripped")
        return await super().__call__(request)


class _Reports(MemoryState):
    """A state that is told of `changed(changes)` instead of the changes."""

    @staticmethod
    def changed(changes: tuple[Change, ...]) -> tuple[Change, ...]:
        return changes

    async def report(self, report: TaskReport, place: int, event: TaskEvent) -> None:
        await super().report(replace(report, changes=self.changed(report.changes)), place, event)


class _LosesLog(_Reports):
    @staticmethod
    def changed(changes: tuple[Change, ...]) -> tuple[Change, ...]:
        return tuple(c for c in changes if not (isinstance(c, Logged) and "approved" in c.message))


class _DoublesAttempt(_Reports):
    @staticmethod
    def changed(changes: tuple[Change, ...]) -> tuple[Change, ...]:
        first = next((c for c in changes if isinstance(c, AttemptMade)), None)
        return (first, *changes) if first and first.attempt.module == "Reports" else changes


class _WrongCaseInState(_Reports):
    @staticmethod
    def changed(changes: tuple[Change, ...]) -> tuple[Change, ...]:
        return tuple(
            replace(c, path="static/Pages.css")
            if isinstance(c, FileWritten) and c.path == "static/pages.css"
            else c
            for c in changes
        )


class _WrongCaseOnDisk(PlainWorkspace):
    async def write(self, files: Mapping[str, str]) -> None:
        renamed = {"Orders.py" if path == "orders.py" else path: text for path, text in files.items()}
        await super().write(renamed)


class _LosesFile(PlainWorkspace):
    async def write(self, files: Mapping[str, str]) -> None:
        await super().write({path: text for path, text in files.items() if path != "reports.py"})


class _LosesEvent(MemoryState):
    async def announce(self, event: TaskEvent) -> None:
        if (event.kind, event.task) != (EventKind.TASK_COMPLETED, "reviewer:Users"):
            await super().announce(event)


class _ByArrival(MemoryState):
    async def report(self, report: TaskReport, place: int, event: TaskEvent) -> None:
        await super().report(report, len(self._events), event)


BREAKAGES = {
    "drops a module that nothing needs": Breakage(
        Layer.CONVERSATION,
        Kind.MISSING,
        ("the candidate asked nothing for module Reports",),
        patches={"async_arch.orchestrator.Workflow": partial(Workflow, tasks=_without("Reports"))},
    ),
    "drops a module that others need": Breakage(
        Layer.CONVERSATION,
        Kind.MISSING,
        ("the candidate asked nothing for module Users",),
        patches={"async_arch.orchestrator.Workflow": partial(Workflow, tasks=_without("Users"))},
    ),
    "swaps the code of two modules on disk": Breakage(
        Layer.FILES, Kind.SWAPPED, ("catalog.py and users.py",), Parts(workspace=_SwapsFiles)
    ),
    "swaps the code of two modules in its state": Breakage(
        Layer.CONVERSATION,
        Kind.PROMPT_DRIFT,
        ("of Users was asked otherwise", "the control says this to the", "of Catalog"),
        Parts(state=_ReadsSwappedSources),
    ),
    "loses an entry of the API registry": Breakage(
        Layer.BLACKBOARD, Kind.MISSING, ("api_registry[Catalog]",), Parts(state=_LosesApiEntry)
    ),
    "forgets an API that a task needs": Breakage(
        Layer.OUTCOME,
        Kind.FAILED,
        ("developer:Reports failed in the candidate only: KeyError: 'Reports'",),
        Parts(state=_ForgetsApi),
    ),
    "loses a function of an API": Breakage(
        Layer.CONVERSATION,
        Kind.PROMPT_DRIFT,
        ("the developer of Reports was asked otherwise", "missing", "add_reports"),
        Parts(state=_LosesFunction),
    ),
    "omits a line of a prompt": Breakage(
        Layer.CONVERSATION,
        Kind.PROMPT_DRIFT,
        ("the developer of Catalog was asked otherwise, in message 2 (user)", "missing: “Import a required"),
        Parts(calls=_OmitsLine),
    ),
    "omits a line of a prompt, and the model fails for it": Breakage(
        Layer.CONVERSATION,
        Kind.PROMPT_DRIFT,
        ("the developer of Catalog was asked otherwise, in message 2 (user)", "missing: “Import a required"),
        Parts(calls=_OmitsLine, model=_NeedsThatLine()),
    ),
    "passes other options": Breakage(
        Layer.CONVERSATION,
        Kind.OPTIONS_DRIFT,
        ("the analyst was asked with options", '“{"temperature": 0.5}” instead of “{}”'),
        Parts(options={"temperature": 0.5}),
    ),
    "asks twice": Breakage(
        Layer.CONVERSATION,
        Kind.REPEATED,
        ("the developer of Orders was asked twice instead of once",),
        Parts(calls=_AsksTwice),
    ),
    "notes an attempt twice": Breakage(
        Layer.BLACKBOARD, Kind.EXTRA, ("agent_attempts[architect Reports 1",), Parts(state=_DoublesAttempt)
    ),
    "loses a log entry": Breakage(
        Layer.BLACKBOARD, Kind.MISSING, ("logs[info the plan was approved]",), Parts(state=_LosesLog)
    ),
    "loses an event": Breakage(
        Layer.EVENTS,
        Kind.MISSING,
        ("did not announce TASK_COMPLETED reviewer:Users",),
        Parts(state=_LosesEvent),
    ),
    "writes a file in the wrong case": Breakage(
        Layer.FILES, Kind.RENAMED, ("orders.py is called Orders.py",), Parts(workspace=_WrongCaseOnDisk)
    ),
    "notes a file in the wrong case": Breakage(
        Layer.CONVERSATION, Kind.PROMPT_DRIFT, ("static/Pages.css",), Parts(state=_WrongCaseInState)
    ),
    "loses a file": Breakage(
        Layer.FILES, Kind.MISSING, ("reports.py is missing",), Parts(workspace=_LosesFile)
    ),
    "orders its blackboard by arrival": Breakage(
        Layer.BLACKBOARD, Kind.CHANGED, ("[order] is",), Parts(state=_ByArrival)
    ),
    "breaks in one task": Breakage(
        Layer.OUTCOME,
        Kind.FAILED,
        ("optimizer:Orders failed in the candidate only: RuntimeError: the optimizer tripped",),
        Parts(calls=_Breaks),
    ),
}
