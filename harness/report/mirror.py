"""Mirrors on the terminal: what was followed, backfilled, found, repaired and exported."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence

from rich.console import Console
from rich.text import Text

from harness.compare.text import shortened, told_apart, visible
from harness.state.backfill import Backfilled, BackfillOutcome
from harness.state.drift import Drift, DriftKind
from harness.state.export import Export
from harness.state.follow_summary import FollowSummary
from harness.state.repair import Repair
from harness.state.verify import Standing, Verification

__all__ = ["drift_sentence", "print_backfill", "print_export", "print_follow", "print_repair", "print_verify"]

_MOST_DRIFTS = 20
_MOST_EQUAL = 20
_LENGTH = 100


def print_follow(console: Console, summaries: Sequence[FollowSummary]) -> None:
    """How it went with each project, in two lines."""
    for summary in summaries:
        word, style = ("in Redis", "green") if summary.caught_up else ("not caught up", "bold magenta")
        if summary.drifted:
            word, style = "another document in Redis", "bold red"
        _print(console, f"{summary.project}: ", (word, style), f" as {summary.run}")
        lag = "none written meanwhile"
        if summary.lag_median_ms is not None and summary.lag_max_ms is not None:
            lag = f"lag {summary.lag_median_ms:.1f} ms median, {summary.lag_max_ms:.1f} ms at most"
        _print(
            console,
            f"  {_counted(summary.seen, 'state')} seen, {summary.mirrored} mirrored, "
            f"{summary.half_written} half-written readings; {lag}; "
            f"{_counted(summary.writes, 'write')}, {_size(summary.size)}",
        )
        if summary.problem:
            _print(console, f"  {summary.problem}")


def print_backfill(console: Console, found: Sequence[Backfilled], took_s: float) -> None:
    """Those that could not be mirrored by name, then how many were."""
    for each in found:
        if each.reason is not None:
            _print(console, (f"{each.outcome}: ", "bold red"), each.reason)
    counts = Counter(each.outcome for each in found)
    size = sum(each.size for each in found if each.outcome is BackfillOutcome.MIRRORED)
    parts = [f"{counts[outcome]} {outcome}" for outcome in BackfillOutcome if counts[outcome]]
    rate = f", {size / 1e6 / took_s:.1f} MB/s" if took_s > 0 and size else ""
    _print(
        console,
        f"{_counted(len(found), 'project')}: {', '.join(parts)}; {_size(size)} in {took_s:.1f} s{rate}",
    )


def print_verify(console: Console, found: Sequence[Verification], most: int = _MOST_DRIFTS) -> None:
    """A line for each project, each drift below it, `most` of them at most and then how many more.

    Where there are many projects, those that are equal are only counted.
    """
    shown = [each for each in found if len(found) <= _MOST_EQUAL or each.standing is not Standing.EQUAL]
    for each in shown:
        equal = each.standing in (Standing.EQUAL, Standing.LAPSED)
        said = _counted(len(each.drifts), "drift") if each.drifts else each.standing.value
        _print(console, f"{each.project}: ", (said, "green" if equal else "bold red"), f" ({each.run})")
        if each.reason:
            _print(console, f"  {each.reason}")
        for drift in each.drifts[:most]:
            _print(console, f"  {drift_sentence(drift)}")
        if len(each.drifts) > most:
            _print(console, f"  and {len(each.drifts) - most} more; --json has them all")
    if len(found) > 1:
        counts = Counter(each.standing for each in found)
        parts = ", ".join(f"{counts[standing]} {standing}" for standing in Standing if counts[standing])
        _print(console, f"{len(found)} projects: {parts}")


def print_repair(console: Console, repair: Repair) -> None:
    """What was found, what was done, and where that is which was overwritten."""
    if repair.before.standing is Standing.EQUAL:
        _print(console, f"{repair.before.project}: equal; nothing to repair")
        return
    print_verify(console, [repair.before])
    if repair.after is None:
        _print(console, f"would make {repair.target} equal to the {_source(repair)}, and keep what it was")
        return
    if repair.kept:
        _print(console, f"kept what was there: {repair.kept}")
    end = (
        ("equal now", "green") if repair.after.standing is Standing.EQUAL else ("still not equal", "bold red")
    )
    _print(console, f"{repair.target} was made equal to the {_source(repair)}: ", end)


def print_export(console: Console, export: Export) -> None:
    """What was written where."""
    if export.kept:
        _print(console, f"kept what was there: {export.kept}")
    done = "written" if export.written else "was the same already"
    _print(console, f"{export.path}: {done} (run {export.run}, {_size(export.size)})")


def drift_sentence(drift: Drift) -> str:
    """A drift in one line: its path, and both values where they differ."""
    path = shortened(drift.path, _LENGTH)
    if drift.kind is DriftKind.MISSING:
        return f"{path} is missing in Redis (file: {_short(drift.file)})"
    if drift.kind is DriftKind.EXTRA:
        return f"{path} is only in Redis ({_short(drift.redis)})"
    if drift.kind is DriftKind.ORDER:
        return f"{path} stands at place {drift.redis} in Redis, at {drift.file} in the file"
    if isinstance(drift.file, str) and isinstance(drift.redis, str):
        file, redis = told_apart(drift.file, drift.redis)
    else:
        file, redis = told_apart(_text(drift.file), _text(drift.redis))
    return f"{path} is {redis} in Redis, {file} in the file"


def _source(repair: Repair) -> str:
    return "file" if repair.source.value == "json" else "document in Redis"


def _short(value: object) -> str:
    return shortened(_text(value), _LENGTH)


def _text(value: object) -> str:
    """A value as JSON, in which 1 and "1" are two things."""
    return json.dumps(value, ensure_ascii=False)


def _counted(count: int, noun: str) -> str:
    return f"{count} {noun}{'' if count == 1 else 's'}"


def _size(size: int) -> str:
    if size < 1000:
        return f"{size} B"
    return f"{size / 1e3:.1f} kB" if size < 1e6 else f"{size / 1e6:.1f} MB"


def _print(console: Console, *parts: str | tuple[str, str]) -> None:
    made = [visible(part) if isinstance(part, str) else (visible(part[0]), part[1]) for part in parts]
    console.print(Text.assemble(*made), soft_wrap=True)
