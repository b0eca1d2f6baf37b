"""`harness schema`: the JSON Schemas of what is printed with --json and kept of a run."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from harness.cli.running import reporting
from harness.report.schema import SchemaName, schema_text, write_schema

__all__ = ["schema"]


def schema(
    name: Annotated[SchemaName, typer.Argument(help="What the schema is of.")] = SchemaName.COMPARISON,
    output: Annotated[
        Path | None,
        typer.Option(help="File to write; an earlier schema of the same version is only ever added to."),
    ] = None,
) -> None:
    """Print the JSON Schema of a comparison, of a bisection, or of a run's record.json.

    Exit codes: 0 done, 2 the file cannot be written, or what it promised would be broken.
    """
    if output is None:
        typer.echo(schema_text(name), nl=False)
        return
    with reporting():
        write_schema(name, output)
    typer.echo(f"written: {output}", err=True)
