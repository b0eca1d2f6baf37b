"""The execution of two runs: both are asked the same, and what they did goes onto their records."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import replace

from harness.behaviour.environment import existing_environment
from harness.behaviour.observing import observe
from harness.behaviour.project import project_of
from harness.behaviour.questions import questions_of
from harness.behaviour.requirements import check_allowed
from harness.behaviour.settings import ExecuteSettings
from harness.record import BehaviourRecord, OutcomeStatus, RunRecord, RunStore
from harness.sandbox import Sandbox, find_sandbox

__all__ = ["execute_pair", "ready_to_execute", "with_behaviour"]

_DEFECT = "the application does not start: "


async def ready_to_execute(settings: ExecuteSettings) -> Sandbox:
    """The sandbox for `execute_pair`; to be had before an hour is spent on runs that cannot be executed.

    Raises `BadInputError` for settings that cannot be used, and `SandboxUnavailable`.
    """
    check_allowed(settings.allow)
    if settings.environment is not None:
        await existing_environment(settings.environment)
    return await find_sandbox()


async def execute_pair(
    control: RunRecord,
    candidate: RunRecord,
    settings: ExecuteSettings,
    on_progress: Callable[[str], None] = lambda _: None,
    *,
    sandbox: Sandbox | None = None,
) -> tuple[RunRecord, RunRecord]:
    """Execute what both runs generated, one after the other, and keep what they did in their folders.

    A run that failed left no whole application; its record is given back as it is. Raises what
    `ready_to_execute` does, if no `sandbox` is given, and `SurroundingsError` where what is allowed cannot be
    installed.
    """
    sandbox = sandbox or await ready_to_execute(settings)
    projects = await asyncio.gather(*(asyncio.to_thread(project_of, r) for r in (control, candidate)))
    questions = await asyncio.to_thread(questions_of, *projects)
    store = RunStore(settings.store)
    executed = []
    for side, record in (("control", control), ("candidate", candidate)):
        if record.summary.outcome.status is not OutcomeStatus.FAILED:
            on_progress(f"executing the application of the {side} in a sandbox ({sandbox.name})")
            record = with_behaviour(record, await observe(sandbox, record, questions, settings))
            await asyncio.to_thread(store.save_behaviour, record)
        executed.append(record)
    return executed[0], executed[1]


def with_behaviour(record: RunRecord, behaviour: BehaviourRecord) -> RunRecord:
    """`record` with what its application did; one that does not start is a defect of its outcome."""
    outcome = record.summary.outcome
    defects = tuple(defect for defect in outcome.defects if not defect.startswith(_DEFECT))
    status = outcome.status
    if not behaviour.started:
        defects = (*defects, f"{_DEFECT}{behaviour.reason}")
    if status is not OutcomeStatus.FAILED:
        status = OutcomeStatus.BROKEN if defects else OutcomeStatus.FINISHED
    judged = outcome.model_copy(update={"defects": defects, "status": status})
    summary = record.summary.model_copy(update={"outcome": judged})
    return replace(record, summary=summary, behaviour=behaviour)
