"""A case of a campaign: two equal engines, a spec and surroundings, all drawn from a seed and a number."""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import product
from pathlib import Path
from random import Random

from async_arch.composition import AgentCalls, Orchestration, StateStoreKind
from harness.gateway.settings import SimulateSettings
from harness.spec import Spec
from tests.campaigns.random_spec import random_spec

__all__ = ["ENGINES", "EXTERNAL", "Case", "Side", "draw_case"]

_NAMED = ("legacy", "legacy:state_store=mirror", "phase:1", "phase:2", "async")
_COMPOSED = tuple(
    f"async:state_store={store},agent_calls={calls},orchestration={orchestration}"
    for store, calls, orchestration in product(StateStoreKind, AgentCalls, Orchestration)
)
ENGINES = (*_NAMED, *_COMPOSED)
"""Names of engines that must all do the same."""
EXTERNAL = f"external:{Path(__file__).parents[1] / 'other_factory' / 'engine.yaml'}"
"""An engine of strangers, equal to itself alone. It takes no modules, and gives up at the first fault."""

_FAULTS = (
    *("times=1:500", "role=developer,times=1:cut", "p=0.3,times=1:503", "role=architect,times=1:empty"),
    *("p=0.3,seed=5:slow:3x", "role=reviewer,p=0.5,times=2:500"),
)
_FAULTS_SHARE = 0.2
_SAME_ENGINE_SHARE = 0.25
_EXTERNAL_SHARE = 0.05
_MOST_SLOTS = 16
_HASH_SEEDS = 2**32


@dataclass(frozen=True, slots=True)
class Side:
    """One of the two engines, and the `PYTHONHASHSEED` of its process."""

    engine: str
    hash_seed: int


@dataclass(frozen=True, slots=True)
class Case:
    """What is run and compared; `candidate_first` says in which order."""

    seed: int
    number: int
    spec: Spec
    control: Side
    candidate: Side
    candidate_first: bool
    slots: int
    simulated: SimulateSettings
    faults: tuple[str, ...]
    """What goes wrong with the model for both alike, and passes."""

    def __str__(self) -> str:
        jitter = self.simulated.jitter
        faults = "".join(f", {rule}" for rule in self.faults)
        return (
            f"{self.number}: {self.control.engine} / {self.candidate.engine}, "
            f"{len(self.spec.modules)} modules, {self.slots} slots, jitter {jitter:.2f}{faults}"
        )


def draw_case(seed: int, number: int, *, most_modules: int = 8) -> Case:
    """Case `number` of the campaign with this seed: always the same, whatever is run before it."""
    draw = Random(f"{seed}/{number}")  # noqa: S311 (no secret)
    control = _engine(draw)
    candidate = control if draw.random() < _SAME_ENGINE_SHARE else _engine(draw)
    case = Case(
        seed=seed,
        number=number,
        spec=random_spec(draw, f"case-{seed}-{number}", most_modules=most_modules),
        control=Side(control, draw.randrange(_HASH_SEEDS)),
        candidate=Side(candidate, draw.randrange(_HASH_SEEDS)),
        candidate_first=draw.random() < 0.5,
        slots=draw.randint(1, _MOST_SLOTS),
        simulated=SimulateSettings(
            ttft_s=draw.uniform(0.01, 0.05),
            tokens_per_s=draw.uniform(10_000, 50_000),
            # No seed: each run draws times of its own, so that calls end in another order in each.
            jitter=draw.random(),
        ),
        faults=(draw.choice(_FAULTS),) if draw.random() < _FAULTS_SHARE else (),
    )
    return _of_strangers(case) if draw.random() < _EXTERNAL_SHARE else case


def _engine(draw: Random) -> str:
    """Every second one by its name, as the migration goes through them."""
    return draw.choice(draw.choice((_NAMED, _COMPOSED)))


def _of_strangers(case: Case) -> Case:
    return replace(
        case,
        spec=case.spec.model_copy(update={"modules": ()}),
        control=replace(case.control, engine=EXTERNAL),
        candidate=replace(case.candidate, engine=EXTERNAL),
        faults=(),
    )
