"""The files into which a result is written for other programs, each written whole or not at all."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from harness.compare import Comparison
from harness.errors import BadInputError
from harness.whole_file import write_whole

__all__ = ["ReportFiles", "write_report"]

_SPECS = (".yaml", ".yml")


@dataclass(frozen=True, slots=True)
class ReportFiles:
    """Where which report goes; None where it is not wanted. A file of that name is replaced."""

    markdown: Path | None = None
    junit: Path | None = None
    html: Path | None = None

    def check(self, read: Iterable[Path] = ()) -> None:
        """Raise `BadInputError` where one cannot be written: an hour's work must not end there.

        What is `read` (files, or folders of them) is not to be replaced.
        """
        sources = {path.resolve() for path in read}
        taken: dict[Path, str] = {}
        for option, path in (("--markdown", self.markdown), ("--junit", self.junit), ("--html", self.html)):
            if path is None:
                continue
            place = path.resolve()
            if path.is_dir():
                raise BadInputError(f"{option}: {path} is a folder; give the name of a file")
            if place in taken:
                raise BadInputError(f"{option}: {path} is the file of {taken[place]} already")
            if place in sources or (place.parent in sources and place.suffix in _SPECS and place.exists()):
                raise BadInputError(f"{option}: {path} is what is compared; it would be replaced")
            if not os.access(place.parent, os.W_OK):
                raise BadInputError(f"{option}: nothing can be written into {place.parent}")
            taken[place] = option

    def write(self, comparisons: Sequence[Comparison]) -> tuple[Path, ...]:
        """Write what is wanted; the paths of what was written."""
        if not any((self.markdown, self.junit, self.html)):
            return ()
        # The page brings its template engine: nothing that a comparison should wait for at its start.
        from harness.report.html import html_report
        from harness.report.junit import junit_report
        from harness.report.markdown import markdown_report

        wanted: tuple[tuple[Path | None, Callable[[Sequence[Comparison]], str]], ...] = (
            (self.markdown, markdown_report),
            (self.junit, junit_report),
            (self.html, html_report),
        )
        written = [(path, report(comparisons)) for path, report in wanted if path is not None]
        for path, text in written:
            write_report(path, text)
        return tuple(path for path, _ in written)


def write_report(path: Path, text: str) -> None:
    """Write `text` into the file `path`, whole or not at all; `BadInputError` where that cannot be done."""
    try:
        write_whole(path, text)
    except OSError as error:
        raise BadInputError(f"{path}: cannot be written: {error.strerror}") from error
