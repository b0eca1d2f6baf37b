"""Faults in the async loop itself: what only it uses of the state, its workspace, how it walks the tasks."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import async_arch.engine
import async_arch.orchestrator
import async_arch.workspace
from agents.blackboard import ApiDesigned, AttemptMade, Change, FileWritten, Logged, Reasoned
from agents.build import EventKind, TaskEvent
from agents.plan import Plan
from agents.roles import Role
from agents.workflow import Reads, Task, TaskReport, build_tasks
from async_arch.executor import Assignment, LocalExecutor
from async_arch.orchestrator import AsyncOrchestrator, Workflow, _Files
from async_arch.state_manager import RedisStateManager
from async_arch.state_store import Readings
from async_arch.workspace import Workspace
from harness.compare import Layer
from tests.seeded.fault import Blame, Fault, Install, Patch

__all__ = ["LOOP_FAULTS", "tasks_changed"]


def _report(change: Callable[[TaskReport], TaskReport]) -> Install:
    """A fault in what a task is written down to have done."""

    def install(patch: Patch) -> None:
        usual = RedisStateManager.report

        async def report(self: RedisStateManager, done: TaskReport, place: int, event: TaskEvent) -> None:
            await usual(self, change(done), place, event)

        patch.setattr(RedisStateManager, "report", report)

    return install


def _changes(change: Callable[[Task, Change], Change | None]) -> Install:
    def changed(report: TaskReport) -> TaskReport:
        found = [change(report.task, made) for made in report.changes]
        return replace(report, changes=tuple(made for made in found if made is not None))

    return _report(changed)


def _read(change: Callable[[Reads, Readings], Readings]) -> Install:
    """A fault in what a task reads."""

    def install(patch: Patch) -> None:
        usual = RedisStateManager.read

        async def read(self: RedisStateManager, wanted: Reads) -> Readings:
            return change(wanted, await usual(self, wanted))

        patch.setattr(RedisStateManager, "read", read)

    return install


def _write(change: Callable[[dict[str, str]], Mapping[str, str]]) -> Install:
    """A fault in what goes to the disk."""

    def install(patch: Patch) -> None:
        usual = Workspace.write

        async def write(self: Workspace, files: Mapping[str, str]) -> None:
            await usual(self, change(dict(files)))

        patch.setattr(Workspace, "write", write)

    return install


def _to_disk(write: Callable[[Path, str], object]) -> Install:
    """A fault in how a file is written."""
    return lambda patch: patch.setattr(async_arch.workspace, "replace_file", write)


def _announce(told: Callable[[TaskEvent], list[TaskEvent]]) -> Install:
    """A fault in what is announced beside the ends of tasks."""

    def install(patch: Patch) -> None:
        usual = RedisStateManager.announce

        async def announce(self: RedisStateManager, event: TaskEvent) -> None:
            for one in told(event):
                await usual(self, one)

        patch.setattr(RedisStateManager, "announce", announce)

    return install


def _end_event(change: Callable[[TaskEvent], TaskEvent]) -> Install:
    """A fault in the event that a task ends with."""

    def install(patch: Patch) -> None:
        usual = RedisStateManager.report

        async def report(self: RedisStateManager, done: TaskReport, place: int, event: TaskEvent) -> None:
            await usual(self, done, place, change(event))

        patch.setattr(RedisStateManager, "report", report)

    return install


def tasks_changed(change: Callable[[dict[Task, tuple[Task, ...]]], dict[Task, tuple[Task, ...]]]) -> Install:
    """A fault in the graph of tasks."""

    def install(patch: Patch) -> None:
        def tasks(plan: Plan) -> dict[Task, tuple[Task, ...]]:
            return change(build_tasks(plan))

        patch.setattr(async_arch.orchestrator, "Workflow", partial(Workflow, tasks=tasks))

    return install


# What is written down.


def _api_lost(task: Task, made: Change) -> Change | None:
    return None if isinstance(made, ApiDesigned) and made.module == "Users" else made


def _function_of_api_lost(task: Task, made: Change) -> Change:
    if isinstance(made, ApiDesigned) and made.module == "Users":
        return replace(made, api=replace(made.api, functions=made.api.functions[:-1]))
    return made


def _api_under_wrong_name(task: Task, made: Change) -> Change:
    other = {"Users": "Catalog", "Catalog": "Users"}
    return (
        replace(made, module=other.get(made.module, made.module)) if isinstance(made, ApiDesigned) else made
    )


def _attempt_lost(task: Task, made: Change) -> Change | None:
    return None if isinstance(made, AttemptMade) and task.module == "Shop" else made


def _reasons_lost(task: Task, made: Change) -> Change | None:
    return None if isinstance(made, Reasoned) else made


def _last_log_lost(task: Task, made: Change) -> Change | None:
    return None if isinstance(made, Logged) and task.role is Role.DEBUGGER else made


def _last_version_not_stored(task: Task, made: Change) -> Change | None:
    """The reviewed version of a file reaches the disk and not the state: a lost update."""
    return None if isinstance(made, FileWritten) and task == Task(Role.REVIEWER, "Users") else made


def _path_in_other_case(task: Task, made: Change) -> Change:
    if isinstance(made, FileWritten) and made.path.endswith(".css"):
        return replace(made, path=made.path.replace("shop", "Shop"))
    return made


def _report_lost(patch: Patch) -> None:
    """An exception of the state is swallowed, and with it a whole report."""
    usual = RedisStateManager.report

    async def report(self: RedisStateManager, done: TaskReport, place: int, event: TaskEvent) -> None:
        if str(done.task) != "optimizer:Shop":
            await usual(self, done, place, event)

    patch.setattr(RedisStateManager, "report", report)


def _place_of_another(patch: Patch) -> None:
    """Places are counted from nought after the planning too."""
    usual = RedisStateManager.report

    async def report(self: RedisStateManager, done: TaskReport, place: int, event: TaskEvent) -> None:
        await usual(self, done, max(place - 4, 0), event)

    patch.setattr(RedisStateManager, "report", report)


# What is read.


def _half_a_file_read(wanted: Reads, found: Readings) -> Readings:
    if wanted.files != ("users.py",):
        return found
    text = found.files["users.py"]
    return Readings(found.apis, {"users.py": text[: len(text) // 2]})


def _stale_read(patch: Patch) -> None:
    """What was read once is read from a cache that nobody empties."""
    usual = RedisStateManager.read
    seen: dict[str, str] = {}

    async def read(self: RedisStateManager, wanted: Reads) -> Readings:
        found = await usual(self, wanted)
        return Readings(found.apis, {path: seen.setdefault(path, text) for path, text in found.files.items()})

    patch.setattr(RedisStateManager, "read", read)


def _api_of_another_read(wanted: Reads, found: Readings) -> Readings:
    if wanted.apis == ("Catalog",):
        return found
    apis = {
        name: found.apis.get("Users", api) if name == "Catalog" else api for name, api in found.apis.items()
    }
    return Readings(apis, found.files)


def _source_of_another_read(patch: Patch) -> None:
    """A reviewer gets the file of the module that was worked on before."""
    usual = RedisStateManager.read
    sources: dict[str, str] = {}

    async def read(self: RedisStateManager, wanted: Reads) -> Readings:
        found = await usual(self, wanted)
        if wanted.all_files:
            return found
        sources.update(found.files)
        return Readings(found.apis, {path: next(iter(sources.values())) for path in found.files})

    patch.setattr(RedisStateManager, "read", read)


def _only_first_apis(wanted: Reads, found: Readings) -> Readings:
    if not wanted.all_files:
        return found
    return Readings(dict(list(found.apis.items())[:2]), found.files)


def _pages_not_read(wanted: Reads, found: Readings) -> Readings:
    return Readings(found.apis, {p: t for p, t in found.files.items() if not p.startswith("templates/")})


# What goes to the disk.


def _code_swapped(files: dict[str, str]) -> dict[str, str]:
    other = {"users.py": "catalog.py", "catalog.py": "users.py"}
    return {other.get(path, path): text for path, text in files.items()}


def _other_case(files: dict[str, str]) -> dict[str, str]:
    return {path.replace("catalog", "Catalog"): text for path, text in files.items()}


def _folder_lost(files: dict[str, str]) -> dict[str, str]:
    return {path.removeprefix("static/"): text for path, text in files.items()}


def _file_lost(files: dict[str, str]) -> dict[str, str]:
    return {path: text for path, text in files.items() if not path.endswith(".js")}


def _first_version_stays(patch: Patch) -> None:
    """A file that was handed on is not written again."""
    usual = _Files.write
    handed_on: set[tuple[int, str]] = set()

    def write(self: _Files, files: Mapping[str, str]) -> None:
        fresh = {path: text for path, text in files.items() if (id(self), path) not in handed_on}
        handed_on.update((id(self), path) for path in fresh)
        usual(self, fresh)

    patch.setattr(_Files, "write", write)


def _cut_at_a_page(path: Path, text: str) -> None:
    path.write_bytes(text.encode()[:2048] if path.suffix == ".py" else text.encode())


def _other_code_page(path: Path, text: str) -> None:
    code_page = "latin-1" if path.suffix in (".py", ".html") else "utf-8"
    path.write_text(text, encoding=code_page, errors="replace")


def _byte_order_mark(path: Path, text: str) -> None:
    path.write_text(text, encoding="utf-8-sig" if path.suffix == ".html" else "utf-8")


def _other_line_ends(path: Path, text: str) -> None:
    path.write_text(text, encoding="utf-8", newline="\r\n")


def _no_last_line_end(path: Path, text: str) -> None:
    path.write_text(text.rstrip("\n") if path.suffix == ".css" else text, encoding="utf-8")


def _appended(path: Path, text: str) -> None:
    with path.open("a", encoding="utf-8") as file:
        file.write(text)


def _temporary_stays(path: Path, text: str) -> None:
    path.with_name(f".{path.name}.partial").write_text(text, encoding="utf-8")
    path.write_text(text, encoding="utf-8")


def _emptied(path: Path, text: str) -> None:
    """Opened for writing, and the process was interrupted before it wrote."""
    path.write_text("" if path.name == "main.py" else text, encoding="utf-8")


def _private(path: Path, text: str) -> None:
    """Through a temporary file that only its owner may read, as `tempfile` makes them."""
    path.write_text(text, encoding="utf-8")
    path.chmod(0o600)


# What is announced.


def _start_lost(event: TaskEvent) -> list[TaskEvent]:
    return [] if event.task == "developer:Shop" else [event]


def _start_doubled(event: TaskEvent) -> list[TaskEvent]:
    return [event, event] if event.task == "developer:Shop" else [event]


def _start_of_another(event: TaskEvent) -> list[TaskEvent]:
    return [replace(event, task="developer:Users")] if event.task == "developer:Catalog" else [event]


def _start_comes_late(patch: Patch) -> None:
    """The start of a task is announced beside the work, and comes when it comes."""
    usual = RedisStateManager.announce
    pending: set[asyncio.Task[None]] = set()

    async def late(self: RedisStateManager, event: TaskEvent) -> None:
        await asyncio.sleep(0.05)
        await usual(self, event)

    async def announce(self: RedisStateManager, event: TaskEvent) -> None:
        if event.task == "reviewer:Users":
            pending.add(asyncio.create_task(late(self, event)))
        else:
            await usual(self, event)

    patch.setattr(RedisStateManager, "announce", announce)


def _end_lost(patch: Patch) -> None:
    usual = async_arch.state_manager.event_write

    def event_write(event: TaskEvent) -> Any:
        lost = event.kind is EventKind.TASK_COMPLETED and event.task == "integrator"
        return async_arch.state_manager.set_hash("meta", b"lost", b"1") if lost else usual(event)

    patch.setattr(async_arch.state_manager, "event_write", event_write)


def _started_ahead(patch: Patch) -> None:
    """The start of every task is announced at the start of the build."""
    usual = AsyncOrchestrator._build_modules
    usual_announce = RedisStateManager.announce

    async def build_modules(self: AsyncOrchestrator, graph: Any, progress: Any) -> tuple[str, ...]:
        for task in graph.tasks:
            if task.module:
                await usual_announce(self._state, self._event(EventKind.TASK_STARTED, task))
        return await usual(self, graph, progress)

    async def announce(self: RedisStateManager, event: TaskEvent) -> None:
        if event.kind is not EventKind.TASK_STARTED or ":" not in event.task:
            await usual_announce(self, event)

    patch.setattr(AsyncOrchestrator, "_build_modules", build_modules)
    patch.setattr(RedisStateManager, "announce", announce)


def _finished_says_failed(patch: Patch) -> None:
    usual = RedisStateManager.finish

    async def finish(self: RedisStateManager, status: Any, event: Any = None) -> None:
        await usual(self, status, event and replace(event, detail="failed"))

    patch.setattr(RedisStateManager, "finish", finish)


# How the tasks are walked.


def _module_dropped(tasks: dict[Task, tuple[Task, ...]]) -> dict[Task, tuple[Task, ...]]:
    kept = {task: needs for task, needs in tasks.items() if task.module != "Shop"}
    return {task: tuple(need for need in needs if need in kept) for task, needs in kept.items()}


def _debugger_dropped(tasks: dict[Task, tuple[Task, ...]]) -> dict[Task, tuple[Task, ...]]:
    return {task: needs for task, needs in tasks.items() if task.role is not Role.DEBUGGER}


def _debugger_before_integrator(tasks: dict[Task, tuple[Task, ...]]) -> dict[Task, tuple[Task, ...]]:
    integrator, debugger = Task(Role.INTEGRATOR), Task(Role.DEBUGGER)
    others = {task: needs for task, needs in tasks.items() if task not in (integrator, debugger)}
    return {**others, debugger: tasks[integrator], integrator: (debugger,)}


def optimizer_beside_reviewer(tasks: dict[Task, tuple[Task, ...]]) -> dict[Task, tuple[Task, ...]]:
    """The optimizer of a module is begun before its reviewer is done."""
    changed: dict[Task, tuple[Task, ...]] = {}
    for task, needs in tasks.items():
        if task == Task(Role.REVIEWER, "Catalog"):
            changed[Task(Role.OPTIMIZER, "Catalog")] = needs
        changed[task] = needs
    changed[Task(Role.OPTIMIZER, "Catalog")] = (Task(Role.DEVELOPER, "Catalog"),)
    return changed


def _task_done_twice(patch: Patch) -> None:
    usual = LocalExecutor._attempt

    async def attempt(self: LocalExecutor, assignment: Assignment) -> TaskReport:
        report = await usual(self, assignment)
        twice = assignment.task == Task(Role.OPTIMIZER, "Users")
        return await usual(self, assignment) if twice else report

    patch.setattr(LocalExecutor, "_attempt", attempt)


def _exception(patch: Patch) -> None:
    usual = LocalExecutor._inputs

    async def inputs(self: LocalExecutor, assignment: Assignment) -> Any:
        if assignment.task == Task(Role.REVIEWER, "Shop"):
            raise AttributeError("'NoneType' object has no attribute 'files'")
        return await usual(self, assignment)

    patch.setattr(LocalExecutor, "_inputs", inputs)


def _exception_swallowed(patch: Patch) -> None:
    """What breaks in a task is taken for its end."""
    _exception(patch)
    usual = LocalExecutor._attempt

    async def attempt(self: LocalExecutor, assignment: Assignment) -> TaskReport:
        report = await usual(self, assignment)
        return report if report.failure is None else TaskReport(assignment.task, ())

    patch.setattr(LocalExecutor, "_attempt", attempt)


def _failure_swallowed(patch: Patch) -> None:
    usual = AsyncOrchestrator.build

    async def build(self: AsyncOrchestrator, order: Any, *, resume: bool = False) -> Any:
        return replace(await usual(self, order, resume=resume), failures=())

    patch.setattr(AsyncOrchestrator, "build", build)


def _failure_stops_everything(patch: Patch) -> None:
    async def run_in_order(tasks: Mapping[Task, Any], work: Callable[[Task], Awaitable[bool]]) -> None:
        for task in tasks:
            if not await work(task):
                break

    patch.setattr(async_arch.orchestrator, "run_in_order", run_in_order)


def _failure_stops_nothing(patch: Patch) -> None:
    async def run_in_order(tasks: Mapping[Task, Any], work: Callable[[Task], Awaitable[bool]]) -> None:
        for task in tasks:
            await work(task)

    patch.setattr(async_arch.orchestrator, "run_in_order", run_in_order)


def _skipped_not_told(patch: Patch) -> None:
    patch.setattr(async_arch.orchestrator, "blocked", lambda tasks, broken: {})


def _hints_lost(patch: Patch) -> None:
    usual = AsyncOrchestrator.build

    async def build(self: AsyncOrchestrator, order: Any, *, resume: bool = False) -> Any:
        return await usual(self, replace(order, hints=()), resume=resume)

    patch.setattr(AsyncOrchestrator, "build", build)


def _idea_cut(patch: Patch) -> None:
    usual = AsyncOrchestrator.build

    async def build(self: AsyncOrchestrator, order: Any, *, resume: bool = False) -> Any:
        return await usual(self, replace(order, idea=order.idea[:40]), resume=resume)

    patch.setattr(AsyncOrchestrator, "build", build)


def _clock_stands_still(patch: Patch) -> None:
    patch.setattr(async_arch.engine, "timestamp", lambda: "1970-01-01T00:00:00.000+00:00")


def _loop(name: str, layer: Layer, words: str, install: Install, **more: Any) -> Fault:
    return Fault(name, Blame.LOOP, layer, words, install, **more)


LOOP_FAULTS = (
    _loop("an API entry is lost in the store", Layer.OUTCOME, "API of Users", _changes(_api_lost)),
    _loop(
        "an API loses a function", Layer.CONVERSATION, "developer of Users", _changes(_function_of_api_lost)
    ),
    _loop(
        "two APIs are stored under each other's names",
        Layer.OUTCOME,
        "API of Users",
        _changes(_api_under_wrong_name),
    ),
    _loop("an attempt is not written", Layer.BLACKBOARD, "agent_attempts[", _changes(_attempt_lost)),
    _loop(
        "the agents' reasons are not written", Layer.BLACKBOARD, "agent_reasoning[", _changes(_reasons_lost)
    ),
    _loop("the last line of the log is lost", Layer.BLACKBOARD, "logs[", _changes(_last_log_lost)),
    _loop(
        "a later version of a file is not stored",
        Layer.CONVERSATION,
        "optimizer of Users",
        _changes(_last_version_not_stored),
    ),
    _loop(
        "a path is stored in another case",
        Layer.CONVERSATION,
        "static/Shop.css",
        _changes(_path_in_other_case),
    ),
    _loop("a report is lost, and its exception swallowed", Layer.BLACKBOARD, "optimizer Shop", _report_lost),
    _loop("tasks are given the places of others", Layer.BLACKBOARD, "[order] is", _place_of_another),
    _loop("half a file is read", Layer.CONVERSATION, "reviewer of Users", _read(_half_a_file_read)),
    _loop("a stale version is read", Layer.CONVERSATION, "optimizer of Users", _stale_read),
    _loop(
        "the API of one module is read for another", Layer.CONVERSATION, "Shop", _read(_api_of_another_read)
    ),
    _loop(
        "the source of one module is read for another",
        Layer.CONVERSATION,
        "reviewer of Catalog",
        _source_of_another_read,
    ),
    _loop("APIs beyond the second are not read", Layer.OUTCOME, "integrator failed", _read(_only_first_apis)),
    _loop("pages are not read", Layer.CONVERSATION, "integrator", _read(_pages_not_read)),
    _loop(
        "the code of two modules is swapped", Layer.FILES, "catalog.py and users.py", _write(_code_swapped)
    ),
    _loop(
        "a file name has another case", Layer.FILES, "catalog.py is called Catalog.py", _write(_other_case)
    ),
    _loop("a file is written outside its folder", Layer.FILES, "static/shop.css", _write(_folder_lost)),
    _loop("a file is not written", Layer.FILES, "static/shop.js is missing", _write(_file_lost)),
    _loop("a file that is there is not written again", Layer.FILES, "users.py differs", _first_version_stays),
    _loop("a file is cut at a page", Layer.FILES, "catalog.py differs", _to_disk(_cut_at_a_page)),
    _loop("a file is written in another code page", Layer.FILES, "differs", _to_disk(_other_code_page)),
    _loop(
        "a page begins with a byte order mark", Layer.FILES, "templates/shop.html", _to_disk(_byte_order_mark)
    ),
    _loop("lines end otherwise", Layer.FILES, "line ends", _to_disk(_other_line_ends)),
    _loop("the last line has no end", Layer.FILES, "static/shop.css", _to_disk(_no_last_line_end)),
    # While a call blocks the loop, versions wait to be written, and only the last of them is.
    Fault(
        "a later version is appended to the one before",
        Blame.CALLS,
        Layer.FILES,
        "users.py differs",
        _to_disk(_appended),
    ),
    _loop(
        "temporary files stay", Layer.FILES, ".partial is only in the candidate", _to_disk(_temporary_stays)
    ),
    _loop("a file is left empty", Layer.FILES, "main.py", _to_disk(_emptied)),
    _loop("files can be read by their owner only", Layer.FILES, "600 instead of 644", _to_disk(_private)),
    _loop(
        "an event is lost",
        Layer.EVENTS,
        "did not announce TASK_STARTED developer:Shop",
        _announce(_start_lost),
    ),
    _loop("an event is doubled", Layer.EVENTS, "2 times instead of 1", _announce(_start_doubled)),
    _loop("an event names another task", Layer.EVENTS, "developer:", _announce(_start_of_another)),
    _loop("an event comes late", Layer.EVENTS, "reviewer:Users", _start_comes_late),
    _loop("the event of an end is lost", Layer.EVENTS, "TASK_COMPLETED integrator", _end_lost),
    _loop("tasks are announced before what they need is done", Layer.EVENTS, "before", _started_ahead),
    _loop("the last event tells another status", Layer.EVENTS, "BUILD_FINISHED", _finished_says_failed),
    _loop(
        "an event tells of no tokens",
        Layer.EVENTS,
        "tokens",
        _end_event(lambda e: replace(e, prompt_tokens=0, output_tokens=0)),
    ),
    _loop("an event tells of no calls", Layer.EVENTS, "calls", _end_event(lambda e: replace(e, calls=0))),
    _loop(
        "a module is dropped", Layer.CONVERSATION, "nothing for module Shop", tasks_changed(_module_dropped)
    ),
    _loop("the last task is dropped", Layer.CONVERSATION, "debugger", tasks_changed(_debugger_dropped)),
    _loop(
        "the debugger comes before the integrator",
        Layer.CONVERSATION,
        "integrator",
        tasks_changed(_debugger_before_integrator),
    ),
    _loop(
        "the optimizer comes before the reviewer",
        Layer.CONVERSATION,
        "optimizer of Catalog",
        tasks_changed(optimizer_beside_reviewer),
    ),
    _loop("a task is done twice", Layer.CONVERSATION, "optimizer of Users was asked twice", _task_done_twice),
    _loop("an exception in a task", Layer.OUTCOME, "NoneType", _exception),
    _loop(
        "an exception in a task is swallowed", Layer.CONVERSATION, "reviewer of Shop", _exception_swallowed
    ),
    _loop(
        "the failure of a task is swallowed",
        Layer.OUTCOME,
        "failed in the control only",
        _failure_swallowed,
        spec="broken",
    ),
    _loop(
        "a failure stops what does not depend on it",
        Layer.CONVERSATION,
        "Sound",
        _failure_stops_everything,
        spec="broken",
    ),
    _loop(
        "a failure does not stop what depends on it",
        Layer.OUTCOME,
        "API of Broken",
        _failure_stops_nothing,
        spec="broken",
    ),
    _loop(
        "what was skipped is not told",
        Layer.OUTCOME,
        "skipped in the control only",
        _skipped_not_told,
        spec="broken",
    ),
    _loop("the wishes for modules are lost", Layer.CONVERSATION, "analyst", _hints_lost),
    _loop("the idea is cut", Layer.CONVERSATION, "analyst", _idea_cut),
    _loop("every timestamp is the same", Layer.BLACKBOARD, "1970", _clock_stands_still),
)
