"""Bisecting: from the control's composition to the candidate's one flag at a time, until a mismatch appears.

Every step is compared with the one run of `legacy`, on the same answers, and differs from the step before it
in one choice only; so the first step with a mismatch names the choice that is to blame. The steps are walked
one after the other, as there are few of them and what comes after the first mismatch says nothing.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Sequence

from pydantic import BaseModel, ConfigDict

from async_arch.composition import AgentCalls, ExecutorKind, Generation, Orchestration, StateStoreKind
from harness.compare import Comparison, Mismatch, Status, compare
from harness.compare.determinism import same_texts
from harness.compare.terms import Policy, Terms
from harness.engines.composition import Composition, parse_engine
from harness.engines.engine import Engine
from harness.engines.finding import find_engine
from harness.errors import BadInputError
from harness.record import RunRecord
from harness.session import Session, SessionSettings, open_session, require_what_workers_need
from harness.spec import Spec
from harness.trial import Watcher

__all__ = ["Bisection", "BisectionStep", "Step", "bisect", "bisect_in", "steps_to"]

_CONTROL = "legacy"


class _Facts(BaseModel):
    model_config = ConfigDict(frozen=True)


class Step(_Facts):
    """One choice more than the step before it."""

    engine: str
    flag: str
    """The flag that is set otherwise from here on; `loop` where it is the code that walks the tasks."""
    before: str
    after: str
    phase: int
    """The phase of the migration that the flag belongs to."""

    def __str__(self) -> str:
        return f"{self.flag} {self.before} -> {self.after}"


class BisectionStep(_Facts):
    """One step with what the comparison of it with `legacy` came to."""

    step: Step
    run: str
    status: Status
    reason: str
    mismatches: tuple[Mismatch, ...]


class Bisection(_Facts):
    """How far the steps were walked, and which one is to blame."""

    schema_version: int = 1
    spec: str
    candidate: str
    control_run: str
    steps: tuple[BisectionStep, ...]
    blamed: Step | None
    """The first step with a mismatch; None where there is none, or where it could not be told."""
    status: Status

    @property
    def sentence(self) -> str:
        """What came out of it, in one sentence."""
        if self.blamed is not None:
            return (
                f"{self.spec}: the first mismatch appears with {self.blamed} (phase {self.blamed.phase}): "
                f"{self.steps[-1].reason}"
            )
        if self.status is Status.PASS:
            return f"{self.spec}: no mismatch from {_CONTROL} to {self.candidate}, in {len(self.steps)} steps"
        return f"{self.spec}: not to be told at {self.steps[-1].step}: {self.steps[-1].reason}"


def steps_to(candidate: str) -> tuple[Step, ...]:
    """The steps from `legacy` to the engine named `candidate`; `BadInputError` where there are none."""
    if candidate.startswith("external:"):
        raise BadInputError(f"{candidate!r} is not composed of flags, so there is nothing to bisect")
    steps = tuple(_steps(parse_engine(candidate)))
    if not steps:
        raise BadInputError(f"{candidate!r} is the control itself: there is nothing to bisect")
    return steps


async def bisect(spec: Spec, candidate: str, settings: SessionSettings, watcher: Watcher) -> Bisection:
    """Walk the steps from `legacy` to `candidate` on `spec` until one differs, or cannot be judged.

    Raises `BadInputError` and `SurroundingsError`.
    """
    steps = steps_to(candidate)
    engines = [find_engine(step.engine) for step in steps]
    if settings.model == "workers":
        raise BadInputError("--model workers: a comparison must see the calls; name the model")
    require_what_workers_need(engines, settings)
    needs_redis = any(engine.needs_redis for engine in engines)
    async with open_session(settings, needs_redis=needs_redis) as session:
        session.check(spec)
        watcher.session_opened(session)
        watcher.run_started(spec, "control", _CONTROL)
        control = await session.run(spec, find_engine(_CONTROL), watcher.happened, watcher.progressed)
        watcher.run_finished(control)
        return await bisect_in(session, control, spec, candidate, engines, watcher)


async def bisect_in(
    session: Session,
    control: RunRecord,
    spec: Spec,
    candidate: str,
    engines: Sequence[Engine],
    watcher: Watcher,
) -> Bisection:
    """Walk the steps to `candidate` beside `control`, a run of `legacy`; `engines` has one for each step."""
    walked: list[BisectionStep] = []
    for step, engine in zip(steps_to(candidate), engines, strict=True):
        watcher.run_started(spec, str(step), engine.name)
        record = await session.run(spec, engine, watcher.happened, watcher.progressed)
        watcher.run_finished(record)
        compositions = (control.summary.composition, record.summary.composition)
        terms = Terms(policy=Policy.EXACT if same_texts(*compositions) else Policy.CONTRACT)
        walked.append(_walked(step, await asyncio.to_thread(compare, spec, control, record, terms)))
        if not _clears_its_flag(walked[-1]):
            break
    last = walked[-1]
    return Bisection(
        spec=spec.name,
        candidate=candidate,
        control_run=control.summary.id,
        steps=tuple(walked),
        blamed=last.step if last.status is Status.FAIL else None,
        status=last.status,
    )


def _clears_its_flag(walked: BisectionStep) -> bool:
    """Whether nothing differs up to this step: also where both ended alike, without a whole project."""
    return walked.status is Status.PASS or (walked.status is Status.ERROR and not walked.mismatches)


def _walked(step: Step, comparison: Comparison) -> BisectionStep:
    """The step; what differs in it is blamed on its flag."""
    return BisectionStep(
        step=step,
        run=comparison.candidate.run,
        status=comparison.verdict.status,
        reason=comparison.verdict.reasons[0],
        mismatches=tuple(m.model_copy(update={"phase": step.flag}) for m in comparison.mismatches),
    )


def _steps(wanted: Composition) -> Iterator[Step]:
    state = wanted.state_store.value
    if wanted.state_store is not StateStoreKind.JSON:
        engine = f"legacy:state_store={state}"
        yield Step(engine=engine, flag="state_store", before=StateStoreKind.JSON.value, after=state, phase=1)
    if wanted.family == "legacy":
        return
    calls, order = AgentCalls.BLOCKING.value, Orchestration.SEQUENTIAL.value
    yield Step(engine=_engine(state, calls, order), flag="loop", before="legacy", after="async", phase=2)
    if wanted.agent_calls is not AgentCalls.BLOCKING:
        calls = wanted.agent_calls.value
        yield Step(
            engine=_engine(state, calls, order),
            flag="agent_calls",
            before=AgentCalls.BLOCKING.value,
            after=calls,
            phase=2,
        )
    if wanted.orchestration is not Orchestration.SEQUENTIAL:
        order = wanted.orchestration.value
        yield Step(
            engine=_engine(state, calls, order),
            flag="orchestration",
            before=Orchestration.SEQUENTIAL.value,
            after=order,
            phase=2,
        )
    engine = _engine(state, calls, order)
    if wanted.generation is not Generation.LLM:
        generation = wanted.generation.value
        engine = f"{engine},generation={generation}"
        yield Step(
            engine=engine,
            flag="generation",
            before=Generation.LLM.value,
            after=generation,
            phase=3,
        )
    if wanted.executor is not ExecutorKind.LOCAL:
        executor = wanted.executor.value
        yield Step(
            engine=f"{engine},executor={executor}",
            flag="executor",
            before=ExecutorKind.LOCAL.value,
            after=executor,
            phase=2,
        )


def _engine(state: str, calls: str, orchestration: str) -> str:
    return f"async:state_store={state},agent_calls={calls},orchestration={orchestration}"
