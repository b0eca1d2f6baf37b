"""Which ratios are one curve, and that it is drawn where its values are."""

from __future__ import annotations

import re
from datetime import UTC, datetime

from benchmarks.curves import charts
from benchmarks.page import page
from benchmarks.report import Report
from benchmarks.results import Results
from benchmarks.scale import Scale
from benchmarks.surroundings import Surroundings

PLACE = Surroundings(
    python="CPython 3.11",
    platform="a platform",
    processors=2,
    processor="a <processor>",
    uvloop=None,
    commit=None,
    changed=None,
    load_before=None,
    load_after=(0.5, 0.5, 0.5),
)


def report(results: Results) -> Report:
    return Report(
        began=datetime(2026, 12, 1, tzinfo=UTC),
        took_s=1.0,
        scale=Scale.QUICK,
        surroundings=PLACE,
        ratios=results.ratios,
        figures=results.figures,
    )


def found() -> Results:
    results = Results()
    for size, median in ((5000, 1.3), (5, 1.0), (500, 1.1)):
        for shape in ("chains", "5 layers"):
            results.ratio(
                *("Size", f"{size:,} modules, {shape}", "async", [median, median - 0.1, median + 0.1]),
                over="lower bound",
                at_most=1.2,
                x=size,
            )
    results.ratio("Size", "5 modules, chains", "LangGraph", [100.0], over="lower bound", x=5)
    results.ratio("Slots", "1 slot", "async", [1.0], over="lower bound", x=1)
    results.ratio("Slots", "16 slots", "async", [1.1], over="lower bound", x=16)
    results.ratio("State", "1,000 updates", "redis", [1.1], over="XADD", x=1000)
    results.figure("State", "1,000 updates", "redis", 403.4, "us <each>")
    return results


def test_cases_that_differ_in_size_alone_are_one_curve() -> None:
    drawn = charts(report(found()))
    assert [(chart.scenario, chart.size) for chart in drawn] == [
        ("Size", "modules, chains"),
        ("Size", "modules, 5 layers"),
        ("Slots", "slots"),
    ]
    chains, layers, _ = drawn
    assert [line.subject for line in chains.lines] == ["async", "LangGraph"]
    (line,) = layers.lines
    assert [point.ratio.x for point in line.points] == [5, 500, 5000]
    # Logarithmic across: from 5 to 500 is twice as far as from 500 to 5,000.
    first, middle, last = (point.x for point in line.points)
    assert abs((middle - first) - 2 * (last - middle)) < 0.5
    # Upwards on the screen is downwards in its numbers.
    assert line.points[0].y > line.promise[0][1] > line.points[2].y
    assert line.points[0].high < line.points[0].y < line.points[0].low
    assert layers.one == line.points[0].y


def test_the_page_holds_every_point_and_needs_nothing_else() -> None:
    made = report(found())
    html = page(made)
    for chart in charts(made):
        for line in chart.lines:
            for point in line.points:
                assert f'cx="{point.x}" cy="{point.y}"' in html
    assert '<td data-of="case">1,000 updates</td>' in html
    assert "us &lt;each&gt;" in html
    assert "a &lt;processor&gt;" in html
    assert not re.search(r"(?:src|href)\s*=|url\(|@import|https?:|<script", html)
