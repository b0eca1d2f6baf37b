"""Evidence, sifted: what counts for a step, and why the rest does not."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from harness.compare.terms import Policy
from harness.evidence import Evidence, EvidenceKind
from harness.gates.step_engines import StepEngines

__all__ = ["Sifted", "sift"]

_SUITES = frozenset({EvidenceKind.SUITE, EvidenceKind.LOAD_TEST})
_OF_BUILDS = frozenset({EvidenceKind.SERVED, EvidenceKind.FALLBACK})


@dataclass(frozen=True, slots=True)
class Sifted:
    """The evidence that counts, the oldest first, and how much was refused for which reason."""

    counted: tuple[Evidence, ...]
    """Of pairs of runs."""
    served: tuple[Evidence, ...]
    """Of builds that the candidate was to serve, those that fell back to legacy included."""
    suites: tuple[Evidence, ...]
    refused: tuple[tuple[str, int], ...]


def sift(
    evidence: Iterable[Evidence],
    engines: StepEngines,
    *,
    sources: Mapping[str, str],
    now: datetime,
    oldest: timedelta,
    kinds: Sequence[EvidenceKind],
    policy: Policy = Policy.CONTRACT,
    since: int | None = None,
) -> Sifted:
    """What counts: about these engines, made by these sources, not too old, of `kinds`, and of builds that
    were pinned to the move of the flags with the number `since` or a later one.

    Of spec, model and cassette that of the newest evidence is the measure: what was shown with another is
    about something else.
    """
    about = [e for e in evidence if _is_about(e, engines)]
    of_runs = [e for e in about if e.kind not in _SUITES]
    newest_of_spec = {e.spec: e for e in of_runs}
    kept: list[Evidence] = []
    refused: Counter[str] = Counter()
    for one in about:
        measures = () if one.kind in _SUITES else (newest_of_spec[one.spec], of_runs[-1])
        reasons = [
            *_changed_sources(one, sources),
            *_changed_surroundings(one, measures),
            *_outdated(one, now, oldest, since),
        ]
        if policy is Policy.EXACT and one.policy != Policy.EXACT and one.kind not in _SUITES:
            reasons.append("it was judged by contract, and this step asks for equality")
        if one.kind not in {*_SUITES, *_OF_BUILDS, *kinds}:
            reasons.append(f"it is of kind {one.kind}, and this step asks for {' or '.join(kinds)}")
        if reasons:
            refused[reasons[0]] += 1
        else:
            kept.append(one)
    return Sifted(
        tuple(e for e in kept if e.kind not in _SUITES | _OF_BUILDS),
        tuple(e for e in kept if e.kind in _OF_BUILDS),
        tuple(e for e in kept if e.kind in _SUITES),
        tuple(refused.items()),
    )


def _is_about(one: Evidence, engines: StepEngines) -> bool:
    if one.kind in _OF_BUILDS:
        return engines.served_by(one)
    return one.kind in _SUITES or engines.compared_by(one)


def _changed_sources(one: Evidence, sources: Mapping[str, str]) -> Iterator[str]:
    changed = [name for name, digest in sources.items() if one.fingerprint.sources.get(name) != digest]
    if changed:
        yield f"the sources of {' and '.join(changed)} have changed since"


def _changed_surroundings(one: Evidence, measures: Sequence[Evidence]) -> Iterator[str]:
    if not measures:
        return
    of_spec, newest = measures
    if one.fingerprint.spec != of_spec.fingerprint.spec:
        yield f"the spec {one.spec} has changed since"
    if one.fingerprint.cassette != of_spec.fingerprint.cassette:
        yield f"the cassette of {one.spec} is another since"
    if one.fingerprint.model != newest.fingerprint.model:
        yield "the model is another since"


def _outdated(one: Evidence, now: datetime, oldest: timedelta, since: int | None) -> Iterator[str]:
    if now - one.at > oldest:
        yield f"it is more than {oldest / timedelta(days=1):g} days old"
    if since is not None and one.kind not in _SUITES and (one.flags_number or 0) < since:
        yield "it is from before the flags were moved to where they stand"
