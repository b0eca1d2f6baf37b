"""Repeats: the same two engines compared on the same spec several times, and what that says together.

A mismatch in one pair is a mismatch, in the warm-up too: a regression that shows now and then is one. Where
the control was run against itself as well, what differs is held against that. Over a model whose answers vary
the warm-up has no part in it, as it alone meets a cold model. Its times are never counted, as what it loads
is loaded for those after it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from harness.compare.comparison import Comparison, Noise, Pair, Repeats
from harness.compare.determinism import is_deterministic
from harness.compare.expectations import Expectation, ExpectationStatus
from harness.compare.noise_table import but_for_noise, noise_of, verdict_on_noise, weight_of
from harness.compare.pair import Compared, ComparedWithItself, is_cut_short
from harness.compare.qualities import judge_qualities, verdict_on_quality
from harness.compare.quality import QualityJudgement
from harness.compare.speedup import SpeedupEstimate, estimate_speedup, judge_speedup, more_pairs_needed
from harness.compare.terms import EXACT, Terms
from harness.compare.verdict import Status, Verdict, badness, by_quality, combined
from harness.record import OutcomeStatus
from harness.spec import Spec

__all__ = ["together"]

_STATUSES = {
    "met": ExpectationStatus.MET,
    "unmet": ExpectationStatus.UNMET,
    "inconclusive": ExpectationStatus.INCONCLUSIVE,
}
_VERDICTS = {ExpectationStatus.UNMET: Status.FAIL, ExpectationStatus.INCONCLUSIVE: Status.INCONCLUSIVE}


def together(
    spec: Spec,
    compared: Sequence[Compared],
    with_itself: Sequence[ComparedWithItself] = (),
    terms: Terms = EXACT,
) -> Comparison:
    """What all pairs say together, shown by the worst of them; `with_itself` are pairs of two controls.

    The speed-up that `spec` expects is held against the interval: met where its lower end is above, not met
    where its upper end is below, inconclusive between.
    """
    model = compared[0].comparison.model
    whole = [pair for pair in compared if not is_cut_short(pair.comparison, terms)]
    noise = _noise(whole, with_itself, terms) if with_itself else None
    shown = _shown(whole or compared, noise)
    timed = [_walls(pair.comparison) for pair in compared if not pair.warm_up and _counts(pair.comparison)]
    estimate = estimate_speedup(timed) if timed else None
    speedup = _judged(spec, compared, estimate)
    repeat = max(sum(not pair.warm_up for pair in compared), 1)
    verdict = combined([_on_mismatches(shown, whole, with_itself, noise, repeat), *_on_speedup(speedup)])
    varied = by_quality(terms, model)
    quality = _quality(compared, with_itself, terms) if varied else ()
    on_quality = [verdict_on_quality(quality, repeat=repeat)] if varied else []
    return (but_for_noise(shown, noise) if noise else shown).model_copy(
        update={
            "speedup": estimate.speedup if estimate else shown.speedup,
            "expectations": shown.expectations if speedup is None else (*shown.expectations, speedup),
            "repeats": Repeats(pairs=_pairs(compared), speedup=estimate) if len(compared) > 1 else None,
            "noise": noise,
            "quality": quality,
            "verdict": combined([verdict, *on_quality]),
            "verdict_but_quality": verdict if varied else None,
        }
    )


def _noise(pairs: Sequence[Compared], with_itself: Sequence[ComparedWithItself], terms: Terms) -> Noise:
    deterministic = is_deterministic(pairs[0].comparison.model) if pairs else False
    return noise_of(
        [
            pair.comparison
            for pair in pairs
            if pair.but_mismatches.status is not Status.ERROR and (deterministic or not pair.warm_up)
        ],
        [
            pair.comparison
            for pair in with_itself
            if pair.comparison.verdict.status is not Status.ERROR and not is_cut_short(pair.comparison, terms)
        ],
        deterministic=deterministic,
    )


def _shown(pairs: Sequence[Compared], noise: Noise | None) -> Comparison:
    """The pair that is the worst by itself or, where there is noise, by what of it is none."""

    def weight(pair: Compared) -> tuple[int, tuple[int, int]]:
        if noise is None:
            return badness(_own(pair.comparison).status), (0, 0)
        certain, undecided = weight_of(pair.comparison, noise)
        return badness(Status.FAIL if certain else pair.but_mismatches.status), (certain, undecided)

    return max(pairs, key=weight).comparison


def _on_mismatches(
    shown: Comparison,
    pairs: Sequence[Compared],
    with_itself: Sequence[ComparedWithItself],
    noise: Noise | None,
    repeat: int,
) -> Verdict:
    """What differs in `pairs`, which came to their end, without their times."""
    if not pairs:
        reason = "no pair came to an end in which it could be compared"
        return Verdict(status=Status.INCONCLUSIVE, reasons=(reason,))
    errors = [*_errors(with_itself)]
    if noise is None or (noise.ab_pairs and noise.aa_pairs and not noise.fields):
        return combined([_among(_own(shown), pairs, noise), *errors])
    others = [pair.but_mismatches for pair in pairs if pair.but_mismatches.status is not Status.PASS]
    return combined([verdict_on_noise(noise, repeat), *others, *errors])


def _among(found: Verdict, pairs: Sequence[Compared], noise: Noise | None) -> Verdict:
    if len(pairs) == 1 and noise is None:
        return found
    alike = sum(_own(pair.comparison).status is found.status for pair in pairs)
    itself = f", and in {noise.aa_pairs} of two controls" if noise else ""
    first = f"{found.reasons[0]} (so in {alike} of {len(pairs)} pairs{itself})"
    return Verdict(status=found.status, reasons=(first, *found.reasons[1:]))


def _errors(with_itself: Sequence[ComparedWithItself]) -> Iterator[Verdict]:
    """Why two controls could not be compared."""
    for number, pair in enumerate(with_itself, 1):
        if pair.comparison.verdict.status is Status.ERROR:
            sides = (pair.comparison.control, pair.comparison.candidate)
            failed = next((s.described for s in sides if s.outcome.status is OutcomeStatus.FAILED), None)
            why = f"a run {failed}" if failed else pair.comparison.verdict.reasons[0]
            reason = f"the control against itself, pair {number} of {len(with_itself)}: {why}"
            yield Verdict(status=Status.ERROR, reasons=(reason,))


def _on_speedup(speedup: Expectation | None) -> list[Verdict]:
    status = _VERDICTS.get(speedup.status) if speedup else None
    return [Verdict(status=status, reasons=(speedup.sentence,))] if speedup and status else []


def _quality(
    compared: Sequence[Compared], with_itself: Sequence[ComparedWithItself], terms: Terms
) -> tuple[QualityJudgement, ...]:
    """Over all runs: those that the control made against itself are runs of the control."""
    counted = [pair for pair in compared if not pair.warm_up]
    control = [*(pair.control for pair in counted), *(run for pair in with_itself for run in pair.runs)]
    return judge_qualities(
        [run for run in control if run is not None],
        [pair.candidate for pair in counted if pair.candidate is not None],
        margin=terms.margin,
    )


def _own(comparison: Comparison) -> Verdict:
    """The verdict on a pair without its quality, which is judged over all of them."""
    return comparison.verdict_but_quality or comparison.verdict


def _judged(spec: Spec, compared: Sequence[Compared], estimate: SpeedupEstimate | None) -> Expectation | None:
    least = spec.expect.min_speedup
    if least is None:
        return None
    unjudged = [p.speedup for p in compared if p.speedup and p.speedup.status is ExpectationStatus.NOT_JUDGED]
    if unjudged:
        return unjudged[0]
    if estimate is None:
        sentence = f"speed-up of at least {least:g}: no pair has times that count"
        return Expectation(key="min_speedup", status=ExpectationStatus.NOT_JUDGED, sentence=sentence)
    sentence = f"speed-up {estimate}; at least {least:g} expected{_more(estimate, least)}"
    return Expectation(key="min_speedup", status=_STATUSES[judge_speedup(estimate, least)], sentence=sentence)


def _more(estimate: SpeedupEstimate, least: float) -> str:
    """How many more pairs would tell, where these do not, as the end of a sentence."""
    more = more_pairs_needed(estimate, least)
    if more is None:
        return "; the two are too near for any number of pairs to tell"
    return f"; about {more} more pair{'' if more == 1 else 's'} would tell" if more else ""


def _pairs(compared: Sequence[Compared]) -> tuple[Pair, ...]:
    pairs = []
    for pair in compared:
        control_s, candidate_s = _walls(pair.comparison)
        pairs.append(
            Pair(
                control=pair.comparison.control.run,
                candidate=pair.comparison.candidate.run,
                first=pair.first,
                control_wall_s=control_s,
                candidate_wall_s=candidate_s,
                warm_up=pair.warm_up,
                timed=not pair.warm_up and _counts(pair.comparison),
                load=pair.load,
                status=_own(pair.comparison).status,
                mismatches=len(pair.comparison.mismatches),
            )
        )
    return tuple(pairs)


def _walls(comparison: Comparison) -> tuple[float, float]:
    return comparison.control.timing.wall_s, comparison.candidate.timing.wall_s


def _counts(comparison: Comparison) -> bool:
    """Whether both runs of a pair came to their end undisturbed, so that their times say something."""
    sides = (comparison.control, comparison.candidate)
    ended = all(
        side.outcome.status is not OutcomeStatus.FAILED and not side.timing.taken_over for side in sides
    )
    return ended and all(wall_s > 0 for wall_s in _walls(comparison))
