"""`harness trace`: stored runs as a trace for Perfetto, or as spans for a collector."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from harness.cli.options import DEFAULT_STORE, Store
from harness.cli.running import reporting
from harness.record import RunStore
from harness.report.chrome_trace import chrome_trace
from harness.report.otlp import Endpoint, export_runs
from harness.report.report_files import write_report
from harness.report.stored_records import stored_records

__all__ = ["trace"]


def trace(
    runs: Annotated[
        list[str], typer.Argument(help="Ids of stored runs, or their beginnings.", metavar="RUN...")
    ],
    output: Annotated[
        Path | None,
        typer.Option(help="File for the trace; without it, and without --otlp, <run>.trace.json."),
    ] = None,
    otlp: Annotated[
        str | None, typer.Option(metavar="URL", help="OpenTelemetry collector to send the runs to as spans.")
    ] = None,
    store: Store = DEFAULT_STORE,
) -> None:
    """Write stored runs as one trace, for ui.perfetto.dev or chrome://tracing, or send them as spans.

    Exit codes: 0 done, 2 bad input, 3 the collector did not take them.
    """
    with reporting():
        endpoint = None if otlp is None else Endpoint.parse(otlp)
        records = stored_records(RunStore(store), runs)
        if endpoint is None and output is None:
            output = Path(f"{records[0].summary.id}.trace.json")
        if output is not None:
            write_report(output, chrome_trace(records))
            typer.echo(f"written: {output}", err=True)
        if endpoint is not None:
            typer.echo(f"sent: {export_runs(records, endpoint)} spans to {endpoint.shown}", err=True)
