"""Learnt weights on their way: from the record of a run, through a session, to the engine of a later one."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from agents.roles import Role
from async_arch.estimates import TaskWeights
from harness.engines.composition import parse_engine
from harness.engines.engine import EngineJob, EngineResult
from harness.engines.worker_engine import worker_job_of
from harness.engines.worker_protocol import WorkerJob
from harness.gateway.settings import SimulateSettings
from harness.record import ModelFacts, RunStore
from harness.record.run_pace import RolePace, RunPace
from harness.session import SessionSettings, open_session
from harness.spec import Spec
from tests.compare.records import make_record
from tests.end_to_end.in_process_engine import InProcessEngine

pytestmark = pytest.mark.usefixtures("forked_processes")

FAST = SimulateSettings(ttft_s=0.001, tokens_per_s=50_000)
SPEC = Spec.model_validate(
    {
        "name": "shelf",
        "idea": "A shelf of books.",
        "model": "m",
        "modules": [{"name": "Books", "module_type": "web_interface", "description": "Books"}],
    }
)


class _Told(InProcessEngine):
    """An engine that remembers with which weights it was told to work."""

    weights: TaskWeights | None = None

    async def run(self, job: EngineJob) -> EngineResult:
        told = worker_job_of(parse_engine(self.name), job).model_dump_json()
        self.weights = WorkerJob.model_validate_json(told).weights
        return await super().run(job)


def _earlier(store: RunStore) -> str:
    """A run in `store` whose pages took next to no time."""
    run, folder = store.new_run("shelf", "async", datetime(2024, 5, 1, tzinfo=UTC))
    record = make_record(folder, model=ModelFacts(kind="simulated", name="m"))
    pages = RolePace(role=Role.FRONTEND_DEVELOPER, tasks=3, task_s=0.001, answer_size=500)
    told = {
        "composition": {"generation": "llm"},
        "pace": RunPace(roles=(pages,), per_char_s=0.01, first_token_s=0.5),
    }
    store.save(replace(record, summary=record.summary.model_copy(update=told)))
    return run


async def test_a_session_learns_once_and_an_engine_that_works_in_build_order_is_told_nothing(
    tmp_path: Path,
) -> None:
    earlier = _earlier(RunStore(tmp_path))
    engines = [_Told("legacy"), _Told("async:state_store=json"), _Told("async:state_store=json")]
    settings = SessionSettings(model="simulated", simulated=FAST, slots=1, store=tmp_path)
    async with open_session(settings, needs_redis=False) as session:
        records = [await session.run(SPEC, engine, lambda _: None) for engine in engines]
        control, *candidates = [session.store.manifest(record.summary.id).weights for record in records]
    assert (control, engines[0].weights) == (None, None)
    for engine, written in zip(engines[1:], candidates, strict=True):
        assert written is not None
        # Not from those of this session, one of which had ended.
        assert written.learnt_from == (earlier,)
        assert engine.weights == written.weights
        assert written.weights.roles[Role.FRONTEND_DEVELOPER].task_s == 0.001
    # By default a page counts for more than a module as small as this one.
    for record in records[1:]:
        asked = [call.role for call in record.calls]
        assert asked.index(Role.DEVELOPER) < asked.index(Role.FRONTEND_DEVELOPER)
    for record in records:
        # What the next session learns from.
        assert record.summary.pace is not None
        assert {of_role.role for of_role in record.summary.pace.roles} >= {Role.DEVELOPER, Role.INTEGRATOR}
