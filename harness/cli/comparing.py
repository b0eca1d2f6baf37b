"""What `harness compare` does once everything is loaded: it compares, and hands the result on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Self

import typer
from rich.console import Console

from harness.cli.running import print_json
from harness.compare import Comparison
from harness.compare.all_specs import judge_all_specs
from harness.compare.terms import Policy, Terms
from harness.compare.verdict import exit_code, worst
from harness.engines.ahead import StartedAhead
from harness.errors import HarnessError
from harness.record import RunStore
from harness.report.otlp import Endpoint, export_compared
from harness.report.progress import TrialProgress
from harness.report.report_files import ReportFiles
from harness.report.terminal import print_comparison, print_summary
from harness.session import SessionSettings
from harness.spec import Spec
from harness.trial import run_trial

if TYPE_CHECKING:
    from harness.behaviour import ExecuteSettings

__all__ = ["Outlets", "compare_specs"]


@dataclass(frozen=True, slots=True)
class Outlets:
    """Where the result goes, beside the terminal."""

    files: ReportFiles
    collector: Endpoint | None
    store: Path
    as_json: bool

    @classmethod
    def checked(
        cls,
        markdown: Path | None,
        junit: Path | None,
        html: Path | None,
        otlp: str | None,
        *,
        specs: Sequence[Path],
        store: Path,
        as_json: bool,
    ) -> Self:
        """Those that were asked for; `BadInputError` where one cannot be."""
        files = ReportFiles(markdown, junit, html)
        files.check(specs)
        return cls(files, None if otlp is None else Endpoint.parse(otlp), store, as_json)

    def give(self, comparisons: Sequence[Comparison]) -> int:
        """Give `comparisons` to all of them; returns the exit code of their verdicts."""
        if self.as_json:
            # Before the files: what cannot be written must not take the result with it.
            print_json([comparison.model_dump(mode="json") for comparison in comparisons])
        for path in self.files.write(comparisons):
            typer.echo(f"written: {path}", err=True)
        if self.collector is not None:
            _send(comparisons, RunStore(self.store), self.collector)
        return exit_code(worst(comparison.verdict.status for comparison in comparisons))


def _send(comparisons: Sequence[Comparison], store: RunStore, collector: Endpoint) -> None:
    try:
        sent = export_compared(comparisons, store, collector)
        typer.echo(f"sent: {sent} spans to {collector.shown}", err=True)
    except HarnessError as error:
        # The verdict stands, and so does its exit code: the runs are stored, and can be sent another time.
        typer.echo(f"harness: {error}; harness trace RUN --otlp URL sends it again", err=True)


async def compare_specs(
    specs: list[Spec],
    control: str,
    candidate: str,
    settings: SessionSettings,
    *,
    quiet: bool,
    terms: Terms,
    policy: Policy | None,
    repeat: int,
    aa: bool | None,
    execution: ExecuteSettings | None,
    ahead: StartedAhead,
) -> Sequence[Comparison]:
    """Compare and show each as it comes, unless it is to be `quiet`; see `harness.trial.run_trial`."""
    found = []
    out = Console(quiet=quiet, highlight=False)
    with TrialProgress(Console(stderr=True)) as progress:
        async for comparison in run_trial(
            specs,
            control,
            candidate,
            settings,
            progress,
            terms,
            policy=policy,
            repeat=repeat,
            aa=aa,
            execute=execution,
            ahead=ahead,
        ):
            print_comparison(out, comparison)
            found.append(comparison)
    comparisons = judge_all_specs(found, margin=terms.margin, repeat=repeat)
    if len(comparisons) > 1:
        print_summary(out, comparisons)
    return comparisons
