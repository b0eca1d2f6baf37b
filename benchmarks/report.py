"""All that one session of the benchmarks found, as it is stored in `results.json`."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, ValidationError

from benchmarks.baseline import Compared
from benchmarks.results import Figure, Ratio
from benchmarks.scale import Scale
from benchmarks.surroundings import Surroundings

__all__ = ["BadReportError", "Report", "read_report"]


class BadReportError(Exception):
    """A file that should be results of this format is not; the message is one line."""


class Report(BaseModel):
    """One session. What is added to the format later has a default, so that older files can be read."""

    model_config = ConfigDict(frozen=True)

    format: Literal["agentfactory-benchmarks"] = "agentfactory-benchmarks"
    version: Literal[1] = 1
    began: datetime
    took_s: float
    scale: Scale
    surroundings: Surroundings
    failed: tuple[str, ...] = ()
    """The benchmarks that broke, and whose ratios may therefore be missing."""
    unfinished: bool = False
    """Whether the session goes on, or was cut off: it holds what was found up to then."""
    ratios: tuple[Ratio, ...]
    figures: tuple[Figure, ...] = ()
    compared: Compared | None = None
    """With the baseline, where one was given."""

    @property
    def missed(self) -> tuple[Ratio, ...]:
        """Those whose promise is not kept."""
        return tuple(ratio for ratio in self.ratios if ratio.kept is False)

    @property
    def scenarios(self) -> tuple[str, ...]:
        """In the order in which they were measured."""
        return tuple(dict.fromkeys(found.scenario for found in (*self.ratios, *self.figures)))


def read_report(path: Path) -> Report:
    """What is stored at `path`; `BadReportError` where that is not to be read."""
    try:
        text = path.read_bytes()
    except OSError as error:
        raise BadReportError(f"{path}: {error.strerror or error}") from error
    try:
        # A file that does not say what it is would pass for one of ours by the defaults.
        read = Report.model_validate_json(text)
        if {"format", "version"} - read.model_fields_set:
            raise BadReportError(
                f"{path}: no results.json of pytest --benchmark: format and version are missing"
            )
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        place = ".".join(map(str, first["loc"]))
        raise BadReportError(
            f"{path}: no results.json of pytest --benchmark: {place + ': ' if place else ''}{first['msg']}"
        ) from error
    return read
