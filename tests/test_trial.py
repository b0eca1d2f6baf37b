"""A trial: which runs are made in which order, and that no run belongs to two pairs."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

import harness.trial
from harness.compare import Comparison, Status
from harness.compare.terms import Policy
from harness.engines.ahead import StartedAhead
from harness.gateway.started_process import StartedProcess
from harness.record import ModelFacts, RunRecord
from harness.session import SessionSettings
from harness.spec import Spec
from harness.trial import run_trial
from tests.compare.records import FILES, make_record

pytestmark = pytest.mark.usefixtures("forked_processes")

SPEC = Spec(name="shop", idea="a shop")
SIMULATED = ModelFacts(kind="simulated", name="m")
LIVE = ModelFacts(kind="ollama", name="m")


class Bench:
    """A session whose runs are made by hand, and a watcher that writes down what it is told."""

    def __init__(self, folder: Path, model: ModelFacts) -> None:
        self.model = model
        self.labels: list[str] = []
        self.odd: set[int] = set()
        """The runs, by their place, that leave another file than the rest."""
        self.ahead: list[tuple[str, StartedProcess | None]] = []
        """For whom a process was already started, or was not."""
        self._folder = folder

    def check(self, spec: Spec) -> None:
        pass

    def model_facts(self, spec: Spec) -> ModelFacts:
        return self.model

    async def run(self, spec: Spec, engine: Any, on_event: Any, on_progress: Any) -> RunRecord:
        number = len(self.labels) - 1
        files = {**FILES, "cart.py": "CART = [1]\n"} if number in self.odd else FILES
        return make_record(self._folder / f"run{number}", model=self.model, engine=engine.name, files=files)

    def session_opened(self, session: Any) -> None:
        pass

    def run_started(self, spec: Spec, side: str, engine: str) -> None:
        self.labels.append(f"{engine}: {side}")

    def happened(self, event: Any) -> None:
        pass

    def progressed(self, text: str) -> None:
        pass

    def run_finished(self, record: RunRecord) -> None:
        pass


@pytest.fixture
def bench(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Bench:
    made = Bench(tmp_path, SIMULATED)

    @asynccontextmanager
    async def opened(
        settings: SessionSettings, *, needs_redis: bool, gateway_started: StartedProcess | None
    ) -> AsyncIterator[Bench]:
        made.ahead.append(("gateway", gateway_started))
        yield made

    monkeypatch.setattr(harness.trial, "open_session", opened)

    def found(name: str, worker: StartedProcess | None = None) -> SimpleNamespace:
        made.ahead.append((name, worker))
        return SimpleNamespace(name=name, needs_redis=False, flags={})

    monkeypatch.setattr(harness.trial, "find_engine", found)
    return made


async def compared(bench: Bench, **options: Any) -> Comparison:
    trial = run_trial([SPEC], "legacy", "async", SessionSettings(), bench, **options)
    (comparison,) = [comparison async for comparison in trial]
    return comparison


async def test_what_was_started_ahead_is_the_gateway_of_all_and_the_worker_of_the_control(
    bench: Bench,
) -> None:
    ahead = StartedAhead(cast(StartedProcess, "gateway"), cast(StartedProcess, "worker"))
    await compared(bench, ahead=ahead)
    assert bench.ahead == [("legacy", ahead.worker), ("async", None), ("gateway", ahead.gateway)]


async def test_pairs_of_both_sorts_are_made_in_turns_of_runs_of_their_own(bench: Bench) -> None:
    comparison = await compared(bench, repeat=2, aa=True)
    itself = "legacy: control against itself"
    assert bench.labels == [
        "legacy: control, warm-up",
        "async: candidate, warm-up",
        "async: candidate, pair 1 of 2",
        "legacy: control, pair 1 of 2",
        f"{itself}, pair 1 of 2, first run",
        f"{itself}, pair 1 of 2, second run",
        f"{itself}, pair 2 of 2, first run",
        f"{itself}, pair 2 of 2, second run",
        "legacy: control, pair 2 of 2",
        "async: candidate, pair 2 of 2",
    ]
    assert comparison.noise is not None
    assert (comparison.noise.ab_pairs, comparison.noise.aa_pairs) == (3, 2)


@pytest.mark.parametrize(("odd", "differs"), [(3, (1, 0)), (5, (0, 1)), (6, (0, 1)), (9, (1, 0))])
async def test_a_run_that_is_odd_makes_one_pair_odd(odd: int, differs: tuple[int, int], bench: Bench) -> None:
    """A run that two pairs had in common would make both, and they would not be independent."""
    bench.odd = {odd}
    comparison = await compared(bench, repeat=2, aa=True)
    assert comparison.noise is not None
    rates = [(row.judgement.rate_ab * 3, row.judgement.rate_aa * 2) for row in comparison.noise.fields]
    assert rates == [differs]


@pytest.mark.parametrize(
    ("model", "aa", "runs", "policy"),
    [
        (SIMULATED, None, 2, "exact"),
        (SIMULATED, True, 4, "exact"),
        (LIVE, None, 4, "contract"),
        (LIVE, False, 2, "contract"),
    ],
)
async def test_what_is_not_asked_for_is_left_to_the_model(
    model: ModelFacts, aa: bool | None, runs: int, policy: str, bench: Bench
) -> None:
    bench.model = model
    comparison = await compared(bench, aa=aa)
    assert (len(bench.labels), comparison.policy) == (runs, policy)
    assert bench.labels[:2] == ["legacy: control", "async: candidate"]
    assert (comparison.noise is not None) is (runs == 4)
    assert bool(comparison.quality) is (model is LIVE)
    # One run of each says too little of how often they turn out well.
    assert comparison.verdict.status is (Status.INCONCLUSIVE if model is LIVE else Status.PASS)


async def test_a_policy_that_is_asked_for_is_taken(bench: Bench) -> None:
    bench.model = LIVE
    comparison = await compared(bench, policy=Policy.EXACT, aa=False)
    assert (comparison.policy, comparison.verdict.status) == ("exact", Status.PASS)
    assert comparison.quality == ()
