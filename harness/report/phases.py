"""The migration on the terminal: its moves, its plan and its log; how it stands is in `phase_status`.

What comes from files and people goes through `visible` and into `Text`, where nothing in it is markup.
"""

from __future__ import annotations

from collections.abc import Sequence

from rich.console import Console
from rich.table import Table
from rich.text import Text

from harness.compare import Status
from harness.compare.text import visible
from harness.evidence import Evidence
from harness.flags import Action, AuditEntry
from harness.phases import PlanLine, RolledBack
from harness.phases.watching import Compared, NotCompared, TakenBack, WatchEvent

__all__ = [
    "print_attested",
    "print_entry",
    "print_history",
    "print_plan",
    "print_rolled_back",
    "print_state_brought_back",
    "print_watch_event",
    "told_entry",
]

_PADDING = (0, 2, 0, 0)
_PLAN_STYLES = {"done": "green", "next": "bold", "left out": "dim"}


def print_rolled_back(console: Console, back: RolledBack) -> None:
    """What was moved, and what is left to be seen to."""
    if back.entry is None:
        _line(console, "nothing to do: the flags stand there already")
    else:
        print_entry(console, back.entry)
    for run in back.way_back.under_way:
        _line(console, f"run {run} is under way, and ends with the engine it was begun with")


def print_state_brought_back(console: Console, back: RolledBack) -> None:
    """Where the state of the runs is that were cut off, and what is left to be seen to."""
    for run, path in back.way_back.brought.items():
        _line(console, f"run {run} had been cut off; its state as JSON: {path}")
    for run, reason in back.way_back.left.items():
        _line(console, f"run {run} had been cut off; its state is in Redis alone: {reason}", "yellow")
    for command in back.way_back.to_do:
        _line(console, f"to have it as JSON: {command}", "yellow")


def print_entry(console: Console, entry: AuditEntry) -> None:
    """One move."""
    _line(console, told_entry(entry), "bold")


def print_attested(console: Console, evidence: Evidence) -> None:
    """What a suite showed."""
    passed = evidence.status is Status.PASS
    _line(console, f"{evidence.kind}: {evidence.reason}", "green" if passed else "bold red")


def print_history(console: Console, entries: Sequence[AuditEntry], *, verified: bool) -> None:
    """Every move, the oldest first, and below it why; times are UTC."""
    table = Table(box=None, padding=_PADDING, show_header=False)
    for width in (None, None, None, None, 1):
        table.add_column(no_wrap=width is None, ratio=width)
    for entry in entries:
        style = "yellow" if entry.forced or entry.action is Action.KILL else ""
        words = (str(entry.number), f"{entry.at:%Y-%m-%d %H:%M}", visible(entry.who), entry.action.value)
        table.add_row(*(Text(word, style) for word in words), Text(_what(entry), style))
        if entry.reason or entry.forced:
            forced = "forced: " if entry.forced else ""
            table.add_row("", "", "", "", Text(f"{forced}{visible(entry.reason)}", "dim"))
    if entries:
        console.print(table)
    else:
        _line(console, "nothing has been moved yet")
    if verified:
        counted = f"{len(entries)} entr{'y' if len(entries) == 1 else 'ies'}"
        _line(console, f"verified: {counted}, each sealed with the one before it", "green")


def print_plan(console: Console, lines: Sequence[PlanLine]) -> None:
    """The nine steps."""
    table = Table(box=None, padding=_PADDING, show_header=False)
    for _ in range(3):
        table.add_column(no_wrap=True)
    table.add_column()
    for line in lines:
        style = _PLAN_STYLES.get(line.state, "")
        table.add_row(str(line.number), line.what, Text(line.state, style), Text(line.command, "dim"))
    console.print(table)


def print_watch_event(console: Console, event: WatchEvent) -> None:
    """One line for what happened."""
    match event:
        case Compared(evidence):
            passed = evidence.status.value == "PASS"
            _line(
                console,
                f"{evidence.kind} {evidence.spec}: {evidence.status.value}: {evidence.reason}",
                "green" if passed else "bold red",
            )
        case NotCompared(reason):
            _line(console, f"not compared, and waits on: {reason}", "yellow")
        case TakenBack(entry, reasons):
            for reason in reasons:
                _line(console, reason, "bold red")
            _line(console, told_entry(entry), "bold")


def told_entry(entry: AuditEntry) -> str:
    """A move in a sentence: its number, when (UTC), who, what, and why."""
    forced = " (forced)" if entry.forced else ""
    reason = f": {entry.reason}" if entry.reason else ""
    what = _what(entry)
    return (
        f"{entry.number}. {entry.at:%Y-%m-%d %H:%M} {entry.who} {entry.action}"
        f"{f' {what}' if what else ''}{forced}{reason}"
    )


def _what(entry: AuditEntry) -> str:
    before, after = entry.before.as_shown(), entry.after.as_shown()
    moved = [f"{flag} {before[flag]} -> {after[flag]}" for flag in after if before[flag] != after[flag]]
    return visible(" ".join(word for word in (entry.about, ", ".join(moved)) if word))


def _line(console: Console, text: str, style: str = "") -> None:
    console.print(Text(visible(text), style), soft_wrap=True)
