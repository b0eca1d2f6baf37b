"""A diagnosis on the terminal: a line for each finding, what was measured, and what that would come to."""

from __future__ import annotations

from collections.abc import Iterator

from rich.console import Console
from rich.table import Table
from rich.text import Text

from harness.compare.text import visible
from harness.doctor import Diagnosis, Level
from harness.doctor.measurement import Measurement
from harness.doctor.prediction import Limit, Prediction, WhatIf
from harness.report.durations import duration

__all__ = ["print_diagnosis"]

_STYLES = {Level.OK: "green", Level.WARNING: "yellow", Level.PROBLEM: "red"}
_WIDEST = 1_000


def print_diagnosis(console: Console, diagnosis: Diagnosis) -> None:
    """The findings, the measurement as a table, and the prediction."""
    for finding in diagnosis.findings:
        line = Text(f"{finding.level.value:<8} ", _STYLES[finding.level])
        console.print(
            line.append(f"{finding.name:<11} {visible(finding.sentence)}", "default"), soft_wrap=True
        )
        if finding.help:
            console.print(Text(f"{'':<21}-> {visible(finding.help)}"), soft_wrap=True)
    for measured in diagnosis.measured:
        _print_measurement(console, measured, simulated=diagnosis.simulated)
    if diagnosis.prediction is not None:
        console.print()
        for sentence in _sentences(diagnosis.prediction, simulated=diagnosis.simulated):
            console.print(Text(visible(sentence)), soft_wrap=True)


def _print_measurement(console: Console, measured: Measurement, *, simulated: bool) -> None:
    console.print()
    kind = " (simulated model)" if simulated else ""
    console.print(
        Text(f"measured at {visible(measured.url)}, {visible(measured.model)}{kind}:"), soft_wrap=True
    )
    table = Table(box=None, padding=(0, 2, 0, 0))
    columns = (
        "calls at once",
        "generated",
        "first token",
        "latest",
        "tokens/s each",
        "in all",
        "gain",
        "refused",
    )
    for column in columns:
        table.add_column(column, justify="right", no_wrap=True)
    alone = measured.steps[0].total_tokens_per_s
    for step in measured.steps:
        table.add_row(
            str(step.at_once),
            str(step.generating),
            f"{step.ttft_s:.3f} s",
            f"{step.longest_ttft_s:.3f} s",
            f"{step.tokens_per_s:.0f}",
            f"{step.total_tokens_per_s:.0f}",
            f"{step.total_tokens_per_s / alone:.2f}" if alone else "-",
            str(step.refused),
        )
    Console(file=console.file, width=_WIDEST, highlight=False).print(table)


def _sentences(found: Prediction, *, simulated: bool) -> Iterator[str]:
    modules = f"{found.modules} modules, " if found.modules else ""
    yield (
        f"predicted for {found.spec}: {modules}{found.calls} calls, {found.output_tokens} tokens to write "
        f"({found.source})"
    )
    slots = f"{found.slots} slot{'s' * (found.slots != 1)}"
    yield f"  legacy   {_time(found.legacy_s)}"
    yield f"  async    {_time(found.async_s)} on {slots}"
    between = f"{found.speedup_low:.2f} and {found.speedup_high:.2f}"
    yield f"  speed-up {found.speedup:.2f} (between {between} by the spread of what was measured)"
    yield f"  limit    {_limit(found)}"
    for other in found.what_if:
        yield f"           {_other(other, simulated=simulated)}"


def _limit(found: Prediction) -> str:
    path = _time(found.critical_path_s)
    match found.limit:
        case Limit.CRITICAL_PATH:
            return f"the chain of what needs what: {path} however many slots"
        case Limit.THROUGHPUT:
            return (
                "throughput: answers generated together slow each other down; at the pace of one alone it "
                f"would take {_time(found.unslowed_s)}"
            )
        case Limit.ASKED_SLOTS:
            return f"--slots: the server has more; with enough of them it could take {path}"
        case Limit.SERVER_SLOTS if found.slots == 1:
            return (
                f"the server's one slot: every engine is sequential on it; with enough it could take {path}"
            )
        case Limit.SERVER_SLOTS:
            return f"the server's slots: with enough of them it could take {path}"


def _other(other: WhatIf, *, simulated: bool) -> str:
    if other.measured or simulated:
        return f"--slots {other.slots}: about {_time(other.best_s)}"
    if other.best_s == other.worst_s:
        took = f"about {_time(other.best_s)}"
    else:
        best, worst = _time(other.best_s), _time(other.worst_s)
        took = f"{best} at best, {worst} if no more tokens come out in all"
    return f"OLLAMA_NUM_PARALLEL={other.slots}: {took} (predicted, never measured)"


def _time(seconds: float) -> str:
    """In minutes, and in seconds where that is little."""
    return f"{seconds / 60:.1f} min" if seconds >= 60 else duration(seconds)
