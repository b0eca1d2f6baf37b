"""The workflow: which tasks a project takes, what each needs, and what each does.

The analyst plans and the auditor audits; then, for every module, architect, developer, reviewer, optimizer
and (for pages) frontend developer; then integrator and debugger. A module's architect needs the APIs of what
the module requires, so a module starts as soon as those are designed, not when the modules are finished.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Protocol

from agents import (
    agent_analyst,
    agent_architect,
    agent_auditor,
    agent_debugger,
    agent_developer,
    agent_frontend_developer,
    agent_integrator,
    agent_optimizer,
    agent_reviewer,
)
from agents.blackboard import ApiDesigned, AttemptMade, Change, FileWritten, Logged, PlanMade, Reasoned
from agents.build import EventKind, TaskEvent
from agents.conversation import MAX_ATTEMPTS, AgentFailure, Attempt, AttemptStatus, Steps
from agents.plan import ModulePlan, ModuleType, Plan
from agents.project import Inputs
from agents.roles import Role

__all__ = [
    "ANALYST",
    "AUDITOR",
    "PLANNING",
    "Reads",
    "Task",
    "TaskReport",
    "blocked",
    "build_tasks",
    "failed",
    "perform",
    "reads",
    "skipped",
]


@dataclass(frozen=True, slots=True)
class Task:
    """One piece of work of one role, for a module or for the project."""

    role: Role
    module: str | None = None
    _name: str = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        name = f"{self.role.value}:{self.module}" if self.module else self.role.value
        object.__setattr__(self, "_name", name)

    # A task is looked up dozens of times, and the hash of an enum's member is computed anew each time.
    def __hash__(self) -> int:
        return hash(self._name)

    def __str__(self) -> str:
        return self._name


@dataclass(frozen=True, slots=True)
class Reads:
    """What a task reads: APIs by module name, files by relative path; `all_files` for every file there is."""

    apis: tuple[str, ...] = ()
    files: tuple[str, ...] = ()
    all_files: bool = False


@dataclass(frozen=True, slots=True)
class TaskReport:
    """What a task did, the attempts of its agents first, and its failure if it failed."""

    task: Task
    changes: tuple[Change, ...]
    failure: AgentFailure | None = None

    def event(self, at: str) -> TaskEvent:
        """The event that announces it; `at` is the ISO timestamp it gets."""
        kind = EventKind.TASK_FAILED if self.failure else EventKind.TASK_COMPLETED
        reason = self.failure.reason if self.failure else ""
        attempts = [change.attempt for change in self.changes if isinstance(change, AttemptMade)]
        if not attempts:
            return TaskEvent(kind, at, str(self.task), reason)
        return TaskEvent(
            kind,
            at,
            str(self.task),
            reason,
            calls=len(attempts),
            prompt_tokens=sum(attempt.prompt_tokens for attempt in attempts),
            output_tokens=sum(attempt.output_tokens for attempt in attempts),
            # The last one, where it failed too, was not made again.
            retries=sum(attempt.status is not AttemptStatus.OK for attempt in attempts[:-1]),
        )


ANALYST = Task(Role.ANALYST)
AUDITOR = Task(Role.AUDITOR)
PLANNING = (ANALYST, AUDITOR)
"""What comes before `build_tasks`, one after the other. They hold the first places of the build order."""


def build_tasks(plan: Plan) -> dict[Task, tuple[Task, ...]]:
    """Every task after planning with the tasks it needs, in build order (needs come before)."""
    tasks: dict[Task, tuple[Task, ...]] = {}
    finished: list[Task] = []
    for module in plan.in_build_order():
        architect = Task(Role.ARCHITECT, module.name)
        tasks[architect] = tuple(Task(Role.ARCHITECT, name) for name in module.requires)
        last = architect
        for role in (Role.DEVELOPER, Role.REVIEWER, Role.OPTIMIZER):
            task = Task(role, module.name)
            tasks[task] = (last,)
            last = task
        finished.append(last)
        if module.module_type is ModuleType.WEB_INTERFACE:
            page = Task(Role.FRONTEND_DEVELOPER, module.name)
            tasks[page] = (architect,)
            finished.append(page)
    integrator = Task(Role.INTEGRATOR)
    tasks[integrator] = tuple(finished)
    tasks[Task(Role.DEBUGGER)] = (integrator,)
    return tasks


def reads(task: Task, plan: Plan) -> Reads:
    """What `task`, which comes after planning, reads of the project."""
    if task.module is None:
        return Reads(apis=tuple(module.name for module in plan.modules), all_files=True)
    module = plan.module(task.module)
    if task.role is Role.ARCHITECT:
        return Reads(apis=module.requires)
    apis = (module.name, *module.requires)
    has_source = task.role in (Role.REVIEWER, Role.OPTIMIZER)
    return Reads(apis=apis, files=(module.filename,) if has_source else ())


def perform(task: Task, inputs: Inputs) -> Steps[TaskReport]:
    """Do `task`. An agent's failure is part of the report, with the attempts that led to it."""
    journal: list[Attempt] = []
    try:
        if task.module is None:
            changes = yield from _PROJECT_WORK[task.role](inputs, journal)
        else:
            module = inputs.made_plan.module(task.module)
            changes = yield from _MODULE_WORK[task.role](module, inputs, journal)
    except AgentFailure as failure:
        return failed(task, failure, _attempts(journal))
    return TaskReport(task, (*_attempts(journal), *changes))


def failed(task: Task, failure: AgentFailure, changes: tuple[Change, ...] = ()) -> TaskReport:
    """The report of a task that failed, with `changes` made before it did."""
    return TaskReport(task, (*changes, Logged("error", f"{task} failed: {failure.reason}")), failure)


def blocked(tasks: Mapping[Task, tuple[Task, ...]], broken: Collection[Task]) -> dict[Task, tuple[Task, ...]]:
    """The tasks that cannot be done because tasks in `broken` failed, each with those that it waits for.

    `tasks` is in build order, as `build_tasks` gives it.
    """
    waits: dict[Task, tuple[Task, ...]] = {}
    for task, needs in tasks.items():
        behind = dict.fromkeys(
            cause for need in needs for cause in ((need,) if need in broken else waits.get(need, ()))
        )
        if behind and task not in broken:
            waits[task] = tuple(behind)
    return waits


def skipped(task: Task, waits_for: tuple[Task, ...]) -> TaskReport:
    """The report of a task that was not begun because tasks it waits for failed."""
    reason = f"{task} skipped: it needs {', '.join(map(str, waits_for))}"
    return TaskReport(task, (Logged("warning", reason),))


_Changes = tuple[Change, ...]


def _attempts(journal: list[Attempt]) -> _Changes:
    return tuple(AttemptMade(attempt) for attempt in journal)


def _analyse(inputs: Inputs, journal: list[Attempt]) -> Steps[_Changes]:
    plan = yield from agent_analyst.plan(inputs.order, journal)
    return PlanMade(plan), Logged("info", f"planned {len(plan.modules)} modules")


def _audit(inputs: Inputs, journal: list[Attempt]) -> Steps[_Changes]:
    plan = inputs.made_plan
    changes: list[Change] = []
    for round_number in range(1, MAX_ATTEMPTS + 1):
        judgement = yield from agent_auditor.audit(inputs.order, plan, journal)
        changes += _reasons(Role.AUDITOR, None, judgement.remarks, *judgement.findings)
        if judgement.approved:
            return (*changes, Logged("info", "the plan was approved"))
        if round_number == MAX_ATTEMPTS:
            break
        plan = yield from agent_analyst.revise_plan(inputs.order, plan, judgement.findings, journal)
        changes.append(PlanMade(plan))
    return (*changes, Logged("warning", f"the audit left {len(judgement.findings)} findings open"))


def _design(module: ModulePlan, inputs: Inputs, journal: list[Attempt]) -> Steps[_Changes]:
    api = yield from agent_architect.design(module, inputs, journal)
    return ApiDesigned(module.name, api), *_reasons(Role.ARCHITECT, module.name, api.notes)


def _develop(module: ModulePlan, inputs: Inputs, journal: list[Attempt]) -> Steps[_Changes]:
    code = yield from agent_developer.develop(module, inputs, journal)
    return (FileWritten(module.filename, code),)


def _review(module: ModulePlan, inputs: Inputs, journal: list[Attempt]) -> Steps[_Changes]:
    code = inputs.files[module.filename]
    changes: list[Change] = []
    for round_number in range(1, MAX_ATTEMPTS + 1):
        judgement = yield from agent_reviewer.review(module, inputs, code, journal)
        changes += _reasons(Role.REVIEWER, module.name, judgement.remarks, *judgement.findings)
        if judgement.approved:
            return tuple(changes)
        if round_number == MAX_ATTEMPTS:
            break
        code = yield from agent_developer.revise(module, inputs, code, judgement.findings, journal)
        changes.append(FileWritten(module.filename, code))
    findings = len(judgement.findings)
    return (*changes, Logged("warning", f"the review of {module.name} left {findings} findings open"))


def _optimize(module: ModulePlan, inputs: Inputs, journal: list[Attempt]) -> Steps[_Changes]:
    code = inputs.files[module.filename]
    better = yield from agent_optimizer.optimize(module, inputs, code, journal)
    return (FileWritten(module.filename, better),) if better != code else ()


def _build_page(module: ModulePlan, inputs: Inputs, journal: list[Attempt]) -> Steps[_Changes]:
    files = yield from agent_frontend_developer.build_page(module, inputs, journal)
    return files


def _integrate(inputs: Inputs, journal: list[Attempt]) -> Steps[_Changes]:
    files = yield from agent_integrator.integrate(inputs, journal)
    return (*files, Logged("info", f"integrated {len(inputs.made_plan.modules)} modules"))


def _debug(inputs: Inputs, journal: list[Attempt]) -> Steps[_Changes]:
    files = yield from agent_debugger.debug(inputs, journal)
    mended = ", ".join(file.path for file in files)
    return (*files, Logged("info", f"mended {mended}" if mended else "nothing needed mending"))


def _reasons(role: Role, module: str | None, *texts: str) -> list[Change]:
    return [Reasoned(role.value, module, text) for text in texts if text]


class _ProjectWork(Protocol):
    def __call__(self, inputs: Inputs, journal: list[Attempt], /) -> Steps[_Changes]: ...


class _ModuleWork(Protocol):
    def __call__(self, module: ModulePlan, inputs: Inputs, journal: list[Attempt], /) -> Steps[_Changes]: ...


_PROJECT_WORK: Mapping[Role, _ProjectWork] = {
    Role.ANALYST: _analyse,
    Role.AUDITOR: _audit,
    Role.INTEGRATOR: _integrate,
    Role.DEBUGGER: _debug,
}

_MODULE_WORK: Mapping[Role, _ModuleWork] = {
    Role.ARCHITECT: _design,
    Role.DEVELOPER: _develop,
    Role.REVIEWER: _review,
    Role.OPTIMIZER: _optimize,
    Role.FRONTEND_DEVELOPER: _build_page,
}
