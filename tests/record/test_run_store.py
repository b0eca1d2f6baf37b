"""The store of runs: what was saved comes back the same, and what is not whole is refused in one line."""

from __future__ import annotations

import json
import tempfile
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agents.build import EventKind, TaskEvent
from agents.conversation import Cause
from harness.errors import BadInputError, SurroundingsError
from harness.record import BehaviourRecord, RouteAnswer, RunRecord, RunStore, TestResult
from harness.record.run_store import read_blackboard
from tests.compare.records import board, make_call, make_failure, make_record
from tests.record.manifests import make_manifest

EXECUTED = BehaviourRecord(
    sandbox="namespaces",
    started=True,
    routes=(RouteAnswer(method="GET", path="/", status=200, body="ünï 🙂"),),
    tests=(TestResult(name="t", outcome="passed"),),
)
NOW = datetime(2024, 5, 1, 10, 30, tzinfo=UTC)


def saved(store: RunStore, **contents: Any) -> RunRecord:
    _, folder = store.new_run("shop", "async", NOW)
    record = make_record(folder, **contents)
    (folder / "blackboard.json").write_text(json.dumps(record.blackboard), encoding="utf-8")
    store.save(record)
    return record


# What Python takes for line ends and JSON does not, what needs two code units, what ends a C string.
TEXTS = st.text(max_size=12) | st.sampled_from(
    ["a\nb", "a\r\nb", "\u2028", "\u2029", "\x85", "\x0b\x0c\x1c", "🙂𝔘", "\x00", '"\\', "", "ünï 漢"]
)
TIMES = st.floats(-1e6, 1e6)


@st.composite
def calls(draw: st.DrawFn) -> Any:
    return make_call(
        draw(st.sampled_from(["developer", "unknown"])),
        draw(st.none() | TEXTS),
        draw(st.integers(1, 3)),
        content=draw(TEXTS),
        response=draw(TEXTS),
        arrival_s=draw(TIMES),
        granted_s=draw(st.none() | TIMES),
        end_s=draw(TIMES),
        error=draw(st.none() | TEXTS),
        options=draw(st.dictionaries(TEXTS, st.integers() | TIMES | TEXTS | st.booleans(), max_size=2)),
    )


EVENTS = st.builds(TaskEvent, st.sampled_from(EventKind), TEXTS, TEXTS, TEXTS)


@given(st.lists(calls(), max_size=3), st.lists(EVENTS, max_size=3), TEXTS, TIMES)
def test_a_run_comes_back_as_it_was_saved(
    made: list[Any], events: list[TaskEvent], text: str, wall_s: float
) -> None:
    with tempfile.TemporaryDirectory() as root:
        store = RunStore(Path(root))
        record = saved(
            store,
            calls=made,
            events=events,
            blackboard=board(extra=text),
            failures=[make_failure(Cause.ANSWER, text, text)],
            wall_s=wall_s,
        )
        assert store.load(record.folder.name) == record


def test_a_call_is_one_line_whatever_it_holds(tmp_path: Path) -> None:
    """Other tools read the file line by line, too."""
    record = saved(RunStore(tmp_path), calls=[make_call(content="a\nb\u2028c", response="\x85\n")] * 3)
    lines = (record.folder / "calls.jsonl").read_bytes().split(b"\n")
    assert [len(line) > 0 for line in lines] == [True] * 3 + [False]
    assert json.loads(lines[0])["response"] == "\x85\n"


def test_the_timeline_is_kept_for_others(tmp_path: Path) -> None:
    record = saved(RunStore(tmp_path), calls=[make_call(granted_s=None, end_s=2.0)])
    assert json.loads((record.folder / "timeline.json").read_text()) == [
        {
            "role": "developer",
            "module": "Cart",
            "attempt": 1,
            "arrival_s": 0.0,
            "granted_s": None,
            "first_byte_s": None,
            "end_s": 2.0,
            "status": 200,
        }
    ]


def test_the_summary_is_written_last(tmp_path: Path) -> None:
    """A run without it never ended: it must not be there while something else is not."""
    store = RunStore(tmp_path)
    record = saved(store)
    (record.folder / "record.json").unlink()
    (record.folder / "timeline.json").unlink()
    (record.folder / "timeline.json").mkdir()
    with pytest.raises(SurroundingsError, match="cannot be written"):
        store.save(record)
    assert not (record.folder / "record.json").exists()


def test_saving_leaves_no_temporary_files_and_takes_the_place_of_what_was_there(tmp_path: Path) -> None:
    store = RunStore(tmp_path)
    record = saved(store)
    store.save(replace(record, events=()))
    assert store.load(record.folder.name).events == ()
    assert {path.name for path in record.folder.iterdir()} == {
        *("record.json", "calls.jsonl", "events.jsonl", "timeline.json", "blackboard.json", "files")
    }


def test_a_run_has_a_manifest_from_its_begin_and_a_summary_from_its_end(tmp_path: Path) -> None:
    store = RunStore(tmp_path)
    run, folder = store.new_run("shop", "async", NOW)
    assert store.begun_ids() == [run]
    with pytest.raises(BadInputError, match=r"run\.json is missing"):
        store.manifest(run)
    store.begin(make_manifest(run))
    assert store.manifest(run) == make_manifest(run)
    assert (store.run_ids(), store.summary(run)) == ([], None)
    store.save(make_record(folder))
    assert store.run_ids() == [run]
    assert store.summary(run) == store.load(run).summary


def test_a_run_that_is_begun_again_has_not_ended(tmp_path: Path) -> None:
    """Its calls stay: what comes is added to them. So does what was generated."""
    store = RunStore(tmp_path)
    record = saved(store)
    run = record.folder.name
    store.begin_again(make_manifest(run))
    assert store.summary(run) is None
    assert {path.name for path in record.folder.iterdir()} == {"run.json", "calls.jsonl", "files"}
    store.begin_again(make_manifest(run, engine="phase:2"))
    assert store.manifest(run).engine == "phase:2"


DAMAGES = {
    "no summary": ("record.json", None, "{folder}: holds no whole run: record.json is missing"),
    "no calls": ("calls.jsonl", None, "{folder}: holds no whole run: calls.jsonl is missing"),
    "no events": ("events.jsonl", None, "{folder}: holds no whole run: events.jsonl is missing"),
    "half a summary": (
        "record.json",
        b'{"id": "x", ',
        "{folder}/record.json: cannot be read as part of a run: ",
    ),
    "another summary": ("record.json", b"{}", "{folder}/record.json: cannot be read as part of a run: id: "),
    "half a call": (
        "calls.jsonl",
        b'{"run": "x", "num',
        "{folder}/calls.jsonl:1: the line was never finished",
    ),
    "a call that is none": (
        "calls.jsonl",
        b'{"run": "x"}\n',
        "{folder}/calls.jsonl:1: cannot be read as part of a run: number: Field required",
    ),
    "an event that is none": (
        "events.jsonl",
        b'{"kind": "TASK_DANCED", "at": ""}\n',
        "{folder}/events.jsonl:1: cannot be read as part of a run: kind: ",
    ),
    "an event that is a list": ("events.jsonl", b"[]\n", "{folder}/events.jsonl:1: cannot be read"),
    "an empty line": ("events.jsonl", b"\n", "{folder}/events.jsonl:1: cannot be read"),
    "bytes": (
        "calls.jsonl",
        b"\xff\n",
        "{folder}/calls.jsonl: cannot be read as part of a run: it is not UTF-8",
    ),
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_run_that_is_not_whole_is_refused_in_one_line(damage: str, tmp_path: Path) -> None:
    name, content, words = DAMAGES[damage]
    store = RunStore(tmp_path)
    record = saved(store)
    file = record.folder / name
    if content is None:
        file.unlink()
    else:
        file.write_bytes(content)
    with pytest.raises(BadInputError) as refusal:
        store.load(record.folder.name)
    assert str(refusal.value).startswith(words.format(folder=record.folder))
    assert "\n" not in str(refusal.value)


@pytest.mark.parametrize("run", ["none", "", "../..", "a/b"])
def test_a_run_that_is_not_there_is_refused(run: str, tmp_path: Path) -> None:
    with pytest.raises(BadInputError, match="holds no whole run"):
        RunStore(tmp_path).load(run)


@pytest.mark.parametrize("content", [None, b"", b"{", b"[]", b"3", b"\xff", b"[" * 100_000, b'{"a": 1'])
def test_a_blackboard_that_cannot_be_read_is_none(content: bytes | None, tmp_path: Path) -> None:
    path = tmp_path / "blackboard.json"
    if content is not None:
        path.write_bytes(content)
    assert read_blackboard(path) is None


def test_new_runs_have_names_of_their_own_and_plain_ones(tmp_path: Path) -> None:
    """Two runs begin in one second; an engine's name may hold anything."""
    store = RunStore(tmp_path)
    engine = "async:state_store=json,../../x y" + "z" * 200
    runs = [store.new_run("shop", engine, NOW) for _ in range(20)]
    assert len({run for run, _ in runs}) == 20
    for run, folder in runs:
        assert run.startswith("20240501-103000-shop-async-state_store-json-..-..-x-y")
        assert folder == tmp_path / "runs" / run
        assert (folder / "files").is_dir()
        assert len(run) < 100


def test_a_store_keeps_its_place_when_the_working_directory_changes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    store = RunStore(Path(".harness"))
    _, folder = store.new_run("shop", "async", NOW)
    monkeypatch.chdir("/")
    assert folder.is_absolute()
    assert store.new_run("shop", "async", NOW)[1].parent == folder.parent


def test_a_store_that_cannot_be_made_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "runs").write_text("a file")
    with pytest.raises(SurroundingsError, match=r"cannot be made: "):
        RunStore(tmp_path).new_run("shop", "async", NOW)


def test_what_an_application_did_comes_back_with_the_outcome_that_it_changed(tmp_path: Path) -> None:
    store = RunStore(tmp_path)
    record = saved(store)
    outcome = record.summary.outcome.model_copy(update={"defects": ("the application does not start",)})
    summary = record.summary.model_copy(update={"outcome": outcome})

    store.save_behaviour(replace(record, behaviour=EXECUTED, summary=summary))

    loaded = store.load(record.folder.name)
    assert (loaded.behaviour, loaded.summary) == (EXECUTED, summary)


def test_a_behaviour_that_cannot_be_read_is_refused(tmp_path: Path) -> None:
    store = RunStore(tmp_path)
    record = saved(store)
    (record.folder / "behaviour.json").write_text("{}", encoding="utf-8")
    with pytest.raises(BadInputError, match=r"behaviour\.json: cannot be read as part of a run: sandbox"):
        store.load(record.folder.name)
