"""What `harness doctor` predicts, against what then happens: the speed-up of async over legacy.

The model is a simulated one in a process of its own, whose slots nobody but itself knows: the doctor and the
gateway before the engines let more calls through than it has.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from statistics import median

from benchmarks.paced_ollama import paced_ollama
from benchmarks.results import Results
from benchmarks.scale import Scale
from harness.doctor import DoctorSettings, examine
from harness.doctor.prediction import Prediction
from harness.engines.finding import find_engine
from harness.gateway.settings import SimulateSettings
from harness.session import Session, SessionSettings, open_session
from harness.spec import ModuleSpec, Spec, find_spec

SCENARIO = "E-commerce"
MOST_OFF = 1.1
"""How far off a prediction may be, one way or the other."""
ASKED_SLOTS = 8
ECOMMERCE = find_spec(Path(__file__).parents[1] / "examples" / "ecommerce.yaml")
SMALL = Spec(name="small", idea="Notes with a title.", modules=(ModuleSpec(name="Notes"),))


@dataclass(frozen=True)
class Plan:
    """What is predicted and then built, with how many slots of the server."""

    spec: Spec
    pace: SimulateSettings
    slots: tuple[int, ...]
    rounds: int = 1
    """Of async; legacy, which takes longest and varies least, is run once."""
    most: int = 16
    """Calls at once that the doctor tries."""
    from_record: bool = False
    """Whether the record of legacy says what is to be built; else that is tried out before."""


PLANS = {
    Scale.ONCE: Plan(
        SMALL, SimulateSettings(ttft_s=0.04, tokens_per_s=2_000), (2,), most=4, from_record=True
    ),
    # Six times as fast as the default, so that legacy takes seconds; what the engines add weighs more then.
    Scale.QUICK: Plan(ECOMMERCE, SimulateSettings(ttft_s=0.02, tokens_per_s=5_000), (4,)),
    Scale.FULL: Plan(ECOMMERCE, SimulateSettings(), (1, 2, 4, 8), rounds=3),
}


@dataclass(frozen=True)
class Found:
    """What was predicted before a server with so many slots, and how long async then took."""

    slots: int
    predicted: Prediction
    async_s: float


async def _wall_s(session: Session, spec: Spec, engine: str, rounds: int) -> float:
    walls = []
    for _ in range(rounds):
        record = await session.run(spec, find_engine(engine), lambda _: None)
        assert not record.summary.outcome.failures
        walls.append(record.summary.wall_s)
    return median(walls)


async def _before(plan: Plan, slots: int, store: Path, legacy: list[float]) -> Found:
    """Predict and build before one server. Legacy, to which slots are nothing, goes into the empty list."""
    async with paced_ollama(plan.pace.ttft_s, plan.pace.tokens_per_s, slots) as server:
        model = f"ollama:{server.url}"
        settings = SessionSettings(model=model, slots=ASKED_SLOTS, store=store)
        asked = DoctorSettings(model=model, slots=ASKED_SLOTS, most=plan.most, store=store)
        async with open_session(settings, needs_redis=True) as session:
            predicted = None if plan.from_record else await _predicted(plan, slots, asked)
            if not legacy:
                legacy.append(await _wall_s(session, plan.spec, "legacy", 1))
            predicted = predicted or await _predicted(plan, slots, asked)
            return Found(slots, predicted, await _wall_s(session, plan.spec, "async", plan.rounds))


async def _predicted(plan: Plan, slots: int, asked: DoctorSettings) -> Prediction:
    diagnosis = await examine(plan.spec, asked, lambda _: None)
    (measured,) = diagnosis.measured
    assert (measured.slots, measured.exact) == (slots, True)
    assert diagnosis.prediction is not None
    return diagnosis.prediction


async def test_the_speed_up_that_was_predicted_is_the_one_that_came(
    scale: Scale, results: Results, tmp_path: Path
) -> None:
    plan = PLANS[scale]
    legacy: list[float] = []
    # A store for each: what was built before one server must not tell the doctor of the next.
    found = [await _before(plan, slots, tmp_path / str(slots), legacy) for slots in plan.slots]
    for each in found:
        _report(results, each, legacy[0])


def _report(results: Results, found: Found, legacy_s: float) -> None:
    case = f"doctor, {found.slots} slot{'s' * (found.slots > 1)}"
    predicted, real = found.predicted, legacy_s / found.async_s
    off = predicted.speedup / real
    results.ratio(
        SCENARIO,
        case,
        "predicted speed-up",
        [max(off, 1 / off)],
        over="the real one, or under it",
        at_most=MOST_OFF,
        compared=False,
    )
    results.figure(SCENARIO, case, "predicted speed-up", predicted.speedup, "times")
    results.figure(SCENARIO, case, "real speed-up", real, "times")
    results.figure(SCENARIO, case, "legacy, predicted", predicted.legacy_s, "s")
    results.figure(SCENARIO, case, "legacy", legacy_s, "s")
    results.figure(SCENARIO, case, "async, predicted", predicted.async_s, "s")
    results.figure(SCENARIO, case, "async", found.async_s, "s")
