"""The noise of a comparison: its fields over pairs with the candidate and over pairs of two controls."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Sequence

from harness.compare.comparison import Comparison, FieldNoise, LayerResult, Noise
from harness.compare.field import Field
from harness.compare.mismatch import Mismatch, Severity
from harness.compare.noise import (
    ALPHA,
    NEVER_IN_CONTROL,
    FieldJudgement,
    FieldPairs,
    judge_by_pairs,
    repeats_needed,
)
from harness.compare.verdict import Status, Verdict

__all__ = ["but_for_noise", "noise_of", "verdict_on_noise", "weight_of"]

_WEIGHTS = [Severity.BREAKING, Severity.MAJOR, Severity.MINOR, Severity.COSMETIC]
_KINDS = ["mismatch", "undecided", "noise"]


def noise_of(
    pairs: Sequence[Comparison], against_itself: Sequence[Comparison], *, deterministic: bool
) -> Noise:
    """Every field that differs in any of `pairs`, or of the pairs of two controls, and what that is.

    Only mismatches that count are looked at. The most important field comes first.
    """
    ab, aa = ([_fields(comparison) for comparison in of_sort] for of_sort in (pairs, against_itself))
    examples: dict[Field, Mismatch] = {}
    for fields in (*ab, *aa):
        for field, found in fields.items():
            known = examples.get(field)
            if known is None or (known.follows and not found.follows):
                examples[field] = found
    differs = {
        field: FieldPairs(tuple(field in found for found in ab), tuple(field in found for found in aa))
        for field in examples
    }
    judged = judge_by_pairs(differs, deterministic=deterministic)
    rows = [_row(field, examples[field], judged[field]) for field in examples]
    return Noise(
        ab_pairs=len(ab),
        aa_pairs=len(aa),
        alpha=ALPHA,
        deterministic=deterministic,
        fields=tuple(sorted(rows, key=_weight)),
        more_pairs=_more_pairs(rows, len({*differs.values()}), min(len(ab), len(aa))),
    )


def verdict_on_noise(noise: Noise, repeat: int) -> Verdict:
    """What `noise` says of a candidate; `repeat` is how many pairs of each sort were asked for."""
    parts = {kind: [row for row in noise.fields if row.judgement.kind == kind] for kind in _KINDS}
    certain = [row for row in parts["mismatch"] if not row.follows] or parts["mismatch"]
    reasons = [_reason(row, noise) for row in certain]
    if parts["undecided"]:
        many = len(parts["undecided"]) > 1
        more = noise.more_pairs or 1
        reasons.append(
            f"{_counted(len(parts['undecided']), 'field')} differ{'' if many else 's'}, and {_pairs(noise)} "
            f"are too few to tell noise from a mismatch: about {more} more of each would "
            f"(--repeat {repeat + more})"
        )
    if parts["noise"]:
        reasons.append(_set_aside(parts["noise"], noise))
    if certain:
        return Verdict(status=Status.FAIL, reasons=tuple(reasons))
    if parts["undecided"] or not (noise.ab_pairs and noise.aa_pairs):
        lacking = f"no pair can be counted: there are {_pairs(noise)} that came to an end"
        return Verdict(status=Status.INCONCLUSIVE, reasons=tuple(reasons) or (lacking,))
    equal = f"nothing that counts differs in {_pairs(noise)}"
    return Verdict(status=Status.PASS, reasons=tuple(reasons) or (equal,))


def weight_of(comparison: Comparison, noise: Noise) -> tuple[int, int]:
    """How many of the fields in which one pair differs are mismatches, and how many are undecided."""
    kinds = {_field(row): row.judgement.kind for row in noise.fields}
    found = Counter(kinds.get(field) for field in _fields(comparison))
    return found["mismatch"], found["undecided"]


def but_for_noise(comparison: Comparison, noise: Noise) -> Comparison:
    """`comparison` with what is noise not counted in any layer."""
    fields = {_field(row) for row in noise.fields if row.judgement.kind == "noise"}
    return comparison.model_copy(
        update={"layers": tuple(_without(layer, fields) for layer in comparison.layers)}
    )


def _without(layer: LayerResult, fields: Collection[Field]) -> LayerResult:
    counted = [mismatch for mismatch in layer.mismatches if Field.of(mismatch) not in fields]
    noise = [mismatch for mismatch in layer.mismatches if Field.of(mismatch) in fields]
    return layer.model_copy(update={"mismatches": tuple(counted), "uncounted": (*layer.uncounted, *noise)})


def _fields(comparison: Comparison) -> dict[Field, Mismatch]:
    """The fields that differ, each with the mismatch that says most of it."""
    found: dict[Field, Mismatch] = {}
    for mismatch in comparison.mismatches:
        known = found.setdefault(Field.of(mismatch), mismatch)
        if known.follows and not mismatch.follows:
            found[Field.of(mismatch)] = mismatch
    return found


def _field(row: FieldNoise) -> Field:
    return Field(row.layer, row.kind, row.severity, row.path)


def _row(field: Field, example: Mismatch, judgement: FieldJudgement) -> FieldNoise:
    return FieldNoise(
        layer=field.layer,
        kind=field.kind,
        path=field.path,
        severity=field.severity,
        sentence=example.sentence,
        follows=example.follows,
        judgement=judgement,
    )


def _weight(row: FieldNoise) -> tuple[int, bool, int, float]:
    judged = row.judgement
    more = judged.rate_aa - judged.rate_ab
    return _KINDS.index(judged.kind), row.follows, _WEIGHTS.index(row.severity), more


def _more_pairs(rows: Iterable[FieldNoise], tests: int, pairs: int) -> int | None:
    """As many as decide even where each of so many `tests` makes it harder for the others."""
    if all(row.judgement.kind != "undecided" for row in rows):
        return None
    return max(repeats_needed(tests) - pairs, 1)


def _reason(row: FieldNoise, noise: Noise) -> str:
    judged = row.judgement
    how_often = (
        f"in {_times(judged.rate_ab, noise.ab_pairs)} with the candidate and in "
        f"{_times(judged.rate_aa, noise.aa_pairs)} of two controls"
    )
    if judged.test == NEVER_IN_CONTROL:
        return f"{row.sentence} ({how_often})"
    return f"{row.sentence} ({how_often}; p {judged.p:.2g}, at most {judged.limit:.2g}; {judged.test})"


def _set_aside(rows: Sequence[FieldNoise], noise: Noise) -> str:
    """What is noise, and of how much of it nothing else could have been found."""
    hidden = sum(row.judgement.rate_aa == 1 for row in rows)
    beyond = f"; {hidden} of them in every pair of two, where a mismatch would not show" if hidden else ""
    whose = "the control differs from itself on equal answers: " if noise.deterministic else ""
    return (
        f"{whose}{_counted(len(rows), 'field')} {'are' if len(rows) > 1 else 'is'} noise, no more frequent "
        f"with the candidate than between two controls ({_pairs(noise)}{beyond})"
    )


def _pairs(noise: Noise) -> str:
    return f"{_counted(noise.ab_pairs, 'pair')} with the candidate and {noise.aa_pairs} of two controls"


def _times(rate: float, pairs: int) -> str:
    return f"{round(rate * pairs)} of {_counted(pairs, 'pair')}"


def _counted(count: int, noun: str) -> str:
    return f"{count} {noun}{'' if count == 1 else 's'}"
