"""The examination: everything is looked at, the model is measured, and a spec's build is predicted."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

from agents.chat_protocol import ModelSettings
from harness.doctor.diagnosis import Diagnosis
from harness.doctor.finding import Finding, Level
from harness.doctor.machine_checks import check_cores, check_disk, check_proxies, check_sandbox
from harness.doctor.measurement import Measurement
from harness.doctor.measuring import measure
from harness.doctor.model_checks import check_context, check_kind, check_name, read_context
from harness.doctor.parallel_checks import check_parallelism
from harness.doctor.prediction import Prediction, predict
from harness.doctor.probe import open_probe
from harness.doctor.redis_check import check_redis
from harness.doctor.workload import workload_of
from harness.errors import BadInputError, SurroundingsError
from harness.gateway.errors import GatewayError
from harness.gateway.model import ModelChoice
from harness.gateway.process import running_gateway
from harness.gateway.settings import GatewaySettings, SimulateSettings
from harness.record import RunStore
from harness.spec import Spec
from harness.surroundings import EMBEDDED, chosen_model

__all__ = ["DoctorSettings", "examine"]

OnProgress = Callable[[str], None]

_RUN = "doctor"
_UPSTREAM_TIMEOUT_S = 600.0


@dataclass(frozen=True, slots=True)
class DoctorSettings:
    """What is examined, and how.

    `model` is `auto`, `simulated`, `ollama[:URL]` or `local`. `slots` is how many calls at once a comparison
    would make, and how many a model that the harness runs itself works on; `most` how many are tried, within
    `limit_s`. `redis` is `embedded` or a URL.
    """

    model: str = "auto"
    slots: int = 4
    most: int = 16
    limit_s: float = 60.0
    redis: str = EMBEDDED
    simulated: SimulateSettings = field(default_factory=SimulateSettings)
    store: Path = Path(".harness")


async def examine(spec: Spec | None, settings: DoctorSettings, on_progress: OnProgress) -> Diagnosis:
    """Examine what a comparison of `spec`, or of any, needs.

    Raises `BadInputError`, and `SurroundingsError` where the model cannot be reached or measured.
    """
    choice = await chosen_model(settings.model, "--model", settings.slots)
    if choice.cassettes is not None:
        raise BadInputError(
            f"--model: {settings.model!r} records or replays, which is not measured: say auto, simulated, "
            "ollama[:URL] or local"
        )
    name = (spec.model if spec else None) or ModelSettings().model
    findings = [check_kind(choice), check_name(choice, name, spec=spec.name if spec else None)]
    # First, as whoever named something that is none should not wait for it.
    around = await _surroundings(settings)
    if findings[-1].level is Level.PROBLEM:
        findings += around
        return Diagnosis(simulated=choice.simulated, findings=tuple(findings), measured=(), prediction=None)
    there = name if choice.offers(name) else choice.models[0]
    findings += [
        Finding(name="host", level=Level.WARNING, sentence=sentence) for sentence in _left_out(choice, there)
    ]
    async with _served(choice, there, settings) as hosts:
        # One after the other: they may be one machine.
        measured = [await _measured(host.url, there, spec, settings, on_progress) for host in hosts]
        stand_in = choice.simulated or choice.local
        context = await read_context(hosts[0].url, there, stand_in=stand_in)
    findings += _of_hosts(measured, hosts, simulated=choice.simulated)
    prediction: Prediction | None = None
    if spec is not None:
        on_progress(f"spec {spec.name}: looking for what it takes")
        kind = "simulated" if choice.simulated else "local" if choice.local else choice.kind
        try:
            work = await workload_of(spec, RunStore(settings.store), kind)
        except SurroundingsError as error:
            findings.append(Finding(name="prediction", level=Level.PROBLEM, sentence=str(error)))
        else:
            asked = [host.slots for host in hosts]
            prediction = predict(spec.name, work, tuple(zip(measured, asked, strict=True)))
    options = spec.options if spec else {}
    findings.append(check_context(context, options, prediction, stand_in=choice.simulated))
    findings += around
    return Diagnosis(
        simulated=choice.simulated, findings=tuple(findings), measured=tuple(measured), prediction=prediction
    )


@dataclass(frozen=True, slots=True)
class _Host:
    """A server that is measured, and how many calls at once a comparison would make to it."""

    url: str
    slots: int


def _left_out(choice: ModelChoice, model: str) -> list[str]:
    """What hosts of a pool get no calls, a sentence each."""
    silent = [host.url for host in choice.hosts if host.facts is None]
    return [*(f"no Ollama answers at {url}: not measured" for url in silent), *choice.warnings(model)]


def _of_hosts(measured: Sequence[Measurement], hosts: Sequence[_Host], *, simulated: bool) -> list[Finding]:
    """What the measurements say; which host it is about is said where there are several."""
    together = sum(min(each.slots, host.slots) for each, host in zip(measured, hosts, strict=True))
    found: list[Finding] = []
    for each, host in zip(measured, hosts, strict=True):
        of_this = [_warm_up(each), *check_parallelism(each, host.slots, together, simulated=simulated)]
        if len(hosts) > 1:
            of_this = [f.model_copy(update={"sentence": f"{each.url}: {f.sentence}"}) for f in of_this]
        found += of_this
    return found


async def _measured(
    url: str, model: str, spec: Spec | None, settings: DoctorSettings, on_progress: OnProgress
) -> Measurement:
    options = spec.options if spec else {}
    async with open_probe(url, model, options, secrets.token_hex(3)) as probe:
        return await measure(probe, most=settings.most, limit_s=settings.limit_s, on_progress=on_progress)


def _warm_up(measured: Measurement) -> Finding:
    loaded = f", {measured.load_s:.1f} s of it for loading" if measured.load_s >= 0.1 else ""
    return Finding(
        name="warm-up", level=Level.OK, sentence=f"the first call took {measured.warm_up_s:.1f} s{loaded}"
    )


async def _surroundings(settings: DoctorSettings) -> list[Finding]:
    return [
        await check_redis(settings.redis),
        await asyncio.to_thread(check_disk, settings.store),
        check_cores(),
        await check_sandbox(),
        check_proxies(),
    ]


@asynccontextmanager
async def _served(
    choice: ModelChoice, model: str, settings: DoctorSettings
) -> AsyncIterator[Sequence[_Host]]:
    """Where the model answers: at addresses of its own or, where the harness runs it, that of a gateway."""
    if choice.hosts:
        answering = [host for host in choice.hosts if host.facts is not None and host.facts.offers(model)]
        if not answering:
            raise SurroundingsError(f"no host that answers has model {model!r}; ollama pull {model}")
        yield [_Host(host.url, host.slots) for host in answering]
        return
    if choice.url is not None:
        yield [_Host(choice.url, settings.slots)]
        return
    upstream = choice.settings(settings.simulated, time_scale=1.0, upstream_timeout_s=_UPSTREAM_TIMEOUT_S)
    token = secrets.token_urlsafe(24)
    try:
        async with running_gateway(GatewaySettings(upstream=upstream, token=token)) as gateway:
            await gateway.open_run(_RUN, settings.slots)
            yield [_Host(gateway.ollama_host(_RUN), settings.slots)]
    except GatewayError as error:
        raise SurroundingsError(str(error)) from error
