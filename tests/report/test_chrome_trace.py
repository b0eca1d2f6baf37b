"""The trace for Perfetto: in the format's own terms, and with every call at its place."""

from __future__ import annotations

import json
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from agents.build import EventKind
from harness.cli import app
from harness.record import RunRecord, RunStore
from harness.report.chrome_trace import chrome_trace
from tests.compare.records import make_call, make_event, make_record
from tests.compare.rehearsal import rehearse_candidate, rehearse_control

SECRET = "the text of a prompt"  # noqa: S105 (none)


@pytest.fixture(scope="module")
def records(tmp_path_factory: pytest.TempPathFactory) -> list[RunRecord]:
    folder = tmp_path_factory.mktemp("rehearsal")
    return [rehearse_control(folder / "control"), rehearse_candidate(folder / "candidate", slots=2)]


def waiting(record: RunRecord) -> RunRecord:
    """`record` as if every call had waited for a slot for a quarter of a second."""
    later = 0.25
    calls = [call.model_copy(update={"arrival_s": call.arrival_s - later}) for call in record.calls]
    return replace(record, calls=tuple(calls))


def events_of(*records: RunRecord, ph: str = "") -> list[dict[str, Any]]:
    """The events of a trace, or those of one phase."""
    found: list[dict[str, Any]] = json.loads(chrome_trace(records))["traceEvents"]
    return [event for event in found if not ph or event["ph"] == ph]


def test_every_event_has_what_its_phase_needs(records: list[RunRecord]) -> None:
    needed = {
        "M": {"name", "args"},
        "X": {"name", "ts", "dur", "tid"},
        "b": {"name", "cat", "id2", "ts"},
        "e": {"name", "cat", "id2", "ts"},
        "i": {"name", "ts", "s", "tid"},
        "C": {"name", "ts", "args"},
    }
    events = events_of(*records)
    assert {event["ph"] for event in events} == needed.keys()
    for event in events:
        assert needed[event["ph"]] | {"pid"} <= event.keys()
        assert event["pid"] in (1, 2)
    times = [event["ts"] for event in events if event["ph"] != "M"]
    assert times == sorted(times)
    assert min(times) == 0
    assert all(type(time) is int for time in times)


def test_every_call_is_there_once_and_lasts_as_long_as_it_did(records: list[RunRecord]) -> None:
    for process, record in enumerate(records, start=1):
        calls = {e["args"]["number"]: e for e in events_of(*records, ph="X") if e["pid"] == process}
        assert sorted(calls) == [call.number for call in record.calls]
        assert len(events_of(*records, ph="X")) == sum(len(record.calls) for record in records)
        for call in record.calls:
            assert call.granted_s is not None
            shown = calls[call.number]
            assert shown["ts"] == round(call.granted_s * 1e6)
            assert shown["dur"] == pytest.approx(call.generating_s * 1e6, abs=1)
            assert (shown["args"]["role"], shown["args"]["module"]) == (call.role, call.module)


def test_a_slot_holds_one_call_at_a_time_and_there_are_as_many_as_were_used(records: list[RunRecord]) -> None:
    lanes: dict[tuple[int, int], list[dict[str, Any]]] = {}
    for event in events_of(*records, ph="X"):
        lanes.setdefault((event["pid"], event["tid"]), []).append(event)
    assert sorted(lanes) == [(1, 2), (2, 2), (2, 3)]
    for events in lanes.values():
        assert all(one["ts"] + one["dur"] <= other["ts"] for one, other in pairwise(events))
    threads = {
        (e["pid"], e["tid"]): e["args"]["name"] for e in events_of(*records) if e["name"] == "thread_name"
    }
    assert threads.keys() - lanes.keys() == {(1, 1), (2, 1)}
    assert threads[2, 3] == "slot 2"
    assert [e["args"]["name"] for e in events_of(*records) if e["name"] == "process_name"] == [
        "legacy: control",
        "async: candidate",
    ]


def test_waiting_and_tasks_begin_and_end_and_add_up(records: list[RunRecord]) -> None:
    record = waiting(records[1])
    waited = tasks = 0
    open_since: dict[str, int] = {}
    for event in events_of(record):
        if event["ph"] == "b":
            assert open_since.setdefault(event["id2"]["local"], event["ts"]) == event["ts"]
        elif event["ph"] == "e":
            took = event["ts"] - open_since.pop(event["id2"]["local"])
            waited += took if event["cat"] == "waiting for a slot" else 0
            tasks += event["cat"] == "task"
    assert open_since == {}
    assert waited == pytest.approx(250_000 * len(record.calls), abs=len(record.calls))
    assert tasks == sum(event.kind is EventKind.TASK_COMPLETED for event in record.events)


def test_counters_say_what_was_under_way_and_end_with_the_totals(records: list[RunRecord]) -> None:
    record = waiting(records[1])
    calls = [event["args"] for event in events_of(record, ph="C") if event["name"] == "calls"]
    tokens = [event["args"] for event in events_of(record, ph="C") if event["name"] == "tokens"]
    assert max(values["generating"] for values in calls) == 2
    assert max(values["waiting"] for values in calls) == 2
    assert min(min(values.values()) for values in calls) == 0
    assert calls[-1] == {"generating": 0, "waiting": 0}
    assert tokens[-1] == {
        "in": sum(call.prompt_tokens or 0 for call in record.calls),
        "out": sum(call.output_tokens or 0 for call in record.calls),
    }


def test_a_call_without_a_slot_only_waits_and_one_before_the_begin_is_shown(tmp_path: Path) -> None:
    calls = [
        make_call("analyst", None, arrival_s=-0.5, granted_s=-0.25, end_s=1.0),
        make_call(number=2, arrival_s=0.0, granted_s=None, end_s=9.0, status=503, error="no slot"),
    ]
    record = make_record(tmp_path, calls=calls, events=[make_event(EventKind.BUILD_STARTED, "")])
    (call,) = events_of(record, ph="X")
    assert (call["ts"], call["dur"]) == (250_000, 1_250_000)
    waits = [event for event in events_of(record, ph="b") if event["cat"] == "waiting for a slot"]
    assert [event["args"]["number"] for event in waits] == [1, 2]
    assert waits[1]["args"]["error"] == "no slot"
    (begun,) = events_of(record, ph="i")
    assert (begun["name"], begun["ts"]) == ("BUILD_STARTED", 500_000)


def test_nothing_that_was_said_to_the_model_or_by_it_is_in_a_trace(tmp_path: Path) -> None:
    assert SECRET not in chrome_trace(
        [make_record(tmp_path, calls=[make_call(content=SECRET, response=SECRET)])]
    )


@pytest.fixture
def store(tmp_path: Path, records: list[RunRecord]) -> RunStore:
    store = RunStore(tmp_path / "store")
    for record in records:
        folder = store.folder(record.summary.id)
        folder.mkdir(parents=True)
        store.save(RunRecord(record.summary, record.calls, record.events, None, folder))
    return store


def invoked(store: RunStore, *words: str | Path) -> tuple[int, str]:
    """The exit code and what is printed."""
    result = CliRunner().invoke(app, ["trace", *map(str, words), "--store", str(store.root)])
    return result.exit_code, result.output


def test_stored_runs_are_written_as_one_trace(
    store: RunStore, records: list[RunRecord], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert invoked(store, "control", "cand") == (0, "written: control.trace.json\n")
    assert (tmp_path / "control.trace.json").read_text() == chrome_trace(records)
    assert invoked(store, "candidate", "--output", "one.json") == (0, "written: one.json\n")
    assert (tmp_path / "one.json").read_text() == chrome_trace(records[1:])


def test_a_run_without_a_record_is_one_line(store: RunStore, tmp_path: Path) -> None:
    (store.root / "runs" / "begun").mkdir()
    assert invoked(store, "begun") == (2, "harness: run begun has no record: it has not ended\n")
    assert invoked(store, "other")[0] == 2
    code, text = invoked(store, "control", "--output", tmp_path / "missing" / "a.json")
    assert (code, text.count("\n")) == (2, 1)
