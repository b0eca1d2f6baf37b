"""The ladder: the phases of the migration in their order, each with the steps of its flags, as data."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass

from async_arch.composition import AgentCalls, Generation, Orchestration, StateStoreKind
from harness.flags.flag_values import EngineMode, FlagValues

__all__ = [
    "PHASES",
    "START",
    "Phase",
    "Step",
    "begun_phases",
    "canary_step",
    "disorder",
    "next_step",
    "phase_of",
    "progress",
    "rolled_back",
    "step_back",
]

START = FlagValues()
"""Everything on legacy."""

_Change = Mapping[str, str | int]


@dataclass(frozen=True, slots=True)
class Phase:
    """One phase: what its flags are set to, step after step, from the start to their target."""

    number: int
    name: str
    steps: tuple[_Change, ...]
    optional: bool = False
    """Whether the phases after it may begin without it, where this version cannot carry it out."""

    @property
    def flags(self) -> tuple[str, ...]:
        """The flags that belong to it."""
        return tuple(self.steps[0])


# A phase begins when all before it are through.
PHASES = (
    Phase(
        1,
        "foundations",
        (
            {"state_store": StateStoreKind.JSON},
            {"state_store": StateStoreKind.MIRROR},
            {"state_store": StateStoreKind.REDIS},
        ),
    ),
    Phase(
        2,
        "core",
        (
            {"agent_calls": AgentCalls.BLOCKING, "orchestration": Orchestration.SEQUENTIAL},
            {"agent_calls": AgentCalls.THREADS, "orchestration": Orchestration.SEQUENTIAL},
            {"agent_calls": AgentCalls.ASYNC, "orchestration": Orchestration.CONCURRENT},
        ),
    ),
    Phase(3, "hybrid", ({"generation": Generation.LLM}, {"generation": Generation.HYBRID}), optional=True),
    Phase(
        4,
        "cutover",
        (
            {"engine": EngineMode.LEGACY, "canary": 0},
            {"engine": EngineMode.SHADOW, "canary": 0},
            {"engine": EngineMode.CANARY, "canary": 5},
            {"engine": EngineMode.CANARY, "canary": 25},
            {"engine": EngineMode.CANARY, "canary": 50},
            {"engine": EngineMode.ASYNC, "canary": 0},
        ),
    ),
)


@dataclass(frozen=True, slots=True)
class Step:
    """A move of one phase from where it stands to where it goes."""

    phase: Phase
    before: FlagValues
    after: FlagValues

    def __str__(self) -> str:
        shown = zip(self.before.as_shown().items(), self.after.as_shown().values(), strict=True)
        moved = [f"{flag} {old} -> {new}" for (flag, old), new in shown if old != new]
        return f"phase {self.phase.number} ({self.phase.name}): {', '.join(moved)}"


def phase_of(flag: str) -> int:
    """The number of the phase that a flag belongs to."""
    return next(phase.number for phase in PHASES if flag in phase.flags)


def begun_phases(values: FlagValues) -> tuple[Phase, ...]:
    """The phases that have left their start."""
    return tuple(phase for phase in PHASES if _reach(phase, values) != 0)


def disorder(values: FlagValues) -> str | None:
    """Why the flags stand as no order of steps could have left them; None where they do not."""
    for phase in PHASES:
        if _reach(phase, values) is None:
            stands = ", ".join(f"{flag} {getattr(values, flag)}" for flag in phase.flags)
            return f"no step of phase {phase.number} has {stands}"
    for phase in begun_phases(values):
        for earlier in PHASES[: phase.number - 1]:
            left_out = earlier.optional and _reach(earlier, values) == 0
            if not (_through(earlier, values) or left_out):
                return f"phase {phase.number} has begun, and phase {earlier.number} before it is not through"
    return None


def next_step(values: FlagValues, unavailable: Collection[int] = ()) -> Step | None:
    """The next step from `values`, optional phases that are `unavailable` left out; None at the end."""
    last = max((phase.number for phase in begun_phases(values)), default=0)
    for phase in PHASES:
        left_out = phase.optional and (phase.number in unavailable or phase.number < last)
        if not (left_out or _through(phase, values)):
            reach = _reach(phase, values) or 0.0
            change = next(step for step in phase.steps if _position(phase, step) > reach)
            return Step(phase, values, _changed(values, change))
    return None


def canary_step(values: FlagValues, share: int) -> Step | None:
    """The step that makes async serve `share` percent; None where that is not one step further."""
    cutover = PHASES[-1]
    change: _Change = {"engine": EngineMode.CANARY, "canary": share}
    reach = _reach(cutover, values) or 0.0
    # What nobody has seen beside legacy, in the shadow, serves nobody.
    if not 0 < share < 100 or not 1 <= reach < _position(cutover, change):
        return None
    return Step(cutover, values, _changed(values, change))


def progress(phase: Phase, values: FlagValues) -> int:
    """How many of the steps of `phase` have been taken."""
    reach = _reach(phase, values) or 0.0
    return sum(_position(phase, step) <= reach for step in phase.steps) - 1


def step_back(values: FlagValues) -> Step | None:
    """One step back from `values`, of the phase that has come last; None at the start."""
    begun = begun_phases(values)
    if not begun:
        return None
    phase = begun[-1]
    reach = _reach(phase, values) or 0.0
    change = next(step for step in reversed(phase.steps) if _position(phase, step) < reach)
    return Step(phase, values, _changed(values, change))


def rolled_back(values: FlagValues, phase: int) -> FlagValues:
    """`values` with the phase of that number and all later ones at their start."""
    for later in PHASES[phase - 1 :]:
        values = _changed(values, later.steps[0])
    return values


def _through(phase: Phase, values: FlagValues) -> bool:
    return _reach(phase, values) == _position(phase, phase.steps[-1])


def _reach(phase: Phase, values: FlagValues) -> float | None:
    """How far the flags of `phase` have come, 0 at the start; None where no step leaves them like that."""
    own = {flag: getattr(values, flag) for flag in phase.flags}
    if own in phase.steps or (values.engine is EngineMode.CANARY and "canary" in own):
        return _position(phase, own)
    return None


def _position(phase: Phase, step: _Change) -> float:
    """The place of `step` in `phase`; a canary's lies between those of shadow and async, by its share."""
    if step.get("engine") is EngineMode.CANARY:
        return 1 + int(step["canary"]) / 100
    return float([other for other in phase.steps if other.get("engine") is not EngineMode.CANARY].index(step))


def _changed(values: FlagValues, change: _Change) -> FlagValues:
    return FlagValues.model_validate({**values.model_dump(), **change})
