"""Builds without end in one process, with faults: what it holds on to, `python -m benchmarks.soak SOAK`.

Waves of builds, each with engines and a run at the gateway of its own, on real parts throughout: the engine's
own client over HTTP, a gateway before the simulated model, an embedded Redis. What a build leaves is compared
with what the same spec left without faults.
"""

from __future__ import annotations

import asyncio
import gc
import hashlib
import json
import os
import secrets
import sys
import tempfile
import time
from asyncio.subprocess import PIPE
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from agents.chat_protocol import ModelSettings
from async_arch.embedded_redis import embedded_redis
from async_arch.engine import AsyncEngines, EngineSettings, open_engines
from async_arch.redis_client import RedisConnection, open_redis
from async_arch.state_manager import RedisStateManager
from harness.gateway.faults import FaultRule, parse_fault
from harness.gateway.process import Gateway, running_gateway
from harness.gateway.settings import GatewaySettings, SimulateSettings
from harness.spec import Spec, find_specs

__all__ = ["Sample", "Soak", "Soaked", "soak"]

_EXAMPLES = Path(__file__).parents[1] / "examples"
_FAULTS = ("500", "503", "cut", "slow:3x", "garbage")
"""After all but the last the same is asked again, and the result must be the same; the last fails a build."""
_PAGE_MB = 4096 / 1e6
_GRACE_S = 120.0
_SLOTS = 8
_CONTEXT = 8192
_TURNS = 4
"""How many sets of calls take turns: which are spoilt is drawn from what is asked, and so are the answers."""


@dataclass(frozen=True, slots=True)
class Soak:
    """How long to build, in seconds; how many at once; the share of calls that are spoilt."""

    length_s: float
    at_once: int = 6
    faulty: float = 0.02
    tokens_per_s: float = 50_000.0
    specs: tuple[str, ...] = ("notes_cli.yaml", "clinic.yaml", "ecommerce.yaml")
    """The examples that take turns."""


@dataclass(frozen=True, slots=True)
class Sample:
    """What was held after a wave, when nothing was under way any more."""

    at_s: float
    builds: int
    engine_mb: float
    engine_files: int
    engine_tasks: int
    gateway_mb: float
    gateway_files: int
    redis_connections: int
    redis_keys: int


@dataclass(frozen=True, slots=True)
class Soaked:
    """What came of it: every build is equal to the one without faults, wrong, or failed and says so."""

    equal: int
    wrong: tuple[str, ...]
    failed: tuple[str, ...]
    calls: int
    spoilt: int
    samples: tuple[Sample, ...]


async def soak(settings: Soak) -> Soaked:
    """Soak in a process of its own."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "benchmarks.soak", json.dumps(asdict(settings))), stdout=PIPE
    )
    try:
        async with asyncio.timeout(settings.length_s + _GRACE_S):
            told, _ = await process.communicate()
    except BaseException:
        process.kill()
        await process.wait()
        raise
    if process.returncode:
        raise RuntimeError(f"the soak failed with exit code {process.returncode}")
    found = json.loads(told)
    samples = tuple(Sample(**sample) for sample in found.pop("samples"))
    wrong, failed = tuple(found.pop("wrong")), tuple(found.pop("failed"))
    return Soaked(**found, wrong=wrong, failed=failed, samples=samples)


class _Soaking:
    def __init__(self, settings: Soak, gateways: Sequence[Gateway], connection: RedisConnection) -> None:
        self._settings = settings
        self._sound, self._faulty = gateways
        self._connection = connection
        self._began_s = time.monotonic()
        self._specs = [spec for name in settings.specs for spec in find_specs([_EXAMPLES / name])]
        self._expected: dict[tuple[str, int], str] = {}
        self._waves = self._equal = self._calls = self._spoilt = 0
        self._wrong: list[str] = []
        self._failed: list[str] = []
        self._samples: list[Sample] = []

    async def run(self) -> Soaked:
        for turn in range(_TURNS if self._settings.length_s > 1 else 1):
            await self._wave(self._sound, self._specs, turn)
        self._began_s = time.monotonic()
        while not self._samples or self._samples[-1].at_s < self._settings.length_s:
            number = len(self._samples)
            chosen = [self._specs[(number + n) % len(self._specs)] for n in range(self._settings.at_once)]
            await self._wave(self._faulty, chosen, number % _TURNS)
            self._samples.append(await self._sample())
        return Soaked(
            self._equal,
            tuple(self._wrong),
            tuple(self._failed),
            self._calls,
            self._spoilt,
            tuple(self._samples),
        )

    async def _wave(self, gateway: Gateway, specs: Sequence[Spec], turn: int) -> None:
        self._waves += 1
        wave = f"wave{self._waves}"
        with tempfile.TemporaryDirectory() as name:
            folder = Path(name)
            await gateway.open_run(wave, _SLOTS, journal=folder / "calls.jsonl")
            await gateway.begin(wave)
            os.environ["OLLAMA_HOST"] = gateway.ollama_host(wave)
            settings = EngineSettings(
                redis_url=self._connection.url,
                concurrency=_SLOTS,
                model=ModelSettings(options={"num_ctx": _CONTEXT + turn}),
                exports_json=False,
            )
            async with open_engines(settings) as engines, asyncio.TaskGroup() as group:
                for number, spec in enumerate(specs):
                    run, place = f"{wave}-{number}", folder / str(number)
                    group.create_task(self._build(engines, spec, place, run, turn))
            log = await gateway.end(wave)
            self._calls += len(log.calls)
            self._spoilt += sum(call.fault is not None for call in log.calls)

    async def _build(self, engines: AsyncEngines, spec: Spec, place: Path, run: str, turn: int) -> None:
        async with engines.engine(run, place) as engine:
            outcome = await engine.build(spec.order)
        # What somebody would do who has the files; else a week goes by before the keys are gone.
        async with RedisStateManager.on(self._connection, run) as state:
            await state.delete()
        left = await asyncio.to_thread(_digest, place)
        if outcome.failures:
            self._failed.append(f"{run}: {'; '.join(failure.reason for failure in outcome.failures)}")
        elif left == self._expected.setdefault((spec.name, turn), left):
            self._equal += 1
        else:
            self._wrong.append(f"{run}: {spec.name}")

    async def _sample(self) -> Sample:
        gc.collect()
        client = self._connection.client
        return Sample(
            at_s=time.monotonic() - self._began_s,
            builds=self._equal + len(self._failed) + len(self._wrong),
            engine_mb=_memory_mb(os.getpid()),
            engine_files=_open_files(os.getpid()),
            engine_tasks=len(asyncio.all_tasks()),
            gateway_mb=_memory_mb(self._faulty.pid),
            gateway_files=_open_files(self._faulty.pid),
            redis_connections=len(await client.client_list()),
            redis_keys=await client.dbsize(),
        )


def _digest(folder: Path) -> str:
    """Of all that a build left, by name and content."""
    told = hashlib.sha256()
    for path in sorted(path for path in folder.rglob("*") if path.is_file()):
        told.update(f"{path.relative_to(folder)}\0".encode() + path.read_bytes() + b"\0")
    return told.hexdigest()


def _memory_mb(pid: int) -> float:
    return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * _PAGE_MB


def _open_files(pid: int) -> int:
    return len(list(Path(f"/proc/{pid}/fd").iterdir()))


def _rules(faulty: float) -> tuple[FaultRule, ...]:
    share = faulty / len(_FAULTS)
    return tuple(parse_fault(f"p={share:g},seed={number}:{kind}") for number, kind in enumerate(_FAULTS, 1))


async def _main(settings: Soak) -> Soaked:
    model = SimulateSettings(ttft_s=0.005, tokens_per_s=settings.tokens_per_s)
    sound = GatewaySettings(upstream=model, token=secrets.token_urlsafe(24))
    faulty = GatewaySettings(upstream=model, faults=_rules(settings.faulty), token=secrets.token_urlsafe(24))
    async with (
        embedded_redis() as server,
        open_redis(server.url) as connection,
        running_gateway(sound) as one,
        running_gateway(faulty) as other,
    ):
        return await _Soaking(settings, (one, other), connection).run()


if __name__ == "__main__":
    wanted = json.loads(sys.argv[1])
    found = asyncio.run(_main(Soak(**{**wanted, "specs": tuple(wanted["specs"])})))
    print(json.dumps(asdict(found)))  # noqa: T201 (how the owner is told)
