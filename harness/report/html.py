"""A comparison as one HTML file that needs no network and runs no script: it can be mailed and kept."""

from __future__ import annotations

import colorsys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from jinja2 import Environment, PackageLoader, StrictUndefined

from harness.compare import Comparison, Layer, Mismatch
from harness.compare.mismatch import by_weight
from harness.compare.text import visible
from harness.compare.tokens import TokenCount, added
from harness.compare.verdict import worst
from harness.report.gain import has_speedup, speedup_sentence
from harness.report.lanes import Bar, bars_in_lanes
from harness.report.noise import FIELD_COLUMNS, QUALITY_COLUMNS, field_cells, quality_cells
from harness.report.side_by_side import DiffRow, side_by_side

__all__ = ["html_report"]

_MOST_SHOWN = 200
_MOST_TICKS = 8
_LARGEST_FILE = 1_000_000
_GOLDEN = 0.618034
_LIGHTNESS = (0.5, 0.38, 0.62)
_EVERY_MODULE, _TOTAL = "every module", "in total"


@dataclass(frozen=True, slots=True)
class _Timeline:
    name: str
    bars: tuple[Bar, ...]
    wall_s: float
    lanes: int


@dataclass(frozen=True, slots=True)
class _Found:
    mismatch: Mismatch
    rows: tuple[DiffRow, ...]


@dataclass(frozen=True, slots=True)
class _Tokens:
    """One role's calls for one module on both sides; None where a side made none."""

    role: str
    module: str | None
    control: TokenCount | None
    candidate: TokenCount | None

    @property
    def differs(self) -> bool:
        """Whether the two took not the same, times aside."""
        sides = (self.control, self.candidate)
        ours, theirs = ((s.calls, s.again, s.prompt, s.output) if s else None for s in sides)
        return ours != theirs


@dataclass(frozen=True, slots=True)
class _Together:
    """How long two modules were generated at the same time on both sides, in seconds."""

    first: str
    second: str
    control_s: float
    candidate_s: float


@dataclass(frozen=True, slots=True)
class _Section:
    comparison: Comparison
    found: tuple[_Found, ...]
    timelines: tuple[_Timeline, _Timeline]
    end_s: float
    """Where the time axis of both ends."""
    ticks: tuple[float, ...]
    tokens: tuple[_Tokens, ...]
    overlaps: tuple[_Together, ...]
    colours: Mapping[str | None, str]


def html_report(comparisons: Sequence[Comparison]) -> str:
    """All `comparisons`, the worst verdict on top. What engines and models wrote is text in it, no markup."""
    environment = Environment(
        loader=PackageLoader("harness.report", "page"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["has_speedup"] = has_speedup
    environment.filters["speedup_sentence"] = speedup_sentence
    environment.filters["shown"] = visible
    environment.filters["field_cells"] = field_cells
    environment.filters["quality_cells"] = quality_cells
    environment.globals["field_columns"] = FIELD_COLUMNS
    environment.globals["quality_columns"] = QUALITY_COLUMNS
    return environment.get_template("report.html.j2").render(
        status=worst(comparison.verdict.status for comparison in comparisons).value,
        sections=[_section(comparison) for comparison in comparisons],
        most_shown=_MOST_SHOWN,
    )


def _section(comparison: Comparison) -> _Section:
    timelines = tuple(
        _Timeline(name, bars, side.timing.wall_s, max((bar.lane for bar in bars), default=0) + 1)
        for name, side in (("control", comparison.control), ("candidate", comparison.candidate))
        for bars in [bars_in_lanes(side.timeline)]
    )
    end_s = max(max(t.wall_s, *(bar.end_s for bar in t.bars), 0.001) for t in timelines)
    shown = by_weight(comparison.mismatches)[:_MOST_SHOWN]
    return _Section(
        comparison,
        tuple(_Found(found, _rows(comparison, found)) for found in shown),
        (timelines[0], timelines[1]),
        end_s,
        _ticks(end_s),
        tuple(_tokens(comparison)),
        tuple(_overlaps(comparison)),
        _colours(*timelines),
    )


def _overlaps(comparison: Comparison) -> Iterator[_Together]:
    """The pairs of both sides, those first that were longest together in the candidate."""
    control, candidate = (
        {(pair.first, pair.second): pair.together_s for pair in side.overlaps.pairs}
        for side in (comparison.control, comparison.candidate)
    )
    for first, second in {**candidate, **control}:
        pair = first, second
        yield _Together(first, second, control.get(pair, 0.0), candidate.get(pair, 0.0))


def _tokens(comparison: Comparison) -> Iterator[_Tokens]:
    """What both sides took, the control's order first."""
    control, candidate = (
        {(count.role, count.module): count for count in side.tokens}
        for side in (comparison.control, comparison.candidate)
    )
    for role, module in {**control, **candidate}:
        yield _Tokens(role, module, control.get((role, module)), candidate.get((role, module)))
    sides = (control, candidate)
    for role in dict.fromkeys(role for side in sides for role, _ in side):
        own = [[count for count in side.values() if count.role == role] for side in sides]
        if max(map(len, own)) > 1:
            ours, theirs = (added(counts, role, _EVERY_MODULE) for counts in own)
            yield _Tokens(role, _EVERY_MODULE, ours, theirs)
    ours, theirs = (added(side.values(), _TOTAL, None) for side in sides)
    yield _Tokens(_TOTAL, None, ours, theirs)


def _rows(comparison: Comparison, found: Mismatch) -> tuple[DiffRow, ...]:
    """Both sides of a mismatch: of a file that differs the whole of it, else what the mismatch holds."""
    if found.layer is Layer.FILES:
        texts = [_file(side.folder, found.path) for side in (comparison.control, comparison.candidate)]
        if texts[0] is not None and texts[1] is not None:
            return side_by_side(texts[0], texts[1])
    if found.control is None and found.candidate is None:
        return ()
    return side_by_side(found.control or "", found.candidate or "")


def _file(folder: str, path: str) -> str | None:
    """The text of a generated file; None where it is gone, no text, or too large to be read by a person."""
    root = Path(folder, "files").resolve()
    try:
        file = (root / path).resolve()
        if not file.is_relative_to(root) or file.stat().st_size > _LARGEST_FILE:
            return None
        return file.read_text(encoding="utf-8")
    except (OSError, ValueError):
        return None


def _ticks(end_s: float) -> tuple[float, ...]:
    """Round moments on the time axis, at most eight."""
    step = 0.001
    factors = (2.0, 2.5, 2.0)
    turn = 0
    while end_s / step > _MOST_TICKS:
        step *= factors[turn % len(factors)]
        turn += 1
    return tuple(step * number for number in range(int(end_s / step) + 1))


def _colours(*timelines: _Timeline) -> dict[str | None, str]:
    """A colour for each module, as far as can be from those of the modules beside it."""
    modules = dict.fromkeys(bar.module for timeline in timelines for bar in timeline.bars)
    named = [module for module in modules if module is not None]
    return {None: "#7a7f87"} | {module: _colour(number) for number, module in enumerate(named)}


def _colour(number: int) -> str:
    # By the golden angle hues that follow one another lie far apart; lightness tells those that come near.
    red, green, blue = (
        round(255 * part)
        for part in colorsys.hls_to_rgb((0.6 + number * _GOLDEN) % 1, _LIGHTNESS[number % 3], 0.6)
    )
    return f"#{red:02x}{green:02x}{blue:02x}"
