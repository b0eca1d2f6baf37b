"""Runs on record: listed in whatever state, compared only where that means something, removed with care."""

from __future__ import annotations

import io
import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console
from typer.testing import CliRunner

from agents.conversation import Cause
from async_arch.embedded_redis import embedded_redis
from harness.cli import app
from harness.record import RunStore, StatePlace
from harness.record.redis_folders import RedisFolders
from harness.record.run_lock import locked_run
from harness.report.runs import print_runs
from harness.spec import Expectations, Spec
from harness.stored_runs import PruningRule, RunState, StoredRun, compare_stored, prune_runs, stored_runs
from tests.compare.records import make_call, make_failure, make_record
from tests.record.manifests import make_manifest

NOW = datetime(2024, 5, 11, 10, 0, tzinfo=UTC)
ALL = PruningRule(keep=0)


@pytest.fixture
def store(tmp_path: Path) -> RunStore:
    return RunStore(tmp_path)


def begun(store: RunStore, day: int = 1, **parts: Any) -> str:
    """The id of a run that was begun on that day of May and is not on record."""
    run, _ = store.new_run("shop", "async", datetime(2024, 5, day, 10, tzinfo=UTC))
    store.begin(make_manifest(run, **({"state": None} | parts)))
    return run


def ended(store: RunStore, day: int = 1, *, resumable: bool = False, **parts: Any) -> str:
    """The id of a run that began on that day and ended."""
    manifest = {key: parts.pop(key) for key in ("spec", "not_resumable", "state") if key in parts}
    run = begun(store, day, **manifest)
    record = make_record(store.folder(run), **parts)
    store.save(record)
    # Its times are those of its own day: others would be a mismatch.
    board = json.dumps(record.blackboard).replace("2024-05-01T", f"2024-05-{day:02}T")
    (record.folder / "blackboard.json").write_text(board)
    changed = {"began_at": f"2024-05-{day:02}T10:00:00+00:00", "resumable": resumable}
    (record.folder / "record.json").write_text(record.summary.model_copy(update=changed).model_dump_json())
    return run


def invoked(store: RunStore, *words: str) -> tuple[int, str]:
    """The exit code and what is printed."""
    result = CliRunner().invoke(app, [*words, "--store", str(store.root)], env={"COLUMNS": "200"})
    return result.exit_code, result.output


def on_redis(store: RunStore, *runs: str) -> Path:
    """The data of an embedded Redis that has the state of `runs`."""
    folders = RedisFolders(store)
    folder = folders.new(NOW)
    folder.mkdir(parents=True)
    (folder / "data").write_bytes(b"x" * 1000)
    for run in runs:
        folders.enter(folder, run)
    return folder


def test_equal_runs_are_equal_and_a_changed_call_is_a_mismatch(store: RunStore) -> None:
    control, same = ended(store), ended(store, 2)
    other = ended(store, 3, calls=[make_call("analyst", None), make_call(number=2, content="Write more.")])
    assert invoked(store, "diff", control, same[:10]) == (0, invoked(store, "diff", control, same)[1])
    code, text = invoked(store, "diff", control, other)
    assert code == 1
    assert text.splitlines()[-1].startswith("FAIL shop: ")
    code, text = invoked(store, "diff", control, other, "--json")
    assert (code, json.loads(text)["candidate"]["run"]) == (1, other)


def test_a_failed_run_is_no_equal_one(store: RunStore) -> None:
    control = ended(store)
    failed = ended(store, 2, failures=[make_failure(Cause.MODEL)])
    assert invoked(store, "diff", control, failed)[0] == 3


def test_the_expectations_are_those_of_the_control(store: RunStore) -> None:
    def spec(modules: int) -> Spec:
        return Spec(name="shop", idea="a shop", expect=Expectations(modules=modules))

    modest, greedy = ended(store, spec=spec(1)), ended(store, 2, spec=spec(50))
    assert invoked(store, "diff", modest, greedy)[0] == 0
    assert invoked(store, "diff", greedy, modest)[0] == 1


def test_why_runs_cannot_be_compared_is_one_line(store: RunStore) -> None:
    control, under_way = ended(store), begun(store, 2)
    other = ended(store, 3, spec=Spec(name="shop", idea="a bakery", model="big"))
    for wanted, why in (
        (other, f"runs {control} and {other} cannot be compared: their specs differ in idea, model"),
        (under_way, f"run {under_way} cannot be compared: it has not ended"),
        ("2023", f"there is no run '2023' in {store.root}"),
    ):
        assert invoked(store, "diff", control, wanted) == (2, f"harness: {why}\n")
    damaged = ended(store, 4)
    (store.folder(damaged) / "calls.jsonl").unlink()
    code, text = invoked(store, "diff", control, damaged)
    assert (code, text.count("\n")) == (2, 1)
    assert f"{damaged}: holds no whole run: calls.jsonl is missing" in text


def test_what_runs_were_not_made_alike_in_is_noted(store: RunStore) -> None:
    control, other = ended(store, slots=4), ended(store, 2, slots=8)
    assert compare_stored(store, control, other).notes[0] == (
        "the runs had not the same number of slots: 4, and the candidate 8"
    )
    assert compare_stored(store, control, control).notes == ()


async def test_every_run_is_listed_with_how_it_stands(store: RunStore) -> None:
    ended(store, 1)
    ended(store, 2, failures=[make_failure(Cause.ENGINE, "engine")], resumable=True)
    begun(store, 3, not_resumable="it is legacy")
    gone = StatePlace(server="embedded", url="unix:///s", data_dir="redis/gone")
    begun(store, 4, state=gone)
    under_way = begun(store, 5)
    (store.folder(ended(store, 6)) / "record.json").write_text("{")
    store.new_run("shop", "async", NOW)
    async with locked_run(store.folder(under_way)):
        listed = [(str(run.state), run.resumable) for run in stored_runs(store)]
    assert listed == [
        ("finished", False),
        ("failed", True),
        ("cut off", False),
        ("cut off", False),
        ("under way", False),
        ("unreadable", False),
        ("unreadable", False),
    ]
    code, text = invoked(store, "runs")
    assert code == 0
    assert "record.json: cannot be read as part of a run" in text
    first = text.splitlines()[1].split()
    assert first[1:5] == ["shop", "async", "finished", "10.0"]
    (facts, *_) = json.loads(invoked(store, "runs", "--json")[1])
    on_disk = sum(path.stat().st_size for path in store.folder(facts["id"]).rglob("*") if path.is_file())
    assert (facts["calls"], facts["size"]) == (2, on_disk)


def test_a_store_without_runs_is_no_error(store: RunStore) -> None:
    assert invoked(store, "runs") == (0, f"no runs in {store.root}\n")
    assert invoked(store, "runs", "prune", "--keep", "1") == (0, "0 runs removed, 0 bytes; 0 kept\n")


@pytest.mark.parametrize(
    ("rule", "left"),
    [
        (PruningRule(keep=2), [3, 9]),
        (PruningRule(keep=5), [1, 2, 3, 9]),
        (PruningRule(keep=9), [1, 2, 3, 9]),
        (PruningRule(older_than=timedelta(days=9)), [2, 3, 9]),
        (PruningRule(keep=1, older_than=timedelta(days=8.5)), [3, 9]),
        (PruningRule(keep=3, older_than=timedelta(days=1)), [2, 3, 9]),
    ],
)
async def test_the_oldest_go(store: RunStore, rule: PruningRule, left: list[int]) -> None:
    runs = {ended(store, day): day for day in (1, 2, 3, 9)}
    sizes = {run.id: run.size for run in stored_runs(store)}
    looked_at = await prune_runs(store, rule, NOW, dry_run=True)
    assert len(store.begun_ids()) == 4
    pruning = await prune_runs(store, rule, NOW)
    assert [runs[run] for run in store.begun_ids()] == left
    assert pruning == looked_at
    assert pruning.freed == sum(sizes[run] for run in runs if runs[run] not in left)
    assert pruning.kept == len(left)


async def test_what_is_under_way_resumable_or_unreadable_stays(store: RunStore) -> None:
    worked_on, cut_off, resumable = ended(store, 1), begun(store, 2), ended(store, 3, resumable=True)
    lost = begun(store, 4, not_resumable="it is legacy")
    unreadable, _ = store.new_run("shop", "async", NOW)
    async with locked_run(store.folder(worked_on)):
        looked_at = await prune_runs(store, ALL, NOW, dry_run=True)
        pruning = await prune_runs(store, ALL, NOW)
        assert looked_at == pruning
        assert [run.id for run in pruning.removed] == [lost]
        assert store.begun_ids() == [worked_on, cut_off, resumable, unreadable]
        assert pruning.unreadable == (unreadable,)
        await prune_runs(store, PruningRule(keep=0, resumable=True), NOW)
        assert store.begun_ids() == [worked_on, unreadable]


async def test_a_run_that_is_taken_up_after_it_was_looked_at_stays(
    store: RunStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = ended(store)

    def looked_at_and_taken_up(of: RunStore) -> Any:
        found = stored_runs(of)
        (of.folder(run) / "record.json").unlink()
        return found

    monkeypatch.setattr("harness.stored_runs.stored_runs", looked_at_and_taken_up)
    assert (await prune_runs(store, ALL, NOW)).removed == ()
    assert store.begun_ids() == [run]


async def test_no_run_is_ever_there_in_part(store: RunStore, monkeypatch: pytest.MonkeyPatch) -> None:
    ended(store)

    def killed(path: Path, **_: Any) -> None:
        if path.name != "removed":
            raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr("harness.stored_runs.shutil.rmtree", killed)
        with pytest.raises(KeyboardInterrupt):
            await prune_runs(store, ALL, NOW)
    assert store.begun_ids() == []
    assert list((store.root / "removed").iterdir())
    await prune_runs(store, ALL, NOW)
    assert not (store.root / "removed").exists()


async def test_the_data_of_redis_go_with_the_last_run_in_them(store: RunStore) -> None:
    first, second, third = ended(store, 1), ended(store, 2), ended(store, 3)
    alone, shared = on_redis(store, first), on_redis(store, second, third)
    unrelated = on_redis(store, "a-run-of-long-ago")
    pruning = await prune_runs(store, PruningRule(keep=1), NOW)
    assert pruning.redis == (str(alone),)
    assert pruning.freed == sum(run.size for run in pruning.removed) + 1000 + len(first) + 1
    assert (alone.exists(), shared.exists()) == (False, True)
    await prune_runs(store, ALL, NOW)
    assert (shared.exists(), unrelated.exists()) == (False, True)


async def test_the_data_of_a_redis_that_runs_stay(store: RunStore) -> None:
    folder = on_redis(store, ended(store))
    async with embedded_redis(data_dir=folder):
        pruning = await prune_runs(store, ALL, NOW)
    assert (len(pruning.removed), pruning.redis) == (1, ())
    assert folder.exists()


def test_what_prune_needs_to_be_told(store: RunStore) -> None:
    run = ended(store)
    code, text = invoked(store, "runs", "prune")
    assert (code, text) == (2, "harness: say how many runs to keep, or how old they must be to go\n")
    misplaced = CliRunner().invoke(app, ["runs", "--store", str(store.root), "prune", "--keep", "0"])
    assert (misplaced.exit_code, store.begun_ids()) == (2, [run])
    assert json.loads(invoked(store, "runs", "prune", "--keep", "0", "--dry-run", "--json")[1])["dry_run"]
    assert store.begun_ids() == [run]
    code, text = invoked(store, "runs", "prune", "--keep", "0")
    assert (code, text.splitlines()[0].split(",")[0]) == (0, f"{run}: finished")
    assert store.begun_ids() == []


def test_a_run_is_listed_whole_however_narrow_the_terminal_is(tmp_path: Path) -> None:
    run = StoredRun(
        id="20261125-094601-a-long-name-of-a-spec-legacy-294e14",
        state=RunState.FINISHED,
        described="finished",
        spec="a-long-name-of-a-spec",
        engine="async:state_store=json",
        wall_s=1.5,
        calls=22,
        size=4_000,
    )
    out = io.StringIO()
    print_runs(Console(file=out, width=40), tmp_path, [run])
    (line,) = [line for line in out.getvalue().splitlines() if run.id in line]
    assert line.split()[1:4] == ["a-long-name-of-a-spec", "async:state_store=json", "finished"]
    assert line.rstrip().endswith("4 kB")
