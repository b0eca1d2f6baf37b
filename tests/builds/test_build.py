"""Builds: by the engine that the flags choose, at the caller's expense of that engine alone."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Mapping
from dataclasses import replace
from pathlib import Path

import pytest
import pytest_asyncio

from agents.conversation import Cause
from harness.builds import BuildSettings, Built, ShadowQueue, build, work_off
from harness.compare import Status
from harness.engines.engine import Engine, EngineJob, EngineResult
from harness.errors import BadInputError
from harness.evidence import EvidenceKind, EvidenceStore
from harness.flags import Action, EngineMode, FlagValues, Installation
from harness.record import Failure, Leaves, RunStore
from harness.session import SessionSettings
from harness.spec import Spec
from tests.end_to_end.in_process_engine import InProcessEngine
from tests.end_to_end.site import FAST, Unwatched, engines_in_process, shared_surroundings

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.usefixtures("forked_processes")]

SPEC = Spec.model_validate(
    {
        "name": "notes",
        "idea": "Notes.",
        "modules": [
            {"name": "Notes", "module_type": "data", "description": "Notes with a title"},
            {"name": "Tags", "module_type": "data", "description": "Tags with a name"},
        ],
    }
)
ASYNC = {"state_store": "redis", "agent_calls": "async", "orchestration": "concurrent"}


@pytest_asyncio.fixture(scope="module", loop_scope="module", autouse=True)
async def _shared() -> AsyncIterator[None]:
    """One gateway for all builds, and engines without processes of their own."""
    async with shared_surroundings():
        with engines_in_process("harness.builds.serving", "harness.builds.shadow"):
            yield


class FailingEngine:
    """An async engine that begins and breaks."""

    name = "async:state_store=redis,agent_calls=async,orchestration=concurrent"
    flags: Mapping[str, str] = {**ASYNC, "generation": "llm"}
    concurrent = True
    needs_redis = False
    not_resumable = None
    leaves = frozenset(Leaves)

    async def run(self, job: EngineJob) -> EngineResult:
        await job.begin()
        await job.end()
        return EngineResult(0.1, (Failure(task="engine", cause=Cause.ENGINE, reason="broken"),))


def settings(tmp_path: Path, **more: object) -> BuildSettings:
    session = SessionSettings(
        model="simulated",
        simulated=FAST,
        store=tmp_path / "store",
    )
    built = BuildSettings(session, Installation(tmp_path / "flags.json"), tmp_path / "notes")
    return replace(built, **more)  # type: ignore[arg-type]


def flags(tmp_path: Path, engine: EngineMode, canary: int = 0) -> None:
    installation = Installation(tmp_path / "flags.json")
    after = FlagValues.model_validate({**ASYNC, "generation": "llm", "engine": engine, "canary": canary})
    installation.move(installation.standing(), Action.PROMOTE, after)


async def built(tmp_path: Path, environment: Mapping[str, str] | None = None, **more: object) -> Built:
    return await build(SPEC, settings(tmp_path, **more), Unwatched(), environment or {})


async def test_before_the_first_move_legacy_serves_and_nothing_is_compared(tmp_path: Path) -> None:
    result = await built(tmp_path)
    assert (result.engine, result.shadow, result.flags.number) == ("legacy:state_store=json", False, 0)
    assert (tmp_path / "notes" / "main.py").is_file()
    assert EvidenceStore(tmp_path / "store").all() == ((), ())
    written = json.loads((Path(result.folder) / "run.json").read_text())
    assert written["flags"]["engine"] == "legacy"


async def test_in_the_shadow_legacy_serves_and_async_is_compared_behind_it(tmp_path: Path) -> None:
    flags(tmp_path, EngineMode.SHADOW)
    result = await built(tmp_path)
    assert (result.engine, result.shadow) == ("legacy:state_store=redis", True)
    assert len(RunStore(tmp_path / "store").run_ids()) == 1
    (evidence,) = [found async for found in work_off(tmp_path / "store", Unwatched())]
    assert (evidence.kind, evidence.status, evidence.control) == (
        EvidenceKind.SHADOW,
        Status.PASS,
        result.run,
    )
    assert evidence.candidate_flags["orchestration"] == "concurrent"
    assert EvidenceStore(tmp_path / "store").all() == ((evidence,), ())
    assert ShadowQueue(tmp_path / "store").waiting() == ()


async def test_a_canary_is_served_by_async_and_legacy_is_compared_behind_it(tmp_path: Path) -> None:
    flags(tmp_path, EngineMode.CANARY, 99)
    result = await built(tmp_path, sample=1.0)
    assert result.engine.startswith("async:state_store=redis")
    assert result.flags.engine is EngineMode.CANARY
    (evidence,) = [found async for found in work_off(tmp_path / "store", Unwatched())]
    assert (evidence.kind, evidence.status, evidence.candidate) == (
        EvidenceKind.CANARY,
        Status.PASS,
        result.run,
    )
    kinds = [found.kind for found in EvidenceStore(tmp_path / "store").all()[0]]
    assert kinds == [EvidenceKind.SERVED, EvidenceKind.CANARY]


@pytest.fixture
def async_breaks(monkeypatch: pytest.MonkeyPatch) -> None:
    def find(name: str) -> Engine:
        return FailingEngine() if name.startswith("async") else InProcessEngine(name)

    monkeypatch.setattr("harness.builds.serving.find_engine", find)
    monkeypatch.setattr("harness.builds.shadow.find_engine", find)


@pytest.mark.usefixtures("async_breaks")
async def test_whatever_async_does_in_the_shadow_the_caller_does_not_notice(tmp_path: Path) -> None:
    flags(tmp_path, EngineMode.SHADOW)
    result = await built(tmp_path)
    assert result.described == "finished"
    assert (tmp_path / "notes" / "main.py").is_file()
    (evidence,) = [found async for found in work_off(tmp_path / "store", Unwatched())]
    assert (evidence.status, evidence.candidate_failed) == (Status.FAIL, True)


@pytest.mark.usefixtures("async_breaks")
async def test_where_async_fails_legacy_does_it_over_and_that_is_evidence(tmp_path: Path) -> None:
    flags(tmp_path, EngineMode.ASYNC)
    result = await built(tmp_path, fallback=True)
    assert (result.engine, result.described) == ("legacy:state_store=redis", "finished")
    assert result.fallback_reason == "failed at engine: broken"
    assert (tmp_path / "notes" / "main.py").is_file()
    (evidence,), _ = EvidenceStore(tmp_path / "store").all()
    assert (evidence.kind, evidence.candidate, evidence.control) == (
        EvidenceKind.FALLBACK,
        result.fell_back_from,
        result.run,
    )


@pytest.mark.usefixtures("async_breaks")
async def test_without_fallback_a_failure_is_served_as_one_and_nothing_is_delivered(tmp_path: Path) -> None:
    flags(tmp_path, EngineMode.ASYNC)
    result = await built(tmp_path)
    assert (result.described, result.output) == ("failed at engine: broken", None)
    assert not (tmp_path / "notes").exists()
    (evidence,), _ = EvidenceStore(tmp_path / "store").all()
    assert (evidence.kind, evidence.status, evidence.candidate_failed) == (
        EvidenceKind.SERVED,
        Status.FAIL,
        True,
    )


@pytest.mark.usefixtures("async_breaks")
async def test_a_job_whose_surroundings_fail_is_given_up_after_three_times(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    flags(tmp_path, EngineMode.SHADOW)
    await built(tmp_path)
    monkeypatch.setattr(FailingEngine, "needs_redis", True)
    for _ in range(2):
        with pytest.raises(BadInputError, match="nowhere"):
            _ = [found async for found in work_off(tmp_path / "store", Unwatched(), redis="nowhere")]
    (evidence,) = [found async for found in work_off(tmp_path / "store", Unwatched(), redis="nowhere")]
    assert evidence.status is Status.ERROR
    assert evidence.reason.startswith("given up after 3 attempts: ")
    assert ShadowQueue(tmp_path / "store").waiting() == ()


@pytest.mark.usefixtures("async_breaks")
async def test_once_legacy_is_gone_nothing_is_compared_with_it_and_nothing_falls_back_to_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    flags(tmp_path, EngineMode.ASYNC)
    monkeypatch.setattr("harness.builds.serving.legacy_is_retired", lambda: True)
    result = await built(tmp_path, fallback=True, sample=1.0)
    assert (result.described, result.fell_back_from, result.shadow) == (
        "failed at engine: broken",
        None,
        False,
    )
    assert ShadowQueue(tmp_path / "store").waiting() == ()


async def test_an_override_acts_on_this_build_and_is_on_its_record(tmp_path: Path) -> None:
    flags(tmp_path, EngineMode.ASYNC)
    result = await built(tmp_path, {"HARNESS_FLAG_ENGINE": "legacy"})
    assert result.engine == "legacy:state_store=redis"
    assert result.flags.overridden == ("HARNESS_FLAG_ENGINE=legacy",)


async def test_a_model_that_is_recorded_by_hand_is_refused(tmp_path: Path) -> None:
    session = replace(settings(tmp_path).session, model=f"record:{tmp_path}@simulated")
    with pytest.raises(BadInputError, match="a build keeps the answers that it needs by itself"):
        await built(tmp_path, session=session)
