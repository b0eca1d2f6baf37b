"""A run that was cut off, however it was, is finished by `harness resume` as if nothing had happened."""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import signal
import socket
import sys
from collections import Counter
from collections.abc import Callable, Coroutine
from pathlib import Path

import pytest
import pytest_asyncio

from agents.build import EventKind, TaskEvent
from async_arch.embedded_redis import embedded_redis
from async_arch.lease import held_lease
from async_arch.redis_client import open_redis
from harness.cassettes import verify
from harness.compare.blackboard import compare_blackboards
from harness.compare.normalisation import Normaliser
from harness.engines.finding import find_engine
from harness.errors import BadInputError, SurroundingsError
from harness.gateway.settings import SimulateSettings
from harness.record import OutcomeStatus, RunManifest, RunRecord, RunStore
from harness.resume import ResumedRun, resumable_runs, resume_run
from harness.session import OnEvent, SessionSettings, open_session
from harness.spec import Spec, find_specs
from tests.end_to_end.harness_command import run_command
from tests.end_to_end.harness_process import STEADY, harness
from tests.end_to_end.in_process_engine import InProcessEngine
from tests.end_to_end.quiet import Quiet

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="looks for left-over processes in /proc")

SHOP = """
name: shop
idea: A shop.
modules:
  - {name: Users, module_type: data, description: Users with a name}
  - {name: Orders, module_type: service, description: Orders; place and cancel, requires: [Users]}
"""
FAST = SimulateSettings(ttft_s=0.02, tokens_per_s=10_000)


def _after(task: str, act: Callable[[], object]) -> Callable[[TaskEvent], None]:
    def on_event(event: TaskEvent) -> None:
        if event.kind is EventKind.TASK_COMPLETED and event.task == task:
            act()

    return on_event


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Spec:
    path = tmp_path_factory.mktemp("spec") / "shop.yaml"
    path.write_text(SHOP)
    return find_specs([path])[0]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def undisturbed(shop: Spec, tmp_path_factory: pytest.TempPathFactory) -> RunRecord:
    settings = SessionSettings(model="simulated", simulated=FAST, store=tmp_path_factory.mktemp("store"))
    async with open_session(settings, needs_redis=True) as session:
        return await session.run(shop, InProcessEngine("async"), lambda _: None)


async def _stopped(work: Callable[[OnEvent], Coroutine[None, None, object]], after: str) -> None:
    """Let `work` go on until that task is done, and stop it as Ctrl-C does."""
    task = asyncio.create_task(work(_after(after, lambda: task.cancel())))
    with pytest.raises(asyncio.CancelledError):
        await task


async def _cut_off(settings: SessionSettings, spec: Spec, after: str = "architect:Orders") -> str:
    """The id of a run that was stopped when that task was done."""

    async def work(on_event: OnEvent) -> None:
        async with open_session(settings, needs_redis=True) as session:
            await session.run(spec, find_engine("async"), on_event)

    await _stopped(work, after)
    (run,) = RunStore(settings.store).begun_ids()
    return run


def _assert_as_undisturbed(record: RunRecord, undisturbed: RunRecord) -> None:
    """Fail unless it left the same; finished tasks' calls were not made again, and no call is lost."""
    assert record.summary.outcome.status is OutcomeStatus.FINISHED
    assert record.summary.files == undisturbed.summary.files
    assert compare_blackboards(undisturbed, record, Normaliser(undisturbed, record)).mismatches == ()
    assert [call.number for call in record.calls] == list(range(1, len(record.calls) + 1))
    resumed_at = [event.kind for event in record.events].index(EventKind.BUILD_RESUMED)
    done = {e.task for e in record.events[:resumed_at] if e.kind is EventKind.TASK_COMPLETED}
    assert done
    asked = Counter(call.request_hash for call in record.calls)
    for call in undisturbed.calls:
        task = f"{call.role}:{call.module}" if call.module else call.role
        assert asked[call.request_hash] == 1 if task in done else asked[call.request_hash] >= 1
    assert set(asked) == {call.request_hash for call in undisturbed.calls}
    assert all(0 <= call.arrival_s <= call.end_s <= record.summary.wall_s for call in record.calls)


@pytest.mark.parametrize(
    ("number", "code", "everything"),
    [(signal.SIGKILL, -9, False), (signal.SIGKILL, -9, True), (signal.SIGINT, 130, False)],
)
@pytest.mark.usefixtures("forked_processes")
def test_a_harness_that_is_killed_or_stopped_is_resumed(
    number: int, code: int, everything: bool, tmp_path: Path, undisturbed: RunRecord
) -> None:
    """Alone, or with its gateway, its engine and its Redis at one blow."""
    (tmp_path / "shop.yaml").write_text(SHOP)
    arguments = ("compare", "shop.yaml", "--control", "async", "--model", "simulated")
    with harness(tmp_path, *arguments, *STEADY) as running:
        running.wait_for("architect:Orders done")
        for pid in running.relatives() if everything else ():
            os.kill(pid, number)
        running.process.send_signal(number)
        assert running.finish() == code
        assert (number == signal.SIGINT) is ("harness resume finishes it" in running.errors)
    store = RunStore(tmp_path / ".harness")
    (run,) = store.begun_ids()
    assert store.run_ids() == []
    before = {call["number"] for call in map(json.loads, _lines(store.folder(run) / "calls.jsonl"))}
    assert before
    exit_code, out, err = run_command(tmp_path, "resume", "--json")
    assert exit_code == 0, err
    assert "shop: async (resumed): finished in " in err
    told = json.loads(out)
    assert (told["id"], told["sittings"], told["resumed"], told["resumable"]) == (run, 2, True, False)
    record = store.load(run)
    _assert_as_undisturbed(record, undisturbed)
    assert before <= {call.number for call in record.calls}
    assert list((tmp_path / ".harness" / "redis").iterdir()) == []


def _lines(path: Path) -> list[str]:
    return path.read_text().split("\n")[:-1]


@pytest.mark.usefixtures("forked_processes")
async def test_a_run_is_written_down_with_all_that_it_takes_to_go_on(
    shop: Spec, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """While it is under way: what `auto` came to, which faults, where the state lies and who works on it."""
    monkeypatch.setenv("OLLAMA_HOST", "127.0.0.1:1")
    settings = SessionSettings(simulated=FAST, slots=3, faults=("module=None:500",), store=tmp_path)
    store = RunStore(tmp_path)
    seen: list[tuple[RunManifest, bool, bool]] = []

    def look() -> None:
        manifest = store.manifest(store.begun_ids()[-1])
        assert manifest.state is not None
        lies_there = (store.root / str(manifest.state.data_dir)).is_dir()
        seen.append((manifest, lies_there, Path(manifest.state.url.removeprefix("unix://")).is_socket()))

    async with open_session(settings, needs_redis=True) as session:
        await session.run(shop, find_engine("async"), _after("analyst", look))
    ((manifest, lies_there, answers),) = seen
    assert (lies_there, answers) == (True, True)
    assert manifest.settings.model_dump() == {
        "model": "simulated",
        "slots": 3,
        "redis_patience_s": settings.redis_patience_s,
        "time_scale": 1.0,
        "faults": ("module=None:500",),
        "simulated": FAST.model_dump(),
        "call_timeout_s": 600.0,
        "deadline_s": 3600.0,
        "templates": None,
        "workers": None,
    }
    assert (manifest.spec, manifest.engine, manifest.not_resumable) == (shop, "async", None)
    assert (manifest.owner.pid, manifest.owner.host) == (os.getpid(), socket.gethostname())
    assert list((tmp_path / "redis").iterdir()) == [], "it ended, and nobody needs its state"


def _children() -> set[int]:
    return {int(child) for child in Path(f"/proc/self/task/{os.getpid()}/children").read_text().split()}


@pytest.mark.parametrize("program", ["harness.engines.worker", "valkey-server"])
async def test_a_run_whose_engine_or_redis_died_is_resumed_although_it_is_on_record(
    program: str, shop: Spec, tmp_path: Path, undisturbed: RunRecord
) -> None:
    # A Redis that the tests share may be a child of this process as well.
    before = _children()

    def kill() -> None:
        commands = {child: Path(f"/proc/{child}/cmdline").read_bytes() for child in _children() - before}
        (victim,) = [child for child, command in commands.items() if program.encode() in command]
        os.kill(victim, signal.SIGKILL)

    settings = SessionSettings(model="simulated", simulated=FAST, store=tmp_path)
    async with open_session(settings, needs_redis=True) as session:
        died = await session.run(shop, find_engine("async"), _after("architect:Users", kill))
    assert died.summary.outcome.status is OutcomeStatus.FAILED
    assert died.summary.resumable
    store = RunStore(tmp_path)
    resumed = await resume_run(store, None, Quiet())
    assert (resumed.summary.sittings, resumed.summary.resumable) == (2, False)
    _assert_as_undisturbed(store.load(died.summary.id), undisturbed)


@pytest.mark.usefixtures("forked_processes")
async def test_a_run_is_resumed_as_often_as_it_takes(
    shop: Spec, tmp_path: Path, undisturbed: RunRecord
) -> None:
    store = RunStore(tmp_path)
    run = await _cut_off(SessionSettings(model="simulated", simulated=FAST, store=tmp_path), shop, "auditor")
    await _stopped(lambda on_event: resume_run(store, run, Quiet(on_event)), "developer:Users")
    assert store.summary(run) is None
    resumed = await resume_run(store, run, Quiet())
    assert resumed.summary.sittings == 3
    _assert_as_undisturbed(store.load(run), undisturbed)


@pytest.mark.usefixtures("forked_processes")
async def test_who_is_turned_away_by_the_lease_leaves_the_run_as_it_was(
    shop: Spec, tmp_path: Path, undisturbed: RunRecord
) -> None:
    """Another harness, which knows the same Redis and no folder of ours, works on the run."""
    store = RunStore(tmp_path / "store")
    async with embedded_redis() as server:
        settings = SessionSettings(
            model="simulated", simulated=FAST, redis=server.url, redis_patience_s=1, store=store.root
        )
        run = await _cut_off(settings, shop)
        before = {path: path.read_bytes() for path in store.folder(run).glob("*.json*")}
        async with open_redis(server.url) as connection, held_lease(connection, run, lifetime_s=1.5):
            with pytest.raises(SurroundingsError, match=f"run {run} is worked on by process {os.getpid()}"):
                await resume_run(store, run, Quiet())
        assert {path: path.read_bytes() for path in store.folder(run).glob("*.json*")} == before
        await resume_run(store, run, Quiet())
    _assert_as_undisturbed(store.load(run), undisturbed)


def test_a_run_that_a_harness_works_on_is_named_with_its_process(tmp_path: Path) -> None:
    (tmp_path / "shop.yaml").write_text(SHOP)
    arguments = ("compare", "shop.yaml", "--control", "async", "--model", "simulated", *STEADY)
    hanging = ("--fault", "role=developer:hang")
    with harness(tmp_path, *arguments, *hanging) as running:
        running.wait_for("architect:Users done")
        store = RunStore(tmp_path / ".harness")
        (run,) = store.begun_ids()
        for named in ((), (run,)):
            code, out, err = run_command(tmp_path, "resume", *named)
            assert (code, out, err.count("\n")) == (3 if named else 2, "", 1)
        assert f"run {run} is worked on by process {running.process.pid} on " in err


@pytest.mark.usefixtures("forked_processes")
async def test_two_that_resume_at_once_do_not_both(
    shop: Spec, tmp_path: Path, undisturbed: RunRecord
) -> None:
    run = await _cut_off(SessionSettings(model="simulated", simulated=FAST, store=tmp_path), shop)
    store = RunStore(tmp_path)
    ended = await asyncio.gather(*(resume_run(store, run, Quiet()) for _ in range(2)), return_exceptions=True)
    finished = [end for end in ended if isinstance(end, ResumedRun)]
    (refused,) = [end for end in ended if isinstance(end, SurroundingsError)]
    assert len(finished) == 1
    assert str(refused).startswith(f"run {run} is worked on by ")
    _assert_as_undisturbed(store.load(run), undisturbed)


@pytest.mark.usefixtures("forked_processes")
async def test_a_password_is_not_written_down_and_must_be_said_again(
    shop: Spec, tmp_path: Path, undisturbed: RunRecord
) -> None:
    store = RunStore(tmp_path)
    async with embedded_redis() as server:
        async with open_redis(server.url) as connection:
            await connection.command("CONFIG", "SET", "requirepass", "s3cret")
        secret = f"unix://:s3cret@{server.url.removeprefix('unix://')}"
        settings = SessionSettings(
            model="simulated", simulated=FAST, redis=secret, redis_patience_s=1, store=tmp_path
        )
        run = await _cut_off(settings, shop)
        with pytest.raises(BadInputError, match="whose password is not written down: say --redis"):
            await resume_run(store, run, Quiet())
        await resume_run(store, run, Quiet(), redis=secret)
    _assert_as_undisturbed(store.load(run), undisturbed)
    written = [path for path in store.folder(run).rglob("*") if path.is_file()]
    assert store.folder(run) / "run.json" in written
    assert [path for path in written if b"s3cret" in path.read_bytes()] == []


@pytest.mark.usefixtures("forked_processes")
async def test_a_run_whose_state_is_gone_is_not_begun_anew(shop: Spec, tmp_path: Path) -> None:
    store = RunStore(tmp_path)
    run = await _cut_off(SessionSettings(model="simulated", simulated=FAST, store=tmp_path), shop)
    async with embedded_redis() as server:
        with pytest.raises(SurroundingsError, match=f"run {run} has no state in Redis at unix:"):
            await resume_run(store, run, Quiet(), redis=server.url)
    (data,) = (tmp_path / "redis").iterdir()
    shutil.rmtree(data)
    with pytest.raises(BadInputError, match=f"run {run} cannot be resumed: the data of its Redis are gone"):
        await resume_run(store, run, Quiet())
    assert resumable_runs(store) == []


@pytest.mark.usefixtures("forked_processes")
async def test_what_is_recorded_in_two_sittings_is_replayed_as_one(
    shop: Spec, tmp_path: Path, undisturbed: RunRecord
) -> None:
    tapes = tmp_path / "tapes"
    settings = SessionSettings(
        model=f"record:{tapes}@simulated", simulated=FAST, slots=1, store=tmp_path / "store"
    )
    run = await _cut_off(settings, shop, "architect:Orders")
    store = RunStore(settings.store)
    resumed = await resume_run(store, run, Quiet())
    assert resumed.summary.outcome.status is OutcomeStatus.FINISHED
    assert verify(tapes / "shop.jsonl") == ()
    again = SessionSettings(model=f"replay:{tapes}", time_scale=0, store=tmp_path / "again")
    async with open_session(again, needs_redis=False) as session:
        replayed = await session.run(shop, find_engine("legacy"), lambda _: None)
    assert not any(call.not_recorded or call.repeated_answer for call in replayed.calls)
    assert replayed.summary.files == undisturbed.summary.files
