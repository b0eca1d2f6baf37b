"""The HTML report: whole, alone, and with nothing in it that a model wrote as markup."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

from agents.conversation import Cause
from harness.compare import Comparison, Kind, Layer, Noise, Severity, compare
from harness.compare.comparison import FieldNoise
from harness.compare.noise import FieldCounts, judge_fields
from harness.compare.quality import Tally, judge_quality
from harness.record import TimelineSpan
from harness.report.html import html_report
from harness.report.lanes import bars_in_lanes
from harness.report.side_by_side import side_by_side
from harness.spec import Spec
from tests.compare.records import FILES, make_call, make_failure, make_record

EVIL = "</td></table><script>alert(1)</script><img src=http://x.example/> {{ 7*7 }} \x1b[31m"


class _Tags(HTMLParser):
    """Which tags a page opens, and what they refer to."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.opened: list[str] = []
        self.open: list[str] = []
        self.references: list[str] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.opened.append(tag)
        if tag not in {"meta", "link", "br"}:
            self.open.append(tag)
        self.references += [value or "" for name, value in attrs if name in {"src", "href", "srcset", "data"}]

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


def compared(tmp_path: Path, **candidate: Any) -> Comparison:
    spec = Spec.model_validate({"name": "shop", "idea": "a shop"})
    control = make_record(tmp_path / "control", engine="legacy", concurrent=False, wall_s=30.0)
    return compare(spec, control, make_record(tmp_path / "candidate", **candidate))


def test_the_page_needs_nothing_from_elsewhere_and_every_tag_is_closed(tmp_path: Path) -> None:
    page = html_report([compared(tmp_path, files={**FILES, "cart.py": "CART = [1]\n"})])
    tags = _Tags(page)
    assert tags.open == []
    assert "script" not in tags.opened
    assert [reference for reference in tags.references if not reference.startswith("data:")] == []
    assert "url(" not in page
    assert "default-src 'none'" in page


def test_nothing_that_an_engine_wrote_is_markup_or_template(tmp_path: Path) -> None:
    changed = {**FILES, "cart.py": f"CART = '{EVIL}'\n"}
    calls = [make_call("analyst", None), make_call(module=EVIL, number=2)]
    failures = [make_failure(Cause.ENGINE, reason=EVIL)]
    page = html_report([compared(tmp_path, files=changed, calls=calls, failures=failures)])
    tags = _Tags(page)
    assert tags.open == []
    assert {"script", "img"}.isdisjoint(tags.opened)
    assert "{{ 7*7 }}" in page
    assert "\x1b" not in page


def test_a_file_that_differs_is_shown_side_by_side(tmp_path: Path) -> None:
    page = html_report([compared(tmp_path, files={**FILES, "cart.py": "CART = [1]\n"})])
    rows = re.findall(r'<tr class="changed">(.*?)</tr>', page)
    assert any("CART = []" in row and "CART = [1]" in row for row in rows)


def test_a_file_outside_the_run_is_never_read(tmp_path: Path) -> None:
    """Names of files come from what a model wrote."""
    (tmp_path / "secret.txt").write_text("the password")
    comparison = compared(tmp_path, files={**FILES, "cart.py": "CART = [1]\n"})
    for side in ("control", "candidate"):
        (tmp_path / side / "files" / "cart.py").unlink()
        (tmp_path / side / "files" / "cart.py").symlink_to(tmp_path / "secret.txt")
    assert "the password" not in html_report([comparison])


def test_the_worst_verdict_stands_on_top(tmp_path: Path) -> None:
    equal = compared(tmp_path / "equal")
    unequal = compared(tmp_path / "unequal", files={})
    page = html_report([equal, unequal])
    assert re.search(r"<h1><span class=\"status FAIL\">FAIL</span> 2 specs compared</h1>", page)
    assert page.count('class="status PASS"') == 1


def _span(granted_s: float | None, end_s: float, arrival_s: float = 0.0, status: int = 200) -> TimelineSpan:
    return TimelineSpan(
        role="developer",
        module="Cart",
        attempt=1,
        arrival_s=arrival_s,
        granted_s=granted_s,
        end_s=end_s,
        status=status,
    )


def test_no_two_modules_of_a_page_have_the_same_colour(tmp_path: Path) -> None:
    calls = [make_call(module=f"M{number}", number=number) for number in range(40)]
    page = html_report([compared(tmp_path, calls=calls)])
    key = page.partition('<p class="key')[2].partition("</p>")[0]
    colours = re.findall(r"background: (#\w{6})", key)
    assert len(colours) == len(set(colours)) >= 40


def test_a_lane_holds_one_call_at_a_time_and_the_lowest_is_taken() -> None:
    spans = [_span(0, 4), _span(1, 2), _span(None, 3), _span(2, 5, arrival_s=1.5), _span(4.5, 6, status=500)]
    bars = bars_in_lanes(spans)
    assert [(bar.lane, bar.start_s) for bar in bars] == [(0, 0), (1, 1), (1, 2), (0, 4.5)]
    assert [bar.queued_s for bar in bars][2] == 0.5
    assert [bar.failed for bar in bars] == [False, False, False, True]


def test_what_is_equal_and_far_from_a_difference_is_left_out() -> None:
    before = [f"line {n}" for n in range(50)]
    after = [*before[:20], "another", *before[21:]]
    rows = side_by_side("\n".join(before), "\n".join(after))
    assert [row.kind for row in rows] == ["gap", *["equal"] * 3, "changed", *["equal"] * 3, "gap"]
    assert (rows[4].before_line, rows[4].before, rows[4].after) == (21, "line 20", "another")
    assert side_by_side("a\nb", "a\nb") == ()


def test_tokens_stand_side_by_side_and_what_differs_is_marked(tmp_path: Path) -> None:
    spent = make_call("developer", "Cart").model_copy(update={"output_tokens": 98_765})
    page = html_report([compared(tmp_path, calls=[spent])])
    assert '<td class="n differs">98765</td>' in page
    assert '<td class="n differs" colspan="5">none</td>' in page
    assert "<td>in total</td>" in page


def test_what_is_said_of_many_runs_stands_in_tables(tmp_path: Path) -> None:
    comparison = compared(tmp_path)
    judged = judge_quality("compiles", Tally(5, 5), Tally(4, 5), margin=0.1)
    field = FieldNoise(
        layer=Layer.FILES,
        kind=Kind.CHANGED,
        path="cart.py",
        severity=Severity.MAJOR,
        sentence="cart.py differs",
        follows=False,
        judgement=judge_fields({"cart.py": FieldCounts(3, 5, 4, 5)})["cart.py"],
    )
    noise = Noise(ab_pairs=5, aa_pairs=5, alpha=0.05, deterministic=False, fields=(field,))
    page = html_report([comparison.model_copy(update={"noise": noise, "quality": (judged,)})])
    cells = re.findall(r"<td[^>]*>([^<]*)</td>", page)
    assert cells[(at := cells.index("files: changed: cart.py (major)")) : at + 3] == [
        "files: changed: cart.py (major)",
        "3/5",
        "4/5",
    ]
    assert "noise" in cells
    assert cells[(at := cells.index("compiles")) : at + 3] == ["compiles", "5/5", "4/5"]


def test_what_differs_and_is_not_counted_is_not_called_equal(tmp_path: Path) -> None:
    comparison = compared(tmp_path, files={**FILES, "cart.py": "CART = [1]\n"})
    layers = tuple(
        layer.model_copy(update={"uncounted": layer.mismatches, "mismatches": ()})
        for layer in comparison.layers
    )
    page = html_report([comparison.model_copy(update={"layers": layers})])
    cells = re.findall(r"<td[^>]*>([^<]*)</td>", page)
    assert cells[cells.index("files") + 1] == "1 not counted"
    assert "cart.py differs" in page
