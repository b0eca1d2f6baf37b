"""Reports for other programs: the verdict is in them, and nothing that an engine wrote is markup in them."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest

from agents.conversation import Cause
from harness.compare import Comparison, Status, compare
from harness.errors import BadInputError
from harness.report.junit import junit_report
from harness.report.markdown import markdown_report
from harness.report.report_files import ReportFiles
from harness.spec import Spec
from tests.compare.records import FILES, make_failure, make_record

EVIL = "x.py | `</details>` <script>alert(1)</script> [a](http://b) \x1b[31m"


def compared(tmp_path: Path, **candidate: Any) -> Comparison:
    spec = Spec.model_validate({"name": "shop", "idea": "a shop", "expect": {"min_speedup": 2.0}})
    control = make_record(tmp_path / "control", engine="legacy", concurrent=False, wall_s=30.0)
    return compare(spec, control, make_record(tmp_path / "candidate", **candidate))


@pytest.fixture
def equal(tmp_path: Path) -> Comparison:
    return compared(tmp_path)


@pytest.fixture
def unequal(tmp_path: Path) -> Comparison:
    return compared(tmp_path, files={**FILES, "cart.py": "CART = [1]\n"})


def cases(report: str) -> dict[str, list[str]]:
    """What each case holds, by its name."""
    root = ElementTree.fromstring(report)  # noqa: S314 (our own)
    return {case.attrib["name"]: [part.tag for part in case] for case in root.iter("testcase")}


def test_junit_passes_where_all_is_equal(equal: Comparison) -> None:
    assert equal.verdict.status is Status.PASS
    assert [name for name, parts in cases(junit_report([equal])).items() if parts] == []


def test_junit_fails_in_the_layer_that_differs(unequal: Comparison) -> None:
    found = cases(junit_report([unequal]))
    assert {name for name, parts in found.items() if "failure" in parts} == {"files", "verdict"}
    suite = ElementTree.fromstring(junit_report([unequal])).find("testsuite")  # noqa: S314
    assert suite is not None
    assert (suite.get("failures"), suite.get("errors")) == ("2", "0")


def test_what_could_not_be_judged_is_an_error_and_never_a_pass(tmp_path: Path) -> None:
    comparison = compared(tmp_path, failures=[make_failure(Cause.MODEL)])
    assert comparison.verdict.status is Status.ERROR
    assert cases(junit_report([comparison]))["verdict"] == ["error"]


def test_markdown_begins_with_the_worst_verdict(equal: Comparison, unequal: Comparison) -> None:
    report = markdown_report([equal, unequal])
    assert report.startswith("## FAIL: 2 specs compared\n")
    assert "### PASS shop" in report
    assert re.search(r"\| files \| \*\*1\*\* \|", report)
    assert re.search(r"\| files \| changed \| \w+ \| cart", report)
    assert "simulated model" in report


def test_a_run_that_failed_has_no_speedup(tmp_path: Path) -> None:
    spec = Spec.model_validate({"name": "shop", "idea": "a shop"})
    failures = [make_failure(Cause.ANSWER, "developer:Cart", "no usable answer")]
    control, candidate = (
        make_record(tmp_path / side, failures=failures) for side in ("control", "candidate")
    )
    report = markdown_report([compare(spec, control, candidate)])
    assert "\nno speed-up: a run failed\n" in report


def test_nothing_that_an_engine_wrote_is_markup(tmp_path: Path) -> None:
    comparison = compared(tmp_path, failures=[make_failure(Cause.ENGINE, reason=EVIL)])
    report = markdown_report([comparison])
    assert re.sub(r"\\.", "", report).count("</details>") == report.count("<details>")
    assert "<script>" not in report
    assert "\x1b" not in report
    # A control character in it would make it no XML.
    assert "script" in (ElementTree.fromstring(junit_report([comparison])).findtext(".//failure") or "")  # noqa: S314


def test_files_are_written_whole(tmp_path: Path, equal: Comparison) -> None:
    files = ReportFiles(tmp_path / "a.md", tmp_path / "b.xml")
    (tmp_path / "a.md").write_text("of the last time")
    assert files.write([equal]) == (tmp_path / "a.md", tmp_path / "b.xml")
    assert (tmp_path / "a.md").read_text() == markdown_report([equal])
    assert {path.name for path in tmp_path.iterdir() if path.is_file()} == {"a.md", "b.xml"}


def test_a_place_that_cannot_be_written_to_is_refused_before_anything_runs(tmp_path: Path) -> None:
    with pytest.raises(BadInputError, match=r"--markdown: .* is a folder"):
        ReportFiles(markdown=tmp_path).check()
    with pytest.raises(BadInputError, match="--junit: nothing can be written into"):
        ReportFiles(junit=tmp_path / "missing" / "b.xml").check()


def test_no_report_takes_the_place_of_another_or_of_a_spec(tmp_path: Path) -> None:
    spec = tmp_path / "shop.yaml"
    spec.touch()
    with pytest.raises(BadInputError, match=r"--html: .*a\.md is the file of --markdown already"):
        ReportFiles(markdown=tmp_path / "a.md", html=tmp_path / "x" / ".." / "a.md").check()
    for read in (spec, tmp_path):
        with pytest.raises(BadInputError, match=r"--html: .*shop\.yaml is what is compared"):
            ReportFiles(html=spec).check([read])
    ReportFiles(markdown=tmp_path / "a.md", html=tmp_path / "a.html").check([tmp_path])
