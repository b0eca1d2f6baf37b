"""What counts for a step and what does not, with the reason that is given."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import timedelta

import pytest

from harness.compare.terms import Policy
from harness.evidence import Evidence, EvidenceKind
from harness.gates import Sifted, StepEngines, sift
from tests.gates.pieces import NOW, SOURCES, piece

ASYNC = StepEngines("legacy", "async:state_store=redis,agent_calls=async,orchestration=concurrent")


def sifted(
    evidence: Iterable[Evidence],
    engines: StepEngines = ASYNC,
    kinds: Sequence[EvidenceKind] = (EvidenceKind.COMPARE,),
    since: int | None = None,
    policy: Policy = Policy.EXACT,
) -> Sifted:
    return sift(
        evidence,
        engines,
        sources=SOURCES,
        now=NOW,
        oldest=timedelta(days=14),
        kinds=kinds,
        since=since,
        policy=policy,
    )


def test_evidence_of_the_two_engines_by_any_of_their_names_counts() -> None:
    pieces = [
        piece(candidate="async"),
        piece(candidate="phase:2"),
        piece(candidate="async:agent_calls=async", control="legacy:state_store=mirror"),
    ]
    assert sifted(pieces).counted == tuple(pieces)


@pytest.mark.parametrize(
    "other",
    [
        piece(candidate="async:agent_calls=threads"),
        piece(candidate="phase:1"),
        piece(candidate="external:mine.yaml"),
        piece(control="async"),
    ],
)
def test_evidence_of_other_engines_is_about_something_else(other: Evidence) -> None:
    """It is neither counted nor refused: nobody expects it to count."""
    result = sifted([other])
    assert (result.counted, result.refused) == ((), ())


@pytest.mark.parametrize(
    ("outdated", "reason"),
    [
        (piece(sources={**SOURCES, "async_arch": "c0"}), "the sources of async_arch have changed since"),
        (
            piece(sources={"agents": "a1", "async_arch": "c0"}),
            "the sources of async_arch and legacy have changed since",
        ),
        (piece(days=15), "it is more than 14 days old"),
        (piece(spec_digest="s0"), "the spec shop has changed since"),
        (piece(cassette="k0"), "the cassette of shop is another since"),
        (piece(spec="clinic", model="m0"), "the model is another since"),
        (piece(kind=EvidenceKind.SHADOW), "it is of kind shadow, and this step asks for compare"),
    ],
)
def test_evidence_that_does_not_count_is_refused_with_what_changed(outdated: Evidence, reason: str) -> None:
    newest = piece(days=0.5)
    result = sifted([outdated, newest])
    assert result.counted == (newest,)
    assert result.refused == ((reason, 1),)


def test_the_newest_is_the_measure_for_its_spec_only() -> None:
    pieces = [piece(spec="clinic", spec_digest="c1", cassette="k1"), piece(), piece()]
    assert sifted(pieces).counted == tuple(pieces)


def test_what_was_shown_before_the_flags_were_moved_does_not_count_where_that_is_asked() -> None:
    before, after = piece(flags_number=3), piece(flags_number=4)
    result = sifted([before, piece(kind=EvidenceKind.SUITE), after], since=4)
    assert result.counted == (after,)
    assert result.refused == (("it is from before the flags were moved to where they stand", 1),)


@pytest.mark.parametrize(("policy", "counted"), [(Policy.EXACT, 1), (Policy.CONTRACT, 2)])
def test_what_was_judged_by_contract_says_nothing_of_equality(policy: Policy, counted: int) -> None:
    result = sifted([piece(policy="contract"), piece()], policy=policy)
    assert len(result.counted) == counted


def test_suites_and_fallbacks_are_kept_apart_and_are_of_this_code_too() -> None:
    suite = piece(kind=EvidenceKind.SUITE, candidate="", control="")
    old_suite = piece(kind=EvidenceKind.SUITE, candidate="", control="", sources={})
    fallback = piece(kind=EvidenceKind.FALLBACK)
    served = piece(kind=EvidenceKind.SERVED, control="")
    other = piece(kind=EvidenceKind.SERVED, control="", candidate="phase:1")
    result = sifted([old_suite, suite, fallback, served, other, piece()])
    assert result.suites == (suite,)
    assert result.served == (fallback, served)
    assert len(result.counted) == 1
    assert result.refused[0][1] == 1
