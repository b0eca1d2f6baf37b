"""What was measured, in words: a table for each scenario, and a line for each ratio."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from rich.console import Console
from rich.table import Table
from rich.text import Text

from benchmarks.report import Report
from benchmarks.results import Figure, Ratio

__all__ = [
    "FigureRow",
    "Figures",
    "Row",
    "figure_line",
    "figures",
    "missed_line",
    "number",
    "print_tables",
    "ratio_line",
    "rows",
]

_COLUMNS = ("case", "subject", "median", "over", "low to high", "promise", "")


@dataclass(frozen=True, slots=True)
class Row:
    """One ratio, as a table shows it."""

    ratio: Ratio

    @property
    def spread(self) -> str:
        """From the lowest to the highest round; empty where there was only one."""
        if len(self.ratio.values) < 2:
            return ""
        return f"{number(self.ratio.low)} to {number(self.ratio.high)}"

    @property
    def judged(self) -> str:
        if self.ratio.kept is None:
            return ""
        return "kept" if self.ratio.kept else "missed"


@dataclass(frozen=True, slots=True)
class FigureRow:
    """All figures of one subject in one case."""

    case: str
    subject: str
    values: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class Figures:
    """Those rows of a scenario that have figures in the same units."""

    units: tuple[str, ...]
    rows: tuple[FigureRow, ...]


def rows(report: Report, scenario: str) -> tuple[Row, ...]:
    """A scenario's ratios; those of one case together, in the order in which they were measured."""
    ratios = [ratio for ratio in report.ratios if ratio.scenario == scenario]
    cases = list(dict.fromkeys(ratio.case for ratio in ratios))
    return tuple(Row(ratio) for ratio in sorted(ratios, key=lambda ratio: cases.index(ratio.case)))


def figures(report: Report, scenario: str) -> tuple[Figures, ...]:
    """A scenario's figures, a table for each set of units."""
    found: defaultdict[tuple[str, str], list[Figure]] = defaultdict(list)
    for figure in report.figures:
        if figure.scenario == scenario:
            found[figure.case, figure.subject].append(figure)
    tables: defaultdict[tuple[str, ...], list[FigureRow]] = defaultdict(list)
    for (case, subject), listed in found.items():
        units = tuple(figure.unit for figure in listed)
        tables[units].append(FigureRow(case, subject, tuple(figure.value for figure in listed)))
    return tuple(Figures(units, tuple(listed)) for units, listed in tables.items())


def number(value: float) -> str:
    """With as many places as a reader needs: three decimals near 1, none from a hundred on."""
    size = abs(value)
    if size >= 100 or value == int(value):
        return f"{value:,.0f}"
    if size >= 10:
        return f"{value:.1f}"
    return f"{value:.3f}" if size >= 0.1 else f"{value:.2g}"


def ratio_line(ratio: Ratio) -> str:
    """One ratio in one line, as it is told when it is known."""
    judged = "" if ratio.kept is None else f" ({ratio.promise}: {'kept' if ratio.kept else 'MISSED'})"
    return f"{ratio.scenario}, {ratio.case}: {ratio.subject} {number(ratio.median)} over {ratio.over}{judged}"


def figure_line(figure: Figure) -> str:
    """One figure in one line, as it is told when it is known."""
    return f"{figure.scenario}, {figure.case}: {figure.subject} {number(figure.value)} {figure.unit}"


def missed_line(ratio: Ratio) -> str:
    """A promise that was not kept, with value and limit."""
    return f"MISSED {ratio.key}: {ratio.median:.4g}, {ratio.promise} is promised"


def print_tables(console: Console, report: Report) -> None:
    """For each scenario a table of its ratios, and its figures below."""
    for scenario in report.scenarios:
        console.print(Text(scenario, "bold"))
        ratios = _table(_COLUMNS, numbers=("median",))
        for row in rows(report, scenario):
            ratios.add_row(*_cells(row))
        if ratios.rows:
            console.print(ratios)
        for found in figures(report, scenario):
            table = _table(("case", "subject", *found.units), numbers=found.units)
            for each in found.rows:
                table.add_row(Text(each.case), Text(each.subject), *map(number, each.values))
            console.print()
            console.print(table)
        console.print()


def _table(columns: Sequence[str], numbers: Sequence[str]) -> Table:
    table = Table(box=None, padding=(0, 2, 0, 0), header_style="dim")
    for column in columns:
        table.add_column(column, justify="right" if column in numbers else "left", overflow="fold")
    return table


def _cells(row: Row) -> Iterator[Text]:
    ratio = row.ratio
    yield Text(ratio.case)
    yield Text(ratio.subject)
    yield Text(number(ratio.median))
    yield Text(ratio.over)
    yield Text(row.spread)
    yield Text(ratio.promise)
    yield Text(row.judged, "green" if row.judged == "kept" else "bold red")
