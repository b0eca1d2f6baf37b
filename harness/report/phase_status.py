"""How the migration stands, on one screen of 80 columns and 24 lines; more room shows more.

What comes from files and people goes through `visible` and into `Text`, where nothing in it is markup. A
command to paste stands on a line of its own, which the terminal wraps and not the harness.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from rich.console import Console
from rich.table import Table
from rich.text import Text

from harness.compare.text import shortened, visible
from harness.gates import CriterionLine, CriterionStatus, Gate
from harness.phases import PhaseStatus, Promotion
from harness.phases.status import Against, PhaseLine
from harness.report.phases import print_entry, told_entry

__all__ = ["print_gate", "print_promotion", "print_status"]

_PADDING = (0, 2, 0, 0)
_STYLES = {
    CriterionStatus.PASSED: "green",
    CriterionStatus.FAILED: "bold red",
    CriterionStatus.INCONCLUSIVE: "yellow",
}
_WIDE = 120
"""From so many columns on there is room for how each criterion is judged, and on how much."""
_VERY_WIDE = 150
_NARROW_VALUE = 22
_MOST_REFUSED = 1

_SHORT = {
    "pairs that differ, policy exact": "pairs, exact",
    "pairs that differ, policy contract": "by contract",
    "runs that failed in the candidate only": "candidate only",
    "mirrors that were not equal at the end": "mirrors",
    "builds that fell back to legacy": "builds",
    "lower end of the interval over all pairs": "lower end",
    "the last run that counts": "last run",
    "read back from Redis": "read back",
    "counted": "",
    "all, to the last one written": "all",
    "seeded regressions": "seeded",
}
_CONFIDENCE = re.compile(r"^Clopper-Pearson, (\d+%) confidence.*")
_INTERVAL = re.compile(r"^(\S+), between (\S+) and (\S+) \(.*\)$")
_STATES_IN_RUNS = re.compile(r"^(\d+ of \d+ states) in \d+ runs")
_BROUGHT_BY = {
    "approval": "phase approve",
    "seeded regressions": "phase attest",
    "load test": "phase attest",
}
"""The commands that bring what no run of an engine brings."""


def print_status(console: Console, status: PhaseStatus) -> None:
    """One screen: phases, flags, evidence, the next step's gate, and what is missing as the last lines."""
    if status.problem:
        _line(console, f"all builds go to legacy: {status.problem}", "bold red")
    table = Table(box=None, padding=_PADDING, show_header=False)
    for phase in status.phases:
        flags = ", ".join(f"{flag} {value}" for flag, value in phase.flags.items())
        share = f" (async serves {status.canary} % of the specs)" if status.canary else ""
        serves = share if "engine" in phase.flags else ""
        table.add_row(str(phase.number), phase.name, _steps(phase), f"{flags}{serves}")
    console.print(table)
    for override in status.overrides:
        _line(console, f"set here: {override}, for what is started from here", "yellow")
    if status.finalized:
        _line(console, "the way back to JSON was given up", "yellow")
    if status.last:
        _cropped(console, f"last move: {told_entry(status.last)}", "dim")
    counted = f", {len(status.gate.evidence)} for the next step" if status.gate else ""
    waiting = f"{status.queued} build{'' if status.queued == 1 else 's'} to be compared"
    _line(console, f"evidence: {_pieces(status.evidence)}{counted}; {waiting}", "dim")
    for problem in status.unreadable:
        _cropped(console, problem, "yellow")
    if status.gate is not None:
        print_gate(console, status.gate, status.against)
        if status.gate.open:
            _line(console, f"harness phase promote {status.gate.phase}")
    elif status.problem is None:
        _line(console, "everything is on async", "bold green")
        if not status.finalized:
            _line(console, 'to give up the way back: harness phase finalize --reason "..."', "dim")


def print_gate(console: Console, gate: Gate, against: Sequence[Against] = ()) -> None:
    """Every criterion on a line; whether the gate is open, and then what is to be done, as the last.

    Where something is known `against` the step it is told, and not how to bring more evidence.
    """
    _next_step(console, gate)
    wide = console.width >= _WIDE
    table = Table(box=None, padding=_PADDING)
    for column in ("criterion", "", "value", "limit", "judged by", *(["evidence"] if wide else [])):
        # Where there is no room it is taken from how it was judged.
        table.add_column(column, no_wrap=column != "judged by", overflow="ellipsis")
    for line in gate.lines:
        table.add_row(
            line.name if wide else _short(line.name),
            Text(_standing(line, wide), _STYLES[line.status]),
            Text(_value(line, console.width)),
            Text(_short(line.limit) if console.width < _VERY_WIDE else visible(line.limit)),
            Text(_test(line, wide), "dim", no_wrap=True),
            *([Text(str(len(line.evidence)) if line.evidence else "none", "dim")] if wide else []),
        )
    console.print(table)
    for reason, count in gate.refused[:_MOST_REFUSED]:
        _cropped(console, f"not counted: {_pieces(count)}: {reason}", "yellow")
    if len(gate.refused) > _MOST_REFUSED:
        others = sum(count for _, count in gate.refused[_MOST_REFUSED:])
        _line(console, f"not counted: {_pieces(others)} for other reasons (--json)", "yellow")
    if gate.open:
        _line(console, "the gate is open", "bold green")
    elif against:
        _line(console, "the gate is shut; what speaks against it:", "bold red")
        _cropped(console, f"{against[0].criterion}: {against[0].spec}: {against[0].reason}", "red")
        if against[0].command:
            _line(console, against[0].command)
    else:
        _line(console, f"the gate is shut{'; what is missing:' if gate.to_do else ''}", "bold red")
        for what in gate.to_do:
            _line(console, what)


def print_promotion(console: Console, promotion: Promotion) -> None:
    """The gate, and what came of it as the last line."""
    print_gate(console, promotion.gate)
    if promotion.entry is not None:
        print_entry(console, promotion.entry)
    else:
        _line(console, "nothing was moved" + (" (dry run)" if promotion.dry_run else ""))


def _next_step(console: Console, gate: Gate) -> None:
    """The step, and what its evidence must be of; the engine's flags are in the command that is to be run."""
    candidate = gate.candidate
    if candidate.startswith("async") and console.width < _VERY_WIDE:
        candidate = "async"
    of = f"evidence: {candidate} against {gate.control}"
    if len(gate.step) + len(of) + 8 <= console.width:
        _line(console, f"next: {gate.step}; {of}", "bold")
    else:
        _line(console, f"next: {gate.step}", "bold")


def _standing(line: CriterionLine, wide: bool) -> str:
    """Where there is no room, what an inconclusive one still needs says that it is inconclusive."""
    return line.status.value if wide or not line.more_runs else f"{line.more_runs} more to go"


def _value(line: CriterionLine, width: int) -> str:
    value = visible(line.value)
    if width < _VERY_WIDE:
        value = _INTERVAL.sub(r"\1 (\2 to \3)", value)
    if width < _WIDE:
        return shortened(_STATES_IN_RUNS.sub(r"\1", value), _NARROW_VALUE)
    return f"{value}, {line.more_runs} more to go" if line.more_runs else value


def _test(line: CriterionLine, wide: bool) -> str:
    if line.name in _BROUGHT_BY and line.status is CriterionStatus.INCONCLUSIVE:
        return f"harness {_BROUGHT_BY[line.name]}" if wide else _BROUGHT_BY[line.name]
    return visible(line.test) if wide else _short(line.test)


def _short(text: str) -> str:
    return _SHORT.get(text, _CONFIDENCE.sub(r"\1 sure", visible(text)))


def _steps(phase: PhaseLine) -> Text:
    if not phase.available and phase.taken == 0:
        return Text("left out", "dim")
    style = "green" if phase.taken == phase.steps else "bold" if phase.taken else "dim"
    return Text(f"{phase.taken} of {phase.steps}", style)


def _pieces(count: int) -> str:
    return f"{count} piece{'' if count == 1 else 's'}"


def _cropped(console: Console, text: str, style: str = "") -> None:
    """On one line, however long: the whole is in the JSON."""
    console.print(Text(visible(text), style), no_wrap=True, overflow="ellipsis")


def _line(console: Console, text: str, style: str = "") -> None:
    console.print(Text(visible(text), style), soft_wrap=True)
