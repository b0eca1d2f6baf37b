"""A comparison as Markdown, for the description of a pull request: the verdict first, details that fold."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence

from harness.compare import Comparison, LayerResult, Mismatch, Noise
from harness.compare.mismatch import by_weight
from harness.compare.text import visible
from harness.compare.verdict import worst
from harness.report.gain import speedup_sentence
from harness.report.noise import FIELD_COLUMNS, QUALITY_COLUMNS, field_cells, quality_cells

__all__ = ["markdown_report"]

_MOST_SHOWN = 50
# What Markdown, or the HTML in it, takes for more than text.
_SPECIAL = re.compile(r"([\\`*_{}\[\]()#+!|~<>&@])")


def markdown_report(comparisons: Sequence[Comparison]) -> str:
    """All `comparisons`, the worst verdict as the heading."""
    status = worst(comparison.verdict.status for comparison in comparisons)
    lines = [f"## {status.value}: {len(comparisons)} spec{'' if len(comparisons) == 1 else 's'} compared", ""]
    for comparison in comparisons:
        lines += [*_section(comparison), ""]
    return "\n".join(lines)


def _section(comparison: Comparison) -> Iterator[str]:
    control, candidate = comparison.control, comparison.candidate
    simulated = " simulated" if comparison.model.kind == "simulated" else ""
    yield f"### {comparison.verdict.status.value} {_text(comparison.spec)}"
    yield ""
    yield (
        f"{_text(control.engine)} (control) against {_text(candidate.engine)} (candidate), policy "
        f"{comparison.policy},{simulated} model {_text(comparison.model.name)}, slots: {comparison.slots}"
    )
    yield ""
    yield from (f"- {_text(reason)}" for reason in comparison.verdict.reasons)
    yield ""
    yield "| layer | result | compared |"
    yield "| --- | --- | --- |"
    for layer in comparison.layers:
        yield f"| {layer.layer.value} | {_result(layer)} | {_text(layer.compared)} |"
    yield ""
    yield "| timing | control | candidate |"
    yield "| --- | ---: | ---: |"
    for name, form in (
        ("wall-clock", "{0.wall_s:.2f} s"),
        ("lower bound", "{0.lower_bound_s:.2f} s"),
        ("efficiency", "{0.efficiency:.0%}"),
        ("queueing", "{0.queued_s:.2f} s"),
        ("tokens in", "{0.prompt_tokens}"),
        ("tokens out", "{0.output_tokens}"),
    ):
        yield f"| {name} | {form.format(control.timing)} | {form.format(candidate.timing)} |"
    yield from ("", _text(speedup_sentence(comparison)))
    if comparison.quality:
        cells = map(quality_cells, comparison.quality_over_all or comparison.quality)
        yield from ("", *_table(QUALITY_COLUMNS, cells))
    if comparison.noise and comparison.noise.fields:
        yield from ("", *_noise(comparison.noise))
    if comparison.mismatches:
        yield from ("", *_mismatches(comparison.mismatches))


def _result(layer: LayerResult) -> str:
    if not layer.seen:
        return "not compared"
    parts = [f"**{len(layer.mismatches)}**"] if layer.mismatches else []
    parts += [f"{len(layer.uncounted)} not counted"] if layer.uncounted else []
    return ", ".join(parts) or "equal"


def _noise(noise: Noise) -> Iterator[str]:
    of = f"{noise.ab_pairs} pairs with the candidate, {noise.aa_pairs} of two controls"
    yield f"<details><summary>{len(noise.fields)} fields differ in {of}</summary>"
    yield ""
    yield from _table(FIELD_COLUMNS, (field_cells(field, noise) for field in noise.fields[:_MOST_SHOWN]))
    if len(noise.fields) > _MOST_SHOWN:
        yield from ("", f"and {len(noise.fields) - _MOST_SHOWN} more")
    yield from ("", "; ".join(dict.fromkeys(_text(f.judgement.test) for f in noise.fields)))
    yield from ("", "</details>")


def _table(columns: Sequence[str], rows: Iterable[Sequence[str]]) -> Iterator[str]:
    yield f"| {' | '.join(columns)} |"
    yield f"|{' --- |' * len(columns)}"
    for row in rows:
        yield f"| {' | '.join(map(_text, row))} |"


def _mismatches(mismatches: Sequence[Mismatch]) -> Iterator[str]:
    yield f"<details><summary>{len(mismatches)} mismatch{'es' if len(mismatches) > 1 else ''}</summary>"
    yield ""
    yield "| layer | kind | severity | what |"
    yield "| --- | --- | --- | --- |"
    for found in by_weight(mismatches)[:_MOST_SHOWN]:
        follows = " (can follow from another)" if found.follows else ""
        row = (found.layer.value, found.kind.value, found.severity.value, _text(found.sentence) + follows)
        yield f"| {' | '.join(row)} |"
    if len(mismatches) > _MOST_SHOWN:
        yield f"| | | | and {len(mismatches) - _MOST_SHOWN} more |"
    yield from ("", "</details>")


def _text(text: str) -> str:
    """`text` on one line, in which nothing is markup: models and engines have written parts of it."""
    return _SPECIAL.sub(r"\\\1", visible(" ".join(text.split())))
