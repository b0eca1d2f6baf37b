"""The way back to JSON: nothing that was written under Redis is lost, until that is given up."""

from __future__ import annotations

import asyncio
import json
from dataclasses import replace
from pathlib import Path

import pytest

from agents.build import EventKind, TaskEvent
from harness.builds import Built, build
from harness.errors import SurroundingsError
from harness.flags import Action, EngineMode, FlagValues
from harness.phases import Migration, kill, roll_back, with_state_brought_back
from harness.phases import way_back as way_back_module
from harness.phases.way_back import CutOffRun, WayBack, bring_back
from harness.record import RunStore
from harness.resume import resume_run
from tests.builds.test_build import ASYNC, SPEC, Unwatched, settings

pytestmark = pytest.mark.usefixtures("forked_processes")


class Stopping(Unwatched):
    """A watcher that stops the build as Ctrl-C does, when this task is done."""

    def __init__(self, after: str) -> None:
        self._after = after
        self._task = asyncio.current_task()

    def happened(self, event: TaskEvent) -> None:
        if (event.kind, event.task) == (EventKind.TASK_COMPLETED, self._after) and self._task:
            self._task.cancel()


def on_async(tmp_path: Path, *, finalized: bool = False) -> Migration:
    migration = Migration(settings(tmp_path).installation, tmp_path / "store")
    values = FlagValues.model_validate({**ASYNC, "generation": "llm", "engine": EngineMode.ASYNC})
    installation = migration.installation
    installation.move(installation.standing(), Action.PROMOTE, values)
    if finalized:
        installation.move(installation.standing(), Action.FINALIZE, values, finalized=True)
    return migration


async def cut_off(tmp_path: Path) -> str:
    with pytest.raises(asyncio.CancelledError):
        await asyncio.create_task(_stopped(tmp_path))
    (run,) = RunStore(tmp_path / "store").begun_ids()
    return run


async def _stopped(tmp_path: Path) -> Built:
    return await build(SPEC, settings(tmp_path), Stopping("architect:Notes"), {})


async def test_a_rollback_brings_the_state_of_a_run_that_was_cut_off_and_it_can_still_be_resumed(
    tmp_path: Path,
) -> None:
    migration, run = on_async(tmp_path), await cut_off(tmp_path)
    folder = RunStore(tmp_path / "store").folder(run)
    (folder / "blackboard.json").unlink(missing_ok=True)
    back = roll_back(migration, everything=True)
    assert [found.run for found in back.way_back.cut_off] == [run]
    assert back.way_back.to_do == (
        f"harness mirror export {run} --redis embedded --output {run}.blackboard.json",
    )
    done = await with_state_brought_back(migration, back)
    assert done.way_back.brought == {run: str(folder / "blackboard.json")}
    assert done.way_back.to_do == ()
    board = json.loads((folder / "blackboard.json").read_text())
    assert [attempt["agent"] for attempt in board["agent_attempts"]][:3] == [
        "analyst",
        "auditor",
        "architect",
    ]
    resumed = await resume_run(RunStore(tmp_path / "store"), run, Unwatched())
    assert resumed.summary.outcome.status == "finished"
    finished = json.loads((folder / "blackboard.json").read_text())
    assert finished["project_info"]["status"] == "complete"
    assert roll_back(migration, everything=True).way_back == WayBack()


async def test_until_it_is_finalized_each_build_leaves_its_state_as_json_while_it_is_under_way_too(
    tmp_path: Path,
) -> None:
    on_async(tmp_path)
    seen: list[bool] = []

    class Looking(Unwatched):
        def happened(self, event: TaskEvent) -> None:
            (folder,) = (tmp_path / "store" / "runs").iterdir()
            seen.append((folder / "blackboard.json").exists())

    session = settings(tmp_path).session
    slow = replace(session, simulated=session.simulated.model_copy(update={"ttft_s": 0.15}))
    result = await build(SPEC, settings(tmp_path, session=slow), Looking(), {})
    assert any(seen)
    delivered = json.loads((tmp_path / "notes" / "blackboard.json").read_text())
    assert delivered == json.loads((Path(result.folder) / "blackboard.json").read_text())
    assert delivered["project_info"]["status"] == "complete"


async def test_once_it_is_finalized_nothing_is_written_back_and_the_record_has_the_state_from_redis(
    tmp_path: Path,
) -> None:
    on_async(tmp_path, finalized=True)
    result = await build(SPEC, settings(tmp_path), Unwatched(), {})
    assert (result.described, result.flags.finalized) == ("finished", True)
    assert not list((tmp_path / "notes").rglob("blackboard.json"))
    assert not list((Path(result.folder) / "files").rglob("blackboard.json"))
    board = json.loads((Path(result.folder) / "blackboard.json").read_text())
    assert board["project_info"]["status"] == "complete"


async def test_what_cannot_be_brought_is_named_with_the_reason_and_keeps_nobody_waiting(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lost = WayBack(cut_off=(CutOffRun(run="20260101-x", redis="unix:///nowhere/redis.sock"),))
    left = await bring_back(tmp_path, lost)
    assert "no answer from Redis at unix:///nowhere/redis.sock" in left.left["20260101-x"]
    assert left.to_do == (
        "harness mirror export 20260101-x --redis unix:///nowhere/redis.sock --output "
        "20260101-x.blackboard.json",
    )

    async def hangs(*_: object) -> Path:
        await asyncio.sleep(60)
        raise SurroundingsError("never")

    monkeypatch.setattr(way_back_module, "_bring", hangs)
    late = await bring_back(tmp_path, lost, limit_s=0.05)
    assert late.left == {"20260101-x": "not done within 0.05 s"}


async def test_a_kill_names_the_same_runs(tmp_path: Path) -> None:
    migration, run = on_async(tmp_path), await cut_off(tmp_path)
    back = kill(migration, "fire")
    assert [found.run for found in back.way_back.cut_off] == [run]
