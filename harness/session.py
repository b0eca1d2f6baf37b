"""A session: the surroundings of runs (gateway, Redis, store), and one run of one engine in them."""

from __future__ import annotations

import asyncio
import os
import secrets
import socket
from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager, nullcontext
from dataclasses import dataclass, field
from datetime import datetime
from hashlib import sha256
from pathlib import Path

from agents.build import TaskEvent
from agents.chat_protocol import ModelSettings
from async_arch.composition import ExecutorKind, Orchestration
from async_arch.redis_client import DEFAULT_PATIENCE_S
from async_arch.workers.settings import ModelHost, WorkersSettings
from harness.engines.engine import Engine, EngineJob
from harness.errors import BadInputError, SurroundingsError
from harness.flags import PinnedFlags
from harness.gateway.cassette import Cassette, CassetteError, cassette_path, read_cassette
from harness.gateway.errors import GatewayError
from harness.gateway.listening_address import Address, parse_host
from harness.gateway.model import ModelChoice
from harness.gateway.process import Gateway, running_gateway
from harness.gateway.settings import GatewaySettings, SimulateSettings
from harness.gateway.started_process import StartedProcess
from harness.learned_weights import EarlierRuns, earlier_runs
from harness.record import (
    ModelFacts,
    RunManifest,
    RunRecord,
    RunSettings,
    RunStore,
    RunWeights,
    Sitting,
)
from harness.record.event_log import EventLog
from harness.record.fingerprint import Fingerprint, digest_of, source_digests, tasks_code, templates_digest
from harness.record.run_lock import locked_run
from harness.record.workers_choice import WorkersChoice
from harness.run_account import account_of
from harness.run_clock import RunClock
from harness.spec import Spec
from harness.state.left_in_redis import left_in_redis
from harness.state.mirror_back import mirrored_back
from harness.surroundings import EMBEDDED, RedisServer, chosen_model, fault_rules, redis_server

__all__ = ["OnEvent", "Session", "SessionSettings", "open_session", "require_what_workers_need"]

_PATIENCE_S = 30.0
_JOURNAL = "calls.jsonl"

OnEvent = Callable[[TaskEvent], None]
OnProgress = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class SessionSettings:
    """What runs are made with.

    `model` is `auto`, `simulated`, `ollama[:URL]`, `local`, `record:FOLDER[@URL]` or `replay:FOLDER`; for
    `URL` several hosts can stand, `slots` then is how many calls each takes that does not say it itself;
    `time_scale` scales the times of a replayed answer; `faults` are rules of what is to go wrong; `redis` is
    `embedded` or a URL, of a server that may be away for `redis_patience_s`. `call_timeout_s` bounds one call
    to the model, waiting for a slot included; `deadline_s` a whole run. Of `templates`, a folder, each takes
    the place of ours of that name. `workers` do the tasks of engines that have workers do them.
    """

    model: str = "auto"
    slots: int = 4
    redis: str = EMBEDDED
    redis_patience_s: float = DEFAULT_PATIENCE_S
    time_scale: float = 1.0
    faults: tuple[str, ...] = ()
    simulated: SimulateSettings = field(default_factory=SimulateSettings)
    call_timeout_s: float = 600.0
    deadline_s: float = 3600.0
    templates: Path | None = None
    workers: WorkersChoice = field(default_factory=WorkersChoice)
    store: Path = Path(".harness")


class Session:
    """Open surroundings, in which engines are run one after the other."""

    def __init__(
        self,
        settings: SessionSettings,
        model: ModelChoice,
        gateway: Gateway,
        redis: RedisServer | None,
        earlier: EarlierRuns | None = None,
    ) -> None:
        self.settings = settings
        self.model = model
        self.redis_server = redis.described if redis else None
        self.store = RunStore(settings.store)
        self._gateway = gateway
        self._redis = redis
        self._earlier = earlier or EarlierRuns()
        self.warnings: tuple[str, ...] = ()
        """What is to be known of the model before the specs that were checked are run, a sentence each."""

    def check(self, spec: Spec) -> None:
        """Look whether a run on `spec` can be had; `SurroundingsError` or `BadInputError` where it cannot."""
        warnings = (f"spec {spec.name}: {said}" for said in self.model.warnings(self.model_name(spec)))
        self.warnings = (*self.warnings, *warnings)
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
            hosts = ", ".join(host.url for host in self.model.hosts)
            none = f"none of the hosts {hosts} has a" if hosts else f"the Ollama at {self.model.url} has no"
            raise SurroundingsError(
                f"spec {spec.name}: {none} model {name!r}; it has {there}. Pull it (ollama pull {name}), "
                "name another as 'model:' in the spec, or use --model simulated"
            )
        return name

    async def run(
        self,
        spec: Spec,
        engine: Engine,
        on_event: OnEvent,
        on_progress: OnProgress = lambda _: None,
        *,
        flags: PinnedFlags | None = None,
    ) -> RunRecord:
        """Run `engine` on `spec` and keep the record. What goes wrong in the engine is on the record.

        `on_event` is told what an engine announces, `on_progress` how far one is that announces nothing;
        `flags` are those of the migration that chose the engine.
        """
        began = datetime.now().astimezone()
        run, folder = self.store.new_run(spec.name, engine.name, began)
        async with locked_run(folder):
            redis = self._redis if engine.needs_redis else None
            model = await asyncio.to_thread(self.model_facts, spec)
            manifest = RunManifest(
                id=run,
                spec=spec,
                engine=engine.name,
                composition=dict(engine.flags),
                not_resumable=engine.not_resumable,
                settings=self._run_settings(spec, engine),
                model=model,
                flags=flags,
                fingerprint=await asyncio.to_thread(_fingerprint, spec, engine, model, self.settings),
                state=redis.place(self.store) if redis else None,
                weights=self._weights(engine, model),
                sittings=(_sitting(began),),
            )
            await asyncio.to_thread(self.store.begin, manifest)
            # A mirror's state is in its file as well.
            if redis is not None and engine.flags.get("state_store") == "redis":
                await asyncio.to_thread(redis.keeps, run)
            return await self._sit(manifest, engine, on_event, on_progress)

    async def resume(
        self, before: RunManifest, engine: Engine, on_event: OnEvent, on_progress: OnProgress = lambda _: None
    ) -> RunRecord:
        """Go on with a run that was cut off and that the caller holds; keep its record as if it had not been.

        Raises `SurroundingsError` where another machine works on it, or nothing is left to go on with; then
        the run is as it was before.
        """
        redis = self._redis
        if redis is None:
            raise ValueError(f"run {before.id} cannot be resumed in a session without Redis")
        if self._has_calls(before.id) and not await redis.knows(before.id):
            raise SurroundingsError(
                f"run {before.id} has no state in Redis at {redis.described}: there is nothing to go on with"
            )
        model = await asyncio.to_thread(self.model_facts, before.spec)
        manifest = before.model_copy(
            update={
                "settings": self._run_settings(before.spec, engine),
                "model": model,
                "state": redis.place(self.store),
                "weights": before.weights or self._weights(engine, model),
                "sittings": (*before.sittings, _sitting(datetime.now().astimezone())),
            }
        )
        return await self._sit(manifest, engine, on_event, on_progress, resume=True)

    async def _sit(
        self,
        manifest: RunManifest,
        engine: Engine,
        on_event: OnEvent,
        on_progress: OnProgress,
        *,
        resume: bool = False,
    ) -> RunRecord:
        """Let `engine` work on the run and keep the record."""
        run, spec, folder = manifest.id, manifest.spec, self.store.folder(manifest.id)
        clock = RunClock(self._gateway, run)

        async def begin() -> None:
            if resume:
                # Not before: whoever is turned away leaves no trace.
                await asyncio.to_thread(self.store.begin_again, manifest)
            await clock.begin()

        events = EventLog(folder / "events.jsonl")
        try:
            await self._gateway.open_run(run, manifest.settings.slots, spec.name, folder / _JOURNAL)
            async with self._mirrored_back(manifest, folder / "blackboard.json") as written:

                def happened(event: TaskEvent) -> None:
                    on_event(event)
                    written()

                result = await engine.run(
                    EngineJob(
                        run=run,
                        spec=spec,
                        model=self.model_name(spec),
                        project_dir=folder / "files",
                        log=folder / "engine.log",
                        ollama_host=self._gateway.ollama_host(run),
                        redis_url=self._redis.url if self._redis else "",
                        redis_patience_s=self._redis.patience_s if self._redis else 0.0,
                        slots=manifest.settings.slots,
                        call_timeout_s=self.settings.call_timeout_s,
                        deadline_s=self.settings.deadline_s,
                        begin=begin,
                        end=clock.end,
                        on_event=events.before(happened),
                        on_progress=on_progress,
                        calls_so_far=clock.so_far,
                        resume=resume,
                        templates=self.settings.templates,
                        exports_json=not manifest.finalized,
                        workers=await self._workers(manifest),
                        weights=manifest.weights.weights if manifest.weights else None,
                    )
                )
            if resume and not clock.begun:
                raise SurroundingsError("; ".join(failure.reason for failure in result.failures))
            calls = await clock.ended()
            left = await left_in_redis(self._redis.url, run) if self._redis and engine.needs_redis else None
        except GatewayError as error:
            raise SurroundingsError(str(error)) from error
        record = await asyncio.to_thread(account_of, manifest, engine, result, calls, folder, left)
        await asyncio.to_thread(self.store.save, record)
        return record

    def _mirrored_back(
        self, manifest: RunManifest, path: Path
    ) -> AbstractAsyncContextManager[Callable[[], None]]:
        """What is written to Redis for people, and not to be compared, goes to `path` too."""
        leads = manifest.composition.get("state_store") == "redis"
        if self._redis is None or manifest.flags is None or manifest.finalized or not leads:
            return nullcontext(lambda: None)
        return mirrored_back(self._redis.url, manifest.id, path)

    def _weights(self, engine: Engine, model: ModelFacts) -> RunWeights | None:
        """What orders the tasks of a run; None where its engine does them in build order."""
        if engine.flags.get("orchestration") != Orchestration.CONCURRENT:
            return None
        return self._earlier.weights(model, engine.flags["generation"])

    def _has_calls(self, run: str) -> bool:
        journal = self.store.folder(run) / _JOURNAL
        return journal.is_file() and journal.stat().st_size > 0

    async def _workers(self, manifest: RunManifest) -> WorkersSettings | None:
        """What the engine of a run is to know of the workers that do its tasks."""
        choice = manifest.settings.workers
        if choice is None:
            return None
        return WorkersSettings(
            queue=choice.queue,
            code=await asyncio.to_thread(tasks_code, self.settings.templates),
            model_url="" if self.model.kind == "workers" else self._gateway.ollama_host(manifest.id),
            hosts=self._hosts(),
            wait_s=choice.wait_s,
        )

    def _hosts(self) -> tuple[ModelHost, ...]:
        """The hosts of the model that other builds may have tasks on as well."""
        if self.model.hosts:
            return tuple(ModelHost.at(host.url, host.slots) for host in self.model.hosts)
        return (ModelHost.at(self.model.url, self.settings.slots),) if self.model.url is not None else ()

    def _run_settings(self, spec: Spec, engine: Engine) -> RunSettings:
        settings = self.settings
        return RunSettings(
            model=self.model.text,
            slots=self.model.slots_for(self.model_name(spec), settings.slots),
            redis_patience_s=settings.redis_patience_s,
            time_scale=settings.time_scale,
            faults=settings.faults,
            simulated=settings.simulated,
            call_timeout_s=settings.call_timeout_s,
            deadline_s=settings.deadline_s,
            templates=str(settings.templates.absolute()) if settings.templates else None,
            workers=settings.workers if _has_workers(engine) else None,
        )


def _listening(settings: SessionSettings) -> Address:
    try:
        return parse_host(settings.workers.gateway_address)
    except ValueError as error:
        raise BadInputError(f"--gateway-address: {error}") from error


def _has_workers(engine: Engine) -> bool:
    return engine.flags.get("executor") == ExecutorKind.WORKERS


def require_what_workers_need(engines: Sequence[Engine], settings: SessionSettings) -> None:
    """Raise `BadInputError` where workers are to do tasks, or to have the model, and cannot."""
    if settings.model == "workers" and not all(map(_has_workers, engines)):
        others = ", ".join(engine.name for engine in engines if not _has_workers(engine))
        raise BadInputError(f"--model workers: the tasks of {others} are done by no workers; name a model")
    if settings.redis == EMBEDDED and any(map(_has_workers, engines)):
        raise BadInputError(
            "--redis: workers need a server that they reach as well, such as redis://localhost:6379/0; the "
            "embedded one is of this process alone"
        )


def _fingerprint(spec: Spec, engine: Engine, model: ModelFacts, settings: SessionSettings) -> Fingerprint:
    cassette = Path(model.cassette) if model.kind == "replay" and model.cassette else None
    return Fingerprint(
        sources={**source_digests(), **templates_digest(settings.templates)},
        spec=digest_of(spec.model_dump(mode="json")),
        flags=digest_of(dict(engine.flags)),
        model=digest_of([model.kind, model.name, model.source, model.digest, settings.faults]),
        cassette=sha256(cassette.read_bytes()).hexdigest() if cassette else None,
    )


def _listed(names: Iterable[str]) -> str | None:
    return ", ".join(sorted({name for name in names if name})) or None


def _sitting(began: datetime) -> Sitting:
    at = began.isoformat(timespec="milliseconds")
    return Sitting(began_at=at, pid=os.getpid(), host=socket.gethostname())


@asynccontextmanager
async def open_session(
    settings: SessionSettings,
    *,
    needs_redis: bool,
    data_dir: Path | None = None,
    gateway_started: StartedProcess | None = None,
) -> AsyncIterator[Session]:
    """Surroundings as `settings` ask for, all of them gone when the block is left.

    An embedded Redis goes on with the data in `data_dir`, where that is given; `gateway_started` is the
    process of the gateway, where it loads already. Raises `BadInputError` and `SurroundingsError`.
    """
    faults = fault_rules(settings.faults)
    listening = _listening(settings)
    if settings.templates is not None and not settings.templates.is_dir():
        raise BadInputError(f"--templates: {settings.templates} is no folder")
    store = RunStore(settings.store)
    async with AsyncExitStack() as stack:

        async def gateway_settings() -> GatewaySettings:
            upstream = (await choosing).settings(
                settings.simulated,
                time_scale=settings.time_scale,
                # The engine's own time-out comes first: how it copes with a silent model is on its record.
                upstream_timeout_s=settings.call_timeout_s + _PATIENCE_S,
            )
            return GatewaySettings(
                upstream=upstream,
                faults=faults,
                token=secrets.token_urlsafe(24),
                address=listening.host,
                port=listening.port,
            )

        async def opened_gateway() -> Gateway:
            try:
                return await stack.enter_async_context(running_gateway(gateway_settings, gateway_started))
            except GatewayError as error:
                raise SurroundingsError(str(error)) from error

        async def opened_redis() -> RedisServer | None:
            if not needs_redis:
                return None
            # Nothing is written where there is no model.
            await choosing
            server = redis_server(settings.redis, settings.redis_patience_s, store, data_dir)
            return await stack.enter_async_context(server)

        try:
            # All at once, as they are waited for by whoever started the command.
            async with asyncio.TaskGroup() as group:
                choosing = group.create_task(chosen_model(settings.model, "--model", settings.slots))
                gateway = group.create_task(opened_gateway())
                redis = group.create_task(opened_redis())
                # Once: what is compared with one another is ordered by the same weights.
                earlier = group.create_task(asyncio.to_thread(earlier_runs, store))
        except BaseExceptionGroup as problems:
            first = problems.exceptions[0]
            raise first from first.__cause__
        yield Session(settings, choosing.result(), gateway.result(), redis.result(), earlier.result())
