"""Templates on the terminal: the list of them, what they yield, and what is wrong with them."""

from __future__ import annotations

from collections.abc import Sequence

from rich.console import Console
from rich.table import Table
from rich.text import Text

from harness.compare.text import visible
from harness.templates import CheckedTemplates, Preview, TemplateFacts

__all__ = ["print_checked", "print_preview", "print_templates"]

_WIDEST = 1_000


def print_templates(console: Console, facts: Sequence[TemplateFacts]) -> None:
    """A line for each template."""
    table = Table(box=None, padding=(0, 2, 0, 0))
    for column in ("template", "whose", "renders"):
        table.add_column(column, no_wrap=True)
    for each in facts:
        table.add_row(*(Text(visible(text)) for text in (each.name, each.origin.value, each.renders)))
    Console(file=console.file, width=_WIDEST, highlight=False).print(table)


def print_preview(console: Console, shown: Preview, *, contents: bool) -> None:
    """The files, with `contents` or by name, each with its gaps; then what a model would write whole."""
    for file in shown.files:
        console.print(Text(f"=== {file.path} from {file.template}", "bold"), soft_wrap=True)
        if contents:
            console.print(Text(file.content), soft_wrap=True)
        for gap in file.gaps:
            console.print(Text(f"  gap {gap.name}, line {gap.line}: {visible(gap.does)}"), soft_wrap=True)
    for path in shown.whole:
        console.print(Text(f"=== {path}: no template; a model writes it whole", "bold"), soft_wrap=True)
    console.print(Text(shown.placeholders), soft_wrap=True)


def print_checked(console: Console, checked: CheckedTemplates) -> None:
    """A line for each fault, then the sum."""
    for fault in checked.faults:
        console.print(Text(f"{visible(fault.place)}: {visible(fault.reason)}", "red"), soft_wrap=True)
        if fault.yielded:
            console.print(Text(f"    yields {visible(fault.yielded)}"), soft_wrap=True)
        if fault.samples:
            more = f", and for {fault.samples - 1} more" if fault.samples > 1 else ""
            console.print(Text(f"    for a {fault.sample}{more}"), soft_wrap=True)
    looked = "compiled and looked at by ruff" if checked.ruff else "compiled; ruff is not installed"
    verdict = _count(checked.faults) if checked.faults else "nothing is wrong"
    console.print(
        Text(f"{checked.templates} templates, {checked.files} files rendered, {looked}: {verdict}"),
        soft_wrap=True,
    )


def _count(faults: Sequence[object]) -> str:
    return f"{len(faults)} fault{'s' * (len(faults) != 1)}"
