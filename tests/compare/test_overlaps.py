"""Which modules were generated at the same time: of two, and of all."""

from __future__ import annotations

from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from harness.compare.overlaps import overlap, overlaps
from harness.compare.timing import timing_facts
from harness.gateway.calls import CallRecord
from harness.record import RunRecord
from tests.compare.records import make_call, make_record

BASE = make_record(Path("/nowhere"), files={})


def record(*calls: CallRecord, wall_s: float = 10.0) -> RunRecord:
    summary = BASE.summary.model_copy(update={"wall_s": wall_s})
    return RunRecord(summary, calls, (), BASE.blackboard, BASE.folder)


def spanning(module: str | None, granted_s: float | None, end_s: float) -> CallRecord:
    return make_call("developer", module, arrival_s=-1.0, granted_s=granted_s, end_s=end_s)


def test_a_call_that_never_got_a_slot_was_never_beside_another() -> None:
    queued = record(spanning("A", None, 9.0), spanning("B", 0.0, 9.0))
    seen = overlap(queued, "A", "B")
    assert (seen.together_s, seen.first_s, seen.first_from_s) == (0, 0, None)
    assert overlaps(queued).pairs == ()


INTERVALS = st.lists(
    st.tuples(st.integers(0, 40), st.integers(0, 40)).map(lambda pair: (min(pair), max(pair))), max_size=6
)


@given(INTERVALS, INTERVALS, st.integers(0, 40))
def test_an_overlap_is_what_counting_moments_gives(
    ones: list[tuple[int, int]], others: list[tuple[int, int]], end: int
) -> None:
    """Against brute force: every moment is counted in which a call of each is generating."""

    def during(intervals: list[tuple[int, int]], moment: int) -> bool:
        return any(start <= moment < stop for start, stop in intervals)

    calls = [spanning("A", *interval) for interval in ones] + [
        spanning("B", *interval) for interval in others
    ]
    whole = record(*calls, spanning(None, 0.0, 40.0), wall_s=float(end))
    seen = overlap(whole, "A", "B")
    moments = range(40)
    assert seen.together_s == sum(during(ones, m) and during(others, m) for m in moments)
    assert seen.first_s == sum(during(ones, m) for m in moments)
    assert seen.second_s == sum(during(others, m) for m in moments)
    assert seen.first_from_s == min((start for start, _ in ones), default=None)
    assert overlap(whole, "B", "A").together_s == seen.together_s
    alone = record(*calls, wall_s=float(end))
    assert timing_facts(alone).idle_s == sum(not during([*ones, *others], m) for m in range(end))


MODULE_SPANS = st.lists(
    st.tuples(st.sampled_from("ABCD"), st.integers(0, 30), st.integers(0, 30)).map(
        lambda span: spanning(span[0], min(span[1:]), max(span[1:]))
    ),
    max_size=10,
)


@given(MODULE_SPANS)
def test_all_pairs_together_are_what_each_pair_is_alone(calls: list[CallRecord]) -> None:
    """The longest first; a pair that was never at once, were it only touching, is not among them."""
    whole = record(*calls)
    pairs = [overlap(whole, one, other) for one in "ABCD" for other in "ABCD" if one < other]
    expected = sorted(
        (p for p in pairs if p.together_s > 0), key=lambda p: (-p.together_s, p.first, p.second)
    )
    seen = overlaps(whole)
    assert list(seen.pairs) == expected
    assert (seen.more, seen.modules) == (0, len({call.module for call in calls}))


def test_of_very_many_pairs_the_longest_are_kept_and_the_rest_is_counted() -> None:
    """40 modules that end one after another have 780 pairs."""
    calls = [spanning(f"M{number:02}", 0.0, 1.0 + number) for number in range(40)]
    seen = overlaps(record(*calls, wall_s=50.0))
    assert (len(seen.pairs), seen.more, seen.modules) == (500, 280, 40)
    assert (seen.pairs[0].first, seen.pairs[0].second, seen.pairs[0].together_s) == ("M38", "M39", 39.0)
    assert all(pair.together_s >= seen.pairs[-1].together_s for pair in seen.pairs)
