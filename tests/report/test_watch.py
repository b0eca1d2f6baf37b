"""A run on show: a screen that fits, lines for people, lines of JSON; and how it ended, in words."""

from __future__ import annotations

import asyncio
import io
import json
import re
from dataclasses import asdict
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from agents.build import EventKind, TaskEvent
from agents.conversation import Cause
from harness.record import Failure, OutcomeStatus, RunOutcome, Sitting
from harness.report.durations import duration
from harness.report.run_words import describe_end
from harness.report.watch import showing
from harness.report.watch_screen import WatchScreen
from harness.watch import CallView, Expectation, NumberedEvent, RunEnd
from tests.compare.records import make_record
from tests.record.manifests import SITTING, make_manifest
from tests.watch.runs import EVENTS, event

STARTED, DONE, FAILED = EventKind.TASK_STARTED, EventKind.TASK_COMPLETED, EventKind.TASK_FAILED
ROLES = ("architect", "developer", "reviewer", "optimizer")
NOW = datetime.fromisoformat("2024-05-01T10:00:12+00:00")
MANIFEST = make_manifest("20240501-100000-shop-async-1")

UNDER_WAY = (
    event(0, EventKind.BUILD_STARTED),
    event(0, DONE, "analyst", calls=1, prompt_tokens=1000, output_tokens=10),
    event(2, STARTED, "developer:Users"),
    event(4, STARTED, "architect:Cart"),
    event(5, DONE, "architect:Cart", calls=3, prompt_tokens=500, output_tokens=5, retries=2),
    event(5, STARTED, "developer:Cart"),
    event(6, FAILED, "reviewer:Users", detail="no [red]\x1b[31m answer", calls=1),
)


def _numbered(*events: TaskEvent) -> list[NumberedEvent]:
    return [NumberedEvent(number, one) for number, one in enumerate(events, start=1)]


def _ended(tmp_path: Path, **outcome: Any) -> RunEnd:
    made = RunOutcome(**({"status": OutcomeStatus.FINISHED} | outcome))
    summary = make_record(tmp_path).summary.model_copy(update={"outcome": made, "wall_s": 12.34})
    return RunEnd(MANIFEST, summary, Path(".harness").absolute())


def _screen(
    *events: TaskEvent,
    width: int = 100,
    height: int = 50,
    expected: Expectation | None = None,
    plan: tuple[str, ...] = (),
    note: str = "",
    end: RunEnd | None = None,
) -> str:
    console = Console(file=io.StringIO(), width=width, height=height, force_terminal=True, record=True)
    screen = WatchScreen(console, MANIFEST, expected)
    for numbered in _numbered(*events):
        screen.happened(numbered)
    if plan:
        screen.planned(plan)
    screen.noted(note)
    if end is not None:
        screen.ended(end)
    console.export_text()
    console.print(screen.drawn(NOW))
    return console.export_text()


def _plan(modules: int) -> tuple[str, ...]:
    return ("analyst", *(f"{role}:M{number}" for number in range(modules) for role in ROLES))


def test_the_screen_says_what_is_done_and_who_is_at_work() -> None:
    shown = _screen(*UNDER_WAY)
    assert "async · simulated model m · 4 slots · Redis: embedded" in shown
    rows = {line.split()[0]: line.split()[1:] for line in shown.splitlines() if line.split()}
    assert rows["module"] == ["architect", "developer", "reviewer"]
    assert " ".join(rows["Users"]) == "▶ 10.0 s ✗"
    assert " ".join(rows["Cart"]) == "✓ 1.0 s +2 ▶ 7.0 s"
    assert " ".join(rows["tasks"]) == "✓ 2 done ▶ 2 under way ✗ 1 failed of 5 known so far"
    assert " ".join(rows["at"]) == "work developer:Users, developer:Cart beside each other"
    assert " ".join(rows["model"]) == "5 calls, 2 retries, 1,500 tokens in, 15 out"
    assert " ".join(rows["time"]).startswith("12.0 s; nothing to expect it by")


def test_what_an_engine_says_is_text_and_no_markup() -> None:
    assert r"reviewer:Users: no [red]\x1b[31m answer" in _screen(*UNDER_WAY)
    shown = _screen(event(0, STARTED, "a\x1b[2J:M\x1b[2J"), event(0, STARTED, "b\x1b[2J"), note="\x1b[2J")
    assert "\x1b" not in shown


def test_with_the_plan_what_comes_is_shown_and_how_much_it_is() -> None:
    shown = _screen(*EVENTS[:5], plan=("analyst", "auditor", "architect:Users", "developer:Users"))
    assert re.search(r"Users +· +·", shown)
    assert "✓ 2 done   · 2 waiting   of 4\n" in re.sub(r" +\n", "\n", shown)


@pytest.mark.parametrize(("wall_s", "words"), [(20.0, "8.0 s left"), (10.0, "2.0 s over")])
def test_what_is_left_goes_by_earlier_runs(wall_s: float, words: str) -> None:
    shown = _screen(*UNDER_WAY, expected=Expectation(wall_s, 3))
    assert f"{duration(wall_s)} expected (median of 3 earlier runs), {words}" in shown


@pytest.mark.parametrize("width", [40, 80, 120])
@pytest.mark.parametrize("height", [20, 24, 50])
def test_the_screen_fits_whatever_there_is(width: int, height: int) -> None:
    """And those that are worked on are seen, and the sums."""
    busy = event(3, STARTED, "developer:M59")
    shown = _screen(*UNDER_WAY, busy, width=width, height=height, plan=_plan(60), note="Redis is away")
    lines = shown.rstrip("\n").split("\n")
    assert max(map(len, lines)) <= width
    if width >= 80:
        assert len(lines) <= height
    assert re.search(r"M59 +· +▶", shown)
    assert re.search(r"and \d+ more: \d+ not begun", shown)
    assert "model " in shown
    assert "Redis is away" in shown


def test_of_a_run_that_has_ended_everything_is_shown(tmp_path: Path) -> None:
    shown = _screen(*EVENTS, height=20, plan=_plan(30), end=_ended(tmp_path))
    assert all(f" M{number} " in shown for number in range(30))
    assert "one at a time" in shown
    assert re.search(r"time +12\.3 s", shown), "as it was measured, not as it was watched"
    assert shown.rstrip().endswith("finished in 12.3 s")


def test_when_nobody_is_at_work_it_says_how_many_were_at_most() -> None:
    assert "at work  nobody yet" in _screen(UNDER_WAY[0])
    ended = (event(6, DONE, "developer:Users"), event(6, DONE, "developer:Cart"))
    assert "at work  at most 2 beside each other" in _screen(*UNDER_WAY, *ended)


def test_of_an_engine_that_says_nothing_the_calls_are_shown(tmp_path: Path) -> None:
    console = Console(file=io.StringIO(), width=100, force_terminal=True, record=True)
    screen = WatchScreen(console, MANIFEST, None)
    for number in (1, 2):
        screen.called(_call(number))
    console.print(screen.drawn(NOW))
    shown = console.export_text()
    assert re.search(r"Cart +2 calls", shown)
    assert "tasks" not in shown
    assert "2 calls, 20 tokens in, 40 out" in shown


def _call(number: int, error: str | None = None) -> CallView:
    return CallView(
        number=number,
        role="developer",
        module="Cart",
        status=200,
        error=error,
        end_s=2.5,
        prompt_tokens=10,
        output_tokens=20,
    )


async def _lines(
    end: RunEnd, *events: TaskEvent, as_json: bool = False, expected: Expectation | None = None
) -> str:
    out = io.StringIO()
    async with showing(Console(file=out, width=40), MANIFEST, expected, as_json=as_json) as display:
        for numbered in _numbered(*events):
            display.happened(numbered)
        display.called(_call(1, "cut\x1b[0m"))
        display.planned(("a", "b"))
        display.noted("away")
        display.noted("")
        display.ended(end)
    return out.getvalue()


async def test_without_a_terminal_every_event_is_a_plain_line(tmp_path: Path) -> None:
    shown = await _lines(_ended(tmp_path), *UNDER_WAY, expected=Expectation(9.0, 1))
    assert shown.splitlines() == [
        "shop: async · simulated model m · 4 slots · Redis: embedded · run 20240501-100000-shop-async-1",
        "9.0 s expected (1 earlier run)",
        "     0.0 s  the build is begun",
        "     0.0 s  analyst done (calls: 1, retries: 0; tokens: 1000 in, 10 out)",
        "     2.0 s  developer:Users begun",
        "     4.0 s  architect:Cart begun, beside developer:Users",
        "     5.0 s  architect:Cart done (calls: 3, retries: 2; tokens: 500 in, 5 out)",
        "     5.0 s  developer:Cart begun, beside developer:Users",
        r"     6.0 s  reviewer:Users failed: no [red]\x1b[31m answer (calls: 1, retries: 0; "
        "tokens: 0 in, 0 out)",
        r"     2.5 s  developer:Cart asked the model: cut\x1b[0m",
        "the plan is made: 2 tasks in all",
        "away",
        "tasks: 2 done, 1 failed, 0 skipped; calls: 6, retries: 2; tokens: 1510 in, 35 out",
        "20240501-100000-shop-async-1: finished in 12.3 s",
    ]


async def test_as_json_every_event_is_a_line_with_all_its_facts(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert await _lines(_ended(tmp_path), *UNDER_WAY, as_json=True) == ""
    out, err = capsys.readouterr()
    assert [json.loads(line) for line in out.splitlines()] == [
        {"number": number, "ident": None, **asdict(one)} for number, one in enumerate(UNDER_WAY, start=1)
    ]
    assert "\x1b" not in out
    assert err.splitlines() == ["harness: away", "harness: 20240501-100000-shop-async-1: finished in 12.3 s"]


async def test_on_a_terminal_the_screen_is_drawn_anew_by_itself(tmp_path: Path) -> None:
    out = io.StringIO()
    console = Console(file=out, width=100, height=40, force_terminal=True)
    async with showing(console, MANIFEST, None, as_json=False) as display:
        display.happened(_numbered(*UNDER_WAY)[0])
        async with asyncio.timeout(5):
            while "0 done" not in out.getvalue():  # noqa: ASYNC110  rich writes it, and tells nobody
                await asyncio.sleep(0.01)
        display.ended(_ended(tmp_path))
    assert out.getvalue().rstrip().endswith("\x1b[?25h"), "the cursor is back"


CUT_OFF = RunEnd(MANIFEST, None, Path(".harness").absolute())
LEGACY = make_manifest(engine="legacy", not_resumable="the legacy engine begins anew every time")
REASON = (Failure(task="engine", cause=Cause.DEADLINE, reason="not finished within 3 s"),)


def test_how_a_run_ended_is_said_with_what_can_be_done(tmp_path: Path) -> None:
    assert describe_end(_ended(tmp_path)) == "finished in 12.3 s"
    assert describe_end(CUT_OFF) == (
        "cut off: process 4711 on here, which worked on it, is gone; go on with it: harness resume "
        "20240501-100000-shop-async-1"
    )
    assert describe_end(RunEnd(LEGACY, None, Path("x"))).endswith(
        "it cannot be resumed: the legacy engine begins anew every time"
    )
    elsewhere = describe_end(RunEnd(MANIFEST, None, Path("/my runs")))
    assert elsewhere.endswith("harness resume 20240501-100000-shop-async-1 --store '/my runs'")
    failed = _ended(tmp_path, status=OutcomeStatus.FAILED, failures=REASON)
    assert describe_end(failed) == "failed at engine: not finished within 3 s in 12.3 s"
    assert failed.summary is not None
    again = RunEnd(MANIFEST, failed.summary.model_copy(update={"resumable": True}), CUT_OFF.store)
    assert describe_end(again).endswith("; go on with it: harness resume 20240501-100000-shop-async-1")


def test_the_sitting_is_shown_where_it_is_not_the_first() -> None:
    again = Sitting(began_at=SITTING.began_at, pid=1, host="here")
    console = Console(file=io.StringIO(), width=100, record=True)
    screen = WatchScreen(console, MANIFEST.model_copy(update={"sittings": (SITTING, again)}), None)
    console.print(screen.drawn(NOW + timedelta(seconds=5)))
    assert "sitting 2" in console.export_text()
    assert "sitting 2" in _screen(*UNDER_WAY, event(7, EventKind.BUILD_RESUMED))
    assert "sitting" not in _screen(*UNDER_WAY)


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (0.04, "0.0 s"),
        (99.94, "99.9 s"),
        (99.96, "100 s"),
        (599.4, "599 s"),
        (600, "10 min"),
        (5999, "100 min"),
        (7200, "2.0 h"),
    ],
)
def test_durations_are_short(seconds: float, words: str) -> None:
    assert duration(seconds) == words
