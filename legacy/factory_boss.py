"""The legacy engine, `python -m legacy.factory_boss --idea "..."`: one blocking call after another.

Exit codes: 0 built, 2 bad usage, 3 the build failed.
"""

from __future__ import annotations

import argparse
import sys
import traceback
from collections.abc import Callable, Sequence
from datetime import datetime
from pathlib import Path

from agents import agent_analyst
from agents.api import ModuleApi
from agents.blackboard import (
    ApiDesigned,
    PlanMade,
    ProjectInfo,
    ProjectStatus,
    changed_files,
    entries,
)
from agents.build import BuildOutcome, EventKind, TaskEvent, TaskFailure
from agents.chat_protocol import ModelSettings
from agents.conversation import AgentFailure, Cause, ModelReply, ModelRequest
from agents.drivers import drive
from agents.plan import Plan
from agents.project import Inputs, Order
from agents.workflow import (
    PLANNING,
    Task,
    TaskReport,
    blocked,
    build_tasks,
    failed,
    perform,
    reads,
    skipped,
)
from legacy.board import Board, OpenBoard
from legacy.json_blackboard import JsonBlackboard
from legacy.ollama_calls import OllamaCalls

__all__ = ["FactoryBoss", "main", "timestamp"]

Call = Callable[[ModelRequest], ModelReply]


class FactoryBoss:
    """Builds one project in `project_dir`, task after task in build order.

    `call` asks the model and blocks; `now` gives ISO timestamps; `on_event` is told what happens;
    `open_board` begins the blackboard.
    """

    def __init__(
        self,
        project_dir: Path,
        call: Call,
        now: Callable[[], str],
        on_event: Callable[[TaskEvent], None],
        open_board: OpenBoard = JsonBlackboard,
    ) -> None:
        self._dir = project_dir
        self._call = call
        self._now = now
        self._on_event = on_event
        self._open_board = open_board
        self._plan: Plan | None = None
        self._apis: dict[str, ModuleApi] = {}
        self._files: dict[str, str] = {}
        self._failures: list[TaskFailure] = []

    def build(self, order: Order) -> BuildOutcome:
        """Build what `order` asks for. What goes wrong with a task is in the outcome, not raised."""
        info = ProjectInfo(order.idea, self._now(), ProjectStatus.BUILDING)
        board = self._open_board(self._dir / "blackboard.json", info)
        self._tell(EventKind.BUILD_STARTED)
        for place, task in enumerate(PLANNING):
            if not self._failures:
                self._run(task, place, order, board)
        left_out: tuple[str, ...] = ()
        if self._plan is not None and not self._failures:
            left_out = self._build_modules(order, build_tasks(self._plan), board)
        status = ProjectStatus.FAILED if self._failures else ProjectStatus.COMPLETE
        board.finish(status)
        self._tell(EventKind.BUILD_FINISHED, detail=status.value)
        return BuildOutcome(status, tuple(self._failures), left_out)

    def _build_modules(
        self, order: Order, tasks: dict[Task, tuple[Task, ...]], board: Board
    ) -> tuple[str, ...]:
        broken: set[Task] = set()
        waiting: set[Task] = set()
        places = {task: place for place, task in enumerate(tasks, start=len(PLANNING))}
        for task, needs in tasks.items():
            if broken.union(waiting).intersection(needs):
                waiting.add(task)
            elif self._run(task, places[task], order, board).failure is not None:
                broken.add(task)
        left_out = blocked(tasks, broken)
        for task, waits_for in left_out.items():
            board.add(entries(skipped(task, waits_for).changes, places[task], self._now()))
            self._tell(EventKind.TASK_SKIPPED, task, f"needs {', '.join(map(str, waits_for))}")
        return tuple(map(str, left_out))

    def _run(self, task: Task, place: int, order: Order, board: Board) -> TaskReport:
        self._tell(EventKind.TASK_STARTED, task)
        try:
            report = drive(perform(task, self._inputs(task, order)), self._call)
        except Exception as error:
            traceback.print_exc()
            reason = f"{type(error).__name__}: {error}"
            report = failed(task, AgentFailure(task.role, task.module, Cause.ENGINE, reason))
        files = changed_files(report.changes)
        for path, content in files.items():
            target = self._dir / path
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_text(content, encoding="utf-8")
            self._files[path] = content
        for change in report.changes:
            if isinstance(change, PlanMade):
                self._plan = change.plan
            elif isinstance(change, ApiDesigned):
                self._apis[change.module] = change.api
        board.add(entries(report.changes, place, self._now()), files)
        if report.failure is not None:
            self._failures.append(TaskFailure(str(task), report.failure.cause, report.failure.reason))
        self._on_event(report.event(self._now()))
        return report

    def _inputs(self, task: Task, order: Order) -> Inputs:
        if task in PLANNING or self._plan is None:
            return Inputs(order, self._plan)
        wanted = reads(task, self._plan)
        paths = self._files if wanted.all_files else wanted.files
        return Inputs(
            order,
            self._plan,
            {name: self._apis[name] for name in wanted.apis},
            {path: self._files[path] for path in paths},
        )

    def _tell(self, kind: EventKind, task: Task | None = None, detail: str = "") -> None:
        self._on_event(TaskEvent(kind, self._now(), str(task) if task else "", detail))


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; returns the exit code."""
    parser = argparse.ArgumentParser(
        prog="python -m legacy.factory_boss", description="Build a Flask application from an idea."
    )
    parser.add_argument("--idea", help="what to build; without it the analyst asks on the terminal")
    parser.add_argument("--output", type=Path, default=Path("output"), help="folder for projects")
    parser.add_argument("--model", default=ModelSettings().model, help="model name (default: %(default)s)")
    parser.add_argument("--call-timeout", type=float, default=600.0, metavar="SECONDS")
    options = parser.parse_args(arguments)
    if options.idea is None and not sys.stdin.isatty():
        parser.error('no --idea and no terminal to ask on; give one: --idea "a shop for books"')
    settings = ModelSettings(model=options.model, call_timeout_s=options.call_timeout)
    with OllamaCalls(settings, timestamp) as call:
        try:
            idea = options.idea if options.idea is not None else _interview(call)
        except AgentFailure as failure:
            _print(f"build failed: {failure}")
            return 3
        if not idea.strip():
            parser.error("the idea is empty; say in a sentence what to build")
        project_dir = _new_project_dir(options.output)
        boss = FactoryBoss(project_dir, call, timestamp, lambda event: _print(str(event)))
        outcome = boss.build(Order(idea))
    for failure_of_task in outcome.failures:
        _print(f"failed: {failure_of_task.task}: {failure_of_task.reason}")
    _print(f"{outcome.status.value}: {project_dir}")
    return 0 if outcome.status is ProjectStatus.COMPLETE else 3


def _interview(call: Call) -> str:
    idea = input("What do you want to build? ")
    if not idea.strip():
        return idea
    questions = drive(agent_analyst.interview(idea, []), call)
    return agent_analyst.brief(idea, [(question, input(f"{question} ")) for question in questions])


def _new_project_dir(output: Path) -> Path:
    name = f"project_{datetime.now().strftime('%Y%m%d_%H%M%S')}"
    for number in range(1, 1000):
        project_dir = output / (name if number == 1 else f"{name}_{number}")
        try:
            project_dir.mkdir(parents=True)
        except FileExistsError:
            continue
        return project_dir
    raise FileExistsError(f"no free name for a project in {output}")


def timestamp() -> str:
    """The local time as an ISO timestamp with milliseconds and offset."""
    return datetime.now().astimezone().isoformat(timespec="milliseconds")


def _print(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
