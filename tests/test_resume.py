"""Which run is meant, and why one cannot be resumed: one clear line each, before anything is started."""

from __future__ import annotations

import shutil
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from agents.conversation import Cause
from harness.errors import BadInputError, SurroundingsError
from harness.record import RunStore, StatePlace
from harness.record.run_lock import locked_run
from harness.resume import find_run, resumable_runs, resume_run
from tests.compare.records import make_failure, make_record
from tests.end_to_end.quiet import Quiet
from tests.record.manifests import make_manifest

NOW = datetime(2024, 5, 1, 10, 30, tzinfo=UTC)


@pytest.fixture
def store(tmp_path: Path) -> RunStore:
    (tmp_path / "redis" / "session").mkdir(parents=True)
    return RunStore(tmp_path)


def begun(store: RunStore, engine: str = "async", **parts: Any) -> str:
    """The id of a run that was begun and is not on record."""
    run, _ = store.new_run("shop", engine, NOW)
    store.begin(make_manifest(run, engine=engine, **parts))
    return run


def ended(store: RunStore, run: str, *, resumable: bool = False) -> None:
    record = make_record(store.folder(run), failures=[make_failure(Cause.ENGINE, "engine")])
    summary = record.summary.model_copy(update={"resumable": resumable})
    (store.folder(run) / "record.json").write_text(summary.model_dump_json())


async def refusal(store: RunStore, run: str | None, **options: str) -> str:
    with pytest.raises((BadInputError, SurroundingsError)) as refused:
        await resume_run(store, run, Quiet(), **options)
    return str(refused.value)


def test_a_run_is_named_by_the_beginning_of_its_id(store: RunStore) -> None:
    run, other = begun(store), begun(store, "phase:2")
    assert find_run(store, run) == run
    assert find_run(store, run[:-1]) == run
    assert find_run(store, other[: len("20240501-103000-shop-p")]) == other
    with pytest.raises(
        BadInputError, match=f"begins the ids of several runs; say which:\n  {run}\n  {other}"
    ):
        find_run(store, "20240501")
    for wanted in ("none", "", "../runs", f"{run}x"):
        with pytest.raises(BadInputError, match="there is no run"):
            find_run(store, wanted)


def test_an_id_that_another_one_begins_with_can_be_named(store: RunStore) -> None:
    run = begun(store)
    shutil.copytree(store.folder(run), store.folder(f"{run}-copy"))
    assert find_run(store, run) == run


def test_without_a_name_the_only_run_that_can_be_resumed_is_meant(store: RunStore) -> None:
    with pytest.raises(BadInputError, match=r"no run in .* was cut off and can be resumed"):
        find_run(store, None)
    finished, cut_off = begun(store), begun(store)
    ended(store, finished)
    begun(store, "legacy", not_resumable="it is legacy")
    begun(store, state=StatePlace(server="embedded", url="unix:///s", data_dir="redis/gone"))
    store.new_run("shop", "async", NOW)
    ended(store, cut_off, resumable=True)
    assert find_run(store, None) == cut_off
    second = begun(store)
    with pytest.raises(BadInputError) as refused:
        find_run(store, None)
    assert set(str(refused.value).split("\n  ")[1:]) == {cut_off, second}


async def test_a_run_that_is_being_worked_on_cannot_be_resumed(store: RunStore) -> None:
    run = begun(store)
    async with locked_run(store.folder(run)):
        assert resumable_runs(store) == []
        assert await refusal(store, run) == f"run {run} is worked on by another process"
    assert [manifest.id for manifest in resumable_runs(store)] == [run]


async def test_a_run_that_ended_is_left_as_it_is(store: RunStore) -> None:
    run = begun(store)
    ended(store, run)
    before = {path: path.stat().st_mtime_ns for path in store.folder(run).rglob("*")}
    found = await resume_run(store, run, Quiet())
    assert (found.resumed, found.summary.outcome.cut_off) == (False, True)
    assert {path: path.stat().st_mtime_ns for path in store.folder(run).rglob("*")} == before


async def test_why_a_run_cannot_be_resumed_is_one_line(store: RunStore) -> None:
    for why in ("the legacy engine begins anew every time", "an external engine begins anew every time"):
        run = begun(store, not_resumable=why)
        assert await refusal(store, run) == f"run {run} cannot be resumed: {why}"
    gone = begun(store, state=StatePlace(server="embedded", url="unix:///s", data_dir="redis/gone"))
    assert await refusal(store, gone) == (
        f"run {gone} cannot be resumed: the data of its Redis are gone ({store.root / 'redis' / 'gone'})"
    )
    elsewhere = begun(store, state=StatePlace(server="redis://host/0", url="redis://host/0"))
    assert await refusal(store, elsewhere, redis="embedded") == (
        f"run {elsewhere} has its state not in an embedded Redis but in Redis at redis://host/0"
    )
    otherwise = begun(store, composition={"state_store": "redis", "generation": "hybrid"})
    assert await refusal(store, otherwise) == (
        f"run {otherwise} cannot be resumed: async was composed of state_store=redis, generation=hybrid, "
        "and now it is of state_store=redis, agent_calls=async, orchestration=concurrent, generation=llm"
    )
    nameless, _ = store.new_run("shop", "async", NOW)
    assert "nothing says what it was begun with (run.json)" in await refusal(store, nameless)
    (store.folder(nameless) / "run.json").write_text("{")
    assert "cannot be read as part of a run" in await refusal(store, nameless)


async def test_a_password_that_is_not_written_down_must_be_said(store: RunStore) -> None:
    place = StatePlace(server="s", url="redis://:***@127.0.0.1:1/0", needs_password=True)
    run = begun(store, state=place)
    assert "whose password is not written down: say --redis" in await refusal(store, run)
    said = await refusal(store, run, redis="redis://:secret@127.0.0.1:1/0")
    assert said.startswith("no answer from Redis at redis://:***@127.0.0.1:1/0")
