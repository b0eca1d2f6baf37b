"""One session of `pytest --benchmark`: what is told while it runs, and how it ends."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from io import StringIO
from pathlib import Path
from time import monotonic

import pytest
from rich.console import Console

from benchmarks.baseline import Change, Compared, compare
from benchmarks.page import page
from benchmarks.report import BadReportError, Report, read_report
from benchmarks.results import Figure, Ratio, Results
from benchmarks.scale import Scale
from benchmarks.surroundings import load, surroundings
from benchmarks.tables import figure_line, missed_line, print_tables, ratio_line
from harness.whole_file import write_whole

__all__ = ["Measuring"]

_NARROWEST = 120


class Measuring:
    """The plugin of a session that measures; nobody registers it in one that only tests.

    It fails the session where a promise is missed or a ratio is worse than the baseline's beyond its noise.
    `pytest.UsageError` where the baseline cannot be read or the folder for the results cannot be made.
    """

    def __init__(
        self, config: pytest.Config, scale: Scale, baseline: Path | None, folder: Path | None
    ) -> None:
        self.results = Results(self._tell)
        self._config = config
        self._scale = scale
        self._folder = folder
        self._baseline = baseline
        self._failed: list[str] = []
        self._began = datetime.now(UTC)
        self._began_s = monotonic()
        self._load_before = load()
        self._stored = 0
        self._report: Report | None = None
        try:
            self._before = read_report(baseline) if baseline else None
            if folder:
                folder.mkdir(parents=True, exist_ok=True)
        except BadReportError as error:
            raise pytest.UsageError(f"--benchmark-baseline: {error}") from error
        except OSError as error:
            raise pytest.UsageError(f"--benchmark-output: {folder}: {error.strerror or error}") from error

    def _tell(self, found: Ratio | Figure) -> None:
        """Say what was found at once, past the capturing of the test that found it."""
        reporter = self._config.pluginmanager.getplugin("terminalreporter")
        capture = self._config.pluginmanager.getplugin("capturemanager")
        if reporter is None or capture is None:
            return
        with capture.global_and_fixture_disabled():
            reporter.ensure_newline()
            line = ratio_line(found) if isinstance(found, Ratio) else figure_line(found)
            reporter.write_line(f"  {line}")

    def pytest_report_header(self) -> str:
        beside = f", beside {self._baseline}" if self._baseline else ""
        return f"load tests: {self._scale.value} scale{beside}"

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if report.failed:
            self._failed.append(report.nodeid)
        # A session can take hours: what it has found outlives whatever cuts it off.
        found = len(self.results.ratios) + len(self.results.figures)
        if report.when == "teardown" and found > self._stored:
            self._stored = found
            self._store(self._made(unfinished=True))

    @pytest.hookimpl(tryfirst=True)
    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        if not self.results.ratios and not self.results.figures and self._before is None:
            return
        self._report = report = self._made(unfinished=False)
        if session.exitstatus == pytest.ExitCode.OK and (report.missed or _worsened(report.compared)):
            session.exitstatus = pytest.ExitCode.TESTS_FAILED

    def _made(self, *, unfinished: bool) -> Report:
        ratios = self.results.ratios
        before = None if unfinished else self._before
        return Report(
            began=self._began,
            took_s=round(monotonic() - self._began_s, 3),
            scale=self._scale,
            surroundings=surroundings(self._config.rootpath, self._load_before),
            failed=tuple(self._failed),
            unfinished=unfinished,
            ratios=ratios,
            figures=self.results.figures,
            compared=compare(str(self._baseline), before.ratios, ratios) if before else None,
        )

    def _store(self, report: Report) -> Path:
        """Write `report` into the folder of this session, and return that."""
        if self._folder is None:
            self._folder = _new_folder(self._config.rootpath, report)
        write_whole(self._folder / "results.json", report.model_dump_json(indent=2) + "\n")
        return self._folder

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        report = self._report
        if report is None:
            return
        terminalreporter.section("load tests")
        text = StringIO()
        # Nobody reads a folded table; a terminal that is narrower folds its lines itself.
        console = Console(
            file=text,
            force_terminal=terminalreporter.hasmarkup,
            width=max(terminalreporter._tw.fullwidth, _NARROWEST),
            highlight=False,
        )
        print_tables(console, report)
        terminalreporter.write(text.getvalue())
        for line in _notes(report, self._before):
            terminalreporter.write_line(line)
        for line in _faults(report):
            terminalreporter.write_line(line, red=True, bold=True)
        folder = self._store(report)
        write_whole(folder / "curves.html", page(report))
        for name in ("results.json", "curves.html"):
            terminalreporter.write_line(str(folder / name))


def _worsened(compared: Compared | None) -> bool:
    return compared is not None and bool(compared.changed(Change.WORSENED))


def _notes(report: Report, before: Report | None) -> Iterator[str]:
    """What is to be known and fails nothing."""
    compared = report.compared
    if compared is None or before is None:
        return
    noise = len(compared.changed(Change.NOISE))
    yield f"Beside {compared.baseline}: {len(compared.both)} ratios in both, {noise} alike within noise"
    for what, here, there in (
        ("scale", report.scale.value, before.scale.value),
        ("processors", report.surroundings.processors, before.surroundings.processors),
    ):
        if here != there:
            yield f"The baseline was measured with another {what}: {there}, here {here}"
    if before.unfinished:
        yield "The baseline is of a session that was cut off"
    for each in compared.changed(Change.IMPROVED):
        yield f"IMPROVED {each}"
    for key in compared.gone:
        yield f"GONE {key}"
    for scenario in compared.unmeasured:
        yield f"GONE {scenario}: nothing of it was measured"
    if compared.new:
        yield f"{len(compared.new)} ratios are not in the baseline"


def _faults(report: Report) -> Iterator[str]:
    """What fails the session, a line each, with value and limit."""
    yield from map(missed_line, report.missed)
    if report.compared:
        for each in report.compared.changed(Change.WORSENED):
            yield f"WORSENED {each}, by more than noise"


def _new_folder(root: Path, report: Report) -> Path:
    """A folder named by the second in which the session began."""
    stamp = report.began.strftime("%Y%m%dT%H%M%SZ")
    parent = root / ".harness" / "benchmarks"
    parent.mkdir(parents=True, exist_ok=True)
    for name in (stamp, *(f"{stamp}-{again}" for again in range(2, 100))):
        try:
            (parent / name).mkdir()
        except FileExistsError:
            continue
        return parent / name
    raise FileExistsError(f"{parent}: a hundred sessions began in one second")
