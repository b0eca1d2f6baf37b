"""A build under way on one screen: a line per module with how far each role is, and the sums.

What comes from specs, engines and models is only ever put into `Text`, where nothing in it is markup, and
through `visible`, so that nothing in it reaches the terminal as a command.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from agents.roles import Role
from harness.compare.text import shortened, visible
from harness.report.durations import duration
from harness.watch import BuildView, TaskState, TaskView

__all__ = ["build_screen"]

_MARKS = {
    TaskState.WAITING: ("·", "dim"),
    TaskState.UNDER_WAY: ("▶", "bold cyan"),
    TaskState.DONE: ("✓", "green"),
    TaskState.FAILED: ("✗", "bold red"),
    TaskState.SKIPPED: ("–", "yellow"),
    TaskState.ASKED: ("?", "cyan"),
}
_COUNTED = (TaskState.DONE, TaskState.UNDER_WAY, TaskState.WAITING, TaskState.FAILED, TaskState.SKIPPED)
_SHORT = {Role.FRONTEND_DEVELOPER.value: "frontend"}
_ROLES = tuple(role.value for role in Role)
_LONGEST_NAME = 24
_MOST_FAILURES = 5
_FEWEST_ROWS = 3

_Modules = Mapping[str, Sequence[TaskView]]


def build_screen(view: BuildView, now: datetime, time: Text, *, rows: int | None = None) -> RenderableType:
    """What `view` tells, and of the time `time`.

    Modules take up at most `rows` lines, where that is given: those that are worked on come first.
    """
    parts: list[RenderableType] = []
    project = [task for task in view.tasks if task.module is None]
    modules = view.modules
    if project:
        parts.append(_indented(_project(project, now)))
    if modules:
        shown = _most_telling(modules, rows)
        parts += ["", _indented(_grid(shown, now))]
        if hidden := {name: tasks for name, tasks in modules.items() if name not in shown}:
            parts.append(_indented(_hidden(hidden)))
    sums = Table.grid(padding=(0, 2, 0, 0))
    if view.is_told:
        sums.add_row("tasks", _counts(view))
    for failure in _failures(view):
        sums.add_row("", failure)
    if view.is_told:
        sums.add_row("at work", _at_work(view))
    sums.add_row("model", _spent(view))
    sums.add_row("time", time)
    parts += ["", _indented(sums)]
    return Group(*parts)


def _project(tasks: Sequence[TaskView], now: datetime) -> Text:
    """The tasks for the project as a whole, on one line."""
    line = Text("project", overflow="fold")
    for task in tasks:
        line.append("   ")
        line.append(visible(_short(task.role)), "dim" if task.state is TaskState.WAITING else "")
        line.append(" ")
        line.append_text(_cell(task, now))
    return line


def _grid(modules: _Modules, now: datetime) -> Table:
    """A row for each module, a column for each role."""
    roles = list(dict.fromkeys(task.role for tasks in modules.values() for task in tasks))
    roles.sort(key=lambda role: _ROLES.index(role) if role in _ROLES else len(_ROLES))
    table = Table(box=None, padding=(0, 2, 0, 0), pad_edge=False)
    table.add_column("module", no_wrap=True, max_width=_LONGEST_NAME, overflow="ellipsis")
    for role in roles:
        table.add_column(Text(visible(_short(role))), no_wrap=True, min_width=8)
    for name, tasks in modules.items():
        by_role = {task.role: task for task in tasks}
        busy = any(task.state is TaskState.UNDER_WAY for task in tasks)
        cells = [_cell(by_role[role], now) if role in by_role else Text() for role in roles]
        table.add_row(Text(visible(name), "bold" if busy else "", overflow="ellipsis"), *cells)
    return table


def _cell(task: TaskView, now: datetime) -> Text:
    mark, style = _MARKS[task.state]
    if task.state is TaskState.ASKED:
        return Text(_counted(task.calls, "call"), style)
    took_s = task.took_s(now)
    again = f" +{task.retries}" if task.retries else ""
    return Text(mark if took_s is None else f"{mark} {duration(took_s)}{again}", style)


def _most_telling(modules: _Modules, rows: int | None) -> _Modules:
    """The modules for which there is room, in their order: what is worked on, what failed, what comes."""
    if rows is None or len(modules) <= max(rows, _FEWEST_ROWS):
        return modules
    # One row says how many are left out.
    first = sorted(modules, key=lambda name: _rank(modules[name]))[: max(rows, _FEWEST_ROWS) - 1]
    return {name: tasks for name, tasks in modules.items() if name in first}


def _rank(tasks: Sequence[TaskView]) -> int:
    states = {task.state for task in tasks}
    if TaskState.UNDER_WAY in states:
        return 0
    if TaskState.FAILED in states:
        return 1
    return 3 if states <= {TaskState.DONE} else 2


def _hidden(modules: _Modules) -> Text:
    done = sum(all(task.state is TaskState.DONE for task in tasks) for tasks in modules.values())
    waiting = sum(all(task.state is TaskState.WAITING for task in tasks) for tasks in modules.values())
    more = [f"{done} done"] * bool(done) + [f"{waiting} not begun"] * bool(waiting)
    return Text(f"and {len(modules)} more{': ' if more else ''}{', '.join(more)}", "dim")


def _counts(view: BuildView) -> Text:
    line = Text()
    for state in _COUNTED:
        number = len(view.of_state(state))
        if number or state is TaskState.DONE:
            mark, style = _MARKS[state]
            line.append(f"{mark} {number} {state.value}   ", style if number else "dim")
    total = f"of {len(view.tasks)}" if view.total_is_known else f"of {len(view.tasks)} known so far"
    return line.append(total)


def _failures(view: BuildView) -> list[Text]:
    failed = view.of_state(TaskState.FAILED)
    lines = [
        Text.assemble((f"✗ {visible(task.name)}: ", "bold red"), shortened(task.detail))
        for task in failed[:_MOST_FAILURES]
    ]
    if len(failed) > _MOST_FAILURES:
        lines.append(Text(f"and {len(failed) - _MOST_FAILURES} more that failed"))
    return lines


def _at_work(view: BuildView) -> Text:
    """Who runs beside whom; where nobody does, how many did at most."""
    running = ", ".join(visible(task.name) for task in view.under_way)
    if not view.most_at_once:
        return Text("nobody yet")
    if not running:
        most = view.most_at_once
        return Text(f"at most {most} beside each other" if most > 1 else "one at a time")
    return Text.assemble((running, "cyan"), " beside each other" if len(view.under_way) > 1 else " alone")


def _spent(view: BuildView) -> Text:
    spent = view.spent
    retries = f", {_counted(spent.retries, 'retry', 'retries')}" if view.is_told else ""
    return Text(
        f"{_counted(spent.calls, 'call')}{retries}, {spent.prompt_tokens:,} tokens in, "
        f"{spent.output_tokens:,} out"
    )


def _counted(number: int, one: str, more: str = "") -> str:
    return f"{number:,} {one if number == 1 else more or one + 's'}"


def _short(role: str) -> str:
    return _SHORT.get(role, role)


def _indented(part: RenderableType) -> Padding:
    return Padding(part, (0, 0, 0, 2))
