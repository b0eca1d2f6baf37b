"""What is noise and how often the runs turn out well, as tables: all that is said of many runs together."""

from __future__ import annotations

from collections.abc import Sequence

from rich.table import Table
from rich.text import Text

from harness.compare.comparison import FieldNoise, Noise
from harness.compare.noise import NEVER_IN_CONTROL
from harness.compare.quality import QualityJudgement, Tally
from harness.compare.text import visible

__all__ = [
    "FIELD_COLUMNS",
    "QUALITY_COLUMNS",
    "field_cells",
    "noise_lines",
    "noise_table",
    "quality_cells",
    "quality_table",
]

FIELD_COLUMNS = ("field", "candidate", "control", "p", "at most", "judged")
QUALITY_COLUMNS = ("quality", "control", "candidate", "difference", "at least", "judged")
_MOST_SHOWN = 8
_STYLES = {
    "mismatch": "red",
    "undecided": "yellow",
    "noise": "dim",
    "failed": "red",
    "inconclusive": "yellow",
    "passed": "green",
}


def noise_table(noise: Noise) -> Table:
    """The fields that differ, the most important first."""
    table = Table(box=None, padding=(0, 0, 0, 2))
    for name in FIELD_COLUMNS:
        left = name in ("field", "judged")
        table.add_column(name, justify="left" if left else "right", no_wrap=name != "field")
    for field in noise.fields[:_MOST_SHOWN]:
        style = _STYLES[field.judgement.kind]
        where, *numbers, judged = field_cells(field, noise)
        table.add_row(Text(visible(where), overflow="fold"), *numbers, Text(judged, style))
    return table


def noise_lines(noise: Noise) -> list[Text]:
    """What stands around the table: how many pairs there were, what is not shown, and the test."""
    pairs = f"{noise.ab_pairs} with the candidate, {noise.aa_pairs} of two controls"
    if not noise.fields:
        return [Text(f"nothing that counts differs in any pair: {pairs}")]
    lines = [Text(f"in how many pairs a field differs: {pairs}")]
    rest = noise.fields[_MOST_SHOWN:]
    if rest:
        lines.append(Text(f"and {len(rest)} more ({_kinds(rest)})"))
    lines.append(Text("; ".join(dict.fromkeys(f.judgement.test for f in noise.fields)), "dim"))
    if noise.more_pairs:
        lines.append(Text(f"about {noise.more_pairs} more pairs of each sort would decide", "yellow"))
    return lines


def field_cells(field: FieldNoise, noise: Noise) -> tuple[str, ...]:
    """The cells of one field."""
    judged = field.judgement
    return (
        f"{field.layer.value}: {field.kind.value}: {field.path} ({field.severity.value})",
        f"{round(judged.rate_ab * noise.ab_pairs)}/{noise.ab_pairs}",
        f"{round(judged.rate_aa * noise.aa_pairs)}/{noise.aa_pairs}",
        f"{judged.p:.2g}",
        "-" if judged.test == NEVER_IN_CONTROL else f"{judged.limit:.2g}",
        judged.kind,
    )


def quality_table(judged: Sequence[QualityJudgement]) -> Table:
    """How often the runs of each side turned out well."""
    table = Table(box=None, padding=(0, 0, 0, 2))
    for name in QUALITY_COLUMNS:
        left = name in ("quality", "judged")
        table.add_column(name, justify="left" if left else "right", no_wrap=name != "judged")
    for judgement in judged:
        *cells, said = quality_cells(judgement)
        table.add_row(*cells, Text(said, _STYLES[judgement.kind]))
    return table


def quality_cells(judgement: QualityJudgement) -> tuple[str, ...]:
    """The cells of one quality."""
    more = judgement.more_runs
    needs = f", about {more} more runs of each" if judgement.kind == "inconclusive" and more else ""
    return (
        judgement.quality,
        _share(judgement.control),
        _share(judgement.candidate),
        f"{judgement.low:+.2f} to {judgement.high:+.2f}",
        f"{-judgement.margin:+.2f}",
        f"{judgement.kind}{needs}",
    )


def _share(tally: Tally) -> str:
    return f"{tally.good}/{tally.runs}"


def _kinds(fields: Sequence[FieldNoise]) -> str:
    counts: dict[str, int] = {}
    for field in fields:
        counts[field.judgement.kind] = counts.get(field.judgement.kind, 0) + 1
    return ", ".join(f"{count} {kind}" for kind, count in counts.items())
