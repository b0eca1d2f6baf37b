"""What a state store holds otherwise than what the run left."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from agents.build import EventKind, TaskEvent
from agents.conversation import Cause
from harness.engines.engine import EngineResult
from harness.engines.finding import find_engine
from harness.engines.store_account import store_account
from harness.record import Failure, FileFacts
from harness.state.left_in_redis import LeftInRedis
from tests.compare.records import make_call

ATTEMPT = {"agent": "developer", "module": "Cart"}
BOARD: dict[str, object] = {
    "project_info": {"status": "complete"},
    "agent_attempts": [ATTEMPT, ATTEMPT, {"agent": "auditor", "module": None}],
    "logs": [],
}
CALLS = [make_call("developer", "Cart"), make_call("auditor", None), make_call("developer", "Cart")]
FILES = {"cart.py": FileFacts(sha256="1", size=1), "users.py": FileFacts(sha256="2", size=1)}
ENDED = TaskEvent(EventKind.TASK_COMPLETED, "", "developer:Cart")
BEGUN = TaskEvent(EventKind.TASK_STARTED, "", "developer:Cart")
WHOLE: dict[str, Any] = {
    "document": BOARD,
    "files": {"cart.py": "1", "users.py": "2"},
    "tasks": {"developer:Cart": ""},
}


def account(engine: str = "async", **otherwise: Any) -> tuple[str, ...]:
    left = LeftInRedis(**{**WHOLE, **otherwise})
    result = EngineResult(0.0, events=(BEGUN, ENDED))
    return store_account(find_engine(engine), result, left, BOARD, FILES, CALLS)


@pytest.mark.parametrize(
    ("otherwise", "said"),
    [
        ({}, ()),
        ({"document": None}, ("nothing of the run is in Redis at its end",)),
        (
            {"document": {**BOARD, "project_info": {"status": "building"}}},
            (
                "the document in Redis is not that of blackboard.json: project_info",
                "the run is over, and Redis has the project as building",
            ),
        ),
        (
            {"document": dict(reversed(BOARD.items()))},
            ("the document in Redis is not that of blackboard.json: its order",),
        ),
        ({"files": {"cart.py": "1"}}, ("the files in Redis are not those on the disk: users.py",)),
        (
            {"files": {"cart.py": "0", "users.py": "2", "c": "", "d": "", "e": ""}},
            ("the files in Redis are not those on the disk: cart.py, c, d and 1 more",),
        ),
        (
            {"document": {**BOARD, "agent_attempts": [ATTEMPT, ATTEMPT, ATTEMPT]}},
            (
                "the document in Redis is not that of blackboard.json: agent_attempts",
                "the attempts in Redis are not the calls that were made: developer:Cart, auditor",
            ),
        ),
        ({"tasks": {}}, ("Redis does not know of tasks that they ended: developer:Cart",)),
        (
            {"tasks": {"developer:Cart": "answer"}},
            ("Redis has tasks as failed that did not: developer:Cart",),
        ),
    ],
)
def test_what_differs_is_said(otherwise: dict[str, Any], said: tuple[str, ...]) -> None:
    assert account(**otherwise) == said


def test_what_the_engine_lost_on_both_sides_is_told_by_the_calls_unless_it_failed() -> None:
    left = LeftInRedis(**{**WHOLE, "document": {**BOARD, "agent_attempts": []}})
    board = left.document
    assert board is not None
    said = store_account(find_engine("async"), EngineResult(0.0), left, board, FILES, CALLS)
    assert said == ("the attempts in Redis are not the calls that were made: developer:Cart, auditor",)
    failed = EngineResult(0.0, (Failure(task="engine", cause=Cause.ENGINE, reason="broke"),))
    assert store_account(find_engine("async"), failed, left, board, FILES, CALLS) == ()


def test_a_task_that_failed_is_not_to_be_done_in_the_store() -> None:
    # Red where only the names of checkpoints are looked at: a resumed build would go on behind the failure.
    left = LeftInRedis(**WHOLE)
    failed = replace(ENDED, kind=EventKind.TASK_FAILED)

    def said(cause: str) -> tuple[str, ...]:
        stored = replace(left, tasks={"developer:Cart": cause})
        return store_account(
            find_engine("async"), EngineResult(0.0, events=(failed,)), stored, BOARD, FILES, CALLS
        )

    assert said("") == ("Redis has tasks as done that failed: developer:Cart",)
    assert said("answer") == ()


def test_a_mirror_keeps_no_files_and_the_legacy_loop_no_tasks() -> None:
    assert account("legacy:state_store=mirror", files={}, tasks={}) == ()
    assert account("legacy:state_store=redis", tasks={}) == ()
    assert account("legacy:state_store=redis", files={}, tasks={}) != ()


def test_calls_of_a_task_that_another_worker_took_over_need_no_attempt() -> None:
    attempt = {**ATTEMPT, "input": "Write it.", "output": "Done.", "status": "ok"}
    board: dict[str, object] = {**BOARD, "agent_attempts": [attempt]}
    left = LeftInRedis(**{**WHOLE, "document": board})
    asked = make_call("developer", "Cart")
    engine = find_engine("async:workers")

    def said(calls: int, *events: TaskEvent) -> tuple[str, ...]:
        return store_account(engine, EngineResult(0.0, events=events), left, board, FILES, [asked] * calls)

    told = ("the attempts in Redis are not the calls that were made: developer:Cart",)
    again = replace(BEGUN, takeovers=1)
    assert said(2, BEGUN, again, ENDED) == ()
    assert said(3, BEGUN, again, ENDED) == told
    assert said(2, BEGUN, BEGUN, ENDED) == told
    assert said(2, again, ENDED) == told
    assert said(2, BEGUN, ENDED) == told
