"""`harness watch` as a user runs it, beside a harness at work: all events in order, the end, exit codes."""

from __future__ import annotations

import json
import os
import signal
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.end_to_end.harness_command import run_command
from tests.end_to_end.harness_process import FAST, HarnessProcess, harness, run_harness

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="looks for left-over processes in /proc")

PACE = ("--ttft", "0.4", "--tokens-per-second", "2000")
"""A run of `TINY` takes some seconds: whoever starts late still sees it under way."""

QUICKER = ("--ttft", "0.1", "--tokens-per-second", "2000")
"""Where the run is named, and who starts late is shown the same."""

TINY = """
name: tiny
idea: A list of books with a title.
modules:
  - {name: Books, module_type: data, description: Books with a title}
"""


@pytest.fixture
def tiny(tmp_path: Path) -> Path:
    (tmp_path / "tiny.yaml").write_text(TINY)
    return tmp_path


@contextmanager
def _comparing(
    folder: Path, engine: str, pace: tuple[str, ...] = PACE
) -> Iterator[tuple[HarnessProcess, str]]:
    """A comparison of an engine with itself, and its first run, which has begun."""
    arguments = ("--model", "simulated", "--control", engine, "--candidate", engine, *pace)
    with harness(folder, "compare", "tiny.yaml", *arguments) as comparing:
        runs = folder / ".harness" / "runs"
        _soon(lambda: list(runs.glob("*/run.json")))
        (path,) = runs.glob("*/run.json")
        yield comparing, path.parent.name


def _soon(what: Callable[[], object]) -> None:
    """Return when `what` is so."""
    deadline = time.monotonic() + 30
    while not what():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def _events(folder: Path, run: str) -> list[dict[str, object]]:
    lines = (folder / ".harness" / "runs" / run / "events.jsonl").read_text().splitlines()
    return [json.loads(line) for line in lines]


def _facts(output: str) -> list[dict[str, object]]:
    """The events that were printed, without number and id."""
    printed = [json.loads(line) for line in output.splitlines()]
    assert [line.pop("number") for line in printed] == list(range(1, len(printed) + 1))
    for line in printed:
        line.pop("ident")
    return printed


@pytest.mark.parametrize("engine", ["legacy", "async"])
def test_a_run_is_watched_from_another_process_until_it_has_finished(engine: str, tiny: Path) -> None:
    with _comparing(tiny, engine, QUICKER) as (_, run), harness(tiny, "watch", run, "--json") as watching:
        code = watching.finish()
        assert code == 0, watching.errors
        (said,) = watching.errors.splitlines()
        assert said.startswith(f"harness: {run}: finished in ")
        # The file is the record of the run once it has ended.
        assert _facts(watching.output) == _events(tiny, run)
        idents = [json.loads(line)["ident"] for line in watching.output.splitlines()]
        assert any(idents) == (engine == "async")


def test_a_run_that_was_cut_off_is_exit_3_and_says_how_to_go_on(tiny: Path) -> None:
    """And while it is resumed, it is watched to its end, from its first event on."""
    with _comparing(tiny, "async") as (comparing, run):
        events = tiny / ".harness" / "runs" / run / "events.jsonl"
        with harness(tiny, "watch", run[:-3]) as watching:
            _soon(events.exists)
            os.kill(comparing.process.pid, signal.SIGKILL)
            code = watching.finish()
        assert code == 3, watching.errors
        last = watching.output.splitlines()[-1]
        assert last.startswith(f"{run}: cut off: process {comparing.process.pid} on ")
        assert last.endswith(f"; go on with it: harness resume {run}")
        comparing.assert_nothing_left()
    with harness(tiny, "resume") as resuming:
        resuming.wait_for("resumed", "started")
        code, out, err = run_command(tiny, "watch", "--json")
        assert resuming.finish() == 0, resuming.errors
    assert code == 0, err
    assert _facts(out) == _events(tiny, run)
    assert [event["kind"] for event in _facts(out)].count("BUILD_RESUMED") == 1


def test_ctrl_c_ends_the_watching_and_leaves_the_run_alone(tiny: Path) -> None:
    with _comparing(tiny, "legacy") as (comparing, run), harness(tiny, "watch") as watching:
        watching.wait_for(f"watching {run}")
        watching.process.send_signal(signal.SIGINT)
        assert watching.finish() == 130
        assert watching.errors.endswith("\nharness: no longer watching; the run goes on\n")
        _soon((tiny / ".harness" / "runs" / run / "record.json").exists)
        assert comparing.process.poll() is None


def test_a_run_that_failed_is_shown_whole_at_once_and_is_exit_3(tiny: Path) -> None:
    arguments = ("--model", "simulated", *FAST, "--fault", "role=architect:garbage")
    run_command(tiny, "compare", "tiny.yaml", *arguments)
    code, out, err = run_command(tiny, "watch")
    assert code == 3, err
    lines = out.splitlines()
    assert lines[0].startswith("tiny: async · simulated model llama3.1 · 4 slots · Redis: ")
    assert "the plan is made: 8 tasks in all" in lines
    assert lines[-2].startswith("tasks: 2 done, 1 failed, 5 skipped; calls: ")
    assert ": failed at architect:Books: " in lines[-1]


def test_where_there_is_no_run_that_is_bad_input(tiny: Path) -> None:
    code, out, err = run_harness(tiny, "watch")
    assert (code, out) == (2, "")
    assert "no run was begun here" in err
    assert err.count("\n") == 1
    assert not (tiny / ".harness").exists()
