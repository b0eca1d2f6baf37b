"""The file of a run's events, which the harness that works on the run adds to as they are announced."""

from __future__ import annotations

from pathlib import Path

from pydantic import TypeAdapter, ValidationError

from agents.build import TaskEvent
from harness.errors import BadInputError
from harness.watch.line_file import LineFile
from harness.watch.numbered_event import NumberedEvent

__all__ = ["EventFile"]

_EVENT = TypeAdapter(TaskEvent)


class EventFile:
    """The file at `path`, read as it grows. When the run is over it may be replaced; the events stay."""

    def __init__(self, path: Path) -> None:
        self._lines = LineFile(path)

    def fresh(self) -> list[NumberedEvent]:
        """The events that have come since the last time. Blocks; `BadInputError` for what is none."""
        return [NumberedEvent(number, self._read(number, line)) for number, line in self._lines.fresh()]

    def _read(self, number: int, line: bytes) -> TaskEvent:
        try:
            return _EVENT.validate_json(line)
        except ValidationError as error:
            first = error.errors(include_url=False, include_input=False)[0]
            raise BadInputError(f"{self._lines.path}:{number}: is no event: {first['msg']}") from error
