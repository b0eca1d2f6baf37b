"""A session: the surroundings of runs (gateway, Redis, store), and one run of one engine in them."""

from __future__ import annotations

import asyncio
import os
import secrets
from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime
from itertools import pairwise
from pathlib import Path

from agents.build import TaskEvent
from agents.chat_protocol import ModelSettings
from async_arch.embedded_redis import RedisUnavailable, embedded_redis
from async_arch.state_manager import open_redis, redacted
from async_arch.state_store import StateUnavailable
from harness.compare.quoted_modules import with_quoted_modules
from harness.engines.engine import Engine, EngineJob, EngineResult
from harness.errors import BadInputError, SurroundingsError
from harness.gateway.calls import CallRecord, RunLog
from harness.gateway.cassette import Cassette, CassetteError, cassette_path, read_cassette
from harness.gateway.errors import GatewayError, LocalModelMissing, ModelChoiceError, UnknownModelChoice
from harness.gateway.faults import FaultRule, FaultRuleError, parse_fault
from harness.gateway.model import ModelChoice, choose_model
from harness.gateway.process import Gateway, running_gateway
from harness.gateway.settings import GatewaySettings, SimulateSettings
from harness.record import (
    Leaves,
    ModelFacts,
    OutcomeStatus,
    RunOutcome,
    RunRecord,
    RunStore,
    RunSummary,
)
from harness.record.inspection import defects, generated_files
from harness.record.run_store import read_blackboard
from harness.spec import Spec

__all__ = ["Session", "SessionSettings", "chosen_model", "fault_rules", "open_session"]

_PATIENCE_S = 30.0

OnEvent = Callable[[TaskEvent], None]
OnProgress = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class SessionSettings:
    """What runs are made with.

    `model` is `auto`, `simulated`, `ollama[:URL]`, `local`, `record:FOLDER[@URL]` or `replay:FOLDER`;
    `time_scale` scales the times of a replayed answer; `faults` are rules of what is to go wrong; `redis` is
    `embedded` or a URL. `call_timeout_s` bounds one call to the model, waiting for a slot included;
    `deadline_s` a whole run.
    """

    model: str = "auto"
    slots: int = 4
    redis: str = "embedded"
    time_scale: float = 1.0
    faults: tuple[str, ...] = ()
    simulated: SimulateSettings = field(default_factory=SimulateSettings)
    call_timeout_s: float = 600.0
    deadline_s: float = 3600.0
    store: Path = Path(".harness")


class Session:
    """Open surroundings, in which engines are run one after the other."""

    def __init__(
        self,
        settings: SessionSettings,
        model: ModelChoice,
        gateway: Gateway,
        redis_url: str | None,
        redis_server: str | None,
    ) -> None:
        self.settings = settings
        self.model = model
        self.redis_server = redis_server
        self.store = RunStore(settings.store)
        self._gateway = gateway
        self._redis_url = redis_url

    def check(self, spec: Spec) -> None:
        """Look whether a run on `spec` can be had; `SurroundingsError` or `BadInputError` where it cannot."""
        self.model_name(spec)
        folder = self.model.cassettes
        if self.model.kind == "replay":
            self._cassette(spec)
        elif folder is not None:
            try:
                folder.mkdir(parents=True, exist_ok=True)
            except OSError as error:
                raise BadInputError(
                    f"--model: {folder} cannot be a folder of cassettes: {error.strerror}"
                ) from error

    def model_facts(self, spec: Spec) -> ModelFacts:
        """The model that runs on `spec` are made with, and the cassette it goes into or comes from."""
        kind = "local" if self.model.local else self.model.kind
        facts = ModelFacts(
            kind="simulated" if self.model.simulated else kind,
            name=self.model_name(spec),
            url=self.model.url,
            source=_listed(self.model.models) if self.model.local else None,
            digest=self.model.digest or None,
        )
        if self.model.cassettes is None:
            return facts
        path = cassette_path(self.model.cassettes, spec.name)
        found: dict[str, str | float | None] = {"cassette": str(path)}
        if self.model.kind == "replay":
            entries = self._cassette(spec).entries
            found["source"] = _listed(entry.source for _, entry in entries)
            found["time_scale"] = self.settings.time_scale
            found["digest"] = _listed(entry.digest for _, entry in entries)
        return facts.model_copy(update=found)

    def _cassette(self, spec: Spec) -> Cassette:
        try:
            return read_cassette(cassette_path(self.model.cassettes or Path(), spec.name))
        except CassetteError as error:
            raise BadInputError(f"spec {spec.name}: {error}") from error

    def model_name(self, spec: Spec) -> str:
        """The name by which the model is asked for; `SurroundingsError` where Ollama does not have it."""
        name = spec.model or ModelSettings().model
        if not self.model.offers(name):
            there = ", ".join(self.model.models) or "none"
            raise SurroundingsError(
                f"spec {spec.name}: the Ollama at {self.model.url} has no model {name!r}; it has {there}. "
                f"Pull it (ollama pull {name}), name another as 'model:' in the spec, or use --model "
                "simulated"
            )
        return name

    async def run(
        self, spec: Spec, engine: Engine, on_event: OnEvent, on_progress: OnProgress = lambda _: None
    ) -> RunRecord:
        """Run `engine` on `spec` and keep the record. What goes wrong in the engine is on the record.

        `on_event` is told what an engine announces, `on_progress` how far one is that announces nothing.
        """
        began = datetime.now().astimezone()
        run, folder = self.store.new_run(spec.name, engine.name, began)
        try:
            await self._gateway.open_run(run, self.settings.slots, spec.name)
            log = _RunClock(self._gateway, run)
            result = await engine.run(
                EngineJob(
                    run=run,
                    spec=spec,
                    model=self.model_name(spec),
                    project_dir=folder / "files",
                    log=folder / "engine.log",
                    ollama_host=self._gateway.ollama_host(run),
                    redis_url=self._redis_url or "",
                    slots=self.settings.slots,
                    call_timeout_s=self.settings.call_timeout_s,
                    deadline_s=self.settings.deadline_s,
                    begin=log.begin,
                    end=log.end,
                    on_event=on_event,
                    on_progress=on_progress,
                    calls_so_far=log.so_far,
                )
            )
            calls = await log.ended()
        except GatewayError as error:
            raise SurroundingsError(str(error)) from error
        record = await asyncio.to_thread(self._record, spec, engine, began, folder, result, calls)
        await asyncio.to_thread(self.store.save, record)
        return record

    def _record(
        self, spec: Spec, engine: Engine, began: datetime, folder: Path, result: EngineResult, log: RunLog
    ) -> RunRecord:
        project, kept = folder / "files", folder / "blackboard.json"
        board_file = project / "blackboard.json"
        if board_file.is_file() and not kept.exists():
            board_file.replace(kept)
        board = read_blackboard(kept)
        files = generated_files(project)
        startup_s = result.startup_s
        if result.external is not None:
            # The clock of the others starts when they are ready. This engine does not say when that is.
            before, log = log, log.since_first_call()
            startup_s = log.began_s - before.began_s
            log = log.model_copy(update={"calls": with_quoted_modules(log.calls)})
        found = () if result.failures else defects(project, files, board, engine.leaves, result.external)
        status = OutcomeStatus.BROKEN if found else OutcomeStatus.FINISHED
        summary = RunSummary(
            id=log.run,
            spec=spec.name,
            engine=engine.name,
            composition=dict(engine.flags),
            concurrent=_overlap(log.calls) if engine.concurrent is None else engine.concurrent,
            model=self.model_facts(spec),
            slots=log.slots,
            faults=self.settings.faults,
            redis=self.redis_server if engine.needs_redis else None,
            began_at=began.isoformat(timespec="milliseconds"),
            startup_s=startup_s,
            wall_s=log.wall_s,
            outcome=RunOutcome(
                status=OutcomeStatus.FAILED if result.failures else status,
                failures=result.failures,
                skipped=result.skipped,
                defects=found,
            ),
            files=files,
            malformed_requests=log.malformed,
            other_requests=log.other_requests,
            leaves=tuple(part for part in Leaves if part in engine.leaves),
            external=result.external,
        )
        return RunRecord(summary, log.calls, result.events, board, folder)


def _overlap(calls: Sequence[CallRecord]) -> bool:
    """Whether one of `calls`, which stand in the order of their arrival, came while another was under way."""
    return any(later.arrival_s < call.end_s for call, later in pairwise(calls))


def _listed(names: Iterable[str]) -> str | None:
    return ", ".join(sorted({name for name in names if name})) or None


class _RunClock:
    """The begin and end of one run, each marked once, on the gateway's clock."""

    def __init__(self, gateway: Gateway, run: str) -> None:
        self._gateway = gateway
        self._run = run
        self._log: RunLog | None = None
        self._begun = False

    async def begin(self) -> None:
        await self._gateway.begin(self._run)
        self._begun = True

    async def end(self) -> None:
        self._log = await self._gateway.end(self._run)

    async def so_far(self) -> str:
        """How many calls there were; empty where the gateway does not say."""
        try:
            progress = await self._gateway.progress(self._run)
        except GatewayError:
            return ""
        failed = f" ({progress.failed} failed)" if progress.failed else ""
        return f"{progress.finished} calls{failed}, {progress.generating + progress.queued} under way"

    async def ended(self) -> RunLog:
        """The log of the run, which ends here at the latest."""
        if not self._begun:
            await self.begin()
        if self._log is None:
            await self.end()
        if self._log is None:
            raise GatewayError(f"the gateway gave no log of the run {self._run}")
        return self._log


def fault_rules(texts: Sequence[str]) -> tuple[FaultRule, ...]:
    """The rules that `texts` say; `BadInputError` for what is none."""
    try:
        return tuple(parse_fault(text) for text in texts)
    except FaultRuleError as error:
        raise BadInputError(f"--fault: {error}") from error


async def chosen_model(text: str, option: str, slots: int) -> ModelChoice:
    """The model that `text`, the value of `option`, asks for, for so many calls at once.

    Raises `BadInputError` and `SurroundingsError`.
    """
    try:
        return await choose_model(text, ollama_host=os.environ.get("OLLAMA_HOST"), slots=slots)
    except UnknownModelChoice as error:
        raise BadInputError(f"{option}: {error}") from error
    except LocalModelMissing as error:
        raise SurroundingsError(f"{option}: {error}") from error
    except ModelChoiceError as error:
        recorded = text.removeprefix("record:").partition("@")[0] if text.startswith("record:") else None
        another, simulated = (
            (f"record:{recorded}@URL", f"record:{recorded}@simulated")
            if recorded
            else ("ollama:URL", "simulated")
        )
        raise SurroundingsError(
            f"{error}; start it (ollama serve), name another with {option} {another}, or use {option} "
            f"{simulated}"
        ) from error


@asynccontextmanager
async def open_session(settings: SessionSettings, *, needs_redis: bool) -> AsyncIterator[Session]:
    """Surroundings as `settings` ask for, all of them gone when the block is left.

    Raises `BadInputError` and `SurroundingsError`.
    """
    faults = fault_rules(settings.faults)
    model = await chosen_model(settings.model, "--model", settings.slots)
    upstream = model.settings(
        settings.simulated,
        time_scale=settings.time_scale,
        # The engine's own time-out comes first: how it copes with a silent model is part of its record.
        upstream_timeout_s=settings.call_timeout_s + _PATIENCE_S,
    )
    async with AsyncExitStack() as stack:
        redis_url, server = None, None
        if needs_redis:
            redis_url, server = await stack.enter_async_context(_redis(settings.redis))
        gateway_settings = GatewaySettings(upstream=upstream, faults=faults, token=secrets.token_urlsafe(24))
        try:
            gateway = await stack.enter_async_context(running_gateway(gateway_settings))
        except GatewayError as error:
            raise SurroundingsError(str(error)) from error
        yield Session(settings, model, gateway, redis_url, server)


@asynccontextmanager
async def _redis(choice: str) -> AsyncIterator[tuple[str, str]]:
    """The URL of the Redis server to use, and how people read of it."""
    if choice == "embedded":
        async with AsyncExitStack() as stack:
            try:
                server = await stack.enter_async_context(embedded_redis())
            except RedisUnavailable as error:
                raise SurroundingsError(str(error)) from error
            yield server.url, f"embedded {server.server}"
        return
    if not choice.startswith(("redis://", "rediss://", "unix://")):
        raise BadInputError(
            f"--redis: {choice!r} is neither 'embedded' nor a URL such as redis://localhost:6379/0"
        )
    try:
        async with open_redis(choice):
            pass
    except ValueError as error:
        raise BadInputError(f"--redis: {redacted(choice)!r} is not usable: {error}") from error
    except StateUnavailable as error:
        raise SurroundingsError(f"{error}; start it, or use --redis embedded") from error
    yield choice, redacted(choice)
