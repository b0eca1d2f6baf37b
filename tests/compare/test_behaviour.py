"""The behaviour layer: what the applications do differently, and how much that matters."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from harness.compare import Kind, Mismatch, Severity
from harness.compare.behaviour import compare_behaviour
from harness.record import BehaviourRecord, RouteAnswer, TestResult
from tests.compare.records import make_record

HTML, JSON = "text/html; charset=utf-8", "application/json"


def answer(status: int | None = 200, body: str = "", content_type: str = HTML, **more: Any) -> RouteAnswer:
    return RouteAnswer(method="GET", path="/", status=status, content_type=content_type, body=body, **more)


def ran(*routes: RouteAnswer, **more: Any) -> BehaviourRecord:
    return BehaviourRecord(sandbox="namespaces", routes=routes, **{"started": True, **more})


def with_test(outcome: str | None, reason: str = "") -> BehaviourRecord:
    return ran(tests=(TestResult(name="t", outcome=outcome, reason=reason),) if outcome else ())


def compared(tmp_path: Path, ours: BehaviourRecord | None, theirs: BehaviourRecord | None) -> list[Mismatch]:
    record = make_record(tmp_path / "run", files={})
    return list(compare_behaviour(replace(record, behaviour=ours), replace(record, behaviour=theirs)))


STOPPED = ran(started=False, reason="it ended")
CASES: dict[str, tuple[BehaviourRecord, BehaviourRecord, Severity, str]] = {
    "does not start": (
        ran(),
        STOPPED,
        Severity.BREAKING,
        "the application does not start in the candidate only: it ended",
    ),
    "starts at last": (
        STOPPED,
        ran(),
        Severity.MAJOR,
        "the application does not start in the control only: it ended",
    ),
    "other reasons": (
        STOPPED,
        ran(started=False, reason="it hangs"),
        Severity.MINOR,
        "the application starts in neither, and not for the same reason: it hangs instead of it ended",
    ),
    "status": (
        ran(answer(200, "<p>Shop</p>")),
        ran(answer(500, "<p>Sorry</p>")),
        Severity.BREAKING,
        "GET / answers 500 (<p>Sorry</p>) instead of 200",
    ),
    "no answer": (
        ran(answer(200)),
        ran(answer(None, error="no answer within 5 s")),
        Severity.BREAKING,
        "GET / answers no answer within 5 s instead of 200",
    ),
    "content type": (
        ran(answer(body="{}", content_type=JSON)),
        ran(answer(body="{}")),
        Severity.MAJOR,
        f"GET / answers with the content type {HTML} instead of {JSON}",
    ),
    "redirect": (
        ran(answer(302, location="/a")),
        ran(answer(302, location="/b")),
        Severity.MAJOR,
        "GET / answers with the way on /b instead of /a",
    ),
    "JSON": (
        ran(answer(body='{"a": 1}', content_type=JSON)),
        ran(answer(body='{"a": 2}', content_type=JSON)),
        Severity.MAJOR,
        'GET / answers otherwise at a: line 1 is “{"a": 2}” instead of “{"a": 1}”',
    ),
    "JSON in another order": (
        ran(answer(body='{"a": 1, "b": 2}', content_type=JSON)),
        ran(answer(body='{"b": 2, "a": 1}', content_type=JSON)),
        Severity.COSMETIC,
        "GET / answers otherwise in the order of keys or in layout only: ",
    ),
    "words of a page": (
        ran(answer(body="<p>Lamp</p>")),
        ran(answer(body="<p>Lamps</p>")),
        Severity.MINOR,
        "GET / answers otherwise in its words only: ",
    ),
    "structure of a page": (
        ran(answer(body="<p>Lamp</p>")),
        ran(answer(body="<b>Lamp</b>")),
        Severity.MAJOR,
        "GET / answers otherwise: ",
    ),
    "text that varies in one only": (
        ran(answer(body="a", content_type="text/plain")),
        ran(answer(body="b", content_type="text/plain", varies=True)),
        Severity.MAJOR,
        "GET / answers otherwise: ",
    ),
    "second time": (
        ran(answer(), answer()),
        ran(answer(), answer(404)),
        Severity.BREAKING,
        "GET / answers 404 () instead of 200",
    ),
    "test fails": (
        with_test("passed"),
        with_test("failed", "1 is not 2"),
        Severity.BREAKING,
        "the test t failed in the candidate and passed in the control: 1 is not 2",
    ),
    "test mended": (
        with_test("failed"),
        with_test("passed"),
        Severity.MAJOR,
        "the test t passed in the candidate and failed in the control",
    ),
    "test gone": (
        with_test("passed"),
        with_test(None),
        Severity.BREAKING,
        "the test t is missing in the candidate",
    ),
    "test added": (
        with_test(None),
        with_test("passed"),
        Severity.MINOR,
        "the test t is only in the candidate, and passed",
    ),
    "tests not run": (
        ran(),
        ran(tests_reason="they hung"),
        Severity.MAJOR,
        "the generated tests were not run in both: they hung instead of they were",
    ),
}


@pytest.mark.parametrize("case", CASES)
def test_what_differs_is_told_with_how_much_it_matters(case: str, tmp_path: Path) -> None:
    ours, theirs, severity, sentence = CASES[case]
    (mismatch,) = compared(tmp_path, ours, theirs)
    assert mismatch.severity is severity
    assert mismatch.sentence.startswith(sentence)


@pytest.mark.parametrize(
    ("ours", "theirs"),
    [
        (ran(answer(500, "a")), ran(answer(500, "a"))),
        (ran(answer(body="1", varies=True)), ran(answer(body="2", varies=True))),
        (STOPPED, ran(started=False, reason="it ended", startup_s=3.0)),
        (ran(startup_s=0.1), ran(startup_s=9.0)),
        (None, STOPPED),
        (STOPPED, None),
    ],
    ids=["same", "says something else each time", "broken alike", "slower", "one not run", "other not run"],
)
def test_what_does_not_differ_is_no_mismatch(
    ours: BehaviourRecord | None, theirs: BehaviourRecord | None, tmp_path: Path
) -> None:
    assert compared(tmp_path, ours, theirs) == []


def test_a_layout_alone_is_of_the_kind_cosmetic(tmp_path: Path) -> None:
    ours, theirs, *_ = CASES["JSON in another order"]
    assert compared(tmp_path, ours, theirs)[0].kind is Kind.COSMETIC
