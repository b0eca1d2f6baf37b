"""The work that a spec makes: its calls, how long their prompts and answers are, and which wait for which."""

from __future__ import annotations

import asyncio
import tempfile
from dataclasses import dataclass
from pathlib import Path

from async_arch.composition import Generation
from harness.compare.call_graph import call_graph, plan_of
from harness.compare.outcome import describe_outcome
from harness.engines.finding import find_engine
from harness.errors import BadInputError, SurroundingsError
from harness.gateway.settings import SimulateSettings
from harness.record import OutcomeStatus, RunManifest, RunRecord, RunStore, RunSummary
from harness.session import SessionSettings, open_session
from harness.spec import Spec

__all__ = ["PlannedCall", "Workload", "recorded_workload", "simulated_workload", "workload_of"]

_AT_ONCE = 8
_FAST = SimulateSettings(ttft_s=0.0, tokens_per_s=100_000)
# Nothing of it is kept, so that no Redis is needed.
_DRY_ENGINE = "async:state_store=json"


@dataclass(frozen=True, slots=True)
class PlannedCall:
    """A call to the model that is to be made, in tokens."""

    prompt_tokens: int
    output_tokens: int


@dataclass(frozen=True, slots=True)
class Workload:
    """The calls of a build, each after those that it waits for."""

    calls: tuple[PlannedCall, ...]
    waits_for: tuple[tuple[int, ...], ...]
    modules: int
    source: str
    """Where it is known from, in words for people."""
    estimated: bool = False
    """Whether it is what the simulated model would write, and not what a model wrote."""


async def workload_of(spec: Spec, store: RunStore, kind: str) -> Workload:
    """The work that `spec` makes: as in a stored run, if possible with a model of this `kind`, or as tried.

    Raises `SurroundingsError` where it cannot be tried.
    """
    found = await asyncio.to_thread(recorded_workload, spec, store, kind)
    return found or await simulated_workload(spec)


def recorded_workload(spec: Spec, store: RunStore, kind: str) -> Workload | None:
    """The work of the newest whole run of `spec`, first among those with a model of this `kind`."""
    other: str | None = None
    for run in reversed(store.run_ids()):
        if f"-{spec.name}-" not in run:
            continue
        try:
            manifest, summary = store.manifest(run), store.summary(run)
        except BadInputError:
            continue
        if summary is None or not _tells(manifest, summary, spec):
            continue
        if summary.model.kind == kind:
            return _of_run(store, run)
        other = other or run
    return _of_run(store, other) if other else None


async def simulated_workload(spec: Spec) -> Workload:
    """The work of a build of `spec` with the simulated model, which is made now, fast, and thrown away."""
    with tempfile.TemporaryDirectory(prefix="harness-doctor-") as folder:
        settings = SessionSettings(
            model="simulated", slots=_AT_ONCE, simulated=_FAST, store=Path(folder), deadline_s=60.0
        )
        async with open_session(settings, needs_redis=False) as session:
            record = await session.run(spec, find_engine(_DRY_ENGINE), lambda _: None)
        if record.summary.outcome.status is not OutcomeStatus.FINISHED:
            ended = describe_outcome(record.summary.outcome)
            raise SurroundingsError(f"spec {spec.name}: a build with the simulated model {ended}")
        plan = "with the modules of the spec" if spec.modules else "with a plan of its own"
        return _workload(record, f"an estimate: what the simulated model builds, {plan}", estimated=True)


def _tells(manifest: RunManifest, summary: RunSummary, spec: Spec) -> bool:
    """Whether the run is a whole one of `spec`, made by an engine whose calls are those of both engines."""
    asked = manifest.spec.model_copy(update={"expect": spec.expect})
    return (
        asked == spec
        and summary.outcome.status is OutcomeStatus.FINISHED
        and summary.external is None
        and not summary.faults
        and summary.composition.get("generation", Generation.LLM) == Generation.LLM
    )


def _of_run(store: RunStore, run: str) -> Workload | None:
    try:
        record = store.load(run)
    except BadInputError:
        return None
    kind = record.summary.model.kind
    return _workload(
        record, f"run {run}, made with the {_NAMES.get(kind, kind)}", estimated=kind == "simulated"
    )


_NAMES = {
    "simulated": "simulated model",
    "ollama": "model behind an Ollama",
    "local": "local model",
    "replay": "answers of a cassette",
}


def _workload(record: RunRecord, source: str, *, estimated: bool) -> Workload:
    graph = call_graph(record)
    calls = [record.calls[place] for place in graph.places]
    plan = plan_of(record)
    return Workload(
        calls=tuple(PlannedCall(call.prompt_tokens or 0, call.output_tokens or 0) for call in calls),
        waits_for=graph.waits_for,
        modules=len(plan.modules) if plan else 0,
        source=source,
        estimated=estimated,
    )
