"""Noise: a field is wrongly called a mismatch no more often than claimed, and finds true ones."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from harness.compare.noise import (
    FISHER,
    NEVER_IN_CONTROL,
    FieldCounts,
    FieldPairs,
    judge_by_pairs,
    judge_fields,
    repeats_needed,
)

COMPARISONS = 500
# What 5 % may come to in so many comparisons, by chance alone, once in a hundred times.
MOST_WRONG = int(stats.binom.ppf(0.99, COMPARISONS, 0.05))


def kinds(fields: dict[str, FieldCounts], *, deterministic: bool = False) -> dict[str, str]:
    judged = judge_fields(fields, deterministic=deterministic)
    return {field: found.kind for field, found in judged.items()}


def many(rates_ab: list[float], rates_aa: list[float], pairs: int) -> list[dict[str, str]]:
    """What is said of fields that differ at these rates, in many comparisons."""
    rng = np.random.default_rng([len(rates_ab), pairs])
    ab, aa = (rng.binomial(pairs, rates, (COMPARISONS, len(rates))) for rates in (rates_ab, rates_aa))
    return [
        kinds(
            {
                f"field{n}": FieldCounts(int(a), pairs, int(b), pairs)
                for n, (a, b) in enumerate(zip(*row, strict=True))
            }
        )
        for row in zip(ab, aa, strict=True)
    ]


@pytest.mark.parametrize("pairs", [5, 10, 20])
@pytest.mark.parametrize("fields", [1, 50])
def test_noise_is_called_a_mismatch_in_one_field_or_another_no_more_often_than_claimed(
    fields: int, pairs: int
) -> None:
    rates = [0.5] * fields
    wrong = sum("mismatch" in said.values() for said in many(rates, rates, pairs))
    assert wrong <= MOST_WRONG


def test_true_mismatches_among_the_noise_do_not_make_it_louder() -> None:
    """The steps that follow a rejection are held to the same rate."""
    noisy, changed = [0.5] * 30, [1.0] * 20
    said = many(noisy + changed, noisy + [0.0] * 20, 20)
    wrong = sum("mismatch" in [each[f"field{n}"] for n in range(30)] for each in said)
    assert wrong <= MOST_WRONG
    assert all(each[f"field{n}"] == "mismatch" for each in said for n in range(30, 50))


def test_a_mismatch_among_noisy_fields_is_found_the_more_often_the_more_pairs_there_are() -> None:
    found = [
        sum(said["field0"] == "mismatch" for said in many([0.9, *[0.3] * 20], [0.1, *[0.3] * 20], pairs))
        for pairs in (5, 10, 20)
    ]
    assert found[0] < found[1] < found[2]
    assert found[2] > 0.95 * COMPARISONS


@pytest.mark.parametrize(
    "counts",
    [FieldCounts(7, 9, 2, 8), FieldCounts(0, 4, 3, 4), FieldCounts(5, 5, 0, 12), FieldCounts(2, 2, 2, 2)],
)
def test_p_is_that_of_fishers_exact_test(counts: FieldCounts) -> None:
    table = [[counts.k_ab, counts.n_ab - counts.k_ab], [counts.k_aa, counts.n_aa - counts.k_aa]]
    judged = judge_fields({"a": counts})["a"]
    assert judged.p == pytest.approx(stats.fisher_exact(table, alternative="greater").pvalue)
    assert judged.test == FISHER


def test_fields_that_could_never_be_significant_do_not_count() -> None:
    """Bonferroni's limit of 0.05 / 41 would call this noise."""
    rare = {f"rare{n}": FieldCounts(1, 5, 0, 5) for n in range(40)}
    judged = judge_fields({"changed": FieldCounts(5, 5, 0, 5), **rare})["changed"]
    assert (judged.kind, judged.limit) == ("mismatch", 0.05)
    assert 0.05 / 41 < judged.p <= judged.limit


def test_a_field_that_is_found_makes_room_for_the_next() -> None:
    """Of two fields, one is held against 0.05 / 2, and the other then against 0.05."""
    judged = judge_fields({"less": FieldCounts(5, 8, 1, 9), "clear": FieldCounts(8, 8, 0, 9)})
    first, second = judged["less"], judged["clear"]
    assert (second.kind, second.limit) == ("mismatch", 0.025)
    assert (first.kind, first.limit) == ("mismatch", 0.05)
    assert 0.025 < first.p < 0.05


def test_more_often_in_the_control_is_noise() -> None:
    assert kinds({"a": FieldCounts(0, 8, 8, 8)}) == {"a": "noise"}


def test_rates_are_of_the_pairs_of_each_sort() -> None:
    ((field, judged),) = judge_fields({("files", 3): FieldCounts(3, 4, 1, 2)}).items()
    assert (field, judged.rate_ab, judged.rate_aa) == (("files", 3), 0.75, 0.5)


@pytest.mark.parametrize(
    ("counts", "kind"),
    [
        (FieldCounts(2, 2, 0, 2), "undecided"),
        (FieldCounts(1, 2, 1, 2), "undecided"),
        (FieldCounts(4, 4, 0, 0), "undecided"),
        (FieldCounts(3, 3, 0, 3), "mismatch"),
        (FieldCounts(2, 3, 0, 3), "noise"),
        (FieldCounts(2, 3, 1, 3), "noise"),
    ],
)
def test_what_no_count_could_have_shown_is_undecided(counts: FieldCounts, kind: str) -> None:
    assert kinds({"a": counts}) == {"a": kind}


def test_pairs_that_do_for_one_field_may_be_too_few_for_many() -> None:
    one, many_fields = ({f"a{n}": FieldCounts(3, 3, 0, 3) for n in range(fields)} for fields in (1, 2))
    assert set(kinds(one).values()) == {"mismatch"}
    assert set(kinds(many_fields).values()) == {"undecided"}


@pytest.mark.parametrize("fields", [1, 2, 10, 50])
def test_the_repeats_that_are_needed_decide_and_one_fewer_do_not(fields: int) -> None:
    needed = repeats_needed(fields)
    said = [
        set(kinds({f"a{n}": FieldCounts(pairs, pairs, 0, pairs) for n in range(fields)}).values())
        for pairs in (needed - 1, needed)
    ]
    assert said == [{"undecided"}, {"mismatch"}]


def test_under_a_deterministic_model_one_difference_is_enough() -> None:
    fields = {
        "once": FieldCounts(1, 5, 0, 5),
        "noisy": FieldCounts(3, 5, 1, 5),
        "never": FieldCounts(0, 5, 2, 5),
    }
    assert kinds(fields, deterministic=True) == {"once": "mismatch", "noisy": "noise", "never": "noise"}
    assert kinds(fields)["once"] == "noise"
    assert judge_fields(fields, deterministic=True)["once"].test == NEVER_IN_CONTROL


def test_more_differences_than_pairs_are_refused() -> None:
    with pytest.raises(ValueError, match="more pairs differ"):
        FieldCounts(3, 2, 0, 2)


def test_no_fields_have_no_judgements() -> None:
    assert judge_fields({}) == {}


def by_pairs(fields: dict[str, FieldPairs]) -> dict[str, str]:
    return {field: judged.kind for field, judged in judge_by_pairs(fields).items()}


def test_what_follows_from_one_failure_is_one_test_however_much_it_is() -> None:
    """Each for itself would be held against 0.05 / 40, which five pairs never reach."""
    five = FieldPairs((True,) * 5, (False,) * 5)
    assert set(by_pairs({f"lost{n}": five for n in range(40)}).values()) == {"mismatch"}
    assert set(kinds({f"lost{n}": five.counts for n in range(40)}).values()) == {"undecided"}


def test_as_often_in_other_pairs_is_another_test() -> None:
    """In four of five pairs: together they are held against 0.05, each for itself against 0.05 / 3."""
    never = (False,) * 5
    misses = [tuple(n != missed for n in range(5)) for missed in range(3)]
    alike = by_pairs({f"a{n}": FieldPairs(misses[0], never) for n in range(3)})
    apart = by_pairs({f"a{n}": FieldPairs(missed, never) for n, missed in enumerate(misses)})
    assert set(alike.values()) == {"mismatch"}
    assert set(apart.values()) == {"noise"}


@pytest.mark.parametrize("pairs", [4, 10])
@pytest.mark.parametrize("groups", [1, 8])
def test_noise_that_comes_together_is_called_a_mismatch_no_more_often_than_claimed(
    groups: int, pairs: int
) -> None:
    """Forty noisy fields, of which those of a group differ in the same pairs but for one pair in ten."""
    rng = np.random.default_rng([groups, pairs])
    wrong = 0
    for _ in range(COMPARISONS):
        together = rng.random((groups, 2 * pairs)) < 0.5
        fields = together[np.arange(40) % groups] ^ (rng.random((40, 2 * pairs)) < 0.1)
        rows = enumerate(fields.tolist())
        said = by_pairs({f"f{n}": FieldPairs(tuple(row[:pairs]), tuple(row[pairs:])) for n, row in rows})
        wrong += "mismatch" in said.values()
    assert wrong <= MOST_WRONG
