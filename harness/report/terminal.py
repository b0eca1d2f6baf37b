"""A comparison on the terminal: the first screen is enough to decide."""

from __future__ import annotations

from collections.abc import Sequence

from rich.console import Console, Group, RenderableType
from rich.markup import escape
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from harness.compare import Comparison, LayerResult, Mismatch, Status
from harness.compare.expectations import ExpectationStatus
from harness.compare.verdict import worst
from harness.report.timeline import timeline_rows

__all__ = ["print_comparison", "print_summary"]

_MOST_SHOWN = 8

_STYLES = {
    Status.PASS: "bold green",
    Status.FAIL: "bold red",
    Status.ERROR: "bold magenta",
    Status.INCONCLUSIVE: "bold yellow",
}


def print_comparison(console: Console, comparison: Comparison) -> None:
    """Print `comparison`: layers, mismatches, timing, what ran in parallel, the verdict as the last line."""
    parts: list[RenderableType] = [_header(comparison), "", _layers(comparison)]
    shown = _mismatches(comparison.mismatches)
    if shown:
        parts += ["", *shown]
    parts += ["", _timing(comparison), Padding(Text(_limit(comparison)), (0, 2))]
    if comparison.candidate_overlaps:
        parts += ["", _overlaps(comparison)]
    bars = timeline_rows(comparison)
    if bars is not None:
        parts += ["", bars]
    expectations = _expectations(comparison)
    if expectations:
        parts += ["", *expectations]
    parts += ["", _records(comparison), _verdict_line(comparison)]
    console.print(Group(*parts))


def print_summary(console: Console, comparisons: Sequence[Comparison]) -> None:
    """Print one line for each of several comparisons, and the worst verdict."""
    table = Table(title="All specs", title_justify="left", box=None, padding=(0, 2))
    for column in ("spec", "verdict", "speed-up", "mismatches"):
        table.add_column(column, justify="right" if column in ("speed-up", "mismatches") else "left")
    for comparison in comparisons:
        status = comparison.verdict.status
        table.add_row(
            comparison.spec,
            Text(status.value, _STYLES[status]),
            f"{comparison.speedup:.2f}",
            str(len(comparison.mismatches)),
        )
    status = worst(comparison.verdict.status for comparison in comparisons)
    console.print(
        Group("", table, Text(f"{status.value}: {len(comparisons)} specs compared", _STYLES[status]))
    )


def _header(comparison: Comparison) -> RenderableType:
    model = comparison.model
    answered = (
        f"[bold]simulated model[/] (asked as {escape(model.name)})"
        if model.kind == "simulated"
        else f"Ollama {escape(model.name)} at {escape(model.url or '')}"
    )
    slots = f"{comparison.slots} slot{'s' if comparison.slots > 1 else ''}"
    redis = f" · Redis: {escape(comparison.redis)}" if comparison.redis else ""
    return Group(
        f"[bold]{escape(comparison.spec)}[/]: {escape(comparison.control.engine)} (control) against "
        f"{escape(comparison.candidate.engine)} (candidate), policy {comparison.policy}",
        f"{answered} · {slots}{redis}",
    )


def _layers(comparison: Comparison) -> Table:
    table = Table(box=None, padding=(0, 2), show_header=False)
    for layer in comparison.layers:
        table.add_row(layer.layer.value, _result(layer), escape(layer.compared))
    return table


def _result(layer: LayerResult) -> Text:
    count = len(layer.mismatches)
    if not count:
        return Text("equal", "green")
    return Text(f"{count} mismatch{'es' if count > 1 else ''}", "red")


def _mismatches(mismatches: Sequence[Mismatch]) -> list[RenderableType]:
    roots = [mismatch for mismatch in mismatches if not mismatch.follows]
    rest = [mismatch for mismatch in mismatches if mismatch.follows]
    lines: list[RenderableType] = [
        Text.assemble("  ", (f"{mismatch.layer.value}: {mismatch.kind.value}: ", "red"), mismatch.sentence)
        for mismatch in roots[:_MOST_SHOWN]
    ]
    if len(roots) > _MOST_SHOWN:
        lines.append(f"  and {len(roots) - _MOST_SHOWN} more")
    if rest:
        lines.append(f"  [dim]{len(rest)} more mismatches follow from what is above, among them:[/]")
        lines += [Text(f"    {mismatch.layer.value}: {mismatch.sentence}", "dim") for mismatch in rest[:3]]
    return lines


def _timing(comparison: Comparison) -> Table:
    control, candidate = comparison.control.timing, comparison.candidate.timing
    table = Table(box=None, padding=(0, 2))
    table.add_column("timing")
    table.add_column(comparison.control.engine, justify="right")
    table.add_column(comparison.candidate.engine, justify="right")
    table.add_column("")
    rows = [
        ("wall-clock", "{0.wall_s:.2f} s", f"[bold]speed-up {comparison.speedup:.2f}[/]"),
        ("lower bound", "{0.lower_bound_s:.2f} s", "max(critical path, work / slots)"),
        ("  critical path", "{0.critical_path_s:.2f} s", "longest chain of calls that need each other"),
        ("  work / slots", "{0.work_over_slots_s:.2f} s", f"generating on {comparison.slots} slots"),
        ("efficiency", "{0.efficiency:.0%}", "lower bound / wall-clock"),
        ("list schedule", "{0.list_schedule_s:.2f} s", "the same calls, critical path first"),
        ("  wall-clock over it", "{0.over_list_schedule:.3f}", "1 is perfect scheduling"),
        ("queueing", "{0.queued_s:.2f} s", "calls waiting for a slot, summed"),
        ("nothing generating", "{0.idle_s:.2f} s", "what the engine itself takes"),
        ("start-up", "{0.startup_s:.2f} s", "before the clock starts, not counted"),
        ("tokens in / out", "{0.prompt_tokens} / {0.output_tokens}", ""),
    ]
    for name, form, note in rows:
        table.add_row(name, form.format(control), form.format(candidate), note)
    return table


def _limit(comparison: Comparison) -> str:
    sentence = comparison.limit.sentence
    return sentence[:1].upper() + sentence[1:]


def _overlaps(comparison: Comparison) -> Table:
    table = Table(box=None, padding=(0, 2))
    table.add_column("generated at the same time")
    table.add_column(comparison.control.engine, justify="right")
    table.add_column(comparison.candidate.engine, justify="right")
    table.add_column("")
    for before, after in zip(comparison.control_overlaps, comparison.candidate_overlaps, strict=True):
        starts = [
            f"{name} from {start:.2f} s"
            for name, start in ((after.first, after.first_from_s), (after.second, after.second_from_s))
            if start is not None
        ]
        table.add_row(
            f"{after.first} and {after.second}",
            f"{before.together_s:.2f} s",
            f"{after.together_s:.2f} s",
            f"of {after.first_s:.2f} s and {after.second_s:.2f} s; {', '.join(starts)}",
        )
    return table


def _expectations(comparison: Comparison) -> list[RenderableType]:
    marks = {
        ExpectationStatus.MET: ("expected: ", "green"),
        ExpectationStatus.UNMET: ("not as expected: ", "red"),
        ExpectationStatus.NOT_JUDGED: ("not judged: ", "yellow"),
    }
    return [Text.assemble("  ", marks[e.status], e.sentence) for e in comparison.expectations]


def _records(comparison: Comparison) -> Text:
    return Text(
        f"  records: {comparison.control.folder}\n           {comparison.candidate.folder}",
        "dim",
        overflow="fold",
    )


def _verdict_line(comparison: Comparison) -> Text:
    verdict = comparison.verdict
    more = f" (and {len(verdict.reasons) - 1} more)" if len(verdict.reasons) > 1 else ""
    return Text.assemble(
        (verdict.status.value, _STYLES[verdict.status]), f" {comparison.spec}: {verdict.reasons[0]}{more}"
    )
