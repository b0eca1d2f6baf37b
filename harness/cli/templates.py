"""`harness templates`: which templates there are, what they yield, and whether they hold."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from harness.cli.options import Json, Templates
from harness.cli.running import print_json, reporting
from harness.report.templates import print_checked, print_preview, print_templates
from harness.spec import find_spec
from harness.templates import check_templates, list_templates, preview, write_preview

__all__ = ["templates"]

templates = typer.Typer(
    help="Look after the templates of hybrid generation.",
    no_args_is_help=True,
)


@templates.command(name="list")
def _list(templates: Templates = None, as_json: Json = False) -> None:
    """List the templates: whose each is, and what is rendered from it.

    Exit codes: 0 done, 2 bad input.
    """
    with reporting():
        facts = list_templates(templates)
    if as_json:
        print_json([asdict(each) for each in facts])
    else:
        print_templates(Console(highlight=False), facts)


@templates.command(name="render")
def _render(
    spec: Annotated[Path, typer.Argument(help="A spec that names its modules.", metavar="SPEC")],
    module: Annotated[str | None, typer.Option(help="Only the file of this module.")] = None,
    output: Annotated[Path | None, typer.Option(help="New folder to write the files to.")] = None,
    templates: Templates = None,
    as_json: Json = False,
) -> None:
    """Show what the templates yield for a spec before a model is asked, and the gaps that it would fill.

    Exit codes: 0 done, 2 bad input, among them a template that cannot be rendered.
    """
    with reporting():
        shown = preview(find_spec(spec), templates, module)
        if output is not None:
            write_preview(shown, output)
    if as_json:
        print_json(asdict(shown))
    else:
        print_preview(Console(highlight=False), shown, contents=output is None)


@templates.command(name="check")
def _check(templates: Templates = None, as_json: Json = False) -> None:
    """Render every template for sample modules, compile what it yields, and let ruff look at it.

    Exit codes: 0 nothing is wrong, 1 something is, 2 bad input, 3 ruff failed.
    """
    with reporting():
        checked = check_templates(templates)
    if as_json:
        print_json(asdict(checked))
    else:
        print_checked(Console(highlight=False), checked)
    raise typer.Exit(1 if checked.faults else 0)
