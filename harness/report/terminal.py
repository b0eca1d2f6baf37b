"""A comparison on the terminal: the first screen is enough to decide.

What comes from specs, engines and models is only ever put into `Text`, where nothing in it is markup, and
through `visible`, so that nothing in it reaches the terminal as a command.
"""

from __future__ import annotations

from collections.abc import Sequence

from rich.console import Console, Group, RenderableType
from rich.padding import Padding
from rich.rule import Rule
from rich.table import Table
from rich.text import Text

from harness.compare import Comparison, LayerResult, Mismatch, Status
from harness.compare.expectations import ExpectationStatus
from harness.compare.mismatch import by_weight
from harness.compare.normalisation import RuleFired
from harness.compare.text import visible
from harness.compare.verdict import worst
from harness.report.gain import has_speedup, why_no_speedup
from harness.report.noise import noise_lines, noise_table, quality_table
from harness.report.repeats import interval_lines, repeats_table
from harness.report.timeline import timeline_rows

__all__ = ["print_comparison", "print_summary"]

_MOST_SHOWN = 8
_MOST_FOLLOWING_SHOWN = 3
_PADDING = (0, 0, 0, 2)

_STYLES = {
    Status.PASS: "bold green",
    Status.FAIL: "bold red",
    Status.ERROR: "bold magenta",
    Status.INCONCLUSIVE: "bold yellow",
}

_MARKS = {
    ExpectationStatus.MET: ("as expected: ", "green"),
    ExpectationStatus.UNMET: ("not as expected: ", "red"),
    ExpectationStatus.INCONCLUSIVE: ("inconclusive: ", "yellow"),
    ExpectationStatus.NOT_JUDGED: ("not judged: ", "yellow"),
}


def print_comparison(console: Console, comparison: Comparison) -> None:
    """Print `comparison`: layers, mismatches, timing, what ran in parallel; the verdict first and last."""
    console.print(_body(comparison, console.width))
    # One line however narrow the terminal is, so that it can be searched for and taken from the end of a log.
    console.print(_verdict_line(comparison), soft_wrap=True)


def print_summary(console: Console, comparisons: Sequence[Comparison]) -> None:
    """Print one line for each of several comparisons, and the worst verdict."""
    table = Table(box=None, padding=_PADDING)
    for column in ("spec", "verdict", "speed-up", "mismatches"):
        table.add_column(column, justify="right" if column in ("speed-up", "mismatches") else "left")
    for comparison in comparisons:
        status = comparison.verdict.status
        table.add_row(
            _plain(comparison.spec),
            Text(status.value, _STYLES[status]),
            f"{comparison.speedup:.2f}" if has_speedup(comparison) else "-",
            str(len(comparison.mismatches)),
        )
    status = worst(comparison.verdict.status for comparison in comparisons)
    console.print(_rule("all specs"), table)
    over_all = next((c.quality_over_all for c in comparisons if c.quality_over_all), ())
    if over_all:
        console.print("", quality_table(over_all), "", sep="\n")
    console.print(Text(f"{status.value}: {len(comparisons)} specs compared", _STYLES[status]), soft_wrap=True)


def _body(comparison: Comparison, width: int) -> Group:
    parts: list[RenderableType] = [
        _rule(comparison.spec),
        # Here too, as all of it rarely fits on one screen; not at the left edge, where it is searched for.
        _indented(_verdict_line(comparison)),
        _header(comparison),
        "",
        _layers(comparison),
    ]
    if comparison.normalisation:
        parts.append(_indented(_put_aside(comparison.normalisation)))
    shown = [*_mismatches(comparison.mismatches), *_uncounted(comparison)]
    if shown:
        parts += ["", *map(_indented, shown)]
    parts += ["", _timing(comparison), _indented(_limit(comparison))]
    if comparison.repeats:
        parts += ["", repeats_table(comparison.repeats), *map(_indented, interval_lines(comparison.repeats))]
    parts += _of_many(comparison)
    mirrors = _mirrors(comparison)
    if mirrors:
        parts += ["", *map(_indented, mirrors)]
    if comparison.candidate_overlaps:
        parts += ["", _overlaps(comparison)]
    bars = timeline_rows(comparison, width)
    if bars is not None:
        parts += ["", bars]
    if comparison.expectations:
        parts += ["", *map(_indented, _expectations(comparison))]
    if comparison.notes:
        parts += ["", *(_indented(Text.assemble(("note: ", "yellow"), visible(n))) for n in comparison.notes)]
    parts += ["", *map(_indented, _records(comparison)), *map(_indented, _more_reasons(comparison))]
    return Group(*parts)


def _of_many(comparison: Comparison) -> list[RenderableType]:
    """What is noise and how often the runs turn out well."""
    parts: list[RenderableType] = []
    if comparison.noise:
        parts += ["", *([noise_table(comparison.noise)] if comparison.noise.fields else [])]
        parts += map(_indented, noise_lines(comparison.noise))
    if comparison.quality:
        parts += ["", quality_table(comparison.quality)]
    return parts


def _header(comparison: Comparison) -> Text:
    model = comparison.model
    if model.kind == "simulated":
        at = f" at {model.url}" if model.url else ""
        answered = Text.assemble(("simulated model", "bold"), f"{at} (asked as {visible(model.name)})")
    elif model.kind == "replay":
        source = f", recorded from {model.source}" if model.source else ""
        answered = _plain(f"replay of {model.cassette}{source} (asked as {model.name})")
    elif model.kind == "local":
        at = f" at {model.url}" if model.url else ""
        answered = Text.assemble(
            ("local model", "bold"),
            visible(
                f" {model.source}{at} (asked as {model.name}), to prove the line, not to write good code"
            ),
        )
    else:
        answered = _plain(f"Ollama {model.name} at {model.url}")
    if model.kind != "replay" and model.cassette:
        answered.append(visible(f", recorded into {model.cassette}"))
    return Text.assemble(
        f"{visible(comparison.control.engine)} (control) against {visible(comparison.candidate.engine)} "
        f"(candidate), policy {comparison.policy}\n",
        answered,
        f" · {_slots(comparison.slots)}",
        f" · Redis: {visible(comparison.redis)}" if comparison.redis else "",
    )


def _layers(comparison: Comparison) -> Table:
    table = Table(box=None, padding=_PADDING, show_header=False)
    for layer in comparison.layers:
        table.add_row(layer.layer.value, _result(layer), _plain(layer.compared))
    return table


def _result(layer: LayerResult) -> Text:
    if not layer.seen:
        return Text("not compared", "yellow", no_wrap=True)
    count, rest = len(layer.mismatches), len(layer.uncounted)
    if not count:
        return Text(f"{rest} not counted", "yellow", no_wrap=True) if rest else Text("equal", "green")
    also = f", {rest} not counted" if rest else ""
    return Text(f"{count} mismatch{'es' if count > 1 else ''}{also}", "red", no_wrap=True)


def _put_aside(fired: Sequence[RuleFired]) -> Text:
    """What was put aside, by rule; of both sides together where that is the same."""
    counts = [
        f"{rule.rule} {rule.control}" + (f" and {rule.candidate}" if rule.control != rule.candidate else "")
        for rule in fired
    ]
    return Text(visible(f"put aside before comparing: {', '.join(counts)}"), "dim")


def _mismatches(mismatches: Sequence[Mismatch]) -> list[Text]:
    roots = [mismatch for mismatch in by_weight(mismatches) if not mismatch.follows]
    rest = [mismatch for mismatch in by_weight(mismatches) if mismatch.follows]
    if not roots:
        # What they follow from is noise.
        roots, rest = rest, roots
    lines = []
    for m in roots[:_MOST_SHOWN]:
        lines.append(Text.assemble((f"{m.layer.value}: {m.kind.value}: ", "red"), visible(m.sentence)))
        if m.words:
            lines.append(Text.assemble(("  words: ", "dim"), visible(m.words)))
    if len(roots) > _MOST_SHOWN:
        lines.append(Text(f"and {len(roots) - _MOST_SHOWN} more"))
    if rest:
        shown = rest[:_MOST_FOLLOWING_SHOWN]
        among = "" if len(shown) == len(rest) else f", the first {len(shown)} of them"
        lines.append(Text(f"{len(rest)} more can follow from that{among}:", "dim"))
        lines += [Text(f"  {m.layer.value}: {m.kind.value}: {visible(m.sentence)}", "dim") for m in shown]
    return lines


def _uncounted(comparison: Comparison) -> list[Text]:
    """What differs and breaks nothing; what is noise has a table of its own."""
    rest = [mismatch for layer in comparison.layers for mismatch in layer.uncounted]
    if comparison.noise or not rest:
        return []
    shown = rest[:_MOST_FOLLOWING_SHOWN]
    among = "" if len(shown) == len(rest) else f", the first {len(shown)} of them"
    lines = [Text(f"{len(rest)} more do{'' if len(rest) > 1 else 'es'} not count{among}:", "dim")]
    return lines + [Text(f"  {m.layer.value}: {m.kind.value}: {visible(m.sentence)}", "dim") for m in shown]


def _timing(comparison: Comparison) -> Table:
    control, candidate = comparison.control.timing, comparison.candidate.timing
    table = _two_sided("times")
    of_all = " (of all pairs)" if comparison.repeats else ""
    gain = f"speed-up {comparison.speedup:.2f}{of_all}"
    if not has_speedup(comparison):
        gain = why_no_speedup(comparison)
    rows = [
        ("wall-clock", "wall_s", "{:.2f} s", gain),
        ("lower bound", "lower_bound_s", "{:.2f} s", "max(critical path, work / slots)"),
        ("  critical path", "critical_path_s", "{:.2f} s", "longest chain of needs"),
        ("  work / slots", "work_over_slots_s", "{:.2f} s", f"generating, on {_slots(comparison.slots)}"),
        ("efficiency", "efficiency", "{:.0%}", "lower bound / wall-clock"),
        ("list schedule", "list_schedule_s", "{:.2f} s", "same calls, critical path first"),
        ("  wall-clock over it", "over_list_schedule", "{:.3f}", "1 is perfect scheduling"),
        ("first token", "ttft_s", "{:.2f} s", "from the slot, median of all calls"),
        ("generating", "work_s", "{:.2f} s", "summed over all calls"),
        ("queueing", "queued_s", "{:.2f} s", "waiting for a slot, summed"),
        ("nothing generating", "idle_s", "{:.2f} s", "what the engine itself takes"),
        ("processor time", "cpu_s", "{:.2f} s", "of the engine's process"),
        ("start-up", "startup_s", "{:.2f} s", "before the clock, not counted"),
        ("calls", "calls", "{}", ""),
        ("tokens in", "prompt_tokens", "{}", ""),
        ("tokens out", "output_tokens", "{}", ""),
    ]
    for name, field, form, note in rows:
        style = "bold" if name == "wall-clock" else ""
        told = [_told(getattr(facts, field), form) for facts in (control, candidate)]
        table.add_row(name, *told, Text(note), style=style)
    return table


def _told(value: float | None, form: str) -> str:
    return "-" if value is None else form.format(value)


def _limit(comparison: Comparison) -> Text:
    sentence = comparison.limit.sentence
    return Text(sentence[:1].upper() + sentence[1:])


def _mirrors(comparison: Comparison) -> list[Text]:
    """How the mirrors of the two kept up, where they have one."""
    lines = []
    for name, side in (("control", comparison.control), ("candidate", comparison.candidate)):
        if side.mirror is not None:
            style = "green" if side.mirror.caught_up else "yellow"
            lines.append(Text.assemble((f"mirror of the {name}: ", style), visible(str(side.mirror))))
    return lines


def _overlaps(comparison: Comparison) -> Table:
    table = _two_sided("generated at the same time")
    for before, after in zip(comparison.control_overlaps, comparison.candidate_overlaps, strict=True):
        alone = [
            f"{visible(name)}: {took:.2f} s" + (f" from {since:.2f} s" if since is not None else "")
            for name, took, since in (
                (after.first, after.first_s, after.first_from_s),
                (after.second, after.second_s, after.second_from_s),
            )
        ]
        table.add_row(
            _plain(f"{after.first} and {after.second}"),
            f"{before.together_s:.3f} s",
            f"{after.together_s:.3f} s",
            Text("\n".join(alone)),
        )
    return table


def _expectations(comparison: Comparison) -> list[Text]:
    return [Text.assemble(_MARKS[e.status], visible(e.sentence)) for e in comparison.expectations]


def _records(comparison: Comparison) -> list[Text]:
    return [
        Text(f"{name} {visible(side.folder)}", "dim", overflow="fold")
        for name, side in (("control:  ", comparison.control), ("candidate:", comparison.candidate))
    ]


def _more_reasons(comparison: Comparison) -> list[Text]:
    """The reasons behind the first, where they are no mismatches and stand nowhere else."""
    if comparison.verdict.status is not Status.ERROR:
        return []
    return [Text(f"also: {visible(reason)}") for reason in comparison.verdict.reasons[1:]]


def _verdict_line(comparison: Comparison) -> Text:
    verdict = comparison.verdict
    more = f" (and {len(verdict.reasons) - 1} more)" if len(verdict.reasons) > 1 else ""
    gain = ""
    if verdict.status is Status.PASS and has_speedup(comparison):
        gain = f"; speed-up {comparison.speedup:.2f}"
    return Text.assemble(
        (verdict.status.value, _STYLES[verdict.status]),
        visible(f" {comparison.spec}: {verdict.reasons[0]}{gain}{more}"),
    )


def _two_sided(title: str) -> Table:
    table = Table(box=None, padding=_PADDING)
    table.add_column(title)
    table.add_column("control", justify="right", no_wrap=True)
    table.add_column("candidate", justify="right", no_wrap=True)
    table.add_column("")
    return table


def _slots(count: int) -> str:
    return f"{count} slot{'s' if count > 1 else ''}"


def _rule(title: str) -> Rule:
    return Rule(_plain(title), align="left", style="dim")


def _indented(text: Text) -> Padding:
    """`text` with its left edge where it begins, in the lines too into which it is broken."""
    deeper = len(text.plain) - len(text.plain.lstrip(" "))
    return Padding(text[deeper:], (0, 0, 0, 2 + deeper))


def _plain(text: str) -> Text:
    return Text(visible(text), overflow="fold")
