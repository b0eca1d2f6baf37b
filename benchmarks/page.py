"""A session as one HTML file, which needs no network and runs no script."""

from __future__ import annotations

from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from benchmarks.baseline import Change
from benchmarks.curves import BOTTOM, HEIGHT, LEFT, RIGHT, TOP, WIDTH, charts
from benchmarks.report import Report
from benchmarks.tables import figures, number, rows

__all__ = ["page"]


def page(report: Report) -> str:
    """The HTML of `report`: its curves, and a table of everything."""
    templates = Environment(
        loader=FileSystemLoader(Path(__file__).parent / "html"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    templates.filters["number"] = number
    drawn = charts(report)
    compared = report.compared
    return templates.get_template("curves.html.j2").render(
        report=report,
        scenarios=[
            (
                scenario,
                [chart for chart in drawn if chart.scenario == scenario],
                rows(report, scenario),
                figures(report, scenario),
            )
            for scenario in report.scenarios
        ],
        kept=sum(ratio.kept is True for ratio in report.ratios),
        worsened=compared.changed(Change.WORSENED) if compared else (),
        improved=compared.changed(Change.IMPROVED) if compared else (),
        width=WIDTH,
        height=HEIGHT,
        left=LEFT,
        right=WIDTH - RIGHT,
        top=TOP,
        bottom=HEIGHT - BOTTOM,
    )
