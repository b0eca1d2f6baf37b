"""Cassettes on the terminal."""

from __future__ import annotations

from collections.abc import Sequence

from rich.console import Console
from rich.table import Table
from rich.text import Text

from harness.cassettes import CassetteFacts, EntryFacts, Pruning
from harness.compare.text import visible
from harness.gateway.cassette import Entry

__all__ = ["print_cassettes", "print_entries", "print_entry", "print_pruning"]

_NUMBERS = frozenset({"entries", "requests", "runs", "size", "line", "status", "took", "characters", "used"})


def print_cassettes(console: Console, cassettes: Sequence[CassetteFacts]) -> None:
    """Two lines for each cassette: numbers, and below its name which model was asked and what answered."""
    table = _table("cassette", "entries", "requests", "runs", "size", "last recorded")
    for facts in cassettes:
        named = f"{visible(facts.path)}\n  {visible(', '.join(facts.models))}"
        named += f" from {visible(', '.join(facts.sources))}" if facts.sources else ""
        last = facts.last_at.partition(".")[0].replace("T", " ")
        numbers = (str(facts.entries), str(facts.requests), str(facts.runs), f"{facts.size / 1000:.0f} kB")
        when = last + ("\nlast entry unfinished" if facts.torn else "")
        table.add_row(Text(named, overflow="fold"), *numbers, Text(when))
    console.print(table)


def print_entries(console: Console, entries: Sequence[EntryFacts]) -> None:
    """A line for each entry; where runs were looked at, how often they used it."""
    counted = any(entry.used is not None for entry in entries)
    used = ("used",) if counted else ()
    table = _table("line", "lane", "status", "took", "characters", *used)
    # By how it begins, in what is left of the line.
    table.add_column("answer", no_wrap=True, ratio=1)
    table.expand = True
    for entry in entries:
        status = f"{entry.status}{'' if entry.whole else ' cut'}"
        times = (str(entry.used),) if counted else ()
        row = (str(entry.line), entry.lane, status, f"{entry.took_s:.2f} s", str(entry.characters), *times)
        opening = Text(visible(entry.opening), overflow="ellipsis")
        table.add_row(*(Text(visible(cell), overflow="fold") for cell in row), opening)
    console.print(table)
    if counted:
        unused = sum(not entry.used for entry in entries)
        console.print(Text(f"{unused} of {len(entries)} entries were used by nobody"))


def print_entry(console: Console, entry: Entry) -> None:
    """One entry, whole."""
    console.print(Text(f"{entry.lane}, asked of {entry.request.model}, answered by {entry.source}", "bold"))
    for message in entry.request.messages:
        console.print(Text(f"\n{message.role}:", "bold"))
        console.print(_text(message.content))
    console.print(Text("\nanswer:", "bold"))
    console.print(_text(entry.answer))


def print_pruning(console: Console, pruning: Pruning, *, dry_run: bool) -> None:
    """What was taken out."""
    if not pruning.dropped:
        console.print(Text(f"{visible(pruning.path)}: every entry was used; nothing to drop"), soft_wrap=True)
        return
    lines = ", ".join(map(str, pruning.dropped))
    done = "would be dropped" if dry_run else "dropped; the cassette as it was is kept beside it (.bak)"
    sentence = f"{pruning.path}: {len(pruning.dropped)} entries (lines {lines}) {done}; {pruning.kept} kept"
    console.print(Text(visible(sentence)), soft_wrap=True)


def _text(text: str) -> Text:
    """`text` with its lines, and nothing in it that a terminal would obey."""
    return Text("\n".join(visible(line) for line in text.split("\n")))


def _table(*columns: str) -> Table:
    table = Table(box=None, padding=(0, 2, 0, 0))
    for column in columns:
        table.add_column(column, justify="right" if column in _NUMBERS else "left")
    return table
