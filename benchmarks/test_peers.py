"""Schedulers side by side, on the same graphs and the same sleeping model.

    uv run --group peers pytest --benchmark benchmarks/test_peers.py

Each runs in a process of its own, started before it is measured. To measure another one beside them put it in
`OURS`: its `opened` gives an async context manager of a `Run` (benchmarks/peers/peer.py), which may be
`peer_process("module")` for a module that has `opened()`, as the peers do, or the function of this process.
Its wall-clock over the lower bound is then told beside the others', and each peer's over its own, which must
be one at least.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import pytest

from benchmarks.peers.subjects import ENGINE, FLOOR, INSTALL, PEERS, SEQUENTIAL, Subject
from benchmarks.peers.turns import Case, in_turns
from benchmarks.results import Results
from benchmarks.scale import Scale
from benchmarks.workload import SCALE

OURS: Subject | None = ENGINE
"""The engine whose peers these are."""

SMALL = Case(5, 4)
MIDDLE = (Case(50, None), Case(50, 16))
LARGE = Case(500, None)
CASES: Mapping[Scale, tuple[Case, ...]] = {
    Scale.ONCE: (SMALL,),
    Scale.QUICK: (SMALL, MIDDLE[0]),
    Scale.FULL: (SMALL, *MIDDLE, LARGE),
}
ROUNDS = {Scale.ONCE: 1, Scale.QUICK: 3, Scale.FULL: 10}
SLOW_CASES: Mapping[Scale, tuple[Case, ...]] = {**CASES, Scale.QUICK: (SMALL,)}
SLOW_ROUNDS = {Scale.ONCE: 1, Scale.QUICK: 2, Scale.FULL: 4}
ONCE_SCALE = 0.002
"""Of the durations where nothing is measured."""


def _durations(scale: Scale) -> float:
    return ONCE_SCALE if scale is Scale.ONCE else SCALE


def _tell(
    results: Results, case: Case, found: Mapping[str, Sequence[float]], subjects: Sequence[Subject]
) -> None:
    """The ratios of `subjects`, and of those that are peers over ours, of the same round."""
    # A curve has one point for each size.
    x = None if case in MIDDLE and case.slots else case.modules
    for subject in subjects:
        values = found[subject.name]
        results.ratio("Peers", str(case), subject.name, values, over="lower bound", x=x)
        if OURS is not None and subject.package not in (None, "uvloop"):
            times = [value / ours for value, ours in zip(values, found[OURS.name], strict=True)]
            results.ratio("Peers", str(case), subject.name, times, over=OURS.name, at_least=1.0, x=x)


async def test_in_turns(scale: Scale, results: Results) -> None:
    """The floor, ours and whoever is as quick as to take turns with them, in every case of the scale."""
    others = () if scale is Scale.ONCE else PEERS
    quick = [*FLOOR, *(peer for peer in others if not (peer.slow or peer.missing)), *([OURS] if OURS else [])]
    for case in CASES[scale]:
        found = await in_turns(quick, case, ROUNDS[scale], _durations(scale))
        _tell(results, case, found, quick)


@pytest.mark.timeout(1800)
@pytest.mark.parametrize("peer", [SEQUENTIAL, *PEERS], ids=lambda peer: peer.name)
async def test_alone(peer: Subject, scale: Scale, results: Results) -> None:
    """A slow one, in turns with ours alone. The others do a small graph, as a test that they work."""
    if peer.missing:
        pytest.skip(peer.missing)
    if not peer.slow and scale is not Scale.ONCE:
        return
    for case in SLOW_CASES[scale]:
        rounds = SLOW_ROUNDS[scale] if case == SMALL else 1
        found = await in_turns([*([OURS] if OURS else []), peer], case, rounds, _durations(scale))
        _tell(results, case, found, [peer])


def test_a_missing_peer_says_what_installs_it() -> None:
    missing = Subject("nobody", PEERS[0].opened, package="a_package_that_is_nowhere").missing
    assert missing is not None
    assert INSTALL in missing
    assert all(subject.missing is None for subject in (*FLOOR, SEQUENTIAL))
