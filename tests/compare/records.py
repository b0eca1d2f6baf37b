"""Records of runs made by hand, for tests that look at one thing."""

from __future__ import annotations

import copy
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from agents.build import EventKind, TaskEvent
from agents.conversation import Cause
from harness.gateway.calls import CallRecord
from harness.gateway.canonical import CanonicalRequest
from harness.record import Failure, ModelFacts, OutcomeStatus, RunOutcome, RunRecord, RunSummary
from harness.record.inspection import generated_files

# Cart needs Users; Pages is a page and needs Cart.
BOARD: dict[str, Any] = {
    "project_info": {"idea": "a shop", "created_at": "2024-05-01T10:00:00+00:00", "status": "complete"},
    "architecture": {
        "project": "shop",
        "summary": "",
        "modules": [
            {"name": "Users", "filename": "users.py", "module_type": "data", "requires": []},
            {"name": "Cart", "filename": "cart.py", "module_type": "service", "requires": ["Users"]},
            {"name": "Pages", "filename": "pages.py", "module_type": "web_interface", "requires": ["Cart"]},
        ],
    },
    "modules": {"Users": {"filename": "users.py"}, "Cart": {"filename": "cart.py"}},
    "files_created": ["users.py", "cart.py", "pages.py", "main.py"],
    "api_registry": {
        "Users": {"functions": [{"signature": "find()", "purpose": "find"}], "routes": [], "notes": ""},
        "Cart": {
            "functions": [
                {"signature": "add(item: str)", "purpose": "add"},
                {"signature": "total()", "purpose": "sum up"},
                {"signature": "clear()", "purpose": "empty"},
            ],
            "routes": [{"method": "GET", "path": "/cart", "purpose": "show"}],
            "notes": "",
        },
    },
    "agent_attempts": [
        {
            "agent": agent,
            "module": module,
            "attempt_number": number,
            "timestamp": f"2024-05-01T10:00:0{second}+00:00",
            "input": f"do it as {agent}",
            "output": "done",
            "status": "ok",
            "error": None,
        }
        for second, (agent, module, number) in enumerate(
            [
                ("analyst", None, 1),
                ("developer", "Cart", 1),
                ("reviewer", "Cart", 1),
                ("developer", "Cart", 2),
                ("reviewer", "Cart", 1),
            ]
        )
    ],
    "logs": [
        {"timestamp": "2024-05-01T10:00:00+00:00", "level": "info", "message": "planned 3 modules"},
        {"timestamp": "2024-05-01T10:00:01+00:00", "level": "info", "message": "the plan was approved"},
        {"timestamp": "2024-05-01T10:00:02+00:00", "level": "warning", "message": "slow"},
    ],
    "agent_reasoning": [
        {"agent": "reviewer", "module": "Cart", "reasoning": "first"},
        {"agent": "reviewer", "module": "Cart", "reasoning": "second"},
        {"agent": "reviewer", "module": "Cart", "reasoning": "third"},
    ],
    "frontend_files": [],
}

FILES = {"users.py": "USERS = []\n", "cart.py": "CART = []\n", "main.py": "import cart\n"}


def board(**sections: object) -> dict[str, Any]:
    """A blackboard of its own, with `sections` in the place of those it has."""
    return {**copy.deepcopy(BOARD), **sections}


def make_call(
    role: str = "developer",
    module: str | None = "Cart",
    attempt: int = 1,
    *,
    number: int = 1,
    messages: Sequence[Mapping[str, Any]] | None = None,
    content: str = "Write it.",
    response: str = "Done.",
    arrival_s: float = 0.0,
    granted_s: float | None = 0.0,
    end_s: float = 1.0,
    status: int = 200,
    error: str | None = None,
    **asked: Any,
) -> CallRecord:
    """A call in the lane of `role`, `module` and `attempt`; `asked` are further fields of the request."""
    sent = messages or [
        {"role": "system", "content": f"You are the {role}, {module}, {attempt}."},
        {"role": "user", "content": content},
    ]
    request = CanonicalRequest.from_payload({"model": "m", "messages": sent, **asked})
    return CallRecord(
        run="run",
        number=number,
        endpoint="/api/chat",
        model=request.model,
        stream=True,
        role=role,
        module=module,
        attempt=attempt,
        request_hash=request.hash,
        request=request,
        response=response,
        arrival_s=arrival_s,
        granted_s=granted_s,
        first_byte_s=granted_s,
        end_s=end_s,
        prompt_tokens=10,
        output_tokens=20,
        load_s=None,
        prompt_eval_s=None,
        eval_s=None,
        status=status,
        error=error,
        done_reason="stop",
    )


def make_record(
    folder: Path,
    *,
    calls: Iterable[CallRecord] | None = None,
    files: Mapping[str, str | bytes] | None = None,
    blackboard: dict[str, Any] | None = BOARD,
    events: Iterable[TaskEvent] | None = None,
    failures: Sequence[Failure] = (),
    skipped: Sequence[str] = (),
    defects: Sequence[str] = (),
    status: OutcomeStatus | None = None,
    slots: int = 4,
    wall_s: float = 10.0,
    concurrent: bool = True,
    model: ModelFacts | None = None,
    engine: str = "async",
    sittings: int = 1,
) -> RunRecord:
    """A record of a run in `folder`, where its files are written."""
    for path, content in (FILES if files is None else files).items():
        target = folder / "files" / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(content.encode() if isinstance(content, str) else content)
    ended = OutcomeStatus.FAILED if failures else OutcomeStatus.BROKEN if defects else OutcomeStatus.FINISHED
    summary = RunSummary(
        id=folder.name,
        spec="shop",
        engine=engine,
        composition={},
        concurrent=concurrent,
        model=model or ModelFacts(kind="simulated", name="m"),
        slots=slots,
        redis=None,
        began_at="2024-05-01T10:00:00+00:00",
        startup_s=0.5,
        wall_s=wall_s,
        outcome=RunOutcome(
            status=status or ended,
            failures=tuple(failures),
            skipped=tuple(skipped),
            defects=tuple(defects),
        ),
        files=generated_files(folder / "files"),
        malformed_requests=0,
        other_requests=0,
        sittings=sittings,
    )
    made = (make_call("analyst", None), make_call(number=2)) if calls is None else tuple(calls)
    told = (make_event(EventKind.BUILD_STARTED, ""),) if events is None else tuple(events)
    return RunRecord(summary, made, told, blackboard, folder)


def make_event(kind: EventKind, task: str = "developer:Cart", detail: str = "") -> TaskEvent:
    """An event at no particular time."""
    return TaskEvent(kind, "2024-05-01T10:00:00+00:00", task, detail)


def make_failure(cause: Cause, task: str = "developer:Cart", reason: str = "it did not work") -> Failure:
    """A failure of one task."""
    return Failure(task=task, cause=cause, reason=reason)
