"""Takeovers in a comparison: the machine's doing is excused, and a worker that begins tasks twice is not.

What says so is the count that Redis keeps of each message, and no worker's word.
"""

from __future__ import annotations

import asyncio
import json
import os
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from agents.build import EventKind, TaskEvent
from async_arch.executor import Assignment, LocalExecutor, TaskResult
from async_arch.workers import docket_worker
from async_arch.workers.task_worker import _State
from tests.crashes.server import restartable_server
from tests.end_to_end.harness_command import run_command
from tests.workers.processes import WorkerOptions, serve, worker_processes

pytestmark = [pytest.mark.usefixtures("forked_processes"), pytest.mark.timeout(120)]

PACE = ("--ttft", "0.001", "--tokens-per-second", "50000")
SHOP = """
name: shop
idea: A shop.
modules:
  - {name: Users, module_type: data, description: Users with a name}
  - {name: Orders, module_type: service, description: Orders; place and cancel, requires: [Users]}
"""
DIE_OVER = ("analyst", "auditor")
"""Two, for of one stall alone no engine is accused."""


def dying(options: WorkerOptions, name: str) -> None:
    """A worker that is killed over one of these tasks before it says that it begins, if it is the first."""
    usual = _State.announce

    async def announce(self: _State, event: TaskEvent) -> None:
        if event.task in DIE_OVER:
            try:
                options.tally.with_name(f"died over {event.task}").touch(exist_ok=False)
            except FileExistsError:
                pass
            else:
                os.kill(os.getpid(), signal.SIGKILL)
        await usual(self, event)

    _State.announce = announce  # type: ignore[method-assign]
    serve(options, name)


def beginning_twice(options: WorkerOptions, name: str) -> None:
    """A worker that begins each task twice, and does it for nothing the first time."""
    usual = LocalExecutor.execute

    async def execute(self: LocalExecutor, assignment: Assignment) -> TaskResult:
        begun = TaskEvent(
            EventKind.TASK_STARTED, self._now(), str(assignment.task), takeovers=assignment.takeovers
        )
        await self._state.announce(begun)
        await self._attempt(assignment)
        return await usual(self, assignment)

    LocalExecutor.execute = execute  # type: ignore[method-assign]
    serve(options, name)


def claiming(options: WorkerOptions, name: str) -> None:
    """A worker that begins each task twice, and takes each for one that was redelivered."""
    usual: Any = docket_worker._CheckedExecution.from_message.__func__  # type: ignore[attr-defined]

    async def from_message(cls: Any, *args: Any, **options: Any) -> Any:
        return await usual(cls, *args, **{**options, "redelivered": True})

    docket_worker._CheckedExecution.from_message = classmethod(from_message)  # type: ignore[assignment]
    beginning_twice(options, name)


def compared(folder: Path, target: Callable[..., None], workers: int) -> tuple[int, dict[str, Any]]:
    """The exit code and the comparison of legacy with so many workers that are `target`."""
    (folder / "shop.yaml").write_text(SHOP)
    with restartable_server() as server, worker_processes(server.url, folder / "workers") as fleet:
        asyncio.run(fleet.started(workers, target=target))
        arguments = ("--candidate", "async:workers", "--redis", server.url, "--model", "simulated", *PACE)
        code, out, errors = run_command(folder, "compare", "shop.yaml", *arguments, "--json")
    assert out, errors
    (comparison,) = json.loads(out)
    return code, comparison


def sentences(comparison: dict[str, Any]) -> list[str]:
    return [each["sentence"] for layer in comparison["layers"] for each in layer["mismatches"]]


def test_workers_that_die_before_they_say_that_a_task_begins_are_no_stall_of_the_engine(
    tmp_path: Path,
) -> None:
    code, comparison = compared(tmp_path, dying, 3)
    assert {path.name for path in (tmp_path / "workers").glob("died over *")} == {
        f"died over {task}" for task in DIE_OVER
    }
    assert (code, sentences(comparison)) == (0, []), comparison["verdict"]
    (note,) = (each for each in comparison["notes"] if "took over" in each)
    assert "0 calls of 2 tasks that another worker took over; its times are not judged" in note
    timing = next(layer for layer in comparison["layers"] if layer["layer"] == "timing")
    assert timing["compared"] == "tasks of the candidate were taken over"


@pytest.mark.parametrize("target", [beginning_twice, claiming])
def test_a_worker_that_begins_each_task_twice_is_a_mismatch(
    target: Callable[..., None], tmp_path: Path
) -> None:
    code, comparison = compared(tmp_path, target, 1)
    found = sentences(comparison)
    assert code == 1
    assert "the analyst was asked twice instead of once" in found
    assert "TASK_STARTED developer:Users was announced 2 times instead of 1" in found
    assert not [note for note in comparison["notes"] if "took over" in note]
