"""Scheduling: the critical path first against FIFO, in real time, on graphs where the order matters."""

from __future__ import annotations

from collections.abc import Callable

from async_arch.estimates import TaskWeights
from benchmarks.ordering import CASES, SENT_BACK, Case, Path, default, fifo, learnt, learnt_from, run
from benchmarks.results import Results
from benchmarks.scale import Scale
from benchmarks.workload import SCALE

SCENARIO = "Scheduling"
FIFO, DEFAULT, LEARNT = "FIFO", "critical path first", "critical path first, learnt"
ROUNDS = {Scale.ONCE: 1, Scale.QUICK: 3, Scale.FULL: 15}
# A list schedule with all durations known gives 0.890, 0.969, 0.996 and 0.948 of FIFO.
OVER_FIFO = (0.95, None, None, 0.97)


async def test_critical_path_first_over_fifo(scale: Scale, results: Results) -> None:
    # The others take longer and gain less.
    cases = 2 if scale is Scale.QUICK else len(CASES)
    for case, over_fifo in [*zip(CASES, OVER_FIFO, strict=True)][:cases]:
        took_s = await _in_turns(case, {FIFO: fifo, DEFAULT: lambda case=case: default(case)}, scale)
        _over_lower_bound(results, case, took_s)
        values = _ratios(took_s[DEFAULT], took_s[FIFO])
        results.ratio(SCENARIO, case.name, DEFAULT, values, over=FIFO, at_most=over_fifo)


async def test_learnt_weights_where_the_defaults_mislead(scale: Scale, results: Results) -> None:
    """The weights are learnt from a run in FIFO order, before any of the measured ones."""
    case = SENT_BACK
    weights = learnt_from(case, await run(case, fifo(), _speed(scale)))
    took_s = await _in_turns(case, _orders(case, weights), scale)
    _over_lower_bound(results, case, took_s)
    results.ratio(SCENARIO, case.name, DEFAULT, _ratios(took_s[DEFAULT], took_s[FIFO]), over=FIFO)
    results.ratio(SCENARIO, case.name, LEARNT, _ratios(took_s[LEARNT], took_s[FIFO]), over=FIFO, at_most=0.95)
    values = _ratios(took_s[LEARNT], took_s[DEFAULT])
    results.ratio(SCENARIO, case.name, LEARNT, values, over=DEFAULT, at_most=0.96)


def _orders(case: Case, weights: TaskWeights) -> dict[str, Callable[[], Path]]:
    return {FIFO: fifo, DEFAULT: lambda: default(case), LEARNT: lambda: learnt(case, weights)}


def _speed(scale: Scale) -> float:
    return SCALE / 10 if scale is Scale.ONCE else SCALE


async def _in_turns(
    case: Case, orders: dict[str, Callable[[], Path]], scale: Scale
) -> dict[str, list[float]]:
    """How long `case` took in each order, over the scale of the durations, round by round."""
    took_s: dict[str, list[float]] = {name: [] for name in orders}
    for number in range(ROUNDS[scale]):
        for name in [*orders][:: -1 if number % 2 else 1]:
            took_s[name].append((await run(case, orders[name](), _speed(scale))).took_s)
    return took_s


def _over_lower_bound(results: Results, case: Case, took_s: dict[str, list[float]]) -> None:
    for name, seconds in took_s.items():
        values = [second / case.lower_bound_s for second in seconds]
        results.ratio(SCENARIO, case.name, name, values, over="lower bound")


def _ratios(ours: list[float], theirs: list[float]) -> list[float]:
    return [one / other for one, other in zip(ours, theirs, strict=True)]
