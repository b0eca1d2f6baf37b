"""Engine names and the compositions they stand for."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

from async_arch.composition import AgentCalls, ExecutorKind, Generation, Orchestration, StateStoreKind
from harness.errors import BadInputError

__all__ = ["Composition", "by_workers", "parse_engine"]

_CHOICES = (
    "legacy, async, phase:1 to phase:4, async:workers, external:FILE.yaml, legacy:state_store=..., or "
    "async:flag=value,... with the flags {flags}"
)
_FLAGS = {
    "state_store": StateStoreKind,
    "agent_calls": AgentCalls,
    "orchestration": Orchestration,
    "generation": Generation,
    "executor": ExecutorKind,
}


@dataclass(frozen=True, slots=True)
class Composition:
    """The choices an engine is composed of, one for each flag; `family` is whose code runs."""

    family: Literal["legacy", "async"]
    state_store: StateStoreKind
    agent_calls: AgentCalls
    orchestration: Orchestration
    generation: Generation = Generation.LLM
    executor: ExecutorKind = ExecutorKind.LOCAL

    @property
    def concurrent(self) -> bool:
        """Whether several calls can be under way at once: a blocked event loop makes only one."""
        concurrent = self.orchestration is Orchestration.CONCURRENT
        return concurrent and self.agent_calls is not AgentCalls.BLOCKING

    @property
    def needs_redis(self) -> bool:
        """Whether its state is in Redis, or mirrored there."""
        return self.state_store.needs_redis

    def as_flags(self) -> dict[str, str]:
        """The choices by flag; the executor only where it is not the process of the build itself."""
        flags = {
            "state_store": self.state_store.value,
            "agent_calls": self.agent_calls.value,
            "orchestration": self.orchestration.value,
            "generation": self.generation.value,
        }
        if self.executor is not ExecutorKind.LOCAL:
            flags["executor"] = self.executor.value
        return flags


_LEGACY = Composition("legacy", StateStoreKind.JSON, AgentCalls.BLOCKING, Orchestration.SEQUENTIAL)
_PHASE_1 = replace(_LEGACY, state_store=StateStoreKind.REDIS)
_PHASE_2 = Composition("async", StateStoreKind.REDIS, AgentCalls.ASYNC, Orchestration.CONCURRENT)
_PHASE_3 = replace(_PHASE_2, generation=Generation.HYBRID)
# Phase 4 changes whose result people get, and not how it is made.
_NAMED = {
    "legacy": _LEGACY,
    "phase:1": _PHASE_1,
    "phase:2": _PHASE_2,
    "phase:3": _PHASE_3,
    "phase:4": _PHASE_3,
    "async": _PHASE_2,
    "async:workers": replace(_PHASE_2, executor=ExecutorKind.WORKERS),
}
_BASES = {"legacy": _LEGACY, "async": _PHASE_2}
_LEGACY_FLAGS = frozenset({"state_store"})


def parse_engine(name: str) -> Composition:
    """The composition that an engine name stands for; `BadInputError` where it is none.

    `async:flag=value,...` is `async` with some flags set otherwise, for example
    `async:agent_calls=threads,state_store=json`; `legacy` has the flag `state_store` only.
    """
    if name in _NAMED:
        return _NAMED[name]
    family, colon, settings = name.partition(":")
    flags = ", ".join(f"{flag} ({', '.join(kind)})" for flag, kind in _FLAGS.items())
    if family not in _BASES or not colon or "=" not in settings:
        raise BadInputError(f"{name!r} is not an engine; known are {_CHOICES.format(flags=flags)}")
    base = _BASES[family]
    chosen = base.as_flags()
    for setting in settings.split(","):
        flag, _, value = setting.partition("=")
        if flag not in _FLAGS:
            raise BadInputError(f"{name!r}: {flag!r} is not a flag; there are {flags}")
        if value not in list(_FLAGS[flag]):
            raise BadInputError(f"{name!r}: {flag} is {', '.join(_FLAGS[flag])}, not {value!r}")
        if base is _LEGACY and flag not in _LEGACY_FLAGS:
            raise BadInputError(
                f"{name!r}: of legacy only the state_store can be chosen; for {setting} take async:{setting}"
            )
        chosen[flag] = value
    composition = replace(
        base,
        state_store=StateStoreKind(chosen["state_store"]),
        agent_calls=AgentCalls(chosen["agent_calls"]),
        orchestration=Orchestration(chosen["orchestration"]),
        generation=Generation(chosen["generation"]),
        executor=ExecutorKind(chosen.get("executor", ExecutorKind.LOCAL)),
    )
    _require_suited_to_workers(name, composition)
    return composition


def by_workers(name: str) -> str:
    """The name of the async engine called `name`, its tasks done by workers."""
    return f"{name},executor=workers" if "=" in name else "async:workers"


def _require_suited_to_workers(name: str, composition: Composition) -> None:
    """Workers find a build in Redis, call the model without threads, and do what is ready."""
    if composition.executor is not ExecutorKind.WORKERS:
        return
    needed = {flag: value for flag, value in _PHASE_2.as_flags().items() if flag != "generation"}
    wrong = [f"{flag}={value}" for flag, value in needed.items() if composition.as_flags()[flag] != value]
    if wrong:
        raise BadInputError(f"{name!r}: workers need {', '.join(wrong)}")
